"""The trade-off exercise: about ten plain choices that end in what one less of each thing is worth, or in not known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.records import CLINIC, KNOWLEDGE, good_record, person

from ketapath import journey
from ketapath.education import check_claims
from ketapath.errors import BadInput
from ketapath.plan.preferences import (
    DAYS,
    PATHS,
    UNITS,
    Answer,
    Chosen,
    Question,
    contradicted,
    facts,
    of_ten,
    question,
    said,
    stated,
    weighed,
    worths,
)
from ketapath.report import say

TRUE = st.fixed_dictionaries({thing: st.floats(0.01, 12.0) for thing in PATHS})


def honest(ask: Question, true: Mapping[str, float]) -> Chosen:
    """What somebody says to whom one of a thing is worth so many better days."""
    return "more" if DAYS[ask.step] >= true[ask.thing] * UNITS[ask.thing] else "as-now"


def exercise(true: Mapping[str, float], currency: str | None = "USD") -> tuple[list[Answer], list[Question]]:
    answers: list[Answer] = []
    asked: list[Question] = []
    while (ask := question(answers, currency=currency)) is not None:
        asked.append(ask)
        answers.append(Answer(thing=ask.thing, step=ask.step, chose=honest(ask, true)))
    return answers, asked


def one_thing(thing: str, *chosen: tuple[int, Chosen]) -> list[Answer]:
    return [Answer(thing=thing, step=step, chose=chose) for step, chose in chosen]


@given(TRUE)
def test_whoever_answers_the_truth_is_found_within_about_ten_questions(true: dict[str, float]) -> None:
    answers, asked = exercise(true)
    assert 8 <= len(answers) <= 12
    for found in weighed(answers):
        units = UNITS[found.thing]
        assert found.fits
        assert found.low is not None
        assert found.low <= true[found.thing] * units <= (found.high or float("inf"))
        assert found.better_days is not None
        asked_here = [a for a in answers if a.thing == found.thing]
        assert 2 <= len(asked_here) <= 3
    assert all(q.number <= q.about for q in asked)


@given(TRUE)
def test_the_two_sides_are_shown_in_turns(true: dict[str, float]) -> None:
    first = [q.sides[0].chose for q in exercise(true)[1]]
    assert all(here != there for here, there in pairwise(first))


@given(TRUE, st.integers(0, 9))
def test_whoever_stops_keeps_what_was_asked_to_the_end_and_nothing_else(true: dict[str, float], stop: int) -> None:
    answers, _ = exercise(true)
    whole, part = stated(answers), stated(answers[:stop])
    for thing in PATHS:
        own = [a for a in answers if a.thing == thing]
        is_finished = own[1] in answers[:stop] if part[thing] is not None else True
        assert part[thing] is None or is_finished
    assert sum(days is not None for days in part.values()) <= sum(days is not None for days in whole.values())
    assert stated(answers[:1])["visits"] is None
    assert set(facts(answers[:stop])) == {PATHS[t] for t, days in part.items() if days is not None}


def test_a_topic_that_is_skipped_is_not_asked_again_and_stays_unknown() -> None:
    answers = one_thing("visits", (2, "more"), (1, "skip"))
    ask = question(answers)
    assert ask is not None
    assert ask.thing == "hours"
    assert stated(answers)["visits"] is None
    assert facts(answers) == {}


def test_money_is_asked_about_only_where_the_clinic_has_a_currency() -> None:
    true = dict.fromkeys(PATHS, 1.0)
    assert "cost" not in {q.thing for q in exercise(true, currency=None)[1]}
    priced = next(q for q in exercise(true, currency="CAD")[1] if q.thing == "cost")
    words = [say(side.words, KNOWLEDGE.texts) for side in priced.sides]
    assert any("500 CAD more" in w for w in words)


def test_somebody_to_whom_both_are_the_same_has_said_it_exactly() -> None:
    answers = one_thing("visits", (2, "same"))
    assert stated(answers)["visits"] == pytest.approx(DAYS[2] / UNITS["visits"])


def test_a_person_who_would_give_up_more_than_was_ever_offered_is_taken_at_the_least_that_is_certain() -> None:
    answers = one_thing("visits", (2, "as-now"), (3, "as-now"), (4, "as-now"))
    found = weighed(answers)[0]
    assert (found.low, found.high) == (28, None)
    assert found.better_days == pytest.approx(28 / 6)
    assert "more than 28" in say(said(found), KNOWLEDGE.texts)


CONTRADICTING = one_thing("visits", (2, "more"), (1, "as-now"), (3, "as-now"))
"""More for 7 days, not for 3, and then not for 14 either."""


def test_answers_that_do_not_fit_are_said_and_kept_as_a_range() -> None:
    found = weighed(CONTRADICTING)[0]
    assert (found.fits, found.low, found.high, found.better_days) == (False, 7, 14, None)
    words = say(said(found), KNOWLEDGE.texts)
    assert "do not fit" in words
    assert "7" in words
    assert "14" in words
    path = PATHS["visits"]
    assert facts(CONTRADICTING) == {f"{path}_least": pytest.approx(7 / 6), f"{path}_most": pytest.approx(14 / 6)}


def test_somebody_who_answers_by_the_place_of_the_button_is_found_out() -> None:
    answers: list[Answer] = []
    while (ask := question(answers, currency="USD")) is not None:
        answers.append(Answer(thing=ask.thing, step=ask.step, chose=ask.sides[0].chose))
    assert not all(found.fits for found in weighed(answers))


def test_the_plan_takes_of_a_range_what_is_nearest_to_not_having_asked() -> None:
    path, default = PATHS["visits"], KNOWLEDGE.figure("worth_visit_days")

    def counted(**more: float) -> float:
        known = {f"preference__worth_visit_days{name}": value for name, value in more.items()}
        (visits,) = worths(person(good_record(**known)), KNOWLEDGE)
        return visits.better_days

    assert counted() == default
    assert counted(_least=1.0, _most=3.0) == 1.0
    assert counted(_least=0.1, _most=3.0) == default
    assert counted(_least=0.1, _most=0.2) == 0.2
    someone = person(good_record(preference__worth_hour_days_least=0.5, preference__worth_hour_days_most=1.0))
    assert {w.thing: w.better_days for w in worths(someone, KNOWLEDGE)}["hours"] == 0.5
    assert contradicted(someone, "hours") is not None
    again = person(
        good_record(**{f"{path.replace('.', '__')}{end}": v for end, v in (("_least", 1.0), ("_most", 3.0))})
    )
    assert contradicted(again, "visits") is not None


def test_a_figure_that_was_stated_after_a_contradiction_counts_instead() -> None:
    known = {"_least": 1.0, "_most": 3.0, "": 2.0}
    someone = person(good_record(**{f"preference__worth_visit_days{end}": v for end, v in known.items()}))
    assert contradicted(someone, "visits") is None
    assert [w.better_days for w in worths(someone, KNOWLEDGE)] == [2.0]


def test_what_the_exercise_finds_changes_the_plan() -> None:
    gladly = facts(exercise(dict.fromkeys(PATHS, 0.01))[0])
    hardly = facts(exercise(dict.fromkeys(PATHS, 4.0))[0])
    plans = [
        journey.planned(
            person(good_record(**{p.replace(".", "__"): v for p, v in stated.items()})), CLINIC, KNOWLEDGE, seed=1
        )
        for stated in (gladly, hardly)
    ]
    glad, hard = (p.options[0] for p in plans)
    assert glad.id != hard.id
    assert glad.burden.visits > hard.burden.visits


def test_every_word_of_the_exercise_is_readable_at_grade_eight() -> None:
    answers, asked = exercise(dict.fromkeys(PATHS, 1.0))
    words = [say(side.words, KNOWLEDGE.texts) for ask in asked for side in ask.sides]
    words += [KNOWLEDGE.texts[f"exercise.keep.{thing}"] for thing in PATHS]
    words += [KNOWLEDGE.texts["exercise.good_day"]]
    words += [say(said(found, currency="USD"), KNOWLEDGE.texts) for found in weighed(answers)]
    level = check_claims(" ".join(words), KNOWLEDGE, form="text").reading
    assert level.flesch_kincaid_grade is not None
    assert level.flesch_kincaid_grade <= 8


@pytest.mark.parametrize(("p", "words"), [(0.42, "4 of 10"), (0.01, "fewer than 1 of 10"), (0.99, "more than 9 of 10")])
def test_a_probability_is_said_as_people_of_ten(p: float, words: str) -> None:
    assert say(of_ten(p), KNOWLEDGE.texts) == words


def test_an_answer_to_no_question_is_refused() -> None:
    for wrong in (Answer(thing="hope", step=0, chose="more"), Answer(thing="visits", step=9, chose="more")):
        with pytest.raises(BadInput):
            question([wrong])
