"""Does a knowledge file have the form of its kind? For the kinds that no reading code of their own checks.

A reader of the part of JSON Schema that json_schema.py writes, so that `knowledge check` needs no library
and finds what an editor would underline. Tests hold it to the library `jsonschema`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ketapath.knowledge.json_schema import KINDS, kind_of, schema

Schema = Mapping[str, Any]

_READ_ELSEWHERE = frozenset(
    {"rule", "path", "source", "screening", "alternative", "target", "card", "claim", "perpetrator"}
)
_TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "object": lambda v: isinstance(v, dict),
        "array": lambda v: isinstance(v, list),
        "string": lambda v: isinstance(v, str),
        "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
        "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "boolean": lambda v: isinstance(v, bool),
        "null": lambda v: v is None,
    }
)


def wrong_forms(documents: Mapping[str, Any]) -> Iterator[str]:
    """What breaks the form of its kind, in a sentence that names file and field."""
    shapes = {kind: schema(kind) for kind in KINDS if kind not in _READ_ELSEWHERE}
    for name, document in documents.items():
        try:
            shape = shapes.get(kind_of(name))
        except KeyError:
            yield f"{name}: nothing reads a file of this name or in this folder"
        else:
            yield from (f"{name}: {mistake}" for mistake in mistakes(document, shape or {}))


def mistakes(value: Any, shape: Schema, *, root: Schema | None = None, at: str = "") -> Iterator[str]:
    """Where the value breaks the schema. `root` is the schema that references point into, `at` the place so far."""
    root = shape if root is None else root
    if not shape:
        return  # whatever stands there may stand there
    if "$ref" in shape:
        shape = root["definitions"][str(shape["$ref"]).rpartition("/")[2]]
    for why in _alone(value, shape):
        yield f"{at or 'it'} {why}"
    if isinstance(value, dict):
        yield from _in_mapping(value, shape, root, at)
    elif isinstance(value, list):
        if "contains" in shape and not any(_fits(item, shape["contains"], root) for item in value):
            yield f"{at or 'it'} lacks an entry that has to be there"
        for number, item in enumerate(value):
            inner = shape.get("items", {})
            inner = inner[number] if isinstance(inner, list) else inner
            yield from mistakes(item, inner, root=root, at=f"{at}[{_called(item, number)}]")
    for each in shape.get("allOf", ()):
        yield from mistakes(value, each, root=root, at=at)
    if "anyOf" in shape and not any(_fits(value, each, root) for each in shape["anyOf"]):
        yield f"{at or 'it'} is {value!r}, which is none of what may stand there"
    if "not" in shape and _fits(value, shape["not"], root):
        yield f"{at or 'it'} has a field that does not belong there"
    if "if" in shape:
        then = shape.get("then" if _fits(value, shape["if"], root) else "else", {})
        yield from mistakes(value, then, root=root, at=at)


def _fits(value: Any, shape: Schema, root: Schema) -> bool:
    return next(mistakes(value, shape, root=root), None) is None


def _alone(value: Any, shape: Schema) -> list[str]:
    """What can be said without looking inside; asked of every value of every file."""
    said = []
    wanted = shape.get("type")
    if wanted is not None and not any(_TYPES[t](value) for t in ([wanted] if isinstance(wanted, str) else wanted)):
        said.append(f"is {value!r}, not a {wanted if isinstance(wanted, str) else ' or '.join(wanted)}")
    if "enum" in shape and not any(_same(value, each) for each in shape["enum"]):
        said.append(f"is {value!r}, not one of {shape['enum']}")
    if "const" in shape and not _same(value, shape["const"]):
        said.append(f"is {value!r}, not {shape['const']!r}")
    if isinstance(value, str):
        if "pattern" in shape and not re.search(shape["pattern"], value):
            said.append(f"is {value!r}, which does not look like {shape['pattern']}")
        if len(value) < shape.get("minLength", 0):
            said.append("is empty")
    elif isinstance(value, dict):
        if len(value) < shape.get("minProperties", 0):
            said.append("is empty")
    elif isinstance(value, list):
        if not shape.get("minItems", 0) <= len(value) <= shape.get("maxItems", len(value)):
            said.append(f"has {len(value)} entries")
    elif _TYPES["number"](value):
        if value < shape.get("minimum", value):
            said.append(f"is {value}, less than {shape['minimum']}")
        if value > shape.get("maximum", value):
            said.append(f"is {value}, more than {shape['maximum']}")
    return said


def _in_mapping(value: Mapping[str, Any], shape: Schema, root: Schema, at: str) -> Iterator[str]:
    known, more = shape.get("properties", {}), shape.get("additionalProperties", {})
    for field in shape.get("required", ()):
        if field not in value:
            yield f"{at or 'it'} has no {field}"
    for field, item in value.items():
        place = f"{at}.{field}" if at else field
        if field not in known and more is False:
            yield f"{at or 'it'} has a field {field}, which nobody reads"
        elif inner := known.get(field, more):
            yield from mistakes(item, inner, root=root, at=place)
        if "propertyNames" in shape:
            yield from mistakes(field, shape["propertyNames"], root=root, at=place)


def _same(one: Any, other: Any) -> bool:
    """Equal, where true is not one."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def _called(item: Any, number: int) -> str:
    """How a message calls an entry of a list: by its id where it has one."""
    return str(item["id"]) if isinstance(item, dict) and "id" in item else str(number)
