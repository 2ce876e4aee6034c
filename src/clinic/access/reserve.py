"""Where does the trail go while the disk is full? Into a file whose room was taken before, so that reading can go on.

Only where the clinic has declared it (READ_WITHOUT_TRAIL=file), only for reading, and only until there is room again:
the worker then takes every row into the trail, at its own time, with a row that says so. When the reserve is full too,
reading stops as it does everywhere else.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError

from clinic import clock

ROOM = 8 * 1024 * 1024
_instead: ContextVar[bool] = ContextVar("instead", default=False)


def is_declared() -> bool:
    """Whether this clinic reads on while the trail cannot be written."""
    return bool(settings.ENVIRONMENT.read_without_trail)


def is_used() -> bool:
    """Whether rows of the trail go into the reserve at this moment."""
    return _instead.get()


@contextmanager
def used() -> Iterator[None]:
    """Within this block every row of the trail goes into the reserve."""
    token = _instead.set(True)
    try:
        yield
    finally:
        _instead.reset(token)


def is_full(problem: BaseException) -> bool:
    """Whether the database says that there is no room left, in the words of either."""
    cause = problem.__cause__
    return getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(cause, "sqlstate", "") == "53100"


def prepare() -> None:
    """Take the room now, while there is some; zeros are written so that later no block has to be found."""
    path = _path()
    if is_declared() and (not path.exists() or path.stat().st_size < ROOM):
        with path.open("ab") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(bytes(ROOM - file.tell()))
            file.flush()
            os.fsync(file.fileno())


def keep(row: dict[str, Any]) -> None:
    """One row, on the disk before this returns.

    Raises OperationalError, as the database would, where the reserve is full or was never prepared.
    """
    line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
    try:
        with _locked() as (handle, held):
            end = len(held)
            if end + len(line) >= os.fstat(handle).st_size:
                raise OperationalError("the reserve of the trail is full")
            os.pwrite(handle, line, end)
            os.fsync(handle)
    except OSError as problem:
        raise OperationalError("there is no reserve of the trail") from problem


def rows() -> list[dict[str, Any]]:
    """What is kept, oldest first; a row that was cut off by a crash was never acknowledged and is left out."""
    try:
        with _locked() as (_handle, held):
            return _read(held)
    except OSError:
        return []


def forget(count: int) -> None:
    """Empty the reserve of its oldest rows, which are on the trail now."""
    with _locked() as (handle, held):
        rest = b"".join(held.splitlines(keepends=True)[count:])
        os.pwrite(handle, rest + bytes(len(held) - len(rest)), 0)
        os.fsync(handle)


def row_of(
    act: str, *, outcome: str, account: str, who: str, patient_id: str, entities: Sequence[str], asked: str, source: str
) -> dict[str, Any]:
    """A row as the reserve keeps it: what `audit.append` was told, and when."""
    return {
        "at": clock.now().isoformat(), "act": act, "outcome": outcome, "account": account, "who": who,
        "patient_id": patient_id, "entities": list(entities), "asked": asked, "source": source,
    }  # fmt: skip


def _path() -> Path:
    return Path(settings.DATA_DIR) / "audit-reserve"


def _read(held: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in held.splitlines(keepends=True) if line.endswith(b"\n")]


@contextmanager
def _locked() -> Iterator[tuple[int, bytes]]:
    """The open reserve and what is in it, for one process and thread at a time."""
    handle = os.open(_path(), os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        held = os.pread(handle, os.fstat(handle).st_size, 0).partition(b"\0")[0]
        yield handle, held
    finally:
        os.close(handle)
