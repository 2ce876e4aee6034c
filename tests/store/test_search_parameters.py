"""Every parameter that is listed, of every type: found by its value, not by another, with all that is listed for it.

What an element holds is read from the published models of the resources, not from our table, so that a path that does
not exist fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from fhir.resources.R4B import get_fhir_model_class
from tests.store.searching import found

from clinic import clock
from clinic.access.models import Account
from clinic.record.models import Practice
from clinic.record.query import parse
from clinic.record.write import Write, write
from ketapath.errors import BadInput
from ketapath.fhir import patient_of
from ketapath.fhir.parameters import (
    COLUMNS,
    MODIFIERS,
    PREFIXED,
    PREFIXES,
    SORTABLE,
    Parameter,
    Path,
    includes,
    kinds,
    parameters,
    revincludes,
)

EARLIER, DAY, LATER, NEXT = "2026-03-09", "2026-03-10", "2026-03-11", "2027-01-01"
UNIT = "http://unitsofmeasure.org"


@dataclass(frozen=True)
class Built:
    """The resources of one parameter: those with its value at one of its paths each, and one with another value."""

    parameter: Parameter
    with_value: list[str]
    with_other: str
    asked: str
    asked_other: str


def built_for(kind: str, number: int, parameter: Parameter, made: dict[str, dict[str, Any]]) -> Built:
    """Make resources that hold this parameter's value, and another one's."""
    named, paths = f"p{number:03}", _paths(kind, parameter)
    ids = []
    for n, path in enumerate(paths):
        ids.append(f"{named}-value-{n}")
        made[ids[-1]] = _resource(kind, ids[-1], path, _value(kind, path, parameter, named, other=False))
    other = f"{named}-other"
    made[other] = _resource(kind, other, paths[0], _value(kind, paths[0], parameter, named, other=True))
    asked = [_asked(parameter, named, _type(kind, paths[0]), other=is_other) for is_other in (False, True)]
    return Built(parameter, ids, other, *asked)


def _paths(kind: str, parameter: Parameter) -> list[Path]:
    return [path for name in parameter.reads for path in parameters(kind)[name].paths]


def _steps(kind: str, path: Path) -> Iterator[tuple[str, Any]]:
    model: Any = get_fhir_model_class(kind)
    for element in path.elements:
        field = next(f for f in model.model_fields.values() if f.alias == element)
        yield element, field
        complex_type = re.search(r"(?:abc|fhirtypes)\.(\w+)Type\b", str(field.annotation))
        model = get_fhir_model_class(complex_type[1]) if complex_type else None


def _type(kind: str, path: Path) -> str:
    """The type of the element at this path, as "CodeableConcept", "code" or "date"."""
    *_, (_, field) = _steps(kind, path)
    said = str(field.annotation)
    complex_type = re.search(r"(?:abc|fhirtypes)\.(\w+)Type\b", said)
    simple = re.search(r"Annotated\[\w+, (\w+)\(\)", said)
    if complex_type:
        return complex_type[1]
    if simple:
        return simple[1].lower()
    return next(word for word in ("bool", "datetime", "date", "Decimal", "int", "str") if word in said)


def _resource(kind: str, identity: str, path: Path, value: Any) -> dict[str, Any]:
    for element, field in reversed(list(_steps(kind, path))):
        value = {element: [value] if "List" in str(field.annotation) else value}
    return {"resourceType": kind, "id": identity, **value}


def _value(kind: str, path: Path, parameter: Parameter, named: str, *, other: bool) -> Any:
    word, type_ = f"{'beta' if other else 'alpha'}-{named}.", _type(kind, path)
    day = NEXT if other else DAY
    amount = {"value": 20 if other else 10, "system": UNIT, "code": f"u{named}", "unit": f"u{named}"}
    target = (parameter.targets or ("Patient",))[0]
    simple = {
        "bool": not other,
        "Decimal": amount["value"],
        "date": day,
        "datetime": day,
        "instant": f"{day}T12:00:00Z",
    }
    values: dict[str, Any] = {
        "CodeableConcept": {"coding": [{"system": "http://s.example", "code": word}]},
        "Coding": {"system": "http://s.example", "code": word},
        "Identifier": {"system": "http://s.example", "value": word},
        "ContactPoint": {"system": path.only or "phone", "value": word},
        "Reference": {"reference": f"{target}/{word}", "identifier": {"system": "http://s.example", "value": word}},
        "HumanName": {"family": word},
        "Address": {"city": word},
        "Period": {"start": day, "end": day},
        "Timing": {"event": [day]},
        "Quantity": amount,
        "Age": amount,
        "Duration": amount,
        "Range": {"low": amount, "high": amount},
        "SampledData": {"origin": amount, "period": 1, "dimensions": 1, "lowerLimit": amount["value"],
                        "upperLimit": amount["value"]},
        "canonical": f"http://s.example/{word}|2",
    }  # fmt: skip
    return values.get(type_, simple.get(type_, word))


def _asked(parameter: Parameter, named: str, type_: str, *, other: bool) -> str:
    word = f"{'beta' if other else 'alpha'}-{named}."
    if type_ == "bool":
        return "false" if other else "true"
    if parameter.type == "date":
        return NEXT if other else DAY
    if parameter.type in ("number", "quantity"):
        return ("20" if other else "10") + (f"|{UNIT}|u{named}" if parameter.type == "quantity" else "")
    if type_ == "canonical":
        return f"http://s.example/{word}"
    return f"{parameter.targets[0]}/{word}" if parameter.type == "reference" else word


def put_all(practice: Practice, kind: str, made: dict[str, dict[str, Any]]) -> None:
    writes = [
        Write(kind=kind, identity=i, patient_id=patient_of(r) or "p", text=json.dumps(r), expected=0)
        for i, r in made.items()
    ]
    with transaction.atomic():
        write(practice, writes, by="somebody", reason="", at=clock.now())


@pytest.mark.parametrize("kind", kinds())
def test_every_listed_parameter_finds_its_value_and_no_other(here: Account, kind: str) -> None:
    practice, made = here.practice, {"empty": {"resourceType": kind, "id": "empty"}}
    listed = [p for p in parameters(kind).values() if p.name not in COLUMNS and not (p.paths and p.paths[0].either)]
    all_built = [built_for(kind, n, p, made) for n, p in enumerate(listed)]
    put_all(practice, kind, made)

    def ids(asked: str) -> list[str]:
        return found(practice, f"{kind}?_count=1000&{asked}")

    for built in all_built:
        name = built.parameter.name
        by_value = ids(f"{name}={built.asked}")
        # A yes, a number and a day stand in more than one resource; every other value is this parameter's alone.
        assert by_value == built.with_value or built.asked in ("true", "10", DAY), name
        assert set(built.with_value) <= set(by_value), name
        assert built.with_other not in by_value, name
        assert built.with_other in ids(f"{name}={built.asked},{built.asked_other}"), name
        if name.startswith("_") and kind != "Observation":
            continue  # the same for every type: the rest of it is shown once
        _modifiers_hold(built, ids)
        _prefixes_hold(built, ids)
        _order_holds(built, ids)


def _modifiers_hold(built: Built, ids: Any) -> None:
    name, value, other = built.parameter.name, built.asked, built.with_other
    for modifier in built.parameter.modifiers:
        if modifier == "missing":
            there, absent = ids(f"{name}:missing=false"), ids(f"{name}:missing=true")
            assert {*built.with_value, other} <= set(there), name
            assert "empty" in absent, name
            assert not set(there) & set(absent), name
        elif modifier == "not":
            rest = ids(f"{name}:not={value}")
            assert {other, "empty"} <= set(rest), name
            assert not set(built.with_value) & set(rest), name
        elif modifier == "exact":
            assert built.with_value == ids(f"{name}:exact={value}"), name
            assert ids(f"{name}:exact={value.upper()}") == [], name
        elif modifier == "contains":
            assert built.with_value == ids(f"{name}:contains={value[2:].upper()}"), name
        elif modifier == "identifier":
            if "://" not in value:
                word = value.partition("/")[2]
                assert built.with_value == ids(f"{name}:identifier=http://s.example|{word}"), name
        elif modifier == built.parameter.targets[0] and "://" not in value:
            assert built.with_value == ids(f"{name}:{modifier}={value.partition('/')[2]}"), name
        elif modifier == built.parameter.targets[-1]:
            assert not {*built.with_value, other} & set(ids(f"{name}:{modifier}=alpha")), name


PREFIX_CASES = {
    # prefix: what finds the day and the number, and what does not
    "eq": ((DAY, EARLIER), ("10", "9")),
    "ne": ((EARLIER, DAY), ("9", "10")),
    "gt": ((EARLIER, DAY), ("9", "10")),
    "ge": ((DAY, LATER), ("10", "11")),
    "lt": ((LATER, DAY), ("11", "10")),
    "le": ((DAY, EARLIER), ("10", "9")),
    "sa": ((EARLIER, DAY), ("9", "10")),
    "eb": ((LATER, DAY), ("11", "10")),
    "ap": ((DAY, "1990-01-01"), ("10.5", "15")),
}


def _prefixes_hold(built: Built, ids: Any) -> None:
    if built.parameter.type not in PREFIXED:
        return
    name, unit = built.parameter.name, built.asked.partition("|")[1] + built.asked.partition("|")[2]
    for prefix in PREFIXES:
        finds, finds_not = PREFIX_CASES[prefix][0 if built.parameter.type == "date" else 1]
        assert set(built.with_value) <= set(ids(f"{name}={prefix}{finds}{unit}")), (name, prefix)
        assert not set(built.with_value) & set(ids(f"{name}={prefix}{finds_not}{unit}")), (name, prefix)


def _order_holds(built: Built, ids: Any) -> None:
    name, one = built.parameter.name, built.with_value[0]
    if built.parameter.type not in SORTABLE or built.asked == "true":
        return
    up, down = ids(f"_sort={name}"), ids(f"_sort=-{name}")
    assert len(up) == len(down), name
    assert up.index(one) < up.index(built.with_other) < up.index("empty"), name
    assert down.index(built.with_other) < down.index(one) < down.index("empty"), name


@pytest.mark.parametrize("kind", kinds())
def test_what_is_not_listed_is_refused_for_every_type(kind: str) -> None:
    every = {p.name for k in kinds() for p in parameters(k).values()}
    modifiers = {
        *(m for own in MODIFIERS.values() for m in own),
        "text",
        "in",
        "not-in",
        "above",
        "below",
        "Medication",
    }
    for name in every - set(parameters(kind)):
        with pytest.raises(BadInput):
            parse(kind, [(name, "1")])
    for parameter in parameters(kind).values():
        for modifier in modifiers - set(parameter.modifiers):
            with pytest.raises(BadInput):
                parse(kind, [(f"{parameter.name}:{modifier}", "true")])
        if parameter.type not in SORTABLE:
            with pytest.raises(BadInput):
                parse(kind, [("_sort", parameter.name)])
    for name, listed in (("_include", includes(kind)), ("_revinclude", revincludes(kind))):
        for offered in listed:
            assert parse(kind, [(name, offered)])
        others = {*includes("Patient"), *includes("Observation"), *includes("Task")} - set(listed)
        for other in others:
            with pytest.raises(BadInput):
                parse(kind, [(name, other)])


def test_whether_somebody_has_died_is_found_however_it_is_said(here: Account) -> None:
    made = {
        "alive": {},
        "said": {"deceasedBoolean": False},
        "yes": {"deceasedBoolean": True},
        "when": {"deceasedDateTime": "2026-01-01"},
    }
    put_all(here.practice, "Patient", {i: {"resourceType": "Patient", "id": i, **r} for i, r in made.items()})
    assert found(here.practice, "Patient?deceased=true") == ["yes", "when"]
    assert found(here.practice, "Patient?deceased=false") == ["alive", "said"]


def test_whatever_ketapath_itself_writes_and_a_clinic_asks_for_can_be_searched() -> None:
    written = {"CarePlan", "Task", "MedicationRequest", "Encounter", "MedicationAdministration", "Observation",
               "QuestionnaireResponse", "Goal", "RiskAssessment", "DetectedIssue"}  # fmt: skip
    assert written <= set(kinds())
    for kind in kinds():
        names = set(parameters(kind))
        assert {"_id", "_lastUpdated", "_profile", "_security", "_tag"} <= names
    for names in ("patient category code date status encounter based-on part-of value-quantity component-code",):
        assert set(names.split()) <= set(parameters("Observation"))
    assert "Provenance:target" in revincludes("Observation")
    assert "Provenance:target" in revincludes("CarePlan")
