"""How is a visit said in FHIR R4? Arrival, dose, readings and timed events, home; read back by `readback.visits`.

Instants are written in the zone they are given in, so that the day of a fact is the clinic's day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ketapath.domain.session import Miss
from ketapath.fhir.encode import FACT, LOCAL, LOINC, PRESSURES, ROUTES, SINGLE_VITALS, SNOMED, SUBSTANCE, UNII
from ketapath.fhir.shapes import Resource, concept, person, quantity, subject

EVENT = f"{LOCAL}/event"
ROOM = f"{LOCAL}/room"
MISS = f"{LOCAL}/miss"


def visit_opened(
    identity: str,
    *,
    patient_id: str,
    plan_id: str | None,
    at: datetime,
    room: str = "",
    appointment_id: str | None = None,
) -> Resource:
    """A visit for a session that has begun, in this room and for this appointment where they are known."""
    resource: Resource = {
        "resourceType": "Encounter",
        "id": identity,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [concept(LOCAL, "ketamine-session", "Session")],
        "subject": subject(patient_id),
        "period": {"start": at.isoformat()},
    }
    if plan_id is not None:
        resource["extension"] = [
            {"url": f"{LOCAL}/plan", "valueReference": {"reference": f"CarePlan/{plan_id}"}},
        ]
    if appointment_id is not None:
        resource["appointment"] = [{"reference": f"Appointment/{appointment_id}"}]
    return visit_in(resource, room) if room else resource


def visit_in(visit: Mapping[str, Any], room: str) -> Resource:
    """The same visit in this room, by its code."""
    place = {"identifier": {"system": ROOM, "value": room}, "display": room}
    return {**visit, "location": [{"location": place}]}


def visit_closed(visit: Mapping[str, Any], *, at: datetime) -> Resource:
    """The same visit, ended."""
    return {**visit, "status": "finished", "period": {**visit["period"], "end": at.isoformat()}}


def dose_started(
    identity: str, *, patient_id: str, visit_id: str, product: str, route: str, at: datetime, by: str
) -> Resource:
    """Dosing has begun; what was really given is written when it ends."""
    unii, name = SUBSTANCE[product]
    code, display = ROUTES[route]
    return {
        "resourceType": "MedicationAdministration",
        "id": identity,
        "status": "in-progress",
        "subject": subject(patient_id),
        "context": {"reference": f"Encounter/{visit_id}"},
        "medicationCodeableConcept": concept(UNII, unii, name),
        "effectivePeriod": {"start": at.isoformat()},
        "performer": [{"actor": {"display": by}}],
        "dosage": {"route": concept(SNOMED, code, display)},
    }


def dose_ended(started: Mapping[str, Any], *, dose_mg: float, at: datetime, stopped_early: bool) -> Resource:
    """Dosing is over, with the milligrams of base that were really given; nothing given is no session."""
    return {
        **started,
        "status": "not-done" if dose_mg == 0 else "stopped" if stopped_early else "completed",
        "effectivePeriod": {**started["effectivePeriod"], "end": at.isoformat()},
        "dosage": {**started["dosage"], "dose": quantity(dose_mg, "mg")},
    }


def readings(
    identity: str,
    values: Mapping[str, float | bool],
    *,
    patient_id: str,
    visit_id: str | None,
    administration_id: str | None,
    at: datetime,
) -> list[Resource]:
    """One Observation for the pressure and one for each other value; paths are profile paths in their own unit.

    With `administration_id` the readings were taken under the drug and are never read as resting values.
    """
    frame: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "subject": subject(patient_id),
        "effectiveDateTime": at.isoformat(),
    }
    if visit_id is not None:
        frame["encounter"] = {"reference": f"Encounter/{visit_id}"}
    if administration_id is not None:
        frame["partOf"] = [{"reference": f"MedicationAdministration/{administration_id}"}]
    vital = {"category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "")]}
    made: list[Resource] = []
    pressures = {p: values[p] for p in PRESSURES if p in values}
    if pressures:
        parts = [
            {"code": concept(LOINC, PRESSURES[p], ""), "valueQuantity": quantity(v, "mm[Hg]")}
            for p, v in pressures.items()
        ]
        made.append({**frame, **vital, "id": f"{identity}-pressure", "code": concept(LOINC, "85354-9", "Blood pressure"), "component": parts})  # noqa: E501  # fmt: skip
    for path, value in values.items():
        if path in PRESSURES:
            continue
        resource = {**frame, "id": f"{identity}-{path.replace('.', '-').replace('_', '-')}"[:64]}
        if path in SINGLE_VITALS:
            codes, words, unit = SINGLE_VITALS[path]
            coding = [{"system": LOINC, "code": code} for code in codes]
            resource |= {**vital, "code": {"coding": coding, "text": words}, "valueQuantity": quantity(value, unit)}
        else:
            resource["code"] = concept(FACT, path, path)
            resource |= {"valueBoolean": value} if isinstance(value, bool) else {"valueQuantity": {"value": value}}
        made.append(resource)
    return made


def event(
    identity: str,
    kind: str,
    *,
    patient_id: str,
    visit_id: str,
    at: datetime,
    by: str,
    username: str,
    value: float | None = None,
    unit: str | None = None,
    words: str = "",
) -> Resource:
    """One timed fact of a visit that is no reading; `kind` is one of `domain.session.EVENTS`, `unit` a UCUM code."""
    code = concept(LOCAL, "session-event", kind)
    made: Resource = {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {**code, "coding": [*code["coding"], {"system": EVENT, "code": kind}]},
        "subject": subject(patient_id),
        "encounter": {"reference": f"Encounter/{visit_id}"},
        "effectiveDateTime": at.isoformat(),
        "performer": [person(by, username)],
    }
    if value is not None:
        made["valueQuantity"] = quantity(value, unit or "1")
    if words:
        made["note"] = [{"text": words}]
    return made


def missed(
    identity: str, misses: Sequence[Miss], *, patient_id: str, visit_id: str, at: datetime, status: str = "final"
) -> Resource:
    """How far the readings of a visit were from what was expected, a component for each quantity."""
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": status,
        "code": concept(LOCAL, "session-miss", "Observed against expected"),
        "subject": subject(patient_id),
        "encounter": {"reference": f"Encounter/{visit_id}"},
        "effectiveDateTime": at.isoformat(),
        "component": [
            {
                "code": concept(MISS, miss.quantity, miss.quantity),
                "valueQuantity": quantity(miss.mean, miss.unit),
                "extension": [
                    {"url": f"{MISS}/standardised", "valueDecimal": miss.standardised},
                    {"url": f"{MISS}/readings", "valueInteger": miss.readings},
                    {"url": f"{MISS}/outside", "valueInteger": miss.outside},
                ],
            }
            for miss in misses
        ],
    }


def taken_under(reading: Mapping[str, Any], administration_id: str) -> Resource:
    """The same reading, once it is known that the dose had begun by then."""
    part = [{"reference": f"MedicationAdministration/{administration_id}"}]
    return {**reading, "status": "amended", "partOf": part}
