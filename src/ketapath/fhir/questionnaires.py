"""Which instrument totals does the record hold? From items where they are given, else the stated total.

Totals are recomputed from the items and never trusted: a stated total that differs from its items loses. A missing
item means no total; a total that the scale cannot have (22.57 on the PHQ-9) is kept and marked. Observations of one
day are one sheet; a form is a sheet of its own, so that a blank in it is never filled from another form.
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

_DONE = frozenset({"completed", "amended", "final", "corrected"})


@dataclass(slots=True)
class _Sheet:
    """Answers of one instrument on one day, as they are found. `form` is the questionnaire that they came from."""

    form: str | None = None
    at: datetime | None = None
    answers: dict[int, int | None] = field(default_factory=dict)
    total: float | None = None
    origin: Origin | None = None
    total_origin: Origin | None = None


def scores_of(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[ScoreEntry]:
    """One entry for each sheet, in order of time."""
    sheets: dict[tuple[str, date], list[_Sheet]] = {}
    positions = {name: _item_positions(instrument) for name, instrument in vocabulary.instruments.items()}
    for resource in bundle.of_type("Observation", "QuestionnaireResponse"):
        if el.text(resource, "status") in _DONE:
            named = [(name, holder) for holder in _holders(resource) for name in _names(holder)]
            for key, instrument in vocabulary.instruments.items():
                _read(resource, named, instrument, positions[key], sheets)
    for (name, on), of_day in sorted(sheets.items(), key=lambda entry: (entry[0][1], entry[0][0])):
        for sheet in sorted(of_day, key=lambda s: s.at.isoformat() if s.at else ""):
            yield _entry(vocabulary.instruments[name], on, sheet)


def _read(
    resource: Resource,
    named: Iterable[tuple[str, Mapping[str, Any]]],
    instrument: Mapping[str, Any],
    items: Mapping[str, int],
    sheets: dict[tuple[str, date], list[_Sheet]],
) -> None:
    """Add what this resource answers of the instrument; `named` are its elements by each name they go by."""
    on, at = el.when(resource, "effectiveDateTime", "effectivePeriod", "authored")
    if on is None:
        return
    found: dict[int, int | None] = {}
    total = None
    for name, holder in named:
        if name in items:
            found[items[name]] = _answer(holder, instrument)
        elif name == instrument["loinc"]["total"] and resource["resourceType"] == "Observation":
            stated = el.quantity(holder, "valueQuantity")
            total = stated[0] if stated else el.number(holder, "valueInteger")
    if not found and total is None:
        return
    sheet = _sheet(sheets.setdefault((instrument["id"], on), [_Sheet()]), resource)
    sheet.at = at or sheet.at
    if found:
        sheet.answers.update(found)
        sheet.origin = el.origin(resource)
    if total is not None:
        sheet.total, sheet.total_origin = total, el.origin(resource)


def _sheet(of_day: list[_Sheet], resource: Resource) -> _Sheet:
    """The day's sheet for a single Observation; for a form the first sheet that no other form has filled."""
    if resource["resourceType"] == "Observation":
        return of_day[0]
    if of_day[-1].form is not None:
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


def _names(holder: Mapping[str, Any]) -> Iterator[str]:
    for coding in el.codings(holder, "code"):
        if coding.system == "loinc":
            yield coding.code
    link = el.text(holder, "linkId")
    if link:
        yield link.removeprefix("/")


def _item_positions(instrument: Mapping[str, Any]) -> dict[str, int]:
    """Item position by LOINC code and by id. The PHQ-9 codes are not in numerical order."""
    positions = {}
    for position, item in enumerate(instrument["items"]):
        positions[str(item["id"])] = position
        if item.get("loinc"):
            positions[str(item["loinc"])] = position
    return positions


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
    low, high = float(instrument["scoring"]["min"]), float(instrument["scoring"]["max"])
    total, reason = sheet.total, None
    if items and None not in items:
        total = float(sum(i for i in items if i is not None))
    elif items and sheet.total is None:
        reason = Text(key="score.items_missing", values={"missing": items.count(None), "items": len(items)})
    elif total is not None and not total.is_integer():
        reason = Text(key="score.not_whole", values={"total": f"{total:g}"})
    elif total is not None and not low <= total <= high:
        reason = Text(key="score.outside", values={"total": f"{total:g}", "low": f"{low:g}", "high": f"{high:g}"})
    origin = sheet.origin or sheet.total_origin
    assert origin is not None
    return ScoreEntry(
        instrument=instrument["id"], on=on, at=sheet.at, total=total, items=items, origin=origin, reason=reason
    )
