"""Is anybody in the clinic, and when have so many minutes gone by in which somebody was? By duty, else by hours.

A day on which anybody who works here is on duty is staffed while somebody is. A day without any is staffed by the
clinic's opening hours, from opening to the end of the longest observation after the last start. Everything is an
instant, so that a change of the clocks neither loses nor adds an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic import clock
from clinic.queries.duty import duties, duties_at
from clinic.queries.person import clinic_of
from clinic.queries.session import watched_minutes
from clinic.record.models import Practice

FURTHEST = timedelta(days=21)
"""For so long ahead we look for staffed time; a clinic that has none by then is counted by the clock on the wall."""
Span = tuple[datetime, datetime]


def is_staffed(practice: Practice, at: datetime) -> bool:
    """Whether somebody is in the clinic at this instant."""
    return any(start <= at < end for start, end in _spans(practice, at, at + timedelta(minutes=1)))


def after(practice: Practice, start: datetime, minutes: float) -> datetime:
    """The instant at which so many minutes, in which the clinic was staffed, have gone by since `start`."""
    left = timedelta(minutes=minutes)
    for begins, ends in _spans(practice, start, start + FURTHEST):
        begins = max(begins, start)
        if ends - begins >= left:
            return begins + left
        left -= max(timedelta(), ends - begins)
    return start + max(FURTHEST, timedelta(minutes=minutes))


def on_duty(practice: Practice, at: datetime) -> frozenset[int]:
    """The accounts that are on duty at this instant."""
    return frozenset(duties_at(practice, at).values_list("account_id", flat=True))


def _spans(practice: Practice, start: datetime, end: datetime) -> Iterator[Span]:
    """The staffed spans that end after `start` and begin before `end`, in order, none overlapping another."""
    zone, clinic = ZoneInfo(practice.zone), clinic_of(practice.settings)
    entered = sorted(duties(practice, start - timedelta(days=1), end).values_list("starts_at", "ends_at"))
    opens, last_start = clinic.session_hours
    day = clock.local(start, practice.zone).date() - timedelta(days=1)
    covered = start
    while _at(day, 0, zone) < end:
        midnight, next_one = _at(day, 0, zone), _at(day + timedelta(days=1), 0, zone)
        spans = [(max(s, midnight), min(e, next_one)) for s, e in entered if s < next_one and e > midnight]
        if not spans and day.weekday() in clinic.weekdays:
            closes = _at(day, last_start, zone) + timedelta(minutes=watched_minutes(None))
            spans = [(_at(day, opens, zone), closes)]
        for begins, ends in sorted(spans):
            begins = max(begins, covered)
            if ends > begins and begins < end:
                covered = ends
                yield begins, ends
        day += timedelta(days=1)


def _at(day: date, hours: float, zone: ZoneInfo) -> datetime:
    """This hour on the clinic's wall, as an instant."""
    minutes = round(hours * 60)
    clock_time = time(min(minutes // 60, 23), minutes % 60 if minutes < 24 * 60 else 59)
    return datetime.combine(day, clock_time, zone).astimezone(UTC)
