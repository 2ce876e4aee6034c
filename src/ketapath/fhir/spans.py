"""What stretch of time, or of numbers, does a value mean that is written to a certain precision?

"2026-11" is a month, "5.4" in a search is 5.35 to 5.45. Ends are excluded. Source: HL7 FHIR R4 (4.0.1), search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

_MOMENT = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)?(?P<zone>Z|[+-]\d{2}:\d{2})?)?"
    r")?)?\Z",
    re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.(?P<part>\d{1,40}))?(?:[eE](?P<power>[+-]?\d{1,3}))?\Z", re.ASCII)
_LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in UTC, its end excluded. None is open: no beginning, no end, or beyond the years 1 to 9999."""

    low: datetime | None
    high: datetime | None


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it was written: its value, and the stretch that its digits leave open (end excluded)."""

    value: float
    least: float
    most: float


def span_of(stated: object, zone: tzinfo = UTC) -> Span | None:
    """The stretch of a FHIR date, dateTime or instant; None for what is none, or an impossible one.

    `zone` holds where none is written, as for every date without a time: FHIR leaves that to the house.
    """
    match = _MOMENT.match(stated) if isinstance(stated, str) else None
    if match is None:
        return None
    try:
        first = _first(match, zone)
    except ValueError:
        return None
    return Span(_in_utc(first), _in_utc(_after(match, first)))


def amount_of(stated: str) -> Amount | None:
    """A decimal as it is written in a search; None for what is none, or is too large for a double."""
    match = _NUMBER.match(stated)
    if match is None:
        return None
    half = Decimal(5).scaleb(int(match["power"] or 0) - len(match["part"] or "") - 1)
    exact = Decimal(stated)
    found = Amount(float(exact), float(exact - half), float(exact + half))
    return found if abs(found.value) < _LARGEST else None


def _first(match: re.Match[str], zone: tzinfo) -> datetime:
    stated = match["zone"]
    if stated and stated != "Z":
        hours, minutes = int(stated[1:3]), int(stated[4:])
        if hours > 14 or minutes > 59:
            raise ValueError(stated)
    whole = f"{match['year']}-{match['month'] or '01'}-{match['day'] or '01'}"
    part = (match["part"] or "0")[:6].ljust(6, "0")
    text = f"{whole}T{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}.{part}"
    at = datetime.fromisoformat(text + (stated or "").replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _after(match: re.Match[str], first: datetime) -> datetime | None:
    """The first instant after it, by the clock of its own zone; None after the year 9999."""
    try:
        if match["day"] is None:
            months = 12 if match["month"] is None else 1
            year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
            return first.replace(year=year, month=month + 1)
        if match["hour"] is None:
            return first + timedelta(days=1)
        if match["second"] is None:
            return first + timedelta(minutes=1)
        digits = min(len(match["part"] or ""), 6)
        return first + timedelta(microseconds=10 ** (6 - digits))
    except (ValueError, OverflowError):
        return None


def _in_utc(at: datetime | None) -> datetime | None:
    try:
        return None if at is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
