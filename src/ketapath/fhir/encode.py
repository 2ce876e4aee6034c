"""How is a plan, a session or a score said in FHIR R4? The way back into a record, with digest and versions.

What is written here is read back by `statements` as the same doses and scores; a test holds the two together.
Codes that nobody has confirmed are sent as text with a local code, never as if they were confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.domain.fact import ScoreEntry
from ketapath.domain.plan import Appointment, Option, Plan
from ketapath.domain.session import Session

LOCAL = "https://ketapath.org/fhir/local"
FACT = "https://ketapath.org/fhir/fact"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_UNII = "http://fdasis.nlm.nih.gov"
_SNOMED = "http://snomed.info/sct"
_SUBSTANCE = {"racemic": ("690G0D6V8H", "ketamine"), "esketamine": ("50LFG02TXD", "esketamine")}
_ROUTES = {
    "iv": ("47625008", "Intravenous route"),
    "nasal": ("46713006", "Nasal route"),
    "im": ("78421000", "Intramuscular route"),
    "sc": ("34206005", "Subcutaneous route"),
    "oral": ("26643006", "Oral route"),
    "sublingual": ("37839007", "Sublingual route"),
    "buccal": ("54471007", "Buccal route"),
}


def plan_resources(plan: Plan, option: Option, *, status: str = "draft") -> list[dict[str, Any]]:
    """A CarePlan for one option with its appointments as activities, and a Task for each thing to arrange."""
    subject = {"reference": f"Patient/{plan.candidacy.patient_id}"}
    care_plan = {
        "resourceType": "CarePlan",
        "id": f"plan-{plan.inputs_digest}-{option.id}",
        "status": status,
        "intent": "proposal",
        "subject": subject,
        "created": plan.candidacy.as_of.isoformat(),
        "category": [_concept(LOCAL, "ketamine-plan", f"{option.product} {option.route}")],
        "activity": [{"detail": _activity(appointment)} for appointment in option.schedule],
        "extension": [
            {"url": f"{LOCAL}/{name}", "valueString": value}
            for name, value in (
                ("inputs-digest", plan.inputs_digest),
                ("seed", str(plan.seed)),
                ("knowledge-version", plan.knowledge_version),
                ("code-version", plan.code_version),
            )
        ],
    }
    tasks = [
        {
            "resourceType": "Task",
            "id": f"task-{plan.inputs_digest}-{option.id}-{index}",
            "status": "requested",
            "intent": "proposal",
            "for": subject,
            "basedOn": [{"reference": f"CarePlan/{care_plan['id']}"}],
            "code": _concept(LOCAL, task.need, task.title.key),
            "restriction": {"period": {"end": task.due.isoformat()}},
            "performerType": [{"text": task.who}],
        }
        for index, task in enumerate(option.support)
    ]
    return [care_plan, *tasks]


def session_resources(session: Session, *, patient_id: str) -> list[dict[str, Any]]:
    """The dose given as a MedicationAdministration, and one Observation for each reading."""
    subject = {"reference": f"Patient/{patient_id}"}
    dose = session.dose
    unii, name = _SUBSTANCE[dose.product]
    code, display = _ROUTES[dose.route]
    minutes = int(dose.duration_min or 0)
    end = f"{9 + minutes // 60:02d}:{minutes % 60:02d}:00"
    administration: dict[str, Any] = {
        "resourceType": "MedicationAdministration",
        "id": dose.origin.id,
        "status": "stopped" if dose.stopped_early else "completed",
        "subject": subject,
        "medicationCodeableConcept": _concept(_UNII, unii, name),
        "dosage": {"route": _concept(_SNOMED, code, display)},
    }
    if dose.duration_min is None:
        administration["effectiveDateTime"] = session.on.isoformat()
    else:
        day = session.on.isoformat()
        administration["effectivePeriod"] = {"start": f"{day}T09:00:00Z", "end": f"{day}T{end}Z"}
    if dose.dose_mg is not None:
        administration["dosage"]["dose"] = _quantity(dose.dose_mg, "mg")
    readings = [
        {
            "resourceType": "Observation",
            "id": f"{dose.origin.id}-reading-{index}",
            "status": "final",
            "subject": subject,
            "effectiveDateTime": session.on.isoformat(),
            "partOf": [{"reference": f"MedicationAdministration/{dose.origin.id}"}],
            "code": _concept(FACT, reading.quantity, reading.quantity),
            "valueQuantity": {"value": reading.value},
        }
        for index, reading in enumerate(session.readings)
    ]
    return [administration, *readings]


def score_resource(entry: ScoreEntry, instrument: Mapping[str, Any], *, patient_id: str) -> dict[str, Any]:
    """A total as an Observation with its items as components; an absent total says so instead of a number."""
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": entry.origin.id,
        "status": "final",
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": entry.on.isoformat(),
        "code": _concept(_LOINC, instrument["loinc"]["total"], instrument["title"]),
        "component": [
            {"code": _concept(_LOINC, item["loinc"], item["id"]), "valueInteger": answer}
            for item, answer in zip(instrument["items"], entry.items, strict=False)
            if answer is not None
        ],
    }
    if entry.total is None or entry.reason is not None:
        resource["dataAbsentReason"] = {"coding": [{"code": "unknown"}]}
    else:
        resource["valueQuantity"] = _quantity(entry.total, "{score}")
    return resource


def _activity(appointment: Appointment) -> dict[str, Any]:
    starts = "" if appointment.starts is None else f"T{appointment.starts.isoformat()}"
    return {
        "status": "scheduled",
        "code": _concept(LOCAL, appointment.kind, appointment.title.key),
        "scheduledString": f"{appointment.on.isoformat()}{starts}",
        "description": f"{appointment.minutes} min; {appointment.setting}; {', '.join(appointment.with_whom)}",
    }


def _concept(system: str, code: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], "text": words}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}
