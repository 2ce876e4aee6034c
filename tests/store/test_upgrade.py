"""What an earlier release wrote is read by this one, and an earlier release does not touch what this one wrote."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from tests.store.places import Place, place
from tests.store.released import statements, versions

STEPS_OF = {"0.1.0": {"record": "0002_policy", "access": "0002_append_only"}}
"""The last steps of each release's schema, for building it on PostgreSQL; a release adds its line."""

FILL = """
import json, os, sqlite3, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import JSONField
steps, file = json.loads(sys.argv[1]), sqlite3.connect(sys.argv[2])
executor = MigrationExecutor(connection)
targets = list(steps.items())
executor.migrate(targets)
models = MigrationExecutor(connection).loader.project_state(targets).apps.get_models()
with transaction.atomic():
    for model in models:
        if model._meta.app_label in ("record", "access", "practice"):
            fields = model._meta.concrete_fields
            columns = ", ".join(f'"{f.column}"' for f in fields)
            rows = file.execute(f'SELECT {columns} FROM "{model._meta.db_table}" ORDER BY 1')
            read = [[json.loads(v) if isinstance(f, JSONField) and v is not None
                     else f.to_python(v + "+00:00" if f.get_internal_type() == "DateTimeField" and v else v)
                     for f, v in zip(fields, row)] for row in rows]
            model.objects.bulk_create(model(**dict(zip([f.attname for f in fields], row))) for row in read)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
"""
READ = """
import json, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from django.db import DatabaseError, connection, transaction
from clinic.access.models import AuditRow
from clinic.queries.person import chart
from clinic.record.models import Current, PolicyEntry, Practice, Version
from clinic.record.projections import rebuild
PolicyEntry.objects.create(
    practice=Practice.objects.first(), item="KP-001", version="1", by="Ada", at="2026-11-26T00:00:00+00:00"
)
refused = []
for table in ("record_version", "access_auditrow", "record_policyentry"):
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError as problem:
            refused.append("append-only" in str(problem))
charts = [chart(row.practice, row.identity) for row in Current.objects.filter(kind="Patient")]
answer = {
    "refused": refused, "versions": Version.objects.count(), "current": Current.objects.count(),
    "parts": sorted(set(Current.objects.values_list("part", flat=True))), "rows": AuditRow.objects.count(),
    "people": len(charts), "doses": sum(len(c.person.doses) for c in charts if c.person is not None),
    "unread": sum(c.person is None for c in charts), "plans": sum(len(c.plans) for c in charts),
    "rebuilt": sum(rebuild(p) for p in Practice.objects.all()),
}
print(json.dumps(answer))
"""


def as_released(version: str, folder: Path) -> tuple[Place, sqlite3.Connection]:
    """An installation as that release left it, and the same record as an SQLite file to compare with."""
    text = statements(version)
    compare = folder / "released.sqlite3"
    with sqlite3.connect(compare) as file:
        file.executescript(text)
    made = place(folder / "data")
    made.folder.mkdir()
    if made.database_url:
        done = made.run(json.dumps(STEPS_OF[version]), str(compare), program=FILL)
        assert done.returncode == 0, done.stderr
    else:
        (made.folder / "clinic.sqlite3").write_bytes(compare.read_bytes())
    return made, file


def count(file: sqlite3.Connection, table: str) -> int:
    return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.requirement(57, 38, 39)
@pytest.mark.parametrize("version", versions())
def test_the_record_of_each_release_is_read_whole_and_guarded_as_before(version: str, tmp_path: Path) -> None:
    made, before = as_released(version, tmp_path)
    migrated, verified = made.run_all(["migrate"], ["verify-audit"])
    assert migrated[0] == 0, migrated
    assert verified[0] == 0, verified
    done = made.run(program=READ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["refused"] == [True] * 6
    assert found["versions"] == count(before, "record_version")
    assert found["current"] == count(before, "record_current")
    assert found["rows"] >= count(before, "access_auditrow")
    assert found["parts"]
    assert (found["people"], found["unread"]) == (count(before, "record_patientline"), 0)
    assert found["doses"] == count(before, "record_exposureline")
    assert found["plans"] > 0
    assert found["rebuilt"] == found["people"]
    before.close()


@pytest.mark.requirement(57)
def test_a_version_that_is_older_than_the_database_does_not_touch_it(tmp_path: Path) -> None:
    made = place(tmp_path / "data")
    ahead = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
MigrationRecorder(connection).record_applied("record", "9999_ahead")
"""
    made.folder.mkdir()
    assert made.run(program=ahead).returncode == 0
    commands = (["migrate"], ["serve"], ["worker"], ["create-practice", "x", "--name", "X"])
    for code, _out, err in made.run_all(*commands):
        assert (code, len(err.splitlines())) == (3, 1)
        assert "database: found record.9999_ahead" in err
        assert "Start the newer version" in err


def test_every_release_says_with_which_step_its_schema_ended() -> None:
    assert set(versions()) == set(STEPS_OF)
