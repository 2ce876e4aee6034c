"""Interactions against measured ratios and against the tables that the evidence pack works out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.interactions import KNOWLEDGE, MODELS

from ketapath.domain.interaction import Interaction
from ketapath.pharmacology import Subject, auc_ratio, perpetrators, virtual_patients, with_intrinsic_clearance
from ketapath.pharmacology.metabolism import area_per_mg, extraction, with_enzymes


def ratio(drug: str, product: str, route: str, **more: Any) -> Interaction:
    return auc_ratio(perpetrators([drug], KNOWLEDGE), product, route, MODELS, draws=4000, seed=1, **more)


def typical_factors(drug: str) -> tuple[float, float]:
    (one,) = perpetrators([drug], KNOWLEDGE)
    return one.intrinsic_clearance.value, one.gut_availability.value


def typical(model: str, liver: float, gut: float, sprays: int = 1) -> float:
    """The mechanism alone in the typical person."""
    people = virtual_patients(MODELS[model], Subject(), np.random.default_rng(1), 1)
    after = with_enzymes(MODELS[model], people, np.full(2, liver), np.full(2, gut)).people
    before, now = (area_per_mg(MODELS[model], some, "nasal", sprays)[0] for some in (people, after))
    return float(now / before)


@pytest.mark.parametrize(("sprays", "expected"), [(3, 1.60), (1, 1.52)])
def test_ticlopidine_by_the_nose_comes_out_too_high_by_mechanism_as_the_evidence_pack_says(
    sprays: int, expected: float
) -> None:
    """Evidence pack, pharmacology2 section 5: x 1.60 after 84 mg, 1.52 after 28 mg; the label measured 1.29."""
    liver, gut = typical_factors("ticlopidine")
    assert typical("perezruixo2021_esketamine_nasal", liver, gut, sprays) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("liver", "gut", "sprays", "expected"),
    [
        # Clarithromycin: as much of 2.6 as a gut wall of 64 % can give, the rest in the liver.
        (1.5625 / 2.6, 1.5625, 3, 1.48),
        (1.5625 / 2.6, 1.5625, 1, 1.37),
        (2.01, 0.28, 3, 0.71),
        (2.01, 0.28, 1, 0.77),
    ],
)
def test_other_rows_of_the_same_table(liver: float, gut: float, sprays: int, expected: float) -> None:
    assert typical("perezruixo2021_esketamine_nasal", liver, gut, sprays) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("drug", "product", "route", "measured"),
    [
        ("ticlopidine", "esketamine", "oral", 2.4),
        ("itraconazole", "esketamine", "oral", 1.0),
        ("clarithromycin", "esketamine", "oral", 2.6),
        ("grapefruit-juice", "esketamine", "oral", 3.0),
        ("rifampicin", "esketamine", "oral", 0.14),
        ("rifampicin", "esketamine", "iv", 0.86),
        ("st-johns-wort", "esketamine", "oral", 0.42),
        ("ticlopidine", "racemic", "oral", 2.4),
        ("rifampicin", "racemic", "oral", 0.14),
    ],
)
def test_what_was_measured_comes_back(drug: str, product: str, route: str, measured: float) -> None:
    found = ratio(drug, product, route)
    assert found.typical == pytest.approx(measured, rel=0.03)
    assert found.auc_ratio.p05 <= measured <= found.auc_ratio.p95


@pytest.mark.parametrize(("liver", "litres_per_h"), [(1.0, 109.0), (0.5, 85.0), (1 / 6, 46.0)])
def test_drawn_people_lose_as_much_clearance_as_the_evidence_pack_works_out(liver: float, litres_per_h: float) -> None:
    """Intrinsic clearance /2 and /6 take 109 L/h to 85 and 46 at a flow of 151 L/h."""
    model = {"id": "one", "structure": "mammillary", "parameters": {"clearance": {"value": 109.0, "unit": "L/h"}}}
    after = with_enzymes(model, {"clearance": np.array([109.0])}, np.array([liver]), np.ones(1)).people
    assert after["clearance"][0] == pytest.approx(litres_per_h, abs=0.5)


def test_the_flow_of_the_model_itself_counts_where_it_states_one() -> None:
    model = {"id": "one", "structure": "mammillary",
             "parameters": {"clearance": {"value": 109.0, "unit": "L/h"},
                            "liver_flow": {"value": 120.0, "unit": "L/h"}}}  # fmt: skip
    people = {"clearance": np.array([109.0]), "liver_flow": np.array([120.0])}
    after = with_enzymes(model, people, np.array([0.5]), np.ones(1)).people
    enzymes = 120.0 * 109.0 / 11.0 / 2
    assert after["clearance"][0] == pytest.approx(120.0 * enzymes / (120.0 + enzymes))


@pytest.mark.parametrize("sprays", [1, 2, 3])
def test_the_nasal_area_is_that_of_the_compartments(sprays: int) -> None:
    """Against minus the inverse of the rate matrix: blood, two peripherals, liver, nose, gut."""
    p = {n: e["value"] for n, e in MODELS["perezruixo2021_esketamine_nasal"]["parameters"].items()}
    blood, one, two, liver, nose, gut = range(6)
    moves = {
        (blood, one): p["intercompartmental_clearance_1"] / p["central_volume"],
        (one, blood): p["intercompartmental_clearance_1"] / p["peripheral_volume_1"],
        (blood, two): p["intercompartmental_clearance_2"] / p["central_volume"],
        (two, blood): p["intercompartmental_clearance_2"] / p["peripheral_volume_2"],
        (blood, liver): p["liver_flow"] / p["central_volume"],
        (liver, blood): p["liver_flow"] / p["liver_volume"],
        (nose, blood): p["nasal_absorption_rate"],
        (gut, liver): p["swallowed_absorption_rate"],
    }
    a = np.zeros((6, 6))
    for (start, end), rate in moves.items():
        a[start, start] -= rate
        a[end, start] += rate
    a[liver, liver] -= p["liver_metabolite_rate"] + p["liver_other_rate"]
    share = p["nasal_fraction"] * (1 + (sprays - 1) * p["nasal_fraction_later_devices"]) / sprays
    dose = np.zeros(6)
    dose[nose], dose[gut] = share, (1 - share) * p["gut_availability"]
    area = -np.linalg.solve(a, dose)[blood] / p["central_volume"]
    model = MODELS["perezruixo2021_esketamine_nasal"]
    people = virtual_patients(model, Subject(), np.random.default_rng(1), 1)
    assert area_per_mg(model, people, "nasal", sprays)[0] == pytest.approx(area, rel=1e-10)


def test_a_person_takes_out_what_their_own_clearance_and_the_flow_say_to_first_order() -> None:
    """Drawn clearances may pass the flow of the liver; the ratio stays finite, and near the typical exact."""
    model = MODELS["otto2021_fanta2015_s_ketamine_iv_venous"]
    clearance = np.array([95.2, 97.0, 93.0, 170.0])
    after = with_enzymes(model, {"clearance": clearance}, np.full(4, 0.5), np.ones(4)).people["clearance"]
    for before, now in zip(clearance[:3], after[:3], strict=True):
        enzymes = 151.0 * before / (151.0 - before) / 2
        assert now == pytest.approx(151.0 * enzymes / (151.0 + enzymes), rel=1e-3)
    assert 85.0 < after[3] < 170.0


def test_a_model_by_mouth_with_slower_enzymes_gains_in_bioavailability_what_its_clearance_does_not_lose() -> None:
    """By mouth the area goes with one over intrinsic clearance, for each enantiomer; into a muscle it does not."""
    oral, im = "racemic_oral_venous", "racemic_im_venous_assumed"
    models = with_intrinsic_clearance({name: MODELS[name] for name in (oral, im)}, 0.5)
    before, after = ({n: e["value"] for n, e in m[oral]["parameters"].items()} for m in (MODELS, models))
    s = [p["bioavailability"] / p["clearance"] for p in (before, after)]
    assert s[1] / s[0] == pytest.approx(2.0)
    r = [
        a / p["r_over_s_clearance"] * p.get("r_over_s_bioavailability", 1.0)
        for a, p in zip(s, (before, after), strict=True)
    ]
    assert r[1] / r[0] == pytest.approx(2.0)
    assert models[im]["parameters"]["bioavailability"] == MODELS[im]["parameters"]["bioavailability"]


def test_a_film_model_in_litres_a_minute_has_the_extraction_of_the_others() -> None:
    """1.48 L/min are 88.8 L/h: 59 % of a flow of 151, not 1 %."""
    assert extraction(MODELS["simons2022_s_ketamine_film"]) == pytest.approx(88.8 / 151.0)


def test_the_liver_of_the_nasal_model_gives_8_percent_by_mouth_and_all_by_vein() -> None:
    for name, route, share in (
        ("esketamine_oral_hepatic", "oral", 0.08),
        ("perezruixo2021_esketamine_oral", "oral", 0.178),
        ("perezruixo2021_esketamine_iv", "iv", 1.0),
    ):
        people = virtual_patients(MODELS[name], Subject(), np.random.default_rng(1), 1)
        assert 109.0 * area_per_mg(MODELS[name], people, route)[0] == pytest.approx(share, rel=0.02)
