"""What does a person's life change in the plan? Every need something that can be counted; therapy has its hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, good_record, person

from ketapath import journey
from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import Option, Plan
from ketapath.plan.needs import arrangement

HOLDING: dict[str, dict[str, Any]] = {
    "ride": {"social__ride_home": False},
    "childcare": {"social__childcare_needed": True},
    "shifts": {"social__night_shifts": True},
    "language": {"clinic__speaks_first_language": False},
    "trauma": {"social__trauma_history": True},
    "money": {"social__money_difficulty": True},
    "stigma": {"social__stigma_concern": True},
    "unsafe-home": {"social__unsafe_home": True},
    "falls": {"history__falls": True},
    "caregiver": {"social__caregiver": True},
    "pain-therapy": {"diagnosis__chronic_pain": True},
    "addiction-therapy": {"diagnosis__alcohol_use_disorder": True},
    "cognitive-therapy": {"therapy__planned": "cognitive-behavioural"},
    "cognitive-after-response": {"course__improvement_percent": 50.0},
    "mindfulness": {"therapy__planned": "mindfulness", "episode__number_of_episodes": 4.0},
    "community": {"social__food_insecure": True},
    "work": {"social__time_off_work": False},
}
NOBODY = {"social__caregiver": False, "social__time_off_work": True}


@cache
def plan(**changed: Any) -> Plan:
    return plan_at(CLINIC, **changed)


def plan_at(clinic: Clinic, **changed: Any) -> Plan:
    return journey.planned(person(good_record(**(NOBODY | changed))), clinic, KNOWLEDGE, seed=1)


def infusion(found: Plan) -> Option:
    return next(o for o in found.options if (o.product, o.route) == ("racemic", "iv"))


def on(found: Option, kind: str) -> list[Any]:
    return [a.on for a in found.schedule if a.kind == kind]


@pytest.mark.parametrize("need", HOLDING)
def test_each_need_changes_something_that_can_be_counted(need: str) -> None:
    without = arrangement(person(good_record(**NOBODY)), KNOWLEDGE)
    found = arrangement(person(good_record(**(NOBODY | HOLDING[need]))), KNOWLEDGE)
    assert need in {task.need for task in found.tasks} - {task.need for task in without.tasks}
    record = KNOWLEDGE.needs[need]
    assert ("starts_h" in record) == (found.starts_h is not None)
    assert ("therapy" in record) == (len(found.weekly) == 1)
    assert {f"{w.name}-therapist" for w in found.weekly} <= {task.need for task in found.tasks}


def test_every_need_is_tried() -> None:
    assert set(HOLDING) == set(KNOWLEDGE.needs)


def test_a_therapy_by_need_has_an_hour_in_every_week_on_a_day_without_a_dose() -> None:
    found = infusion(plan(social__trauma_history=True))
    hours, sessions = on(found, "psychotherapy"), on(found, "session")
    weeks = [(day - sessions[0]).days // 7 for day in hours]
    assert weeks == list(range((sessions[-1] - sessions[0]).days // 7 + 1))
    assert not {*hours} & {*sessions, *on(found, "integration")}
    assert len({day.weekday() for day in hours}) == 1  # the same weekday where the sessions leave it free
    assert {a.title.key for a in found.schedule if a.kind == "psychotherapy"} == {
        "schedule.psychotherapy.trauma-focused"
    }
    assert on(infusion(plan()), "psychotherapy") == []


def test_where_the_clinic_opens_on_dose_days_alone_the_hour_is_on_one_of_them() -> None:
    clinic = replace(CLINIC, weekdays=(0, 3))
    found = infusion(plan_at(clinic, social__trauma_history=True))
    assert on(found, "psychotherapy")
    assert all(day.weekday() in clinic.weekdays for day in on(found, "psychotherapy"))


def test_a_therapy_that_is_under_way_gets_no_hours_of_ours_and_no_therapist_is_sought() -> None:
    found = infusion(plan(social__trauma_history=True, therapy__current=True))
    assert on(found, "psychotherapy") == []
    assert "trauma-focused-therapist" not in {task.need for task in found.support}
    assert {"therapy.trauma-focused", "therapy.keep_current"} <= {t.key for t in found.psychotherapy}


def test_weekly_hours_count_in_visits_hours_and_cost() -> None:
    prices = {"racemic/iv": 480.0, "preparation": 180.0, "integration": 150.0, "review": 120.0}
    priced = replace(CLINIC, currency="USD", prices=prices | {"psychotherapy": 100.0})
    without, found = infusion(plan_at(priced)), infusion(plan_at(priced, social__trauma_history=True))
    assert found.id == without.id
    assert found.burden.visits == without.burden.visits + 12
    assert found.burden.hours == pytest.approx(without.burden.hours + 10)
    assert (without.cost.total, found.cost.total) == (without.cost.total, (without.cost.total or 0) + 1200)
    unpriced = infusion(plan_at(replace(CLINIC, prices=prices), social__trauma_history=True))
    assert unpriced.cost.total is None
    assert {"psychotherapy"} == {str(t.values["what"]) for t in unpriced.cost.lacking if t.values}


def test_the_way_to_the_clinic_counts_in_hours_there_and_back() -> None:
    near, far = infusion(plan()), infusion(plan(social__travel_minutes=90.0))
    assert far.id == near.id
    assert far.burden.hours == pytest.approx(near.burden.hours + near.burden.visits * 3)


def test_preparation_comes_before_and_integration_after_each_dose_and_says_that_its_day_is_untested() -> None:
    found = infusion(plan())
    sessions = on(found, "session")
    assert on(found, "preparation")[0] < sessions[0]
    days = [later - session for session, later in zip(sessions, on(found, "integration"), strict=True)]
    assert all(timedelta(days=1) <= gap <= timedelta(days=3) for gap in days)
    assert "untested" in KNOWLEDGE.texts["therapy.integration"]


def test_more_sessions_in_a_week_than_the_person_can_come_to_are_left_out_and_counted() -> None:
    free, twice = plan(), plan(social__sessions_a_week_most=2.0)
    cut = next(c for c in twice.cuts if c.id == "week")
    assert cut.limit == 2
    assert 0 < cut.removed < twice.considered == free.considered
    assert not {o.regimen.course for o in twice.options} & {"thrice-2w", "thrice-3w"}
    assert "week" not in {c.id for c in free.cuts}
    once = plan(social__sessions_a_week_most=1.0)
    assert once.options == ()
    assert {name: why.key for name, why in once.removed if name in once.candidacy.by_product} == {
        "racemic/iv": "option.cut.week",
        "esketamine/nasal": "option.cut.week",
    }


def test_a_shorter_stay_leaves_out_what_needs_a_longer_one() -> None:
    found = plan(setting__can_stay_minutes=110.0)
    assert next(c for c in found.cuts if c.id == "stay").removed > 0
    assert {o.infusion_min for o in found.options if o.route == "iv"} == {40.0}
    assert {name: why.key for name, why in found.removed}["esketamine/nasal"] == "option.cut.stay"
