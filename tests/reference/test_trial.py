"""The simulated trial against numbers from outside: the predicted arm, and SciPy's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.courses import KNOWLEDGE, POPULATION
from tests.designs import design

from ketapath.cohort.analysis import Definitions, compare, endpoint_values, student, trial_sums
from ketapath.cohort.course import Seen, follow
from ketapath.cohort.design import Endpoint
from ketapath.cohort.subjects import draw, studies
from ketapath.response.arm_file import Asked
from ketapath.response.predict import expected

VISITS = (7.0, 14.0, 21.0)
EVENTS = Definitions(remission_at=10.0, relapse_gone=0.25)
CHANGE = Endpoint(quantity="change", day=21.0, since=None, test="means", missing="left-out")
RESPONSE = replace(CHANGE, quantity="response", test="proportions")


@pytest.mark.parametrize("scale", ["MADRS", "PHQ-9"])
def test_a_simulated_arm_does_what_the_predicted_arm_does(scale: str) -> None:
    top = {"MADRS": 60.0, "PHQ-9": 27.0}[scale]
    of = design(scale=scale, population={"baseline": {"mean": 0.55 * top, "sd": 0.1 * top}})
    of = replace(of, least=0.0)
    count, each = 30, 1500
    those = studies(range(count), 5, POPULATION)
    for one in of.arms:
        rng = np.random.default_rng(6)
        who = draw(of, one, those, np.repeat(np.arange(count), each), KNOWLEDGE.response, rng)
        seen = follow(of, one, who, rng, stays=True)
        for day in (7.0, 21.0):
            changes = (seen.totals[of.visits.days.index(day)] - seen.first).reshape(count, each)
            change = changes.mean(axis=1)
            asked = Asked(scale=scale, day=day, quantity="change")
            predicted, spread = expected(of.arm(one), those.study, asked, KNOWLEDGE.response)
            assert (changes.std(axis=1) / spread).mean() == pytest.approx(1.0, abs=0.02)
            assert abs((change - predicted).mean()) < 0.005 * top
            assert np.abs(change - predicted).max() < 0.03 * top  # chance of who is in it, and 32 nodes for people


@pytest.mark.parametrize("share", [0.9, 0.975, 0.995])
def test_quantiles_of_students_t_are_those_of_scipy(share: float) -> None:
    freedom = np.array([6.0, 10.0, 25.0, 100.0, 1e6])
    assert student(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=0.002)


def _sums(values: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([trial_sums(v, np.zeros(v.size, dtype=np.int64), 1) for v in values])


def test_means_are_tested_as_scipy_tests_them() -> None:
    rng = np.random.default_rng(8)
    rejected = []
    for shift in np.linspace(0.0, 1.5, 40):
        one, other = rng.normal(shift, 2.0, 40), rng.normal(0.0, 1.0, 25)
        found = compare(CHANGE, _sums([one]), _sums([other]), 0.05)
        outside = stats.ttest_ind(one, other, equal_var=False)
        low, high = outside.confidence_interval()
        assert found.estimate[0] == pytest.approx(one.mean() - other.mean())
        assert found.middle[0] - found.half[0] == pytest.approx(low, abs=1e-3)
        assert found.middle[0] + found.half[0] == pytest.approx(high, abs=1e-3)
        if abs(outside.pvalue - 0.05) > 1e-3:
            assert (found.rejected[0] != 0.0) == (outside.pvalue < 0.05)
            rejected.append(found.rejected[0])
    assert 1.0 in rejected
    assert 0.0 in rejected


def test_shares_are_tested_as_scipy_tests_them() -> None:
    rejected = []
    for events in range(2, 30):
        one, other = np.repeat([1.0, 0.0], [events, 30 - events]), np.repeat([1.0, 0.0], [60, 90])
        found = compare(RESPONSE, _sums([one]), _sums([other]), 0.05)
        table = [[events, 30 - events], [60, 90]]
        p = stats.chi2_contingency(table, correction=False).pvalue
        assert (found.rejected[0] != 0.0) == (p < 0.05)
        rejected.append(found.rejected[0])
    assert set(rejected) == {-1.0, 0.0, 1.0}


def test_endpoints_are_counted_as_by_hand() -> None:
    nan = np.nan
    seen = Seen(
        first=np.array([30.0, 30.0, 40.0, 20.0]),
        totals=np.array([[10.0, 28.0, 8.0, 10.0], [8.0, nan, 35.0, nan], [15.0, 27.0, nan, nan]]),
        left=np.array([np.inf, np.inf, 21.0, 14.0]),
        sessions=np.zeros(4),
        mg=np.zeros(4),
    )

    def of(one: Endpoint) -> list[float]:
        return endpoint_values(one, seen, VISITS, EVENTS).tolist()

    assert of(CHANGE) == pytest.approx([-15.0, -3.0, nan, nan], nan_ok=True)
    assert of(replace(CHANGE, missing="last-seen")) == [-15.0, -3.0, -5.0, -10.0]
    assert of(replace(CHANGE, missing="no-benefit")) == [-15.0, -3.0, 0.0, 0.0]
    assert of(replace(RESPONSE, missing="last-seen")) == [1.0, 0.0, 0.0, 1.0]
    remission = replace(RESPONSE, quantity="remission", day=14.0)
    assert of(remission) == pytest.approx([1.0, nan, 0.0, nan], nan_ok=True)
    days = replace(CHANGE, quantity="days-in-remission", missing="last-seen")
    assert of(days) == [14.0, 0.0, 7.0, 14.0]
    assert of(replace(days, missing="no-benefit")) == [14.0, 0.0, 7.0, 7.0]
    relapse = replace(RESPONSE, quantity="relapse", since=7.0)
    assert of(relapse) == pytest.approx([0.0, nan, 1.0, nan], nan_ok=True)
    assert of(replace(relapse, missing="no-benefit")) == pytest.approx([0.0, nan, 1.0, 1.0], nan_ok=True)
