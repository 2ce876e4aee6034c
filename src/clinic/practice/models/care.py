"""Who has told whom what is open, and which places outside help with what a clinic does not treat?"""

from __future__ import annotations

from django.db import models

from clinic.access.models import Account
from clinic.record.models import Practice


class Handover(models.Model):
    """One colleague hands over to another: a person, or a shift where `patient_id` is empty.

    What is said about a person stands in the record, in the Communication that `communication` names, and never here;
    `open_points` and `watch` are of a shift alone. Until the receiver has said so it is not taken over.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    sender = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="handed_over")
    receiver = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="taken_over")
    patient_id = models.CharField(max_length=64, blank=True)
    communication = models.CharField(max_length=64, blank=True)
    open_points = models.TextField(blank=True)
    watch = models.TextField(blank=True)
    made_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    key = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "sender", "key"], name="one_handover_a_key")]
        indexes = [
            models.Index(fields=["practice", "receiver", "acknowledged_at"], name="handover_waiting"),
            models.Index(fields=["practice", "patient_id", "made_at"], name="handover_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.sender.name} to {self.receiver.name} at {self.made_at}"


class CommunityPlace(models.Model):
    """One place outside the clinic that helps with a social need; `kind` is a need of knowledge/referrals.yaml.

    `source` says where its particulars were found and `checked_on` when somebody last made sure of them. One that is
    closed stays for the referrals that name it.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    area = models.CharField(max_length=120, blank=True)
    contact = models.CharField(max_length=200)
    languages = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=200)
    checked_on = models.DateField()
    checked_by = models.CharField(max_length=120)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "kind", "name"], name="one_place_a_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"
