"""What would a trial of this design find? Its operating characteristics, each figure with its Monte-Carlo error."""

from __future__ import annotations

from dataclasses import dataclass

from ketapath.domain.evidence import Evidence, Text
from ketapath.domain.response import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A mean over simulated trials, and its Monte-Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEndpoint:
    """One endpoint of one arm: its mean in a trial, the standard error that a trial states, and the share who count.

    `unit` is "{score}", "d" or, of a share, "1". `true` is the mean if nobody left and no visit was missed; None where
    that was not simulated.
    """

    endpoint: str
    unit: str
    mean: Figure
    standard_error: Figure
    counted: Figure
    true: Figure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """One arm: subjects of a trial, what they get and lose, and how they end.

    `sessions` and `mg` of one subject; `left` and `missed` are shares, of subjects and of visits that were due;
    `past_180` is the share with a systolic pressure past 180 at least once, None where no figure per session exists.
    """

    name: str
    subjects: Figure
    sessions: Figure
    mg: Figure
    left: Figure
    missed: Figure
    past_180: Figure | None
    endpoints: tuple[ArmEndpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The first arm against the other in one endpoint.

    `rejected` is the share of trials whose test rejects "no difference": power, or type-I error where there is none;
    `lower` and `higher` say on which side. `bias` is estimate minus truth of the same trial. `coverage` is that of the
    95 % interval. `spread` is the standard deviation of the estimates around the truth (around their mean where that is
    not played), `standard_error` what trials state of it.
    """

    endpoint: str
    unit: str
    first: str
    other: str
    trials: int
    estimate: Figure
    spread: float
    standard_error: Figure
    true: Figure | None
    bias: Figure | None
    coverage: Figure | None
    rejected: Figure
    lower: Figure
    higher: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFigures:
    """Everything of trials with `size` subjects in an arm of share 1."""

    size: int
    arms: tuple[ArmFigures, ...]
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCharacteristics:
    """What a design would find in the truth it was played in, over so many trials of each size.

    `patients` were simulated in trials, `played` is how often a subject was followed through an arm in all, with those
    who are there only to know the truth. The digest is that of the design's file.
    """

    title: str
    digest: str
    truth: str
    trials: int
    seed: int
    alpha: float
    patients: int
    played: int
    asks_posterior: bool
    sizes: tuple[SizeFigures, ...]
    notes: tuple[Text, ...]
    provenance: Provenance
    knowledge_version: str
    code_version: str
    evidence: tuple[Evidence, ...]
