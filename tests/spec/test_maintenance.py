"""How far apart may sessions stand? By the person's own risk of relapse, under what was agreed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, days_ago, good_record, infusion, person, phq9, spread

from ketapath import journey
from ketapath.domain.plan import DecisionCard, MaintenanceInterval

SIX = (20, 17, 13, 10, 6, 3)


def card(after: int, **facts: Any) -> DecisionCard:
    """The card of somebody who had six infusions and this score yesterday."""
    scores = [phq9(spread(20), on=days_ago(21)), phq9(spread(after), on=days_ago(1))]
    someone = person(good_record(*(infusion(days_ago(d)) for d in SIX), *scores, score=None, **facts))
    return journey.treated(someone, CLINIC, KNOWLEDGE, seed=0)[2]


def interval(after: int, **facts: Any) -> MaintenanceInterval:
    found = card(after, **facts).maintenance
    assert found is not None
    return found


def test_the_longest_interval_that_keeps_the_agreed_threshold_is_suggested_and_dated() -> None:
    found = card(3, preference__relapse_risk_most=0.55)
    assert found.maintenance is not None
    assert found.maintenance.stated is not None
    kept = [one.every_days for one in found.maintenance.intervals if one.keeps and one.every_days is not None]
    assert found.maintenance.every_days == max(kept) == 14
    days = [a.on for a in found.dates if a.kind == "session"]
    assert {(later - day).days for day, later in pairwise(days)} == {14}
    assert found.probability == next(i.probability for i in found.maintenance.intervals if i.every_days == 14)


def test_every_interval_and_no_session_at_all_stand_beside_each_other_with_bands() -> None:
    found = interval(3)
    assert [one.every_days for one in found.intervals] == [7, 14, 28, None]
    for one in found.intervals:
        assert one.band.p05 <= one.probability <= one.band.p95
        assert one.keeps == (one.probability < found.most)


@pytest.mark.parametrize("after", [2, 5, 9])
def test_wider_spacing_never_lowers_the_risk(after: int) -> None:
    risks = [one.probability for one in interval(after).intervals]
    assert risks == sorted(risks)


def test_a_stricter_threshold_never_widens_the_interval() -> None:
    found = [interval(3, preference__relapse_risk_most=most).every_days or 0 for most in (0.05, 0.4, 0.55, 0.65, 1.0)]
    assert found == sorted(found)
    assert found[0] == 0
    assert found[-1] == 28


def test_where_no_interval_keeps_it_that_is_said_and_none_is_suggested() -> None:
    found = interval(3, preference__relapse_risk_most=0.05)
    assert found.every_days is None
    assert found.statement.key == "interval.none"


def test_without_an_agreement_the_site_default_stands_and_says_so() -> None:
    found = interval(3)
    assert (found.most, found.stated) == (KNOWLEDGE.figure("relapse_risk_most"), None)
    assert {"interval.site_default", "response.relapse_weak"} == {note.key for note in found.notes}


def test_the_better_the_score_the_lower_the_risk_of_relapse() -> None:
    by_score = [interval(after).intervals[0].probability for after in (2, 6, 9)]
    assert by_score == sorted(by_score)


@pytest.mark.parametrize("after", [13, 18])
def test_without_a_response_there_is_nothing_to_keep(after: int) -> None:
    assert card(after).maintenance is None


def test_against_a_reason_to_stop_no_interval_is_offered() -> None:
    assert card(3, history__aneurysm=True).maintenance is None


def test_a_spacing_that_leaps_over_one_of_the_protocol_says_which_comes_first() -> None:
    leaping = interval(3, preference__relapse_risk_most=0.55)
    assert leaping.every_days == 14
    assert [n.values["first"] for n in leaping.notes if n.key == "interval.by_steps"] == [7]
    assert "interval.by_steps" not in {note.key for note in interval(3).notes}


def test_at_the_widest_spacing_a_taper_is_no_other_way_than_a_stop() -> None:
    assert "taper" not in card(3, preference__relapse_risk_most=0.65).also_possible
    assert "taper" in card(3).also_possible
