"""How is a plan, an order, a session, an answer or a decision said in FHIR R4? The way back into a record.

What is written here is read back by `record` and `statements` as the same values; a test holds the two together.
Codes that nobody has confirmed are sent as text with a local code, never as if they were confirmed. Instants are
written in the zone they are given in, so that the day of a fact is the clinic's day.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ketapath.domain.evidence import RuleRef
from ketapath.domain.fact import Value
from ketapath.domain.plan import Appointment, Decided, Option, Plan, Recommendation
from ketapath.errors import BadInput
from ketapath.fhir.shapes import Resource
from ketapath.fhir.shapes import concept as _concept
from ketapath.fhir.shapes import person as _person
from ketapath.fhir.shapes import quantity as _quantity
from ketapath.fhir.shapes import subject as _subject

LOCAL = "https://ketapath.org/fhir/local"
FACT = "https://ketapath.org/fhir/fact"
DOSE_STEP = f"{LOCAL}/dose-step"
LOINC = "http://loinc.org"
UNII = "http://fdasis.nlm.nih.gov"
SNOMED = "http://snomed.info/sct"
SUBSTANCE = {"racemic": ("690G0D6V8H", "ketamine"), "esketamine": ("50LFG02TXD", "esketamine")}
ROUTES = {
    "iv": ("47625008", "Intravenous route"),
    "nasal": ("46713006", "Nasal route"),
    "im": ("78421000", "Intramuscular route"),
    "sc": ("34206005", "Subcutaneous route"),
    "oral": ("26643006", "Oral route"),
    "sublingual": ("37839007", "Sublingual route"),
    "buccal": ("54471007", "Buccal route"),
}
SINGLE_VITALS = {
    "vitals.heart_rate_per_min": (("8867-4",), "Heart rate", "/min"),
    "vitals.spo2_percent": (("2708-6", "59408-5"), "Oxygen saturation", "%"),
    "vitals.weight_kg": (("29463-7",), "Body weight", "kg"),
}
GOAL_LEVELS = {
    -2: ("LA34484-8", "Much less than expected"),
    -1: ("LA34483-0", "Less than expected"),
    0: ("LA34481-4", "Expected outcome"),
    1: ("LA34480-6", "Better than expected"),
    2: ("LA34479-8", "Much better than expected"),
}
NOTES = {
    "progress": ("progress-note", "Progress note"),
    "process": ("process-note", "Therapy process note"),
    "preparation": ("preparation-note", "Preparation note"),
    "integration": ("integration-note", "Integration note"),
}
"""The kinds of notes with their local codes; a process note is the therapist's own and stands apart from the chart."""
SECTION = f"{LOCAL}/section-"
SIGNATURE_TYPES = {
    "author": ("1.2.840.10065.1.12.1.1", "Author's Signature"),
    "witness": ("1.2.840.10065.1.12.1.9", "Event Witness Signature"),
    "review": ("1.2.840.10065.1.12.1.13", "Review Signature"),
}
"""The meanings of a signature that ASTM E1762 has a code for; the others are sent with a local one."""
PRESSURES = {"vitals.systolic_mmhg": "8480-6", "vitals.diastolic_mmhg": "8462-4"}


def signed_plan(
    plan: Plan, option: Option, *, identity: str, dose_mg: float | None, by: str, at: datetime, recommendation: str
) -> list[Resource]:
    """A CarePlan for the chosen option, a Task for each thing to arrange, and the order where there is a dose.

    `dose_mg` (base) may differ from the option's where the signer changed it.
    """
    subject = _subject(plan.candidacy.patient_id)
    care_plan: Resource = {
        "resourceType": "CarePlan",
        "id": identity,
        "status": "active",
        "intent": "plan",
        "subject": subject,
        "created": at.isoformat(),
        "title": option.id,
        "author": {"display": by},
        "category": [_concept(LOCAL, "ketamine-plan", f"{option.product} {option.route}")],
        "supportingInfo": [{"reference": f"RiskAssessment/{recommendation}"}],
        "activity": [{"detail": _activity(appointment)} for appointment in option.schedule],
    }
    later = option.steps[1:] if option.steps and option.steps[0].dose_mg == dose_mg else ()
    if later:
        care_plan["extension"] = [_dose_step(step.from_session, step.dose_mg) for step in later]
    tasks = [
        {
            "resourceType": "Task",
            "id": f"{identity}-task-{index}",
            "status": "requested",
            "intent": "plan",
            "for": subject,
            "basedOn": [{"reference": f"CarePlan/{identity}"}],
            "code": _concept(LOCAL, task.need, task.title.key),
            "restriction": {"period": {"end": task.due.isoformat()}},
            "performerType": [{"text": task.who}],
        }
        for index, task in enumerate(option.support)
    ]
    if dose_mg is None:
        return [care_plan, *tasks]
    return [care_plan, *tasks, _order(option, subject, identity=identity, dose_mg=dose_mg, by=by, at=at)]


