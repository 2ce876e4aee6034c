"""Does the trial bench keep its own promises? Errors of the first kind, bias and coverage where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.courses import KNOWLEDGE, POPULATION
from tests.designs import INFUSIONS, READY, STATED, contrast, design, played

from ketapath.cohort import read_design
from ketapath.cohort.course import Judged, follow
from ketapath.cohort.posterior import Bedside, bedside, chance_of_response
from ketapath.cohort.subjects import draw, studies
from ketapath.domain.cohort import Contrast, Figure

WEEKLY = {"from_day": 21, "until_day": 63, "every_days": 7}
LONG: dict[str, Any] = {
    "arms": [STATED["arms"][0], STATED["arms"][1] | {"maintenance": WEEKLY}],
    "visits": {"days": [7, 14, 21, 28, 35, 42, 49, 56, 63], "missing": 0.05},
    "dropout": {"per_week": 0.02},
    "endpoints": [
        {"quantity": "change", "day": 63},
        {"quantity": "response", "day": 21},
        {"quantity": "remission", "day": 21, "missing": "no-benefit"},
        {"quantity": "days-in-remission", "day": 63, "missing": "last-seen"},
        {"quantity": "relapse", "since": 21, "day": 63},
    ],
}


def within(figure: Figure, value: float, errors: float) -> bool:
    return abs(figure.value - value) <= errors * figure.error


def known(one: Contrast) -> tuple[Figure, Figure, Figure]:
    assert one.true is not None
    assert one.bias is not None
    assert one.coverage is not None
    return one.true, one.bias, one.coverage


def test_a_drug_that_does_nothing_is_found_as_often_as_alpha_says() -> None:
    found = played(truth="null", trials=1500, reference=60)
    for one in found.sizes[0].contrasts:
        true, bias, coverage = known(one)
        assert true.value == 0.0
        assert within(one.rejected, 0.05, 2.58)
        assert within(bias, 0.0, 2.58)
        assert within(coverage, 0.95, 2.58)


TEN_TOGETHER = 2.81
"""Monte-Carlo errors that ten figures together stay within in 95 of 100 runs."""


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_errors_of_the_first_kind_lie_within_their_monte_carlo_interval(alpha: float) -> None:
    found = played(**LONG, truth="null", alpha=alpha, n=[50, 150], trials=8000, reference=0)
    ends = [one for size in found.sizes for one in size.contrasts]
    assert len(ends) == 10
    for one in ends:
        away = (one.rejected.value - alpha) / one.rejected.error
        assert one.rejected.error < 0.003
        assert away < TEN_TOGETHER
        # At 0.01 the normal curve is careful with few events and with days that are 0 for most.
        assert away > -TEN_TOGETHER or alpha < 0.05


def test_an_estimate_is_unbiased_and_its_interval_covers_where_leaving_is_no_sign() -> None:
    found = played(trials=1000, dropout={"per_week": 0.05}, visits={"days": [7, 14, 21], "missing": 0.1}, reference=200)
    for one in found.sizes[0].contrasts:
        true, bias, coverage = known(one)
        assert abs(true.value) > 5 * true.error
        assert within(bias, 0.0, 2.58)
        assert within(coverage, 0.95, 2.58)
        assert one.spread == pytest.approx(one.standard_error.value, rel=0.07)


def test_power_rises_with_the_number_of_subjects_and_on_the_side_of_the_truth() -> None:
    found = played(n=[20, 80, 320], trials=400, reference=200)
    power = [size.contrasts[0].rejected.value for size in found.sizes]
    assert power[0] < power[1] < power[2]
    assert contrast(found, "change").lower.value > contrast(found, "change").higher.value


def test_a_trial_looks_too_good_where_those_who_gain_less_leave() -> None:
    honest, informed = (played(truth=truth, trials=500).sizes[0].arms for truth in ("model", "leaving"))
    for plain, arm in zip(honest, informed, strict=True):
        stays, leaves = plain.endpoints[0], arm.endpoints[0]
        assert stays.true is not None
        assert stays.true == leaves.true  # what would be true of everybody is the same
        assert abs(stays.mean.value - stays.true.value) < 0.2
        assert leaves.mean.value < stays.true.value - 0.3


def totals(truth: str, *, days: tuple[float, ...]) -> np.ndarray:
    """Totals after one session of people who are the same in every truth."""
    of = design(truth=truth, visits={"days": list(days)}, endpoints=[{"quantity": "change", "day": days[-1]}])
    count = 3000
    those = studies(range(count), 1, POPULATION)
    rng = np.random.default_rng(2)
    who = draw(of, of.arms[0], those, np.arange(count), KNOWLEDGE.response, rng)
    return follow(of, of.arms[0], who, rng, stays=True).totals


def test_an_effect_of_another_shape_holds_longer_and_then_is_gone_sooner() -> None:
    days = (3.0, 40.0)
    model, fading = (totals(truth, days=days).mean(axis=1) for truth in ("model", "fading"))
    assert fading[0] < model[0] - 0.3
    assert fading[1] > model[1] + 0.1


def test_of_two_kinds_of_people_one_gets_nothing_from_the_drug() -> None:
    two, null = (totals(truth, days=(1.0, 14.0)) for truth in ("two-kinds", "null"))
    unmoved = (two == null).all(axis=0).mean()
    assert 0.47 < unmoved < 0.60  # half, and some in whom a whole number hides the difference


@pytest.mark.slow
def test_what_the_bedside_says_in_a_trial_comes_true_as_often_as_it_says() -> None:
    path = next(p for p in READY if p.stem == "stop-by-posterior")
    of = read_design(path.read_bytes(), KNOWLEDGE.response)
    one, count = of.arms[1], 1000
    beside = bedside(of, one, KNOWLEDGE, POPULATION)
    assert isinstance(beside, Bedside)
    said: list[float] = []

    def judge(shown: Judged) -> np.ndarray:
        for place in range(count):
            chance = chance_of_response(beside, one, shown, place, np.random.default_rng(place))
            said.append(np.nan if chance is None else chance)
        return np.zeros(count, dtype=bool)

    rng = np.random.default_rng(4)
    who = draw(of, one, studies(range(count), 4, POPULATION), np.arange(count), KNOWLEDGE.response, rng)
    seen = follow(of, one, who, rng, stays=True, judge=judge)
    responded = seen.totals[-1] <= seen.first / 2
    chances = np.array(said)
    assert not np.isnan(chances).any()
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)):
        here = (chances >= low) & (chances < high)
        middle = chances[here].mean()
        assert abs(responded[here].mean() - middle) < 3 * np.sqrt(middle * (1 - middle) / here.sum())


def test_control_arms_of_a_masked_trial_are_told_apart_by_hope_alone() -> None:
    arms = [{"name": "midazolam"}, {"name": "ketamine", **INFUSIONS, "sessions": {"days": [0]}}]
    context = {"control": "midazolam"}
    ends = [{"quantity": "change", "day": 1}]
    found = played(arms=arms, context=context, visits={"days": [1]}, endpoints=ends, n=150, truth="null", trials=300)
    one = contrast(found, "change")
    true, _, _ = known(one)
    assert true.value < 0.0
    assert one.rejected.value > 0.05
