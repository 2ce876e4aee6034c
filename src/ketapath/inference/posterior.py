"""What do the data leave of a prior? Mode, a t-shaped importance sample around it, and a slower way where that fails.

The proposal is a Student t (8 degrees of freedom) with the curvature at the mode. A tenth of the draws comes from a
wide t around the start instead, so that the weights also see what lies far from the mode found: a second mode or a
heavy tail then fails a check instead of passing unseen. Checks: Pareto k of the weights and effective sample size.
A sample
that fails narrowly is drawn again from a t with its mean and covariance. A bent density whose weights fail is drawn
from several t at once, around the modes of powers of it, under the same checks. One that fails again is set aside for
tempered sequential Monte Carlo, and the result says why. Where that fails as well, `diagnostics.ok` is False:
nobody may use the draws as if they were the posterior.
Assumed: the start and spread cover the prior; a mode beyond them both ways find only by luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ketapath.domain.response import Diagnostics
from ketapath.errors import NumericalError
from ketapath.inference import pareto
from ketapath.inference.mode import Array, LogDensity, Mode, find_mode, log_values
from ketapath.inference.tempered import tempered

DRAWS = 4000
LEAST_ESS = 400.0
_DF = 8.0
_WIDE_SHARE = 0.1
_WIDE_FACTOR = 1.5
_METHOD = "laplace-t importance sample"
_REFIT_ESS, _REFIT_WIDER = 50.0, 1.2
_FLATTER = (
    0.5,
    0.2,
)  # powers of the density, whose t reach along a bend where that of the density itself is too narrow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Weighted draws of a posterior: `draws` (n, d), `weights` (n,) with sum 1.

    `failed` names, in words for a log, the checks that an earlier, faster way did not pass; empty where none failed.
    `log_evidence` is the logarithm of the integral of the density, NaN where the method does not give it.
    """

    draws: Array
    weights: Array
    mode: Array
    diagnostics: Diagnostics
    failed: tuple[str, ...]
    log_evidence: float

    def mean(self) -> Array:
        """Posterior mean, shape (d,)."""
        return np.asarray(self.weights @ self.draws, dtype=np.float64)

    def resampled(self, rng: np.random.Generator, n: int) -> Array:
        """n draws of equal weight, shape (n, d), in random order (systematic resampling)."""
        chosen = np.searchsorted(np.cumsum(self.weights), (rng.random() + np.arange(n)) / n)
        chosen = np.minimum(chosen, self.weights.size - 1)
        return np.asarray(self.draws[rng.permutation(chosen)], dtype=np.float64)


def sample(
    log_density: LogDensity,
    start: Array,
    rng: np.random.Generator,
    *,
    spread: Array | None = None,
    draws: int = DRAWS,
    wanted_ess: float = 0.0,
) -> Sample:
    """Draws from the density that `log_density` gives up to a constant.

    Parameters
    ----------
    log_density : function from points (n, d) to log-densities (n,); -inf where a point cannot be, never NaN.
    start : shape (d,), the middle of the prior; the search for the mode begins here.
    spread : shape (d,), standard deviations of the prior; 1 where not given.
    draws : how many, 100 or more.
    wanted_ess : a sample that passes its checks with fewer effective draws is drawn once more from the improved
        proposal, and the better of the two is kept.

    Raises NumericalError where the density is NaN, or no point near the start has a finite density.
    """
    middle = np.asarray(start, dtype=np.float64)
    scale = np.ones_like(middle) if spread is None else np.asarray(spread, dtype=np.float64)

    def standard(points: Array) -> Array:
        """The density where the prior has middle 0 and standard deviation 1, so that steps have one size."""
        return log_values(log_density, middle + scale * points)

    mode = find_mode(standard, middle.size)
    found, failed = _importance(standard, mode, rng, draws)
    if not failed and found.diagnostics.ess < wanted_ess:
        again, still = _importance(standard, _refitted(found), rng, draws, method=f"{_METHOD}, refitted")
        found = again if not still and again.diagnostics.ess > found.diagnostics.ess else found
    if failed and mode.converged and _may_be_refitted(found.diagnostics):
        again, still = _importance(standard, _refitted(found), rng, draws, method=f"{_METHOD}, refitted")
        found, failed = again, (*failed, *still)
        if not still:
            return _result(found, middle, scale, mode, failed)
    if failed and mode.converged:
        bent, still = _around_a_bend(standard, mode, rng, draws, wanted_ess)
        failed = (*failed, *still)
        if bent is not None and not still:
            return _result(bent, middle, scale, mode, failed)
    if failed:
        # The slow way's draws take the place of those that failed.
        slow = tempered(standard, middle.size, rng, draws)
        found = _Weighted(
            draws=slow.draws, weights=slow.weights, diagnostics=slow.diagnostics, log_evidence=slow.log_evidence
        )
    return _result(found, middle, scale, mode, failed)


