"""Laws of batches: superposition, proportion, mass balance, shift in time, two solutions and two kernels that agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketapath.errors import BadInput
from ketapath.pharmacology.solver import native
from ketapath.pharmacology.solver.compartments import Input
from ketapath.pharmacology.solver.march import Status, march, summaries
from ketapath.pharmacology.solver.modal import Chain, flows
from ketapath.pharmacology.solver.positive import Flows
from ketapath.pharmacology.solver.timeline import TICKS_PER_H, paused, sequence, stopped, timeline

needs_kernel = pytest.mark.skipif(native.march is None, reason="no native kernel was built here")
TIMES = [0.0, 0.25, 0.5, 1.0, 1.5, 4.0, 9.0, 30.0]
MINUTES = st.integers(0, 600).map(lambda m: m / 60)
DOSES = st.lists(
    st.builds(Input, time_h=MINUTES, amount=st.floats(0.1, 200), duration_h=st.one_of(st.just(0.0), MINUTES)),
    min_size=1,
    max_size=5,
)
PARTS = (
    ("peripheral_volume_1", "intercompartmental_clearance_1"),
    ("peripheral_volume_2", "intercompartmental_clearance_2"),
    ("metabolite_volume", "metabolite_clearance"),
    ("metabolite_peripheral_volume", "metabolite_intercompartmental_clearance"),
    ("second_metabolite_volume", "second_metabolite_clearance"),
    ("effect_rate_1",),
)
NEEDS = {1: 0, 3: 2, 4: 2}


@st.composite
def chains(draw: st.DrawFn, n: int = 3) -> Chain:
    """Any shape of chain with any values, coincident ones among them."""
    values = st.lists(st.one_of(st.floats(1, 300), st.sampled_from([10.0, 50.0, 100.0])), min_size=n, max_size=n)
    chosen = draw(st.sets(st.sampled_from(range(len(PARTS)))))
    chosen = {part for part in chosen if NEEDS.get(part, part) in chosen}
    names = ["central_volume", "clearance", *(name for part in sorted(chosen) for name in PARTS[part])]
    return Chain(**{name: np.array(draw(values)) for name in names})


def close(found: Any, wanted: Any) -> None:
    """Relative, down to a millionth of each subject's largest level."""
    floor = 1e-6 * np.abs(wanted).max(axis=-2, keepdims=True)
    assert (np.abs(found - wanted) <= 2e-9 * np.maximum(np.abs(wanted), floor) + 1e-300).all()


@settings(max_examples=60, deadline=None)
@given(chains(), DOSES)
def test_the_two_solutions_agree(chain: Chain, doses: list[Input]) -> None:
    one, other = march(chain, doses, TIMES), march(flows(chain), doses, TIMES)
    assert other.by_second_solution == chain.size
    close(one.values, other.values)


@needs_kernel
@settings(max_examples=60, deadline=None)
@given(chains(n=75), DOSES, st.booleans())
def test_the_native_kernel_gives_the_same_bits(chain: Chain, doses: list[Input], each: bool) -> None:
    """75: a whole tile, a part of eight, and three left over."""
    scale = np.linspace(0.0, 2.0, 75 * len(doses)).reshape(len(doses), 75) if each else None
    one, other = (march(chain, doses, TIMES, scale=scale, kernel=k) for k in ("numpy", "native"))
    assert np.array_equal(one.values, other.values)
    summed, again = (summaries(chain, doses, TIMES, scale=scale, kernel=k) for k in ("numpy", "native"))
    for name in ("peak", "peak_h", "area"):
        assert np.array_equal(getattr(summed, name), getattr(again, name))


@settings(max_examples=40, deadline=None)
@given(chains(), DOSES)
def test_doses_add_up(chain: Chain, doses: list[Input]) -> None:
    apart = sum(march(chain, [dose], TIMES).values for dose in doses)
    close(march(chain, doses, TIMES).values, apart)


@settings(max_examples=40, deadline=None)
@given(chains(), DOSES, st.floats(0.01, 50))
def test_levels_follow_the_dose(chain: Chain, doses: list[Input], times: float) -> None:
    once = march(chain, doses, TIMES).values
    close(march(chain, doses, TIMES, scale=np.full(chain.size, times)).values, times * once)
    close(march(chain, doses, TIMES, scale=np.full((len(doses), chain.size), times)).values, times * once)


@settings(max_examples=40, deadline=None)
@given(chains(), DOSES, st.integers(-(10**6), 10**9))
def test_only_the_time_since_the_dose_counts(chain: Chain, doses: list[Input], ticks: int) -> None:
    shift = ticks / TICKS_PER_H
    later = [replace(dose, time_h=dose.time_h + shift) for dose in doses]
    close(march(chain, later, [t + shift for t in TIMES]).values, march(chain, doses, TIMES).values)


