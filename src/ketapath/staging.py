"""How resistant is this depression? Points of a published staging, with what is not known shown as a range.

`stage` counts what the profile knows. It decides nothing: no rule reads it. Sources: FEKADU2018, HAGG2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.domain.fact import Fact
from ketapath.domain.profile import Profile, StageDimension, Staging
from ketapath.knowledge import Knowledge, published

__all__ = ["stage"]


def stage(person: Profile, knowledge: Knowledge) -> Staging:
    """The staging of this person's depression today.

    A count of failed trials is a lower bound (the record may not hold all), so that its points are the least.
    """
    record = knowledge.staging
    dimensions = tuple(_dimension(d, person.known.get(d["path"])) for d in record["dimensions"])
    least, most = sum(d.least for d in dimensions), sum(d.most for d in dimensions)
    bands = {_band(record, points) for points in (least, most)}
    return Staging(
        dimensions=dimensions,
        least=least,
        most=most,
        band=bands.pop() if len(bands) == 1 else None,
        evidence=tuple(published(knowledge.sources[key]) for key in record["sources"]),
    )


def _dimension(record: Mapping[str, Any], fact: Fact | None) -> StageDimension:
    possible = _possible(record)
    found = None if fact is None else _points(record, fact)
    if found is None:
        return StageDimension(id=record["id"], fact=None, path=record["path"], least=min(possible), most=max(possible))
    return StageDimension(id=record["id"], fact=fact, path=record["path"], least=found, most=found)


def _possible(record: Mapping[str, Any]) -> list[int]:
    if "points" in record:
        return [int(points) for _upto, points in record["points"]]
    return list(record["words"].values()) if "words" in record else [0, int(record["if_true"])]


def _points(record: Mapping[str, Any], fact: Fact) -> int | None:
    if "points" in record:
        value = fact.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return next((int(points) for upto, points in record["points"] if value <= upto), None)
    if "words" in record:
        words: Mapping[str, int] = record["words"]
        return words.get(str(fact.value))
    return int(record["if_true"]) if fact.value is True else 0


def _band(record: Mapping[str, Any], points: int) -> str:
    return next((str(name) for upto, name in record["bands"] if points <= upto), str(record["bands"][-1][1]))
