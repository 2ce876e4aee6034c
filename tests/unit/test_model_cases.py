"""A drug model without worked cases, or with one that does not come out, breaks the knowledge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml
from tests.records import KNOWLEDGE

from ketapath.errors import BadInput, KnowledgeError
from ketapath.knowledge import FOLDER, documents
from ketapath.knowledge.dispositions import UNITS, resolved
from ketapath.knowledge.model_cases import problems
from ketapath.pharmacology import Subject, virtual_patients
from ketapath.pharmacology.worked import worked

FILES = {file: document for file, document in documents().items() if file.startswith("drugs/")}
CASES = {file.name: yaml.safe_load(file.read_text()) for file in sorted((FOLDER / "drugs").glob("*.cases.yaml"))}
OTTO = "otto2021-s-iv-venous.cases.yaml"
CASE: dict[str, Any] = CASES[OTTO][0]


def said(cases: list[dict[str, Any]] | None) -> list[str]:
    """The problems where these are the cases of one model; None takes their file away."""
    file = "drugs/otto2021-s-iv-venous.yaml"
    by_file = {} if cases is None else {OTTO: cases}
    return list(problems(by_file, {file: FILES[file]}, worked, KNOWLEDGE.drugs))


def test_every_model_has_its_cases_and_they_hold() -> None:
    assert list(problems(CASES, FILES, worked, KNOWLEDGE.drugs)) == []
    assert len(CASES) == len(FILES) == len(KNOWLEDGE.drugs)
    assert all(any(case["basis"] != "second-implementation" for case in cases) for cases in CASES.values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expect": 120}, "expects 120, the model gives 11"),
        ({"expect": float("nan")}, "the model gives"),
        ({"within_percent": 20}, "within_percent"),
        ({"quantity": "mood"}, "quantity"),
        ({"remark": "x"}, "remark"),
        ({"analyte": "R-ketamine"}, "cannot be run"),
        ({"order": {"product": "esketamine", "route": "iv", "dose_mg": 20}}, "cannot be run"),
        ({"order": {"product": "racemic", "route": "iv", "dose_mg": 20, "infusion_min": 20}}, "cannot be run"),
        ({"model": "simons2022_s_ketamine_film"}, "all of otto2021"),
        ({"model": "nobody2030"}, "no record"),
    ],
)
def test_a_case_that_does_not_hold_or_cannot_be_run_is_a_problem(change: dict[str, Any], words: str) -> None:
    assert said([CASE, CASE]) == []
    found = said([{**CASE, **change}, CASE])
    assert any(words in problem for problem in found), found


def test_a_model_without_cases_or_with_none_of_its_own_is_a_problem() -> None:
    assert any("needs 2 cases" in problem for problem in said(None))
    assert any("needs 2 cases" in problem for problem in said([CASE]))
    from_code = {**CASE, "basis": "second-implementation"}
    assert any("by hand" in problem for problem in said([from_code, from_code]))


def test_a_level_a_peak_and_an_area_are_worked_out() -> None:
    bolus = {"product": "esketamine", "route": "iv", "dose_mg": 13.3, "infusion_min": 0}
    asked = {**CASE, "order": bolus, "at_min": 0}
    assert worked(asked, KNOWLEDGE.drugs) == pytest.approx(100.0)  # 13.3 mg in 133 L
    assert worked({**asked, "quantity": "peak"}, KNOWLEDGE.drugs) == pytest.approx(100.0)
    assert worked({**asked, "quantity": "area"}, KNOWLEDGE.drugs) == pytest.approx(13.3 / 95.2 * 1000)
    with pytest.raises(BadInput):
        worked({**asked, "analyte": "ketamine"}, KNOWLEDGE.drugs)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": 10, "high": 2}, "does not lie in its range 10 to 2"),
        ({"low": 7, "high": 10}, "does not lie in its range"),
        ({"unit": "mL/h"}, "not in one of"),
    ],
)
def test_a_constant_that_nobody_could_be_drawn_from_stops_the_loading(change: dict[str, Any], words: str) -> None:
    file = FILES["drugs/racemic-im-venous.yaml"]
    name = "absorption_rate"
    entry = {**file["parameters"][name], **change}
    wrong = {**file, "parameters": {**file["parameters"], name: entry}}
    with pytest.raises(KnowledgeError, match=words):
        resolved({wrong["id"]: wrong})


def test_every_unit_of_a_constant_is_converted_when_people_are_drawn() -> None:
    model = KNOWLEDGE.drugs["otto2021_fanta2015_s_ketamine_iv_venous"]
    for unit in UNITS:
        entry = {**model["parameters"]["clearance"], "unit": unit}
        changed = {**model, "parameters": {**model["parameters"], "clearance": entry}}
        assert virtual_patients(changed, Subject(), np.random.default_rng(0), 1)["clearance"][0] > 0.0
