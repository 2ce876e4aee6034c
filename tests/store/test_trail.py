"""Whoever gets at the database and edits, removes, reorders or cuts off any part of the trail is found out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access import audit
from clinic.access.anchor import Anchor
from clinic.access.digests import digest_of, digest_of_block, digest_of_old, leaf, root
from clinic.access.models import Account, AuditBlock, AuditRow, AuditSeal
from clinic.access.sealing import Sealer, note_restore, seal
from clinic.access.verification import Verdict, told, verify

pytestmark = pytest.mark.requirement(38)


@pytest.fixture
def sealed(here: Account, anchor: Path) -> list[int]:
    """The numbers of nine rows in three blocks, sealed an hour ago."""
    numbers = []
    with clock.supposed(clock.now() - timedelta(hours=1)):
        seal()
        for _block in range(3):
            rows = [audit.append("read-chart", outcome="done", account=here, patient_id=f"p{n}") for n in range(3)]
            numbers += [row.pk for row in rows]
            assert seal() == 3
    return numbers


def after(attack: Callable[[], Any]) -> Verdict:
    """The verdict after somebody with all rights on the database did this; then it is undone."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")
            else:
                for table in ("access_auditrow", "access_auditblock", "access_auditseal"):
                    for act in ("update", "delete"):
                        cursor.execute(f"DROP TRIGGER {table}_no_{act}")
        attack()
        found = verify()
        transaction.set_rollback(True)
    return found


def kinds(found: Verdict) -> set[str]:
    return {trouble.kind for trouble in found.troubles}


def test_an_untouched_trail_is_intact_and_anchored_to_its_head(sealed: list[int], anchor: Path) -> None:
    found = verify()
    assert (found.is_intact, found.troubles, found.unsealed) == (True, (), 0)
    assert found.rows == AuditRow.objects.count() == AuditSeal.objects.count()
    assert found.blocks == found.anchored_to == AuditBlock.objects.count()
    assert "intact" in told(found)[0]
    last = anchor.read_text().splitlines()[-1].split(" ")
    assert last[:3] == [str(found.blocks), AuditBlock.objects.get(number=found.blocks).digest, "3"]


def test_rows_that_wait_for_their_block_are_told_and_not_called_wrong(sealed: list[int], here: Account) -> None:
    with clock.supposed(clock.now() - timedelta(seconds=40)):
        audit.append("read-chart", outcome="done", account=here)
    audit.append("read-chart", outcome="done", account=here)
    found = verify()
    assert (found.is_intact, found.unsealed) == (True, 2)
    assert 39 < found.oldest_unsealed_s < 60
    assert seal() == 2
    assert verify().unsealed == 0


NEW = {
    "at": "2020-01-01T00:00:00Z", "practice": "other", "who": "nobody", "role": "nurse", "act": "see-today",
    "outcome": "refused", "patient_id": "p9", "entities": ["x"], "source": "10.0.0.9", "asked": "y",
    "previous": "0" * 64, "digest": "0" * 64,
}  # fmt: skip


@pytest.mark.parametrize("column", NEW)
@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_row_that_was_edited_in_any_column_is_found(sealed: list[int], column: str, place: int) -> None:
    found = after(lambda: AuditRow.objects.filter(pk=sealed[place]).update(**{column: NEW[column]}))
    assert [(t.kind, t.number) for t in found.troubles] == [("row-edited", sealed[place])]


def test_every_column_is_tried() -> None:
    assert {field.name for field in AuditRow._meta.fields} == {*NEW, "id"}


def test_an_edit_that_mends_the_rows_own_digest_is_found(sealed: list[int]) -> None:
    def attack() -> None:
        row = AuditRow.objects.get(pk=sealed[4])
        row.who = "nobody"
        row.digest = digest_of(row)
        row.save()

    assert kinds(after(attack)) == {"row-edited"}


def test_an_edit_that_mends_its_seal_or_its_whole_block_is_found(sealed: list[int]) -> None:
    """Mending goes on upwards until it meets the block after it, or the anchor."""

    def attack(upwards: int) -> None:
        row = AuditRow.objects.get(pk=sealed[4])
        row.who = "nobody"
        row.digest = digest_of(row)
        row.save()
        AuditSeal.objects.filter(row=row.pk).update(digest=leaf(row))
        block = AuditSeal.objects.get(row=row.pk).block
        if upwards > 0:
            seals = AuditSeal.objects.filter(block=block).order_by("place")
            block.root = root([s.digest for s in seals])
            block.digest = digest_of_block(block) if upwards > 1 else block.digest
            block.save()
        if upwards > 2:
            following = AuditBlock.objects.get(number=block.number + 1)
            following.previous = block.digest
            following.digest = digest_of_block(following)
            following.save()

    assert kinds(after(lambda: attack(0))) == {"seals-changed"}
    assert kinds(after(lambda: attack(1))) == {"block-edited"}
    assert kinds(after(lambda: attack(2))) == {"block-reordered", "anchor-differs"}
    assert kinds(after(lambda: attack(3))) == {"anchor-differs"}


