"""The tables of access: accounts, one-time codes, the trail of what was done."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from clinic.record.models import Practice


def new_id() -> str:
    """An identity that nobody guesses (128 bits)."""
    return secrets.token_hex(16)


class Role(models.TextChoices):
    """What somebody is in a practice."""

    PRESCRIBER = "prescriber"
    NURSE = "nurse"
    THERAPIST = "therapist"
    COORDINATOR = "coordinator"
    PHARMACIST = "pharmacist"
    DIRECTOR = "director"
    RESEARCHER = "researcher"
    PATIENT = "patient"
    CAREGIVER = "caregiver"
    SERVICE = "service"


class Account(AbstractBaseUser):
    """One person's own account in one practice. A patient's account is tied to the one record.

    A short password (8 to 14 characters) is good only beside a second factor, so the last one cannot be taken away.
    """

    username = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=20, choices=Role.choices)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)
    has_short_password = models.BooleanField(default=False)

    scopes: Sequence[str] | None = None
    """What the bearer token of this request narrows it to; None without a token. Set at the door, never stored."""

    objects = BaseUserManager["Account"]()
    USERNAME_FIELD = "username"

    def __str__(self) -> str:
        return self.name


class SignInCode(models.Model):
    """A code that signs somebody in once. Only its digest is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"code of {self.account.username}"


class Stay(models.Model):
    """One sign-in at one browser, from coming in to going out. It is deleted when it ends; the trail remembers it.

    `seen_at` is the last thing that the person did, `proved_at` the last time they showed a secret, `second_factor_at`
    when they showed a second factor, `device` what the browser calls itself.
    """

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="stays")
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    proved_at = models.DateTimeField()
    second_factor_at = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=64, blank=True)
    device = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.account.username} since {self.since}"


class Token(models.Model):
    """A bearer token of an account, for scripts. Only its digest is kept; `scopes` narrow what its account may do."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.account.username}"


class Relationship(models.Model):
    """What binds an account to one person: a place in the care team, or caring for them at home.

    `parts` are the parts of the record that a caregiver was given; a care team has those of its roles.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="relationships")
    patient_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    parts = models.JSONField(default=list)
    reason = models.TextField(blank=True)
    made_by = models.CharField(max_length=120)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "patient_id"], name="relationship_of_account")]

    def __str__(self) -> str:
        return f"{self.account.username}, {self.kind} of {self.patient_id}"


class Restriction(models.Model):
    """A chart that only its care team may open, such as that of a colleague. Break-glass still works, and is told."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    reason = models.TextField()
    made_by = models.CharField(max_length=120)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "patient_id"], name="restriction_of_patient")]

    def __str__(self) -> str:
        return f"{self.patient_id} since {self.since}"


class Emergency(models.Model):
    """Break-glass: somebody opened a chart that is not theirs, for a reason and for a while; a director reviews it."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    reason = models.TextField()
    opened_at = models.DateTimeField()
    until = models.DateTimeField()
    reviewed_by = models.CharField(max_length=120, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    review = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "reviewed_at"], name="emergency_to_review")]

    def __str__(self) -> str:
        return f"{self.account.username} opened {self.patient_id} at {self.opened_at}"


class AuditRow(models.Model):
    """One thing that somebody did or was refused. Append-only; no foreign keys, so it outlives what it speaks of.

    `source` is the address it came from, `asked` the search or page as it was asked for, without words of a person.
    `previous` is filled in rows of before there were blocks.
    """

    at = models.DateTimeField()
    practice = models.CharField(max_length=50, blank=True)
    who = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    act = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20)
    patient_id = models.CharField(max_length=64, blank=True)
    entities = models.JSONField(default=list)
    source = models.CharField(max_length=64, blank=True, default="")
    asked = models.CharField(max_length=500, blank=True, default="")
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["practice", "patient_id", "at"]),
            models.Index(fields=["act", "who", "at"], name="audit_of_who"),
            models.Index(fields=["act", "source", "at"], name="audit_of_source"),
        ]

    def __str__(self) -> str:
        return f"{self.at} {self.who} {self.act} {self.outcome}"


class AuditBlock(models.Model):
    """Rows sealed together: the root of the Merkle tree over them, chained to the block before. Append-only."""

    number = models.PositiveBigIntegerField(primary_key=True)
    rows = models.PositiveIntegerField()
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"block {self.number} of {self.rows} rows"


class AuditSeal(models.Model):
    """The place of one row in its block, and the row's digest at that moment. Append-only."""

    row = models.PositiveBigIntegerField(primary_key=True)
    block = models.ForeignKey(AuditBlock, on_delete=models.PROTECT)
    place = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["block", "place"], name="one_row_a_place")]

    def __str__(self) -> str:
        return f"row {self.row} at {self.block_id}/{self.place}"
