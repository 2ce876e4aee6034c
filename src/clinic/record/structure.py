"""Is this resource shaped like FHIR R4? Unknown elements, wrong types and missing ones, each named by its path.

`problems` never quotes a value of the record, so that its words may stand in a log or a report, and never raises.
The shapes are those of fhir.resources' R4B models: R4B changed nothing in the resources of a chart. The types that R4B
renamed or dropped are R4 still and are taken as they are; those that it added are none of R4.
Source: HL7 FHIR R4 (4.0.1) and R4B (4.3.0), their pages of changes. The models are imported when the first record is
looked through: they take a tenth of a start, and most starts read none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args

from ketapath.fhir.bundle import MAX_DEPTH

if TYPE_CHECKING:
    from pydantic import BaseModel

MOST_NAMED = 12
_ONLY_R4 = frozenset(
    [
        "EffectEvidenceSynthesis", "Evidence", "EvidenceVariable", "MedicinalProduct", "MedicinalProductAuthorization",
        "MedicinalProductContraindication", "MedicinalProductIndication", "MedicinalProductIngredient",
        "MedicinalProductInteraction", "MedicinalProductManufactured", "MedicinalProductPackaged",
        "MedicinalProductPharmaceutical", "MedicinalProductUndesirableEffect", "RiskEvidenceSynthesis",
        "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation",
        "SubstanceSourceMaterial", "SubstanceSpecification",
    ]
)  # fmt: skip
_ONLY_R4B = frozenset(
    [
        "AdministrableProductDefinition", "Citation", "ClinicalUseDefinition", "EvidenceReport", "Ingredient",
        "ManufacturedItemDefinition", "NutritionProduct", "PackagedProductDefinition", "RegulatedAuthorization",
        "SubscriptionStatus", "SubscriptionTopic", "SubstanceDefinition",
    ]
)  # fmt: skip
_WORD = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,60}\Z")
_JSON: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "text"),
    "bool": (bool, "true or false"),
    "number": ((int, float), "a number"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    """One element: a JSON type ("str", "bool", "number"), a model, or None where any resource may stand."""

    holds: str | type[BaseModel] | None
    is_list: bool
    is_needed: bool
    fhir_type: str
    choice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What may stand in one object. `choices` are the names of value[x] elements of which one is needed."""

    elements: Mapping[str, _Element]
    needed: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    choices_needed: frozenset[str]


