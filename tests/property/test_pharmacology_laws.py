"""Laws of linear kinetics: superposition, proportion, mass balance, and bands that hold the typical course."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketapath.errors import BadInput, NumericalError
from ketapath.knowledge import load
from ketapath.pharmacology import (
    Input,
    Order,
    Rate,
    Subject,
    arterial_sites,
    compare,
    has_model,
    infusion,
    simulate,
    solve,
)
from ketapath.units import base_from_hydrochloride

DRUGS = load().drugs
TIMES = [0.0, 0.3, 1.0, 2.5, 8.0]
MINUTES = [10.0, 40.0, 120.0, 480.0]
DOSES = st.builds(
    Input,
    time_h=st.floats(0, 6),
    amount=st.floats(0, 200),
    duration_h=st.one_of(st.just(0.0), st.floats(0.01, 3)),
    compartment=st.integers(0, 2),
)


@st.composite
def flows(draw: st.DrawFn) -> list[list[float]]:
    rates = np.array(draw(st.lists(st.floats(0, 20), min_size=12, max_size=12))).reshape(3, 4)
    a = rates[:, :3].copy()
    np.fill_diagonal(a, 0.0)
    return (a - np.diag(a.sum(axis=0) + rates[:, 3])).tolist()


@settings(max_examples=60, deadline=None)
@given(flows(), st.lists(DOSES, min_size=1, max_size=4))
def test_doses_add_up(a: list[list[float]], doses: list[Input]) -> None:
    together = solve(a, doses, TIMES)
    apart = sum(solve(a, [dose], TIMES) for dose in doses)
    np.testing.assert_allclose(together, apart, rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(flows(), DOSES, st.floats(0.1, 10))
def test_twice_the_dose_is_twice_the_amount(a: list[list[float]], dose: Input, times: float) -> None:
    more = Input(
        time_h=dose.time_h, amount=dose.amount * times, duration_h=dose.duration_h, compartment=dose.compartment
    )
    np.testing.assert_allclose(solve(a, [more], TIMES), times * solve(a, [dose], TIMES), rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(flows())
def test_what_does_not_leave_stays(a: list[list[float]]) -> None:
    closed = np.array(a)
    closed -= np.diag(closed.sum(axis=0))
    total = solve(closed.tolist(), [Input(time_h=0.0, amount=80.0)], TIMES).sum(axis=1)
    np.testing.assert_allclose(total, 80.0, rtol=1e-9)


def test_a_value_at_a_bolus_is_after_it_and_before_the_first_dose_there_is_nothing() -> None:
    found = solve([[-1.0]], [Input(time_h=1.0, amount=5.0)], [0.0, 1.0])
    assert found.tolist() == [[0.0], [5.0]]


@pytest.mark.parametrize(("product", "route", "minutes"), [("racemic", "iv", 40.0), ("esketamine", "nasal", None)])
def test_the_same_seed_gives_the_same_band_and_the_band_is_ordered(
    product: str, route: str, minutes: float | None
) -> None:
    order = Order(product=product, route=route, dose_mg=56.0, infusion_min=minutes)
    first, again = (simulate(order, Subject(weight_kg=80.0), DRUGS, MINUTES, draws=300, seed=4) for _ in range(2))
    assert first == again
    for series in first.series:
        for low, mid, high in zip(series.p05, series.p50, series.p95, strict=True):
            assert 0 <= low < mid < high


def test_a_heavier_person_gets_lower_levels_from_the_same_infusion() -> None:
    order = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    light, heavy = (simulate(order, Subject(weight_kg=w), DRUGS, [40.0], draws=10, seed=1) for w in (50.0, 110.0))
    assert light.series[0].typical[0] > heavy.series[0].typical[0]


def test_people_outside_the_model_are_marked_as_extrapolated() -> None:
    order = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    found = simulate(order, Subject(weight_kg=160.0, age_years=80.0), DRUGS, [40.0], draws=10, seed=1)
    ids = {f.id.split("/")[1] for f in found.findings}
    assert {"extrapolated-age", "extrapolated-weight"} <= ids


@pytest.mark.parametrize(
    "order",
    [
        Order(product="esketamine", route="oral-prolonged", dose_mg=50.0),
        Order(product="racemic", route="im", dose_mg=50.0, infusion_min=10.0),
        Order(product="racemic", route="iv", dose_mg=50.0),
        Order(product="esketamine", route="nasal", dose_mg=30.0),
        Order(product="esketamine", route="nasal", dose_mg=112.0),
        Order(product="esketamine", route="nasal", dose_mg=56.0, infusion_min=40.0),
        Order(product="esketamine", route="nasal", dose_mg=56.0, device_gap_min=-5.0),
        Order(product="esketamine", route="nasal", dose_mg=56.0, device_gap_min=float("nan")),
        Order(product="esketamine", route="nasal", dose_mg=28.2),
        Order(product="racemic", route="nasal", dose_mg=50.0, device_gap_min=5.0),
        Order(product="esketamine", route="iv", dose_mg=28.0, infusion_min=40.0, device_gap_min=5.0),
        Order(product="racemic", route="iv", dose_mg=float("nan"), infusion_min=40.0),
        Order(product="racemic", route="iv", dose_mg=5000.0, infusion_min=40.0),
    ],
)
def test_a_dose_that_cannot_be_is_refused(order: Order) -> None:
    with pytest.raises(BadInput):
        simulate(order, Subject(), DRUGS, [40.0], draws=10, seed=1)


@pytest.mark.parametrize("start_h", [0.0, 1.0, 999.0])
@pytest.mark.parametrize("duration_h", [1e-16, 1e-14, 1e-13, 1e-9])
def test_nothing_of_a_very_short_infusion_is_lost(start_h: float, duration_h: float) -> None:
    dose = Input(time_h=start_h, amount=1.0, duration_h=duration_h)
    found = solve([[-0.5]], [dose], [start_h + 1.0])[0][0]
    assert found == pytest.approx(np.exp(-0.5), rel=1e-6)


def test_an_infusion_shorter_than_a_tick_is_a_bolus() -> None:
    tiny, bolus = (
        simulate(
            Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=minutes),
            Subject(weight_kg=70.0),
            DRUGS,
            MINUTES,
            draws=10,
            seed=1,
        )
        for minutes in (1e-9, 0.0)
    )
    assert tiny.series == bolus.series


@pytest.mark.parametrize("rate", [1e300, 1e308])
def test_rates_out_of_range_are_a_numerical_failure_and_not_a_crash(rate: float) -> None:
    with pytest.raises(NumericalError):
        solve([[-rate, 0.0], [rate, 0.0]], [Input(time_h=0.0, amount=1.0)], [1e10])


def test_a_compartment_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(BadInput):
        solve([[-1.0]], [Input(time_h=0.0, amount=1.0, compartment=0.5)], [1.0])  # type: ignore[arg-type]


MAN = Subject(weight_kg=70.0, age_years=30.0)
SOMEWHERE = [(m["product"], route, m["id"]) for m in DRUGS.values() if not m.get("children") for route in m["routes"]]


def typical(order: Order, subject: Subject = MAN, model: str | None = None) -> np.ndarray:
    found = simulate(order, subject, DRUGS, MINUTES, draws=5, seed=1, model=model)
    return np.array([s.typical for s in found.series])


def order_of(product: str, route: str, mg: float) -> Order:
    return Order(product=product, route=route, dose_mg=mg, infusion_min=40.0 if route == "iv" else None)


@pytest.mark.parametrize(("product", "route", "model"), SOMEWHERE, ids=[" ".join(s) for s in SOMEWHERE])
def test_every_model_of_every_route_gives_an_ordered_band_above_nothing(product: str, route: str, model: str) -> None:
    found = simulate(order_of(product, route, 28.0), MAN, DRUGS, MINUTES, draws=200, seed=2, model=model)
    assert {s.analyte for s in found.series} == set(DRUGS[model]["analytes"])
    for one in found.series:
        for low, mid, high in zip(one.p05, one.p50, one.p95, strict=True):
            assert 0 < low < mid < high


@pytest.mark.parametrize(("product", "route", "model"), SOMEWHERE, ids=[" ".join(s) for s in SOMEWHERE])
def test_two_doses_three_days_apart_add_up(product: str, route: str, model: str) -> None:
    once = order_of(product, route, 28.0)
    later = 3 * 1440.0
    times = [later + m for m in MINUTES]

    def at(starts: tuple[float, ...]) -> np.ndarray:
        both = Order(product=product, route=route, dose_mg=28.0, infusion_min=once.infusion_min, starts_min=starts)
        found = simulate(both, MAN, DRUGS, times, draws=5, seed=1, model=model)
        return np.array([s.typical for s in found.series])

    np.testing.assert_allclose(at((0.0, later)), at((0.0,)) + at((later,)), rtol=1e-9)


@pytest.mark.parametrize(("salt_mg", "base_mg"), [(32.3, 28.0), (64.6, 56.0), (96.9, 84.0)])
def test_the_salt_that_a_label_prints_for_whole_devices_is_whole_devices(salt_mg: float, base_mg: float) -> None:
    def level(mg: float) -> tuple[float, ...]:
        order = Order(product="esketamine", route="nasal", dose_mg=mg)
        return simulate(order, MAN, DRUGS, [30.0], draws=10, seed=1).series[0].typical

    assert level(base_from_hydrochloride(salt_mg)) == level(base_mg)


def test_an_infusion_in_pieces_is_the_infusion_and_a_pause_lowers_the_level() -> None:
    whole = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    pieces = [Rate(start_min=start, minutes=20.0, mg_per_h=52.5) for start in (0.0, 20.0)]
    np.testing.assert_allclose(typical(infusion("racemic", pieces)), typical(whole), rtol=1e-9)
    paused = [pieces[0], Rate(start_min=30.0, minutes=20.0, mg_per_h=52.5)]
    assert (typical(infusion("racemic", paused))[:, 1] < typical(whole)[:, 1]).all()


def test_a_dose_that_is_not_the_sum_of_its_rates_is_refused() -> None:
    order = infusion("racemic", [Rate(start_min=0.0, minutes=20.0, mg_per_h=52.5)])
    with pytest.raises(BadInput, match=r"the sum of the rates, 17\.5 mg"):
        simulate(replace(order, dose_mg=1.0), MAN, DRUGS, [20.0], draws=2, seed=1)


def test_overlapping_pieces_add_up() -> None:
    one = Rate(start_min=0.0, minutes=40.0, mg_per_h=30.0)
    twice = infusion("racemic", [one, one])
    np.testing.assert_allclose(typical(twice), 2 * typical(infusion("racemic", [one])), rtol=1e-9)


def test_arterial_blood_lies_far_above_venous_at_the_end_of_an_infusion_and_near_it_an_hour_later() -> None:
    """Evidence pack, section 6: 1.7-fold at the end of 40 minutes, alike within an hour."""
    order = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    arterial = arterial_sites(order, MAN, DRUGS, [40.0, 100.0], {}, draws=1, seed=1)["arterial"][:, 0]
    venous = next(s for s in simulate(order, MAN, DRUGS, [40.0, 100.0], draws=1, seed=1).series
                  if s.analyte == "S-ketamine").typical  # fmt: skip
    assert arterial[0] / venous[0] == pytest.approx(1.7, abs=0.1)
    assert arterial[1] / venous[1] == pytest.approx(1.0, abs=0.25)


def test_the_effect_site_of_the_pack_is_reached_at_the_minutes_that_it_gives() -> None:
    """Evidence pack, 5.1: Ce of S after 0.5 mg/kg over 40 min is 120 at 41 min, 70 at 60, 42 at 80, 26 at 110."""
    order = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    found = arterial_sites(order, MAN, DRUGS, [41.0, 60.0, 80.0, 110.0], {"site": np.full(2, 8.3)}, draws=1, seed=1)
    assert found["site"][:, 0] == pytest.approx([120, 70, 42, 26], abs=0.6)


def test_assumed_uptake_into_muscle_is_marked_and_its_band_wide() -> None:
    found = simulate(order_of("racemic", "im", 35.0), MAN, DRUGS, [17.0], draws=500, seed=1)
    total = next(s for s in found.series if s.analyte == "ketamine")
    assert total.p95[0] / total.p05[0] > 1.6
    names = {f.id.split("/")[1] for f in found.findings}
    assert {"assumed-parameters", "shared-band"} <= names
    (shared,) = [f for f in found.findings if f.id.endswith("/shared-band")]
    assert shared.statement.values["analytes"] == "ketamine"  # S, R and norketamine are of the first model alone


def test_a_child_gets_a_model_of_children_or_none() -> None:
    child = Subject(weight_kg=25.0, age_years=8.0)
    by_vein = compare(order_of("racemic", "iv", 12.0), child, DRUGS, MINUTES, draws=5, seed=1)
    assert all(DRUGS[one.model].get("children") for one in by_vein)
    assert not has_model(order_of("racemic", "sc", 12.0), child, DRUGS)
    with pytest.raises(BadInput, match="child"):
        simulate(order_of("racemic", "sc", 12.0), child, DRUGS, MINUTES, draws=5, seed=1)


def test_a_youth_gets_no_model_of_the_lowest_trust_while_a_better_one_covers_the_age() -> None:
    # Herd's own model ends at 14 years; what a machine read out of an abstract must not answer by its name's place.
    youth = Subject(weight_kg=55.0, age_years=16.0)
    found = simulate(order_of("racemic", "iv", 30.0), youth, DRUGS, MINUTES, draws=5, seed=1)
    assert found.model == "hornik2018_racemic_children"


def test_models_of_children_do_not_speak_for_adults() -> None:
    found = compare(order_of("racemic", "iv", 35.0), MAN, DRUGS, MINUTES, draws=5, seed=1)
    assert found[0].model == "racemic_iv_venous_composite"
    assert not any(DRUGS[one.model].get("children") for one in found)


def test_an_infusion_of_no_minutes_is_called_a_bolus() -> None:
    bolus = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=0.0)
    found = simulate(bolus, MAN, DRUGS, [10.0], draws=5, seed=1)
    assert any(f.id.endswith("/bolus") for f in found.findings)


@pytest.mark.parametrize("times", [[40.0, 10.0], [-1.0], [float("nan")], []])
def test_minutes_that_cannot_be_are_refused(times: list[float]) -> None:
    with pytest.raises(BadInput, match="times"):
        simulate(order_of("racemic", "iv", 35.0), MAN, DRUGS, times, draws=5, seed=1)


@pytest.mark.parametrize(
    "rate",
    [
        Rate(start_min=0.0, minutes=20.0, mg_per_h=-1.0),
        Rate(start_min=0.0, minutes=-20.0, mg_per_h=50.0),
        Rate(start_min=-5.0, minutes=20.0, mg_per_h=50.0),
        Rate(start_min=0.0, minutes=20.0, mg_per_h=float("nan")),
        Rate(start_min=0.0, minutes=20.0, mg_per_h=1e6),
    ],
)
def test_a_rate_that_cannot_be_is_refused(rate: Rate) -> None:
    with pytest.raises(BadInput):
        simulate(infusion("racemic", [rate]), MAN, DRUGS, [40.0], draws=5, seed=1)


def test_a_lag_moves_the_whole_course_by_its_minutes() -> None:
    order, plain = order_of("racemic", "oral", 50.0), DRUGS["racemic_oral_venous"]
    lag = {"value": 15, "unit": "min", "trust": "assumption"}
    late = {"late": {**plain, "id": "late", "parameters": {**plain["parameters"], "lag": lag}}}
    on_time = simulate(order, MAN, DRUGS, MINUTES, draws=5, seed=1)
    later = simulate(order, MAN, late, [10.0, *(t + 15.0 for t in MINUTES)], draws=5, seed=1)
    for one, other in zip(on_time.series, later.series, strict=True):
        assert other.typical[0] == 0.0
        assert other.typical[1:] == pytest.approx(one.typical)
