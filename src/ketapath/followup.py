"""What is due for this person, and by when? Scores, safety checks and contacts that follow from the sessions given."""

from __future__ import annotations

from datetime import date, timedelta

from ketapath.domain.evidence import Text
from ketapath.domain.followup import DueAssessment
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge

__all__ = ["due_assessments"]

_CHECKS = (
    ("followup.phq9", "CON-046", "followup_phq9_days"),
    ("followup.urinary", "MON-028", "followup_urinary_days"),
    ("followup.liver", "MON-030", "followup_liver_days"),
    ("followup.cognition", "MON-031", "followup_cognition_days"),
)


def due_assessments(person: Profile, knowledge: Knowledge) -> tuple[DueAssessment, ...]:
    """What is due after the last session, earliest first; nothing before a first session.

    The depression score counts from the last score, the other checks from the first session, because the record has
    no place for them yet.
    """
    if not person.doses:
        return ()
    first = person.doses[0].on
    last_score = max((s.on for s in person.scores if s.instrument == "phq9"), default=first)
    found = []
    for key, rule_id, days in _CHECKS:
        since = last_score if key == "followup.phq9" else first
        due = since + timedelta(days=knowledge.figure(days))
        found.append(_due(key, rule_id, due, person.as_of, knowledge))
    return tuple(sorted(found, key=lambda d: d.due))


def _due(key: str, rule_id: str, due: date, today: date, knowledge: Knowledge) -> DueAssessment:
    return DueAssessment(what=Text(key=key), due=due, overdue=due < today, rule=knowledge.rules[rule_id].ref)
