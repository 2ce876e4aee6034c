"""Many resources into a record at once, as `record.write` would store them one by one; for measuring and tests only.

It skips the gate: no permission, no check of steps, no trail, no projections. By COPY or executemany.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Model

from clinic.record.models import Current, Practice, Term, Version
from clinic.record.write import terms_of

BATCH = 2000

Text = tuple[str, str, str, str]
"""Type, id, person and text of one resource."""


def load(practice: Practice, resources: Iterable[Text], *, by: str, reason: str, at: datetime) -> int:
    """Store these resources as first versions, a batch in a transaction; how many they were."""
    count = 0
    places = {table: numbers(table) for table in (Current, Version, Term)}
    for batch in _batches(resources):
        with transaction.atomic():
            current = [_current(practice, one, at) for one in batch]
            versions = [_version(row, by, reason) for row in current]
            for rows, table in ((current, Current), (versions, Version)):
                for row in rows:
                    row.pk = next(places[table])
            terms = [
                t for row, one in zip(current, batch, strict=True) for t in terms_of(practice, row, json.loads(one[3]))
            ]
            for term in terms:
                term.pk = next(places[Term])
            insert(Current, current)
            insert(Version, versions)
            insert(Term, terms)
        count += len(batch)
    for table in places:
        _go_on_from(table)
    return count


def _batches(resources: Iterable[Text]) -> Iterator[list[Text]]:
    waiting = iter(resources)
    while batch := list(itertools.islice(waiting, BATCH)):
        yield batch


def _current(practice: Practice, one: Text, at: datetime) -> Current:
    kind, identity, patient_id, text = one
    return Current(practice=practice, kind=kind, identity=identity, version=1, patient_id=patient_id, changed_at=at,
                   content=text)  # fmt: skip


def _version(row: Current, by: str, reason: str) -> Version:
    return Version(practice_id=row.practice_id, kind=row.kind, identity=row.identity, version=1, part=row.part,
                   patient_id=row.patient_id, changed_at=row.changed_at, changed_by=by, reason=reason,
                   content=row.content)  # fmt: skip


def insert(table: type[Model], rows: Sequence[Model]) -> None:
    """Store rows that have their numbers already."""
    fields = table._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    values = map(attrgetter(*(field.attname for field in fields)), rows)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(fields))
            statement = f"INSERT INTO {table._meta.db_table} ({columns}) VALUES ({marks})"
            cursor.executemany(statement, [[_for_sqlite(value) for value in row] for row in values])
            return
        with cursor.cursor.copy(f"COPY {table._meta.db_table} ({columns}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, list | dict) else value


def numbers(table: type[Any]) -> Iterator[int]:
    """The numbers that the next rows of this table may have."""
    return itertools.count((table.objects.aggregate(last=Max("id"))["last"] or 0) + 1)


def _go_on_from(table: type[Model]) -> None:
    """The database counts on from the last row; SQLite does so by itself."""
    if connection.vendor == "postgresql":
        name = table._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")
