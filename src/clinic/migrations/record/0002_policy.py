"""What the medical lead approves: one table, which the database itself keeps append-only."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from clinic.migrations.append_only import guard


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
        migrations.RunPython(guard("record_policyentry"), migrations.RunPython.noop),
    ]
