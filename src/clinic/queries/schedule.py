"""What is booked, where is room, and what is wanting? The day by rooms, the week, and what is free.

Whoever looks sees the people they reach by name; of the others that a room or a colleague is taken, and nothing more.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.practice.models import Duty, Room
from clinic.queries.person import chart, clinic_now
from clinic.record.models import Booking, Current, PatientLine, Practice, VisitLine
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.schedule import RIDES, STANDING, Attendant, Booked, of_ended
from ketapath.plan.slots import Lack, Openings, Place, Shift, conflicts, joined, off_duty

WANTING: Mapping[Lack, Any] = MappingProxyType(
    {
        "room": gettext_lazy("no room is free"),
        "nurse": gettext_lazy("no nurse on duty has a place free"),
        "therapist": gettext_lazy("no therapist on duty is free"),
        "prescriber": gettext_lazy("no prescriber is on site for the whole time"),
        "person": gettext_lazy("the person has another appointment"),
        "time": gettext_lazy("the clinic's hours leave no time for it"),
        "past": gettext_lazy("that time is over"),
        "plan": gettext_lazy("its plan is on hold or has ended"),
        "session": gettext_lazy("the session that it reviews is not over by then"),
        "off-duty": gettext_lazy("who is booked for it is not on duty"),
    }
)
"""What an appointment lacks, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One appointment of a day. `line` is the person, None where the account does not reach them.

    `lacks` is what it no longer has: its room open, its people on duty, a prescriber on site, a plan that stands;
    `away` names those of its people who are not on duty.
    """

    booked: Booked
    line: PatientLine | None
    lacks: tuple[Lack, ...]
    away: tuple[str, ...] = ()

    @property
    def wanting(self) -> list[str]:
        """The same in words."""
        named = [_("%(name)s is not on duty") % {"name": name} for name in self.away]
        return named + [str(WANTING[lack]) for lack in self.lacks if not (named and lack == "off-duty")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One room with its day, "" as code for what takes none."""

    code: str
    name: str
    kind: str
    is_open: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """One day at the clinic: its rooms, who is on duty, and what was cancelled or missed."""

    on: date
    is_open: bool
    lanes: tuple[Lane, ...]
    duties: tuple[Shift, ...]
    dropped: tuple[Entry, ...]

    @property
    def entries(self) -> list[Entry]:
        """Everything that stands, in order of time."""
        found = (entry for lane in self.lanes for entry in lane.entries)
        return sorted(found, key=lambda e: (e.booked.starts_at, e.booked.room))

    @property
    def sessions(self) -> list[Entry]:
        """The sessions among them."""
        return [entry for entry in self.entries if entry.booked.kind == "session"]

    @property
    def wanting(self) -> list[Entry]:
        """What lacks something."""
        return [entry for entry in self.entries if entry.lacks]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is booked."""
        return not self.entries


def days_of(account: Account, first: date, days: int) -> tuple[DayPlan, ...]:
    """So many days from the first one on, as this account may see them."""
    practice, within = account.practice, reach(account, "see-schedule")
    spans = {on: day_span(on, practice.zone) for on in (first + timedelta(days=n) for n in range(days))}
    begin, end = spans[first][0], spans[first + timedelta(days=days - 1)][1]
    rows = _between(Booking, practice, begin, end)
    people = {line.patient_id: line for line in within.people_of(PatientLine.objects.all()).filter(
        patient_id__in={row.patient_id for row in rows})}  # fmt: skip
    rooms = list(Room.objects.filter(practice=practice).order_by("-kind", "place", "code"))
    shifts = shifts_of(practice, begin, end)
    have = Openings(places=_places(rooms), shifts=joined(shifts), taken={}, zone=practice.zone)
    clinic = clinic_now(practice)
    entries: dict[date, list[Entry]] = defaultdict(list)
    staff = Account.objects.filter(practice=practice, username__in={name for row in rows for name in row.staff})
    named = {one.username: one for one in staff}
    ended = of_ended_plans(practice, [row for row in rows if row.patient_id in people])
    for row in rows:
        booked = booked_of(row, named)
        on = booked.starts_at.astimezone(ZoneInfo(practice.zone)).date()
        is_ahead = booked.status == "booked" and booked.ends_at > clock.now()
        line = people.get(row.patient_id)
        lacks = conflicts(booked, have) if is_ahead else ()
        is_off = booked.origin.id in ended or bool(booked.plan_id and line and line.plan_status != "active")
        if is_ahead and line is not None and is_off:
            lacks = (*lacks, "plan")
        away = tuple(who.name for who in off_duty(booked, have)) if is_ahead else ()
        entries[on].append(Entry(booked=booked, line=line, lacks=lacks, away=away))
    return tuple(_day(on, span, entries[on], rooms, shifts, clinic) for on, span in spans.items())


def of_ended_plans(practice: Practice, rows: Iterable[Booking]) -> frozenset[str]:
    """The appointments among these that are booked for a plan that has ended; see `of_ended`.

    A chart is opened only of whoever has a booking whose own plan does not stand. Behind the gate.
    """
    ahead = [row for row in rows if row.status == "booked" and row.ends_at > clock.now()]
    plans = Current.objects.filter(practice=practice, kind="CarePlan", identity__in={row.plan_id for row in ahead})
    standing = {plan.identity for plan in plans if json.loads(plan.content).get("status") in ("active", "on-hold")}
    without = PatientLine.objects.filter(
        practice=practice, patient_id__in={row.patient_id for row in ahead if row.kind == "session"}
    ).exclude(plan_status__in=("", "active", "on-hold"))
    asked = {row.patient_id for row in ahead if row.plan_id and row.plan_id not in standing}
    charts = (chart(practice, who) for who in sorted(asked | set(without.values_list("patient_id", flat=True))))
    return frozenset(b.origin.id for found in charts if found for b in of_ended(found.plans, found.bookings))


def openings(
    practice: Practice, days: Iterable[date], *, patient_id: str = "", without: Collection[str] = ()
) -> Openings:
    """What the clinic has on these days and what of it is taken; `without` these appointments, which are to move.

    Behind the gate: it tells of nobody. Another person's hours are left out.
    """
    wanted = sorted(set(days))
    if not wanted:
        return Openings(places=(), shifts=(), taken={}, zone=practice.zone)
    begin, end = day_span(wanted[0], practice.zone)[0], day_span(wanted[-1], practice.zone)[1]
    taken: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in _between(Booking, practice, begin, end):
        if row.status not in STANDING or row.appointment in without:
            continue
        span = (row.starts_at, row.ends_at)
        taken[f"room/{row.room}"].append(span)
        for username, place in zip(row.staff, row.places, strict=False):
            taken[f"staff/{username}/{place}"].append(span)
        if row.patient_id == patient_id:
            taken[f"patient/{patient_id}"].append(span)
    rooms = Room.objects.filter(practice=practice).order_by("-kind", "place", "code")
    return Openings(
        places=_places(rooms), shifts=joined(shifts_of(practice, begin, end)), taken=taken, zone=practice.zone
    )


def shifts_of(practice: Practice, begin: datetime, end: datetime) -> tuple[Shift, ...]:
    """Who is on duty at some time between these instants, in order of names."""
    rows = _between(Duty, practice, begin, end).select_related("account").order_by("account__name", "starts_at")
    return tuple(_shift(row) for row in rows if row.account.is_active)


def losing(practice: Practice, gone: Sequence[Duty], new: Sequence[Duty]) -> list[Booked]:
    """The appointments not over yet that would lack somebody, and lack nobody now, once a duty is replaced by another.

    Behind the gate: it is for counting.
    """
    if not gone:
        return []
    begin, end = min(row.starts_at for row in gone), max(row.ends_at for row in gone)
    shifts = shifts_of(practice, begin, end)
    away = {(row.account.username, row.starts_at) for row in gone}
    after = [shift for shift in shifts if (shift.username, shift.starts_at) not in away] + [_shift(row) for row in new]
    places = _places(Room.objects.filter(practice=practice))
    now, then = (Openings(places=places, shifts=joined(some), taken={}, zone=practice.zone) for some in (shifts, after))
    rows = [
        row for row in _between(Booking, practice, begin, end)
        if row.status in ("booked", "arrived") and row.ends_at > clock.now()
    ]  # fmt: skip
    staff = Account.objects.filter(practice=practice, username__in={name for row in rows for name in row.staff})
    named = {one.username: one for one in staff}
    held = [booked_of(row, named) for row in rows]
    return [booked for booked in held if set(conflicts(booked, then)) - set(conflicts(booked, now))]


def _shift(row: Duty) -> Shift:
    return Shift(
        username=row.account.username, name=row.account.name, role=row.account.role, starts_at=row.starts_at,
        ends_at=row.ends_at, watches=row.watches,
    )  # fmt: skip


def day_span(on: date, zone: str) -> tuple[datetime, datetime]:
    """The first instant of a day at the clinic and the first of the next, in UTC; 23 or 25 hours at a clock change."""
    begin, end = (datetime.combine(day, time(), ZoneInfo(zone)) for day in (on, on + timedelta(days=1)))
    return begin.astimezone(ZoneInfo("UTC")), end.astimezone(ZoneInfo("UTC"))


def booked_of(row: Booking, known: Mapping[str, Account]) -> Booked:
    """A row of the projection as the core's value, its colleagues named by their accounts."""
    staff = tuple(
        Attendant(
            username=username, place=place,
            name=known[username].name if username in known else username,
            role=known[username].role if username in known else "",
        )
        for username, place in zip(row.staff, row.places, strict=False)
    )  # fmt: skip
    return Booked(
        origin=Origin(resource="Appointment", id=row.appointment, version=str(row.version)),
        patient_id=row.patient_id,
        kind=row.kind,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        room=row.room,
        staff=staff,
        title=Text(key=""),
        plan_id=row.plan_id,
        planned_on=row.planned_on,
        ride=next((ride for ride in RIDES if ride == row.ride), "not-asked"),
    )


