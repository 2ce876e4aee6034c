"""How does the course go on? Simulated courses of one person behind the curve, the probabilities, and what a score did.

For each draw of the terms the person's own course is drawn given what the scores left (Gaussian conditioning; the
matrices are the same for all draws), then whole totals with measurement error. Bands are those of an observed score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ketapath.domain.response import Chance, Influence, RecoveryCurve
from ketapath.inference import Stages, sample_stages
from ketapath.response.equations import Array, unlink
from ketapath.response.individual import RATE, SHAPE, Fit, Posterior, covariance, posterior_of
from ketapath.response.person import Scale, on_link, parts

_QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
_JITTER = 1e-9  # source: floating point; the own course at two close days is nearly one number
_ANCHORS = 6  # source: our choice; stages between two anchors are reached from both
_EACH = 600  # source: our choice; at 6 anchors about as many draws as the posterior has
_LEAST_ESS = 100.0  # source: our choice; a median is then known to a tenth of the spread


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Simulated courses of one scale: days (t,); true and observed totals, each (t, n).

    Where day 0 is the first day, its row is how the person was before treatment.
    """

    days: Array
    true: Array
    observed: Array

    def at(self, day: float) -> int:
        """The row of this day."""
        return int(np.searchsorted(self.days, day))


def simulated(fit: Fit, posterior: Posterior, scale: int, days: Array, rng: np.random.Generator) -> Paths:
    """Courses of this scale on these days, one for each draw."""
    who, theta, of_scale = fit.who, posterior.terms, fit.who.scales[scale]
    own, error = strays(fit, posterior, scale, days, rng)
    value = on_link(who, theta, parts(who, theta, days).log_remaining(), of_scale) + own
    return Paths(
        days=days,
        true=np.asarray(unlink(np, value, of_scale.top)),
        observed=np.asarray(unlink(np, value + error, of_scale.top)),
    )


