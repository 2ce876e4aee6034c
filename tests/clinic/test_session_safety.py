"""What goes wrong after the dose stays in sight: answers against going home, limits, their steps, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
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
from clinic.actions.session_course import take_back_event
from clinic.actions.session_discharge import override_discharge, pass_discharge
from clinic.demo.charts import ON_LEAVING, typed
from clinic.practice.models import Alert
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
    assert [one.words.partition(". ")[0] for one in here(nurse).stays] == ["Oxygen saturation: 91 %"]
    wait(5)
    read(nurse, GOOD)
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


def ended(by: Account, mg: str, reason: str = "") -> None:
    end_dose(look(by), mg, stopped_early=mg == "0", by=by, reason=reason, key="", proof=shown(by))


def test_what_was_charted_as_given_is_not_signed_as_nothing(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait, concentration="", option=SPRAY)
    for _device in range(2):
        charted(nurse, "device")
        wait(6)
    with pytest.raises(BadInput, match="2 devices as given.*0 mg only where nothing was given"):
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
