"""What are the JSON Schemas of the knowledge files put together from? Records, lists, words, predicates and cases.

The words come from the constants that the reading code checks against; json_schema.py says which file has which schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, get_args

from ketapath.domain.evidence import Trust
from ketapath.knowledge import schema as words
from ketapath.knowledge.rules import FORMS, NAMED, OPERATORS
from ketapath.knowledge.schema import CASE_FIELDS, EXPECTED, SUBJECTS
from ketapath.knowledge.sourcing import OURS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "number"}
BOOL: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
INTERVAL: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
DAY: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "description": "A day such as 2026-11-24."}
PATH: Schema = {"type": "string", "pattern": words.PATH_NAME, "description": "A path of profile/."}
KEY: Schema = {"type": "string", "pattern": words.SOURCE_KEY, "description": "The key of a source in sources/."}
RULE_ID: Schema = {"type": "string", "pattern": words.RULE_ID, "description": "The id of a rule."}
VERSION: Schema = {"type": "string", "description": "In quotes; one more with every change of what the record says."}
WHEN: Schema = {"$ref": "#/definitions/predicate"}
"""A predicate inside a schema that `with_predicate` has completed."""


def record(properties: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    """A mapping with these fields and no other."""
    left_out = set(optional)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }


def record_as_read(properties: Mapping[str, Schema], required: Iterable[str], optional: Iterable[str] = ()) -> Schema:
    """The same where the reading code lists the fields; one that is not in both places stops the making of schemas."""
    needed, left_out = set(required), set(optional)
    assert set(properties) == needed | left_out, sorted(set(properties) ^ (needed | left_out))
    return record(properties, optional=left_out - needed)


def list_of(items: Schema, *, least: int = 0) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items, **({"minItems": least} if least else {})}


def one_of(allowed: Iterable[str | bool | None], description: str = "") -> Schema:
    """One of these words."""
    found: Schema = {"enum": sorted(allowed, key=str)}
    return {**found, "description": description} if description else found


def or_null(one: Schema) -> Schema:
    """This, or nothing."""
    return {"anyOf": [one, {"type": "null"}]}


def map_of(values: Schema, keys: Schema | None = None) -> Schema:
    """A mapping with names that nobody lists."""
    found: Schema = {"type": "object", "additionalProperties": values}
    return found if keys is None else {**found, "propertyNames": keys}


def citations(least: int = 0) -> Schema:
    """Sources by their key, with the place in each."""
    return list_of(record({"key": KEY, "locator": TEXT}, optional=words.CITATION_FIELDS - {"key"}), least=least)


def trust(description: str = "") -> Schema:
    """How far a source was read."""
    return one_of(get_args(Trust), description)


def reviewed() -> dict[str, Schema]:
    """Who answers for a record, and when it is looked at again."""
    return {"owner": TEXT, "reviewed_on": DAY, "review_due": DAY}


def with_predicate(found: Schema) -> Schema:
    """This schema with what its `WHEN` points to."""
    return {**found, "definitions": {"predicate": _predicate()}}


def list_or(listed: Schema, single: Schema) -> Schema:
    """A file that is a list of these, or one mapping of another kind."""
    return {"if": {"type": "array"}, "then": listed, "else": single}


def with_cases(one: Schema, subject: str, of_case: Schema) -> Schema:
    """A list of records or of their cases, which lie in one folder; a case is what names its subject."""
    return list_of({"if": {"required": [subject]}, "then": of_case, "else": one})


_NAMES: Mapping[str, Schema] = MappingProxyType(
    {
        "rule": RULE_ID,
        "reason": {
            "type": "string",
            "pattern": "^[^/]+/[^/]+$",
            "description": "An alternative and one of its reasons.",
        },
        "target": {**TEXT, "description": "The id of a record in targets.yaml."},
    }
)


def case(subject: str) -> Schema:
    """A worked case of a rule, a reason or a target."""
    assert set(_NAMES) == set(SUBJECTS)
    return record_as_read({subject: _NAMES[subject], **case_fields()}, (subject, *CASE_FIELDS))


def case_fields() -> dict[str, Schema]:
    """What every case says that tries a predicate."""
    value: Schema = {"type": ["boolean", "number", "string", "array"], "items": {"type": "string"}}
    dated = record({"value": value, "on": or_null(DAY)}, optional=["on"])
    return {
        "on": {**DAY, "description": "The day of the case; on stands in quotes."},
        "expect": one_of([True, False, *EXPECTED]),
        "facts": {**map_of({"anyOf": [value, dated]}, PATH), "description": "Paths with values; the rest is unknown."},
    }


def _predicate() -> Schema:
    """`when` and everything like it: one alternative for each set of fields that makes a predicate."""
    value: Schema = {"type": ["boolean", "number", "string"]}
    fields: Mapping[str, Schema] = {
        "all": list_of(WHEN, least=1),
        "any": list_of(WHEN, least=1),
        "not": WHEN,
        "always": {"const": True},
        "predicate": one_of(NAMED),
        "path": PATH,
        "is": value,
        "in": list_of(value, least=1),
        "within_days": {"type": "number", "minimum": 0},
        "op": one_of(OPERATORS),
        "value": NUMBER,
    }
    forms = [record({name: fields[name] for name in fields if name in form}) for form in FORMS]
    return {"anyOf": forms, "description": "When it speaks: true, false, or unknown while a fact is missing."}


def basis() -> Schema:
    """Field by field: a source key, a rule id, or a mark that the figure is ours."""
    return map_of({"anyOf": [one_of(OURS), RULE_ID, KEY]})
