"""Both solutions for many people against 40 digits: at most 1e-9 apart, down to a millionth of the peak."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from tests.exact import levels, march, ticks, worst

from ketapath.pharmacology.solver.compartments import Input
from ketapath.pharmacology.solver.march import Status, summaries
from ketapath.pharmacology.solver.march import march as batch
from ketapath.pharmacology.solver.modal import Chain, flows, modes
from ketapath.pharmacology.solver.positive import Flows
from ketapath.pharmacology.solver.timeline import paused, sequence, stopped

LIMIT = 1e-9
HOUR = [0.25, 0.75, 1.0, 2.0, 6.0, 24.0, 48.0]
TWICE_A_WEEK = [84.0 * visit for visit in range(24)]


def regimens() -> dict[str, tuple[list[Input], list[float]]]:
    infusion = Input(time_h=0.5, amount=35.0, duration_h=0.75)
    return {
        "bolus": ([Input(time_h=0.0, amount=20.0)], [0.0, 0.001, 0.01, 0.25, 1.0, 5.0, 24.0]),
        "infusion": ([infusion], [0.0, 0.501, 0.51, 0.75, 1.25, 2.0, 8.0, 24.0, 72.0]),
        "a changing rate": (
            list(sequence(0.0, [(0.25, 40.0), (0.5, 0.0), (0.5, 60.0)])),
            [0.1, 0.25, 0.75, 1.0, 1.25, 9.0],
        ),
        "paused": (list(paused(infusion, 0.75, 0.5)), [0.75, 1.0, 1.25, 1.75, 4.0]),
        "stopped": (list(stopped(infusion, 0.9)), [0.75, 0.9, 1.0, 4.0]),
        "overlapping": (
            [infusion, Input(time_h=0.75, amount=20.0, duration_h=2.0), Input(time_h=1.0, amount=5.0)],
            [0.75, 1.0, 1.25, 2.75, 6.0, 30.0],
        ),
        "twelve weeks": (
            [Input(time_h=t, amount=35.0, duration_h=0.75) for t in TWICE_A_WEEK],
            [t + h for t in TWICE_A_WEEK for h in HOUR],
        ),
    }  # fmt: skip


def some(n: int, seed: int, **others: Any) -> Chain:
    """People far more unlike each other than people are."""
    rng = np.random.default_rng(seed)

    def between(low: float, high: float) -> Any:
        return np.exp(rng.uniform(np.log(low), np.log(high), n))

    given: dict[str, Any] = {
        "central_volume": between(5, 200),
        "clearance": between(5, 200),
        "peripheral_volume_1": between(20, 300),
        "intercompartmental_clearance_1": between(5, 400),
        "peripheral_volume_2": between(50, 800),
        "intercompartmental_clearance_2": between(1, 100),
        "metabolite_volume": between(20, 200),
        "metabolite_clearance": between(5, 150),
        "metabolite_share": rng.uniform(0.2, 1.0, n),
        "metabolite_peripheral_volume": between(30, 300),
        "metabolite_intercompartmental_clearance": between(5, 200),
        "second_metabolite_volume": between(20, 200),
        "second_metabolite_clearance": between(2, 100),
        "second_metabolite_share": rng.uniform(0.2, 1.0, n),
        "effect_rate_1": between(0.5, 30),
        "effect_rate_2": between(0.5, 30),
    }
    return Chain(**{k: v for k, v in (given | others).items() if v is not None})


def fewer(*names: str) -> Chain:
    return some(3, 11, **dict.fromkeys(names))


ONE_COMPARTMENT = ("peripheral_volume_1", "intercompartmental_clearance_1", "peripheral_volume_2",
                   "intercompartmental_clearance_2")  # fmt: skip
NO_SECOND = ("second_metabolite_volume", "second_metabolite_clearance", "second_metabolite_share")
ONE_METABOLITE = ("metabolite_peripheral_volume", "metabolite_intercompartmental_clearance")


@pytest.mark.parametrize("name", regimens())
def test_both_solutions_agree_with_forty_digits(name: str) -> None:
    inputs, times = regimens()[name]
    chain = some(3, 3)
    for found in (batch(chain, inputs, times), batch(flows(chain), inputs, times)):
        assert found.names == ("parent", "metabolite", "second_metabolite", "effect_1", "effect_2")
        for j in range(chain.size):
            assert worst(found.values[:, :, j], levels(chain, j, inputs, times)) <= LIMIT


@pytest.mark.parametrize(
    "chain",
    [
        fewer(*ONE_COMPARTMENT, *ONE_METABOLITE),
        fewer(*ONE_COMPARTMENT[2:], *NO_SECOND),
        fewer(*ONE_METABOLITE, *NO_SECOND, "metabolite_share"),
        fewer("metabolite_volume", "metabolite_clearance", "metabolite_share", *ONE_METABOLITE, *NO_SECOND),
        fewer("effect_rate_1", "effect_rate_2"),
    ],
    ids=lambda chain: f"{len(modes(chain).rates)} modes, {len(chain.names)} outputs",
)
def test_every_shape_of_chain_agrees(chain: Chain) -> None:
    inputs, times = regimens()["overlapping"]
    found = batch(chain, inputs, times)
    assert found.by_second_solution < chain.size
    for j in range(chain.size):
        assert worst(found.values[:, :, j], levels(chain, j, inputs, times)) <= LIMIT


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-9, 1e-6, 1e-4, 9e-4, 1.1e-3, 3e-3, 1e-2])
def test_rates_that_coincide_or_nearly_do_keep_their_digits(gap: float) -> None:
    rates = modes(some(2, 5)).rates
    chain = some(2, 5, effect_rate_1=rates[1] * (1 + gap))
    chain = replace(chain, second_metabolite_clearance=rates[2] * (1 - gap) * chain.second_metabolite_volume)
    for name in ("infusion", "overlapping"):
        inputs, times = regimens()[name]
        found = batch(chain, inputs, times)
        assert (found.by_second_solution == chain.size) >= (gap < 1e-3)
        for j in range(chain.size):
            assert worst(found.values[:, :, j], levels(chain, j, inputs, times)) <= LIMIT


@pytest.mark.parametrize("gap", [1e-5, 1e-4])
def test_nearly_coincident_rates_go_to_the_second_solution_also_where_only_late_levels_are_asked(gap: float) -> None:
    chain = some(2, 6, effect_rate_1=modes(some(2, 6)).rates[1] * (1 + gap))
    assert batch(chain, [Input(time_h=0.0, amount=35.0)], [24.0]).by_second_solution == 2


def test_fast_exchange_over_long_steps_keeps_its_digits() -> None:
    """Squared two dozen times, double precision alone would end near 1e-9."""
    a = np.array([[[-4e4 - 1e-3, 3e4], [4e4, -3e4]]])
    inputs, times = [Input(time_h=0.0, amount=35.0, duration_h=0.5)], [0.5, 800.5, 1600.5]
    found = batch(Flows(rates_per_h=a, outputs={"blood": (0, None)}), inputs, times)
    exact = march(mpmath.matrix([[mpmath.mpf(float(v)) for v in row] for row in a[0]]), inputs, times)
    assert worst(found.values[:, :, 0], [[exact[t][0] for t in ticks(times)]]) <= LIMIT / 10


def test_three_rates_of_one_chain_may_coincide() -> None:
    one = np.ones(1)
    chain = Chain(central_volume=one, clearance=2 * one, metabolite_volume=one, metabolite_clearance=2 * one,
                  second_metabolite_volume=one, second_metabolite_clearance=2 * one, effect_rate_1=2 * one)  # fmt: skip
    inputs, times = regimens()["overlapping"]
    found = batch(chain, inputs, times)
    assert found.by_second_solution == 1
    assert worst(found.values[:, :, 0], levels(chain, 0, inputs, times)) <= LIMIT


@pytest.mark.parametrize("kernel", ["auto", "numpy"])
def test_the_area_is_the_one_of_forty_digits(kernel: str) -> None:
    chain = some(4, 9)
    inputs, times = regimens()["overlapping"]
    found = summaries(chain, inputs, times, kernel=kernel)
    doubled = flows(chain)
    by_second = summaries(doubled, inputs, times)
    for j in range(chain.size):
        a = doubled.rates_per_h[j]
        size = len(a)
        whole = mpmath.matrix(size + len(chain.names), size + len(chain.names))
        for i, k in np.ndindex(size, size):
            whole[i, k] = mpmath.mpf(float(a[i, k]))
        for o, (place, _) in enumerate(doubled.outputs.values()):
            whole[size + o, place] = 1
        amounts = march(whole, inputs, times)[ticks(times)[-1]]
        for o, (_, volume) in enumerate(doubled.outputs.values()):
            wanted = amounts[size + o] / (mpmath.mpf(1) if volume is None else mpmath.mpf(float(volume[j])))
            for area in (found.area[o, j], by_second.area[o, j]):
                assert abs(mpmath.mpf(float(area)) - wanted) <= 1e-9 * wanted


def test_the_second_solution_takes_absorption_and_a_liver_that_share_their_rates() -> None:
    """Depot to liver to blood, a rate of every pair the same, with a zero-order part into the depot."""
    a = np.zeros((2, 3, 3))
    for person, rate in enumerate((1.5, 0.25)):
        a[person] = np.array([[-rate, 0, 0], [rate, -rate, 0], [0, 0.7 * rate, -rate]])
    inputs = [
        Input(time_h=0.0, amount=50.0, compartment=0),
        Input(time_h=1.0, amount=30.0, duration_h=0.5, compartment=0),
        Input(time_h=1.25, amount=3.0, duration_h=2.0, compartment=2),
    ]
    times = [0.0, 0.01, 0.5, 1.25, 2.0, 9.0, 40.0]
    shares = np.array([[1.0, 0.5], [0.2, 0.0], [1.0, 3.0]])
    found = batch(Flows(rates_per_h=a, outputs={"blood": (2, None), "depot": (0, None)}), inputs, times, scale=shares)
    assert found.by_second_solution == 2
    for j in range(2):
        given = [
            replace(dose, amount=dose.amount * float(share)) for dose, share in zip(inputs, shares[:, j], strict=True)
        ]
        exact = march(mpmath.matrix([[mpmath.mpf(float(v)) for v in row] for row in a[j]]), given, times)
        assert worst(found.values[:, :, j], [[exact[t][place] for t in ticks(times)] for place in (2, 0)]) <= LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_unlike_people_agree_with_forty_digits(seed: int) -> None:
    chain = some(20, 100 + seed)
    for inputs, times in regimens().values():
        for found in (batch(chain, inputs, times), batch(flows(chain), inputs, times)):
            assert (found.status == Status.OK).all()
            for j in range(0, chain.size, 7 if len(times) > 20 else 1):
                assert worst(found.values[:, :, j], levels(chain, j, inputs, times)) <= LIMIT
