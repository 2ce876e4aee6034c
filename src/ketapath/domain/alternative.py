"""What else is there besides ketamine? Other treatments with their figures, what was tried, and what matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ketapath.domain.evidence import Evidence, FactUsed, RuleRef, Text

Kind = Literal["alternative", "ketamine", "comparison"]
"""Another treatment, one of the two ketamine ways, or the comparison between these two."""

Favours = Literal["ketamine", "alternative", "neither"]
Outcome = Literal["response", "remission", "relapse", "score", "days-abstinent"]
Masking = Literal["open", "rater-blind", "double-blind", "placebo", "not-stated"]
TriedState = Literal[
    "did-not-help",
    "not-tolerated",
    "partly",
    "helped",
    "result-unknown",
    "not-adequate",
    "under-way",
    "never",
    "unknown",
]


def is_judgement(evidence: Iterable[Evidence]) -> bool:
    """Whether this rests on nothing published and nobody has approved it."""
    return any(e.kind == "site-default" and e.approved_by is None for e in evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval: published with its figure, or `computed` by us from the published share and number."""

    low: float
    high: float
    computed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One group of a trial: so many of 100, out of `n` people that the share is of.

    `n` is None where our evidence does not give it; `randomised` is then the size of the group, which is not the
    denominator. Without `n` and without a published one there is no interval.
    """

    name: Text
    side: Literal["ketamine", "alternative"]
    percent: float
    n: int | None
    events: int | None
    randomised: int | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first group minus the last, in people of 100 or in another `unit`; `computed` where it is our subtraction."""

    value: float
    unit: Text | None
    computed: bool
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One outcome of one trial, with absolute figures side by side.

    `favours` is None where the figures that we have cannot say it.
    """

    id: str
    trial: str
    comparator: Text
    outcome: Outcome
    scale: str | None
    population: Text
    when: Text
    randomised: bool
    masking: Masking
    people: int | None
    arms: tuple[Arm, ...]
    difference: Difference | None
    favours: Favours | None
    evidence: Evidence
    note: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the evidence, or the situation, speaks for one or the other now: true, false or not known of this person.

    `rule` is None where the rule that it follows is not in the knowledge.
    """

    id: str
    holds: bool | None
    favours: Favours
    statement: Text
    rule_id: str
    rule: RuleRef | None
    evidence: tuple[Evidence, ...]
    facts: tuple[FactUsed, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What this person has already had of it, and how it went. `unknown` is never "not tried".

    `what` is the substance where one is named; `origins` are the resources that a medicine history was read from.
    """

    state: TriedState
    statement: Text
    what: str | None = None
    facts: tuple[FactUsed, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """How a treatment fares on one thing that may matter to a person, as one of a few ordered words.

    `level` and `score` (-1 worst to 1 best) are None where it is not known.
    """

    attribute: str
    title: Text
    level: Text | None
    score: float | None
    evidence: tuple[Evidence, ...]

    @property
    def is_judgement(self) -> bool:
        """Whether it is an expert's judgement that nobody has approved."""
        return is_judgement(self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another treatment to show beside ketamine, and when it is to be preferred.

    `uncompared` names what our evidence has no figures for; `preferred_now` is true where a reason for it holds.
    """

    id: str
    kind: Kind
    title: Text
    prefer_when: Text
    preferred_now: bool | None
    evidence: tuple[Evidence, ...]
    rule: RuleRef
    compares: tuple[Comparison, ...]
    uncompared: tuple[Text, ...]
    reasons: tuple[Reason, ...]
    tried: tuple[Tried, ...]
    traits: tuple[Trait, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one thing that matters contributed to the place of one treatment."""

    title: Text
    level: Text
    weight: int
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One treatment that changed its place (counted from 1): what counted, and what is not known and did not."""

    id: str
    title: Text
    was: int
    now: int
    counted: tuple[Counted, ...]
    unknown: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesOrder:
    """The treatments in the order of what the person says matters; the same ones, none hidden."""

    weights: Mapping[str, int]
    order: tuple[Alternative, ...]
    moves: tuple[Move, ...]
    statement: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A condition that is treated otherwise, and how."""

    condition: str
    title: Text
    statement: Text
    rule_id: str
    rule: RuleRef | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the ketamine treatment is aimed at. `holds` is false where nothing is, None where nobody can say.

    `missing` are the diagnoses (paths) of which nothing is known.
    """

    holds: bool | None
    condition: str | None
    title: Text | None
    statement: Text
    beside: tuple[Beside, ...]
    missing: tuple[str, ...]
    facts: tuple[FactUsed, ...]
    rule_id: str
    rule: RuleRef | None
    evidence: tuple[Evidence, ...]
