"""What do screening answers say, and how sure is that? Probabilities beside the work-up, never a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ketapath.domain.evidence import Evidence, FactUsed, MissingFact, Text, Trust
from ketapath.domain.plan import Range

Answer = Literal["positive", "negative", "not answered"]

Purpose = Literal["usual", "sensitive", "specific"]
"""What a cut-off is chosen for: the usual one, one that overlooks few, one that alarms few without the condition."""

IntervalBasis = Literal["published", "wilson", "spread", "assumed"]
"""Where an interval comes from, the firmest first: the paper's own; ours, from the paper's number of people; the gap
between studies that disagree; or none, so that a site default says how many people it is taken to rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """A sensitivity or a specificity with its 95 % interval. `people` are those it was measured in."""

    point: float
    interval: tuple[float, float] | None
    basis: IntervalBasis
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerUsed:
    """A fact that a screen read, and for how many days from its own day it may be relied on (None: for good)."""

    fact: FactUsed
    window_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretest:
    """How common the condition is taken to be before the answer: anything from `low` to `high`, all alike.

    `stated` is True where the clinician gave the range. Else it is this setting's, and `approved_by` names who of the
    clinic took it over; None means that it still needs approval.
    """

    low: float
    high: float
    stated: bool
    approved_by: str | None
    statement: Text
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPretest:
    """The probability after the answer, had the probability before it been exactly this."""

    pretest: float
    posttest: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One screen at one cut-off, read for this person.

    `likelihood_ratio` is that of the answer given. It and the probabilities are None where the screen is not answered,
    where its accuracy is not in our evidence, and where the condition is on record as a diagnosis.
    """

    id: str
    instrument: str
    cut: Text
    purpose: Purpose
    answer: Answer
    used: tuple[AnswerUsed, ...]
    missing: tuple[str, ...]
    sensitivity: Accuracy | None
    specificity: Accuracy | None
    likelihood_ratio: Range | None
    posttest: Range | None
    by_pretest: tuple[AtPretest, ...]
    statement: Text
    studied: tuple[Text, ...]
    unknown: tuple[Text, ...]
    evidence: tuple[Evidence, ...]
    trust: Trust

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"screen {self.id} has no evidence")
        if self.answer == "not answered" and (self.posttest or self.likelihood_ratio or self.by_pretest):
            raise ValueError(f"screen {self.id} gives a number without an answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToFill:
    """A questionnaire that would say something here, and what of it is missing and why."""

    instrument: str
    gaps: tuple[MissingFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """One condition. `leading` is the id of the reading whose accuracy was read best; no two are ever multiplied.

    `known` are the facts that already state the diagnosis; with one of them no probability is computed. `said` are
    facts to bear in mind that are no diagnosis of this condition. `setting` says of whom the range before the answer
    speaks, `setting_note` where it comes from.
    """

    condition: str
    title: Text
    label: Text
    statement: Text
    known: tuple[FactUsed, ...]
    said: tuple[FactUsed, ...]
    readings: tuple[Reading, ...]
    leading: str | None
    setting: Text
    setting_note: Text
    pretest: Pretest | None
    to_fill: tuple[ToFill, ...]
    settled_by: Text
    notes: tuple[Text, ...]

    @property
    def posttest(self) -> Range | None:
        """The probability after the leading reading, where there is one."""
        return next((r.posttest for r in self.readings if r.id == self.leading), None)
