"""The FHIR door: reading, versions, writing and their conditions, as another program meets them."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.store.conftest import practice_with
from tests.store.door import BASE, PATIENT, Caller, said, score, trail

from clinic import clock, housekeeping
from clinic.access.models import Account, Role, Token
from clinic.access.tokens import account_of_token
from clinic.api.message import Request
from clinic.api.respond import respond
from clinic.record.models import Current, Practice, Version
from ketapath.errors import BadInput, BadUsage


@pytest.fixture
def caller(here: Account) -> Caller:
    return Caller(here)


def test_a_new_resource_gets_an_id_a_version_and_a_place(caller: Caller) -> None:
    response = caller.ask("POST", "/Patient", {**PATIENT, "id": "mine", "meta": {"versionId": "7"}})
    stored = said(response)
    assert response.status == 201
    assert stored["id"] != "mine"
    assert stored["meta"]["versionId"] == "1"
    assert response.header("ETag") == 'W/"1"'
    assert response.header("Location") == f"{BASE}/fhir/Patient/{stored['id']}/_history/1"
    assert response.header("Last-Modified").endswith("GMT")
    assert said(caller.ask("GET", f"/Patient/{stored['id']}")) == stored


def test_numbers_zones_extensions_and_order_are_served_as_they_came(caller: Caller) -> None:
    person = caller.person()
    text = (
        '{ "status":"final",\n "resourceType":"Observation", "valueQuantity":{"value":1.50,"unit":"mg"},'
        '"code":{"text":"a \\u00fc \\"b\\""},"effectiveDateTime":"2026-11-24T23:30:00.10-08:00",'
        '"subject":{"reference":"'
        + person
        + '"},"component":[{"code":{"text":"c"},"valueQuantity":{"value":-0.0}},{"code":{"text":"d"},'
        '"valueQuantity":{"value":1.0E+2}}],"extension":[{"url":"http://elsewhere.example/x","valueDecimal":7e-10}],'
        '"meta":{"profile":["http://elsewhere.example/p"],"versionId":"99"}}'
    )
    response = caller.ask("POST", "/Observation", text)
    assert response.status == 201, response.body
    served = response.body.decode()
    stored = said(response)
    stamp = f'"versionId":"1","lastUpdated":"{stored["meta"]["lastUpdated"]}"'
    expected = text.replace('"versionId":"99"', stamp).replace(
        '"resourceType":"Observation"', f'"resourceType":"Observation","id":"{stored["id"]}"'
    )
    assert served == expected
    assert caller.ask("GET", f"/Observation/{stored['id']}").body.decode() == served


@pytest.mark.requirement(39)
def test_a_change_needs_the_version_that_was_read_and_leaves_the_old_one_readable(caller: Caller) -> None:
    person = caller.person()
    one = caller.made(score(person, valueInteger=12))
    place = f"/Observation/{one['id']}"
    changed = {**one, "status": "amended", "valueInteger": 14}
    assert caller.ask("PUT", place, changed).status == 428
    assert caller.ask("PUT", place, changed, if_match='W/"9"').status == 412
    assert caller.ask("PUT", place, changed, if_match="x").status == 400
    assert said(caller.ask("GET", place)) == one
    response = caller.ask("PUT", place, changed, if_match='W/"1"')
    assert (response.status, response.header("ETag")) == (200, 'W/"2"')
    assert caller.ask("PUT", place, changed, if_match='W/"1"').status == 412
    assert said(caller.ask("GET", f"{place}/_history/1"))["valueInteger"] == 12
    versions = said(caller.ask("GET", f"{place}/_history"))
    assert (versions["type"], versions["total"]) == ("history", 2)
    assert [e["resource"]["valueInteger"] for e in versions["entry"]] == [14, 12]
    assert [e["request"]["method"] for e in versions["entry"]] == ["PUT", "POST"]


def test_what_is_held_already_is_not_sent_again(caller: Caller) -> None:
    place = "/" + caller.person()
    first = caller.ask("GET", place)
    assert caller.ask("GET", place, if_none_match=first.header("ETag")).status == 304
    assert caller.ask("GET", place, if_none_match='W/"2"').status == 200
    assert caller.ask("GET", place, if_modified_since=first.header("Last-Modified")).status == 304
    assert caller.ask("GET", place, if_modified_since="Mon, 02 Jan 2006 15:04:05 GMT").status == 200
    assert caller.ask("GET", place, if_modified_since="never").status == 200


@pytest.mark.parametrize(
    ("preferred", "kind"), [("representation", "Patient"), ("OperationOutcome", "OperationOutcome")]
)
def test_the_sender_says_what_comes_back(caller: Caller, preferred: str, kind: str) -> None:
    response = caller.ask("POST", "/Patient", PATIENT, prefer=f"return={preferred}")
    assert (response.status, said(response)["resourceType"]) == (201, kind)
    assert caller.ask("POST", "/Patient", PATIENT, prefer="return=minimal").body == b""


def test_a_conditional_create_makes_one_finds_one_and_refuses_where_several_fit(caller: Caller) -> None:
    known = {**PATIENT, "identifier": [{"system": "urn:x", "value": "42"}]}
    condition = "identifier=urn:x|42"
    first = caller.ask("POST", "/Patient", known, if_none_exist=condition)
    again = caller.ask("POST", "/Patient", known, if_none_exist=condition)
    assert (first.status, again.status) == (201, 200)
    assert said(again)["id"] == said(first)["id"]
    assert Version.objects.filter(practice=caller.account.practice).count() == 1
    caller.made(known)
    assert caller.ask("POST", "/Patient", known, if_none_exist=condition).status == 412
    assert Current.objects.filter(practice=caller.account.practice).count() == 2


@pytest.mark.requirement(51)
def test_a_create_that_comes_twice_under_one_key_is_done_once(caller: Caller) -> None:
    first = caller.ask("POST", "/Patient", PATIENT, idempotency_key="k1")
    again = caller.ask("POST", "/Patient", PATIENT, idempotency_key="k1")
    assert (first.status, again.status, said(again)) == (201, 201, said(first))
    assert caller.ask("POST", "/Patient", {**PATIENT, "gender": "female"}, idempotency_key="k1").status == 422
    assert Current.objects.filter(practice=caller.account.practice).count() == 1


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_nothing_is_deleted(caller: Caller, method: str) -> None:
    place = "/" + caller.person()
    response = caller.ask(method, place)
    assert (response.status, response.header("Allow")) == (405, "GET, PUT")
    assert caller.ask("GET", place).status == 200


def test_a_change_of_what_is_not_there_makes_nothing(caller: Caller) -> None:
    response = caller.ask("PUT", "/Patient/new", {**PATIENT, "id": "new"}, if_match='W/"1"')
    assert response.status == 404
    assert caller.ask("GET", "/Patient/new").status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "application/fhir+xml"}, 406), ({"accept": "text/html, */*;q=0.1"}, 200), ({"accept": "x"}, 406),
        ({"accept": "application/fhir+json; fhirVersion=4.0"}, 200), ({}, 200),
    ],
)  # fmt: skip
def test_only_json_is_spoken(caller: Caller, headers: dict[str, str], status: int) -> None:
    assert caller.ask("GET", "/Patient", **headers).status == status


@pytest.mark.parametrize("kind", ["text/plain", "application/fhir+xml", "application/json; charset=latin-1", ""])
def test_only_json_is_taken(caller: Caller, kind: str) -> None:
    assert caller.ask("POST", "/Patient", PATIENT, content_type=kind).status == 415


def test_the_format_may_stand_in_the_address(caller: Caller) -> None:
    place = "/" + caller.person()
    assert caller.ask("GET", f"{place}?_format=json").status == 200
    assert caller.ask("GET", f"{place}?_format=xml").status == 406
    assert caller.ask("GET", f"{place}?_elements=name").status == 400


BROKEN = [
    ("", 400), ("{", 400), ("[]", 400), ("null", 400), ('"x"', 400), ('{"resourceType":"Observation"}', 400),
    ('{"resourceType":"Patient","resourceType":"Patient"}', 400),
    ('{"resourceType":"Patient","gender":"a\\u0000"}', 400),
    ('{"resourceType":"Patient","gender":"\\ud800"}', 400),
    ('{"resourceType":"Patient","multipleBirthInteger":1e999}', 400),
    ('{"resourceType":"Patient","multipleBirthInteger":1e308}', 422), ("[" * 5000 + "]" * 5000, 400),
    ('{"resourceType":"Patient","extension":' + '[{"extension":' * 2500 + "[]" + "}]" * 2500 + "}", 400),
    ('{"resourceType":"Patient","unheard":1}', 422), ('{"resourceType":"Patient","name":{"family":"x"}}', 422),
    ('{"resourceType":"Patient","meta":[]}', 422), ('{"resourceType":"Patient","multipleBirthInteger":NaN}', 400),
    ('{"resourceType":"Patient","multipleBirthInteger":' + "9" * 400 + "}", 400),
]  # fmt: skip


@pytest.mark.requirement(23)
@pytest.mark.parametrize(("text", "status"), BROKEN)
def test_hostile_bodies_are_refused_by_name_and_leave_nothing(caller: Caller, text: str, status: int) -> None:
    response = caller.ask("POST", "/Patient", text)
    assert response.status == status, response.body
    assert said(response)["resourceType"] == "OperationOutcome"
    assert not Current.objects.filter(practice=caller.account.practice).exists()


@pytest.mark.requirement(26)
def test_an_error_has_a_number_and_no_word_of_the_person(caller: Caller) -> None:
    response = caller.ask("POST", "/Patient", {**PATIENT, "birthDate": "Okafor", "nickname": "Maren"})
    number = response.header("X-Request-Id")
    assert number in said(response)["issue"][0]["diagnostics"]
    sought = caller.ask("GET", "/Patient?birthdate=Okafor")
    assert (response.status, sought.status) == (422, 400)
    for word in ("Okafor", "Maren", "Traceback", "/src/", "SELECT"):
        assert word not in response.body.decode() + sought.body.decode()


@pytest.mark.requirement(27)
def test_every_answer_is_typed_and_kept_by_nobody(caller: Caller) -> None:
    for response in (
        caller.ask("GET", "/" + caller.person()),
        caller.ask("GET", "/nothing"),
        caller.ask("GET", "/Patient"),
    ):
        assert response.header("Content-Type") == "application/fhir+json; charset=utf-8"
        assert response.header("X-Content-Type-Options") == "nosniff"
        assert response.header("Cache-Control") == "no-store"
        assert response.header("Content-Security-Policy").startswith("default-src 'none'")


@pytest.mark.requirement(17)
def test_what_belongs_to_others_is_answered_as_what_does_not_exist(caller: Caller, elsewhere: Account) -> None:
    other = Caller(elsewhere)
    theirs = other.person()
    none = caller.ask("GET", "/Patient/nobody")
    for method, place in (("GET", f"/{theirs}"), ("GET", f"/{theirs}/_history"), ("GET", f"/{theirs}/_history/1")):
        response = caller.ask(method, place)
        assert response.status == 404
        assert [i["details"] for i in said(response)["issue"]] == [i["details"] for i in said(none)["issue"]]
    changed = caller.ask("PUT", f"/{theirs}", {**PATIENT, "id": theirs[8:]}, if_match='W/"1"')
    assert changed.status == 404
    assert said(caller.ask("GET", "/Patient"))["total"] == 0
    about_theirs = caller.ask("POST", "/Observation", score(theirs))
    about_nobody = caller.ask("POST", "/Observation", score("Patient/nobody"))
    assert about_theirs.status == about_nobody.status == 422
    assert said(about_theirs)["issue"][0]["details"] == said(about_nobody)["issue"][0]["details"]


@pytest.mark.requirement(12)
def test_a_patient_reads_the_own_record_and_nothing_else(caller: Caller) -> None:
    mine, theirs = caller.person(), caller.person()
    own, other = caller.made(score(mine)), caller.made(score(theirs))
    practice = caller.account.practice
    account = Account.objects.create(username=mine[-30:], role=Role.PATIENT, practice=practice, patient_id=mine[8:])
    patient = Caller(account)
    assert patient.ask("GET", f"/{mine}").status == 200
    assert patient.ask("GET", f"/Observation/{own['id']}/_history/1").status == 200
    for place in (f"/{theirs}", f"/Observation/{other['id']}", f"/Observation/{other['id']}/_history",
                  f"/Observation/{other['id']}/_history/1"):  # fmt: skip
        assert patient.ask("GET", place).status == 404
    for search in ("", f"?_id={other['id']}", f"?patient={theirs}", "?code=44261-6"):
        found = said(patient.ask("GET", f"/Observation{search}"))
        assert [e["resource"]["id"] for e in found.get("entry", ())] in ([own["id"]], [])
        assert found["total"] == len(found.get("entry", ()))
    assert patient.ask("POST", "/Observation", score(mine)).status == 404


@pytest.mark.requirement(15)
def test_a_change_may_move_no_statement_to_another_person_nor_take_a_forbidden_step(caller: Caller) -> None:
    mine, theirs = caller.person(), caller.person()
    one = caller.made(score(mine))
    place = f"/Observation/{one['id']}"
    assert caller.ask("PUT", place, {**one, "subject": {"reference": theirs}}, if_match='W/"1"').status == 422
    assert caller.ask("PUT", place, {**one, "status": "preliminary"}, if_match='W/"1"').status == 422
    label = {"system": "https://ketapath.org/fhir/local", "code": "process-notes"}
    response = caller.ask("PUT", place, {**one, "status": "amended", "meta": {"security": [label]}}, if_match='W/"1"')
    assert response.status == 422
    assert caller.ask("PUT", place, {**one, "id": "other", "status": "amended"}, if_match='W/"1"').status == 400
    assert said(caller.ask("GET", place)) == one


@pytest.mark.parametrize(
    "subject", ["Group/g1", "http://elsewhere.example/fhir/{0}", "Patient?identifier=1", "urn:uuid:{1}"]
)
def test_a_reference_elsewhere_is_never_taken_for_a_person_here(caller: Caller, subject: str) -> None:
    person = caller.person()
    response = caller.ask("POST", "/Observation", score(subject.format(person, person[8:])))
    assert response.status == 422


@pytest.mark.requirement(48)
def test_parts_of_a_plan_or_session_are_made_by_acts_alone(caller: Caller) -> None:
    person = caller.person()
    coding = [{"system": "https://ketapath.org/fhir/local", "code": "ketamine-session"}]
    visit = {
        "resourceType": "Encounter", "status": "in-progress", "class": {"code": "AMB"}, "type": [{"coding": coding}],
        "subject": {"reference": person},
    }  # fmt: skip
    assert caller.ask("POST", "/Encounter", visit).status == 422
    Current.objects.create(
        practice=caller.account.practice, kind="Encounter", identity="v1", version=1, patient_id=person[8:],
        changed_at=clock.now(), content=json.dumps({**visit, "id": "v1"}),
    )  # fmt: skip
    assert caller.ask("POST", "/Observation", score(person, encounter={"reference": "Encounter/v1"})).status == 422
    response = caller.ask("PUT", "/Encounter/v1", {**visit, "id": "v1", "status": "finished"}, if_match='W/"1"')
    assert response.status == 422


@pytest.mark.requirement(13, 16)
def test_a_token_ends_with_its_day_its_account_and_its_revocation(caller: Caller) -> None:
    assert caller.ask("GET", "/Patient").status == 200
    Token.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    refused = caller.ask("GET", "/Patient")
    assert (refused.status, refused.header("WWW-Authenticate")[:6]) == (401, "Bearer")
    Token.objects.update(expires_at=clock.now() + timedelta(days=1), revoked_at=clock.now())
    assert caller.ask("GET", "/Patient").status == 401
    Token.objects.update(revoked_at=None)
    assert caller.ask("GET", "/Patient").status == 200
    caller.account.is_active = False
    caller.account.save()
    assert caller.ask("GET", "/Patient").status == 401


def test_nobody_gets_in_without_a_token(caller: Caller) -> None:
    for word in ("", "Bearer", "Bearer x", f"Basic {caller.token}", f"Bearer {caller.token}x", "Bearer \udc80"):
        response = caller.ask("GET", "/Patient", authorization=word)
        assert (response.status, said(response)["resourceType"]) == (401, "OperationOutcome")
    assert respond(Request(method="GET", path="/fhir/metadata", base=BASE)).status == 200


def test_a_token_may_do_less_than_its_account(here: Account) -> None:
    reader, writer = Caller(here, ("read",)), Caller(here, ("write",))
    assert reader.ask("POST", "/Patient", PATIENT).status == 403
    assert reader.ask("GET", "/Patient").status == 200
    assert writer.ask("GET", "/Patient").status == 403
    bundle = {"resourceType": "Bundle", "type": "transaction",
              "entry": [{"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}]}  # fmt: skip
    assert reader.ask("POST", "", bundle).status == 403


@pytest.mark.parametrize(
    ("role", "may_register", "may_write"),
    [
        (Role.SERVICE, True, True), (Role.PRESCRIBER, True, True), (Role.NURSE, False, True),
        (Role.COORDINATOR, True, False), (Role.DIRECTOR, True, False), (Role.THERAPIST, False, False),
    ],
)  # fmt: skip
def test_who_may_register_people_and_write_about_them(
    db: None, role: Role, may_register: bool, may_write: bool
) -> None:
    caller = Caller(practice_with(role))
    assert (caller.ask("POST", "/Patient", PATIENT).status == 201) is may_register
    practice = caller.account.practice
    helper = Caller(Account.objects.create(username=f"h-{practice.slug}", role=Role.SERVICE, practice=practice))
    response = caller.ask("POST", "/Observation", score(helper.person()))
    assert response.status == (201 if may_write else 404)


@pytest.mark.requirement(36)
def test_each_request_leaves_one_row_whatever_becomes_of_it(caller: Caller) -> None:
    person = caller.person()
    one = caller.made(score(person))
    place = f"/Observation/{one['id']}"
    requests = [
        (("GET", place), "read-chart", "done", f"GET /fhir{place}"),
        (("GET", f"{place}/_history"), "read-chart", "done", f"GET /fhir{place}/_history"),
        (
            ("GET", "/Patient?name=Okafor&birthdate=1984-03-07"),
            "read-chart",
            "done",
            "GET /fhir/Patient?name=…&birthdate=…",
        ),
        (
            ("GET", "/Observation?code=44261-6&nickname=Maren"),
            "read-chart",
            "failed",
            "GET /fhir/Observation?code=44261-6&…=…",
        ),
        (("GET", "/Observation/none"), "read-chart", "refused", "GET /fhir/Observation/none"),
        (("PUT", place, {**one, "status": "amended"}), "write-resource", "failed", f"PUT /fhir{place}"),
        (("POST", "/Observation", "{"), "write-resource", "failed", "POST /fhir/Observation"),
        (("DELETE", place), "use-door", "failed", "DELETE"),
    ]  # fmt: skip
    for asked, act, outcome, line in requests:
        before = len(trail(caller.account))
        caller.ask(*asked)
        rows = trail(caller.account)[before:]
        assert [(r.act, r.outcome, r.asked, r.source) for r in rows] == [(act, outcome, line, "192.0.2.7")]
    before = len(trail(caller.account))
    caller.ask("PUT", place, {**one, "status": "amended"}, if_match='W/"1"')
    (row,) = trail(caller.account)[before:]
    assert (row.act, row.outcome, row.patient_id) == ("write-resource", "done", person[8:])
    assert row.entities == [f"Observation/{one['id']}/_history/2"]


@pytest.mark.requirement(37)
def test_what_cannot_be_put_on_the_trail_is_not_shown(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "/" + caller.person()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    request = Request(method="GET", path=f"/fhir{place}", headers={"authorization": f"Bearer {caller.token}"})
    response = respond(request, tell=full)
    assert response.status == 503
    assert b"Okafor" not in response.body


def run(command: str, **said: Any) -> int:
    """One command of an administrator."""
    return housekeeping.COMMANDS[command](argparse.Namespace(**said))


@pytest.mark.requirement(1)
def test_tokens_of_tests_are_made_in_test_mode_alone_and_never_beside_real_work(
    db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Practice.objects.update(is_demo=True)
    with pytest.raises(BadUsage):
        run("test-tokens")
    monkeypatch.setenv("TEST_MODE", "1")
    assert run("test-tokens") == 0
    tokens = json.loads(capsys.readouterr().out)
    assert set(tokens) == set(Role.values)
    for role, token in tokens.items():
        account = account_of_token(token)
        assert account is not None
        assert (account.role, account.practice.is_demo) == (role, True)
    practice_with()  # a real one
    with pytest.raises(BadInput):
        run("test-tokens")


def test_a_service_gets_tokens_that_are_shown_once_and_can_be_ended(
    here: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create-user", username="robot", name="Robot", role="service", practice=here.practice.slug)
    assert "signs in" not in capsys.readouterr().out
    run("create-token", username="robot", name="lab", days=7, scope=None)
    token = capsys.readouterr().out.strip()
    account = account_of_token(token)
    assert account is not None
    assert (account.username, account.scopes) == ("robot", ("read",))
    run("list-tokens", username="robot")
    listed = capsys.readouterr().out
    assert "lab" in listed
    assert token not in listed
    run("revoke-token", token=int(listed.split()[0]))
    assert account_of_token(token) is None
    for days in (0, 367):
        with pytest.raises(BadInput):
            run("create-token", username="robot", name="lab", days=days, scope=None)
