"""A simulated trial as a page: power by the number of subjects, endpoints by arm with intervals, and their tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from ketapath.domain.cohort import ArmEndpoint, Contrast, Figure, OperatingCharacteristics, SizeFigures
from ketapath.knowledge import Knowledge
from ketapath.report.charts import Dot, Line, Panel, draw, value_step
from ketapath.report.style import STYLE
from ketapath.report.words import say

_INTERVAL = 1.96  # normal quantile of 0.975
_KINDS = ("median", "expected", "context")
_LETTERS = 100.0
"""Room for the names of all arms under the axis."""
Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Heads and rows."""


def trial_html(found: OperatingCharacteristics, knowledge: Knowledge) -> str:
    """The whole page, on its own."""
    notes = "".join(f"<li>{escape(say(note, knowledge.texts))}</li>" for note in found.notes)
    lead = (
        f"{found.trials:,} trials of each size, {found.patients:,} virtual patients, truth: {found.truth}, "
        f"seed {found.seed}. Beside each figure stands its Monte-Carlo standard error."
    )
    foot = f"Design {found.digest[:12]}, knowledge {found.knowledge_version}, code {found.code_version}"
    body = f"<p>{escape(lead)}</p>{trial_sections(found)}<section><h2>What to know</h2><ul>{notes}</ul></section>"
    return (
        '<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(found.title)} - ketapath</title><style>{STYLE}</style></head><body>"
        f"<main><h1>{escape(found.title)}</h1>{body}</main>"
        f"<footer><p>{escape(foot)}</p><p>Every subject is virtual. Gives no orders.</p></footer></body></html>\n"
    )


def trial_sections(found: OperatingCharacteristics) -> str:
    """Charts and tables without the page around them."""
    return "".join(_sections(found))


def _sections(found: OperatingCharacteristics) -> Iterator[str]:
    ends = endpoints(found)
    name = rejecting(found)
    for index, end in enumerate(ends):
        picture = draw(power_panel(found, end), identity=f"power-{index}")
        table = _table(*power_table(found, end))
        yield f"<section><h2>{escape(title_of(end))}: {name} in percent</h2>{picture}{table}</section>"
    for size in found.sizes:
        pictures = ""
        if size is found.sizes[-1]:  # the means are much the same at every size, so they are drawn once
            pictures = "".join(
                f"<h3>{escape(title_of(end))}</h3>{draw(arms_panel(size, end), identity=f'arms-{place}')}"
                for place, end in enumerate(ends)
            )
        yield f"<section><h2>Arms, {size.size} subjects each</h2>{pictures}{_table(*arms_table(size))}</section>"


def power_panel(found: OperatingCharacteristics, endpoint: str) -> Panel:
    """The share of trials that reject no difference, by the number of subjects, for each contrast."""
    sizes = [float(size.size) for size in found.sizes]
    rows = [[one for one in size.contrasts if one.endpoint == endpoint] for size in found.sizes]
    lines, dots = [], []
    for place, pair in enumerate(rows[0]):
        points = [row[place].rejected for row in rows]
        kind = _KINDS[place % len(_KINDS)]
        lines.append(Line(kind=kind, name=_short(pair.first, 28), xs=sizes, ys=[100 * p.value for p in points]))
        dots += [
            Dot(x=x, y=100 * p.value, error=100 * _INTERVAL * p.error, words=f"{pair.first}, {x:g}: {_percent(p)}")
            for x, p in zip(sizes, points, strict=True)
        ]
    room = 0.05 * (sizes[-1] - sizes[0]) or 1.0
    return Panel(
        title=f"{title_of(endpoint)}: {rejecting(found)}",
        description="Percent of simulated trials whose test rejects no difference, with the Monte-Carlo interval of "
        "95 %, by subjects of an arm. The table below has the same numbers.",
        x_name="subjects",
        x_from=sizes[0] - room,
        x_to=sizes[-1] + room,
        x_labels=[(x, f"{x:g}") for x in sizes],
        y_to=100.0,
        y_step=20.0,
        lines=lines,
        dots=dots,
        marks=[(100 * found.alpha, f"alpha {found.alpha:g}")],
    )


