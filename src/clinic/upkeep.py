"""Can this database be used by this version? Asked before anything is changed: is the file whole, is it not newer."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from clinic.environment import Environment
from ketapath.errors import BadInput

_LOCK = 7_305_022  # one number that all processes of this application agree on
LOOK_S = 10.0
"""How long the file is looked through; what a large one holds beyond that is checked by `ketapath-clinic check`."""
_RESTORE = "Restore the last backup into another, empty DATA_DIR; docs/how-to/run.md says how. Keep this one as it is."


def check_file(said: Environment, *, within_s: float = LOOK_S) -> bool:
    """Whether the SQLite file was looked through to its end; PostgreSQL looks after its own.

    Raises BadInput for one that is damaged.
    """
    file = said.data_dir / "clinic.sqlite3"
    if said.database_url or not file.exists():
        return True
    looking = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=20)
    # SQLite has no time limit of its own; an interrupt from beside ends the look, and says nothing about the file.
    limit = threading.Timer(within_s, looking.interrupt)
    limit.start()
    try:
        found = [str(row[0]) for row in looking.execute("PRAGMA quick_check(1)")]
    except sqlite3.DatabaseError as problem:
        if problem.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return False
        if problem.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _damaged(str(file)) from problem
        return False  # busy, or on a disk that lets nobody write: opening it says more
    finally:
        limit.cancel()
        looking.close()
    if found != ["ok"]:
        raise _damaged(str(file))
    return True


@contextmanager
def alone(said: Environment) -> Iterator[None]:
    """Within this block no other process brings this database to its version, nor this folder's files into place."""
    handle = os.open(said.data_dir / "upkeep-lock", os.O_RDWR | os.O_CREAT, 0o600)
    is_server = connection.vendor == "postgresql"
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if is_server:  # processes of other machines do not see the file
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        yield
    finally:
        if is_server and connection.connection is not None:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        os.close(handle)


def bring_up() -> None:
    """Bring the database to this version; where it is there already, nothing but a look.

    Raises BadInput where a newer version has been at this database.
    """
    executor = MigrationExecutor(connection)
    _refuse_newer(executor.loader)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def ready() -> Iterator[None]:
    """Raises BadInput where the database cannot be reached or opened within this block."""
    try:
        yield
    except OperationalError as problem:
        raise BadInput(
            field="database", found="no answer", limit="one that can be reached, opened and written",
            next_step="Look at DATABASE_URL, or at DATA_DIR and its disk.",
        ) from problem  # fmt: skip


def _refuse_newer(loader: MigrationLoader) -> None:
    """Raises BadInput where this database has taken steps of the schema that this version does not know."""
    ours = {label for label, _name in loader.disk_migrations} | {"record", "access", "practice"}
    newer = sorted(
        f"{a}.{n}" for a, n in loader.applied_migrations if a in ours and (a, n) not in loader.disk_migrations
    )
    if newer:
        raise BadInput(
            field="database", found=newer[-1], limit="a step of the schema that this version of ketapath knows",
            next_step="Start the newer version that was here, or restore a backup from before the upgrade. "
            "Nothing was changed.",
        )  # fmt: skip


def _damaged(file: str) -> BadInput:
    return BadInput(field="DATA_DIR", found=file, limit="a database file that is whole; this one is damaged",
                    next_step=_RESTORE)  # fmt: skip
