"""How is what a payer allows said in FHIR R4, and until when does it count?

An authorisation given before treatment is a ClaimResponse with the use "preauthorization". Source: HL7 FHIR R4 (4.0.1),
ClaimResponse, Coverage.
"""

from __future__ import annotations

from datetime import date, datetime

from ketapath.domain.cover import Authorisation
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.shapes import Resource as Made
from ketapath.fhir.shapes import concept, person
from ketapath.fhir.shapes import subject as about

_CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"


def authorisation(
    identity: str,
    payer: str,
    *,
    number: str,
    words: str,
    starts_on: date,
    ends_on: date,
    patient_id: str,
    at: datetime,
    by: tuple[str, str],
) -> Made:
    """What a payer allowed, from its first to its last day; `by` is who wrote it down, name and account."""
    made: Made = {
        "resourceType": "ClaimResponse",
        "id": identity,
        "status": "active",
        "type": concept(_CLAIM_TYPE, "professional", ""),
        "use": "preauthorization",
        "patient": about(patient_id),
        "created": at.isoformat(),
        "insurer": {"display": payer},
        "requestor": person(*by),
        "outcome": "complete",
        "preAuthPeriod": {"start": starts_on.isoformat(), "end": ends_on.isoformat()},
    }
    if number:
        made["preAuthRef"] = number
    if words:
        made["disposition"] = words
    return made


def authorisations(bundle: Bundle) -> tuple[Authorisation, ...]:
    """Every authorisation that stands, the one that lasts longest first."""
    found = [
        Authorisation(
            origin=el.origin(resource),
            payer=el.text(resource.get("insurer") or {}, "display") or "",
            number=el.text(resource, "preAuthRef") or "",
            words=el.text(resource, "disposition") or "",
            starts_on=_day(resource.get("preAuthPeriod"), "start"),
            ends_on=_day(resource.get("preAuthPeriod"), "end"),
            by=el.text(resource.get("requestor") or {}, "display") or "",
        )
        for resource in bundle.of_type("ClaimResponse")
        if resource.get("status") == "active" and resource.get("use") == "preauthorization"
    ]
    return tuple(sorted(found, key=lambda one: (one.ends_on or date.max, one.origin.id), reverse=True))


def covered_until(bundle: Bundle) -> date | None:
    """The last day that a payer has named, of its cover or of an authorisation; None where none is named."""
    covers = (r for r in bundle.of_type("Coverage") if r.get("status") == "active")
    days = [_day(resource.get("period"), "end") for resource in covers]
    days += [one.ends_on for one in authorisations(bundle)]
    return max((day for day in days if day is not None), default=None)


def _day(period: object, end: str) -> date | None:
    said: Resource = period if isinstance(period, dict) else {}
    try:
        return date.fromisoformat(str(said.get(end) or "")[:10])
    except ValueError:
        return None