def test_a_row_that_was_removed_is_found(sealed: list[int]) -> None:
    for number in sealed:
        found = after(lambda number=number: AuditRow.objects.filter(pk=number).delete())  # type: ignore[misc]
        assert [(t.kind, t.number) for t in found.troubles] == [("row-missing", number)]


def test_a_row_that_was_removed_with_its_seal_is_found(sealed: list[int]) -> None:
    for number in sealed:

        def attack(number: int = number) -> None:
            AuditSeal.objects.filter(row=number).delete()
            AuditRow.objects.filter(pk=number).delete()

        assert kinds(after(attack)) == {"seals-changed"}


def test_rows_that_changed_places_are_found(sealed: list[int]) -> None:
    def rows() -> None:
        first, second = AuditRow.objects.get(pk=sealed[1]), AuditRow.objects.get(pk=sealed[2])
        first.pk, second.pk = second.pk, first.pk
        first.save()
        second.save()

    def seals() -> None:
        AuditSeal.objects.filter(row=sealed[1]).update(place=99)
        AuditSeal.objects.filter(row=sealed[2]).update(place=1)
        AuditSeal.objects.filter(row=sealed[1]).update(place=2)

    assert kinds(after(rows)) == {"row-edited"}
    assert "seals-changed" in kinds(after(seals))


def test_a_row_that_was_slipped_into_a_sealed_block_is_found(sealed: list[int], here: Account) -> None:
    def attack() -> None:
        row = audit.append("read-chart", outcome="done", account=here)
        seal = AuditSeal.objects.get(row=sealed[4])
        AuditSeal.objects.create(row=row.pk, block=seal.block, place=3, digest=leaf(row))

    assert "seals-changed" in kinds(after(attack))


def test_a_row_under_a_number_of_before_is_found_or_told(sealed: list[int], here: Account) -> None:
    """SQLite gives numbers in the order of commits; PostgreSQL may be late, so there it is told without being wrong."""

    def attack() -> None:
        row = audit.append("read-chart", outcome="done", account=here)
        AuditRow.objects.filter(pk=row.pk).update(id=-5)

    found = after(attack)
    assert (found.late, found.unsealed) == (1, 1)
    assert kinds(found) == ({"row-slipped-in"} if connection.vendor == "sqlite" else set())
    assert any("lower number" in line for line in told(found))


def test_a_trail_that_was_cut_off_is_found_by_its_anchor(sealed: list[int]) -> None:
    head = AuditBlock.objects.latest("number").number

    def attack() -> None:
        AuditSeal.objects.filter(block_id=head).delete()
        AuditBlock.objects.filter(number=head).delete()
        AuditRow.objects.filter(pk__gte=sealed[6]).delete()

    found = after(attack)
    assert [(t.kind, t.number) for t in found.troubles] == [("anchor-ahead", head)]
    assert found.rows == AuditRow.objects.count() - 3


@pytest.mark.parametrize("what", ["seals", "blocks", "both"])
def test_seals_and_blocks_that_were_removed_are_found(sealed: list[int], what: str) -> None:
    number = AuditBlock.objects.latest("number").number - 1

    def attack() -> None:
        if what != "blocks":
            AuditSeal.objects.filter(block_id=number).delete()
        if what != "seals":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM access_auditblock WHERE number = %s", [number])

    expected = {"seals": "seals-changed", "blocks": "seal-of-no-block", "both": "block-missing"}
    assert expected[what] in kinds(after(attack))


def test_blocks_that_changed_places_are_found(sealed: list[int]) -> None:
    head = AuditBlock.objects.latest("number").number

    def attack() -> None:
        AuditBlock.objects.filter(number=head).update(number=head + 9)
        AuditBlock.objects.filter(number=head - 1).update(number=head)
        AuditBlock.objects.filter(number=head + 9).update(number=head - 1)

    assert {"block-edited", "block-reordered", "anchor-differs"} <= kinds(after(attack))


@pytest.mark.parametrize("column", ["rows", "root", "previous", "digest", "sealed_at"])
def test_a_block_that_was_edited_in_any_column_is_found(sealed: list[int], column: str) -> None:
    new = {"rows": 2, "root": "0" * 64, "previous": "0" * 64, "digest": "0" * 64, "sealed_at": clock.now()}
    head = AuditBlock.objects.latest("number").number
    found = after(lambda: AuditBlock.objects.filter(number=head).update(**{column: new[column]}))
    assert "block-edited" in kinds(found)


