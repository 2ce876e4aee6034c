"""How is an adverse event said in FHIR R4, and read back? Grade, criteria and lot have no place there and are ours.

Source: HL7 FHIR R4 (4.0.1), AdverseEvent, its value sets of severity, seriousness and outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from ketapath.domain.adverse import CAUSALITY, CRITERIA, GRADES, OUTCOMES, AdverseEvent
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.shapes import concept, person, subject

_SEVERITY = "http://terminology.hl7.org/CodeSystem/adverse-event-severity"
_SERIOUSNESS = "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness"
_OUTCOME = "http://terminology.hl7.org/CodeSystem/adverse-event-outcome"
_OUTCOMES: Mapping[str, str] = MappingProxyType(
    {"recovered": "resolved", "recovering": "recovering", "ongoing": "ongoing",
     "with-sequelae": "resolvedWithSequelae", "fatal": "fatal", "unknown": "unknown"}
)  # fmt: skip
_GRAVE_FROM = 3  # source: CTCAE: grade 3 is severe
assert set(_OUTCOMES) == set(OUTCOMES)


def adverse_event(event: AdverseEvent) -> dict[str, Any]:
    """The resource; instants are written in the zone that they are given in."""
    extension: list[Resource] = [{"url": f"{LOCAL}/grade", "valueInteger": event.grade}]
    extension += [{"url": f"{LOCAL}/criterion", "valueCode": one} for one in event.criteria]
    extension += [
        {"url": f"{LOCAL}/{name}", "valueString": words}
        for name, words in (("lot", event.lot), ("taken", event.taken), ("story", event.story),
                            ("causality", event.causality), ("product", event.product),
                            ("withdrawn", event.withdrawn))
        if words
    ]  # fmt: skip
    if event.followed_up_by is not None:
        extension.append({"url": f"{LOCAL}/follow-up-by", "valueDate": event.followed_up_by.isoformat()})
    severity = "mild" if event.grade == GRADES[0] else "severe" if event.grade >= _GRAVE_FROM else "moderate"
    resource: dict[str, Any] = {
        "resourceType": "AdverseEvent",
        "id": event.origin.id,
        "extension": extension,
        "actuality": "actual",
        "event": {"text": event.words},
        "subject": subject(event.patient_id),
        "date": event.onset.isoformat(),
        "recordedDate": event.recorded_at.isoformat(),
        "seriousness": concept(_SERIOUSNESS, "serious" if event.is_serious else "non-serious", ""),
        "severity": concept(_SEVERITY, severity, ""),
        "outcome": concept(_OUTCOME, _OUTCOMES[event.outcome], ""),
        "recorder": person(event.by, event.username),
    }
    if event.visit_id:
        resource["encounter"] = {"reference": f"Encounter/{event.visit_id}"}
    if event.administration_id:
        given = {"reference": f"MedicationAdministration/{event.administration_id}", "display": event.product}
        resource["suspectEntity"] = [{"instance": given}]
    return resource


def adverse_events(bundle: Bundle) -> tuple[AdverseEvent, ...]:
    """Every event that was written here, oldest first; those withdrawn too."""
    found = (adverse_event_of(resource) for resource in bundle.of_type("AdverseEvent"))
    return tuple(sorted(filter(None, found), key=lambda e: (e.onset, e.origin.id)))


def adverse_event_of(resource: Resource) -> AdverseEvent | None:
    """One event; None for what is none of ours or lacks a part."""
    said: dict[str, Resource] = {}
    criteria = []
    for one in el.objects(resource, "extension"):
        name = str(one.get("url")).removeprefix(f"{LOCAL}/")
        if name == "criterion":
            criteria.append(str(one.get("valueCode")))
        said[name] = one
    grade = said.get("grade", {}).get("valueInteger")
    onset, recorded = _instant(resource.get("date")), _instant(resource.get("recordedDate"))
    code = el.first_code(resource, "outcome")
    outcome = next((ours for ours, theirs in _OUTCOMES.items() if theirs == code), None)
    recorder = resource.get("recorder") or {}
    event = resource.get("event")
    is_whole = grade in GRADES and onset is not None and recorded is not None and outcome is not None
    if resource.get("resourceType") != "AdverseEvent" or not is_whole or not isinstance(event, dict):
        return None
    assert isinstance(grade, int) and onset is not None and recorded is not None and outcome is not None
    causality = _words(said, "causality")
    return AdverseEvent(
        origin=el.origin(resource),
        patient_id=_after(resource.get("subject"), "Patient"),
        visit_id=_after(resource.get("encounter"), "Encounter"),
        administration_id=next(
            (_after(e.get("instance"), "MedicationAdministration") for e in el.objects(resource, "suspectEntity")), ""
        ),
        words=el.text(event, "text") or "",
        onset=onset,
        grade=grade,
        criteria=tuple(one for one in CRITERIA if one in criteria),
        causality=causality if causality in CAUSALITY else "not-assessed",
        outcome=outcome,
        product=_words(said, "product"),
        lot=_words(said, "lot"),
        taken=_words(said, "taken"),
        story=_words(said, "story"),
        followed_up_by=_day(said.get("follow-up-by", {}).get("valueDate")),
        by=el.text(recorder, "display") or "",
        username=el.text(recorder.get("identifier"), "value") or "",
        recorded_at=recorded,
        withdrawn=_words(said, "withdrawn"),
    )


def _words(said: Mapping[str, Resource], name: str) -> str:
    return str(said.get(name, {}).get("valueString") or "")


def _after(reference: object, kind: str) -> str:
    words = str(reference.get("reference") or "") if isinstance(reference, dict) else ""
    return words.removeprefix(f"{kind}/") if words.startswith(f"{kind}/") else ""


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _instant(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)
