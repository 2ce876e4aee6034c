"""What has a colleague handed over to whom, and what has nobody taken over yet?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import STAFF, reach
from clinic.practice.models import Handover
from clinic.queries.person import Chart
from clinic.record.models import PatientLine
from clinic.record.reach import Reach
from clinic.record.read import read
from ketapath.fhir.referrals import handover_of

RECENT = timedelta(days=2)
"""For how long one that was taken over still stands on the team's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One handover with its words, and whom it is about; `line` is None for a shift."""

    row: Handover
    open_points: str
    watch: str
    line: PatientLine | None


def waiting(account: Account) -> QuerySet[Handover]:
    """What was handed over to this account and not taken over yet."""
    return _reached(reach(account)).filter(receiver=account, acknowledged_at=None)


def handovers(account: Account) -> list[Told]:
    """All that is not taken over, of people whom this account reaches, the oldest first; then what was lately."""
    within = reach(account)
    since = clock.now() - RECENT
    rows = _reached(within).filter(Q(acknowledged_at=None) | Q(made_at__gte=since)).select_related("sender", "receiver")
    ordered = sorted(rows, key=lambda row: (row.acknowledged_at is not None, row.made_at))
    return [_told(within, row) for row in ordered]


def of_person(found: Chart) -> list[Told]:
    """The handovers of one person, the newest first."""
    rows = Handover.objects.filter(practice=found.practice, patient_id=found.patient_id).order_by("-made_at", "-id")
    return [_told(found.reach, row) for row in rows.select_related("sender", "receiver")[:20]]


def colleagues(account: Account) -> list[Account]:
    """To whom this account may hand over, by name."""
    staff = Account.objects.filter(practice=account.practice, is_active=True, role__in=STAFF).exclude(pk=account.pk)
    return list(staff.order_by("name", "id"))


def _reached(within: Reach) -> QuerySet[Handover]:
    rows = Handover.objects.filter(practice=within.practice)
    return within.people_of(rows.exclude(patient_id="")) | rows.filter(patient_id="")


def _told(within: Reach, row: Handover) -> Told:
    if not row.patient_id:
        return Told(row=row, open_points=row.open_points, watch=row.watch, line=None)
    stored = read(within, "Communication", row.communication)
    said = None if stored is None else handover_of(stored.resource)
    line = PatientLine.objects.filter(practice=within.practice, patient_id=row.patient_id).first()
    return Told(
        row=row,
        open_points="" if said is None else said.open_points,
        watch="" if said is None else said.watch,
        line=line,
    )
