"""The schemas of other treatments, of what may matter to a person and of targets, as alternatives.py reads them.

The words by which an alternative says what fits it are those of values.yaml, so they are taken from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from ketapath.domain.alternative import Favours, Kind, Masking, Outcome
from ketapath.knowledge import alternatives as read
from ketapath.knowledge import documents
from ketapath.knowledge import schema as words
from ketapath.knowledge.json_parts import (
    BOOL,
    COUNT,
    INTERVAL,
    KEY,
    NUMBER,
    PATH,
    RULE_ID,
    TEXT,
    VERSION,
    WHEN,
    Schema,
    case,
    citations,
    list_of,
    map_of,
    one_of,
    record,
    record_as_read,
    trust,
    with_cases,
    with_predicate,
)


def alternatives() -> Schema:
    """Other treatments, or the cases of their reasons."""
    fields: dict[str, Schema] = {
        "id": TEXT,
        "version": VERSION,
        "kind": one_of(get_args(Kind), "Another treatment, a ketamine way, or the comparison of the two ways."),
        "title": TEXT,
        "product": one_of(words.PRODUCTS),
        "route": one_of(words.ROUTES),
        "prefer_when": {**TEXT, "description": "In general, for everybody."},
        "rule": RULE_ID,
        "sources": list_of(_cited()),
        "members": {**map_of(TEXT), "description": "Where it is several treatments: their names by their ids."},
        "tried": _tried(),
        "prefer": {**list_of(_reason()), "description": "Why one of the two is favoured for this person."},
        "compares": {**list_of(_comparison()), "description": "Absolute figures from named trials."},
        "values": _values(),
        "note": TEXT,
    }
    found = record_as_read(fields, read.ALTERNATIVE_FIELDS, read.ALTERNATIVE_OPTIONAL)
    return with_predicate(with_cases(found, "reason", case("reason")))


def values() -> Schema:
    """The things that may matter to a person. A word is a part of a text's key, an id a part of a path's."""
    levels = map_of(TEXT, {"pattern": "^[a-z0-9-]+$", "not": {"const": read.UNKNOWN}})
    fields: dict[str, Schema] = {
        "id": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "title": TEXT,
        "levels": {**levels, "minProperties": 2, "description": "Words with what they mean, the worst first."},
    }
    return list_of(record_as_read(fields, read.VALUE_FIELDS))


def targets() -> Schema:
    """What ketamine is aimed at and what is treated otherwise, or the cases of that."""
    said = record_as_read(
        {"statement": TEXT, "rule": RULE_ID, "sources": list_of(_cited()), "trust": trust()},
        read.SAID_FIELDS,
        read.TRUST,
    )
    fields: dict[str, Schema] = {"id": TEXT, "title": TEXT, "when": WHEN, **dict.fromkeys(read.PLACES, said)}
    either = {"anyOf": [{"required": ["aim"]}, {"required": ["beside"]}]}
    found = {**record_as_read(fields, read.TARGET_FIELDS, read.PLACES), **either}
    return with_predicate(with_cases(found, "target", case("target")))


def _cited() -> Schema:
    """A source by its key alone, or with the place in it."""
    return {"anyOf": [KEY, citations()["items"]]}


def _tried() -> Schema:
    fields: dict[str, Schema] = {
        "path": PATH,
        "proofs": {**list_of(PATH), "description": "Facts that show it where they are true or above zero."},
        "response": PATH,
        "now": PATH,
        "failed_count": PATH,
        "trials": {**BOOL, "description": "Whether antidepressant trials show it."},
        "substances": list_of(TEXT),
    }
    return record_as_read(fields, (), read.TRIED_FIELDS)


def _reason() -> Schema:
    fields: dict[str, Schema] = {
        "id": TEXT,
        "when": WHEN,
        "favours": one_of(get_args(Favours)),
        "statement": TEXT,
        "rule": RULE_ID,
        "trust": trust(),
        "sources": {**list_of(_cited()), "description": "[] is our judgement, which a named clinician has to approve."},
    }
    return record_as_read(fields, read.REASON_FIELDS, read.TRUST)


def _comparison() -> Schema:
    fields: dict[str, Schema] = {
        "id": TEXT,
        "of": {**TEXT, "description": "Which of the members."},
        "trial": TEXT,
        "outcome": one_of(get_args(Outcome)),
        "scale": TEXT,
        "population": TEXT,
        "when": TEXT,
        "randomised": BOOL,
        "masking": one_of(get_args(Masking)),
        "people": COUNT,
        "arms": list_of(_arm()),
        "difference": _difference(),
        "favours": one_of([*get_args(Favours), None], "null where the figures cannot say it."),
        "source": _cited(),
        "trust": trust(),
        "note": TEXT,
    }
    return record_as_read(fields, read.COMPARISON_FIELDS, read.COMPARISON_OPTIONAL)


def _arm() -> Schema:
    fields: dict[str, Schema] = {
        "name": TEXT,
        "side": one_of(read.SIDES),
        "percent": NUMBER,
        "n": {**COUNT, "description": "The number that the percent is of."},
        "events": COUNT,
        "randomised": {**COUNT, "description": "The size of the group, where n is not known."},
        "interval": INTERVAL,
    }
    return record_as_read(fields, read.ARM_FIELDS, read.ARM_OPTIONAL)


def _difference() -> Schema:
    counted: Schema = {**TEXT, "description": "Where it is not in people of 100."}
    fields: dict[str, Schema] = {"value": NUMBER, "counted_in": counted, "interval": INTERVAL}
    return record_as_read(fields, (), read.DIFFERENCE_FIELDS)


def _values() -> Schema:
    """Everything that may matter, by one of its words or as unknown; all of them, and no other."""
    return record({value["id"]: _trait(value["levels"]) for value in documents()["values.yaml"]})


def _trait(levels: Iterable[str]) -> Schema:
    fields: dict[str, Schema] = {"is": one_of(levels), "sources": list_of(_cited()), "note": TEXT}
    return {"anyOf": [{"const": read.UNKNOWN}, record_as_read(fields, read.TRAIT_FIELDS, read.TRAIT_OPTIONAL)]}
