"""What would be booked, and what would move? Previews: nothing is written, and doing it starts from the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.queries.board import watched
from clinic.queries.person import Chart
from clinic.queries.schedule import WANTING, openings
from clinic.record.models import Version
from ketapath.domain.plan import PlannedVisit
from ketapath.domain.schedule import Booked, bookings_of, of_ended
from ketapath.errors import BadInput
from ketapath.plan import belonging, crowded, least_days, moved
from ketapath.plan.slots import Lack, Length, Openings, Slot, free_on, session_length, slot_at

_FURTHER_DAYS = 2  # source: our choice; how many open days an hour may stand further from its session than it did
UNDO = timedelta(minutes=15)
"""For how long a booking may be undone."""
_UNKNOWN_MINUTES = 60
"""For an appointment whose plan says no length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One visit with the time and room it would get; `slot` is a Lack where there is none on its day.

    `booked` is the appointment that stands for it now, None where it is new.
    """

    visit: PlannedVisit
    planned_on: date | None
    booked: Booked | None
    on: date
    slot: Slot | Lack

    @property
    def place(self) -> Slot | None:
        """The time and room, where there is one."""
        return self.slot if isinstance(self.slot, Slot) else None

    @property
    def wanting(self) -> str:
        """What is wanting, in words; empty where nothing is."""
        return "" if isinstance(self.slot, Slot) else str(WANTING[self.slot])


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Two days of doses that stand closer than the plan's own spacing, which leaves at least `least` days."""

    first: date
    second: date
    least: int

    @property
    def days(self) -> int:
        """The days between them."""
        return (self.second - self.first).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """An appointment on another day with everything that moves along, the appointment itself first.

    `is_possible` unless something that is booked finds no place there; what was never booked hinders nothing.
    """

    proposals: tuple[Proposal, ...]
    close: tuple[Close, ...] = ()

    @property
    def is_possible(self) -> bool:
        """Whether all that is booked has a place."""
        return all(p.place is not None or p.booked is None for p in self.proposals)

    @property
    def digest(self) -> str:
        """The preview in one word, so that what is done is what was read."""
        said = [(p.visit.title.key, p.visit.on, p.on, p.slot) for p in self.proposals], self.close
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def series(found: Chart) -> tuple[Proposal, ...]:
    """Each visit of the standing plan that is ahead and not booked, with the place that it would get.

    Each stays on its planned day: sessions as near as possible to the planned time, hours when the people for them are
    free and the clinic is open, a review once the session of its day is over.
    """
    if found.plan is None:
        return ()
    visits = found.plan.visits
    held = bookings_of(visits, found.bookings)
    wanted = [v for v, b in zip(visits, held, strict=True) if v.on >= found.as_of and (b is None or not b.stands)]
    have = openings(found.practice, [v.on for v in wanted], patient_id=found.patient_id)
    made: list[Proposal] = []
    for visit in sorted(wanted, key=lambda v: (v.kind != "session", v.on)):
        slots = free(found, have, visit, visit.on, after=session_over(found, visit, visit.on, made))
        slot = slots[0] if isinstance(slots, tuple) else slots
        made.append(Proposal(visit=visit, planned_on=visit.on, booked=None, on=visit.on, slot=slot))
        have = with_taken(have, slot, found.patient_id)
    return tuple(sorted(made, key=lambda p: (p.on, p.place is None, p.place and p.place.starts_at, p.visit.kind)))


