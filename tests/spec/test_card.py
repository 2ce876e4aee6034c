"""After a session or a score: what the card suggests, and that it never suggests from nothing."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY, complete, days_ago, good_record, infusion, person, phq9, spread

from ketapath import journey
from ketapath.domain.plan import Appointment, DecisionCard
from ketapath.errors import BadInput
from ketapath.plan import onward
from ketapath.report import say

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


OF_THE_COURSE = tuple(path for path in complete() if path.startswith("course."))


def later(
    doses: tuple[int, ...], scores: tuple[tuple[int, int], ...], *, mg: float = 35.0, **facts: Any
) -> DecisionCard:
    """The card after infusions and totals so many days ago; what the course did is read from them alone."""
    resources = [infusion(days_ago(d), mg=mg) for d in doses] + [phq9(spread(t), on=days_ago(d)) for d, t in scores]
    someone = person(good_record(*resources, score=None, without=OF_THE_COURSE, **facts))
    return journey.treated(someone, CLINIC, KNOWLEDGE, seed=0)[2]


def chance(found: DecisionCard, decision: str) -> float:
    (other,) = [o for o in found.others if o.decision == decision]
    assert other.prospect.probability is not None
    return other.prospect.probability


LONG = (300, 297, 293, 290, 286, 283, *range(269, 0, -14))


def test_a_response_that_held_for_half_a_year_with_wide_spacing_may_taper() -> None:
    held = later(LONG, ((301, 20), (282, 6), (200, 5), (100, 5), (2, 4)))
    assert held.decision == "taper"
    assert "KP-263" in {r.id for r in held.rules}
    assert chance(held, "continue") < (held.probability or 0) < chance(held, "stop")
    recent = later(LONG[-8:], ((110, 20), (90, 6), (2, 4)))
    assert recent.decision == "continue"


def test_a_relapse_after_a_pause_may_be_induced_again_and_beats_no_session() -> None:
    found = later((70, 67, 63, 60, 56, 53), ((71, 20), (52, 6), (2, 16)))
    assert found.decision == "re-induce"
    assert "KP-264" in {r.id for r in found.rules}
    assert (found.probability or 0) > chance(found, "stop")


def test_a_response_that_fades_under_treatment_asks_for_closer_sessions_not_for_a_new_series() -> None:
    found = later((60, 57, 53, 50, 46, 43, 29, 15, 1), ((61, 20), (42, 6), (2, 11)))
    assert (found.decision, found.statement.key) == ("adjust", "card.fading")
    assert (found.probability or 0) >= chance(found, "continue")


def test_a_partial_response_raises_the_dose_and_at_the_ceiling_turns_elsewhere() -> None:
    below = later((20, 17, 13, 10, 6, 3), ((21, 20), (1, 13)))
    assert below.decision == "adjust"
    assert (below.probability or 0) > chance(below, "continue")
    ceiling = later((20, 17, 13, 10, 6, 3), ((21, 20), (1, 13)), mg=70.0)
    assert ceiling.decision == "switch"
    assert ceiling.treatments
    assert ceiling.prospect.extrapolated


def test_little_response_that_was_borne_well_may_step_up_and_a_bad_session_steps_down() -> None:
    well = {"course__peak_systolic_mmhg": 135.0, "course__peak_distress_0_10": 2.0}
    up = card(*SIX[:3], after=19, **well)
    assert (up.decision, up.statement.key) == ("adjust", "card.raise")
    assert (up.probability or 0) > chance(up, "continue")
    down = card(*SIX[:3], after=15, **(well | {"course__peak_distress_0_10": 7.0}))
    assert (down.decision, down.statement.key) == ("adjust", "card.lower")
    assert (down.probability or 1) < chance(down, "continue")


def by_route(route: str) -> tuple[dict[str, Any], ...]:
    """Six doses of racemic ketamine by this route, as the record names it."""
    return tuple(one | {"dosage": one["dosage"] | {"route": {"text": route}}} for one in SIX)


@pytest.mark.parametrize(
    ("route", "rule"),
    [("Intravenous route", "REG-021"), ("Intramuscular route", "REG-021"), ("Subcutaneous route", "KP-246")],
)
def test_no_response_is_judged_by_the_rule_of_the_way_that_was_given(route: str, rule: str) -> None:
    found = card(*by_route(route), before=20, after=20)
    assert found.decision == "stop"
    assert {r.id for r in found.rules} & {"REG-004", "REG-021", "KP-246"} == {rule}


def test_after_no_response_other_treatments_stand_with_what_was_tried_of_them() -> None:
    found = card(*SIX, after=18)
    assert found.treatments
    assert all(treatment.tried for treatment in found.treatments)
    assert card(*SIX, after=8).treatments == ()


def test_every_step_beside_the_suggestion_has_its_own_chance_or_a_reason_and_a_case_against_it() -> None:
    for found in (card(*SIX[:3], after=19), card(*SIX, after=18), card(*SIX, after=13), card(*SIX, after=5)):
        assert found.others
        for other in found.others:
            assert (other.prospect.probability is None) == (other.prospect.unknown is not None)
            assert other.best_case_against.key in KNOWLEDGE.texts
            assert other.statement.key in KNOWLEDGE.texts
            assert other.rules
            told = other.prospect.of or other.prospect.unknown
            assert told is not None
            assert say(told, KNOWLEDGE.texts)
            band = other.prospect.band
            assert band is None or band.p05 <= (other.prospect.probability or 0) <= band.p95


def test_to_change_nothing_is_never_said_to_bring_what_therapy_would() -> None:
    (added,) = [o for o in card(*SIX, after=13).others if o.decision == "add"]
    assert added.prospect.probability is None


def test_a_reason_to_stop_does_not_hide_behind_one_that_is_about_a_start() -> None:
    found = card(*SIX, after=5, trials__adequate_failed=0.0, history__urinary_symptoms_active=True)
    assert found.decision == "pause"
    assert "CON-027" in {r.id for r in found.rules}
    assert card(*SIX, after=5, trials__adequate_failed=0.0).decision == "continue"


def by(product: str, route: str, dose_mg: float, on: date) -> dict[str, Any]:
    names = {"im": "Intramuscular route", "iv": "Intravenous route", "nasal": "Nasal route"}
    words = {"racemic": "Ketamine", "esketamine": "Esketamine"}
    dosage = {"route": {"text": names[route]}, "dose": {"value": dose_mg, "unit": "mg", "code": "mg"}}
    return infusion(on) | {"medicationCodeableConcept": {"text": words[product]}, "dosage": dosage}


@pytest.mark.parametrize(("product", "route", "dose_mg"), [("racemic", "im", 35.0), ("esketamine", "nasal", 56.0)])
@pytest.mark.parametrize("after", [4, 13, 18])
def test_a_card_names_only_rules_of_the_product_and_route_that_is_given(
    product: str, route: str, dose_mg: float, after: int
) -> None:
    doses = [by(product, route, dose_mg, days_ago(d)) for d in (27, 24, 20, 17, 13, 10, 6, 3)]
    scores = [phq9(spread(20), on=days_ago(28)), phq9(spread(after), on=days_ago(1))]
    someone = person(good_record(*doses, *scores, score=None, without=OF_THE_COURSE))
    found = journey.treated(someone, CLINIC, KNOWLEDGE, seed=0)[2]
    named = {r.id for r in found.rules} | {r.id for other in found.others for r in other.rules}
    assert named
    for name in named:
        assert KNOWLEDGE.rules[name].scope.covers(product=product, route=route, jurisdiction="US")
