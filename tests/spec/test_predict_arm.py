"""A trial arm predicted: what must be wider, what must be less, what cannot be said, and which words are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ketapath.cli import main
from ketapath.domain.response import ArmPrediction, PredictedOutcome
from ketapath.errors import BadInput
from ketapath.knowledge import FOLDER, load
from ketapath.report.words import say
from ketapath.response import predict_arm, read_arm
from ketapath.response.arm import CONTROLS
from ketapath.response.arm_course import STUDIED_DAYS
from ketapath.response.arm_file import Asked
from ketapath.response.outcomes import outcomes
from ketapath.response.predict import BASELINES, expected, new_study, relapsed_by
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


WEEKS = [0, 3, 7, 10, 14, 17, 21, 24]


def said(found: ArmPrediction) -> dict[str, str]:
    return {text.key.removeprefix("response.arm."): say(text, KNOWLEDGE.texts) for text in found.findings}


def asks(quantity: str, day: float) -> list[dict[str, Any]]:
    return [{"scale": "MADRS", "day": day, "quantity": quantity}]


def test_who_goes_on_being_treated_is_not_lost_over_a_year() -> None:
    spray = {"product": "esketamine", "route": "nasal", "dose": "84 mg", "days": WEEKS}
    kept = arm(treatment=spray, after={"maintenance": {"every_days": 7}}, context={"control": "none", "routine": False})
    month, year = (first({**kept, "outcomes": asks("response", day)}) for day in (28, 365))
    assert middle(year) > 0.5 * middle(month)


def test_people_leave_as_long_as_scores_were_followed() -> None:
    assert KNOWLEDGE.response["studied_days"]["value"] == STUDIED_DAYS


def test_shares_and_relapses_say_how_well_such_numbers_were_predicted() -> None:
    assert {"shares", "dropout"} <= set(said(predicted(arm(outcomes=asks("remission", 1)))))
    relapsing = said(predicted(arm(outcomes=asks("relapse", 14))))
    assert "worse than by the mean of the others" in relapsing["relapse"]
    assert not {"shares", "dropout", "relapse"} & set(said(predicted(ARM)))


@pytest.mark.parametrize(
    ("mean", "scale", "outside"), [(12, "MADRS", True), (50, "MADRS", True), (12, "HAM-D6", False)]
)
def test_a_baseline_that_no_trial_began_with_is_said(mean: float, scale: str, outside: bool) -> None:
    found = said(predicted(arm(baseline={"scale": scale, "mean": mean, "sd": 3})))
    assert ("baseline" in found) == outside


def test_every_baseline_of_the_table_lies_within_what_is_called_studied() -> None:
    scales = KNOWLEDGE.response["trial_scales"]
    used, _left = outcomes(scales)
    shares = [d.arm.baseline / scales[d.scale]["top"] for d in used if d.arm.baseline is not None]
    assert shares
    assert BASELINES[0] <= min(shares) < max(shares) <= BASELINES[1]


def test_arms_that_cannot_be_of_one_study_are_named_by_what_differs() -> None:
    other = arm(
        treatment=None,
        context={"control": "saline"},
        population={"setting": "inpatient", "condition": "bipolar-depression", "resistant": False},
        baseline={"scale": "HDRS17", "mean": 22, "sd": 4},
    )
    found = said(predicted(ARM, other))["differs"]
    for field in ("context.control", "population.setting", "population.condition", "resistant", "baseline.scale"):
        assert field in found
    assert "differs" not in said(predicted(ARM, CONTROL))


@pytest.mark.parametrize(
    "other", [asks("change", 7), asks("response", 1), [{"scale": "PHQ-9", "day": 1, "quantity": "change"}]]
)
def test_an_arm_against_that_asks_for_something_else_is_refused(other: list[dict[str, Any]]) -> None:
    with pytest.raises(BadInput, match=f"{other[0]['scale']} day {other[0]['day']} {other[0]['quantity']}"):
        predicted(ARM, {**CONTROL, "outcomes": other})


def test_an_arm_against_without_outcomes_is_asked_for_those_of_the_first() -> None:
    scales = KNOWLEDGE.response["trial_scales"]
    one = read_arm(yaml.safe_dump(ARM).encode(), scales)
    silent = yaml.safe_dump({name: part for name, part in CONTROL.items() if name != "outcomes"}).encode()
    assert read_arm(silent, scales, beside=one).asked == one.asked
    with pytest.raises(BadInput, match="outcomes: missing"):
        read_arm(silent, scales)


def test_nothing_is_predicted_before_anything_has_acted() -> None:
    with pytest.raises(BadInput, match=r"0\.08"):
        predicted(arm(outcomes=asks("change", 0.07)))
    assert middle(first(arm(outcomes=asks("change", 0.08)))) < 0.0


def relapses(stated: dict[str, Any], days: tuple[float, ...]) -> list[float]:
    file = read_arm(
        yaml.safe_dump({**stated, "outcomes": asks("relapse", 14)}).encode(), KNOWLEDGE.response["trial_scales"]
    )
    study = new_study(DRAWS.thinned(200), np.random.default_rng(1))
    asked = [Asked(scale="MADRS", day=day, quantity="relapse") for day in days]
    return [float(np.mean(relapsed_by(file.arm, study, one, KNOWLEDGE.response))) for one in asked]


@pytest.mark.parametrize("every_days", [None, 7, 14, 28])
@pytest.mark.parametrize("days", [[0], WEEKS])
def test_who_has_relapsed_stays_relapsed_so_it_never_falls_with_the_day(
    every_days: int | None, days: list[int]
) -> None:
    after = {"maintenance": "none" if every_days is None else {"every_days": every_days}}
    stated = arm(treatment={"days": days}, after=after)
    found = relapses(
        stated, (0, 1, 3, 5, 7, 10, 14, 20, 27, 28, 28.01, 29, 32, 35, 42, 56, 90, 182, 200, 365, 400, 3660)
    )
    assert found == sorted(found)
    assert found[0] == found[1] == 0.0
    assert found[-1] > 0.2


def test_nobody_has_relapsed_by_the_day_on_which_response_is_judged() -> None:
    assert relapses(ARM, (3,)) == [0.0]
    assert relapses(ARM, (3.01,))[0] > 0.0
    assert middle(first(arm(outcomes=asks("relapse", 0)))) == 0.0


def test_the_days_of_relapse_that_the_fit_reads_are_predicted_as_it_reads_them() -> None:
    file = read_arm(yaml.safe_dump(arm(treatment={"days": WEEKS})).encode(), KNOWLEDGE.response["trial_scales"])
    study = new_study(DRAWS.thinned(200), np.random.default_rng(1))
    for day in (14.0, 18.0, 28.0, 56.0, 273.0, 365.0):
        one = Asked(scale="MADRS", day=day, quantity="relapse")
        as_fitted = expected(file.arm, study, one, KNOWLEDGE.response)[0]
        assert np.mean(relapsed_by(file.arm, study, one, KNOWLEDGE.response)) == pytest.approx(
            as_fitted.mean(), abs=0.003
        )


@pytest.mark.parametrize("section", ["population", "baseline", "context", "outcomes"])
def test_a_missing_section_is_called_missing(section: str) -> None:
    stated = {name: part for name, part in ARM.items() if name != section}
    with pytest.raises(BadInput, match=f"^{section}: missing") as refused:
        predicted(stated)
    assert "None" not in str(refused.value)


def test_the_fields_that_the_format_shows_are_read() -> None:
    part = (FOLDER / "FORMAT.md").read_text().split("## A trial arm")[1].split("\n## ")[0]
    shown = "\n".join(line.removeprefix("    ") for line in part.splitlines() if line.startswith("    "))
    found = read_arm(shown.encode(), KNOWLEDGE.response["trial_scales"])
    assert found.arm.regimen is not None
    assert found.arm.regimen.every_days == 7
    assert all(control in part for control in CONTROLS)


def test_a_seed_below_0_and_too_few_draws_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "arm.yaml"
    file.write_text(yaml.safe_dump(ARM))
    for command in (
        ["predict-arm", str(file), "--seed", "-1"],
        ["fit", "population", "--seed", "-1", "--to", str(tmp_path)],
        ["fit", "population", "--draws", "0", "--to", str(tmp_path)],
    ):
        assert main(command) == 3
        assert capsys.readouterr().err.startswith(f"ketapath: {command[2]}: found {command[3]};")


def test_the_example_and_its_control_are_of_one_study_and_help_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[2] / "examples" / "arms"
    command = ["predict-arm", str(folder / "repeated-infusions.yaml"), "--against", str(folder / "midazolam.yaml")]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outcomes"][1]["p50"] < -3.0
    assert not any("differ in" in one for one in told["findings"])
    with pytest.raises(SystemExit):
        main(["predict-arm", "--help"])
    words = "".join(capsys.readouterr().out.split())  # argparse breaks lines inside a path
    assert all(f"examples/arms/{file.name}" in words for file in folder.iterdir())
