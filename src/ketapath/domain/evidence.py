"""On what does a statement rest? Sources, findings and the basis card that every recommendation carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Grade = Literal["label", "guideline", "RCT", "observational", "expert", "payer policy", "regulation"]
"""Strength of what a rule rests on; the first five are ordered, the last two stand outside that order."""

Trust = Literal["read", "summary", "unread"]
"""How far the source was read by us: its own text, somebody's summary of it, or not at all."""

Verdict = Literal["eligible", "caution", "defer", "not-eligible", "undetermined"]

VERDICTS_FROM_BEST: tuple[Verdict, ...] = ("eligible", "caution", "undetermined", "defer", "not-eligible")
"""Known harm outranks missing facts: somebody with an aneurysm is not "undetermined" because a form is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A sentence by key, with the values that go into it. The words stand in knowledge/texts, one file a language.

    `values` holds what the template names; numbers are given already rounded, with their unit in the template.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that a rule, model or number rests on.

    A rule without a published source carries exactly one entry of kind "site-default" with `approved_by` None
    until a named person of the clinic has approved it.
    """

    kind: Literal["published", "site-default"]
    key: str | None
    citation: str
    locator: str
    trust: Trust
    retracted: bool = False
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """A limit that a clinic moved: which (`key` as in a policy file), in words, as shipped, and as it is here."""

    key: str
    label: str
    shipped: float
    here: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Who of the clinic took something over, when, and with which limits moved."""

    by: str
    on: date
    changes: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRef:
    """Which rule, in which version, said so. `needs_approval` is how it ships, `approved` what this clinic did."""

    id: str
    version: str
    title: str
    grade: Grade
    needs_approval: bool
    owner: str
    reviewed_on: date
    review_due: date
    approved: Approved | None = None

    @property
    def awaits_approval(self) -> bool:
        """Whether the medical lead has still to approve it."""
        return self.needs_approval and self.approved is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A relative contraindication that two people have decided to treat in spite of, until a day of review.

    It counts only once `second_by` has signed, only for the rule's `version` that was read, and only up to `review_on`.
    """

    id: str
    rule_id: str
    version: str
    reason: str
    by: str
    on: date
    second_by: str | None
    second_on: date | None
    review_on: date

    def stands(self, rule: RuleRef, *, as_of: date) -> bool:
        """Whether it counts for this rule on this day."""
        is_signed = self.second_on is not None and self.second_on <= as_of
        return is_signed and (self.rule_id, self.version) == (rule.id, rule.version) and as_of <= self.review_on


@dataclass(frozen=True, slots=True, kw_only=True)
class FactUsed:
    """A fact as a rule saw it: path, shown value with unit, its date, and the resource that states it."""

    path: str
    label: str
    value: str
    on: date | None
    source: str
    confidence: str = "stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reasoned statement about this person: what follows, why, from which facts, and what would reverse it."""

    id: str
    verdict: Verdict | None
    statement: Text
    action: Text | None
    rule: RuleRef | None
    evidence: tuple[Evidence, ...]
    facts: tuple[FactUsed, ...] = ()
    missing: tuple[str, ...] = ()
    reverses: tuple[Text, ...] = ()
    applies_to: tuple[str, ...] = ()
    overridden: Override | None = None

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"finding {self.id} has no evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFact:
    """A fact that nobody has stated (or that is too old), who could supply it, and what each answer would change."""

    path: str
    label: str
    reason: Text
    supplied_by: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """If the missing fact had this value, these verdicts would read so. Found by running assess, not by guessing.

    `adds` are the rules that would then speak, `settles` those that would no longer be open.
    """

    if_value: str
    adds: tuple[str, ...]
    settles: tuple[str, ...]
    overall: Verdict
    by_product: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The basis card: all that a clinician needs to check a recommendation instead of believing it."""

    suggested: Text
    next_best: Text
    facts: tuple[FactUsed, ...]
    missing: tuple[MissingFact, ...]
    rules: tuple[RuleRef, ...]
    evidence: tuple[Evidence, ...]
    likeness: Text
    wrong_how_often: Text
    best_case_against: Text
    reverses: tuple[Text, ...]
    written_by: str
    checked_by: str | None
    device_line: Text
    as_of: date
    knowledge_version: str
