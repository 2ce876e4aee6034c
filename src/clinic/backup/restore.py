"""How does an archive become an installation again? Into an empty database, all or nothing, compared row by row.

The schema is first brought to the step at which the archive was made, the rows are read in under that schema, counted
and hashed again out of the database, and only then is the schema brought to this version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Field, JSONField, Model

from clinic.backup.archive import Archive, Manifest, Table, damaged
from clinic.backup.take import ANCHOR, SECRET, rows_of
from ketapath.errors import BadInput

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored. `differing` names the tables whose rows are not the archive's; it has to be empty."""

    manifest: Manifest
    differing: tuple[str, ...]


def restore(path: Path, *, passphrase: str | None, anchor: Path, secret: Path) -> Restored:
    """Fill the empty database of this installation from an archive.

    `anchor` and `secret` are where those files belong here. Raises BadInput where the database is not empty, the
    archive is damaged or from a newer schema, or the passphrase is another; the database is then as it was.
    """
    if found := connection.introspection.table_names():
        raise BadInput(
            field="database", found=f"{len(found)} tables", limit="an empty one: nothing is ever written over",
            next_step="Choose another DATA_DIR, or an empty database in DATABASE_URL.",
        )  # fmt: skip
    if anchor.exists() and anchor.stat().st_size:
        raise BadInput(
            field="AUDIT_ANCHOR", found=str(anchor), limit="a file that does not exist yet",
            next_step="Move it away: it belongs to another trail.",
        )  # fmt: skip
    with path.open("rb") as file:
        archive = Archive(file, passphrase)
        registry = _schema_of(archive)
        archive.check()
        with _nothing_left_behind():
            _bring_to(archive.manifest)
            differing = _fill(archive, registry)
        for name, place in ((ANCHOR, anchor), (SECRET, secret)):
            if name in archive.manifest.files:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.file(name))
                place.chmod(0o600)
    call_command("migrate", verbosity=0, interactive=False)
    return Restored(manifest=archive.manifest, differing=differing)


@contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Where there was no room, or anything else, an SQLite file that was empty before is gone again."""
    is_done = False
    try:
        yield
        is_done = True
    finally:
        if not is_done and connection.vendor == "sqlite":
            connection.close()
            for end in ("", "-wal", "-shm"):
                Path(f"{connection.settings_dict['NAME']}{end}").unlink(missing_ok=True)


def _targets(manifest: Manifest) -> list[tuple[str, str]]:
    """The last steps of the archive's schema.

    Raises BadInput where it has taken one that this version does not know.
    """
    graph = MigrationExecutor(connection).loader.graph
    steps = {(app, name) for app, _dot, name in (step.partition(".") for step in manifest.steps)}
    unknown = sorted(step for step in steps if step not in graph.nodes)
    if unknown:
        raise BadInput(
            field="backup", found=f"a schema with {'.'.join(unknown[-1])}",
            limit="a step of the schema that this version of ketapath knows",
            next_step=f"Restore it with ketapath {manifest.version} or newer. Nothing was restored.",
        )  # fmt: skip
    return sorted(step for step in steps if not any(child in steps for child in graph.node_map[step].children))


def _schema_of(archive: Archive) -> Mapping[str, type[Model]]:
    """The models as they were when the archive was made, by table."""
    state = MigrationExecutor(connection).loader.project_state(_targets(archive.manifest))
    models = {str(m._meta.db_table): m for m in state.apps.get_models(include_auto_created=True)}
    for name, table in archive.manifest.tables.items():
        if name not in models or not set(table.columns) <= {f.attname for f in models[name]._meta.concrete_fields}:
            raise damaged(f"table {name} that its schema does not have")
    return models


def _bring_to(manifest: Manifest) -> None:
    """The schema at the archive's step, with nothing in it."""
    executor = MigrationExecutor(connection)
    executor.migrate(_targets(manifest))


def _fill(archive: Archive, models: Mapping[str, type[Model]]) -> tuple[str, ...]:
    """Read all rows in, in one transaction; the tables that came out other than they went in."""
    with transaction.atomic():
        for name, table in archive.manifest.tables.items():
            rows = _objects(archive, models[name], table)
            while some := list(islice(rows, _AT_ONCE)):
                models[name]._default_manager.bulk_create(some)
        used = [models[name] for name in archive.manifest.tables]
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), used):
                cursor.execute(statement)
        return tuple(
            name
            for name, table in archive.manifest.tables.items()
            if _hash(models[name], table.columns) != (table.rows, table.sha256)
        )


def _objects(archive: Archive, model: type[Model], table: Table) -> Iterator[Model]:
    fields: dict[str, Field[Any, Any]] = {field.attname: field for field in model._meta.concrete_fields}
    chosen = [fields[name] for name in table.columns]
    for line in archive.lines(str(model._meta.db_table)):
        try:
            values = json.loads(line)
            yield model(**{f.attname: _value(f, v) for f, v in zip(chosen, values, strict=True)})
        except (ValueError, TypeError) as problem:
            raise damaged(f"a row of {model._meta.db_table} that cannot be read") from problem


def _value(field: Field[Any, Any], said: object) -> object:
    return said if said is None or isinstance(field, JSONField) else field.to_python(said)


def _hash(model: type[Model], columns: Sequence[str]) -> tuple[int, str]:
    rows, digest = 0, hashlib.sha256()
    for line in rows_of(model, columns, "default"):
        rows += 1
        digest.update(line)
    return rows, digest.hexdigest()
