"""Numbers from papers and from arithmetic of 40 digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from ketapath.errors import BadInput, NumericalError
from ketapath.knowledge import load
from ketapath.pharmacology import (
    Input,
    Order,
    Subject,
    exposure,
    exposure_peak,
    simulate,
    solve,
    with_intrinsic_clearance,
)

DRUGS = load().drugs
MAN = Subject(weight_kg=70.0, age_years=40.0, sex="male")


def exact(a: Any, dose: Input, time_h: float) -> list[Any]:
    """One dose into an empty system by mpmath 1.3 at 40 digits."""
    size = len(a)
    with mpmath.workdps(40):
        flows = mpmath.matrix(size + 1, size + 1)
        for i in range(size):
            for j in range(size):
                flows[i, j] = mpmath.mpf(float(a[i][j]))
        start = mpmath.matrix(size + 1, 1)
        if dose.duration_h == 0:
            start[dose.compartment] = mpmath.mpf(dose.amount)
            after = mpmath.expm(flows * mpmath.mpf(time_h)) * start
            return [after[i] for i in range(size)]
        with_input = flows.copy()
        with_input[dose.compartment, size] = mpmath.mpf(dose.amount) / mpmath.mpf(dose.duration_h)
        start[size] = mpmath.mpf(1)
        during = min(time_h, dose.duration_h)
        after = mpmath.expm(with_input * mpmath.mpf(during)) * start
        after = mpmath.expm(flows * (mpmath.mpf(time_h) - mpmath.mpf(during))) * after
        return [after[i] for i in range(size)]


def systems() -> dict[str, Any]:
    rng = np.random.default_rng(7)
    found: dict[str, Any] = {
        "one compartment": [[-0.7]],
        "coincident poles": [[-1.0, 0, 0], [1.0, -1.0, 0], [0, 1.0, -1.0]],
        "nearly coincident": [[-1.0, 0], [1.0, -1.0 - 1e-9]],
        "nothing moves": [[0.0, 0.0], [0.0, 0.0]],
        "two that only add up": [[-1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]],
        "stiff": [[-4000.0, 0.001], [4000.0, -0.001]],
        "chain of forty": (np.diag([-3.0] * 40) + np.diag([3.0] * 39, -1)).tolist(),
        "very stiff": [[-1e4, 0, 0], [1e4, -2, 0.5], [0, 1, -0.5]],
        "effect site without loss": [[-1.0, 0.0], [2.0, -5.0]],
    }
    for n in (2, 4, 6):
        a = rng.uniform(0, 3, (n, n))
        np.fill_diagonal(a, 0)
        found[f"random, {n} compartments"] = (a - np.diag(a.sum(axis=0) + rng.uniform(0, 1, n))).tolist()
    return found


@pytest.mark.parametrize("name", systems())
@pytest.mark.parametrize("duration_h", [0.0, 0.7])
def test_the_solver_agrees_with_forty_digits(name: str, duration_h: float) -> None:
    a = systems()[name]
    dose = Input(time_h=0.0, amount=100.0, duration_h=duration_h, compartment=0)
    times = [0.01, 0.5, 0.7, 1.0, 6.0, 24.0]
    for time_h, row in zip(times, solve(a, [dose], times), strict=True):
        for found, wanted in zip(row, exact(a, dose, time_h), strict=True):
            assert abs(mpmath.mpf(float(found)) - wanted) <= 1e-9 * abs(wanted) + mpmath.mpf("1e-250")


@pytest.mark.parametrize("flow", [0.3, -0.3])
def test_the_unit_of_amounts_costs_no_digits(flow: float) -> None:
    a = [[-1.0, 0.0], [flow, -0.2]]
    one = solve(a, [Input(time_h=0.0, amount=1.0, duration_h=1.0)], [1.0, 3.0])
    for amount in (1e-200, 1e12, 1e200):
        many = solve(a, [Input(time_h=0.0, amount=amount, duration_h=1.0)], [1.0, 3.0])
        assert many / amount == pytest.approx(one, rel=1e-13)


@pytest.mark.parametrize("flow", [1e12, -1e12])
def test_a_step_that_would_cost_digits_is_a_failure_and_no_number(flow: float) -> None:
    a = [[-1e12, 0.0], [flow, -1e-6]]
    with pytest.raises(NumericalError, match="Digits are lost"):
        solve(a, [Input(time_h=0.0, amount=10.0)], [1e5])


def test_a_matrix_with_negative_flows_agrees_too() -> None:
    a = [[-1.0, -3.0], [3.0, -1.0]]
    dose = Input(time_h=0.0, amount=1.0)
    for time_h in (0.1, 1.0, 3.0):
        wanted = exact(a, dose, time_h)
        scale = max(abs(v) for v in wanted)
        for found, value in zip(solve(a, [dose], [time_h])[0], wanted, strict=True):
            assert abs(mpmath.mpf(float(found)) - value) <= 1e-12 * scale


@pytest.mark.parametrize(
    "a",
    [
        [[0.3, 0.1], [0.2, 0.05]],
        [[1e-9]],
        [[-1.0, 0.0, 0.0], [0.0, -1.0, 2.0], [0.0, 2.0, -1.0]],
        [[0.1, -3.0], [3.0, 0.1]],
        [[-1.0, 1.001], [1.0, -1.0]],
    ],
)
def test_a_system_that_grows_by_itself_is_refused_by_name(a: Any) -> None:
    with pytest.raises(BadInput, match=r"A_per_h.*eigenvalue with a positive real part"):
        solve(a, [Input(time_h=0.0, amount=1.0)], [1.0])


@pytest.mark.parametrize(
    "a",
    [
        [[0.0, 0.0], [0.0, 0.0]],
        [[-0.3, 0.1, 0.2], [0.1, -0.3, 0.1], [0.2, 0.2, -0.3]],
        [[-1.0, 0.0], [50.0, -1.0]],
        [[0.0, -2.0], [2.0, 0.0]],
        [[-1.0, 0, 0, 0], [1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]],
    ],
)
def test_what_only_stays_or_adds_up_or_swings_is_solved(a: Any) -> None:
    assert np.isfinite(solve(a, [Input(time_h=0.0, amount=1.0)], [1.0])).all()


def test_times_that_fall_are_refused_and_equal_neighbours_are_not() -> None:
    dose = [Input(time_h=0.0, amount=1.0)]
    with pytest.raises(BadInput, match="times_h"):
        solve([[-1.0]], dose, [0.0, 2.0, 1.0])
    assert solve([[-1.0]], dose, [0.0, 1.0, 1.0])[1:].tolist() == [[np.exp(-1.0)]] * 2


def test_racemic_infusion_of_35_mg_over_40_minutes() -> None:
    """Computed values of the evidence pack's model card, racemic_iv_venous_composite."""
    order = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    found = simulate(order, MAN, DRUGS, [40.0, 80.0, 110.0, 230.0], draws=10, seed=1)
    total = next(s for s in found.series if s.analyte == "ketamine")
    assert total.typical == pytest.approx((160, 82, 63, 29), rel=0.02)


