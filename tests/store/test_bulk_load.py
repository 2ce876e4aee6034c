"""The loader with which the store is measured leaves the very rows that writing one by one would leave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from benchmarks.store_load import Text, load
from benchmarks.store_people import A_PERSON, texts
from django.db import transaction
from tests.store.searching import found, observation, put

from clinic import clock
from clinic.access.models import Account
from clinic.record.models import Current, Practice, Term, Version
from clinic.record.projections import rebuild
from clinic.record.write import Write, write


def one_by_one(practice: Practice, resources: Iterable[Text], **how: Any) -> None:
    for kind, identity, patient_id, text in resources:
        with transaction.atomic():
            write(practice, [Write(kind=kind, identity=identity, patient_id=patient_id, text=text, expected=0)], **how)


def rows(practice: Practice) -> list[list[tuple[Any, ...]]]:
    """All rows of the record but for their numbers; terms by the resource they belong to."""
    found = []
    for table in (Current, Version, Term):
        names = [f.name for f in table._meta.concrete_fields if f.name not in ("id", "practice", "resource")]
        names += ["resource__kind", "resource__identity"] if table is Term else []
        found.append(sorted(table.objects.filter(practice=practice).values_list(*names), key=repr))
    return found


@pytest.mark.parametrize("people", [3, pytest.param(10_000 // A_PERSON, marks=pytest.mark.slow)])
def test_the_bulk_loader_and_the_ordinary_way_leave_the_same_record(
    here: Account, elsewhere: Account, people: int
) -> None:
    how = {"by": "somebody", "reason": "moved", "at": clock.now()}
    one_by_one(here.practice, texts(0, people), **how)
    assert load(elsewhere.practice, texts(0, people), **how) == people * A_PERSON
    assert rows(here.practice) == rows(elsewhere.practice)
    assert rebuild(here.practice) == rebuild(elsewhere.practice) == people


def test_after_a_bulk_load_the_ordinary_way_goes_on(here: Account) -> None:
    load(here.practice, texts(0, 1), by="somebody", reason="", at=clock.now())
    put(here.practice, observation("next", "person-0", code={"coding": [{"code": "x"}]}))
    assert found(here.practice, "Observation?patient=person-0&code=x") == ["next"]