@settings(max_examples=40, deadline=None)
@given(chains(), DOSES)
def test_what_went_in_went_out_or_is_still_there(chain: Chain, doses: list[Input]) -> None:
    """Drug: amounts in all compartments and what the clearance took make the dose that has entered."""
    found = summaries(chain, doses, TIMES[:5])
    body = flows(chain)
    peripheral = [name for name in ("peripheral_volume_1", "peripheral_volume_2") if getattr(chain, name) is not None]
    places = {f"compartment {i}": (i, None) for i in range(1 + len(peripheral))}
    held = march(Flows(rates_per_h=body.rates_per_h, outputs=places), doses, TIMES[:5]).values[:, -1].sum(axis=0)
    np.testing.assert_allclose(
        found.area[0] * chain.clearance + held, timeline(doses, TIMES[:5]).entered.sum(), rtol=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(chains(), DOSES)
def test_summaries_are_those_of_the_curves(chain: Chain, doses: list[Input]) -> None:
    some = TIMES[:5]  # ends while infusions run
    instants = sorted({*some, *(t for d in doses for t in (d.time_h, d.time_h + d.duration_h) if t <= some[-1])})
    curve, found = march(chain, doses, instants), summaries(chain, doses, some)
    np.testing.assert_allclose(found.peak, curve.values.max(axis=1), rtol=1e-9)
    again = summaries(flows(chain), doses, some)
    np.testing.assert_allclose(found.peak, again.peak, rtol=1e-9)
    np.testing.assert_allclose(found.area, again.area, rtol=1e-8)


PERSON = {"central_volume": 60.0, "clearance": 90.0, "peripheral_volume_1": 100.0,
          "intercompartmental_clearance_1": 150.0, "metabolite_volume": 80.0, "metabolite_clearance": 60.0,
          "metabolite_share": 0.8, "effect_rate_1": 5.0}  # fmt: skip
INFUSION = [Input(time_h=0.0, amount=35.0, duration_h=0.75)]


@pytest.mark.parametrize("name", PERSON)
@pytest.mark.parametrize(
    ("value", "status"),
    [(np.nan, Status.BAD_INPUT), (np.inf, Status.BAD_INPUT), (-1.0, Status.BAD_INPUT), (1e300, None), (1e-300, None)],
)
@pytest.mark.parametrize("kernel", ["auto", "numpy"])
def test_one_impossible_person_has_a_status_and_no_numbers_and_the_others_are_as_without(
    name: str, value: float, status: Status | None, kernel: str
) -> None:
    people = {key: np.full(9, v) for key, v in PERSON.items()}
    alone = march(Chain(**people), INFUSION, TIMES, kernel=kernel).values
    people[name] = people[name].copy()
    people[name][4] = value
    for found in (march(Chain(**people), INFUSION, TIMES, kernel=kernel), summaries(Chain(**people), INFUSION, TIMES)):
        assert found.status.shape == (9,)
        assert status is None or found.status[4] == status
        fine = np.flatnonzero(found.status == Status.OK)
        assert found.subjects.tolist() == fine.tolist()
        assert set(fine) >= set(range(9)) - {4}
        levels = found.values if hasattr(found, "values") else found.area
        assert levels.shape[-1] == fine.size
        assert np.isfinite(levels).all()
        if hasattr(found, "values"):
            np.testing.assert_array_equal(levels[..., fine != 4], alone[..., fine[fine != 4]])


@pytest.mark.parametrize("multiplier", [np.nan, -0.5, np.inf])
def test_an_impossible_multiplier_concerns_one_person(multiplier: float) -> None:
    chain = Chain(**{key: np.full(3, v) for key, v in PERSON.items()})
    for shape in ((3,), (1, 3)):
        scale = np.ones(shape)
        scale[..., 1] = multiplier
        found = march(chain, INFUSION, TIMES, scale=scale)
        assert [Status(s).label for s in found.status] == ["ok", "bad-input", "ok"]


def test_flows_that_grow_or_overflow_concern_one_person() -> None:
    a = np.tile(np.array([[-1.0, 0.5], [1.0, -0.5]]), (5, 1, 1))
    a[1, 0, 1] = 9.0
    a[2, 1, 0] = -0.1
    a[3] *= 1e300
    found = march(Flows(rates_per_h=a, outputs={"blood": (0, None)}), INFUSION, TIMES)
    assert [Status(s).label for s in found.status] == ["ok", "bad-input", "bad-input", "not-finite", "ok"]
    assert found.values.shape == (1, len(TIMES), 2)


def test_a_drug_that_hardly_leaves_stays_and_is_no_division_by_zero() -> None:
    chain = Chain(central_volume=np.array([1e150, 50.0]), clearance=np.array([1e-200, 1e-12]))
    found = march(chain, INFUSION, TIMES)
    np.testing.assert_allclose(found.of("parent")[-1], [35e-150, 0.7], rtol=1e-9)
    np.testing.assert_allclose(summaries(chain, INFUSION, TIMES).area[0], [35e-150 * 29.625, 0.7 * 29.625], rtol=1e-9)


def test_nobody_left_is_no_error() -> None:
    chain = Chain(**{key: np.full(2, np.nan) for key in PERSON})
    found = march(chain, INFUSION, TIMES)
    assert found.values.shape == (3, len(TIMES), 0)
    assert summaries(chain, INFUSION, TIMES).peak.shape == (3, 0)


def test_what_is_wrong_for_everybody_is_refused() -> None:
    chain = Chain(**{key: np.full(2, v) for key, v in PERSON.items()})
    for inputs, times, others in (
        (INFUSION, [1.0, 0.5], {}),
        (INFUSION, [np.nan], {}),
        ([Input(time_h=0.0, amount=-1.0)], TIMES, {}),
        ([Input(time_h=0.0, amount=1.0, compartment=1)], TIMES, {}),
        (INFUSION, TIMES, {"scale": np.ones(3)}),
        (INFUSION, TIMES, {"kernel": "fast"}),
        ([Input(time_h=1e9, amount=1.0)], TIMES, {}),
    ):
        with pytest.raises(BadInput):
            march(chain, inputs, times, **others)
    with pytest.raises(BadInput):
        Chain(central_volume=np.ones(2), clearance=np.ones(3))
    with pytest.raises(BadInput):
        Chain(central_volume=np.ones(2), clearance=np.ones(2), metabolite_volume=np.ones(2))


def test_a_level_at_a_bolus_is_after_it_and_before_the_first_dose_there_is_nothing() -> None:
    chain = Chain(**{key: np.full(2, v) for key, v in PERSON.items()})
    found = march(chain, [Input(time_h=1.0, amount=60.0)], [0.0, 0.999, 1.0, 1.0, 2.0])
    assert found.values[:, :2].tolist() == np.zeros((3, 2, 2)).tolist()
    np.testing.assert_allclose(found.of("parent")[2:4], 1.0, rtol=1e-12)
    assert found.of("metabolite")[2:4].tolist() == [[0.0, 0.0]] * 2
    assert (found.of("metabolite")[4] > 0).all()
    with pytest.raises(KeyError):
        found.of("brain")


def test_an_infusion_shorter_than_a_tick_is_a_bolus() -> None:
    chain = Chain(**{key: np.full(2, v) for key, v in PERSON.items()})
    short, bolus = (march(chain, [Input(time_h=0.0, amount=9.0, duration_h=h)], TIMES).values for h in (1e-8, 0.0))
    assert np.array_equal(short, bolus)


def test_equal_steps_are_worked_out_once() -> None:
    when = timeline([Input(time_h=84.0 * i, amount=35.0, duration_h=2 / 3) for i in range(24)], 6.0 * np.arange(337))
    assert when.steps_h.tolist() == pytest.approx([2 / 3, 16 / 3, 6.0])
    assert when.fed.tolist() == [0]
    assert len(when.rates) == 24
    assert when.observations == 337


def test_a_changing_rate_a_pause_and_a_stop_are_infusions_of_their_own() -> None:
    assert sequence(1.0, [(0.5, 10.0), (0.5, 0.0), (1.0, 4.0)]) == (
        Input(time_h=1.0, amount=5.0, duration_h=0.5),
        Input(time_h=2.0, amount=4.0, duration_h=1.0),
    )
    whole = Input(time_h=1.0, amount=40.0, duration_h=1.0)
    assert stopped(whole, 1.25) == (Input(time_h=1.0, amount=10.0, duration_h=0.25),)
    assert stopped(whole, 1.0) == ()
    assert stopped(whole, 9.0) == (whole,)
    assert paused(whole, 1.25, 0.5) == (
        Input(time_h=1.0, amount=10.0, duration_h=0.25),
        Input(time_h=1.75, amount=30.0, duration_h=0.75),
    )
    assert paused(whole, 2.0, 0.5) == (whole,)
    for wrong in (lambda: sequence(0.0, [(-1.0, 1.0)]), lambda: paused(whole, 1.5, -1.0)):
        with pytest.raises(BadInput):
            wrong()
