"""What rests on this source? Every record that names it, by kind; for deciding what to look at when it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ketapath.knowledge.records import Record, based, cited, records

KINDS = (
    "rule",
    "drug",
    "perpetrator",
    "protocol",
    "claim",
    "harm",
    "alternative",
    "target",
    "screening",
    "staging",
    "biomarker",
    "status",
    "response",
    "effects",
    "instrument",
    "figure",
    "code",
)
"""The kinds that an answer always names, also where nothing of that kind rests on the source."""
_NAMED_PARTS: Mapping[str, str] = MappingProxyType({"screening": "screens"})
"""Where a record holds others that people know by ids of their own."""


def impact(documents: Mapping[str, Any], source: str) -> dict[str, list[str]]:
    """The ids of what rests on this source, by kind, in the order of the files."""
    rests: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for record in records(documents):
        if record.kind != "source":
            names = dict.fromkeys(_resting(record, source))
            if names:
                rests.setdefault(record.kind, []).extend(names)
    return rests


def _resting(record: Record, source: str) -> Iterator[str]:
    field = _NAMED_PARTS.get(record.kind, "")
    own = {name: item for name, item in record.body.items() if name != field}
    if source in cited(own) or source in based(own):
        yield record.id
    for part in record.body.get(field, ()):
        if source in cited(part):
            yield str(part["id"])
