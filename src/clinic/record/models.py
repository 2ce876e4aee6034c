"""The tables of the record. Every row carries its practice; nothing is ever looked up without it."""

from __future__ import annotations

from django.db import models

IMPORT = "import"
"""The reason that every version from an import bears."""


class Practice(models.Model):
    """One clinic: who it is, where its clock stands, and how it works (what the core calls Clinic)."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=64, default="UTC")
    is_demo = models.BooleanField(default=False)
    settings = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class PolicyEntry(models.Model):
    """One decision of the medical lead about what ships unapproved. Append-only: the newest of an item stands.

    `values` holds the limits that were moved; an entry that is withdrawn takes the approval back.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    item = models.CharField(max_length=120)
    version = models.CharField(max_length=40)
    values = models.JSONField(default=dict)
    is_withdrawn = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["practice", "item", "id"], name="policy_of_practice")]

    def __str__(self) -> str:
        return f"{self.item} {'withdrawn' if self.is_withdrawn else 'approved'} by {self.by}"


class Current(models.Model):
    """The version of a resource that stands now."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=40)
    identity = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    patient_id = models.CharField(max_length=64, blank=True)
    part = models.CharField(max_length=20, default="chart")
    changed_at = models.DateTimeField()
    content = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "kind", "identity"], name="one_current")]
        indexes = [
            models.Index(fields=["practice", "patient_id", "kind", "id"], name="current_of_patient"),
            models.Index(fields=["practice", "kind", "id"], name="current_of_kind"),
            models.Index(fields=["practice", "kind", "changed_at", "id"], name="current_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.identity}/_history/{self.version}"


class Version(models.Model):
    """Every version that ever stood, never changed. Its own number orders the whole record's history."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    kind = models.CharField(max_length=40)
    identity = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    patient_id = models.CharField(max_length=64, blank=True)
    part = models.CharField(max_length=20, default="chart")
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=120)
    reason = models.TextField(blank=True)
    content = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "kind", "identity", "version"], name="one_version")]
        indexes = [models.Index(fields=["practice", "patient_id", "id"])]

    def __str__(self) -> str:
        return f"{self.kind}/{self.identity}/_history/{self.version}"


class Term(models.Model):
    """One thing a current resource can be found by: a token, reference, text, address, number or span of time.

    `value` is folded (case and accents aside) where the parameter is a text; `exact` is the same as it was written.
    `low` to `high` is a span of time with its end excluded, `least` to `most` one of numbers with both ends. PostgreSQL
    orders `value` by code points, as SQLite does.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, db_index=False)
    resource = models.ForeignKey(Current, on_delete=models.CASCADE, related_name="terms", db_index=False)
    kind = models.CharField(max_length=40, default="")
    name = models.CharField(max_length=40)
    system = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=200, blank=True)
    exact = models.CharField(max_length=200, blank=True, default="")
    low = models.DateTimeField(null=True)
    high = models.DateTimeField(null=True)
    least = models.FloatField(null=True)
    most = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["practice", "kind", "name", "value", "resource"], name="term_by_value"),
            models.Index(
                fields=["practice", "kind", "name", "low", "resource"],
                condition=models.Q(low__isnull=False),
                name="term_by_time",
            ),
            models.Index(fields=["resource", "name"], name="term_of_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.system}|{self.value}"


class PatientLine(models.Model):
    """Projection: one line of the list of patients. Made again from the record by `rebuild`.

    `planned` are the sessions of the standing plan that were not given yet, each as day and clock time ("2026-11-25",
    "09:00"), oldest first, and `next_on` the first of their days; which is missed, due or ahead is for the day to say.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    family = models.CharField(max_length=120, blank=True)
    given = models.CharField(max_length=120, blank=True)
    born_on = models.DateField(null=True)
    sex = models.CharField(max_length=16, blank=True)
    has_died = models.BooleanField(default=False)
    sessions = models.PositiveIntegerField(default=0)
    last_session_on = models.DateField(null=True)
    planned = models.JSONField(default=list)
    next_on = models.DateField(null=True)
    plan_status = models.CharField(max_length=20, blank=True)
    visit_open = models.CharField(max_length=64, blank=True)
    visit_step = models.CharField(max_length=10, blank=True)
    last_score = models.FloatField(null=True)
    last_score_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "patient_id"], name="one_line_a_patient")]
        indexes = [
            models.Index(fields=["practice", "next_on"], name="line_by_next"),
            models.Index(fields=["practice", "visit_open"], name="line_in_house"),
        ]

    def __str__(self) -> str:
        return f"{self.family}, {self.given}"


