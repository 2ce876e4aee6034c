"""What could be done next? Options with their dates, support, harm and basis; and the card after each session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal

from ketapath.domain.alternative import Alternative
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Approved, Basis, Evidence, FactUsed, Finding, RuleRef, Text, Verdict
from ketapath.domain.fact import Origin

Decision = Literal["continue", "adjust", "add", "pause", "stop", "taper", "switch", "re-induce"]

Tier = Literal["studied", "outside-studies", "not-predictable"]
"""How far benefit can be said: by studies of such a dose, past them, or not at all. A later one never stands above."""

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
class DoseStep:
    """From which session on which dose is meant, milligrams of base; `condition` is what has to hold before a step."""

    from_session: int
    dose_mg: float
    formula: str
    condition: Text | None
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """One way of giving by one protocol. `code` names it within the protocol and never changes its meaning.

    `doses` are as the protocol states them (mg/kg of base, or mg of a device), one a session, the last one repeated.
    `days` are those of the induction since its first session; `every_days` follows it, None for nothing planned.
    """

    protocol_id: str
    code: str
    doses: tuple[float, ...]
    infusion_min: float | None
    course: str
    days: tuple[int, ...]
    every_days: int | None

    @property
    def id(self) -> str:
        """The name of an option of this regimen."""
        return f"{self.protocol_id}/{self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmChance:
    """The chance of one harm in one session at the highest dose, against the limit of the policy.

    Probabilities are of 1; all of them and `within` are None where a fact is missing. `condition` is what they stand
    on; `p05` and `p95` how far the chance moves with what nobody knows of people like this; `assumed` marks one that
    rests on an assumed share.
    """

    id: str
    statement: Text
    condition: Text
    p: float | None
    p05: float | None
    p95: float | None
    limit: float
    within: bool | None
    assumed: bool
    unknown: Text | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseWindow:
    """Between which doses (milligrams of base) this product and route stays in, and what set each end."""

    least_mg: float | None
    most_mg: float | None
    least_why: Text
    most_why: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """What a way asks of the person over the weeks looked at: visits, hours of them, and milligrams by interval.

    `marked_sessions` are those with marked dissociation that are to be expected, None where no model speaks of it.
    `mg_by_days` holds the most that falls into so many days, earlier doses of the record included.
    """

    visits: int
    hours: float
    marked_sessions: float | None
    days: int
    mg_by_days: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the option costs over the weeks looked at, in `currency`: the clinic's price, and what the person pays.

    Each is None where a price or the coverage is not known; `lacking` names what is. Never zero for not knowing.
    """

    currency: str | None
    total: float | None
    own_share: float | None
    lacking: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """How many better days one unit of a thing is worth to this person; `stated` is None for a site default.

    `counted` is False where the thing is not known of every way that is ranked: then it ranks none.
    """

    thing: str
    unit: Text
    better_days: float
    stated: FactUsed | None
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an option stands and why. `utility` is better days less what is given up for them, None where benefit
    cannot be predicted; `p_first_better` is the chance, over settings, that the first option is the better one.

    `best_for` are the things in which no other option is better; `dominated` that another is at least as good in all.
    """

    place: int
    tier: Tier
    utility: Range | None
    p_first_better: float | None
    no_material_difference: bool
    dominated: bool
    best_for: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What one limit took out before anything was compared: how many ways, and the highest dose that it leaves.

    `left_mg` maps "product/route" to milligrams of base; a way that is not in it was not touched.
    """

    id: str
    statement: Text
    limit: float
    removed: int
    left_mg: Mapping[str, float | None]


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

    `verdict` is the candidacy of this product and route; `total_mg` counts the course by its steps; a cost that is not
    known is None, never zero. `is_usual` marks the protocol's own way; `dose` is the first one, `steps` all;
    `chances` are predicted, `harm` as published. `markers` says what a result moved; none does as shipped.
    """

    id: str
    protocol_id: str
    regimen: Regimen
    is_usual: bool
    verdict: Verdict
    product: str
    route: str
    title: Text
    dose: DoseCalculation | None
    dose_withheld: Text | None
    steps: tuple[DoseStep, ...]
    window: DoseWindow
    infusion_min: float | None
    way: Text
    maintenance: Text
    schedule: tuple[Appointment, ...]
    psychotherapy: tuple[Text, ...]
    support: tuple[SupportTask, ...]
    monitoring: tuple[Finding, ...]
    information: tuple[Finding, ...]
    benefit: Mapping[str, Range] | None
    benefit_note: Text
    chances: tuple[HarmChance, ...]
    harm: tuple[Harm, ...]
    stop_rules: tuple[Finding, ...]
    exposure: Range | None
    weeks: float
    total_mg: float | None
    burden: Burden
    cost: Cost
    standing: Standing
    evidence: tuple[Evidence, ...]
    basis: Basis
    markers: tuple[MarkerMove, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The options to choose between, best first; `no_options_reason` whenever there are fewer than two.

    `considered` ways were compared, `cuts` took some out before; `worths` are what ranked the rest, and `comparison`
    says how much that order means.

    `inputs_digest` binds the plan to what it was made from; with `seed` and the versions it can be made again.
    """

    candidacy: Candidacy
    options: tuple[Option, ...]
    removed: tuple[tuple[str, Text], ...]
    considered: int
    cuts: tuple[Cut, ...]
    worths: tuple[Worth, ...]
    comparison: Text
    no_options_reason: Text | None
    alternatives: tuple[Alternative, ...]
    seed: int
    inputs_digest: str
    knowledge_version: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What one step would do, as a chance of 1 with its band over what nobody knows of people like this.

    `of` says of what, by when, and on which way. All of them are None where `unknown` says why there is no number;
    `extrapolated` marks a chance that no study of such a step stands behind.
    """

    probability: float | None
    band: Range | None
    of: Text | None
    unknown: Text | None
    extrapolated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherStep:
    """A step that may be taken instead of the suggested one, with its own chance and its own counter-case."""

    decision: Decision
    statement: Text
    prospect: Prospect
    best_case_against: Text
    rules: tuple[RuleRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRisk:
    """The risk of a relapse within the weeks looked at, of 1, with a session every so many days; None for no session.

    `keeps` says whether it stays under the threshold.
    """

    every_days: int | None
    probability: float
    band: Range
    keeps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceInterval:
    """The longest interval whose relapse risk stays under the threshold; `every_days` is None where none does.

    `most` is the threshold, of 1; `stated` what person and clinician agreed on, None for a site default. `intervals`
    are those of the protocol from the shortest on, and no session at all; `notes` say how far to trust them.
    """

    every_days: int | None
    within_days: int
    most: float
    stated: FactUsed | None
    intervals: tuple[IntervalRisk, ...]
    statement: Text
    notes: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCard:
    """After a session or a score: a suggestion with its rule, its prospect and the best case against it.

    `others` are the steps that may be taken instead, `treatments` what else there is where the suggestion is to leave
    this one, each with what the person has already had of it. `maintenance` is None where nothing is to be kept.
    `findings` stand against going on today; `course_findings` are what the rules say of the course so far.
    `dates` are what going on would bring after the last session, `spacings` the days between sessions that may be
    chosen instead of theirs; both are empty where the suggestion is not to go on.
    """

    decision: Decision
    others: tuple[OtherStep, ...]
    statement: Text
    prospect: Prospect
    best_case_against: Text
    reverses: tuple[Text, ...]
    findings: tuple[Finding, ...]
    course_findings: tuple[Finding, ...]
    dates: tuple[Appointment, ...]
    spacings: tuple[int, ...]
    maintenance: MaintenanceInterval | None
    treatments: tuple[Alternative, ...]
    rules: tuple[RuleRef, ...]
    evidence: tuple[Evidence, ...]
    basis: Basis

    @property
    def also_possible(self) -> tuple[Decision, ...]:
        """The steps that may be taken instead, by their names."""
        return tuple(other.decision for other in self.others)

    @property
    def probability(self) -> float | None:
        """The chance behind the suggestion, of 1."""
        return self.prospect.probability

    @property
    def probability_of(self) -> Text | None:
        """What that chance is of."""
        return self.prospect.of


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
class MovedVisit:
    """One appointment of a plan that goes to another day, as it stood before."""

    visit: PlannedVisit
    to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """Something that a signed plan asks somebody to arrange, read back from the record."""

    need: str
    title: Text
    who: str
    due: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One fact of a protocol as text. `key` is stable from version to version; its first word is the group."""

    key: str
    text: Text

    @property
    def group(self) -> str:
        """What kind of fact this is."""
        return self.key.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a protocol against the same line of another. "not-recorded" where the older one cannot know it."""

    kind: Literal["kept", "added", "removed", "changed", "not-recorded"]
    key: str
    before: Text | None
    after: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPlan:
    """A plan that a person signed. `dose_mg` is base; `status` is FHIR's: active, on-hold, revoked or completed.

    `order_id` is the order that dose and duration are read from, None where there is none. `steps` are the doses that
    were meant from a later session on, by the number of that session; none of them is ordered.
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
    tasks: tuple[PlannedTask, ...] = ()
    steps: Mapping[int, float] = field(default_factory=dict)

    @property
    def protocol_id(self) -> str:
        """The protocol of the option that was signed."""
        return self.option_id.partition("/")[0]


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
