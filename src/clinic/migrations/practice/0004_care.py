"""Who has told whom what is open, and the places outside that help."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("practice", "0003_stock"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CommunityPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=20)),
                ("area", models.CharField(blank=True, max_length=120)),
                ("contact", models.CharField(max_length=200)),
                ("languages", models.CharField(blank=True, max_length=120)),
                ("source", models.CharField(max_length=200)),
                ("checked_on", models.DateField()),
                ("checked_by", models.CharField(max_length=120)),
                ("is_open", models.BooleanField(default=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("practice", "kind", "name"), name="one_place_a_name")],
            },
        ),
        migrations.CreateModel(
            name="Handover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(blank=True, max_length=64)),
                ("communication", models.CharField(blank=True, max_length=64)),
                ("open_points", models.TextField(blank=True)),
                ("watch", models.TextField(blank=True)),
                ("made_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("key", models.CharField(max_length=64)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
                (
                    "receiver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="taken_over",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sender",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="handed_over",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["practice", "receiver", "acknowledged_at"], name="handover_waiting"),
                    models.Index(fields=["practice", "patient_id", "made_at"], name="handover_of_patient"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "sender", "key"), name="one_handover_a_key")
                ],
            },
        ),
    ]
