"""What docs/reference/ holds is what the knowledge says today, and leaves nothing of the evidence out."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from docs.generate import EDITOR, NOT_TAKEN, REFERENCE, generated, pack_ids

from ketapath.cli import main
from ketapath.errors import KnowledgeError
from ketapath.knowledge import FOLDER, load, parse_yaml
from ketapath.knowledge.alternatives import read as read_alternatives
from ketapath.knowledge.cards import parse_card, parse_validity
from ketapath.knowledge.json_schema import FILES, KINDS, schema
from ketapath.knowledge.wording import parse_claim, parse_lists

ROOT = Path(__file__).parents[2]
PACK = ROOT.parent / "shared" / "evidence" / "rules.yaml"
KNOWLEDGE_FILES = sorted(p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*.yaml"))
GONE = object()
BY_KIND = {kind: jsonschema.Draft7Validator(schema(kind)) for kind in KINDS}


def kinds_of(file: str) -> list[str]:
    """The kinds whose schema an editor asks about this file."""
    folder, _, _ = file.rpartition("/")
    return [
        kind
        for kind, patterns in FILES.items()
        if file in patterns or any(p.endswith("/*.yaml") and p.removesuffix("/*.yaml") == folder for p in patterns)
    ]


@cache
def read(file: str) -> Any:
    return parse_yaml((FOLDER / file).read_bytes(), where=file)


def changed(document: Any, trail: str, value: Any) -> Any:
    """The document with another value at this place of its first record; `GONE` takes the field out."""
    document = copy.deepcopy(document)
    place = document[0] if isinstance(document, list) else document
    *way, last = (int(step) if step.isdigit() else step for step in trail.split("."))
    for step in way:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return document


def mistakes(kind: str, document: Any) -> list[str]:
    return [error.message for error in BY_KIND[kind].iter_errors(document)]


def test_what_is_generated_is_current() -> None:
    stale = [path.name for path, text in generated().items() if not path.exists() or path.read_text() != text]
    assert not stale, "make reference"
    kept = {path.name for path in (REFERENCE / "schema").iterdir()}
    assert kept == {f"{kind}.json" for kind in KINDS}


@pytest.mark.parametrize("file", KNOWLEDGE_FILES)
def test_every_knowledge_file_is_valid_under_the_one_schema_that_an_editor_asks(file: str) -> None:
    asked = kinds_of(file)
    assert len(asked) == 1  # two would both be asked, and one of them would mark everything
    assert mistakes(asked[0], read(file)) == []


@pytest.mark.parametrize("file", [file for file in KNOWLEDGE_FILES if not file.startswith("texts/")])
def test_an_editor_marks_a_field_that_nobody_reads_in_every_file_but_those_of_free_keys(file: str) -> None:
    assert mistakes(kinds_of(file)[0], changed(read(file), "remark", "x"))


def test_the_editor_knows_a_schema_for_each_kind_and_finds_it() -> None:
    settings = json.loads(EDITOR.read_text())["yaml.schemas"]
    assert all((ROOT / name).is_file() for name in settings)
    patterns = [pattern for found in settings.values() for pattern in found]
    assert all(list(ROOT.glob(pattern)) for pattern in patterns)
    assert len(set(patterns)) == len(patterns)


@pytest.mark.parametrize(
    ("file", "kind", "change"),
    [
        ("candidacy/body.yaml", "rule", {"stage": "candidate"}),
        ("candidacy/body.yaml", "rule", {"verdict": "eligible"}),
        ("candidacy/body.yaml", "rule", {"remark": "x"}),
        ("candidacy/body.yaml", "rule", {"when": {"path": "vitals.weight_kg"}}),
        ("candidacy/body.yaml", "rule", {"scope": {"product": ["racemic"]}}),
        ("candidacy/body.yaml", "rule", {"settled_by": ["lab.tsh_miu_per_l"]}),
        ("candidacy/body.yaml", "rule", {"reviewed_on": "last week"}),
        ("candidacy/body.cases.yaml", "rule", {"expect": "maybe"}),
        ("candidacy/body.cases.yaml", "cases", {"facts": ["vitals.weight_kg"]}),
        ("profile/measurements.yaml", "path", {"unit": None}),
        ("profile/measurements.yaml", "path", {"from": {"observations": ["x"]}}),
        ("sources/pharmacology.yaml", "source", {"read": "seen"}),
        ("harms.yaml", "harm", {"sources": []}),
        ("policy.yaml", "figure", {"basis": "guess"}),
        ("policy.yaml", "figure", {"lowest": "none"}),
        ("candidacy/body.yaml", "rule", {"override": "always", "severity": "relative-contraindication"}),
        ("candidacy/body.yaml", "rule", {"override": "today", "severity": "caution"}),
        ("candidacy/body.yaml", "rule", {"windows": {"weight": 7}}),
        ("candidacy/body.yaml", "rule", {"version": "9", "history": []}),
        ("candidacy/body.yaml", "rule", {"sources": [], "threshold_basis": "source"}),
        ("status.yaml", "status", {"status": "licensed"}),
        ("status.yaml", "status", {"jurisdiction": "CA-BC"}),
    ],
)
def test_an_editor_marks_what_the_reading_code_refuses(file: str, kind: str, change: dict[str, Any]) -> None:
    document = read(file)
    assert mistakes(kind, [{**document[0], **change}])
    assert not mistakes(kind, document[:1])


@pytest.mark.parametrize(
    ("file", "trail", "value"),
    [
        ("alternatives/ect.yaml", "kind", "other"),
        ("alternatives/ect.yaml", "tried.when", "history.ect_tried"),
        ("alternatives/ect.yaml", "prefer.0.favours", "ect"),
        ("alternatives/ect.yaml", "prefer.0.when", {"path": "setting.inpatient"}),
        ("alternatives/ect.yaml", "prefer.0.statement", GONE),
        ("alternatives/ect.yaml", "compares.0.masking", "blind"),
        ("alternatives/ect.yaml", "compares.0.outcome", "cure"),
        ("alternatives/ect.yaml", "compares.0.arms.0.side", "ect"),
        ("alternatives/ect.yaml", "compares.0.arms.0.people", 195),
        ("alternatives/ect.yaml", "compares.0.difference.interval", [3.9]),
        ("alternatives/ect.yaml", "compares.0.trust", GONE),
        ("alternatives/ect.yaml", "values.speed", "not known"),
        ("alternatives/ect.yaml", "values.memory.is", "same"),
        ("alternatives/ect.yaml", "values.cost", GONE),
        ("alternatives/ect.yaml", "values.taste", "unknown"),
        ("alternatives/ect.cases.yaml", "reason", "in-hospital"),
        ("alternatives/ect.cases.yaml", "facts", GONE),
        ("values.yaml", "id", "Speed of relief"),
        ("values.yaml", "levels", {"days": "relief within days"}),
        ("values.yaml", "levels.unknown", "nobody knows"),
        ("targets.yaml", "aim", GONE),
        ("targets.yaml", "aim.rule", "CAN"),
        ("targets.yaml", "aim.trust", "good"),
        ("targets.cases.yaml", "expect", "maybe"),
        ("targets.cases.yaml", "on", GONE),
        ("claims/comparison.yaml", "verdict", "wrong"),
        ("claims/comparison.yaml", "sources", []),
        ("claims/comparison.yaml", "sources.0.locator", GONE),
        ("claims/comparison.yaml", "wordings.0.any", GONE),
        ("claims/comparison.yaml", "wordings.0.except", ["ect"]),
        ("claims/comparison.cases.yaml", "not_found", GONE),
        ("claims/comparison.cases.yaml", "found.0", True),
        ("claims/words.yaml", "racemic", "ketamine"),
        ("claims/guards.yaml", "denial.0", False),
        ("claims/omissions.yaml", "cost.0", 7),
        ("biomarkers/cards/cyp2b6-star6.yaml", "kind", "gene"),
        ("biomarkers/cards/cyp2b6-star6.yaml", "strength", "E"),
        ("biomarkers/cards/cyp2b6-star6.yaml", "studies", []),
        ("biomarkers/cards/cyp2b6-star6.yaml", "studies.0.sample", "same"),
        ("biomarkers/cards/cyp2b6-star6.yaml", "studies.0.replication", GONE),
        ("biomarkers/cards/cyp2b6-star6.yaml", "suppose.0.measure", "c-statistic"),
        ("biomarkers/cards/cyp2b6-star6.yaml", "suppose.0.when", "always"),
        ("biomarkers/cards/cyp2b6-star6.yaml", "validity.calibration", GONE),
        ("biomarkers/cards/cyp2b6-star6.yaml", "validity.calibration", {"measure": "calibration-slope", "value": 1}),
        ("biomarkers/cards/cyp2b6-star6.yaml", "effect", {"on": "eligibility"}),
        ("biomarkers/cards/cyp2b6-star6.cases.yaml", "fails", GONE),
        ("biomarkers/cards/cyp2b6-star6.cases.yaml", "fails.0", "two"),
        ("biomarkers/validity.yaml", "rules.0.part", "replication"),
        ("biomarkers/validity.yaml", "rules.0.test", "at-most"),
        ("biomarkers/validity.yaml", "rules.0.field", "measure"),
        ("biomarkers/validity.yaml", "rules.0.asks", GONE),
        ("biomarkers/validity.yaml", "rules.5", GONE),
    ],
)
def test_an_editor_marks_a_slip_anywhere_in_a_record(file: str, trail: str, value: Any) -> None:
    assert mistakes(kinds_of(file)[0], changed(read(file), trail, value))


def reads(file: str, document: Any) -> None:
    """Read a document by the code that loads it."""
    sources = load().sources
    kind = kinds_of(file)[0]
    if kind == "alternative":
        read_alternatives([(file, document)], read("values.yaml"), [], sources)
    elif kind == "value":
        read_alternatives([], document, [], sources)
    elif kind == "target":
        read_alternatives([], [], document, sources)
    elif kind == "claim":
        in_folder = [(name, read(name)) for name in KNOWLEDGE_FILES if name.startswith("claims/")]
        lists = parse_lists((name, found) for name, found in in_folder if isinstance(found, dict))
        parse_claim(document[0], lists, sources, where=file)
    elif kind == "card":
        parse_card(document, sources, where=file)
    else:
        list(parse_validity(document, where=file))


@pytest.mark.parametrize(
    "file",
    [
        "alternatives/ect.yaml",
        "alternatives/stimulation.yaml",
        "values.yaml",
        "targets.yaml",
        "claims/harm.yaml",
        "biomarkers/cards/delta-sleep-ratio.yaml",
        "biomarkers/validity.yaml",
    ],
)
def test_a_field_may_be_left_out_in_an_editor_just_where_the_reading_code_lets_it_be(file: str) -> None:
    document = read(file)
    reads(file, document)
    for field in document[0] if isinstance(document, list) else document:
        without = changed(document, field, GONE)
        if mistakes(kinds_of(file)[0], without):
            with pytest.raises(KnowledgeError):
                reads(file, without)
        else:
            reads(file, without)


def test_the_command_prints_the_schema_that_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", "schema", "rule"]) == 0
    assert capsys.readouterr().out == (REFERENCE / "schema" / "rule.json").read_text()
    assert main(["knowledge", "schema", "recipe"]) == 2


def test_the_map_has_every_id_of_the_pack_once_with_a_file_that_holds_it_or_a_reason() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| (.+?) \|", (REFERENCE / "evidence-map.md").read_text(), re.MULTILINE)
    ids = [name for part in pack_ids().values() for name in part]
    assert Counter(name for name, _ in rows if name in set(ids)) == Counter(ids)
    for name, where in rows:
        if name in set(ids):
            file = re.fullmatch(r"`(.+)`", where)
            assert where in NOT_TAKEN.values() if file is None else name in (FOLDER / file[1]).read_text(), name


def test_every_source_of_the_pack_says_how_far_and_when_it_was_read_and_whether_it_was_retracted() -> None:
    sources = load().sources
    for key in pack_ids()["sources"]:
        assert sources[key].read
        assert sources[key].read_on
        assert sources[key].retracted in (True, False)


@pytest.mark.skipif(not PACK.exists(), reason="the evidence pack is not beside this copy of the repository")
def test_the_ids_are_those_of_the_pack() -> None:
    pack = yaml.load(PACK.read_bytes(), Loader=yaml.CSafeLoader)
    ids = pack_ids()
    assert ids["rules"] == [r["id"] for r in pack["rules"]]
    assert ids["claims"] == [c["id"] for c in pack["claims"]]
    assert ids["sources"] == [s["key"] for s in pack["sources"]]
    assert [len(part) for part in ids.values()] == [260, 35, 137]


def test_every_branch_of_the_predicate_engine_is_reached_by_its_tests(tmp_path: Path) -> None:
    command = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:xdist",
        "tests/unit/test_predicates.py",
        "--cov=ketapath.knowledge.rules",
    ]
    command += ["--cov-branch", "--cov-fail-under=100"]
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "data")}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
