"""The day of the full clinic: eight rooms, sixty sessions booked in them, visits in every phase; for measuring only.

Only what is derived is laid out (bookings, what they hold, the line of each visit): the records of the people stay as
they were copied, so that a page about one of them measures a whole record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from clinic import clock
from clinic.practice.models import Room
from clinic.queries.schedule import day_span
from clinic.record.models import Booking, Hold, PatientLine, Practice, VisitLine
from ketapath.domain.schedule import SLOT_MIN

ROOMS, TURN, LONG = 8, timedelta(minutes=100), timedelta(minutes=90)
_BEFORE = ("consent-confirmed", "re-screened", "order-checked")


def lay_out(practice: Practice, here: Sequence[str], others: Sequence[str]) -> None:
    """Sessions of all these people, eight at a time: those `here` are in the house, some others have gone home."""
    now, day = clock.now().replace(second=0, microsecond=0), clock.today(practice.zone)
    begin, end = day_span(day, practice.zone)
    Booking.objects.filter(practice=practice, starts_at__gte=begin, starts_at__lt=end).delete()
    Room.objects.filter(practice=practice).delete()
    Room.objects.bulk_create(
        Room(practice=practice, code=f"room-{n}", name=f"Room {n}", place=n) for n in range(1, ROOMS + 1)
    )
    gone, coming = others[: len(others) // 2], others[len(others) // 2 :]
    turns = [gone[n : n + ROOMS] for n in range(0, len(gone), ROOMS)]
    first = begin + timedelta(minutes=5) - TURN
    for number, names in enumerate((*turns, here, *(coming[n : n + ROOMS] for n in range(0, len(coming), ROOMS)))):
        at = now - timedelta(minutes=40) + TURN * (number - len(turns))
        for place, name in enumerate(names):
            is_gone, room = number < len(turns), f"room-{place % ROOMS + 1}"
            # Who waits for a room is booked in it after all others; so nothing is booked twice.
            last = len(turns) + 1 + -(-len(coming) // ROOMS)
            at_room = at if place < ROOMS else at + TURN * (last - number + place // ROOMS - 1)
            starts_at = max(at_room, first)
            status = "fulfilled" if is_gone else "arrived" if number == len(turns) else "booked"
            _booked(practice, name, room, starts_at, status)
            if number == len(turns):
                _in_the_house(practice, name, room if place < ROOMS else "", place)
            else:
                _not_here(practice, name, room, is_gone)


def _booked(practice: Practice, name: str, room: str, starts_at: Any, status: str) -> None:
    made = Booking.objects.create(
        practice=practice, appointment=f"a-{name}"[:64], patient_id=name, kind="session", status=status,
        starts_at=starts_at, ends_at=starts_at + LONG, room=room, staff=[], places=[], version=1,
    )  # fmt: skip
    if status != "fulfilled":
        width = SLOT_MIN * 60
        slots = range(int(starts_at.timestamp()) // width, int((starts_at + LONG).timestamp()) // width)
        Hold.objects.bulk_create(
            Hold(practice=practice, booking=made, resource=resource, slot=slot)
            for resource in (f"room/{room}", f"patient/{name}")
            for slot in slots
        )


def _in_the_house(practice: Practice, name: str, room: str, place: int) -> None:
    """In a room, as far as the steps before the dose have come; who has been dosed is observed, or may leave."""
    line = VisitLine.objects.get(practice=practice, patient_id=name)
    visit = line.content["visit"]
    kinds = _BEFORE[: place % 4] if visit["given"] is None else ("discharge-ready",) if place % 4 == 3 else ()
    at = visit["opened_at"]
    visit["events"] += [[at, kind, 1.0, None, "", "Nurse", "nurse"] for kind in kinds]
    visit["room"] = line.room = room
    visit["appointment_id"] = f"a-{name}"[:64]
    line.save()


def _not_here(practice: Practice, name: str, room: str, is_gone: bool) -> None:
    lines = VisitLine.objects.filter(practice=practice, patient_id=name, closed_at=None)
    for line in lines if is_gone else ():
        visit = line.content["visit"]
        at = line.opened_at + timedelta(minutes=20)
        visit |= {"status": "finished", "closed_at": at.isoformat(), "room": room}
        visit["appointment_id"] = f"a-{name}"[:64]
        line.room, line.closed_at = room, at
        line.save()
    lines.delete()
    PatientLine.objects.filter(practice=practice, patient_id=name).update(visit_open="")
