"""The charts of the pages: what the core and the record say, drawn by the server. No queries here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format, time_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from clinic.record.projections import knowledge
from ketapath.domain.plan import Option
from ketapath.pharmacology import Series, Simulation
from ketapath.plan.ways import doses_by_session
from ketapath.report import say
from ketapath.report.charts import Band, Line, Panel, draw
from ketapath.report.strip import Lane, Mark, draw_strip


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing and the same numbers as a table."""

    svg: SafeString
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def levels_chart(found: Simulation, *, identity: str) -> Drawing:
    """Expected level of the parent drug: nine of ten such people lie in the band."""
    series = _parent(found)
    panel = _level_panel(series, found.site, width=520.0, height=240.0)
    rows = [
        [f"{t:g}", _number(series.p05[i]), _number(series.p50[i]), _number(series.p95[i])]
        for i, t in enumerate(series.times_min)
        if t % 20 == 0
    ]
    return Drawing(
        svg=picture(panel, identity),
        caption=_("%(analyte)s in %(unit)s, %(site)s blood; predicted, not measured")
        % {"analyte": series.analyte, "unit": series.unit, "site": found.site},
        head=[_("Minute"), "5 %", _("median"), "95 %"],
        rows=rows,
    )


def schedule_strip(option: Option, today: date, *, identity: str) -> Drawing:
    """The days of an option: doses, the hours that belong to them, and what is checked."""
    doses, hours, checks = [], [], []
    mg = iter(doses_by_session(option.steps, sum(visit.kind == "session" for visit in option.schedule)))
    last_dose: date | None = None
    for visit in option.schedule:
        words = f"{_day(visit.on)}: {say(visit.title, knowledge().texts)}"
        if visit.kind == "session":
            last_dose = visit.on
            label = f"{next(mg):g}" if option.steps else ""
            doses.append(Mark(on=visit.on, shape="dose", words=words, label=label))
        elif visit.kind in ("preparation", "integration", "psychotherapy"):
            tied = last_dose if visit.kind == "integration" else None
            hours.append(Mark(on=visit.on, shape="hour", words=words, tied_to=tied))
        else:
            checks.append(Mark(on=visit.on, shape="check", words=words))
    last = option.schedule[-1].on
    weeks = [today + timedelta(days=d) for d in range(0, (last - today).days + 1, 7)]
    lanes = [
        Lane(name=_("Dose, mg"), marks=doses),
        Lane(name=_("Therapy"), marks=hours),
        Lane(name=_("Checks"), marks=checks),
    ]
    drawn = draw_strip(
        lanes,
        title=_("Schedule"),
        description=_("Doses over the weeks, with the hours tied to them and the checks."),
        weeks=[(day, date_format(day, "j M")) for day in weeks],
        identity=identity,
    )
    return Drawing(
        svg=mark_safe(drawn),  # noqa: S308  every word in it was escaped by draw_strip
        caption=_("Squares are doses, rings are hours of therapy tied to their dose, ticks are calls and reviews"),
        head=[_("Day"), _("Starts"), _("What"), _("Minutes")],
        rows=[
            [_day(v.on), "" if v.starts is None else time_format(v.starts, "H:i"), say(v.title, knowledge().texts),
             str(v.minutes)]
            for v in option.schedule
        ],
    )  # fmt: skip


def _level_panel(
    series: Series,
    site: str,
    *,
    width: float,
    height: float,
    verticals: Sequence[tuple[float, str]] = (),
    x_from: float = 0.0,
    x_to: float | None = None,
    name_room: float | None = None,
) -> Panel:
    top, step = round_axis(max(series.p95))
    end = series.times_min[-1] if x_to is None else x_to
    return Panel(
        title=_("Expected level of %(analyte)s, %(unit)s, %(site)s blood")
        % {"analyte": series.analyte, "unit": series.unit, "site": site},
        description=_("Median, with bands for half and nine of ten such people. Predicted, not measured."),
        x_name=_("min"),
        x_from=x_from,
        x_to=end,
        x_labels=_minutes(end),
        y_to=top,
        y_step=step,
        bands=[
            Band(kind="band90", xs=series.times_min, low=series.p05, high=series.p95),
            Band(kind="band50", xs=series.times_min, low=series.p25, high=series.p75),
        ],
        lines=[Line(kind="median", name=_("median"), xs=series.times_min, ys=series.p50)],
        verticals=verticals,
        width=width,
        height=height,
        name_room=name_room,
    )


def _minutes(end: float) -> list[tuple[float, str]]:
    step = 40 if end <= 300 else 120
    return [(float(m), str(m)) for m in range(0, int(end) + 1, step)]


def _parent(found: Simulation) -> Series:
    """Ketamine after a racemic dose, S-ketamine after esketamine."""
    wanted = {s.analyte: s for s in found.series}
    return wanted.get("ketamine") or wanted.get("S-ketamine") or found.series[0]


def round_axis(highest: float) -> tuple[float, float]:
    """A top and a step of 1, 2 or 5 times a power of ten, with at most six steps."""
    if highest <= 0:
        return 1.0, 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    step = next(s * power for s in (0.2, 0.5, 1.0, 2.0) if highest / (s * power) <= 5)
    return step * math.ceil(highest / step), step


def _number(value: float) -> str:
    return f"{value:.3g}"


def _day(day: date) -> str:
    return date_format(day, "j M Y")


def picture(panel: Panel, identity: str) -> SafeString:
    """The panel as a drawing that a template may hold."""
    return mark_safe(draw(panel, identity=identity))  # noqa: S308  every word in it was escaped by draw
