"""How far is the treatment, and what has it done? Facts of the course that rules may read, from doses and scores.

Sessions are days with a dose; after a long pause a new course begins, and only its sessions count. The depression score
is the PHQ-9; its baseline is the last total on or before the first session of the course. Where a score is missing the
fact is missing: nothing is inferred from silence. A count or a day that ketamine which cannot be counted may change is
unusable, and stays unknown to the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact, Origin, ScoreEntry, Statements
from ketapath.knowledge import Knowledge
from ketapath.measurement import is_remission, is_response, reliable_change

__all__ = ["MAY_BE_STATED", "progress"]

_SPACING_OVER = 4  # source: REG-022 asks for the spacing now; four sessions are the block of policy.yaml
_DAYS_PER_MONTH = 365.25 / 12  # source: the calendar
_PAIN, _MOCA = "scale.pain_0_10", "scale.moca"
_PEAKS = {
    "peak_systolic_mmhg": ("vitals.systolic_mmhg", "mm[Hg]"),
    "peak_distress_0_10": ("session.distress_0_10", "{score}"),
}
MAY_BE_STATED = frozenset({"course.peak_systolic_mmhg", "course.peak_distress_0_10", "course.dose_changed"})
"""What a person may say of the last session too; their word on or after its day counts before what is computed."""


@dataclass(frozen=True, slots=True)
class _Total:
    """One total on one day, with where it stands."""

    on: date
    total: float
    origin: Origin


def progress(stated: Statements, *, as_of: date, knowledge: Knowledge) -> Iterator[Fact]:
    """The facts under `course.`; none before a first session."""
    days = sorted({dose.on for dose in stated.doses if dose.on <= as_of and dose.dose_mg != 0})
    if not days:
        return
    gap = knowledge.figure("course_gap_days")
    starts = [day for before, day in pairwise(days) if (day - before).days > gap]
    days = [day for day in days if day >= (starts or days)[-1 if starts else 0]]
    last = next(d for d in reversed(stated.doses) if d.on == days[-1])

    def fact(name: str, value: float | bool, unit: str | None, origin: Origin = last.origin, on: date = as_of) -> Fact:
        return Fact(path=f"course.{name}", value=value, unit=unit, on=on, origin=origin)

    found = [
        fact("sessions_given", float(len(days)), "1"),
        fact("days_since_first_session", float((as_of - days[0]).days), "d"),
        fact("days_since_last_session", float((as_of - days[-1]).days), "d"),
    ]
    recent = days[-_SPACING_OVER:]
    if len(recent) > 1:
        found.append(fact("mean_interval_days", (recent[-1] - recent[0]).days / (len(recent) - 1), "d"))
    moved = _moved(stated, days, gap, as_of)
    yield from (_unsure(one) if one.path in moved else one for one in found)
    yield from _of_last_session(stated, days, as_of)
    before, after = _around(_phq9(stated.scores, as_of), days[0])
    if before is not None and after:
        yield from _response(before, after, days, as_of, knowledge)
    moca_before, moca_after = _around(_totals(stated, _MOCA, as_of), days[0])
    if moca_before is not None and moca_after:
        newest = moca_after[-1]
        fallen = moca_before.total - newest.total
        yield fact("cognition_fall_points", fallen, "{score}", newest.origin, newest.on)
    pain_before, pain_after = _around(_totals(stated, _PAIN, as_of), days[0])
    if pain_before is not None and pain_after and pain_before.total > 0:
        newest = pain_after[-1]
        gained = 100 * (pain_before.total - newest.total) / pain_before.total
        yield fact("pain_improvement_percent", gained, "%", newest.origin, newest.on)


def _moved(stated: Statements, days: Sequence[date], gap: float, as_of: date) -> set[str]:
    """The facts that an administration which cannot be counted may change, by its day or by not having one."""
    earliest, one_day = days[0] - timedelta(days=int(gap)), timedelta(days=1)
    sessions = [
        one for one in stated.uncounted
        if one.weighs and one.most_sessions is not None and one.day not in days and one.may_fall(earliest, as_of)
    ]  # fmt: skip
    found = {"sessions_given", "mean_interval_days"} if sessions else set()
    if any(one.may_fall(earliest, days[0] - one_day) for one in sessions):
        found.add("days_since_first_session")
    if any(one.may_fall(days[-1] + one_day, as_of) for one in sessions):
        found.add("days_since_last_session")
    return {f"course.{name}" for name in found}


def _unsure(fact: Fact) -> Fact:
    return replace(
        fact, value=None, status="unusable", reason=Text(key="fact.uncounted"), as_stated=f"{fact.value:g} counted"
    )


def _of_last_session(stated: Statements, days: Sequence[date], as_of: date) -> Iterator[Fact]:
    """The highest readings under the last dose, and whether it differed from the one before."""
    doses = [d for d in stated.doses if d.on <= as_of and d.on >= days[0] and d.dose_mg != 0]
    last = doses[-1]
    for name, (path, unit) in _PEAKS.items():
        peak = stated.peaks.get(last.origin.id, {}).get(path)
        if peak is not None:
            yield Fact(path=f"course.{name}", value=peak, unit=unit, on=last.on, origin=last.origin)
    if len(doses) > 1:
        was, now = ((d.product, d.route, d.dose_mg) for d in doses[-2:])
        if None not in (was[2], now[2]):
            yield Fact(path="course.dose_changed", value=was != now, unit=None, on=last.on, origin=last.origin)


def _response(
    before: _Total, after: Sequence[_Total], days: Sequence[date], as_of: date, knowledge: Knowledge
) -> Iterator[Fact]:
    form, newest = knowledge.instruments["phq9"], after[-1]

    def fact(name: str, value: float | bool, unit: str | None) -> Fact:
        return Fact(path=f"course.{name}", value=value, unit=unit, on=newest.on, origin=newest.origin)

    if before.total > 0:
        yield fact("improvement_percent", 100 * (before.total - newest.total) / before.total, "%")
    at_response = [is_response(form, before.total, score.total) for score in after]
    yield fact("responded", any(at_response), None)
    yield fact("remitted", any(is_remission(form, score.total) for score in after), None)
    yield fact("relapsed", any(at_response) and not at_response[-1], None)
    if at_response[-1]:
        start = len(at_response) - next((i for i, held in enumerate(reversed(at_response)) if not held), len(after))
        yield fact("months_since_response", round((as_of - after[start].on).days / _DAYS_PER_MONTH, 1), "mo")
    compared = [score for score in (before, *after) if score.on <= days[-1]]
    if compared and newest.on > days[-1]:
        worse = reliable_change(form, compared[-1].total, newest.total) == "worse"
        yield fact("worse", worse, None)


def _around(totals: Sequence[_Total], first: date) -> tuple[_Total | None, list[_Total]]:
    """The last total on or before the first session, and those after it."""
    before = [t for t in totals if t.on <= first]
    return (before[-1] if before else None), [t for t in totals if t.on > first]


def _phq9(scores: Sequence[ScoreEntry], as_of: date) -> list[_Total]:
    found = [
        _Total(s.on, s.total, s.origin)
        for s in scores
        if s.instrument == "phq9" and s.total is not None and s.reason is None and s.on <= as_of
    ]
    return sorted(found, key=lambda t: t.on)


def _totals(stated: Statements, path: str, as_of: date) -> list[_Total]:
    found = [
        _Total(f.on, f.value, f.origin)
        for f in stated.facts
        if f.path == path and f.status == "usable" and isinstance(f.value, float) and f.on is not None and f.on <= as_of
    ]
    return sorted(found, key=lambda t: t.on)
