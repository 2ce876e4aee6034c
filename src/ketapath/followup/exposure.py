"""How much has this person been given, and is every organ looked after? The ledger of doses and the checks tied to it.

A window of so many days is today and the days before it: a dose of exactly 30 days ago has left the window of 30, as in
the plan's own count. Milligrams are of base; amounts of two products stand apart, because no source here says how many
milligrams of one are worth as much as one of the other. No published model turns an amount into a risk for an organ:
dates follow from time, and thresholds act on what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import fmean

from ketapath.candidacy import at_clinic, fact_used, finding
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact, Uncounted
from ketapath.domain.followup import (
    Exposure,
    ExposureWindow,
    GivenDose,
    Organ,
    OrganCheck,
    RestingTrend,
    SessionLimit,
    SessionPressure,
    Threshold,
)
from ketapath.domain.profile import Profile
from ketapath.domain.session import Session
from ketapath.followup.due import CHECKS, Check, first_session, last_look, next_due, speaks_of, stated
from ketapath.knowledge import Knowledge

__all__ = ["exposure"]

WINDOWS_DAYS = (30, 90, 365)  # source: our choice, the intervals in which a plan counts exposure too
_RECENT_DAYS = 90  # source: our choice, the middle window; sessions whose pressures are listed
_COMPARED = 3  # source: our choice, measured days at each end of the resting trend; one reading says little
_NAMES = 5  # source: our choice, names of unread medicines that one sentence holds
_PRESSURE = ("vitals.systolic_mmhg", "vitals.diastolic_mmhg")
_SESSION_LIMIT, _BEFORE_DOSE = "MON-008", "CON-007"
_ORGANS: dict[str, tuple[Organ, tuple[str, ...]]] = {
    "urinary": ("bladder", ("MON-028b", "CON-027")),
    "liver": ("liver", ("CON-026", "MON-030b")),
    "cognition": ("cognition", ("KP-280", "MON-031b")),
    "misuse": ("dependence", ("KP-261", "MON-032")),
}
"""Of each check: the organ, and the rules that say where action begins."""


def exposure(person: Profile, clinic: Clinic, knowledge: Knowledge, *, sessions: Sequence[Session] = ()) -> Exposure:
    """What was given in the last 30, 90 and 365 days, and the checks tied to it; `sessions` are those with readings.

    What nobody wrote stays unknown: a dose without milligrams is counted as a session and named beside the sum, and
    ketamine that cannot be counted makes sums and sessions "at least".
    """
    here = at_clinic(person, clinic, knowledge)
    doses = tuple(_given(person, knowledge))
    resting = _resting(person, sessions)
    return Exposure(
        as_of=person.as_of,
        doses=doses,
        windows=tuple(_windows(doses, person)),
        limits=tuple(_limits(doses, person, knowledge)),
        checks=tuple(_checks(here, clinic, knowledge)) if doses else (),
        pressures=tuple(_pressures(sessions, person.as_of, knowledge)),
        resting=_trend(resting),
        notes=tuple(_notes(doses, person.uncounted)),
        uncounted=tuple(one for one in person.uncounted if one.weighs),
    )


def _given(person: Profile, knowledge: Knowledge) -> Iterator[GivenDose]:
    """Every dose of the record up to the day, oldest first; one that was begun and left ungiven is none."""
    holds = knowledge.paths["vitals.weight_kg"].window_days
    for dose in sorted(person.doses, key=lambda d: (d.on, str(d.origin))):
        if dose.dose_mg == 0 or dose.on > person.as_of:
            continue
        weighed = max((day for day in person.weights_kg if day <= dose.on), default=None)
        is_near = weighed is not None and (holds is None or (dose.on - weighed).days <= holds)
        yield GivenDose(
            on=dose.on,
            product=dose.product,
            route=dose.route,
            mg=dose.dose_mg,
            weight_kg=person.weights_kg[weighed] if weighed is not None and is_near else None,
            source=str(dose.origin),
        )


def _windows(doses: Sequence[GivenDose], person: Profile) -> Iterator[ExposureWindow]:
    as_of = person.as_of
    for product in dict.fromkeys(dose.product for dose in doses):
        own = [dose for dose in doses if dose.product == product]
        for days in (*WINDOWS_DAYS, None):
            since = own[0].on if days is None else as_of - timedelta(days=days - 1)
            beside = [
                one for one in person.uncounted
                if one.weighs and one.product in (product, None) and (days is None or one.may_fall(since, as_of))
            ]  # fmt: skip
            yield _window(product, days, since, [dose for dose in own if dose.on >= since], len(beside))


def _window(product: str, days: int | None, since: date, doses: Sequence[GivenDose], uncounted: int) -> ExposureWindow:
    by_weight = [dose.mg_per_kg for dose in doses if dose.mg_per_kg is not None]
    without_mg = sum(dose.mg is None for dose in doses)
    return ExposureWindow(
        product=product,
        routes=tuple(dict.fromkeys(dose.route for dose in doses)),
        days=days,
        since=since,
        sessions=len({dose.on for dose in doses}),
        mg=sum(dose.mg for dose in doses if dose.mg is not None),
        mg_per_kg=sum(by_weight) if by_weight else None,
        without_mg=without_mg,
        without_weight=len(doses) - without_mg - len(by_weight),
        uncounted=uncounted,
    )


def _limits(doses: Sequence[GivenDose], person: Profile, knowledge: Knowledge) -> Iterator[SessionLimit]:
    for days in WINDOWS_DAYS:
        figure = knowledge.policy[f"limit_sessions_{days}_days"]
        since = person.as_of - timedelta(days=days - 1)
        held = {dose.on for dose in doses if dose.on >= since}
        yield SessionLimit(
            days=days,
            sessions=len(held),
            sessions_at_most=_at_most(held, [one for one in person.uncounted if one.may_fall(since, person.as_of)]),
            most=float(figure["value"]),
            rule=knowledge.rules[figure["rule"]].ref,
        )


def _at_most(held: set[date], uncounted: Sequence[Uncounted]) -> int | None:
    """How many sessions there were if all that is uncounted was one; None where that has no number."""
    more = [one for one in uncounted if one.weighs and one.day not in held]
    if any(one.most_sessions is None for one in more):
        return None
    return len(held) + sum(one.most_sessions or 0 for one in more)


def _checks(person: Profile, clinic: Clinic, knowledge: Knowledge) -> Iterator[OrganCheck]:
    first = first_session(person)
    assert first is not None
    for check in CHECKS:
        yield _check(check, first, person, clinic, knowledge)
    rule = knowledge.rules[_BEFORE_DOSE]
    yield OrganCheck(
        organ="pressure",
        rule=rule.ref,
        asked=True,
        found=tuple(fact_used(fact, knowledge) for fact in _newest(_PRESSURE, person)),
        last_on=last_look(_PRESSURE, person),
        due=None,
        overdue=False,
        why=Text(key="exposure.due.each_dose"),
        thresholds=tuple(_thresholds((_BEFORE_DOSE, "CON-008", "KP-260"), person, clinic, knowledge)),
    )


def _check(check: Check, first: date, person: Profile, clinic: Clinic, knowledge: Knowledge) -> OrganCheck:
    organ, speaking = _ORGANS[check.key]
    rule, asked = knowledge.rules[check.rule_id], speaks_of(knowledge.rules[check.rule_id], person)
    due = next_due(check, person, first, knowledge) if asked else None
    last = last_look(check.paths, person)
    since = "first" if last is None or last < first else "last"
    days = 0 if due is None else (due - max(last or first, first)).days
    return OrganCheck(
        organ=organ,
        rule=rule.ref,
        asked=asked,
        found=tuple(fact_used(fact, knowledge) for fact in _newest(check.paths, person)),
        last_on=last,
        due=due,
        overdue=due is not None and due < person.as_of,
        why=Text(key=f"exposure.due.{since}", values={"days": days}) if asked else Text(key="exposure.due.not_asked"),
        thresholds=tuple(_thresholds(speaking, person, clinic, knowledge)),
    )


def _thresholds(rules: Sequence[str], person: Profile, clinic: Clinic, knowledge: Knowledge) -> Iterator[Threshold]:
    """Those of the rules that speak of what was given, with whether they hold today."""
    for rule in (knowledge.rules[i] for i in rules):
        if speaks_of(rule, person):
            truth = rule.holds(person.known, as_of=person.as_of)
            yield Threshold(is_crossed=truth, finding=finding(rule, truth, person, knowledge))


def _newest(paths: Sequence[str], person: Profile) -> list[Fact]:
    """The last statement of each path, by the order of the paths; older ones than the last look are left out."""
    found = {fact.path: fact for fact in stated(paths, person)}
    last = max((fact.on for fact in found.values() if fact.on is not None), default=None)
    return [found[path] for path in paths if path in found and found[path].on == last]


def _pressures(sessions: Sequence[Session], as_of: date, knowledge: Knowledge) -> Iterator[SessionPressure]:
    rule = knowledge.rules[_SESSION_LIMIT]
    limits = [rule.limit(path) for path in _PRESSURE]
    since = as_of - timedelta(days=_RECENT_DAYS - 1)
    for session in sorted(sessions, key=lambda s: s.number, reverse=True):
        if since <= session.on <= as_of:
            before = _of_session(session, under_drug=False)
            highest = _of_session(session, under_drug=True)
            pairs = list(zip(highest, limits, strict=True))
            over = any(value is not None and value >= limit for value, limit in pairs)
            known = None not in highest
            yield SessionPressure(
                on=session.on,
                number=session.number,
                before=before,
                highest=highest,
                is_crossed=True if over else False if known else None,
            )


def _of_session(session: Session, *, under_drug: bool) -> tuple[float | None, float | None]:
    """Systolic and diastolic: the highest after dosing began, or the last before it."""
    found: list[float | None] = []
    for path in _PRESSURE:
        own = sorted((r for r in session.readings if r.quantity == path), key=lambda r: r.minute)
        values = [float(r.value) for r in own if (r.minute > 0) == under_drug]
        found.append((max(values) if under_drug else values[-1]) if values else None)
    return found[0], found[1]


def _resting(person: Profile, sessions: Sequence[Session]) -> dict[date, tuple[float, float]]:
    """The last resting pressure of each day that has both values, in order of time."""
    by_day: dict[date, dict[str, float]] = {}
    for fact in stated(_PRESSURE, person):
        if isinstance(fact.value, float) and fact.on is not None:
            by_day.setdefault(fact.on, {})[fact.path] = fact.value
    for session in sessions:
        for path, value in zip(_PRESSURE, _of_session(session, under_drug=False), strict=True):
            if value is not None and session.on <= person.as_of:
                by_day.setdefault(session.on, {})[path] = value
    systolic, diastolic = _PRESSURE
    return {day: (by_day[day][systolic], by_day[day][diastolic]) for day in sorted(by_day) if len(by_day[day]) == 2}


def _trend(resting: dict[date, tuple[float, float]]) -> RestingTrend | None:
    """The first measured days against the newest; None where there are not enough to keep them apart."""
    days = list(resting)
    if len(days) < 2 * _COMPARED:
        return None
    first, newest = days[:_COMPARED], days[-_COMPARED:]
    return RestingTrend(
        days=_COMPARED,
        first=(fmean(resting[d][0] for d in first), fmean(resting[d][1] for d in first)),
        newest=(fmean(resting[d][0] for d in newest), fmean(resting[d][1] for d in newest)),
        first_until=first[-1],
        newest_since=newest[0],
    )


def _notes(doses: Sequence[GivenDose], uncounted: Sequence[Uncounted]) -> Iterator[Text]:
    """What the ledger does not know, and what it does not do."""
    names = dict.fromkeys(one.named for one in uncounted if not one.weighs)
    if names:
        shown = ", ".join(list(names)[:_NAMES]) + (", …" if len(names) > _NAMES else "")
        count = sum(not one.weighs for one in uncounted)
        yield Text(key="exposure.note.unread", values={"count": count, "names": shown})
    if any(dose.mg is None for dose in doses):
        yield Text(key="exposure.note.without_mg", values={"count": sum(dose.mg is None for dose in doses)})
    if len({dose.product for dose in doses}) > 1:
        yield Text(key="exposure.note.not_added")
    if doses:
        yield Text(key="exposure.note.this_record")
        yield Text(key="exposure.note.no_model")
