"""What does one resource state, as plain rows: when, what, how much, in which unit? For people who read a table.

Every element that holds a value is told of as it is written: 1.50 stays 1.50 where the text was parsed with
`parse_float=Decimal`, a day without a time stays a day. Rows are no facts to rely on; see `statements` and `profile`.
Source: HL7 FHIR R4 (4.0.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Resource

_DAYS = (
    "effectiveDateTime", "effectivePeriod", "effectiveInstant", "authored", "authoredOn", "performedDateTime",
    "performedPeriod", "period", "onsetDateTime", "onsetPeriod", "occurrenceDateTime", "occurrencePeriod",
    "recordedDate", "dateTime", "started", "date", "created", "billablePeriod", "startDate", "issued", "recorded",
)  # fmt: skip
_WHAT = (
    "code", "medicationCodeableConcept", "vaccineCode", "type", "category", "description", "title", "relationship",
    "serviceType", "name",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """One thing that a resource states. `day`, `value` and `unit` are as written, "" where there is none."""

    day: str
    what: str
    value: str
    unit: str
    status: str


def fact_rows(resource: Resource) -> Iterator[FactRow]:
    """The rows of one resource, at least one."""
    base = FactRow(day=day_of(resource), what=what_of(resource), value="", unit="", status=_status(resource))
    found = list(_rows(resource, base))
    yield from found or [base]


def day_of(resource: Resource) -> str:
    """The day or time that the resource is about, as it is written."""
    for field in _DAYS:
        value = resource.get(field)
        stated = value.get("start") or value.get("end") if isinstance(value, dict) else value
        if isinstance(stated, str) and stated.strip():
            return stated
    return ""


def what_of(resource: Resource) -> str:
    """What the resource is about, in the record's own words, else its first code."""
    for field in _WHAT:
        value = resource.get(field)
        found = value if isinstance(value, str) else next(el.words(resource, field), None)
        if found:
            return found
    for field in _WHAT:
        code = next(el.codings(resource, field), None)
        if code is not None:
            return code.code
    return ""


def _rows(resource: Resource, base: FactRow) -> Iterator[FactRow]:
    kind = resource["resourceType"]
    if kind == "Patient":
        yield from _of_patient(resource, base)
    elif kind == "QuestionnaireResponse":
        for item in el.objects(resource, "item"):
            yield from _of_item(item, base)
    elif kind == "MedicationAdministration":
        for dosage in el.objects(resource, "dosage"):
            yield _valued(base, base.what, dosage.get("dose") or el.text(dosage, "text"))
    elif kind in ("MedicationRequest", "MedicationStatement"):
        for dosage in (*el.objects(resource, "dosageInstruction"), *el.objects(resource, "dosage")):
            rate = next(el.objects(dosage, "doseAndRate"), {})
            yield _valued(base, base.what, rate.get("doseQuantity") or el.text(dosage, "text"))
    else:
        for holder, what in ((resource, base.what), *((c, _part(base, c)) for c in el.objects(resource, "component"))):
            for name, value in holder.items():
                if name.startswith("value") and name[5:6].isupper():
                    yield _valued(base, what, value)


def _part(base: FactRow, component: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (base.what, what_of(component))))


def _of_patient(patient: Resource, base: FactRow) -> Iterator[FactRow]:
    for name in el.objects(patient, "name"):
        given = name.get("given")
        words = [*(given if isinstance(given, list) else []), name.get("family") or name.get("text")]
        yield _valued(base, "name", " ".join(w for w in words if isinstance(w, str)))
    for field in ("birthDate", "gender", "deceasedDateTime", "deceasedBoolean"):
        if field in patient:
            yield _valued(base, field, patient[field])
    for identifier in el.objects(patient, "identifier"):
        yield _valued(base, f"identifier {el.text(identifier, 'system') or ''}".strip(), identifier.get("value"))


def _of_item(item: Mapping[str, Any], base: FactRow) -> Iterator[FactRow]:
    what = el.text(item, "text") or el.text(item, "linkId") or ""
    for answer in el.objects(item, "answer"):
        for name, value in answer.items():
            if name.startswith("value"):
                yield _valued(base, what, value)
        for inner in el.objects(answer, "item"):
            yield from _of_item(inner, base)
    for inner in el.objects(item, "item"):
        yield from _of_item(inner, base)


def _valued(base: FactRow, what: str, value: Any) -> FactRow:
    """The row with this value, whatever element it is."""
    shown, unit = _plain(value), ""
    if isinstance(value, dict):
        if "value" in value:
            shown, unit = _plain(value["value"]), el.text(value, "unit") or el.text(value, "code") or ""
            shown = f"{el.text(value, 'comparator') or ''}{shown}"
        else:
            holder = {"it": value}
            coded = next(el.codings(holder, "it"), None)
            stated = (el.text(value, field) for field in ("display", "code", "start", "end", "reference"))
            words = next(el.words(holder, "it"), None) or (coded.code if coded else None)
            shown = words or next(filter(None, stated), "")
    return FactRow(day=base.day, what=what, value=shown, unit=unit, status=base.status)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float | Decimal) else ""


def _status(resource: Resource) -> str:
    for field in ("status", "clinicalStatus", "lifecycleStatus", "verificationStatus"):
        found = el.first_code(resource, field)
        if found:
            return found
    return ""
