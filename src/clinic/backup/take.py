"""How is a copy taken while people write? In one transaction that sees the record as it stood at its first look.

SQLite's write-ahead log and PostgreSQL's REPEATABLE READ both give that without holding up any writer. Not in the copy:
sessions (everybody signs in again), what each version makes for itself, and the installation's key unless asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from django.apps import apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from clinic.backup.archive import FORMAT, MANIFEST, Manifest, Table, line_of
from clinic.backup.sealed import Sealing, check_passphrase
from ketapath import __version__
from ketapath.errors import BadInput

NOT_COPIED = frozenset({"sessions", "usersessions", "contenttypes", "auth"})
"""Applications whose rows are made anew by each installation."""
ANCHOR, SECRET = "audit-anchor.log", "secret"
SNAPSHOT = "snapshot"
_AT_ONCE = 2000


def take(path: Path, *, passphrase: str | None, anchor: Path | None = None, secret: Path | None = None) -> Manifest:
    """Write an archive of everything to a new file that its owner alone can read, encrypted under the passphrase.

    `anchor` is the file that holds the trail's head, `secret` the installation's key, where they shall go with it.
    Raises BadInput where the file exists already or the passphrase is short, and OSError where there is no room.
    """
    if passphrase is not None:
        check_passphrase(passphrase)
    part = path.with_name(path.name + ".part")
    if path.exists():
        raise BadInput(field="FILE", found=str(path), limit="a file that does not exist yet", next_step="Name another.")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            sealing = None if passphrase is None else Sealing(file, passphrase)
            with zipfile.ZipFile(cast("IO[bytes]", sealing or file), "w", zipfile.ZIP_DEFLATED) as archive:
                manifest = _fill(archive, anchor, secret)
            if sealing is not None:
                sealing.close()
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def copied(registry: Any) -> list[type[Model]]:
    """The models whose rows an archive holds, in an order that does not change."""
    found = [m for m in registry.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    return sorted((m for m in found if m._meta.app_label not in NOT_COPIED), key=lambda m: str(m._meta.db_table))


def columns_of(model: type[Model]) -> tuple[str, ...]:
    """The names under which a row's own values are read, the key first as the model has it."""
    return tuple(field.attname for field in model._meta.concrete_fields)


def rows_of(model: type[Model], columns: Sequence[str], using: str) -> Iterator[bytes]:
    """Every row of a model as its line, in the order of its key."""
    rows = model._default_manager.using(using).order_by("pk").values_list(*columns)
    return (line_of(values) for values in rows.iterator(chunk_size=_AT_ONCE))


def _fill(archive: zipfile.ZipFile, anchor: Path | None, secret: Path | None) -> Manifest:
    with _snapshot() as connection:
        steps = tuple(sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()))
        tables = {str(model._meta.db_table): _table(archive, model) for model in copied(apps)}
        head = _head()
    files: dict[str, str] = {}
    if anchor is not None and anchor.exists():
        files[ANCHOR] = _file(archive, ANCHOR, up_to(anchor.read_bytes(), head.get("block", 0)))
    if secret is not None:
        files[SECRET] = _file(archive, SECRET, secret.read_bytes())
    manifest = Manifest(
        format=FORMAT, version=__version__, made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        database=connection.vendor, steps=steps, tables=tables, files=files, head=head,
    )  # fmt: skip
    archive.writestr(MANIFEST, manifest.text())
    return manifest


def _table(archive: zipfile.ZipFile, model: type[Model]) -> Table:
    rows, digest = 0, hashlib.sha256()
    with archive.open(f"tables/{model._meta.db_table}.jsonl", "w", force_zip64=True) as out:
        for line in rows_of(model, columns_of(model), SNAPSHOT):
            rows += 1
            digest.update(line)
            out.write(line)
    return Table(model=model._meta.label, columns=columns_of(model), rows=rows, sha256=digest.hexdigest())


def _file(archive: zipfile.ZipFile, name: str, data: bytes) -> str:
    archive.writestr(f"files/{name}", data)
    return hashlib.sha256(data).hexdigest()


def up_to(anchor: bytes, block: int) -> bytes:
    """The lines of the anchor about blocks that the copy holds; the file has gone on while tables were read."""
    numbers = ((line, re.search(rb"\d+", line)) for line in anchor.splitlines(keepends=True))
    return b"".join(line for line, number in numbers if number is not None and int(number[0]) <= block)


def _head() -> dict[str, Any]:
    """Where the trail stands in this copy: its last row and its last sealed block."""
    found: dict[str, Any] = {}
    row = apps.get_model("access", "AuditRow")._default_manager.using(SNAPSHOT).order_by("-pk").first()
    if row is not None:
        found |= {"row": row.pk, "row_digest": row.digest}
    block = apps.get_model("access", "AuditBlock")._default_manager.using(SNAPSHOT).order_by("-pk").first()
    if block is not None:
        found |= {"block": block.pk, "block_digest": block.digest}
    return found


@contextmanager
def _snapshot() -> Iterator[BaseDatabaseWrapper]:
    """A second connection to the same database, in one transaction that only reads and sees one moment."""
    settings = {**connections["default"].settings_dict}
    options = {k: v for k, v in settings["OPTIONS"].items() if k != "transaction_mode"}
    if connections["default"].vendor == "postgresql":
        from psycopg import IsolationLevel

        options["isolation_level"] = IsolationLevel.REPEATABLE_READ
    connections.databases[SNAPSHOT] = {**settings, "OPTIONS": options}
    connection = connections[SNAPSHOT]
    try:
        with transaction.atomic(using=SNAPSHOT), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_migrations")  # the moment is that of the first look
            yield connection
    finally:
        connection.close()
        del connections[SNAPSHOT]
        del connections.databases[SNAPSHOT]
