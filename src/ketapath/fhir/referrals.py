"""How is a referral, or a handover between colleagues, said in FHIR R4, and how is it read back?

A referral is a ServiceRequest, which says what is asked of whom, and a Task, which says how far it has come. A handover
is a Communication. Source: HL7 FHIR R4 (4.0.1), ServiceRequest, Task, Communication.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from ketapath.domain.referral import CLOSED, Handover, Progress, Referral, Remark
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.shapes import Resource as Made
from ketapath.fhir.shapes import concept, person
from ketapath.fhir.shapes import subject as about

TASK, HANDOVER = "referral", "handover"
RESOURCE = f"{LOCAL}/community-resource"
STATUS: dict[Progress, str] = {
    "open": "requested",
    "made": "accepted",
    "answered": "in-progress",
    "done": "completed",
    "not-possible": "cancelled",
}
"""How far a referral has come, as the status of its Task; what FHIR cancels is here what could not be had."""
_PROGRESS = {status: progress for progress, status in STATUS.items()}


def referral(
    identity: str,
    need: str,
    *,
    to: tuple[str, str],
    patient_id: str,
    at: datetime,
    by: tuple[str, str],
    due: date,
    remark: str,
) -> list[Made]:
    """A referral that somebody opens; `to` is the place's printed name and its number in the clinic's list."""
    request: Made = {
        "resourceType": "ServiceRequest",
        "id": identity,
        "status": "active",
        "intent": "order",
        "category": [concept(LOCAL, "social-referral", "")],
        "code": concept(LOCAL, need, need),
        "subject": about(patient_id),
        "authoredOn": at.isoformat(),
        "requester": person(*by),
        "performer": [{"identifier": {"system": RESOURCE, "value": to[1]}, "display": to[0]}],
    }
    task: Made = {
        "resourceType": "Task",
        "id": f"{identity}-task",
        "status": "requested",
        "intent": "order",
        "code": concept(LOCAL, TASK, need),
        "focus": {"reference": f"ServiceRequest/{identity}"},
        "for": about(patient_id),
        "authoredOn": at.isoformat(),
        "requester": person(*by),
        "restriction": {"period": {"end": due.isoformat()}},
    }
    return [request, _remarked(task, remark, at=at, by=by[0])]


def moved_on(
    task: Resource, request: Resource, progress: Progress, *, remark: str, at: datetime, by: str
) -> list[Made]:
    """The referral one step on: its Task, and where it is over its ServiceRequest too."""
    after = _remarked({**task, "status": STATUS[progress]}, remark, at=at, by=by)
    if progress == "not-possible":
        after["statusReason"] = {"text": remark}
    if progress not in CLOSED:
        return [after]
    return [after, {**request, "status": "completed" if progress == "done" else "revoked"}]


def handover(
    identity: str,
    *,
    patient_id: str,
    at: datetime,
    by: tuple[str, str],
    to: tuple[str, str],
    open_points: str,
    watch: str,
) -> Made:
    """What one colleague tells another about a person: what is open, then what to watch."""
    return {
        "resourceType": "Communication",
        "id": identity,
        "status": "completed",
        "category": [concept(LOCAL, HANDOVER, "")],
        "subject": about(patient_id),
        "sent": at.isoformat(),
        "sender": person(*by),
        "recipient": [person(*to)],
        "payload": [{"contentString": text} for text in (open_points, watch) if text],
    }


def referrals(bundle: Bundle) -> tuple[Referral, ...]:
    """Every referral that was not entered in error, oldest first."""
    requests = {f"ServiceRequest/{r.get('id')}": r for r in bundle.of_type("ServiceRequest")}
    found = (referral_of(task, requests) for task in bundle.of_type("Task"))
    return tuple(sorted((r for r in found if r is not None), key=lambda r: (r.opened_at, r.origin.id)))


def referral_of(task: Resource, requests: Mapping[str, Resource]) -> Referral | None:
    """The referral that this Task follows; None where it is none, or what was asked is not at hand."""
    focus = el.text(next(el.objects(task, "focus"), {}), "reference") or ""
    request = requests.get(focus.split("/_history/")[0])
    progress, at = _PROGRESS.get(el.text(task, "status") or ""), el.zoned(task.get("authoredOn"))
    is_ours = any(c.system == "local" and c.code == TASK for c in el.codings(task, "code"))
    if not is_ours or request is None or progress is None or at is None:
        return None
    place = next(el.objects(request, "performer"), {})
    period = next(el.objects(next(el.objects(task, "restriction"), {}), "period"), {})
    return Referral(
        origin=el.origin(task),
        request_id=str(request.get("id")),
        need=el.first_code(request, "code") or "",
        to=el.text(place, "display") or "",
        resource=el.text(next(el.objects(place, "identifier"), {}), "value") or "",
        progress=progress,
        opened_at=at,
        by=el.text(next(el.objects(task, "requester"), {}), "display") or "",
        due=el.day(period.get("end")),
        remarks=tuple(_remarks(task)),
    )


def handover_of(resource: Resource) -> Handover | None:
    """One handover; None where the resource is none of ours or was entered in error."""
    is_ours = any(c.system == "local" and c.code == HANDOVER for c in el.codings(resource, "category"))
    at = el.zoned(resource.get("sent"))
    if not is_ours or at is None or el.text(resource, "status") != "completed":
        return None
    sender = next(el.objects(resource, "sender"), {})
    said = [el.text(one, "contentString") or "" for one in el.objects(resource, "payload")]
    return Handover(
        origin=el.origin(resource),
        at=at,
        by=el.text(sender, "display") or "",
        username=el.text(next(el.objects(sender, "identifier"), {}), "value") or "",
        to=el.text(next(el.objects(resource, "recipient"), {}), "display") or "",
        open_points=said[0] if said else "",
        watch=said[1] if len(said) > 1 else "",
    )


def _remarked(task: Resource, text: str, *, at: datetime, by: str) -> Made:
    """The Task with one remark more; none where nothing was said."""
    if not text:
        return {**task}
    return {**task, "note": [*task.get("note", []), {"authorString": by, "time": at.isoformat(), "text": text}]}


def _remarks(task: Resource) -> Iterator[Remark]:
    for note in el.objects(task, "note"):
        at, text = el.zoned(note.get("time")), el.text(note, "text")
        if at is not None and text:
            yield Remark(at=at, by=el.text(note, "authorString") or "", text=text)
