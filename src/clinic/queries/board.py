"""What goes on in each room now, and what is due there next? Read from derived rows alone: no chart is opened for it.

A locked screen goes on showing the same people by their initials and times: no name, no value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.practice.models import Duty, Room
from clinic.queries.duty import duties_at
from clinic.queries.person import clinic_now, knowledge_at
from clinic.queries.schedule import day_span
from clinic.record.models import Booking, PatientLine, Practice, VisitLine
from clinic.record.projections import knowledge
from clinic.record.reach import Reach
from clinic.record.visit_json import visit_from_json
from ketapath.domain.schedule import STANDING
from ketapath.domain.session import Visit
from ketapath.knowledge import Knowledge
from ketapath.session import device_due, due, ends_at

Part = Literal["before", "dose", "observe", "leave", "booked"]
_BEFORE = timedelta(minutes=20)  # how long a visit that nobody booked is drawn ahead of its dose
_HOME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of one lane: what part of a visit, from when to when, and whether it has begun."""

    part: Part
    starts_at: datetime
    ends_at: datetime
    is_ahead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What is due next for somebody who is here. `at` is None for what waits for a person, not for a clock.

    `what` is a reading that is awaited, "device-2" for the next device of the spray, or "consent", "re-screen", "dose",
    "dose-ends", "home", "leaves".
    """

    what: str
    at: datetime | None
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One person who is in the house, or was today. `since` is when the dose began; `ordered` what the plan says."""

    patient_id: str
    given: str
    family: str
    visit: Visit
    number: int
    ordered: Mapping[str, Any]
    home_at: datetime | None
    next: Next | None
    staff: tuple[str, ...]

    @property
    def step(self) -> str:
        """The phase of the visit."""
        return self.visit.step

    @property
    def since(self) -> datetime | None:
        """When the dose began."""
        given = self.visit.administration
        return None if given is None or not self.visit.was_dosed else given.started_at

    @property
    def seconds(self) -> int:
        """How long ago that is."""
        return 0 if self.since is None else max(0, int((clock.now() - self.since).total_seconds()))

    @property
    def product(self) -> str:
        """As in "racemic/iv"; "" where no order is known."""
        given = self.visit.administration
        if given is not None:
            return f"{given.product}/{given.route}"
        return f"{self.ordered['product']}/{self.ordered['route']}" if self.ordered else ""

    @property
    def dose_mg(self) -> float | None:
        """What was given, or what is ordered."""
        given = self.visit.administration
        return given.dose_mg if given is not None and given.dose_mg is not None else self.ordered.get("dose_mg")

    @property
    def initials(self) -> str:
        """As a locked screen shows the person."""
        return "".join(f"{name[:1].upper()}." for name in (self.given, self.family) if name)

    @property
    def is_here(self) -> bool:
        """Whether the person has not gone home yet."""
        return self.visit.status == "in-progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Who is booked for a room next. `line` is None for somebody whom the account does not reach."""

    line: PatientLine | None
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One room with its day: who is in it, what has been and is to come."""

    code: str
    name: str
    seat: Seat | None
    coming: Coming | None
    blocks: tuple[Block, ...]
    is_taken: bool = False

    @property
    def is_late(self) -> bool:
        """Whether something due here has not come."""
        return self.seat is not None and self.seat.next is not None and self.seat.next.is_late


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The house at one instant. `begin` to `end` is the stretch of time that the lanes show.

    `sessions` are today's that are booked or were held, `done` those that are over, `dropped` cancelled or missed.
    """

    at: datetime
    begin: datetime
    end: datetime
    lanes: tuple[Lane, ...]
    on_duty: tuple[Duty, ...]
    sessions: int
    done: int
    dropped: int

    @property
    def late(self) -> int:
        """In how many rooms something is late."""
        return sum(lane.is_late for lane in self.lanes)

    @property
    def soon(self) -> int:
        """In how many rooms something is due within five minutes."""
        limit = self.at + timedelta(minutes=5)
        nexts = (lane.seat.next for lane in self.lanes if lane.seat is not None)
        return sum(n is not None and n.at is not None and self.at <= n.at <= limit for n in nexts)

    @property
    def in_use(self) -> int:
        """How many rooms somebody is in."""
        return sum(lane.seat is not None or lane.is_taken for lane in self.lanes)

    @property
    def hours(self) -> list[datetime]:
        """The full hours between."""
        first = self.begin.replace(minute=0, second=0, microsecond=0)
        hours = (first + timedelta(hours=n) for n in range(26))
        return [hour for hour in hours if self.begin <= hour < self.end]


