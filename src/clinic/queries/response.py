"""What happened beside this person's course? Sessions given, missed and ahead, new medicines, therapy, every score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from clinic.queries.person import Chart
from ketapath.domain.fact import Dose, ScoreEntry
from ketapath.domain.plan import PlannedVisit, SignedPlan
from ketapath.domain.response import Chance, Course, Observed, RecoveryCurve

THERAPY = frozenset({"preparation", "integration", "psychotherapy"})
"""Appointments at which somebody talks with the person; the record holds them as planned, not as held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One appointment of a plan. `is_ahead` where it is today or later."""

    on: date
    kind: str
    is_ahead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the course is drawn against. `first` is its day 0, None where there is nothing to count from.

    `missed` are planned days on which no dose was given, `ahead` planned days with the dose of the plan in mg;
    `begun` are antidepressants by the day of their first intake on record.
    """

    first: date | None
    given: tuple[Dose, ...]
    missed: tuple[date, ...]
    ahead: tuple[date, ...]
    ahead_mg: float | None
    begun: tuple[tuple[date, str], ...]
    therapy: tuple[Hour, ...]
    scores: tuple[ScoreEntry, ...]


def beside(found: Chart, course: Course) -> Beside:
    """Everything on record that belongs under and beside the curve of this person."""
    person = found.person
    assert person is not None
    standing = found.plan
    is_going_on = standing is not None and standing.status == "active"
    hours = {
        (visit.on, visit.kind): Hour(on=visit.on, kind=visit.kind, is_ahead=visit.on >= found.as_of)
        for visit, is_bound in _appointments(found)
        if visit.kind in THERAPY and (is_bound or (is_going_on and visit.on >= found.as_of))
    }
    return Beside(
        first=_day_zero(found, course),
        given=tuple(d for d in person.doses if d.on <= found.as_of),
        missed=_missed(found),
        ahead=tuple(v.on for v in found.sessions_ahead) if is_going_on else (),
        ahead_mg=standing.dose_mg if standing is not None else None,
        begun=tuple((t.start, t.substance) for t in person.trials if t.start is not None and t.start <= found.as_of),
        therapy=tuple(hours[key] for key in sorted(hours)),
        scores=tuple(sorted(person.scores, key=lambda s: (s.on, s.instrument), reverse=True)),
    )


def scores_alone(found: Chart, instrument: str = "phq9") -> Course:
    """The person's own totals of one questionnaire, without any estimate, for when none could be computed."""
    assert found.person is not None
    usable = [s for s in found.person.scores if s.instrument == instrument and s.total is not None and s.reason is None]
    days = [d.on for d in found.person.doses[:1]] or [s.on for s in usable[:1]]
    observed = [
        Observed(day=float((s.on - day).days), total=s.total, origin=str(s.origin))
        for s in usable for day in days if s.total is not None
    ]  # fmt: skip
    return Course(
        scale=instrument, baseline=None, baseline_on=None, sessions=len(found.person.doses), observed=tuple(observed),
        posterior=(), curve=None, horizon_day=None, p_response=None, p_remission=None, p_relapse_by=(), p_worse=None,
        reliable_change=None, last_change=None, item9=None, diagnostics=None, evidence=(), notes=(),
        goals=found.person.goals,
    )  # fmt: skip


