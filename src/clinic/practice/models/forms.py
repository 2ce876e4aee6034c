"""Which forms left the house? What was sent, to whom, when, by whom, and the very pages that were sent.

Append-only: a form that is sent again, or with other content, is another row.
"""

from __future__ import annotations

from django.db import models

from clinic.record.models import Practice


class Submission(models.Model):
    """One form that was sent, or the word of a person that none is needed.

    `kind` is rems-monitoring, adverse-report or adverse-review; `about` the visit or the event. `state` is sent or
    not-needed. `content` is the PDF as it left, with its SHA-256; `said` the values that it held, by field.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20)
    about = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64)
    state = models.CharField(max_length=12)
    sent_on = models.DateField()
    how = models.CharField(max_length=20, blank=True)
    words = models.CharField(max_length=300, blank=True)
    content = models.BinaryField(default=bytes)
    digest = models.CharField(max_length=64, blank=True)
    said = models.JSONField(default=dict)
    by = models.CharField(max_length=120)
    username = models.CharField(max_length=80)
    at = models.DateTimeField()
    key = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "username", "key"], name="one_submission_a_request"),
        ]
        indexes = [models.Index(fields=["practice", "kind", "about"], name="submission_of")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.about}, {self.state}"


class RegistryRow(models.Model):
    """What the registry was told of one session, under a pseudonym; append-only, the newest of a session counts.

    It names no person and no account; which session it is of stands here alone and never leaves.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    visit_id = models.CharField(max_length=64)
    row = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["practice", "visit_id", "id"], name="registry_of_visit")]

    def __str__(self) -> str:
        return f"registry row of {self.visit_id}"


class RegistryKey(models.Model):
    """The secret that makes this practice's pseudonyms: without it nobody gets from a pseudonym to a person."""

    practice = models.OneToOneField(Practice, on_delete=models.PROTECT)
    secret = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"registry key of {self.practice}"
