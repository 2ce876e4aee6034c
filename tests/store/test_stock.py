"""The ledger under racing hands and on both databases: nothing below nothing, nothing twice, nothing changed."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from tests.proofs import shown
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access.models import Account, Role
from clinic.actions.stock import Receipt, Witness, destroy, receive
from clinic.practice.models import Balance, Count, LedgerLine, RegistryRow, Submission
from ketapath.errors import BadInput


def stocked(mg: str = "100.00") -> tuple[Account, Witness, LedgerLine]:
    by = practice_with(Role.NURSE)
    name = f"{by.username}-second"
    other = Account.objects.create(username=name, name="Second", role=Role.PHARMACIST, practice=by.practice)
    received = Receipt(
        product="racemic", form="vial", number="RACE", strength="50 mg/mL", unit_mg=Decimal(mg), units=1,
        expires_on=clock.today(by.practice.zone) + timedelta(days=90), cupboard="safe",
    )  # fmt: skip
    witness = Witness(account=other, proof=shown(other))
    return by, witness, receive(received, by=by, proof=shown(by), witness=witness, key="in")


def take(by: Account, second: Witness, lot: int, mg: str, key: str) -> LedgerLine:
    return destroy(lot, "safe", Decimal(mg), why="broken", by=by, proof=shown(by), witness=second, key=key)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads of one process need a database server")
def test_of_eight_racing_withdrawals_only_as_many_succeed_as_there_is(committed: None) -> None:
    by, second, received = stocked("100.00")
    came: list[str] = []

    def attempt(number: int) -> None:
        try:
            take(by, second, received.lot_id, "30.00", f"k{number}")
            came.append("done")
        except BadInput:
            came.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == ["done"] * 3 + ["refused"] * 5
    assert Balance.objects.get(lot_id=received.lot_id).mg == Decimal("10.00")
    left = LedgerLine.objects.filter(lot_id=received.lot_id).order_by("id").values_list("balance_mg", flat=True)
    assert list(left) == [Decimal(mg) for mg in ("100.00", "70.00", "40.00", "10.00")]


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads of one process need a database server")
def test_one_request_sent_by_many_threads_takes_once(committed: None) -> None:
    by, second, received = stocked("100.00")
    lines: list[int] = []

    def attempt() -> None:
        try:
            lines.append(take(by, second, received.lot_id, "10.00", "same").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines) == 6
    assert len(set(lines)) == 1
    assert Balance.objects.get(lot_id=received.lot_id).mg == Decimal("90.00")


@pytest.mark.django_db
def test_hundredths_taken_one_by_one_leave_exactly_what_they_should() -> None:
    by, second, received = stocked("10.00")
    for number in range(20):
        line = take(by, second, received.lot_id, "0.07", f"k{number}")
    assert line.balance_mg == Decimal("8.60")
    with pytest.raises(BadInput):
        take(by, second, received.lot_id, "8.61", "too-much")


@pytest.mark.django_db
@pytest.mark.parametrize("table", [LedgerLine, Count, Submission, RegistryRow])
def test_the_database_lets_nobody_change_or_delete_a_row(table: type) -> None:
    by, _second, received = stocked()
    at, day = clock.now(), clock.today("UTC")
    if table is Count:
        Count.objects.create(
            practice=by.practice, lot=received.lot, cupboard="safe", counted_on=day, counted_mg=1, book_mg=1, at=at,
            by="x", username="x", second="y", second_username="y", key="k",
        )  # fmt: skip
    if table is Submission:
        Submission.objects.create(
            practice=by.practice, kind="effects", about="v", patient_id="p", state="kept", sent_on=day, by="x",
            username="x", at=at, key="k",
        )  # fmt: skip
    if table is RegistryRow:
        RegistryRow.objects.create(practice=by.practice, visit_id="v", row={}, at=at)
    rows = table.objects.filter(practice=by.practice)  # type: ignore[attr-defined]
    assert rows.count() == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(at=at + timedelta(days=1))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.delete()


@pytest.mark.django_db
def test_a_lot_of_another_practice_is_not_there() -> None:
    by, second, _received = stocked()
    _other, _their_second, theirs = stocked()
    with pytest.raises(BadInput):
        take(by, second, theirs.lot_id, "1.00", "k")
    assert Balance.objects.get(lot_id=theirs.lot_id).mg == Decimal("100.00")
