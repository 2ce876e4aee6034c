"""Invented people with about a hundred resources each, as a ketamine clinic's record holds them; by a seed.

Nothing here is clinical advice or a model of illness: what counts is how many resources of which type, code and day
one person has, and how long their texts are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

A_PERSON = 100
"""Resources of one person."""
SNOMED, LOINC, UCUM, LOCAL = (
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://unitsofmeasure.org",
    "https://ketapath.org/fhir/local",
)
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SINGLE = (("8867-4", "Heart rate", "/min", 74, 11), ("59408-5", "Oxygen saturation", "%", 97, 1))
LABORATORY = (
    ("2160-0", "Creatinine", "mg/dL", 0.9, 0.2),
    ("1742-6", "ALT", "U/L", 24, 9),
    ("2951-2", "Sodium", "mmol/L", 140, 3),
)
FAMILIES = ["Okafor", "Lindqvist", "Marques", "Yilmaz", "Novak", "Haddad", "Ferreira", "Kowalski", "Tanaka", "Mbeki"]
GIVEN = ["Maren", "Tomas", "Aylin", "Jonas", "Ines", "Samir", "Greta", "Noor", "Pavel", "Zoe", "Amara", "Luca", "Hana"]
SESSIONS = 8
_START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)


def person(number: int) -> Iterator[dict[str, Any]]:
    """The resources of one person, in the order in which a clinic would write them."""
    draw = random.Random(number)
    patient = f"person-{number}"
    subject = {"reference": f"Patient/{patient}"}
    start = _START + timedelta(days=draw.randrange(900), minutes=draw.randrange(480))
    born = f"{draw.randint(1945, 2005)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
    name = {"family": draw.choice(FAMILIES), "given": [draw.choice(GIVEN)]}
    yield {"resourceType": "Patient", "id": patient,
           "identifier": [{"system": "https://clinic.example/mrn", "value": f"{number:08}"}],
           "name": [name], "gender": draw.choice(["female", "male"]), "birthDate": born}  # fmt: skip
    for n, code in enumerate(draw.sample(["370143000", "21897009", "47505003", "38341003", "73211009"], 3)):
        yield {"resourceType": "Condition", "id": f"{patient}-condition-{n}", "subject": subject,
               "clinicalStatus": _concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
               "code": _concept(SNOMED, code), "onsetDateTime": f"{draw.randint(2010, 2023)}"}  # fmt: skip
    for n in range(2):
        yield {"resourceType": "MedicationRequest", "id": f"{patient}-order-{n}", "status": "active", "intent": "order",
               "subject": subject, "authoredOn": start.isoformat(), "requester": {"display": "A. Prescriber"},
               "medicationCodeableConcept": _concept("http://fdasis.nlm.nih.gov", "690G0D6V8H")}  # fmt: skip
    for n, (code, words, unit, mean, spread) in enumerate(LABORATORY):
        yield _observation(f"{patient}-laboratory-{n}", subject, start, "laboratory", code, words) | _value(
            draw.gauss(mean, spread), unit
        )
    for session in range(SESSIONS):
        yield from _session(draw, patient, subject, start + timedelta(days=3.5 * session), session)
    yield {"resourceType": "CarePlan", "id": f"{patient}-plan", "status": "active", "intent": "plan",
           "subject": subject, "created": start.isoformat(), "period": {"start": start.date().isoformat()},
           "category": [_concept(LOCAL, "ketamine-plan")]}  # fmt: skip
    yield {"resourceType": "Goal", "id": f"{patient}-goal", "lifecycleStatus": "active", "subject": subject,
           "description": {"text": "Sleep through the night"}, "startDate": start.date().isoformat()}  # fmt: skip
    yield {"resourceType": "Provenance", "id": f"{patient}-origin",
           "target": [{"reference": f"CarePlan/{patient}-plan"}], "recorded": start.isoformat(),
           "agent": [{"who": {"display": "A. Prescriber"}}]}  # fmt: skip


def _session(draw: random.Random, patient: str, subject: Any, at: datetime, session: int) -> Iterator[dict[str, Any]]:
    """A visit with its dose, its readings and its questionnaire: eleven resources."""
    visit = f"{patient}-visit-{session}"
    here = {"encounter": {"reference": f"Encounter/{visit}"}}
    yield {"resourceType": "Encounter", "id": visit, "status": "finished", "subject": subject,
           "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
           "period": {"start": at.isoformat(), "end": (at + timedelta(hours=3)).isoformat()}}  # fmt: skip
    yield {"resourceType": "MedicationAdministration", "id": f"{visit}-dose", "status": "completed", "subject": subject,
           "context": {"reference": f"Encounter/{visit}"}, "effectivePeriod": {"start": at.isoformat()},
           "medicationCodeableConcept": _concept("http://fdasis.nlm.nih.gov", "690G0D6V8H"),
           "dosage": {"dose": {"value": 35, "unit": "mg", "system": UCUM, "code": "mg"}}}  # fmt: skip
    for reading in range(2):
        then = at + timedelta(minutes=20 + 40 * reading)
        parts = [
            {"code": _concept(LOINC, code), **_value(draw.gauss(mean, 12), "mm[Hg]")}
            for code, mean in (("8480-6", 128), ("8462-4", 79))
        ]
        name = f"{visit}-reading-{reading}"
        yield (
            _observation(f"{name}-pressure", subject, then, "vital-signs", "85354-9", "Blood pressure")
            | here
            | {"component": parts}
        )
        for n, (code, words, unit, mean, spread) in enumerate(SINGLE):
            made = _observation(f"{name}-{n}", subject, then, "vital-signs", code, words)
            yield made | here | _value(draw.gauss(mean, spread), unit)
    weight = _observation(f"{visit}-weight", subject, at, "vital-signs", "29463-7", "Body weight")
    yield weight | here | _value(draw.gauss(75, 14), "kg")
    answers = [draw.randint(0, 3) for _ in range(9)]
    yield {"resourceType": "QuestionnaireResponse", "id": f"{visit}-phq9", "status": "completed", "subject": subject,
           "questionnaire": "http://loinc.org/q/44249-1", "authored": at.isoformat(),
           "item": [{"linkId": f"/{n}", "answer": [{"valueInteger": a}]} for n, a in enumerate(answers)]}  # fmt: skip
    total = _observation(f"{visit}-total", subject, at, "survey", "44261-6", "PHQ-9 total")
    yield total | here | _value(sum(answers), "{score}")


def _observation(identity: str, subject: Any, at: datetime, category: str, code: str, words: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": identity, "status": "final", "subject": subject,
            "category": [_concept(CATEGORY, category)], "code": _concept(LOINC, code, words),
            "effectiveDateTime": at.isoformat()}  # fmt: skip


def _concept(system: str, code: str, words: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"coding": [{"system": system, "code": code}]}
    return {**made, "text": words} if words else made


def _value(value: float, unit: str) -> dict[str, Any]:
    return {"valueQuantity": {"value": round(value, 1), "unit": unit, "system": UCUM, "code": unit}}


def texts(first: int, last: int) -> Iterator[tuple[str, str, str, str]]:
    """Type, id, person and text of every resource of these people, the last one excluded."""
    for number in range(first, last):
        for resource in person(number):
            yield resource["resourceType"], resource["id"], f"person-{number}", json.dumps(resource)
