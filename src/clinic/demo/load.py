"""How does an empty folder become a demonstration clinic? Two practices, their accounts, their people."""

from __future__ import annotations

import json

from django.db import transaction
from django.utils.crypto import salted_hmac

from clinic import clock
from clinic.access.models import Account, Role
from clinic.access.sign_in import LETTERS
from clinic.actions.patients import import_record
from clinic.actions.team import let_in
from clinic.demo import ZONE
from clinic.demo.stages import neighbours
from clinic.demo.story import play
from clinic.demo.watch import keep_watch
from clinic.jobs import do_next
from clinic.record.models import Current, Practice

_STAFF = (
    ("prescriber", "Dr Ada Lindqvist", Role.PRESCRIBER),
    ("nurse", "Bo Marsh", Role.NURSE),
    ("therapist", "Chidi Arnaud", Role.THERAPIST),
    ("coordinator", "Dana Weiss", Role.COORDINATOR),
    ("director", "Dr Eli Novak", Role.DIRECTOR),
    ("pharmacist", "Femi Roth", Role.PHARMACIST),
    ("researcher", "Dr Ines Calder", Role.RESEARCHER),
    ("caregiver", "Sami Mansour", Role.CAREGIVER),
)
_COLLEAGUES = (
    ("prescriber-aziz", "Dr Samir Aziz", Role.PRESCRIBER),
    ("nurse-osei", "Efua Osei", Role.NURSE),
    ("nurse-reyes", "Ana Reyes", Role.NURSE),
    ("therapist-duarte", "Rui Duarte", Role.THERAPIST),
    ("therapist-kim", "Min-ji Kim", Role.THERAPIST),
)
_OF_THE_DAY: dict[str, object] = {"routes": ["iv", "nasal", "im"]}
_OWN_RECORD = "first-language-arabic"
_SETTINGS: dict[str, dict[str, object]] = {
    "harbour": {
        "jurisdiction": "US",
        "languages": ["en", "es"],
        "acls_on_site": True,
        "rems_certified": True,
        "weekdays": [0, 1, 2, 3, 4, 5, 6],  # open every day, so that the demonstration has sessions on any day
        "currency": "USD",
        "prices": {
            "esketamine/nasal": 890.0,
            "racemic/iv": 480.0,
            "preparation": 180.0,
            "integration": 150.0,
            "psychotherapy": 150.0,
            "review": 120.0,
        },
    },
    "hillside": {"jurisdiction": "UK", "languages": ["en"], "products": ["racemic", "esketamine"]},
}


class NotADemo(Exception):
    """This data folder holds people who are not the demonstration's."""


def load_demo(*, with_day: bool = True) -> bool:
    """Fill an empty folder; True where it was filled now, False where the demonstration is there already.

    Without `with_day` the house is small: the twelve people, one colleague of each role, no rooms and no cupboard.
    Raises NotADemo where a practice that is no demonstration has people in it.
    """
    if Practice.objects.filter(is_demo=False).exists():
        raise NotADemo
    if Practice.objects.filter(is_demo=True).exists():
        return False
    with transaction.atomic():
        harbour = _practice("harbour", "Harbour Clinic", ZONE, with_day=with_day)
        hillside = _practice("hillside", "Hillside Clinic", "Europe/London", with_day=False)
        _fill(harbour, with_day=with_day)
        _fill_neighbours(hillside)
    return True


def accounts() -> list[Account]:
    """The demonstration's accounts, first practice first."""
    return list(Account.objects.filter(practice__is_demo=True, is_active=True).order_by("id"))


def signs_with(account: Account) -> str:
    """The password that this invented person signs with, the same at every start of this installation.

    It comes from the installation's own key, so that it is kept nowhere, and it is set where it is not set yet.
    """
    mac = salted_hmac("ketapath.demo.signs-with", account.username, algorithm="sha256").digest()
    letters = "".join(LETTERS[byte % len(LETTERS)] for byte in mac[:8])
    secret = f"{letters[:4]}-{letters[4:]}"
    if not account.check_password(secret):
        account.set_password(secret)
        account.save(update_fields=["password"])
    return secret


def _practice(slug: str, name: str, zone: str, *, with_day: bool) -> Practice:
    crisis = {
        "line": "555-0100",
        "words": "the clinic's crisis line, answered at any hour",
        "source": "demonstration number, reserved for fiction; a real clinic sets its own",
        "approved_by": "Dr Eli Novak (demonstration)",
    }
    practice = Practice.objects.create(
        slug=slug, name=name, zone=zone, is_demo=True,
        settings={**_SETTINGS[slug], **(_OF_THE_DAY if with_day else {}), "crisis": crisis},
    )  # fmt: skip
    staff = (*_STAFF, *_COLLEAGUES[: None if with_day else 0]) if slug == "harbour" else _STAFF[:1]
    prefix = "" if slug == "harbour" else f"{slug}-"
    for username, person, role in staff:
        shown = person if slug == "harbour" else "Dr Fern Okada"
        account = Account(username=f"{prefix}{username}", name=shown, role=role, practice=practice)
        account.set_unusable_password()
        account.save()
    keep_watch(practice)
    return practice


def _fill(practice: Practice, *, with_day: bool) -> None:
    staff = {account.username: account for account in Account.objects.filter(practice=practice)}
    play(practice, staff, with_day=with_day)
    patient = Account(
        username="patient", name="Layla Mansour", role=Role.PATIENT, practice=practice, patient_id=_OWN_RECORD
    )
    patient.set_unusable_password()
    patient.save()
    reason = "Her own wish, said to the coordinator (demonstration)."
    let_in(_OWN_RECORD, "caregiver", "caregiver", ["chart"], last_day=None, reason=reason, by=staff["coordinator"])


def _fill_neighbours(practice: Practice) -> None:
    """The second practice, whose people the first must never see; its director takes them in."""
    director = Account(username="hillside-director", name="Dr Gus Perry", role=Role.DIRECTOR, practice=practice)
    director.set_unusable_password()
    director.save()
    for person in neighbours(clock.today(practice.zone)):
        import_record(_bytes(person.bundle()), by=director)
    while do_next():  # the story does its own errands
        pass
    assert Current.objects.filter(practice=practice, kind="Patient").count() == 2


def _bytes(bundle: dict[str, object]) -> bytes:
    return json.dumps(bundle, ensure_ascii=False).encode()
