"""A record from elsewhere on either database: recognised when it comes again, and what is not FHIR R4 is kept apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.store.conftest import practice_with

from clinic.access import audit
from clinic.access.models import Account, AuditRow, Role
from clinic.actions.patients import Imported, import_record
from clinic.record.models import Current, Quarantined, Term, Version
from clinic.record.projections import rebuild
from clinic.record.read import of_patient, read
from ketapath.errors import BadInput

RECORDS = Path(__file__).parents[3] / "shared" / "data" / "synthea"
ID = {"system": "https://hospital.example/mrn", "value": "4711"}


@pytest.fixture
def by(db: None) -> Account:
    return practice_with(Role.COORDINATOR)


def person(identity: str = "p1", **more: Any) -> dict[str, Any]:
    name = [{"family": "Okafor", "given": ["Maren"]}]
    return {"resourceType": "Patient", "id": identity, "birthDate": "1980-02-03", "name": name, **more}


def weight(identity: str = "w", patient: str = "p1", kg: float = 71.5, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "code": {"text": "Body weight"},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": "2026-11-20",
        "valueQuantity": {"value": kg, "unit": "kg"}, **more,
    }  # fmt: skip


def visit(identity: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": identity, "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"}, **more,
    }  # fmt: skip


def take_in(by: Account, *resources: dict[str, Any] | str, patient: dict[str, Any] | None = None) -> Imported:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in (patient or person(), *resources)]
    entries = ", ".join(f'{{"resource": {text}}}' for text in texts)
    return import_record(f'{{"resourceType": "Bundle", "type": "collection", "entry": [{entries}]}}'.encode(), by=by)


def counts(found: Imported) -> tuple[int, int, int, int]:
    return found.stored, found.updated, found.unchanged, len(found.apart)


def test_the_same_record_again_stores_nothing(by: Account) -> None:
    assert counts(take_in(by, weight(), visit("v"))) == (3, 0, 0, 0)
    assert counts(take_in(by, weight(), visit("v"))) == (0, 0, 3, 0)
    assert Version.objects.filter(practice=by.practice).count() == 3


def test_what_is_kept_is_the_very_text_that_came(by: Account) -> None:
    text = (
        '{"resourceType": "Observation",  "id": "w", "status": "final",'
        ' "extension": [{"url": "https://example.org/x", "valueDecimal": 1.50}],'
        ' "code": {"text": "ü"}, "subject": {"reference": "Patient/p1"},'
        ' "effectiveDateTime": "2026-11-20T10:00:00.000+05:30", "valueQuantity": {"value": 71.50}}'
    )
    take_in(by, text)
    stored = read(by.practice, "Observation", "w")
    assert stored is not None
    assert stored.text == text


def test_a_resource_under_another_id_is_recognised_by_its_identifier_and_what_refers_to_it_follows(by: Account) -> None:
    take_in(by, visit("v-old", identifier=[ID]))
    later = visit("v-new", identifier=[ID], length={"value": 30, "unit": "min"})
    found = take_in(by, visit("v-new", identifier=[ID]), weight(encounter={"reference": "Encounter/v-new"}))
    assert counts(found) == (1, 0, 2, 0)
    stored = read(by.practice, "Observation", "w")
    assert stored is not None
    assert stored.resource["encounter"] == {"reference": "Encounter/v-old"}
    assert take_in(by, later | {"status": "entered-in-error"}).updated == 1
    assert [s.identity for s in of_patient(by.practice, "p1") if s.kind == "Encounter"] == ["v-old"]


def test_an_identifier_of_two_resources_recognises_neither(by: Account) -> None:
    take_in(by, visit("a", identifier=[ID]), visit("b", identifier=[ID]))
    assert take_in(by, visit("c", identifier=[ID])).stored == 1
    assert (
        take_in(by, visit("d", identifier=[{"value": "4711"}]), visit("e", identifier=[{"value": "4711"}])).stored == 2
    )


def test_a_person_under_another_id_is_recognised_by_identifier_name_and_birth_date(by: Account) -> None:
    take_in(by, weight(), patient=person(identifier=[ID]))
    again = person("p2", identifier=[ID], name=[{"family": "OKAFOR", "given": ["Maren", "J."]}])
    found = take_in(by, weight("w2", "p2"), patient=again)
    assert found.patient_id == "p1"
    assert counts(found) == (1, 1, 0, 0)
    assert {s.patient_id for s in of_patient(by.practice, "p1")} == {"p1"}
    stored = read(by.practice, "Observation", "w2")
    assert stored is not None
    assert stored.resource["subject"] == {"reference": "Patient/p1"}
    assert not of_patient(by.practice, "p2")


@pytest.mark.parametrize("other", [{"birthDate": "1981-02-03"}, {"name": [{"family": "Adjei", "given": ["Kwame"]}]}])
def test_one_identifier_for_two_people_is_refused_and_names_both(by: Account, other: dict[str, Any]) -> None:
    take_in(by, patient=person(identifier=[ID]))
    with pytest.raises(BadInput, match="Patient/p2 and Patient/p1"):
        take_in(by, patient=person("p2", identifier=[ID], **other))
    assert not of_patient(by.practice, "p2")


def test_another_practice_with_the_same_person_is_neither_found_nor_told_of(by: Account) -> None:
    take_in(practice_with(Role.COORDINATOR), weight(), patient=person(identifier=[ID], birthDate="1999-01-01"))
    assert counts(take_in(by, weight(patient="p9"), patient=person("p9", identifier=[ID]))) == (2, 0, 0, 0)


def test_a_fullurl_that_is_no_id_is_followed(by: Account) -> None:
    sent = [
        {"fullUrl": "urn:uuid:aaaa", "resource": person()},
        {"fullUrl": "urn:uuid:bbbb", "resource": visit("v") | {"subject": {"reference": "urn:uuid:aaaa"}}},
        {"resource": weight(encounter={"reference": "urn:uuid:bbbb"})},
    ]
    import_record(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": sent}).encode(), by=by)
    stored, seen = read(by.practice, "Observation", "w"), read(by.practice, "Encounter", "v")
    assert stored is not None
    assert seen is not None
    assert stored.resource["encounter"] == {"reference": "Encounter/v"}
    assert seen.resource["subject"] == {"reference": "Patient/p1"}


@pytest.mark.requirement(21)
def test_what_is_not_fhir_r4_is_kept_apart_whole_and_the_rest_is_stored(by: Account) -> None:
    odd = [weight("odd", wieght=7), weight("also", status=5), {"resourceType": "Wish", "id": "x"}, weight("no_id")]
    found = take_in(by, weight(), *odd)
    assert counts(found) == (2, 0, 0, 4)
    assert {one.name: one.problems for one in found.apart} == {
        "Observation/odd": ("Observation.wieght is not known",),
        "Observation/also": ("Observation.status has to be text",),
        "Wish/x": ("Wish is no resource of FHIR R4",),
        "Observation/no_id": ("Observation.id has to be 1 to 64 letters, digits, dots or hyphens",),
    }
    kept = Quarantined.objects.filter(practice=by.practice, patient_id="p1")
    assert sorted(json.loads(row.content)["id"] for row in kept) == ["also", "no_id", "odd", "x"]
    assert AuditRow.objects.filter(practice=by.practice.slug, act="set-apart").count() == 1
    take_in(by, weight(), *odd)
    assert kept.count() == 4


def test_what_was_mended_is_released(by: Account) -> None:
    take_in(by, weight("odd", wieght=7), weight("worse", status=5))
    found = take_in(by, weight("odd"), weight("worse", status=6))
    assert (found.stored, found.released) == (1, 1)
    assert [row.identity for row in Quarantined.objects.filter(practice=by.practice)] == ["worse"]
    assert json.loads(Quarantined.objects.get(practice=by.practice).content)["status"] == 6


def test_a_change_that_may_not_follow_is_kept_apart_and_the_old_statement_stands(by: Account) -> None:
    take_in(by, weight(kg=70))
    found = take_in(by, weight(kg=80), weight("w2"))
    assert counts(found) == (1, 0, 1, 1)
    stored = read(by.practice, "Observation", "w")
    assert stored is not None
    assert (stored.version, stored.resource["valueQuantity"]["value"]) == (1, 70)
    assert take_in(by, weight(kg=80, status="corrected")).updated == 1
    assert not Quarantined.objects.filter(practice=by.practice).exists()


def test_a_person_who_is_not_fhir_r4_is_refused_as_long_as_there_is_no_record_to_keep_it_by(by: Account) -> None:
    with pytest.raises(BadInput, match=r"Patient\.nmae is not known"):
        take_in(by, weight(), patient=person(nmae=1))
    assert not of_patient(by.practice, "p1")
    take_in(by)
    assert counts(take_in(by, weight(), patient=person(nmae=1))) == (1, 0, 0, 1)


def test_an_error_on_the_way_leaves_neither_resources_nor_what_was_set_apart(
    by: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = audit.append

    def fail(act: str, **named: Any) -> AuditRow:
        if act == "set-apart":
            raise OSError
        return append(act, **named)

    monkeypatch.setattr(audit, "append", fail)
    with pytest.raises(OSError):  # noqa: PT011  any fault of the machine
        take_in(by, weight(), weight("odd", wieght=7))
    assert not of_patient(by.practice, "p1")
    assert not Quarantined.objects.filter(practice=by.practice).exists()


@pytest.mark.slow
@pytest.mark.skipif(not RECORDS.is_dir(), reason="the folder with the whole records is not here")
def test_a_whole_record_comes_in_once_and_its_search_terms_are_those_that_a_rebuild_makes(by: Account) -> None:
    data = (RECORDS / "Harris.json.gz").read_bytes()
    found = import_record(data, by=by)
    assert found.stored == Current.objects.filter(practice=by.practice).count() == 3025
    assert found.apart == ()
    assert import_record(data, by=by).unchanged == 3025
    fields = ("resource_id", "name", "system", "value", "low", "high")
    written = sorted(Term.objects.filter(practice=by.practice).values_list(*fields), key=str)
    rebuild(by.practice)
    assert sorted(Term.objects.filter(practice=by.practice).values_list(*fields), key=str) == written
