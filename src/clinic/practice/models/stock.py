"""Which controlled drugs lie in which cupboard, and where did each milligram go? Lots, the ledger, counts, differences.

Every amount is in milligrams of base, to the hundredth. The database itself refuses a balance below nothing, and to
change or delete a line of the ledger or a count.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.db.models.functions import Round

from clinic.record.models import Practice

NOTHING = Decimal("0.00")


def _mg(default: Decimal | type[NOT_PROVIDED] = NOT_PROVIDED) -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(max_digits=10, decimal_places=2, default=default)


class Lot(models.Model):
    """One lot of one product as it was first received. `unit_mg` is what one vial or device holds.

    `product` is racemic or esketamine; `form` is vial or device. A device is used whole.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    product = models.CharField(max_length=20)
    form = models.CharField(max_length=10)
    number = models.CharField(max_length=40)
    strength = models.CharField(max_length=60)
    unit_mg = _mg()
    expires_on = models.DateField()
    made_by = models.CharField(max_length=120)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "product", "number"], name="one_lot_a_number"),
            models.CheckConstraint(condition=models.Q(unit_mg__gt=0), name="a_unit_holds_something"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.number}"


class Balance(models.Model):
    """What the book says is in one cupboard of one lot now: the sum of its lines. Taken before each line is added."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="balances")
    cupboard = models.CharField(max_length=20)
    mg = _mg(NOTHING)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lot", "cupboard"], name="one_balance_a_cupboard"),
            models.CheckConstraint(condition=models.Q(mg__gte=0), name="never_below_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.mg} mg of {self.lot} in {self.cupboard}"


class LedgerLine(models.Model):
    """One line of the controlled-drug ledger; append-only. `balance_mg` is what was left after it.

    `kind` is receipt, use, destroyed, lost or correction. `change_mg` is what it did to the balance. Of a use, drawn is
    given and wasted together; a correction holds the differences to the line it corrects. `day` is the clinic's day
    that it belongs to: of a use that of the dose, whenever it is written.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="lines")
    cupboard = models.CharField(max_length=20)
    kind = models.CharField(max_length=12)
    change_mg = _mg()
    balance_mg = _mg()
    drawn_mg = _mg(NOTHING)
    given_mg = _mg(NOTHING)
    wasted_mg = _mg(NOTHING)
    patient_id = models.CharField(max_length=64, blank=True)
    visit_id = models.CharField(max_length=64, blank=True)
    administration_id = models.CharField(max_length=64, blank=True)
    route = models.CharField(max_length=20, blank=True)
    day = models.DateField()
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="corrections")
    words = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=120)
    username = models.CharField(max_length=80)
    witness = models.CharField(max_length=120, blank=True)
    witness_username = models.CharField(max_length=80, blank=True)
    key = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "username", "key", "lot", "cupboard"], name="one_line_a_request"
            ),
            models.UniqueConstraint(
                fields=["practice", "visit_id", "lot", "cupboard"],
                condition=models.Q(kind="use"),
                name="one_use_a_visit_and_lot",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    drawn_mg=Round(models.F("given_mg") + models.F("wasted_mg"), 2)
                ),  # SQLite adds floats
                name="drawn_is_given_and_wasted",
            ),
            models.CheckConstraint(condition=models.Q(balance_mg__gte=0), name="no_line_below_nothing"),
            models.CheckConstraint(
                condition=models.Q(witness_username="") | ~models.Q(witness_username=models.F("username")),
                name="a_witness_is_another",
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "id"], name="ledger_of_practice"),
            models.Index(fields=["practice", "visit_id"], name="ledger_of_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.change_mg} mg of {self.lot}"


class Count(models.Model):
    """One cupboard's lot as two people counted it at the end of a day, beside what the book said. Append-only."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="counts")
    cupboard = models.CharField(max_length=20)
    counted_on = models.DateField()
    counted_mg = _mg()
    book_mg = _mg()
    at = models.DateTimeField()
    by = models.CharField(max_length=120)
    username = models.CharField(max_length=80)
    second = models.CharField(max_length=120)
    second_username = models.CharField(max_length=80)
    key = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "username", "key", "lot", "cupboard"], name="one_count_a_request"
            ),
            models.CheckConstraint(condition=~models.Q(second_username=models.F("username")), name="two_people_count"),
            models.CheckConstraint(condition=models.Q(counted_mg__gte=0), name="counted_is_not_negative"),
        ]
        indexes = [models.Index(fields=["practice", "counted_on"], name="counts_of_day")]

    def __str__(self) -> str:
        return f"{self.counted_mg} mg of {self.lot} counted on {self.counted_on}"


class Difference(models.Model):
    """The book and the cupboard, or the book and the record, disagree: opened, explained, closed.

    `difference_mg` is what was found less what the book says. `state` is open, explained or closed; `outcome` is
    miscount, book-error, theft or loss, and a theft or loss names to whom it was reported. Each line of `explanation`
    is something that was said, the newest first; an earlier one begins with who said it and when.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="differences")
    cupboard = models.CharField(max_length=20)
    count = models.OneToOneField(Count, on_delete=models.PROTECT, null=True)
    visit_id = models.CharField(max_length=64, blank=True)
    difference_mg = _mg()
    state = models.CharField(max_length=10, default="open")
    owner = models.CharField(max_length=80)
    opened_by = models.CharField(max_length=120)
    opened_at = models.DateTimeField()
    explanation = models.TextField(blank=True)
    explained_by = models.CharField(max_length=120, blank=True)
    explained_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, blank=True)
    reported_to = models.CharField(max_length=120, blank=True)
    finding = models.TextField(blank=True)
    closed_by = models.CharField(max_length=120, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "state"], name="differences_by_state")]

    @property
    def said(self) -> list[str]:
        """What was said of it, the newest first."""
        return self.explanation.splitlines()

    @property
    def units(self) -> Decimal | None:
        """How many devices it is, more or fewer; None of vials, whose contents are measured."""
        return self.difference_mg / self.lot.unit_mg if self.lot.form == "device" else None

    def __str__(self) -> str:
        return f"{self.difference_mg} mg of {self.lot}, {self.state}"
