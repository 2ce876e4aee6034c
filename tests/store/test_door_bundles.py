"""Several requests in one: a transaction is done whole or not at all, the entries of a batch stand each for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.store.door import BASE, PATIENT, Caller, said, score, trail

from clinic.access.models import Account
from clinic.record.models import Current, PatientLine, Version

URN = "urn:uuid:6f2c1d1e-0000-4000-8000-00000000000"


@pytest.fixture
def caller(here: Account) -> Caller:
    return Caller(here)


def post(resource: dict[str, Any], number: int | None = None, **request: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"], **request},
    }
    return entry if number is None else {"fullUrl": f"{URN}{number}", **entry}


def get(url: str) -> dict[str, Any]:
    return {"request": {"method": "GET", "url": url}}


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def statuses(response: Any) -> list[str]:
    return [entry["response"]["status"][:3] for entry in said(response)["entry"]]


def test_references_between_entries_become_names_also_where_the_reference_comes_first(caller: Caller) -> None:
    link = f'<a href="{URN}1">her</a>'
    narrative = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{link}</div>'}
    named = score(f"{URN}1", text=narrative, identifier=[{"system": "urn:ietf:rfc:3986", "value": f"{URN}1"}])
    response = caller.ask("POST", "", bundle(post(named, 2), post(PATIENT, 1)))
    assert (response.status, statuses(response)) == (200, ["201", "201"])
    place, person = [entry["response"]["location"].split("/fhir/")[1] for entry in said(response)["entry"]]
    assert (place.split("/")[0], person.split("/")[0]) == ("Observation", "Patient")
    stored = said(caller.ask("GET", "/" + place))
    name = person.split("/_history")[0]
    assert stored["subject"]["reference"] == name
    assert f'href="{name}"' in stored["text"]["div"]
    assert stored["identifier"][0]["value"] == f"{URN}1"  # a word of another system stays
    assert PatientLine.objects.get(practice=caller.account.practice).family == "Okafor"


@pytest.mark.requirement(50)
@pytest.mark.parametrize(
    "bad",
    [
        post({"resourceType": "Observation", "status": "final"}), get("Patient/none"), get("Patient?nickname=x"),
        {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/none", "ifMatch": 'W/"1"'}},
        {"request": {"method": "DELETE", "url": "Patient/none"}}, {"request": {"method": "POST", "url": "Patient"}},
        post(score("Patient/none")), post(PATIENT) | {"request": {"method": "POST", "url": "Observation"}},
        {"request": {"method": "POST", "url": "../metadata"}}, {"request": 5}, {},
    ],
)  # fmt: skip
def test_one_bad_entry_takes_everything_back(caller: Caller, bad: dict[str, Any]) -> None:
    response = caller.ask("POST", "", bundle(post(PATIENT, 1), bad))
    assert 400 <= response.status < 500, response.body
    assert said(response)["resourceType"] == "OperationOutcome"
    assert not Current.objects.filter(practice=caller.account.practice).exists()
    assert not PatientLine.objects.filter(practice=caller.account.practice).exists()
    rows = trail(caller.account)
    assert {row.outcome for row in rows} <= {"failed", "refused"}
    assert len(rows) == 1


def test_what_is_read_is_read_after_what_is_written_and_answered_in_order(caller: Caller) -> None:
    person = caller.person()
    one = caller.made(score(person, valueInteger=1))
    place = f"Observation/{one['id']}"
    changed = {**one, "status": "amended", "valueInteger": 2}
    put = {"resource": changed, "request": {"method": "PUT", "url": place, "ifMatch": 'W/"1"'}}
    response = caller.ask(
        "POST", "", bundle(get(place), put, post(score(person)), get(f"Observation?patient={person}"))
    )
    assert statuses(response) == ["200", "200", "201", "200"]
    entries = said(response)["entry"]
    assert entries[0]["resource"]["valueInteger"] == 2
    assert entries[1]["response"]["etag"] == 'W/"2"'
    assert entries[3]["resource"]["total"] == 2


def test_whoever_was_on_record_already_is_meant_by_the_other_entries(caller: Caller) -> None:
    known = {**PATIENT, "identifier": [{"system": "urn:x", "value": "7"}]}
    there = caller.made(known)["id"]
    again = post(known, 1, ifNoneExist="identifier=urn:x|7")
    response = caller.ask("POST", "", bundle(post(score(f"{URN}1")), again))
    assert statuses(response) == ["201", "200"]
    place = said(response)["entry"][0]["response"]["location"].split("/fhir")[1]
    assert said(caller.ask("GET", place))["subject"]["reference"] == f"Patient/{there}"
    assert Current.objects.filter(practice=caller.account.practice, patient_id=there).count() == 2
    twice = caller.ask("POST", "", bundle(*[post(known, n, ifNoneExist="identifier=urn:x|8") for n in (1, 2)]))
    assert twice.status == 412


def test_decimals_keep_their_digits_through_a_transaction(caller: Caller) -> None:
    person = caller.person()
    text = json.dumps(bundle(post(score(person, valueQuantity={"value": 1.25, "unit": "mg"}))))
    response = caller.ask("POST", "", text.replace("1.25", "1.500E+1"), prefer="return=representation")
    assert '"value": 1.500E+1' in response.body.decode()


def test_several_people_are_each_projected_and_each_on_the_trail(caller: Caller) -> None:
    response = caller.ask(
        "POST", "", bundle(*[e for n in (1, 2) for e in (post(PATIENT, n), post(score(f"{URN}{n}")))])
    )
    assert statuses(response) == ["201"] * 4
    people = set(PatientLine.objects.filter(practice=caller.account.practice).values_list("patient_id", flat=True))
    rows = trail(caller.account)
    assert (len(people), {row.patient_id for row in rows}, len(rows)) == (2, people, 2)
    assert sorted(len(row.entities) for row in rows) == [2, 2]


@pytest.mark.requirement(51)
def test_a_transaction_that_comes_twice_under_one_key_is_done_once(caller: Caller) -> None:
    known = {**PATIENT, "identifier": [{"system": "urn:x", "value": "7"}]}
    wanted = bundle(post(known, 1, ifNoneExist="identifier=urn:x|7"), post(score(f"{URN}1")), get("Patient"))
    first = caller.ask("POST", "", wanted, idempotency_key="t")
    again = caller.ask("POST", "", wanted, idempotency_key="t")
    assert said(first)["entry"][:2] == said(again)["entry"][:2]
    assert Version.objects.filter(practice=caller.account.practice).count() == 2


def test_the_entries_of_a_batch_stand_each_for_itself(caller: Caller) -> None:
    person = caller.person()
    before = len(trail(caller.account))
    entries = [post(PATIENT), post({"resourceType": "Patient", "x": 1}), get(person), get("Patient/none"),
               {"request": {"method": "DELETE", "url": person}}, get("Nothing"), post(score(person))]  # fmt: skip
    response = caller.ask("POST", "", bundle(*entries, kind="batch"))
    assert said(response)["type"] == "batch-response"
    assert statuses(response) == ["201", "422", "200", "404", "405", "404", "201"]
    found = said(response)["entry"]
    assert found[2]["resource"]["id"] == person[8:]
    assert found[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert found[0]["response"]["location"].startswith(f"{BASE}/fhir/Patient/")
    assert len(trail(caller.account)) - before >= len(entries) - 2


@pytest.mark.parametrize("kind", ["collection", "history", "", None, 5])
def test_another_bundle_is_refused(caller: Caller, kind: Any) -> None:
    assert caller.ask("POST", "", {"resourceType": "Bundle", "type": kind, "entry": []}).status == 400
    assert caller.ask("POST", "", PATIENT).status == 400


def test_an_empty_transaction_does_nothing(caller: Caller) -> None:
    assert caller.ask("POST", "", {"resourceType": "Bundle", "type": "transaction"}).status == 200
