"""Whole electronic records that we did not make: thousands of resources, dirty, incomplete, one person dead."""

from __future__ import annotations

import gzip
import json
import time
from datetime import date
from pathlib import Path

import pytest
from tests.records import CLINIC, KNOWLEDGE

from ketapath import journey
from ketapath.domain.clinic import Clinic
from ketapath.errors import BadInput

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "synthea"
present = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder with the records is not here")
ON = date(2026, 4, 20)


def record(name: str) -> bytes:
    return (FOLDER / f"{name}.json.gz").read_bytes()


@present
def test_a_person_who_died_gets_no_plan_and_the_output_says_why() -> None:
    someone = journey.person(record("Jaime"), KNOWLEDGE, as_of=ON)
    plan = journey.planned(someone, CLINIC, KNOWLEDGE, seed=1)
    assert someone.died == date(2019, 3, 27)
    assert plan.options == ()
    assert plan.no_options_reason is not None
    assert plan.no_options_reason.key == "plan.none_died"


@present
def test_a_dirty_record_is_read_its_odd_facts_are_kept_and_nothing_is_made_up() -> None:
    someone = journey.person(record("Harris"), KNOWLEDGE, as_of=ON)
    reasons = {(f.path, f.reason.key) for f in someone.unusable if f.reason}
    assert ("scale.phq9", "score.not_whole") in reasons or ("scale.phq9", "fact.too_old") in reasons
    assert any(s.reason is not None and s.reason.key == "score.not_whole" for s in someone.scores)
    assert ("medicines.antidepressant", "fact.too_many_at_once") in reasons
    assert "trials.adequate_failed" not in someone.known
    assert someone.known["vitals.weight_kg"].value == pytest.approx(71.9)
    assert not [p for p, f in someone.known.items() if p.startswith("history.") and f.value is False]
    assert journey.assessed(someone, CLINIC, KNOWLEDGE).verdict in ("undetermined", "defer", "not-eligible")


@present
def test_the_same_record_a_year_later_gives_no_weight_and_no_dose() -> None:
    someone = journey.person(record("Harris"), KNOWLEDGE, as_of=date(2027, 4, 20))
    plan = journey.planned(someone, CLINIC, KNOWLEDGE, seed=1)
    assert all(o.dose is None for o in plan.options if o.product == "racemic")


@present
def test_one_impossible_weight_today_refuses_the_whole_record() -> None:
    document = json.loads(gzip.decompress(record("Harris")))
    found = [
        e["resource"]
        for e in document["entry"]
        if e["resource"]["resourceType"] == "Observation" and e["resource"]["code"]["coding"][0]["code"] == "29463-7"
    ]
    latest = max(found, key=lambda r: str(r["effectiveDateTime"]))
    latest["valueQuantity"]["value"] = 719.0
    with pytest.raises(BadInput, match="719"):
        journey.person(json.dumps(document).encode(), KNOWLEDGE, as_of=ON)


@pytest.mark.slow
def test_records_that_a_generator_makes_are_read_without_a_crash(tmp_path: Path) -> None:
    made = _generated(tmp_path)
    assert made
    for file in made:
        started = time.perf_counter()
        someone = journey.person(file.read_bytes(), KNOWLEDGE, as_of=date(2026, 11, 24))
        plan = journey.planned(someone, Clinic(), KNOWLEDGE, seed=1)
        assert plan.options or plan.no_options_reason, file.name
        assert plan.candidacy.verdict != "eligible", "a general practice record never states all that gates"
        assert time.perf_counter() - started < 60


def _generated(folder: Path) -> list[Path]:
    """A few whole records by the open generator, as FHIR bundles in this folder."""
    import subprocess
    import sys

    command = Path(sys.executable).with_name("synthea")
    arguments = ["--population", "5", "--seed", "7", "--output", str(folder), "--reference-date", "20261124"]
    if not command.exists():
        pytest.skip("the generator has no command here")
    subprocess.run([str(command), *arguments], check=True, capture_output=True, timeout=600)
    return [
        p for p in folder.rglob("*.json") if b'"Bundle"' in p.read_bytes()[:2000] and b'"Patient"' in p.read_bytes()
    ]
