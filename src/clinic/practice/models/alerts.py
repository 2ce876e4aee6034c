"""What waits for an answer, who has been told of it, and what has been done? Alerts, their log, mail to staff."""

from __future__ import annotations

from django.db import models

from clinic.access.models import Account
from clinic.record.models import Practice


class Alert(models.Model):
    """One thing that a person of the clinic has to answer. It names a person of the record by id and repeats no fact.

    `kind` is a word of `queries.alerts.KINDS`; with `about` it says what it is of, so that nothing is open twice.
    `owner` answers for it, or whoever of `owner_role` comes first. `level` is how far it was passed on: 0 the first
    person, 1 the second, 2 the third. `next_at` is when the clock acts next; None once it is closed.
    """

    OPEN, ACKNOWLEDGED, CLOSED = "open", "acknowledged", "closed"

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    kind = models.CharField(max_length=60)
    patient_id = models.CharField(max_length=64, blank=True)
    about = models.CharField(max_length=120, blank=True)
    values = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    owner_role = models.CharField(max_length=20, blank=True)
    owner = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="alerts")
    level = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=12, default=OPEN)
    next_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=120, blank=True)
    action = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "kind", "patient_id", "about"],
                condition=models.Q(closed_at=None),
                name="one_open_alert",
            )
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(closed_at=None), name="alert_by_clock"),
            models.Index(fields=["practice", "closed_at"], name="alert_of_practice"),
            models.Index(fields=["practice", "kind", "patient_id", "raised_at"], name="alert_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.patient_id} {self.about}, {self.state}"


class AlertStep(models.Model):
    """One thing that happened to an alert. Append-only. `by` is empty where the machine did it.

    `what` is raised, told, acknowledged, passed-on, not-acted, again, nobody, acted, handed-over, closed, settled
    or reopened.
    """

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    what = models.CharField(max_length=20)
    level = models.PositiveSmallIntegerField()
    by = models.CharField(max_length=120, blank=True)
    to = models.CharField(max_length=400, blank=True)
    words = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["alert", "id"], name="step_of_alert")]

    def __str__(self) -> str:
        return f"{self.what} at {self.at}"


class OutgoingMail(models.Model):
    """One message to one member of the staff, kept until it has left. It says that an alert waits, and nothing of whom.

    `address` is empty where none is known. `due_at` is when it is tried next, `problem` what kept it here last.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    step = models.ForeignKey(AlertStep, on_delete=models.PROTECT, related_name="mails")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "account"], name="one_mail_a_step")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(sent_at=None), name="mail_by_time"),
            models.Index(fields=["practice", "sent_at"], name="mail_of_practice"),
        ]

    def __str__(self) -> str:
        return f"mail to {self.account.username}, {'sent' if self.sent_at else self.problem or 'waiting'}"


class MailAddress(models.Model):
    """Where a member of the staff is told of alerts outside these pages."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="mail_address")
    address = models.CharField(max_length=200)
    set_by = models.CharField(max_length=120)
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"address of {self.account.username}"
