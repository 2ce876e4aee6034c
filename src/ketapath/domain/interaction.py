"""What does another medicine do to a level of ketamine? Perpetrators, measured ratios, and what comes out of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ketapath.domain.evidence import Evidence, Finding
from ketapath.domain.plan import Range

Does = Literal["inhibits", "induces", "nothing-known"]
"""What it does to the enzymes. The last is a known medicine of which no enzyme effect is known; no record says so."""

Where = Literal["liver", "gut"]

FactorTrust = Literal["fitted", "assumption"]
"""Fitted to a measured figure, or ours; the range of a fitted one may be ours, which `derived` says."""

FigureTrust = Literal["read", "recalled-unverified"]
"""A recalled figure is shown as such; nothing is fitted to it and it bounds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A factor without unit, and the range that holds it: half of people below `value`, nobody outside the range."""

    value: float
    low: float
    high: float
    trust: FactorTrust
    derived: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRatio:
    """What a study measured with this perpetrator over without; a ratio is None where only a direction was read.

    `bounds` marks the figure that no enzyme inhibitor is taken to exceed with this product by this route.
    """

    product: str
    route: str
    auc_ratio: float | None
    interval: tuple[float, float] | None
    cmax_ratio: float | None
    n: int | None
    said: str
    trust: FigureTrust
    bounds: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Perpetrator:
    """A medicine, herb or food that changes what liver and gut wall do to ketamine, or a class of medicines.

    `id` is the record; `drug` is the name of who was asked for, which for a class is one of its medicines. `together`
    bounds the oral ratio, gut factor over liver factor, where that is known better than its two parts. `bound_by` are
    the measured figures of others that bound it as well.
    """

    id: str
    drug: str
    medicines: tuple[str, ...]
    names: tuple[str, ...]
    medicine_class: str | None
    covers: tuple[str, ...]
    does: Does
    enzymes: tuple[str, ...]
    where: tuple[Where, ...]
    mechanism: str
    intrinsic_clearance: Factor
    gut_availability: Factor
    together: Factor | None
    measured: tuple[MeasuredRatio, ...]
    note: str
    bound_by: tuple[tuple[str, MeasuredRatio], ...] = ()

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every source behind its factors, each once."""
        factors = (self.intrinsic_clearance, self.gut_availability, *((self.together,) if self.together else ()))
        return tuple(dict.fromkeys(e for factor in factors for e in factor.evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """Area under the parent's level with these perpetrators over without, for one new person.

    `unbounded` is what the mechanism alone predicts, where a measured figure bounds it; None where none does.
    `known` is False where no enzyme effect of any of them is on record; the ratio is then 1 and says nothing.
    `measured` are the figures of this route, each with the name of the perpetrator that it was measured with.
    """

    drugs: tuple[str, ...]
    perpetrators: tuple[Perpetrator, ...]
    product: str
    route: str
    model: str
    dose_mg: float | None
    known: bool
    auc_ratio: Range
    typical: float
    unbounded: Range | None
    mechanism: tuple[str, ...]
    measured: tuple[tuple[str, MeasuredRatio], ...]
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]
