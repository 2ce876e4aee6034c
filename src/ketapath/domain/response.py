"""How does this person's course go? Scores against treatment: posterior, recovery curve, and its honesty checks."""

from __future__ import annotations

from dataclasses import dataclass

from ketapath.domain.evidence import Evidence, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """One quantity after the data, as quantiles. `unit` "1" is a fraction of baseline."""

    quantity: str
    unit: str
    p05: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCurve:
    """Scale points by day since the first session; all arrays have the length of `days`.

    The bands are for the score that would be observed (measurement error included).
    """

    scale: str
    days: tuple[float, ...]
    p05: tuple[float, ...]
    p25: tuple[float, ...]
    p50: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One score as the curve saw it."""

    day: float
    total: float
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """Whether the inference may be believed. `ess` is the effective sample size, `pareto_k` None for exact updates."""

    ess: float
    pareto_k: float | None
    method: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The person's course so far and what it may become. Probabilities are None where they cannot be said.

    `horizon_day` is the day that `p_response` and `p_remission` speak of, counted from the first session.
    `reliable_change` compares the last score with baseline: "improved", "worse", "no reliable change" or None.
    """

    scale: str
    baseline: float | None
    baseline_on: str | None
    sessions: int
    observed: tuple[Observed, ...]
    posterior: tuple[Posterior, ...]
    curve: RecoveryCurve | None
    horizon_day: float | None
    p_response: float | None
    p_remission: float | None
    p_relapse_by: tuple[tuple[float, float], ...]
    p_worse: float | None
    reliable_change: str | None
    last_change: float | None
    item9: int | None
    diagnostics: Diagnostics | None
    evidence: tuple[Evidence, ...]
    notes: tuple[Text, ...]