def strays(fit: Fit, posterior: Posterior, scale: int, days: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The person's own course given the scores, and the error of a score, on the link; each (days, n)."""
    n, same = posterior.terms.shape[1], np.full(days.size, float(scale))
    own = covariance(fit.course, days, same, days, same)
    spread = np.sqrt(posterior.scaled)
    middle = np.zeros((1, n))
    if fit.scores.totals.size:
        reach = covariance(fit.course, days, same, fit.scores.days, fit.scores.scale) @ fit.whiten.T
        middle = (reach @ fit.whiten) @ posterior.residuals
        own = own - reach @ reach.T
    drawn = middle + spread * (_root(own) @ rng.standard_normal((days.size, n)))
    return np.asarray(drawn), np.asarray(spread * fit.who.scales[scale].error * rng.standard_normal(drawn.shape))


def _root(matrix: Array) -> Array:
    """A square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def curve(scale: Scale, paths: Paths) -> RecoveryCurve:
    """The bands of the score that would be observed."""
    ordered = np.sort(paths.observed, axis=1)
    last = ordered.shape[1] - 1
    rows = {name: ordered[:, round(q * last)].tolist() for name, q in _QUANTILES.items()}
    return RecoveryCurve(
        scale=scale.id, days=tuple(paths.days.tolist()), **{name: tuple(row) for name, row in rows.items()}
    )


def widened(one: RecoveryCurve, other: RecoveryCurve) -> RecoveryCurve:
    """The outer of two bands at each day, with the first one's median: for draws that did not pass their checks."""

    def outer(pick: Any, ours: tuple[float, ...], theirs: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(pick(a, b) for a, b in zip(ours, theirs, strict=True))

    return replace(
        one,
        p05=outer(min, one.p05, other.p05),
        p25=outer(min, one.p25, other.p25),
        p75=outer(max, one.p75, other.p75),
        p95=outer(max, one.p95, other.p95),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """What counts as response, remission and relapse of one scale, all of whole totals against the recorded baseline.

    `start` is that baseline; None where there is none and what each simulated person would have scored stands in.
    """

    start: float | None
    share: float
    below: float
    or_below: float | None
    relapse_gone: float

    @property
    def can_be_met(self) -> bool:
        """Whether the start leaves room for a response and a relapse: it does not where it is remission already."""
        return self.start is None or self.start >= self.below

    @classmethod
    def of(cls, instrument: Mapping[str, Any], start: float | None, parameters: Mapping[str, Any]) -> Definitions:
        """Those of the instrument, and the relapse of response.yaml."""
        return cls(
            start=start,
            share=float(instrument["response"]["share"]),
            below=float(instrument["remission"]["below"]),
            or_below=instrument["response"].get("or_below"),
            relapse_gone=float(parameters["relapse"]["improved_below"]),
        )

    def gone(self, paths: Paths, totals: Array) -> Array:
        """The fraction of the baseline that is gone at these totals."""
        before = np.maximum(np.rint(paths.observed[0]), 1.0) if self.start is None else self.start
        return np.asarray(1.0 - totals / before)

    def response(self, paths: Paths, totals: Array) -> Array:
        """Which totals are a response."""
        return np.asarray(self.gone(paths, totals) >= self.share)

    def relapse(self, paths: Paths, totals: Array) -> Array:
        """Which totals are a relapse, of somebody who has responded; a total in remission is none."""
        return np.asarray((self.gone(paths, totals) < self.relapse_gone) & (totals >= self.below))


def chances(
    paths: Paths, events: Definitions, *, days: Sequence[float], visits: Array, responded: bool
) -> list[Chance]:
    """Probabilities on each of these days; relapse is by that day, at a visit after today.

    Before the first visit nobody can be found to have relapsed: None there, as where there is nothing to relapse from.
    """
    relapsed_by = np.zeros(0)
    if responded and visits.size:
        rows = np.searchsorted(paths.days, visits)
        met = events.relapse(paths, np.rint(paths.observed[rows]))
        relapsed_by = np.logical_or.accumulate(met, axis=0).mean(axis=1)
    found = []
    for day in days:
        totals = np.rint(paths.observed[paths.at(day)])
        seen = int((visits <= day).sum())
        found.append(
            Chance(
                day=day,
                p_response=float(events.response(paths, totals).mean()),
                p_remission=float((totals < events.below).mean()),
                p_relapse=float(relapsed_by[seen - 1]) if responded and seen else None,
            )
        )
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """The posterior after each score in order of time: stage i is after the first i of those that follow the baseline.

    `whitened` (m, n) and `residuals` (m, n) belong to all scores; `before` is how many of them are baseline.
    """

    fit: Fit
    stages: Stages
    terms: Array
    residuals: Array
    whitened: Array
    before: int

    def posterior(self, stage: int, rng: np.random.Generator, draws: int) -> tuple[Fit, Posterior]:
        """Equally weighted draws of one stage, and the fit of the scores that it knows."""
        fit = Fit(self.fit.who, self.fit.course, self.fit.scores.up_to(self.before + stage))
        chosen = np.searchsorted(np.cumsum(self.stages.weights[stage]), (rng.random() + np.arange(draws)) / draws)
        terms = self.terms[:, np.minimum(chosen, self.terms.shape[1] - 1)]
        return fit, posterior_of(fit, terms, rng, float(self.stages.ess[stage]))


def step_by_step(fit: Fit, rng: np.random.Generator) -> Steps:
    """The draws that serve every stage from the baseline to the last score."""
    scores, who = fit.scores, fit.who
    before, count = int((scores.days <= 0.0).sum()), scores.totals.size
    sizes = np.arange(before, count + 1)

    def all_stages(z: Array) -> Array:
        quadratic = np.cumsum((fit.whiten @ fit.residuals(who.terms(z))) ** 2, axis=0)
        known = np.concatenate([np.zeros((1, z.shape[0])), quadratic])[sizes]
        return np.asarray(-0.5 * (z**2).sum(axis=1) - (SHAPE + 0.5 * sizes[:, None]) * np.log(RATE + 0.5 * known))

    places = np.unique(np.rint(np.linspace(before, count, _ANCHORS)).astype(int))
    anchors = [Fit(who, fit.course, scores.up_to(int(i))).log_density() for i in places if i > 0]
    stages = sample_stages(all_stages, anchors, len(who.names), rng, draws_each=_EACH)
    terms = who.terms(stages.draws)
    residuals = fit.residuals(terms)
    return Steps(
        fit=fit, stages=stages, terms=terms, residuals=residuals, whitened=fit.whiten @ residuals, before=before
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One score against what was expected of it: the influence, its tail, and how many standard deviations away."""

    influence: Influence
    scale: int
    p_as_high: float
    away: float


def influences(steps: Steps, rng: np.random.Generator) -> list[Step]:
    """What each score after the baseline did; scores that the draws cannot speak for are left out."""
    fit, found = steps.fit, []
    lower = np.linalg.inv(fit.whiten)
    for stage in range(steps.stages.ess.size - 1):
        if min(steps.stages.ess[stage : stage + 2]) >= _LEAST_ESS:
            found.append(_step(steps, lower, stage, rng))
    return found


def _step(steps: Steps, lower: Array, stage: int, rng: np.random.Generator) -> Step:
    fit, at = steps.fit, steps.before + stage
    index = int(fit.scores.scale[at])
    scale, day, total = fit.who.scales[index], float(fit.scores.days[at]), float(fit.scores.totals[at])
    known = (steps.whitened[:at] ** 2).sum(axis=0)
    spread = np.sqrt((RATE + 0.5 * known) / rng.gamma(SHAPE + 0.5 * at, 1.0, known.size))
    # A score is its prediction plus its own column of K's root; what it was given by earlier scores stays in place.
    new = spread * rng.standard_normal(known.size)
    seen = fit.seen[at] - lower[at, at] * (steps.whitened[at] - new)
    expected = _weighted(np.asarray(unlink(np, seen, scale.top)), steps.stages.weights[stage], (0.05, 0.5, 0.95))
    middle, sd = _moments(seen, steps.stages.weights[stage])
    before, after = (_improved(steps, index, day, at + i, steps.stages.weights[stage + i]) for i in (0, 1))
    return Step(
        influence=Influence(
            day=day,
            scale=scale.id,
            total=total,
            expected_p05=expected[0],
            expected_p50=expected[1],
            expected_p95=expected[2],
            improved_before=before,
            improved_after=after,
        ),
        scale=index,
        p_as_high=float(steps.stages.weights[stage] @ (seen >= fit.seen[at])),
        away=abs(float(fit.seen[at]) - middle) / sd,
    )


def _improved(steps: Steps, index: int, day: float, known: int, weights: Array) -> float:
    """The median fraction of this scale's true value that is gone on this day, by the first `known` scores."""
    fit = steps.fit
    scale = fit.who.scales[index]
    place, same = np.array([0.0, day]), np.full(2, float(index))
    reach = covariance(fit.course, place, same, fit.scores.days[:known], fit.scores.scale[:known])
    own = (reach @ fit.whiten[:known, :known].T) @ steps.whitened[:known]
    value = on_link(fit.who, steps.terms, parts(fit.who, steps.terms, place).log_remaining(), scale) + own
    before, after = unlink(np, value, scale.top)
    return _weighted(np.asarray(1.0 - after / np.maximum(before, 1.0)), weights, (0.5,))[0]


def _weighted(values: Array, weights: Array, shares: Sequence[float]) -> list[float]:
    """Quantiles of weighted draws."""
    order = np.argsort(values)
    places = np.searchsorted(np.cumsum(weights[order]), shares)
    return [float(values[order[min(int(p), values.size - 1)]]) for p in places]


def _moments(values: Array, weights: Array) -> tuple[float, float]:
    mean = float(weights @ values)
    return mean, math.sqrt(max(float(weights @ (values - mean) ** 2), _JITTER))