def _dose_step(from_session: int, dose_mg: float) -> Resource:
    """A dose that is meant from a later session on; each is ordered when its time has come."""
    parts = [{"url": "from", "valueInteger": from_session}, {"url": "dose", "valueQuantity": _quantity(dose_mg, "mg")}]
    return {"url": DOSE_STEP, "extension": parts}


def _order(option: Option, subject: Resource, *, identity: str, dose_mg: float, by: str, at: datetime) -> Resource:
    unii, name = SUBSTANCE[option.product]
    code, display = ROUTES[option.route]
    dosage: Resource = {
        "route": _concept(SNOMED, code, display),
        "doseAndRate": [{"doseQuantity": _quantity(dose_mg, "mg")}],
    }
    if option.infusion_min is not None:
        dosage["timing"] = {"repeat": {"duration": option.infusion_min, "durationUnit": "min"}}
    return {
        "resourceType": "MedicationRequest",
        "id": f"{identity}-order",
        "status": "active",
        "intent": "order",
        "subject": subject,
        "authoredOn": at.isoformat(),
        "requester": {"display": by},
        "basedOn": [{"reference": f"CarePlan/{identity}"}],
        "medicationCodeableConcept": _concept(UNII, unii, name),
        "dosageInstruction": [dosage],
    }


def answers(
    identity: str,
    instrument: Mapping[str, Any],
    given: Sequence[int | None],
    *,
    patient_id: str,
    at: date,
    by: str,
) -> Resource:
    """A questionnaire as it was answered, item by item; an item without an answer is absent, never zero.

    `at` is the instant, or the day alone where the time is not known.
    """
    codes = {int(o["score"]): o.get("loinc_answer") for o in instrument["options"]}

    def said(answer: int) -> dict[str, Any]:
        return {"valueCoding": {"system": LOINC, "code": codes[answer]}} if codes[answer] else {"valueInteger": answer}

    return {
        "resourceType": "QuestionnaireResponse",
        "id": identity,
        "status": "completed",
        "questionnaire": f"{LOINC}/q/{instrument['loinc']['panel']}",
        "subject": _subject(patient_id),
        "authored": at.isoformat(),
        "author": {"display": by},
        "item": [
            {"linkId": f"/{item.get('loinc') or item['id']}", "answer": [said(answer)]}
            for item, answer in zip(instrument["items"], given, strict=True)
            if answer is not None
        ],
    }


def goal(identity: str, words: str, *, patient_id: str, since: date) -> Resource:
    """A goal in the person's own words; who wrote it down stands in the audit."""
    return {
        "resourceType": "Goal",
        "id": identity,
        "lifecycleStatus": "active",
        "subject": _subject(patient_id),
        "description": {"text": words},
        "startDate": since.isoformat(),
        "expressedBy": _subject(patient_id),
    }


def goal_rating(identity: str, goal_id: str, level: int, *, patient_id: str, at: date, by: str) -> Resource:
    """How far a goal was reached, from -2 to 2, as the HL7 guide on person-centred outcomes says it."""
    code, words = GOAL_LEVELS[level]
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "subject": _subject(patient_id),
        "effectiveDateTime": at.isoformat(),
        "performer": [{"display": by}],
        "code": _concept(LOINC, "107332-9", "Goal attainment scale - Reported"),
        "focus": [{"reference": f"Goal/{goal_id}"}],
        "valueCodeableConcept": _concept(LOINC, code, words),
    }


