"""Any element of a record may hold anything: the reader refuses it by name or goes on, and never breaks."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY

from ketapath import journey
from ketapath.errors import BadInput

EXAMPLES = Path(__file__).parents[2] / "examples"
ODD: list[Any] = [
    None,
    [],
    {},
    "",
    "x",
    0,
    -1,
    1.5,
    True,
    [[]],
    [None],
    {"a": {}},
    "2026-13-45",
    "9" * 40,
    10**30,
    ["a", {}],
]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into the document."""
    found = [path] if path else []
    if isinstance(node, dict):
        for key, value in node.items():
            found += places(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            found += places(value, (*path, index))
    return found


def broken(document: Any, rng: random.Random) -> Any:
    """The document with one to three elements replaced by something odd."""
    changed = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice(places(changed))
        holder = changed
        for step in way:
            holder = holder[step]
        holder[last] = copy.deepcopy(rng.choice(ODD))
    return changed


@pytest.mark.parametrize(
    "name", ["courses/responder", "patients/ptsd-with-depression", "patients/half-the-facts-missing"]
)
def test_a_record_with_odd_elements_is_refused_or_read(name: str) -> None:
    document = json.loads((EXAMPLES / f"{name}.json").read_text())
    rng = random.Random(20261124)
    for _ in range(150):
        data = json.dumps(broken(document, rng)).encode()
        try:
            someone = journey.person(data, KNOWLEDGE, as_of=TODAY)
        except BadInput:
            continue
        assert journey.assessed(someone, CLINIC, KNOWLEDGE).verdict
