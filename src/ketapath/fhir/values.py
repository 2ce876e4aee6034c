"""What value does this Observation, component or answer give to a path? Converted once, here, at the boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact, Value
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Resource
from ketapath.fhir.questionnaires import DONE
from ketapath.fhir.vocabulary import Vocabulary
from ketapath.knowledge import PathSpec
from ketapath.units import UnknownUnit, convert

_PREFIXES = ("value", "answer")


def value_facts(
    holder: Mapping[str, Any], resource: Resource, vocabulary: Vocabulary, *, path: str | None = None
) -> Iterator[Fact]:
    """The facts that one value element states: for a given path, or for those that its code fills."""
    if path is not None:
        targets = [(vocabulary.paths[path], "")]
    else:
        direct = [c.code for c in el.codings(holder, "code") if c.system == "fact"]
        targets = [(vocabulary.paths[code], "") for code in direct if code in vocabulary.paths]
        for concept in vocabulary.observations.of(holder, "code"):
            targets += [(spec, concept) for spec in vocabulary.paths_from("observation", concept)]
    if not targets:
        return
    on, at = el.when(resource, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "authored", "issued")
    for spec, concept in targets:
        if on is not None and el.text(resource, "status") in DONE and vocabulary.is_total(spec.path):
            continue  # totals of known instruments are read with their items, in questionnaires.py
        value, reason, stated = _read(holder, spec, concept, vocabulary)
        if value is None and reason is None:
            continue
        if el.text(resource, "status") == "preliminary":
            reason = Text(key="fact.preliminary")
        yield Fact(
            path=spec.path,
            value=value,
            unit=spec.unit,
            on=on,
            at=at,
            origin=el.origin(resource),
            status="usable" if reason is None else "unusable",
            reason=reason,
            as_stated=stated,
        )


def _read(
    holder: Mapping[str, Any], spec: PathSpec, concept: str, vocabulary: Vocabulary
) -> tuple[Value | None, Text | None, str]:
    """Value, why it is unusable (None where usable), and the words of the record."""
    if spec.type == "number":
        return _number(holder, spec)
    stated = _stated(holder)
    if stated is None:
        return None, None, ""
    keys = [k.lower() for k in stated]
    coded = vocabulary.coded_answers.get(concept, {})
    for key in keys:
        if key in coded:
            return coded[key], None, stated[-1]
    if spec.type == "bool":
        said = {vocabulary.yes_no[key] for key in keys if key in vocabulary.yes_no}
        if said:
            # A coded yes to a question with its own answer table (for example "lack of transport") is not a
            # yes to the path; only the table may translate it.
            return (None, None, "") if coded else (True in said, None, stated[-1])
        return None, Text(key="fact.answer_not_understood", values={"answer": stated[-1]}), stated[-1]
    if not spec.words:
        own = el.text(holder, "valueString") if "question" in spec.comes_from else None  # the person's own words
        return own or keys[0], None, stated[-1]
    for key in keys:
        found = next((w for w in spec.words if w.lower() == key), None)
        if found is not None:
            return found, None, stated[-1]
    return None, Text(key="fact.answer_not_understood", values={"answer": stated[-1]}), stated[-1]


def _stated(holder: Mapping[str, Any]) -> list[str] | None:
    """The answer as codes first, then words; None where there is no value."""
    flag = holder.get("valueBoolean")
    if isinstance(flag, bool):
        return ["true" if flag else "false"]
    coding = holder.get("valueCoding")
    concept = {"valueCodeableConcept": {"coding": [coding]}} if isinstance(coding, dict) else holder
    found = [c.code for c in el.codings(concept, "valueCodeableConcept")]
    found += list(el.words(concept, "valueCodeableConcept"))
    plain = el.text(holder, "valueString")
    return [*found, plain] if plain else found or None


def _number(holder: Mapping[str, Any], spec: PathSpec) -> tuple[float | None, Text | None, str]:
    stated = el.quantity(holder, "valueQuantity")
    for field in ("valueInteger", "valueDecimal"):
        plain = el.number(holder, field)
        if stated is None and plain is not None:
            stated = plain, spec.unit
    if stated is None:
        return None, None, ""
    amount, unit = stated
    shown = f"{amount:g} {unit or ''}".strip()
    assert spec.unit is not None and spec.limits is not None
    try:
        value = convert(amount, unit, spec.unit)
    except UnknownUnit as problem:
        return None, Text(key="fact.unit_unknown", values={"problem": str(problem)}), shown
    low, high = spec.limits
    if not low <= value <= high:
        limits = {"value": f"{value:g}", "low": f"{low:g}", "high": f"{high:g}", "unit": spec.unit}
        return None, Text(key="fact.impossible", values=limits), shown
    return value, None, shown
