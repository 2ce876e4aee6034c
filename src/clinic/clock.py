"""What time is it at this clinic? The only place with a clock; everybody else is told.

In a demonstration the clock may run faster than the wall's or be hours ahead of it; it never runs backwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

_started_wall = time.monotonic()
_started_at = datetime.now(UTC)
_rate = 1.0
_ahead = timedelta()
_supposed: ContextVar[datetime | None] = ContextVar("supposed", default=None)


def run_at(rate: float) -> None:
    """From now on let the clock run this many times as fast. For demonstrations only."""
    global _started_wall, _started_at, _rate, _ahead
    _started_at, _started_wall, _rate = now(), time.monotonic(), rate
    if rate == 1.0:  # from here at the wall's pace, and never back
        _ahead = _started_at - datetime.now(UTC)


def rate() -> float:
    """How many times as fast as the wall's clock this one runs; 1 everywhere but in some demonstrations."""
    return _rate


def be_ahead(of_the_wall: timedelta) -> None:
    """Let the clock be so far ahead of the wall's, so that a demonstration at night has people in the house."""
    global _ahead
    _ahead = of_the_wall


@contextmanager
def supposed(instant: datetime) -> Iterator[None]:
    """Within this block it is that instant. For the past of a demonstration, and for nothing else."""
    token = _supposed.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _supposed.reset(token)


def now() -> datetime:
    """This instant, in UTC."""
    past = _supposed.get()
    if past is not None:
        return past
    if _rate == 1.0:
        return datetime.now(UTC) + _ahead
    elapsed = (time.monotonic() - _started_wall) * _rate
    return datetime.fromtimestamp(_started_at.timestamp() + elapsed, UTC)


def wall() -> datetime:
    """This instant by the machine's own clock, in UTC: for how long somebody stays signed in, and for codes of a phone.

    A demonstration's clock may run sixty times as fast; people do not.
    """
    return datetime.now(UTC)


def local(instant: datetime, zone: str) -> datetime:
    """The instant as the clinic's wall clock shows it."""
    return instant.astimezone(ZoneInfo(zone))


class NoSuchTime(ValueError):
    """On this day the clinic's clock skips this time, or shows it twice. `kind` is skipped or twice."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def instant(on: date, at: time_of_day, zone: str) -> datetime:
    """When the clinic's wall clock shows this time on this day, in UTC.

    Raises NoSuchTime in the hour that a change of the clock leaves out, and in the one that it repeats.
    """
    early, late = (datetime.combine(on, at.replace(fold=fold), ZoneInfo(zone)) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early.astimezone(UTC)
    raise NoSuchTime("skipped" if early.astimezone(UTC) > late.astimezone(UTC) else "twice")


def today(zone: str) -> date:
    """The clinic's own day, which is not the server's."""
    return local(now(), zone).date()
