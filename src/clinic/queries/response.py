"""What happened beside this person's course? Sessions given, missed and ahead, new medicines, therapy, every score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from clinic.queries.person import SEED, Chart
from ketapath.domain.fact import Dose, ScoreEntry
from ketapath.domain.plan import PlannedVisit, SignedPlan
from ketapath.domain.response import Chance, Course, Observed, RecoveryCurve, ScaleCourse
from ketapath.domain.schedule import as_booked
from ketapath.journey import history
from ketapath.measurement import is_response
from ketapath.response import course as respond
from ketapath.response.prior import population
from ketapath.response.totals import is_under_a_dose
from ketapath.response.treatment import doses_given

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


def scores_alone(found: Chart) -> Course:
    """The person's own scores without a curve, for when none could be computed: changes, item 9 and a rise stay.

    The verb of the core is asked as before a first session, which computes no estimate, about the scores that it would
    count for this course.
    """
    someone = found.person
    assert someone is not None
    known, given = history(someone), doses_given(someone.doses, found.as_of)
    scores = known.scores
    if given:
        since = given[0].on - timedelta(days=int(found.knowledge.response["baseline_days"]))
        scores = tuple(s for s in scores if s.on >= since and not is_under_a_dose(s, given))
    asked = replace(known, doses=(), scores=scores)
    drawn = population(found.knowledge.response)
    alone = _on_its_days(found, respond(asked, found.knowledge, drawn, as_of=found.as_of, seed=SEED))
    return replace(
        alone,
        sessions=len({dose.on for dose in given}),
        scales=tuple(replace(scale, curve=None, notes=()) for scale in alone.scales),
        notes=tuple(text for text in alone.notes if not given or text.key != "response.no_sessions"),
    )


def on_one_axis(found: Chart, course: Course) -> Course:
    """The course as it is drawn: all on the days of one axis, with the trend of its scale where it has no curve.

    Before a first session the core counts each scale from its own first score; here all count from one day. A curve of
    people who start somewhere is nobody's own: beside it stands no second one, and nothing is said of this person.
    """
    trend = course.scales[0].curve if course.scales and course.curve is None else course.curve
    course = replace(course, curve=trend, scales=tuple(map(_own_or_expected, course.scales)))
    if not has_own_score(course):
        course = replace(course, expected=None, p_worse=None)
    return course if found.person is None or found.person.doses else _on_its_days(found, course)


def has_own_score(course: Course | ScaleCourse) -> bool:
    """Whether a score of this person is behind the curve; without one it shows the people who start there."""
    return course.baseline is not None or bool(course.observed)


def starts_late(course: Course, beside: Beside) -> bool:
    """Whether the first score of the course is from after the first session, so that its start is not on record."""
    if not beside.given or not course.observed or course.baseline is not None:
        return False
    first = beside.given[0].on
    return not any(s.instrument == course.scale and s.total is not None and s.on <= first for s in beside.scores)


def _own_or_expected(scale: ScaleCourse) -> ScaleCourse:
    return scale if has_own_score(scale) else replace(scale, expected=None)


def _on_its_days(found: Chart, course: Course) -> Course:
    """Every scale and the sign moved to the days of one axis, from whatever day the core counted each."""
    first = _day_zero(found, course)
    if first is None or found.person is None:
        return course
    on = {str(score.origin): score.on for score in found.person.scores}

    def late(observed: tuple[Observed, ...]) -> float:
        seen = next((one for one in observed if one.origin in on), None)
        return 0.0 if seen is None else (on[seen.origin] - first).days - seen.day

    by = {scale.scale: late(scale.observed) for scale in course.scales}
    own, sign = late(course.observed), course.warning
    return replace(
        course,
        observed=_later(course.observed, own),
        curve=_moved(course.curve, by.get(course.scale, own)),
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


def some_chances(course: Course, *, most: int = 6) -> tuple[Chance, ...]:
    """At most so many of the chances, spread over their days: the first, the horizon's and the last among them."""
    found = chances(course)
    if len(found) <= most:
        return found
    last = len(found) - 1
    kept = {round(place * last / (most - 1)) for place in range(most)}
    horizon = next((i for i, one in enumerate(found) if one.day == course.horizon_day), None)
    if horizon is not None and horizon not in kept:
        kept.remove(min(kept - {0, last}, key=lambda i: abs(i - horizon)))
        kept.add(horizon)
    return tuple(found[i] for i in sorted(kept))


def why_no_relapse(found: Chart, course: Course) -> str:
    """Why a day has no chance of a relapse, as a code of the words: other days have one, it may be past, or nothing to.

    A response that was lost again leaves nothing ahead: by what is on record the relapse may have been.
    """
    if any(one.p_relapse is not None for one in chances(course)):
        return "relapse not judged"
    form, start = found.knowledge.instruments[course.scale], course.baseline
    responded = start is not None and any(o.day > 0 and is_response(form, start, o.total) for o in course.observed)
    if course.warning is not None and (responded or course.warning.kind == "relapse"):
        return "relapse past"
    return "relapse past, no sign" if responded else "relapse nothing"


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
        for visit in as_booked(plan.visits, found.bookings, found.practice.zone):
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
