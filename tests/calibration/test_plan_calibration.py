"""Do plans keep their limits on fresh people, and do what they promise? `make calibrate-plan` asks the same of more.

Sessions are played reading by reading apart from how the planner counts; scores go on by a generator that is written
apart from the inference.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pytest
from benchmarks import plan_calibration
from benchmarks.plan_calibration import FRESH, Planned, Tally, benefit, everybody, harms, interval, places_covered
from benchmarks.response_calibration import Bench
from tests.records import KNOWLEDGE

from ketapath.pharmacology import reactions
from ketapath.plan.harms import LIMITED

BENCH = Bench()


@cache
def people(count: int) -> tuple[list[Planned], list[Planned], int]:
    return everybody(count, 11, BENCH)


def limit(harm: str) -> float:
    return KNOWLEDGE.figure(LIMITED[harm][3])


def apart(tally: Tally) -> float:
    """How far what came lies from what was said, in standard errors; the plan's own 400 draws count as well."""
    said = float(tally.said.mean())
    planned = (tally.said * (1 - tally.said)).mean() / 400 / tally.said.size
    played = max(said * (1 - said), 1e-4) / tally.sessions
    return (tally.rate - said) / float(np.sqrt(planned + played))


def test_the_dose_nearest_to_a_limit_keeps_it_on_a_few_fresh_people() -> None:
    _, riskiest, none = people(14)
    assert len(riskiest) + none == 14
    for harm, tally in harms(riskiest, 12).items():
        assert tally.bounds[0] <= limit(harm), harm
        assert apart(tally) < 4.0, harm


@pytest.mark.slow
def test_the_dose_nearest_to_a_limit_keeps_it_on_many_fresh_people() -> None:
    for plans in people(150)[:2]:
        for harm, tally in harms(plans, 13).items():
            assert tally.bounds[1] <= limit(harm), harm
            assert apart(tally) < 3.5, harm


@pytest.mark.slow
def test_benefit_is_as_planned_for_many_fresh_lives() -> None:
    first = people(150)[0]
    found = benefit(first, BENCH, 5, 13)
    gap = found.days - found.planned_days
    assert abs(gap.mean()) < 3.5 * gap.std() / np.sqrt(gap.size)
    outside = int(found.below.sum() + found.above.sum())
    low, high = interval(outside, gap.size)
    assert low <= 0.10, "the band of a score holds nine in ten"
    assert high > 0.03, "and is no wider than whole points make it"
    inside, of = places_covered(first, BENCH, 40, 13)
    assert interval(inside, of)[1] >= 0.9


def test_people_who_react_more_than_the_model_says_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure itself: bodies in which a level raises the pressure twice as much break what was said."""

    def stronger(*given: Any) -> reactions.Rise:
        own = reactions.rise(*given)
        return dataclasses.replace(own, slope=2.0 * own.slope)

    monkeypatch.setattr(plan_calibration, "rise", stronger)
    assert apart(harms(people(14)[1], 12)["systolic-180"]) > 4.0


def test_an_interval_holds_the_share_and_narrows() -> None:
    few, many = interval(5, FRESH), interval(500, 100 * FRESH)
    assert few[0] < 0.05 < few[1]
    assert few[0] < many[0] < many[1] < few[1]
    assert interval(0, FRESH)[0] == 0.0
