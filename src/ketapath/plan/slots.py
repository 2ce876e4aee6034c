"""Where and when is there room for an appointment? Rooms, people on duty, and what is taken; nothing is booked twice.

What each kind needs is in `NEEDS`. A session takes a treatment room and one place of somebody who watches, for as long
as it lasts, and a prescriber has to be on site, who may be there for several at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ketapath.domain.schedule import SLOT_MIN, Attendant, Booked

GRID_MIN = 15  # source: our choice; on which minutes of an hour a free time is looked for
OPENS, CLOSES = time(6), time(22)
"""Between which hours of the clinic's clock a free time is looked for; duty narrows it."""

Lack = Literal["room", "nurse", "therapist", "prescriber", "person", "time", "past", "plan", "session", "off-duty"]
"""What an appointment cannot be had for want of, at any time that was tried; "off-duty" is who is booked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A room or chair that takes bookings. `kind` is treatment or talking."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody is on site between two instants and looks after up to `watches` people in session at once."""

    username: str
    name: str
    role: str
    starts_at: datetime
    ends_at: datetime
    watches: int

    def covers(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether they are there the whole time."""
        return self.starts_at <= starts_at and ends_at <= self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """What a clinic has, and what of it is taken from when to when.

    Taken are "room/CODE", "patient/ID" and "staff/USERNAME/PLACE". `shifts` of one person that touch are one.
    """

    places: tuple[Place, ...]
    shifts: tuple[Shift, ...]
    taken: Mapping[str, Sequence[tuple[datetime, datetime]]]
    zone: str

    def is_free(self, resource: str, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether nobody has taken it in this time."""
        return all(end <= starts_at or ends_at <= begin for begin, end in self.taken.get(resource, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a kind of appointment takes: a kind of room, "" for none, and who, of which one place is taken."""

    room: str
    who: str
    needs_prescriber: bool = False


NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "session": Need(room="treatment", who="nurse", needs_prescriber=True),
        "preparation": Need(room="talking", who="therapist"),
        "integration": Need(room="talking", who="therapist"),
        "psychotherapy": Need(room="talking", who="therapist"),
        "review": Need(room="talking", who="prescriber"),
        "check": Need(room="talking", who="prescriber"),
        "call": Need(room="", who="nurse"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a session takes, in minutes: in the room before the dose, then watched from its start.

    `watched_by` is the rule that the time watched comes from, "" where it is a site default; the time before is one.
    """

    before: int
    watched: int
    watched_by: str

    @property
    def minutes(self) -> int:
        """All of it, in whole five minutes."""
        return -(-(self.before + self.watched) // SLOT_MIN) * SLOT_MIN


def session_length(protocol: Mapping[str, Any], infusion_min: float | None) -> Length:
    """By the protocol; an infusion that is longer than its own makes the time watched longer by as much."""
    watched, whole = int(protocol["observation_min"]), int(protocol["session_min"])
    own = protocol.get("infusion_min")
    longer = 0 if own is None or infusion_min is None else max(0, math.ceil(infusion_min - float(own)))
    basis = str(protocol.get("basis", {}).get("observation_min", ""))
    by = "" if basis == "site-default" else basis
    return Length(before=max(0, whole - watched), watched=watched + longer, watched_by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time with a room ("" for none) and the people that are free in it."""

    starts_at: datetime
    ends_at: datetime
    room: str
    staff: tuple[Attendant, ...]


def slot_at(
    openings: Openings, kind: str, patient_id: str, starts_at: datetime, minutes: int, *, room: str = ""
) -> Slot | Lack:
    """The first free room and people at this time, or what is wanting. With a `room` only that one is asked.

    A prescriber who is on site is named, and not taken, with place 0.
    """
    need, ends_at = NEEDS[kind], starts_at + timedelta(minutes=minutes)
    if not openings.is_free(f"patient/{patient_id}", starts_at, ends_at):
        return "person"
    found = ""
    if need.room:
        rooms = [p.code for p in openings.places if p.kind == need.room and room in ("", p.code)]
        free = next((code for code in rooms if openings.is_free(f"room/{code}", starts_at, ends_at)), None)
        if free is None:
            return "room"
        found = free
    who = next(_attendants(openings, need.who, starts_at, ends_at), None)
    if who is None:
        return _lack_of(need.who)
    staff = [who]
    if need.needs_prescriber:
        there = on_site(openings.shifts, "prescriber", starts_at, ends_at)
        if there is None:
            return "prescriber"
        staff.append(Attendant(username=there.username, name=there.name, role=there.role, place=0))
    return Slot(starts_at=starts_at, ends_at=ends_at, room=found, staff=tuple(staff))


def free_on(
    openings: Openings, kind: str, patient_id: str, on: date, minutes: int, *, near: time | None, not_before: datetime,
    opening: float = 0.0, last_start: float = 24.0, room: str = "",
) -> tuple[Slot, ...] | Lack:  # fmt: skip
    """What is free on this day, nearest to the clock time `near` first, the earliest first without one.

    Starts lie on whole quarters of an hour, and on `near` itself; sessions between `opening` and `last_start` (hours).
    Where nothing is free, what was wanting most often while the people for it were on duty.
    """
    starts = sorted(set(_starts(on, near, openings.zone, opening, last_start)))
    if near is not None:
        wanted = datetime.combine(on, near, ZoneInfo(openings.zone)).astimezone(ZoneInfo("UTC"))
        starts.sort(key=lambda at: (abs(at - wanted), at))
    if not any(at >= not_before for at in starts):
        return "past" if starts else "time"
    starts = [at for at in starts if at >= not_before]
    tried = {at: slot_at(openings, kind, patient_id, at, minutes, room=room) for at in starts}
    found = tuple(slot for slot in tried.values() if isinstance(slot, Slot))
    return found or _wanting(openings, NEEDS[kind], tried, minutes)


def on_site(shifts: Iterable[Shift], role: str, starts_at: datetime, ends_at: datetime) -> Shift | None:
    """Somebody of this role who is there the whole time."""
    return next((s for s in shifts if s.role == role and s.covers(starts_at, ends_at)), None)


def joined(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """The shifts with those of one person that touch made one, with the fewer places where they differ."""
    made: list[Shift] = []
    for shift in sorted(shifts, key=lambda s: (s.username, s.starts_at)):
        last = made[-1] if made else None
        if last is not None and last.username == shift.username and shift.starts_at <= last.ends_at:
            made[-1] = Shift(
                username=last.username, name=last.name, role=last.role, starts_at=last.starts_at,
                ends_at=max(last.ends_at, shift.ends_at), watches=min(last.watches, shift.watches),
            )  # fmt: skip
        else:
            made.append(shift)
    return tuple(made)


def conflicts(booked: Booked, openings: Openings) -> tuple[Lack, ...]:
    """What a booking that stands no longer has: its room open, its people on duty, a prescriber on site.

    A colleague who is on duty and watches fewer people now lacks as their role does.
    """
    need, span = NEEDS.get(booked.kind), (booked.starts_at, booked.ends_at)
    if need is None or not booked.stands:
        return ()
    found: list[Lack] = []
    if need.room and booked.room not in [p.code for p in openings.places]:
        found.append("room")
    away = off_duty(booked, openings)
    if away:
        found.append("off-duty")
    for who in booked.staff:
        shifts = [s for s in openings.shifts if s.username == who.username and s.covers(*span)]
        is_full = who.role == "nurse" and not any(s.watches >= who.place for s in shifts)
        if who.place and who not in away and is_full:
            found.append("nurse")
    if need.needs_prescriber and on_site(openings.shifts, "prescriber", *span) is None:
        found.append("prescriber")
    return tuple(dict.fromkeys(found))


def off_duty(booked: Booked, openings: Openings) -> tuple[Attendant, ...]:
    """Who is booked for it and not on duty for the whole of it."""
    begin, end = booked.starts_at, booked.ends_at
    here = {s.username for s in openings.shifts if s.covers(begin, end)}
    return tuple(who for who in booked.staff if who.place and who.username not in here)


def _attendants(openings: Openings, role: str, starts_at: datetime, ends_at: datetime) -> Iterator[Attendant]:
    """Free places of people of this role; a therapist or a prescriber sees one person at a time."""
    for shift in openings.shifts:
        if shift.role != role or not shift.covers(starts_at, ends_at):
            continue
        for place in range(1, (shift.watches if role == "nurse" else 1) + 1):
            if openings.is_free(f"staff/{shift.username}/{place}", starts_at, ends_at):
                yield Attendant(username=shift.username, name=shift.name, role=role, place=place)


def _starts(on: date, near: time | None, zone: str, opening: float, last_start: float) -> Iterator[datetime]:
    """The instants of the day at which something may begin, in UTC; a time that the clock skips is none of them."""
    clocks = [time(minute // 60, minute % 60) for minute in range(0, 24 * 60, GRID_MIN)]
    for clock in (*clocks, *([near] if near is not None else [])):
        hours = clock.hour + clock.minute / 60
        if OPENS <= clock < CLOSES and opening <= hours <= last_start and clock.minute % SLOT_MIN == 0:
            local = datetime.combine(on, clock, ZoneInfo(zone))
            instant = local.astimezone(ZoneInfo("UTC"))
            if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local.replace(tzinfo=None):
                yield instant


def _wanting(openings: Openings, need: Need, tried: Mapping[datetime, Slot | Lack], minutes: int) -> Lack:
    """What was wanting most often while somebody for it was on duty: a full room at night says nothing."""
    length = timedelta(minutes=minutes)
    on_duty = [lack for at, lack in tried.items() if on_site(openings.shifts, need.who, at, at + length) is not None]
    if not on_duty:
        return _lack_of(need.who)
    order: tuple[Lack, ...] = ("room", "person", "therapist", "nurse", "prescriber")
    return max(order, key=lambda lack: (on_duty.count(lack), -order.index(lack)))


def _lack_of(role: str) -> Lack:
    return "nurse" if role == "nurse" else "therapist" if role == "therapist" else "prescriber"
