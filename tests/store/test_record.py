"""The record keeps what it was given, every version of it, for one practice at a time."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from django.db import DatabaseError, connection, transaction
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access.models import Account
from clinic.record.models import Practice, Version
from clinic.record.read import history, mark, of_patient, of_patient_at, read, vread
from clinic.record.write import Stale, Write, write

ODD = '{"resourceType": "Observation",  "id": "o1", "valueQuantity": {"value": 1.50, "unit":"mg"},\n "x": "ü",\
 "effectiveDateTime": "2026-11-24T23:30:00-08:00", "extension": [{"url": "http://example.org/?", "valueDecimal": 1E2}]}'


def put(practice: Practice, text: str, *, expected: int = 0, patient: str = "p1") -> int:
    resource = json.loads(text)
    one = Write(
        kind=resource["resourceType"], identity=resource["id"], patient_id=patient, text=text, expected=expected
    )
    with transaction.atomic():
        return write(practice, [one], by="somebody", reason="because", at=clock.now())[0].version


def test_the_text_of_a_resource_comes_back_to_the_byte(here: Account) -> None:
    put(here.practice, ODD)
    stored = read(here.practice, "Observation", "o1")
    assert stored is not None
    assert stored.text == ODD
    assert stored.resource["meta"]["versionId"] == "1"


def test_every_version_stays_readable_with_who_and_why(here: Account) -> None:
    put(here.practice, '{"resourceType": "Basic", "id": "b", "n": 1}')
    put(here.practice, '{"resourceType": "Basic", "id": "b", "n": 2}', expected=1)
    versions = history(here.practice, "Basic", "b")
    assert [v.version for v in versions] == [2, 1]
    assert (versions[1].changed_by, versions[1].reason) == ("somebody", "because")
    old = vread(here.practice, "Basic", "b", 1)
    assert old is not None
    assert old.resource["n"] == 1


@pytest.mark.parametrize("expected", [0, 2, 9])
def test_a_write_against_a_version_that_does_not_stand_stores_nothing(here: Account, expected: int) -> None:
    put(here.practice, '{"resourceType": "Basic", "id": "b", "n": 1}')
    with pytest.raises(Stale) as found:
        put(here.practice, '{"resourceType": "Basic", "id": "b", "n": 2}', expected=expected)
    assert found.value.standing == 1
    assert len(history(here.practice, "Basic", "b")) == 1


def test_several_writes_are_stored_together_or_not_at_all(here: Account) -> None:
    put(here.practice, '{"resourceType": "Basic", "id": "b"}')
    good = Write(kind="Basic", identity="new", patient_id="p1", text='{"resourceType": "Basic"}', expected=0)
    stale = Write(kind="Basic", identity="b", patient_id="p1", text='{"resourceType": "Basic"}', expected=5)
    with pytest.raises(Stale), transaction.atomic():
        write(here.practice, [good, stale], by="x", reason="", at=clock.now())
    assert read(here.practice, "Basic", "new") is None


def test_a_batch_of_any_length_is_stored_in_order_and_a_stale_one_at_its_end_takes_all_back(here: Account) -> None:
    many = [
        Write(
            kind="Basic", identity=f"b{n}", patient_id="p1", text=f'{{"resourceType": "Basic", "n": {n}}}', expected=0
        )
        for n in range(1000)
    ]
    twice = [*many, Write(kind="Basic", identity="b7", patient_id="p1", text='{"resourceType": "Basic"}', expected=1)]
    stored = write(here.practice, twice, by="x", reason="", at=clock.now())
    assert [s.identity for s in stored] == [one.identity for one in twice]
    assert [s.version for s in history(here.practice, "Basic", "b7")] == [2, 1]
    place = mark(here.practice, "p1")
    again = [replace(one, expected=2 if one.identity == "b7" else 1) for one in many]
    with pytest.raises(Stale) as found, transaction.atomic():
        write(here.practice, [*again, replace(many[3], expected=1)], by="x", reason="", at=clock.now())
    assert (found.value.identity, found.value.standing) == ("b3", 2)
    assert mark(here.practice, "p1") == place


def test_two_practices_may_have_the_same_id_and_never_see_each_other(here: Account, elsewhere: Account) -> None:
    put(here.practice, '{"resourceType": "Basic", "id": "same", "of": "here"}')
    put(elsewhere.practice, '{"resourceType": "Basic", "id": "same", "of": "elsewhere"}')
    found = read(here.practice, "Basic", "same")
    assert found is not None
    assert found.resource["of"] == "here"
    assert [s.resource["of"] for s in of_patient(elsewhere.practice, "p1")] == ["elsewhere"]
    assert len(history(here.practice, "Basic", "same")) == 1


def test_a_person_can_be_read_as_the_record_stood_at_any_mark(here: Account) -> None:
    put(here.practice, '{"resourceType": "Basic", "id": "a", "n": 1}')
    then = mark(here.practice, "p1")
    put(here.practice, '{"resourceType": "Basic", "id": "a", "n": 2}', expected=1)
    put(here.practice, '{"resourceType": "Basic", "id": "b"}')
    assert [s.resource.get("n") for s in of_patient_at(here.practice, "p1", then)] == [1]
    assert len(of_patient_at(here.practice, "p1", mark(here.practice, "p1"))) == 2


def test_the_database_itself_refuses_to_change_history(here: Account) -> None:
    put(here.practice, '{"resourceType": "Basic", "id": "b"}')
    for attempt in (lambda: Version.objects.all().delete(), lambda: Version.objects.update(content="{}")):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


@pytest.mark.usefixtures("committed")
@pytest.mark.skipif(
    "connection.vendor == 'sqlite'",
    reason="threads of one process need a database server; tests/browser does it on SQLite",
)
def test_of_many_writers_who_saw_the_same_version_exactly_one_wins() -> None:
    here = practice_with()
    put(here.practice, '{"resourceType": "Basic", "id": "b"}')
    won: list[int] = []
    lost: list[int] = []

    def attempt(number: int) -> None:
        try:
            put(here.practice, f'{{"resourceType": "Basic", "id": "b", "n": {number}}}', expected=1)
            won.append(number)
        except Stale:
            lost.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = read(here.practice, "Basic", "b")
    assert stored is not None
    assert (len(won), len(lost), stored.version) == (1, 7, 2)
    assert stored.resource["n"] == won[0]
