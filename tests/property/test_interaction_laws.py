"""Laws of interactions: no factor changes nothing, slower enzymes never lower an area, and bands are ordered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.interactions import KNOWLEDGE, MODELS

from ketapath.pharmacology import Subject, auc_ratio, perpetrators, virtual_patients
from ketapath.pharmacology.metabolism import area_per_mg, with_enzymes

N = 300
PEOPLE = {name: virtual_patients(m, Subject(), np.random.default_rng(5), N) for name, m in MODELS.items()}
NAMES = sorted(MODELS)
FACTOR = st.floats(1e-3, 1e3)


def ratio(name: str, liver: float, gut: float) -> np.ndarray:
    model, people = MODELS[name], PEOPLE[name]
    after = with_enzymes(model, people, np.full(N + 1, liver), np.full(N + 1, gut)).people
    route = model["routes"][0]
    return area_per_mg(model, after, route, 3) / area_per_mg(model, people, route, 3)


@pytest.mark.parametrize("name", NAMES)
def test_factors_of_one_leave_everybody_as_they_are(name: str) -> None:
    one = np.ones(N + 1)
    after = with_enzymes(MODELS[name], PEOPLE[name], one, one).people
    for parameter, values in PEOPLE[name].items():
        np.testing.assert_allclose(after[parameter], values, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), FACTOR, FACTOR, st.floats(1.0, 10.0))
def test_slower_enzymes_and_a_leakier_gut_never_lower_the_area(
    name: str, liver: float, gut: float, more: float
) -> None:
    here = ratio(name, liver, gut)
    assert np.isfinite(here).all()
    assert (here > 0.0).all()
    assert (ratio(name, liver / more, gut) >= here * (1.0 - 1e-9)).all()
    assert (ratio(name, liver, gut * more) >= here * (1.0 - 1e-9)).all()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), FACTOR, FACTOR)
def test_nobody_gets_more_than_the_dose_into_the_blood(name: str, liver: float, gut: float) -> None:
    arrays = (np.full(N + 1, liver), np.full(N + 1, gut))
    after = with_enzymes(MODELS[name], PEOPLE[name], *arrays).people
    for share in ("bioavailability", "first_pass_share", "gut_availability"):
        if share in after:
            assert (after[share] >= 0.0).all()
            assert (after[share] <= 1.0 + 1e-12).all()
    if "r_over_s_bioavailability" in after:
        assert (after["bioavailability"] * after["r_over_s_bioavailability"] <= 1.0 + 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), FACTOR)
def test_the_ratio_never_passes_what_the_enzymes_themselves_change(name: str, liver: float) -> None:
    """With the gut wall as it is, an area changes by less than intrinsic clearance does, by any route."""
    found = ratio(name, liver, 1.0)
    low, high = sorted((1.0, 1.0 / liver))
    assert (found >= low * (1.0 - 1e-9)).all()
    assert (found <= high * (1.0 + 1e-9)).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([*KNOWLEDGE.perpetrators, "sertraline", "voriconazole"]), min_size=1, max_size=3),
    st.sampled_from([("racemic", "iv"), ("racemic", "oral"), ("esketamine", "nasal"), ("esketamine", "oral")]),
    st.integers(0, 1000),
)
def test_bands_are_ordered_finite_and_the_same_for_the_same_seed(
    names: list[str], way: tuple[str, str], seed: int
) -> None:
    drugs = perpetrators(names, KNOWLEDGE)
    first, again = (auc_ratio(drugs, *way, MODELS, draws=200, seed=seed) for _ in range(2))
    assert first == again
    for band in (first.auc_ratio, first.unbounded):
        if band is not None:
            assert 0.0 < band.p05 <= band.p50 <= band.p95 < float("inf")


@pytest.mark.parametrize("name", KNOWLEDGE.perpetrators)
def test_drawn_factors_stay_in_their_ranges(name: str) -> None:
    from ketapath.pharmacology.interactions import _factors

    one = KNOWLEDGE.perpetrators[name]
    liver, gut = _factors(one, 2000, np.random.default_rng(0))
    for values, factor in ((liver, one.intrinsic_clearance), (gut, one.gut_availability)):
        assert values.min() >= factor.low * (1.0 - 1e-9)
        assert values.max() <= factor.high * (1.0 + 1e-9)
    if one.together is not None:
        oral = gut[1:] / liver[1:]
        assert oral.min() >= one.together.low * (1.0 - 1e-9)
        assert oral.max() <= one.together.high * (1.0 + 1e-9)
