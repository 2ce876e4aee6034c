"""How does this person's course go? Scores against treatment: posterior, recovery curve, and its honesty checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ketapath.domain.evidence import Evidence, Text
from ketapath.domain.fact import Dose, ScoreEntry, Uncounted
from ketapath.domain.goal import Goal as Goal
from ketapath.domain.goal import GoalRating as GoalRating


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
class Provenance:
    """Whose data the prior rests on: "literature" or "this clinic", with the version and digest of its file."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last total against the baseline, with the definition by which it is called reliable.

    `points` is the least change that two measurements of an unchanged person would differ by in 1 of 20 pairs.
    """

    before: float
    after: float
    points: float
    verdict: Literal["improved", "worse", "no reliable change"]
    definition: Text
    evidence: tuple[Evidence, ...]
    beside: tuple[Text, ...] = ()
    """What other published rules call the same change: meaningful or not, response or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Probabilities at one day since the first session; `p_relapse` is by that day, None where nothing can relapse."""

    day: float
    p_response: float
    p_remission: float
    p_relapse: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """What one score did to the estimate: what was expected of it, and the fraction improved before and after it."""

    day: float
    scale: str
    total: float
    expected_p05: float
    expected_p50: float
    expected_p95: float
    improved_before: float
    improved_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyWarning:
    """A sign between visits that the course goes worse than expected, for a person to look at; it decides nothing.

    `probability` is the chance that what the statement says is so; None where the statement is a plain observation.
    """

    day: float
    scale: str
    kind: Literal["above-expected", "rising", "relapse"]
    statement: Text
    probability: float | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleCourse:
    """One scale of the person. Where `is_modelled` is False, `curve` is the scale's own trend: what the true value has
    been up to today, from these scores and their error alone, without treatment and without a forecast.

    `expected` is the course that treatment leads to expect before any score after the baseline; None without a model.
    """

    scale: str
    title: str
    top: float
    higher_is_better: bool
    is_modelled: bool
    baseline: float | None
    baseline_on: str | None
    observed: tuple[Observed, ...]
    curve: RecoveryCurve | None
    expected: RecoveryCurve | None
    change: Change | None
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the response model may know of one person. Weights, and days on which a new antidepressant began.

    `condition` is the word of the vocabulary ("MDD", "bipolar-depression", "PTSD", ...) or None where not known;
    `age_years` is None where not known. `uncounted` may have been sessions too.
    """

    scores: tuple[ScoreEntry, ...]
    doses: tuple[Dose, ...]
    weights_kg: Mapping[date, float]
    antidepressant_starts: tuple[date, ...]
    psychotherapy: tuple[date, ...]
    goals: tuple[Goal, ...]
    condition: str | None
    age_years: float | None
    uncounted: tuple[Uncounted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The person's course so far and what it may become. Probabilities are None where they cannot be said.

    `p_worse` speaks of the true value today: worse than before treatment by more than the error of one measurement.
    `horizon_day` is the day that `p_response` and `p_remission` speak of, counted from the first session.
    `reliable_change` compares the last score with baseline: "improved", "worse", "no reliable change" or None.
    `curve` and `expected` are those of `scale`; `scales` holds every scale of the person, that one first.
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
    expected: RecoveryCurve | None = None
    scales: tuple[ScaleCourse, ...] = ()
    chances: tuple[Chance, ...] = ()
    influences: tuple[Influence, ...] = ()
    warning: EarlyWarning | None = None
    goals: tuple[Goal, ...] = ()
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedOutcome:
    """One outcome of a trial arm, or of the difference between two, as a new study of that size would observe it.

    A change is in points, negative when symptoms fall; response, remission and relapse are shares of 1. The quantiles
    are None where nothing can be predicted.
    """

    scale: str
    day: float
    quantity: Literal["change", "response", "remission", "relapse"]
    p025: float | None
    p10: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p975: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPrediction:
    """What is expected of an arm, or with `arms` of the first against the second."""

    outcomes: tuple[PredictedOutcome, ...]
    arms: tuple[tuple[PredictedOutcome, ...], ...]
    provenance: Provenance
    findings: tuple[Text, ...]
    evidence: tuple[Evidence, ...]
