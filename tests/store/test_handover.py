"""What colleagues owe each other is written once, whatever the database and however often it is sent."""

from __future__ import annotations

from datetime import date

import pytest

from clinic import clock
from clinic.access.models import Account, Role
from clinic.access.permission import Refused
from clinic.actions.handover import hand_over_shift, take_over
from clinic.actions.referral import Place, keep_place
from clinic.actions.staff import Seen, file_certificate
from clinic.practice.models import Certificate, CommunityPlace, Handover
from clinic.queries.handover import waiting


@pytest.fixture
def keeper(here: Account) -> Account:
    return Account.objects.create(username="keeper", name="Kim", role=Role.COORDINATOR, practice=here.practice)


def test_a_shift_sent_twice_is_handed_over_once_and_taken_over_by_its_receiver_alone(
    here: Account, elsewhere: Account, keeper: Account
) -> None:
    rows = [hand_over_shift(here.username, open_points="Room 3.", by=keeper, key="k") for _ in range(2)]
    assert rows[0] == rows[1] == Handover.objects.get(practice=here.practice)
    for other in (keeper, elsewhere):
        with pytest.raises(Refused):
            take_over(rows[0].pk, by=other)
    assert list(waiting(here)) == [rows[0]]
    assert [take_over(rows[0].pk, by=here) for _ in range(2)] == [True, False]
    assert not waiting(here).exists()


def test_certificates_and_places_stand_once(here: Account, keeper: Account) -> None:
    seen = Seen(username=here.username, kind="licence", valid_from=date(2025, 1, 1))
    place = Place(name="Shelter", kind="housing", contact="1", source="guide", checked_on=clock.today("UTC"))
    for _ in range(2):
        file_certificate(seen, by=keeper)
        keep_place(place, by=keeper)
    assert Certificate.objects.filter(practice=here.practice).count() == 1
    assert CommunityPlace.objects.filter(practice=here.practice).count() == 1
