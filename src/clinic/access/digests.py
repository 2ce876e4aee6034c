"""What binds a row of the trail to its block? Digests in one fixed form, and the tree over the rows of a block.

The tree is that of RFC 6962, section 2.1: leaves and nodes are hashed behind different first bytes, so that no node can
be passed off as a row. Every form begins with its own name and version; another form will have another name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from clinic.access.models import AuditBlock, AuditRow

_ROW, _SEALED, _BLOCK = "audit-row-2", "audit-sealed-2", "audit-block-2"


def digest_of(row: AuditRow) -> str:
    """A row's own digest, over what it says. It stands in the row from the beginning, before any block."""
    return _digest([_ROW, *_said(row), row.entities, row.source, row.asked])


def digest_of_old(row: AuditRow) -> str:
    """The digest of a row of before there were blocks: it covers the digest of the row before it."""
    later = [row.source, row.asked] if row.source or row.asked else []
    text = json.dumps([*_said(row), row.entities, row.previous, *later], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def leaf(row: AuditRow) -> str:
    """The leaf of a row: over every column of it, its number included."""
    said = [_SEALED, row.pk, *_said(row), row.entities, row.source, row.asked, row.previous, row.digest]
    return hashlib.sha256(b"\x00" + _text(said)).hexdigest()


def root(leaves: Sequence[str]) -> str:
    """The root of the tree over these leaves, in this order; at least one."""
    level = [bytes.fromhex(one) for one in leaves]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
        level = above + level[len(level) - len(level) % 2 :]  # one without a partner goes up as it is
    return level[0].hex()


def digest_of_block(block: AuditBlock) -> str:
    """Over the block's number, the block before it, its rows, their root, and when it was sealed."""
    said = [_BLOCK, block.number, block.previous, block.rows, block.root, _instant(block.sealed_at)]
    return _digest(said)


def _said(row: AuditRow) -> list[str]:
    return [_instant(row.at), row.practice, row.who, row.role, row.act, row.outcome, row.patient_id]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _text(said: Sequence[Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _digest(said: Sequence[Any]) -> str:
    return hashlib.sha256(_text(said)).hexdigest()
