"""How does a new version enter the record? Only through here, only inside a transaction, only from `actions.commit`.

Each resource is updated against the version its writer has seen; a stale one raises `Stale` and nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction

from clinic.record.models import Current, Practice, Term, Version
from clinic.record.read import Stored, read
from ketapath.fhir.terms import search_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One resource to be stored. `expected` is the version its writer has seen, 0 for one that must be new."""

    kind: str
    identity: str
    patient_id: str
    text: str
    expected: int


class Stale(Exception):
    """Somebody else has written first. `standing` is the version that stands now."""

    def __init__(self, kind: str, identity: str, standing: int) -> None:
        super().__init__(f"{kind}/{identity} stands at version {standing}")
        self.kind, self.identity, self.standing = kind, identity, standing


def lock(practice: Practice, patient_id: str) -> None:
    """From here to the end of the transaction nobody else writes about this person.

    SQLite lets one transaction write at a time anyway; PostgreSQL holds a lock on the person's name, so that a person
    who is not yet on record is covered too.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{practice.pk}/{patient_id}"])


def write(practice: Practice, writes: Sequence[Write], *, by: str, reason: str, at: datetime) -> list[Stored]:
    """Store all of these or none.

    Raises Stale where one of them was written against a version that no longer stands.
    """
    assert connection.in_atomic_block, "a write belongs into the transaction of its act"
    return [_store(practice, one, by=by, reason=reason, at=at) for one in writes]


def _store(practice: Practice, one: Write, *, by: str, reason: str, at: datetime) -> Stored:
    values = {"version": one.expected + 1, "patient_id": one.patient_id, "changed_at": at, "content": one.text}
    place = {"practice": practice, "kind": one.kind, "identity": one.identity}
    if one.expected:
        changed = Current.objects.filter(**place, version=one.expected).update(**values)
        if not changed:
            raise _stale(practice, one)
        row = Current.objects.get(**place)
        row.terms.all().delete()
    else:
        try:
            with transaction.atomic():
                row = Current.objects.create(**place, **values)
        except IntegrityError as problem:
            raise _stale(practice, one) from problem
    index(practice, row, json.loads(one.text))
    Version.objects.create(**place, **values, changed_by=by, reason=reason)
    return Stored(kind=one.kind, identity=one.identity, version=row.version, patient_id=one.patient_id,
                  changed_at=at, text=one.text, changed_by=by, reason=reason)  # fmt: skip


def index(practice: Practice, row: Current, content: Mapping[str, Any]) -> None:
    """Write the search terms of this resource."""
    Term.objects.bulk_create(terms_of(practice, row, content))


def terms_of(practice: Practice, row: Current, content: Mapping[str, Any]) -> list[Term]:
    """Its search terms as rows. What has no zone of its own is read in that of the practice."""
    found = search_terms({**content, "resourceType": row.kind}, ZoneInfo(practice.zone))
    return [
        Term(practice_id=row.practice_id, resource=row, kind=row.kind, name=t.name, system=t.system, value=t.value,
             exact=t.exact, low=t.low, high=t.high, least=t.least, most=t.most)
        for t in found
    ]  # fmt: skip


def _stale(practice: Practice, one: Write) -> Stale:
    standing = read(practice, one.kind, one.identity)
    return Stale(one.kind, one.identity, 0 if standing is None else standing.version)
