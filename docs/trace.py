"""Which test shows which requirement? `make trace` writes docs/reference/requirements.md; a test holds them together.

Reads the marks out of the tests' source, so that nothing has to be imported or run for it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
LIST = ROOT / "docs" / "requirements.yaml"
PAGE = ROOT / "docs" / "reference" / "requirements.md"
MARK = "pytest.mark.requirement"


def requirements() -> list[dict[str, Any]]:
    """The list in its order."""
    found: list[dict[str, Any]] = yaml.safe_load(LIST.read_text())
    return found


def shown() -> dict[int, list[str]]:
    """The tests by the number that they show, as "folder/file: test"."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT / "tests").as_posix()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in sorted(_numbers(node.decorator_list)):
                    found[number].append(f"{name}: {node.name.removeprefix('test_').replace('_', ' ')}")
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "pytestmark":
                marks = node.value.elts if isinstance(node.value, ast.List) else [node.value]
                for number in sorted(_numbers(marks)):
                    found[number].append(f"{name}: all of it")
    return dict(found)


def _numbers(marks: list[Any]) -> set[int]:
    calls = (mark for mark in marks if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK)
    return {ast.literal_eval(argument) for call in calls for argument in call.args}


def gaps() -> list[str]:
    """What is wrong between the list and the tests, one line each."""
    tests, wrong = shown(), []
    for one in requirements():
        if one["id"] not in tests and not one.get("not_yet"):
            wrong.append(f"{one['id']} has neither a test nor a reason")
        if one["id"] in tests and one.get("not_yet"):
            wrong.append(f"{one['id']} has a test; its reason is out of date")
    known = {one["id"] for one in requirements()}
    return wrong + [f"{number} is shown by {tests[number][0]} and stands in no list" for number in set(tests) - known]


def page() -> str:
    """The table as it is published."""
    tests, said = shown(), requirements()
    done = sum(one["id"] in tests for one in said)
    lines = [
        "# Requirements of security and reliability", "",
        "Written by `make trace` from `docs/requirements.yaml` and the marks of the tests; a test holds them together.",
        f"{done} of {len(said)} are shown by a test; the others say why not yet.", "",
        "| | requirement | shown by |", "| --- | --- | --- |",
    ]  # fmt: skip
    for one in said:
        by = "<br>".join(tests.get(one["id"], [])) or f"not yet: {one['not_yet']}"
        lines.append(f"| {one['id']} | {one['says']} | {by} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    problems = gaps()
    if not problems:
        PAGE.write_text(page())
    raise SystemExit("\n".join(problems) or None)
