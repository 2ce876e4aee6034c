"""What the kept fits say of trials that they had not seen; each figure is told where it falls short of its aim too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ketapath.errors import KnowledgeError
from ketapath.knowledge import load
from ketapath.report import response_validation_text
from ketapath.response.prior import Population, population
from ketapath.response.validation import read_left_out, scored, structure_score, validate_response

PARAMETERS = load().response
DRAWS = population(PARAMETERS)
FOUND = validate_response(DRAWS, PARAMETERS)


def test_an_unseen_trial_is_predicted_better_than_by_no_model() -> None:
    for table, yardstick in (("contrast", "constant contrast"), ("level", "the mean of the other studies")):
        score = FOUND.figures["build-up", "without", table]
        assert score.rmse < score.yardsticks[yardstick]
    assert 0.7 <= FOUND.figures["build-up", "without", "level"].in_80 <= 0.9


def test_what_misses_its_aim_is_said() -> None:
    said = response_validation_text(FOUND)
    assert "contrast RMSE at most 3 points: missed (3.88" in said
    assert "80 % intervals hold 70% to 90%: missed (68%)" in said


def test_relapse_and_shares_are_held_to_the_same_yardstick_and_predict_arm_says_what_is_found() -> None:
    said = response_validation_text(FOUND)
    assert "relapse better than the mean of the other studies: missed (33.4 against 19.9 percent)" in said
    assert "response and remission better than the mean of the other studies: reached (18.5 against 22.5" in said
    share, relapse = (FOUND.figures["build-up", "without", table] for table in ("share", "relapse"))
    texts = load().texts
    assert f"{100 * share.in_80:.0f} % lay in the 80 % band" in texts["response.arm.shares"]
    assert relapse.rmse > relapse.yardsticks["the mean of the other studies"]
    assert "worse than by the mean of the others" in texts["response.arm.relapse"]


def test_the_text_explains_its_marks_and_says_in_words_what_is_left_out() -> None:
    said = " ".join(response_validation_text(FOUND).split())
    assert "in brackets, the 80 % interval. * marks what was observed outside it" in said
    assert "the day of the number is not stated" in said
    assert not [one.reason for one in FOUND.left_out if "-" in one.reason and one.reason in said]


def test_seeing_a_trial_helps_or_nothing_was_left_out() -> None:
    for structure in ("build-up", "restore"):
        seen, unseen = (FOUND.figures[structure, which, "level"].rmse for which in ("all", "without"))
        assert seen < unseen


def test_the_two_structures_are_not_told_apart_which_is_why_both_are_used() -> None:
    assert abs(FOUND.structures.difference) < FOUND.structures.error
    assert 0.45 < float((DRAWS["build_up"] > 0.0).mean()) < 0.55


def test_a_structure_that_predicts_better_would_win() -> None:
    unseen = [(s, row) for s, w, row in FOUND.rows if w == "without"]
    right = [(s, replace(row, p50=row.observed) if s == "restore" else row) for s, row in unseen]
    score = structure_score(right)
    assert score.difference < -score.error


def test_the_orders_that_trials_agree_on_hold() -> None:
    assert len(FOUND.orders) == 5
    assert all(one.holds and one.probability > 0.9 for one in FOUND.orders)


def test_coverage_and_misses_are_counted_as_they_say() -> None:
    rows = [row for s, w, row in FOUND.rows if (s, w, row.table) == ("build-up", "without", "contrast")]
    exact = scored([replace(r, observed=r.p50) for r in rows], "contrast")
    assert (exact.rmse, exact.in_50, exact.in_80) == (0.0, 1.0, 1.0)
    far = scored([replace(r, observed=r.p50 + 100.0) for r in rows], "contrast")
    assert far.rmse == pytest.approx(100.0)
    assert far.in_95 == 0.0


def test_without_its_kept_predictions_the_command_says_how_to_make_them(tmp_path: object) -> None:
    with pytest.raises(KnowledgeError, match="make fit"):
        read_left_out(tmp_path)  # type: ignore[arg-type]


def test_the_drug_part_stays_as_wide_as_what_is_not_known() -> None:
    """Drug against hope is not identified: the middle 90 % of the drug part may not shrink below a factor of 1.8."""
    at_half = sorted(DRAWS["drug_at_half"])
    assert at_half[int(0.95 * len(at_half))] / at_half[int(0.05 * len(at_half))] > 1.8
    assert isinstance(DRAWS, Population)


def test_the_basis_card_says_the_share_that_unseen_trials_gave() -> None:
    worst = min(FOUND.figures[s, "without", "share"].in_80 for s in ("build-up", "restore"))
    assert PARAMETERS["left_out"]["held"] == pytest.approx(worst, abs=0.005)