def board(account: Account) -> Board:
    """The house as this account may see it, at this instant."""
    practice, within, now = account.practice, reach(account, "see-today"), clock.now()
    begin, end = day_span(clock.today(practice.zone), practice.zone)
    of_today = Booking.objects.filter(practice=practice, starts_at__lt=end, ends_at__gt=begin).order_by("starts_at")
    known = list(of_today)
    bookings = [one for one in known if one.status in STANDING]
    seats = _seats(within, begin, end, bookings)
    rooms = list(Room.objects.filter(practice=practice).order_by("-kind", "place", "code"))
    hidden = _hidden(practice, within, begin, end)
    lines = {line.patient_id: line for line in within.people_of(PatientLine.objects.all()).filter(
        patient_id__in={one.patient_id for one in bookings})}  # fmt: skip
    lanes = _lanes(rooms, seats, bookings, lines, hidden, now)
    first, last = _stretch(lanes, now, practice.zone)
    return Board(
        at=clock.local(now, practice.zone),
        begin=first,
        end=last,
        lanes=lanes,
        on_duty=tuple(
            duties_at(practice, now).select_related("account").order_by("account__role", "account__name")
        ),
        sessions=sum(one.kind == "session" for one in bookings),
        done=sum(not seat.is_here and seat.visit.was_dosed for seat in seats),
        dropped=sum(one.kind == "session" and one.status not in STANDING for one in known),
    )  # fmt: skip


def seats(within: Reach, patient_id: str = "") -> list[Seat]:
    """Who is in the house, or this person alone, in the order in which their doses began."""
    begin, end = day_span(clock.today(within.practice.zone), within.practice.zone)
    found = [seat for seat in _seats(within, begin, end, ()) if seat.is_here]
    return sorted((s for s in found if patient_id in ("", s.patient_id)), key=lambda seat: -seat.seconds)


def _seats(within: Reach, begin: datetime, end: datetime, bookings: Sequence[Booking]) -> list[Seat]:
    """Everybody who is here, since whichever day, and those who were here today."""
    practice = within.practice
    lines = within.people_of(VisitLine.objects.all())
    rows = [*lines.filter(opened_at__gte=begin, opened_at__lt=end), *lines.filter(opened_at__lt=begin, closed_at=None)]
    names = {line.patient_id: line for line in within.people_of(PatientLine.objects.all()).filter(
        patient_id__in={row.patient_id for row in rows})}  # fmt: skip
    staff: dict[str, list[str]] = {one.appointment: one.staff for one in bookings}
    called = dict(Account.objects.filter(practice=practice).values_list("username", "name"))
    known = knowledge_at(clinic_now(practice))
    found = []
    for row in rows:
        visit, name = visit_from_json(row.content["visit"]), names[row.patient_id]
        ordered = row.content["ordered"] or {}
        home_at = _home_at(visit, ordered)
        found.append(
            Seat(
                patient_id=row.patient_id,
                given=name.given,
                family=name.family,
                visit=visit,
                number=row.content["number"],
                ordered=ordered,
                home_at=home_at,
                next=_next(visit, ordered, home_at, known) if visit.status == "in-progress" else None,
                staff=tuple(called.get(who, who) for who in staff.get(visit.appointment_id or "", ())),
            )
        )
    return found


def _home_at(visit: Visit, ordered: Mapping[str, Any]) -> datetime | None:
    """The earliest time of going home by the plan's protocol; None before the dose."""
    given = visit.administration
    if given is None or not visit.was_dosed:
        return None
    return given.started_at + timedelta(minutes=watched(str(ordered.get("protocol") or "")))


def watched(protocol_id: str) -> float:
    """How long somebody stays after dosing begins, in minutes; the longest of all protocols where none is known."""
    protocol = knowledge().protocols.get(protocol_id)
    longest = max(float(p["observation_min"]) for p in knowledge().protocols.values())
    return longest if protocol is None else float(protocol["observation_min"])


def _next(visit: Visit, ordered: Mapping[str, Any], home_at: datetime | None, known: Knowledge) -> Next | None:
    """What the people in the room do next: the reading that has been due longest, or the step that waits."""
    now, given = clock.now(), visit.administration
    step: dict[str, str] = {"arrived": "consent", "re-screen": "re-screen", "ready": "dose", "leaving": "leaves"}
    if visit.step in step:
        return Next(what=step[visit.step], at=None)
    awaited = [d for d in due(visit, given.route if given else "", known, now=now) if d.due_at is not None]
    device = device_due(visit, ordered.get("dose_mg"), known, now=now)
    awaited += [] if device is None else [device]
    first = min(awaited, key=lambda d: d.due_at or now, default=None)
    clocks = [] if first is None else [Next(what=first.what, at=first.due_at, is_late=first.is_overdue)]
    minutes = ordered.get("infusion_min")
    ends = ends_at(visit, ordered.get("dose_mg"), None if not minutes else float(minutes), now=now)
    if given is not None and given.ended_at is None and ends is not None:
        clocks.append(Next(what="dose-ends", at=ends))
    if given is not None and given.ended_at is not None and home_at is not None:
        clocks.append(Next(what="home", at=max(home_at, given.ended_at)))
    return min(clocks, key=lambda n: n.at or now, default=None)


