"""Which rows of the trail are bound together, and when? A moment after they were committed, in blocks, by one sealer.

A block is committed first and anchored outside the database then. A crash between the two leaves a block that is not
anchored yet; the next turn, of this or another process, anchors it. Only in that gap could it be cut off unseen.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from django.db import Error as DatabaseTrouble
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from clinic import clock
from clinic.access.anchor import Anchor, Line
from clinic.access.digests import digest_of, digest_of_block, digest_of_old, leaf, root
from clinic.access.models import AuditBlock, AuditRow, AuditSeal

EVERY_S = 0.5
LARGEST = 5000
"""Rows in one block at most; what is left goes into the next block of the same turn."""
_LOCK = 7_305_022  # one number that all sealers of this application agree on
_LATE_S, _SWEEP_S = 300.0, 600.0
_log = logging.getLogger(__name__)


class Sealer:
    """Seals what is unsealed, turn after turn, without looking through the whole trail every time.

    PostgreSQL may commit a lower number after a higher one, so each turn looks back over the rows of the last five
    minutes, and every ten minutes, and at first, over all of them.
    """

    def __init__(self) -> None:
        self._floor: int | None = None
        self._heads: list[tuple[float, int]] = []  # when the highest sealed number was what
        self._swept = -_SWEEP_S

    def turn(self) -> int:
        """Seal everything that is unsealed now; how many rows that was.

        Raises OSError where the anchor cannot be written and DatabaseError where the database takes nothing; what is
        unsealed then stays so until the next turn.
        """
        now = time.monotonic()
        if now - self._swept >= _SWEEP_S:
            self._floor, self._swept = None, now
        anchor, sealed = Anchor.of_installation(), 0
        with anchor.held() as is_ours:
            if is_ours:
                _catch_up(anchor, ())
                if not AuditBlock.objects.exists():
                    _tell_of_old_chain()
            while is_ours and unsealed(above=self._floor).exists():
                block, head = _bind(self._floor)
                if block is None:
                    break
                _catch_up(anchor, (block,))
                sealed += block.rows
                self._raise_floor(now, head)
        return sealed

    def _raise_floor(self, now: float, head: int) -> None:
        if connection.vendor == "sqlite":  # one writer at a time: numbers are in the order of commits
            self._floor = head
            return
        self._heads.append((now, max(head, self._heads[-1][1] if self._heads else 0)))
        while self._heads and now - self._heads[0][0] > _LATE_S:
            self._floor = self._heads.pop(0)[1]


def seal() -> int:
    """Seal everything that is unsealed, wherever it stands; how many rows that was."""
    return Sealer().turn()


def run(stop: threading.Event, *, every_s: float = EVERY_S) -> None:
    """Seal until told to stop, and once more then. Trouble is waited out; rows stay unsealed meanwhile."""
    sealer, is_in_trouble = Sealer(), False
    while True:
        is_last = stop.is_set()
        try:
            sealer.turn()
            is_in_trouble = False
        except (DatabaseTrouble, OSError, ValueError) as problem:
            if not is_in_trouble:
                _log.error("the trail is not being sealed: %s", type(problem).__name__)
            is_in_trouble = True
            connection.close()  # the next turn opens a new one
        if is_last:
            connection.close()
            return
        stop.wait(every_s)


def note_restore() -> None:
    """To be called after the database was restored from a backup: tells the anchor to which block it went back.

    Without this line a restored database looks like a trail that was cut off.
    """
    anchor = Anchor.of_installation()
    with anchor.held():
        anchor.add([Line.restored(AuditBlock.objects.order_by("-number").first(), clock.now())])


def unsealed(*, above: int | None = None) -> QuerySet[AuditRow]:
    """The rows that stand in no block, by number; above a number where it is known that none waits below."""
    is_sealed = Exists(AuditSeal.objects.filter(row=OuterRef("pk")))
    rows = AuditRow.objects.filter(~is_sealed).order_by("id")
    return rows if above is None else rows.filter(pk__gt=above)


def _bind(floor: int | None) -> tuple[AuditBlock | None, int]:
    """One block of what is unsealed, committed, and the highest number in it. None where somebody else was first."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite has one writer anyway
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        rows = list(unsealed(above=floor)[:LARGEST])
        if not rows:
            return None, 0
        last = AuditBlock.objects.order_by("-number").first()
        leaves = [leaf(row) for row in rows]
        block = AuditBlock(
            number=last.number + 1 if last else 1,
            rows=len(rows),
            root=root(leaves),
            previous=last.digest if last else "",
            sealed_at=clock.now(),
        )
        block.digest = digest_of_block(block)
        block.save(force_insert=True)
        AuditSeal.objects.bulk_create(
            AuditSeal(row=row.pk, block=block, place=place, digest=digest)
            for place, (row, digest) in enumerate(zip(rows, leaves, strict=True))
        )
    return block, rows[-1].pk


def _tell_of_old_chain() -> None:
    """Rows of before there were blocks are followed once more before they are sealed; `verify` goes on doing so."""
    previous = ""
    for row in AuditRow.objects.order_by("id").iterator():
        if row.digest == digest_of(row):
            continue
        if row.previous != previous or row.digest != digest_of_old(row):
            _log.error(
                "the trail of before there were blocks does not hold at row %s; it is sealed as it stands", row.pk
            )
            return
        previous = row.digest


def _catch_up(anchor: Anchor, made: Sequence[AuditBlock]) -> None:
    """Anchor what the anchor lacks: what was made now, and what a crash or another computer's sealer left.

    Where the anchor's last block is not the database's, only what was made now is added: the file keeps what it knows,
    and verification tells the difference. An anchor that is new begins at the newest block.
    """
    last = anchor.last()
    blocks: Sequence[AuditBlock] = made
    if last is None:
        blocks = list(AuditBlock.objects.order_by("-number")[:1])
    elif not last.number or AuditBlock.objects.filter(number=last.number, digest=last.digest).exists():
        blocks = list(AuditBlock.objects.filter(number__gt=last.number).order_by("number"))
    if blocks:
        anchor.add([Line.about(block) for block in blocks])
