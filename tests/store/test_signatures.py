"""A signature is somebody's own, covers exactly one text, and shows for ever whether that text still stands."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from fhir.resources.R4B import get_fhir_model_class
from tests.proofs import shown
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access.models import Account, AuditRow, Role
from clinic.access.proof import NotProven, prove
from clinic.actions import commit as gate
from clinic.actions.commit import Act, Draft, NotAllowed, Signing, Stale, commit
from clinic.queries.signatures import provenances
from clinic.record.models import Current, Signature
from clinic.record.read import read
from clinic.record.signatures import Seen, Signed, is_signed, signatures_of
from clinic.record.write import Write, write

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor", "given": ["Maren"]}]}
ORDER: dict[str, Any] = {
    "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
    "subject": {"reference": "Patient/p1"}, "medicationCodeableConcept": {"text": "Ketamine"},
}  # fmt: skip
TEXT = json.dumps(ORDER | {"dose": 1.50}, indent=1)


def act(by: Account, **fields: Any) -> Act:
    return Act(**{"name": "state-fact", "by": by, "patient_id": "p1", **fields})


def signed_order(by: Account) -> Signed:
    signing = Signing(meaning="order", proof=shown(by), over=("MedicationRequest/m1",))
    commit(act(by, signing=signing), [Draft(resource=PATIENT), Draft(resource=ORDER | {"dose": 1.5}, text=TEXT)])
    (found,) = signatures_of(by.practice, "p1")
    return found


def changed(by: Account, text: str, *, version: int = 1) -> None:
    """Past the gate, as a fault or an attacker with the store in hand would."""
    one = Write(kind="MedicationRequest", identity="m1", patient_id="p1", text=text, expected=version)
    with transaction.atomic():
        write(by.practice, [one], by="Somebody", reason="", at=clock.now())


@pytest.mark.requirement(43, 44)
def test_a_signature_covers_exactly_the_stored_text_with_name_role_time_and_meaning(here: Account) -> None:
    found = signed_order(here)
    assert found.digest == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (found.of, found.version, found.meaning) == ("MedicationRequest/m1", 1, "order")
    assert (found.username, found.name, found.role) == (here.username, here.name, here.role)
    assert (found.state, found.is_valid) == ("stands", True)
    row = AuditRow.objects.filter(practice=here.practice.slug).latest("id")
    assert found.reference in row.entities  # the same row names the version and who signed it
    assert found.digest[:32] in found.reference


@pytest.mark.requirement(46)
def test_nobody_signs_for_another(here: Account) -> None:
    other = practice_with()
    signing = Signing(meaning="order", proof=shown(other), over=("MedicationRequest/m1",))
    with pytest.raises(NotProven):
        commit(act(here, signing=signing), [Draft(resource=PATIENT), Draft(resource=ORDER)])
    assert read(here.practice, "MedicationRequest", "m1") is None
    assert not Signature.objects.filter(practice=here.practice).exists()
    assert AuditRow.objects.filter(practice=here.practice.slug).latest("id").outcome == "refused"


@pytest.mark.requirement(45)
def test_a_proof_takes_the_persons_own_secret_and_name_and_a_wrong_one_is_on_the_trail(here: Account) -> None:
    here.set_password("a lamp beside the harbour")
    here.save()
    assert prove(here, "a lamp beside the harbour").username == here.username
    assert prove(here, "a lamp beside the harbour", username=here.username)
    for secret, username in (("wrong", None), ("", None), ("a lamp beside the harbour", "somebody-else")):
        with pytest.raises(NotProven):
            prove(here, secret, username=username)
    assert AuditRow.objects.filter(practice=here.practice.slug, outcome="refused").count() == 3


@pytest.mark.requirement(44)
@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationAdministration", "DocumentReference", "Basic"])
def test_what_was_signed_keeps_its_content_whatever_kind_it_is(here: Account, kind: str) -> None:
    status = "completed" if kind == "MedicationAdministration" else "current"
    one = ORDER | {"resourceType": kind, "status": "active" if kind == "MedicationRequest" else status}
    signing = Signing(meaning="author", proof=shown(here), over=(f"{kind}/m1",))
    commit(act(here, signing=signing), [Draft(resource=PATIENT), Draft(resource=one)])
    stored = read(here.practice, kind, "m1")
    assert stored is not None
    assert is_signed(here.practice, stored)
    for other in ({"medicationCodeableConcept": {"text": "Esketamine"}}, {"note": [{"text": "twice the dose"}]}):
        with pytest.raises(NotAllowed) as refused:
            commit(act(here), [Draft(resource=one | other, expected=1)])
        assert refused.value.why.key == "record.signed_stays"
    commit(act(here), [Draft(resource=one | {"status": "entered-in-error"}, expected=1)])
    (found,) = signatures_of(here.practice, "p1")
    assert (found.state, found.changed_by) == ("kept", here.name)


@pytest.mark.requirement(44)
def test_a_changed_record_is_no_longer_signed_and_says_who_changed_it(here: Account) -> None:
    signed_order(here)
    changed(here, json.dumps(ORDER | {"status": "on-hold", "dose": 1.50}))
    changed(here, json.dumps(ORDER | {"dose": 15}), version=2)
    (found,) = signatures_of(here.practice, "p1")
    assert (found.state, found.is_valid, found.changed_by) == ("changed", False, "Somebody")
    assert found.changed_at is not None
    assert read(here.practice, "MedicationRequest", "m1").version == 3  # type: ignore[union-attr]


@pytest.mark.requirement(44)
def test_a_text_that_was_changed_in_the_database_itself_is_no_longer_signed_either(here: Account) -> None:
    signed_order(here)
    Current.objects.filter(practice=here.practice, kind="MedicationRequest").update(content=TEXT.replace("1.5", "15"))
    (found,) = signatures_of(here.practice, "p1")
    assert (found.state, found.changed_by, found.changed_at) == ("changed", "", None)


@pytest.mark.requirement(44)
def test_where_an_act_came_between_nobody_is_named_for_what_no_act_did(here: Account) -> None:
    signed_order(here)
    changed(here, json.dumps(ORDER | {"status": "on-hold", "dose": 1.50}))
    Current.objects.filter(practice=here.practice, kind="MedicationRequest").update(content=TEXT.replace("1.5", "15"))
    (found,) = signatures_of(here.practice, "p1")
    assert (found.state, found.changed_by) == ("changed", "")


@pytest.mark.requirement(47)
def test_signing_what_has_changed_since_it_was_read_is_refused(here: Account) -> None:
    commit(act(here), [Draft(resource=PATIENT), Draft(resource=ORDER)])
    stored = read(here.practice, "MedicationRequest", "m1")
    assert stored is not None
    seen = Seen.from_text(Seen.of(stored).text)
    assert seen == Seen.of(stored)
    commit(act(here), [Draft(resource=ORDER | {"status": "on-hold"}, expected=1)])
    signing = Signing(meaning="review", proof=shown(here), standing=(seen,))
    with pytest.raises(Stale):
        commit(act(here, signing=signing), [])
    assert signatures_of(here.practice, "p1") == ()
    for text in ("", "a/b/c/d", "a/b/1", "a/b/99999999999/d", "MedicationRequest/m1/²/x"):
        assert Seen.from_text(text) is None


@pytest.mark.requirement(44)
def test_where_the_act_fails_there_is_no_signature(here: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr(f"{gate.__name__}.audit.append", fails)
    with pytest.raises(DatabaseError), transaction.atomic():
        signed_order(here)
    assert not Signature.objects.filter(practice=here.practice).exists()


def test_the_database_refuses_to_change_or_delete_a_signature(here: Account) -> None:
    signed_order(here)
    mine = Signature.objects.filter(practice=here.practice)
    attempts = [lambda: mine.update(name="Nobody"), lambda: mine.delete()]
    if connection.vendor == "postgresql":
        attempts.append(lambda: connection.cursor().execute("TRUNCATE record_signature"))
    for attempt in attempts:
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_signatures_stay_in_their_practice(here: Account, elsewhere: Account) -> None:
    signed_order(here)
    assert signatures_of(elsewhere.practice, "p1") == ()
    assert provenances(elsewhere.practice, "p1") == []


def test_a_repeated_request_signs_once(here: Account) -> None:
    signing = Signing(meaning="order", proof=shown(here), over=("MedicationRequest/m1",))
    for _ in range(2):
        commit(act(here, key="k", signing=signing), [Draft(resource=PATIENT), Draft(resource=ORDER)])
    assert len(signatures_of(here.practice, "p1")) == 1


@pytest.mark.requirement(43)
def test_a_signature_leaves_as_a_provenance_that_an_outside_model_accepts(here: Account) -> None:
    found = signed_order(here)
    (made,) = provenances(here.practice, "p1")
    assert found.reference == f"Provenance/{made['id']}"
    assert made["target"] == [{"reference": "MedicationRequest/m1/_history/1"}]
    assert get_fhir_model_class("Provenance").model_validate(made)


def test_signing_gives_nobody_a_right_that_the_act_does_not_give(db: None) -> None:
    director = practice_with(Role.DIRECTOR)
    with pytest.raises(gate.Refused):
        signed_order(director)
    assert signatures_of(director.practice, "p1") == ()