def moving(found: Chart, appointment_id: str, to: date, at: time | None = None) -> Moving:
    """What would move if this appointment were on that day, near that time; without one at the time it has.

    Raises BadInput for an appointment that is not booked or has begun, a day that is over, or one that the core does
    not allow for a session (`ketapath.plan.moved`).
    """
    asked = appointment(found, appointment_id)
    if asked.status != "booked":
        raise BadInput(
            field=_("appointment"), found=_("one that has begun or ended"), limit=_("one that is booked"),
            next_step=_("Book another."),
        )  # fmt: skip
    zone = ZoneInfo(found.practice.zone)
    along = _along(found, asked, to)
    days = [_days_for(found, visit, on, to) if place else [on] for place, (visit, _b, on) in enumerate(along)]
    held = [booked.origin.id for _visit, booked, _on in along if booked is not None]
    every = [day for some in days for day in some]
    have = openings(found.practice, every, patient_id=found.patient_id, without=held)
    made: list[Proposal] = []
    for (visit, booked, on), tried in zip(along, days, strict=True):
        near = _near(booked, zone) if made or at is None else at
        minutes = length_of(found, visit) if booked is None else _length(booked)
        wanted = replace(visit, starts=near, minutes=minutes)
        day, slot = _first(found, have, wanted, tried, made, exactly=None if made else at)
        planned_on = visit.on if booked is None else booked.planned_on
        made.append(Proposal(visit=visit, planned_on=planned_on, booked=booked, on=day or on, slot=slot))
        have = with_taken(have, slot, found.patient_id)
    stay = [p for p in made[1:] if p.booked and p.place and p.place.starts_at == p.booked.starts_at]
    moves = [p for p in made if p not in stay]
    return Moving(proposals=tuple(moves), close=closer(found, moves))


def _first(
    found: Chart,
    have: Openings,
    visit: PlannedVisit,
    days: Sequence[date],
    made: Sequence[Proposal],
    *,
    exactly: time | None,
) -> tuple[date | None, Slot | Lack]:
    """The first of these days that has a place for this visit, with the place; else what the first one lacks."""
    lack: Lack | None = None
    for day in days:
        after = session_over(found, visit, day, made)
        slots = free(found, have, visit, day, minutes=visit.minutes, exactly=exactly, after=after)
        if isinstance(slots, tuple):
            return day, slots[0]
        lack = lack or slots
    return None, lack or "time"


def free(
    found: Chart, have: Openings, visit: PlannedVisit, on: date, *, minutes: int | None = None,
    exactly: time | None = None, room: str = "", after: datetime | None = None,
) -> tuple[Slot, ...] | Lack:  # fmt: skip
    """What is free for this visit on that day, nearest to its time first; with `exactly` at that time alone.

    Without `minutes` it takes as long as `length_of` says. It begins no earlier than `after`. Only a time that somebody
    names may lie outside the hours and days of the clinic.
    """
    minutes = minutes or length_of(found, visit)
    earliest = max(clock.now(), after or clock.now())
    if exactly is not None:
        starts_at = instant(found, on, exactly)
        slot = slot_at(have, visit.kind, found.patient_id, starts_at, minutes, room=room)
        if starts_at < earliest:
            return "past" if starts_at < clock.now() else "session"
        return (slot,) if isinstance(slot, Slot) else slot
    if on.weekday() not in found.clinic.weekdays:
        return "time"
    opening, last_start = found.clinic.session_hours
    if visit.kind != "session":  # open until whoever came last has been watched to the end
        last_start += (watched("") - minutes) / 60
    slots = free_on(
        have, visit.kind, found.patient_id, on, minutes, near=visit.starts, not_before=earliest,
        opening=opening, last_start=last_start, room=room,
    )  # fmt: skip
    return "time" if slots == "past" and earliest > clock.now() else slots


def session_over(found: Chart, visit: PlannedVisit, on: date, made: Sequence[Proposal] = ()) -> datetime | None:
    """When the session that this visit reviews is over, where it is one of the same day; None for every other visit.

    Of a session among the proposals its new time counts, not the one that it has.
    """
    if visit.kind != "check":
        return None
    zone = ZoneInfo(found.practice.zone)
    new = {p.booked.origin.id for p in made if p.booked is not None}
    ends = [b.ends_at for b in found.bookings if b.kind == "session" and b.stands and b.origin.id not in new]
    ends += [p.place.ends_at for p in made if p.visit.kind == "session" and p.place is not None]
    return max((end for end in ends if end.astimezone(zone).date() == on), default=None)


