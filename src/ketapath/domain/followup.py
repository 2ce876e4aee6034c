"""What is due for this person, and by when? Assessments and contacts that follow from the sessions given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ketapath.domain.evidence import RuleRef, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAssessment:
    """Something to measure or ask, the day it falls due, and the rule that asks for it."""

    what: Text
    due: date
    overdue: bool
    rule: RuleRef