def _lanes(
    rooms: Sequence[Room],
    seats_of_day: Sequence[Seat],
    bookings: Sequence[Booking],
    lines: Mapping[str, PatientLine],
    hidden: frozenset[str],
    now: datetime,
) -> tuple[Lane, ...]:
    """One lane a room, and one for each person who is in none of them."""
    by_room: dict[str, list[Seat]] = defaultdict(list)
    known = {room.code for room in rooms}
    for seat in seats_of_day:
        by_room[seat.visit.room if seat.visit.room in known else f"?{seat.patient_id}"].append(seat)
    booked: dict[str, list[Booking]] = defaultdict(list)
    visited = {seat.visit.appointment_id for seat in seats_of_day} | {
        one.appointment for one in bookings if one.status == "fulfilled"
    }
    for one in bookings:
        if one.appointment not in visited:
            booked[one.room].append(one)
    lanes = [_lane(room.code, room.name, by_room.get(room.code, ()), booked.get(room.code, ()), lines, hidden, now)
             for room in rooms]  # fmt: skip
    lanes += [
        _lane(room.code, room.name, [seat], (), lines, hidden, now)
        for room in rooms
        for seat in sorted((s for s in by_room.get(room.code, ()) if s.is_here), key=lambda s: s.visit.opened_at)[:-1]
    ]  # two people in one room stand on two lines: nobody is out of sight
    homeless = (name for name in by_room if name.startswith("?") and any(s.is_here for s in by_room[name]))
    return (*lanes, *(_lane("", "", by_room[name], (), lines, hidden, now) for name in homeless))


def _lane(
    code: str,
    name: str,
    held: Iterable[Seat],
    booked: Iterable[Booking],
    lines: Mapping[str, PatientLine],
    hidden: frozenset[str],
    now: datetime,
) -> Lane:
    sat = sorted(held, key=lambda seat: seat.visit.opened_at)
    here = next((seat for seat in reversed(sat) if seat.is_here), None)
    ahead = [one for one in booked if one.ends_at > now]
    coming = next(iter(ahead), None)
    blocks = [block for seat in sat for block in _blocks(seat, now)]
    # Whoever is late to leave pushes what is drawn of the next one; its own time is said in words.
    busy = [] if here is None else [block.ends_at for block in _blocks(here, now)]
    blocks += [
        Block(part="booked", starts_at=max([one.starts_at, *busy]), ends_at=one.ends_at, is_ahead=True)
        for one in ahead
        if one.ends_at > max(busy, default=now)
    ]
    return Lane(
        code=code,
        name=name,
        seat=here,
        coming=None if coming is None else Coming(
            line=lines.get(coming.patient_id), kind=coming.kind, at=coming.starts_at
        ),
        blocks=tuple(blocks),
        is_taken=code in hidden,
    )  # fmt: skip


def _blocks(seat: Seat, now: datetime) -> list[Block]:
    """The parts of one visit, those ahead as they are expected."""
    visit, given = seat.visit, seat.visit.administration
    over = visit.closed_at or now
    if given is None or not visit.was_dosed:
        return [Block(part="before", starts_at=visit.opened_at, ends_at=max(over, visit.opened_at + _BEFORE))]
    minutes = float(seat.ordered.get("infusion_min") or 10)
    dosed = given.ended_at or max(now, given.started_at + timedelta(minutes=minutes))
    found = [
        Block(part="before", starts_at=visit.opened_at, ends_at=given.started_at),
        Block(part="dose", starts_at=given.started_at, ends_at=dosed),
    ]
    home = visit.closed_at or max(seat.home_at or now, dosed, now)
    found.append(Block(part="observe", starts_at=dosed, ends_at=home, is_ahead=dosed > now))
    if visit.closed_at is None:
        found.append(Block(part="leave", starts_at=home, ends_at=home + _HOME, is_ahead=True))
    return found


def _hidden(practice: Practice, within: Reach, begin: datetime, end: datetime) -> frozenset[str]:
    """Rooms in which somebody is whom the account does not reach: taken, and nothing more is said."""
    here = VisitLine.objects.filter(practice=practice, closed_at=None, opened_at__lt=end).exclude(room="")
    seen = within.people_of(here).values_list("patient_id", flat=True)
    return frozenset(here.exclude(patient_id__in=list(seen)).values_list("room", flat=True))


def _stretch(lanes: Iterable[Lane], now: datetime, zone: str) -> tuple[datetime, datetime]:
    """From a little before the first thing to a little after the last, on full hours, five hours at least."""
    times = [t for lane in lanes for block in lane.blocks for t in (block.starts_at, block.ends_at)] or [now]
    first = max(min(*times, now), now - timedelta(hours=5)).astimezone(ZoneInfo(zone))
    first = first.replace(minute=0, second=0, microsecond=0)
    last = min(max(*times, now), now + timedelta(hours=6)).astimezone(ZoneInfo(zone))
    return first, max(last, first + timedelta(hours=5))
