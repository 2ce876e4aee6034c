"""The tables of access: accounts, one-time codes, the trail of what was done."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from clinic.record.models import Practice


class Role(models.TextChoices):
    """What somebody is in a practice. Further roles of the design come with the pages that need them."""

    PRESCRIBER = "prescriber"
    NURSE = "nurse"
    THERAPIST = "therapist"
    COORDINATOR = "coordinator"
    DIRECTOR = "director"
    PATIENT = "patient"


class Account(AbstractBaseUser):
    """One person's own account in one practice. A patient's account is tied to the one record."""

    username = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=20, choices=Role.choices)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)

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


class AuditRow(models.Model):
    """One thing that somebody did or was refused. Append-only; no foreign keys, so it outlives what it speaks of."""

    at = models.DateTimeField()
    practice = models.CharField(max_length=50, blank=True)
    who = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    act = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20)
    patient_id = models.CharField(max_length=64, blank=True)
    entities = models.JSONField(default=list)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["practice", "patient_id", "at"])]

    def __str__(self) -> str:
        return f"{self.at} {self.who} {self.act} {self.outcome}"
