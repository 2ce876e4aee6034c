"""Is ketamine right for this person, today, and what else is? The verdict with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ketapath.domain.alternative import Alternative, Target, ValuesOrder
from ketapath.domain.evidence import Evidence, FactUsed, Finding, MissingFact, Text, Verdict

LegalStatus = Literal["approved", "off-label", "compounded", "investigational"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What one record says of a product for an indication in a country; `status` is None where there is no record.

    `since` and `as_of` are days or months as text: from when the sources say that it holds, and when they were read.
    """

    product: str
    indication: str
    jurisdiction: str
    status: LegalStatus | None
    form: str | None
    population: Text | None
    conditions: Text
    since: str | None
    as_of: str | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUp:
    """One piece of work-up: the rule that asks for it, which of its facts are held today, and which are lacking.

    `applies` is None where nobody can say whether this person needs it.
    """

    finding: Finding
    applies: bool | None
    held: tuple[FactUsed, ...]
    lacking: tuple[MissingFact, ...]

    @property
    def state(self) -> Literal["due", "asked", "done"]:
        """Due, done, or asked: it lacks something, and whether it applies is not known."""
        if not self.lacking:
            return "done"
        return "due" if self.applies else "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidacy:
    """`verdict` is the best of `by_product` (keys "product/route"); a dead person or an emergency stands above it.

    `emergency` is the finding that puts the emergency pathway above every option, or None. `alternatives` stand in the
    order of what matters to the person, as `values` tells with the ketamine ways among them; `target` is what ketamine
    would be aimed at. The last two are None for a person who has died.
    """

    patient_id: str
    as_of: date
    verdict: Verdict
    by_product: Mapping[str, Verdict]
    emergency: Finding | None
    findings: tuple[Finding, ...]
    missing: tuple[MissingFact, ...]
    work_up: tuple[WorkUp, ...]
    alternatives: tuple[Alternative, ...]
    values: ValuesOrder | None
    target: Target | None
    knowledge_version: str