def _day(
    on: date, span: tuple[datetime, datetime], entries: Sequence[Entry], rooms: Sequence[Room], shifts: Sequence[Shift],
    clinic: Clinic,
) -> DayPlan:  # fmt: skip
    standing = sorted((e for e in entries if e.booked.stands), key=lambda e: e.booked.starts_at)
    lanes = [
        Lane(code=room.code, name=room.name, kind=room.kind, is_open=room.is_open,
             entries=tuple(e for e in standing if e.booked.room == room.code))
        for room in rooms
    ]  # fmt: skip
    elsewhere = tuple(e for e in standing if e.booked.room not in {room.code for room in rooms})
    if elsewhere:
        lanes.append(Lane(code="", name="", kind="", is_open=True, entries=elsewhere))
    begin, end = span
    return DayPlan(
        on=on,
        is_open=on.weekday() in clinic.weekdays,
        lanes=tuple(lane for lane in lanes if lane.is_open or lane.entries),
        duties=tuple(s for s in shifts if s.starts_at < end and s.ends_at > begin),
        dropped=tuple(e for e in entries if not e.booked.stands and e.line is not None),
    )


def who_is_in(practice: Practice, room: str, *, but: str = "") -> VisitLine | None:
    """The visit that is going on in this room or chair, `but` this person's; None where it is free, and for no room.

    Behind the gate.
    """
    here = VisitLine.objects.filter(practice=practice, room=room, closed_at=None).exclude(patient_id=but)
    return here.order_by("opened_at").first() if room else None


