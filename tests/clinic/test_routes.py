"""Every route is asked as every role, about our person, another practice's and nobody: the published table holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import ACTS, OPEN, roles_at_pages
from clinic.record.models import Current, Practice
from clinic.web.door import routes

Visit = Callable[[str], Client]
ROOT = Path(__file__).parents[2]
OURS, THEIRS, NOBODY = "first-language-arabic", "hillside-one", "nobody-at-all"
EXAMPLES = {
    "number": "0", "instrument": "phq9", "kind": "Patient", "identity": OURS, "name": "CON-001",
    "knowledge-source name": "ELEKT", "knowledge-instrument name": "phq9", "knowledge-fact name": "social.ride_home",
    "knowledge-item kind": "claim", "knowledge-item name": "CLM-16", "bench-model name": "racemic_sublingual_venous",
    "bench-file name": "racemic_sublingual_venous", "bench-file kind": "yaml",
}  # fmt: skip
FORMS = {
    "alerts-chain-set": {"step": "on-call"},
    "patient-override": {"step": "sign"},
    "patient-export": {"format": "csv"},
}
"""What a route is sent that takes no GET; nothing, where it is not named here."""
EMPTY = {
    "forms-file", "patient-adverse-one", "patient-adverse-pdf", "patient-adverse-json",
    "patients-import-one", "patient-apart", "trials-one", "trials-stop", "trials-result", "trials-registration",
    "alert", "alert-answer",
}  # fmt: skip
"""Of these nobody has one of their own here."""
LEAVES = {"sign-out", "lock-now"}
"""After these there is nobody left to ask."""


def published() -> dict[str, frozenset[str]]:
    """The roles of each address, as docs/reference/roles.md gives them."""
    lines = (ROOT / "docs/reference/roles.md").read_text().partition("## Routes")[2].splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    roles = rows[0][2:]
    return {row[0]: frozenset(r for r, mark in zip(roles, row[2:], strict=True) if mark == "yes") for row in rows[2:]}


def address_of(pattern: str, name: str, person: str, visit: str) -> str:
    """The pattern with an example in each place."""

    def example(place: re.Match[str]) -> str:
        word = place[1]
        known = {"patient_id": person, "visit_id": visit, "identity": person}
        return known.get(word) or EXAMPLES.get(f"{name} {word}") or EXAMPLES[word]

    return re.sub(r"<(?:\w+:)?(\w+)>", example, pattern)


def ask(client: Client, address: str, name: str) -> HttpResponse:
    """By GET, or by POST where the route is only sent to."""
    answer = client.get(address)
    is_sent_to = answer.status_code == 405 or hasattr(resolve(address).func, "form_of")
    return client.post(address, FORMS.get(name, {})) if is_sent_to else answer


def plain(answer: HttpResponse) -> str:
    """The page without what is new in each: the proof of origin of its forms."""
    return re.sub(r'value="[^"]{60,}"', "", answer.content.decode())


def client_of(browser_of: Visit, role: Role) -> Client:
    """Somebody of this role: of the demonstration, or made for this."""
    if not Account.objects.filter(username=role.value).exists():
        practice = Practice.objects.get(slug="harbour")
        Account.objects.create(username=role.value, name=role.label, role=role, practice=practice)
    return browser_of(role.value)


@pytest.mark.requirement(11)
def test_every_route_declares_an_act_and_is_in_the_published_table() -> None:
    found = list(routes())
    assert len(found) > 40
    assert [address for address, _name, act in found if act not in {*ACTS, OPEN}] == []
    assert {address: frozenset(roles_at_pages(act)) for address, _name, act in found} == published(), "make reference"


@pytest.mark.requirement(11, 13, 17, 36)
@pytest.mark.parametrize("role", Role)
def test_every_route_answers_every_role_as_the_table_says(browser_of: Visit, role: Role) -> None:
    table, client = published(), client_of(browser_of, role)
    visit = Current.objects.filter(patient_id=OURS, kind="Encounter").earliest("id").identity
    for pattern, name, act in routes():
        if name in LEAVES:
            continue
        is_open, has_person = role in table[pattern], "patient_id" in pattern
        before = AuditRow.objects.latest("id").pk
        answer = ask(client, address_of(pattern, name, OURS, visit), name)
        assert answer.status_code != 500, pattern
        assert act == OPEN or not (answer.status_code == 302 and "/sign-in" in answer["Location"]), pattern
        assert (answer.status_code != 404) is is_open or name in EMPTY, (pattern, answer.status_code)
        rows = AuditRow.objects.filter(pk__gt=before)
        if act != OPEN and not is_open:
            assert [row.outcome for row in rows] == ["refused"] * len(rows) != [], pattern
        if has_person:
            there = ask(client, address_of(pattern, name, THEIRS, visit), name)
            # Where not even our own is opened, ours is refused as if there were nobody, and theirs no otherwise.
            is_apart = is_open or b'role="status"' in answer.content  # what an act before it has left to say
            other = NOBODY if is_apart else OURS
            nowhere = ask(client, address_of(pattern, name, NOBODY, visit), name) if is_apart else answer
            assert (there.status_code, nowhere.status_code) == (404, 404), pattern
            assert plain(there) == plain(nowhere).replace(other, THEIRS), pattern


@pytest.mark.requirement(11)
def test_whoever_is_not_signed_in_sees_only_what_is_open(browser_of: Visit) -> None:
    browser_of("nurse")  # plain static files, as for everybody else
    client = Client(headers={"host": "127.0.0.1"})
    for pattern, name, act in routes():
        answer = ask(client, address_of(pattern, name, OURS, "none"), name)
        is_sent = answer.status_code == 404 or "/sign-in" in answer.headers.get("Location", "")
        assert is_sent or act == OPEN, pattern


def test_the_address_that_a_refused_form_leaves_leads_to_the_page_of_the_form(browser_of: Visit) -> None:
    client = browser_of("prescriber")
    refused = client.post(f"/patients/{OURS}/card", {"outcome": "changed"})
    assert refused.status_code in (400, 409)
    for word in ("card", "override", "plan/sign", "withdraw", "move"):
        assert client.get(f"/patients/{OURS}/{word}")["Location"] == f"/patients/{OURS}"
        assert client.get(f"/patients/{THEIRS}/{word}", follow=True).status_code == 404
    assert client.get("/alerts/7/answer")["Location"] == "/alerts/7"
    assert client.put(f"/patients/{OURS}/card").status_code == 405


@pytest.mark.requirement(59)
@pytest.mark.parametrize("address", ["/docs", "/metrics", "/admin/", "/.git/config", "/static/../secret"])
def test_nothing_of_the_inside_is_served(browser_of: Visit, address: str) -> None:
    assert browser_of("director").get(address).status_code == 404


@pytest.mark.requirement(17)
def test_no_page_reads_a_whole_practice_where_a_reach_belongs() -> None:
    """Only the rooms behind the gate may give a practice to a reading, or make a Reach of their own."""
    reads = {"chart", "read", "vread", "history", "of_patient", "of_patient_at", "search", "mark", "patients", "today"}
    rooms = [*(ROOT / "src/clinic/web").rglob("*.py"), *(ROOT / "src/clinic/api").rglob("*.py")]
    assert len(rooms) > 15
    for file in rooms:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                first = ast.unparse(node.args[0]) if node.args else ""
                assert called != "Reach", (file.name, node.lineno)
                assert called not in reads or not first.endswith("practice"), (file.name, node.lineno)
