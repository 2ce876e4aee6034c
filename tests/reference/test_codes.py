"""Are the code tables whole, unambiguous and true to ICD-10-CM?"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

KNOWLEDGE = Path(__file__).parents[2] / "src" / "ketapath" / "knowledge"
TABLES = ("conditions", "observations", "medicines")
SYSTEMS = {"snomed", "icd10", "loinc", "rxnorm", "atc", "unii", "local"}


@cache
def read(name: str) -> list[dict[str, Any]]:
    return list(yaml.load((KNOWLEDGE / name).read_text(), Loader=yaml.CSafeLoader))


def table(name: str) -> list[dict[str, Any]]:
    return read(f"codes/{name}.yaml")


def codes_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Every code with the concept or substance that owns it."""
    return [(r.get("concept") or r["substance"], code) for r in table(name) for code in r.get("codes", ())]


def wanted(kind: str) -> set[str]:
    """The concepts that the profile reads from this kind of resource."""
    specs = [spec for file in sorted((KNOWLEDGE / "profile").glob("*.yaml")) for spec in read(f"profile/{file.name}")]
    found = (spec["from"].get(kind, ()) for spec in specs)
    return {c for concepts in found for c in ([concepts] if isinstance(concepts, str) else concepts)}


@pytest.mark.parametrize("kind", ["condition", "allergy", "family"])
def test_every_condition_concept_of_the_profile_can_be_read(kind: str) -> None:
    usable = {r["concept"] for r in table("conditions") if r["codes"] or r.get("terms")}
    assert wanted(kind) <= usable


@pytest.mark.parametrize("kind", ["observation", "procedure"])
def test_every_observation_concept_of_the_profile_can_be_read(kind: str) -> None:
    assert wanted(kind) <= {r["concept"] for r in table("observations") if r["codes"]}


def test_concepts_that_the_reader_names_exist() -> None:
    assert "no-known-allergy" in {r["concept"] for r in table("conditions")}
    assert {"psychotherapy", "acls"} <= {r["concept"] for r in table("observations")}


def test_every_medicine_class_of_the_profile_exists() -> None:
    assert wanted("medicine_class") <= {c for r in table("medicines") for c in r["classes"]}


@pytest.mark.parametrize("name", TABLES)
def test_every_code_has_a_known_system_a_text_code_and_trust(name: str) -> None:
    sources = {s["key"] for s in read("sources/codes.yaml")}
    for owner, code in codes_of(name):
        assert code["system"] in SYSTEMS, (owner, code)
        assert isinstance(code["code"], str), (owner, code)
        assert code["display"], (owner, code)
        assert code["trust"] in ("seen", "unverified"), (owner, code)
        assert (code["trust"] == "seen") == ("seen_in" in code), (owner, code)
        assert code.get("seen_in") is None or code["seen_in"] in sources, (owner, code)


@pytest.mark.parametrize("name", TABLES)
def test_no_record_and_no_code_within_a_record_comes_twice(name: str) -> None:
    records = Counter(r.get("concept") or r["substance"] for r in table(name))
    assert [r for r, n in records.items() if n > 1] == []
    codes = Counter((owner, code["system"], code["code"]) for owner, code in codes_of(name))
    assert [c for c, n in codes.items() if n > 1] == []


def matches(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether some code of a record is matched by both, prefixes included."""
    if one["system"] != other["system"]:
        return False
    a, b = (c["code"].replace(".", "") if c["system"] == "icd10" else c["code"] for c in (one, other))
    return a == b or bool(one.get("prefix") and b.startswith(a)) or bool(other.get("prefix") and a.startswith(b))


@pytest.mark.parametrize("name", ["conditions", "observations"])
def test_a_code_of_two_concepts_says_so_on_both_sides(name: str) -> None:
    everything = codes_of(name)
    near: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    for owner, code in everything:  # compare within a system, ICD-10 within a letter
        near.setdefault((code["system"], code["code"][0] if code["system"] == "icd10" else code["code"]), []).append(
            (owner, code)
        )
    for group in near.values():
        for owner, code in group:
            others = {o for o, c in group if o != owner and matches(code, c)}
            assert others == set(code.get("shared_with", ())), (owner, code)


def test_no_medicine_code_or_name_means_two_substances() -> None:
    codes = Counter((code["system"], code["code"]) for _, code in codes_of("medicines"))
    names = Counter(name.lower() for r in table("medicines") for name in r["names"])
    assert [c for c, n in (codes + names).items() if n > 1] == []
    assert all(r["substance"] in r["names"] for r in table("medicines"))


def test_terms_are_whole_lower_case_names() -> None:
    for record in table("conditions") + table("observations"):
        terms = record.get("terms", [])
        assert len(terms) == len(set(terms)), record["concept"]
        assert all(t == t.lower().strip() and "screen" not in t for t in terms), record["concept"]


def test_daily_doses_stand_only_on_antidepressants_and_have_a_source() -> None:
    for medicine in table("medicines"):
        dose = medicine.get("daily_dose_proxy_mg")
        assert ("daily_dose_proxy_mg" in medicine) == ("antidepressant" in medicine["classes"]), medicine["substance"]
        assert (dose is None) == ("daily_dose_source" not in medicine), medicine["substance"]
        assert dose is None or dose > 0
    esketamine = next(m for m in table("medicines") if m["substance"] == "esketamine")
    assert "antidepressant" not in esketamine["classes"]


def test_answers_have_a_code_and_a_value() -> None:
    for record in table("observations"):
        answers = record.get("answers", [])
        assert all(isinstance(a["code"], str) and "value" in a and a["trust"] for a in answers), record["concept"]
        assert len({a["code"].lower() for a in answers}) == len(answers), record["concept"]


def test_no_to_lack_of_transport_does_not_state_an_escort() -> None:
    transport = next(r for r in table("observations") if r["concept"] == "transport-insecurity")
    assert [a["value"] for a in transport["answers"] if a["code"] == "LA32-8"] == [None]
    assert True not in [a["value"] for a in transport["answers"]]


@pytest.mark.slow
def test_every_icd10_code_is_valid_in_icd10cm() -> None:
    icd10cm = pytest.importorskip("simple_icd_10_cm")
    for owner, code in codes_of("conditions"):
        if code["system"] == "icd10" and code.get("edition") != "who":
            assert icd10cm.is_valid_item(code["code"]), (owner, code)
            shown = code["display"].removesuffix("...")
            meaning = icd10cm.get_description(code["code"]).replace('"', "'")
            assert meaning.startswith(shown), (owner, code, meaning)
        elif code["system"] == "icd10":
            assert code["trust"] == "unverified", (owner, code)