def stated(identity: str, facts: Mapping[str, Value], *, patient_id: str, at: datetime, by: str) -> Resource:
    """Facts as somebody stated them: a form whose linkIds are profile paths, values in each path's own unit."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": identity,
        "status": "completed",
        "subject": _subject(patient_id),
        "authored": at.isoformat(),
        "author": {"display": by},
        "item": [{"linkId": path, "answer": [_answer(value)]} for path, value in facts.items()],
    }


def recommendation(found: Recommendation, *, patient_id: str, statement: str) -> Resource:
    """A recommendation with its digest, versions and seed, and its whole result as text."""
    stamps = {
        "about": found.about,
        "as-of": found.as_of.isoformat(),
        "seed": str(found.seed),
        "inputs-digest": found.inputs_digest,
        "knowledge-version": found.knowledge_version,
        "code-version": found.code_version,
        "engine-version": found.engine_version,
        "record-mark": str(found.record_mark),
        "settings": found.settings,
        "result": found.result,
    }
    return {
        "resourceType": "RiskAssessment",
        "id": found.origin.id,
        "status": "final",
        "subject": _subject(patient_id),
        "method": _concept(LOCAL, f"ketapath-{found.about}", f"ketapath {found.code_version}"),
        "extension": [{"url": f"{LOCAL}/{name}", "valueString": value} for name, value in stamps.items()],
        "note": [{"text": statement}],
    }


def decision(found: Decided, *, patient_id: str) -> Resource:
    """What a person decided about a recommendation. A changed one counts as accepted, with what was changed."""
    return {
        "resourceType": "Task",
        "id": found.origin.id,
        "status": "rejected" if found.outcome == "rejected" else "accepted",
        "intent": "proposal",
        "code": _concept(LOCAL, f"decide-{found.about}", found.chosen),
        "businessStatus": _concept(LOCAL, found.outcome, found.outcome),
        "statusReason": {"text": found.reason},
        "for": _subject(patient_id),
        "focus": {"reference": f"RiskAssessment/{found.recommendation_id}"},
        "authoredOn": found.at.isoformat(),
        "owner": {"display": found.by},
    }


def override_asked(
    identity: str,
    rule: RuleRef,
    *,
    reason: str,
    review_on: date,
    patient_id: str,
    at: datetime,
    by: str,
) -> Resource:
    """One prescriber wants to treat in spite of a relative contraindication; it waits for a second signature."""
    return {
        "resourceType": "DetectedIssue",
        "id": identity,
        "extension": [
            {"url": f"{LOCAL}/rule-version", "valueString": rule.version},
            {"url": f"{LOCAL}/review-on", "valueDate": review_on.isoformat()},
        ],
        "status": "preliminary",
        "code": _concept(LOCAL, rule.id, rule.title),
        "severity": "high",
        "patient": _subject(patient_id),
        "identifiedDateTime": at.isoformat(),
        "detail": reason,
        "mitigation": [{"action": {"text": reason}, "date": at.isoformat(), "author": {"display": by}}],
    }


def override_signed(asked: Mapping[str, Any], *, at: datetime, by: str) -> Resource:
    """The same override with its second signature."""
    second = {"action": {"text": "Second signature"}, "date": at.isoformat(), "author": {"display": by}}
    return {**asked, "status": "final", "mitigation": [*asked["mitigation"], second]}


def note(
    identity: str,
    kind: str,
    text: str,
    *,
    patient_id: str,
    at: datetime,
    by: str,
    username: str,
    is_signed: bool,
    appends: str | None = None,
    sections: Mapping[str, str] | None = None,
    visit_id: str | None = None,
) -> Resource:
    """A note about a person, of a kind of `NOTES`: a draft, or signed. The text is kept to the byte, as UTF-8.

    `appends` is the note that this one is an addendum to; `sections` are the parts of its text, `visit_id` the session
    that it is about.
    """
    code, words = NOTES[kind]
    made: Resource = {
        "resourceType": "DocumentReference",
        "id": identity,
        "status": "current",
        "docStatus": "final" if is_signed else "preliminary",
        "category": [_concept(LOCAL, code, words)],
        "subject": _subject(patient_id),
        "date": at.isoformat(),
        "author": [_person(by, username)],
        "content": [
            {"attachment": {"contentType": "text/plain; charset=utf-8", "data": _base64(text), "title": words}}
        ],
    }
    if kind == "progress":
        made["type"] = _concept(LOINC, "11506-3", "Progress note")
    if sections:
        made["extension"] = [{"url": f"{SECTION}{name}", "valueString": said} for name, said in sections.items()]
    if visit_id is not None:
        made["context"] = {"encounter": [{"reference": f"Encounter/{visit_id}"}]}
    if appends is not None:
        made["relatesTo"] = [{"code": "appends", "target": {"reference": f"DocumentReference/{appends}"}}]
    return made


def provenance(
    identity: str, target: str, *, meaning: str, name: str, username: str, role: str, at: datetime, digest: str
) -> Resource:
    """A signature for an export. `target` is the version that was signed, `digest` the SHA-256 of its stored text.

    Its data are the statement that was signed: what, with which digest and meaning, by whom and when.
    """
    code = SIGNATURE_TYPES.get(meaning)
    system, value, words = (LOCAL, meaning, meaning) if code is None else ("urn:iso-astm:E1762-95:2013", *code)
    statement = f"sha256:{digest} {target} {meaning} {username} {at.isoformat()}"
    who = _person(name, username)
    return {
        "resourceType": "Provenance",
        "id": identity,
        "target": [{"reference": target}],
        "recorded": at.isoformat(),
        "agent": [{"who": who, "role": [{"text": role}]}],
        "signature": [
            {
                "type": [{"system": system, "code": value, "display": words}],
                "when": at.isoformat(),
                "who": who,
                "sigFormat": "text/plain",
                "data": _base64(statement),
            }
        ],
    }


def withdrawn(resource: Mapping[str, Any]) -> Resource:
    """The same resource, marked as entered in error: it stays readable and is never used again."""
    mark = {"coding": [{"code": "entered-in-error"}]}
    if resource["resourceType"] in ("Condition", "AllergyIntolerance"):
        return {**{k: v for k, v in resource.items() if k != "clinicalStatus"}, "verificationStatus": mark}
    if resource["resourceType"] in ("Patient", "RelatedPerson", "Practitioner"):
        raise BadInput(
            field=str(resource["resourceType"]),
            found="a statement about the person",
            limit="a statement that can be withdrawn",
            next_step="Correct the entry instead.",
        )
    return {**resource, "status": "entered-in-error"}


def without_answer(resource: Mapping[str, Any], path: str) -> Resource:
    """The same form without the answer to this path; its earlier version keeps it."""

    def kept(items: Any) -> list[Any]:
        return [
            {**item, "item": kept(item["item"])} if isinstance(item.get("item"), list) else item
            for item in items
            if item.get("linkId") != path
        ]

    return {**resource, "status": "amended", "item": kept(resource.get("item", []))}


def with_status(resource: Mapping[str, Any], status: str, *, why: str = "") -> Resource:
    """The same resource in another state of its life; nothing else changes."""
    reason = {"text": why} if resource["resourceType"] == "MedicationRequest" else None
    return {**resource, "status": status, **({"statusReason": reason} if why and reason else {})}


def adapted_plan(
    old: Mapping[str, Any],
    order: Mapping[str, Any] | None,
    *,
    identity: str,
    dose_mg: float | None,
    status: str,
    onward: Sequence[Appointment],
    by: str,
    at: datetime,
    recommendation: str,
    booked: Collection[tuple[date, str]] = (),
) -> list[Resource]:
    """A plan that goes on, as a new one that names the one it replaces.

    It holds the dates that are left, then those of `onward`. A date is left too where its appointment was `booked`, as
    planned day and kind, for a day that is still ahead; `dose_mg` (base) is another dose, None for the same, and
    ends what was meant for later sessions; `status` is "active" or "on-hold".
    """
    today, held = at.date().isoformat(), {(on.isoformat(), kind) for on, kind in booked}
    left = [a for a in old["activity"] if a["detail"]["scheduledString"][:10] >= today or _planned_for(a) in held]
    plan: Resource = {
        **old,
        "id": identity,
        "status": status,
        "created": at.isoformat(),
        "author": {"display": by},
        "replaces": [{"reference": f"CarePlan/{old['id']}"}],
        "supportingInfo": [{"reference": f"RiskAssessment/{recommendation}"}],
        "activity": [*left, *({"detail": _activity(appointment)} for appointment in onward)],
    }
    if dose_mg is not None:
        plan["extension"] = [e for e in old.get("extension", []) if e["url"] != DOSE_STEP]
    if order is None:
        return [plan]
    dosage = order["dosageInstruction"]
    if dose_mg is not None:
        dosage = [{**d, "doseAndRate": [{"doseQuantity": _quantity(dose_mg, "mg")}]} for d in dosage]
    kept = {k: v for k, v in order.items() if k != "statusReason"}
    return [plan, {**kept, "id": f"{identity}-order", "status": status, "authoredOn": at.isoformat(),
                   "requester": {"display": by}, "basedOn": [{"reference": f"CarePlan/{identity}"}],
                   "dosageInstruction": dosage}]  # fmt: skip


def _planned_for(activity: Mapping[str, Any]) -> tuple[str, str]:
    """The day and the kind of one activity of a plan."""
    return activity["detail"]["scheduledString"][:10], activity["detail"]["code"]["coding"][0]["code"]


def _activity(appointment: Appointment) -> Resource:
    starts = "" if appointment.starts is None else f"T{appointment.starts.isoformat()}"
    values = {"minutes": appointment.minutes, **appointment.title.values}
    return {
        "status": "scheduled",
        "code": _concept(LOCAL, appointment.kind, appointment.title.key),
        "scheduledString": f"{appointment.on.isoformat()}{starts}",
        "description": appointment.setting,
        "extension": [{"url": f"{LOCAL}/value-{name}", "valueString": str(value)} for name, value in values.items()],
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _answer(value: Value) -> Resource:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, float):
        return {"valueDecimal": value}
    return {"valueString": value if isinstance(value, str) else ", ".join(value)}