class VisitLine(models.Model):
    """Projection: the newest visit of a person, as the day's board needs it, so that no chart is read for it.

    `content` is what `record.projections.visit_of` makes the core's Visit of again, with what was ordered beside it.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    room = models.CharField(max_length=20, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    content = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "patient_id"], name="one_visit_line_a_patient")]
        indexes = [models.Index(fields=["practice", "opened_at"], name="visit_of_day")]

    def __str__(self) -> str:
        return f"visit of {self.patient_id} at {self.opened_at}"


class ExposureLine(models.Model):
    """Projection: one dose of the cumulative ledger, in milligrams of base."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    administration = models.CharField(max_length=64)
    given_on = models.DateField()
    product = models.CharField(max_length=20)
    route = models.CharField(max_length=20)
    dose_mg = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "administration"], name="one_line_a_dose")]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.given_on} {self.product}"


class Booking(models.Model):
    """Projection: one appointment that is to come or was held, as the day's board and the schedule need it.

    `room` is the code of a room, `staff` the usernames of who is booked for it and `places` the place of each, 0 for
    who is on site only; `planned_on` the day on which the plan `plan_id` meant it, empty for what belongs to no plan.
    Times are instants; `version` is that of the appointment.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    appointment = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=20)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    room = models.CharField(max_length=20, blank=True)
    staff = models.JSONField(default=list)
    places = models.JSONField(default=list)
    ride = models.CharField(max_length=20, default="not-asked")
    plan_id = models.CharField(max_length=64, blank=True)
    planned_on = models.DateField(null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "appointment"], name="one_booking")]
        indexes = [
            models.Index(fields=["practice", "starts_at"], name="booking_of_day"),
            models.Index(fields=["practice", "patient_id", "starts_at"], name="booking_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.patient_id} at {self.starts_at}"


class Hold(models.Model):
    """Projection: five minutes of a room, a person or a colleague that one booking has taken; nobody takes them twice.

    `resource` is "room/CODE", "patient/ID" or "staff/USERNAME/PLACE", a place for each person that somebody may look
    after at once; `slot` counts five minutes since 1970.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="holds")
    resource = models.CharField(max_length=120)
    slot = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "resource", "slot"], name="nothing_booked_twice")]

    def __str__(self) -> str:
        return f"{self.resource} at {self.slot}"


class Receipt(models.Model):
    """An act that was done, under the key its sender chose, so that a repeated request does nothing twice."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    sender = models.CharField(max_length=80)
    key = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    result = models.JSONField()
    done_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "sender", "key"], name="one_receipt")]

    def __str__(self) -> str:
        return self.key


class Errand(models.Model):
    """Outbox: something to do after an act, written in its transaction and taken by the worker when it is due."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    kind = models.CharField(max_length=40)
    details = models.JSONField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["done_at", "due_at"])]

    def __str__(self) -> str:
        return f"{self.kind} at {self.due_at}"


class Notice(models.Model):
    """A message to the people of one role in a practice, written by the worker and shown until somebody has seen it."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    role = models.CharField(max_length=20)
    key = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "seen_at"])]

    def __str__(self) -> str:
        return f"{self.key} {self.patient_id}"


class Signature(models.Model):
    """Somebody signed exactly this content, with this meaning. Append-only; `digest` is that of the version's text."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=40)
    identity = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    meaning = models.CharField(max_length=20)
    username = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["practice", "patient_id", "kind", "identity"], name="signature_of_resource")]

    def __str__(self) -> str:
        return f"{self.name}, {self.meaning}: {self.kind}/{self.identity}/_history/{self.version}"


class Quarantined(models.Model):
    """A resource that an import could not take in, kept as it came, with what is wrong with it."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    patient_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=40)
    identity = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    content = models.TextField()
    problems = models.JSONField()
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "patient_id", "digest"], name="quarantined_once")]

    def __str__(self) -> str:
        return f"{self.kind}/{self.identity} of {self.patient_id}"


class Delivery(models.Model):
    """A record that somebody handed in at a page, and how far the worker is with it.

    `content` is the file as it came, emptied once it is in the record or refused for good; a copy in the database is
    kept from other users of the machine as the record is. `step` is waiting, read, checked, done or refused.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    username = models.CharField(max_length=80)
    content = models.BinaryField()
    step = models.CharField(max_length=10, default="waiting")
    resources = models.PositiveIntegerField(default=0)
    patient_id = models.CharField(max_length=64, blank=True)
    report = models.JSONField(default=dict)
    handed_in_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"delivery {self.pk} by {self.username}, {self.step}"


class SimulatedTrial(models.Model):
    """A simulated trial that somebody asked for, and how far the worker is with it. No patient is in it.

    `design` is the file as it was read, laid over by `trials`, `seed` and `truth`; `registration` was written before
    the run. `step` is waiting, running, done, stopped or failed. `found` is what `ketapath.report.trial_json` gives.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    username = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    design = models.TextField()
    trials = models.PositiveIntegerField()
    seed = models.BigIntegerField()
    truth = models.CharField(max_length=20)
    registration = models.TextField()
    asked_at = models.DateTimeField()
    step = models.CharField(max_length=10, default="waiting")
    is_to_stop = models.BooleanField(default=False)
    played = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()
    found = models.JSONField(default=dict)
    problem = models.CharField(max_length=60, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "id"], name="trial_of_practice")]

    def __str__(self) -> str:
        return f"{self.title}, {self.step}"
