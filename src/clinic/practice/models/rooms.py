"""Where is somebody treated, and who is there to do it? Rooms, hours on duty, certificates with their dates."""

from __future__ import annotations

from django.db import models

from clinic.access.models import Account
from clinic.record.models import Practice


class Room(models.Model):
    """One place for one person at a time: a room, or a chair in a room that several share.

    `code` is what a booking and a visit name; `kind` is treatment or talking. A room that is closed takes no booking.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, default="treatment")
    place = models.PositiveIntegerField(default=0)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "code"], name="one_room_a_code")]

    def __str__(self) -> str:
        return self.name


class Duty(models.Model):
    """Somebody is on site from one instant to another. Both ends are instants, so clock changes are safe.

    `watches` is how many people in session they may look after at once; 0 for who is on site and watches nobody.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="duties")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    watches = models.PositiveIntegerField(default=0)
    made_by = models.CharField(max_length=120)

    class Meta:
        indexes = [models.Index(fields=["practice", "starts_at"], name="duty_of_day")]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="duty_ends_after_start")
        ]

    def __str__(self) -> str:
        return f"{self.account.name} from {self.starts_at} to {self.ends_at}"


class Certificate(models.Model):
    """A licence or training of one person, as somebody has seen it. It is never changed: a new one follows.

    `kind` is licence, basic-life-support, advanced-life-support, ketamine-training, sedation-monitoring,
    psychiatric-assessment, or a therapy's own word. `valid_until` is its last day; None where it does not run out.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="certificates")
    kind = models.CharField(max_length=40)
    number = models.CharField(max_length=60, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)
    seen_by = models.CharField(max_length=120)
    seen_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "kind", "valid_until"], name="certificate_by_end")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account.name} until {self.valid_until or 'further notice'}"
