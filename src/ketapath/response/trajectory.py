"""What course of symptoms does treatment lead to expect, and how wide is it? Prior moments of the fraction improved.

Improvement is counted from the recorded baseline: y(t) = 1 - (1 - P)(1 - D(t)), with context P and drug effect D. A
session lifts D to its effect e where D is lower, and D halves every half-life (restore, no build-up). The ranges of
the parameters, the spread between studies, the person's own lasting part, a slow drift and the error of the baseline
make the covariance. Scores may rise above baseline: y may be negative. Sources: knowledge/response.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
DRAWS = 2000  # source: our choice; the Monte-Carlo error of a probability stays near 1 in 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDose:
    """A session as the model sees it: day since the first, and dose by weight (None for the spray)."""

    day: float
    mg_per_kg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Moments of y at the times asked for, and of quantities of interest beside it.

    `mean` (t,) and `covariance` (t, t) hold population, person, drift and baseline error; `members` (draws, t) is the
    population part alone, `named` one column of draws for each quantity.
    """

    mean: Array
    covariance: Array
    members: Array
    person_sd: float
    named: Mapping[str, Array]


def prior(
    times: Sequence[float],
    sessions: Sequence[SessionDose],
    parameters: Mapping[str, Any],
    *,
    baseline: float,
    seed: int,
) -> Prior:
    """The prior of y at these days since the first session, for a person with this baseline score."""
    rng = np.random.default_rng(seed)

    def between(name: str) -> Array:
        return rng.uniform(parameters[name]["low"], parameters[name]["high"], DRAWS)

    context = between("context") + rng.normal(0.0, parameters["context_between_studies"]["sd"], DRAWS)
    half_life, nasal = between("half_life_days"), between("drug_nasal")
    at_half, ed50 = between("drug_at_half_mg_per_kg"), between("ed50_mg_per_kg")
    days = np.asarray(times, dtype=np.float64)
    drug = np.zeros((DRAWS, days.size))
    level, last = np.zeros(DRAWS), 0.0
    ordered = sorted(sessions, key=lambda s: s.day)
    for index, session in enumerate(ordered):
        level = level * 2.0 ** (-(session.day - last) / half_life)
        level = np.maximum(level, _effect(session, at_half, ed50, nasal))
        last = session.day
        until = ordered[index + 1].day if index + 1 < len(ordered) else np.inf
        here = (days > session.day) & (days <= until)
        drug[:, here] = level[:, None] * 2.0 ** (-(days[here] - session.day) / half_life[:, None])
    started = (days > 0.0).astype(np.float64)
    members = 1.0 - (1.0 - context[:, None] * started) * (1.0 - drug)
    person_sd = _person_sd(parameters, baseline)
    mean = members.mean(axis=0)
    # A baseline that was measured too low or too high shifts every later fraction of it alike.
    shared = (1.0 - mean) * started * parameters["standard_error"]["phq9"] / baseline
    population = np.cov(members, rowvar=False).reshape(days.size, days.size)
    return Prior(
        mean=mean,
        covariance=population + _own(days, parameters, person_sd) + np.outer(shared, shared),
        members=members,
        person_sd=person_sd,
        named={"context_part": context, "drug_part": level, "half_life_days": half_life},
    )


def _effect(session: SessionDose, at_half: Array, ed50: Array, nasal: Array) -> Array:
    """The effect right after one session: saturating in dose by vein, flat for the spray."""
    if session.mg_per_kg is None:
        return nasal
    half = 0.5  # source: OUTCOMES_FIT, the dose at which the drug effect is stated
    shape = session.mg_per_kg / (session.mg_per_kg + ed50)
    return np.clip(at_half * shape * (half + ed50) / half, 0.0, 1.0)


def _person_sd(parameters: Mapping[str, Any], baseline: float) -> float:
    """The person's own spread: the arm figure less what measurement error explains at this baseline."""
    error = 2.0 * (parameters["standard_error"]["phq9"] / baseline) ** 2
    total = float(parameters["person_sd"]["value"]) ** 2
    # At a low baseline the error alone explains the arm figure; a quarter of it is kept as real difference.
    return float(np.sqrt(max(total - error, total / 4)))


def _own(days: Array, parameters: Mapping[str, Any], person_sd: float) -> Array:
    """Covariance of the lasting and of the drifting part, both absent until treatment starts."""
    share, memory = float(parameters["slow_course"]["share"]), float(parameters["slow_course"]["days"])
    started = np.outer(days > 0.0, days > 0.0)
    apart = np.abs(days[:, None] - days[None, :])
    own: Array = person_sd**2 * ((1.0 - share) + share * np.exp(-apart / memory)) * started
    return own