def closer(found: Chart, made: Sequence[Proposal]) -> tuple[Close, ...]:
    """Which doses would stand closer to each other than the plan's own spacing, if these were booked or moved."""
    least = None if found.plan is None else least_days(found.plan.visits)
    new = {p.on for p in made if p.visit.kind == "session" and p.place is not None}
    if least is None or not new:
        return ()
    zone, moves = ZoneInfo(found.practice.zone), {p.booked.origin.id for p in made if p.booked is not None}
    taken = {(p.visit.on, p.visit.title.key, str(p.visit.title.values)) for p in made}
    days = {dose.on for dose in found.person.doses} if found.person is not None else set()
    days |= {
        b.starts_at.astimezone(zone).date() for b in found.bookings
        if b.kind == "session" and b.status in ("booked", "arrived") and b.origin.id not in moves
    }  # fmt: skip
    days |= {
        v.on for v in unbooked(found)
        if v.kind == "session" and v.on >= found.as_of and (v.on, v.title.key, str(v.title.values)) not in taken
    }  # fmt: skip
    return tuple(Close(first=a, second=b, least=least) for a, b in crowded(days | new, new, least))


def instant(found: Chart, on: date, at: time) -> datetime:
    """That time by the clinic's clock, in UTC. Raises BadInput where a change of the clock skips or repeats it."""
    try:
        return clock.instant(on, at, found.practice.zone)
    except clock.NoSuchTime as problem:
        raise no_such_time(on, at, problem) from problem


def no_such_time(on: date, at: time, problem: clock.NoSuchTime) -> BadInput:
    """A time that a change of the clock leaves out or repeats, in plain words."""
    limit = _("a time that there is; the change of the clock leaves this one out")
    if problem.kind == "twice":
        limit = _("a time that comes once; the change of the clock brings this one twice")
    return BadInput(
        field=_("time"), found=f"{on.isoformat()} {at:%H:%M}", limit=limit, next_step=_("Choose another time.")
    )


def length_of(found: Chart, visit: PlannedVisit) -> int:
    """Minutes that this visit takes: a session by its protocol, all else as its plan says.

    A session of no known protocol takes as long as the longest of all.
    """
    if visit.kind == "session":
        length = session_takes(found)
        return max(_session_minutes(found)) if length is None else length.minutes
    return visit.minutes or _UNKNOWN_MINUTES


def least_minutes(found: Chart) -> int:
    """The fewest minutes that a session may be booked in; without a known protocol those of the shortest of all."""
    length = session_takes(found)
    return min(_session_minutes(found)) if length is None else length.minutes


def _session_minutes(found: Chart) -> list[int]:
    return [session_length(protocol, None).minutes for protocol in found.knowledge.protocols.values()]


def session_takes(found: Chart) -> Length | None:
    """How long a session of the standing plan takes and where that comes from; None without a known protocol."""
    protocol = None if found.plan is None else found.knowledge.protocols.get(found.plan.protocol_id)
    return None if protocol is None or found.plan is None else session_length(protocol, found.plan.infusion_min)


def appointment(found: Chart, appointment_id: str) -> Booked:
    """This person's appointment. Raises BadInput where there is none of that name."""
    asked = next((b for b in found.bookings if b.origin.id == appointment_id), None)
    if asked is None:
        raise BadInput(
            field=_("appointment"), found=_("none of that name"), limit=_("an appointment of this person"),
            next_step=_("Reload the page."),
        )  # fmt: skip
    return asked


def session_of_today(found: Chart) -> Booked | None:
    """The session of today that is booked or has begun, the first of them; for the act that opens its visit."""
    zone = ZoneInfo(found.practice.zone)
    here = [
        b for b in found.bookings
        if b.kind == "session" and b.status in ("booked", "arrived")
        and b.starts_at.astimezone(zone).date() == found.as_of
    ]  # fmt: skip
    return min(here, key=lambda b: b.starts_at, default=None)


