"""How is a booking said in FHIR R4? As an Appointment, and read back from one.

Rooms and colleagues are named by identifier: they are not in the record. The plan stands in supportingInformation; the
day that it meant, the way home and each colleague's place stand in extensions of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from ketapath.domain.evidence import Text
from ketapath.domain.schedule import KINDS, RIDES, Attendant, Booked, Ride
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource, patient_of
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.shapes import ACCOUNT

ROOM = "https://ketapath.org/fhir/room"
_VALUE = f"{LOCAL}/value-"
_LONGEST = timedelta(hours=24)
"""What is longer is no appointment of a clinic's day, and takes nothing."""


def appointment(booked: Booked) -> Resource:
    """The booking as an Appointment. Its instants are written in their own zone, the clinic's."""
    stamps: list[Resource] = [{"url": f"{LOCAL}/ride", "valueCode": booked.ride}]
    if booked.planned_on is not None:
        stamps.append({"url": f"{LOCAL}/planned-on", "valueDate": booked.planned_on.isoformat()})
    stamps += [{"url": f"{_VALUE}{name}", "valueString": str(value)} for name, value in booked.title.values.items()]
    people: list[Resource] = [{"actor": {"reference": f"Patient/{booked.patient_id}"}, "status": "accepted"}]
    if booked.room:
        room = {"type": "Location", "identifier": {"system": ROOM, "value": booked.room}}
        people.append({"actor": room, "status": "accepted"})
    plan = {"supportingInformation": [{"reference": f"CarePlan/{booked.plan_id}"}]} if booked.plan_id else {}
    return {
        "resourceType": "Appointment",
        "id": booked.origin.id,
        "status": booked.status,
        "extension": stamps,
        "serviceType": [
            {"coding": [{"system": LOCAL, "code": booked.kind}], "text": booked.title.key},
        ],
        "start": booked.starts_at.isoformat(),
        "end": booked.ends_at.isoformat(),
        "minutesDuration": round((booked.ends_at - booked.starts_at).total_seconds() / 60),
        "participant": [*people, *map(_participant, booked.staff)],
        **plan,
        **({"cancelationReason": {"text": booked.why}} if booked.why else {}),
        **({} if booked.made_at is None else {"created": booked.made_at.isoformat()}),
    }


def appointment_ended(resource: Mapping[str, Any], status: str, *, why: str) -> Resource:
    """The same appointment, cancelled or missed, with the reason."""
    return {**resource, "status": status, **({"cancelationReason": {"text": why}} if why else {})}


def bookings(bundle: Bundle) -> tuple[Booked, ...]:
    """Every appointment that was booked here and not entered in error, in the order in which they were made."""
    found = (booking_of(resource) for resource in bundle.of_type("Appointment"))
    return tuple(booked for booked in found if booked is not None)


def booking_of(resource: Resource) -> Booked | None:
    """The booking that an Appointment holds; None where it is none of ours, lasts more than a day, or is void."""
    kind = next((c.code for c in el.codings(resource, "serviceType") if c.system == "local"), "")
    key = next(el.words(resource, "serviceType"), "")
    starts, ends = (_instant(resource.get(field)) for field in ("start", "end"))
    status, person = el.text(resource, "status") or "", patient_of(resource)
    is_void = status in ("", "entered-in-error")
    if kind not in KINDS or starts is None or ends is None or person is None or is_void:
        return None
    if not timedelta() < ends - starts <= _LONGEST:
        return None
    stamps = {str(e.get("url")): e for e in el.objects(resource, "extension")}
    ride = stamps.get(f"{LOCAL}/ride", {}).get("valueCode")
    plan = next((el.text(i, "reference") or "" for i in el.objects(resource, "supportingInformation")), "")
    return Booked(
        origin=el.origin(resource),
        patient_id=person,
        kind=kind,
        status=status,
        starts_at=starts,
        ends_at=ends,
        room=next(_identified(resource, ROOM), ("", {}))[0],
        staff=tuple(_attendants(resource)),
        title=Text(key=key, values=_values(stamps)),
        plan_id=plan.partition("CarePlan/")[2].split("/")[0],
        planned_on=el.day(stamps.get(f"{LOCAL}/planned-on", {}).get("valueDate")),
        ride=cast(Ride, ride) if ride in RIDES else "not-asked",
        why=next(el.words(resource, "cancelationReason"), ""),
        made_at=_instant(resource.get("created")),
    )


def _values(stamps: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    return {
        url.removeprefix(_VALUE): str(stamp.get("valueString"))
        for url, stamp in stamps.items()
        if url.startswith(_VALUE)
    }


def _participant(one: Attendant) -> Resource:
    who = {"type": "Practitioner", "identifier": {"system": ACCOUNT, "value": one.username}, "display": one.name}
    return {
        "extension": [{"url": f"{LOCAL}/place", "valueInteger": one.place}],
        "type": [{"coding": [{"system": LOCAL, "code": one.role}]}],
        "actor": who,
        "required": "required" if one.place else "information-only",
        "status": "accepted",
    }


def _attendants(resource: Resource) -> Iterator[Attendant]:
    for username, participant in _identified(resource, ACCOUNT):
        place = next(
            (el.number(e, "valueInteger") for e in el.objects(participant, "extension")
             if e.get("url") == f"{LOCAL}/place"), None,
        )  # fmt: skip
        yield Attendant(
            username=username,
            name=el.text(participant.get("actor"), "display") or username,
            role=next((c.code for c in el.codings(participant, "type")), ""),
            place=max(0, int(place or 0)),
        )


def _identified(resource: Resource, system: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What this system names among those who take part, with the whole entry."""
    for participant in el.objects(resource, "participant"):
        identifier = next(el.objects(next(el.objects(participant, "actor"), {}), "identifier"), {})
        value = el.text(identifier, "value")
        if identifier.get("system") == system and value is not None:
            yield value, participant


def _instant(stated: Any) -> datetime | None:
    """An instant in its zone; None without one, which FHIR does not allow here."""
    try:
        found = datetime.fromisoformat(str(stated).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else None
