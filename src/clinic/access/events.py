"""How does a row of the trail leave the house? As an AuditEvent of FHIR R4, or as a line of CSV.

The AuditEvents follow IHE's Basic Audit Log Patterns (BALP 1.1.4): type and subtype by interaction, the client as
source role, this server as destination role, the person at the keyboard as requestor, the patient as an entity of role
1, the search as it was asked for in base64. What was asked for never holds what somebody typed of a person.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC
from types import MappingProxyType
from typing import Any

from clinic.access.models import AuditRow

COLUMNS = (
    "number", "at", "practice", "who", "role", "act", "outcome", "patient_id", "entities", "source", "asked", "block",
)  # fmt: skip
_ACT = "https://ketapath.org/fhir/local/audit-act"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_EVENT = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_REST = "http://hl7.org/fhir/restful-interaction"
_LIFE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_PART = "http://terminology.hl7.org/CodeSystem/object-role"
_SOURCE = "http://terminology.hl7.org/CodeSystem/security-source-type"
_TAKEN_PART = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_OUTCOMES = MappingProxyType({"done": "0", "taken back": "0", "failed": "8"})
"""0 success, 8 serious failure; whatever else is a refusal or something that was not there, 4 (minor failure)."""
_VERSIONED = re.compile(r"([A-Za-z]+/[A-Za-z0-9.-]{1,64})/_history/(\d+)")

_OWN_KINDS: Mapping[str, tuple[tuple[str, str], tuple[str, str], str]] = MappingProxyType(
    {
        "sign-in": ((_DICOM, "110114"), (_DICOM, "110122"), "E"),  # user authentication: login
        "sign-out": ((_DICOM, "110114"), (_DICOM, "110123"), "E"),  # logout
        "export": ((_DICOM, "110106"), (_LIFE, "disclose"), "R"),  # export
        "print": ((_DICOM, "110106"), (_LIFE, "disclose"), "R"),
        "export-audit": ((_DICOM, "110106"), (_LIFE, "disclose"), "R"),
        "import-record": ((_DICOM, "110107"), (_REST, "create"), "C"),  # import
        "break-glass": ((_DICOM, "110113"), (_DICOM, "110127"), "E"),  # security alert: emergency override started
        "create-user": ((_DICOM, "110113"), (_DICOM, "110137"), "C"),  # user security attributes changed
        "new-code": ((_DICOM, "110113"), (_DICOM, "110137"), "U"),
        "close-account": ((_DICOM, "110113"), (_DICOM, "110137"), "U"),
        "choose-password": ((_DICOM, "110113"), (_DICOM, "110137"), "U"),
        "fault": ((_DICOM, "110100"), (_REST, "operation"), "E"),  # application activity
    }
)
_SEARCHES = re.compile(r"find-|search")
_READS = re.compile(r"read|see-|use-|history")


def event_of(row: AuditRow) -> dict[str, Any]:
    """The row as an AuditEvent of FHIR R4."""
    kind, subtype, action = _kind(row)
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"audit-{row.pk}",
        "type": _coding(kind),
        "subtype": [_coding(subtype), _coding((_ACT, row.act.replace(" ", "-") or "unknown"))],
        "action": action,
        "recorded": row.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "outcome": _OUTCOMES.get(row.outcome, "4"),
        "outcomeDesc": row.outcome,
        "agent": _agents(row),
        "source": {
            **({"site": row.practice} if row.practice else {}),
            "observer": {"display": "ketapath"},
            "type": [_coding((_SOURCE, "4"))],  # application server
        },
    }
    entities = _entities(row)
    return {**event, "entity": entities} if entities else event


def line_of(row: AuditRow, block: int | None) -> list[str]:
    """The row as cells under COLUMNS; the number of its block is empty until it is sealed."""
    cells = [
        str(row.pk), row.at.astimezone(UTC).isoformat(), row.practice, row.who, row.role, row.act, row.outcome,
        row.patient_id, " ".join(map(str, row.entities)), row.source, row.asked, "" if block is None else str(block),
    ]  # fmt: skip
    return [_no_formula(cell) for cell in cells]


def _no_formula(cell: str) -> str:
    """What a spreadsheet would take for a formula gets a mark before it that makes it text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _kind(row: AuditRow) -> tuple[tuple[str, str], tuple[str, str], str]:
    """Type, subtype and action: create, read, update, delete or execute."""
    if row.act in _OWN_KINDS:
        return _OWN_KINDS[row.act]
    rest = (_EVENT, "rest")
    if _SEARCHES.match(row.act):
        return rest, (_REST, "search"), "E"
    if _READS.match(row.act):
        return rest, (_REST, "read"), "R"
    found = [_VERSIONED.fullmatch(str(entity)) for entity in row.entities]
    versions = [int(match[2]) for match in found if match]
    is_new = bool(versions) and max(versions) == 1
    return rest, (_REST, "create" if is_new else "update"), "C" if is_new else "U"


def _agents(row: AuditRow) -> list[dict[str, Any]]:
    client: dict[str, Any] = {
        "type": {"coding": [_coding((_DICOM, "110153"), "Source Role ID")]},
        "who": {"display": row.source or "this computer"},
        "requestor": False,
    }
    if row.source:
        client["network"] = {"address": row.source, "type": "2"}  # an IP address
    server = {
        "type": {"coding": [_coding((_DICOM, "110152"), "Destination Role ID")]},
        "who": {"display": "ketapath"},
        "requestor": False,
    }
    person: dict[str, Any] = {
        "type": {"coding": [_coding((_TAKEN_PART, "IRCP"), "information recipient")]},
        "who": {"identifier": {"value": row.who or "unknown"}},
        "altId": row.who or "unknown",
        "requestor": True,
    }
    if row.role:
        person["role"] = [{"text": row.role}]
    return [client, server, person]


def _entities(row: AuditRow) -> list[dict[str, Any]]:
    """The patient, what was touched, and what was asked for."""
    found: list[dict[str, Any]] = []
    if row.patient_id:
        who = {"reference": f"Patient/{row.patient_id}"}
        found.append({"what": who, "type": _coding((_ENTITY, "1")), "role": _coding((_PART, "1"))})
    for entity in map(str, row.entities):
        what = {"reference": entity} if _VERSIONED.fullmatch(entity) else {"display": entity}
        found.append({"what": what, "type": _coding((_ENTITY, "2")), "role": _coding((_PART, "4"))})
    if row.asked:
        query = base64.b64encode(row.asked.encode()).decode()
        found.append({"query": query, "type": _coding((_ENTITY, "2")), "role": _coding((_PART, "24"))})
    return found


def _coding(code: tuple[str, str], display: str = "") -> dict[str, str]:
    found = {"system": code[0], "code": code[1]}
    return {**found, "display": display} if display else found
