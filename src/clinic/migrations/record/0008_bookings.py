"""Appointments as the schedule needs them, and what each has taken so that nobody takes it twice."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("record", "0007_simulated_trials"),
    ]

    operations = [
        migrations.CreateModel(
            name="Booking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("appointment", models.CharField(max_length=64)),
                ("patient_id", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=20)),
                ("status", models.CharField(max_length=20)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("room", models.CharField(blank=True, max_length=20)),
                ("staff", models.JSONField(default=list)),
                ("plan_id", models.CharField(blank=True, max_length=64)),
                ("planned_on", models.DateField(null=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("resource", models.CharField(max_length=120)),
                ("slot", models.PositiveBigIntegerField()),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holds", to="record.booking"
                    ),
                ),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["practice", "starts_at"], name="booking_of_day"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["practice", "patient_id", "starts_at"], name="booking_of_patient"),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(fields=("practice", "appointment"), name="one_booking"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(fields=("practice", "resource", "slot"), name="nothing_booked_twice"),
        ),
    ]
