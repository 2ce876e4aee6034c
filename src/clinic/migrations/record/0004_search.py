"""Room for more ways to search: the earlier terms go, and the indexes fit how they are read now."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def order_by_code_points(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Beginnings of a text are one range of an index, and pages come in one order, on both databases."""
    if editor.connection.vendor == "postgresql":
        editor.execute('ALTER TABLE record_term ALTER COLUMN value TYPE varchar(200) COLLATE "C"')
        editor.execute('ALTER TABLE record_current ALTER COLUMN identity TYPE varchar(64) COLLATE "C"')


def drop_terms(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Those of the earlier way of searching."""
    apps.get_model("record", "Term").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("record", "0003_trust")]

    operations = [
        migrations.RunPython(drop_terms, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="term", name="term_by_time"),
        migrations.AlterField(
            model_name="current",
            name="practice",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AlterField(
            model_name="term",
            name="practice",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AlterField(
            model_name="term",
            name="resource",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="terms",
                to="record.current",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                condition=models.Q(("low__isnull", False)),
                fields=["practice", "kind", "name", "low", "resource"],
                name="term_by_time",
            ),
        ),
        migrations.RunPython(order_by_code_points, migrations.RunPython.noop),
    ]
