"""Which fraction of symptoms is gone at a time after these sessions? The equations, for one person or a whole arm.

    y(t) = 1 - (1 - P(t)) (1 - D(t))
    P(t) = 1 - (1 - C) (1 - V r(t)) (1 - A r(t - start)),  r(t) = 1 - 2^(-t / 14 d)
    at a session  D <- max(D, e) + g min(D, e) (1 - max(D, e)),  e = a d / (d + ED50);  between sessions D halves
    every h(d) = h (d / 0.5 mg/kg)^s days

C is the context from the first visit on (expectancy, attention), V what comes with time and visits in every arm, A a
new antidepressant, D the drug; d is the dose as mg/kg of racemic ketamine by vein that would do as much. A person
differs from the arm by odds multipliers of P and of e, by a multiple of h, by a lasting signed part and by a signed
course of their own, both on the link of the scale. Every function takes the array module, so that the same lines run
in NumPy and under a gradient (`response.population`). What supports each part stands in knowledge/response.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
HALF_MG_PER_KG = 0.5  # source: OUTCOMES_FIT, the dose at which the drug effect is stated
RISE_DAYS = 14.0  # source: OUTCOMES_FIT, the time in which half of a new antidepressant's effect has come
LINK_OFFSET = 0.02  # source: our choice, of the highest total; keeps the link finite at the ends of the scale
_MOST = 0.98  # source: our choice; a session leaves at least this little of the symptoms
_LN2 = 0.6931471805599453  # source: natural logarithm of 2
_SPLIT = 3.0**0.5  # Gauss-Hermite with three points: 0 and +-sqrt(3), weights 2/3 and 1/6


def expit(xp: Any, x: Any) -> Any:
    """Fraction from log-odds."""
    return 1.0 / (1.0 + xp.exp(-x))


def halved(xp: Any, times: Any) -> Any:
    """What is left after halving so many times."""
    return xp.exp(-_LN2 * times)


def with_odds(fraction: Any, multiple: Any) -> Any:
    """The fraction whose odds are this multiple of the given one's; 0 stays 0 and 1 stays 1."""
    return multiple * fraction / (1.0 - fraction + multiple * fraction)


def session_effect(xp: Any, mg_per_kg: Any, at_half: Any, ed50: Any) -> Any:
    """The drug effect right after one session: saturating in dose, `at_half` at 0.5 mg/kg; 0 without a dose."""
    shape = mg_per_kg / (mg_per_kg + ed50) * (HALF_MG_PER_KG + ed50) / HALF_MG_PER_KG
    return xp.minimum(at_half * shape, _MOST)


def half_life_days(xp: Any, mg_per_kg: Any, at_half: Any, slope: Any) -> Any:
    """Days in which the effect of this dose halves; defined for a dose of nothing, where it is never used."""
    dose = xp.where(mg_per_kg > 0.0, mg_per_kg, HALF_MG_PER_KG)
    return at_half * (dose / HALF_MG_PER_KG) ** slope


def after_sessions(
    xp: Any, gaps_days: Sequence[Any], effects: Sequence[Any], half_lives: Sequence[Any], build_up: Any
) -> list[Any]:
    """The drug effect right after each session, from the days since the session before it.

    Effects and half-lives broadcast against each other; an effect of 0 is a session that never was.
    """
    found: list[Any] = []
    level, half_life = effects[0] * 0.0, half_lives[0]
    for gap, effect, next_half_life in zip(gaps_days, effects, half_lives, strict=True):
        arrived = level * halved(xp, gap / half_life)
        high = xp.maximum(arrived, effect)
        level = high + build_up * xp.minimum(arrived, effect) * (1.0 - high)
        half_life = next_half_life
        found.append(level)
    return found


def risen(xp: Any, days: Any) -> Any:
    """r(t): the share that has come after these days; 0 before."""
    return 1.0 - halved(xp, xp.maximum(days, 0.0) / RISE_DAYS)


def context_part(xp: Any, context: Any, visits: Any, days: Any, new_antidepressant: Any, days_on_it: Any) -> Any:
    """P(t), for days since the first session and since the new antidepressant (negative: none)."""
    rest = (1.0 - context) * (1.0 - visits * risen(xp, days)) * (1.0 - new_antidepressant * risen(xp, days_on_it))
    return 1.0 - rest


def link(xp: Any, total: Any, top: Any) -> Any:
    """Log-odds of a total on a scale from 0 to `top` where more is worse; finite at both ends."""
    c = LINK_OFFSET * top
    return xp.log((total + c) / (top - total + c))


def unlink(xp: Any, value: Any, top: Any) -> Any:
    """The total at this place on the link, kept inside the scale."""
    c = LINK_OFFSET * top
    return xp.clip((top + 2.0 * c) * expit(xp, value) - c, 0.0, top)


def error_on_link(points: Any, top: Any) -> Any:
    """A standard error in points as one on the link: by the slope at the middle of the scale."""
    return points * 4.0 / (top * (1.0 + 2.0 * LINK_OFFSET))


def person_nodes(count: int, dimensions: int) -> Array:
    """Standard-normal points (count, dimensions) that stand for people: an even sequence and its mirror image.

    Additive recurrence with the powers of the generalised golden ratio (M. Roberts' R sequence); turned and scaled so
    that the mean is exactly 0 and the covariance exactly 1.
    """
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1.0)
    place = (0.5 + np.arange(1.0, count // 2 + 1.0)[:, None] * steps) % 1.0
    normal = np.vectorize(NormalDist().inv_cdf)(place)
    both = np.concatenate([normal, -normal])
    values, vectors = np.linalg.eigh(both.T @ both / both.shape[0])
    return np.asarray(both @ (vectors / np.sqrt(values)) @ vectors.T)


def expected_total(xp: Any, middle: Any, spread: Any, top: Any) -> tuple[Any, Any]:
    """Mean and mean square of the total where the link is normal: three-point Gauss-Hermite."""
    low, mid, high = (unlink(xp, middle + step * spread, top) for step in (-_SPLIT, 0.0, _SPLIT))
    return (low + 4.0 * mid + high) / 6.0, (low**2 + 4.0 * mid**2 + high**2) / 6.0
