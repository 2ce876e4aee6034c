"""Who is signed in where, and whose password is good only beside a second factor."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import clinic.access.models


class Migration(migrations.Migration):
    dependencies = [("access", "0004_access_rules")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="has_short_password",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="Stay",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=clinic.access.models.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("proved_at", models.DateTimeField()),
                ("second_factor_at", models.DateTimeField(null=True)),
                ("locked_at", models.DateTimeField(null=True)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("device", models.CharField(blank=True, max_length=200)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stays",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
