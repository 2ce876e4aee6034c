"""What does the record hold? Read, versions, history and search, each within one practice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q

from clinic.record.models import Current, Practice, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One version of a resource. `text` is its content exactly as it came in."""

    kind: str
    identity: str
    version: int
    patient_id: str
    changed_at: datetime
    text: str
    changed_by: str = ""
    reason: str = ""

    @property
    def resource(self) -> dict[str, Any]:
        """The content as a value, with id and version as the store keeps them laid over it."""
        content: dict[str, Any] = json.loads(self.text)
        meta = content.get("meta") if isinstance(content.get("meta"), dict) else {}
        stamp = {"versionId": str(self.version), "lastUpdated": self.changed_at.isoformat()}
        return {**content, "id": self.identity, "meta": {**(meta or {}), **stamp}}


def read(practice: Practice, kind: str, identity: str) -> Stored | None:
    """The version that stands now; None where there is none in this practice."""
    row = Current.objects.filter(practice=practice, kind=kind, identity=identity).first()
    return None if row is None else stored_of(row)


def vread(practice: Practice, kind: str, identity: str, version: int) -> Stored | None:
    """One version by its number."""
    row = Version.objects.filter(practice=practice, kind=kind, identity=identity, version=version).first()
    return None if row is None else stored_of(row)


def history(practice: Practice, kind: str, identity: str) -> list[Stored]:
    """All versions, newest first."""
    rows = Version.objects.filter(practice=practice, kind=kind, identity=identity).order_by("-version")
    return [stored_of(row) for row in rows]


def of_patient(practice: Practice, patient_id: str) -> list[Stored]:
    """Every resource about this person, as it stands now, in the order in which it first came in."""
    return [stored_of(row) for row in Current.objects.filter(practice=practice, patient_id=patient_id).order_by("id")]


def of_patient_at(practice: Practice, patient_id: str, mark: int) -> list[Stored]:
    """The same, as the record stood when its history had reached `mark`."""
    rows = Version.objects.filter(practice=practice, patient_id=patient_id, id__lte=mark).order_by("id")
    newest = {(row.kind, row.identity): row for row in rows}
    return [stored_of(row) for row in newest.values()]


def mark(practice: Practice, patient_id: str | None = None) -> int:
    """The place that the history of this practice, or of one person in it, has reached."""
    rows = Version.objects.filter(practice=practice)
    rows = rows if patient_id is None else rows.filter(patient_id=patient_id)
    return rows.aggregate(last=Max("id"))["last"] or 0


def search(
    practice: Practice,
    kind: str,
    *,
    patient_id: str | None = None,
    tokens: Mapping[str, str] | None = None,
    name_starts: Iterable[str] = (),
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int | None = 200,
) -> list[Stored]:
    """Current resources of one kind; every condition must hold.

    `tokens` maps a parameter to "code" or "system|code"; `name_starts` are beginnings of words of a name; `since` and
    `before` bound the resource's own time.
    """
    rows = Current.objects.filter(practice=practice, kind=kind)
    if patient_id is not None:
        rows = rows.filter(patient_id=patient_id)
    for name, wanted in (tokens or {}).items():
        system, bar, value = wanted.rpartition("|")
        found = Q(terms__name=name, terms__value=value)
        rows = rows.filter(found & Q(terms__system=system) if bar else found)
    for word in name_starts:
        rows = rows.filter(terms__name="name", terms__value__startswith=word.casefold())
    if since is not None:
        rows = rows.filter(terms__name="date", terms__high__gt=since)
    if before is not None:
        rows = rows.filter(terms__name="date", terms__low__lt=before)
    return [stored_of(row) for row in rows.distinct().order_by("id")[:limit]]


def stored_of(row: Current | Version) -> Stored:
    """The row as a value."""
    return Stored(
        kind=row.kind,
        identity=row.identity,
        version=row.version,
        patient_id=row.patient_id,
        changed_at=row.changed_at,
        text=row.content,
        changed_by=getattr(row, "changed_by", ""),
        reason=getattr(row, "reason", ""),
    )
