"""What if one mode with a t around it is not enough? Tempered sequential Monte Carlo, several populations apart.

Particles start from the wide prior guess and are led to the density by powers 0 < ... < 1, chosen so that half of the
effective sample stays at each; between powers they are resampled and moved by random-walk Metropolis steps, most of
the shape of the cloud and some of the size of the prior, so that they can go from one mode to another. The
populations never meet, and each carries its estimate of the integral; how much their means differ tells how many
independent draws the whole is worth. Del Moral, Doucet and Jasra, J R Stat Soc B 2006;68:411-436.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ketapath.domain.response import Diagnostics
from ketapath.inference.mode import Array, LogDensity

POPULATIONS = 8
LEAST_ESS = 400.0
_LEAST_ACCEPTED = 0.05
_MOVES = 20
_STAGES = 100
_WIDE = 2.0  # standard deviation of the start, in those of the prior


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tempered:
    """Equally weighted within a population; the weights tell the populations apart. Shapes (n, d) and (n,)."""

    draws: Array
    weights: Array
    diagnostics: Diagnostics
    log_evidence: float


def tempered(density: LogDensity, d: int, rng: np.random.Generator, n: int) -> Tempered:
    """Draws by tempering, for a density whose prior has middle 0 and standard deviation 1."""
    size = max(n // POPULATIONS, 2)
    points = rng.standard_normal((POPULATIONS * size, d)) * _WIDE
    ours, first = density(points), _start(points)
    power, log_mass, accepted = 0.0, np.zeros(POPULATIONS), 1.0
    for _ in range(_STAGES):
        usable = np.isfinite(ours)
        step = _next(np.where(usable, ours - first, -np.inf), power, log_mass, size)
        log_w = np.where(usable, step * (ours - first), -np.inf).reshape(POPULATIONS, size)
        top = log_w.max(axis=1, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)
        mass = np.exp(log_w - top)
        log_mass = log_mass + np.log(np.maximum(mass.mean(axis=1), 1e-300)) + top[:, 0]
        power += step
        kept = _resampled(mass, rng)
        points, ours, first = points[kept], ours[kept], first[kept]
        points, ours, first, accepted = _moved(density, points, ours, first, power, rng)
        if power >= 1.0 - 1e-12:
            break
    return _summary(points, log_mass, size, accepted, finished=power >= 1.0 - 1e-12)


def _start(points: Array) -> Array:
    d = points.shape[1]
    return np.asarray(-0.5 * (points**2).sum(axis=1) / _WIDE**2 - d * math.log(_WIDE) - d / 2 * math.log(2 * math.pi))


def _next(ratio: Array, power: float, log_mass: Array, size: int) -> float:
    """How far the power may grow while half of the effective sample stays."""

    def left(step: float) -> float:
        log_w = step * ratio + np.repeat(log_mass, size)
        w = np.exp(log_w - log_w.max())
        before = np.repeat(np.exp(log_mass - log_mass.max()), size)
        return float(w.sum() ** 2 / (w**2).sum() / (before.sum() ** 2 / (before**2).sum()))

    low, high = 0.0, 1.0 - power
    if left(high) >= 0.5:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if left(middle) >= 0.5 else (low, middle)
    return max(high, 1e-6)


def _resampled(mass: Array, rng: np.random.Generator) -> Array:
    """Indices into the flat particles, systematically within each population."""
    size = mass.shape[1]
    kept = []
    for index, row in enumerate(mass):
        total = np.cumsum(row)
        if total[-1] <= 0.0:  # a population that has lost everything stays where it is; its mass is nothing
            chosen = np.arange(size)
        else:
            chosen = np.searchsorted(total / total[-1], (rng.random() + np.arange(size)) / size)
        kept.append(np.minimum(chosen, size - 1) + index * size)
    return np.concatenate(kept)


def _moved(
    density: LogDensity, points: Array, ours: Array, first: Array, power: float, rng: np.random.Generator
) -> tuple[Array, Array, Array, float]:
    """Metropolis steps at this power; the last value is the share of the narrow steps that was accepted."""
    n, d = points.shape
    size, accepted, narrow = 2.38 / math.sqrt(d), 0.0, 0
    for move in range(_MOVES):
        far = move % 4 == 3
        if far:
            steps = rng.standard_normal((n, d)) * _WIDE
        else:
            spread = np.cov(points.T).reshape(d, d) + 1e-12 * np.eye(d)
            steps = rng.standard_normal((n, d)) @ np.linalg.cholesky(spread).T * size
        tried = points + steps
        new_ours, new_first = density(tried), _start(tried)
        usable = np.isfinite(new_ours)
        gain = np.where(usable, power * (new_ours - ours) + (1 - power) * (new_first - first), -np.inf)
        taken = np.log(rng.random(n)) < gain
        points = np.where(taken[:, None], tried, points)
        ours, first = np.where(taken, new_ours, ours), np.where(taken, new_first, first)
        if not far:
            share = float(taken.mean())
            accepted, narrow = accepted + share, narrow + 1
            size *= math.exp(share - 0.3)  # towards the share that random walks do best with
    return points, ours, first, accepted / narrow


def _summary(points: Array, log_mass: Array, size: int, accepted: float, *, finished: bool) -> Tempered:
    """What the populations together are worth."""
    mass = np.exp(log_mass - log_mass.max())
    share = mass / mass.sum()
    cloud = points.reshape(POPULATIONS, size, -1)
    means, whole = cloud.mean(axis=1), share @ cloud.mean(axis=1)
    spread = share @ ((cloud - whole) ** 2).mean(axis=1)
    # The variance of the whole mean, from populations that never met.
    error = (share[:, None] ** 2 * (means - whole) ** 2).sum(axis=0) * POPULATIONS / (POPULATIONS - 1)
    worth = np.where(error > 0.0, spread / np.where(error > 0.0, error, 1.0), float(points.shape[0]))
    ess = float(min(worth.min(), points.shape[0], size / (share**2).sum()))
    enough = LEAST_ESS * min(1.0, points.shape[0] / 4000)
    ok = finished and ess >= enough and accepted >= _LEAST_ACCEPTED
    return Tempered(
        draws=points,
        weights=np.repeat(share / size, size),
        diagnostics=Diagnostics(ess=ess, pareto_k=None, method="tempered sequential Monte Carlo", ok=ok),
        log_evidence=float(log_mass.max() + math.log(mass.mean())),
    )
