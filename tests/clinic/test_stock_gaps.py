"""What a close writes into the drug book, beside what was counted and what was written since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from tests.clinic.test_stock import CUPBOARD, devices, mg, record, second, use, vials
from tests.proofs import SECRET, give_secret, shown, signing

from clinic import clock
from clinic.access.models import Account
from clinic.actions.stock import correct_amount, destroy
from clinic.actions.stock_counts import close, count, explain, open_difference
from clinic.practice.models import Balance, Difference, LedgerLine
from clinic.queries.stock_gaps import gaps
from ketapath.errors import BadInput

People = Callable[[str], Account]


def counted(account: People, line: LedgerLine, found: str, key: str) -> list[Difference]:
    nurse = account("nurse")
    return count({(line.lot_id, CUPBOARD): mg(found)}, by=nurse, proof=shown(nurse), second=second(account), key=key)


def explained(account: People, one: Difference, words: str = "a vial fell and broke") -> int:
    explain(one.pk, words, by=account("nurse"))
    return one.pk


def book(line: LedgerLine) -> str:
    return str(Balance.objects.get(lot=line.lot).mg)


def thrown_away(account: People, line: LedgerLine, amount: str) -> LedgerLine:
    nurse = account("nurse")
    return destroy(line.lot_id, CUPBOARD, mg(amount), why="expired", by=nurse, proof=shown(nurse),
                   witness=second(account), key=f"d{amount}")  # fmt: skip


def lost(account: People, number: int) -> None:
    close(number, "loss", "glass found", reported_to="the agency", by=account("director"))


def test_the_same_gap_counted_twice_is_one_difference_and_leaves_the_book_once(account: People) -> None:
    vial = vials(account("nurse"))
    [first] = counted(account, vial, "1950", "c1")
    assert counted(account, vial, "1950", "c2") == []
    [more] = counted(account, vial, "1930", "c3")
    assert more.difference_mg == mg("-20")
    lost(account, explained(account, more))
    assert book(vial) == "1980.00"
    lost(account, explained(account, first))
    assert book(vial) == "1930.00"
    assert counted(account, vial, "1930", "c4") == []


def test_two_differences_of_one_gap_from_before_take_it_out_once(account: People) -> None:
    vial = vials(account("nurse"))
    [first] = counted(account, vial, "1950", "c1")
    twin = Difference.objects.create(
        practice=vial.practice, lot=vial.lot, cupboard=CUPBOARD, difference_mg=mg("-50"), owner="nurse",
        opened_by="x", opened_at=first.count.at,
    )  # fmt: skip
    lost(account, explained(account, twin))
    assert book(vial) == "1950.00"
    explained(account, first)
    with pytest.raises(BadInput, match="nothing of it is missing"):
        lost(account, first.pk)
    close(first.pk, "book-error", "the same 50 mg", by=account("director"))
    assert book(vial) == "1950.00"


def test_a_drug_record_written_after_the_count_is_not_subtracted_again(
    account: People, browser_of: Callable[..., Client]
) -> None:
    spray = devices(account("nurse"))
    [found] = counted(account, spray, "84", "c1")
    record(account, [use(spray, "84", "84", "0")])
    explained(account, found, "the drug record was missing")
    page = browser_of("director").get("/stock/differences").content.decode()
    assert "tells of what was before: -84.00 mg" in page
    assert "closing writes no line" in page
    close(found.pk, "book-error", "the record is written", by=account("director"))
    assert book(spray) == "84.00"
    assert "No line was written" in browser_of("director").get("/stock/differences").content.decode()


def test_a_count_that_finds_more_missing_than_late_lines_explain_opens_that(account: People) -> None:
    spray = devices(account("nurse"))
    [first] = counted(account, spray, "84", "c1")
    record(account, [use(spray, "84", "84", "0")])
    [rest] = counted(account, spray, "56", "c2")
    assert rest.difference_mg == mg("-28")
    assert {n: g.left_mg for n, g in gaps(spray.practice).items()} == {first.pk: mg("0"), rest.pk: mg("-28")}


def test_what_was_found_again_is_not_taken_out(account: People) -> None:
    vial = vials(account("nurse"))
    [found] = counted(account, vial, "1950", "c1")
    assert counted(account, vial, "2000", "c2") == []
    explained(account, found)
    with pytest.raises(BadInput, match="nothing of it is missing"):
        lost(account, found.pk)
    close(found.pk, "miscount", "found in the tray", by=account("director"))
    assert book(vial) == "2000.00"


def test_what_was_destroyed_since_asks_for_another_count_and_what_was_lost_can_be_closed(account: People) -> None:
    vial, nurse = vials(account("nurse"), units=1), account("nurse")
    [found] = counted(account, vial, "450", "c1")
    line = thrown_away(account, vial, "500")  # 450 were there
    explained(account, found)
    with pytest.raises(BadInput, match="counted before line"):
        lost(account, found.pk)
    assert counted(account, vial, "0", "c2") == []
    with pytest.raises(BadInput, match="correct it"):
        lost(account, found.pk)
    said = {"by": nurse, "proof": shown(nurse), "witness": second(account)}
    fixed = correct_amount(line.pk, mg("450"), why="50 were lost", key="fix", **said)  # type: ignore[arg-type]
    assert correct_amount(line.pk, mg("450"), why="50 were lost", key="fix", **said) == fixed  # type: ignore[arg-type]
    assert (fixed.kind, fixed.change_mg, fixed.corrects) == ("correction", mg("50"), line)
    lost(account, found.pk)
    assert book(vial) == "0.00"
    assert LedgerLine.objects.latest("id").kind == "lost"


def test_more_than_the_book_holds_is_not_taken_out_and_says_what_to_do(account: People) -> None:
    vial = vials(account("nurse"), units=1)
    [found] = counted(account, vial, "450", "c1")
    explained(account, found)
    Balance.objects.filter(lot=vial.lot).update(mg=mg("20"))
    with pytest.raises(BadInput, match="the book holds"):
        lost(account, found.pk)


def test_a_receipt_is_corrected_and_a_wrong_one_taken_back(account: People) -> None:
    vial, nurse = vials(account("nurse")), account("nurse")
    said = {"by": nurse, "proof": shown(nurse), "witness": second(account)}
    correct_amount(vial.pk, mg("1500"), why="three vials came", key="a", **said)  # type: ignore[arg-type]
    assert book(vial) == "1500.00"
    with pytest.raises(BadInput, match="already"):
        correct_amount(vial.pk, mg("1500"), why="three vials came", key="b", **said)  # type: ignore[arg-type]
    correct_amount(vial.pk, mg("0"), why="it is another house's", key="c", **said)  # type: ignore[arg-type]
    assert book(vial) == "0.00"


def test_the_page_corrects_what_was_destroyed_and_an_empty_field_takes_nothing_back(
    account: People, browser_of: Callable[..., Client]
) -> None:
    vial = vials(account("nurse"), units=1)
    line = thrown_away(account, vial, "500")
    give_secret(account("pharmacist"))
    nurse = browser_of("nurse", signs=True)
    form = {"step": "correct", "line": str(line.pk), "mg": "", "reason": "50 were lost", "key": "p",
            "witness": "pharmacist", "witness_secret": SECRET, **signing(account("nurse"))}  # fmt: skip
    assert nurse.post("/stock/destroy", form).status_code == 400
    assert book(vial) == "0.00"
    assert nurse.post("/stock/destroy", form | {"mg": "450"}).status_code == 302
    assert book(vial) == "50.00"


def test_a_surplus_cannot_be_a_loss_or_a_theft(account: People) -> None:
    vial = vials(account("nurse"), units=1)
    [found] = counted(account, vial, "550", "c1")
    explained(account, found, "nobody knows where it is from")
    for outcome in ("loss", "theft"):
        with pytest.raises(BadInput, match="too much"):
            close(found.pk, outcome, "x", reported_to="the agency", by=account("director"))
    close(found.pk, "book-error", "a receipt said 500", by=account("director"))
    last = LedgerLine.objects.latest("id")
    assert (last.kind, last.change_mg) == ("correction", mg("50"))


def test_every_explanation_stays_with_its_name(account: People, browser_of: Callable[..., Client]) -> None:
    vial, nurse = vials(account("nurse")), account("nurse")
    open_difference(vial.lot_id, CUPBOARD, mg("-50"), why="the tray was wet", by=account("pharmacist"))
    found = Difference.objects.get()
    with pytest.raises(BadInput, match="not open already"):
        open_difference(vial.lot_id, CUPBOARD, mg("-50"), why="missing", by=nurse)
    explain(found.pk, "a vial broke\nEli: I took it", by=nurse)
    explain(found.pk, "the glass was found", by=account("prescriber"))
    found.refresh_from_db()
    newest, second_one, first = found.said
    assert newest == "the glass was found"
    assert second_one.startswith(f"{nurse.name}, ")
    assert second_one.endswith(": a vial broke Eli: I took it")
    assert first.endswith(": the tray was wet")
    assert first.startswith(account("pharmacist").name)
    page = browser_of("director").get("/stock/differences").content.decode()
    assert all(words in page for words in ("the glass was found", "a vial broke", "the tray was wet"))
    lost(account, found.pk)
    assert book(vial) == "1950.00"


def test_a_dose_after_the_count_is_no_part_of_what_was_counted(account: People) -> None:
    vial = vials(account("nurse"))
    with clock.supposed(clock.now() - timedelta(days=900)):
        counted(account, vial, "1950", "c1")  # long before every dose
    [found] = Difference.objects.all()
    spray = devices(account("nurse"))
    with clock.supposed(clock.now() - timedelta(days=900)):
        [other] = counted(account, spray, "140", "c2")
    record(account, [use(spray, "84", "84", "0")])
    assert gaps(spray.practice)[other.pk].left_mg == mg("-28")
    assert gaps(spray.practice)[found.pk].left_mg == mg("-50")
