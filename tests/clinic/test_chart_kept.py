"""A chart is read from the record once for each state of it: a change is seen, and who reaches less sees less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.actions.profile import state_facts
from clinic.queries import person
from clinic.queries.person import chart
from clinic.record.reach import Reach

SOMEONE = "treatment-resistant-depression"
Who = Callable[[str], Account]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose record was read, each time that one was."""
    found: list[str] = []
    reading = person.of_patient_at

    def told(within: Any, patient_id: str, place: int) -> Any:
        found.append(patient_id)
        return reading(within, patient_id, place)

    monkeypatch.setattr(person, "of_patient_at", told)
    person._chart.cache_clear()
    return found


def test_a_record_is_read_again_once_something_in_it_has_changed(account: Who, read: list[str]) -> None:
    nurse = account("nurse")
    first, again = (chart(reach(nurse), SOMEONE) for _ in range(2))
    assert first is not None
    assert first == again
    assert read == [SOMEONE]
    state_facts(first, {"vitals.height_cm": "171"}, by=nurse, reason="measured", key="")
    after = chart(reach(nurse), SOMEONE)
    assert after is not None
    assert after.person is not None
    assert after.person.known["vitals.height_cm"].value == 171.0
    assert after.mark > first.mark
    assert read == [SOMEONE] * 2


def test_a_change_that_was_taken_back_leaves_nothing_in_a_chart(account: Who, read: list[str]) -> None:
    nurse = account("nurse")
    for height in ("171", "172"):
        with transaction.atomic():
            found = chart(reach(nurse), SOMEONE)
            assert found is not None
            state_facts(found, {"vitals.height_cm": height}, by=nurse, reason="measured", key="")
            inside = chart(reach(nurse), SOMEONE)
            assert inside is not None
            assert inside.person is not None
            assert inside.person.known["vitals.height_cm"].value == float(height)
            transaction.set_rollback(True)


def test_what_was_read_for_somebody_who_reaches_more_is_not_shown_to_who_reaches_less(
    account: Who, read: list[str]
) -> None:
    nurse = account("nurse")
    whole = chart(reach(nurse), SOMEONE)
    part = chart(Reach(practice=nurse.practice, parts=frozenset({"person"})), SOMEONE)
    nobody = chart(Reach.nothing(nurse.practice), SOMEONE)
    assert whole is not None
    assert part is not None
    assert nobody is None
    assert len(part.bundle.resources) < len(whole.bundle.resources)
