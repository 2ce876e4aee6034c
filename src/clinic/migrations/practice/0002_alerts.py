"""Alerts with their clock, their log and the mail that tells of them; what waited as a notice becomes an alert."""

from __future__ import annotations

from datetime import timedelta

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.utils import timezone

from clinic.migrations.append_only import guard

_ANSWERED = ("measurement.item9", "dose.more_than_ordered", "override.asked", "score.overdue", "audit.broken")
_SIGN = "response.warning"
_FIRST_TIME = timedelta(hours=1)
"""For so long the people of a clinic that has just taken this version can answer before anything is passed on."""


def take_over(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Each notice that nobody has seen and that asks for an answer, as an alert; the others stay notices."""
    notices, alerts = apps.get_model("record", "Notice"), apps.get_model("practice", "Alert")
    steps = apps.get_model("practice", "AlertStep")
    now = timezone.now()
    for notice in notices.objects.filter(seen_at=None).order_by("id"):
        kind, _space, about = notice.key.partition(" ")
        if kind not in (*_ANSWERED, _SIGN):
            continue
        same = {"practice": notice.practice, "kind": kind, "patient_id": notice.patient_id, "about": about}
        if not alerts.objects.filter(**same, closed_at=None).exists():
            made = alerts.objects.create(
                **same, raised_at=notice.made_at, owner_role=notice.role, next_at=now + _FIRST_TIME
            )
            steps.objects.create(alert=made, at=notice.made_at, what="raised", level=0, to=notice.role)
        notice.seen_at, notice.seen_by = now, "moved to the alerts"
        notice.save()


class Migration(migrations.Migration):
    dependencies = [
        ("practice", "0001_start"),
        ("record", "0008_bookings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=60)),
                ("patient_id", models.CharField(blank=True, max_length=64)),
                ("about", models.CharField(blank=True, max_length=120)),
                ("values", models.JSONField(default=dict)),
                ("raised_at", models.DateTimeField()),
                ("owner_role", models.CharField(blank=True, max_length=20)),
                ("level", models.PositiveSmallIntegerField(default=0)),
                ("state", models.CharField(default="open", max_length=12)),
                ("next_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=120)),
                ("action", models.TextField(blank=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.CharField(blank=True, max_length=120)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="AlertStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("what", models.CharField(max_length=20)),
                ("level", models.PositiveSmallIntegerField()),
                ("by", models.CharField(blank=True, max_length=120)),
                ("to", models.CharField(blank=True, max_length=400)),
                ("words", models.TextField(blank=True)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="practice.alert"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MailAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=200)),
                ("set_by", models.CharField(max_length=120)),
                ("set_at", models.DateTimeField()),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mail_address",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(blank=True, max_length=200)),
                ("made_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=60)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
                (
                    "step",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="mails", to="practice.alertstep"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("closed_at", None)), fields=["next_at"], name="alert_by_clock"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["practice", "closed_at"], name="alert_of_practice"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["practice", "kind", "patient_id", "raised_at"], name="alert_of_kind"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("practice", "kind", "patient_id", "about"),
                name="one_open_alert",
            ),
        ),
        migrations.AddIndex(
            model_name="alertstep",
            index=models.Index(fields=["alert", "id"], name="step_of_alert"),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(condition=models.Q(("sent_at", None)), fields=["due_at"], name="mail_by_time"),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(fields=["practice", "sent_at"], name="mail_of_practice"),
        ),
        migrations.AddConstraint(
            model_name="outgoingmail",
            constraint=models.UniqueConstraint(fields=("step", "account"), name="one_mail_a_step"),
        ),
        migrations.RunPython(guard("practice_alertstep"), migrations.RunPython.noop),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
