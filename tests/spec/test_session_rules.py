"""A session's core: gates, timers, milligrams counted from what was done, and how far a prediction was off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY, good_record, person

from ketapath.domain.clinic import Clinic, ClinicFact
from ketapath.domain.fact import Dose, Origin
from ketapath.domain.session import Administration, Event, TimedReading, Visit, number_of
from ketapath.pharmacology.effects import Band
from ketapath.session import called_for, counted_mg, due, gates, points, running_rate, session_miss, steps_of

BEGAN = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
HERE = Origin(resource="Observation", id="o", version=None)


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def event(minute: float, kind: str, value: float | None = None, unit: str | None = "mL/h", words: str = "") -> Event:
    return Event(origin=HERE, at=at(minute), kind=kind, value=value, unit=unit if value is not None else None,
                 words=words, by="Bo", username="nurse")  # fmt: skip


def read(minute: float, quantity: str, value: float) -> TimedReading:
    return TimedReading(origin=HERE, at=at(minute), quantity=quantity, value=value, under_drug=minute > 0)


def visit(
    *events: Event, route: str = "iv", ended: float | None = None, readings: tuple[TimedReading, ...] = (),
    given: bool = True,
) -> Visit:  # fmt: skip
    dose = Administration(
        origin=HERE, status="in-progress" if ended is None else "completed", product="racemic", route=route,
        dose_mg=None, started_at=BEGAN, ended_at=None if ended is None else at(ended),
    )  # fmt: skip
    return Visit(
        origin=HERE, status="in-progress", opened_at=at(-30), closed_at=None, plan_id=None,
        administration=dose if given else None, readings=readings, events=tuple(sorted(events, key=lambda e: e.at)),
    )  # fmt: skip


CHECKED = event(-3, "order-checked", 2.0, "1", words="order/1 0.5 mg/mL")


@pytest.mark.parametrize(
    ("events", "mg"),
    [
        ([event(0, "rate", 60.0)], 60 * 0.5 * 40 / 60),
        ([event(0, "rate", 60.0), event(23, "stop")], 60 * 0.5 * 23 / 60),
        ([event(0, "rate", 60.0), event(10, "pause"), event(20, "resume")], 60 * 0.5 * 30 / 60),
        ([event(0, "rate", 60.0), event(10, "rate", 120.0)], 0.5 * (60 * 10 + 120 * 30) / 60),
        ([event(0, "rate", 60.0), event(10, "pause"), event(15, "rate", 120.0), event(20, "resume")],
         0.5 * (60 * 10 + 120 * 20) / 60),
        ([event(0, "rate", 30.0, "mg/h"), event(30, "rate", 60.0)], 30 * 0.5 + 30 * 10 / 60),
        ([event(0, "rate", 60.0), event(10, "pause")], 60 * 0.5 * 10 / 60),
        ([event(-2, "rate", 60.0)], 60 * 0.5 * 40 / 60),
        ([event(6, "pause"), event(10, "rate", 60.0), event(20, "resume")], 60 * 0.5 * 20 / 60),
        ([event(6, "pause"), event(10, "rate", 60.0)], 0.0),
        ([event(0, "rate", 60.0), event(10, "stop"), event(20, "rate", 60.0)], 60 * 0.5 * 10 / 60),
        ([], None),
    ],
)  # fmt: skip
def test_milligrams_follow_from_rates_pauses_and_the_concentration_that_was_checked(
    events: list[Event], mg: float | None
) -> None:
    found = counted_mg(visit(CHECKED, replace(CHECKED, username="dr"), *events), until=at(40))
    assert found == (None if mg is None else pytest.approx(mg))


def test_without_a_checked_concentration_millilitres_say_nothing_of_milligrams() -> None:
    assert counted_mg(visit(event(0, "rate", 60.0)), until=at(40)) is None
    assert counted_mg(visit(event(0, "rate", 60.0, "mg/h")), until=at(30)) == pytest.approx(30.0)


def test_the_checks_that_agree_with_the_newest_stand_and_one_that_was_left_does_not_come_back() -> None:
    def concentration(*said: tuple[str, str]) -> tuple[list[str], bool, float | None]:
        found = visit(*(replace(event(-20 + n, "order-checked", 2.0, words=f"order/1 {mg} mg/mL"), username=name)
                        for n, (name, mg) in enumerate(said)))  # fmt: skip
        return [e.username for e in found.checks], found.is_checked, found.concentration_mg_per_ml

    wrong = [("nurse", "5"), ("dr", "5")]
    assert concentration(*wrong) == (["nurse", "dr"], True, 5.0)
    assert concentration(*wrong, ("nurse", "0.5")) == (["nurse"], False, 0.5)
    assert concentration(*wrong, ("nurse", "0.5"), ("dr", "0.5")) == (["nurse", "dr"], True, 0.5)
    assert concentration(*wrong, ("nurse", "0.5"), ("nurse", "5")) == (["nurse"], False, 5.0)


def test_a_device_that_was_refused_is_not_counted_as_given() -> None:
    one, spilled = event(0, "device", 28.0, "mg"), event(6, "device-refused")
    assert counted_mg(visit(one, spilled, route="nasal"), until=at(40)) == 28.0
    assert counted_mg(visit(spilled, route="nasal"), until=at(40)) == 0.0
    assert counted_mg(visit(route="nasal"), until=at(40)) is None


def test_the_pump_stands_still_while_it_is_paused() -> None:
    found = visit(event(0, "rate", 60.0), event(10, "pause"), event(20, "resume"))
    rates = [running_rate(found, at=at(minute)) for minute in (-1, 5, 15, 25)]
    assert [r is not None for r in rates] == [False, True, False, True]
    set_while_paused = visit(event(6, "pause"), event(10, "rate", 60.0), event(20, "resume"))
    assert [running_rate(set_while_paused, at=at(minute)) is not None for minute in (15, 25)] == [False, True]


def waited(found: Visit, minute: float, route: str = "iv") -> dict[str, tuple[float | None, bool]]:
    return {
        d.what: (None if d.due_at is None else (d.due_at - BEGAN).total_seconds() / 60, d.is_overdue)
        for d in due(found, route, KNOWLEDGE, now=at(minute))
    }


@pytest.mark.parametrize(
    ("route", "taken", "now", "minute"),
    [
        ("iv", [-5], 2, 10), ("iv", [-5, 11], 12, 21), ("nasal", [-5], 2, 40), ("nasal", [-5, 36], 37, 51),
        ("nasal", [-5, 30], 37, 40), ("im", [-5], 2, 10), ("im", [-5, 10], 12, 20), ("im", [-5, 10, 20, 40], 41, 60),
        ("im", [-5, 61], 62, 81), ("oral", [-5], 2, 30), ("sublingual", [-5, 30, 60], 61, 90), ("iv", [], 2, 0),
    ],
)  # fmt: skip
def test_pressure_is_due_by_the_times_of_its_route(route: str, taken: list[float], now: float, minute: float) -> None:
    readings = tuple(read(m, "vitals.systolic_mmhg", 120.0) for m in taken)
    assert waited(visit(route=route, readings=readings), now, route)["pressure"] == (minute, now > minute + 5)


def test_after_an_infusion_the_interval_is_longer_and_a_reading_is_overdue_after_five_minutes() -> None:
    last = (read(40, "vitals.systolic_mmhg", 130.0),)
    ended = visit(ended=40, readings=last)
    assert waited(ended, 55)["pressure"] == (55.0, False)
    assert waited(ended, 60.1)["pressure"] == (55.0, True)
    rules = {d.what: d.rule_id for d in due(ended, "iv", KNOWLEDGE, now=at(50))}
    assert (rules["pressure"], rules["distress"]) == ("MON-004b", "KP-276")
    assert due(replace(ended, status="finished"), "iv", KNOWLEDGE, now=at(500)) == ()


def test_before_the_dose_each_reading_is_awaited_once_and_nothing_is_overdue() -> None:
    readings = (read(-5, "vitals.systolic_mmhg", 120.0),)
    found = due(visit(given=False, readings=readings), "iv", KNOWLEDGE, now=at(600))
    assert {d.what for d in found} == {"oximetry", "sedation", "dissociation", "distress", "nausea"}
    assert not any(d.is_overdue or d.due_at for d in found)


def states(clinic: Clinic, *, product: str = "esketamine", route: str = "nasal", **facts: bool) -> dict[str, str]:
    someone = person(good_record(**facts))
    return {g.finding.id: g.state for g in gates(someone, clinic, KNOWLEDGE, product=product, route=route)}


def test_no_gate_passes_on_what_nobody_has_stated() -> None:
    unknown = replace(CLINIC, rems_certified=None, facts={})
    found = states(unknown)
    assert {found[name] for name in ("KP-270", "KP-272", "KP-273")} == {"open"}
    assert states(unknown, rems__patient_enrolled=True)["KP-271"] == "met"


def test_the_gates_of_the_safety_programme_are_for_the_spray_in_the_united_states() -> None:
    for clinic, way in ((CLINIC, ("racemic", "iv")), (replace(CLINIC, jurisdiction="UK"), ("esketamine", "nasal"))):
        found = states(clinic, product=way[0], route=way[1])
        assert (found["KP-270"], found["KP-271"]) == ("not needed", "not needed")


def test_a_word_of_the_register_counts_on_its_own_day_only() -> None:
    said = {p: ClinicFact(value=True, on=TODAY - timedelta(days=1), by="register")
            for p in ("staff.prescriber_on_duty", "staff.life_support_on_duty", "staff.watcher_on_duty")}  # fmt: skip
    assert states(replace(CLINIC, facts=said))["KP-273"] == "open"
    today = {path: replace(fact, on=TODAY) for path, fact in said.items()}
    assert states(replace(CLINIC, facts=today))["KP-273"] == "met"


def test_every_limit_of_a_session_that_stops_or_puts_off_names_its_steps() -> None:
    for rule in KNOWLEDGE.rules_of("session"):
        if rule.when_true in ("not-eligible", "defer"):
            found = steps_of(rule.id, KNOWLEDGE)
            assert found is not None, rule.id
            assert KNOWLEDGE.rules[found.approval].ref.needs_approval
            assert all(KNOWLEDGE.texts[f"escalation.{name}"] for name in names(found.rule_id))


def names(rule_id: str) -> list[str]:
    record = next(r for r in KNOWLEDGE.escalations.values() if rule_id in r["rules"])
    return [f"{record['id']}.{step['id']}" for step in record["steps"]]


def against(**said: bool) -> dict[str, str | None]:
    taken = (read(-5, "vitals.systolic_mmhg", 118.0), read(95, "vitals.systolic_mmhg", 124.0),
             read(95, "vitals.diastolic_mmhg", 80.0), read(95, "vitals.spo2_percent", 97.0),
             read(95, "session.moaa_s", 2.0))  # fmt: skip
    session = visit(ended=40, readings=taken).session(1, now=at(105))
    assert session is not None
    return {p.path: p.value for p in points(session, person(good_record(**said)), CLINIC, KNOWLEDGE)}


def test_a_point_against_going_home_has_its_value_and_comes_before_what_nobody_has_said() -> None:
    found = against(session__walks_safely=False, session__suicidal_intent=True, session__orientated=True)
    values = list(found.values())
    assert {path: value for path, value in found.items() if value is not None} == {
        "session.walks_safely": "no", "session.suicidal_intent": "yes", "session.moaa_s": "2",
    }  # fmt: skip
    assert values.index(None) == 3
    assert found["session.stable"] is None


def test_the_condition_of_a_point_is_no_point() -> None:
    assert "setting.inpatient" not in against(session__escort_present=True)
    assert against(session__escort_present=False, setting__inpatient=False)["session.escort_present"] == "no"
    outside = against(setting__inpatient=False)
    assert (outside["session.escort_present"], "setting.inpatient" in outside) == (None, False)


def test_a_limit_that_is_over_keeps_its_steps_and_one_reached_again_begins_anew() -> None:
    events = [event(20, "limit", words="MON-008"), event(21, "escalated", words="MON-008 pause"),
              event(22, "limit-over", words="MON-008")]  # fmt: skip
    (one,) = called_for(visit(*events), (), KNOWLEDGE)
    assert (list(one.taken), one.until) == (["pause"], at(22))
    left_out = event(23, "steps-not-needed", words="MON-008 the cuff was loose")
    assert called_for(visit(*events, left_out), (), KNOWLEDGE) == ()
    (one,) = called_for(visit(*events, left_out, event(30, "limit", words="MON-008")), ["MON-008"], KNOWLEDGE)
    assert (dict(one.taken), one.until, one.not_needed) == ({}, None, None)


BAND = Band(
    quantity="systolic", unit="mm[Hg]", above_resting=False, times_min=(0.0, 40.0, 80.0), p05=(110.0, 120.0, 110.0),
    p25=(115.0, 130.0, 115.0), p50=(120.0, 140.0, 120.0), p75=(125.0, 150.0, 125.0), p95=(130.0, 160.0, 130.0),
)  # fmt: skip


def test_the_miss_is_observed_less_expected_in_units_and_in_standard_deviations() -> None:
    taken = (read(-5, "vitals.systolic_mmhg", 118.0), read(20, "vitals.systolic_mmhg", 145.0),
             read(40, "vitals.systolic_mmhg", 165.0), read(200, "vitals.systolic_mmhg", 300.0))  # fmt: skip
    session = visit(ended=40, readings=taken).session(1)
    assert session is not None
    (miss,) = session_miss(session, [BAND])
    assert (miss.readings, miss.outside, miss.mean) == (2, 1, pytest.approx((15.0 + 25.0) / 2))
    assert miss.standardised == pytest.approx(((15 / 30 + 25 / 40) / 2) * 3.2897, rel=1e-6)


def test_a_band_of_a_rise_needs_the_reading_before_the_dose_and_no_reading_is_no_miss() -> None:
    rise = replace(BAND, above_resting=True, p05=(0.0, 0.0, 0.0), p50=(0.0, 20.0, 0.0), p95=(5.0, 40.0, 5.0))
    under = read(40, "vitals.systolic_mmhg", 150.0)
    with_rest, without = (
        visit(ended=40, readings=readings).session(1)
        for readings in ((read(-5, "vitals.systolic_mmhg", 120.0), under), (under,))
    )
    assert with_rest is not None
    assert without is not None
    assert session_miss(with_rest, [rise])[0].mean == pytest.approx(10.0)
    assert session_miss(without, [rise]) == ()
    nothing = visit(ended=40).session(1)
    assert nothing is not None
    assert session_miss(nothing, [BAND]) == ()


def test_a_session_is_counted_with_the_doses_that_were_given_elsewhere() -> None:
    opened = datetime(2026, 11, 26, 9, tzinfo=UTC)
    visit = Visit(
        origin=Origin(resource="Encounter", id="v", version=None), status="in-progress", opened_at=opened,
        closed_at=None, plan_id=None, administration=None, readings=(),
    )  # fmt: skip

    def dose(on: date, at: datetime | None = None) -> Dose:
        where = Origin(resource="MedicationAdministration", id=f"{on}{at}", version=None)
        return Dose(on=on, at=at, product="racemic", route="iv", dose_mg=35.0, duration_min=40.0, origin=where)

    elsewhere = [dose(date(2026, 11, 19)), dose(date(2026, 11, 22))]
    assert number_of(visit, elsewhere) == 3
    assert number_of(visit, [*elsewhere, dose(date(2026, 11, 26), opened.replace(hour=10, tzinfo=None))]) == 3
