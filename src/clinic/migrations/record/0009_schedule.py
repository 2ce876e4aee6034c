"""A booking knows its version, the place of each colleague and the way home."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("record", "0008_bookings"),
    ]

    operations = [
        migrations.AddField(model_name="booking", name="places", field=models.JSONField(default=list)),
        migrations.AddField(
            model_name="booking", name="ride", field=models.CharField(default="not-asked", max_length=20)
        ),
        migrations.AddField(model_name="booking", name="version", field=models.PositiveIntegerField(default=0)),
    ]
