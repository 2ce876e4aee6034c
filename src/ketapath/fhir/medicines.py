"""Which medicines does the record state, from when to when, how much, and with what result?

An order is not proof of use, a switch is not proof of failure, and an old order that nobody closed is not proof that
the medicine is still taken. Here only what is stated is written down; `profile` decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ketapath.domain.fact import Dose, MedicineSpan
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.concepts import normalised
from ketapath.fhir.vocabulary import Vocabulary
from ketapath.units import UnknownUnit, base_from_hydrochloride, convert

_PRODUCTS = {"ketamine": "racemic", "esketamine": "esketamine"}
_ADHERENCE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationStatement.adherence"
_USED = frozenset({"active", "completed", "stopped", "on-hold", "intended", "in-progress"})
_PER_DAY = {"d": 1.0, "h": 1 / 24, "wk": 7.0}
_WRITTEN_DAILY = re.compile(
    r"(?:take )?(\d+(?:\.\d+)?) ?mg (?:by mouth |orally |po )?(?:once )?(?:daily|per day|a day|every day|qd|od)\.?\Z"
)


def medicine_spans(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[MedicineSpan]:
    """Every statement and order of a substance that ketapath knows."""
    for resource in bundle.of_type("MedicationStatement", "MedicationRequest"):
        holder, field = _named_in(resource, bundle)
        substance, strength = vocabulary.medicines.of(holder, field)
        if substance is None or el.text(resource, "status") not in _USED:
            continue
        if el.text(resource, "intent") in ("proposal", "plan", "option") or resource.get("doNotPerform") is True:
            continue
        start, end = _span(resource)
        yield MedicineSpan(
            substance=substance,
            classes=vocabulary.medicines.classes_of(holder, field, substance),
            start=start,
            end=end,
            active=el.text(resource, "status") in ("active", "on-hold", "in-progress"),
            daily_dose_mg=_daily_dose(resource, strength),
            outcome=_outcome(resource, vocabulary),
            origin=el.origin(resource),
            adherence=_adherence(resource),
        )


def doses_given(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[Dose]:
    """Every administration of ketamine or esketamine, in milligrams of base, in order of time."""
    found = []
    for resource in bundle.of_type("MedicationAdministration"):
        substance, _ = vocabulary.medicines.of(*_named_in(resource, bundle))
        on, at = el.when(resource, "effectivePeriod", "effectiveDateTime")
        if substance not in _PRODUCTS or on is None or el.text(resource, "status") not in ("completed", "stopped"):
            continue
        dosage = resource.get("dosage")
        found.append(
            Dose(
                on=on,
                at=at,
                product=_PRODUCTS[substance],
                route=route_of(dosage, vocabulary),
                dose_mg=given_dose_mg(resource, dosage, vocabulary),
                duration_min=_duration(resource),
                origin=el.origin(resource),
                stopped_early=el.text(resource, "status") == "stopped",
            )
        )
    return iter(sorted(found, key=lambda dose: (dose.on, dose.at.isoformat() if dose.at else "", str(dose.origin))))


def _adherence(resource: Resource) -> str | None:
    """The stated adherence: R4 has no element for it, so that it comes as the extension of the R5 element."""
    for extension in el.objects(resource, "extension"):
        if str(extension.get("url")) == _ADHERENCE:
            for part in (extension, *el.objects(extension, "extension")):
                code = el.first_code(part, "valueCodeableConcept")
                if code is not None:
                    return code
    return None


def _named_in(resource: Resource, bundle: Bundle) -> tuple[Mapping[str, Any], str]:
    """The element that names the medicine: in the resource itself, or in the Medication that it points to."""
    reference = resource.get("medicationReference")
    stated = el.text(reference, "reference") or ""
    wanted = stated.removeprefix("#").removeprefix("urn:uuid:").rsplit("/", 1)[-1]
    if "medicationCodeableConcept" not in resource:
        for medicine in [*el.objects(resource, "contained"), *bundle.of_type("Medication")]:
            if medicine.get("resourceType") == "Medication" and medicine.get("id") == wanted:
                return medicine, "code"
    return resource, "medicationCodeableConcept"


def _span(resource: Resource) -> tuple[date | None, date | None]:
    if resource["resourceType"] == "MedicationStatement":
        start, end = el.period(resource, "effectivePeriod")
        return start or el.day(resource.get("effectiveDateTime")), end
    start = el.day(resource.get("authoredOn"))
    end = None
    for dosage in el.objects(resource, "dosageInstruction"):
        repeat = _repeat(dosage)
        first, last = el.period(repeat, "boundsPeriod")
        start, end = first or start, last or end
    for supply in el.objects(resource, "dispenseRequest"):
        end = end or el.period(supply, "validityPeriod")[1]
    return start, end


def _repeat(dosage: Mapping[str, Any]) -> Mapping[str, Any]:
    for timing in el.objects(dosage, "timing"):
        for repeat in el.objects(timing, "repeat"):
            return repeat
    return {}


def _daily_dose(resource: Resource, strength_mg: float | None) -> float | None:
    """Milligrams a day where the record states dose and frequency; never the strength of a tablet alone."""
    for dosage in [*el.objects(resource, "dosage"), *el.objects(resource, "dosageInstruction")]:
        written = _WRITTEN_DAILY.match((el.text(dosage, "text") or "").strip().lower())
        if written:
            return float(written.group(1))
        repeat = _repeat(dosage)
        frequency, every = el.number(repeat, "frequency"), el.number(repeat, "period")
        days = _PER_DAY.get(str(repeat.get("periodUnit")))
        for rate in el.objects(dosage, "doseAndRate"):
            amount = el.quantity(rate, "doseQuantity")
            if amount and frequency and every and days:
                each = _milligrams(amount, strength_mg)
                if each is not None:
                    return each * frequency / (every * days)
    return None


def _milligrams(amount: tuple[float, str | None], strength_mg: float | None) -> float | None:
    value, unit = amount
    if unit in (None, "1", "{tbl}", "{tablet}", "tablet", "{capsule}", "capsule", "TAB", "CAP"):
        return None if strength_mg is None else value * strength_mg
    try:
        return convert(value, unit, "mg")
    except UnknownUnit:
        return None


def _outcome(resource: Resource, vocabulary: Vocabulary) -> str | None:
    """The stated result of the trial, from the reason for its status. A switch by itself says nothing."""
    said = [c.code for c in el.codings(resource, "statusReason")] + list(el.words(resource, "statusReason"))
    phrases = {normalised(phrase) for phrase in said}
    for outcome, names in vocabulary.answers["trial_outcomes"].items():
        if phrases & {normalised(str(name)) for name in names}:
            return str(outcome)
    return None


def route_of(dosage: Any, vocabulary: Vocabulary) -> str:
    """The route of a dosage element in ketapath's word, or "unknown"."""
    said = [c.code for c in el.codings(dosage, "route")] + list(el.words(dosage, "route"))
    phrases = {normalised(phrase) for phrase in said}
    for route, names in vocabulary.answers["routes"].items():
        if phrases & {normalised(str(name)) for name in names}:
            return str(route)
    return "unknown"


def given_dose_mg(resource: Resource, dosage: Any, vocabulary: Vocabulary) -> float | None:
    """What was given, in milligrams of base; None where the record does not say it in a unit of mass."""
    amount = el.quantity(dosage, "dose")
    if amount is None:
        return None
    try:
        stated = convert(amount[0], amount[1], "mg")
    except UnknownUnit:
        return None
    salts = vocabulary.answers["salts"]["hydrochloride_unii"]
    is_salt = any(c.code in salts for c in el.codings(resource, "medicationCodeableConcept"))
    return base_from_hydrochloride(stated) if is_salt else stated


def _duration(resource: Resource) -> float | None:
    period = resource.get("effectivePeriod")
    if not isinstance(period, dict):
        return None
    start, end = el.instant(period.get("start")), el.instant(period.get("end"))
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds() / 60
