"""What the last session was like is known from its readings, where nobody has said it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.records import KNOWLEDGE, TODAY, person, record

from ketapath.domain.profile import Profile
from ketapath.fhir import encode, encode_visit

MONTH = timedelta(days=7)


def session(on: date, *, systolic: float, distress: float | None, mg: float = 35.0) -> list[dict[str, Any]]:
    """One session of that day, with a reading before the dose, and two under it."""
    at, name = datetime(on.year, on.month, on.day, 10, tzinfo=UTC), f"v{on.isoformat()}"
    begun = encode_visit.dose_started(
        f"{name}-dose", patient_id="test", visit_id=name, product="racemic", route="iv", at=at, by="somebody"
    )
    about = {"patient_id": "test", "visit_id": name}
    scores = {} if distress is None else {"session.distress_0_10": distress}
    return [
        encode_visit.visit_opened(name, patient_id="test", plan_id=None, at=at - timedelta(minutes=20)),
        encode_visit.dose_ended(begun, dose_mg=mg, at=at + timedelta(minutes=40), stopped_early=False),
        *encode_visit.readings(f"{name}-a", {"vitals.systolic_mmhg": 190.0}, administration_id=None,
                               at=at - timedelta(minutes=5), **about),
        *encode_visit.readings(f"{name}-b", {"vitals.systolic_mmhg": systolic, **scores},
                               administration_id=f"{name}-dose", at=at + timedelta(minutes=30), **about),
        *encode_visit.readings(f"{name}-c", {"vitals.systolic_mmhg": 131.0}, administration_id=f"{name}-dose",
                               at=at + timedelta(minutes=60), **about),
    ]  # fmt: skip


def said(path: str, value: float, on: date) -> dict[str, Any]:
    at = datetime(on.year, on.month, on.day, 18, tzinfo=UTC)
    return encode.stated("said", {path: value}, patient_id="test", at=at, by="nurse")


def speaks(someone: Profile) -> bool | None:
    return KNOWLEDGE.rules["KP-260"].holds(someone.known, as_of=TODAY)


@pytest.mark.parametrize(
    ("systolic", "distress", "harm"),
    [(184.0, 2.0, True), (150.0, 9.0, True), (179.0, 8.0, False), (150.0, None, None), (184.0, None, True)],
)
def test_harm_in_the_last_session_is_seen_in_its_readings(
    systolic: float, distress: float | None, harm: bool | None
) -> None:
    someone = person(record(*session(TODAY - MONTH, systolic=systolic, distress=distress)))
    fact = someone.known["course.peak_systolic_mmhg"]
    assert (fact.value, fact.on, fact.confidence) == (systolic, TODAY - MONTH, "derived")  # 190 was before the dose
    assert speaks(someone) is harm


def test_a_word_on_the_last_session_counts_before_what_is_computed_and_one_on_an_earlier_does_not() -> None:
    last = session(TODAY - timedelta(days=2), systolic=150.0, distress=2.0)
    after = person(record(*last, said("course.peak_distress_0_10", 9.0, TODAY - timedelta(days=1))))
    assert after.known["course.peak_distress_0_10"].value == 9.0
    before = person(record(*last, said("course.peak_distress_0_10", 9.0, TODAY - timedelta(days=9))))
    assert before.known["course.peak_distress_0_10"].value == 2.0


@pytest.mark.parametrize(("mg", "changed"), [(35.0, False), (30.0, True)])
def test_a_dose_that_differs_from_the_one_before_is_known_for_a_day(mg: float, changed: bool) -> None:
    earlier = session(TODAY - timedelta(days=4), systolic=140.0, distress=2.0)
    someone = person(record(*earlier, *session(TODAY, systolic=140.0, distress=2.0, mg=mg)))
    assert someone.known["course.dose_changed"].value is changed


def test_a_peak_holds_for_as_long_as_its_window_and_never_from_another_dose() -> None:
    old = person(record(*session(TODAY - timedelta(days=29), systolic=184.0, distress=9.0)))
    assert "course.peak_systolic_mmhg" not in old.known
    two = person(record(*session(TODAY - timedelta(days=9), systolic=184.0, distress=9.0),
                        *session(TODAY - timedelta(days=2), systolic=140.0, distress=None)))  # fmt: skip
    assert two.known["course.peak_systolic_mmhg"].value == 140.0
    assert "course.peak_distress_0_10" not in two.known
