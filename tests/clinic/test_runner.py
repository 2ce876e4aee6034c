"""A session is run step by step: nothing reaches a dose past its steps and gates, and the way home is a checklist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from tests.clinic.test_loop import READY, arrived, asked_today, checked, look, sign
from tests.clinic.test_signatures import order_changed
from tests.options import SPRAY
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.access.proof import NotProven
from clinic.actions.commit import Stale
from clinic.actions.profile import state_facts, withdraw_fact
from clinic.actions.session import NotNow, chart_vitals, close_session, end_dose, open_session, start_dose
from clinic.actions.session_course import Happened, chart_event, take_back_event
from clinic.actions.session_discharge import override_discharge, pass_discharge
from clinic.actions.session_steps import check_order, confirm_consent, finish_rescreen
from clinic.demo.charts import ON_LEAVING, typed
from clinic.practice.models import Alert, Certificate, Duty
from clinic.queries.board import seats
from clinic.queries.session import Room, of_steps, order_of, room
from clinic.record.models import PatientLine
from clinic.web.templatetags.board import next_words
from ketapath.domain.session import Visit
from ketapath.errors import BadInput
from ketapath.session import ends_at

Who = Callable[[str], Account]
Wait = Callable[[float], datetime]
PRESSURE = {"vitals.systolic_mmhg": "126", "vitals.diastolic_mmhg": "79"}
ALL_ELSE = {
    "vitals.spo2_percent": "98", "session.moaa_s": "5", "session.dissociation_0_10": "0", "session.distress_0_10": "0",
    "session.nausea_0_10": "0",
}  # fmt: skip


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch, account: Who) -> Wait:
    """Ten in the morning; then so many minutes on."""
    zone = ZoneInfo(account("nurse").practice.zone)
    start = datetime.combine(clock.today(str(zone)), datetime.min.time().replace(hour=10), zone)
    passed = [0.0]

    def on(minutes: float) -> datetime:
        passed[0] += minutes
        now = start + timedelta(minutes=passed[0])
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    on(0)
    return on


def visit_of(by: Account) -> Visit:
    return look(by).visits[-1]


def here(by: Account) -> Room:
    found = look(by)
    return room(found, found.visits[-1])


def check(by: Account, concentration: str = "") -> None:
    found = look(by)
    assert found.open_visit is not None
    order = order_of(found, found.open_visit)
    assert order is not None
    check_order(found, order.seen, concentration=concentration, by=by, key="", proof=shown(by))


def dosing(account: Who, wait: Wait, *, concentration: str = "0.5", option: str | None = None) -> Account:
    """The nurse has begun a dose."""
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber, **({} if option is None else {"option": option}))
    open_session(look(nurse), by=nurse, key="")
    chart_vitals(look(nurse), PRESSURE, by=nurse, key="")
    asked_today(nurse)
    confirm_consent(look(nurse), by=nurse, key="")
    finish_rescreen(look(nurse), by=nurse, key="")
    for by in (nurse, prescriber):
        check(by, concentration)
    wait(5)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    return nurse


def charted(
    by: Account, kind: str, value: str = "", words: str = "", unit: str = "mL/h", at: datetime | None = None
) -> None:
    chart_event(look(by), Happened(kind=kind, value=value, words=words, unit=unit, at=at), by=by, key="")


def test_the_phase_of_a_visit_follows_its_steps_on_every_board(account: Who, wait: Wait) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    phases = []

    def note() -> None:
        line = PatientLine.objects.get(practice=nurse.practice, patient_id=READY)
        assert line.visit_step == visit_of(nurse).step
        phases.append(line.visit_step)

    open_session(look(nurse), by=nurse, key="", room="room-2", appointment_id="a1")
    assert (visit_of(nurse).room, visit_of(nurse).appointment_id) == ("room-2", "a1")
    note()
    chart_vitals(look(nurse), PRESSURE, by=nurse, key="")
    asked_today(nurse)
    confirm_consent(look(nurse), by=nurse, key="")
    note()
    finish_rescreen(look(nurse), by=nurse, key="")
    check(nurse)
    note()
    check(prescriber)
    note()
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    note()
    wait(40)
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    note()
    override_discharge(look(nurse), by=prescriber, reason="well and awake", key="", proof=shown(prescriber))
    note()
    close_session(look(nurse), by=nurse, key="")
    assert phases == ["arrived", "re-screen", "re-screen", "ready", "dosing", "observing", "leaving"]
    assert visit_of(nurse).step == "home"


def test_each_step_is_refused_before_the_one_it_follows(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    open_session(look(nurse), by=nurse, key="")
    chart_vitals(look(nurse), PRESSURE, by=nurse, key="")
    asked_today(nurse)
    with pytest.raises(BadInput, match="consent first"):
        finish_rescreen(look(nurse), by=nurse, key="")
    confirm_consent(look(nurse), by=nurse, key="")
    with pytest.raises(BadInput, match="re-screen first"):
        check(nurse)
    with pytest.raises(NotNow, match="re-screen of today was not finished"):
        start_dose(look(nurse), by=nurse, reason="all the same", key="")
    finish_rescreen(look(nurse), by=nurse, key="")
    with pytest.raises(NotNow, match="not checked as it stands now"):
        start_dose(look(nurse), by=account("prescriber"), reason="all the same", key="")
    check(nurse)
    with pytest.raises(NotNow, match="2 different people check it"):
        start_dose(look(nurse), by=account("prescriber"), reason="all the same", key="")
    with pytest.raises(BadInput, match="another person than who checked already"):
        check(nurse)
    with pytest.raises(BadInput, match="no dose that has ended"):
        pass_discharge(look(nurse), by=nurse, key="")


def test_a_session_never_begins_on_a_consent_that_was_given_in_the_room(account: Who, wait: Wait) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    open_session(look(nurse), by=nurse, key="")
    state_facts(look(nurse), {"consent.signed": "yes"}, by=nurse, reason="signed just now", key="")
    with pytest.raises(NotNow, match="was signed at 10:00"):
        confirm_consent(look(prescriber), by=prescriber, key="")
    wait(60)
    with pytest.raises(NotNow, match="relied on after more than 60 minutes"):
        confirm_consent(look(nurse), by=nurse, key="")
    wait(1)
    confirm_consent(look(nurse), by=nurse, key="")
    assert visit_of(nurse).step == "re-screen"


def test_a_consent_that_is_taken_back_after_it_was_confirmed_stops_the_dose(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    found = look(nurse)
    assert found.person is not None
    source = found.person.known["consent.signed"].origin
    withdraw_fact(found, "consent.signed", f"{source.resource}/{source.id}", by=nurse, reason="she said no", key="")
    with pytest.raises(NotNow, match="stands no longer"):
        start_dose(look(nurse), by=account("prescriber"), reason="all the same", key="")


def test_a_check_is_stale_when_the_order_changes(account: Who, wait: Wait) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    arrived(nurse)
    before = look(nurse)
    assert before.open_visit is not None
    order = order_of(before, before.open_visit)
    assert order is not None
    order_changed(nurse, note=[{"text": "slower"}])
    with pytest.raises(Stale):
        check_order(look(nurse), order.seen, by=account("pharmacist"), key="", proof=shown(account("pharmacist")))
    found = look(nurse)
    assert found.open_visit is not None
    assert "The order was not checked as it stands now." in {o.words for o in of_steps(found, found.open_visit)}


def test_two_checks_have_to_agree_on_what_is_in_the_syringe(account: Who, wait: Wait) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    arrived(nurse)
    visit = visit_of(nurse)
    assert visit.step == "ready"
    check(nurse, "1")  # read again: the checks of before are of another syringe
    assert visit_of(nurse).step == "re-screen"
    with pytest.raises(BadInput, match="1 mg/mL, as Bo Marsh"):
        check(prescriber, "2")
    check(prescriber, "1")
    assert (visit_of(nurse).step, visit_of(nurse).concentration_mg_per_ml) == ("ready", 1.0)


def test_whoever_has_checked_reads_the_label_again_and_then_everybody_does(account: Who, wait: Wait) -> None:
    nurse, prescriber, pharmacist = account("nurse"), account("prescriber"), account("pharmacist")
    sign(prescriber)
    arrived(nurse)
    for by in (nurse, prescriber):
        check(by, "5")
    assert (visit_of(nurse).step, visit_of(nurse).concentration_mg_per_ml) == ("ready", 5.0)
    wait(1)
    with pytest.raises(BadInput, match="5 mg/mL, as Dr Ada Lindqvist"):
        check(pharmacist, "0.5")  # has not checked: one of the two is asked first
    check(nurse, "0.5")
    assert visit_of(nurse).step == "re-screen"
    with pytest.raises(NotNow, match="2 different people check it"):
        start_dose(look(nurse), by=prescriber, reason="all the same", key="")
    wait(1)
    with pytest.raises(BadInput, match=r"0\.5 mg/mL, as Bo Marsh"):
        check(prescriber, "5")
    check(prescriber, "0.5")
    assert (visit_of(nurse).step, visit_of(nurse).concentration_mg_per_ml) == ("ready", 0.5)


def test_a_check_is_signed_by_whoever_checks(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    found = look(nurse)
    assert found.open_visit is not None
    order = order_of(found, found.open_visit)
    assert order is not None
    pharmacist = account("pharmacist")
    with pytest.raises(NotProven):
        check_order(found, order.seen, by=pharmacist, key="", proof=shown(nurse))
    with pytest.raises(Refused):
        check_order(found, order.seen, by=account("coordinator"), key="", proof=shown(account("coordinator")))
    assert len(visit_of(nurse).checks) == 2


@pytest.mark.parametrize(
    ("gone", "words"), [("prescriber", "Prescriber present: not so"), ("nurse", "Qualified staff on site: not so")]
)
def test_without_prescriber_or_qualified_staff_only_a_prescriber_with_a_reason_goes_on(
    account: Who, wait: Wait, gone: str, words: str
) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    arrived(nurse)
    Duty.objects.filter(practice=nurse.practice, account=account(gone)).delete()
    with pytest.raises(NotNow, match=words):
        start_dose(look(nurse), by=nurse, reason="all the same", key="")
    with pytest.raises(NotNow, match=words):
        start_dose(look(nurse), by=prescriber, reason="", key="")
    start_dose(look(nurse), by=prescriber, reason="I stay in the room", key="")


def test_a_certificate_counts_until_its_last_day_and_not_once_withdrawn(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    held = Certificate.objects.filter(practice=nurse.practice, kind="advanced-life-support")
    held.update(valid_until=clock.today(nurse.practice.zone))
    assert {g.state for g in here(nurse).gates} == {"met", "not needed"}
    held.update(valid_until=clock.today(nurse.practice.zone) - timedelta(days=1))
    assert "not met" in {g.state for g in here(nurse).gates}
    held.update(valid_until=None, withdrawn_at=clock.now())
    states = {g.finding.id: g.state for g in here(nurse).gates}
    assert states["KP-272"] == "open"  # nobody holds one that stands: the register says nothing


def test_a_clinic_without_hours_on_duty_has_said_nothing_and_unknown_never_passes(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    Duty.objects.filter(practice=nurse.practice).delete()
    states = {g.finding.id: g.state for g in here(nurse).gates}
    assert (states["KP-272"], states["KP-273"]) == ("open", "open")
    with pytest.raises(NotNow, match="not known"):
        start_dose(look(nurse), by=nurse, reason="all the same", key="")


def test_nobody_overrides_the_gates_of_the_safety_programme(account: Who, wait: Wait) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber, option=SPRAY)
    arrived(nurse)
    assert {g.state for g in here(nurse).gates} == {"met"}
    state_facts(look(nurse), {"rems.patient_enrolled": "no"}, by=nurse, reason="", key="")
    with pytest.raises(NotNow, match="Person enrolled: not so"):
        start_dose(look(nurse), by=prescriber, reason="I have called them", key="")
    practice = nurse.practice
    practice.settings = {k: v for k, v in practice.settings.items() if k != "rems_certified"}
    practice.save()
    nurse.refresh_from_db()
    state_facts(look(nurse), {"rems.patient_enrolled": "yes"}, by=nurse, reason="", key="")
    found = look(account("nurse"))
    assert {g.finding.id: g.state for g in room(found, found.visits[-1]).gates}["KP-270"] == "open"
    with pytest.raises(NotNow, match="Setting certified: not known"):
        start_dose(found, by=prescriber, reason="we are", key="")


def test_an_infusion_that_is_stopped_at_23_minutes_comes_to_what_ran_in(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)  # 35 mg over 40 minutes, 0.5 mg/mL: 105 mL/h
    charted(nurse, "rate", "105")
    wait(10)
    charted(nurse, "pause", words="asked for it")
    wait(4)
    with pytest.raises(BadInput, match="a pump that runs"):
        charted(nurse, "pause")
    charted(nurse, "resume")
    wait(9)
    charted(nurse, "stop", words="distress")
    wait(3)  # typing takes a while; the dose ended when the pump stopped
    assert here(nurse).counted_mg == pytest.approx(105 * 0.5 * 19 / 60)
    with pytest.raises(BadInput, match=r"come to 16\.6 mg"):
        end_dose(look(nurse), "20", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    end_dose(look(nurse), "16.63", stopped_early=True, by=nurse, reason="distress", key="", proof=shown(nurse))
    given = visit_of(nurse).administration
    assert given is not None
    assert given.ended_at is not None
    assert (given.ended_at - given.started_at, given.dose_mg) == (timedelta(minutes=23), 16.63)


def test_a_rate_that_was_changed_counts_from_its_change_and_one_taken_back_not_at_all(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait, concentration="")
    with pytest.raises(BadInput, match="without a concentration"):
        charted(nurse, "rate", "105")
    charted(nurse, "rate", "60", unit="mg/h")
    wait(10)
    charted(nurse, "rate", "600", unit="mg/h", words="the pump says so")
    wait(10)
    wrong = visit_of(nurse).said("rate")[-1].origin.id
    take_back_event(look(nurse), wrong, by=nurse, reason="600 typed for 60", key="")
    assert here(nurse).counted_mg == pytest.approx(20.0)
    check_event = visit_of(nurse).said("order-checked")[0].origin.id
    with pytest.raises(BadInput, match="no event that was charted"):
        take_back_event(look(nurse), check_event, by=nurse, reason="x", key="")


def test_devices_are_five_minutes_apart_and_counted_against_the_order(account: Who, wait: Wait) -> None:
    nurse, prescriber = dosing(account, wait, concentration="", option=SPRAY), account("prescriber")
    charted(nurse, "device")  # 56 mg: two devices
    assert [d.what for d in here(nurse).due][-1] != "device-2"  # five minutes are to pass first
    wait(4)
    with pytest.raises(BadInput, match="REG-007"):
        charted(nurse, "device")
    charted(nurse, "device-refused", words="sneezed, spilled")
    wait(1)
    charted(nurse, "device")
    wait(6)
    with pytest.raises(BadInput, match="2 as ordered"):
        charted(nurse, "device", words="extra, she asked for it")  # a nurse's reason is not enough
    with pytest.raises(BadInput, match="2 as ordered"):
        charted(prescriber, "device", words="extra")
    assert (here(nurse).devices, here(nurse).counted_mg) == ((2, 1), 56.0)
    with pytest.raises(BadInput, match=r"come to 56\.0 mg"):
        end_dose(look(nurse), "28", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    end_dose(look(nurse), "56", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))


def test_a_device_that_was_given_too_early_all_the_same_is_charted_with_its_reason_and_the_rule_speaks(
    account: Who, wait: Wait
) -> None:
    nurse = dosing(account, wait, concentration="", option=SPRAY)
    charted(nurse, "device")
    wait(3)
    charted(nurse, "device", words="he took it himself")
    assert "REG-007" in {finding.id for finding in here(nurse).prompts}


def test_a_limit_that_speaks_is_on_the_log_once_with_the_steps_that_were_taken_and_by_whom(
    account: Who, wait: Wait
) -> None:
    nurse, prescriber = dosing(account, wait), account("prescriber")
    wait(20)
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "184", "vitals.diastolic_mmhg": "96"}, by=nurse, key="")
    assert [e.words for e in visit_of(nurse).said("limit")] == ["MON-008"]
    steps = {one.rule_id: [name for name, _who, _do in one.steps] for one in here(nurse).steps}
    assert steps["MON-008"] == ["repeat", "pause", "tell-prescriber", "treat", "help"]
    charted(nurse, "escalated", words="MON-008 repeat")
    charted(prescriber, "escalated", words="MON-008 treat")
    with pytest.raises(BadInput, match="a step that the limit calls for"):
        charted(nurse, "escalated", words="MON-008 dance")
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "186", "vitals.diastolic_mmhg": "97"}, by=nurse, key="")
    assert len(visit_of(nurse).said("limit")) == 1  # it has not stopped speaking
    taken = [(e.words, e.by) for e in visit_of(nurse).said("escalated")]
    assert taken == [("MON-008 repeat", "Bo Marsh"), ("MON-008 treat", "Dr Ada Lindqvist")]


def test_nobody_goes_home_with_something_open_unless_a_prescriber_signs_why(account: Who, wait: Wait) -> None:
    nurse, prescriber = dosing(account, wait), account("prescriber")
    wait(40)
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    wait(30)
    with pytest.raises(BadInput, match=r"observation until 11:\d\d; .*"):
        pass_discharge(look(nurse), by=nurse, key="")
    with pytest.raises(BadInput, match="may override it"):
        close_session(look(nurse), by=nurse, key="", reason="she wants to go")
    with pytest.raises(Refused):
        override_discharge(look(nurse), by=nurse, reason="she wants to go", key="", proof=shown(nurse))
    with pytest.raises(BadInput, match="a reason"):
        override_discharge(look(nurse), by=prescriber, reason=" ", key="", proof=shown(prescriber))
    with pytest.raises(NotProven):
        override_discharge(look(nurse), by=prescriber, reason="against advice", key="", proof=None)
    override_discharge(look(nurse), by=prescriber, reason="against advice", key="", proof=shown(prescriber))
    assert "; observation until" in visit_of(nurse).said("discharge-overridden")[0].words
    close_session(look(nurse), by=nurse, key="")


def test_an_escort_who_is_named_and_advice_that_was_given_are_not_typed_again(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    wait(40)
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    wait(65)
    said = {p: v for p, v in ON_LEAVING.items() if p not in ("session.escort_present", "session.written_advice")}
    state_facts(look(nurse), typed(said), by=nurse, reason="", key="")
    chart_vitals(look(nurse), {**PRESSURE, "vitals.spo2_percent": "97"}, by=nurse, key="")
    with pytest.raises(BadInput, match="Ready to go home"):
        pass_discharge(look(nurse), by=nurse, key="")
    charted(nurse, "escort", words="Lena, her sister")
    with pytest.raises(BadInput, match="a sheet in"):
        charted(nurse, "advice-given", words="Klingon")
    charted(nurse, "advice-given", words="es")
    pass_discharge(look(nurse), by=nurse, key="")
    assert (visit_of(nurse).step, here(nurse).stays) == ("leaving", ())


def test_readings_are_due_by_their_rule_and_overdue_after_a_grace(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    open_session(look(nurse), by=nurse, key="")
    assert {d.what for d in here(nurse).due} == {
        "pressure", "oximetry", "sedation", "dissociation", "distress", "nausea",
    }  # fmt: skip
    assert all(d.due_at is None and not d.is_overdue for d in here(nurse).due)
    chart_vitals(look(nurse), PRESSURE, by=nurse, key="")
    asked_today(nurse)
    checked(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    began = wait(0)
    due = {d.what: d for d in here(nurse).due}
    assert (due["pressure"].due_at, due["pressure"].rule_id) == (began + timedelta(minutes=10), "MON-004")
    wait(16)
    assert {d.what: d.is_overdue for d in here(nurse).due}["pressure"]
    chart_vitals(look(nurse), {**PRESSURE, "session.moaa_s": "5"}, by=nurse, key="")
    due = {d.what: d for d in here(nurse).due}
    assert (due["pressure"].due_at, due["pressure"].is_overdue) == (began + timedelta(minutes=26), False)
    assert due["sedation"].last_at == began + timedelta(minutes=16)


def test_a_rate_far_above_the_order_is_confirmed_in_a_sentence_and_the_planned_end_follows_the_rate(
    account: Who, wait: Wait
) -> None:
    nurse = dosing(account, wait)  # 35 mg over 40 minutes, 0.5 mg/mL: 105 mL/h
    began = wait(0)

    def end() -> datetime | None:
        found = here(nurse)
        return ends_at(found.visit, found.ordered_mg, found.infusion_min, now=clock.now())

    assert end() == began + timedelta(minutes=40)
    charted(nurse, "rate", "105")
    wait(10)
    for words in ("", "extra"):
        with pytest.raises(BadInput, match=r"1\.5 times the ordered rate of 105 .* would be in at 10:18"):
            charted(nurse, "rate", "1050", words=words)
    charted(nurse, "rate", "52.5", words="slower needs no reason")
    assert not Alert.objects.filter(kind="dose.faster_than_ordered").exists()
    assert end() == pytest.approx(began + timedelta(minutes=70), abs=timedelta(seconds=1))
    seat = next(seat for seat in seats(look(nurse).reach, READY))
    assert ends_at(seat.visit, seat.ordered["dose_mg"], seat.ordered["infusion_min"], now=clock.now()) == end()
    wait(1)
    charted(nurse, "rate", "157")
    wait(1)
    charted(nurse, "rate", "1050", words="the prescriber ordered a bolus")
    assert Alert.objects.get(kind="dose.faster_than_ordered").patient_id == READY
    soon = end()
    assert soon is not None
    assert soon < clock.now() + timedelta(minutes=4)
    wait(20)
    assert end() == pytest.approx(soon, abs=timedelta(seconds=1))  # it is in, and the page says since when


def test_the_second_device_is_what_is_due_next_since_the_minute_it_may_be_given(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait, concentration="", option=SPRAY)
    chart_vitals(look(nurse), {**PRESSURE, **ALL_ELSE}, by=nurse, key="")
    charted(nurse, "device")
    first = wait(0)
    wait(12)
    assert here(nurse).due[0].what == "device-2"
    assert (here(nurse).due[0].due_at, here(nurse).due[0].is_overdue) == (first + timedelta(minutes=5), True)
    seat = next(seat for seat in seats(look(nurse).reach, READY))
    assert seat.next is not None
    with timezone.override(nurse.practice.zone):
        assert next_words(seat.next, clock.now()) == "Device 2, since 10:10"
    charted(nurse, "device-refused", words="he does not want it")
    assert "device-2" not in {d.what for d in here(nurse).due}


def test_everything_that_no_person_can_have_is_named_at_once(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    wrong = {"vitals.systolic_mmhg": "999", "vitals.diastolic_mmhg": "50", "vitals.spo2_percent": "970"}
    with pytest.raises(BadInput, match=r"999.* and also .*970") as told:
        chart_vitals(look(nurse), wrong, by=nurse, key="")
    assert "Diastolic" not in told.value.limit


def test_what_was_answered_today_stays_in_sight_and_is_answered_anew_until_the_order_is_checked(
    account: Who, wait: Wait
) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    open_session(look(nurse), by=nurse, key="")
    asked_today(nurse)
    path = "today.hours_since_alcohol"
    assert here(nurse).answered[path] == "240"
    wait(1)
    state_facts(look(nurse), {path: "7"}, by=nurse, reason="asked in the visit", key="")
    assert here(nurse).answered[path] == "7"
    against = [o for o in here(nurse).objections if path in o.paths]
    assert [o.words for o in against] == ["Alcohol within 24 hours (INT-005)"]


def test_a_risk_that_was_assessed_on_another_day_is_asked_in_the_room(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    wait(24 * 60)
    open_session(look(nurse), by=nurse, key="")
    path = "scale.suicide_risk"
    assert path in {spec.path for spec in here(nurse).asks}
    spoken = [o for o in here(nurse).objections if o.words.startswith("Suicide risk not assessed today")]
    assert [o.paths for o in spoken] == [(path,)]
    assert all(o.place or o.paths for o in here(nurse).objections if "No session is planned" not in o.words)
    state_facts(look(nurse), {path: "low"}, by=nurse, reason="asked in the visit", key="")
    assert path not in {spec.path for spec in here(nurse).asks}
