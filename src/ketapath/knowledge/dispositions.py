"""Which disposition does a drug model stand on? Puts a route's file and the file whose distribution it uses into one.

A file with `disposition` takes over parameters, covariances, weight exponents, effects of age, residual error,
population and domain of the file that it names, and states only what is its own. What it is silent on is the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.errors import KnowledgeError

_TAKEN_OVER = (
    "covariances", "weight_exponents", "assumed_spread", "age_effect", "ancestry_effects", "residual_error",
    "population", "domain", "basis",
)  # fmt: skip
UNITS = frozenset({"L", "L/kg", "L/h", "L/min", "1/h", "1/min", "h", "min", "1"})
"""Those that pharmacology.subjects converts."""


def resolved(drugs: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Every drug model with what it takes over.

    Raises KnowledgeError for a disposition that is not there, a constant outside its own range, and an unknown unit:
    people would be drawn from them.
    """
    for name, own in drugs.items():
        for what, entry in own["parameters"].items():
            _check(f"drugs: {name}: {what}", entry)
    return {name: _resolved(name, drugs, ()) for name in drugs}


def _check(what: str, entry: Mapping[str, Any]) -> None:
    if entry["unit"] not in UNITS:
        raise KnowledgeError(f"{what} is in {entry['unit']}, not in one of {', '.join(sorted(UNITS))}")
    if ("low" in entry) != ("high" in entry):
        raise KnowledgeError(f"{what} has one end of a range")
    if "low" in entry and not entry["low"] <= entry["value"] <= entry["high"]:
        raise KnowledgeError(
            f"{what} {entry['value']:g} does not lie in its range {entry['low']:g} to {entry['high']:g}"
        )


def _resolved(name: str, drugs: Mapping[str, Mapping[str, Any]], on_the_way: tuple[str, ...]) -> Mapping[str, Any]:
    own = drugs.get(name)
    if own is None or name in on_the_way:
        raise KnowledgeError(f"drugs: {' stands on '.join((*on_the_way, name))}, which is not there or goes in a ring")
    if "disposition" not in own:
        return own
    below = _resolved(str(own["disposition"]), drugs, (*on_the_way, name))
    taken = {field: below[field] for field in _TAKEN_OVER if field in below}
    conflicts = [*below["known_conflicts"], *(c for c in own["known_conflicts"] if c not in below["known_conflicts"])]
    parameters = {**below["parameters"], **own["parameters"]}
    return {**taken, **own, "parameters": parameters, "known_conflicts": conflicts}
