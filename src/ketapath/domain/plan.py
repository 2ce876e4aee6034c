"""What could be done next? Options with their dates, support, harm and basis; and the card after each session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from ketapath.domain.alternative import Alternative
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Approved, Basis, Evidence, FactUsed, Finding, RuleRef, Text, Verdict
from ketapath.domain.fact import Origin

Decision = Literal["continue", "adjust", "add", "pause", "stop"]

Moved = Literal["exposure", "response-probability", "dose"]
"""What a marker whose card passes and is approved may move. Eligibility is not among it, nor is anybody's priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A quantity with its band. `p50` is what half of people like this would be under."""

    p05: float
    p50: float
    p95: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseCalculation:
    """A dose with all that went into it, so that a second person can check it.

    `dose_mg` is base. `cap_mg` is the most the protocol allows; `capped` says whether it was reached.
    """

    dose_mg: float
    inputs: tuple[FactUsed, ...]
    formula: str
    exact_mg: float
    rounded_to_mg: float
    cap_mg: float | None
    capped: bool
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One dated thing that happens: a session, a therapy hour, a check. `starts` is clock time at the clinic."""

    on: date
    starts: time | None
    kind: Literal["session", "preparation", "integration", "psychotherapy", "check", "call"]
    title: Text
    setting: str
    minutes: int
    with_whom: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportTask:
    """Something a person has to do so that this plan can work, tied to the need that asks for it."""

    need: str
    title: Text
    who: str
    due: date
    blocks_first_session: bool
    rule: RuleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """A harm as it was published: the share of people, as a fraction between two figures, and with what it compares."""

    id: str
    statement: Text
    low: float
    high: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerMove:
    """How one result moved an option ("product/route"): what, how far, within which bound, and who approved it.

    `before` and `after` are milligrams, ng/mL or a probability; `bound` a share, for a probability the probability.
    """

    marker: str
    version: str
    option: str
    on: Moved
    before: float
    after: float
    bound: float
    result: FactUsed
    approved: Approved
    statement: Text
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to go on. `dose` is None where no dose may be given yet; `benefit` is None where not predictable.

    `verdict` is the candidacy of this product and route; `total_mg` counts the induction at the first dose;
    `cost` is None where it is not known, never zero. `markers` says what a result moved; none does as shipped.
    """

    id: str
    verdict: Verdict
    product: str
    route: str
    title: Text
    dose: DoseCalculation | None
    dose_withheld: Text | None
    infusion_min: float | None
    schedule: tuple[Appointment, ...]
    psychotherapy: tuple[Text, ...]
    support: tuple[SupportTask, ...]
    monitoring: tuple[Finding, ...]
    information: tuple[Finding, ...]
    benefit: Mapping[str, Range] | None
    benefit_note: Text
    harm: tuple[Harm, ...]
    exposure: Range | None
    weeks: float
    total_mg: float | None
    cost: float | None
    evidence: tuple[Evidence, ...]
    basis: Basis
    markers: tuple[MarkerMove, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All options that knowledge allows, side by side; `no_options_reason` whenever there are fewer than two.

    `inputs_digest` binds the plan to what it was made from; with `seed` and the versions it can be made again.
    """

    candidacy: Candidacy
    options: tuple[Option, ...]
    removed: tuple[tuple[str, Text], ...]
    no_options_reason: Text | None
    alternatives: tuple[Alternative, ...]
    seed: int
    inputs_digest: str
    knowledge_version: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCard:
    """After a session or a score: a suggestion with its rule, its probability and the best case against it.

    `findings` stand against going on today; `course_findings` are what the rules say of the course so far.
    `dates` are what going on would bring after the last session, `spacings` the days between sessions that may be
    chosen instead of theirs; both are empty where the suggestion is not to go on.
    """

    decision: Decision
    also_possible: tuple[Decision, ...]
    statement: Text
    probability: float | None
    probability_of: Text | None
    best_case_against: Text
    reverses: tuple[Text, ...]
    findings: tuple[Finding, ...]
    course_findings: tuple[Finding, ...]
    dates: tuple[Appointment, ...]
    spacings: tuple[int, ...]
    rules: tuple[RuleRef, ...]
    evidence: tuple[Evidence, ...]
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVisit:
    """One appointment of a signed plan, read back from the record. The title keeps its text key."""

    on: date
    starts: time | None
    kind: str
    title: Text
    minutes: int | None
    setting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPlan:
    """A plan that a person signed. `dose_mg` is base; `status` is FHIR's: active, on-hold, revoked or completed.

    `order_id` is the order that dose and duration are read from, None where there is none.
    """

    origin: Origin
    status: str
    option_id: str
    product: str
    route: str
    dose_mg: float | None
    infusion_min: float | None
    signed_on: datetime
    signed_by: str
    visits: tuple[PlannedVisit, ...]
    recommendation_id: str | None
    order_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person decided about a recommendation, and why. `about` is "plan" or "card"."""

    origin: Origin
    about: Literal["plan", "card"]
    outcome: Literal["accepted", "changed", "rejected"]
    chosen: str
    reason: str
    by: str
    at: datetime
    recommendation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A recommendation as it stood when somebody decided on it, with all that is needed to make it again.

    `record_mark` is the place in the record's history up to which it had been read; `result` the stored output.
    """

    origin: Origin
    about: Literal["plan", "card"]
    as_of: date
    seed: int
    inputs_digest: str
    knowledge_version: str
    code_version: str
    engine_version: str
    record_mark: int
    settings: str
    result: str
