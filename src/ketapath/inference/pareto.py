"""How heavy is the upper tail of importance weights? The shape k of a generalised Pareto fitted to it.

Above 0.7 an average over the weights cannot be trusted at any affordable number of draws. Estimator: Zhang and
Stephens, Technometrics 2009;51:316-325; length of the tail and weak prior on k: Vehtari, Simpson, Gelman, Yao and
Gabry, Pareto smoothed importance sampling, J Mach Learn Res 2024;25(72).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LIMIT = 0.7
_PRIOR_DRAWS, _PRIOR_K = 10.0, 0.5  # the weak prior: ten tail draws with k = 0.5
_LEAST_TAIL = 5


def pareto_k(log_weights: Array) -> float:
    """The shape of the upper tail of these log weights, shape (n,); infinite where there is too little to fit.

    >>> rng = np.random.default_rng(1)
    >>> 0.4 < pareto_k(0.5 * rng.exponential(size=4000)) < 0.7  # log weights whose tail has shape 0.5
    True
    """
    finite = log_weights[np.isfinite(log_weights)]
    length = int(min(0.2 * finite.size, 3.0 * math.sqrt(finite.size)))
    if length < _LEAST_TAIL:
        return math.inf
    ordered = np.sort(finite)[-length - 1 :]
    cut = ordered[0]
    excess = np.exp(ordered[1:] - ordered[-1]) - math.exp(cut - ordered[-1])
    excess = excess[excess > 0.0]
    if excess.size < _LEAST_TAIL:  # all weights of the tail are one: there is no tail
        return -math.inf if ordered[-1] - cut < 1e-9 else math.inf
    return _shape(excess)


def _shape(excess: Array) -> float:
    """Zhang and Stephens' estimate from sorted excesses, drawn towards 0.5 where they are few."""
    n = excess.size
    count = 30 + int(math.sqrt(n))
    quartile = excess[int(n / 4.0 + 0.5) - 1]
    grid = 1.0 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))
    grid = grid / (3.0 * quartile) + 1.0 / excess[-1]
    shapes = np.log1p(-grid[:, None] * excess).mean(axis=1)
    likelihood = n * (np.log(-grid / shapes) - shapes - 1.0)
    likelihood = np.where(np.isfinite(likelihood), likelihood, -np.inf)
    weights = np.exp(likelihood - likelihood.max())
    grid_mean = float((grid * weights).sum() / weights.sum())
    shape = float(np.log1p(-grid_mean * excess).mean())
    return (n * shape + _PRIOR_DRAWS * _PRIOR_K) / (n + _PRIOR_DRAWS)
