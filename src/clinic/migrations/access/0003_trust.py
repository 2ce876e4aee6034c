"""More roles, who belongs to whom, break-glass, tokens; the trail in sealed blocks."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from clinic.migrations.append_only import guard, release


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_append_only"),
        ("record", "0003_trust"),
    ]

    operations = [
        migrations.RunPython(release("access_auditrow"), migrations.RunPython.noop),
        migrations.CreateModel(
            name="AuditBlock",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("rows", models.PositiveIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("previous", models.CharField(blank=True, max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("row", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("place", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Emergency",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("reason", models.TextField()),
                ("opened_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("reviewed_by", models.CharField(blank=True, max_length=120)),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("review", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Relationship",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=20)),
                ("parts", models.JSONField(default=list)),
                ("reason", models.TextField(blank=True)),
                ("made_by", models.CharField(max_length=120)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Restriction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("reason", models.TextField()),
                ("made_by", models.CharField(max_length=120)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("scopes", models.JSONField(default=list)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="auditrow",
            name="asked",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
        migrations.AddField(
            model_name="auditrow",
            name="source",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AlterField(
            model_name="account",
            name="role",
            field=models.CharField(
                choices=[
                    ("prescriber", "Prescriber"),
                    ("nurse", "Nurse"),
                    ("therapist", "Therapist"),
                    ("coordinator", "Coordinator"),
                    ("pharmacist", "Pharmacist"),
                    ("director", "Director"),
                    ("researcher", "Researcher"),
                    ("patient", "Patient"),
                    ("caregiver", "Caregiver"),
                    ("service", "Service"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="auditrow",
            index=models.Index(fields=["act", "who", "at"], name="audit_of_who"),
        ),
        migrations.AddIndex(
            model_name="auditrow",
            index=models.Index(fields=["act", "source", "at"], name="audit_of_source"),
        ),
        migrations.AddField(
            model_name="auditseal",
            name="block",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="access.auditblock"),
        ),
        migrations.AddField(
            model_name="emergency",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="emergency",
            name="practice",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AddField(
            model_name="relationship",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="relationships", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="relationship",
            name="practice",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AddField(
            model_name="restriction",
            name="practice",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AddField(
            model_name="token",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="auditseal",
            constraint=models.UniqueConstraint(fields=("block", "place"), name="one_row_a_place"),
        ),
        migrations.AddIndex(
            model_name="emergency",
            index=models.Index(fields=["practice", "reviewed_at"], name="emergency_to_review"),
        ),
        migrations.AddIndex(
            model_name="relationship",
            index=models.Index(fields=["account", "patient_id"], name="relationship_of_account"),
        ),
        migrations.AddIndex(
            model_name="restriction",
            index=models.Index(fields=["practice", "patient_id"], name="restriction_of_patient"),
        ),
        migrations.RunPython(
            guard("access_auditrow", "access_auditblock", "access_auditseal"), migrations.RunPython.noop
        ),
    ]
