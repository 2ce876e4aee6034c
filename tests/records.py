"""Small FHIR records for tests: one synthetic person, every fact stated on one day unless a test says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from ketapath import journey
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge, load

TODAY = date(2026, 11, 24)
KNOWLEDGE: Knowledge = load()
CLINIC = Clinic(rems_certified=True)
SUBJECT = {"reference": "Patient/test"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "test",
    "birthDate": "1984-03-02",
    "gender": "female",
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}}],
}

GOOD: Mapping[str, Any] = {
    "diagnosis.depression": True,
    "trials.adequate_failed": 3.0,
    "medicines.list_confirmed": True,
    "medicines.ssri_or_snri": True,
    "medicines.antidepressant": True,
    "consent.capacity": True,
    "consent.signed": True,
    "social.ride_home": True,
    "social.caregiver": True,
    "social.insured": True,
    "setting.can_stay_minutes": 180.0,
    "history.child_pugh": "none",
    "vitals.weight_kg": 70.0,
    "vitals.height_cm": 170.0,
    "vitals.systolic_mmhg": 122.0,
    "vitals.diastolic_mmhg": 76.0,
    "vitals.heart_rate_per_min": 70.0,
    "vitals.spo2_percent": 98.0,
    "lab.tsh_miu_per_l": 2.0,
    "lab.alt_times_upper_limit": 0.8,
    "scale.madrs": 30.0,
    "scale.ymrs": 2.0,
    "scale.moca": 28.0,
    "scale.suicide_risk": "low",
    "scale.pain_0_10": 1.0,
    "medicines.diazepam_equivalent_mg_per_day": 0.0,
    "staff.acls": True,
    "person.language": "en",
}
"""A person about whom everything is known and nothing stands against treatment; every other yes-or-no fact is no."""


def complete() -> dict[str, Any]:
    """The good facts, with an explicit no for every yes-or-no fact that they leave open."""
    skipped = ("person.", "order.", "clinic.", "session.", "staff.")
    facts = {p: False for p, s in KNOWLEDGE.paths.items() if s.type == "bool" and not p.startswith(skipped)}
    return facts | dict(GOOD)


def intake(facts: Mapping[str, Any], *, on: date = TODAY, identity: str = "intake") -> dict[str, Any]:
    """A completed intake form that states these facts."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": identity,
        "status": "completed",
        "subject": SUBJECT,
        "authored": on.isoformat(),
        "item": [{"linkId": path, "answer": [_answer(value)]} for path, value in facts.items()],
    }


def _answer(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    return {"valueString": value} if isinstance(value, str) else {"valueDecimal": value}


def phq9(items: tuple[int | None, ...], *, on: date = TODAY) -> dict[str, Any]:
    """A PHQ-9 answered item by item."""
    codes = [item["loinc"] for item in KNOWLEDGE.instruments["phq9"]["items"]]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"phq9-{on.isoformat()}",
        "status": "completed",
        "subject": SUBJECT,
        "authored": on.isoformat(),
        "item": [
            {"linkId": f"/{code}", "answer": [{"valueInteger": answer}]}
            for code, answer in zip(codes, items, strict=True)
            if answer is not None
        ],
    }


def spread(total: int) -> tuple[int, ...]:
    """Nine answers that add up to this total with item 9 at zero where that is possible."""
    answers, left = [], total
    for remaining in range(9, 0, -1):
        answers.append(min(3, left) if remaining > 1 or left else 0)
        left -= answers[-1]
    return tuple(answers)


def infusion(on: date, *, mg: float = 35.0) -> dict[str, Any]:
    """One racemic infusion over 40 minutes."""
    day = on.isoformat()
    return {
        "resourceType": "MedicationAdministration",
        "id": f"dose-{day}",
        "status": "completed",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "Ketamine"},
        "effectivePeriod": {"start": f"{day}T09:00:00Z", "end": f"{day}T09:40:00Z"},
        "dosage": {"route": {"text": "Intravenous route"}, "dose": {"value": mg, "unit": "mg", "code": "mg"}},
    }


def coded(resource: str, system: str, code: str, **more: Any) -> dict[str, Any]:
    """A clinical resource with one code."""
    return {
        "resourceType": resource,
        "id": f"{resource}-{code}",
        "subject": SUBJECT,
        "code": {"coding": [{"system": system, "code": code}]},
        **more,
    }


def quantity(code: str, value: float, unit: str, *, on: date | None = TODAY, identity: str = "") -> dict[str, Any]:
    """A LOINC observation with a value and unit."""
    found = coded("Observation", "http://loinc.org", code, status="final", valueQuantity={"value": value, "unit": unit})
    found["id"] = identity or found["id"]
    return found if on is None else found | {"effectiveDateTime": on.isoformat()}


def record(*resources: Mapping[str, Any], patient: Mapping[str, Any] = PATIENT) -> bytes:
    """The Bundle as bytes."""
    entries = [{"resource": dict(r)} for r in (patient, *resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def good_record(
    *more: Mapping[str, Any], without: tuple[str, ...] = (), score: int | None = 18, **changed: Any
) -> bytes:
    """The complete person with these facts changed (dots as double underscores) or left out, and a PHQ-9 of today."""
    facts = complete() | {path.replace("__", "."): value for path, value in changed.items()}
    kept = {path: value for path, value in facts.items() if path not in without}
    today = () if score is None else (phq9(spread(score)),)
    return record(intake(kept), *today, *more)


def person(data: bytes, *, as_of: date = TODAY) -> Profile:
    """The profile on this day."""
    return journey.person(data, KNOWLEDGE, as_of=as_of)


def assessed(data: bytes, *, as_of: date = TODAY, clinic: Clinic = CLINIC) -> Candidacy:
    """The candidacy on this day."""
    return journey.assessed(person(data, as_of=as_of), clinic, KNOWLEDGE)


def days_ago(days: int) -> date:
    """So many days before today."""
    return TODAY - timedelta(days=days)
