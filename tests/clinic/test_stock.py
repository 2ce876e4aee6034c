"""The controlled-drug ledger: what adds up, who has to see it, and what becomes of a difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from tests.proofs import SECRET, give_secret, shown, signing

from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused
from clinic.access.proof import NotProven, Proof
from clinic.actions.commit import KeyReused
from clinic.actions.stock import Receipt, Use, Witness, correct_use, destroy, receive, record_use
from clinic.actions.stock_counts import close, count, explain
from clinic.practice.models import Alert, Balance, Count, Difference, LedgerLine
from clinic.queries.person import Chart, chart
from clinic.queries.stock import rows_of, usable, uses_of
from ketapath.errors import BadInput

People = Callable[[str], Account]
SPRAYED = "ptsd-with-depression"
CUPBOARD = "safe-1"


def mg(words: str) -> Decimal:
    return Decimal(words)


def vials(by: Account, *, number: str = "KET-7", units: int = 4, **other: object) -> LedgerLine:
    said = {"product": "racemic", "form": "vial", "strength": "50 mg/mL, 10 mL", "unit_mg": mg("500.00")} | other
    expires = clock.today(by.practice.zone) + timedelta(days=200)
    received = Receipt(number=number, units=units, expires_on=expires, cupboard=CUPBOARD, **said)  # type: ignore[arg-type]
    seen_by = Account.objects.filter(practice=by.practice, role="pharmacist").exclude(pk=by.pk).first()
    assert seen_by is not None
    witness = Witness(account=seen_by, proof=shown(seen_by))
    return receive(received, by=by, proof=shown(by), witness=witness, key=f"in-{number}-{units}")


def devices(by: Account, units: int = 6) -> LedgerLine:
    return vials(
        by, number="SPR-1", units=units, product="esketamine", form="device", strength="28 mg", unit_mg=mg("28")
    )


def sprayed(account: People) -> tuple[Chart, str]:
    """Somebody who was given 84 mg of spray in a visit that is over, and that visit."""
    found = chart(account("nurse").practice, SPRAYED)
    assert found is not None
    doses = [(v.origin.id, v.administration) for v in found.visits if v.step == "home"]
    return found, next(visit for visit, dose in doses if dose is not None and dose.dose_mg == 84)


def use(line: LedgerLine, drawn: str, given: str, wasted: str) -> Use:
    return Use(lot=line.lot_id, cupboard=line.cupboard, drawn_mg=mg(drawn), given_mg=mg(given), wasted_mg=mg(wasted))


def second(account: People, who: str = "pharmacist") -> Witness:
    return Witness(account=account(who), proof=shown(account(who)))


def record(account: People, uses: list[Use], *, key: str = "k1", witness: Witness | None = None) -> list[LedgerLine]:
    found, visit = sprayed(account)
    nurse = account("nurse")
    return record_use(
        found, visit, uses, by=nurse, proof=shown(nurse), witness=witness or second(account), key=key
    )  # fmt: skip


def test_what_was_used_leaves_the_cupboard_and_both_people_stand_in_the_book(account: People) -> None:
    spray = devices(account("nurse"))
    [line] = record(account, [use(spray, "112", "84", "28")])
    assert (line.change_mg, line.balance_mg) == (mg("-112.00"), mg("56.00"))
    assert (line.by, line.witness) == (account("nurse").name, account("pharmacist").name)
    assert Balance.objects.get(lot=spray.lot).mg == mg("56")
    found, visit = sprayed(account)
    [row] = rows_of(found.practice, visit)
    assert (row.patient_id, row.route, row.lot, row.given_mg) == (SPRAYED, "nasal", "SPR-1", mg("84"))
    assert row.on == next(v for v in found.visits if v.origin.id == visit).opened_at.astimezone().date()
    assert {r.act for r in AuditRow.objects.order_by("-id")[:2]} == {"record-drug", "witness"}


def test_the_same_request_twice_is_one_line_and_another_under_its_key_is_refused(account: People) -> None:
    spray = devices(account("nurse"))
    first = record(account, [use(spray, "84", "84", "0")])
    assert record(account, [use(spray, "84", "84", "0")]) == first
    with pytest.raises(KeyReused):
        record(account, [use(spray, "56", "56", "0")])
    with pytest.raises(BadInput, match="one drug record a visit"):
        record(account, [use(spray, "84", "84", "0")], key="k2")
    assert Balance.objects.get(lot=spray.lot).mg == mg("84")


@pytest.mark.parametrize(
    ("drawn", "given", "wasted"),
    [("196", "196", "0"), ("84", "56", "0"), ("70", "70", "0"), ("0", "0", "0"), ("84", "112", "-28")],
)
def test_what_cannot_have_been_drawn_is_refused_and_nothing_changes(
    account: People, drawn: str, given: str, wasted: str
) -> None:
    spray = devices(account("nurse"))
    with pytest.raises(BadInput):
        record(account, [use(spray, drawn, given, wasted)])
    assert Balance.objects.get(lot=spray.lot).mg == mg("168")
    assert LedgerLine.objects.count() == 1


def test_a_wrong_witness_is_refused_and_on_the_trail(account: People) -> None:
    spray, nurse = devices(account("nurse")), account("nurse")
    wrong = [
        Witness(account=nurse, proof=shown(nurse)),
        Witness(account=account("pharmacist"), proof=shown(nurse)),
        Witness(account=account("coordinator"), proof=shown(account("coordinator"))),
    ]
    for number, witness in enumerate(wrong):
        with pytest.raises(BadInput, match="witness"):
            record(account, [use(spray, "84", "84", "0")], key=f"w{number}", witness=witness)
    refused = AuditRow.objects.filter(act="witness", outcome="refused", patient_id=SPRAYED)
    assert refused.count() == 3
    found, visit = sprayed(account)
    with pytest.raises(NotProven):
        record_use(found, visit, [use(spray, "84", "84", "0")], by=nurse, proof=Proof(username="prescriber"),
                   witness=second(account), key="w9")  # fmt: skip
    assert LedgerLine.objects.count() == 1


def test_an_expired_lot_and_one_of_another_product_cannot_be_used(account: People) -> None:
    spray = devices(account("nurse"))
    vial = vials(account("nurse"))
    with pytest.raises(BadInput, match="what was given"):
        record(account, [use(vial, "84", "84", "0")])
    found, _visit = sprayed(account)
    day = found.as_of
    assert [b.lot.number for b in usable(found.practice, "esketamine", day)] == ["SPR-1"]
    spray.lot.expires_on = date(2020, 1, 1)
    spray.lot.save()
    assert usable(found.practice, "esketamine", day) == []
    with pytest.raises(BadInput, match="expired"):
        record(account, [use(spray, "84", "84", "0")])


def test_a_correction_is_a_new_line_and_the_database_lets_nobody_touch_the_old_one(account: People) -> None:
    spray, nurse = devices(account("nurse")), account("nurse")
    [line] = record(account, [use(spray, "84", "84", "0")])
    found, visit = sprayed(account)
    fixed = correct_use(found, line.pk, use(spray, "112", "84", "28"), why="one device more", by=nurse,
                        proof=shown(nurse), witness=second(account), key="c1")  # fmt: skip
    assert (fixed.change_mg, fixed.wasted_mg, fixed.balance_mg) == (mg("-28"), mg("28"), mg("56"))
    [told] = uses_of(found.practice, visit)
    assert (told.drawn_mg, told.given_mg, told.wasted_mg) == (mg("112"), mg("84"), mg("28"))
    old = LedgerLine.objects.filter(pk=line.pk)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        old.update(given_mg=mg("0"))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LedgerLine.objects.filter(pk=fixed.pk).delete()


def test_the_database_itself_keeps_a_balance_from_falling_below_nothing(account: People) -> None:
    spray = devices(account("nurse"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Balance.objects.filter(lot=spray.lot).update(mg=mg("-0.01"))


def test_a_count_that_differs_is_followed_until_a_director_closes_it(account: People) -> None:
    vial, nurse, director = vials(account("nurse")), account("nurse"), account("director")
    held = {(vial.lot_id, CUPBOARD): mg("1950.00")}
    [found] = count(held, by=nurse, proof=shown(nurse), second=second(account), key="n1")
    assert count(held, by=nurse, proof=shown(nurse), second=second(account), key="n1") == [found]
    assert (found.difference_mg, found.state, Count.objects.count()) == (mg("-50"), "open", 1)
    told = Alert.objects.get(kind="stock.difference", about=str(found.pk))
    assert told.owner is not None
    assert told.owner.role == "director"
    with pytest.raises(BadInput, match="explained"):
        close(found.pk, "miscount", "seen", by=director)
    explain(found.pk, "a vial broke", by=nurse)
    with pytest.raises(Refused):
        close(found.pk, "loss", "seen", reported_to="the agency", by=nurse)
    with pytest.raises(BadInput, match="reported"):
        close(found.pk, "theft", "seen", by=director)
    close(found.pk, "loss", "glass found", reported_to="the agency", by=director)
    assert Balance.objects.get(lot=vial.lot).mg == mg("1950")
    last = LedgerLine.objects.latest("id")
    assert (last.kind, last.change_mg) == ("lost", mg("-50"))
    assert Alert.objects.get(pk=told.pk).closed_at is not None
    assert Difference.objects.get().reported_to == "the agency"


def test_nobody_counts_alone_and_what_is_destroyed_is_seen_by_two(account: People) -> None:
    vial, nurse = vials(account("nurse")), account("nurse")
    alone = Witness(account=nurse, proof=shown(nurse))
    with pytest.raises(BadInput, match="witness"):
        count({(vial.lot_id, CUPBOARD): mg("1")}, by=nurse, proof=shown(nurse), second=alone, key="n")
    line = destroy(vial.lot_id, CUPBOARD, mg("500"), why="expired", by=nurse, proof=shown(nurse),
                   witness=second(account), key="d")  # fmt: skip
    assert (line.balance_mg, line.witness) == (mg("1500"), account("pharmacist").name)


def test_nothing_is_received_by_one_person_alone(account: People) -> None:
    nurse = account("nurse")
    line = vials(nurse)
    assert (line.by, line.witness) == (nurse.name, account("pharmacist").name)
    received = Receipt(product="racemic", form="vial", number="X", strength="50 mg/mL", unit_mg=mg("500"), units=1,
                       expires_on=clock.today(nurse.practice.zone), cupboard=CUPBOARD)  # fmt: skip
    with pytest.raises(BadInput, match="witness"):
        receive(received, by=nurse, proof=shown(nurse), witness=Witness(account=nurse, proof=shown(nurse)), key="r")
    with pytest.raises(NotProven):
        receive(received, by=nurse, proof=Proof(username="x"), witness=second(account), key="r")
    assert LedgerLine.objects.count() == 1


def test_what_was_given_is_what_was_signed_or_somebody_says_why_and_a_prescriber_is_told(account: People) -> None:
    spray, nurse = devices(account("nurse")), account("nurse")
    found, visit = sprayed(account)
    uses = [use(spray, "84", "56", "28")]
    said = {"by": nurse, "proof": shown(nurse), "witness": second(account)}
    for words in ("", "broken"):
        with pytest.raises(BadInput, match=r"84\.00 mg, as the dose was signed"):
            record_use(found, visit, uses, key="u", words=words, **said)  # type: ignore[arg-type]
    assert LedgerLine.objects.count() == 1
    [line] = record_use(found, visit, uses, key="u", words="the third device did not spray", **said)  # type: ignore[arg-type]
    alert = Alert.objects.get(kind="stock.not_as_signed", patient_id=SPRAYED, about=visit)
    assert alert.owner is not None
    assert alert.owner.role == "prescriber"
    correct_use(found, line.pk, use(spray, "84", "84", "0"), why="it did spray", key="c", **said)  # type: ignore[arg-type]
    assert Alert.objects.get(pk=alert.pk).closed_at is not None


def test_devices_are_counted_as_devices_vials_as_vials_and_what_is_left_out_is_said(
    browser_of: Callable[..., Client], account: People
) -> None:
    spray, vial = devices(account("nurse"), units=6), vials(account("nurse"))
    other = vials(account("nurse"), number="KET-8")
    nurse = browser_of("nurse", signs=True)
    give_secret(account("pharmacist"))
    numbers = {line.lot_id: Balance.objects.get(lot=line.lot).pk for line in (spray, vial, other)}
    fields = {f"units-{numbers[spray.lot_id]}": "6", f"units-{numbers[vial.lot_id]}": "3",
              f"mg-{numbers[vial.lot_id]}": "499.5", "key": "n", "witness": "pharmacist", "witness_secret": SECRET,
              **signing(account("nurse"))}  # fmt: skip
    wrong = nurse.post("/stock/count", fields | {f"units-{numbers[spray.lot_id]}": "5.5"})
    assert wrong.status_code == 400
    assert "a whole number of devices" in wrong.content.decode()
    page = nurse.post("/stock/count", fields, follow=True).content.decode()
    assert dict(Count.objects.values_list("lot__number", "counted_mg")) == {
        "SPR-1": mg("168.00"), "KET-7": mg("1999.50"),
    }  # fmt: skip
    assert Difference.objects.get().difference_mg == mg("-0.50")
    assert "Not counted: " in page
    assert "KET-8" in page
    with pytest.raises(BadInput, match="whole devices"):
        count({(spray.lot_id, CUPBOARD): mg("46")}, by=account("nurse"), proof=shown(account("nurse")),
              second=second(account), key="odd")  # fmt: skip


def test_hundredths_add_up_exactly_on_every_database(account: People) -> None:
    vial = vials(account("nurse"), number="SMALL", unit_mg=mg("0.30"), units=1)
    line = destroy(vial.lot_id, CUPBOARD, mg("0.10"), why="x", by=account("nurse"), proof=shown(account("nurse")),
                   witness=second(account), key="h")  # fmt: skip
    assert line.balance_mg == mg("0.20")
    made = LedgerLine.objects.create(
        practice=line.practice, lot=vial.lot, cupboard=CUPBOARD, kind="use", change_mg=mg("-0.30"), balance_mg=mg("0"),
        drawn_mg=mg("0.30"), given_mg=mg("0.10"), wasted_mg=mg("0.20"), day=line.day, at=line.at, by="x",
        username="x", key="x",
    )  # fmt: skip
    assert made.pk


def test_the_pages_record_a_dose_with_two_secrets_and_refuse_one(
    browser_of: Callable[..., Client], account: People
) -> None:
    spray = devices(account("nurse"))
    nurse = browser_of("nurse", signs=True)
    give_secret(account("pharmacist"))
    _found, visit = sprayed(account)
    page = nurse.get(f"/stock/visits/{visit}").content.decode()
    shows = dict(re.findall(r'name="(\w+_1)"[^>]* value="([^"]*)"', page))
    assert shows == {"drawn_1": "84.00", "given_1": "84.00", "wasted_1": "0"}  # nobody types what the session says
    form = {"held_1": f"{spray.lot_id}|{CUPBOARD}", "key": "p1", "witness": "pharmacist"}
    form |= {**shows, **signing(account("nurse"))}
    wrong = nurse.post(f"/stock/visits/{visit}", form | {"witness_secret": "not hers"})
    assert wrong.status_code == 400
    assert AuditRow.objects.filter(act="witness", outcome="refused", patient_id=SPRAYED).exists()
    assert not LedgerLine.objects.filter(kind="use").exists()
    right = nurse.post(f"/stock/visits/{visit}", form | {"witness_secret": SECRET})
    assert right.status_code == 302
    page = nurse.get(f"/stock/visits/{visit}").content.decode()
    assert "agrees with the signed dose" in page
    assert "84.00" in nurse.get("/stock/ledger").content.decode()
    assert browser_of("therapist").get("/stock").status_code == 404
