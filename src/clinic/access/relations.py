"""Who belongs to whom at this moment? Care teams, caregivers, restricted charts, open emergencies; the rows alone.

What follows from them is for `access.permission` to say. All is read anew at each request, so that what has ended or
was taken back counts no more at the next one; within one, `at_one_instant` reads it once for all that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from clinic import clock
from clinic.access.models import Account, Emergency, Relationship, Restriction
from clinic.record.models import Practice

CARE_TEAM, CAREGIVER, GUARDIAN = "care-team", "caregiver", "guardian"
AT_HOME = (CAREGIVER, GUARDIAN)
"""Kinds of those who care at home: by the person's own wish, or for somebody who is not of age."""
EMERGENCY_MINUTES = 60
AGE_OF_MAJORITY = 18
"""Where the practice sets no other: `emergency_minutes` and `of_age_at` in its settings."""

_known: ContextVar[dict[tuple[str, int], frozenset[str]] | None] = ContextVar("known", default=None)


@contextmanager
def at_one_instant() -> Iterator[None]:
    """Within this block, in which nothing is done, teams and restrictions are looked up once and not for each row."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def _once(name: str, of: int, look: Callable[[], frozenset[str]]) -> frozenset[str]:
    known = _known.get()
    if known is None:
        return look()
    if (name, of) not in known:
        known[name, of] = look()
    return known[name, of]


def open_now(at: datetime) -> Q:
    """The condition that a row counts at this instant."""
    return Q(since__lte=at) & (Q(until=None) | Q(until__gt=at))


def is_team_only(practice: Practice) -> bool:
    """Whether only the care team opens a chart here, and not everybody who treats in the practice."""
    return practice.settings.get("team_only") is True


def team_of(account: Account) -> frozenset[str]:
    """The people in whose care team this account is."""

    def look() -> frozenset[str]:
        rows = account.relationships.filter(open_now(clock.now()), practice=account.practice_id, kind=CARE_TEAM)
        return frozenset(rows.values_list("patient_id", flat=True))

    return _once("team", account.pk, look)


def restricted(practice: Practice) -> frozenset[str]:
    """The people whose chart only their care team opens."""

    def look() -> frozenset[str]:
        rows = Restriction.objects.filter(open_now(clock.now()), practice=practice)
        return frozenset(rows.values_list("patient_id", flat=True))

    return _once("restricted", practice.pk, look)


def opened(account: Account) -> QuerySet[Emergency]:
    """The charts that this account has opened in an emergency that still lasts."""
    now = clock.now()
    return Emergency.objects.filter(
        account=account, practice=account.practice_id, opened_at__lte=now, until__gt=now
    ).order_by("-until")


def given_to(account: Account) -> frozenset[tuple[str, str]]:
    """The parts of people's records that a caregiver was given, as (person, part)."""
    rows = account.relationships.filter(open_now(clock.now()), practice=account.practice_id, kind__in=AT_HOME)
    return frozenset((row.patient_id, str(part)) for row in rows for part in row.parts)


def people_of(patient_id: str, practice: Practice) -> list[Relationship]:
    """Everybody who belongs to this person now, longest first."""
    rows = Relationship.objects.filter(open_now(clock.now()), practice=practice, patient_id=patient_id)
    return list(rows.select_related("account").order_by("since", "id"))


def begin_with(account: Account, patient_id: str) -> None:
    """Where only the care team opens a chart, whoever began this person's record is the first in it."""
    if is_team_only(account.practice):
        Relationship.objects.create(
            practice=account.practice, account=account, patient_id=patient_id, kind=CARE_TEAM, made_by=account.name,
            since=clock.now(),
        )  # fmt: skip


def emergency_minutes(practice: Practice) -> int:
    """How long an emergency lasts here."""
    stated = practice.settings.get("emergency_minutes")
    return stated if isinstance(stated, int) and 0 < stated <= 24 * 60 else EMERGENCY_MINUTES


def comes_of_age(born_on: date, practice: Practice) -> datetime:
    """The first instant of the day on which somebody is of age here, by the clinic's clock.

    Who was born on 29 February is of age on 1 March in years that have none.
    """
    stated = practice.settings.get("of_age_at")
    year = born_on.year + (stated if isinstance(stated, int) and 0 < stated < 100 else AGE_OF_MAJORITY)
    try:
        day = born_on.replace(year=year)
    except ValueError:
        day = date(year, 3, 1)
    return datetime.combine(day, time(0), ZoneInfo(practice.zone))
