"""Simulated trials that somebody asked for, for the worker to play."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("record", "0006_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="SimulatedTrial",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=120)),
                ("title", models.CharField(max_length=200)),
                ("design", models.TextField()),
                ("trials", models.PositiveIntegerField()),
                ("seed", models.BigIntegerField()),
                ("truth", models.CharField(max_length=20)),
                ("registration", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("step", models.CharField(default="waiting", max_length=10)),
                ("is_to_stop", models.BooleanField(default=False)),
                ("played", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField()),
                ("found", models.JSONField(default=dict)),
                ("problem", models.CharField(blank=True, max_length=60)),
                ("done_at", models.DateTimeField(null=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={
                "indexes": [models.Index(fields=["practice", "id"], name="trial_of_practice")],
            },
        ),
    ]
