"""After a session or a score: what the card suggests, and that it never suggests from nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, days_ago, good_record, infusion, person, phq9, spread

from ketapath import journey
from ketapath.domain.plan import DecisionCard

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
