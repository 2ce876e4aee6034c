"""What does the record hold? Read, versions and history, each within one practice.

What is read for a person goes by that person's `Reach`. A practice in its place means the whole of it: for acts behind
the gate, for jobs and for the command line, never for what is shown; a test holds the pages and the interface to that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Manager, Max, QuerySet

from clinic.record.models import Current, Practice, Version
from clinic.record.reach import Reach, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One version of a resource. `text` is its content exactly as it came in."""

    kind: str
    identity: str
    version: int
    patient_id: str
    part: str = "chart"
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


def read(within: Practice | Reach, kind: str, identity: str) -> Stored | None:
    """The version that stands now; None where there is none within it."""
    row = _rows(Current.objects, within).filter(kind=kind, identity=identity).first()
    return None if row is None else stored_of(row)


def vread(within: Practice | Reach, kind: str, identity: str, version: int) -> Stored | None:
    """One version by its number."""
    row = _rows(Version.objects, within).filter(kind=kind, identity=identity, version=version).first()
    return None if row is None else stored_of(row)


def history(within: Practice | Reach, kind: str, identity: str) -> list[Stored]:
    """All versions, newest first."""
    rows = _rows(Version.objects, within).filter(kind=kind, identity=identity).order_by("-version")
    return [stored_of(row) for row in rows]


def of_patient(within: Practice | Reach, patient_id: str) -> list[Stored]:
    """Every resource about this person, as it stands now, in the order in which it first came in."""
    return [stored_of(row) for row in _rows(Current.objects, within).filter(patient_id=patient_id).order_by("id")]


def of_patient_at(within: Practice | Reach, patient_id: str, mark: int) -> list[Stored]:
    """The same, as the record stood when its history had reached `mark`."""
    rows = _rows(Version.objects, within).filter(patient_id=patient_id, id__lte=mark).order_by("id")
    newest = {(row.kind, row.identity): row for row in rows}
    return [stored_of(row) for row in newest.values()]


def mark(within: Practice | Reach, patient_id: str | None = None) -> int:
    """The place that the history of this practice, or of one person in it, has reached."""
    rows = _rows(Version.objects, within)
    rows = rows if patient_id is None else rows.filter(patient_id=patient_id)
    return rows.aggregate(last=Max("id"))["last"] or 0


def newest(within: Practice | Reach, patient_id: str, up_to: int | None = None) -> tuple[int, datetime, str] | None:
    """Place, time and text of the last version about this person, or of the last one up to a place; None without any.

    Time and text tell a place whose transaction was taken back from the same place given to another change.
    """
    rows = _rows(Version.objects, within).filter(patient_id=patient_id)
    rows = rows if up_to is None else rows.filter(id__lte=up_to)
    return rows.order_by("-id").values_list("id", "changed_at", "content").first()


def stored_of(row: Current | Version) -> Stored:
    """A row as a value."""
    return Stored(
        kind=row.kind,
        identity=row.identity,
        version=row.version,
        patient_id=row.patient_id,
        part=row.part,
        changed_at=row.changed_at,
        text=row.content,
        changed_by=getattr(row, "changed_by", ""),
        reason=getattr(row, "reason", ""),
    )


def _rows(table: Manager[Row], within: Practice | Reach) -> QuerySet[Row]:
    return within.over(table.all()) if isinstance(within, Reach) else table.filter(practice=within)
