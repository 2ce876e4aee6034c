"""Which instrument totals does the record hold? From items where they are given, else the stated total.

Totals are recomputed from the items and never trusted: a stated total that differs from its items loses. A missing
item means no total; a total that the scale cannot have (22.57 on the PHQ-9) is kept and marked. Items of one day are
one sheet; a form is a sheet of its own, so that a blank in it is never filled from another form, and so is a second
total. A total goes by its LOINC or local code, its name, or the profile path that it fills.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin, ScoreEntry
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.vocabulary import Vocabulary
from ketapath.units import UnknownUnit, convert

DONE = frozenset({"completed", "amended", "final", "corrected"})
_Hits = dict[str, list[tuple[int | None, Mapping[str, Any]]]]
"""The elements that answer an instrument, each with the position of its item; None for a total."""


@dataclass(slots=True)
class _Sheet:
    """Answers of one instrument on one day, as they are found. `form` is the questionnaire that they came from."""

    form: str | None = None
    at: datetime | None = None
    answers: dict[int, int | None] = field(default_factory=dict)
    total: float | None = None
    unit: str | None = None
    origin: Origin | None = None
    total_origin: Origin | None = None


def scores_of(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[ScoreEntry]:
    """One entry for each sheet, in order of time. Readings taken under a dose say nothing of the person at rest."""
    sheets: dict[tuple[str, date], list[_Sheet]] = {}
    for resource in bundle.of_type("Observation", "QuestionnaireResponse"):
        if el.text(resource, "status") not in DONE or is_under_a_dose(resource):
            continue
        for name, hits in _hits(resource, vocabulary).items():
            _read(resource, hits, vocabulary.instruments[name], sheets)
    for (name, on), of_day in sorted(sheets.items(), key=lambda entry: (entry[0][1], entry[0][0])):
        for sheet in sorted(of_day, key=lambda s: s.at.isoformat() if s.at else ""):
            yield _entry(vocabulary.instruments[name], on, sheet)


def is_under_a_dose(resource: Resource) -> bool:
    """Whether this is an Observation that belongs to the giving of a medicine."""
    if resource["resourceType"] != "Observation":
        return False
    parts = (el.text(part, "reference") or "" for part in el.objects(resource, "partOf"))
    return any(reference.startswith("MedicationAdministration/") for reference in parts)


def answers_an_instrument(resource: Resource, vocabulary: Vocabulary) -> bool:
    """Whether this resource holds an item or a total of an instrument."""
    return bool(_hits(resource, vocabulary))


def _hits(resource: Resource, vocabulary: Vocabulary) -> _Hits:
    found: _Hits = {}
    for holder in _holders(resource):
        belongs = {one for name in _names(holder, vocabulary) for one in vocabulary.answered.get(name, ())}
        for instrument, position in belongs:
            found.setdefault(instrument, []).append((position, holder))
    return found


def _read(
    resource: Resource,
    hits: Iterable[tuple[int | None, Mapping[str, Any]]],
    instrument: Mapping[str, Any],
    sheets: dict[tuple[str, date], list[_Sheet]],
) -> None:
    """Add what this resource answers of the instrument."""
    on, at = el.when(resource, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "authored", "issued")
    if on is None:
        return
    found: dict[int, int | None] = {}
    total: tuple[float, str | None] | None = None
    for position, holder in hits:
        if position is None:
            total = _total(holder) or total
        else:
            found[position] = _answer(holder, instrument)
    if found and resource["resourceType"] == "QuestionnaireResponse":
        total = None  # a form's own total never stands in for a blank in it
    if not found and total is None:
        return
    sheet = _sheet(sheets.setdefault((instrument["id"], on), [_Sheet()]), resource, with_total=total is not None)
    sheet.at = at or sheet.at
    if found:
        sheet.answers.update(found)
        sheet.origin = el.origin(resource)
    if total is not None:
        (sheet.total, sheet.unit), sheet.total_origin = total, el.origin(resource)


def _total(holder: Mapping[str, Any]) -> tuple[float, str | None] | None:
    """The stated total with its unit, of an Observation, a component or the first answer of a form's item."""
    for place in [holder, *el.objects(holder, "answer")]:
        stated = el.quantity(place, "valueQuantity")
        for value in (stated, el.number(place, "valueInteger"), el.number(place, "valueDecimal")):
            if value is not None:
                return value if isinstance(value, tuple) else (value, None)
    return None


