"""The schemas of marker cards and of the gate that each has to pass, as cards.py reads them."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from ketapath.domain.biomarker import (
    Direction,
    Kind,
    Measure,
    Measured,
    Predicts,
    Replication,
    Sample,
    Strength,
)
from ketapath.domain.evidence import Grade
from ketapath.domain.plan import Moved
from ketapath.knowledge.cards import CARD_FIELDS, PARTS, TESTS
from ketapath.knowledge.json_parts import (
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
    case_fields,
    list_of,
    list_or,
    map_of,
    one_of,
    or_null,
    record,
    record_as_read,
    reviewed,
    trust,
    with_predicate,
)

_COUNTED = {field.name for field in fields(Measured)} - {"measure", "interval", "evidence"}


def cards() -> Schema:
    """A card, or the cases beside it."""
    return with_predicate(list_or(list_of(_case()), _card()))


def gate() -> Schema:
    """The preset rules; each part of a card is tested by one of them."""
    rule: dict[str, Schema] = {
        "id": RULE_ID,
        "part": or_null(one_of(PARTS)),
        "test": one_of(TESTS),
        "field": one_of(_COUNTED, "What has to be stated of the part, and for at-least is held against the figure."),
        "values": {**map_of(NUMBER), "description": "What the interval is held against, by measure."},
        "figures": {**list_of(TEXT), "description": "Figures of policy.yaml."},
        "rule": RULE_ID,
        "asks": {**TEXT, "description": "{limit} stands where the first figure goes, {limit1} for the second."},
    }
    tested = [{"contains": {"properties": {"part": {"const": part}}, "required": ["part"]}} for part in PARTS]
    rules = list_of(record(rule, optional=("field", "values", "figures", "rule")))
    return record({"rules": {**rules, "allOf": tested}})


def _card() -> Schema:
    found: dict[str, Schema] = {
        "id": TEXT,
        "version": VERSION,
        "title": TEXT,
        "kind": one_of(get_args(Kind)),
        "measures": TEXT,
        "reads": list_of(PATH),
        "predicts": one_of(get_args(Predicts), "What it is said to predict."),
        "claim": TEXT,
        "grade": one_of(get_args(Grade)),
        "strength": one_of(
            [*get_args(Strength), None], "A repeated or pooled, B several cohorts, C single, D contradicted."
        ),
        "rules": list_of(RULE_ID),
        "studies": list_of(_study(), least=1),
        "suppose": list_of(_supposed()),
        "no_size": {**or_null(TEXT), "description": "Why suppose is empty, where it is."},
        "validity": record_as_read(dict.fromkeys(PARTS, or_null(_measured())), PARTS),
        "effect": or_null(_effect()),
        "device_line": TEXT,
        **reviewed(),
        "note": or_null(TEXT),
    }
    return record_as_read(found, CARD_FIELDS)


def _read() -> dict[str, Schema]:
    return {"source": KEY, "locator": TEXT, "trust": trust()}


def _figure() -> dict[str, Schema]:
    return {"measure": TEXT, "value": NUMBER, "interval": or_null(INTERVAL)}


def _study() -> Schema:
    """What a study's figure leaves out, it has from the study."""
    more: dict[str, Schema] = {"n": or_null(COUNT), **_read()}
    figure = record({**_figure(), **more}, optional=more)
    found: dict[str, Schema] = {
        "n": or_null(COUNT),
        "population": TEXT,
        "design": TEXT,
        "effect": TEXT,
        "figure": or_null(figure),
        "sample": one_of(get_args(Sample), "The people it was found in, others, or several studies together."),
        "replication": one_of(get_args(Replication)),
        **_read(),
    }
    return record(found)


def _supposed() -> Schema:
    found: dict[str, Schema] = {
        "result": TEXT,
        "when": {**or_null(WHEN), "description": "null where no record can state such a result."},
        **_figure(),
        "measure": one_of(get_args(Measure)),
        "sd": {**NUMBER, "description": "Of a correlation: standard deviations from the average."},
        "said": TEXT,
        **_read(),
    }
    return record(found, optional=["sd"])


def _measured() -> Schema:
    more: dict[str, Schema] = {"cohorts": or_null(COUNT), "threshold": or_null(NUMBER)}
    return record({**_figure(), "n": or_null(COUNT), **more, **_read()}, optional=more)


def _effect() -> Schema:
    found: dict[str, Schema] = {
        "on": one_of(get_args(Moved), "What it asks to move; on stands in quotes."),
        "options": list_of({"type": "string", "pattern": "^[a-z]+/[a-z-]+$", "description": "product/route"}),
        "direction": one_of(get_args(Direction)),
        "bound": NUMBER,
    }
    return record(found)


def _case() -> Schema:
    """What the gate says of the card, or whether a supposed result is somebody's."""
    card: dict[str, Schema] = {"card": {**TEXT, "description": "The id of a card."}}
    of_gate = record({**card, "fails": list_of(RULE_ID)})
    of_result = record({**card, "result": TEXT, **case_fields()})
    return {"if": {"required": ["fails"]}, "then": of_gate, "else": of_result}
