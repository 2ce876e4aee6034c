"""What does a retraction change? Exactly what `knowledge impact` names, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE

from ketapath import journey
from ketapath.cli import EXAMPLES, main
from ketapath.domain.clinic import Approval
from ketapath.education import claims_in
from ketapath.knowledge import FOLDER, Knowledge, documents, load
from ketapath.knowledge.cases import check
from ketapath.knowledge.impact import impact
from ketapath.knowledge.listing import listing, shown
from ketapath.knowledge.policy import awaiting, items, under_policy
from ketapath.pharmacology.worked import worked
from ketapath.report import plan_json, rests_on

TODAY = date(2026, 11, 24)
PEOPLE = (
    "aneurysm", "bipolar", "half-the-facts-missing", "ptsd-with-depression", "seventy-four-with-falls",
    "treatment-resistant-depression",
)  # fmt: skip
RECORDS = {name: (EXAMPLES / f"{name}.json").read_bytes() for name in PEOPLE}
ONLY_SOURCE = "VA_LOCAL"
"""The only source of CON-008, which is approved at some clinics."""
Retracted = Callable[[str], tuple[Knowledge, Path]]


@pytest.fixture(scope="module")
def retracted(tmp_path_factory: pytest.TempPathFactory) -> Retracted:
    """The knowledge with a source retracted, and its folder; made once for each source."""
    return cache(lambda key: _retracted(key, tmp_path_factory.mktemp(key)))


def _retracted(key: str, folder: Path) -> tuple[Knowledge, Path]:
    copy = folder / "knowledge"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for file in sorted((copy / "sources").glob("*.yaml")):
        for start in (f"key: {key}\n", f"key: {key},"):
            before, found, after = file.read_text().partition(start)
            if found:
                file.write_text(before + found + after.replace("retracted: false", "retracted: true", 1))
                return load(copy, cache=folder), copy
    raise AssertionError(f"no source {key}")


def everything(knowledge: Knowledge) -> dict[tuple[str, str], Any]:
    """Every item of the knowledge and the plan of each example person as JSON, without the knowledge's own version."""
    found = {(i["kind"], i["id"]): shown(knowledge, i["id"]) for i in listing(knowledge)}
    for name, record in RECORDS.items():
        someone = journey.person(record, knowledge, as_of=TODAY)
        found["plan", name] = plan_json(journey.planned(someone, CLINIC, knowledge, seed=0), someone, knowledge)
    versions = (knowledge.version, *(p["inputs_digest"] for (kind, _), p in found.items() if kind == "plan" and p))
    form = json.dumps([[*key, value] for key, value in found.items()], sort_keys=True)
    for version in versions:
        form = form.replace(version, "VERSION")
    return {(kind, name): value for kind, name, value in json.loads(form)}


@cache
def as_shipped() -> dict[tuple[str, str], Any]:
    return everything(KNOWLEDGE)


@pytest.mark.parametrize("key", ["FAVA", ONLY_SOURCE, "ASRA18", "UROSR", "BRADLEY2007"])
def test_a_retraction_changes_exactly_what_rests_on_the_source(key: str, retracted: Retracted) -> None:
    was, now = as_shipped(), everything(retracted(key)[0])
    assert set(was) == set(now)
    rests = impact(documents(), key)
    rules = {("rule" if ("rule", name) in was else "statement", name) for name in rests["rule"]}
    plans = {("plan", name) for name in RECORDS if rests_on(was["plan", name], key)}
    screens = {("screening", (shown(KNOWLEDGE, name) or {})["id"]) for name in rests["screening"]}
    others = {(kind, name) for kind in ("claim", "alternative", "biomarker") for name in rests[kind]} & set(was)
    assert {name for name in was if was[name] != now[name]} == {("source", key)} | rules | plans | screens | others
    assert rules or plans or screens


def test_the_command_names_the_plans_that_rest_on_a_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first-language-arabic", "sixteen-years-old"):
        shutil.copy(EXAMPLES / f"{name}.json", tmp_path)
    monkeypatch.setattr("ketapath.cli.EXAMPLES", tmp_path)  # two of the people whose plans it looks at by itself
    assert main(["knowledge", "impact", "FAVA", "--json"]) == 0
    rests = json.loads(capsys.readouterr().out)["rests_on_it"]
    assert "REG-014" in rests["rule"]
    assert "first-language-arabic" in rests["plan"]  # an infusion is open for her, and this trial is about its dose
    assert "sixteen-years-old" not in rests["plan"]


def test_a_folder_of_plans_can_be_named_and_without_any_nobody_claims_to_have_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "somebody.json").write_bytes(RECORDS["treatment-resistant-depression"])
    assert main(["knowledge", "impact", "UROSR", "--json", "--plans", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["rests_on_it"]["plan"] == ["somebody"]
    monkeypatch.setattr("ketapath.cli.EXAMPLES", tmp_path / "nowhere")
    assert main(["knowledge", "impact", "UROSR", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rests_on_it"]["plan"] is None
    assert main(["knowledge", "impact", "UROSR", "--plans", str(tmp_path / "nowhere")]) == 3


def test_a_rule_that_has_lost_its_only_source_needs_approval(retracted: Retracted) -> None:
    after, _folder = retracted("FAVA")
    for rule, alone in (("REG-013", True), ("CAN-001", False)):  # the trial of doses is all that REG-013 has
        assert not KNOWLEDGE.rules[rule].ref.needs_approval
        assert after.rules[rule].ref.needs_approval is alone


def test_a_rule_whose_approval_stood_waits_for_it_again_and_is_warned_of(retracted: Retracted) -> None:
    item = next(i for i in items(KNOWLEDGE) if i.id == "CON-008")
    approvals = {item.id: Approval(item=item.id, version=item.version, by="Dr Novak", on=TODAY, values={})}
    assert not under_policy(KNOWLEDGE, approvals).rules["CON-008"].ref.awaits_approval
    after, folder = retracted(ONLY_SOURCE)
    assert "CON-008" in {i.id for i in awaiting(after, approvals)}
    assert under_policy(after, approvals).rules["CON-008"].ref.awaits_approval
    found = check(after, today=TODAY, claims_in=claims_in, worked=worked, folder=folder)
    assert not found.problems
    assert any("CON-008" in warning and "retracted" in warning for warning in found.warnings)
