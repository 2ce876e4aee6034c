"""How does a new version enter the record? Only through here, only inside a transaction, only from `actions.commit`.

Each resource is updated against the version its writer has seen; a stale one raises `Stale` and nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction

from clinic.record.models import Current, Practice, Signature, Term, Version
from clinic.record.read import Stored, read
from clinic.record.signatures import digest_of
from ketapath.fhir.terms import search_terms

_AT_ONCE = 400  # rows; with their columns within what one statement of SQLite may bind


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One resource to be stored: `expected` is the version its writer has seen, 0 for one that must be new.

    `part` is the part of the record that it belongs to.
    """

    kind: str
    identity: str
    patient_id: str
    text: str
    expected: int
    part: str = "chart"


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
    """Store all of these or none, in their order.

    Raises Stale where one of them was written against a version that no longer stands. A resource that is written
    twice gets both versions.
    """
    assert connection.in_atomic_block, "a write belongs into the transaction of its act"
    stored: list[Stored] = []
    for batch in _batches(writes):
        stored += _store(practice, batch, by=by, reason=reason, at=at)
    return stored


def _batches(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Runs in which every resource is named once and that are small enough for one statement of any database."""
    batch: dict[tuple[str, str], Write] = {}
    for one in writes:
        if (one.kind, one.identity) in batch or len(batch) == _AT_ONCE:
            yield list(batch.values())
            batch = {}
        batch[one.kind, one.identity] = one
    if batch:
        yield list(batch.values())


def _store(practice: Practice, batch: Sequence[Write], *, by: str, reason: str, at: datetime) -> list[Stored]:
    standing = _held(practice, [one for one in batch if one.expected])
    changed: list[Current] = []
    rows: list[Current] = []
    for one in batch:
        row = standing.get((one.kind, one.identity))
        if one.expected and (row is None or row.version != one.expected):
            raise _stale(practice, one)
        if row is None:
            row = Current(practice=practice, kind=one.kind, identity=one.identity)
        else:
            changed.append(row)
        row.version, row.patient_id, row.part = one.expected + 1, one.patient_id, one.part
        row.changed_at, row.content = at, one.text
        rows.append(row)
    Term.objects.filter(resource__in=changed).delete()
    Current.objects.bulk_update(changed, ["version", "patient_id", "part", "changed_at", "content"])
    _create(practice, [row for row, one in zip(rows, batch, strict=True) if not one.expected], batch)
    Term.objects.bulk_create(term for row in rows for term in terms_of(practice, row, json.loads(row.content)))
    Version.objects.bulk_create(
        Version(practice=practice, kind=row.kind, identity=row.identity, version=row.version, part=row.part,
                patient_id=row.patient_id, changed_at=at, content=row.content, changed_by=by, reason=reason)
        for row in rows
    )  # fmt: skip
    return [
        Stored(kind=row.kind, identity=row.identity, version=row.version, patient_id=row.patient_id, changed_at=at,
               text=row.content, changed_by=by, reason=reason)
        for row in rows
    ]  # fmt: skip


def _held(practice: Practice, writes: Sequence[Write]) -> dict[tuple[str, str], Current]:
    """What stands of these, held to the end of the transaction: nobody else's update comes between look and write.

    SQLite has one writer at a time anyway.
    """
    if not writes:
        return {}
    named = {(one.kind, one.identity) for one in writes}
    identities = {identity for _, identity in named}
    rows = Current.objects.filter(practice=practice, kind__in={k for k, _ in named}, identity__in=identities)
    rows = rows.select_for_update() if connection.vendor == "postgresql" else rows
    # In the order of their numbers, so that two writers who want the same rows never wait for each other.
    return {(row.kind, row.identity): row for row in rows.order_by("id") if (row.kind, row.identity) in named}


def _create(practice: Practice, rows: Sequence[Current], batch: Sequence[Write]) -> None:
    """Raises Stale, naming the first that stands already."""
    try:
        with transaction.atomic():
            Current.objects.bulk_create(rows)
    except IntegrityError as problem:
        new = [one for one in batch if not one.expected]
        taken = next((one for one in new if read(practice, one.kind, one.identity) is not None), new[0])
        raise _stale(practice, taken) from problem


def sign(
    practice: Practice, stored: Stored, *, meaning: str, username: str, name: str, role: str, at: datetime
) -> Signature:
    """Bind this person's signature to exactly the text of this version."""
    assert connection.in_atomic_block, "a signature belongs into the transaction of its act"
    return Signature.objects.create(
        practice=practice, patient_id=stored.patient_id, kind=stored.kind, identity=stored.identity,
        version=stored.version, digest=digest_of(stored.text), meaning=meaning, username=username, name=name,
        role=role, at=at,
    )  # fmt: skip


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
