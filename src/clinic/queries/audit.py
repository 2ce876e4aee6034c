"""What does the trail say? Rows by who, whom, act, outcome and time; and for one person, who opened the record."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from clinic import clock
from clinic.access.events import COLUMNS, event_of, line_of
from clinic.access.models import Account, AuditRow, AuditSeal, Emergency
from clinic.access.sealing import unsealed
from clinic.record.models import Errand, Practice

VERIFICATION = "verify-audit"
"""The errand that keeps the verdict of the last verification."""
_TOGETHER = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which rows are wanted: of one practice (None: of all), and of what is not empty. `until` is excluded."""

    practice: Practice | None
    who: str = ""
    patient_id: str = ""
    act: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def rows(self) -> QuerySet[AuditRow]:
        """The rows, newest first."""
        found = AuditRow.objects.order_by("-id")
        if self.practice is not None:
            found = found.filter(practice=self.practice.slug)
        for name in ("who", "patient_id", "act", "outcome"):
            if getattr(self, name):
                found = found.filter(**{name: getattr(self, name)})
        if self.since is not None:
            found = found.filter(at__gte=self.since)
        return found if self.until is None else found.filter(at__lt=self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Somebody's accesses to one record on one day, by the clock there. `name` is empty where roles alone are told."""

    first: datetime
    last: datetime
    name: str
    role: str
    act: str
    count: int
    is_own: bool
    is_emergency: bool

    @property
    def lasts(self) -> bool:
        """Whether the last one came in a later minute than the first."""
        return f"{self.first:%H:%M}" != f"{self.last:%H:%M}"


def state_of_trail(practice: Practice) -> dict[str, Any]:
    """How many rows of this practice wait for their block and since when; the last verdict, which is about all rows."""
    waiting = list(unsealed().filter(practice=practice.slug)[:1000].values_list("at", flat=True))
    last = Errand.objects.filter(kind=VERIFICATION).exclude(done_at=None).order_by("-done_at").first()
    return {
        "unsealed": len(waiting),
        "oldest_s": max(0.0, (clock.now() - min(waiting)).total_seconds()) if waiting else 0.0,
        "verdict": last.details if last is not None else None,
        "verified_at": last.done_at if last is not None else None,
    }


def choices(practice: Practice) -> dict[str, list[str]]:
    """The acts and outcomes that stand on this practice's trail."""
    rows = AuditRow.objects.filter(practice=practice.slug).order_by()
    return {name: sorted(rows.values_list(name, flat=True).distinct()) for name in ("act", "outcome")}


def accesses(practice: Practice, patient_id: str, *, since: datetime) -> list[Access]:
    """Who opened or changed this person's record and for what, newest day first; attempts that failed are left out."""
    rows = AuditRow.objects.filter(practice=practice.slug, patient_id=patient_id, at__gte=since).order_by("at", "id")
    names = dict(Account.objects.filter(practice=practice).values_list("username", "name"))
    own = set(Account.objects.filter(practice=practice, patient_id=patient_id).values_list("username", flat=True))
    spans = list(
        Emergency.objects.filter(practice=practice, patient_id=patient_id).values_list(
            "account__username", "opened_at", "until"
        )
    )
    with_names = practice.settings.get("accesses") != "roles"
    found: dict[tuple[Any, ...], Access] = {}
    for row in rows.filter(outcome__in=("done", "unsaved")).iterator(chunk_size=_TOGETHER):
        at = clock.local(row.at, practice.zone)
        is_emergency = any(who == row.who and begun <= row.at < end for who, begun, end in spans)
        key = (at.date(), row.who, row.act, is_emergency)
        before = found.get(key)
        found[key] = Access(
            first=before.first if before else at, last=at, name=names.get(row.who, row.who) if with_names else "",
            role=row.role, act=row.act, count=before.count + 1 if before else 1,
            is_own=row.who in own, is_emergency=is_emergency,
        )  # fmt: skip
    return sorted(found.values(), key=lambda access: access.last, reverse=True)


def as_lines(rows: QuerySet[AuditRow]) -> Iterator[str]:
    """The rows as CSV with its head."""
    yield _csv(list(COLUMNS))
    for some in _batches(rows):
        seals = AuditSeal.objects.in_bulk([row.pk for row in some])
        for row in some:
            seal = seals.get(row.pk)
            yield _csv(line_of(row, None if seal is None else seal.block_id))


def as_events(rows: QuerySet[AuditRow], *, as_bundle: bool = False) -> Iterator[str]:
    """The rows as AuditEvents of FHIR R4: one a line, or all of them in one Bundle."""
    if as_bundle:
        yield '{"resourceType": "Bundle", "type": "collection", "entry": ['
    between = ""
    for some in _batches(rows):
        for row in some:
            text = json.dumps(event_of(row), ensure_ascii=False)
            yield f'{between}{{"resource": {text}}}' if as_bundle else text + "\n"
            between = ",\n"
    if as_bundle:
        yield "]}\n"


def _batches(rows: QuerySet[AuditRow]) -> Iterator[list[AuditRow]]:
    stream = rows.iterator(chunk_size=_TOGETHER)
    while some := list(islice(stream, _TOGETHER)):
        yield some


def _csv(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
