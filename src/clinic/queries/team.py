"""Who belongs to a person? The care team, those who care at home, and who opened the chart in an emergency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from clinic import clock
from clinic.access import relations
from clinic.access.models import Account, Emergency, Relationship, Restriction, Role
from clinic.access.permission import PARTS, STAFF, reach
from clinic.record.models import PatientLine, Practice
from clinic.record.reach import Reach

GIVABLE = tuple(part for part, roles in PARTS.items() if Role.CAREGIVER in roles)
"""The parts of a record that somebody who cares at home may be given."""
SERVES = (*STAFF, Role.SERVICE)
"""Roles that have a place in a care team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Everybody who belongs to one person now, and whoever could. `of_age_at`: only of somebody who is not of age."""

    line: PatientLine
    members: tuple[Relationship, ...]
    at_home: tuple[Relationship, ...]
    restriction: Restriction | None
    is_team_only: bool
    of_age_at: datetime | None
    staff: tuple[Account, ...]
    caregivers: tuple[Account, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One emergency with the person whose chart was opened."""

    emergency: Emergency
    line: PatientLine | None


def team(within: Reach, patient_id: str) -> Team | None:
    """Who belongs to this person; None where nobody of this id is reached."""
    practice = within.practice
    line = within.people_of(PatientLine.objects.filter(patient_id=patient_id)).first()
    if line is None:
        return None
    everybody = relations.people_of(patient_id, practice)
    members = tuple(one for one in everybody if one.kind == relations.CARE_TEAM)
    accounts = Account.objects.filter(practice=practice, is_active=True).order_by("name", "id")
    of_age_at = None if line.born_on is None else relations.comes_of_age(line.born_on, practice)
    inside = {one.account_id for one in members}
    return Team(
        line=line,
        members=members,
        at_home=tuple(one for one in everybody if one.kind in relations.AT_HOME),
        restriction=standing_restriction(practice, patient_id),
        is_team_only=relations.is_team_only(practice),
        of_age_at=of_age_at if of_age_at is not None and of_age_at > clock.now() else None,
        staff=tuple(one for one in accounts.filter(role__in=SERVES) if one.pk not in inside),
        caregivers=tuple(accounts.filter(role=Role.CAREGIVER)),
    )


def standing_restriction(practice: Practice, patient_id: str) -> Restriction | None:
    """The restriction of this person's chart that counts now."""
    rows = Restriction.objects.filter(relations.open_now(clock.now()), practice=practice, patient_id=patient_id)
    return rows.order_by("-id").first()


def cared_for(account: Account) -> list[PatientLine]:
    """The people of whom this caregiver was given anything, by name."""
    people = {person for person, part in reach(account, "read-own").given if part == "person"}
    lines = PatientLine.objects.filter(practice=account.practice, patient_id__in=people)
    return list(lines.order_by("family", "given", "patient_id"))


def one_person(practice: Practice, *, identity: str = "", family: str = "", born_on: date | None = None) -> str | None:
    """The one person of this id, or of this family name and birth date; None where it is nobody or not only one."""
    lines = PatientLine.objects.filter(practice=practice)
    if identity:
        lines = lines.filter(patient_id=identity)
    elif family and born_on:
        lines = lines.filter(born_on=born_on)
    else:
        return None
    found = [line.patient_id for line in lines if identity or line.family.casefold() == family.casefold()]
    return found[0] if len(found) == 1 else None


def emergencies(practice: Practice) -> list[Opened]:
    """Every emergency of this practice, those first that nobody has reviewed, the newest first."""
    rows = list(Emergency.objects.filter(practice=practice).select_related("account").order_by("-opened_at")[:200])
    people = {row.patient_id for row in rows}
    lines = {line.patient_id: line for line in PatientLine.objects.filter(practice=practice, patient_id__in=people)}
    found = [Opened(emergency=row, line=lines.get(row.patient_id)) for row in rows]
    return sorted(found, key=lambda one: one.emergency.reviewed_at is not None)


def waiting_reviews(practice: Practice) -> int:
    """How many emergencies nobody has reviewed yet."""
    return Emergency.objects.filter(practice=practice, reviewed_at=None).count()
