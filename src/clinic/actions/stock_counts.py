"""Count the cupboards at the end of a day, by two people, and follow every difference until a director closes it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.access.proof import Proof
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.stock import MOST_MG, Witness, add_line, check_whole, check_witness
from clinic.practice.models import Balance, Count, Difference, Lot
from clinic.practice.models.stock import NOTHING
from clinic.queries.stock_gaps import CLOSING, Gap, gaps
from ketapath.errors import BadInput

OUTCOMES = ("miscount", "book-error", "loss", "theft")
"""How a difference ends. A miscount leaves the book; a book error, a loss or a theft makes it what was found.

What the book says already by then, by lines written since or by the end of another difference, is not written again.
"""
DIFFERENCE = "stock.difference"
REPORTED = frozenset({"loss", "theft"})


def count(
    counted: Mapping[tuple[int, str], Decimal], *, by: Account, proof: Proof, second: Witness, key: str
) -> list[Difference]:
    """What two people found of each lot in each cupboard, as one count of this day; which differences that opened.

    What an open difference says already opens no second one. The directors are told. Raises BadInput for a wrong second
    person, nothing counted and an unknown lot.
    """
    require(by, "count-stock")
    check_witness("count-stock", by, proof, second)
    if not counted or not all(NOTHING <= mg <= MOST_MG for mg in counted.values()):
        raise BadInput(
            field=_("count"), found=_("nothing"), limit=_("what is there of at least one lot, 0 where it is empty"),
            next_step=_("Count the lots and type what is there."),
        )  # fmt: skip
    now, opened = clock.now(), []
    with transaction.atomic():
        list(Balance.objects.select_for_update().filter(practice=by.practice, lot__in=[n for n, _c in counted]))
        before = Count.objects.filter(practice=by.practice, username=by.username, key=key)
        if before.exists():
            return list(Difference.objects.filter(count__in=before))
        for (number, cupboard), found_mg in sorted(counted.items()):
            held = Balance.objects.select_for_update().filter(
                practice=by.practice, lot_id=number, cupboard=cupboard
            ).select_related("lot").first()  # fmt: skip
            if held is None:
                raise BadInput(field=_("lot"), found=cupboard, limit=_("a lot of this clinic in this cupboard"),
                               next_step=_("Choose one from the list."))  # fmt: skip
            check_whole(held.lot, found_mg)
            more = _more(held, found_mg - held.mg)
            made = Count.objects.create(
                practice=by.practice, lot=held.lot, cupboard=cupboard, counted_on=clock.today(by.practice.zone),
                counted_mg=found_mg, book_mg=held.mg, at=now, by=by.name, username=by.username,
                second=second.account.name, second_username=second.account.username, key=key,
            )  # fmt: skip
            if more:
                opened.append(_open(held.lot, cupboard, more, by=by, count=made))
        named = [f"Difference/{one.pk}" for one in opened]
        audit.append("count-stock", outcome="done", account=by, entities=named)
    return opened


def open_difference(lot: int, cupboard: str, difference: Decimal, *, why: str, visit_id: str = "", by: Account) -> None:
    """Somebody finds that milligrams are missing or too many between two counts; the directors are told."""
    require(by, "explain-difference")
    held = Balance.objects.filter(practice=by.practice, lot_id=lot, cupboard=cupboard).select_related("lot").first()
    if held is None or not difference or abs(difference) > MOST_MG:
        raise BadInput(field=_("difference"), found=str(difference), limit=_("milligrams of a lot in a cupboard"),
                       next_step=_("Choose the lot and type them."))  # fmt: skip
    check_whole(held.lot, difference)
    if not why.strip():
        raise _no_words()
    with transaction.atomic():
        Balance.objects.select_for_update().get(pk=held.pk)  # so that two do not open the same at once
        standing = Difference.objects.filter(practice=by.practice, lot_id=lot, cupboard=cupboard)
        if standing.exclude(state="closed").filter(difference_mg=difference).exists():
            raise BadInput(
                field=_("difference"), found=str(difference), limit=_("one that is not open already"),
                next_step=_("Explain the one that is open. If as much again is missing or too much, count this lot."),
            )  # fmt: skip
        made = _open(held.lot, cupboard, difference, by=by, visit_id=visit_id, words=_line(why))
        audit.append("explain-difference", outcome="done", account=by, entities=[f"Difference/{made.pk}"])


def explain(number: int, words: str, *, by: Account) -> None:
    """What is known of how it came about; whoever explains it owns it from now on. What was said before stays."""
    require(by, "explain-difference")
    if not words.strip():
        raise _no_words()
    with transaction.atomic():
        found = _standing(number, "explain-difference", by)
        found.explanation = "\n".join([_line(words), *_said_before(found)])
        found.explained_by, found.explained_at = by.name, clock.now()
        found.state, found.owner = "explained", by.username
        found.save()
        audit.append("explain-difference", outcome="done", account=by, entities=[f"Difference/{number}"])


def close(number: int, outcome: str, finding: str, *, reported_to: str = "", by: Account) -> None:
    """A director says how it ends. A theft or a loss names to whom it was reported; nobody closes it alone unexplained.

    The book is brought to what the newest count found and no further. Raises BadInput for another outcome, one that
    cannot be, no finding, a report that names nobody, one that nobody has explained, and one that has to be counted.
    """
    require(by, "close-difference")
    if outcome not in OUTCOMES:
        raise BadInput(field=_("outcome"), found=outcome or _("nothing"), limit=_("an outcome of the list"),
                       next_step=_("Choose one."))  # fmt: skip
    if not finding.strip():
        raise _no_words()
    if outcome in REPORTED and not reported_to.strip():
        raise BadInput(field=_("reported to"), found=_("nobody"), limit=_("to whom a theft or a loss was reported"),
                       next_step=_("Report it, then write to whom."))  # fmt: skip
    with transaction.atomic():
        found = _standing(number, "close-difference", by)
        if found.state != "explained":
            raise BadInput(field=_("difference"), found=_("not explained"), limit=_("one that somebody has explained"),
                           next_step=_("Ask whoever counted."))  # fmt: skip
        place = (found.lot_id, found.cupboard)
        Balance.objects.select_for_update().get(lot_id=found.lot_id, cupboard=found.cupboard)  # no line comes between
        left = NOTHING if outcome == "miscount" else _left(found, gaps(by.practice, place)[number], outcome)
        if left:
            kind = "lost" if outcome in REPORTED else "correction"
            add_line(found.lot, found.cupboard, kind, left, by=by, key=f"{CLOSING}{number}", words=finding)
        found.outcome, found.finding, found.reported_to = outcome, finding, reported_to
        found.state, found.closed_by, found.closed_at = "closed", by.name, clock.now()
        found.save()
        settle(by.practice, kind=DIFFERENCE, about=str(number), by=by)
        audit.append("close-difference", outcome="done", account=by, entities=[f"Difference/{number}"])


def _left(found: Difference, gap: Gap, outcome: str) -> Decimal:
    """What this outcome has to write into the book. Raises BadInput where it cannot be, or a count has to say more."""
    if outcome in REPORTED and found.difference_mg > NOTHING:
        raise BadInput(
            field=_("outcome"), found=_("a loss or a theft of what is there too much"),
            limit=_("a miscount or an error of the book, where more is there than the book says"),
            next_step=_("Choose one of the two."),
        )  # fmt: skip
    if gap.unplaced:
        raise BadInput(
            field=_("difference"), found=_("counted before line %(line)s was written") % {"line": gap.unplaced[-1].pk},
            limit=_("a count made after it: that line may be what the difference is of"),
            next_step=_("Have this lot counted again, then close it."),
        )  # fmt: skip
    if outcome in REPORTED and not gap.left_mg:
        raise BadInput(
            field=_("outcome"), found=_("nothing of it is missing in the book any more"),
            limit=_("a loss or a theft of what the newest count and the lines since leave"),
            next_step=_("Close it as a miscount or an error of the book. If a line since says too much, correct it."),
        )  # fmt: skip
    if gap.is_more_than_book:
        raise BadInput(
            field=_("difference"), found=_("%(mg)s mg") % {"mg": gap.left_mg},
            limit=_("at most the %(mg)s mg that the book holds: more was taken since than was there")
            % {"mg": gap.book_mg},
            next_step=_("Correct the line that took too much, or have this lot counted again."),
        )  # fmt: skip
    return gap.left_mg


def _more(held: Balance, gap: Decimal) -> Decimal:
    """What of this gap no open difference says already."""
    standing = gaps(held.practice, (held.lot_id, held.cupboard)).values()
    if gap < NOTHING:
        return min(gap - sum((one.left_mg for one in standing if one.left_mg < NOTHING), NOTHING), NOTHING)
    return max(gap - sum((one.left_mg for one in standing if one.left_mg > NOTHING), NOTHING), NOTHING)


def _said_before(found: Difference) -> list[str]:
    """What was said of it up to now, a line each, the newest first and each with its name and time."""
    if not found.explanation:
        return []
    who, at = found.explained_by or found.opened_by, found.explained_at or found.opened_at
    newest, *earlier = found.explanation.splitlines()
    return [f"{who}, {clock.local(at, found.practice.zone):%Y-%m-%d %H:%M}: {newest}", *earlier]


def _line(words: str) -> str:
    """These words in one line, so that nobody writes what looks like another's."""
    return " ".join(words.split())


def _open(
    lot: Lot, cupboard: str, difference: Decimal, *, by: Account, count: Count | None = None, visit_id: str = "",
    words: str = "",
) -> Difference:  # fmt: skip
    made = Difference.objects.create(
        practice=by.practice, lot=lot, cupboard=cupboard, count=count, visit_id=visit_id, difference_mg=difference,
        owner=by.username, opened_by=by.name, opened_at=clock.now(), explanation=words,
    )  # fmt: skip
    raise_alert(by.practice, kind=DIFFERENCE, about=str(made.pk))
    return made


def _standing(number: int, act: str, by: Account) -> Difference:
    found = Difference.objects.select_for_update().filter(practice=by.practice, pk=number).first()
    if found is None:
        raise Refused(act)
    if found.state == "closed":
        raise BadInput(field=_("difference"), found=_("closed"), limit=_("one that is open"),
                       next_step=_("Nothing has to be done."))  # fmt: skip
    return found


def _no_words() -> BadInput:
    return BadInput(field=_("explanation"), found=_("nothing"), limit=_("what is known of it"),
                    next_step=_("Write it in a line."))  # fmt: skip
