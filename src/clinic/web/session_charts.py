"""The chart of a session: what was expected of this dose, and what is observed, on one axis of time. No queries here.

Three panels stand one under the other: level, pressure, dissociation. Bands are of the person's own model; dots are
what was read. Limits are drawn over the pressure and act on the dots alone.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any

from django.utils.formats import time_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from clinic.queries.session import Room
from clinic.queries.session_expected import Expected
from clinic.web.charts import Drawing, round_axis
from clinic.web.words import WORDS
from ketapath.domain.session import TimedReading
from ketapath.pharmacology.effects import Band as EffectBand
from ketapath.report.charts import Band, Dot, Line, Panel, inside

SYSTOLIC, DIASTOLIC, FELT = "vitals.systolic_mmhg", "vitals.diastolic_mmhg", "session.dissociation_0_10"
_WIDTH, _NAMES, _HEAD = 580.0, 84.0, 30.0
_ROWS_EVERY_MIN = 20
_LONGEST_MIN = 240.0
_FELT_TOP = 10.0


def session_chart(here: Room, found: Expected, now: datetime) -> Drawing | None:
    """Everything that there is to draw of this visit; None where nothing was predicted and nothing read."""
    axis = _Axis(here, found, now)
    panels = [(heading, panel) for heading, panel in (
        _level(found, axis), _pressure(here, found, axis), _dissociation(here, found, axis),
    ) if panel is not None]  # fmt: skip
    if not panels:
        return None
    top, groups = 0.0, []
    for heading, panel in panels:
        groups.append(f'<text class="heading" x="0" y="{top + 16:g}">{escape(heading)}</text>')
        groups.append(f'<g transform="translate(0 {top + _HEAD - 14:g})">{inside(panel)}</g>')
        top += _HEAD - 14 + panel.height
    words = _("Bands: half and nine of ten such people, predicted, not measured. Dots: observed. Limits act on observed values only. The table below has the same numbers.")  # noqa: E501  # fmt: skip
    drawn = (
        f'<svg class="chart session-chart" width="{_WIDTH:g}" viewBox="0 0 {_WIDTH:g} {top:g}" role="img" '
        f'aria-labelledby="session-title session-words"><title id="session-title">'
        f"{escape(_('Expected and observed in this session'))}</title>"
        f'<desc id="session-words">{escape(words)}</desc>{"".join(groups)}</svg>'
    )
    head, rows = _table(here, found, axis)
    return Drawing(
        svg=mark_safe(drawn),  # noqa: S308  every word in it was escaped above or by `inside`
        caption=_("Bands are predicted, not measured; dots are observed. Limits act on observed values only."),
        head=head,
        rows=rows,
    )


class _Axis:
    """The minutes that all panels show: from the first reading to the end of what is expected, told by the clock."""

    def __init__(self, here: Room, found: Expected, now: datetime) -> None:
        given = here.visit.administration
        self.zero = now if given is None else given.started_at
        if given is None and here.visit.readings:
            self.zero = max(r.at for r in here.visit.readings)
        self.zone, self.is_running = now.tzinfo, given is not None
        read = [self.minute(r.at) for r in here.visit.readings]
        end = here.watch_minutes + (found.infusion_min or 0.0)
        self.start = 10.0 * math.floor(min([-5.0, *read]) / 10.0) if read else 0.0
        self.end = min(_LONGEST_MIN, max([20.0 * math.ceil(end / 20.0), *read]))
        passed = self.minute(now)
        is_on = given is not None and here.step != "home" and passed <= self.end
        self.verticals = [(passed, _("now"))] if is_on else []

    def minute(self, at: datetime) -> float:
        return (at - self.zero).total_seconds() / 60

    def clock(self, minute: float) -> str:
        return time_format((self.zero + timedelta(minutes=minute)).astimezone(self.zone), "H:i")

    @property
    def frame(self) -> dict[str, Any]:
        """What all panels have in common."""
        return {
            "x_from": self.start, "x_to": self.end, "x_name": "" if self.is_running else _("min"),
            "x_labels": self.labels, "verticals": self.verticals, "width": _WIDTH, "name_room": _NAMES,
            "description": "",
        }  # fmt: skip

    @property
    def labels(self) -> list[tuple[float, str]]:
        step = 20 if self.end - self.start <= 140 else 40
        minutes = range(0, int(self.end) + 1, step)
        return [(float(m), self.clock(m) if self.is_running else str(m)) for m in minutes]


def _cut(axis: _Axis, xs: Sequence[float], *courses: Sequence[float]) -> list[tuple[float, ...]]:
    """The courses as far as the axis goes."""
    kept = [i for i, x in enumerate(xs) if x <= axis.end]
    return [tuple(course[i] for i in kept) for course in (xs, *courses)]


def _dosing(axis: _Axis, found: Expected, low: float, high: float) -> list[Band]:
    """A shade over the minutes in which the dose runs in."""
    if not found.infusion_min:
        return []
    end = min(found.infusion_min, axis.end)
    return [Band(kind="dosing", xs=(0.0, end), low=(low, low), high=(high, high))]


def _level(found: Expected, axis: _Axis) -> tuple[str, Panel | None]:
    series = found.level
    if series is None or found.simulation is None:
        return "", None
    top, step = round_axis(max(series.p95))
    xs, p05, p25, p50, p75, p95 = _cut(
        axis, series.times_min, series.p05, series.p25, series.p50, series.p75, series.p95
    )
    said = {"analyte": series.analyte, "unit": series.unit, "site": WORDS.get(found.simulation.site, "")}
    return _("Level: %(analyte)s, %(unit)s, %(site)s; predicted, not measured") % said, Panel(
        **axis.frame, height=190.0, title=_("Level"), y_to=top, y_step=step,
        bands=[*_dosing(axis, found, 0.0, top), Band(kind="band90", xs=xs, low=p05, high=p95),
               Band(kind="band50", xs=xs, low=p25, high=p75)],
        lines=[Line(kind="median", name=_("median"), xs=xs, ys=p50)],
    )  # fmt: skip


def _pressure(here: Room, found: Expected, axis: _Axis) -> tuple[str, Panel | None]:
    courses = [(band, name) for quantity, name in (("systolic", _("systolic")), ("diastolic", _("diastolic")))
               if (band := _course(found, quantity)) is not None and not band.above_resting]  # fmt: skip
    read = [r for r in here.visit.readings if r.quantity in (SYSTOLIC, DIASTOLIC)]
    if not courses and not read:
        return "", None
    values = [float(r.value) for r in read] + [limit.value for limit in found.limits]
    bands: list[Band] = []
    lines: list[Line] = []
    for band, name in courses:
        xs, p05, p25, p50, p75, p95 = _cut(axis, band.times_min, band.p05, band.p25, band.p50, band.p75, band.p95)
        bands += [Band(kind="band90", xs=xs, low=p05, high=p95), Band(kind="band50", xs=xs, low=p25, high=p75)]
        lines.append(Line(kind="median", name=name, xs=xs, ys=p50))
        values += [*p05, *p95]
    low, high = 20.0 * math.floor(min([60.0, *values]) / 20.0), 20.0 * math.ceil(max([160.0, *values]) / 20.0)
    heading = _("Pressure, mmHg; bands predicted, dots observed") if courses else _("Pressure, mmHg, observed")
    return heading, Panel(
        **axis.frame, height=250.0, title=_("Pressure"), y_from=low, y_to=high, y_step=20.0,
        bands=[*_dosing(axis, found, low, high), *bands], lines=lines,
        marks=[(limit.value, _("limit %(value)s") % {"value": f"{limit.value:g}"}) for limit in found.limits],
        dots=[_dot(axis, r, "mmHg") for r in read],
    )  # fmt: skip


def _dissociation(here: Room, found: Expected, axis: _Axis) -> tuple[str, Panel | None]:
    """The predicted share of the most that can be felt, and the person's own rating, on one axis from 0 to 10."""
    band, read = _course(found, "dissociation"), [r for r in here.visit.readings if r.quantity == FELT]
    if band is None and not read:
        return "", None
    bands: list[Band] = []
    lines: list[Line] = []
    heading = _("Dissociation, own rating from 0 to 10")
    if band is not None:
        heading = _("Dissociation: predicted share of the most, in tenths; own rating, 0 to 10")
        scaled = ([_FELT_TOP * y for y in course] for course in (band.p05, band.p25, band.p50, band.p75, band.p95))
        xs, p05, p25, p50, p75, p95 = _cut(axis, band.times_min, *scaled)
        bands = [Band(kind="band90", xs=xs, low=p05, high=p95), Band(kind="band50", xs=xs, low=p25, high=p75)]
        lines = [Line(kind="median", name=_("median"), xs=xs, ys=p50)]
    return heading, Panel(
        **axis.frame, height=190.0, title=_("Dissociation"), y_to=_FELT_TOP, y_step=5.0,
        bands=[*_dosing(axis, found, 0.0, _FELT_TOP), *bands], lines=lines,
        dots=[_dot(axis, r, _("of 10")) for r in read],
    )  # fmt: skip


