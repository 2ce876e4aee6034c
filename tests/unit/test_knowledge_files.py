"""A mistake in a knowledge file is a sentence that names file, record and field; it is never passed over."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.records import KNOWLEDGE, TODAY
from tests.unit.test_knowledge_check import RULE

from ketapath.education import claims_in
from ketapath.errors import KnowledgeError
from ketapath.knowledge import FOLDER, load, parse_yaml
from ketapath.knowledge.cases import check
from ketapath.knowledge.schema import parse_path, parse_rule, parse_source
from ketapath.pharmacology.worked import worked

PATH: Mapping[str, Any] = {
    "path": "vitals.weight_kg", "label": "Weight", "type": "number", "unit": "kg", "limits": [25, 350],
    "window_days": 30, "admissible": [50], "supplied_by": "nurse", "from": {"question": True},
}  # fmt: skip
SOURCE: Mapping[str, Any] = {
    "key": "FAVA", "citation": "Fava", "locator": "doi", "read": "abstract", "read_on": "2026-11-22",
    "retracted": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("stage", "candidate", "stage is 'candidate', not one of"),
        ("stage", ["candidacy"], "stage is"),
        ("verdict", "eligible", "verdict is 'eligible'"),
        ("unknown", "not-eligible", "unknown is 'not-eligible'"),
        ("threshold_basis", "guess", "threshold_basis is 'guess'"),
        ("needs_approval", "no", "needs_approval is 'no', not true or false"),
        ("scope", {"product": ["racemic"]}, "unknown fields ['product']"),
        ("scope", {"products": "racemic"}, "scope products is 'racemic'"),
        ("scope", {"routes": ["intravenous"]}, "scope routes is ['intravenous']"),
        ("sources", ["FAVA"], "sources are a list of"),
        ("sources", [{"key": "FAVA", "page": 3}], "unknown fields ['page']"),
        ("sources", [{"key": "NOBODY"}], "source 'NOBODY' is in no file"),
        ("windows", {"vitals.weight_kg": "a week"}, "windows are paths with days"),
        ("windows", {"vitals.height_cm": 7}, "which the rule does not read"),
        ("review_due", "next year", "next year"),
        ("settled_by", ["lab.tsh_miu_per_l"], "a rule of stage work-up, and no other"),
        ("remark", "x", "unknown fields ['remark']"),
        ("id", "TST-001-new", "id has to look like"),
    ],
)
def test_a_rule_with_a_wrong_field_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        parse_rule({**RULE, field: value}, KNOWLEDGE.sources, where="candidacy/new.yaml")
    assert words in str(refused.value)
    assert str(refused.value).startswith("candidacy/new.yaml: rule TST-001")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("type", "integer", "type is 'integer'"),
        ("window_basis", "ours", "window_basis is 'ours'"),
        ("impossible", "ignore", "impossible is 'ignore'"),
        ("from", {"observations": ["x"]}, "from names ['observations']"),
        ("unit", None, "a number needs a unit and limits"),
        ("limits", ["low", "high"], "low"),
        ("windw_days", 3, "unknown fields ['windw_days']"),
    ],
)
def test_a_path_with_a_wrong_field_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        parse_path({**PATH, field: value}, where="profile/x.yaml")
    assert words in str(refused.value)


def test_a_note_with_a_comma_and_without_quotes_is_no_new_field() -> None:
    flow = "{key: FAVA, citation: x, locator: x, read: abstract, read_on: 2026-11-22, retracted: false, note: One, two}"
    with pytest.raises(KnowledgeError, match=r"unknown fields \['two'\]"):
        parse_source(parse_yaml(flow, where="test"), where="sources/x.yaml")
    with pytest.raises(KnowledgeError, match="read is 'seen'"):
        parse_source({**SOURCE, "read": "seen"}, where="sources/x.yaml")
    with pytest.raises(KnowledgeError, match="a source is a mapping of fields, not 'FAVA'"):
        parse_source("FAVA", where="sources/x.yaml")  # type: ignore[arg-type]


def test_a_field_that_comes_twice_is_refused_because_yaml_would_keep_the_last() -> None:
    with pytest.raises(KnowledgeError, match="verdict comes twice"):
        parse_yaml("- id: X\n  verdict: defer\n  verdict: caution\n", where="test")
    assert parse_yaml("- {a: 1}\n- {a: 2}\n", where="test") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("{rule: CON-001, on: 2026-11-24, expect: true, facts: {}}", "on without quotes"),
        ("{rule: CON-001, 'on': 2026-11-24, expect: true}", "a case has no facts"),
        ("{rule: CON-001, 'on': 2026-11-24, expect: maybe, facts: {}}", "expects 'maybe'"),
        ("{rule: CON-001, 'on': 2026-11-24, expect: true, facts: [history.aneurysm]}", "not paths with values"),
        ("{rule: CON-001, 'on': today, expect: true, facts: {}}", "cannot be read"),
        ("{rule: CON-001, 'on': 2026-11-24, expect: true, facts: {vitals.weight_kg: heavy}}", "cannot be read"),
        ("{rule: CON-001, 'on': 2026-11-24, expect: true, facts: {history.aneurism: true}}", "is no profile path"),
        ("{rule: CON-001, 'on': 2026-11-24, expect: true, facts: {history.aneurysm: false}}", "the record says False"),
        ("{rule: CON-999, 'on': 2026-11-24, expect: true, facts: {}}", "has cases but no record"),
    ],
)
def test_a_case_that_cannot_be_run_or_fails_is_a_problem_and_no_traceback(
    case: str, words: str, tmp_path: Path
) -> None:
    cases = FOLDER / "candidacy" / "heart-and-vessels.cases.yaml"
    (tmp_path / cases.name).write_text(f"{cases.read_text()}\n- {case}\n")
    found = check(KNOWLEDGE, today=TODAY, claims_in=claims_in, worked=worked, folder=tmp_path).problems
    assert any(words in problem for problem in found), [p for p in found if "CON-" in p][:5]


def test_two_rules_with_one_id_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "knowledge"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (copy / "candidacy" / "copied.yaml").write_text((copy / "candidacy" / "body.yaml").read_text())
    with pytest.raises(KnowledgeError, match="is defined twice"):
        load(copy, cache=tmp_path)
