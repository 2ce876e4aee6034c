"""Do the drug models give what their worked cases say? The cases beside them, tried one by one; FORMAT.md shows one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ketapath.errors import KetapathError
from ketapath.knowledge.forms import mistakes
from ketapath.knowledge.json_drugs import INDEPENDENT, model_case

Case = Mapping[str, Any]
Drugs = Mapping[str, Mapping[str, Any]]
Worked = Callable[[Case, Drugs], float]
"""What a drug model gives in a case, among these models."""
_LEAST = 2


def problems(
    by_file: Mapping[str, Sequence[Case]], documents: Mapping[str, Any], worked: Worked, drugs: Drugs
) -> Iterator[str]:
    """Cases that fail or cannot be run, and models without enough of them.

    `by_file` holds the cases by the name of their file, `documents` the knowledge files by theirs; `worked` simulates,
    which knowledge cannot do itself.
    """
    for cases in by_file.values():
        for case in cases:
            yield from _failing(case, worked, drugs)
    for file, document in documents.items():
        folder, _, name = file.rpartition("/")
        if folder == "drugs":
            yield from _missing(document["id"], file, by_file.get(name.replace(".yaml", ".cases.yaml"), ()))


def _failing(case: Case, worked: Worked, drugs: Drugs) -> Iterator[str]:
    name = f"drug model {case['model']}"
    wrong = [f"{name}: a case has a mistake: {mistake}" for mistake in mistakes(case, model_case())]
    if case["model"] not in drugs:
        wrong.append(f"{name}: has cases but no record")
    yield from wrong
    if wrong:
        return
    asked = f"{case['analyte']} {case['quantity']} after {dict(case['order'])}"
    try:
        found = worked(case, drugs)
    except KetapathError as problem:
        yield f"{name}: {asked} cannot be run: {problem}"
        return
    if not abs(found - case["expect"]) <= case["within_percent"] / 100 * abs(case["expect"]):
        yield f"{name}: {asked} expects {case['expect']:g}, the model gives {found:.6g}"


def _missing(model: str, file: str, cases: Sequence[Case]) -> Iterator[str]:
    if len(cases) < _LEAST or {case["model"] for case in cases} != {model}:
        yield f"{file}: needs {_LEAST} cases or more beside it, all of {model}"
    elif not any(case.get("basis") in INDEPENDENT for case in cases):
        yield f"{file}: no case whose figure is of the evidence or of arithmetic by hand"
