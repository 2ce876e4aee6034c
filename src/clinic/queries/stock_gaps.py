"""How much of an open difference is still between the cupboard and the book?

The newest count says what was there. Lines written since it either tell of what came after it, or of what was before
it: a drug record written late, a correction, the end of another difference. Of those the book has caught up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from clinic.practice.models import Balance, Count, Difference, LedgerLine
from clinic.practice.models.stock import NOTHING
from clinic.record.models import Practice
from clinic.record.read import read
from ketapath.fhir import elements as el

Place = tuple[int, str]
"""A lot's number in the database, and a cupboard."""
CLOSING = "difference-"
"""How the key of the line begins that the end of a difference writes; its number follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What of one difference is left, with its sign; nothing where the book says it already.

    `count` is the newest count, None where it was opened by hand since. `told` are lines written since that tell of
    what was before; of `unplaced` ones, received or destroyed, nobody can say that without another count.
    """

    count: Count | None
    book_mg: Decimal
    told: tuple[LedgerLine, ...]
    unplaced: tuple[LedgerLine, ...]
    left_mg: Decimal

    @property
    def is_more_than_book(self) -> bool:
        """Whether more would be taken out of the book than it holds."""
        return self.book_mg + self.left_mg < NOTHING


def gaps(practice: Practice, at: Place | None = None) -> dict[int, Gap]:
    """The gap of each difference that is not closed, by its number; of one lot in one cupboard where named."""
    rows = Difference.objects.filter(practice=practice).exclude(state="closed").order_by("-id")
    by_place: dict[Place, list[Difference]] = {}
    for one in rows if at is None else rows.filter(lot_id=at[0], cupboard=at[1]):
        by_place.setdefault((one.lot_id, one.cupboard), []).append(one)
    return {number: gap for place, found in by_place.items() for number, gap in _of_place(place, found).items()}


def missing(practice: Practice) -> dict[Place, Decimal]:
    """What open differences say is missing of each lot in each cupboard, below nothing; where nothing is, no entry."""
    found, rows = gaps(practice), Difference.objects.filter(practice=practice).exclude(state="closed")
    total: dict[Place, Decimal] = {}
    for one in rows:
        if found[one.pk].left_mg < NOTHING:
            place = (one.lot_id, one.cupboard)
            total[place] = total.get(place, NOTHING) + found[one.pk].left_mg
    return total


def closings(practice: Practice, differences: Iterable[Difference]) -> dict[int, LedgerLine]:
    """The line that each closed difference wrote, by the difference's number; none where the book said it already."""
    keys = {f"{CLOSING}{one.pk}": one.pk for one in differences if one.state == "closed"}
    lines = LedgerLine.objects.filter(practice=practice, key__in=keys, visit_id="", witness_username="")
    return {keys[line.key]: line for line in lines}


def _of_place(place: Place, found: list[Difference]) -> dict[int, Gap]:
    """The gaps of these open differences of one lot in one cupboard, which come newest first."""
    lot, cupboard = place
    count = Count.objects.filter(lot_id=lot, cupboard=cupboard).order_by("-id").first()
    book = Balance.objects.get(lot_id=lot, cupboard=cupboard).mg
    earliest = min([one.opened_at for one in found] + ([count.at] if count is not None else []))
    rows = LedgerLine.objects.filter(lot_id=lot, cupboard=cupboard, at__gt=earliest)
    lines = list(rows.select_related("corrects").order_by("id"))
    when = _happened(lines)
    made = {}
    counted = [one for one in found if count is not None and (one.count_id or one.opened_at <= count.at)]
    if count is not None:
        ended = _ended_before(lines, count)
        since = [line for line in lines if line.at > count.at]
        told = tuple(
            line for line in since
            if line.pk in ended or (line.pk in when and when[line.pk] <= count.at)
        )  # fmt: skip
        left = count.counted_mg - count.book_mg - sum((line.change_mg for line in told), NOTHING)
        for one in counted:
            takes = _within(one.difference_mg, left)
            left -= takes
            unplaced = _unplaced(since, one.difference_mg)
            made[one.pk] = Gap(count=count, book_mg=book, told=told, unplaced=unplaced, left_mg=takes)
    for one in found:
        if one.pk not in made:
            made[one.pk] = replace(_by_hand(one, lines, when, count), book_mg=book)
    return made


def _by_hand(
    one: Difference, lines: list[LedgerLine], when: Mapping[int, datetime], count: Count | None
) -> Gap:  # fmt: skip
    """The gap of a difference that somebody opened after the newest count."""
    since = [line for line in lines if line.at > one.opened_at]
    told = tuple(
        line for line in since
        if line.pk in when and when[line.pk] <= one.opened_at and (count is None or when[line.pk] > count.at)
    )  # fmt: skip
    left = one.difference_mg - sum((line.change_mg for line in told), NOTHING)
    return Gap(
        count=None, book_mg=NOTHING, told=told, unplaced=_unplaced(since, one.difference_mg),
        left_mg=_within(one.difference_mg, left),
    )  # fmt: skip


def _within(difference: Decimal, left: Decimal) -> Decimal:
    """As much of what is left as is of this difference: of the same sign, and no more than it."""
    if difference < NOTHING:
        return max(difference, min(left, NOTHING))
    return min(difference, max(left, NOTHING))


def _unplaced(since: list[LedgerLine], difference: Decimal) -> tuple[LedgerLine, ...]:
    """What was received or destroyed since, where it may be the very thing that the difference is of."""
    kind = "destroyed" if difference < NOTHING else "receipt"
    return tuple(line for line in since if line.kind == kind)


def _ended_before(lines: list[LedgerLine], count: Count) -> set[int]:
    """The lines that ended a difference which was found up to this count."""
    ends = {
        line.key.removeprefix(CLOSING): line.pk for line in lines
        if line.key.startswith(CLOSING) and not line.visit_id and line.corrects_id is None and not line.witness_username
    }  # fmt: skip
    numbers = [int(number) for number in ends if number.isascii() and number.isdigit()]
    of = Difference.objects.filter(practice_id=count.practice_id, pk__in=numbers)
    return {ends[str(one.pk)] for one in of if one.count_id or one.opened_at <= count.at}


def _happened(lines: list[LedgerLine]) -> dict[int, datetime]:
    """When that was which each use and each correction tells of: a use at its dose, another line as it was written."""
    doses: dict[str, datetime | None] = {}
    when = {}
    for line in lines:
        root = line.corrects or line
        if root.kind == "use":
            dose = root.administration_id
            if dose not in doses:
                doses[dose] = _started(root.practice, dose)
            when[line.pk] = doses[dose] or root.at
        elif line.corrects is not None:
            when[line.pk] = root.at
    return when


def _started(practice: Practice, dose: str) -> datetime | None:
    stored = read(practice, "MedicationAdministration", dose)
    if stored is None:
        return None
    _on, at = el.when(stored.resource, "effectivePeriod")
    return None if at is None else at.replace(tzinfo=UTC)
