"""What could be done next? Doses, days, and a need that always changes something."""

from __future__ import annotations

from datetime import time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, PATIENT, TODAY, complete, good_record, intake, person, phq9, record, spread

from ketapath import journey
from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import Option, Plan
from ketapath.plan.needs import arrangement
from ketapath.plan.schedule import session_days


def plan(data: bytes, clinic: Clinic = CLINIC) -> Plan:
    return journey.planned(person(data), clinic, KNOWLEDGE, seed=1)


def option(data: bytes, product: str = "racemic", clinic: Clinic = CLINIC) -> Option:
    return next(o for o in plan(data, clinic).options if o.product == product)


def born(year: int, clinic: Clinic = CLINIC, product: str = "racemic") -> Option:
    patient = PATIENT | {"birthDate": f"{year}-03-02"}
    return option(record(intake(complete()), phq9(spread(18)), patient=patient), product, clinic)


def test_ways_of_both_products_stand_side_by_side() -> None:
    found = plan(good_record())
    assert {o.product for o in found.options} == {"esketamine", "racemic"}
    assert [o.standing.place for o in found.options] == list(range(1, len(found.options) + 1))
    assert found.considered > len(found.options)
    assert found.no_options_reason is None


@pytest.mark.parametrize(
    ("weight_kg", "height_cm", "dose_mg"), [(70, 170, 35), (71.5, 170, 35), (90, 190, 45), (130, 170, 50)]
)
def test_the_infusion_is_half_a_milligram_a_kilogram_rounded_down_with_its_cap(
    weight_kg: float, height_cm: float, dose_mg: float
) -> None:
    dose = option(good_record(vitals__weight_kg=float(weight_kg), vitals__height_cm=float(height_cm))).dose
    assert dose is not None
    assert dose.dose_mg == dose_mg
    assert dose.capped is (weight_kg == 130)
    assert dose.exact_mg == pytest.approx(0.5 * weight_kg)
    assert any(f.path == "vitals.weight_kg" for f in dose.inputs)


def test_from_65_the_first_dose_is_lower() -> None:
    assert born(1952).dose is not None
    assert born(1952).dose.dose_mg == 17  # type: ignore[union-attr]
    assert born(1952, Clinic(jurisdiction="EU"), "esketamine").dose.dose_mg == 28  # type: ignore[union-attr]
    assert born(1984, Clinic(jurisdiction="EU"), "esketamine").dose.dose_mg == 56  # type: ignore[union-attr]


def test_a_person_who_has_died_gets_no_plan_and_the_plan_says_why() -> None:
    found = plan(record(intake(complete()), patient=PATIENT | {"deceasedBoolean": True}))
    assert found.options == ()
    assert found.no_options_reason is not None
    assert found.no_options_reason.key == "plan.none_died"


def test_a_ruled_out_option_is_named_with_its_rule() -> None:
    found = plan(good_record(history__aneurysm=True))
    assert found.options == ()
    offered = [why for name, why in found.removed if name in found.candidacy.by_product]
    assert len(offered) == 2
    assert all("CON-001" in str(why.values["rules"]) for why in offered)


def test_sessions_keep_to_days_on_which_the_clinic_is_open() -> None:
    clinic = Clinic(weekdays=(1, 3))
    days = [a.on for a in option(good_record(), clinic=clinic).schedule if a.kind == "session"]
    assert len(days) == len(set(days)) > 1
    assert all(day.weekday() in (1, 3) for day in days)


def test_a_weekend_never_puts_two_sessions_on_days_that_follow_each_other() -> None:
    protocol = KNOWLEDGE.protocols["racemic-iv-series"]
    thrice = protocol | {"induction": {"sessions": 6, "days": [0, 2, 4, 7, 9, 11]}}
    nothing = arrangement(person(good_record()), KNOWLEDGE)
    for start in range(7):
        days = session_days(thrice, nothing, CLINIC, KNOWLEDGE, today=TODAY + timedelta(days=start))
        assert all((later - earlier).days >= 2 for earlier, later in pairwise(days))


