"""What lies between the door and the acts of a clinic: notes, decisions, orders, and who wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.store.door import PATIENT, Caller, trail

from clinic import clock
from clinic.access.models import Account, Role
from clinic.queries.person import chart
from clinic.record.models import Current
from ketapath.fhir import encode


@pytest.fixture
def caller(here: Account) -> Caller:
    return Caller(here)


def note(person: str, by: Account, *, is_signed: bool) -> dict[str, Any]:
    found = encode.note("n1", "progress", "Calm.", patient_id=person[8:], at=clock.now(), by=by.name,
                        username=by.username, is_signed=is_signed)  # fmt: skip
    return dict(found)


def put(by: Account, person: str, resource: dict[str, Any]) -> None:
    Current.objects.create(
        practice=by.practice, kind=resource["resourceType"], identity=resource["id"], version=1,
        patient_id=person[8:], changed_at=clock.now(), content=json.dumps(resource),
    )  # fmt: skip


@pytest.mark.parametrize("is_signed", [True, False])
def test_notes_are_written_by_acts_alone(caller: Caller, is_signed: bool) -> None:
    person = caller.person()
    assert caller.ask("POST", "/DocumentReference", note(person, caller.account, is_signed=is_signed)).status == 422
    assert not Current.objects.filter(practice=caller.account.practice, kind="DocumentReference").exists()


def test_a_signed_note_is_withdrawn_by_no_other_program(caller: Caller) -> None:
    person = caller.person()
    signed = note(person, caller.account, is_signed=True)
    put(caller.account, person, signed)
    practice = caller.account.practice
    nurse = Caller(Account.objects.create(username=f"n-{person[-30:]}", role=Role.NURSE, practice=practice))
    response = nurse.ask("PUT", "/DocumentReference/n1", {**signed, "status": "entered-in-error"}, if_match='W/"1"')
    assert response.status == 422


def test_a_decision_of_another_system_is_none_of_ours(caller: Caller) -> None:
    person = caller.person()
    task = {
        "resourceType": "Task", "status": "completed", "intent": "order", "for": {"reference": person},
        "authoredOn": "2026-11-24T10:00:00Z", "owner": {"display": "Dr Forged"},
        "code": {"coding": [{"system": "http://elsewhere.example", "code": "decide-card", "display": "stop"}]},
        "businessStatus": {"coding": [{"system": "http://elsewhere.example", "code": "accepted"}]},
    }  # fmt: skip
    assert caller.ask("POST", "/Task", task).status == 201
    found = chart(caller.account.practice, person[8:])
    assert found is not None
    assert found.decisions == ()


def test_nothing_is_hung_on_a_plan_that_a_condition_has_found(caller: Caller) -> None:
    person, called = caller.person(), "urn:uuid:00000000-0000-4000-8000-000000000001"
    bare = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": person}}
    category = [{"coding": [{"system": encode.LOCAL, "code": "ketamine-plan"}]}]
    put(caller.account, person, {**bare, "id": "plan1", "category": category})
    order = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"reference": person},
        "medicationCodeableConcept": {"text": "x"}, "basedOn": [{"reference": called}],
    }  # fmt: skip
    asked = {"method": "POST", "url": "CarePlan", "ifNoneExist": "_id=plan1"}
    entries = [
        {"fullUrl": called, "resource": bare, "request": asked},
        {"resource": order, "request": {"method": "POST", "url": "MedicationRequest"}},
    ]
    response = caller.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert response.status == 422
    assert not Current.objects.filter(practice=caller.account.practice, kind="MedicationRequest").exists()


@pytest.mark.parametrize("as_bundle", [True, False])
def test_a_token_that_only_writes_is_told_that_it_has_written(here: Account, as_bundle: bool) -> None:
    writer = Caller(here, ("write",))
    bundle = {"resourceType": "Bundle", "type": "transaction",
              "entry": [{"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}]}  # fmt: skip
    response = writer.ask("POST", "", bundle) if as_bundle else writer.ask("POST", "/Patient", PATIENT)
    assert response.status == (200 if as_bundle else 201)
    assert "Okafor" not in response.body.decode()
    assert [row.outcome for row in trail(here)] == ["done"]
