"""Which sources does the response model rest on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ketapath.domain.evidence import Evidence
from ketapath.knowledge import Knowledge, published


def response_evidence(knowledge: Knowledge) -> tuple[Evidence, ...]:
    """The sources that the parameters of this model name."""
    named = dict.fromkeys(_named(knowledge.response))
    return tuple(published(knowledge.sources[key]) for key in named)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("source"):
            yield str(value["source"])
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)
