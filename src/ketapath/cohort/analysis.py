"""What does a trial make of what it saw? Endpoints of subjects, sums of each trial, tests and intervals.

A trial is told by sums over its subjects, so that pieces of it add up and nothing of a subject is kept. Tests are those
that a report would use: Welch's for means, the pooled one for shares; the interval of a difference of shares is that of
Agresti and Caffo, which keeps its coverage in small arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ketapath.cohort.course import Mask, Seen
from ketapath.cohort.design import Endpoint
from ketapath.cohort.subjects import Index
from ketapath.response.equations import Array

RESPONSE_SHARE = 0.5  # source: response.arm_course; half of the baseline is gone, as trials count it
INTERVAL = 0.05  # source: our choice; intervals are those of 95 %
_LEAST_SUBJECTS = 2  # source: arithmetic; a variance needs two


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Remission is a total up to `remission_at`; relapse less than `relapse_gone` gone, and no remission."""

    remission_at: float
    relapse_gone: float


def endpoint_values(one: Endpoint, seen: Seen, visits: Sequence[float], events: Definitions) -> Array:
    """The endpoint of each subject, (s,); NaN for who does not count in it."""
    at = visits.index(one.day)
    if one.quantity == "relapse":
        return _relapse(one, seen, visits, events)
    if one.quantity == "days-in-remission":
        return _days_in_remission(one, seen, visits, events)
    totals = seen.totals[at] if one.missing != "last-seen" else _carried(seen)[at]
    found = _of_total(one, totals, seen.first, events)
    if one.missing == "no-benefit":
        found = np.where(np.isnan(totals), 0.0, found)
    return found


def _of_total(one: Endpoint, totals: Array, first: Array, events: Definitions) -> Array:
    if one.quantity == "change":
        return totals - first
    met = _responds(totals, first) if one.quantity == "response" else totals <= events.remission_at
    return np.where(np.isnan(totals), np.nan, met)


def _responds(totals: Array, first: Array) -> Mask:
    return np.asarray(1.0 - totals / first >= RESPONSE_SHARE)


def _carried(seen: Seen) -> Array:
    """Totals at each visit, the last one seen where none was taken; the first total before any."""
    found = seen.totals.copy()
    before = seen.first
    for row in found:
        np.copyto(row, before, where=np.isnan(row))
        before = row
    return found


def _relapse(one: Endpoint, seen: Seen, visits: Sequence[float], events: Definitions) -> Array:
    """Of those in response at the visit `since`; who leaves before `day` without a relapse by the rule for missing."""
    assert one.since is not None
    start, end = visits.index(one.since), visits.index(one.day)
    begin = _carried(seen)[start] if one.missing == "last-seen" else seen.totals[start]
    counts = _responds(begin, seen.first) & (seen.left > one.since)
    later = seen.totals[start + 1 : end + 1]
    met = (1.0 - later / seen.first < events.relapse_gone) & (later > events.remission_at)
    found = met.any(axis=0)
    unknown = (seen.left <= one.day) & ~found
    if one.missing == "no-benefit":
        found = found | unknown
    elif one.missing == "left-out":
        counts = counts & ~unknown
    return np.where(counts, found, np.nan)


def _days_in_remission(one: Endpoint, seen: Seen, visits: Sequence[float], events: Definitions) -> Array:
    """A visit speaks for the days up to the next one."""
    end = visits.index(one.day)
    in_remission = _carried(seen)[:end] <= events.remission_at
    if one.missing == "no-benefit":
        in_remission &= seen.left > np.array(visits[:end])[:, None]
    days = np.diff(visits[: end + 1]) @ in_remission
    return np.where((seen.left <= one.day) & (one.missing == "left-out"), np.nan, days)


