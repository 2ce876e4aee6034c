"""Who did what, when, to whom, with what outcome? Appended in the transaction of the act; nothing can be taken away.

Appending waits for nobody. `access.sealing` binds the rows into blocks a moment later, `access.verification` shows
whether any was touched since. The database itself refuses UPDATE and DELETE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

from clinic import clock
from clinic.access import reserve
from clinic.access.digests import digest_of
from clinic.access.models import Account, AuditRow

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # what FHIR allows as an id; anything else may be words that somebody typed
_source: ContextVar[str] = ContextVar("source", default="")
_told: ContextVar[list[AuditRow] | None] = ContextVar("told", default=None)


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Within this block every row names this address as where the request came from."""
    token = _source.set(address[:64])
    try:
        yield
    finally:
        _source.reset(token)


@contextmanager
def one_access() -> Iterator[list[AuditRow]]:
    """Collects the rows of one access, so that whoever opened the door adds its own only where nothing was told."""
    told: list[AuditRow] = []
    around = _told.get()
    token = _told.set(told)
    try:
        yield told
    finally:
        _told.reset(token)
        if around is not None:  # a door within a door
            around += told


def source() -> str:
    """The address that the request at hand comes from; empty on the command line."""
    return _source.get()


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
    """One row more. `asked` is the search or page, without any word that names a person.

    A `patient_id` that could not be anybody's is left out: it may be a name that was typed into an address.
    """
    row = AuditRow(
        at=clock.now(),
        practice=account.practice.slug if account else "",
        who=(account.username if account else who)[:80],
        role=account.role if account else "",
        act=act[:40],
        outcome=outcome,
        patient_id=patient_id if _ID.fullmatch(patient_id) else "",
        entities=list(entities),
        source=_source.get(),
        asked=asked[:500],
    )
    if reserve.is_used():
        name = account.username if account else ""
        reserve.keep(
            reserve.row_of(act, outcome=outcome, account=name, who=row.who, patient_id=row.patient_id,
                           entities=entities, asked=row.asked, source=row.source)
        )  # fmt: skip
    else:
        row.digest = digest_of(row)
        with transaction.atomic():  # a row that cannot be written leaves whoever is around it able to say so
            row.save(force_insert=True)
    told = _told.get()
    if told is not None:
        told.append(row)
    return row
