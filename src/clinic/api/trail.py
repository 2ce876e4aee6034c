"""How does one row for each request reach the disk without one wait for the disk for each request?

Requests that read at the same time hand their rows to one thread, which appends all that have come in one transaction.
Each request waits until that transaction is committed; where its row cannot be written, its answer does not leave.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connection, transaction

from clinic.access import audit

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Row:
    """A row to be appended in the surroundings of its request, and the promise that it was."""

    act: str
    said: dict[str, Any]
    surroundings: Context = field(default_factory=copy_context)
    written: Future[None] = field(default_factory=Future)

    def append(self) -> None:
        self.surroundings.run(audit.append, self.act, **self.said)


class Trail:
    """The thread that appends. `append` is called from any other thread and returns once the row is committed."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._came = threading.Condition()
        threading.Thread(target=self._work, name="trail", daemon=True).start()

    def append(self, act: str, **said: Any) -> None:
        """As `access.audit.append`; raises what kept the row from being written."""
        if connection.in_atomic_block:
            audit.append(act, **said)  # a read within an act is on the trail together with the act, or not at all
            return
        row = _Row(act, said)
        with self._came:
            self._rows.append(row)
            self._came.notify()
        row.written.result()

    def _work(self) -> None:
        while True:
            with self._came:
                while not self._rows:
                    self._came.wait()
                rows, self._rows = self._rows[:MOST_AT_ONCE], self._rows[MOST_AT_ONCE:]
            with_lasting_connection(partial(_write, rows))


def _write(rows: list[_Row]) -> None:
    try:
        with transaction.atomic():
            for row in rows:
                row.append()
    except Exception as problem:  # noqa: BLE001  handed to whoever waits for it
        if len(rows) > 1:
            for row in rows:  # one that cannot be written must not keep the others from being
                _write([row])
            return
        rows[0].written.set_exception(problem)
        return
    for row in rows:
        row.written.set_result(None)


def with_lasting_connection(work: Callable[[], Any]) -> Any:
    """Do this work on the thread's own connection, which stays open for the next unless it has broken."""
    if connection.connection is None:
        connection.ensure_connection()
        connection.close_at = None
    try:
        return work()
    finally:
        connection.close_if_unusable_or_obsolete()
