"""Is a resource shaped like FHIR R4? Elements that R4 does not know and values of a wrong type, named by their path.

The models are those of fhir.resources, R4B, which differs from R4 in few types; required codes are not checked here.
No value of the record stands in what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

MOST = 20
"""So many problems are named at most."""


def problems(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with the shape, each as "path: what"; empty where nothing is."""
    kind = str(resource.get("resourceType"))
    try:
        model = get_fhir_model_class(kind)
    except (LookupError, ValueError):
        return ("resourceType: no resource type of FHIR R4",)
    try:
        model.model_validate(resource)
    except ValidationError as problem:
        found = (f"{_path(kind, error['loc'])}: {_what(error['type'])}" for error in problem.errors()[:MOST])
        return tuple(dict.fromkeys(found))
    except (RecursionError, OverflowError, ArithmeticError, TypeError, ValueError, AttributeError, KeyError) as problem:
        return (f"{kind}: not readable ({type(problem).__name__})",)
    return ()


def _path(kind: str, places: tuple[int | str, ...]) -> str:
    return ".".join([kind, *(str(place)[:60] for place in places)])


def _what(code: str) -> str:
    if code == "extra_forbidden":
        return "an element that this place does not have"
    return "missing" if code == "missing" else "not of the type that it has to be"
