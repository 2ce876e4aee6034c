"""What is due for this person, and by when? Scores, safety checks and contacts that follow from the sessions given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact
from ketapath.domain.followup import DueAssessment
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge, Rule

Spacing = Callable[[date, date, Knowledge], float]
"""Days from the last look to the next, from the first session and the last look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that is looked at again and again: the rule that asks, how far apart, and the facts that settle it."""

    key: str
    rule_id: str
    days: Spacing
    paths: tuple[str, ...]


def _every(figure: str) -> Spacing:
    return lambda first, last, knowledge: knowledge.figure(figure)


def _urinary(first: date, last: date, knowledge: Knowledge) -> float:
    """Every month in the first three months, then every three."""
    early = (last - first).days < knowledge.figure("followup_urinary_monthly_days")
    return knowledge.figure("followup_urinary_days" if early else "followup_urinary_later_days")


def _misuse(first: date, last: date, knowledge: Knowledge) -> float:
    """As old as the rule lets a review become, so that a clinic moves one number and not two."""
    return knowledge.rules["MON-032"].within_days("course.misuse_review")


LIVER = ("lab.alt_times_upper_limit", "lab.alp_times_upper_limit", "lab.bilirubin_times_upper_limit")
SCORE = Check(key="phq9", rule_id="CON-046", days=_every("followup_phq9_days"), paths=("scale.phq9",))
CHECKS = (
    Check(key="urinary", rule_id="MON-028", days=_urinary, paths=("scale.bladder_icsi", "scale.urinary_rise_points")),
    Check(key="liver", rule_id="MON-030", days=_every("followup_liver_days"), paths=LIVER),
    Check(key="cognition", rule_id="MON-031", days=_every("followup_cognition_days"), paths=("scale.moca",)),
    Check(key="misuse", rule_id="MON-032", days=_misuse, paths=("course.misuse_review",)),
)
"""The safety checks of a treatment that goes on."""


def due_assessments(person: Profile, knowledge: Knowledge) -> tuple[DueAssessment, ...]:
    """What is due after the last session, earliest first; nothing before a first session.

    A check counts from the last time it was done, whether or not that may still be relied on, at the earliest from the
    first session. One whose rule speaks of nothing that was given is not among them.
    """
    first = first_session(person)
    if first is None:
        return ()
    found = []
    for check in (SCORE, *CHECKS):
        rule = knowledge.rules[check.rule_id]
        if speaks_of(rule, person):
            due = next_due(check, person, first, knowledge)
            what = Text(key=f"followup.{check.key}")
            found.append(DueAssessment(what=what, due=due, overdue=due < person.as_of, rule=rule.ref))
    return tuple(sorted(found, key=lambda d: d.due))


def first_session(person: Profile) -> date | None:
    """The day of the first dose that was really given; None before one."""
    return min((dose.on for dose in person.doses if dose.dose_mg != 0), default=None)


def speaks_of(rule: Rule, person: Profile) -> bool:
    """Whether the rule is about any product and route that this person has been given, in every country."""
    given = {(dose.product, dose.route) for dose in person.doses if dose.dose_mg != 0}
    return any(rule.scope.covers(product=product, route=route, jurisdiction="") for product, route in given)


def next_due(check: Check, person: Profile, first: date, knowledge: Knowledge) -> date:
    """When this is to be looked at again."""
    last = max(last_look(check.paths, person) or first, first)
    return last + timedelta(days=check.days(first, last, knowledge))


def last_turn(key: str, person: Profile, knowledge: Knowledge) -> date | None:
    """The last day up to today on which this check fell due; one that is not done falls due anew, as far apart again.

    None where it is not due yet, or nothing asks for it.
    """
    first = first_session(person)
    check = next(check for check in CHECKS if f"followup.{check.key}" == key)
    if first is None or not speaks_of(knowledge.rules[check.rule_id], person):
        return None
    due = next_due(check, person, first, knowledge)
    if due >= person.as_of:
        return None
    last = max(last_look(check.paths, person) or first, first)
    apart = max(timedelta(days=1), timedelta(days=check.days(first, last, knowledge)))
    return due + (person.as_of - timedelta(days=1) - due) // apart * apart


def last_look(paths: Iterable[str], person: Profile) -> date | None:
    """The last day on which any of these facts was stated, whether or not it may still be relied on."""
    instruments = {path.partition(".")[2] for path in paths}
    days = [fact.on for fact in stated(paths, person) if fact.on is not None]
    days += [score.on for score in person.scores if score.instrument in instruments]
    return max(days, default=None)


def stated(paths: Iterable[str], person: Profile) -> list[Fact]:
    """What the record states of these paths up to the day, with a value and a day, oldest first."""
    wanted = frozenset(paths)
    found = [f for f in (*person.unusable, *person.known.values()) if f.path in wanted and f.value is not None]
    dated = [f for f in found if f.on is not None and f.on <= person.as_of]
    return sorted(dated, key=lambda f: (f.on or date.min, f.at.isoformat() if f.at else "", str(f.origin)))
