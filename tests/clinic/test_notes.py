"""A draft is its author's alone, a signed note stays as it is, a process note is read by therapists only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client
from tests.proofs import shown, signing

from clinic import clock
from clinic.access.models import Account, Relationship
from clinic.access.permission import Refused
from clinic.access.proof import NotProven
from clinic.actions.commit import Stale
from clinic.actions.notes import LONGEST, Writing, save_note, withdraw_note
from clinic.actions.patients import import_record
from clinic.actions.team import join_team
from clinic.queries.notes import Shown, notes_for
from clinic.queries.person import Chart, chart
from clinic.queries.signatures import signatures
from clinic.record.read import read
from clinic.record.signatures import Seen
from ketapath.errors import BadInput

READY = "treatment-resistant-depression"
ODD = "\n  Slept well.\r\n\r\n\tSaid: “könnte besser sein” <b>&amp; 😀\u00a0 "
Who = Callable[[str], Account]


@pytest.fixture(autouse=True)
def of_the_team(account: Who) -> None:
    """Process notes are bound to a place in the person's care team."""
    join_team(READY, "therapist", reason="psychotherapy", by=account("prescriber"))


def look(by: Account) -> Chart:
    found = chart(by.practice, READY)
    assert found is not None
    return found


def written(by: Account, text: str = "Calm.", *, kind: str = "progress", is_signed: bool = True) -> str:
    proof = shown(by) if is_signed else None
    done = save_note(look(by), Writing(kind=kind, text=text), by=by, key="", proof=proof)
    return next(iter(done.versions)).partition("/")[2]


def seen(by: Account, identity: str) -> Seen:
    stored = read(by.practice, "DocumentReference", identity)
    assert stored is not None
    return Seen.of(stored)


def read_by(by: Account) -> dict[str, Shown]:
    return {one.note.origin.id: one for one in notes_for(look(by), by)}


def test_a_draft_is_seen_and_gone_on_with_by_its_author_alone(account: Who) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    name = written(nurse, "First thou", is_signed=False)
    assert read_by(nurse)[name].note.state == "draft"
    assert name not in read_by(prescriber)
    again = Writing(kind="progress", text="First thought", seen=seen(nurse, name))
    with pytest.raises(Refused):
        save_note(look(prescriber), again, by=prescriber, key="", proof=shown(prescriber))
    save_note(look(nurse), again, by=nurse, key="")
    with pytest.raises(Stale):  # from the page of before
        save_note(look(nurse), again, by=nurse, key="", proof=shown(nurse))
    last = Writing(kind="progress", text="First thought.", seen=seen(nurse, name))
    save_note(look(nurse), last, by=nurse, key="", proof=shown(nurse))
    assert read_by(prescriber)[name].note.text == "First thought."


@pytest.mark.requirement(43, 44)
def test_a_signed_note_bears_its_signature_and_stays_as_it_is_and_an_addition_stands_beside_it(account: Who) -> None:
    nurse = account("nurse")
    name = written(nurse, ODD)
    assert read_by(nurse)[name].note.text == ODD  # to the byte
    (signed,) = signatures(look(nurse))[f"DocumentReference/{name}"]
    assert (signed.name, signed.meaning, signed.is_valid) == ("Bo Marsh", "author", True)
    with pytest.raises(Stale):
        save_note(look(nurse), Writing(kind="progress", text="other", seen=seen(nurse, name)), by=nurse, key="")
    more = Writing(kind="progress", text="And home at noon.", appends=name)
    save_note(look(nurse), more, by=nurse, key="", proof=shown(nurse))
    assert [one.note.appends for one in read_by(nurse).values()] == [name, None]
    with pytest.raises(BadInput, match="signed note of the same kind"):
        save_note(look(nurse), Writing(kind="progress", text="x", appends="note-none"), by=nurse, key="")


@pytest.mark.requirement(43, 46)
def test_a_note_is_withdrawn_by_its_author_with_a_reason_and_a_signature(account: Who) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    name = written(nurse, "Meant for somebody else.")
    with pytest.raises(BadInput, match="reason"):
        withdraw_note(look(nurse), seen(nurse, name), reason=" ", by=nurse, key="", proof=shown(nurse))
    with pytest.raises(Refused):
        withdraw_note(look(nurse), seen(nurse, name), reason="x", by=prescriber, key="", proof=shown(prescriber))
    with pytest.raises(NotProven):
        withdraw_note(look(nurse), seen(nurse, name), reason="x", by=nurse, key="", proof=shown(prescriber))
    withdraw_note(look(nurse), seen(nurse, name), reason="wrong person", by=nurse, key="", proof=shown(nurse))
    there = read_by(prescriber)[name]
    assert there.note.state == "withdrawn"
    assert there.ended is not None
    assert there.ended.reason == "wrong person"
    assert [s.state for s in signatures(look(nurse))[f"DocumentReference/{name}"]] == ["kept", "stands"]


