"""Nothing is booked twice, whatever the database and however many book at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.records import CLINIC, KNOWLEDGE, good_record
from tests.records import person as fit
from tests.store.conftest import practice_with
from tests.store.places import place

from clinic import clock
from clinic.access.models import Account, Role
from clinic.actions import schedule as acts
from clinic.actions import session
from clinic.actions.commit import Act, Draft, Taken, commit
from clinic.actions.rooms import set_duty, set_room
from clinic.actions.schedule import book, cancel, move
from clinic.queries.booking import moving
from clinic.queries.person import Chart, chart
from clinic.record.models import Booking, Hold
from clinic.record.projections import rebuild
from ketapath import journey
from ketapath.domain.schedule import STANDING
from ketapath.errors import BadInput
from ketapath.fhir.encode import signed_plan

ZONE = "Europe/Berlin"
DAYS = {day: (time(8), time(16)) for day in range(7)}


def clinic_with(rooms: int, watches: int, people: int) -> tuple[Account, list[str]]:
    """A practice with so many rooms, one nurse who watches so many, a prescriber, and people; by its prescriber."""
    by = practice_with()
    boss = Account.objects.create(username=f"{by.username}-boss", name="Boss", role=Role.DIRECTOR, practice=by.practice)
    nurse = Account.objects.create(username=f"{by.username}-nurse", name="Ann", role=Role.NURSE, practice=by.practice)
    for number in range(rooms):
        set_room(f"r{number}", name=f"Room {number}", kind="treatment", place=number, by=boss)
    today = clock.today(ZONE)
    for who, count in ((nurse, watches), (by, 0)):
        set_duty(who.username, DAYS, first=today, last=today + timedelta(days=20), watches=count, by=boss)
    names = [f"{by.username}-p{number}" for number in range(people)]
    patients = [{"resourceType": "Patient", "id": name, "name": [{"family": name}]} for name in names]
    for patient in patients:
        commit(Act(name="state-fact", by=by, patient_id=str(patient["id"])), [Draft(resource=patient)])
    return by, names


def look(by: Account, person: str) -> Chart:
    found = chart(by.practice, person)
    assert found is not None
    return found


def raced(by: Account, people: list[str], act: Callable[[Chart, str], object]) -> list[str]:
    """All of them at the same instant, each in a thread: "done", or the limit that a refusal names."""
    start, said = threading.Barrier(len(people)), list[str]()

    def race(person: str) -> None:
        try:
            found = look(by, person)
            start.wait(10)
            act(found, person)
            said.append("done")
        except BadInput as refused:
            said.append(refused.limit)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return said


def tomorrow() -> date:
    """The next day on which a new practice is open, from Monday to Friday."""
    ahead = (clock.today(ZONE) + timedelta(days=days) for days in range(1, 8))
    return next(day for day in ahead if day.weekday() < 5)


def overlaps(by: Account) -> list[tuple[str, str, str]]:
    """Pairs of standing bookings that share a room, a person or a place of a colleague at one time; told from the
    bookings alone, not from what they hold."""
    rows = list(Booking.objects.filter(practice=by.practice, status__in=STANDING).order_by("starts_at"))
    found = []
    for index, one in enumerate(rows):
        for other in rows[index + 1 :]:
            if other.starts_at < one.ends_at and one.starts_at < other.ends_at:
                shared = {one.room} & {other.room} - {""} | {one.patient_id} & {other.patient_id}
                mine, theirs = (
                    {pair for pair in zip(b.staff, b.places, strict=True) if pair[1]} for b in (one, other)
                )  # fmt: skip
                found += [(one.appointment, other.appointment, str(what)) for what in shared | (mine & theirs)]
    return found


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "book", "book", "move", "cancel"]), st.integers(0, 2), st.integers(0, 31),
        st.sampled_from([30, 60, 120, 130]),
    ),
    min_size=4, max_size=10,
)  # fmt: skip


@pytest.mark.requirement(51)
@pytest.mark.django_db
@given(steps=STEPS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_booking_moving_and_cancelling_books_anything_twice(steps: list[tuple[str, int, int, int]]) -> None:
    by, people = clinic_with(rooms=2, watches=2, people=3)
    for number, (step, person, quarter, minutes) in enumerate(steps):
        found, key = look(by, people[person]), f"k{number}"
        at = (datetime.combine(tomorrow(), time(8)) + timedelta(minutes=15 * quarter)).time()
        standing = [b for b in found.bookings if b.status == "booked"]
        try:
            if step == "book":
                book(found, "session", tomorrow(), at, minutes=minutes, by=by, key=key)
            elif standing and step == "move":
                name = standing[0].origin.id
                preview = moving(found, name, tomorrow(), at)
                move(found, name, tomorrow(), at, seen=preview.digest, reason="", by=by, key=key)
            elif standing:
                cancel(found, standing[0].origin.id, reason="asked", by=by, key=key)
        except BadInput:
            pass
        assert overlaps(by) == []
    before = holds(by)
    rebuild(by.practice)
    assert holds(by) == before


def holds(by: Account) -> list[tuple[Any, ...]]:
    rows = Hold.objects.filter(practice=by.practice).order_by("resource", "slot")
    return list(rows.values_list("booking__appointment", "resource", "slot"))


def test_the_database_refuses_a_second_booking_that_nobody_looked_for(here: Account) -> None:
    by, (one, other) = clinic_with(rooms=1, watches=1, people=2)
    book(look(by, one), "session", tomorrow(), time(9), minutes=120, by=by, key="a")
    first = look(by, one).bookings[0]
    book(look(by, other), "session", tomorrow(), time(12), minutes=120, by=by, key="b")
    second = look(by, other).bookings[0]
    clash = replace(second, starts_at=first.starts_at + timedelta(minutes=115), ends_at=second.ends_at)
    with pytest.raises(Taken):
        commit(Act(name="move-booking", by=by, patient_id=other), [acts._written(look(by, other), clash)])
    assert overlaps(by) == []
    assert look(by, other).bookings[0].starts_at == second.starts_at


RACE = """
import os, sys, time, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from datetime import time as at
from pathlib import Path
from clinic.access.models import Account
from clinic.actions.schedule import book
from ketapath.errors import BadInput
from tests.store.test_schedule import look, tomorrow
by, person, go = Account.objects.get(role="prescriber"), sys.argv[1], Path(sys.argv[2])
found = look(by, person)
Path(sys.argv[2] + person).touch()
while not go.exists():
    time.sleep(0.002)
