"""Two practices never meet: every page and every search of one is walked through, and nothing of the other is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from clinic.access.models import Account
from clinic.access.permission import Refused, reach, require
from clinic.actions.patients import import_record
from clinic.queries.patients import patients
from clinic.queries.person import chart
from clinic.queries.today import today
from clinic.record.models import Current, PatientLine, Practice

Visit = Callable[[str], Client]
Who = Callable[[str], Account]
NAMES = {
    "hillside": ("Castellan", "Brannigan", "Wren", "hillside-one", "hillside-two", "Hillside", "Fern Okada"),
    "harbour": (
        "Okafor",
        "Mansour",
        "Whitcombe",
        "treatment-resistant-depression",
        "aneurysm/",
        "Harbour",
        "Lindqvist",
    ),
}
MOST_OF_A_KIND = 6
MORE, FEWER = {"patient": 15, "patient-plan": 15}, {"patient-worth": 2}
"""Everybody's own pages; one that takes half a second each."""


def walk(client: Client, starts: list[str], most: int = MOST_OF_A_KIND) -> dict[str, str]:
    """Every page that can be reached by links, at most so many of one kind, as path and text."""
    waiting, seen, kinds = list(starts), dict[str, str](), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        parts = urlsplit(address)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if path in seen or parts.netloc or not path.startswith("/") or path.startswith("/static/"):
            continue
        kind = resolve(parts.path).url_name
        kinds[kind] += 1
        limit = 3 if kind.startswith("knowledge") else min(most, FEWER.get(kind, most))
        if kinds[kind] > (MORE.get(kind, limit) if most == MOST_OF_A_KIND else limit) or kind == "today-stream":
            continue
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, (path, answer.status_code)
        if not answer["Content-Type"].startswith("text/"):
            continue  # a file to be kept, such as a form as PDF; each has a test of its own
        text = answer.content.decode()
        seen[path] = text
        waiting += [link.replace("&amp;", "&") for link in re.findall(r'href="([^"#]+)', text)]
    return seen


@pytest.mark.requirement(17)
@pytest.mark.parametrize(("username", "other"), [("prescriber", "hillside"), ("hillside-prescriber", "harbour")])
def test_no_page_of_one_practice_holds_anything_of_the_other(browser_of: Visit, username: str, other: str) -> None:
    pages = walk(browser_of(username), ["/today", "/patients", "/knowledge"])
    assert len(pages) > 40
    for path, text in pages.items():
        if not path.startswith("/knowledge"):
            said = re.sub(r"https?://\S+", "", text)  # the address of a source may hold the words of an invented id
            assert not [name for name in NAMES[other] if name in said], path


@pytest.mark.requirement(17)
@pytest.mark.parametrize("words", ["wren", "otto", "castellan", "bran", "hillside", "%", "_", ""])
def test_no_search_finds_the_other_practices_people(browser_of: Visit, account: Who, words: str) -> None:
    text = browser_of("prescriber").get("/patients", {"q": words}).content.decode()
    assert "Castellan" not in text
    assert "Brannigan" not in text
    found = patients(reach(account("prescriber")), name=words)
    assert {line.practice_id for line in found} <= {account("prescriber").practice_id}
    ours = PatientLine.objects.filter(practice=account("prescriber").practice)
    assert len(found) == (ours.count() if not words else 0)


@pytest.mark.requirement(13, 17)
@pytest.mark.parametrize(
    "path",
    ["", "/plan", "/session", "/fact", "/score/phq9", "/sessions/visit-1", "/source/Patient/hillside-one", "/withdraw"],
)
def test_another_practices_person_looks_exactly_like_nobody(browser_of: Visit, path: str) -> None:
    client = browser_of("prescriber")
    answers = [
        client.get(f"/patients/{name}{path}".replace("hillside-one/source", f"{name}/source"), follow=True)
        for name in ("hillside-one", "nobody-at-all")
    ]
    there, nowhere = (re.sub(r'value="[^"]{60,}"', "", answer.content.decode()) for answer in answers)
    assert [a.status_code for a in answers] == [404, 404]
    assert there == nowhere.replace("nobody-at-all", "hillside-one")


@pytest.mark.requirement(17)
def test_no_act_reaches_across(account: Who) -> None:
    ours = account("prescriber")
    assert chart(ours.practice, "hillside-one") is None
    assert not [due for due in today(ours).planned if due.line.practice_id != ours.practice_id]
    stranger = Current.objects.get(practice__slug="hillside", kind="Patient", identity="hillside-one")
    bundle = f'{{"resourceType": "Bundle", "type": "collection", "entry": [{{"resource": {stranger.content}}}]}}'
    found = import_record(bundle.encode(), by=account("coordinator"))
    assert found.done.versions == {f"Patient/{found.patient_id}": 1}
    assert Current.objects.filter(kind="Patient", identity="hillside-one").count() == 2
    assert Current.objects.get(pk=stranger.pk).version == 1


@pytest.mark.parametrize("role", ["nurse", "therapist", "coordinator", "director"])
def test_every_role_can_walk_through_its_pages_without_a_fault(browser_of: Visit, role: str) -> None:
    assert len(walk(browser_of(role), ["/today", "/patients"], most=3)) > 40


@pytest.mark.requirement(12)
def test_a_patient_sees_the_own_page_and_no_chart(browser_of: Visit) -> None:
    client = browser_of("patient")
    own = client.get("/my").content.decode()
    assert "Hello Layla" in own
    assert "Suggested" not in own
    for path in ("/today", "/patients", "/patients/first-language-arabic", "/patients/first-language-arabic/plan"):
        assert client.get(path).status_code == 404
    assert client.get("/today/stream").status_code == 404


@pytest.mark.requirement(16)
def test_an_account_that_was_closed_may_nothing_at_the_next_request(browser_of: Visit, account: Who) -> None:
    client, nurse = browser_of("nurse"), account("nurse")
    assert client.get("/today").status_code == 200
    Account.objects.filter(pk=nurse.pk).update(is_active=False)
    assert client.get("/today").status_code == 302
    nurse.refresh_from_db()
    with pytest.raises(Refused):
        require(nurse, "see-today")


def test_every_row_of_the_record_carries_its_practice() -> None:
    from django.apps import apps

    rows = [m for m in apps.get_app_config("record").get_models() if m is not Practice]
    assert len(rows) >= 7
    assert all("practice" in {f.name for f in model._meta.get_fields()} for model in rows)
