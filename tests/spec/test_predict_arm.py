"""A trial arm predicted: what must be wider, what must be less, what cannot be said, and which words are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ketapath.cli import main
from ketapath.domain.response import ArmPrediction, PredictedOutcome
from ketapath.errors import BadInput
from ketapath.knowledge import load
from ketapath.response import predict_arm, read_arm
from ketapath.response.prior import population

KNOWLEDGE = load()
DRAWS = population(KNOWLEDGE.response)
ARM: dict[str, Any] = {
    "population": {
        "n": 60,
        "condition": "MDD",
        "resistant": True,
        "setting": "outpatient",
        "age_mean": 45,
        "women": 0.6,
    },
    "baseline": {"scale": "MADRS", "mean": 32, "sd": 6},
    "context": {"control": "midazolam", "blinded": True, "new_antidepressant": False, "psychotherapy": "none"},
    "treatment": {"product": "racemic", "route": "iv", "dose": "0.5 mg/kg", "infusion_min": 40, "days": [0]},
    "after": {"maintenance": "none"},
    "outcomes": [{"scale": "MADRS", "day": 1, "quantity": "change"}],
}


def arm(**changes: Any) -> dict[str, Any]:
    """The arm with other fields; a mapping is laid over what stands there."""
    found = {**ARM}
    for name, value in changes.items():
        found[name] = {**found[name], **value} if isinstance(value, dict) and isinstance(found[name], dict) else value
    return found


def predicted(stated: dict[str, Any], against: dict[str, Any] | None = None) -> ArmPrediction:
    scales = KNOWLEDGE.response["trial_scales"]
    other = None if against is None else read_arm(yaml.safe_dump(against).encode(), scales)
    return predict_arm(read_arm(yaml.safe_dump(stated).encode(), scales), other, DRAWS, KNOWLEDGE, seed=1)


def first(stated: dict[str, Any], against: dict[str, Any] | None = None) -> PredictedOutcome:
    return predicted(stated, against).outcomes[0]


def width(one: PredictedOutcome) -> float:
    assert one.p90 is not None
    assert one.p10 is not None
    return one.p90 - one.p10


def middle(one: PredictedOutcome) -> float:
    assert one.p50 is not None
    return one.p50


CONTROL = arm(treatment=None)


def test_symptoms_fall_and_the_seven_quantiles_rise() -> None:
    one = first(ARM)
    cuts = [one.p025, one.p10, one.p25, one.p50, one.p75, one.p90, one.p975]
    assert all(c is not None for c in cuts)
    assert cuts == sorted(cuts)  # type: ignore[type-var]
    assert -25.0 < middle(one) < -8.0


def test_the_studys_context_is_shared_so_the_difference_is_narrower_than_two_arms_apart() -> None:
    difference = first(ARM, CONTROL)
    apart = (width(first(ARM)) ** 2 + width(first(CONTROL)) ** 2) ** 0.5
    assert width(difference) < 0.8 * apart
    assert -12.0 < middle(difference) < -3.0
    assert len(predicted(ARM, CONTROL).arms) == 2


def test_an_arm_of_ten_is_wider_than_one_of_a_thousand_and_studies_differ_however_large() -> None:
    small, large = (first(arm(population={"n": n})) for n in (10, 100_000))
    assert width(small) > 1.2 * width(large)
    assert width(large) > 3.0


def test_order_of_dose_time_and_control() -> None:
    half, tenth = (first(arm(treatment={"dose": f"{d} mg/kg"}), CONTROL) for d in (0.5, 0.1))
    assert middle(half) < middle(tenth)
    late = arm(outcomes=[{"scale": "MADRS", "day": 10, "quantity": "change"}])
    assert middle(half) < middle(first(late, {**late, "treatment": None}))
    saline = arm(context={"control": "saline"})
    assert middle(first(saline, {**saline, "treatment": None})) < middle(half)


def test_maintenance_lowers_relapse() -> None:
    course = {"days": [0, 3, 7, 10, 14, 17]}
    asked = [{"scale": "MADRS", "day": 56, "quantity": "relapse"}]
    stopped = first(arm(treatment=course, outcomes=asked))
    kept = first(arm(treatment=course, outcomes=asked, after={"maintenance": {"every_days": 7}}))
    assert middle(kept) < middle(stopped) - 0.05


@pytest.mark.parametrize(
    "changes",
    [
        {"population": {"condition": "PTSD"}},
        {"population": {"adolescent": True}},
        {"treatment": {"route": "sc"}},
        {"treatment": {"product": "esketamine", "route": "oral", "dose": "30 mg"}},
        {"population": {"condition": "bipolar-depression"}, "treatment": {"product": "esketamine", "route": "nasal"}},
    ],
)
def test_what_no_outcome_study_covers_is_not_predictable_and_says_so(changes: dict[str, Any]) -> None:
    found = predicted(arm(**changes))
    assert found.outcomes[0].p50 is None
    assert len(found.findings) == 1
    assert found.findings[0].key.startswith("response.arm.")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"baseline": {"scale": "XYZ"}}, "MADRS"),
        ({"treatment": {"route": "rectal"}}, "sublingual"),
        ({"treatment": {"product": "arketamine"}}, "racemic"),
        ({"context": {"control": "sugar"}}, "midazolam"),
        ({"population": {"condition": "grief"}}, "PTSD"),
        ({"population": {"n": 0}}, "from 1"),
        ({"population": {"n": "many"}}, "number"),
        ({"baseline": {"mean": 61}}, "60"),
        ({"baseline": {"mean": float("nan")}}, "number"),
        ({"treatment": {"dose": "0.5"}}, "mg/kg"),
        ({"treatment": {"dose": "-1 mg"}}, "above 0"),
        ({"treatment": {"days": [3, 1]}}, "rise"),
        ({"treatment": {"days": []}}, "days"),
        ({"treatment": {"dosage": 1}}, "dose"),
        ({"outcomes": []}, "outcomes"),
        ({"outcomes": [{"scale": "MADRS", "day": -1, "quantity": "change"}]}, "day"),
        ({"outcomes": [{"scale": "MADRS", "day": 1, "quantity": "recovery"}]}, "response"),
        ({"population": "people"}, "fields"),
    ],
)
def test_an_unknown_word_or_an_impossible_number_is_refused_with_what_is_possible(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        read_arm(yaml.safe_dump(arm(**changes)).encode(), KNOWLEDGE.response["trial_scales"])


def test_the_command_gives_json_and_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, control = tmp_path / "arm.yaml", tmp_path / "control.yaml"
    file.write_text(yaml.safe_dump(ARM))
    control.write_text(yaml.safe_dump(CONTROL))
    assert main(["predict-arm", str(file), "--against", str(control), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["outcomes"][0]) == {
        "scale", "day", "quantity", "p025", "p10", "p25", "p50", "p75", "p90", "p975",
    }  # fmt: skip
    assert len(told["arms"]) == 2
    assert told["prior"]["name"] == "literature"
    file.write_text("- no arm")
    assert main(["predict-arm", str(file)]) == 3
    assert capsys.readouterr().err.count("\n") <= 3
