"""What the course does with records as they are: incomplete forms, two scores a day, unsorted doses, odd doses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Dose, Origin, ScoreEntry
from ketapath.domain.response import Course
from ketapath.knowledge import load
from ketapath.measurement import is_response
from ketapath.response import course, prior_benefit

KNOWLEDGE = load()
PHQ9, GAD7 = KNOWLEDGE.instruments["phq9"], KNOWLEDGE.instruments["gad7"]
FIRST = date(2026, 11, 1)
MISSING = Text(key="score.items_missing", values={"missing": 1, "items": 9})


def score(
    day: int, total: float | None, items: tuple[int | None, ...] = (), *, name: str = "", version: str | None = None
) -> ScoreEntry:
    origin = Origin(resource="Observation", id=name or f"s{day}", version=version)
    on, reason = FIRST + timedelta(days=day), MISSING if total is None else None
    return ScoreEntry(instrument="phq9", on=on, total=total, items=items, origin=origin, reason=reason)


def dose(day: int, mg: float = 35.0, route: str = "iv") -> Dose:
    origin = Origin(resource="MedicationAdministration", id=f"d{day}", version=None)
    on = FIRST + timedelta(days=day)
    return Dose(on=on, product="racemic", route=route, dose_mg=mg, duration_min=40.0, origin=origin)


DOSES = (dose(0), dose(3), dose(7))


def found(*scores: ScoreEntry, doses: tuple[Dose, ...] = DOSES, day: int = 20) -> Course:
    as_of = FIRST + timedelta(days=day)
    return course(
        scores, doses, KNOWLEDGE.response, PHQ9, evidence=(), weight_kg=70.0, as_of=as_of, seed=1
    )  # fmt: skip


def keys(of: Course) -> list[str]:
    return [note.key for note in of.notes]


def test_item_9_of_an_incomplete_form_is_seen() -> None:
    incomplete = score(7, None, (1, 1, None, 1, 1, 1, 1, 1, 3))
    assert found(score(0, 10, (2, 1, 1, 1, 1, 1, 1, 2, 0)), incomplete).item9 == 3
    assert found(score(0, 10), incomplete, doses=(dose(0, route="im"),)).item9 == 3
    assert found(incomplete, doses=()).item9 == 3


def test_an_unanswered_item_9_does_not_hide_the_answer_before_it() -> None:
    assert found(score(0, 18, (2,) * 9), score(7, 12, (1,) * 8 + (None,))).item9 == 2


def test_a_later_answer_of_zero_replaces_an_earlier_one() -> None:
    assert found(score(0, 18, (2,) * 9), score(7, 8, (1,) * 8 + (0,))).item9 == 0


def test_two_differing_scores_of_one_day_count_as_their_mean_and_say_so() -> None:
    both = found(score(0, 18), score(7, 8, name="a"), score(7, 20, name="b"))
    assert [o.total for o in both.observed] == [18, 14]
    assert "response.two_scores" in keys(both)
    assert both.curve == found(score(0, 18), score(7, 20, name="b"), score(7, 8, name="a")).curve


def test_a_later_version_replaces_the_earlier_without_a_note() -> None:
    old, new = score(7, 20, name="a", version="9"), score(7, 8, name="a", version="10")
    assert found(score(0, 18), old, new).observed[-1].total == 8
    assert found(score(0, 18), new, old).observed[-1].total == 8
    assert "response.two_scores" not in keys(found(score(0, 18), old, new))


def test_only_this_instrument_up_to_today_is_reported_as_set_aside() -> None:
    anxiety = replace(score(0, None), instrument="gad7")
    assert "response.score_set_aside" not in keys(found(score(0, 18), anxiety, score(60, None)))
    assert "response.score_set_aside" in keys(found(score(0, 18), score(6, None)))


def test_the_order_of_the_doses_does_not_matter() -> None:
    assert found(score(0, 18), doses=DOSES[::-1]) == found(score(0, 18))


def test_a_dose_outside_the_studies_is_called_an_extrapolation() -> None:
    assert "response.dose_outside_studies" in keys(found(score(0, 18), doses=(dose(0, mg=210.0),)))
    for mg in (7.0, 35.0, 70.0):  # 0.1, 0.5 and 1.0 mg/kg
        assert "response.dose_outside_studies" not in keys(found(score(0, 18), doses=(dose(0, mg=mg),)))


def test_without_a_score_after_the_first_session_no_change_is_claimed() -> None:
    untreated = found(score(-20, 15), score(0, 18), doses=(dose(0, route="im"),))
    assert (untreated.reliable_change, untreated.last_change) == (None, None)


def test_a_baseline_of_zero_says_why_there_is_no_curve() -> None:
    assert found(score(0, 0)).curve is None
    assert "response.baseline_zero" in keys(found(score(0, 0)))


@pytest.mark.parametrize("product", ["racemic", "esketamine"])
def test_no_benefit_is_predicted_for_an_infusion_without_a_dose_or_an_unstudied_route(product: str) -> None:
    for route in ("iv", "im", "oral"):
        assert (
            prior_benefit(
                product, route, session_days=[0], dose_mg_per_kg=None, baseline_score=18.0,
                parameters=KNOWLEDGE.response, instrument=PHQ9, seed=1,
            )
            is None
        )  # fmt: skip


def test_gad7_response_is_half_or_a_fall_below_ten() -> None:
    assert is_response(GAD7, 12, 9)
    assert is_response(GAD7, 8, 4)
    assert not is_response(GAD7, 12, 10)
    assert not is_response(GAD7, 9, 8)
    assert not is_response(PHQ9, 12, 9)