def named_in(account: Account, room: str) -> PatientLine | None:
    """The person in this room or chair; None where it is free, and for somebody whom the account does not reach."""
    there = who_is_in(account.practice, room)
    lines = reach(account, "see-today").people_of(PatientLine.objects.all())
    return None if there is None else lines.filter(patient_id=there.patient_id).first()


def free_rooms(practice: Practice) -> list[Room]:
    """The open treatment rooms and chairs in which nobody is now."""
    rooms = Room.objects.filter(practice=practice, kind="treatment", is_open=True).order_by("place", "code")
    taken = VisitLine.objects.filter(practice=practice, closed_at=None).values_list("room", flat=True)
    return [room for room in rooms if room.code not in set(taken)]


def room_names(practice: Practice) -> dict[str, str]:
    """What each room is called, by its code."""
    return dict(Room.objects.filter(practice=practice).values_list("code", "name"))


def _places(rooms: Iterable[Room]) -> tuple[Place, ...]:
    return tuple(Place(code=room.code, name=room.name, kind=room.kind) for room in rooms if room.is_open)


def _between(table: Any, practice: Practice, begin: datetime, end: datetime) -> Any:
    """The rows of bookings or duty that lie in this time or reach into it; none is longer than a day."""
    earliest = begin - timedelta(days=1)
    return table.objects.filter(practice=practice, starts_at__gte=earliest, starts_at__lt=end, ends_at__gt=begin)
