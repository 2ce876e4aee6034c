"""How does one row for each request reach the disk without one wait for the disk for each request?

Requests that read at the same time hand their rows to one thread, which appends all that have come in one transaction.
Each request waits until that transaction is committed; where its row cannot be written, its answer does not leave.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import DatabaseError, connection, transaction

from clinic.access import audit


@dataclass(slots=True, eq=False)
class _Row:
    """A row to be appended in the surroundings of its request, and whether it was."""

    act: str
    said: dict[str, Any]
    surroundings: Context = field(default_factory=copy_context)
    is_written: bool = False


class Trail:
    """The thread that appends. `append` is called from any other thread and returns once the row is committed."""

    def __init__(self) -> None:
        self._waiting: list[_Row] = []
        self._lock = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="trail")

    def append(self, act: str, **said: Any) -> None:
        """As `access.audit.append`; raises what kept the row from being written."""
        if connection.in_atomic_block:
            audit.append(act, **said)  # a read within an act is on the trail together with the act, or not at all
            return
        row = _Row(act, said)
        with self._lock:
            self._waiting.append(row)
        self._writer.submit(with_lasting_connection, partial(self._write, row)).result()

    def _write(self, row: _Row) -> None:
        """This row, and with it all that have come in since the last commit; those find theirs written."""
        if row.is_written:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        together = waiting if row in waiting else [row, *waiting]
        # One that cannot be written must not keep the others from it: then each is written alone, in its turn.
        with suppress(DatabaseError, OSError, ValueError):
            _append(together)
            return
        _append([row])


def _append(rows: Sequence[_Row]) -> None:
    with transaction.atomic():
        for row in rows:
            row.surroundings.run(audit.append, row.act, **row.said)
    for row in rows:
        row.is_written = True


def with_lasting_connection(work: Callable[[], Any]) -> Any:
    """Do this work on the thread's own connection, which stays open for the next unless it has broken."""
    if connection.connection is None:
        connection.ensure_connection()
        connection.close_at = None
    try:
        return work()
    finally:
        connection.close_if_unusable_or_obsolete()
