"""Who is booked where and when? An appointment as the record holds it, and the days of a plan as they are booked.

Instants have their zone. A signed plan is never rewritten: where a day of it was booked, the booking says when it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.plan import PlannedVisit, SignedPlan

KINDS = ("session", "preparation", "integration", "psychotherapy", "review", "check", "call")
"""What an appointment is for."""
STANDING = frozenset({"booked", "arrived", "fulfilled"})
"""The states in which an appointment takes its room and its people; what was cancelled or missed takes nothing."""
SLOT_MIN = 5
"""Appointments begin and end on whole five minutes; the database counts in them."""

Ride = Literal["not-asked", "to-arrange", "arranged", "not-needed"]
RIDES: tuple[Ride, ...] = ("not-asked", "to-arrange", "arranged", "not-needed")
"""How the person gets home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendant:
    """A colleague at an appointment. `place` counts from 1 the people they look after at once; 0 for on site only."""

    username: str
    name: str
    role: str
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One appointment. `planned_on` is the day that the plan `plan_id` meant it for; None for what no plan asked for.

    `room` is the code of a room, "" for a telephone call; `status` is FHIR's; `why` says why it was cancelled.
    """

    origin: Origin
    patient_id: str
    kind: str
    status: str
    starts_at: datetime
    ends_at: datetime
    room: str
    staff: tuple[Attendant, ...]
    title: Text
    plan_id: str = ""
    planned_on: date | None = None
    ride: Ride = "not-asked"
    why: str = ""
    made_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether it takes its room and its people."""
        return self.status in STANDING

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ("fulfilled", "cancelled", "noshow")


def bookings_of(visits: Sequence[PlannedVisit], bookings: Iterable[Booked]) -> tuple[Booked | None, ...]:
    """For each visit of a plan the booking that stands for it, None where there is none.

    A booking is known by the planned day, the kind and the title, so that it outlives an adapted plan. One that stands
    counts before one that was missed, and the later made one before the earlier; a cancelled one counts for nothing.
    """
    found: dict[tuple[date, str, str], Booked] = {}
    for booked in bookings:
        if booked.planned_on is None or booked.status == "cancelled":
            continue
        key = (booked.planned_on, booked.kind, booked.title.key)
        if key not in found or booked.stands or not found[key].stands:
            found[key] = booked
    return tuple(found.get((v.on, v.kind, v.title.key)) for v in visits)


def of_ended(plans: Sequence[SignedPlan], bookings: Iterable[Booked]) -> tuple[Booked, ...]:
    """What is booked of a plan that has ended and that the standing one, of the same protocol, does not ask for.

    A session that no plan asked for is one too where there were plans and none stands: it cannot be given.
    """
    standing = next((p for p in reversed(plans) if p.status in ("active", "on-hold")), None)
    protocols = {p.origin.id: p.protocol_id for p in plans}
    asked = set() if standing is None else {(v.on, v.kind, v.title.key) for v in standing.visits}

    def is_of_ended(booked: Booked) -> bool:
        if booked.planned_on is None:
            return booked.kind == "session" and standing is None and bool(plans)
        if standing is None or (booked.planned_on, booked.kind, booked.title.key) not in asked:
            return True
        return protocols.get(booked.plan_id, standing.protocol_id) != standing.protocol_id

    return tuple(booked for booked in bookings if booked.status == "booked" and is_of_ended(booked))


def as_booked(visits: Sequence[PlannedVisit], bookings: Iterable[Booked], zone: str) -> tuple[PlannedVisit, ...]:
    """The visits of a plan on the days and at the times at which they are booked at the clinic, in order of time.

    What is not booked stays on its planned day; what is booked and belongs to no plan stands among them.
    """
    held = tuple(bookings)
    found = bookings_of(visits, held)
    after = [v if booked is None else _at(v, booked, zone) for v, booked in zip(visits, found, strict=True)]
    after += [_at(_besides(b), b, zone) for b in held if b.planned_on is None and b.stands]
    return tuple(sorted(after, key=lambda v: (v.on, v.starts is None, str(v.starts), v.kind)))


def _besides(booked: Booked) -> PlannedVisit:
    """What somebody booked without a plan that asks for it."""
    on = booked.starts_at.date()
    return PlannedVisit(on=on, starts=None, kind=booked.kind, title=booked.title, minutes=None, setting="")


def _at(visit: PlannedVisit, booked: Booked, zone: str) -> PlannedVisit:
    at = booked.starts_at.astimezone(ZoneInfo(zone))
    minutes = round((booked.ends_at - booked.starts_at).total_seconds() / 60)
    return replace(visit, on=at.date(), starts=at.time(), minutes=minutes)
