"""What docs/reference/ holds is what the knowledge says today, and leaves nothing of the evidence out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from docs.generate import EDITOR, NOT_TAKEN, REFERENCE, generated, pack_ids

from ketapath.cli import main
from ketapath.knowledge import FOLDER, load, parse_yaml
from ketapath.knowledge.json_schema import FILES, KINDS, schema

ROOT = Path(__file__).parents[2]
PACK = ROOT.parent / "shared" / "evidence" / "rules.yaml"
KNOWLEDGE_FILES = sorted(p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*.yaml"))
BY_KIND = {kind: jsonschema.Draft7Validator(schema(kind)) for kind in KINDS}


def kinds_of(file: str) -> list[str]:
    """The kinds whose schema an editor asks about this file."""
    folder, _, _ = file.rpartition("/")
    return [
        kind
        for kind, patterns in FILES.items()
        if file in patterns or any(p.endswith("/*.yaml") and p.removesuffix("/*.yaml") == folder for p in patterns)
    ]


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
    assert len(asked) <= 1  # two would both be asked, and one of them would mark everything
    assert mistakes((asked or ["other"])[0], parse_yaml((FOLDER / file).read_bytes(), where=file)) == []


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
    ],
)
def test_an_editor_marks_what_the_reading_code_refuses(file: str, kind: str, change: dict[str, Any]) -> None:
    document = parse_yaml((FOLDER / file).read_bytes(), where=file)
    assert mistakes(kind, [{**document[0], **change}])
    assert not mistakes(kind, document[:1])


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