def test_each_session_has_its_integration_hour_after_it() -> None:
    found = option(good_record()).schedule
    sessions = [a.on for a in found if a.kind == "session"]
    integration = [a.on for a in found if a.kind == "integration"]
    assert len(integration) == len(sessions)
    assert all(later > session for session, later in zip(sessions, integration, strict=True))
    assert next(a.on for a in found if a.kind == "preparation") < sessions[0]


def sessions(found: Option) -> list[Any]:
    return [a for a in found.schedule if a.kind == "session"]


def needs(found: Option) -> set[str]:
    return {task.need for task in found.support}


def test_no_ride_adds_a_task_that_blocks_the_first_session_and_moves_it() -> None:
    without, with_ride = option(good_record(social__ride_home=False)), option(good_record())
    assert any(t.need == "ride" and t.blocks_first_session for t in without.support)
    assert "ride" not in needs(with_ride)
    assert sessions(without)[0].on > sessions(with_ride)[0].on


def test_childcare_moves_the_start_after_the_school_run_and_adds_a_task() -> None:
    found = option(good_record(social__childcare_needed=True))
    assert "childcare" in needs(found)
    assert all(a.starts == time(9, 30) for a in sessions(found))


def test_night_shifts_move_the_start_to_midday_or_later() -> None:
    found = option(good_record(social__night_shifts=True))
    assert "shifts" in needs(found)
    assert all(a.starts >= time(12, 0) for a in sessions(found))


def test_a_first_language_that_staff_do_not_speak_brings_an_interpreter_into_every_session() -> None:
    patient = PATIENT | {"communication": [{"language": {"coding": [{"code": "ar"}]}}]}
    facts = {p: v for p, v in complete().items() if p != "person.language"}
    data = record(intake(facts), phq9(spread(18)), patient=patient)
    found = option(data)
    assert "language" in needs(found)
    assert all("interpreter" in a.with_whom for a in sessions(found))
    spoken = option(data, clinic=Clinic(languages=("en", "ar")))
    assert not any("interpreter" in a.with_whom for a in sessions(spoken))


def test_trauma_changes_the_room_the_people_and_the_therapy() -> None:
    found = option(good_record(social__trauma_history=True))
    assert all("quiet-room" in a.setting and "therapist" in a.with_whom for a in sessions(found))
    assert "therapy.trauma-focused" in {t.key for t in found.psychotherapy}


def test_difficulty_paying_adds_a_blocking_task_before_anything_is_signed() -> None:
    found = option(good_record(social__money_difficulty=True))
    assert any(t.need == "money" and t.blocks_first_session for t in found.support)
    assert found.cost.total is None


def test_fear_of_stigma_changes_the_entrance() -> None:
    found = option(good_record(social__stigma_concern=True))
    assert all("separate-entrance" in a.setting for a in sessions(found))


def test_benefit_is_not_predicted_outside_depression() -> None:
    data = good_record(diagnosis__depression=False, diagnosis__chronic_pain=True)
    for found in plan(data).options:
        assert found.benefit is None
        assert found.benefit_note.key == "benefit.not_predictable_condition"


def test_every_option_has_a_basis_card_with_the_best_case_against_it() -> None:
    for found in plan(good_record()).options:
        card = found.basis
        assert card.best_case_against.key in KNOWLEDGE.texts
        assert card.evidence
        assert card.facts
        assert card.checked_by is None


def test_thoughts_of_death_without_a_later_assessment_are_named_in_the_assessment() -> None:
    data = record(intake(complete()), phq9((1, 1, 1, 1, 1, 1, 1, 1, 2)))
    found = journey.assessed(person(data), CLINIC, KNOWLEDGE)
    assert "KP-004" not in {f.id for f in found.findings}  # assessed on the same day
    facts = {p: v for p, v in complete().items() if p != "scale.suicide_risk"}
    found = journey.assessed(person(record(intake(facts), phq9((1, 1, 1, 1, 1, 1, 1, 1, 2)))), CLINIC, KNOWLEDGE)
    assert "KP-004" in {f.id for f in found.findings}
