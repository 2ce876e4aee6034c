"""Where does a density peak, and how sharply? Damped Newton steps; derivatives by differences in one call each.

All points that a step needs go through the density at once, because it works on arrays: two calls a step. No
optimiser of a library is imported for this, which would cost a cold start more than the search itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ketapath.errors import NumericalError

Array = npt.NDArray[np.float64]
LogDensity = Callable[[Array], Array]
"""From points (n, d) to log-densities (n,), up to one constant; -inf where a point cannot be."""

_STEPS = 60
_DAMPINGS = np.concatenate([[0.0], 10.0 ** np.arange(-4.0, 6.0)])
_DIFFERENCE = 0.02  # of the standard deviation in that direction, as the last step saw it
_DONE = 1e-6  # gain in log-density
_WIDEST = 4.0  # a flat direction gets this many prior standard deviations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mode:
    """The peak `at` (d,), and `factor` (d, d) with factor factor' the covariance of a normal of the same curvature."""

    at: Array
    factor: Array
    converged: bool


def log_values(density: LogDensity, points: Array) -> Array:
    """The log-densities at these points. Raises NumericalError for NaN or +inf."""
    found = np.asarray(density(points), dtype=np.float64)
    if found.shape != (points.shape[0],) or np.isnan(found).any() or (found == np.inf).any():
        raise NumericalError("The log-density is not a number somewhere: check the data and the prior.")
    return found


def find_mode(density: LogDensity, d: int) -> Mode:
    """The mode nearest to 0 uphill, of a density whose prior has standard deviation 1 in every direction."""
    at, width = np.zeros(d), np.ones(d)
    value = float(density(at[None])[0])
    if not np.isfinite(value):
        raise NumericalError("The density is zero where the search starts: check the data and the prior.")
    converged = False
    precision = np.eye(d)
    for _ in range(_STEPS):
        slope, precision = _derivatives(density, at, _DIFFERENCE * width)
        if not np.isfinite(precision).all() or not np.isfinite(slope).all():
            return Mode(at=at, factor=np.eye(d), converged=False)
        values, vectors = np.linalg.eigh(precision)
        bent = np.maximum(np.abs(values), 1.0 / _WIDEST**2)  # a valley is left the way a hill of its shape is climbed
        downhill = vectors.T @ slope
        steps = (downhill / (bent + _DAMPINGS[:, None] * bent.max())) @ vectors.T
        tried = density(at + steps)
        best = int(np.argmax(tried))
        width = 1.0 / np.sqrt(np.clip(np.abs(np.diagonal(precision)), 1.0 / _WIDEST**2, None))
        gain = float(tried[best]) - value
        if gain > 0.0:
            at, value = at + steps[best], float(tried[best])
        if gain < _DONE:
            converged = bool(values.min() > 0.0)
            break
    values, vectors = np.linalg.eigh(precision)
    spread = vectors / np.sqrt(np.maximum(values, 1.0 / _WIDEST**2))
    return Mode(at=at, factor=np.linalg.cholesky(spread @ spread.T), converged=converged)


def _derivatives(density: LogDensity, at: Array, h: Array) -> tuple[Array, Array]:
    """Slope (d,) and negative second derivatives (d, d) by central differences, from one call."""
    d = at.size
    one = np.diag(h)
    pairs = [(i, j) for i in range(d) for j in range(i)]
    both = np.array([one[i] + one[j] for i, j in pairs]).reshape(-1, d)
    across = np.array([one[i] - one[j] for i, j in pairs]).reshape(-1, d)
    points = np.concatenate([np.zeros((1, d)), one, -one, both, -both, across, -across])
    values = density(at + points)
    up, down = values[1 : 1 + d], values[1 + d : 1 + 2 * d]
    slope = (up - down) / (2 * h)
    curve = np.diag((up - 2 * values[0] + down) / h**2)
    rest = values[1 + 2 * d :].reshape(4, -1) if pairs else np.zeros((4, 0))
    for index, (i, j) in enumerate(pairs):
        plus, minus, cross, back = rest[:, index]
        curve[i, j] = curve[j, i] = (plus + minus - cross - back) / (4 * h[i] * h[j])
    return slope, -curve
