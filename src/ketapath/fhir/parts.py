"""Which part of a record does a resource belong to? Read from ketapath's own marks and from codes of FHIR.

A part is what reading is granted by: therapists' process notes, notes among staff and the arm of a study stand apart
from the chart. Nothing apart feeds the advice (`ADVISED` does), so that a plan is the same whoever looks at it.
Sources: HL7 FHIR R4 (4.0.1); HL7 v3 ActCode, sensitivity PSYTHPN (psychotherapy note).
"""

from __future__ import annotations

from collections.abc import Iterator

from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Resource
from ketapath.fhir.readback import is_ours, note_of

PARTS = ("person", "chart", "course", "process-notes", "staff-notes", "study-arm", "drafts")
"""Who it is; what is stated, ordered and given; what ketapath advised and what was decided on it; and what is apart."""
DRAFTS = "drafts"
"""Notes that their author has not signed yet; nobody else reads them by any way."""
ADVISED = frozenset({"person", "chart", "course"})
"""The parts that the core reads."""
PROCESS_NOTE = "process-note"
"""Our local code (type, category, code or security label) for a therapist's note on the process of therapy."""
STAFF_NOTE = "staff-note"
"""Our local code for a note among staff."""
_PERSON = frozenset({"Patient", "RelatedPerson", "Coverage"})
_ADVICE = frozenset({"RiskAssessment", "Task", "DetectedIssue"})
_PSYCHOTHERAPY_NOTE = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "PSYTHPN")


def part_of(resource: Resource) -> str:
    """One of `PARTS`.

    A label of an apart note counts wherever it stands, so that a note which another system labelled is apart here too.
    """
    note = note_of(resource)
    if note is not None and resource.get("docStatus") == "preliminary":
        return DRAFTS
    marks = set(_local_marks(resource))
    if PROCESS_NOTE in marks:
        return "process-notes"
    if STAFF_NOTE in marks:
        return "staff-notes"
    kind = resource.get("resourceType")
    if kind == "ResearchSubject":
        return "study-arm"
    if kind in _PERSON:
        return "person"
    is_draft = kind == "CarePlan" and resource.get("status") == "draft"
    return "course" if (kind in _ADVICE or is_draft) and is_ours(resource) else "chart"


def _local_marks(resource: Resource) -> Iterator[str]:
    """Local codes of what it is, and of its security labels; the label of another system in our word."""
    for field in ("type", "category", "code", "securityLabel"):
        yield from (coding.code for coding in el.codings(resource, field) if coding.system == "local")
    labels = [*el.objects(resource.get("meta"), "security")]
    labels += [coding for concept in el.objects(resource, "securityLabel") for coding in el.objects(concept, "coding")]
    for label in labels:
        if (label.get("system"), label.get("code")) == _PSYCHOTHERAPY_NOTE:
            yield PROCESS_NOTE
        elif isinstance(label.get("system"), str) and el.SYSTEMS.get(str(label["system"])) == "local":
            yield str(label.get("code"))