@pytest.mark.requirement(14)
def test_a_process_note_is_written_and_read_by_therapists_alone_on_every_page(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    therapist = account("therapist")
    name = written(therapist, "What was said in confidence.", kind="process")
    assert read_by(therapist)[name].note.kind == "process"
    for role in ("prescriber", "nurse", "director", "coordinator"):
        assert name not in read_by(account(role))
        with pytest.raises(Refused):
            written(account(role), kind="process")
    page = browser_of("prescriber")
    assert b"in confidence" not in page.get(f"/patients/{READY}/notes").content
    assert page.get(f"/patients/{READY}/source/DocumentReference/{name}").status_code == 404
    own = browser_of("therapist").get(f"/patients/{READY}/source/DocumentReference/{name}")
    assert own.status_code == 200


def test_a_drafts_earlier_wordings_stay_its_authors_after_it_was_signed(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    nurse = account("nurse")
    name = written(nurse, "Unsure yet.", is_signed=False)
    final = Writing(kind="progress", text="Sure now.", seen=seen(nurse, name))
    save_note(look(nurse), final, by=nurse, key="", proof=shown(nurse))
    address = f"/patients/{READY}/source/DocumentReference/{name}"
    assert browser_of("nurse").get(address).content.count(b"<pre>") == 2
    assert browser_of("prescriber").get(address).content.count(b"<pre>") == 1


@pytest.mark.parametrize("text", ["", " \n", "a" * (LONGEST + 1), "a\0b"])
def test_a_note_has_words_and_an_end(account: Who, text: str) -> None:
    with pytest.raises(BadInput, match="note"):
        written(account("nurse"), text)


@pytest.mark.parametrize("role", ["coordinator", "director", "patient"])
def test_who_does_not_treat_writes_no_notes(account: Who, role: str) -> None:
    with pytest.raises(Refused):
        save_note(look(account("nurse")), Writing(kind="progress", text="x"), by=account(role), key="")


@pytest.mark.requirement(45)
def test_the_page_keeps_what_was_typed_when_the_secret_is_wrong_and_asks_the_name_once(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    page, address = browser_of("nurse", signs=True), f"/patients/{READY}/notes"
    fields = {"step": "sign", "kind": "progress", "text": "Long thoughts.", "key": "a", **signing(account("nurse"))}
    for wrong in ({"secret": "no"}, {"signer": "prescriber"}, {"signer": ""}):
        answer = page.post(address, fields | wrong)
        assert answer.status_code == 400
        assert b"Long thoughts." in answer.content
        assert b"Not signed" in answer.content
    assert read_by(account("nurse")) == {}
    assert page.post(address, fields).status_code == 302
    later = page.get(address).content.decode()
    assert "signed by Bo Marsh, Nurse" in later
    assert 'name="signer"' not in later  # the first signing of a session took it
    only_secret = {k: v for k, v in fields.items() if k != "signer"} | {"key": "b"}
    assert page.post(address, only_secret).status_code == 302
    page.force_login(account("nurse"))
    assert 'name="signer"' in page.get(address).content.decode()  # after a break both are asked again


def test_a_draft_comes_back_into_the_form_as_it_was_left(account: Who, browser_of: Callable[..., Client]) -> None:
    nurse, page = account("nurse"), browser_of("nurse")
    name = written(nurse, ODD, is_signed=False)
    form = page.get(f"/patients/{READY}/notes?note={name}").content.decode()
    assert re.search(r'name="seen" value="DocumentReference/note-', form)
    assert "könnte besser sein” &lt;b&gt;&amp;amp; 😀" in form


def test_a_therapist_outside_the_care_team_is_offered_no_process_note(
    browser_of: Callable[..., Client], account: Who
) -> None:
    client, address = browser_of("therapist"), f"/patients/{READY}/notes"
    assert 'value="process"' in client.get(address).content.decode()
    Relationship.objects.filter(account=account("therapist"), patient_id=READY).update(until=clock.now())
    page = client.get(address).content.decode()
    assert 'value="process"' not in page
    assert 'name="text"' in page


@pytest.mark.parametrize("is_signed", [True, False])
def test_no_import_signs_changes_or_withdraws_what_was_written_here(account: Who, is_signed: bool) -> None:
    prescriber, director = account("prescriber"), account("director")
    standing = read(prescriber.practice, "DocumentReference", written(prescriber, is_signed=is_signed))
    person = read(prescriber.practice, "Patient", READY)
    assert standing is not None
    assert person is not None
    forged = standing.resource | ({"status": "entered-in-error"} if is_signed else {"docStatus": "final"})
    sent = {"resourceType": "Bundle", "type": "collection",
            "entry": [{"resource": person.resource}, {"resource": forged}]}  # fmt: skip
    found = import_record(json.dumps(sent).encode(), by=director)
    assert [one.identity for one in found.apart] == [standing.identity]
    assert read(prescriber.practice, "DocumentReference", standing.identity) == standing
