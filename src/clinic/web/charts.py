"""The charts of the pages: what the core and the record say, drawn by the server. No queries here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format, time_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from clinic.queries.session import Room
from clinic.record.projections import knowledge
from ketapath.domain.plan import Option
from ketapath.domain.session import TimedReading
from ketapath.pharmacology import Series, Simulation
from ketapath.plan.ways import doses_by_session
from ketapath.report import say
from ketapath.report.charts import Band, Dot, Line, Panel, draw
from ketapath.report.strip import Lane, Mark, draw_strip

_SESSION_NAMES = 84.0
"""The same room for names in both charts of a session, so that their minutes stand one under the other."""


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


def pressure_chart(room: Room, zone_of: datetime) -> Drawing | None:
    """Observed pressures of one visit, by the clock."""
    readings = [r for r in room.visit.readings if r.quantity in ("vitals.systolic_mmhg", "vitals.diastolic_mmhg")]
    if not readings:
        return None
    zero = room.visit.administration.started_at if room.visit.administration else room.visit.opened_at
    start, end = _axis(room)
    lines = []
    for quantity, name in (("vitals.systolic_mmhg", _("systolic")), ("vitals.diastolic_mmhg", _("diastolic"))):
        own = [r for r in readings if r.quantity == quantity]
        if own:
            xs = [_minute(r, zero) for r in own]
            lines.append(Line(kind="context", name=name, xs=xs, ys=[float(r.value) for r in own]))
    panel = Panel(
        title=_("Blood pressure in this session"),
        description=_("Observed values by minute from the start of the dose."),
        x_name=_("min"),
        x_from=start,
        x_to=end,
        x_labels=_minutes(end),
        y_from=min(40.0, *(float(r.value) for r in readings)),
        y_to=max(200.0, *(float(r.value) for r in readings)),
        y_step=20.0,
        lines=lines,
        dots=[
            Dot(x=_minute(r, zero), y=float(r.value),
                words=_("%(value)s mmHg at %(time)s")
                % {"value": f"{r.value:g}", "time": date_format(r.at.astimezone(zone_of.tzinfo), "H:i")})
            for r in readings
        ],
        width=720.0,
        height=260.0,
        name_room=_SESSION_NAMES,
    )  # fmt: skip
    return Drawing(
        svg=picture(panel, "pressure"),
        caption=_("Observed pressure, mmHg"),
        head=[_("Time"), _("Value"), _("What")],
        rows=[
            [date_format(r.at.astimezone(zone_of.tzinfo), "H:i"), f"{r.value:g}", knowledge().paths[r.quantity].label]
            for r in readings
        ],
    )


def session_levels(room: Room, now: datetime) -> Drawing | None:
    """The predicted level with the minute that it is now."""
    if room.predicted is None:
        return None
    series = _parent(room.predicted)
    given = room.visit.administration
    minute = None if given is None else (now - given.started_at).total_seconds() / 60
    here = [(minute, _("now"))] if minute is not None and 0 <= minute <= series.times_min[-1] else []
    start, end = _axis(room)
    panel = _level_panel(series, room.predicted.site, width=720.0, height=240.0, verticals=here, x_from=start, x_to=end,
                         name_room=_SESSION_NAMES)  # fmt: skip
    rows = [
        [f"{t:g}", _number(series.p05[i]), _number(series.p50[i]), _number(series.p95[i])]
        for i, t in enumerate(series.times_min)
        if t % 20 == 0
    ]
    return Drawing(
        svg=picture(panel, "level"),
        caption=_("%(analyte)s in %(unit)s; predicted, not measured")
        % {"analyte": series.analyte, "unit": series.unit},
        head=[_("Minute"), "5 %", _("median"), "95 %"],
        rows=rows,
    )


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


def _axis(room: Room) -> tuple[float, float]:
    """The minutes that both charts of a session show, so that they stand one under the other."""
    given = room.visit.administration
    zero = given.started_at if given else room.visit.opened_at
    minutes = [_minute(r, zero) for r in room.visit.readings]
    end = 120.0 if room.predicted is None else room.predicted.series[0].times_min[-1]
    return min([0.0, *minutes]), max([end, *minutes])


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


def _minute(reading: TimedReading, zero: datetime) -> float:
    return (reading.at - zero).total_seconds() / 60


def _number(value: float) -> str:
    return f"{value:.3g}"


def _day(day: date) -> str:
    return date_format(day, "j M Y")


def picture(panel: Panel, identity: str) -> SafeString:
    """The panel as a drawing that a template may hold."""
    return mark_safe(draw(panel, identity=identity))  # noqa: S308  every word in it was escaped by draw
