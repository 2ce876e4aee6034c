"""After a session or a score: what the card suggests, and that it never suggests from nothing."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY, days_ago, good_record, infusion, person, phq9, spread

from ketapath import journey
from ketapath.domain.plan import Appointment, DecisionCard
from ketapath.errors import BadInput
from ketapath.plan import onward

SIX = tuple(infusion(days_ago(d)) for d in (20, 17, 13, 10, 6, 3))


def card(*given: dict[str, Any], before: int = 20, after: int | None = None, **facts: Any) -> DecisionCard:
    """The card of a person with these sessions, a score before the first and one yesterday."""
    scores = [phq9(spread(before), on=days_ago(21))]
    scores += [] if after is None else [phq9(spread(after), on=days_ago(1))]
    someone = person(good_record(*given, *scores, score=None, **facts))
    return journey.treated(someone, CLINIC, KNOWLEDGE, seed=0)[2]


def test_little_response_before_the_review_is_no_reason_to_stop() -> None:
    found = card(*SIX[:3], after=19)
    assert found.decision == "continue"
    assert found.probability is not None


@pytest.mark.parametrize(("after", "decision"), [(18, "stop"), (13, "adjust"), (8, "continue")])
def test_at_the_review_the_observed_gain_decides(after: int, decision: str) -> None:
    assert card(*SIX, after=after).decision == decision


def test_a_contraindication_that_becomes_known_stops_whatever_the_scores_say() -> None:
    found = card(*SIX, after=5, history__aneurysm=True)
    assert found.decision == "stop"
    assert "CON-001" in {r.id for r in found.rules}


@pytest.mark.parametrize("risk", ["high", "imminent"])
def test_high_suicide_risk_pauses_even_when_the_score_is_low(risk: str) -> None:
    assert card(*SIX, after=3, scale__suicide_risk=risk).decision == "pause"


def test_a_pressure_too_high_today_pauses() -> None:
    found = card(*SIX, after=8, vitals__systolic_mmhg=190.0)
    assert found.decision == "pause"
    assert "CON-009" in {r.id for r in found.rules}


def test_a_reliably_worse_score_pauses() -> None:
    assert card(*SIX[:4], before=12, after=22).decision == "pause"


def test_sessions_without_a_later_score_ask_for_one() -> None:
    assert card(*SIX).decision == "add"


def test_every_card_has_its_evidence_and_the_best_case_against_it() -> None:
    for after in (None, 5, 13, 19):
        found = card(*SIX, after=after)
        assert found.evidence
        assert found.best_case_against.key in KNOWLEDGE.texts
        assert found.reverses


def sessions_of(dates: tuple[Appointment, ...]) -> list[date]:
    return [a.on for a in dates if a.kind == "session"]


def test_during_the_induction_going_on_means_its_remaining_sessions_at_their_spacing() -> None:
    found = person(good_record(*SIX[:2]))
    dates = onward(found, CLINIC, KNOWLEDGE)
    assert len(sessions_of(dates)) == 4
    assert sessions_of(dates)[0] > TODAY
    assert all(day.weekday() < 5 for day in sessions_of(dates))
    with pytest.raises(BadInput, match="days between sessions"):
        onward(found, CLINIC, KNOWLEDGE, every_days=7)


def test_after_the_induction_going_on_is_a_block_of_wider_spacing_with_a_review_at_its_end() -> None:
    found = person(good_record(*SIX))
    for every_days in (7, 14, 28):
        dates = onward(found, CLINIC, KNOWLEDGE, every_days=every_days)
        days = sessions_of(dates)
        assert len(days) == KNOWLEDGE.figure("block_sessions")
        assert all((later - earlier).days == every_days for earlier, later in pairwise(days))
        (review,) = [a for a in dates if a.kind == "check"]
        assert review.on == days[-1]
    with pytest.raises(BadInput):
        onward(found, CLINIC, KNOWLEDGE, every_days=3)
    assert sessions_of(onward(found, CLINIC, KNOWLEDGE)) == sessions_of(onward(found, CLINIC, KNOWLEDGE, every_days=7))


def test_a_suggestion_not_to_go_on_brings_no_dates() -> None:
    worse = card(*SIX[:4], before=12, after=22)
    assert worse.decision == "pause"
    assert worse.dates == worse.spacings == ()


def test_only_doses_of_the_protocols_own_product_count_towards_it() -> None:
    found = person(good_record(*SIX))
    assert sessions_of(onward(found, CLINIC, KNOWLEDGE, option_id="racemic-iv-series"))
    assert onward(found, CLINIC, KNOWLEDGE, option_id="esketamine-label") == ()


def test_a_score_answered_under_the_first_dose_is_neither_the_start_nor_part_of_the_course() -> None:
    before = phq9(spread(20), on=days_ago(1))
    under = phq9(spread(8)) | {"authored": f"{TODAY}T11:00:00Z", "id": "under"}
    early = phq9(spread(18)) | {"authored": f"{TODAY}T08:00:00Z", "id": "early"}
    for given, baseline in (((before, under), 20), ((before, early, under), 18)):
        someone = person(good_record(infusion(TODAY), *given, score=None))
        course = journey.treated(someone, CLINIC, KNOWLEDGE, seed=0)[1]
        assert course.baseline == baseline
        assert "response.under_a_dose" in {note.key for note in course.notes}


def test_a_rule_of_the_course_that_nobody_can_answer_says_so_and_states_nothing_of_the_person() -> None:
    said = {f.id: f for f in card(*SIX, after=8).course_findings}
    answered = {f.id: f for f in card(*SIX, after=8, course__misuse_review="concern").course_findings}
    assert said["MON-032"].statement.key == "finding.not_known"
    assert KNOWLEDGE.paths["course.misuse_review"].label in str(said["MON-032"].statement.values["facts"])
    assert answered["MON-032"].statement.key == "rule.MON-032.statement"
