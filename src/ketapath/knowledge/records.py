"""Which records do the knowledge files hold, whatever their kind, and what does each of them name?

For questions that go across kinds: does every source, rule and path that is named exist, and what rests on a source?
A new folder is a new kind by its own name, without a line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_KINDS = MappingProxyType(
    {
        "candidacy": "rule",
        "interactions": "rule",
        "monitoring": "rule",
        "protocols": "rule",
        "psychotherapy": "rule",
        "biomarkers": "rule",
        "governance": "rule",
        "claims": "claim",
        "drugs": "drug",
        "perpetrators": "perpetrator",
        "harms": "harm",
        "alternatives": "alternative",
        "instruments": "instrument",
        "needs": "need",
        "competences": "competence",
        "referrals": "referral",
        "timers": "timer",
        "escalations": "escalation",
        "policy": "figure",
        "profile": "path",
        "sources": "source",
        "codes": "code",
        "targets": "target",
        "texts": "text",
        "values": "value",
    }
)
_KINDS_OF_ONE = MappingProxyType({"protocols": "protocol", "biomarkers": "biomarker", "claims": "word list"})
"""In these folders a list is rules, or claims, and a mapping is one record of another kind."""
_NAMES = ("id", "key", "path", "concept", "substance")
_CITING = frozenset({"source", "sources", "seen_in"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it stands in its file. Records inside it (the screens of a condition) belong to it."""

    kind: str
    id: str
    file: str
    body: Mapping[str, Any]


def records(documents: Mapping[str, Any]) -> Iterator[Record]:
    """Every record of every file, in their order. A file that is one mapping is one record, named by its id or file."""
    for file, document in documents.items():
        topic = file.partition("/")[0].removesuffix(".yaml")
        kind = _KINDS.get(topic, topic)
        if isinstance(document, list):
            for number, body in enumerate(document, start=1):
                if isinstance(body, Mapping):
                    yield Record(kind=kind, id=_name(body) or f"{file} {number}", file=file, body=body)
        elif isinstance(document, Mapping):
            name = _name(document) or file.removesuffix(".yaml")
            yield Record(kind=_KINDS_OF_ONE.get(topic, kind), id=name, file=file, body=document)


def cited(value: Any) -> Iterator[str]:
    """Every source key that this part of a record names as its source, repeated where it is named twice."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from cited(item)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        if field in _CITING or field.endswith("_source"):
            yield from _keys(item)
        elif isinstance(item, dict | list):
            yield from cited(item)


def based(value: Any) -> Iterator[str]:
    """Everything that a `basis` of fields names: source keys, rule ids, and marks of a figure that is ours."""
    for part in parts(value):
        basis = part.get("basis")
        if isinstance(basis, Mapping):
            yield from (str(mark) for mark in basis.values())


def followed(value: Any) -> Iterator[str]:
    """Every rule that this part of a record names: under `rule`, `rules`, or a field that ends so."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from followed(item)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        if field in ("rule", "rules") or field.endswith("_rule"):
            named = item if isinstance(item, list) else [item]
            # A sentence under `rule` (how an instrument counts missing items) is no id.
            yield from (name for name in named if isinstance(name, str) and " " not in name)
        if isinstance(item, dict | list):
            yield from followed(item)


def parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping in this part of a record, the outer ones first."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            part = list(part.values())
        if isinstance(part, list):
            waiting += [item for item in reversed(part) if isinstance(item, dict | list)]


def _keys(item: Any) -> Iterator[str]:
    for entry in item if isinstance(item, list) else [item]:
        # Terms of use name where they were read in words, not by a key.
        if isinstance(entry, str) and " " not in entry:
            yield entry
        elif isinstance(entry, Mapping) and isinstance(entry.get("key"), str):
            yield entry["key"]


def _name(body: Mapping[str, Any]) -> str:
    return next((str(body[field]) for field in _NAMES if field in body), "")