def arms_panel(size: SizeFigures, endpoint: str) -> Panel:
    """The mean of each arm, with the interval that a trial of this size would state."""
    ends = [(arm.name, next(e for e in arm.endpoints if e.endpoint == endpoint)) for arm in size.arms]
    times = 100.0 if ends[0][1].unit == "1" else 1.0
    means = [(n, times * e.mean.value, _INTERVAL * times * e.standard_error.value) for n, e in ends]
    known = [(n, m, 0.0 if math.isnan(e) else e) for n, m, e in means if not math.isnan(m)]
    low = min([0.0, *(m - e for _, m, e in known)])
    high = max([0.0, *(m + e for _, m, e in known)])
    step = float(value_step(max(high - low, 1.0), 6))
    places = {name: float(index) for index, (name, _) in enumerate(ends)}
    return Panel(
        title=f"{title_of(endpoint)}, by arm",
        description="Mean of each arm with the interval of 95 % that one trial would state. The table below has the "
        "same numbers.",
        x_name="percent" if times > 1.0 else "days" if ends[0][1].unit == "d" else "points",
        x_from=-0.5,
        x_to=len(ends) - 0.5,
        x_labels=[(at, _short(name, int(_LETTERS / len(ends)))) for name, at in places.items()],
        y_from=step * math.floor(low / step),
        y_to=step * math.ceil(high / step),
        y_step=step,
        height=240.0,
        dots=[Dot(x=places[n], y=m, error=e, words=f"{n}: {m:.1f}, {m - e:.1f} to {m + e:.1f}") for n, m, e in known],
    )


def endpoints(found: OperatingCharacteristics) -> list[str]:
    """Their names, the primary one first."""
    return list(dict.fromkeys(one.endpoint for one in found.sizes[0].contrasts))


def rejecting(found: OperatingCharacteristics) -> str:
    """What the share of trials that reject no difference is called in this truth."""
    return "type-I error" if found.truth == "null" else "power"


def power_table(found: OperatingCharacteristics, endpoint: str) -> Table:
    """What each contrast finds in this endpoint, one row for each number of subjects."""
    heads = ("Subjects", "Contrast", "Rejected", "Estimate", "True", "Bias", "95 % interval covers")
    rows = [
        (f"{size.size}", f"{one.first} minus {one.other}", _percent(one.rejected), *_errors(one))
        for size in found.sizes
        for one in size.contrasts
        if one.endpoint == endpoint
    ]
    return heads, rows


def _errors(one: Contrast) -> tuple[str, str, str, str]:
    def shown(figure: Figure | None) -> str:
        return "not played" if figure is None else _percent(figure) if one.unit == "1" else _plain(figure)

    covers = "not played" if one.coverage is None else _percent(one.coverage)
    return shown(one.estimate), shown(one.true), shown(one.bias), covers


def arms_table(size: SizeFigures) -> Table:
    """What each arm gets and loses, and how it ends."""
    ends = [e.endpoint for e in size.arms[0].endpoints]
    heads = ("Arm", "Sessions", "mg", "Left", "Visits missed", "Past 180 systolic", *(title_of(e) for e in ends))
    rows = [
        (
            arm.name,
            _plain(arm.sessions),
            _plain(arm.mg),
            _percent(arm.left),
            _percent(arm.missed),
            "not simulated" if arm.past_180 is None else _percent(arm.past_180),
            *(_mean(e) for e in arm.endpoints),
        )
        for arm in size.arms
    ]
    return heads, rows


def _mean(end: ArmEndpoint) -> str:
    return _percent(end.mean) if end.unit == "1" else _plain(end.mean)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th scope=col>{escape(h)}</th>" for h in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        "<details><summary>The same as a table</summary>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>'
    )


def title_of(endpoint: str) -> str:
    """The endpoint as a heading."""
    return endpoint[0].upper() + endpoint[1:]


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _percent(figure: Figure) -> str:
    return "-" if math.isnan(figure.value) else f"{100 * figure.value:.1f} ±{100 * figure.error:.1f} %"


def _plain(figure: Figure) -> str:
    return "-" if math.isnan(figure.value) else f"{figure.value:.2f} ±{figure.error:.2f}"
