"""A resource belongs to one part of a record; notes that stand apart are known by any label that says so."""

from __future__ import annotations

from typing import Any

import pytest

from ketapath.fhir.encode import LOCAL
from ketapath.fhir.parts import ADVISED, PARTS, part_of

PSYCHOTHERAPY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"}
PROCESS = {"coding": [{"system": LOCAL, "code": "process-note"}]}
STAFF = {"coding": [{"system": LOCAL, "code": "staff-note"}]}
PHQ9 = {"coding": [{"system": "http://loinc.org", "code": "44249-1"}]}
OURS = {"coding": [{"system": LOCAL, "code": "ketamine-plan"}]}


@pytest.mark.requirement(14)
@pytest.mark.parametrize(
    ("resource", "part"),
    [
        ({"resourceType": "Patient"}, "person"),
        ({"resourceType": "RelatedPerson"}, "person"),
        ({"resourceType": "Observation", "code": PHQ9}, "chart"),
        ({"resourceType": "DocumentReference", "type": PROCESS}, "process-notes"),
        ({"resourceType": "DocumentReference", "category": [PROCESS]}, "process-notes"),
        ({"resourceType": "Observation", "code": PROCESS}, "process-notes"),
        ({"resourceType": "DocumentReference", "securityLabel": [{"coding": [PSYCHOTHERAPY]}]}, "process-notes"),
        ({"resourceType": "Composition", "meta": {"security": [PSYCHOTHERAPY]}}, "process-notes"),
        ({"resourceType": "Communication", "category": [STAFF]}, "staff-notes"),
        ({"resourceType": "DocumentReference", "type": {"coding": [{"system": "x", "code": "process-note"}]}}, "chart"),
        ({"resourceType": "ResearchSubject"}, "study-arm"),
        ({"resourceType": "CarePlan", "status": "draft", "category": [OURS]}, "course"),
        ({"resourceType": "CarePlan", "status": "active", "category": [OURS]}, "chart"),
        ({"resourceType": "RiskAssessment", "method": OURS}, "course"),
        ({"resourceType": "RiskAssessment"}, "chart"),
        ({"resourceType": "Observation", "meta": {"security": "odd"}, "code": 3, "category": [None]}, "chart"),
    ],
)  # fmt: skip
def test_each_resource_has_its_part(resource: dict[str, Any], part: str) -> None:
    assert part_of(resource) == part
    assert part in PARTS


def test_what_stands_apart_never_feeds_the_advice() -> None:
    assert set(PARTS) - ADVISED == {"process-notes", "staff-notes", "study-arm", "drafts"}
