"""Does every figure say where it comes from, and does none come twice under two names?

A figure is any number in a record that is not a rule, a profile path or a code, which have marks of their own. It is
covered by the nearest mapping around it that names a source or a rule, or says that the figure is ours; or by the
`basis` of that mapping, which does so field by field. What a whole file rests on covers no figure in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ketapath.knowledge.records import Record, cited
from ketapath.knowledge.schema import Source

OURS = frozenset({"site-default", "assumption"})
"""The marks of a figure that no source gives."""
RECALLED = "recalled-unverified"
"""The mark of a figure that nobody has read; only perpetrators may have it, and nothing is computed from it."""
_WITH_MARKS_OF_THEIR_OWN = frozenset({"rule", "path", "source", "code", "text"})
_WHOLE_FILES = frozenset({"drug", "protocol", "instrument", "response"})
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
_WORK = re.compile(r"10\.\d{4,}/[^\s;,]+|PMID:? ?\d+|PMC\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures that a record gives together, and the sources that it names for them."""

    record: Record
    values: frozenset[float]
    sources: frozenset[str]


def unsourced(record: Record) -> Iterator[str]:
    """Every field of the record that holds a figure without a source, a rule or a mark, such as `drug.x: device.mg`."""
    if record.kind in _WITH_MARKS_OF_THEIR_OWN:
        return
    for trail in _uncovered(record.body, covered=False, whole_file=record.kind in _WHOLE_FILES):
        yield ".".join(trail)


def twice(found: Iterable[Record]) -> Iterator[tuple[Record, Record, frozenset[float]]]:
    """Two records that give the same figures and name no common source for them.

    Two figures are enough where a record holds numbers. A rule's sentence needs three: two are often a pressure
    (140/90) or two doses that many sources name.
    """
    groups = [group for record in found for group in _groups(record) if group.sources]
    for one, other in combinations(groups, 2):
        if one.values == other.values and one.record != other.record and not one.sources & other.sources:
            yield one.record, other.record, one.values


def same_work(sources: Iterable[Source]) -> Iterator[tuple[Source, Source]]:
    """Two sources that are one page or one publication."""
    places = [(source, _places(source)) for source in sources]
    for (one, here), (other, there) in combinations(places, 2):
        if here & there:
            yield one, other


def _uncovered(value: Any, *, covered: bool, whole_file: bool = False) -> Iterator[tuple[str, ...]]:
    if covered or isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield ()
    elif isinstance(value, list):
        for item in value:
            yield from _uncovered(item, covered=False)
    elif isinstance(value, Mapping):
        marked = not whole_file and _is_marked(value)
        basis = value.get("basis")
        by_field = basis if isinstance(basis, Mapping) else {}
        for field, item in value.items():
            for trail in _uncovered(item, covered=marked or field in by_field):
                yield (str(field), *trail)


def _is_marked(part: Mapping[str, Any]) -> bool:
    own = {field: part[field] for field in ("source", "sources") if field in part}
    return (
        bool(list(cited(own)))
        or any(isinstance(part.get(field), str) for field in ("rule", "rules"))
        or part.get("trust") in {*OURS, RECALLED}
        or any(isinstance(part.get(field), str) and part[field] in OURS for field in ("basis", "threshold_basis"))
    )


def _groups(record: Record) -> Iterator[Figures]:
    if record.kind == "rule":
        values = frozenset(float(number) for number in _NUMBER.findall(str(record.body["statement"])))
        if len(values) > 2:
            yield Figures(record=record, values=values, sources=frozenset(cited(record.body)))
    elif record.kind not in _WITH_MARKS_OF_THEIR_OWN:
        yield from _cited_groups(record, record.body)


def _cited_groups(record: Record, value: Any) -> Iterator[Figures]:
    if isinstance(value, list):
        for item in value:
            yield from _cited_groups(record, item)
    if not isinstance(value, Mapping):
        return
    own = frozenset(cited({field: value[field] for field in ("source", "sources") if field in value}))
    values = frozenset(_numbers(value))
    if own and len(values) > 1:
        yield Figures(record=record, values=values, sources=own)
    for item in value.values():
        yield from _cited_groups(record, item)


def _numbers(value: Any) -> Iterator[float]:
    """Numbers of this part, without those of parts that name a source of their own."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            if not (isinstance(item, Mapping) and ("source" in item or "sources" in item)):
                yield from _numbers(item)


def _places(source: Source) -> frozenset[str]:
    text = f"{source.citation} {source.locator}"
    found = {work.lower().rstrip(".)") for work in _WORK.findall(text)}
    return frozenset(found | ({source.locator} if "://" in source.locator else set()))
