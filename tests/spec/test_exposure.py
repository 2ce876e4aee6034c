"""The ledger: what counts in which window, what is not known, and when each organ is looked at again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY, days_ago, good_record, infusion, intake, person, quantity

from ketapath.domain.fact import Dose, Origin
from ketapath.domain.followup import Exposure, ExposureWindow, OrganCheck
from ketapath.domain.profile import Profile
from ketapath.domain.session import Reading, Session
from ketapath.followup import due_assessments, exposure

ORIGIN = Origin(resource="MedicationAdministration", id="d", version=None)


def dose(days: int, mg: float | None = 35.0, product: str = "racemic", route: str = "iv") -> Dose:
    origin = replace(ORIGIN, id=f"{product}-{days}")
    return Dose(on=days_ago(days), product=product, route=route, dose_mg=mg, duration_min=40.0, origin=origin)


def treated(*doses: Dose, **changed: Any) -> Profile:
    """Somebody known to be well, with these doses; weighed today only."""
    return replace(person(good_record(**changed)), doses=tuple(sorted(doses, key=lambda d: d.on)))


def ledger(someone: Profile, *sessions: Session) -> Exposure:
    return exposure(someone, CLINIC, KNOWLEDGE, sessions=sessions)


def window(found: Exposure, days: int | None, product: str = "racemic") -> ExposureWindow:
    return next(w for w in found.windows if (w.product, w.days) == (product, days))


def check(found: Exposure, organ: str) -> OrganCheck:
    return next(c for c in found.checks if c.organ == organ)


def state(one: OrganCheck, rule: str) -> bool | None:
    return next(t.is_crossed for t in one.thresholds if t.finding.id == rule)


@pytest.mark.parametrize(("days", "inside"), [(0, True), (29, True), (30, False), (31, False)])
def test_a_dose_of_exactly_thirty_days_ago_has_left_the_window(days: int, inside: bool) -> None:
    found = window(ledger(treated(dose(days))), 30)
    assert (found.sessions, found.mg) == ((1, 35.0) if inside else (0, 0.0))
    assert found.since == days_ago(29)


def test_windows_hold_one_another_and_two_products_are_never_added_up() -> None:
    found = ledger(treated(dose(1), dose(60, 40.0), dose(300, 30.0), dose(2, 84.0, "esketamine", "nasal")))
    assert [window(found, days).mg for days in (30, 90, 365, None)] == [35.0, 75.0, 105.0, 105.0]
    assert window(found, 365, "esketamine").mg == 84.0
    assert "exposure.note.not_added" in {note.key for note in found.notes}


def test_a_dose_whose_milligrams_nobody_wrote_is_a_session_and_named_beside_the_sum() -> None:
    found = ledger(treated(dose(1, None), dose(3)))
    assert (window(found, 30).sessions, window(found, 30).mg, window(found, 30).without_mg) == (2, 35.0, 1)
    assert "exposure.note.without_mg" in {note.key for note in found.notes}


def test_a_dose_that_was_begun_and_not_given_is_no_session() -> None:
    assert ledger(treated(dose(1, 0.0))).windows == ()
    assert due_assessments(treated(dose(1, 0.0)), KNOWLEDGE) == ()


def test_a_dose_is_divided_by_a_weight_of_before_it_and_by_no_other() -> None:
    someone = replace(treated(dose(0), dose(20)), weights_kg={TODAY: 70.0, days_ago(51): 80.0})
    assert [d.mg_per_kg for d in ledger(someone).doses] == [None, 0.5]
    found = window(ledger(someone), 30)
    assert (found.mg, found.mg_per_kg, found.without_weight) == (70.0, 0.5, 1)


def test_sessions_stand_beside_the_most_that_a_plan_may_hold() -> None:
    found = ledger(treated(*(dose(day) for day in range(0, 24, 2)))).limits
    assert [(one.days, one.sessions, one.most, one.is_reached) for one in found] == [
        (30, 12, 12.0, True), (90, 12, 26.0, False), (365, 12, 60.0, False),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "last", "due"), [(40, 30, 0), (89, 0, 30), (120, 31, -1), (121, 30, 60)])
def test_urinary_symptoms_are_asked_about_monthly_for_three_months_and_then_every_three(
    first: int, last: int, due: int
) -> None:
    someone = person(good_record(intake({"scale.bladder_icsi": 2.0}, on=days_ago(last), identity="bladder"),
                                 without=("scale.bladder_icsi",)))  # fmt: skip
    someone = replace(someone, doses=(dose(first),))
    found = check(ledger(someone), "bladder")
    assert (found.last_on, found.due) == (days_ago(last), TODAY + timedelta(days=due))
    assert found.overdue == (due < 0)


def test_the_esketamine_spray_asks_for_no_liver_values_and_the_ledger_says_so() -> None:
    spray = treated(dose(1, 84.0, "esketamine", "nasal"))
    liver = check(ledger(spray), "liver")
    assert (liver.asked, liver.due, liver.thresholds) == (False, None, ())
    assert "followup.liver" not in {d.what.key for d in due_assessments(spray, KNOWLEDGE)}
    assert "followup.liver" in {d.what.key for d in due_assessments(treated(dose(1)), KNOWLEDGE)}


def test_thresholds_are_crossed_by_what_was_found_and_stay_unknown_without_it() -> None:
    high = ledger(treated(dose(1), lab__alt_times_upper_limit=3.1))
    assert state(check(high, "liver"), "CON-026") is True
    assert state(check(ledger(treated(dose(1))), "dependence"), "KP-261") is None
    concern = ledger(treated(dose(1), course__misuse_review="concern"))
    assert state(check(concern, "dependence"), "KP-261") is True


def moca(value: float, on: date) -> dict[str, Any]:
    return quantity("72172-0", value, "{score}", on=on, identity=f"moca-{on}")


@pytest.mark.parametrize(("after", "crossed"), [(26.0, False), (25.0, True), (None, None)])
def test_a_fall_of_three_points_since_before_treatment_is_a_fall_of_cognition(
    after: float | None, crossed: bool | None
) -> None:
    later = () if after is None else (moca(after, days_ago(1)),)
    data = good_record(moca(28.0, days_ago(60)), *later, infusion(days_ago(50)), without=("scale.moca",))
    assert state(check(ledger(person(data)), "cognition"), "KP-280") is crossed


def session(days: int, number: int, *readings: tuple[float, float, float]) -> Session:
    made = [Reading(minute=m, quantity="vitals.systolic_mmhg", value=s) for m, s, _ in readings]
    made += [Reading(minute=m, quantity="vitals.diastolic_mmhg", value=d) for m, _, d in readings]
    return Session(on=days_ago(days), number=number, dose=dose(days), readings=tuple(made))


def test_the_highest_pressure_of_recent_sessions_stands_against_the_limit_of_a_session() -> None:
    held = (
        session(100, 1, (-5, 120, 80), (40, 190, 100)),
        session(7, 2, (-5, 124, 80), (20, 180, 95), (40, 150, 90)),
        session(0, 3, (-5, 126, 80)),
    )
    found = ledger(treated(dose(100), dose(7), dose(0)), *held).pressures
    assert [(p.number, p.before, p.highest, p.is_crossed) for p in found] == [
        (3, (126, 80), (None, None), None), (2, (124, 80), (180, 95), True),
    ]  # fmt: skip


def test_resting_pressure_is_compared_once_three_days_stand_at_each_end() -> None:
    held = [session(days, number, (-5, 120 + number, 80)) for number, days in enumerate((50, 40, 30, 20, 10), start=1)]
    doses = [s.dose for s in held]
    without = ("vitals.systolic_mmhg", "vitals.diastolic_mmhg")
    someone = replace(person(good_record(without=without)), doses=tuple(doses))
    assert ledger(someone, *held).resting is None
    found = ledger(someone, *held, session(5, 6, (-5, 126, 80))).resting
    assert found is not None
    assert (found.first, found.newest) == ((122.0, 80.0), (125.0, 80.0))
