"""Each example patient through the loop: the verdict a clinician expects, and a page that does not change by itself."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from tests.records import CLINIC, KNOWLEDGE

from clinic.demo.people import people
from ketapath import journey
from ketapath.domain.fact import Dose, Origin
from ketapath.domain.session import Reading, Session
from ketapath.report import course_text, plan_text

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
ON = date(2026, 11, 24)
VERDICTS = {
    "treatment-resistant-depression": "eligible",
    "pressure-too-high-today": "defer",
    "aneurysm": "not-eligible",
    "psychosis-history": "not-eligible",
    "bipolar": "caution",
    "ptsd-with-depression": "caution",
    "chronic-pain": "caution",
    "sixteen-years-old": "not-eligible",
    "seventy-four-with-falls": "caution",
    "no-ride-and-night-shifts": "defer",
    "half-the-facts-missing": "undetermined",
    "first-language-arabic": "eligible",
    "light-and-few-visits": "eligible",
    "heavy-with-hypertension": "eligible",
    "sixty-eight-years-old": "eligible",
    "fears-dissociation": "eligible",
    "relief-above-all": "eligible",
    "money-decides": "eligible",
    "two-hours-away": "eligible",
    "relapse-after-response": "eligible",
    "after-six-infusions": "caution",
    "in-europe-with-escitalopram": "eligible",
}
DECISIONS = {
    "responder": "continue",
    "worsening": "pause",
    "two-scores": "continue",
    "no-scores": "add",
    "esketamine": "switch",
}


def matches(name: str, text: str) -> bool:
    """Against the stored page; SNAPSHOTS=write stores it anew, to be read before it is committed."""
    file = HERE / "snapshots" / f"{name}.txt"
    shown = text.replace(f"knowledge {KNOWLEDGE.version}", "knowledge VERSION") + "\n"
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(shown, encoding="utf-8")
    return file.read_text(encoding="utf-8") == shown


def test_the_example_files_hold_the_people_of_the_demonstration() -> None:
    made = {chart.identity: chart.bundle() for chart in people(ON)}
    assert set(made) < set(VERDICTS)
    for name, bundle in made.items():
        assert json.loads((EXAMPLES / "patients" / f"{name}.json").read_text()) == bundle, "examples/build.py"


@pytest.mark.parametrize("name", VERDICTS)
def test_each_example_patient_has_the_verdict_a_clinician_expects(name: str) -> None:
    someone = journey.person((EXAMPLES / "patients" / f"{name}.json").read_bytes(), KNOWLEDGE, as_of=ON)
    plan = journey.planned(someone, CLINIC, KNOWLEDGE, seed=0)
    assert plan.candidacy.verdict == VERDICTS[name]
    assert matches(name, plan_text(plan, someone, KNOWLEDGE))


@pytest.mark.parametrize("name", DECISIONS)
def test_each_example_course_has_its_decision(name: str) -> None:
    someone = journey.person((EXAMPLES / "courses" / f"{name}.json").read_bytes(), KNOWLEDGE, as_of=ON)
    _, course, card = journey.treated(someone, CLINIC, KNOWLEDGE, seed=0)
    assert card.decision == DECISIONS[name]
    assert matches(f"course-{name}", course_text(course, card, someone, KNOWLEDGE))


def test_every_verdict_appears_and_every_example_is_tested() -> None:
    assert set(VERDICTS.values()) == {"eligible", "caution", "defer", "undetermined", "not-eligible"}
    assert {p.stem for p in (EXAMPLES / "patients").glob("*.json")} == set(VERDICTS)
    assert {p.stem for p in (EXAMPLES / "courses").glob("*.json")} == set(DECISIONS)


def test_contradictory_late_and_missing_facts_are_kept_with_their_reason() -> None:
    reasons = {}
    for name in VERDICTS:
        someone = journey.person((EXAMPLES / "patients" / f"{name}.json").read_bytes(), KNOWLEDGE, as_of=ON)
        reasons[name] = {f.reason.key for f in someone.unusable if f.reason}
    assert "fact.contradicts" in reasons["half-the-facts-missing"] & reasons["seventy-four-with-falls"]
    assert "fact.too_old" in reasons["treatment-resistant-depression"]
    assert "score.items_missing" in reasons["half-the-facts-missing"]
    assert "fact.order_may_be_over" in reasons["half-the-facts-missing"]


def test_one_person_once_round_the_loop() -> None:
    record = (EXAMPLES / "courses" / "responder.json").read_bytes()
    dose = Dose(
        on=ON,
        product="racemic",
        route="iv",
        dose_mg=35.0,
        duration_min=40.0,
        origin=Origin(resource="MedicationAdministration", id="today", version=None),
    )
    readings = (
        Reading(minute=40, quantity="vitals.spo2_percent", value=92.0),
        Reading(minute=5, quantity="vitals.spo2_percent", value=97.0),
    )
    session = Session(on=ON, number=7, dose=dose, readings=readings)
    found = journey.travel(record, (session,), CLINIC, KNOWLEDGE, as_of=ON, seed=0)
    assert found.candidacy.verdict == "caution"  # a PHQ-9 of 5 is mild by now
    assert {o.product for o in found.plan.options} == {"esketamine", "racemic"}
    assert "MON-012" in {f.id for f in found.sessions[0] if f.verdict}
    assert found.course.curve is not None
    assert found.card is not None
    assert found.card.decision == "continue"
    assert [due.what.key for due in found.due]


def test_the_examples_are_what_their_builder_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    monkeypatch.syspath_prepend(str(EXAMPLES))  # a script finds the files beside it
    builder = runpy.run_path(str(EXAMPLES / "build.py"))
    (tmp_path / "patients").mkdir()
    (tmp_path / "courses").mkdir()
    (tmp_path / "walk").mkdir()
    builder["save"].__globals__["HERE"] = tmp_path
    builder["patients"]()
    builder["courses"]()
    builder["walk"]()
    for file in tmp_path.rglob("*.json"):
        stored = EXAMPLES / file.relative_to(tmp_path)
        assert json.loads(file.read_text()) == json.loads(stored.read_text()), file.name
