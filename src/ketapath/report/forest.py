"""Intervals under one another, each with what was observed: an SVG that stands on its own, for the pages of docs/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_NAME, _PLOT, _ROW, _HEAD, _FOOT = 330.0, 460.0, 15.0, 34.0, 26.0
_STYLE = (
    "text{font:11px sans-serif;fill:#222}.q{fill:#666}.a{stroke:#9aa;stroke-width:3}.b{stroke:#1d5f8a;stroke-width:5}"
    ".c{stroke:#1d5f8a;stroke-width:1.5}.o{fill:#b3401c}.z{stroke:#888;stroke-dasharray:3 3}"
    "svg{background:#fff}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One row: a name, up to two intervals (the wider or earlier one above), a middle and perhaps an observation."""

    name: str
    outer: tuple[float, float]
    inner: tuple[float, float]
    observed: float | None = None


def forest(rows: Sequence[Interval], *, title: str, legend: str, low: float, high: float, step: float) -> str:
    """The drawing as SVG; the axis runs from low to high, and whatever leaves it ends at its edge."""
    height = _HEAD + _ROW * len(rows) + _FOOT

    def x(value: float) -> str:
        inside = min(max(value, low), high)
        return f"{_NAME + _PLOT * (inside - low) / (high - low):.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_NAME + _PLOT + 20:.0f} {height:.0f}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="100%" height="100%" fill="#fff"/><text x="4" y="14">{escape(title)}</text>',
        f'<text class="q" x="4" y="28">{escape(legend)}</text>',
    ]
    bottom = height - _FOOT
    tick = low
    while tick <= high + 1e-9:
        lines.append(f'<text class="q" x="{x(tick)}" y="{bottom + 16:.0f}" text-anchor="middle">{tick:g}</text>')
        tick += step
    if low < 0.0 < high:
        lines.append(f'<line class="z" x1="{x(0.0)}" x2="{x(0.0)}" y1="{_HEAD:.0f}" y2="{bottom:.0f}"/>')
    for index, row in enumerate(rows):
        y = _HEAD + _ROW * (index + 0.5)
        lines.append(f'<text x="4" y="{y + 4:.1f}">{escape(row.name)}</text>')
        for kind, (left, right), shift in (("a", row.outer, -2.0), ("b", row.inner, 2.0)):
            at = f"{y + shift:.1f}"
            lines.append(f'<line class="{kind}" x1="{x(left)}" x2="{x(right)}" y1="{at}" y2="{at}"/>')
        if row.observed is not None:
            lines.append(f'<circle class="o" cx="{x(row.observed)}" cy="{y:.1f}" r="3.5"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"
