"""How does a derived row keep a visit? As plain JSON: times, quantities and words, without where each was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ketapath.domain.fact import Origin
from ketapath.domain.session import Administration, Event, TimedReading, Visit

_UNNAMED = Origin(resource="Observation", id="", version=None)


def visit_as_json(visit: Visit) -> dict[str, Any]:
    """The visit as `visit_from_json` reads it."""
    given = visit.administration
    return {
        "id": visit.origin.id,
        "status": visit.status,
        "opened_at": visit.opened_at.isoformat(),
        "closed_at": None if visit.closed_at is None else visit.closed_at.isoformat(),
        "plan_id": visit.plan_id,
        "room": visit.room,
        "appointment_id": visit.appointment_id,
        "given": None if given is None else {
            "id": given.origin.id,
            "status": given.status,
            "product": given.product,
            "route": given.route,
            "dose_mg": given.dose_mg,
            "started_at": given.started_at.isoformat(),
            "ended_at": None if given.ended_at is None else given.ended_at.isoformat(),
        },
        "readings": [[r.at.isoformat(), r.quantity, r.value, r.under_drug] for r in visit.readings],
        "events": [[e.at.isoformat(), e.kind, e.value, e.unit, e.words, e.by, e.username] for e in visit.events],
    }  # fmt: skip


def visit_from_json(kept: Mapping[str, Any]) -> Visit:
    """The visit again; its readings and events no longer say which statement they stand in."""
    given = kept["given"]
    return Visit(
        origin=Origin(resource="Encounter", id=kept["id"], version=None),
        status=kept["status"],
        opened_at=datetime.fromisoformat(kept["opened_at"]),
        closed_at=_instant(kept["closed_at"]),
        plan_id=kept["plan_id"],
        administration=None if given is None else Administration(
            origin=Origin(resource="MedicationAdministration", id=given["id"], version=None),
            status=given["status"],
            product=given["product"],
            route=given["route"],
            dose_mg=given["dose_mg"],
            started_at=datetime.fromisoformat(given["started_at"]),
            ended_at=_instant(given["ended_at"]),
        ),
        readings=tuple(
            TimedReading(origin=_UNNAMED, at=datetime.fromisoformat(at), quantity=what, value=value, under_drug=under)
            for at, what, value, under in kept["readings"]
        ),
        room=kept["room"],
        appointment_id=kept["appointment_id"],
        events=tuple(
            Event(origin=_UNNAMED, at=datetime.fromisoformat(at), kind=kind, value=value, unit=unit, words=words,
                  by=by, username=username)
            for at, kind, value, unit, words, by, username in kept["events"]
        ),
    )  # fmt: skip


def _instant(stated: str | None) -> datetime | None:
    return None if stated is None else datetime.fromisoformat(stated)
