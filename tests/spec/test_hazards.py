"""The hazards of the core in docs/hazards.md, each with the control that this test would see fail."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from tests.records import (
    CLINIC,
    KNOWLEDGE,
    PATIENT,
    assessed,
    days_ago,
    good_record,
    person,
    quantity,
    record,
)

from ketapath import journey
from ketapath.errors import BadInput
from ketapath.knowledge import FOLDER, parse_yaml, paths
from ketapath.measurement import score
from ketapath.pharmacology import Order, Subject, simulate
from ketapath.units import base_from_hydrochloride

FOR_70_KG = Subject(weight_kg=70.0, age_years=40.0, sex="male")


def plan(data: bytes, seed: int = 1) -> object:
    return journey.planned(person(data), CLINIC, KNOWLEDGE, seed=seed)


def test_two_patients_in_one_bundle_are_refused() -> None:
    with pytest.raises(BadInput, match="exactly one"):
        person(record(PATIENT | {"id": "somebody-else"}))
    stray = quantity("29463-7", 70, "kg") | {"subject": {"reference": "Patient/somebody-else"}}
    with pytest.raises(BadInput, match="one Patient"):
        person(record(stray))


def test_a_weight_in_pounds_is_converted_and_an_unknown_unit_is_refused() -> None:
    pounds = person(record(quantity("29463-7", 165.3, "[lb_av]"))).known["vitals.weight_kg"]
    assert pounds.value == pytest.approx(74.98, abs=0.01)
    with pytest.raises(BadInput, match="Weight"):
        person(record(quantity("29463-7", 11, "stone")))


def test_hydrochloride_dose_is_converted_to_base_once() -> None:
    assert base_from_hydrochloride(32.3) == pytest.approx(28.0, abs=0.02)
    administration = {
        "resourceType": "MedicationAdministration",
        "id": "dose",
        "status": "completed",
        "subject": {"reference": "Patient/test"},
        "effectiveDateTime": "2026-11-20",
        "dosage": {"dose": {"value": 57.67, "unit": "mg"}},
    }
    for unii, expected in (("O18YUO0I83", 50.0), ("690G0D6V8H", 57.67)):
        concept = {"coding": [{"system": "http://fdasis.nlm.nih.gov", "code": unii}]}
        dose = person(record(administration | {"medicationCodeableConcept": concept})).doses[0]
        assert dose.dose_mg == pytest.approx(expected, abs=0.05)


def test_racemic_run_names_each_enantiomer_and_the_sum() -> None:
    order = Order(product="racemic", route="iv", dose_mg=35.0, infusion_min=40.0)
    found = simulate(order, FOR_70_KG, KNOWLEDGE.drugs, [40.0], draws=200, seed=1)
    by_name = {s.analyte: s.typical[0] for s in found.series}
    assert {"S-ketamine", "R-ketamine", "ketamine"} <= set(by_name)
    assert len(found.series) == len(by_name)
    assert by_name["ketamine"] == pytest.approx(by_name["S-ketamine"] + by_name["R-ketamine"], rel=1e-9)


@pytest.mark.parametrize("on", [None, days_ago(31), days_ago(400)])
def test_an_old_or_undated_weight_never_doses(on: object) -> None:
    data = good_record(
        quantity("29463-7", 70, "kg", on=on),
        without=("vitals.weight_kg", "vitals.bmi_kg_per_m2"),  # type: ignore[arg-type]
    )
    options = {o.product: o for o in plan(data).options}  # type: ignore[attr-defined]
    assert options["racemic"].dose is None
    assert options["racemic"].dose_withheld is not None
    assert options["racemic"].total_mg is None


def test_venous_models_give_no_arterial_effect() -> None:
    for product, route, infusion, dose in (("racemic", "iv", 40.0, 35.0), ("esketamine", "nasal", None, 56.0)):
        order = Order(product=product, route=route, dose_mg=dose, infusion_min=infusion)
        found = simulate(order, FOR_70_KG, KNOWLEDGE.drugs, [40.0], draws=50, seed=1)
        assert found.site == "venous"
        assert all(s.unit == "ng/mL" for s in found.series)
    assert all(d["site"] in ("venous", "arterial", "mixed", "not-stated") for d in KNOWLEDGE.drugs.values())


@pytest.mark.parametrize("rest", [0, 3, None])
def test_item_nine_raises_an_alert_whatever_the_total(rest: int | None) -> None:
    found = score(KNOWLEDGE.instruments["phq9"], (rest,) * 8 + (1,))
    assert found.alerts
    assert (found.total is None) is (rest is None)


def test_missing_never_means_no() -> None:
    found = assessed(record())
    assert set(found.by_product.values()) == {"undetermined"}
    known = person(record()).known
    assert not [p for p, f in known.items() if f.value is False and p.startswith(("history.", "medicines."))]


def test_no_marker_gives_a_verdict_and_no_rule_that_gives_one_reads_a_marker() -> None:
    records = parse_yaml((FOLDER / "profile" / "biomarkers.yaml").read_bytes(), where="biomarkers.yaml")
    markers = {r["path"] for r in records} | {"lab.cyp2b6_genotype"}
    reads = [r for r in KNOWLEDGE.rules.values() if markers & {*paths(r.when), *r.settled_by}]
    assert reads
    assert not [r.id for r in reads if r.stage != "biomarker"]
    assert not [r.id for r in KNOWLEDGE.rules_of("biomarker") if r.when_true or r.when_unknown]
    others = (KNOWLEDGE.needs, KNOWLEDGE.protocols, KNOWLEDGE.alternatives, KNOWLEDGE.response, KNOWLEDGE.policy)
    assert not [m for m in markers if m in repr(others)]


def test_same_input_same_seed_same_plan_and_digest() -> None:
    data = good_record()
    assert plan(data) == plan(data)
    first, changed = plan(data), plan(good_record(vitals__weight_kg=71.0))
    assert first.inputs_digest != changed.inputs_digest  # type: ignore[attr-defined]
    assert first.knowledge_version == KNOWLEDGE.version  # type: ignore[attr-defined]


def test_every_text_has_english_and_translations_keep_their_values() -> None:
    def fields(template: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(template) if name}

    assert all(isinstance(v, str) and v.strip() for v in KNOWLEDGE.texts.values())
    for file in sorted((FOLDER / "texts").glob("*.yaml")):
        language = file.name.split(".")[-2]
        for key, template in (parse_yaml(file.read_bytes(), where=file.name) or {}).items():
            if language != "en":
                assert fields(template) == fields(KNOWLEDGE.texts[key]), key


def test_every_hazard_names_a_test_that_exists() -> None:
    root = Path(__file__).parents[2]
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", (root / "docs" / "hazards.md").read_text())
    assert len(set(named)) >= 16
    for file, name in named:
        assert f"def {name}(" in (root / file).read_text(), name
