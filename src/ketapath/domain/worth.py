"""Would knowing this change what is done first? Tests, scales and questions, each with what its answers change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ketapath.domain.evidence import Evidence, RuleRef, Text
from ketapath.domain.plan import Range

Orderable = Literal["question", "laboratory", "scale", "marker", "preference"]
"""What can be ordered or asked: of the person or the record, of the laboratory, a rating, a marker, a trade-off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One answer that is possible. `weight` is how common it is taken to be, of 1; `first` the option that would lead.

    `better_days` is what knowing it gains, in better days of twelve weeks; None where days do not count it, as when it
    keeps a treatment from being given.
    """

    value: str
    weight: float
    first: str | None
    changes: bool
    then: Text
    better_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthOrdering:
    """What one test, scale or question is worth before the next step. `id` is a profile path or a marker's card.

    `share` of the answers, by weight, change the first option: which it is, its dose, or whether it may be given.
    `gain` is the expected gain in better days, with how far settings differ; None where no answer's can be said.
    `averts` says that some answer changes it in a way that days do not count, such as that it rules a treatment out.
    `needed_by` are rules that ask for it before a start, whatever it changes. `cost` is the clinic's price in
    `currency`, None where not known. `why_none` is None where some answer changes the first option.
    """

    id: str
    label: str
    kind: Orderable
    supplied_by: str
    needed_by: tuple[RuleRef, ...]
    results: tuple[Result, ...]
    weights: Text
    share: float
    gain: Range | None
    averts: bool
    cost: float | None
    currency: str | None
    why_none: Text | None
    evidence: tuple[Evidence, ...]