def expected_today(found: Chart) -> Booked | None:
    """The session of today that the person comes for: the booked one, else a missed one whose place is still free."""
    booked = session_of_today(found)
    return booked if booked is not None else next(iter(missed_today(found)), None)


def missed_today(found: Chart) -> tuple[Booked, ...]:
    """What the person did not come to today and may come to after all, as booked again where there is room for it.

    Its time is not over, nothing else was booked for it, and there is a place at its time, in its own room if that is
    free.
    """
    zone = ZoneInfo(found.practice.zone)
    taken = {(b.planned_on, b.kind, b.title.key) for b in found.bookings if b.stands and b.planned_on is not None}
    here = [
        b for b in found.bookings
        if b.status == "noshow" and b.starts_at.astimezone(zone).date() == found.as_of and b.ends_at > clock.now()
        and (b.planned_on, b.kind, b.title.key) not in taken
    ]  # fmt: skip
    have = openings(found.practice, [found.as_of] if here else [], patient_id=found.patient_id)
    return tuple(again for b in sorted(here, key=lambda b: b.starts_at) if (again := _again(have, b)) is not None)


def _again(have: Openings, missed: Booked) -> Booked | None:
    rooms = (missed.room, "") if missed.room else ("",)
    at, minutes = missed.starts_at, _length(missed)
    tried = (slot_at(have, missed.kind, missed.patient_id, at, minutes, room=room) for room in rooms)
    slot = next((slot for slot in tried if isinstance(slot, Slot)), None)
    return None if slot is None else replace(missed, status="booked", why="", room=slot.room, staff=slot.staff)


def tied(found: Chart, session: Booked) -> tuple[Booked, ...]:
    """What is booked and belongs to this session of the standing plan, in order of time."""
    return () if session.kind != "session" else _belonging(found, {session.planned_on})


def lacking(found: Chart) -> tuple[Booked, ...]:
    """What is booked and belongs to a session of the standing plan that is not, or not any more."""
    return _belonging(found, {v.on for v in unbooked(found) if v.kind == "session"})


def _belonging(found: Chart, sessions: Collection[date | None]) -> tuple[Booked, ...]:
    visits = () if found.plan is None else found.plan.visits
    wanted = [id(v) for on in sessions if on is not None for v in belonging(visits, on)]
    held = zip(visits, bookings_of(visits, booked_ahead(found)), strict=True)
    made = [b for v, b in held if id(v) in wanted and b is not None and b.status == "booked"]
    return tuple(sorted(made, key=lambda b: b.starts_at))


def unbooked(found: Chart) -> tuple[PlannedVisit, ...]:
    """Visits of the standing plan that nothing stands for: those ahead, and sessions missed since the last dose."""
    if found.plan is None:
        return ()
    held = bookings_of(found.plan.visits, found.bookings)
    last = found.person.doses[-1].on if found.person is not None and found.person.doses else date.min
    return tuple(
        v for v, b in zip(found.plan.visits, held, strict=True)
        if (b is None or not b.stands) and (v.on >= found.as_of or (v.kind == "session" and v.on > last))
    )  # fmt: skip


def booked_ahead(found: Chart) -> tuple[Booked, ...]:
    """What is booked and not over, in order of time."""
    ahead = (b for b in found.bookings if b.status in ("booked", "arrived") and b.ends_at >= clock.now())
    return tuple(sorted(ahead, key=lambda b: b.starts_at))


def ended_ahead(found: Chart) -> tuple[Booked, ...]:
    """What of that is booked for a plan that has ended, so that it is not certain."""
    return of_ended(found.plans, booked_ahead(found))


def just_booked(found: Chart, by: Account) -> tuple[Booked, ...]:
    """What this account booked in the last minutes and nobody has touched since: it may undo that without a reason."""
    rows = Version.objects.filter(
        practice=found.practice, kind="Appointment", patient_id=found.patient_id, version=1, changed_by=by.name,
        changed_at__gte=clock.now() - UNDO,
    )  # fmt: skip
    own = set(rows.values_list("identity", flat=True))
    return tuple(
        b for b in found.bookings
        if b.origin.id in own and b.origin.version == "1" and b.status == "booked" and b.starts_at > clock.now()
    )  # fmt: skip


