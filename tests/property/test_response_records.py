"""What the course does with records as they are: incomplete forms, two scores a day, odd doses, no model."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest
from tests.courses import KNOWLEDGE, at, dose, found, keys, on, score

from ketapath.domain.evidence import Text
from ketapath.domain.response import Course, Goal
from ketapath.measurement import is_response

GAD7 = KNOWLEDGE.instruments["gad7"]
MISSING = Text(key="score.items_missing", values={"missing": 1, "items": 9})
DOSES = (dose(0), dose(3), dose(7))


def told(*scores: object, **other: object) -> Course:
    return found(*scores, **({"doses": DOSES} | other))  # type: ignore[arg-type]


def incomplete(day: int, *items: int | None) -> object:
    return score(day, None, items=items, reason=MISSING)


def test_item_9_of_an_incomplete_form_is_seen() -> None:
    form = incomplete(7, 1, 1, None, 1, 1, 1, 1, 1, 3)
    assert told(score(0, 10.0, items=(2, 1, 1, 1, 1, 1, 1, 2, 0)), form).item9 == 3
    assert told(score(0, 10.0), form, doses=(dose(0, route="sc"),)).item9 == 3
    assert told(form, doses=()).item9 == 3


def test_an_unanswered_item_9_does_not_hide_the_answer_before_it() -> None:
    assert told(score(0, 18.0, items=(2,) * 9), score(7, 12.0, items=(1,) * 8 + (None,))).item9 == 2


def test_a_later_answer_of_zero_replaces_an_earlier_one() -> None:
    assert told(score(0, 18.0, items=(2,) * 9), score(7, 8.0, items=(1,) * 8 + (0,))).item9 == 0


def test_a_form_with_missing_items_is_not_scored_and_moves_nothing() -> None:
    with_it = told(score(0, 18.0), incomplete(5, *(1,) * 8, None))
    assert with_it.posterior == told(score(0, 18.0)).posterior
    assert "response.score_set_aside" in keys(with_it)


def test_two_differing_scores_of_one_day_count_as_their_mean_and_say_so() -> None:
    both = told(score(0, 18.0), score(7, 11.0, name="a"), score(7, 17.0, name="b"))
    assert [o.total for o in both.observed] == [18, 14]
    assert "response.two_scores" in keys(both)
    assert both.curve == told(score(0, 18.0), score(7, 17.0, name="b"), score(7, 11.0, name="a")).curve


def test_a_later_version_replaces_the_earlier_without_a_note() -> None:
    old, new = score(7, 20.0, name="a", version="9"), score(7, 8.0, name="a", version="10")
    assert told(score(0, 18.0), old, new).observed[-1].total == 8
    assert told(score(0, 18.0), new, old).observed[-1].total == 8
    assert "response.two_scores" not in keys(told(score(0, 18.0), old, new))


def test_a_score_of_after_today_is_not_seen() -> None:
    assert told(score(-1, 20.0), score(25, 2.0)).observed == told(score(-1, 20.0)).observed


def test_only_scales_of_depression_up_to_today_are_reported_as_set_aside() -> None:
    anxiety = score(0, None, "gad7", reason=MISSING)
    assert "response.score_set_aside" not in keys(told(score(0, 18.0), anxiety, score(60, None, reason=MISSING)))


def test_other_scales_are_charted_beside_without_a_model() -> None:
    one = told(score(0, 18.0), score(5, 9.0), score(0, 15.0, "gad7"), score(5, 8.0, "gad7"))
    gad7 = next(s for s in one.scales if s.scale == "gad7")
    assert not gad7.is_modelled
    assert gad7.expected is None
    assert [o.total for o in gad7.observed] == [15, 8]
    assert one.posterior == told(score(0, 18.0), score(5, 9.0)).posterior


def test_the_main_scale_is_the_depression_scale_with_a_baseline_and_most_scores() -> None:
    phq9 = [score(d, 15.0) for d in (0, 4)]
    madrs = [score(d, 30.0, "madrs") for d in (0, 4, 8)]
    assert told(*phq9, *madrs).scale == "madrs"
    assert told(*phq9, *madrs[1:]).scale == "phq9"
    assert told(*phq9, *madrs[:2]).scale == "phq9"
    late = told(*phq9, *madrs[1:]).scales[1]
    assert (late.is_modelled, late.baseline, late.change) == (True, None, None)


def test_the_order_of_the_doses_does_not_matter() -> None:
    assert told(score(0, 18.0), doses=DOSES[::-1]) == told(score(0, 18.0))


def test_a_dose_outside_the_studies_is_called_an_extrapolation() -> None:
    assert "response.dose_outside_studies" in keys(told(score(0, 18.0), doses=(dose(0, mg=210.0),)))
    for mg in (7.0, 35.0, 70.0):  # 0.1, 0.5 and 1.0 mg/kg
        assert "response.dose_outside_studies" not in keys(told(score(0, 18.0), doses=(dose(0, mg=mg),)))


def test_a_dose_goes_by_the_weight_of_its_day_and_an_old_weight_is_said() -> None:
    """40 mg is 0.5 mg/kg of 80 kg in the first week; eleven weeks later the person weighs 60 kg."""
    doses = (dose(0, 40.0), dose(80, 30.0))
    both = told(score(0, 18.0), doses=doses, weights_kg={on(-5): 80.0, on(78): 60.0}, day=85)
    even = told(score(0, 18.0), doses=(dose(0), dose(80)), day=85, weights_kg={on(0): 70.0, on(80): 70.0})
    assert both.curve == even.curve
    assert "response.old_weight" not in keys(both)
    assert "response.old_weight" in keys(told(score(0, 18.0), doses=doses, weights_kg={on(-5): 80.0}, day=85))


def test_a_session_without_a_dose_or_a_weight_gets_no_model() -> None:
    for one in (told(score(0, 18.0), doses=(dose(0), dose(3, None))), told(score(0, 18.0), weights_kg={})):
        assert one.curve is None
        assert keys(one) == ["response.dose_unknown"]
    spray = dose(0, 56.0, "nasal", "esketamine")
    assert told(score(0, 18.0), doses=(spray,), weights_kg={}).curve is not None


def test_the_spray_of_two_devices_on_one_day_is_one_session() -> None:
    devices = [dose(0, 28.0, "nasal", "esketamine") for _ in range(3)]
    whole = told(score(0, 18.0), doses=(dose(0, 84.0, "nasal", "esketamine"),))
    assert told(score(0, 18.0), doses=devices).curve == whole.curve
    assert whole.sessions == 1


@pytest.mark.parametrize(
    ("product", "route", "condition", "is_modelled"),
    [
        ("racemic", "iv", "MDD", True),
        ("racemic", "iv", "bipolar-depression", True),
        ("esketamine", "nasal", "MDD", True),
        ("esketamine", "nasal", "bipolar-depression", False),
        ("esketamine", "iv", "MDD", True),
        ("racemic", "oral", "MDD", True),
        ("racemic", "im", "MDD", True),
        ("racemic", "nasal", "MDD", True),
        ("racemic", "sc", "MDD", False),
        ("racemic", "sublingual", "MDD", False),
        ("racemic", "iv", "PTSD", False),
        ("racemic", "iv", "AUD", False),
    ],
)
def test_benefit_is_predicted_only_where_outcome_studies_are(
    product: str, route: str, condition: str, is_modelled: bool
) -> None:
    one = told(score(-1, 20.0), score(5, 10.0), doses=(dose(0, 60.0, route, product),), condition=condition)
    assert (one.curve is not None) is is_modelled
    assert [o.total for o in one.observed] == [20, 10]
    assert one.last_change == -10
    if not is_modelled:
        assert keys(one)[0].startswith("response.not_predictable")
        assert (one.p_response, one.posterior, one.chances) == (None, (), ())
        assert one.scales[0].curve is not None  # its own trend
        assert not one.scales[0].is_modelled


def test_nobody_under_18_is_modelled() -> None:
    assert keys(told(score(-1, 20.0), age_years=17.5)) == ["response.minor"]
    assert told(score(-1, 20.0), age_years=18.0).curve is not None
    assert told(score(-1, 20.0), age_years=None).curve is not None


def test_an_unknown_condition_is_modelled_where_a_depression_scale_is_filled_in_and_says_so() -> None:
    assert "response.condition_unknown" in keys(told(score(-1, 20.0), condition=None))
    assert told(score(-1, 20.0), condition=None).curve is not None
    assert keys(told(score(-1, 12.0, "gad7"), condition=None)) == ["response.condition_unknown_no_scale"]


def test_psychotherapy_and_goals_are_kept_and_move_no_figure() -> None:
    goal = Goal(words="walk the dog again", status="active", since=on(0), ratings=(), origin="Goal/1")
    one = told(score(-1, 20.0), score(5, 10.0), psychotherapy=(on(2),), goals=(goal,))
    assert "response.psychotherapy_not_quantified" in keys(one)
    assert one.goals == (goal,)
    assert one.curve == told(score(-1, 20.0), score(5, 10.0)).curve


def test_without_a_score_after_the_first_session_no_change_is_claimed() -> None:
    untreated = told(score(-20, 15.0), score(0, 18.0), doses=(dose(0, route="sc"),))
    assert (untreated.reliable_change, untreated.last_change) == (None, None)


def test_a_baseline_of_zero_says_why_there_is_no_curve() -> None:
    assert told(score(0, 0.0)).curve is None
    assert "response.baseline_zero" in keys(told(score(0, 0.0)))


def test_a_course_without_a_baseline_is_charted_and_says_so() -> None:
    late = told(score(5, 14.0), score(9, 8.0))
    assert late.curve is None
    assert keys(late) == ["response.no_baseline"]
    assert late.last_change == -6


def test_without_sessions_scores_are_charted_alone() -> None:
    waiting = told(score(-9, 14.0), score(-2, 18.0), doses=())
    assert keys(waiting) == ["response.no_sessions"]
    assert [o.day for o in waiting.observed] == [0.0, 7.0]
    assert waiting.scales[0].curve is not None


def test_a_long_course_of_maintenance_is_drawn_in_fewer_steps() -> None:
    year = tuple(dose(d) for d in range(0, 365, 14))
    one = told(score(-1, 20.0), *(score(d, 8.0) for d in range(13, 365, 28)), doses=year, day=366)
    assert one.curve is not None
    assert len(one.curve.days) < 220
    assert at(one.curve, 366.0)["p50"] < 11


def test_gad7_response_is_half_or_a_fall_below_ten() -> None:
    assert is_response(GAD7, 12, 9)
    assert is_response(GAD7, 8, 4)
    assert not is_response(GAD7, 12, 10)
    assert not is_response(GAD7, 9, 8)


def test_totals_of_one_day_that_lie_a_reliable_change_apart_are_asked_about() -> None:
    both = told(score(0, 18.0), score(7, 2.0, name="a"), score(7, 20.0, name="b"))
    assert [o.total for o in both.observed] == [18, 11]
    assert "response.scores_disagree" in keys(both)
    assert "response.two_scores" not in keys(both)


def test_a_new_series_after_a_long_pause_has_its_own_first_day_and_baseline() -> None:
    doses = (dose(-400), dose(-397), dose(0), dose(3))
    new = told(score(-401, 24.0), score(-390, 4.0), score(-1, 16.0), score(6, 11.0), doses=doses, day=8)
    alone = told(score(-1, 16.0), score(6, 11.0), doses=(dose(0), dose(3)), day=8)
    assert (new.baseline, new.sessions, new.curve) == (16.0, 2, alone.curve)
    assert "response.earlier_series" in keys(new)
    assert "response.earlier_series" not in keys(alone)
    nothing = told(score(-401, 24.0), score(-390, 4.0), doses=doses, day=8)
    assert nothing.curve is None
    assert "response.no_baseline" in keys(nothing)


def test_a_score_under_a_later_dose_counts_as_little_as_under_the_first() -> None:
    at = datetime.combine(on(7), time(10))
    doses = (dose(0), replace(dose(7), at=at))
    under = score(7, 3.0, at=at.replace(hour=12))
    seen = told(score(-1, 18.0), under, doses=doses, day=8)
    assert [o.total for o in seen.observed] == [18.0]
    assert "response.under_a_dose" in keys(seen)
    evening = score(7, 3.0, at=at.replace(hour=18))
    assert [o.total for o in told(score(-1, 18.0), evening, doses=doses, day=8).observed] == [18.0, 3.0]
    before = score(7, 3.0, at=at.replace(hour=9))
    assert [o.total for o in told(score(-1, 18.0), before, doses=doses, day=8).observed] == [18.0, 3.0]


def test_an_age_that_is_not_known_is_said() -> None:
    assert "response.age_unknown" in keys(told(score(0, 18.0), age_years=None))
    assert "response.age_unknown" not in keys(told(score(0, 18.0)))
