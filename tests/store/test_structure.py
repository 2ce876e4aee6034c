"""Is a resource shaped like FHIR R4? What is wrong is named by its path, never by what it says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.record.structure import problems

RECORDS = Path(__file__).parents[3] / "shared" / "data" / "synthea"
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation", "id": "w", "status": "final", "code": {"text": "Body weight"},
    "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2026-11-20T10:00:00+01:00",
    "valueQuantity": {"value": 71.50, "unit": "kg"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"wieght": 71}, "Observation.wieght is not known"),
        ({"component": [{"code": {"text": "a"}, "valu": 1}]}, "Observation.component[0].valu is not known"),
        ({"contained": [{"resourceType": "Patient", "nmae": 1}]}, "Observation.contained[0].nmae is not known"),
        ({"code": '{"text": "Body weight"}'}, "Observation.code has to be an object"),
        ({"valueQuantity": {"value": "71.5"}}, "Observation.valueQuantity.value has to be a number"),
        ({"status": True}, "Observation.status has to be text"),
        ({"category": {"text": "a"}}, "Observation.category has to be a list"),
        ({"subject": [{"reference": "Patient/p"}]}, "Observation.subject may stand once only"),
        ({"valueString": "heavy"}, "Observation.value[x] is stated 2 times"),
        ({"effectiveDateTime": "2026-02-30"}, "Observation.effectiveDateTime is not written as FHIR R4 writes it"),
        ({"id": "a_b"}, "Observation.id is not written as FHIR R4 writes it"),
        ({"fhir_comments": ["a"]}, "Observation has an element of an odd name"),
    ],
)
@pytest.mark.requirement(21)
def test_what_is_wrong_is_named_by_its_path(changed: dict[str, Any], named: str) -> None:
    assert problems({**OBSERVATION, **changed}) == (named,)


def test_a_well_formed_resource_has_no_problem_whatever_extensions_it_carries() -> None:
    odd = {"url": "https://example.org/x", "valueDecimal": 1.50}
    assert problems(OBSERVATION) == ()
    assert problems({**OBSERVATION, "extension": [odd], "_status": {"extension": [odd]}}) == ()
    names = [{"given": ["Ada", None], "_given": [None, {"extension": [odd]}]}]
    assert problems({"resourceType": "Patient", "id": "p", "name": names}) == ()


def test_what_is_missing_is_named_and_an_extension_may_stand_in_its_place() -> None:
    bare = {"resourceType": "Observation", "id": "w", "code": {"text": "Body weight"}}
    assert problems(bare) == ("Observation.status is missing",)
    assert problems({**bare, "_status": {"extension": [{"url": "https://example.org/x", "valueCode": "u"}]}}) == ()


def test_types_are_those_of_r4_and_not_those_that_came_or_went_with_r4b() -> None:
    assert problems({"resourceType": "Wish", "id": "a"}) == ("Wish is no resource of FHIR R4",)
    assert problems({"resourceType": "Citation", "id": "a"}) == ("Citation is no resource of FHIR R4",)
    assert problems({"resourceType": "HumanName", "id": "a"}) == ("HumanName is no resource of FHIR R4",)
    assert problems({"resourceType": "MedicinalProduct", "id": "a"}) == ()
    assert problems({"resourceType": "Evidence", "id": "a", "exposureBackground": {"reference": "Group/1"}}) == ()


def test_no_value_of_the_record_is_quoted() -> None:
    secret = "Zebulon Quackenbush"
    said = problems({**OBSERVATION, secret: 1, "effectiveDateTime": secret, "code": secret, "subject": {secret: 1}})
    said += problems({**OBSERVATION, "effectiveDateTime": secret})
    assert said
    assert "Zebulon" not in " ".join(said)


def test_a_hopeless_resource_is_told_in_a_few_lines() -> None:
    assert len(problems({**OBSERVATION, **{f"x{n}": n for n in range(1000)}})) < 20


@pytest.mark.skipif(not RECORDS.is_dir(), reason="the folder with the whole records is not here")
@pytest.mark.parametrize("name", ["Harris", "Jaime"])
def test_whole_electronic_records_are_r4(name: str) -> None:
    entries = json.loads(gzip.decompress((RECORDS / f"{name}.json.gz").read_bytes()))["entry"]
    assert [found for entry in entries if (found := problems(entry["resource"]))] == []


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
_names = st.sampled_from(
    ["resourceType", "id", "meta", "text", "contained", "extension", "status", "code", "subject", "component", "name",
     "valueQuantity", "effectivePeriod", "entry", "identifier", "_status", "birthDate"]
)  # fmt: skip
_kinds = st.sampled_from(["Patient", "Observation", "Bundle", "Questionnaire", "Claim", "Evidence", "Resource", "X"])


@given(kind=_kinds, content=st.dictionaries(_names | st.text(max_size=5), _json, max_size=6))
def test_nothing_that_is_sent_makes_it_fail(kind: str, content: dict[str, Any]) -> None:
    said = problems({"resourceType": kind, **content})
    assert all(isinstance(words, str) for words in said)
    assert problems(content) is not None


def test_a_thousand_levels_are_refused_and_not_followed() -> None:
    deep: dict[str, Any] = {"url": "https://example.org/x"}
    for _ in range(2000):
        deep = {"url": "https://example.org/x", "extension": [deep]}
    assert problems({**OBSERVATION, "extension": [deep]}) == ("Observation is more than 60 levels deep",)
