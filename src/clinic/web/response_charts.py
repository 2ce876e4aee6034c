"""The charts of a person's course: the curve beside what was expected, every scale small, goals in own words.

All stand on one axis of time, so that whatever lies one under the other happened on the same day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.queries.person import Chart
from clinic.queries.response import Beside, has_own_score, starts_late
from clinic.record.projections import knowledge
from clinic.web.charts import Drawing, picture
from clinic.web.words import WORDS
from ketapath.domain.fact import ScoreEntry
from ketapath.domain.response import Change, Course, Goal, GoalRating, Observed, RecoveryCurve, ScaleCourse
from ketapath.report.charts import (
    Dot,
    Line,
    Panel,
    Point,
    Row,
    Tick,
    course_bands,
    expected_band,
    expected_line,
    value_step,
)

_WIDE, _HIGH = 1080.0, 360.0
_SMALL_WIDE, _SMALL_HIGH, _GOAL_HIGH = 400.0, 200.0, 150.0
_SMALL_NAMES = 30.0
"""Room at the right of a small panel: its name stands above it, so only half of the last day's date needs some."""
_ERROR_OF_CHANGE = 1.6448536 / (1.959964 * math.sqrt(2.0))
"""From the least reliable change of two measurements (1 in 20) to the error of one (nine in ten): normal quantiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days that every chart of a page shows, counted from `first`."""

    first: date
    start: float
    end: float
    today: float

    def day(self, value: float) -> date:
        """The date of a day of the course."""
        return self.first + timedelta(days=round(value))

    def shows(self, day: date) -> bool:
        """Whether this date lies on the axis."""
        return self.start <= (day - self.first).days <= self.end

    def dates(self, most: int) -> list[tuple[float, str]]:
        """Named days for the axis, whole weeks apart, at most so many."""
        weeks = next(w for w in (1, 2, 4, 8, 12, 26, 52, 104, 520) if self.end // (7 * w) < most)
        return [(float(d), date_format(self.day(d), "j M")) for d in range(0, int(self.end) + 1, 7 * weeks)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePanel:
    """One scale, small: what the page says of it beside its drawing. `drawing` is None where it has no score."""

    scale: ScaleCourse
    last: Observed | None
    last_on: date | None
    drawing: Drawing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPanel:
    """One goal in the person's own words with its ratings; `drawing` is None where nobody has rated it yet."""

    goal: Goal
    drawing: Drawing | None


def span_of(found: Chart, course: Course, beside: Beside) -> Span | None:
    """The days to be shown; None where there is neither a session nor a score."""
    if beside.first is None:
        return None
    curves = [course.curve, course.expected, *(s.curve for s in course.scales)]
    observed = [*course.observed, *(one for s in course.scales for one in s.observed)]
    scores = [float((s.on - beside.first).days) for s in beside.scores if s.total is not None]
    rated = [float((r.on - beside.first).days) for goal in course.goals for r in goal.ratings]
    today = float((found.as_of - beside.first).days)
    ahead = [float((day - beside.first).days) for day in beside.ahead[:1]]
    ends = [curve.days[-1] for curve in curves if curve is not None and curve.days]
    start = min([0.0, *(o.day for o in observed), *scores, *rated])
    end = max([14.0, today, *ends, *ahead, *(o.day for o in observed), *rated])
    # A little room on the left, so that the first score does not stand on the numbers of the axis.
    return Span(first=beside.first, start=start - 0.02 * (end - start), end=end, today=today)


def course_chart(
    course: Course, beside: Beside, span: Span | None, *, with_expected: bool = True, identity: str = "response"
) -> Drawing | None:
    """The course of the scale it speaks of, large; None where there is nothing to draw yet."""
    dots = [] if span is None else _dots(course, beside, span)
    if span is None or (not dots and course.curve is None):
        return None
    scale, curve = course.scales[0] if course.scales else None, course.curve
    name, top = _name_of(course.scale, scale), _top_of(course.scale, scale)
    expected = course.expected if with_expected else None
    caption = _caption(course, expected, beside, span)
    panel = Panel(
        title=_("%(scale)s over time") % {"scale": name},
        description=_("%(caption)s A table of the same numbers follows.") % {"caption": caption},
        x_name="",
        x_from=span.start,
        x_to=span.end,
        x_labels=span.dates(10),
        y_to=top,
        y_step=value_step(top, 6),
        bands=[*(course_bands(curve) if curve else ()), *expected_band(expected)],
        lines=[*expected_line(expected, _("expected")), *_own_line(course)],
        dots=dots,
        ticks=_sessions(beside, span),
        rows=_rows(beside, span),
        marks=_half(course, scale),
        verticals=[(span.today, _("today"))],
        width=_WIDE,
        height=_HIGH if with_expected else 300.0,
    )  # fmt: skip
    return Drawing(
        svg=picture(panel, identity),
        caption=caption,
        head=_head(course, expected),
        rows=_course_rows(course, expected, beside, span),
    )


def scale_panels(course: Course, beside: Beside, span: Span | None) -> list[ScalePanel]:
    """Every scale of the person, small, on the same axis of time."""
    return [_scale_panel(scale, beside, span, place) for place, scale in enumerate(course.scales)]


def goal_panels(course: Course, span: Span | None) -> list[GoalPanel]:
    """Every goal with its ratings, on the axis of the scales."""
    return [_goal_panel(goal, span, place) for place, goal in enumerate(course.goals)]


def _scale_panel(scale: ScaleCourse, beside: Beside, span: Span | None, place: int) -> ScalePanel:
    last = max(scale.observed, key=lambda one: one.day, default=None)
    if span is None or (last is None and scale.curve is None):
        return ScalePanel(scale=scale, last=None, last_on=None, drawing=None)
    curve, error = scale.curve, _error(scale.change)
    panel = Panel(
        title=_("%(scale)s over time") % {"scale": scale.title},
        description=_("Dots are this person's own scores, on the same days as the charts beside it."),
        x_name="",
        x_from=span.start,
        x_to=span.end,
        x_labels=span.dates(5),
        y_to=scale.top,
        y_step=value_step(scale.top, 4),
        bands=[*(course_bands(curve) if curve else ()), *expected_band(scale.expected)],
        lines=[*expected_line(scale.expected, ""),
               *([Line(kind="median", name="", xs=curve.days, ys=curve.p50)] if curve else ())],
        dots=[_dot(scale.title, one, span, error) for one in scale.observed],
        ticks=[Tick(x=tick.x, words="", is_planned=tick.is_planned, is_missed=tick.is_missed)
               for tick in _sessions(beside, span)],
        verticals=[(span.today, "")],
        width=_SMALL_WIDE,
        height=_SMALL_HIGH,
        name_room=_SMALL_NAMES,
    )  # fmt: skip
    drawing = Drawing(
        svg=picture(panel, f"scale-{place}"),
        caption=_("%(scale)s: own scores") % {"scale": scale.title},
        head=[_("Day"), _("Score"), _("Source")],
        rows=[[_written(span.day(one.day)), f"{one.total:g}", one.origin] for one in scale.observed],
    )
    return ScalePanel(scale=scale, last=last, last_on=span.day(last.day) if last else None, drawing=drawing)


def _goal_panel(goal: Goal, span: Span | None, place: int) -> GoalPanel:
    if span is None or not goal.ratings:
        return GoalPanel(goal=goal, drawing=None)
    newest = tuple({rating.on: rating for rating in goal.ratings}.values())  # ratings stand in order of time
    xs = [float((rating.on - span.first).days) for rating in newest]
    panel = Panel(
        title=_("Goal, rated from -2 to +2"),
        description=_("-2 is much less than hoped for, 0 as hoped for, +2 much more."),
        x_name="",
        x_from=span.start,
        x_to=span.end,
        x_labels=span.dates(5),
        y_from=-2.0,
        y_to=2.0,
        y_step=1.0,
        lines=[Line(kind="context", name="", xs=xs, ys=[float(rating.level) for rating in newest])],
        dots=[
            Dot(x=x, y=float(rating.level), words=f"{_written(rating.on)}: {level_words(rating.level)}")
            for x, rating in zip(xs, newest, strict=True)
        ],
        marks=[(0.0, "")],
        verticals=[(span.today, "")],
        width=_SMALL_WIDE,
        height=_GOAL_HIGH,
        name_room=_SMALL_NAMES,
    )
    drawing = Drawing(
        svg=picture(panel, f"goal-{place}"),
        caption=_("-2 is much less than hoped for, 0 as hoped for, +2 much more"),
        head=[_("Day"), _("Rating"), _("Source")],
        rows=[[_written(rating.on), _rated(rating, counts=rating in newest), rating.origin] for rating in goal.ratings],
    )
    return GoalPanel(goal=goal, drawing=drawing)


def _rated(rating: GoalRating, *, counts: bool) -> str:
    said = f"{rating.level:+d} {level_words(rating.level)}"
    return said if counts else _("%(rating)s (rated again that day)") % {"rating": said}


def is_trend(course: Course) -> bool:
    """Whether the curve is the trend of own scores, without a model of the treatment."""
    return bool(course.scales) and not course.scales[0].is_modelled


def set_aside(course: Course, beside: Beside) -> list[ScoreEntry]:
    """Totals on record of the scale of the course that its curve does not use."""
    used = {one.origin for one in course.observed}
    own = [s for s in beside.scores if s.instrument == course.scale and s.total is not None]
    return [s for s in own if str(s.origin) not in used]


def title_of(instrument: str, course: Course) -> str:
    """A questionnaire by the name on its head, from the course or from the knowledge."""
    return _name_of(instrument, next((scale for scale in course.scales if scale.scale == instrument), None))


def described(course: Course) -> str:
    """The scale of the course with its range and which way is better."""
    scale = course.scales[0] if course.scales else None
    said = {"scale": _name_of(course.scale, scale), "top": f"{_top_of(course.scale, scale):g}"}
    if scale is not None and scale.higher_is_better:
        return _("%(scale)s, 0 to %(top)s, higher is better") % said
    return _("%(scale)s, 0 to %(top)s, lower is better") % said


def level_words(level: int) -> str:
    """How far a goal was reached, in words."""
    return str(WORDS[f"goal {max(-2, min(2, level))}"])


def _own_line(course: Course) -> list[Line]:
    if course.curve is None:
        return []
    name = (
        _("trend") if is_trend(course) else _("this person") if has_own_score(course) else _("people who start there")
    )
    return [Line(kind="median", name=name, xs=course.curve.days, ys=course.curve.p50)]


def _dots(course: Course, beside: Beside, span: Span) -> list[Dot]:
    """The scores that the course used, and hollow those of the same scale that are on record and were not used."""
    scale = course.scales[0] if course.scales else None
    name, error = _name_of(course.scale, scale), _error(scale.change if scale else None)
    aside = [
        Dot(
            x=float((s.on - span.first).days), y=s.total, is_aside=True,
            words=_("%(scale)s %(total)s on %(day)s, not used by the curve")
            % {"scale": name, "total": f"{s.total:g}", "day": _written(s.on)},
        )
        for s in set_aside(course, beside)
        if s.total is not None
    ]  # fmt: skip
    return aside + [_dot(name, one, span, error) for one in course.observed]


def _dot(name: str, one: Observed, span: Span, error: float) -> Dot:
    words = {"scale": name, "total": f"{one.total:g}", "day": _written(span.day(one.day))}
    return Dot(x=one.day, y=one.total, error=error, words=_("%(scale)s %(total)s on %(day)s") % words)


def _error(change: Change | None) -> float:
    """How far nine of ten measurements lie from the true value at most, in points; 0 where nobody has said it."""
    return 0.0 if change is None else change.points * _ERROR_OF_CHANGE


def _sessions(beside: Beside, span: Span) -> list[Tick]:
    def x(day: date) -> float:
        return float((day - span.first).days)

    given = [Tick(x=x(d.on), words="?" if d.dose_mg is None else f"{d.dose_mg:g}") for d in beside.given]
    missed = [Tick(x=x(day), words="", is_missed=True) for day in beside.missed]
    mg = "" if beside.ahead_mg is None else f"{beside.ahead_mg:g}"
    ahead = [Tick(x=x(day), words=mg, is_planned=True) for day in beside.ahead if x(day) <= span.end]
    return [tick for tick in (*given, *missed, *ahead) if tick.x >= span.start]


def _rows(beside: Beside, span: Span) -> list[Row]:
    """What else was begun or done on these days; a row only where it has something."""
    begun = [
        Point(
            x=float((day - span.first).days), shape="diamond",
            words=_("%(medicine)s begun on %(day)s") % {"medicine": medicine, "day": _written(day)},
        )
        for day, medicine in beside.begun
        if span.shows(day)
    ]  # fmt: skip
    therapy = [
        Point(
            x=float((hour.on - span.first).days), shape="ring", is_planned=hour.is_ahead,
            words=_("%(what)s planned for %(day)s")
            % {"what": WORDS[f"hour {hour.kind}"], "day": _written(hour.on)},
        )
        for hour in beside.therapy
        if span.shows(hour.on)
    ]  # fmt: skip
    rows = [Row(name=_("antidepressant begun"), points=begun), Row(name=_("hours of therapy"), points=therapy)]
    return [row for row in rows if row.points]


def _half(course: Course, scale: ScaleCourse | None) -> list[tuple[float, str]]:
    """The height at which the symptoms have halved; totals are whole, so its name is rounded down."""
    if not course.baseline or (scale is not None and scale.higher_is_better):
        return []
    return [(course.baseline / 2, _("response: %(points)s or less") % {"points": math.floor(course.baseline / 2)})]


def _caption(course: Course, expected: RecoveryCurve | None, beside: Beside, span: Span) -> str:
    """What is drawn, and nothing that is not."""
    said = [_("Dots are own scores.")] if course.observed else []
    if starts_late(course, beside):
        said.append(_("There is no score from before the first session."))
    if course.curve is not None and is_trend(course):
        said.append(
            _(
                "The line is the trend of these scores and their error alone, without treatment and without a "
                "forecast; a score of the same day would lie in the dark band half the time, in the light one nine "
                "times of ten."
            )
        )
    elif course.curve is not None:
        if not has_own_score(course):
            said.append(_("The line is the middle of people who start there, not this person's own."))
        said.append(_("Half of such people lie in the dark band, nine of ten in the light one."))
    if expected is not None:
        said.append(
            _(
                "The dashed line with its dotted band is what was expected before any score; it too counts only the "
                "sessions on record."
            )
        )
    ticks = _sessions(beside, span)
    if any(tick.is_planned for tick in ticks):
        said.append(_("Under the axis: sessions with their mg, planned ones dashed."))
    elif beside.given:
        said.append(_("Under the axis: sessions with their mg."))
    if beside.missed:
        said.append(
            ngettext(
                "Crossed: %(count)s planned session that was not given.",
                "Crossed: %(count)s planned sessions that were not given.",
                len(beside.missed),
            )
            % {"count": len(beside.missed)}
        )
    return " ".join(said)


def _head(course: Course, expected: RecoveryCurve | None) -> list[str]:
    head = [_("Day"), _("Own score"), _("Session")]
    if course.curve is not None:
        head += ["5 %", "25 %", _("median"), "75 %", "95 %"]
    if expected is not None:
        head += [_("expected, 5 %"), _("expected, median"), _("expected, 95 %")]
    return [*head, _("Source")]


def _course_rows(course: Course, expected: RecoveryCurve | None, beside: Beside, span: Span) -> list[list[str]]:
    """A row for each score, each session, and each seventh day of the curve."""
    scored = {round(one.day): one for one in course.observed}
    aside = {(s.on - span.first).days: s for s in set_aside(course, beside)}
    weekly = {round(day) for day in course.curve.days if day % 7 == 0} if course.curve is not None else set()
    held = {(day - span.first).days: words for day, words in _session_words(beside) if span.shows(day)}
    rows = []
    for day in sorted({*scored, *aside, *weekly, *held}):
        one = scored.get(day)
        total, origin = ("", "") if one is None else (f"{one.total:g}", one.origin)
        if one is None and day in aside:
            said = {"total": f"{aside[day].total:g}"}
            total, origin = _("%(total)s (not used)") % said, str(aside[day].origin)
        rows.append(
            [
                _written(span.day(day)),
                total,
                held.get(day, ""),
                *_at(course.curve, day, 5),
                *_at(expected, day, 3),
                origin,
            ]
        )
    return rows


def _session_words(beside: Beside) -> list[tuple[date, str]]:
    """Each session day with its dose, or that it is planned, or that none was given."""
    ahead = _("planned") if beside.ahead_mg is None else _("%(mg)s mg planned") % {"mg": f"{beside.ahead_mg:g}"}
    given = [
        (dose.on, _("dose not known") if dose.dose_mg is None else _("%(mg)s mg") % {"mg": f"{dose.dose_mg:g}"})
        for dose in beside.given
    ]
    return [*((day, _("planned, not given")) for day in beside.missed), *((day, ahead) for day in beside.ahead), *given]


def _at(curve: RecoveryCurve | None, day: int, columns: int) -> list[str]:
    """The quantiles of a curve on this day, to half points; blank where it does not reach."""
    if curve is None:
        return []
    place = next((i for i, d in enumerate(curve.days) if round(d) == day), None)
    if place is None:
        return [""] * columns
    parts: Sequence[Sequence[float]] = (curve.p05, curve.p25, curve.p50, curve.p75, curve.p95)
    chosen = parts if columns == len(parts) else (curve.p05, curve.p50, curve.p95)
    return [f"{part[place]:.1f}" for part in chosen]


def _name_of(instrument: str, scale: ScaleCourse | None) -> str:
    form = knowledge().instruments.get(instrument)
    return scale.title if scale is not None else str(form["title"]) if form else instrument


def _top_of(instrument: str, scale: ScaleCourse | None) -> float:
    return scale.top if scale is not None else float(knowledge().instruments[instrument]["scoring"]["max"])


def _written(day: date) -> str:
    return date_format(day, "j M Y")
