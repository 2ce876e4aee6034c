"""What was measured that is said to predict, and may it count? Published findings, the gate's answer, what would be if.

Whether a marker's card passes is computed from the card each time and never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ketapath.domain.evidence import Approved, Evidence, FactUsed, Finding, Grade, RuleRef, Text
from ketapath.domain.plan import MarkerMove, Moved, Range

Kind = Literal["genotype", "blood", "imaging", "eeg"]

Predicts = Literal["exposure", "response", "blood-pressure"]

Strength = Literal["A", "B", "C", "D"]
"""A repeated in large or pooled data; B several cohorts agree; C small or single; D contradicted or no effect."""

Sample = Literal["in-sample", "out-of-sample", "pooled"]
"""Whether an effect was seen in the people it was found in, in other people, or over several studies together."""

Replication = Literal["repeated", "not-repeated", "inconsistent", "contradicted"]

Measure = Literal["intrinsic-clearance-ratio", "dose-ratio", "odds-ratio", "correlation"]

Direction = Literal["raises", "lowers"]

Part = Literal["external_validation", "calibration", "net_benefit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A published figure; `interval` is None where our evidence has none. `n` are the people behind it."""

    measure: str
    value: float
    interval: tuple[float, float] | None
    n: int | None
    cohorts: int | None
    threshold: float | None
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One published finding on a marker: in whom, how, what was seen, and whether it held."""

    n: int | None
    population: str
    design: str
    effect: str
    figure: Measured | None
    sample: Sample
    replication: Replication
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class SupposedEffect:
    """A published effect as a size that can be tried out: what one result would do, were it true.

    `sd` is for a correlation: how many standard deviations from the average the result lies. `said` are the words of
    the evidence on the size.
    """

    result: str
    measure: Measure
    value: float
    interval: tuple[float, float] | None
    sd: float | None
    said: str
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEffect:
    """What a card asks to move, in which options ("product/route"), in which direction, and how far at most.

    `bound` is a probability for `response-probability`, a share of the value otherwise.
    """

    on: Moved
    options: tuple[str, ...]
    direction: Direction
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRule:
    """One preset validity rule that a card does not meet: what it asks, and what was found instead."""

    id: str
    asks: Text
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A result on record; `set_aside` says why it may not be relied on today, None where it may."""

    fact: FactUsed
    set_aside: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What a published effect would do to one option of the plan, were it true. It is shown and never used.

    `now` is as on the plan, `then` with the effect; its band also holds the interval of the effect where there is one.
    `is_this_person` is None where the record does not say.
    """

    option: str
    quantity: Literal["peak", "area", "response", "dose"]
    effect: SupposedEffect
    is_this_person: bool | None
    now: Range
    then: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerView:
    """One marker beside one person: what is on record, what was published, why it does not count, and what would be if.

    `moves` is empty unless the card passes, is approved by name, and the result moved an option; `verdict` says so in a
    sentence. `best_out_of_sample` is None where nobody tested it in other people. `no_what_if` says why nothing can be
    tried out.
    """

    id: str
    version: str
    title: str
    kind: Kind
    measures: str
    predicts: Predicts
    claim: str
    reported: tuple[Reported, ...]
    grade: Grade
    strength: Strength | None
    studies: tuple[Study, ...]
    best_out_of_sample: Study | None
    validity: Mapping[Part, Measured]
    fails: tuple[FailedRule, ...]
    approved: Approved | None
    verdict: Text
    moves: tuple[MarkerMove, ...]
    what_if: tuple[WhatIf, ...]
    no_what_if: Text | None
    label: Text
    says: tuple[Finding, ...]
    rules: tuple[RuleRef, ...]
    evidence: tuple[Evidence, ...]
    device_line: str
    reviewed_on: date
    note: str