def problems(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """What keeps this from being an R4 resource, as short sentences that begin with a path; nothing where it is one."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not _WORD.match(kind):
        return ("resourceType is not named",)
    if kind in _ONLY_R4:
        return ()
    model = _model(kind)
    if model is None:
        return (f"{kind} is no resource of FHIR R4",)
    found: list[str] = []
    for problem in _walk(resource, model, kind, 0):
        if len(found) == MOST_NAMED:
            return (*found, "and more")
        found.append(problem)
    return tuple(found) or tuple(_badly_written(resource, model, kind))


@lru_cache(maxsize=256)
def _model(kind: str) -> type[BaseModel] | None:
    """The model of a resource type of R4; None where there is none (a data type is none)."""
    from fhir.resources.R4B import get_fhir_model_class

    if kind in _ONLY_R4B:
        return None
    try:
        model = get_fhir_model_class(kind)
    except (ValueError, AttributeError):
        return None
    return model if _is_resource(model) and kind != "DomainResource" else None


def _is_resource(model: type[BaseModel]) -> bool:
    return any(parent.__name__ == "Resource" for parent in model.__mro__[1:])


@lru_cache(maxsize=1024)
def _shape(model: type[BaseModel]) -> _Shape:
    elements: dict[str, _Element] = {}
    choices: dict[str, list[str]] = {}
    needed: list[str] = []
    choices_needed: set[str] = set()
    for name, field in model.model_fields.items():
        if name in ("fhir_comments", "resource_type"):
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        alias = field.alias or name
        holds, is_list, fhir_type = _held(field.annotation)
        choice = str(extra.get("one_of_many") or "")
        is_needed = field.is_required() or bool(extra.get("element_required"))
        elements[alias] = _Element(
            holds=holds, is_list=is_list, is_needed=is_needed, fhir_type=fhir_type, choice=choice
        )
        if is_needed:
            needed.append(alias)
        if choice:
            choices.setdefault(choice, []).append(alias)
            choices_needed |= {choice} if extra.get("one_of_many_required") else set()
    return _Shape(
        elements=elements,
        needed=tuple(needed),
        choices={choice: tuple(names) for choice, names in choices.items()},
        choices_needed=frozenset(choices_needed),
    )


def _held(annotation: Any) -> tuple[str | type[BaseModel] | None, bool, str]:
    """What an annotation of the models says: JSON type or model, whether a list, and FHIR's own name of the type."""
    is_list = "List[" in repr(annotation)
    parts: list[Any] = [annotation]
    while parts:
        part = parts.pop(0)
        if hasattr(part, "get_model_klass"):
            name = part.__name__.removesuffix("Type")
            return (None if name == "Resource" else part.get_model_klass()), is_list, name
        if hasattr(part, "__metadata__"):
            plain, marker = get_args(part)[0], type(part.__metadata__[0]).__name__
            return _plain(plain), is_list, marker[:1].lower() + marker[1:]
        if part in (bool, str, int, float):
            return _plain(part), is_list, "boolean" if part is bool else part.__name__
        parts = [*get_args(part), *parts]
    return "str", is_list, "string"


def _plain(python: type) -> str:
    """The JSON type in which FHIR writes it: days, times and bytes are text."""
    return {"bool": "bool", "int": "number", "float": "number", "Decimal": "number"}.get(python.__name__, "str")


def _walk(holder: Mapping[str, Any], model: type[BaseModel], path: str, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        yield f"{path.partition('.')[0]} is more than {MAX_DEPTH} levels deep"
        return
    shape = _shape(model)
    for name, value in holder.items():
        element = shape.elements.get(name)
        if element is not None:
            yield from _walk_element(value, element, f"{path}.{name}", depth)
        elif name != "resourceType" or not _is_resource(model):
            yield f"{path}.{name} is not known" if _WORD.match(str(name)) else f"{path} has an element of an odd name"
    for name in shape.needed:
        if name not in holder and f"_{name}" not in holder:
            yield f"{path}.{name} is missing"
    for choice, names in shape.choices.items():
        stated = sum(name in holder or f"_{name}" in holder for name in names)
        if stated > 1:
            yield f"{path}.{choice}[x] is stated {stated} times"
        elif stated == 0 and choice in shape.choices_needed:
            yield f"{path}.{choice}[x] is missing"


def _walk_element(value: Any, element: _Element, path: str, depth: int) -> Iterator[str]:
    if isinstance(value, list) != element.is_list:
        yield f"{path} has to be a list" if element.is_list else f"{path} may stand once only"
        return
    is_primitive = isinstance(element.holds, str) or element.fhir_type == "FHIRPrimitiveExtension"
    for number, item in enumerate(value) if element.is_list else [(-1, value)]:
        here = path if number < 0 else f"{path}[{number}]"
        if item is None and element.is_list and is_primitive:
            continue  # FHIR holds the place of an element that has only an extension, or none, with null
        yield from _walk_item(item, element, here, depth)


def _walk_item(item: Any, element: _Element, path: str, depth: int) -> Iterator[str]:
    if isinstance(element.holds, str):
        json_type, words = _JSON[element.holds]
        if not isinstance(item, json_type) or (isinstance(item, bool) and element.holds != "bool"):
            yield f"{path} has to be {words}"
    elif not isinstance(item, dict):
        yield f"{path} has to be an object"
    elif element.holds is not None:
        yield from _walk(item, element.holds, path, depth + 1)
    else:
        kind = item.get("resourceType")
        model = _model(kind) if isinstance(kind, str) else None
        if model is not None:
            yield from _walk(item, model, path, depth + 1)
        elif kind not in _ONLY_R4:
            yield f"{path} is no resource of FHIR R4"


def _badly_written(resource: Mapping[str, Any], model: type[BaseModel], kind: str) -> Iterator[str]:
    """What has the right type and is not written as FHIR writes it: a day, a code, an id."""
    from pydantic import ValidationError

    try:
        model.model_validate(resource)
    except ValidationError as trouble:
        for number, error in enumerate(trouble.errors(include_url=False, include_context=False, include_input=False)):
            if number == MOST_NAMED:
                yield "and more"
                return
            steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"])
            yield f"{kind}{steps} is not written as FHIR R4 writes it"
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        yield f"{kind} cannot be read as FHIR R4"