try:
    book(found, "session", tomorrow(), at(9), minutes=120, by=by, key=person)
    print("booked")
except BadInput as refused:
    print(refused.limit)
"""
MADE = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from tests.store.test_schedule import clinic_with
print(" ".join(clinic_with(rooms=1, watches=1, people=2)[1]))
"""
OVERLAPS = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from clinic.access.models import Account
from tests.store.test_schedule import overlaps
print(overlaps(Account.objects.get(role="prescriber")))
"""


@pytest.mark.slow
@pytest.mark.requirement(51)
def test_two_processes_that_book_the_last_place_at_the_same_moment_share_it_on_no_database(tmp_path: Path) -> None:
    made = place(tmp_path / "data")
    made.run_all(["create-practice", "real", "--name", "Real Clinic"])
    people = made.run(program=MADE).stdout.split()
    go = tmp_path / "go"
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, person, str(go)], env=made.surroundings, stdout=subprocess.PIPE,
                         text=True)
        for person in people
    ]  # fmt: skip
    deadline = clock.wall() + timedelta(seconds=60)
    while not all(Path(f"{go}{person}").exists() for person in people):
        assert clock.wall() < deadline
        threading.Event().wait(0.05)
    go.touch()
    said = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert said.count("booked") == 1, said
    assert "11:00" in next(words for words in said if words != "booked")
    assert made.run(program=OVERLAPS).stdout.strip() == "[]"


@pytest.mark.requirement(51)
@pytest.mark.usefixtures("committed")
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads of one process need a database server")
def test_of_four_who_book_the_last_place_at_the_same_moment_one_has_it_and_the_others_hear_what_is_free() -> None:
    by, people = clinic_with(rooms=1, watches=1, people=4)
    said = raced(
        by, people, lambda found, key: book(found, "session", tomorrow(), time(9), minutes=120, by=by, key=key)
    )
    assert said.count("done") == 1
    assert [words for words in said if words != "done" and "11:00" not in words] == []
    assert len(said) == len(people)
    assert overlaps(by) == []


@pytest.mark.requirement(51)
@pytest.mark.usefixtures("committed")
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads of one process need a database server")
def test_of_four_who_are_shown_into_one_room_at_the_same_moment_one_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    by, people = clinic_with(rooms=1, watches=1, people=4)
    offered = journey.planned(fit(good_record()), CLINIC, KNOWLEDGE, seed=1)
    for person in people:
        made = signed_plan(offered, offered.options[0], identity=f"plan-{person}", dose_mg=35.0, by=by.name,
                           at=clock.local(clock.now(), ZONE), recommendation="none")  # fmt: skip
        own = json.loads(json.dumps(made).replace(f"Patient/{offered.candidacy.patient_id}", f"Patient/{person}"))
        commit(Act(name="decide-plan", by=by, patient_id=person), [Draft(resource=one) for one in own])
    monkeypatch.setattr(session, "why_unsigned", lambda _found: None)  # signatures have tests of their own
    said = raced(by, people, lambda found, key: session.open_session(found, by=by, key=key, room="r0"))
    assert sorted(said) == ["a room in which nobody is"] * 3 + ["done"]


def test_a_booking_of_a_day_of_twenty_three_hours_holds_every_slot_of_it_once(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = ZoneInfo(ZONE)
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 3, 27, 12, tzinfo=zone))
    by, (one,) = clinic_with(rooms=1, watches=1, people=1)
    book(look(by, one), "session", date(2027, 3, 28), time(9), minutes=130, by=by, key="a")
    slots = list(Hold.objects.filter(practice=by.practice, resource="room/r0").values_list("slot", flat=True))
    nine = int(datetime(2027, 3, 28, 9, tzinfo=zone).timestamp()) // 300
    assert sorted(slots) == list(range(nine, nine + 26))
