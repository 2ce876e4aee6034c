"""The recovery curve as an accessible drawing: band first, then median, then the person's own scores."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ketapath.domain.response import Course, RecoveryCurve

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 300, 40, 40, 12


def recovery_chart(course: Course) -> str:
    """SVG with its table one click away; without a curve, the dashed box that says so."""
    if course.curve is None:
        return (
            '<p class="gap">No curve: the notes below say what is missing. The person\'s own scores stay on record.</p>'
        )
    curve = course.curve
    last = curve.days[-1]
    top = max(27.0, *curve.p95)  # source: PHQ-9, highest total

    def x(day: float) -> float:
        return _LEFT + (day / last) * (_WIDTH - _LEFT - 10) if last else float(_LEFT)

    def y(score: float) -> float:
        return _TOP + (1 - score / top) * (_HEIGHT - _TOP - _BOTTOM)

    def band(low: Sequence[float], high: Sequence[float]) -> str:
        there = [f"{x(d):.1f},{y(v):.1f}" for d, v in zip(curve.days, high, strict=True)]
        back = [f"{x(d):.1f},{y(v):.1f}" for d, v in zip(curve.days, low, strict=True)]
        return " ".join(there + back[::-1])

    median = " ".join(f"{x(d):.1f},{y(v):.1f}" for d, v in zip(curve.days, curve.p50, strict=True))
    dots = "".join(
        f'<circle cx="{x(max(o.day, 0)):.1f}" cy="{y(o.total):.1f}" r="5" fill="var(--ink)">'
        f"<title>{o.total:g} on day {o.day:g}, {escape(o.origin)}</title></circle>"
        for o in course.observed
    )
    ticks = "".join(
        f'<text x="{_LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v}</text>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="var(--line)"/>'
        for v in (0, 5, 10, 15, 20)
    )
    weeks = "".join(
        f'<text x="{x(d):.1f}" y="{_HEIGHT - 16}" text-anchor="middle">{d}</text>' for d in range(0, int(last) + 1, 14)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="chart-title chart-words" width="100%">'
        '<title id="chart-title">PHQ-9 over time</title><desc id="chart-words">Median with bands for half and for nine '
        "of ten such people; dots are this person's scores. The table below has the same numbers.</desc>"
        f'{ticks}<polygon points="{band(curve.p05, curve.p95)}" fill="var(--band90)"/>'
        f'<polygon points="{band(curve.p25, curve.p75)}" fill="var(--band50)"/>'
        f'<polyline points="{median}" fill="none" stroke="var(--accent)" stroke-width="2"/>{dots}{weeks}'
        f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 2}" text-anchor="end">days since the first session</text></svg>'
        + _table(curve)
    )


def _table(curve: RecoveryCurve) -> str:
    names = ("p05", "p25", "p50", "p75", "p95")
    rows = "".join(
        f"<tr><td>{day:g}</td>" + "".join(f"<td>{getattr(curve, n)[i]:.1f}</td>" for n in names) + "</tr>"
        for i, day in enumerate(curve.days)
        if day % 7 == 0
    )
    head = "".join(f"<th>{n.removeprefix('p').lstrip('0')} %</th>" for n in names)
    return (
        "<details><summary>The same as a table</summary><table><caption>PHQ-9 that would be observed</caption>"
        f"<thead><tr><th>Day</th>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
    )
