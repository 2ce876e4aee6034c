"""From counts to a figure with its interval, and what can be wrong with a published figure as we hold it.

Shares get Wilson's score interval, differences of two shares Newcombe's hybrid of two of them, both at 95 %. Shares
and differences are in people of 100. Sources: Wilson 1927; Newcombe 1998 (Stat Med 17:857 and 17:873).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ketapath.domain.alternative import Arm, Comparison, Interval
from ketapath.knowledge.screens import wilson

_LOWER_IS_BETTER = frozenset({"relapse", "score"})


def interval_of(percent: float, n: int) -> tuple[float, float]:
    """Wilson's interval of so many of 100 out of n people.

    >>> [round(limit, 1) for limit in interval_of(100 * 81 / 263, 263)]
    [25.5, 36.6]
    """
    low, high = wilson(percent / 100, n)
    return 100 * max(0.0, low), 100 * min(1.0, high)


def newcombe(first: tuple[float, int], second: tuple[float, int]) -> tuple[float, float]:
    """The interval of the first share minus the second, each as percent and number of people.

    >>> [round(limit, 1) for limit in newcombe((70.0, 80), (60.0, 80))]
    [-4.7, 24.1]
    """
    (p, n), (q, m) = first, second
    (p_low, p_high), (q_low, q_high) = interval_of(p, n), interval_of(q, m)
    return p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)


def problems(comparison: Comparison) -> Iterator[str]:
    """What does not fit in the figures of one comparison, in a sentence each."""
    for number, arm in enumerate(comparison.arms, start=1):
        for problem in _of_arm(arm):
            yield f"group {number}: {problem}"
    found = comparison.difference
    if found is None:
        if comparison.favours is not None and not comparison.arms:
            yield "it favours something without a figure"
        return
    if abs(found.value) > 100:
        yield f"a difference of {found.value:g} is impossible"
    if not found.computed and len(comparison.arms) == 2:
        apart = comparison.arms[0].percent - comparison.arms[1].percent
        if abs(apart - found.value) > 0.15:  # two roundings to one decimal
            yield f"the groups are {apart:.1f} apart, the difference says {found.value:g}"
    if found.interval is not None:
        yield from _of_interval(found.value, found.interval)
        yield from _of_favours(comparison, found.interval)


def _of_arm(arm: Arm) -> Iterator[str]:
    if not 0 <= arm.percent <= 100:
        yield f"{arm.percent:g} of 100 is impossible"
        return
    if arm.n is None:
        if arm.events is not None:
            yield "events without the number of people"
    elif not _fits(arm.percent, arm.events, arm.n):
        yield f"{arm.percent:g} of 100 cannot come from {arm.n} people" + (
            "" if arm.events is None else f", {arm.events} of them with it"
        )
    if arm.interval is not None:
        yield from _of_interval(arm.percent, arm.interval)
        if arm.interval.low < 0 or arm.interval.high > 100:
            yield "its interval leaves 0 to 100"


def _fits(percent: float, events: int | None, n: int) -> bool:
    """Whether a whole number of these people gives the printed percent, rounded or cut to its decimals."""
    decimals = len(f"{percent:g}".partition(".")[2])
    step = 10.0**-decimals
    counts = range(n + 1) if events is None else [events]
    return any(-step / 2 - 1e-9 <= 100 * k / n - percent < step + 1e-9 for k in counts)


def _of_interval(value: float, interval: Interval) -> Iterator[str]:
    if not interval.low <= value <= interval.high:
        yield f"the interval {interval.low:g} to {interval.high:g} does not hold {value:g}"


def _of_favours(comparison: Comparison, interval: Interval) -> Iterator[str]:
    if interval.low <= 0 <= interval.high:
        if comparison.favours != "neither":
            yield f"the interval holds no difference, but it favours {comparison.favours or 'nothing'}"
        return
    more = interval.low > 0
    better = more is (comparison.outcome not in _LOWER_IS_BETTER)
    wanted = "ketamine" if better else "alternative"
    if comparison.favours != wanted:
        yield f"the interval speaks for {wanted}, but it favours {comparison.favours or 'nothing'}"
