"""Role, relationship and part together decide who reaches what; each is read anew, on either database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access import relations
from clinic.access.models import Account, AuditRow, Emergency, Relationship, Restriction, Role
from clinic.access.permission import ACTS, PARTS, Refused, may, reach
from clinic.actions.commit import Act, Draft, commit
from clinic.actions.moved import move_record
from clinic.actions.team import break_glass, join_team, leave, let_in, lift, restrict, review
from clinic.queries.alerts import EMERGENCY, waiting
from clinic.queries.patients import is_reached, patients
from clinic.queries.person import chart
from clinic.queries.team import cared_for
from clinic.queries.today import unseen
from clinic.record.models import Current, Notice, PatientLine, Practice, Version
from clinic.record.reach import Reach
from clinic.record.read import history, of_patient, read
from ketapath.errors import BadInput
from ketapath.fhir.encode import LOCAL

_numbers = itertools.count()
WHY = "found unconscious in the waiting room"
PROCESS = {"coding": [{"system": LOCAL, "code": "process-note"}]}
House = Callable[..., Account]


def account(practice: Practice, role: Role, patient_id: str = "") -> Account:
    name = f"{role.value}-{next(_numbers)}"
    return Account.objects.create(username=name, name=name.title(), role=role, practice=practice, patient_id=patient_id)


def patient(identity: str, born: str = "1980-05-06", family: str = "") -> dict[str, Any]:
    name = [{"family": family or f"Family-{identity}", "given": ["Ann"]}]
    return {"resourceType": "Patient", "id": identity, "birthDate": born, "name": name}


def of(kind: str, identity: str, person: str, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": identity,
        "status": "final",
        "subject": {"reference": f"Patient/{person}"},
        **fields,
    }


def process_note(identity: str, person: str, words: str = "secret") -> dict[str, Any]:
    return of("DocumentReference", identity, person, status="current", type=PROCESS, description=words)


def keep(by: Account, person: str, *resources: dict[str, Any], name: str = "import-record") -> None:
    commit(Act(name=name, by=by, patient_id=person), [Draft(resource=resource) for resource in resources])


@pytest.fixture
def house(db: None) -> House:
    """A practice of two people: the account of each role in it, made when it is first asked for."""
    director = practice_with(Role.DIRECTOR)
    practice, made = director.practice, {Role.DIRECTOR: director}
    for person in ("p1", "p2"):
        apart = process_note(f"n-{person}", person), of("ResearchSubject", f"r-{person}", person)
        keep(director, person, patient(person), of("Observation", f"o-{person}", person), *apart)

    def of_role(role: Role = Role.DIRECTOR, *, another: bool = False) -> Account:
        if another or role not in made:
            made[role] = account(practice, role, "p1" if role == Role.PATIENT else "")
        return made[role]

    return of_role


def found_in(within: Reach) -> set[str]:
    return {row.identity for row in within.over(Current.objects.all())}


def set_practice(by: Account, **settings: Any) -> None:
    by.practice.settings = {**by.practice.settings, **settings}
    by.practice.save()


@pytest.mark.requirement(11)
@pytest.mark.parametrize("role", Role)
def test_who_is_not_named_for_an_act_is_refused_and_an_unknown_act_is_nobodys(house: House, role: Role) -> None:
    somebody = house(role)
    assert not may(somebody, "no-such-act")
    allowed = {act for act in ACTS if may(somebody, act)}
    assert allowed == ({act for act, roles in ACTS.items() if role in roles} if role != Role.SERVICE else set())


@pytest.mark.requirement(12, 14)
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.PRESCRIBER, {"p1", "o-p1", "p2", "o-p2"}),
        (Role.PHARMACIST, {"p1", "o-p1", "p2", "o-p2"}),
        (Role.THERAPIST, {"p1", "o-p1", "p2", "o-p2"}),
        (Role.DIRECTOR, {"p1", "o-p1", "r-p1", "p2", "o-p2", "r-p2"}),
        (Role.RESEARCHER, set()),
        (Role.CAREGIVER, set()),
        (Role.SERVICE, set()),
        (Role.PATIENT, {"p1", "o-p1"}),
    ],
)
def test_a_role_reaches_its_parts_and_a_patient_the_own_record_alone(
    house: House, role: Role, expected: set[str]
) -> None:
    assert found_in(reach(house(role))) == expected


@pytest.mark.requirement(16)
def test_a_changed_role_and_a_closed_account_count_at_the_next_request(house: House) -> None:
    nurse = house(Role.NURSE)
    assert may(nurse, "give-dose", patient_id="p1")
    Account.objects.filter(pk=nurse.pk).update(role=Role.COORDINATOR)
    assert not may(Account.objects.get(pk=nurse.pk), "give-dose", patient_id="p1")
    Account.objects.filter(pk=nurse.pk).update(role=Role.NURSE, is_active=False)
    closed = Account.objects.get(pk=nurse.pk)
    assert not may(closed, "read-chart", patient_id="p1")
    assert not found_in(reach(closed))


@pytest.mark.requirement(18)
def test_a_service_does_what_its_token_says_and_never_more_than_its_account(house: House) -> None:
    service = house(Role.SERVICE)
    service.scopes = ["read"]
    assert found_in(reach(service)) == {"p1", "o-p1", "p2", "o-p2"}
    assert not may(service, "give-dose", patient_id="p1")
    own = house(Role.PATIENT)
    own.scopes = ["read", "write"]
    assert found_in(reach(own)) == {"p1", "o-p1"}
    nurse = house(Role.NURSE)
    nurse.scopes = ["read"]
    assert may(nurse, "read-chart", patient_id="p1")
    assert not may(nurse, "give-dose", patient_id="p1")
    nurse.scopes = ["write"]
    assert not may(nurse, "read-chart", patient_id="p1")


@pytest.mark.requirement(14)
def test_process_notes_are_read_by_the_therapist_of_the_person_alone(house: House) -> None:
    therapist, director = house(Role.THERAPIST), house()
    assert not may(therapist, "read-chart", patient_id="p1", part="process-notes")
    join_team("p1", therapist.username, reason="", by=director)
    assert may(therapist, "read-chart", patient_id="p1", part="process-notes")
    assert not may(therapist, "read-chart", patient_id="p2", part="process-notes")
    assert "n-p1" not in found_in(reach(therapist, "answer-score"))  # nor with any act that is no reading
    assert found_in(reach(therapist)) == {"p1", "o-p1", "n-p1", "p2", "o-p2"}
    for role in Role:
        somebody = therapist if role == Role.THERAPIST else house(role)
        if role != Role.THERAPIST and role not in (Role.PATIENT, Role.CAREGIVER, Role.RESEARCHER):
            join_team("p1", somebody.username, reason="", by=director)
        assert ("n-p1" in found_in(reach(somebody))) is (role == Role.THERAPIST), role


@pytest.mark.requirement(14)
def test_a_note_stays_apart_whoever_writes_it_anew(house: House) -> None:
    prescriber = house(Role.PRESCRIBER)
    bare = of("DocumentReference", "n-p1", "p1", status="current", description="secret")
    with pytest.raises(BadInput, match="label"):
        commit(Act(name="state-fact", by=prescriber, patient_id="p1"), [Draft(resource=bare, expected=1)])
    with pytest.raises(Refused):
        commit(Act(name="state-fact", by=prescriber, patient_id="p1"), [Draft(resource=process_note("new", "p1"))])
    assert {v.part for v in Version.objects.filter(practice=prescriber.practice, identity="n-p1")} == {"process-notes"}
    assert history(reach(prescriber), "DocumentReference", "n-p1") == []
    assert read(reach(prescriber), "DocumentReference", "n-p1") is None


@pytest.mark.requirement(14)
def test_a_chart_and_the_lists_hold_nothing_that_stands_apart(house: House) -> None:
    therapist, director = house(Role.THERAPIST), house()
    join_team("p1", therapist.username, reason="", by=director)
    for within in (reach(therapist), reach(director), director.practice):
        found = chart(within, "p1")
        assert found is not None
        assert {r["id"] for r in found.bundle.resources} == {"o-p1"}


@pytest.mark.requirement(13, 17)
def test_a_restricted_chart_is_its_care_teams_and_is_not_found_counted_or_hinted_at(house: House) -> None:
    director, nurse, other = house(), house(Role.NURSE), house(Role.NURSE, another=True)
    with pytest.raises(BadInput, match="care team"):
        restrict("p1", reason="a colleague of ours", by=director)
    join_team("p1", nurse.username, reason="", by=director)
    Notice.objects.create(
        practice=director.practice, patient_id="p1", role="nurse", key="plan.signed", made_at=clock.now()
    )
    restrict("p1", reason="a colleague of ours", by=director)
    for somebody, is_inside in ((nurse, True), (other, False), (director, False)):
        within = reach(somebody)
        assert ("p1" in found_in(within)) is is_inside
        assert [line.patient_id for line in patients(within)] == (["p1", "p2"] if is_inside else ["p2"])
        assert bool(patients(within, name="Family-p1")) is is_inside
        assert (chart(within, "p1") is not None) is is_inside
        assert unseen(somebody).exists() is is_inside
        assert may(somebody, "read-chart", patient_id="p1") is is_inside
        assert len(of_patient(within, "p1")) == (2 if is_inside else 0)
    assert may(director, "set-team", patient_id="p1")
    lift("p1", by=director)
    assert may(other, "read-chart", patient_id="p1")


@pytest.mark.requirement(12)
def test_where_only_the_care_team_opens_a_chart_a_new_record_begins_with_whoever_took_it_in(house: House) -> None:
    director, coordinator = house(), house(Role.COORDINATOR)
    set_practice(director, team_only=True)
    assert not patients(reach(coordinator))
    with pytest.raises(Refused):
        keep(coordinator, "p2", of("Observation", "o-new", "p2"))
    keep(coordinator, "p3", patient("p3"))
    assert [line.patient_id for line in patients(reach(coordinator))] == ["p3"]
    nurse = house(Role.NURSE)
    join_team("p3", nurse.username, reason="", by=coordinator)
    assert found_in(reach(nurse)) == {"p3"}
    standing = Relationship.objects.get(account=nurse)
    assert leave(standing.pk, patient_id="p3", reason="moved away", by=coordinator)
    assert not leave(standing.pk, patient_id="p3", reason="", by=coordinator)
    assert not found_in(reach(nurse))


@pytest.mark.requirement(17)
def test_a_relationship_ends_at_the_border_of_the_practice(house: House, elsewhere: Account) -> None:
    ours, director = house(Role.CAREGIVER), house()
    keep(account(elsewhere.practice, Role.DIRECTOR), "p1", patient("p1"), of("Observation", "theirs", "p1"))
    Relationship.objects.create(
        practice=elsewhere.practice, account=ours, patient_id="p1", kind="caregiver", parts=["person", "chart"],
        made_by="", since=clock.now() - timedelta(1),
    )  # fmt: skip
    assert not found_in(reach(ours))
    with pytest.raises(BadInput, match="account"):
        join_team("p1", elsewhere.username, reason="", by=director)
    assert break_glass(identity="theirs", reason=WHY, by=house(Role.NURSE)) is None


@pytest.mark.requirement(20)
def test_a_caregiver_reaches_the_parts_that_were_given_for_as_long_as_they_were(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caregiver, coordinator = house(Role.CAREGIVER), house(Role.COORDINATOR)
    keep(house(), "p1", of("ResearchSubject", "arm", "p1"))
    today = clock.today(coordinator.practice.zone)
    let_in("p1", caregiver.username, "caregiver", ["chart"], last_day=today, reason="", by=coordinator)
    let_in("p2", caregiver.username, "caregiver", [], last_day=None, reason="", by=coordinator)
    assert found_in(reach(caregiver)) == {"p1", "o-p1", "p2"}
    assert [line.patient_id for line in cared_for(caregiver)] == ["p1", "p2"]
    assert not may(caregiver, "read-chart", patient_id="p1")
    assert may(caregiver, "read-own", patient_id="p1")
    assert not may(caregiver, "read-own", patient_id="p2")
    with pytest.raises(BadInput):
        let_in("p1", caregiver.username, "caregiver", ["process-notes"], last_day=None, reason="", by=coordinator)
    with pytest.raises(BadInput, match="day"):
        let_in("p1", caregiver.username, "caregiver", [], last_day=today - timedelta(1), reason="", by=coordinator)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1, hours=1))
    assert found_in(reach(caregiver)) == {"p2"}
    Relationship.objects.filter(account=caregiver, patient_id="p2").update(parts=["person", "process-notes", "course"])
    assert found_in(reach(caregiver)) == {"p2"}


@pytest.mark.requirement(20)
def test_what_was_given_anew_takes_the_place_of_what_was_given_before(house: House) -> None:
    caregiver, coordinator = house(Role.CAREGIVER), house(Role.COORDINATOR)
    let_in("p1", caregiver.username, "caregiver", ["chart"], last_day=None, reason="", by=coordinator)
    let_in("p1", caregiver.username, "caregiver", [], last_day=None, reason="", by=coordinator)
    assert found_in(reach(caregiver)) == {"p1"}
    assert Relationship.objects.filter(account=caregiver).count() == 2


@pytest.mark.requirement(20)
@pytest.mark.parametrize(("age", "year"), [(18, 2028), (16, 2026)])
def test_a_guardians_access_ends_on_the_day_on_which_the_person_is_of_age_here(
    house: House, monkeypatch: pytest.MonkeyPatch, age: int, year: int
) -> None:
    director, guardian = house(), house(Role.CAREGIVER)
    set_practice(director, of_age_at=age)
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    keep(director, "young", patient("young", born="2010-12-05"))
    let_in("young", guardian.username, "guardian", ["chart"], last_day=None, reason="mother", by=director)
    for instant, is_open in (
        (datetime(year, 12, 4, 22, 59, tzinfo=UTC), True),  # a minute before midnight in Berlin
        (datetime(year, 12, 4, 23, 0, tzinfo=UTC), False),
    ):
        monkeypatch.setattr(clock, "now", lambda: instant)  # noqa: B023
        assert ("young" in found_in(reach(guardian))) is is_open
    with pytest.raises(BadInput, match="guardian"):
        let_in("young", guardian.username, "guardian", ["chart"], last_day=None, reason="mother", by=director)
    with pytest.raises(BadInput, match="guardian"):
        let_in("p1", guardian.username, "guardian", ["chart"], last_day=None, reason="mother", by=director)


def test_who_was_born_on_a_leap_day_comes_of_age_on_the_first_of_march(house: House) -> None:
    assert relations.comes_of_age(date(2008, 2, 29), house().practice).date() == date(2026, 3, 1)


@pytest.mark.requirement(10)
def test_an_emergency_opens_one_chart_for_a_while_tells_the_directors_and_is_reviewed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    director, therapist, member = house(), house(Role.THERAPIST), house(Role.NURSE)
    set_practice(director, emergency_minutes=30)
    join_team("p1", member.username, reason="", by=director)
    restrict("p1", reason="a colleague of ours", by=director)
    with pytest.raises(BadInput, match="reason"):
        break_glass(identity="p1", reason="short", by=therapist)
    assert break_glass(family="family-P1", born_on=date(1980, 5, 6), reason=WHY, by=therapist) == "p1"
    assert {"p1", "o-p1"} <= found_in(reach(therapist))
    assert "n-p1" not in found_in(reach(therapist))
    assert may(therapist, "answer-score", patient_id="p1")
    assert not may(house(Role.PRESCRIBER), "read-chart", patient_id="p1")
    assert set(Notice.objects.filter(key=EMERGENCY).values_list("role", flat=True)) == {"prescriber"}
    assert [(a.owner, a.patient_id) for a in waiting(director).filter(kind=EMERGENCY)] == [(director, "")]
    assert not unseen(house(Role.PRESCRIBER)).exists()
    row = AuditRow.objects.filter(act="break-glass", practice=director.practice.slug).latest("id")
    assert (row.outcome, row.who, row.patient_id) == ("done", therapist.username, "p1")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=31))
    assert "p1" not in found_in(reach(therapist))
    emergency = Emergency.objects.get(account=therapist)
    Account.objects.filter(pk=therapist.pk).update(role=Role.DIRECTOR)
    with pytest.raises(Refused):
        review(emergency.pk, "it had to be, I think", by=Account.objects.get(pk=therapist.pk))
    with pytest.raises(Refused):
        review(emergency.pk, "it had to be, I think", by=member)
    assert review(emergency.pk, "it had to be: called by the ward", by=director)
    assert not review(emergency.pk, "another word about it", by=director)


@pytest.mark.requirement(10, 13)
def test_an_emergency_says_nothing_of_who_is_on_record_and_does_nothing_where_the_chart_is_open(house: House) -> None:
    nurse = house(Role.NURSE)
    keep(house(), "twin", patient("twin", family="Family-p1"))
    for wrong in (
        {"identity": "nobody"},
        {"family": "Family-p1", "born_on": date(1980, 5, 6)},
        {"family": "Family-p2"},
    ):
        assert break_glass(**wrong, reason=WHY, by=nurse) is None  # type: ignore[arg-type]
        row = AuditRow.objects.latest("id")
        assert (row.act, row.outcome) == ("break-glass", "refused")
        assert "amily-p" not in f"{row.asked}{row.entities}{row.patient_id}"
    assert break_glass(identity="p1", reason=WHY, by=nurse) == "p1"
    assert not Emergency.objects.exists()
    for role in set(Role) - {Role.PRESCRIBER, Role.NURSE, Role.THERAPIST}:
        with pytest.raises(Refused):
            break_glass(identity="p1", reason=WHY, by=house(role))


@pytest.mark.requirement(19)
def test_a_record_that_is_moved_leaves_both_trails(house: House) -> None:
    director = house()
    about = '"status":"final","subject":{"reference":"Patient/p1"}'
    said = f'{{"resourceType":"Observation","id":"w",{about},"valueDecimal":1.50}}'
    commit(Act(name="import-record", by=director, patient_id="p1"), [Draft(resource=json.loads(said), text=said)])
    found = chart(reach(director), "p1")
    assert found is not None
    before = AuditRow.objects.latest("id").pk
    done = move_record(found, "Observation/w", "p2", by=director, reason="the other Ann", key="k")
    again = move_record(found, "Observation/w", "p2", by=director, reason="the other Ann", key="k")
    assert again.is_repeat
    assert len(done.versions) == 2
    there = next(s for s in of_patient(director.practice, "p2") if s.identity.startswith("moved-"))
    assert '"valueDecimal":1.50' in there.text
    assert "p1" not in there.text
    versions = history(director.practice, "Observation", "w")
    assert [(v.version, v.resource["status"], v.patient_id) for v in versions] == [
        (2, "entered-in-error", "p1"), (1, "final", "p1"),
    ]  # fmt: skip
    rows = AuditRow.objects.filter(pk__gt=before, act="move-record", outcome="done")
    assert sorted(row.patient_id for row in rows) == ["p1", "p2"]
    assert all("moved" in v.reason for v in (versions[0], there_version(there.identity)))


def there_version(identity: str) -> Version:
    return Version.objects.get(identity=identity)


@pytest.mark.requirement(19)
def test_only_a_director_moves_and_never_to_somebody_hidden_or_from_a_plan(house: House) -> None:
    director = house()
    keep(director, "p1", {**of("CarePlan", "plan", "p1", status="active"),
                          "category": [{"coding": [{"system": LOCAL, "code": "ketamine-plan"}]}]},
         of("MedicationRequest", "order", "p1", status="active", basedOn=[{"reference": "CarePlan/plan"}]))  # fmt: skip
    found = chart(reach(director), "p1")
    assert found is not None
    for role in set(Role) - {Role.DIRECTOR}:
        with pytest.raises(Refused):
            move_record(found, "Observation/o-p1", "p2", by=house(role), reason="why", key="")
    for source, to, reason in (
        ("Observation/o-p1", "nobody", "why"), ("Observation/o-p1", "p1", "why"), ("Observation/o-p1", "p2", ""),
        ("Patient/p1", "p2", "why"), ("CarePlan/plan", "p2", "why"), ("MedicationRequest/order", "p2", "why"),
        ("Observation/o-p2", "p2", "why"), ("DocumentReference/n-p1", "p2", "why"),
    ):  # fmt: skip
        with pytest.raises(BadInput):
            move_record(found, source, to, by=director, reason=reason, key="")
    join_team("p2", house(Role.NURSE).username, reason="", by=director)
    restrict("p2", reason="a colleague of ours", by=director)
    with pytest.raises(BadInput, match="person"):
        move_record(found, "Observation/o-p1", "p2", by=director, reason="why", key="")


@pytest.mark.requirement(14)
def test_what_stands_when_the_rules_come_is_given_its_part_and_stays_guarded(house: House) -> None:
    director, migration = house(), import_module("clinic.migrations.access.0004_access_rules")
    steps = [step.code for step in migration.Migration.operations]
    editor = SimpleNamespace(connection=connection, execute=lambda words: connection.cursor().execute(words))
    if connection.vendor == "postgresql":
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    parts = dict(Version.objects.filter(practice=director.practice).values_list("identity", "part"))
    assert set(parts.values()) == {"person", "chart", "process-notes", "study-arm"}
    steps[0](apps, editor)
    for table in (Current, Version):
        table.objects.filter(practice=director.practice).update(part="chart")
    for step in steps[1:]:
        step(apps, editor)
    for table in (Current, Version):
        rows = table.objects.filter(practice=director.practice)
        assert dict(rows.values_list("identity", "part")) == parts
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Version.objects.filter(practice=director.practice).update(part="chart")


@pytest.mark.requirement(12)
def test_a_reach_holds_what_it_finds(house: House) -> None:
    """What is asked about one person and what a list finds are one decision, for every role, person and part."""
    director, therapist = house(), house(Role.THERAPIST)
    join_team("p1", therapist.username, reason="", by=director)
    restrict("p1", reason="a colleague of ours", by=director)
    let_in("p2", house(Role.CAREGIVER).username, "caregiver", ["chart"], last_day=None, reason="", by=director)
    for role in Role:
        somebody, names = house(role), {"person": "{}", "chart": "o-{}", "process-notes": "n-{}", "study-arm": "r-{}"}
        for person, (part, name) in itertools.product(("p1", "p2"), names.items()):
            within = reach(somebody)
            assert within.holds(person, part) is (name.format(person) in found_in(within)), (role, person, part)
            assert is_reached(within, person) is within.holds(person), (role, person)
    assert PatientLine.objects.filter(practice=director.practice).count() == 2
    assert set(PARTS) > {"person"}
    assert Restriction.objects.filter(practice=director.practice).count() == 1
