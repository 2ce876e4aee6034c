"""A drug record with a wrong lot is put right, and every line stays in the book."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from tests.clinic.test_stock import CUPBOARD, devices, mg, record, second, sprayed, use, vials
from tests.proofs import SECRET, give_secret, shown, signing

from clinic.access.models import Account, AuditRow
from clinic.actions.stock import add_use, correct_use
from clinic.practice.models import Alert, Balance, LedgerLine
from clinic.queries.stock import uses_of
from ketapath.errors import BadInput

People = Callable[[str], Account]


def other_lot(by: Account) -> LedgerLine:
    return vials(by, number="SPR-2", units=6, product="esketamine", form="device", strength="28 mg", unit_mg=mg("28"))


def signed(account: People, **more: str) -> dict[str, Any]:
    nurse = account("nurse")
    return {"why": "the other lot was used", "by": nurse, "proof": shown(nurse), "witness": second(account), **more}


def left(line: LedgerLine) -> str:
    return str(Balance.objects.get(lot=line.lot).mg)


def drawn(account: People) -> dict[str, str]:
    found, visit = sprayed(account)
    return {use.lot: str(use.drawn_mg) for use in uses_of(found.practice, visit)}


def test_a_use_is_put_on_another_lot_and_back_and_every_line_stays(account: People) -> None:
    wrong, right = devices(account("nurse")), other_lot(account("nurse"))
    [line] = record(account, [use(wrong, "84", "84", "0")])
    found, _visit = sprayed(account)
    made = correct_use(found, line.pk, use(right, "84", "84", "0"), **signed(account, key="m"))
    assert correct_use(found, line.pk, use(right, "84", "84", "0"), **signed(account, key="m")) == made
    assert (made.kind, made.lot, made.given_mg, made.witness) == (
        "use",
        right.lot,
        mg("84"),
        account("pharmacist").name,
    )
    assert (left(wrong), left(right)) == ("168.00", "84.00")
    assert drawn(account) == {"SPR-1": "0.00", "SPR-2": "84.00"}
    back = LedgerLine.objects.get(corrects=line)
    assert (back.kind, back.drawn_mg, back.change_mg, back.words) == (
        "correction", mg("-84"), mg("84"), "the other lot was used",
    )  # fmt: skip
    seen = AuditRow.objects.filter(act="witness").latest("id")
    assert f"LedgerLine/{made.pk}" in seen.entities
    assert not Alert.objects.filter(kind="stock.not_as_signed", closed_at=None).exists()
    again = correct_use(found, made.pk, use(wrong, "84", "84", "0"), **signed(account, key="b"))
    assert (again.kind, again.corrects) == ("correction", line)
    assert (left(wrong), left(right)) == ("84.00", "168.00")
    assert LedgerLine.objects.exclude(visit_id="").count() == 5


def test_a_line_is_taken_back_to_nothing_with_a_reason_and_a_prescriber_is_told(account: People) -> None:
    spray = devices(account("nurse"))
    [line] = record(account, [use(spray, "84", "84", "0")])
    found, visit = sprayed(account)
    with pytest.raises(BadInput, match="reason"):
        correct_use(found, line.pk, use(spray, "0", "0", "0"), **(signed(account, key="z") | {"why": " "}))
    correct_use(found, line.pk, use(spray, "0", "0", "0"), **signed(account, key="z"))
    assert left(spray) == "168.00"
    assert Alert.objects.filter(kind="stock.not_as_signed", about=visit, closed_at=None).exists()
    with pytest.raises(BadInput, match="already"):
        correct_use(found, line.pk, use(spray, "0", "0", "0"), **signed(account, key="y"))
    correct_use(found, line.pk, use(other_lot(account("nurse")), "84", "84", "0"), **signed(account, key="x"))
    assert not Alert.objects.filter(kind="stock.not_as_signed", closed_at=None).exists()


def test_a_lot_that_was_left_out_is_added_and_one_with_a_line_is_corrected_instead(account: People) -> None:
    spray, more = devices(account("nurse")), other_lot(account("nurse"))
    found, visit = sprayed(account)
    with pytest.raises(BadInput, match="none for this visit"):
        add_use(found, visit, use(more, "28", "28", "0"), **signed(account, key="n"))
    nurse = account("nurse")
    [line] = record(account, [use(spray, "84", "84", "0")])
    correct_use(found, line.pk, use(spray, "56", "56", "0"), **signed(account, key="c"))
    add_use(found, visit, use(more, "28", "28", "0"), **signed(account, key="a"))
    add_use(found, visit, use(more, "28", "28", "0"), **signed(account, key="a"))
    assert drawn(account) == {"SPR-1": "56.00", "SPR-2": "28.00"}
    assert not Alert.objects.filter(kind="stock.not_as_signed", closed_at=None).exists()
    with pytest.raises(BadInput, match="no line in this record"):
        add_use(found, visit, use(more, "28", "28", "0"), **signed(account, key="d"))
    with pytest.raises(BadInput, match="no line in this record"):
        correct_use(found, line.pk, use(more, "28", "28", "0"), **signed(account, key="e"))
    vial = vials(nurse)
    with pytest.raises(BadInput, match="what was given"):
        correct_use(found, line.pk, use(vial, "56", "56", "0"), **signed(account, key="f"))
    assert drawn(account) == {"SPR-1": "56.00", "SPR-2": "28.00"}


def test_the_page_moves_a_use_adds_a_lot_and_takes_nothing_back_by_empty_fields(
    account: People, browser_of: Callable[..., Client]
) -> None:
    wrong, right = devices(account("nurse")), other_lot(account("nurse"))
    [line] = record(account, [use(wrong, "84", "84", "0")])
    give_secret(account("pharmacist"))
    nurse, (_found, visit) = browser_of("nurse", signs=True), sprayed(account)
    form = {"step": "correct", "line": str(line.pk), "held": f"{right.lot_id}|{CUPBOARD}", "drawn": "", "given": "",
            "wasted": "", "reason": "wrong lot", "key": "p", "witness": "pharmacist", "witness_secret": SECRET,
            **signing(account("nurse"))}  # fmt: skip
    assert nurse.post(f"/stock/visits/{visit}", form).status_code == 400
    assert drawn(account) == {"SPR-1": "84.00"}
    amounts = {"drawn": "56", "given": "56", "wasted": "0"}
    assert nurse.post(f"/stock/visits/{visit}", form | amounts).status_code == 302
    added = {"step": "add", "held": f"{wrong.lot_id}|{CUPBOARD}", "drawn": "28", "given": "28", "key": "q"}
    assert nurse.post(f"/stock/visits/{visit}", form | amounts | added).status_code == 302
    assert drawn(account) == {"SPR-1": "28.00", "SPR-2": "56.00"}
    assert "agrees with the signed dose" in nurse.get(f"/stock/visits/{visit}").content.decode()
