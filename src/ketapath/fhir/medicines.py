"""Which medicines does the record state, from when to when, how much, and with what result?

An order is not proof of use, a switch is not proof of failure, and an old order that nobody closed is not proof that
the medicine is still taken. Here only what is stated is written down; `profile` decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ketapath.domain.fact import MedicineSpan
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.concepts import normalised
from ketapath.fhir.ketamine import ketamine_in, named_in
from ketapath.fhir.vocabulary import Vocabulary
from ketapath.units import UnknownUnit, convert

_ADHERENCE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationStatement.adherence"
_USED = frozenset({"active", "completed", "stopped", "on-hold", "intended", "in-progress"})
_PER_DAY = {"d": 1.0, "h": 1 / 24, "wk": 7.0}
_WRITTEN_DAILY = re.compile(
    r"(?:take )?(\d+(?:\.\d+)?) ?mg (?:by mouth |orally |po )?(?:once )?(?:daily|per day|a day|every day|qd|od)\.?\Z"
)


def medicine_spans(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[MedicineSpan]:
    """Every statement and order of a substance that ketapath knows."""
    for resource in bundle.of_type("MedicationStatement", "MedicationRequest"):
        holder, field = named_in(resource, bundle)
        substance, strength = vocabulary.medicines.of(holder, field)
        ketamine = ketamine_in(holder, field, vocabulary)
        if ketamine is not None and not ketamine.is_mixed:
            substance = "esketamine" if ketamine.product == "esketamine" else "ketamine"
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
            adherence=adherence_of(resource),
        )


def adherence_of(resource: Resource) -> str | None:
    """The stated adherence: R4 has no element for it, so that it comes as the extension of the R5 element."""
    for extension in el.objects(resource, "extension"):
        if str(extension.get("url")) == _ADHERENCE:
            for part in (extension, *el.objects(extension, "extension")):
                code = el.first_code(part, "valueCodeableConcept")
                if code is not None:
                    return code
    return None


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
