"""Intervals of shares and differences against an outside program and the paper that they come from."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from ketapath.knowledge.figures import interval_of, newcombe


@pytest.mark.parametrize(("events", "n"), [(0, 20), (1, 29), (24, 90), (39, 86), (182, 310), (94, 208), (20, 20)])
def test_a_share_has_the_interval_that_scipy_gives(events: int, n: int) -> None:
    expected = binomtest(events, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert interval_of(100 * events / n, n) == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # source: Newcombe 1998, Stat Med 17:873, examples of method 10
        ((56, 70), (48, 80), (5.24, 33.39)),
        ((9, 10), (3, 10), (17.05, 80.90)),
        ((6, 7), (2, 7), (5.82, 80.62)),
        ((5, 56), (0, 29), (-3.81, 19.26)),
        ((0, 10), (0, 20), (-16.11, 27.75)),
        ((10, 10), (0, 10), (60.75, 100.0)),
    ],
)
def test_a_difference_has_the_interval_of_the_paper(
    first: tuple[int, int], second: tuple[int, int], expected: tuple[float, float]
) -> None:
    (a, n), (b, m) = first, second
    assert newcombe((100 * a / n, n), (100 * b / m, m)) == pytest.approx(expected, abs=0.006)
