"""Our own reading of a schema and the library's agree: on every knowledge file, whatever is broken in it."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from ketapath.knowledge import documents
from ketapath.knowledge.forms import mistakes
from ketapath.knowledge.json_schema import KINDS, kind_of, schema

FEW = 3
"""Entries of a list that are kept, so that a draw is quick."""
SHAPES = {kind: schema(kind) for kind in KINDS}
BY_LIBRARY = {kind: jsonschema.Draft7Validator(shape) for kind, shape in SHAPES.items()}
SAMPLES = [
    (kind_of(name), document[:FEW] if isinstance(document, list) else document)
    for name, document in documents().items()
]
GONE = object()


def places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside the document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inside for found in ((*trail, key), *places(item, (*trail, key)))]


def broken(document: Any, trail: tuple[Any, ...], by: Any) -> Any:
    """The document with something else, or nothing, at this place."""
    changed = copy.deepcopy(document)
    parent = changed
    for key in trail[:-1]:
        parent = parent[key]
    if by is GONE:
        del parent[trail[-1]]
    else:
        parent[trail[-1]] = by
    return changed


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.randoms(use_true_random=False),
    st.sampled_from([GONE, None, True, 1, -1, 0.5, "", "x", "2026-11-24", [], ["x"], {}, {"x": 1}]),
)
def test_what_is_broken_anywhere_is_broken_for_both(sample: tuple[str, Any], draw: Any, by: Any) -> None:
    kind, document = sample
    changed = broken(document, draw.choice(places(document)), by)
    assert (next(mistakes(changed, SHAPES[kind]), None) is None) is BY_LIBRARY[kind].is_valid(changed)


def test_true_is_not_one_and_one_is_not_true() -> None:
    assert list(mistakes(1, {"const": True}))
    assert list(mistakes(True, {"enum": [1]}))
    assert not list(mistakes(True, {"enum": [1, True]}))
