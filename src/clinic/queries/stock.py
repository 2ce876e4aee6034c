"""What lies in which cupboard, where did each milligram go, and what does not add up?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import F, Q, QuerySet

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.practice.models import Balance, Count, Difference, LedgerLine
from clinic.queries.stock_gaps import missing
from clinic.record.models import PatientLine, Practice
from ketapath.domain.outputs import LedgerRow, LotUse

PAGE = 100
"""Lines of the ledger on one page."""
SOON_DAYS = 30  # source: site default: a month ahead is when stock is ordered; it is shown and decides nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One lot in one cupboard: what the book says, and whether it may still be used. `units` is for whole devices.

    `missing_mg` is what open differences say is not there, below nothing; None where they say nothing is.
    """

    balance: Balance
    state: str
    units: Decimal
    counted: Count | None
    missing_mg: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the ledger; `who` is None where it is about nobody, or about somebody the reader does not reach."""

    line: LedgerLine
    who: PatientLine | None


def held(practice: Practice) -> list[Held]:
    """Every lot that is in a cupboard or was, what can be used first; the newest count beside each."""
    today = clock.today(practice.zone)
    balances = Balance.objects.filter(practice=practice).select_related("lot")
    counts = {(c.lot_id, c.cupboard): c for c in Count.objects.filter(practice=practice).order_by("id")}
    lacking = missing(practice)
    rows = [
        Held(balance=b, state=_state(b, today), units=b.mg / b.lot.unit_mg, counted=counts.get((b.lot_id, b.cupboard)),
             missing_mg=lacking.get((b.lot_id, b.cupboard)))
        for b in balances
    ]  # fmt: skip
    return sorted(
        rows, key=lambda h: (h.balance.mg == 0, h.balance.lot.product, h.balance.lot.expires_on, h.balance.pk)
    )


def usable(practice: Practice, product: str, on: date) -> list[Balance]:
    """Lots of this product that may be drawn from on this day, what expires first at the top."""
    found = Balance.objects.filter(practice=practice, lot__product=product, lot__expires_on__gte=on, mg__gt=0)
    return list(found.select_related("lot").order_by("lot__expires_on", "id"))


def ledger(account: Account, *, lot: int | None = None, cupboard: str = "", before: int | None = None) -> list[Line]:
    """The newest lines of the book, of one lot or cupboard where it is named, older than line `before`."""
    rows = LedgerLine.objects.filter(practice=account.practice)
    rows = rows if lot is None else rows.filter(lot_id=lot)
    rows = rows if not cupboard else rows.filter(cupboard=cupboard)
    rows = rows if before is None else rows.filter(pk__lt=before)
    return _named(account, list(rows.select_related("lot", "corrects").order_by("-id")[:PAGE]))


def amounts(practice: Practice, kind: str) -> list[LedgerLine]:
    """The newest lines that something was received or destroyed by, whose amount may have to be corrected."""
    rows = LedgerLine.objects.filter(practice=practice, kind=kind).select_related("lot")
    return list(rows.prefetch_related("corrections").order_by("-id")[:PAGE])


def lines_of(account: Account, visit_id: str) -> list[Line]:
    """The lines about one visit, oldest first."""
    return _named(account, list(_of_visit(account.practice, visit_id)))


def uses_of(practice: Practice, visit_id: str) -> tuple[LotUse, ...]:
    """What the book says of this visit, a lot each, corrections counted."""
    by_lot: dict[str, list[LedgerLine]] = {}
    for line in _of_visit(practice, visit_id):
        by_lot.setdefault(line.lot.number, []).append(line)
    nothing = Decimal(0)
    return tuple(
        LotUse(
            lot=lot,
            drawn_mg=sum((line.drawn_mg for line in lines), nothing),
            given_mg=sum((line.given_mg for line in lines), nothing),
            wasted_mg=sum((line.wasted_mg for line in lines), nothing),
        )
        for lot, lines in sorted(by_lot.items())
    )


def lots_of(practice: Practice, visits: Collection[str]) -> dict[str, dict[str, Decimal]]:
    """What of each lot was drawn in each of these visits, corrections counted; nothing of one that was taken back."""
    found: dict[str, dict[str, Decimal]] = {}
    rows = LedgerLine.objects.filter(practice=practice, visit_id__in=visits).exclude(visit_id="")
    for visit, lot, drawn in rows.values_list("visit_id", "lot__number", "drawn_mg"):
        by_lot = found.setdefault(visit, {})
        by_lot[lot] = by_lot.get(lot, Decimal(0)) + drawn
    return found


def rows_of(practice: Practice, visit_id: str) -> tuple[LedgerRow, ...]:
    """The lines of the book about this visit as they stand there, for whoever reads them back."""
    return tuple(
        LedgerRow(
            patient_id=line.patient_id, on=line.day, product=line.lot.product, route=line.route,
            lot=line.lot.number, drawn_mg=line.drawn_mg, given_mg=line.given_mg, wasted_mg=line.wasted_mg,
        )
        for line in _of_visit(practice, visit_id)
    )  # fmt: skip


def differences(practice: Practice, *, with_closed: bool = True) -> QuerySet[Difference]:
    """Every difference, those that are not closed first, the oldest of them at the top."""
    found = Difference.objects.filter(practice=practice).select_related("lot", "count")
    if not with_closed:
        found = found.exclude(state="closed")
    return found.order_by("closed_at", "opened_at")


def has_differed(account: Account, key: str) -> bool:
    """Whether a lot was counted otherwise than the book said, in this very request."""
    rows = Count.objects.filter(practice=account.practice, username=account.username, key=key)
    return rows.exclude(counted_mg=F("book_mg")).exists()


def counted_today(practice: Practice) -> bool:
    """Whether every lot that the book says is there has been counted today."""
    today = clock.today(practice.zone)
    there = set(Balance.objects.filter(practice=practice, mg__gt=0).values_list("lot_id", "cupboard"))
    counted = Count.objects.filter(practice=practice, counted_on=today).values_list("lot_id", "cupboard")
    return there <= set(counted)


def witnesses(account: Account) -> QuerySet[Account]:
    """Colleagues who may be the second person."""
    roles = ("prescriber", "nurse", "pharmacist")
    found = Account.objects.filter(practice=account.practice, is_active=True, role__in=roles)
    return found.exclude(pk=account.pk).order_by("name")


def _of_visit(practice: Practice, visit_id: str) -> QuerySet[LedgerLine]:
    rows = LedgerLine.objects.filter(practice=practice, visit_id=visit_id).exclude(visit_id="")
    return rows.select_related("lot").order_by("id")


def _state(balance: Balance, today: date) -> str:
    if balance.lot.expires_on < today:
        return "expired"
    if balance.mg == 0:
        return "empty"
    return "expires soon" if (balance.lot.expires_on - today).days <= SOON_DAYS else "usable"


def _named(account: Account, lines: Iterable[LedgerLine]) -> list[Line]:
    """Each line with whom it is about, as far as this account reaches."""
    lines = list(lines)
    named = {line.patient_id for line in lines} - {""}
    people = reach(account).people_of(PatientLine.objects.filter(Q(patient_id__in=named)))
    by_id = {person.patient_id: person for person in people}
    return [Line(line=line, who=by_id.get(line.patient_id)) for line in lines]
