"""Parts of the record, more ways to search, signatures, what an import could not take in."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from clinic.migrations.append_only import guard, release


class Migration(migrations.Migration):
    dependencies = [
        ("record", "0002_policy"),
        ("access", "0002_append_only"),
    ]

    operations = [
        migrations.RunPython(release("record_version", "record_policyentry"), migrations.RunPython.noop),
        migrations.CreateModel(
            name="Quarantined",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=40)),
                ("identity", models.CharField(blank=True, max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("content", models.TextField()),
                ("problems", models.JSONField()),
                ("by", models.CharField(max_length=120)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=40)),
                ("identity", models.CharField(max_length=64)),
                ("version", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("meaning", models.CharField(max_length=20)),
                ("username", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=120)),
                ("role", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="current",
            name="record_curr_practic_a0e0ad_idx",
        ),
        migrations.RemoveIndex(
            model_name="term",
            name="record_term_practic_94500f_idx",
        ),
        migrations.RemoveIndex(
            model_name="term",
            name="record_term_practic_016287_idx",
        ),
        migrations.AddField(
            model_name="current",
            name="part",
            field=models.CharField(default="chart", max_length=20),
        ),
        migrations.AddField(
            model_name="term",
            name="exact",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="term",
            name="kind",
            field=models.CharField(default="", max_length=40),
        ),
        migrations.AddField(
            model_name="term",
            name="least",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="term",
            name="most",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="version",
            name="part",
            field=models.CharField(default="chart", max_length=20),
        ),
        migrations.AddIndex(
            model_name="current",
            index=models.Index(fields=["practice", "patient_id", "kind", "id"], name="current_of_patient"),
        ),
        migrations.AddIndex(
            model_name="current",
            index=models.Index(fields=["practice", "kind", "id"], name="current_of_kind"),
        ),
        migrations.AddIndex(
            model_name="current",
            index=models.Index(fields=["practice", "kind", "changed_at", "id"], name="current_by_change"),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(fields=["practice", "kind", "name", "value", "resource"], name="term_by_value"),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(fields=["practice", "kind", "name", "low", "resource"], name="term_by_time"),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(fields=["resource", "name"], name="term_of_resource"),
        ),
        migrations.AddField(
            model_name="quarantined",
            name="practice",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AddField(
            model_name="signature",
            name="practice",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice"),
        ),
        migrations.AddConstraint(
            model_name="quarantined",
            constraint=models.UniqueConstraint(fields=("practice", "patient_id", "digest"), name="quarantined_once"),
        ),
        migrations.AddIndex(
            model_name="signature",
            index=models.Index(fields=["practice", "patient_id", "kind", "identity"], name="signature_of_resource"),
        ),
        migrations.RunPython(
            guard("record_version", "record_policyentry", "record_signature"), migrations.RunPython.noop
        ),
    ]
