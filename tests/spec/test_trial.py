"""A simulated trial: what a design may say, what its rules do, and what its report must not leave out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.courses import KNOWLEDGE, POPULATION
from tests.designs import INFUSIONS, READY, STATED, contrast, design, played, stated

from ketapath.cohort import Design, read_design, run
from ketapath.cohort.course import Seen, follow
from ketapath.cohort.subjects import draw, studies
from ketapath.errors import BadInput
from ketapath.report import registration, registration_json, trial_text
from ketapath.report.words import say

ARMS: list[dict[str, Any]] = STATED["arms"]
WEEKLY = {"from_day": 21, "until_day": 70, "every_days": 7}


def with_arm(**changes: Any) -> dict[str, Any]:
    """Changes to the second arm, as a field of the design."""
    return {"arms": [ARMS[0], ARMS[1] | changes]}


def followed(of: Design, arm: int = 1, *, people: int = 400, stays: bool = True) -> Seen:
    """Subjects of one arm, each of another trial."""
    rng = np.random.default_rng(3)
    those = studies(range(people), of.seed, POPULATION)
    who = draw(of, of.arms[arm], those, np.arange(people), KNOWLEDGE.response, rng)
    return follow(of, of.arms[arm], who, rng, stays=stays)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint": []}, "file"),
        ({"scale": "BDI"}, "scale"),
        ({"arms": ARMS[:1]}, "arms"),
        ({"arms": [ARMS[0], ARMS[0]]}, "arms"),
        (with_arm(dose="0.5"), "arms[1].dose"),
        (with_arm(frequency=2), "arms[1]"),
        (with_arm(product="esketamine", route="oral"), "arms[1]"),
        (with_arm(sessions={"days": [1, 2]}), "arms[1].sessions.days"),
        (with_arm(sessions={"days": [0], "weeks": 2}), "arms[1].sessions"),
        (with_arm(adapt={"to": "0.4 mg/kg", "after_sessions": 2, "gone_below": 0.2}), "arms[1].adapt.to[0]"),
        (with_arm(maintenance={"from_day": 10, "until_day": 70, "every_days": 7}), "arms[1].maintenance.from_day"),
        (with_arm(maintenance=WEEKLY | {"gone_below": 0.5}), "arms[1].maintenance"),
        (with_arm(integration={"effect": [0.2, 0.1]}), "arms[1].integration.effect"),
        ({"population": {"age": [15, 60]}}, "population.age"),
        ({"population": {"condition": "PTSD"}}, "arms[0]"),
        ({"population": {"baseline": {"mean": 90}}}, "population.baseline.mean"),
        ({"contrasts": [["six", "seven"]]}, "contrasts[0]"),
        ({"endpoints": [{"quantity": "change", "day": 20}]}, "endpoints[0].day"),
        ({"endpoints": [{"quantity": "relapse", "day": 21}]}, "endpoints[0].since"),
        ({"endpoints": [{"quantity": "change", "day": 21, "test": "proportions"}]}, "endpoints[0].test"),
        ({"n": 2.5}, "n"),
        ({"truth": "miracle"}, "truth"),
        ({"dropout": {"per_week": 1.5}}, "dropout.per_week"),
    ],
)
def test_what_a_design_cannot_be_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as problem:
        read_design(stated(**changes), KNOWLEDGE.response)
    assert problem.value.field == field
    assert problem.value.limit
    assert problem.value.next_step


def test_a_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="n"):
        read_design(stated() + b"n: 5\n", KNOWLEDGE.response)


def test_non_response_stops_nothing_before_the_induction_ends() -> None:
    stop = {"by": "score", "day": 14, "gone_below": 0.2}
    with pytest.raises(BadInput, match="last induction session"):
        design(**with_arm(stop=stop))
    assert design(**with_arm(stop=stop | {"day": 21}, maintenance=WEEKLY)).arms[1].stop is not None


@pytest.mark.parametrize("path", READY, ids=lambda p: p.stem)
def test_a_ready_design_runs_and_says_what_it_assumes(path: Path) -> None:
    of = replace(read_design(path.read_bytes(), KNOWLEDGE.response), trials=3, sizes=(20,), reference=40)
    found = run(of, KNOWLEDGE, POPULATION)
    assert len(found.sizes[0].contrasts) == len(of.contrasts) * len(of.endpoints)
    said = [say(note, KNOWLEDGE.texts) for note in found.notes]
    assert any("virtual" in line for line in said)
    assumed = [line for line in said if "not known" in line]
    assert bool(assumed) == any(arm.integration[1] for arm in of.arms)
    assert trial_text(found, KNOWLEDGE).startswith(of.title)


def test_a_dose_rises_only_for_whom_too_little_is_gone_and_never_without_a_score() -> None:
    rule = {"to": ["0.75 mg/kg", "1 mg/kg"], "after_sessions": 2, "gone_below": 0.3}
    of = design(**with_arm(adapt=rule), visits={"days": [2, 6, 9, 13, 16, 21]})
    seen = followed(of)
    fixed = 6 * 0.5 * 75.0
    well = np.nanmax(seen.totals[:5], axis=0) < 0.7 * seen.first
    badly = np.nanmin(seen.totals[:5], axis=0) > 0.7 * seen.first
    assert well.any()
    assert badly.any()
    assert (seen.mg[well] == fixed).all()
    assert (seen.mg[badly] == 75.0 * (2 * 0.5 + 2 * 0.75 + 2 * 1.0)).all()
    blind = design(**with_arm(adapt=rule), visits={"days": [21]})
    assert (followed(blind).mg == fixed).all()


def test_sessions_on_relapse_come_at_visits_that_ask_for_them() -> None:
    weeks = [float(d) for d in range(7, 71, 7)]
    kept = {"from_day": 21, "until_day": 63, "gone_below": 0.5, "least_days": 14}
    of = design(**with_arm(maintenance=kept), visits={"days": weeks})
    seen = followed(of)
    asks = (1 - seen.totals[2:9] / seen.first < 0.5).sum(axis=0)
    assert (seen.sessions[asks == 0] == 6).all()
    assert (seen.sessions[asks == 7] == 6 + 3).all()  # two weeks after day 17 the first visit is day 35, then 49, 63
    assert (seen.sessions <= 6 + 3).all()


def test_who_is_stopped_by_score_gets_no_more_sessions() -> None:
    stop = {"by": "score", "day": 21, "gone_below": 0.25}
    of = design(**with_arm(maintenance=WEEKLY, stop=stop), visits={"days": [7, 14, 21, 70]})
    seen = followed(of)
    stopped = 1 - seen.totals[2] / seen.first < 0.25
    assert stopped.any()
    assert (seen.sessions[stopped] == 6).all()
    assert (seen.sessions[~stopped] == 6 + 7).all()


def test_nobody_is_scored_or_treated_after_leaving() -> None:
    of = design(dropout={"per_week": 0.3}, visits={"days": [7, 14, 21], "missing": 0.1})
    seen = followed(of, stays=False)
    gone = seen.left[None, :] <= np.array(of.visits.days)[:, None]
    assert gone.any()
    assert np.isnan(seen.totals[gone]).all()
    assert 0.05 < np.isnan(seen.totals[~gone]).mean() < 0.15  # visits missed by those who are there
    first_week = seen.left == 7.0
    assert (seen.sessions[first_week] == 2).all()  # days 0 and 3


def test_only_totals_that_the_design_lets_in_stand_at_the_start() -> None:
    seen = followed(design(population={"baseline": {"mean": 30, "sd": 7, "least": 28, "most": 40}}))
    assert seen.first.min() >= 28
    assert seen.first.max() <= 40
    with pytest.raises(BadInput, match="hardly anybody"):
        followed(design(population={"baseline": {"mean": 20, "sd": 2, "least": 55}}))


def test_what_is_missing_counts_as_the_design_says() -> None:
    ends = [{"quantity": "response", "day": 21, "missing": rule} for rule in ("left-out", "last-seen", "no-benefit")]
    arms = played(dropout={"per_week": 0.1}, endpoints=ends).sizes[0].arms
    for arm in arms:
        left_out, last_seen, no_benefit = arm.endpoints
        assert left_out.counted.value < 0.8
        assert last_seen.counted.value == no_benefit.counted.value == 1.0
        assert no_benefit.mean.value < last_seen.mean.value
        assert no_benefit.mean.value < left_out.mean.value


def test_more_sessions_are_more_milligrams_and_more_chances_of_high_pressure() -> None:
    one, six = played().sizes[0].arms
    assert one.sessions.value == 1.0
    assert six.mg.value == 6 * 0.5 * 75.0
    assert one.past_180 is not None
    assert six.past_180 is not None
    assert one.past_180.value == pytest.approx(0.0098)
    assert one.past_180.value < six.past_180.value < 6 * one.past_180.value


def test_a_harm_without_a_published_figure_is_not_made_up() -> None:
    found = played(**with_arm(dose="0.8 mg/kg"))
    one, six = found.sizes[0].arms
    assert one.past_180 is not None
    assert six.past_180 is None
    assert "not simulated in six" in trial_text(found, KNOWLEDGE)


def test_a_therapy_of_no_assumed_effect_changes_nothing() -> None:
    plain, with_therapy = (played(**with_arm(**more)) for more in ({}, {"integration": {"effect": [0, 0]}}))
    assert plain.sizes == with_therapy.sizes
    helped = played(**with_arm(integration={"effect": [0.3, 0.3]}))
    before, after = (contrast(found, "change").true for found in (plain, helped))
    assert before is not None
    assert after is not None
    assert after.value < before.value - 1.0
    nothing = contrast(played(**with_arm(integration={"effect": [0.3, 0.3]}), truth="null", trials=10), "change").true
    assert nothing is not None
    assert nothing.value == 0.0


def test_contexts_are_kept_where_the_drug_does_nothing() -> None:
    arms = [{"name": "saline"}, {"name": "ketamine", **INFUSIONS, "sessions": {"days": [0, 3, 7]}}]
    found = played(arms=arms, context={"control": "saline"}, truth="null", trials=60)
    saline, ketamine = (arm.endpoints[0].true for arm in found.sizes[0].arms)
    assert saline is not None
    assert ketamine is not None
    assert saline.value < -3.0
    assert ketamine.value < saline.value  # people notice the drug and hope more
    assert "notice it" in trial_text(found, KNOWLEDGE)


def test_the_registration_holds_the_design_to_the_letter() -> None:
    of = design()
    page = registration(of, KNOWLEDGE, POPULATION.provenance, on=date(2026, 11, 26))
    assert of.text in page
    for part in (
        of.digest,
        KNOWLEDGE.version,
        POPULATION.provenance.digest,
        "Seed: 11",
        "(primary)",
        "t-test of Welch",
    ):
        assert part in page
    form = registration_json(of, KNOWLEDGE, POPULATION.provenance, on=date(2026, 11, 26))
    assert form["design"].encode() == stated()
    assert len(form["analysis"]) == len(of.endpoints)
