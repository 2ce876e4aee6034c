"""Search through the door: what comes back, page by page, and what is never said in an address."""

from __future__ import annotations

import pytest
from tests.store.door import BASE, PATIENT, Caller, said, score

from clinic.access.models import Account, Role


@pytest.fixture
def caller(here: Account) -> Caller:
    return Caller(here)


def ids(bundle: dict) -> list[str]:  # type: ignore[type-arg]
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def test_what_was_found_is_counted_named_and_marked(caller: Caller) -> None:
    person = caller.person()
    made = [caller.made(score(person, valueInteger=n))["id"] for n in range(3)]
    found = said(caller.ask("GET", f"/Observation?patient={person}&code=44261-6"))
    assert (found["type"], found["total"], ids(found)) == ("searchset", 3, made)
    assert {entry["search"]["mode"] for entry in found["entry"]} == {"match"}
    assert [entry["fullUrl"] for entry in found["entry"]] == [f"{BASE}/fhir/Observation/{one}" for one in made]
    (link,) = found["link"]
    assert link["relation"] == "self"
    assert "code=44261-6" in link["url"]


def test_a_posted_search_finds_what_the_address_finds(caller: Caller) -> None:
    person = caller.person()
    caller.made(score(person))
    form = {"content_type": "application/x-www-form-urlencoded"}
    posted = caller.ask("POST", "/Observation/_search", f"patient={person}&code=44261-6", **form)
    assert ids(said(posted)) == ids(said(caller.ask("GET", f"/Observation?patient={person}&code=44261-6")))
    assert caller.ask("POST", "/Observation/_search", "{}").status == 415


@pytest.mark.requirement(29)
def test_pages_hold_each_once_and_their_addresses_name_nobody(caller: Caller) -> None:
    person = caller.person()
    made = [caller.made(score(person, valueInteger=n))["id"] for n in range(5)]
    found = said(caller.ask("GET", f"/Observation?patient={person}&_count=2"))
    seen = ids(found)
    while (after := next((x["url"] for x in found["link"] if x["relation"] == "next"), None)) is not None:
        assert person[8:] not in after
        caller.made(score(person))  # somebody writes in between
        found = said(caller.ask("GET", after.removeprefix(f"{BASE}/fhir")))
        seen += ids(found)
        assert len(seen) < 50
    assert len(seen) == len(set(seen))
    assert seen[:5] == made


def test_the_word_of_a_page_serves_its_caller_and_its_type_alone(caller: Caller) -> None:
    person = caller.person()
    for _ in range(2):
        caller.made(score(person))
    found = said(caller.ask("GET", "/Observation?_count=1"))
    word = found["link"][-1]["url"].partition("_page=")[2]
    other = Caller(Account.objects.create(username="o", role=Role.NURSE, practice=caller.account.practice))
    assert caller.ask("GET", f"/Observation?_page={word}").status == 200
    assert other.ask("GET", f"/Observation?_page={word}").status == 400
    assert caller.ask("GET", f"/Condition?_page={word}").status == 400
    assert caller.ask("GET", "/Observation?_page=abc").status == 400


def test_an_unknown_parameter_is_refused_unless_the_caller_is_lenient(caller: Caller) -> None:
    caller.person()
    assert caller.ask("GET", "/Patient?nickname=x").status == 400
    assert caller.ask("GET", "/Patient?nickname=x", prefer="handling=strict").status == 400
    lenient = said(caller.ask("GET", "/Patient?name=oka&nickname=x", prefer="handling=lenient"))
    assert lenient["total"] == 1
    assert lenient["link"][0]["url"] == f"{BASE}/fhir/Patient?name=oka"


@pytest.mark.parametrize(
    "query", ["name=%ff", "name=%00", "name", "&&", "date=2026-02-30", "_count=-1", "_count=x", "=", "a" * 300, "%zz=%"]
)
def test_a_search_that_is_not_understood_is_refused_by_words(caller: Caller, query: str) -> None:
    kind = "Observation" if query.startswith("date") else "Patient"
    response = caller.ask("GET", f"/{kind}?{query}")
    assert (response.status, said(response)["resourceType"]) == (400, "OperationOutcome")


def test_nothing_found_is_an_empty_bundle(caller: Caller) -> None:
    found = said(caller.ask("GET", "/Observation?code=none"))
    assert (found["total"], "entry" in found) == (0, False)


def test_the_capability_statement_lists_what_can_be_done(caller: Caller) -> None:
    stated = said(caller.ask("GET", "/metadata"))
    assert (stated["fhirVersion"], stated["kind"]) == ("4.0.1", "instance")
    (rest,) = stated["rest"]
    assert {i["code"] for i in rest["interaction"]} == {"transaction", "batch"}
    assert len(rest["resource"]) > 30
    for resource in rest["resource"]:
        assert {i["code"] for i in resource["interaction"]} == {
            "read", "vread", "history-instance", "create", "update", "search-type",
        }  # fmt: skip
        assert (resource["versioning"], resource["updateCreate"]) == ("versioned-update", False)
        assert resource["conditionalCreate"] is True
        answer = caller.ask("GET", f"/{resource['type']}?_count=0")
        assert answer.status == 200


@pytest.mark.requirement(21)
def test_signs_of_other_languages_are_only_letters_here(caller: Caller) -> None:
    caller.made(PATIENT)
    for sign in ("';--", "%25", "_", '"', "\\", "${x}", "{{x}}", "%0d%0aX: y"):
        response = caller.ask("GET", f"/Patient?name={sign}")
        assert response.status in (200, 400)
        if response.status == 200:
            assert said(response)["total"] == 0