@pytest.mark.parametrize(("mg", "peak", "area"), [(28, 43.8, 147.3), (56, 72.5, 254.7), (84, 101.0, 362.2)])
def test_nasal_peak_and_area_of_the_published_table(mg: float, peak: float, area: float) -> None:
    """Perez-Ruixo 2021, Table 4: all devices at once, peak in ng/mL, area over 24 h in ng h/mL."""
    minutes = np.arange(0.0, 1441.0, 2.0)
    order = Order(product="esketamine", route="nasal", dose_mg=mg, device_gap_min=0.0)
    level = np.array(simulate(order, MAN, DRUGS, minutes.tolist(), draws=5, seed=1).series[0].typical)
    assert level.max() == pytest.approx(peak, rel=0.02)
    assert np.trapezoid(level, minutes) / 60 == pytest.approx(area, rel=0.02)


@pytest.mark.parametrize(("ratio", "litres_per_h"), [(1.0, 109.0), (0.5, 85.0), (1 / 6, 46.0)])
def test_enzymes_half_or_a_sixth_as_fast_leave_the_clearance_that_the_evidence_pack_works_out(
    ratio: float, litres_per_h: float
) -> None:
    """Evidence pack, pharmacology2 section 5: intrinsic clearance /2 and /6 take 109 L/h to 85 and 46 (flow 151)."""
    model = {
        "id": "one",
        "structure": "mammillary",
        "parameters": {"clearance": {"value": 109.0, "unit": "L/h", "bsv_variance": 0.1}},
    }
    entry = with_intrinsic_clearance({"one": model}, ratio)["one"]["parameters"]["clearance"]
    assert entry["value"] == pytest.approx(litres_per_h, abs=0.5)
    assert entry["bsv_variance"] == 0.1


def test_each_enantiomer_slows_by_its_own_extraction_and_the_nasal_liver_by_its_rates() -> None:
    found = with_intrinsic_clearance(DRUGS, 0.5)
    racemic = found["racemic_iv_venous_composite"]["parameters"]
    r_before, r_after = (p["clearance"]["value"] * p["r_over_s_clearance"]["value"] for p in (
        DRUGS["racemic_iv_venous_composite"]["parameters"], racemic))  # fmt: skip
    for before, after in ((95.2, racemic["clearance"]["value"]), (r_before, r_after)):
        enzymes = 151.0 * before / (151.0 - before) / 2
        assert after == pytest.approx(151.0 * enzymes / (151.0 + enzymes))
    nasal, shipped = (d["perezruixo2021_esketamine_nasal"]["parameters"] for d in (found, DRUGS))
    for name in ("liver_metabolite_rate", "liver_other_rate"):
        assert nasal[name]["value"] == shipped[name]["value"] / 2
    assert nasal["liver_flow"] == shipped["liver_flow"]


@pytest.mark.parametrize(("ratio", "clearance"), [(0.0, 90.0), (-1.0, 90.0), (float("inf"), 90.0), (0.5, 151.0)])
def test_a_ratio_or_a_liver_that_cannot_be_is_refused(ratio: float, clearance: float) -> None:
    model = {"id": "one", "structure": "mammillary", "parameters": {"clearance": {"value": clearance, "unit": "L/h"}}}
    with pytest.raises(BadInput, match="clearance"):
        with_intrinsic_clearance({"one": model}, ratio)


def test_area_over_a_day_is_dose_over_clearance_and_the_peak_is_the_one_of_the_plan() -> None:
    order = Order(product="esketamine", route="iv", dose_mg=17.5, infusion_min=40.0)
    found = exposure(order, MAN, DRUGS, draws=2000, seed=1)
    # The spread of clearance is lognormal, so its median is the typical value; a day holds all but a little of it.
    assert found.area[1] == pytest.approx(1000 * 17.5 / 95.2, rel=0.06)
    peak = exposure_peak(order, MAN, DRUGS, draws=2000, seed=1)
    assert found.peak == pytest.approx((peak.p05, peak.p50, peak.p95))


def test_the_smallest_amount_that_a_number_can_hold_is_still_an_infusion() -> None:
    least = Input(time_h=0.0, amount=5e-324, duration_h=1.0)
    found = solve([[0.0, 0.0], [0.0, -2.0]], [least], [0.5, 2.0])
    assert np.isfinite(found).all()
    assert found.max() <= 5e-324
