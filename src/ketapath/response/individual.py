"""What do one person's scores leave of the prior? Draws of the terms, with the checks of `inference`.

On the link of its scale a score is what the terms predict, plus a lasting signed part from the first session on, a slow
signed course (half of its variance shared by the scales), and measurement error. These are normal with known
covariance K times one unknown s^2 of mean 1: the bands of a person unlike others widen. s^2 is integrated out, so the
scores given the terms follow a multivariate t, and the density of the terms costs one product with a matrix.
Assumptions and spreads: knowledge/response.yaml. Why so: ADR 27.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ketapath.domain.response import Diagnostics
from ketapath.inference import LogDensity, sample
from ketapath.response.equations import LINK_OFFSET, Array, link
from ketapath.response.person import Person, on_link, parts
from ketapath.response.prior import Population

SHAPE, RATE = 4.0, 3.0  # source: our choice, ADR 27; s^2 ~ inverse gamma with mean 1 and standard deviation 0.7
DRAWS = 4000  # source: our choice; the Monte-Carlo error of a probability stays under 1 in 100
_COURSES = 200  # source: our choice; the mean over so many courses differs from that over all by a hundredth
WANTED_ESS = 1000.0  # source: our choice; a probability is then known to 0.03 (95 %)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCourse:
    """A person's own course on the link: variance of the lasting part, and of the slow one with its memory.

    `slow` and `memory_days` (j,) are draws of the population: the covariance is their mean, so that fast and slow
    courses both count. `shared` is the part of the slow one that all scales have in common.
    """

    lasting: float
    slow: Array
    memory_days: Array
    shared: float

    def kept(self, apart: Array) -> Array:
        """Covariance of the slow part over these days; shape as given."""
        days, place = np.unique(apart, return_inverse=True)
        kernel = np.exp(-days[:, None] / self.memory_days) @ self.slow / self.slow.size
        return np.asarray(kernel[place].reshape(apart.shape))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Totals of modelled scales: day since the first session, index of the scale, and total, each (m,)."""

    days: Array
    scale: Array
    totals: Array

    def up_to(self, count: int) -> Scores:
        """The first so many."""
        return Scores(days=self.days[:count], scale=self.scale[:count], totals=self.totals[:count])


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """Equally weighted draws: terms (d, n), what is left of each score on the link (m, n), and s^2 (n,)."""

    terms: Array
    residuals: Array
    scaled: Array
    diagnostics: Diagnostics


def own_course(population: Population, shared: float) -> OwnCourse:
    """The person's own course as the population has it on average; `shared` is the part all scales have in common."""
    some = population.thinned(_COURSES)
    return OwnCourse(
        lasting=float(np.mean(population["lasting_sd"] ** 2)),
        slow=some["course_sd"] ** 2,
        memory_days=some["course_days"],
        shared=shared,
    )


def covariance(course: OwnCourse, days: Array, scale: Array, other_days: Array, other_scale: Array) -> Array:
    """Of the person's own course between two sets of days and scales, for s^2 = 1 and without measurement error."""
    started = (days > 0.0)[:, None] & (other_days > 0.0)[None, :]
    apart = np.abs(days[:, None] - other_days[None, :])
    alike = np.where(scale[:, None] == other_scale[None, :], 1.0, course.shared)
    return np.asarray(course.lasting * started + alike * course.kept(apart))


def scores_covariance(who: Person, course: OwnCourse, scores: Scores) -> Array:
    """K: the covariance of the scores around what the terms predict, for s^2 = 1.

    Totals are whole numbers. Near the ends of a scale one point is a long way on the link, so the variance of rounding
    (a twelfth of a point squared) is added at the slope that the link has there.
    """
    index = scores.scale.astype(int)
    top, errors = (np.array(v)[index] for v in ([s.top for s in who.scales], [s.error for s in who.scales]))
    pad = LINK_OFFSET * top
    slope = 1.0 / (scores.totals + pad) + 1.0 / (top - scores.totals + pad)
    errors = np.sqrt(errors**2 + slope**2 / 12.0)
    own = covariance(course, scores.days, scores.scale, scores.days, scores.scale)
    return np.asarray(own + np.diag(errors**2))


