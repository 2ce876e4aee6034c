"""What does each kind of resource state? One resource, one fact, with the place it was read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.records import SUBJECT, TODAY, days_ago, person, record

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
NOW = TODAY.isoformat()


def concept(system: str, code: str, words: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": words}]}


STATED: dict[str, tuple[dict[str, Any], str, Any]] = {
    "an allergy to ketamine": (
        {"resourceType": "AllergyIntolerance", "patient": SUBJECT, "code": {"text": "Ketamine"}},
        "history.ketamine_hypersensitivity",
        True,
    ),
    "no known allergy": (
        {"resourceType": "AllergyIntolerance", "patient": SUBJECT, "code": concept(SNOMED, "716186003")},
        "history.ketamine_hypersensitivity",
        False,
    ),
    "schizophrenia in the family": (
        {
            "resourceType": "FamilyMemberHistory",
            "status": "completed",
            "patient": SUBJECT,
            "condition": [{"code": concept("http://hl7.org/fhir/sid/icd-10-cm", "F20.9")}],
        },
        "history.family_psychosis",
        True,
    ),
    "a medicine list that was checked": (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "subject": SUBJECT,
            "code": concept(SNOMED, "430193006"),
            "performedDateTime": days_ago(4).isoformat(),
        },
        "medicines.list_confirmed",
        True,
    ),
    "a stay in hospital": (
        {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {"code": "IMP"},
            "subject": SUBJECT,
            "period": {"start": days_ago(2).isoformat()},
        },
        "setting.inpatient",
        True,
    ),
    "insurance": (
        {"resourceType": "Coverage", "status": "active", "beneficiary": SUBJECT},
        "social.insured",
        True,
    ),
    "a partner": ({"resourceType": "RelatedPerson", "patient": SUBJECT}, "social.caregiver", True),
    "psychotherapy under way": (
        {
            "resourceType": "CarePlan",
            "status": "active",
            "intent": "plan",
            "subject": SUBJECT,
            "category": [concept(SNOMED, "75516001")],
            "period": {"start": days_ago(30).isoformat()},
        },
        "therapy.current",
        True,
    ),
    "consent": (
        {
            "resourceType": "Consent",
            "status": "active",
            "patient": SUBJECT,
            "scope": {"coding": [{"code": "treatment"}]},
            "dateTime": days_ago(10).isoformat(),
        },
        "consent.signed",
        True,
    ),
    "a certificate that is valid": (
        {
            "resourceType": "Practitioner",
            "qualification": [{"code": {"text": "ACLS"}, "period": {"end": days_ago(-30).isoformat()}}],
        },
        "staff.acls",
        True,
    ),
    "a certificate that has run out": (
        {
            "resourceType": "Practitioner",
            "qualification": [{"code": {"text": "ACLS"}, "period": {"end": days_ago(1).isoformat()}}],
        },
        "staff.acls",
        False,
    ),
    "a positive pregnancy test": (
        {
            "resourceType": "Observation",
            "status": "final",
            "subject": SUBJECT,
            "code": concept(LOINC, "2106-3"),
            "effectiveDateTime": NOW,
            "valueCodeableConcept": concept(SNOMED, "10828004", "Positive"),
        },
        "history.pregnant",
        True,
    ),
    "a medicine by reference": (
        {
            "resourceType": "MedicationStatement",
            "status": "active",
            "subject": SUBJECT,
            "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "Theophylline 200 mg"}}],
            "medicationReference": {"reference": "#m"},
        },
        "medicines.theophylline",
        True,
    ),
}


@pytest.mark.parametrize("name", STATED)
def test_a_resource_states_its_fact(name: str) -> None:
    resource, path, value = STATED[name]
    fact = person(record({"id": "r1", "meta": {"versionId": "3"}} | resource)).known[path]
    assert fact.value is value
    assert str(fact.origin) == f"{resource['resourceType']}/r1" + "/_history/3"


@pytest.mark.parametrize("name", [n for n in STATED if STATED[n][0].get("status")])
def test_a_resource_entered_in_error_states_nothing(name: str) -> None:
    resource, path, _ = STATED[name]
    assert path not in person(record({"id": "r1"} | resource | {"status": "entered-in-error"})).known


def test_a_lack_of_transport_says_that_nobody_takes_the_person_home_and_its_absence_says_nothing() -> None:
    asked = {
        "resourceType": "Observation",
        "id": "transport",
        "status": "final",
        "subject": SUBJECT,
        "code": concept(LOINC, "93030-5"),
        "effectiveDateTime": NOW,
    }
    lacking = person(record(asked | {"valueCodeableConcept": concept(LOINC, "LA30133-5")}))
    assert lacking.known["social.ride_home"].value is False
    assert "social.ride_home" not in person(record(asked | {"valueCodeableConcept": concept(LOINC, "LA32-8")})).known
