"""Is ketamine right for this person, today, and what else is? The verdict with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ketapath.domain.evidence import Evidence, Finding, MissingFact, RuleRef, Text, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another treatment to show beside ketamine, and when it is to be preferred."""

    id: str
    title: Text
    prefer_when: Text
    preferred_now: bool | None
    evidence: tuple[Evidence, ...]
    rule: RuleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidacy:
    """`verdict` is the best of `by_product` (keys "product/route"); a dead person or an emergency stands above it.

    `emergency` is the finding that puts the emergency pathway above every option, or None.
    """

    patient_id: str
    as_of: date
    verdict: Verdict
    by_product: Mapping[str, Verdict]
    emergency: Finding | None
    findings: tuple[Finding, ...]
    missing: tuple[MissingFact, ...]
    alternatives: tuple[Alternative, ...]
    knowledge_version: str
