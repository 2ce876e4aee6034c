"""Small FHIR elements as ketapath writes them: a coded concept, a quantity, whom something is about, who did it."""

from __future__ import annotations

from typing import Any

UCUM = "http://unitsofmeasure.org"
ACCOUNT = "https://ketapath.org/fhir/account"

Resource = dict[str, Any]


def subject(patient_id: str) -> Resource:
    """A reference to whom it is about."""
    return {"reference": f"Patient/{patient_id}"}


def person(name: str, username: str) -> Resource:
    """Somebody of the clinic, by name and account."""
    return {"identifier": {"system": ACCOUNT, "value": username}, "display": name}


def concept(system: str, code: str, words: str) -> Resource:
    """One code with its words."""
    made: Resource = {"coding": [{"system": system, "code": code}]}
    return {**made, "text": words} if words else made


def quantity(value: float, unit: str) -> Resource:
    """An amount in a UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