def _around_a_bend(
    density: LogDensity, mode: Mode, rng: np.random.Generator, draws: int, wanted_ess: float
) -> tuple[_Weighted | None, tuple[str, ...]]:
    """Draws from several t around the modes of powers of the density, then also from one with their mean and spread."""
    flat = [find_mode(_to_the_power(density, power), mode.at.size) for power in _FLATTER]
    if not all(one.converged for one in flat):
        return None, ()
    method = f"{_METHOD}, of several t"
    found, failed = _importance(density, mode, rng, draws, method=method, beside=flat)
    if (failed or found.diagnostics.ess < wanted_ess) and found.diagnostics.ess >= _REFIT_ESS:
        again, still = _importance(density, mode, rng, draws, method=method, beside=(*flat, _refitted(found)))
        if failed or (not still and again.diagnostics.ess > found.diagnostics.ess):
            found, failed = again, still
    return found, failed


def _to_the_power(density: LogDensity, power: float) -> LogDensity:
    return lambda z: power * density(z)


def _result(found: _Weighted, middle: Array, scale: Array, mode: Mode, failed: tuple[str, ...]) -> Sample:
    return Sample(
        draws=_frozen(middle + scale * found.draws),
        weights=_frozen(found.weights),
        mode=_frozen(middle + scale * mode.at),
        diagnostics=found.diagnostics,
        failed=failed,
        log_evidence=found.log_evidence + float(np.log(scale).sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weighted:
    draws: Array
    weights: Array
    diagnostics: Diagnostics
    log_evidence: float


def _may_be_refitted(checks: Diagnostics) -> bool:
    """Whether the weights are only uneven; with a heavy tail their mean and covariance say nothing."""
    return checks.pareto_k is not None and checks.pareto_k < pareto.LIMIT and checks.ess >= _REFIT_ESS


def _refitted(found: _Weighted) -> Mode:
    """A proposal with the mean and covariance of the weighted draws, a little wider; the checks are the same."""
    at = found.weights @ found.draws
    away = found.draws - at
    covariance = (found.weights[:, None] * away).T @ away
    factor = np.asarray(np.linalg.cholesky(_REFIT_WIDER * covariance), dtype=np.float64)
    return Mode(at=at, factor=factor, converged=True)


def _importance(
    density: LogDensity,
    mode: Mode,
    rng: np.random.Generator,
    n: int,
    *,
    method: str = _METHOD,
    beside: Sequence[Mode] = (),
) -> tuple[_Weighted, tuple[str, ...]]:
    """The quick way, and the checks that it fails. The near draws are shared evenly with the modes `beside` it."""
    d = mode.at.size
    wide = np.eye(d) * _WIDE_FACTOR
    far = round(_WIDE_SHARE * n)
    modes = (mode, *beside)
    counts = [len(part) for part in np.array_split(np.arange(n - far), len(modes))]
    near = [m.at + student(rng, count, d) @ m.factor.T for m, count in zip(modes, counts, strict=True)]
    points = np.concatenate([*near, student(rng, far, d) @ wide.T])
    parts = [math.log(c / n) + log_student(points - m.at, m.factor) for m, c in zip(modes, counts, strict=True)]
    proposal = np.logaddexp.reduce([*parts, math.log(far / n) + log_student(points, wide)])
    log_weights = density(points) - proposal
    top = log_weights.max()
    if not math.isfinite(top):
        raise NumericalError("No draw around the mode has a finite density: check the data and the prior.")
    raw = np.exp(log_weights - top)
    weights = raw / raw.sum()
    ess, k = float(1.0 / (weights**2).sum()), pareto.pareto_k(log_weights)
    failed = []
    if not mode.converged:
        failed.append("the search for the mode did not end")
    if not k < pareto.LIMIT:
        failed.append(f"Pareto k {k:.2f} is not below {pareto.LIMIT:g}")
    if ess < LEAST_ESS * min(1.0, n / DRAWS):
        failed.append(f"effective sample size {ess:.0f} is below {LEAST_ESS * min(1.0, n / DRAWS):.0f}")
    checks = Diagnostics(ess=ess, pareto_k=k, method=method, ok=not failed)
    evidence = float(top) + math.log(float(raw.mean()))
    return _Weighted(draws=points, weights=weights, diagnostics=checks, log_evidence=evidence), tuple(failed)


def student(rng: np.random.Generator, n: int, d: int) -> Array:
    """Standard multivariate t, shape (n, d)."""
    return rng.standard_normal((n, d)) * np.sqrt(_DF / rng.chisquare(_DF, n))[:, None]


def log_student(away: Array, factor: Array) -> Array:
    """Log-density of a multivariate t with this lower-triangular scale, at distances (n, d) from its middle."""
    d = away.shape[1]
    flat = np.linalg.solve(factor, away.T)
    constant = math.lgamma((_DF + d) / 2) - math.lgamma(_DF / 2) - d / 2 * math.log(_DF * math.pi)
    determinant = float(np.log(np.abs(np.diagonal(factor))).sum())
    return np.asarray(constant - determinant - (_DF + d) / 2 * np.log1p((flat**2).sum(axis=0) / _DF))


def _frozen(values: Array) -> Array:
    kept = np.ascontiguousarray(values)
    kept.setflags(write=False)
    return kept
