"""Doses of equal area: the same route gives the dose itself, areas scale with doses, there and back meets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketapath.errors import BadInput
from ketapath.knowledge import load
from ketapath.pharmacology import Order, Subject, availability, equivalent_doses, simulate, ways

DRUGS = load().drugs
SOMEONE = Subject(weight_kg=70.0, age_years=40.0)
WAYS = {(order.product, order.route): order for order in ways(SOMEONE, DRUGS)}
INTO_A_VEIN = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)


def found(order: Order, *, draws: int = 100, subject: Subject = SOMEONE) -> dict[tuple[str, str, str], object]:
    return {(e.product, e.route, e.analyte): e for e in equivalent_doses(order, subject, DRUGS, draws=draws, seed=3)}


@pytest.mark.parametrize("way", WAYS, ids="/".join)
def test_the_same_route_gives_the_dose_itself_in_everybody(way: tuple[str, str]) -> None:
    dose = 56.0 if way == ("esketamine", "nasal") else 47.3
    one = found(replace(WAYS[way], dose_mg=dose))[(*way, "S-ketamine")]
    assert (one.typical, one.dose_mg.p05, one.dose_mg.p95) == (dose, dose, dose)


def test_there_is_a_dose_for_every_route_that_has_a_model() -> None:
    assert {(product, route) for product, route, _analyte in found(INTO_A_VEIN)} == set(WAYS)


@pytest.mark.parametrize("product", ["racemic", "esketamine"])
@pytest.mark.parametrize("route", ["oral", "sc", "im", "sublingual"])
def test_from_a_vein_to_another_route_is_one_over_the_share_that_reaches_the_blood(product: str, route: str) -> None:
    other = WAYS[(product, route)]
    here = replace(INTO_A_VEIN, product=product)
    share = availability(other, SOMEONE, DRUGS, draws=100, seed=3).typical
    tolerance = {("esketamine", "oral"): 0.2, ("esketamine", "sublingual"): 0.1}.get((product, route), 1e-9)
    assert found(here)[(product, route, "S-ketamine")].typical == pytest.approx(35.0 / share, rel=tolerance)


@given(st.floats(1.0, 300.0), st.floats(1.1, 3.0), st.sampled_from(["im", "oral", "iv", "sc"]))
def test_more_of_one_asks_for_as_much_more_of_the_other(mg: float, times: float, route: str) -> None:
    order = replace(WAYS[("racemic", route)], dose_mg=mg)
    one, more = found(order, draws=20), found(replace(order, dose_mg=mg * times), draws=20)
    for key, dose in one.items():
        if key[1] != "nasal" or key[0] == "racemic":
            assert more[key].typical == pytest.approx(dose.typical * times, rel=1e-9)
        else:
            assert more[key].typical > dose.typical


def test_there_and_back_is_the_dose_again() -> None:
    there = found(INTO_A_VEIN)[("racemic", "oral", "S-ketamine")].typical
    back = found(replace(WAYS[("racemic", "oral")], dose_mg=there))[("racemic", "iv", "S-ketamine")].typical
    assert back == pytest.approx(35.0, rel=1e-9)


@pytest.mark.parametrize("way", WAYS, ids="/".join)
def test_the_area_is_that_under_the_simulated_level(way: tuple[str, str]) -> None:
    """Equal doses, simulated over ten days, have equal areas under the typical level."""
    order = replace(WAYS[way], dose_mg=28.0)
    times = sorted({*np.linspace(0.0, 600.0, 1201), *np.linspace(600.0, 14_400.0, 1381)})
    areas = []
    for one in (order, replace(INTO_A_VEIN, dose_mg=found(order)[("racemic", "iv", "S-ketamine")].typical)):
        result = simulate(one, SOMEONE, DRUGS, times, draws=1, seed=3)
        level = next(s.typical for s in result.series if s.analyte == "S-ketamine")
        areas.append(np.trapezoid(level, times))
    assert areas[0] == pytest.approx(areas[1], rel=2e-3)


def test_a_wider_uptake_makes_a_wider_band() -> None:
    doses = found(INTO_A_VEIN, draws=400)
    known, assumed = doses[("racemic", "sublingual", "S-ketamine")], doses[("racemic", "nasal", "S-ketamine")]
    assert assumed.dose_mg.p95 / assumed.dose_mg.p05 > known.dose_mg.p95 / known.dose_mg.p05
    assert assumed.assumed


def test_more_than_the_device_gives_is_marked() -> None:
    assert found(replace(INTO_A_VEIN, dose_mg=300.0))[("esketamine", "nasal", "S-ketamine")].beyond_device
    assert not found(replace(INTO_A_VEIN, dose_mg=10.0))[("esketamine", "nasal", "S-ketamine")].beyond_device


def test_all_of_a_dose_by_vein_reaches_the_blood_and_less_of_every_other() -> None:
    for (_product, route), order in WAYS.items():
        share = availability(order, SOMEONE, DRUGS, draws=200, seed=3)
        if route == "iv":
            assert (share.share.p05, share.typical, share.share.p95) == (1.0, 1.0, 1.0)
        else:
            assert 0.0 < share.share.p05 < share.share.p95 <= 1.0 or share.share.p05 == share.share.p95 < 1.0


def test_what_no_model_covers_is_refused() -> None:
    with pytest.raises(BadInput):
        equivalent_doses(replace(INTO_A_VEIN, dose_mg=-1.0), SOMEONE, DRUGS, draws=10, seed=1)
    with pytest.raises(BadInput):
        equivalent_doses(INTO_A_VEIN, replace(SOMEONE, weight_kg=9.0), DRUGS, draws=10, seed=1)
