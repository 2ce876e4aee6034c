"""Records that were handed in at a page, for the worker to take in."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("record", "0005_search_terms"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(max_length=80)),
                ("content", models.BinaryField()),
                ("step", models.CharField(default="waiting", max_length=10)),
                ("resources", models.PositiveIntegerField(default=0)),
                ("patient_id", models.CharField(blank=True, max_length=64)),
                ("report", models.JSONField(default=dict)),
                ("handed_in_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
    ]