def with_taken(have: Openings, slot: Slot | Lack, patient_id: str) -> Openings:
    """The openings once this slot is taken too."""
    if not isinstance(slot, Slot):
        return have
    names = [f"patient/{patient_id}", f"room/{slot.room}"]
    names += [f"staff/{who.username}/{who.place}" for who in slot.staff if who.place]
    span = (slot.starts_at, slot.ends_at)
    return replace(have, taken={**have.taken, **{name: [*have.taken.get(name, ()), span] for name in names}})


def _along(found: Chart, asked: Booked, to: date) -> list[tuple[PlannedVisit, Booked | None, date]]:
    """The appointment with its new day, and what belongs to it with theirs; each visit on the day where it is now."""
    visits = () if found.plan is None else found.plan.visits
    held = bookings_of(visits, found.bookings)
    zone = ZoneInfo(found.practice.zone)
    now = [(_now(v, b, zone), b) for v, b in zip(visits, held, strict=True)]
    own = next((v for v, b in now if b is not None and b.origin == asked.origin), None)
    was = asked.starts_at.astimezone(zone).date()
    reviews = [
        (v, b, to) for v, b in now if b is not None and v.kind == "check" and v.on == was and b.status == "booked"
    ] if asked.kind == "session" and to == was else []  # fmt: skip
    if own is None or own.kind != "session" or to == was:
        _check_open(found, to)
        alone = own or PlannedVisit(
            on=was, starts=None, kind=asked.kind, title=asked.title, setting="",
            minutes=_length(asked),
        )  # fmt: skip
        return [(alone, asked, to), *reviews]
    open_now = [(v, b) for v, b in now if b is None or b.status == "booked"]
    _after, changes = moved([v for v, _b in open_now], was, to, found.clinic, today=found.as_of)
    booked = {id(v): b for v, b in open_now}
    return [(change.visit, booked[id(change.visit)], change.to) for change in changes]


def _now(visit: PlannedVisit, booked: Booked | None, zone: ZoneInfo) -> PlannedVisit:
    if booked is None:
        return replace(visit)  # a value of its own, since visits are told apart by which they are
    at = booked.starts_at.astimezone(zone)
    return replace(visit, on=at.date(), starts=at.time())


def _check_open(found: Chart, to: date) -> None:
    if to < found.as_of or to.weekday() not in found.clinic.weekdays:
        raise BadInput(
            field=_("new day"), found=to.isoformat(), limit=_("a day ahead on which the clinic is open"),
            next_step=_("Choose another."),
        )  # fmt: skip


def _days_for(found: Chart, visit: PlannedVisit, on: date, session: date) -> list[date]:
    """The day that keeps the distance, then open days next to it, on the same side of the session."""
    step = -1 if visit.kind == "preparation" else 1
    days, day = [on], on
    while len(days) <= _FURTHER_DAYS:
        day += timedelta(days=step)
        if day.weekday() in found.clinic.weekdays:
            days.append(day)
    is_before = visit.kind == "preparation"
    return [d for d in days if d >= found.as_of and (d < session if is_before else d >= session)]


def _length(booked: Booked) -> int:
    return round((booked.ends_at - booked.starts_at).total_seconds() / 60)


def _near(booked: Booked | None, zone: ZoneInfo) -> time | None:
    return None if booked is None else booked.starts_at.astimezone(zone).time()


def free_words(found: Chart, slots: Sequence[Slot] | Lack) -> str:
    """The first few free times of a day in a line, or what is wanting."""
    if isinstance(slots, str):
        return str(WANTING[slots])
    zone = ZoneInfo(found.practice.zone)
    return ", ".join(f"{slot.starts_at.astimezone(zone):%H:%M}" for slot in slots[:6])