def on_one_axis(found: Chart, course: Course) -> Course:
    """The course as it is drawn: all on the days of one axis, with the trend of its scale where it has no curve.

    Before a first session the core counts each scale from its own first score; here all count from one day.
    """
    trend = course.scales[0].curve if course.scales and course.curve is None else course.curve
    first = _day_zero(found, course)
    if first is None or found.person is None or found.person.doses:
        return replace(course, curve=trend)
    on = {str(score.origin): score.on for score in found.person.scores}

    def late(observed: tuple[Observed, ...]) -> float:
        seen = next((one for one in observed if one.origin in on), None)
        return 0.0 if seen is None else (on[seen.origin] - first).days - seen.day

    by = {scale.scale: late(scale.observed) for scale in course.scales}
    own, sign = late(course.observed), course.warning
    return replace(
        course,
        observed=_later(course.observed, own),
        curve=_moved(trend, by.get(course.scale, own)),
        expected=_moved(course.expected, own),
        scales=tuple(
            replace(
                scale,
                observed=_later(scale.observed, by[scale.scale]),
                curve=_moved(scale.curve, by[scale.scale]),
                expected=_moved(scale.expected, by[scale.scale]),
            )
            for scale in course.scales
        ),
        warning=None if sign is None else replace(sign, day=sign.day + by.get(sign.scale, 0.0)),
    )


def questionnaires(found: Chart, course: Course) -> list[tuple[str, str]]:
    """Name and title of those that can be typed in, that of the course first."""
    forms = [(name, str(form["title"])) for name, form in found.knowledge.instruments.items() if form.get("items")]
    return sorted(forms, key=lambda one: (one[0] != course.scale, one[1]))


def is_believable(course: Course) -> bool:
    """Whether the inference passed its own checks; where it did not, no probability of it is shown."""
    return course.diagnostics is None or course.diagnostics.ok


def chances(course: Course) -> tuple[Chance, ...]:
    """Probabilities by day, none where the checks failed; without the course's own table, its horizon and relapses."""
    if not is_believable(course):
        return ()
    if course.chances:
        return course.chances
    if course.horizon_day is None or course.p_response is None or course.p_remission is None:
        return ()
    relapse = dict(course.p_relapse_by).get(course.horizon_day)
    return (
        Chance(day=course.horizon_day, p_response=course.p_response, p_remission=course.p_remission, p_relapse=relapse),
    )


def _day_zero(found: Chart, course: Course) -> date | None:
    """The first session. Without one, the day from which the course itself counts its scores, else the first score."""
    assert found.person is not None
    if found.person.doses:
        return found.person.doses[0].on
    days = {str(score.origin): score.on for score in found.person.scores}
    for observed in (*course.observed, *(one for scale in course.scales for one in scale.observed)):
        if observed.origin in days:
            return days[observed.origin] - timedelta(days=observed.day)
    return min(days.values(), default=None)


def _later(observed: tuple[Observed, ...], days: float) -> tuple[Observed, ...]:
    return tuple(replace(one, day=one.day + days) for one in observed)


def _moved(curve: RecoveryCurve | None, days: float) -> RecoveryCurve | None:
    return None if curve is None else replace(curve, days=tuple(day + days for day in curve.days))


def _appointments(found: Chart) -> Iterator[tuple[PlannedVisit, bool]]:
    """Every appointment of every plan; whether the plan was still binding on that day, as far as the record says."""
    for plan, following in zip(found.plans, (*found.plans[1:], None), strict=False):  # no plan has no follower
        for visit in plan.visits:
            yield visit, _binds(found, plan, following, visit.on)


def _binds(found: Chart, plan: SignedPlan, following: SignedPlan | None, on: date) -> bool:
    """A plan binds from its signing until it is replaced; one on hold or ended asks for nothing after the last dose."""
    assert found.person is not None
    if on < plan.signed_on.date():
        return False
    if following is not None:
        return on < following.signed_on.date()
    if plan.status == "active":
        return on < found.as_of
    return bool(found.person.doses) and on <= found.person.doses[-1].on


def _missed(found: Chart) -> tuple[date, ...]:
    """Planned days to which no dose belongs: each dose belongs to the planned day that is nearest to it."""
    assert found.person is not None
    planned = sorted({visit.on for visit, is_bound in _appointments(found) if visit.kind == "session" and is_bound})
    if not planned:
        return ()
    given = (dose.on for dose in found.person.doses if dose.on >= found.plans[0].signed_on.date())
    held = {min(planned, key=lambda day: abs((day - on).days)) for on in given}
    return tuple(day for day in planned if day not in held)