class Fit:
    """One person's density: what the terms predict of the scores, and how likely the scores are then."""

    def __init__(self, who: Person, course: OwnCourse, scores: Scores) -> None:
        self.who, self.course, self.scores = who, course, scores
        self._index = scores.scale.astype(int)
        tops = np.array([s.top for s in who.scales])[self._index]
        self.seen = link(np, scores.totals, tops)
        self._days, self._of_day = np.unique(scores.days, return_inverse=True)
        self.whiten = np.linalg.inv(np.linalg.cholesky(scores_covariance(who, course, scores)))

    def residuals(self, theta: Array) -> Array:
        """What the terms (d, n) leave of the scores on the link, (m, n)."""
        remaining = parts(self.who, theta, self._days).log_remaining()
        left = np.empty((self.seen.size, theta.shape[1]))
        for index, scale in enumerate(self.who.scales):
            here = self._index == index
            if here.any():
                expected = on_link(self.who, theta, remaining[self._of_day[here]], scale)
                left[here] = self.seen[here, None] - expected
        return left

    def distance(self, residuals: Array) -> Array:
        """r' K^-1 r, (n,)."""
        return np.asarray(((self.whiten @ residuals) ** 2).sum(axis=0))

    def log_likelihood(self, theta: Array) -> Array:
        """Of the scores given the terms (d, n), s^2 integrated out, up to a constant."""
        quadratic = self.distance(self.residuals(theta))
        return np.asarray(-(SHAPE + 0.5 * self.seen.size) * np.log(RATE + 0.5 * quadratic))

    def log_density(self) -> LogDensity:
        """Of standard-normal points (n, d)."""
        return lambda z: -0.5 * (z**2).sum(axis=1) + self.log_likelihood(self.who.terms(z))


def learned(fit: Fit, rng: np.random.Generator, *, draws: int = DRAWS) -> Posterior:
    """The terms after the scores. Without a score exactly the prior."""
    d = len(fit.who.names)
    if fit.scores.totals.size == 0:
        checks = Diagnostics(ess=float(draws), pareto_k=None, method="prior", ok=True)
        return _with_scale(fit, fit.who.terms(rng.standard_normal((draws, d))), rng, checks)
    found = sample(fit.log_density(), np.zeros(d), rng, draws=draws, wanted_ess=WANTED_ESS * draws / DRAWS)
    return _with_scale(fit, fit.who.terms(found.resampled(rng, draws)), rng, found.diagnostics)


def posterior_of(fit: Fit, terms: Array, rng: np.random.Generator, ess: float) -> Posterior:
    """A posterior of terms (d, n) that were drawn elsewhere and are worth `ess` independent ones."""
    checks = Diagnostics(ess=ess, pareto_k=None, method="weighted draws", ok=True)
    return _with_scale(fit, terms, rng, checks)


def _with_scale(fit: Fit, terms: Array, rng: np.random.Generator, checks: Diagnostics) -> Posterior:
    """The draws with s^2 drawn for each from its conditional, an inverse gamma."""
    residuals = fit.residuals(terms)
    rate = RATE + 0.5 * fit.distance(residuals)
    scaled = rate / rng.gamma(SHAPE + 0.5 * residuals.shape[0], 1.0, terms.shape[1])
    return Posterior(terms=terms, residuals=residuals, scaled=np.asarray(scaled), diagnostics=checks)


def thinned(posterior: Posterior, draws: int) -> Posterior:
    """The first so many draws; they are in random order."""
    return Posterior(
        terms=posterior.terms[:, :draws],
        residuals=posterior.residuals[:, :draws],
        scaled=posterior.scaled[:draws],
        diagnostics=posterior.diagnostics,
    )


def scores_from(rows: Sequence[tuple[float, int, float]]) -> Scores:
    """Scores from (day, index of the scale, total), in order of time and scale, so that no order of entry matters."""
    ordered = sorted(rows)
    table = np.array(ordered, dtype=np.float64).reshape(len(ordered), 3)
    return Scores(days=table[:, 0], scale=table[:, 1], totals=table[:, 2])
