"""The link of a scale: one line on which lower is better for every instrument."""

import math

import numpy as np
import pytest

from ketapath.response.scales import from_link, link, link_error

UP = {"scoring": {"min": 0, "max": 27, "higher_is": "worse"}, "standard_error": {"points": 2.8}}
DOWN = {"scoring": {"min": 0, "max": 100, "higher_is": "better"}, "standard_error": {"points": 10}}


@pytest.mark.parametrize("instrument", [UP, DOWN])
def test_every_total_comes_back_from_its_link(instrument: dict) -> None:
    totals = np.linspace(0, instrument["scoring"]["max"], 55)
    assert np.allclose(from_link(link(totals, instrument), instrument), totals)


def test_the_link_falls_as_a_person_gets_better_on_either_kind_of_scale() -> None:
    assert link(20.0, UP) > link(10.0, UP)
    assert link(20.0, DOWN) > link(80.0, DOWN)
    assert float(link(13.5, UP)) == pytest.approx(0.0)
    assert float(link(50.0, DOWN)) == pytest.approx(0.0)


def test_both_ends_are_finite_and_alike() -> None:
    assert float(link(0.0, UP)) == pytest.approx(math.log(0.02 / 1.02))
    assert float(link(27.0, UP)) == pytest.approx(-math.log(0.02 / 1.02))


@pytest.mark.parametrize("instrument", [UP, DOWN])
def test_no_value_on_the_link_leaves_the_scale(instrument: dict) -> None:
    points = from_link([-1e9, -20.0, 20.0, 1e9], instrument)
    assert points.min() == 0.0
    assert points.max() == instrument["scoring"]["max"]


def test_the_error_on_the_link_is_that_in_points_at_the_middle() -> None:
    error = link_error(UP)
    assert error == pytest.approx(2.8 * 4 / (27 * 1.04))
    step = 1e-4
    slope = float(link(13.5 + step, UP) - link(13.5 - step, UP)) / (2 * step)
    assert error == pytest.approx(2.8 * slope, rel=1e-6)


def test_without_a_stated_error_there_is_none_on_the_link() -> None:
    assert link_error({"scoring": UP["scoring"]}) is None