def _course(found: Expected, quantity: str) -> EffectBand | None:
    bands = found.effects.bands if found.effects is not None else ()
    return next((band for band in bands if band.quantity == quantity), None)


def _dot(axis: _Axis, reading: TimedReading, unit: str) -> Dot:
    at = axis.minute(reading.at)
    said = {"value": f"{float(reading.value):g}", "unit": unit, "time": axis.clock(at)}
    return Dot(x=at, y=float(reading.value), words=_("%(value)s %(unit)s at %(time)s, observed") % said)


def _table(here: Room, found: Expected, axis: _Axis) -> tuple[list[str], list[list[str]]]:
    """The same numbers: what is predicted at round minutes and whenever something was read, and what was read."""
    read = [r for r in here.visit.readings if r.quantity in (SYSTOLIC, DIASTOLIC, FELT)]
    moments = sorted({*(float(m) for m in range(0, int(axis.end) + 1, _ROWS_EVERY_MIN)),
                      *(round(axis.minute(r.at), 1) for r in read)})  # fmt: skip
    head = [_("Time") if axis.is_running else _("Minute"), _("Level, predicted")]
    for name in (_("Systolic"), _("Diastolic"), _("Dissociation")):
        head += [_("%(what)s, predicted") % {"what": name}, _("observed")]
    rows = []
    for minute in moments:
        cells = [axis.clock(minute) if axis.is_running else f"{minute:g}", _at(found.level, minute, _three)]
        for quantity, path in (("systolic", SYSTOLIC), ("diastolic", DIASTOLIC), ("dissociation", FELT)):
            band = _course(found, quantity)
            shown = _tenths if quantity == "dissociation" else _whole
            cells.append("" if band is None or band.above_resting else _at(band, minute, shown))
            cells.append(", ".join(_observed(read, path, minute, axis)))
        rows.append(cells)
    return head, rows


def _observed(read: Sequence[TimedReading], path: str, minute: float, axis: _Axis) -> Iterator[str]:
    return (f"{float(r.value):g}" for r in read if r.quantity == path and round(axis.minute(r.at), 1) == minute)


def _at(course: object, minute: float, shown: Callable[[float], str]) -> str:
    """Median and nine of ten at the nearest computed minute; nothing before the dose or past the end."""
    times: Sequence[float] = getattr(course, "times_min", ())
    if not times or not times[0] <= minute <= times[-1]:
        return ""
    place = bisect_left(times, minute)
    if place and minute - times[place - 1] < times[place] - minute:
        place -= 1
    low, middle, high = (shown(getattr(course, name)[place]) for name in ("p05", "p50", "p95"))
    return _("%(middle)s (%(low)s to %(high)s)") % {"middle": middle, "low": low, "high": high}


def _three(value: float) -> str:
    return f"{value:.3g}"


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _tenths(value: float) -> str:
    return f"{_FELT_TOP * value:.1f}"
