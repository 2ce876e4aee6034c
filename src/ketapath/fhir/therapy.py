"""How is an hour of therapy, or an agreement on touch, said in FHIR R4, and how is it read back?

An hour is a Procedure with local codes, its rating of the alliance an Observation whose `focus` names it. What was
agreed on touch is an Observation: a Consent of ours would read as consent to the treatment.
Source: HL7 FHIR R4 (4.0.1), Procedure and Observation.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast, get_args

from ketapath.domain.therapy import Hour, HourKind, TouchAgreement
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.encode import FACT, LOCAL
from ketapath.fhir.shapes import Resource as Made
from ketapath.fhir.shapes import concept, person
from ketapath.fhir.shapes import subject as about

ALLIANCE, TOUCH = "therapy.alliance_0_10", "consent.touch"
_KINDS = {f"therapy-{kind}": kind for kind in get_args(HourKind)}
_CERTIFIED = f"{LOCAL}/has-certificate"


def hour(
    identity: str,
    kind: HourKind,
    modality: str,
    *,
    patient_id: str,
    at: datetime,
    minutes: int,
    therapist: tuple[str, str],
    recorder: tuple[str, str],
    has_certificate: bool,
    reason: str,
    visit_id: str | None,
    alliance: float | None,
) -> list[Made]:
    """An hour that was held, `at` its start, and the rating of the alliance where there is one (0 to 10).

    `therapist` and `recorder` are printed name and account.
    """
    made: Made = {
        "resourceType": "Procedure",
        "id": identity,
        "extension": [{"url": _CERTIFIED, "valueBoolean": has_certificate}],
        "status": "completed",
        "category": concept(LOCAL, f"therapy-{kind}", ""),
        "code": concept(LOCAL, modality, modality),
        "subject": about(patient_id),
        "performedPeriod": {"start": at.isoformat(), "end": (at + timedelta(minutes=minutes)).isoformat()},
        "recorder": person(*recorder),
        "performer": [{"actor": person(*therapist)}],
    }
    if visit_id is not None:
        made["encounter"] = {"reference": f"Encounter/{visit_id}"}
    if reason:
        made["note"] = [{"text": reason}]
    if alliance is None:
        return [made]
    rating: Made = {
        "resourceType": "Observation",
        "id": f"{identity}-alliance",
        "status": "final",
        "code": concept(FACT, ALLIANCE, ALLIANCE),
        "subject": about(patient_id),
        "focus": [{"reference": f"Procedure/{identity}"}],
        "effectiveDateTime": made["performedPeriod"]["end"],
        "valueQuantity": {"value": alliance},
    }
    return [made, rating]


def touch_agreement(
    identity: str, *, is_agreed: bool, what: str, patient_id: str, at: datetime, by: tuple[str, str]
) -> Made:
    """What the person said about touch in sessions, as somebody (printed name, account) wrote it down."""
    made: Made = {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": concept(FACT, TOUCH, TOUCH),
        "subject": about(patient_id),
        "effectiveDateTime": at.isoformat(),
        "performer": [person(*by)],
        "valueString": "agreed" if is_agreed else "not-agreed",
    }
    return {**made, "note": [{"text": what}]} if what else made


def hours(bundle: Bundle) -> tuple[Hour, ...]:
    """Every hour that was held and not entered in error, oldest first."""
    ratings = {
        name: rated[0]
        for one in bundle.of_type("Observation")
        if _is(one, FACT, ALLIANCE) and not _void(one) and (rated := el.quantity(one, "valueQuantity")) is not None
        for name in _references(one, "focus")
    }
    found = (_hour(one, ratings.get(f"Procedure/{one.get('id')}")) for one in bundle.of_type("Procedure"))
    return tuple(sorted((h for h in found if h is not None), key=lambda h: (h.at, h.origin.id)))


def touch_agreements(bundle: Bundle) -> tuple[TouchAgreement, ...]:
    """Everything that was said about touch in sessions, oldest first."""
    found = []
    for one in bundle.of_type("Observation"):
        at, said = el.zoned(one.get("effectiveDateTime")), el.text(one, "valueString")
        if not _is(one, FACT, TOUCH) or at is None or said not in ("agreed", "not-agreed") or _void(one):
            continue
        found.append(
            TouchAgreement(
                origin=el.origin(one),
                at=at,
                is_agreed=said == "agreed",
                what=el.text(next(el.objects(one, "note"), {}), "text") or "",
                by=el.text(next(el.objects(one, "performer"), {}), "display") or "",
            )
        )
    return tuple(sorted(found, key=lambda a: (a.at, a.origin.id)))


def _hour(resource: Resource, alliance: float | None) -> Hour | None:
    kind = next((_KINDS[c.code] for c in el.codings(resource, "category") if c.code in _KINDS), None)
    period = next(el.objects(resource, "performedPeriod"), {})
    start, end = el.zoned(period.get("start")), el.zoned(period.get("end"))
    if kind is None or start is None or end is None or _void(resource):
        return None
    actor = next(el.objects(next(el.objects(resource, "performer"), {}), "actor"), {})
    marks = {e.get("url"): e.get("valueBoolean") for e in el.objects(resource, "extension")}
    visit = next((r for r in _references(resource, "encounter") if r.startswith("Encounter/")), None)
    return Hour(
        origin=el.origin(resource),
        kind=cast(HourKind, kind),
        modality=el.first_code(resource, "code") or "",
        at=start,
        minutes=round((end - start).total_seconds() / 60),
        therapist=el.text(actor, "display") or "",
        username=el.text(next(el.objects(actor, "identifier"), {}), "value") or "",
        has_certificate=marks.get(_CERTIFIED) is True,
        reason=el.text(next(el.objects(resource, "note"), {}), "text") or "",
        visit_id=None if visit is None else visit.partition("/")[2],
        alliance=alliance,
    )


def _is(resource: Resource, system: str, code: str) -> bool:
    codings = next(el.objects(resource, "code"), {}).get("coding")
    return isinstance(codings, list) and any(
        isinstance(c, dict) and (c.get("system"), c.get("code")) == (system, code) for c in codings
    )


def _references(resource: Resource, field: str) -> list[str]:
    return [(el.text(one, "reference") or "").split("/_history/")[0] for one in el.objects(resource, field)]


def _void(resource: Resource) -> bool:
    return el.text(resource, "status") in ("entered-in-error", "cancelled", "not-done")
