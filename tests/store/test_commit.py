"""Nothing enters the record but through the one gate, and the gate does all of its work or none."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import Refused
from clinic.actions import commit as gate
from clinic.actions.commit import Act, Draft, KeyReused, NotAllowed, Stale, commit
from clinic.record.models import Errand, ExposureLine, PatientLine, Receipt, Term, Version
from clinic.record.projections import rebuild
from clinic.record.read import mark, read
from ketapath.errors import BadInput

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor", "given": ["Maren"]}]}


def note(identity: str = "o1", **fields: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/p1"}
    return {"resourceType": "Observation", "id": identity, "status": "final", "subject": subject, **fields}


def act(by: Account, **fields: Any) -> Act:
    return Act(**{"name": "state-fact", "by": by, "patient_id": "p1", **fields})


def test_an_act_writes_audits_projects_and_leaves_its_errand(here: Account) -> None:
    done = commit(act(here, reason="seen"), [Draft(resource=PATIENT), Draft(resource=note())],
                  errands=[("notice", {"patient_id": "p1"}, clock.now())])  # fmt: skip
    assert done.versions == {"Patient/p1": 1, "Observation/o1": 1}
    line = PatientLine.objects.get(practice=here.practice)
    assert (line.family, line.given) == ("Okafor", "Maren")
    row = AuditRow.objects.filter(practice=here.practice.slug).latest("id")
    assert (row.act, row.outcome, row.who, row.patient_id) == ("state-fact", "done", here.username, "p1")
    assert "Observation/o1/_history/1" in row.entities
    assert Errand.objects.filter(practice=here.practice).count() == 1


def test_without_permission_nothing_is_written_and_the_refusal_is_on_the_trail(db: None) -> None:
    therapist = practice_with(Role.THERAPIST)
    with pytest.raises(Refused):
        commit(act(therapist), [Draft(resource=PATIENT)])
    assert read(therapist.practice, "Patient", "p1") is None
    assert AuditRow.objects.filter(practice=therapist.practice.slug).latest("id").outcome == "refused"


def test_a_request_that_comes_twice_is_done_once(here: Account) -> None:
    first = commit(act(here, key="k1", asked={"a": 1}), [Draft(resource=PATIENT), Draft(resource=note())])
    again = commit(act(here, key="k1", asked={"a": 1}), [Draft(resource=note("o2"))])
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert again.versions == first.versions
    assert read(here.practice, "Observation", "o2") is None
    with pytest.raises(KeyReused):
        commit(act(here, key="k1", asked={"a": 2}), [Draft(resource=note("o2"))])


def test_a_resource_about_somebody_else_is_refused(here: Account) -> None:
    stranger = note(subject={"reference": "Patient/p2"})
    with pytest.raises(BadInput, match="subject"):
        commit(act(here), [Draft(resource=PATIENT), Draft(resource=stranger)])
    assert read(here.practice, "Patient", "p1") is None


@pytest.mark.parametrize(
    ("kind", "was", "becomes", "why"),
    [
        ("Observation", "final", "preliminary", "record.no_such_step"),
        ("Observation", "entered-in-error", "final", "record.withdrawn_stays"),
        ("MedicationAdministration", "completed", "in-progress", "record.no_such_step"),
        ("CarePlan", "revoked", "active", "record.no_such_step"),
        ("Encounter", "finished", "in-progress", "record.no_such_step"),
        ("DocumentReference", "superseded", "current", "record.no_such_step"),
    ],
)
def test_a_step_that_may_not_follow_is_refused(here: Account, kind: str, was: str, becomes: str, why: str) -> None:
    commit(act(here), [Draft(resource=PATIENT), Draft(resource=note(resourceType=kind, status=was))])
    with pytest.raises(NotAllowed) as found:
        commit(act(here), [Draft(resource=note(resourceType=kind, status=becomes), expected=1)])
    assert found.value.why.key == why


def test_a_signed_plan_keeps_its_content_and_may_only_end(here: Account) -> None:
    plan = note(resourceType="CarePlan", status="active", title="a")
    commit(act(here), [Draft(resource=PATIENT), Draft(resource=plan)])
    with pytest.raises(NotAllowed):
        commit(act(here), [Draft(resource={**plan, "status": "on-hold", "title": "b"}, expected=1)])
    assert commit(act(here), [Draft(resource={**plan, "status": "on-hold"}, expected=1)]).versions == {"CarePlan/o1": 2}


def test_a_note_that_is_final_keeps_its_text_though_no_row_signs_it(here: Account) -> None:
    category = [{"coding": [{"system": "https://ketapath.org/fhir/local", "code": "progress-note"}]}]
    final = note(resourceType="DocumentReference", status="current", docStatus="final", category=category)
    commit(act(here), [Draft(resource=PATIENT), Draft(resource=final)])
    for other in ({"docStatus": "preliminary"}, {"description": "otherwise"}):
        with pytest.raises(NotAllowed):
            commit(act(here), [Draft(resource=final | other, expected=1)])
    commit(act(here), [Draft(resource=final | {"status": "entered-in-error"}, expected=1)])


def test_of_two_writers_the_second_is_told_and_the_first_is_kept(here: Account) -> None:
    commit(act(here), [Draft(resource=PATIENT), Draft(resource=note(status="preliminary"))])
    commit(act(here), [Draft(resource=note(valueInteger=1), expected=1)])
    with pytest.raises(Stale):
        commit(act(here), [Draft(resource=note(valueInteger=2), expected=1)])
    stored = read(here.practice, "Observation", "o1")
    assert stored is not None
    assert stored.resource["valueInteger"] == 1


@pytest.mark.parametrize("part", ["project", "audit.append", "Receipt.objects.create", "Errand.objects.bulk_create"])
def test_where_any_part_fails_nothing_at_all_is_kept(here: Account, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr(f"{gate.__name__}.{part}", fails)
    before = (AuditRow.objects.count(), Receipt.objects.count(), Errand.objects.count(), Version.objects.count())
    with pytest.raises(DatabaseError), transaction.atomic():
        commit(act(here, key="k"), [Draft(resource=PATIENT)], errands=[("notice", {}, clock.now())])
    after = (AuditRow.objects.count(), Receipt.objects.count(), Errand.objects.count(), Version.objects.count())
    assert after == before
    assert read(here.practice, "Patient", "p1") is None


def test_derived_tables_made_again_from_the_record_are_the_same(here: Account) -> None:
    given = {
        "resourceType": "MedicationAdministration", "id": "d1", "status": "completed",
        "subject": {"reference": "Patient/p1"}, "medicationCodeableConcept": {"text": "Ketamine"},
        "effectiveDateTime": "2026-11-20", "dosage": {"dose": {"value": 35, "unit": "mg"}},
    }  # fmt: skip
    commit(act(here), [Draft(resource=PATIENT), Draft(resource=given)])

    def derived() -> list[list[str]]:
        found = []
        for table in (Term, PatientLine, ExposureLine):
            rows = table.objects.filter(practice=here.practice).values()
            found.append(sorted(json.dumps({k: v for k, v in r.items() if k != "id"}, default=str) for r in rows))
        return found

    before = derived()
    assert all(before)
    assert rebuild(here.practice) == 1
    assert derived() == before


def test_the_database_refuses_to_change_or_delete_the_trail(here: Account) -> None:
    audit.append("read-chart", outcome="done", account=here)
    attempts = [lambda: AuditRow.objects.all().delete(), lambda: AuditRow.objects.update(who="nobody")]
    if connection.vendor == "postgresql":
        attempts.append(lambda: connection.cursor().execute("TRUNCATE access_auditrow"))
    for attempt in attempts:
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_an_act_that_was_decided_on_a_record_that_has_gone_on_since_is_refused(here: Account) -> None:
    commit(act(here), [Draft(resource=PATIENT)])
    then = mark(here.practice, "p1")
    commit(act(here, mark=then), [Draft(resource=note())])
    with pytest.raises(Stale):
        commit(act(here, mark=then), [Draft(resource=note("o2"))])
    assert read(here.practice, "Observation", "o2") is None


@pytest.mark.usefixtures("committed")
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads of one process need a database server")
def test_of_many_acts_decided_on_the_same_record_exactly_one_is_done() -> None:
    here = practice_with()
    commit(act(here), [Draft(resource=PATIENT)])
    then, done, refused = mark(here.practice, "p1"), list[int](), list[int]()

    def attempt(number: int) -> None:
        try:
            commit(act(here, mark=then, key=f"k{number}"), [Draft(resource=note(f"o{number}"))])
            done.append(number)
        except Stale:
            refused.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(refused)) == (1, 7)