def _sheet(of_day: list[_Sheet], resource: Resource, *, with_total: bool) -> _Sheet:
    """The day's sheet for a single Observation; for a form the first sheet that no other form has filled.

    Two totals of one day are two measurements: the second gets a sheet of its own.
    """
    if resource["resourceType"] == "Observation":
        if not with_total or of_day[0].total is None:
            return of_day[0]
        of_day.append(_Sheet(form=str(resource.get("id"))))
        return of_day[-1]
    if of_day[-1].form is not None or (with_total and of_day[-1].total is not None):
        of_day.append(_Sheet())
    of_day[-1].form = str(resource.get("id"))
    return of_day[-1]


def _holders(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The elements of a resource that may hold one answer."""
    if resource["resourceType"] == "Observation":
        yield resource
        yield from el.objects(resource, "component")
        return
    waiting = list(el.objects(resource, "item"))
    while waiting:
        item = waiting.pop(0)
        yield item
        waiting[:0] = el.objects(item, "item")


def _names(holder: Mapping[str, Any], vocabulary: Vocabulary) -> Iterator[str]:
    for coding in el.codings(holder, "code"):
        if coding.system in ("loinc", "fact"):
            yield coding.code
    yield from vocabulary.observations.of(holder, "code")
    link = el.text(holder, "linkId")
    if link:
        yield link.removeprefix("/")


def _answer(holder: Mapping[str, Any], instrument: Mapping[str, Any]) -> int | None:
    """The answer's score; None where there is none or it is not one that the instrument has."""
    allowed = {int(option["score"]) for option in instrument["options"]}
    by_code = {o["loinc_answer"]: int(o["score"]) for o in instrument["options"] if o.get("loinc_answer")}
    for answer in [*el.objects(holder, "answer"), holder]:
        coding = answer.get("valueCoding")
        concept = {"c": {"coding": [coding]}} if isinstance(coding, dict) else {"c": answer.get("valueCodeableConcept")}
        for code in el.codings(concept, "c"):
            if code.code in by_code:
                return by_code[code.code]
        stated = el.quantity(answer, "valueQuantity")
        for value in (
            stated[0] if stated else None,
            el.number(answer, "valueInteger"),
            el.number(answer, "valueDecimal"),
        ):
            if value is not None and value in allowed:
                return int(value)
    return None


def _entry(instrument: Mapping[str, Any], on: date, sheet: _Sheet) -> ScoreEntry:
    items = tuple(sheet.answers.get(i) for i in range(len(instrument["items"]))) if sheet.answers else ()
    total, reason = sheet.total, None
    if items and None not in items:
        total = float(sum(i for i in items if i is not None))
    elif items and sheet.total is None:
        reason = Text(key="score.items_missing", values={"missing": items.count(None), "items": len(items)})
    elif total is not None:
        reason = _impossible(instrument, total, sheet.unit)
    origin = sheet.origin or sheet.total_origin
    assert origin is not None
    return ScoreEntry(
        instrument=instrument["id"], on=on, at=sheet.at, total=total, items=items, origin=origin, reason=reason
    )


def _impossible(instrument: Mapping[str, Any], total: float, unit: str | None) -> Text | None:
    """Why the scale cannot have this total, or None. A mean may have any decimals."""
    scoring = instrument["scoring"]
    low, high, step = float(scoring["min"]), float(scoring["max"]), float(scoring.get("step", 1))
    shown = f"{total:g}"
    if unit is not None and not unit.startswith("{"):
        try:
            convert(total, unit, "{score}")
        except UnknownUnit as problem:
            return Text(key="fact.unit_unknown", values={"problem": str(problem)})
    if not low <= total <= high:
        return Text(key="score.outside", values={"total": shown, "low": f"{low:g}", "high": f"{high:g}"})
    if scoring.get("is_mean") or (total - low) % step == 0:
        return None
    if step == 1:
        return Text(key="score.not_whole", values={"total": shown})
    return Text(key="score.not_a_step", values={"total": shown, "step": f"{step:g}"})