@pytest.mark.parametrize("column", ["row", "block_id", "place", "digest"])
def test_a_seal_that_was_edited_in_any_column_is_found(sealed: list[int], column: str) -> None:
    new: dict[str, dict[str, Any]] = {
        "row": {"row": 10**9},
        "block_id": {"block_id": AuditBlock.objects.latest("number").number, "place": 3},
        "place": {"place": 7},
        "digest": {"digest": "no digest"},
    }
    found = after(lambda: AuditSeal.objects.filter(row=sealed[3]).update(**new[column]))
    assert kinds(found) & {"seals-changed", "row-missing"}


def test_an_edit_of_a_row_that_waits_is_found_by_its_own_digest(sealed: list[int], here: Account) -> None:
    row = audit.append("read-chart", outcome="done", account=here)
    assert kinds(after(lambda: AuditRow.objects.filter(pk=row.pk).update(who="nobody"))) == {"row-edited"}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps no text in a column of times")
def test_a_row_that_cannot_be_read_any_more_is_found(sealed: list[int]) -> None:
    for broken in ("at = 'never'", "at = '2026-99-99 00:00:00'", "entities = '['"):

        def attack(broken: str = broken) -> None:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA ignore_check_constraints = ON")
                cursor.execute(f"UPDATE access_auditrow SET {broken} WHERE id = {sealed[4]}")
                cursor.execute("PRAGMA ignore_check_constraints = OFF")

        assert kinds(after(attack)) & {"unreadable", "row-edited"}


def test_an_anchor_that_was_touched_is_found(sealed: list[int], anchor: Path) -> None:
    whole = anchor.read_text()
    lines = whole.splitlines(keepends=True)
    number, _digest, rest = lines[-1].split(" ", 2)
    for touched, kind in (
        ("".join(lines[:-1]), "anchor-behind"),
        ("".join([*lines[:-2], lines[-1]]), "anchor-damaged"),
        (whole + lines[-1].replace(f"{number} ", f"{int(number) + 1} ", 1), "anchor-ahead"),
        ("".join(lines[:-1]) + f"{number} {'0' * 64} {rest}", "anchor-differs"),
        ("".join(lines[:-1]) + "nonsense\n" + lines[-1], "anchor-damaged"),
    ):
        anchor.write_text(touched)
        assert kinds(verify()) == {kind}


def test_what_is_cut_off_together_with_the_anchors_lines_is_found_by_a_copy_of_the_anchor_only(
    sealed: list[int], anchor: Path
) -> None:
    kept = anchor.read_text()
    anchor.write_text("".join(kept.splitlines(keepends=True)[:-1]))
    head = AuditBlock.objects.latest("number").number

    def attack() -> None:
        AuditSeal.objects.filter(block_id=head).delete()
        AuditBlock.objects.filter(number=head).delete()
        AuditRow.objects.filter(pk__gte=sealed[6]).delete()

    assert after(attack).is_intact
    anchor.write_text(kept)
    assert kinds(after(attack)) == {"anchor-ahead"}


def test_without_an_anchor_the_verdict_says_what_it_cannot_see(sealed: list[int], anchor: Path) -> None:
    anchor.unlink()
    assert kinds(verify()) == {"anchor-behind"}
    assert any("could not be seen" in line for line in told(verify()))
    seal()
    begun = verify()
    assert begun.is_intact
    assert begun.anchored_from == begun.anchored_to == begun.blocks
    assert told(begun)[-1] == f"the anchor begins at block {begun.blocks}"


def test_a_block_that_a_crash_left_without_its_anchor_is_anchored_at_the_next_turn(
    sealed: list[int], anchor: Path, here: Account
) -> None:
    lines = anchor.read_text().splitlines(keepends=True)
    for left in (len(lines[-1]), 70, 1, 0):
        anchor.write_text("".join(lines[:-1]) + lines[-1][:left].removesuffix("\n"))
        seal()
        assert anchor.read_text().splitlines()[-1] + "\n" == lines[-1]
        assert verify().is_intact, left
        audit.append("read-chart", outcome="done", account=here)
        seal()
        assert verify().is_intact, left
        lines = anchor.read_text().splitlines(keepends=True)


def test_a_restore_from_a_backup_is_told_and_is_no_trouble(sealed: list[int], here: Account) -> None:
    head = AuditBlock.objects.latest("number").number

    def restore() -> None:
        AuditSeal.objects.filter(block_id=head).delete()
        AuditBlock.objects.filter(number=head).delete()
        AuditRow.objects.filter(pk__gte=sealed[6]).delete()
        note_restore()
        audit.append("read-chart", outcome="done", account=here)
        seal()

    found = after(restore)
    assert (found.is_intact, found.restores) == (True, 1)
    assert any("went back to a backup" in line for line in told(found))


