"""What stops or pauses a treatment under way, whatever the scores say?

Harm, danger to life, a contraindication that has become known, worsening, misuse, and the person's own wish. A fact
that is missing is no reason to stop, and it never takes one away: each reason stands on what is known of it alone.
What made somebody a candidate (too few trials, a mild score) is no reason to stop a treatment under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ketapath.candidacy import finding
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding
from ketapath.domain.fact import Dose
from ketapath.domain.plan import Decision
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.knowledge import Knowledge, Rule
from ketapath.plan.under_way import UnderWay

EMERGENCY, WISH, HARM, MISUSE, SINCE = "CAN-005", "KP-262", "KP-260", "KP-261", "MON-034b"
RELAPSE = "KP-264"
"""A relapse after a response and a pause."""
_INTENT_FROM = 4.0  # source: MON-034b, C-SSRS ideation with intent
WATCHED = (WISH, HARM, MISUSE, "KP-208", SINCE, "MON-035b", "KP-231", "KP-233")
"""Rules of other stages than candidacy that stop or pause: wish, harm, misuse, intent, mania, consent, pregnancy."""
_OF_THE_PERSON = ("CAN-037", "CAN-038", "CAN-041", "KP-214")
"""Rules of candidacy that speak of the person as they are now, not of whether a start is due."""
_WHY = {WISH: "wish", HARM: "harm", MISUSE: "misuse", "KP-231": "consent", "KP-208": "intent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A reason to stop or to pause: the key of its sentence, the rules, and what they say of the person."""

    decision: Decision
    why: str
    rules: tuple[str, ...]
    findings: tuple[Finding, ...]


def stops(
    person: Profile, candidacy: Candidacy, course: Course, now: UnderWay, clinic: Clinic, knowledge: Knowledge
) -> tuple[Stop, ...]:
    """Every reason that holds, gravest first; none where nothing stands against going on.

    A relapse after a pause is what a second induction is for: being worse than at the last session is then no reason by
    itself, while being worse than before treatment still is.
    """
    if person.died is not None:
        return (Stop(decision="stop", why="died", rules=(), findings=()),)
    found = list(_found(person, candidacy, course, now, clinic, knowledge))
    return tuple(sorted(found, key=lambda s: (s.why != "emergency", s.decision != "stop")))


def _found(
    person: Profile, candidacy: Candidacy, course: Course, now: UnderWay, clinic: Clinic, knowledge: Knowledge
) -> Iterator[Stop]:
    if candidacy.emergency is not None:
        yield Stop(decision="pause", why="emergency", rules=(EMERGENCY, "MON-034"), findings=(candidacy.emergency,))
    speaking = [f for f in candidacy.findings if _counts(f, now.last, clinic, knowledge)]
    against = tuple(f for f in speaking if f.verdict == "not-eligible")
    waiting = tuple(f for f in speaking if f.verdict == "defer" and f.id not in WATCHED)
    if against:
        yield Stop(decision="stop", why="contraindication", rules=tuple(f.id for f in against), findings=against)
    if waiting:
        yield Stop(decision="pause", why="defer", rules=tuple(f.id for f in waiting), findings=waiting)
    for rule in (knowledge.rules[i] for i in WATCHED if i in knowledge.rules):
        if _covers(rule, now.last, clinic) and rule.holds(person.known, as_of=person.as_of):
            yield from _watched(rule, person, now, knowledge)
    if course.reliable_change == "worse":
        yield Stop(decision="pause", why="worse", rules=("MON-034",), findings=())


def _watched(rule: Rule, person: Profile, now: UnderWay, knowledge: Knowledge) -> Iterator[Stop]:
    """What a rule that holds asks for; an override that two people signed lets the treatment go on."""
    said = finding(rule, True, person, knowledge)
    if said.overridden is not None:
        return
    if rule.id == SINCE and _is_a_relapse(person, now, knowledge):
        return
    why = "worse_since" if rule.id == SINCE else _WHY.get(rule.id, "defer")
    yield Stop(decision="stop" if rule.id == WISH else "pause", why=why, rules=(rule.id,), findings=(said,))


def relapsed(person: Profile, now: UnderWay, knowledge: Knowledge) -> bool:
    """Whether a response was lost after a pause: by the facts of the course, or by scores of any scale of the model."""
    rule = knowledge.rules[RELAPSE]
    was_lost = now.ever is True and now.responds is False
    paused = now.since is not None and now.since >= rule.limit("course.days_since_last_session")
    return rule.holds(person.known, as_of=person.as_of) is True or (was_lost and paused)


def _is_a_relapse(person: Profile, now: UnderWay, knowledge: Knowledge) -> bool:
    """Whether the worsening is a relapse after a pause, and no intent to die is on record."""
    level = person.known.get("scale.cssrs_ideation_level")
    has_intent = level is not None and isinstance(level.value, float) and level.value >= _INTENT_FROM
    return not has_intent and relapsed(person, now, knowledge)


def _counts(found: Finding, last: Dose | None, clinic: Clinic, knowledge: Knowledge) -> bool:
    """Whether a finding of candidacy is a reason to stop what is given: of this product and route, and of today."""
    if found.rule is None or found.verdict not in ("not-eligible", "defer"):
        return False
    rule = knowledge.rules[found.id]
    return (rule.section != "candidacy" or rule.id in _OF_THE_PERSON) and _covers(rule, last, clinic)


def _covers(rule: Rule, last: Dose | None, clinic: Clinic) -> bool:
    product, route = (None, None) if last is None else (last.product, last.route)
    return rule.scope.covers(product=product, route=route, jurisdiction=clinic.jurisdiction)
