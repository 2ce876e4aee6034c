"""What moves along when a session moves? Its preparation, its integration hour, the call after it, and the review.

An hour keeps its distance to its session in days on which the clinic is open: integration that stood on the next open
day stands on the next open day again. Everything else stays, and nothing that is over moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import MovedVisit, PlannedVisit
from ketapath.errors import BadInput

_LATER = ("integration", "call")


def least_days(visits: Iterable[PlannedVisit]) -> int | None:
    """The fewest days that the plan leaves between two of its sessions; None where it has not two."""
    days = sorted({v.on for v in visits if v.kind == "session"})
    return min(((later - earlier).days for earlier, later in pairwise(days)), default=None)


def crowded(days: Iterable[date], changed: Collection[date], least: int | None) -> tuple[tuple[date, date], ...]:
    """Neighbouring days of doses that are closer than `least` days, one of them among the `changed` ones."""
    pairs = pairwise(sorted(set(days)))
    return tuple((a, b) for a, b in pairs if least is not None and (b - a).days < least and {a, b} & set(changed))


def moved(
    visits: Sequence[PlannedVisit], on: date, to: date, clinic: Clinic, *, today: date
) -> tuple[tuple[PlannedVisit, ...], tuple[MovedVisit, ...]]:
    """The visits with the session of day `on` held on day `to`, in order of time, and what has moved, session first.

    Raises BadInput where there is no such session ahead, and for a day that is over, on which the clinic is closed,
    that would change the order of sessions, or that leaves no day for the preparation.
    """
    sessions = sorted({v.on for v in visits if v.kind == "session"})
    if on not in sessions or on < today:
        raise BadInput(
            field="session", found=on.isoformat(), limit="a session of this plan that is still ahead",
            next_step="Choose another.",
        )  # fmt: skip
    _check_day(sessions, on, to, clinic, today)
    changes = []
    for visit in visits:
        day = to if visit.kind == "session" and visit.on == on else _day_of(visit, sessions, on, to, clinic, today)
        if day is not None and day != visit.on:
            changes.append(MovedVisit(visit=visit, to=day))
    days = {id(change.visit): change.to for change in changes}
    after = [replace(v, on=days[id(v)]) if id(v) in days else v for v in visits]
    first = sorted(changes, key=lambda c: (c.visit.kind != "session", c.to))
    return tuple(sorted(after, key=_by_time)), tuple(first)


def belonging(visits: Sequence[PlannedVisit], on: date) -> tuple[PlannedVisit, ...]:
    """What belongs to the session of this day, without the session itself: what would move along with it."""
    sessions = sorted({v.on for v in visits if v.kind == "session"})
    return tuple(v for v in visits if _session_of(v, sessions) == on)


def _check_day(sessions: Sequence[date], on: date, to: date, clinic: Clinic, today: date) -> None:
    before = max((day for day in sessions if day < on), default=None)
    after = min((day for day in sessions if day > on), default=None)
    limit = None
    if to < today:
        limit = "today or later"
    elif to.weekday() not in clinic.weekdays:
        limit = "a day on which the clinic is open"
    elif (before is not None and to <= before) or (after is not None and to >= after):
        limit = "a day between the session before it and the one after it"
    if limit is not None:
        raise BadInput(
            field="new day", found=to.isoformat(), limit=limit, next_step="Choose another, or move the other one first."
        )


def _day_of(
    visit: PlannedVisit, sessions: Sequence[date], on: date, to: date, clinic: Clinic, today: date
) -> date | None:
    """Where a visit that belongs to the session goes; None for one that stays."""
    if visit.on < today or _session_of(visit, sessions) != on:
        return None
    distance = _open_days(on, visit.on, clinic)
    day = _stepped(to, distance, clinic)
    if visit.kind == "preparation" and visit.on < on:
        day = max(day, today)
        if day >= to:
            raise BadInput(
                field="new day", found=to.isoformat(), limit="a day that leaves one before it for the preparation",
                next_step="Choose a later one.",
            )  # fmt: skip
    return day


def _session_of(visit: PlannedVisit, sessions: Sequence[date]) -> date | None:
    """The session that a visit belongs to: the next one for a preparation, the last one for what follows a dose."""
    if visit.kind == "preparation":
        return min((day for day in sessions if day >= visit.on), default=None)
    if visit.kind in _LATER:  # on a day of its own: one that meets the next session still belongs to the one before
        return max((day for day in sessions if day < visit.on), default=None)
    if visit.kind == "check":
        return max((day for day in sessions if day <= visit.on), default=None)
    return None


def _open_days(start: date, end: date, clinic: Clinic) -> int:
    """How many open days lie from start to end, the end among them; negative backwards."""
    step = 1 if end >= start else -1
    days = (start + timedelta(days=step * n) for n in range(1, abs((end - start).days) + 1))
    return step * sum(day.weekday() in clinic.weekdays for day in days)


def _stepped(day: date, distance: int, clinic: Clinic) -> date:
    """So many open days further, or back."""
    step = timedelta(days=1 if distance >= 0 else -1)
    for _ in range(abs(distance)):
        day += step
        while day.weekday() not in clinic.weekdays:
            day += step
    return day


def _by_time(visit: PlannedVisit) -> tuple[date, bool, str, str]:
    return visit.on, visit.starts is None, str(visit.starts), visit.kind
