"""Small readers of FHIR elements that may hold anything: codes, dates, quantities, references.

Each returns None (or nothing) for a malformed element instead of failing, because a record of thousands of resources
is allowed to hold one bad one; what it means that an element is absent is decided by the caller.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ketapath.domain.fact import Origin

SYSTEMS: Mapping[str, str] = {
    "http://snomed.info/sct": "snomed",
    "http://loinc.org": "loinc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-gm": "icd10",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm": "icd10",
    "http://www.whocc.no/atc": "atc",
    "http://fhir.de/CodeSystem/bfarm/atc": "atc",
    "http://fdasis.nlm.nih.gov": "unii",
    "https://ketapath.org/fhir/fact": "fact",
    "https://ketapath.org/fhir/local": "local",
}
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?\Z")

_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?\Z")
_LAST_MONTH = 12


@dataclass(frozen=True, slots=True)
class Coding:
    """One code with the short name of its system (None where the system is not known to ketapath) and its display."""

    system: str | None
    code: str
    display: str


def objects(holder: Any, field: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a repeating (or single) element."""
    value = holder.get(field) if isinstance(holder, dict) else None
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def codings(holder: Any, field: str) -> Iterator[Coding]:
    """The codings of a CodeableConcept (or of a list of them)."""
    for concept in objects(holder, field):
        for coding in objects(concept, "coding"):
            code = coding.get("code")
            if isinstance(code, str):
                yield Coding(_short(coding.get("system")), code, text(coding, "display") or "")


def has_code(holder: Any, field: str, system: str, code: str) -> bool:
    """Whether one of the codings says this, by the short name of its system; asked of each resource of a record."""
    return any(
        coding.get("code") == code and _short(coding.get("system")) == system
        for concept in objects(holder, field)
        for coding in objects(concept, "coding")
    )


def _short(system: Any) -> str | None:
    return SYSTEMS.get(system) if isinstance(system, str) else None


def words(holder: Any, field: str) -> Iterator[str]:
    """The human words of a CodeableConcept: its text and the displays of its codings."""
    for concept in objects(holder, field):
        stated = text(concept, "text")
        if stated:
            yield stated
        for coding in objects(concept, "coding"):
            display = text(coding, "display")
            if display:
                yield display


def first_code(holder: Any, field: str) -> str | None:
    """The first code of a CodeableConcept or code element."""
    value = holder.get(field) if isinstance(holder, dict) else None
    if isinstance(value, str):
        return value
    return next((c.code for c in codings(holder, field)), None)


def text(holder: Any, field: str) -> str | None:
    """A string element."""
    value = holder.get(field) if isinstance(holder, dict) else None
    return value if isinstance(value, str) and value.strip() else None


def number(holder: Any, field: str) -> float | None:
    """A decimal or integer element; a yes or no is not a number."""
    value = holder.get(field) if isinstance(holder, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def quantity(holder: Any, field: str) -> tuple[float, str | None] | None:
    """Value and unit of a Quantity: the UCUM code where there is one, else the unit as written."""
    value = holder.get(field) if isinstance(holder, dict) else None
    amount = number(value, "value")
    if amount is None or text(value, "comparator"):
        return None
    ucum = text(value, "code") if text(value, "system") in (None, "http://unitsofmeasure.org") else None
    return amount, ucum or text(value, "unit")


def day(stated: Any) -> date | None:
    """The day of a FHIR date or dateTime in the zone it is written in; None where the day is missing or impossible."""
    match = _DATE.match(stated) if isinstance(stated, str) else None
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def days_within(stated: Any) -> tuple[date | None, date | None]:
    """The first and last day that a FHIR date or dateTime may mean: a month or a year alone means any of its days."""
    known = day(stated)
    match = _MONTH.match(stated) if known is None and isinstance(stated, str) else None
    try:
        if match is None:
            return known, known
        first, last = int(match[2] or 1), int(match[2] or _LAST_MONTH)
        return date(int(match[1]), first, 1), date(int(match[1]), last, monthrange(int(match[1]), last)[1])
    except ValueError:
        return None, None


def instant(stated: Any) -> datetime | None:
    """The instant of a FHIR dateTime that has a time, in UTC and without its zone, so that all instants sort.

    A time without a zone, which FHIR does not allow, is taken as UTC.
    """
    if not isinstance(stated, str) or "T" not in stated:
        return None
    try:
        found = datetime.fromisoformat(stated.replace("Z", "+00:00"))
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):
        return None


def zoned(stated: Any) -> datetime | None:
    """The instant of a FHIR dateTime with its zone; None where it has none, which nothing of ours lacks."""
    try:
        found = datetime.fromisoformat(stated.replace("Z", "+00:00")) if isinstance(stated, str) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.tzinfo is not None else None


def when(resource: Mapping[str, Any], *fields: str) -> tuple[date | None, datetime | None]:
    """The first of these dateTime or Period elements that gives a day, with its instant."""
    for field in fields:
        value = resource.get(field)
        stated = value.get("start") or value.get("end") if isinstance(value, dict) else value
        found = day(stated)
        if found:
            return found, instant(stated)
    return None, None


def period(resource: Mapping[str, Any], field: str) -> tuple[date | None, date | None]:
    """First and last day of a Period."""
    value = resource.get(field)
    if not isinstance(value, dict):
        return None, None
    return day(value.get("start")), day(value.get("end"))


def origin(resource: Mapping[str, Any]) -> Origin:
    """Where a statement was read."""
    version = (resource.get("meta") or {}).get("versionId")
    return Origin(
        resource=str(resource["resourceType"]),
        id=str(resource.get("id") or "?"),
        version=version if isinstance(version, str) else None,
    )
