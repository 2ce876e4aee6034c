"""Who did what, when, to whom, with what outcome? Appended in the transaction of the act; a chain shows any gap.

Each row's digest covers its fields and the digest before it. The database itself refuses UPDATE and DELETE.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.db import connection, transaction

from clinic import clock
from clinic.access import reserve
from clinic.access.models import Account, AuditRow

_LOCK = 7_305_021  # one number that all appenders of this application agree on
_source: ContextVar[str] = ContextVar("source", default="")


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Within this block every row names this address as where the request came from."""
    token = _source.set(address[:64])
    try:
        yield
    finally:
        _source.reset(token)


def append(
    act: str,
    *,
    outcome: str,
    account: Account | None = None,
    who: str = "",
    patient_id: str = "",
    entities: Sequence[str] = (),
    asked: str = "",
) -> AuditRow:
    """One row at the end of the chain. `asked` is the search or page, without any word that names a person."""
    if reserve.is_used():
        name = account.username if account else ""
        kept = reserve.row_of(act, outcome=outcome, account=name, who=(name or who)[:80], patient_id=patient_id[:64],
                             entities=entities, asked=asked[:500], source=_source.get())  # fmt: skip
        reserve.keep(kept)
        return AuditRow(act=act, outcome=outcome)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = AuditRow.objects.order_by("-id").first()
        row = AuditRow(
            at=clock.now(),
            practice=account.practice.slug if account else "",
            who=(account.username if account else who)[:80],
            role=account.role if account else "",
            act=act,
            outcome=outcome,
            patient_id=patient_id[:64],  # what was asked for may be longer than any id
            entities=list(entities),
            source=_source.get(),
            asked=asked[:500],
            previous=last.digest if last else "",
        )
        row.digest = _digest(row)
        row.save(force_insert=True)
    return row


def first_break() -> int | None:
    """The number of the first row that does not follow from the one before it; None where the chain holds."""
    previous = ""
    for row in AuditRow.objects.order_by("id").iterator():
        if row.previous != previous or row.digest != _digest(row):
            return row.pk
        previous = row.digest
    return None


def _digest(row: AuditRow) -> str:
    at: datetime = row.at
    fields = [at.astimezone(UTC).isoformat(), row.practice, row.who, row.role, row.act, row.outcome, row.patient_id]
    later = [row.source, row.asked] if row.source or row.asked else []
    text = json.dumps([*fields, row.entities, row.previous, *later], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
