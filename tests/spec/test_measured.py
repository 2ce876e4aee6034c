"""How a person reacted in their own sessions, in sentences that a nurse could sign."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ketapath.domain.fact import Dose, Origin
from ketapath.domain.session import Reading, Session
from ketapath.knowledge import load
from ketapath.pharmacology import Person, Sensitivity, Subject, measured_sensitivity

KNOWLEDGE = load()
SOMEBODY = Origin(resource="MedicationAdministration", id="one", version="1")


def session(
    rise: float, *, dose_mg: float | None = 35.0, route: str = "iv", product: str = "racemic",
    minutes: float | None = 40.0,
) -> Session:  # fmt: skip
    readings = [(-5.0, 122.0), (20.0, 122.0 + 0.7 * rise), (40.0, 122.0 + rise), (60.0, 122.0 + 0.6 * rise)]
    return Session(
        on=date(2026, 11, 3),
        number=1,
        dose=Dose(
            on=date(2026, 11, 3),
            at=None,
            product=product,
            route=route,
            dose_mg=dose_mg,
            duration_min=minutes if route == "iv" else None,
            origin=SOMEBODY,
            stopped_early=False,
        ),
        readings=tuple(Reading(minute=t, quantity="vitals.systolic_mmhg", value=v) for t, v in readings),
    )


def measured(*sessions: Session) -> Sensitivity:
    return measured_sensitivity(
        sessions,
        Subject(weight_kg=70.0, age_years=45.0),
        Person(age_years=45.0, hypertension=False),
        KNOWLEDGE.drugs,
        KNOWLEDGE.effects["acute"],
        seed=1,
    )


def drug_rise(found: Sensitivity) -> float:
    return next(c.p50 for c in found.compared if c.quantity == "systolic drug rise")


def test_high_pressures_in_own_sessions_raise_the_sensitivity_and_calm_ones_lower_it() -> None:
    assert drug_rise(measured(session(2.0), session(3.0))) < drug_rise(measured()) < drug_rise(
        measured(session(45.0), session(40.0))
    )  # fmt: skip


def test_a_session_of_which_the_dose_is_not_known_or_no_model_exists_is_not_read() -> None:
    found = measured(session(45.0, dose_mg=None), session(45.0, route="oral-prolonged", product="esketamine"))
    assert found.sessions == 0
    assert drug_rise(found) == drug_rise(measured())


@pytest.mark.parametrize("minutes", [None, 1441.0])
def test_an_infusion_whose_length_nobody_wrote_or_no_model_takes_is_not_read_as_a_bolus(minutes: float | None) -> None:
    # At once, 35 mg would give several times the arterial level: the same rise would then pass for a calm reaction.
    found = measured(*(session(30.0, minutes=minutes) for _ in range(3)))
    assert found.sessions == 0
    assert drug_rise(found) == drug_rise(measured())


def test_a_session_by_any_route_with_a_model_is_read() -> None:
    for product, route, mg in (("esketamine", "nasal", 56.0), ("racemic", "im", 35.0), ("esketamine", "sc", 35.0)):
        assert measured(session(30.0, dose_mg=mg, route=route, product=product)).sessions == 1


def test_a_spray_that_is_no_whole_device_is_not_read() -> None:
    assert measured(session(30.0, dose_mg=40.0, route="nasal", product="esketamine")).sessions == 0


def test_a_pressure_of_the_next_morning_says_nothing_of_the_drug() -> None:
    today = session(20.0)
    late = Reading(minute=1200.0, quantity="vitals.systolic_mmhg", value=190.0)
    with_morning = replace(today, readings=(*today.readings, late))
    assert drug_rise(measured(with_morning)) == drug_rise(measured(today))
