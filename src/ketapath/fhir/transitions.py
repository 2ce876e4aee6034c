"""May this version of a resource follow that one? The life of each clinical statement, as FHIR's status words tell it.

What was signed or given is never rewritten: it is amended, ended, or marked as entered in error. A statement never
moves to another person. Source: HL7 FHIR R4 (4.0.1), the status value sets of each resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ketapath.domain.evidence import Text
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Resource, patient_of

_ERROR = "entered-in-error"
_NEXT: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Observation": {
            "registered": ("registered", "preliminary", "final", "cancelled", _ERROR),
            "preliminary": ("preliminary", "final", "cancelled", _ERROR),
            "final": ("amended", "corrected", _ERROR),
            "amended": ("amended", "corrected", _ERROR),
            "corrected": ("amended", "corrected", _ERROR),
        },
        "QuestionnaireResponse": {
            "in-progress": ("in-progress", "completed", "stopped", _ERROR),
            "completed": ("amended", _ERROR),
            "amended": ("amended", _ERROR),
            "stopped": (_ERROR,),
        },
        "MedicationAdministration": {
            "in-progress": ("in-progress", "on-hold", "completed", "stopped", "not-done", _ERROR),
            "on-hold": ("in-progress", "completed", "stopped", _ERROR),
            "completed": (_ERROR,),
            "stopped": (_ERROR,),
            "not-done": (_ERROR,),
        },
        "MedicationRequest": {
            "draft": ("draft", "active", "cancelled", _ERROR),
            "active": ("on-hold", "completed", "stopped", "cancelled", _ERROR),
            "on-hold": ("active", "completed", "stopped", "cancelled", _ERROR),
            "completed": (_ERROR,),
            "stopped": (_ERROR,),
            "cancelled": (_ERROR,),
        },
        "CarePlan": {
            "draft": ("draft", "active", "revoked", _ERROR),
            "active": ("on-hold", "revoked", "completed", _ERROR),
            "on-hold": ("active", "revoked", "completed", _ERROR),
            "revoked": (_ERROR,),
            "completed": (_ERROR,),
        },
        "Encounter": {
            "planned": ("planned", "arrived", "in-progress", "cancelled", _ERROR),
            "arrived": ("in-progress", "cancelled", _ERROR),
            "in-progress": ("in-progress", "finished", _ERROR),
            "finished": (_ERROR,),
            "cancelled": (_ERROR,),
        },
        "Appointment": {
            "proposed": ("proposed", "pending", "booked", "cancelled", _ERROR),
            "pending": ("pending", "booked", "cancelled", _ERROR),
            "booked": ("booked", "arrived", "fulfilled", "cancelled", "noshow", _ERROR),
            "arrived": ("arrived", "fulfilled", "cancelled", _ERROR),
            "fulfilled": (_ERROR,),
            "cancelled": (_ERROR,),
            "noshow": ("booked", "arrived", _ERROR),
        },
        "Task": {
            "requested": ("requested", "accepted", "rejected", "in-progress", "completed", "cancelled", _ERROR),
            "accepted": ("in-progress", "completed", "cancelled", _ERROR),
            "in-progress": ("in-progress", "completed", "cancelled", _ERROR),
            "rejected": (_ERROR,),
            "completed": (_ERROR,),
            "cancelled": (_ERROR,),
        },
        "DetectedIssue": {
            "preliminary": ("final", "cancelled", _ERROR),
            "final": ("cancelled", _ERROR),
            "cancelled": (_ERROR,),
        },
        "RiskAssessment": {"final": ("amended", _ERROR), "amended": (_ERROR,)},
        "DocumentReference": {
            "current": ("current", "superseded", _ERROR),
            "superseded": (_ERROR,),
        },
    }
)
_ONLY_STATUS_MAY_CHANGE = frozenset({"CarePlan", "DetectedIssue", "MedicationRequest", "Task"})
_OF_ITS_LIFE = frozenset({"status", "statusReason", "meta"})
_FREE = frozenset({*_OF_ITS_LIFE, "note"})
_MAY_GROW: Mapping[str, str] = MappingProxyType({"DetectedIssue": "mitigation"})
"""The list of a resource to which a further person's signature is added; what stands in it stays."""


def refused_change(before: Resource | None, after: Resource, *, is_signed: bool = False) -> Text | None:
    """Why `after` may not follow `before` (None: nothing there yet), or None where it may.

    Of what `is_signed` nothing but the status may change, whatever kind it is.
    """
    if before is None:
        return None
    kind = str(after["resourceType"])
    if patient_of(before) != patient_of(after):
        return Text(key="record.other_person", values={"kind": kind})
    if (is_signed or _is_final_note(before)) and not keeps_content(before, after):
        return Text(key="record.signed_stays", values={"kind": kind})
    was, becomes = el.text(before, "status"), el.text(after, "status")
    if kind not in _NEXT or was is None:
        return None
    if was == _ERROR:
        return Text(key="record.withdrawn_stays", values={"kind": kind})
    if becomes not in _NEXT[kind].get(was, ()):
        return Text(key="record.no_such_step", values={"kind": kind, "was": was, "becomes": becomes or "nothing"})
    started = kind in _ONLY_STATUS_MAY_CHANGE and was not in ("draft", "requested", "preliminary")
    if started and _content(before) != _content(after):
        return Text(key="record.signed_stays", values={"kind": kind})
    return None


def keeps_content(before: Resource, after: Resource) -> bool:
    """Whether `after` says what `before` says: another status at most, or one more signature at the end of its list."""
    name = _MAY_GROW.get(str(after.get("resourceType")), "")
    held, now = list(el.objects(before, name)), list(el.objects(after, name))
    was, becomes = ({k: v for k, v in r.items() if k not in {*_OF_ITS_LIFE, name}} for r in (before, after))
    return was == becomes and now[: len(held)] == held


def _is_final_note(resource: Resource) -> bool:
    """A note of ours that is no draft any more."""
    is_ours = any(c.system == "local" and c.code.endswith("-note") for c in el.codings(resource, "category"))
    return is_ours and el.text(resource, "docStatus") == "final"


def _content(resource: Resource) -> dict[str, object]:
    return {name: value for name, value in resource.items() if name not in _FREE}
