"""Every order is asked, not only the first: what a rule forbids is not ordered, whoever typed it."""

from __future__ import annotations

import pytest
from tests.records import CLINIC, KNOWLEDGE, days_ago, good_record, infusion, person

from ketapath.domain.profile import Profile
from ketapath.plan import order_findings

SPRAY, INFUSION = (KNOWLEDGE.protocols[name] for name in ("esketamine-label", "racemic-iv-series"))


def forbidden(someone: Profile, protocol: object, dose_mg: float, every_days: int | None = None) -> set[str]:
    found = order_findings(someone, protocol, CLINIC, KNOWLEDGE, dose_mg=dose_mg, every_days=every_days)  # type: ignore[arg-type]
    return {f.id for f in found if f.verdict == "not-eligible"}


def sprays(*days: int) -> list[dict[str, object]]:
    given = []
    for day in days:
        dose = infusion(days_ago(day), mg=84.0) | {"medicationCodeableConcept": {"text": "Esketamine nasal spray"}}
        dose["dosage"] = {"route": {"text": "Nasal route"}, "dose": {"value": 84.0, "unit": "mg", "code": "mg"}}
        given.append(dose)
    return given


def test_the_first_spray_under_65_is_56_mg() -> None:
    someone = person(good_record())
    assert not forbidden(someone, SPRAY, 56.0)
    assert "REG-001" in forbidden(someone, SPRAY, 84.0)


def test_later_sprays_may_be_84_mg_and_from_week_five_once_a_week() -> None:
    assert not forbidden(person(good_record(*sprays(4, 1))), SPRAY, 84.0)
    fifth_week = person(good_record(*sprays(30, 27, 23, 20, 16, 13, 9, 6)))
    assert not forbidden(fifth_week, SPRAY, 84.0, 7)
    assert "REG-002" in forbidden(fifth_week, SPRAY, 84.0, 3)


@pytest.mark.parametrize(("dose_mg", "is_forbidden"), [(35.0, False), (70.0, False), (71.0, True)])
def test_an_infusion_stays_under_its_ceiling_by_weight(dose_mg: float, is_forbidden: bool) -> None:
    assert ("REG-014" in forbidden(person(good_record()), INFUSION, dose_mg)) is is_forbidden


def test_without_a_weight_the_ceiling_is_not_known_and_forbids_nothing_by_itself() -> None:
    assert "REG-014" not in forbidden(person(good_record(without=("vitals.weight_kg",))), INFUSION, 400.0)


def test_a_rule_of_the_order_that_nobody_can_answer_says_what_to_find_out_and_forbids_nothing() -> None:
    someone = person(good_record())
    found = order_findings(someone, INFUSION, CLINIC, KNOWLEDGE, dose_mg=35.0)
    (open_still,) = [f for f in found if f.id == "GOV-010"]
    assert open_still.statement.key == "finding.not_known"
    assert "order.by_telemedicine" in open_still.missing
    assert not forbidden(someone, INFUSION, 35.0)
    seen = person(good_record(order__by_telemedicine=False))
    assert "GOV-010" not in {f.id for f in order_findings(seen, INFUSION, CLINIC, KNOWLEDGE, dose_mg=35.0)}


def test_the_first_spray_after_infusions_of_months_ago_begins_a_course_of_its_own() -> None:
    someone = person(good_record(*(infusion(days_ago(day)) for day in (80, 77, 73, 70, 66, 63))))
    assert not forbidden(someone, SPRAY, 56.0)  # as a spray in week 12 twice a week would be
    assert "REG-001" in forbidden(someone, SPRAY, 84.0)


def test_a_new_course_after_a_long_pause_is_asked_as_one_and_not_as_going_on() -> None:
    someone = person(good_record(*sprays(230, 227, 223, 220, 216, 213, 209, 206)))
    assert not forbidden(someone, SPRAY, 56.0)
    assert "REG-001" in forbidden(someone, SPRAY, 84.0)
