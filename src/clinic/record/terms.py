"""By what can a resource be found? The search terms of what is searched today; pure, no database.

Source of the parameters: HL7 FHIR R4 (4.0.1) search parameter registry.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_DATES = (
    "effectiveDateTime", "effectivePeriod", "authored", "authoredOn", "period", "onsetDateTime", "recordedDate",
    "performedDateTime", "dateTime", "date", "created", "birthDate",
)  # fmt: skip
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One term: a token (system and value), or a span of time with its end excluded."""

    name: str
    system: str = ""
    value: str = ""
    low: datetime | None = None
    high: datetime | None = None


def search_terms(resource: Mapping[str, Any]) -> list[SearchTerm]:
    """The terms of one resource, each once."""
    return list(dict.fromkeys([*_tokens(resource), *_names(resource), *_times(resource)]))


def _tokens(resource: Mapping[str, Any]) -> Iterator[SearchTerm]:
    for field, name in (("identifier", "identifier"), ("code", "code"), ("category", "category")):
        for holder in _each(resource.get(field)):
            if field == "identifier":
                yield SearchTerm(name, _word(holder.get("system")), _word(holder.get("value")))
            for coding in _each(holder.get("coding")):
                yield SearchTerm(name, _word(coding.get("system")), _word(coding.get("code")))
    for part in _each(resource.get("component")):
        for coding in _each((part.get("code") or {}).get("coding") if isinstance(part.get("code"), dict) else None):
            yield SearchTerm("component-code", _word(coding.get("system")), _word(coding.get("code")))
    if isinstance(resource.get("status"), str):
        yield SearchTerm("status", "", _word(resource["status"]))


def _names(resource: Mapping[str, Any]) -> Iterator[SearchTerm]:
    if resource.get("resourceType") != "Patient":
        return
    for name in _each(resource.get("name")):
        given = name.get("given")
        words = [name.get("family"), *(given if isinstance(given, list) else []), name.get("text")]
        for word in words:
            if isinstance(word, str):
                for part in word.casefold().split():
                    yield SearchTerm("name", "", _word(part))


def _times(resource: Mapping[str, Any]) -> Iterator[SearchTerm]:
    for field in _DATES:
        value = resource.get(field)
        start, end = (value.get("start"), value.get("end")) if isinstance(value, dict) else (value, value)
        low, high = _span(start), _span(end)
        if low or high:
            name = "birthdate" if field == "birthDate" else "date"
            yield SearchTerm(name, low=low[0] if low else None, high=high[1] if high else None)
            return


def _span(stated: Any) -> tuple[datetime, datetime] | None:
    """First instant and first instant after, at the precision in which it is written."""
    if not isinstance(stated, str):
        return None
    partial = _PARTIAL.match(stated)
    try:
        if partial:
            year, month, day = (int(g) if g else None for g in partial.groups())
            assert year is not None
            low = datetime(year, month or 1, day or 1, tzinfo=UTC)
            length = 1 if day else calendar.monthrange(year, month)[1] if month else 365 + calendar.isleap(year)
            return low, low + timedelta(days=length)
        at = datetime.fromisoformat(stated.replace("Z", "+00:00"))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        return at, at + timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None


def _each(value: Any) -> Iterator[Mapping[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def _word(value: Any) -> str:
    return value.replace("\0", "")[:200] if isinstance(value, str) else ""