def trial_sums(values: Array, trial: Index, trials: int) -> Array:
    """How many count, their sum and the sum of squares, for each trial: (trials, 3)."""
    known = ~np.isnan(values)
    of, counted = trial[known], values[known]
    return np.stack([np.bincount(of, weights=w, minlength=trials) for w in (np.ones(of.size), counted, counted**2)], 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """One contrast of each trial, (trials,): NaN where an arm had too few who count.

    `middle` and `half` are the interval of 95 %; `rejected` is -1 or 1 by the sign of what was found, 0 for not.
    """

    estimate: Array
    error: Array
    middle: Array
    half: Array
    rejected: Array


def compare(one: Endpoint, first: Array, other: Array, alpha: float) -> Result:
    """First arm minus the other, from their sums (trials, 3)."""
    enough = (first[:, 0] >= _LEAST_SUBJECTS) & (other[:, 0] >= _LEAST_SUBJECTS)
    first, other = (np.where(enough[:, None], sums, np.nan) for sums in (first, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        return _shares(first, other, alpha) if one.test == "proportions" else _means(first, other, alpha)


def _means(first: Array, other: Array, alpha: float) -> Result:
    (n, mean, square), (m, mean_2, square_2) = (_moments(s) for s in (first, other))
    a, b = square / n, square_2 / m
    error = np.sqrt(a + b)
    freedom = np.where(error > 0.0, (a + b) ** 2 / (a**2 / (n - 1.0) + b**2 / (m - 1.0)), n + m - 2.0)
    estimate = mean - mean_2
    return Result(
        estimate=estimate,
        error=error,
        middle=estimate,
        half=student(1.0 - INTERVAL / 2.0, freedom) * error,
        rejected=_sides(estimate, student(1.0 - alpha / 2.0, freedom) * error),
    )


def _shares(first: Array, other: Array, alpha: float) -> Result:
    n, m = first[:, 0], other[:, 0]
    p, q = first[:, 1] / n, other[:, 1] / m
    pooled = (first[:, 1] + other[:, 1]) / (n + m)
    under_null = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
    p_moved, q_moved = (first[:, 1] + 1.0) / (n + 2.0), (other[:, 1] + 1.0) / (m + 2.0)
    moved = np.sqrt(p_moved * (1.0 - p_moved) / (n + 2.0) + q_moved * (1.0 - q_moved) / (m + 2.0))
    return Result(
        estimate=p - q,
        error=np.sqrt(p * (1.0 - p) / n + q * (1.0 - q) / m),
        middle=p_moved - q_moved,
        half=normal_at(1.0 - INTERVAL / 2.0) * moved,
        rejected=_sides(p - q, normal_at(1.0 - alpha / 2.0) * under_null),
    )


def _sides(estimate: Array, limit: Array) -> Array:
    return np.where(np.isnan(estimate), np.nan, np.sign(estimate) * (np.abs(estimate) > limit) * (limit > 0.0))


def _moments(sums: Array) -> tuple[Array, Array, Array]:
    """How many, their mean, their variance."""
    n, total, square = sums.T
    mean = total / n
    return n, mean, np.maximum(square - n * mean**2, 0.0) / (n - 1.0)


def arm_moments(sums: Array) -> tuple[Array, Array]:
    """Mean of an arm in each trial, and its standard error; NaN where too few count."""
    with np.errstate(invalid="ignore", divide="ignore"):
        n, mean, variance = _moments(np.where(sums[:, :1] >= _LEAST_SUBJECTS, sums, np.nan))
    return mean, np.sqrt(variance / n)


def normal_at(share: float) -> float:
    """The quantile of the standard normal."""
    return NormalDist().inv_cdf(share)


def student(share: float, freedom: Array) -> Array:
    """The quantile of Student's t, within 0.001 from 6 degrees of freedom on.

    Source: Abramowitz and Stegun 26.7.5, an expansion in one over the degrees of freedom.
    """
    z, f = normal_at(share), np.maximum(freedom, 3.0)
    terms = (
        (z**3 + z) / 4.0,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96.0,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160.0,
    )
    return np.asarray(z + sum(term / f ** (i + 1) for i, term in enumerate(terms)))
