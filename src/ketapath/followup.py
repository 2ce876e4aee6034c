"""What is due for this person, and by when? Scores, safety checks and contacts that follow from the sessions given."""

from __future__ import annotations

from datetime import date, timedelta

from ketapath.domain.evidence import Text
from ketapath.domain.followup import DueAssessment
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge

__all__ = ["due_assessments"]

_CHECKS = (
    ("followup.phq9", "CON-046", "followup_phq9_days", ("scale.phq9",)),
    ("followup.urinary", "MON-028", "followup_urinary_days", ("scale.bladder_icsi",)),
    ("followup.liver", "MON-030", "followup_liver_days", ("lab.alt_times_upper_limit", "lab.alp_times_upper_limit")),
    ("followup.cognition", "MON-031", "followup_cognition_days", ("scale.moca",)),
)
"""Each check with its rule, the figure that spaces it, and the facts by which it is done."""


def due_assessments(person: Profile, knowledge: Knowledge) -> tuple[DueAssessment, ...]:
    """What is due after the last session, earliest first; nothing before a first session.

    A check counts from the last time it was done, whether or not that may still be relied on, at the earliest from the
    first session.
    """
    if not person.doses:
        return ()
    first = person.doses[0].on
    done: dict[str, date] = {s.instrument: s.on for s in sorted(person.scores, key=lambda s: s.on)}
    for fact in (*person.unusable, *person.known.values()):
        if fact.on is not None and fact.value is not None:
            done[fact.path] = max(fact.on, done.get(fact.path, date.min))
    found = []
    for key, rule_id, days, paths in _CHECKS:
        last = max((done[p] for p in (*paths, *(p.partition(".")[2] for p in paths)) if p in done), default=first)
        due = max(last, first) + timedelta(days=knowledge.figure(days))
        found.append(_due(key, rule_id, due, person.as_of, knowledge))
    return tuple(sorted(found, key=lambda d: d.due))


def _due(key: str, rule_id: str, due: date, today: date, knowledge: Knowledge) -> DueAssessment:
    return DueAssessment(what=Text(key=key), due=due, overdue=due < today, rule=knowledge.rules[rule_id].ref)
