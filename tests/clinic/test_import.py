"""A record from elsewhere: taken in as it is, once, whole or not at all, and never as one of our own acts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.options import INFUSION

from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused
from clinic.actions.patients import import_record
from clinic.actions.profile import state_facts, withdraw_fact
from clinic.queries.person import chart
from clinic.queries.profile import statable
from clinic.record.models import Current, PatientLine
from clinic.record.read import read
from ketapath.errors import BadInput

Who = Callable[[str], Account]
RECORDS = Path(__file__).parents[3] / "shared" / "data" / "synthea"


def bundle(*resources: dict[str, Any], person: str = "new") -> bytes:
    patient = {"resourceType": "Patient", "id": person, "birthDate": "1980-02-03", "name": [{"family": f"F-{person}"}]}
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in (patient, *resources)]}
    ).encode()


def weight(kg: float, *, version: str = "1", person: str = "new", identity: str = "w", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "meta": {"versionId": version},
        "subject": {"reference": f"Patient/{person}"}, "effectiveDateTime": "2026-11-20",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "valueQuantity": {"value": kg, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}, **more,
    }  # fmt: skip


def test_of_two_versions_the_newer_is_stored_whatever_their_order(account: Who) -> None:
    by = account("coordinator")
    old, new = weight(170, version="1"), weight(70, version="2", status="amended")
    import_record(bundle(new, old), by=by)
    stored = read(by.practice, "Observation", "w")
    assert stored is not None
    assert stored.resource["valueQuantity"]["value"] == 70


def test_the_same_content_again_is_left_alone_however_it_is_written(account: Who) -> None:
    by = account("coordinator")
    import_record(bundle(weight(70)), by=by)
    again = json.dumps(json.loads(bundle(weight(70, version="9"))), indent=3).encode()
    assert import_record(again, by=by).done.versions == {}
    assert [one.name for one in import_record(bundle(weight(71)), by=by).apart] == ["Observation/w"]


def test_two_people_may_share_an_id_and_each_keeps_what_belongs_together(account: Who) -> None:
    by = account("coordinator")
    for person, name in (("one", "Phenelzine"), ("two", "Sertraline")):
        drug = {"resourceType": "Medication", "id": "med1", "code": {"text": name}}
        order = {
            "resourceType": "MedicationRequest", "id": f"order-{person}", "status": "active", "intent": "order",
            "subject": {"reference": f"Patient/{person}"}, "authoredOn": "2026-11-01",
            "medicationReference": {"reference": "Medication/med1"},
        }  # fmt: skip
        import_record(bundle(drug, order, person=person), by=by)
    names = []
    for person in ("one", "two"):
        found = chart(by.practice, person)
        assert found is not None
        assert found.person is not None
        names.append([m.substance for m in found.person.medicines])
    assert names == [["phenelzine"], ["sertraline"]]


@pytest.mark.parametrize("kind", ["CarePlan", "order", "Encounter", "Task"])
def test_a_plan_or_session_is_never_taken_in(account: Who, kind: str) -> None:
    by = account("coordinator")
    treated = "first-language-arabic"
    plan = chart(by.practice, treated)
    assert plan is not None
    assert plan.plan is not None
    person = json.loads(Current.objects.get(practice=by.practice, kind="Patient", identity=treated).content)
    if kind == "order":
        sent = {
            "resourceType": "MedicationRequest", "id": "mine", "status": "active", "intent": "order",
            "subject": {"reference": f"Patient/{treated}"},
            "basedOn": [{"reference": f"CarePlan/{plan.plan.origin.id}"}],
        }  # fmt: skip
    else:
        row = Current.objects.filter(practice=by.practice, kind=kind, patient_id=treated).first()
        assert row is not None
        sent = json.loads(row.content) | {"id": "forged"}
    data = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": person}, {"resource": sent}]}
    with pytest.raises(BadInput, match="a part of a plan or session"):
        import_record(json.dumps(data).encode(), by=by)


def test_a_statement_may_be_withdrawn_and_an_act_may_not(account: Who) -> None:
    nurse, treated = account("nurse"), "first-language-arabic"
    for kind in ("CarePlan", "Encounter", "MedicationAdministration", "RiskAssessment", "Task", "MedicationRequest"):
        row = Current.objects.filter(practice=nurse.practice, kind=kind, patient_id=treated).first()
        assert row is not None
        found = chart(nurse.practice, treated)
        assert found is not None
        with pytest.raises(BadInput, match="a statement of this record"):
            withdraw_fact(found, "vitals.weight_kg", f"{kind}/{row.identity}", by=nurse, reason="x", key="")


def test_an_order_from_elsewhere_may_be_withdrawn_and_no_answer_takes_back_our_own(account: Who) -> None:
    nurse, treated = account("nurse"), "first-language-arabic"
    order = {
        "resourceType": "MedicationRequest", "id": "elsewhere", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/new"}, "authoredOn": "2026-11-20",
        "medicationCodeableConcept": {"text": "Phenelzine"},
    }  # fmt: skip
    import_record(bundle(order), by=account("coordinator"))
    found = chart(nurse.practice, "new")
    assert found is not None
    withdraw_fact(found, "", "MedicationRequest/elsewhere", by=nurse, reason="never taken", key="")
    own = Current.objects.filter(practice=nurse.practice, kind="MedicationRequest", patient_id=treated)
    before = list(own.values_list("identity", "version"))
    for path in [spec.path for spec in statable() if spec.path.startswith("medicines.") and spec.type == "bool"]:
        here = chart(nurse.practice, treated)
        assert here is not None
        state_facts(here, {path: "no"}, by=nurse, reason="asked", key="")
    assert list(own.values_list("identity", "version")) == before


@pytest.mark.parametrize("day", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-02-30", "0000"])
def test_days_at_the_ends_of_time_break_nothing(account: Who, day: str) -> None:
    visit = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "period": {"start": day, "end": day},
        "subject": {"reference": "Patient/new"},
    }  # fmt: skip
    odd = {**visit, "id": "e2", "period": "2020"}
    import_record(bundle(visit, odd), by=account("coordinator"))
    assert chart(account("nurse").practice, "new") is not None


def test_an_import_that_is_refused_is_on_the_trail(browser_of: Callable[[str], Any], account: Who) -> None:
    with pytest.raises(Refused):
        import_record(bundle(), by=account("nurse"))
    client = browser_of("therapist")
    answer = client.post("/patients/aneurysm/plan", {"option": INFUSION, "outcome": "accepted"})
    assert answer.status_code == 404
    row = AuditRow.objects.latest("id")
    assert (row.act, row.outcome, row.who, row.patient_id) == ("decide-plan", "refused", "therapist", "aneurysm")


@pytest.mark.skipif(not RECORDS.is_dir(), reason="the folder with the whole records is not here")
@pytest.mark.parametrize("name", ["Harris", "Jaime"])
def test_a_whole_electronic_record_is_taken_in_and_shown(
    browser_of: Callable[[str], Any], account: Who, name: str
) -> None:
    by = account("coordinator")
    found = import_record((RECORDS / f"{name}.json.gz").read_bytes(), by=by)
    patient_id = found.patient_id
    assert (found.stored > 2500, found.apart) == (True, ())
    assert PatientLine.objects.get(practice=by.practice, patient_id=patient_id).family
    answer = browser_of("prescriber").get(f"/patients/{patient_id}")
    assert answer.status_code == 200
    assert ("This person has died" in answer.content.decode()) is (name == "Jaime")
