"""Was the trail touched since it was sealed? Every row, seal and block is followed, and the last one to the anchor.

What is at or below the newest block never changes, so nothing is locked meanwhile and memory stays flat. What cannot be
found: rows cut off together with their blocks and with the lines of the anchor. Keep a copy of the anchor elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType

from django.db import connection
from django.db.models import Exists, OuterRef

from clinic import clock
from clinic.access.anchor import Anchor, Line
from clinic.access.digests import digest_of, digest_of_block, digest_of_old, leaf, root
from clinic.access.models import AuditBlock, AuditRow, AuditSeal
from clinic.access.sealing import unsealed

_TOGETHER = 2000  # rows that are held at once, beside one block
_SHOWN = 50
_ANCHORED_WITHIN = timedelta(minutes=1)

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "row-edited": "row {} is not as it was written",
        "row-missing": "row {} is gone",
        "row-slipped-in": "row {} was slipped in between older rows",
        "old-row-broken": "row {}, of before there were blocks, does not follow the one before it",
        "block-edited": "block {} is not as it was sealed",
        "block-missing": "block {} is gone",
        "block-reordered": "block {} does not follow the one before it",
        "seals-changed": "the seals of block {} are not those it was made of",
        "seal-of-no-block": "the seal of row {} belongs to no block",
        "anchor-differs": "block {} is not the one that was anchored",
        "anchor-ahead": "block {} was anchored and is gone: the trail was cut off",
        "anchor-behind": "block {} and later ones are not anchored: the anchor was cut off, or could not be written",
        "anchor-damaged": "line {} of the anchor does not follow the one before it",
        "anchor-unreadable": "the anchor cannot be read; it is named by AUDIT_ANCHOR",
        "unreadable": "row {} or one near it cannot be read any more; what comes after was not looked at",
    }
)
"""What may be wrong, by its name, with the number of a row, of a block, or of a line of the anchor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is not as it was sealed."""

    kind: str
    number: int

    @property
    def words(self) -> str:
        """In a sentence for the terminal."""
        return KINDS[self.kind].format(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found. `late` rows have a lower number than rows that were sealed before them.

    On PostgreSQL two transactions at one moment do that; many of them, or old ones, are worth a look.
    `anchored_from` is above 1 where the anchor was begun later than the trail, `restores` tells of its gaps.
    """

    at: datetime
    rows: int
    blocks: int
    unsealed: int
    oldest_unsealed_s: float
    late: int
    anchored_from: int
    anchored_to: int
    restores: int
    wrong: int
    troubles: tuple[Trouble, ...]

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found to be wrong."""
        return not self.wrong


@dataclass(slots=True)
class _Found:
    """What the walk has come upon so far."""

    rows: int = 0
    blocks: int = 0
    unsealed: int = 0
    oldest: datetime | None = None
    late: int = 0
    anchored_from: int = 0
    anchored_to: int = 0
    restores: int = 0
    highest: int = 0
    old: str = ""
    wrong: int = 0
    troubles: list[Trouble] = field(default_factory=list)

    def add(self, kind: str, number: int) -> None:
        self.wrong += 1
        if len(self.troubles) < _SHOWN:
            self.troubles.append(Trouble(kind=kind, number=number))


def verify() -> Verdict:
    """Follow the whole trail. Takes about four seconds for each 100,000 rows; reads only."""
    found = _Found()
    try:
        newest = AuditBlock.objects.order_by("-number").first()
        _follow_blocks(found, newest.number if newest else 0)
        is_block = Exists(AuditBlock.objects.filter(number=OuterRef("block_id")))
        for seal in AuditSeal.objects.filter(~is_block).order_by("row")[:_SHOWN]:
            found.add("seal-of-no-block", seal.row)
        _look_at_unsealed(found)
        # The anchor is read last: a block stands in it a moment after it was committed, never before.
        _compare(found, Anchor.of_installation(), newest)
    except OSError:
        found.add("anchor-unreadable", 0)
    except (ValueError, AttributeError):  # what stands in a column is no time or no list any more
        found.add("unreadable", found.highest)
    now = clock.now()
    return Verdict(
        at=now, rows=found.rows + found.unsealed, blocks=found.blocks, unsealed=found.unsealed,
        oldest_unsealed_s=0.0 if found.oldest is None else max(0.0, (now - found.oldest).total_seconds()),
        late=found.late, anchored_from=found.anchored_from, anchored_to=found.anchored_to, restores=found.restores,
        wrong=found.wrong, troubles=tuple(found.troubles),
    )  # fmt: skip


def _follow_blocks(found: _Found, head: int) -> None:
    """Each block after the one before it, with its rows."""
    previous, expected = "", 1
    for block, seals in _blocks(head):
        found.blocks += 1
        if block.number != expected:
            found.add("block-missing", expected)
        elif block.previous != previous:
            found.add("block-reordered", block.number)
        if block.digest != digest_of_block(block):
            found.add("block-edited", block.number)
        _follow_rows(found, block, seals)
        previous, expected = block.digest, block.number + 1


def _blocks(head: int) -> Iterator[tuple[AuditBlock, list[AuditSeal]]]:
    """The blocks up to the head with their seals, a few thousand rows at a time."""
    waiting: list[AuditBlock] = []
    for block in AuditBlock.objects.filter(number__lte=head).order_by("number").iterator(chunk_size=_TOGETHER):
        waiting.append(block)
        if sum(one.rows for one in waiting) >= _TOGETHER or len(waiting) >= _TOGETHER:
            yield from _with_seals(waiting)
            waiting = []
    if waiting:
        yield from _with_seals(waiting)


def _with_seals(blocks: list[AuditBlock]) -> Iterator[tuple[AuditBlock, list[AuditSeal]]]:
    first, last = blocks[0].number, blocks[-1].number
    seals = AuditSeal.objects.filter(block_id__gte=first, block_id__lte=last).order_by("block_id", "place")
    by_block = {number: list(some) for number, some in groupby(seals, key=lambda seal: seal.block_id)}
    for block in blocks:
        yield block, by_block.get(block.number, [])


def _follow_rows(found: _Found, block: AuditBlock, seals: list[AuditSeal]) -> None:
    """The rows of one block are those that were sealed, in that order, and say what they said then."""
    highest = found.highest
    for start in range(0, len(seals), _TOGETHER):
        some = seals[start : start + _TOGETHER]
        rows = AuditRow.objects.in_bulk([seal.row for seal in some])
        for seal in some:
            row = rows.get(seal.row)
            if row is None:
                found.add("row-missing", seal.row)
                continue
            found.rows += 1
            if leaf(row) != seal.digest:
                found.add("row-edited", seal.row)
            else:
                _follow_old(found, row)
            _place(found, row, highest)
    if not _make_its_tree(seals, block):
        found.add("seals-changed", block.number)


def _make_its_tree(seals: list[AuditSeal], block: AuditBlock) -> bool:
    """Whether the seals are as many as they were, in their places, and lead to the root."""
    is_whole = len(seals) == block.rows and all(seal.place == place for place, seal in enumerate(seals))
    try:
        return is_whole and bool(seals) and root([seal.digest for seal in seals]) == block.root
    except ValueError:  # a digest that is none
        return False


def _follow_old(found: _Found, row: AuditRow) -> None:
    """A row of before there were blocks follows the one before it; every other one has its own digest."""
    if row.digest == digest_of(row):
        return
    if row.digest != digest_of_old(row):
        found.add("row-edited", row.pk)
    elif row.previous != found.old:
        found.add("old-row-broken", row.pk)
    found.old = row.digest


def _place(found: _Found, row: AuditRow, highest: int) -> None:
    """A number below one that was sealed earlier: late on PostgreSQL; impossible on SQLite, which has one writer."""
    if row.pk < highest:
        found.late += 1
        if connection.vendor == "sqlite":
            found.add("row-slipped-in", row.pk)
    found.highest = max(found.highest, row.pk)


def _look_at_unsealed(found: _Found) -> None:
    """How many rows wait for their block, and since when. What was sealed meanwhile is not waiting any more."""
    highest = found.highest
    for row in unsealed().iterator(chunk_size=_TOGETHER):
        found.unsealed += 1
        found.oldest = row.at if found.oldest is None else min(found.oldest, row.at)
        _follow_old(found, row)
        _place(found, row, highest)


def _compare(found: _Found, anchor: Anchor, newest: AuditBlock | None) -> None:
    """Each line of the anchor with its block, and the newest block with the last line."""
    restored = [(place, line.number) for place, line in enumerate(anchor.lines()) if line and line.is_restore]
    waiting: list[Line] = []
    last: int | None = None
    for place, line in enumerate(anchor.lines()):
        if line is None or (last is not None and not line.is_restore and line.number != last + 1):
            found.add("anchor-damaged", place + 1)
        if line is None:
            continue
        # What a restore took back is gone with good reason; it is told as a restore.
        if not line.is_restore and all(place > other or line.number <= back for other, back in restored):
            waiting.append(line)
        found.anchored_from = line.number if last is None else found.anchored_from
        last = line.number
        if len(waiting) >= _TOGETHER:
            _compare_some(found, waiting)
            waiting = []
    _compare_some(found, waiting)
    found.anchored_to, found.restores = last or 0, len(restored)
    if newest is not None and newest.number > (last or 0) and clock.now() - newest.sealed_at > _ANCHORED_WITHIN:
        found.add("anchor-behind", (last or 0) + 1)


def _compare_some(found: _Found, lines: list[Line]) -> None:
    blocks = AuditBlock.objects.in_bulk([line.number for line in lines])
    for line in lines:
        block = blocks.get(line.number)
        if block is None:
            found.add("anchor-ahead", line.number)
        elif (block.digest, block.rows) != (line.digest, line.rows):
            found.add("anchor-differs", line.number)


def told(found: Verdict) -> list[str]:
    """The verdict in a few lines for the terminal."""
    lines = [f"{found.rows} rows in {found.blocks} blocks: {'intact' if found.is_intact else 'BROKEN'}"]
    lines += [one.words for one in found.troubles]
    if found.wrong > len(found.troubles):
        lines.append(f"and {found.wrong - len(found.troubles)} more")
    if found.unsealed:
        lines.append(f"{found.unsealed} of the rows are not sealed yet, the oldest for {found.oldest_unsealed_s:.0f} s")
    if found.late:
        lines.append(f"{found.late} rows have a lower number than rows that were sealed before them")
    if found.restores:
        lines.append(f"the database went back to a backup {found.restores} times; what came after those is not in it")
    if not found.anchored_to:
        lines.append("no block is anchored: that the trail was cut off could not be seen")
    elif found.anchored_from > 1:
        lines.append(f"the anchor begins at block {found.anchored_from}")
    return lines