def test_sealing_goes_on_after_a_cut_and_the_anchor_keeps_what_it_knows(sealed: list[int], here: Account) -> None:
    head = AuditBlock.objects.latest("number").number

    def attack() -> None:
        AuditSeal.objects.filter(block_id__gt=head - 2).delete()
        AuditBlock.objects.filter(number__gt=head - 2).delete()
        AuditRow.objects.filter(pk__gte=sealed[3]).delete()
        for _turn in range(3):
            audit.append("read-chart", outcome="done", account=here)
            seal()

    assert {"anchor-differs", "anchor-damaged"} <= kinds(after(attack))


def old_row(by: Account, patient: str, previous: str) -> AuditRow:
    """A row as 0.1 wrote it."""
    row = AuditRow(
        at=clock.now(), practice=by.practice.slug, who=by.username, role=by.role, act="read-chart", outcome="done",
        patient_id=patient, entities=["é"], previous=previous,
    )  # fmt: skip
    row.digest = digest_of_old(row)
    row.save(force_insert=True)
    return row


def test_rows_of_before_there_were_blocks_are_followed_and_sealed_like_any_other(here: Account, anchor: Path) -> None:
    previous, rows = "", []
    for number in range(4):
        rows.append(old_row(here, f"p{number}", previous))
        previous = rows[-1].digest
    audit.append("read-chart", outcome="done", account=here)
    assert verify().is_intact
    found = after(lambda: AuditRow.objects.filter(pk=rows[1].pk).delete())
    assert [(t.kind, t.number) for t in found.troubles] == [("old-row-broken", rows[2].pk)]
    assert seal() >= 5
    assert verify().is_intact
    assert kinds(after(lambda: AuditRow.objects.filter(pk=rows[1].pk).delete())) == {"row-missing", "old-row-broken"}


def test_an_old_chain_that_is_broken_already_stays_broken_when_it_is_sealed(
    here: Account, anchor: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = old_row(here, "p1", "")
    broken = old_row(here, "p2", "0" * 64)
    if not AuditBlock.objects.exists():
        seal()
        assert "does not hold at row" in caplog.text
    seal()
    assert first.pk < broken.pk
    assert [(t.kind, t.number) for t in verify().troubles] == [("old-row-broken", broken.pk)]


def test_the_tree_is_that_of_rfc_6962() -> None:
    """Its hashes of one to eight leaves, from the test data of Certificate Transparency's reference implementation."""
    from hashlib import sha256

    data = [bytes.fromhex(text) for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip
    leaves = [sha256(b"\x00" + one).hexdigest() for one in data]
    roots = [root(leaves[:count])[:16] for count in (1, 2, 3, 5, 8)]
    assert roots == [
        "6e340b9cffb37a98", "fac54203e7cc696c", "aeb6bcfe274b70a1", "4e3bbb1f7b478dcf", "5dc9da79a70659a9",
    ]  # fmt: skip


@pytest.mark.usefixtures("committed")
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer, whose numbers are never late")
def test_a_number_that_is_committed_late_is_sealed_into_the_next_block(anchor: Path) -> None:
    here, sealer = practice_with(), Sealer()
    sealer.turn()
    took, may_end, late = threading.Event(), threading.Event(), list[int]()

    def slowly() -> None:
        try:
            with transaction.atomic():
                late.append(audit.append("read-chart", outcome="done", account=here).pk)
                took.set()
                may_end.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slowly)
    thread.start()
    took.wait(20)
    early = audit.append("read-chart", outcome="done", account=here).pk
    assert early > late[0]
    assert sealer.turn() == 1
    assert not AuditSeal.objects.filter(row=late[0]).exists()
    may_end.set()
    thread.join()
    assert sealer.turn() == 1
    assert AuditSeal.objects.get(row=late[0]).block_id > AuditSeal.objects.get(row=early).block_id
    found = verify()
    assert (found.is_intact, found.late > 0) == (True, True)


def test_the_anchors_last_line_is_read_from_a_long_file(anchor: Path) -> None:
    lines = "".join(f"{number} {'a' * 64} 3 2026-11-26T10:00:00Z\n" for number in range(1, 20_000))
    anchor.write_text(lines + "20000 half")
    last = Anchor(anchor).last()
    assert last is not None
    assert last.number == 19_999


@pytest.mark.requirement(4)
def test_failures_are_counted_by_name_and_by_address_through_an_index(here: Account) -> None:
    AuditRow.objects.bulk_create(
        AuditRow(at=clock.now(), who=f"u{n}", act="sign-in", outcome="refused", source=f"10.0.{n % 9}.{n % 200}")
        for n in range(3000)
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE access_auditrow")
    since = clock.now() - timedelta(minutes=15)
    for index, wanted in (("audit_of_who", {"who": "u7"}), ("audit_of_source", {"source": "10.0.7.7"})):
        assert index in AuditRow.objects.filter(act="sign-in", outcome="refused", at__gt=since, **wanted).explain()
