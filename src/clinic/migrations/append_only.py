"""The database itself refuses to change or delete a row of these tables. For migrations only.

SQLite makes a table anew when a column with a default is added, and forgets its triggers: `release` before, `guard` after.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

Step = Callable[[StateApps, BaseDatabaseSchemaEditor], None]


def guard(*tables: str) -> Step:
    """A step that sets the triggers against UPDATE, DELETE and, where there is one, TRUNCATE."""

    def step(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            if editor.connection.vendor == "sqlite":
                for act in ("UPDATE", "DELETE"):
                    editor.execute(
                        f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    )
                continue
            editor.execute(
                f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
            )
            editor.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
            )
            editor.execute(
                f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
            )

    return step


def release(*tables: str) -> Step:
    """A step that takes the triggers away, so that the table can be given another shape."""

    def step(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            if editor.connection.vendor == "sqlite":
                for act in ("update", "delete"):
                    editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{act}")
            else:
                editor.execute(f"DROP FUNCTION IF EXISTS {table}_append_only() CASCADE")

    return step
