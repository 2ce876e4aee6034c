"""What goes wrong after the dose stays in sight: answers against going home, limits, their steps, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from tests.clinic.test_loop import READY, look
from tests.clinic.test_runner import PRESSURE, Wait, charted, dosing, here, visit_of
from tests.clinic.test_runner import wait as wait
from tests.options import SPRAY
from tests.proofs import shown

from clinic.access.models import Account
from clinic.actions import watches
from clinic.actions.alerts import acknowledge
from clinic.actions.profile import state_facts, withdraw_fact
from clinic.actions.session import chart_vitals, close_session, end_dose
from clinic.actions.session_course import Happened, Observed, chart_event, chart_observation, take_back_event
from clinic.actions.session_discharge import override_discharge, pass_discharge
from clinic.demo.charts import ON_LEAVING, typed
from clinic.practice.models import Alert
from clinic.queries.forms import five_of
from clinic.record.models import PatientLine
from clinic.web.session_page import log
from clinic.web.templatetags.alerts import alert_words
from ketapath.domain.session import Event
from ketapath.errors import BadInput

Who = Callable[[str], Account]
GOOD = {**PRESSURE, "vitals.spo2_percent": "97"}
BAD = {
    "vitals.systolic_mmhg": "195", "vitals.diastolic_mmhg": "118", "vitals.spo2_percent": "88", "session.moaa_s": "2",
    "session.dissociation_0_10": "9",
}  # fmt: skip


def observing(account: Who, wait: Wait, minutes: float = 65) -> Account:
    """The dose is over, and everything was asked that is asked before going home."""
    nurse = dosing(account, wait)
    wait(40)
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    wait(minutes)
    state_facts(look(nurse), typed(ON_LEAVING), by=nurse, reason="", key="")
    chart_vitals(look(nurse), GOOD, by=nurse, key="")
    wait(1)
    return nurse


def read(by: Account, said: dict[str, str]) -> None:
    chart_vitals(look(by), said, by=by, key="")


def not_needed(by: Account, why: str) -> None:
    for one in here(by).steps:
        charted(by, "steps-not-needed", words=f"{one.rule_id} {why}")


def alerts(kind: str, by: Account) -> list[Alert]:
    return list(Alert.objects.filter(practice=by.practice, patient_id=READY, kind=kind, closed_at=None).order_by("id"))


def last(by: Account, kind: str) -> Event:
    return visit_of(by).said(kind)[-1]


def test_who_may_go_does_so_no_longer_when_readings_turn_bad(account: Who, wait: Wait) -> None:
    nurse = observing(account, wait)
    pass_discharge(look(nurse), by=nurse, key="")
    assert visit_of(nurse).step == "leaving"
    wait(19)
    read(nurse, BAD)
    assert here(nurse).step == visit_of(nurse).step == "observing"
    assert PatientLine.objects.get(practice=nurse.practice, patient_id=READY).visit_step == "observing"
    assert "Oxygen saturation: 88 %" in last(nurse, "discharge-reopened").words
    with pytest.raises(BadInput, match="Oxygen saturation: 88 %"):
        close_session(look(nurse), by=nurse, key="")
    wait(10)
    read(nurse, {**GOOD, "session.moaa_s": "5"})
    assert visit_of(nurse).step == "observing"  # somebody looks at the checklist again, and says so
    not_needed(nurse, "measured again at once, with another cuff")
    pass_discharge(look(nurse), by=nurse, key="")
    close_session(look(nurse), by=nurse, key="")


def test_good_readings_and_time_leave_a_checklist_passed(account: Who, wait: Wait) -> None:
    nurse = observing(account, wait)
    pass_discharge(look(nurse), by=nurse, key="")
    wait(5)
    read(nurse, GOOD)
    assert visit_of(nurse).step == "leaving"
    wait(40)  # the readings have grown old in the waiting room
    assert here(nurse).step == "leaving"
    close_session(look(nurse), by=nurse, key="")


def test_an_answer_against_going_home_opens_the_checklist_again(account: Who, wait: Wait) -> None:
    nurse = observing(account, wait)
    pass_discharge(look(nurse), by=nurse, key="")
    wait(5)
    state_facts(look(nurse), {"session.walks_safely": "no"}, by=nurse, reason="", key="")
    assert visit_of(nurse).step == "observing"
    assert "session.walks_safely" in {spec.path for spec in here(nurse).asks}  # it can be answered anew


def test_an_answer_or_a_step_that_is_taken_back_opens_the_checklist_again(account: Who, wait: Wait) -> None:
    nurse = observing(account, wait)

    def take_back(path: str) -> None:
        known = look(nurse).person
        assert known is not None
        source = known.known[path].origin
        withdraw_fact(look(nurse), path, f"{source.resource}/{source.id}", by=nurse, reason="of another", key="")
        wait(1)

    take_back("session.escort_present")
    charted(nurse, "escort", words="her brother")
    pass_discharge(look(nurse), by=nurse, key="")
    wait(5)
    take_back("session.walks_safely")
    assert visit_of(nurse).step == "observing"
    assert PatientLine.objects.get(practice=nurse.practice, patient_id=READY).visit_step == "observing"
    state_facts(look(nurse), {"session.walks_safely": "yes"}, by=nurse, reason="", key="")
    pass_discharge(look(nurse), by=nurse, key="")
    assert visit_of(nurse).step == "leaving"
    wait(1)
    take_back_event(look(nurse), last(nurse, "escort").origin.id, by=nurse, reason="he went home", key="")
    assert visit_of(nurse).step == "observing"


def test_what_was_answered_wrong_is_named_first_with_its_value_and_signed_for(account: Who, wait: Wait) -> None:
    nurse, prescriber = observing(account, wait), account("prescriber")
    wrong = {"session.suicidal_intent": "yes", "session.walks_safely": "no", "session.will_drive": "yes",
             "session.modified_aldrete": "5"}  # fmt: skip
    state_facts(look(nurse), wrong, by=nurse, reason="", key="")
    said = [one.words for one in here(nurse).stays]
    for words in (
        "Intent to end their life now: yes",
        "Walks safely: no",
        "The person means to drive today: yes",
        ": 5",
    ):
        assert any(words in line for line in said), words
    assert all(one.is_answered for one in here(nurse).stays)
    for poor in ("x", "ok ok", "12345678901"):
        with pytest.raises(BadInput, match="a reason in words"):
            override_discharge(look(nurse), by=prescriber, reason=poor, key="", proof=shown(prescriber))
    why = "goes to the ward with me"
    override_discharge(look(nurse), by=prescriber, reason=why, key="", proof=shown(prescriber))
    words = log(here(nurse))[0]["words"]
    assert words.startswith(f"{why} [")
    assert all(line in words for line in said)


def test_an_override_counts_for_what_it_named_and_for_nothing_that_comes_after(account: Who, wait: Wait) -> None:
    nurse, prescriber = observing(account, wait), account("prescriber")
    state_facts(look(nurse), {"session.walks_safely": "no"}, by=nurse, reason="", key="")
    why = "in a wheelchair since years"
    override_discharge(look(nurse), by=prescriber, reason=why, key="", proof=shown(prescriber))
    wait(5)
    read(nurse, GOOD)
    assert visit_of(nurse).step == "leaving"
    wait(5)
    read(nurse, {**GOOD, "vitals.spo2_percent": "91"})
    assert visit_of(nurse).step == "observing"
    low, steps = (one.words for one in here(nurse).stays)
    assert low.startswith("Oxygen saturation: 91 %")
    assert "(MON-012) was reached at" in steps
    wait(5)
    read(nurse, GOOD)
    not_needed(nurse, "the finger was cold")
    pass_discharge(look(nurse), by=nurse, key="")  # the wheelchair was signed for
    close_session(look(nurse), by=nurse, key="")


def test_an_intent_to_die_before_going_home_tells_the_prescribers_at_once(account: Who, wait: Wait) -> None:
    nurse = observing(account, wait)
    assert alerts("suicidality.intent", nurse) == []
    state_facts(look(nurse), {"session.suicidal_intent": "yes"}, by=nurse, reason="", key="")
    (alert,) = alerts("suicidality.intent", nurse)
    assert alert.owner_role == "prescriber"
    watches.look_at_answers(look(nurse))  # what the worker looks at later is the same answer
    assert len(alerts("suicidality.intent", nurse)) == 1


def test_a_limit_that_is_reached_tells_a_prescriber_once_until_its_steps_are_taken(account: Who, wait: Wait) -> None:
    nurse, prescriber = dosing(account, wait), account("prescriber")
    wait(20)
    read(nurse, {"vitals.systolic_mmhg": "186", "vitals.diastolic_mmhg": "112", "vitals.spo2_percent": "91"})
    wait(1)
    read(nurse, {"vitals.systolic_mmhg": "186", "vitals.diastolic_mmhg": "112"})
    told = alerts("session.limit", nurse)
    assert [alert.about.partition(" ")[2] for alert in told] == ["MON-008", "MON-012"]
    assert {alert.owner_role for alert in told} == {"prescriber"}
    assert "(MON-008)" in alert_words(told[0])
    for step in ("repeat", "pause", "tell-prescriber", "treat"):
        charted(nurse, "escalated", words=f"MON-008 {step}")
    assert len(alerts("session.limit", nurse)) == 2
    charted(prescriber, "steps-not-needed", words="MON-008 the pressure is falling, no ambulance")
    assert [alert.about.partition(" ")[2] for alert in alerts("session.limit", nurse)] == ["MON-012"]
    wait(4)
    read(nurse, {"vitals.spo2_percent": "97"})
    (low,) = alerts("session.limit", nurse)  # it is back, and nobody has taken it up
    acknowledge(low.pk, by=prescriber)
    watches.watch_sessions(nurse.practice)
    assert alerts("session.limit", nurse) == []


def test_a_symptom_that_is_answered_is_a_limit_as_one_that_is_read(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    wait(20)
    state_facts(look(nurse), {"session.emergency_symptom": "yes"}, by=nurse, reason="", key="")
    assert last(nurse, "limit").words == "MON-009"
    assert [alert.about.partition(" ")[2] for alert in alerts("session.limit", nurse)] == ["MON-009"]


def test_the_steps_of_a_limit_stay_open_when_it_is_over_until_each_is_done_or_left_out(
    account: Who, wait: Wait
) -> None:
    nurse = dosing(account, wait)
    reached = wait(20)
    read(nurse, {"vitals.systolic_mmhg": "186", "vitals.diastolic_mmhg": "112", "vitals.spo2_percent": "91"})
    over = wait(1)
    read(nurse, {"vitals.systolic_mmhg": "170", "vitals.diastolic_mmhg": "100", "vitals.spo2_percent": "96"})
    assert {(e.words, e.at) for e in visit_of(nurse).said("limit-over")} == {("MON-008", over), ("MON-012", over)}
    standing = {one.rule_id: (one.since, one.until) for one in here(nurse).steps}
    assert standing == {"MON-008": (reached, over), "MON-012": (reached, over)}
    with pytest.raises(BadInput, match="a reason in words"):
        charted(nurse, "steps-not-needed", words="MON-008 ok")
    charted(nurse, "steps-not-needed", words="MON-008 the cuff was loose")
    for step in ("wake", "oxygen", "stop", "tell-prescriber", "help"):
        assert [one.rule_id for one in here(nurse).steps] == ["MON-012"]
        charted(nurse, "escalated", words=f"MON-012 {step}")
    assert here(nurse).steps == ()
    wait(5)
    read(nurse, {"vitals.systolic_mmhg": "188", "vitals.diastolic_mmhg": "112"})
    (again,) = here(nurse).steps  # reached a second time: what was done before does not count for it
    assert (again.rule_id, dict(again.taken), again.not_needed) == ("MON-008", {}, None)


def test_after_a_pressure_that_is_too_high_the_next_is_due_by_the_step_that_says_five_minutes(
    account: Who, wait: Wait
) -> None:
    nurse = dosing(account, wait)
    reached = wait(20)
    read(nurse, {"vitals.systolic_mmhg": "186", "vitals.diastolic_mmhg": "97"})
    due = {one.what: one for one in here(nurse).due}["pressure"]
    assert (due.due_at, due.rule_id) == (reached + timedelta(minutes=5), "MON-008")
    again = wait(5)
    read(nurse, {"vitals.systolic_mmhg": "184", "vitals.diastolic_mmhg": "97"})
    assert {one.what: one for one in here(nurse).due}["pressure"].due_at == again + timedelta(minutes=10)


def test_a_limit_whose_reading_comes_in_late_is_on_the_log_from_then_until_the_next_reading(
    account: Who, wait: Wait
) -> None:
    nurse = dosing(account, wait)
    began = wait(0)
    wait(25)
    read(nurse, GOOD)
    over, reached = wait(0), began + timedelta(minutes=15)
    wait(5)
    late = Observed(key="late", at=reached, kind="reading", values=BAD)
    assert [one.state for one in chart_observation(look(nurse), [late], by=nurse)] == ["kept"]
    for rule in ("MON-008", "MON-012"):
        assert [e.at for e in visit_of(nurse).said("limit") if e.words == rule] == [reached]
        assert [e.at for e in visit_of(nurse).said("limit-over") if e.words == rule] == [over]
    told = {alert.about.partition(" ")[2]: alert_words(alert) for alert in alerts("session.limit", nurse)}
    assert "at 10:20, charted late" in told["MON-012"]  # the dose began at 10:05
    assert {"MON-008", "MON-012"} <= {one.rule_id for one in here(nurse).steps}
    again = Observed(key="again", at=reached + timedelta(minutes=3), kind="reading", values=BAD)
    chart_observation(look(nurse), [again], by=nurse)
    assert len([e for e in visit_of(nurse).said("limit") if e.words == "MON-012"]) == 1


def test_nobody_goes_home_with_a_step_of_a_limit_open_unless_somebody_says_why(account: Who, wait: Wait) -> None:
    nurse, prescriber = dosing(account, wait), account("prescriber")
    wait(20)
    read(nurse, {**GOOD, "vitals.spo2_percent": "91"})
    wait(5)
    read(nurse, GOOD)
    wait(15)
    ended(nurse, "35")
    wait(65)
    state_facts(look(nurse), typed(ON_LEAVING), by=nurse, reason="", key="")
    read(nurse, GOOD)
    for step in (pass_discharge, close_session):
        with pytest.raises(BadInput, match=r"\(MON-012\) was reached at 10:25, and nobody has done"):
            step(look(nurse), by=nurse, key="")
    charted(nurse, "escalated", words="MON-012 wake")
    (left,) = here(nurse).stays
    assert left.is_answered is False
    assert "needed: Give oxygen" in left.words
    signing = transaction.savepoint()
    why = "all of it was done, at once"
    override_discharge(look(nurse), by=prescriber, reason=why, key="", proof=shown(prescriber))
    assert "(MON-012) was reached at 10:25" in last(nurse, "discharge-overridden").words
    close_session(look(nurse), by=nurse, key="")
    transaction.savepoint_rollback(signing)
    charted(nurse, "steps-not-needed", words="MON-012 the sensor had slipped off")
    pass_discharge(look(nurse), by=nurse, key="")
    close_session(look(nurse), by=nurse, key="")


def test_a_limit_is_over_when_its_reading_is_withdrawn(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    wait(20)
    read(nurse, {**PRESSURE, "vitals.spo2_percent": "97"})
    reached = wait(5)
    read(nurse, {"vitals.systolic_mmhg": "195", "vitals.diastolic_mmhg": "118"})
    over = wait(1)
    source = next(r.origin for r in visit_of(nurse).readings if r.at == reached)
    name = f"{source.resource}/{source.id}"
    withdraw_fact(look(nurse), "vitals.systolic_mmhg", name, by=nurse, reason="cuff was loose", key="")
    assert [(e.words, e.at) for e in visit_of(nurse).said("limit-over")] == [("MON-008", over)]
    assert [one.until for one in here(nurse).steps] == [over]  # its steps stay until somebody says so


def test_what_two_people_chart_at_one_instant_is_judged_by_what_stands_when_it_is_written(
    account: Who, wait: Wait
) -> None:
    nurse, prescriber = dosing(account, wait, concentration="", option=SPRAY), account("prescriber")
    both = look(nurse)  # each has the page open, and both click
    chart_event(both, Happened(kind="device"), by=nurse, key="one")
    with pytest.raises(BadInput, match="REG-007"):
        chart_event(both, Happened(kind="device"), by=prescriber, key="two")
    chart_event(both, Happened(kind="note", words="calm"), by=prescriber, key="three")
    wait(6)
    both = look(nurse)
    chart_event(both, Happened(kind="device"), by=nurse, key="four")
    with pytest.raises(BadInput, match="2 as ordered"):
        chart_event(both, Happened(kind="device"), by=nurse, key="five")
    assert here(nurse).devices == (2, 0)


def test_two_who_pause_at_once_have_paused_once(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    charted(nurse, "rate", "105")
    wait(1)
    both = look(nurse)
    chart_event(both, Happened(kind="pause"), by=nurse, key="one")
    with pytest.raises(BadInput, match="a pump that runs"):
        chart_event(both, Happened(kind="pause"), by=account("prescriber"), key="two")


def test_a_pump_that_was_stopped_gets_no_rate_and_no_second_stop(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    began = wait(0)
    wait(1)
    charted(nurse, "pause")
    wait(4)
    charted(nurse, "rate", "105")
    wait(11)
    assert here(nurse).counted_mg == 0.0
    charted(nurse, "resume")
    wait(20)
    charted(nurse, "stop")
    wait(1)
    with pytest.raises(BadInput, match="take the stop back first"):
        charted(nurse, "rate", "105")
    with pytest.raises(BadInput, match="a pump that was stopped at 10:41"):
        charted(nurse, "stop", at=began + timedelta(minutes=30))
    ended(nurse, "17.5", "stopped when she asked")
    stop = last(nurse, "stop")
    late = Observed(key="late", at=began + timedelta(minutes=25), kind="stop")
    take_back_event(look(nurse), stop.origin.id, by=nurse, reason="typed twice", key="")
    (answer,) = chart_observation(look(nurse), [late], by=nurse)
    assert (answer.state, "signed as ended at 10:41" in answer.words) == ("refused", True)
    assert "note" in answer.next_step


def test_an_injection_that_is_charted_twice_asks_why(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)

    def injected(by: Account, words: str) -> None:
        found = look(by)
        (visit,) = (one for one in found.visits if one.origin == found.open_visit.origin)  # type: ignore[union-attr]
        assert visit.administration is not None
        by_needle = replace(visit, administration=replace(visit.administration, route="im"))
        others = tuple(one for one in found.visits if one is not visit)
        chart_event(replace(found, visits=(*others, by_needle)), Happened(kind="given", words=words), by=by, key="")

    injected(nurse, "left deltoid")
    wait(2)
    for words in ("left deltoid", "left deltoid, x"):
        with pytest.raises(BadInput, match=r"given already, charted at 10:05 by Bo Marsh"):
            injected(account("prescriber"), words)
    injected(account("prescriber"), "right deltoid, the other half of the dose")


def test_devices_that_are_taken_back_after_the_signature_do_not_agree_with_it(account: Who, wait: Wait) -> None:
    nurse, prescriber = dosing(account, wait, concentration="", option=SPRAY), account("prescriber")
    for _device in range(2):
        charted(nurse, "device")
        wait(6)
    ended(nurse, "56")
    override_discharge(look(nurse), by=prescriber, reason="well and awake", key="", proof=shown(prescriber))
    close_session(look(nurse), by=nurse, key="")

    def devices() -> tuple[list[str | None], list[dict[str, str]]]:
        found = five_of(look(nurse), visit_of(nurse), nurse)
        assert found is not None
        fields = [field.value for field in found.fields if field.key == "devices"]
        return fields, [dict(one.said) for one in found.disagreements if one.field == "devices"]

    assert devices() == (["2"], [])
    for left, device in ((1, 0), (0, 0)):
        one = visit_of(nurse).said("device")[device]
        take_back_event(look(nurse), one.origin.id, by=nurse, reason="of the person next door", key="")
        words = {"signed": "56.00 mg", "devices": f"{left}, {left * 28}.00 mg"}
        assert devices() == ([str(left)], [words])


def ended(by: Account, mg: str, reason: str = "") -> None:
    end_dose(look(by), mg, stopped_early=mg == "0", by=by, reason=reason, key="", proof=shown(by))


def test_what_was_charted_as_given_is_not_signed_as_nothing(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait, concentration="", option=SPRAY)
    for _device in range(2):
        charted(nurse, "device")
        wait(6)
    with pytest.raises(BadInput, match=r"2 devices as given.*0 mg only where nothing was given"):
        ended(nurse, "0", "she did not want it")
    for device in visit_of(nurse).said("device"):
        take_back_event(look(nurse), device.origin.id, by=nurse, reason="of the person next door", key="")
    ended(nurse, "0", "she did not want it")
    close_session(look(nurse), by=nurse, key="")


def test_a_pump_that_ran_has_given_something_and_one_that_was_only_set_has_not(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    charted(nurse, "rate", "105")
    wait(20)
    with pytest.raises(BadInput, match=r"17\.5 mg by the rates"):
        ended(nurse, "0", "asked for it")
    (rate,) = visit_of(nurse).said("rate")
    take_back_event(look(nurse), rate.origin.id, by=nurse, reason="the pump was not started", key="")
    ended(nurse, "0", "asked for it")
