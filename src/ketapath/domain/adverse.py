"""What went wrong with whom, how grave was it, and what of it is due? An adverse event as the record holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ketapath.domain.fact import Origin

GRADES = (1, 2, 3, 4, 5)
"""As in the CTCAE: mild, moderate, severe, life-threatening, death. source: MON-026"""
CRITERIA = ("death", "life-threatening", "hospital-care", "disability", "congenital-anomaly", "medically-important")
"""What makes an event serious. source: MON-026"""
CAUSALITY = ("certain", "probable", "possible", "unlikely", "unrelated", "not-assessed")
"""How likely the drug is behind it, in the words that the WHO centre in Uppsala uses."""
OUTCOMES = ("recovered", "recovering", "ongoing", "with-sequelae", "fatal", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseEvent:
    """One event as it was last written down; earlier versions stay in the record's history.

    `grade` is 1 to 5; `criteria` are those of `CRITERIA` that hold, none where it is not serious. `onset` and
    `recorded_at` are instants. `visit_id` and `administration_id` are "" where it belongs to no visit. `lot` is ""
    where nobody knows it. `followed_up_by` is the day by which somebody asks again, None where that is settled.
    `withdrawn` says why it was entered in error, "" while it stands.
    """

    origin: Origin
    patient_id: str
    visit_id: str
    administration_id: str
    words: str
    onset: datetime
    grade: int
    criteria: tuple[str, ...]
    causality: str
    outcome: str
    product: str
    lot: str
    taken: str
    story: str
    followed_up_by: date | None
    by: str
    username: str
    recorded_at: datetime
    withdrawn: str = ""

    @property
    def is_serious(self) -> bool:
        """Whether a criterion of a serious event holds."""
        return bool(self.criteria)

    def is_worse_than(self, before: AdverseEvent) -> bool:
        """Whether a serious event has become worse: a criterion more, a higher grade, or fatal. source: MON-026"""
        has_died = self.outcome == "fatal" and before.outcome != "fatal"
        is_worse = bool(set(self.criteria) - set(before.criteria)) or self.grade > before.grade or has_died
        return self.is_serious and is_worse
