"""What the medical lead approves: one table, which the database itself keeps append-only."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLE = "record_policyentry"


def guard(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "sqlite":
        for act in ("UPDATE", "DELETE"):
            editor.execute(
                f"CREATE TRIGGER {TABLE}_no_{act.lower()} BEFORE {act} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
            )
        return
    editor.execute(
        f"CREATE FUNCTION {TABLE}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{TABLE} is append-only'; END $$"
    )
    editor.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
        f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_append_only()"
    )


class Migration(migrations.Migration):
    dependencies = [("record", "0001_start")]

    operations = [
        migrations.CreateModel(
            name="PolicyEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.CharField(max_length=120)),
                ("version", models.CharField(max_length=40)),
                ("values", models.JSONField(default=dict)),
                ("is_withdrawn", models.BooleanField(default=False)),
                ("reason", models.TextField(blank=True)),
                ("by", models.CharField(max_length=120)),
                ("at", models.DateTimeField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={"indexes": [models.Index(fields=["practice", "item", "id"], name="policy_of_practice")]},
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
