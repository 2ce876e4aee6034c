import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Practice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=120)),
                ("zone", models.CharField(default="UTC", max_length=64)),
                ("is_demo", models.BooleanField(default=False)),
                ("settings", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="Current",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("identity", models.CharField(max_length=64)),
                ("version", models.PositiveIntegerField()),
                ("patient_id", models.CharField(blank=True, max_length=64)),
                ("changed_at", models.DateTimeField()),
                ("content", models.TextField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sender", models.CharField(max_length=80)),
                ("key", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("result", models.JSONField()),
                ("done_at", models.DateTimeField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="Term",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                ("system", models.CharField(blank=True, max_length=200)),
                ("value", models.CharField(blank=True, max_length=200)),
                ("low", models.DateTimeField(null=True)),
                ("high", models.DateTimeField(null=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="terms", to="record.current"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("identity", models.CharField(max_length=64)),
                ("version", models.PositiveIntegerField()),
                ("patient_id", models.CharField(blank=True, max_length=64)),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.CharField(max_length=120)),
                ("reason", models.TextField(blank=True)),
                ("content", models.TextField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="PatientLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("family", models.CharField(blank=True, max_length=120)),
                ("given", models.CharField(blank=True, max_length=120)),
                ("born_on", models.DateField(null=True)),
                ("sex", models.CharField(blank=True, max_length=16)),
                ("has_died", models.BooleanField(default=False)),
                ("sessions", models.PositiveIntegerField(default=0)),
                ("last_session_on", models.DateField(null=True)),
                ("planned", models.JSONField(default=list)),
                ("plan_status", models.CharField(blank=True, max_length=20)),
                ("visit_open", models.CharField(blank=True, max_length=64)),
                ("visit_step", models.CharField(blank=True, max_length=10)),
                ("last_score", models.FloatField(null=True)),
                ("last_score_on", models.DateField(null=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("practice", "patient_id"), name="one_line_a_patient")],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("role", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=60)),
                ("made_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(null=True)),
                ("seen_by", models.CharField(blank=True, max_length=120)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={
                "indexes": [models.Index(fields=["practice", "seen_at"], name="record_noti_practic_b0eaca_idx")],
            },
        ),
        migrations.CreateModel(
            name="ExposureLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("administration", models.CharField(max_length=64)),
                ("given_on", models.DateField()),
                ("product", models.CharField(max_length=20)),
                ("route", models.CharField(max_length=20)),
                ("dose_mg", models.FloatField(null=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("practice", "administration"), name="one_line_a_dose")],
            },
        ),
        migrations.CreateModel(
            name="Errand",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("details", models.JSONField()),
                ("due_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
            options={
                "indexes": [models.Index(fields=["done_at", "due_at"], name="record_erra_done_at_926478_idx")],
            },
        ),
        migrations.AddIndex(
            model_name="current",
            index=models.Index(fields=["practice", "patient_id", "kind"], name="record_curr_practic_a0e0ad_idx"),
        ),
        migrations.AddConstraint(
            model_name="current",
            constraint=models.UniqueConstraint(fields=("practice", "kind", "identity"), name="one_current"),
        ),
        migrations.AddConstraint(
            model_name="receipt",
            constraint=models.UniqueConstraint(fields=("practice", "sender", "key"), name="one_receipt"),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(fields=["practice", "name", "value"], name="record_term_practic_94500f_idx"),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(fields=["practice", "name", "low"], name="record_term_practic_016287_idx"),
        ),
        migrations.AddIndex(
            model_name="version",
            index=models.Index(fields=["practice", "patient_id", "id"], name="record_vers_practic_1b3ce9_idx"),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.UniqueConstraint(fields=("practice", "kind", "identity", "version"), name="one_version"),
        ),
    ]
