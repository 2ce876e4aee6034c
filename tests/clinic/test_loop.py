"""One person once round the loop, as the pages' own acts do it; and what must change when one fact changes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from html import unescape
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client
from tests.options import INFUSION, SPRAY
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.actions.commit import Stale
from clinic.actions.plan import Overtaken, Wish, decide_card, decide_plan, standing
from clinic.actions.profile import state_facts, withdraw_fact
from clinic.actions.response import answer_score
from clinic.actions.session import NotNow, chart_vitals, close_session, end_dose, open_session, start_dose
from clinic.actions.session_discharge import override_discharge
from clinic.actions.session_steps import check_order, confirm_consent, finish_rescreen
from clinic.actions.today import see_notice
from clinic.actions.typed import number
from clinic.demo.charts import ON_LEAVING, ON_THE_DAY, typed
from clinic.jobs import do_next
from clinic.practice.models import Alert
from clinic.queries import plan as queries
from clinic.queries.person import Chart, candidacy, chart, plan, treated
from clinic.queries.plan import replay
from clinic.queries.session import order_of, room
from clinic.queries.today import today
from clinic.record.models import ExposureLine, Notice, PatientLine
from clinic.record.projections import knowledge
from ketapath.errors import BadInput
from ketapath.report import say

READY = "treatment-resistant-depression"
Who = Callable[[str], Account]


def look(by: Account, patient_id: str = READY) -> Chart:
    found = chart(by.practice, patient_id)
    assert found is not None
    return found


def wish(found: Chart, outcome: str = "accepted", **fields: object) -> Wish:
    values = {"reason": "", "seen": standing(found), "digest": plan(found).inputs_digest, **fields}
    return Wish(outcome=outcome, **values)  # type: ignore[arg-type]


def sign(by: Account, patient_id: str = READY, option: str = INFUSION) -> Chart:
    found = look(by, patient_id)
    decide_plan(found, option, wish(found), by=by, key="", proof=shown(by))
    return look(by, patient_id)


def test_a_person_goes_once_round_the_loop(account: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    zone = nurse.practice.zone
    now = datetime.combine(clock.today(zone), time(10), ZoneInfo(zone))  # no midnight falls into the session
    monkeypatch.setattr(clock, "now", lambda: now)
    assert candidacy(look(nurse)).verdict == "eligible"
    signed = sign(prescriber)
    assert signed.plan is not None
    assert (signed.plan.status, signed.plan.dose_mg, signed.plan.infusion_min) == ("active", 35.0, 40.0)

    open_session(look(nurse), by=nurse, key="a")
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "126", "vitals.diastolic_mmhg": "79"}, by=nurse, key="b")
    asked_today(nurse)
    checked(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free today", key="c")
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=40))
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "144", "vitals.diastolic_mmhg": "88"}, by=nurse, key="d")
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="e", proof=shown(nurse))
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=110))
    with pytest.raises(BadInput, match="Ready to go home"):
        close_session(look(nurse), by=nurse, key="f")
    state_facts(look(nurse), typed(ON_LEAVING), by=nurse, reason="", key="")
    with pytest.raises(BadInput, match="Ready to go home"):  # the last readings are 70 minutes old
        close_session(look(nurse), by=nurse, reason="", key="f")
    last = {"vitals.systolic_mmhg": "131", "vitals.diastolic_mmhg": "82", "vitals.spo2_percent": "97"}
    chart_vitals(look(nurse), last, by=nurse, key="last")
    close_session(look(nurse), by=nurse, reason="", key="f")

    found = look(nurse)
    (visit,) = found.visits
    assert room(found, visit).step == "home"
    assert visit.administration is not None
    assert visit.administration.dose_mg == 35.0
    assert found.person is not None
    assert found.person.known["vitals.systolic_mmhg"].value == 126.0  # at rest, not the 144 under the drug
    assert ExposureLine.objects.get(practice=nurse.practice, patient_id=READY).dose_mg == 35.0

    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=2))
    answer_score(look(nurse), "phq9", [2, 2, 1, 2, 1, 1, 1, 1, 0], by=nurse, key="g")
    found = look(prescriber)
    card = treated(found).card
    assert card.decision == "continue"
    decide_card(found, "continue", wish(found), by=prescriber, key="h", proof=shown(prescriber))
    assert look(prescriber).decisions[-1].chosen == "continue"
    assert look(prescriber).settled is not None
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=2, minutes=5))
    answer_score(look(nurse), "phq9", [2, 2, 1, 2, 1, 1, 1, 1, 0], by=nurse, key="i")
    assert look(prescriber).settled is None


def test_a_dose_changed_on_the_card_makes_a_new_plan_of_what_is_left(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    decide_card(
        found,
        "adjust",
        wish(found, "changed", reason="light", dose_mg=30.0),
        by=prescriber,
        key="",
        proof=shown(prescriber),
    )
    after = look(prescriber)
    assert after.plan is not None
    assert (after.plan.dose_mg, after.plan.status) == (30.0, "active")
    assert [p.status for p in after.plans] == ["revoked", "active"]
    assert len(after.plan.visits) == len(found.plan.visits)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("chosen", "fields"),
    [("continue", {"dose_mg": 40.0}), ("pause", {"dose_mg": 40.0}), ("adjust", {"dose_mg": 30.0, "every_days": 7})],
)
def test_a_typed_dose_or_spacing_is_never_dropped_under_a_signature(
    account: Who, chosen: str, fields: dict[str, float]
) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    with pytest.raises(BadInput, match=r"a step that (leaves the order|brings no new dates)"):
        decide_card(
            found, chosen, wish(found, "changed", reason="light", **fields), by=prescriber, key="",  # type: ignore[arg-type]
            proof=shown(prescriber),
        )  # fmt: skip
    after = look(prescriber)
    assert (after.plan, after.decisions) == (found.plan, found.decisions)
    assert found.plan is not None
    same = wish(found, "changed", reason="as it is", dose_mg=found.plan.dose_mg)
    decide_card(found, "continue", same, by=prescriber, key="", proof=shown(prescriber))


def test_a_plan_is_not_signed_with_the_suggested_dose_while_another_is_typed(account: Who) -> None:
    prescriber = account("prescriber")
    found = look(prescriber)
    with pytest.raises(BadInput, match="20 mg, and a signature under the suggested dose"):
        decide_plan(found, INFUSION, wish(found, dose_mg=20.0), by=prescriber, key="", proof=shown(prescriber))
    assert look(prescriber).plan is None


def test_a_suggestion_is_rejected_with_a_reason_alone(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    with pytest.raises(BadInput, match="reason"):
        decide_card(found, None, wish(found, "rejected"), by=prescriber, key="a")
    with pytest.raises(BadInput, match="no step"):
        decide_card(found, None, wish(found, "changed", reason="x"), by=prescriber, key="b", proof=shown(prescriber))
    decide_card(found, None, wish(found, "rejected", reason="not convinced"), by=prescriber, key="c")
    made = look(prescriber).decisions[-1]
    assert (made.outcome, made.chosen, made.reason) == ("rejected", treated(found).card.decision, "not convinced")


def test_going_on_after_the_last_session_makes_a_new_plan_with_the_chosen_spacing(account: Who) -> None:
    prescriber, patient_id = account("prescriber"), "first-language-arabic"
    found = look(prescriber, patient_id)
    assert found.plan is not None
    assert found.sessions_ahead == ()
    decide_card(found, "continue", wish(found, every_days=14), by=prescriber, key="", proof=shown(prescriber))
    after = look(prescriber, patient_id)
    assert after.plan is not None
    assert (after.plan.status, after.plan.dose_mg) == ("active", found.plan.dose_mg)
    days = [v.on for v in after.sessions_ahead]
    assert [(later - earlier).days for earlier, later in pairwise(days)] == [14, 14, 14]
    with pytest.raises(BadInput, match="days between sessions"):
        decide_card(found, "continue", wish(found, every_days=5), by=prescriber, key="", proof=shown(prescriber))


@pytest.mark.parametrize(("chosen", "days"), [("taper", 28), ("adjust", 14)])
def test_a_taper_and_another_spacing_bring_their_dates_and_the_dose_stays(account: Who, chosen: str, days: int) -> None:
    prescriber, patient_id = account("prescriber"), "first-language-arabic"
    found = look(prescriber, patient_id)
    assert found.plan is not None
    wanted = wish(found, "changed", reason="agreed with her", every_days=days)
    decide_card(found, chosen, wanted, by=prescriber, key="", proof=shown(prescriber))  # type: ignore[arg-type]
    after = look(prescriber, patient_id)
    assert after.plan is not None
    assert after.plan.dose_mg == found.plan.dose_mg
    assert {(b.on - a.on).days for a, b in pairwise(after.sessions_ahead)} == {days}


def test_a_switch_holds_the_plan_until_another_is_signed(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    decide_card(
        found, "switch", wish(found, "changed", reason="no more"), by=prescriber, key="", proof=shown(prescriber)
    )
    after = look(prescriber).plan
    assert after is not None
    assert after.status == "on-hold"
    with pytest.raises(BadInput, match="no active plan"):
        open_session(look(prescriber), by=prescriber, key="")


def test_the_page_of_a_treated_person_shows_each_step_with_its_chance_and_each_spacing(
    account: Who, browser_of: Callable[[str], Client]
) -> None:
    prescriber = account("prescriber")
    page = browser_of("prescriber").get("/patients/first-language-arabic").content.decode()
    card = treated(look(prescriber, "first-language-arabic")).card
    assert card.others
    assert card.maintenance is not None
    for other in card.others:
        assert say(other.statement, knowledge().texts) in unescape(page)
    for one in card.maintenance.intervals:
        assert f"{100 * one.probability:.0f} in 100" in page


@pytest.mark.parametrize(("chosen", "status"), [("pause", "on-hold"), ("stop", None)])
def test_pausing_and_stopping_take_the_plan_and_its_order_along(account: Who, chosen: str, status: str | None) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    decide_card(
        found, chosen, wish(found, "changed", reason="her wish"), by=prescriber, key="", proof=shown(prescriber)
    )  # type: ignore[arg-type]
    after = look(prescriber).plan
    assert (None if after is None else after.status) == status
    with pytest.raises(BadInput, match="no active plan"):
        open_session(look(prescriber), by=prescriber, key="")


def test_without_a_ride_home_the_page_says_so(account: Who) -> None:
    nurse = account("nurse")
    before = {f.id for f in candidacy(look(nurse)).findings}
    state_facts(look(nurse), {"social.ride_home": "no"}, by=nurse, reason="asked", key="")
    found = look(nurse)
    assert found.person is not None
    assert found.person.known["social.ride_home"].value is False
    assert {f.id for f in candidacy(found).findings} - before or any(
        task.blocks_first_session for option in plan(found).options for task in option.support
    )


def test_an_aneurysm_that_becomes_known_rules_ketamine_out_at_once(account: Who) -> None:
    nurse = account("nurse")
    state_facts(look(nurse), {"history.aneurysm": "yes"}, by=nurse, reason="letter of 20 Nov", key="")
    found = look(nurse)
    assert candidacy(found).verdict == "not-eligible"
    assert plan(found).options == ()


def test_without_todays_pressure_nobody_can_say(account: Who) -> None:
    nurse = account("nurse")
    found = look(nurse)
    assert found.person is not None
    fact = found.person.known["vitals.systolic_mmhg"]
    withdraw_fact(found, fact.path, f"{fact.origin.resource}/{fact.origin.id}", by=nurse, reason="wrong cuff", key="")
    after = look(nurse)
    assert candidacy(after).verdict == "undetermined"
    assert "vitals.systolic_mmhg" in {m.path for m in candidacy(after).missing}


def test_a_list_of_words_opens_empty_and_the_page_says_what_is_on_record(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    nurse, address = account("nurse"), f"/patients/{READY}/fact"
    state_facts(look(nurse), {"scale.suicide_risk": "low"}, by=nurse, reason="", key="")
    page = browser_of("nurse")
    text = page.get(address, {"path": "scale.suicide_risk"}).content.decode()
    assert re.search(r'<select id="said" name="said" required><option value="">choose</option>', text)
    assert "selected" not in re.findall(r'<select id="said".*?</select>', text, re.DOTALL)[0]
    assert re.search(r"On record now:\s*<strong>low</strong>", text)
    untouched = page.post(address, {"path": "scale.suicide_risk", "said": "", "key": "k"})
    assert untouched.status_code == 400
    fact = look(nurse).person
    assert fact is not None
    assert fact.known["scale.suicide_risk"].value == "low"


@pytest.mark.parametrize(
    ("path", "said"),
    [("social.ride_home", "maybe"), ("vitals.weight_kg", "7000"), ("vitals.weight_kg", "nan"), ("no.such", "yes"),
     ("person.age_years", "20"), ("scale.suicide_risk", "some")],
)  # fmt: skip
def test_a_fact_that_cannot_be_is_refused_by_name(account: Who, path: str, said: str) -> None:
    nurse = account("nurse")
    with pytest.raises(BadInput):
        state_facts(look(nurse), {path: said}, by=nurse, reason="", key="")


@pytest.mark.requirement(47)
def test_nobody_signs_what_has_changed_since_they_read_it(account: Who) -> None:
    prescriber = account("prescriber")
    seen = look(prescriber)
    read = wish(seen)
    state_facts(seen, {"history.aneurysm": "yes"}, by=prescriber, reason="", key="")
    with pytest.raises(Overtaken):
        decide_plan(look(prescriber), INFUSION, read, by=prescriber, key="", proof=shown(prescriber))


def test_the_second_signature_on_the_same_page_is_told(account: Who) -> None:
    prescriber = account("prescriber")
    read = wish(look(prescriber))
    sign(prescriber)
    with pytest.raises(Stale):
        decide_plan(look(prescriber), SPRAY, read, by=prescriber, key="", proof=shown(prescriber))
    standing_now = look(prescriber).plan
    assert standing_now is not None
    assert standing_now.option_id == INFUSION


@pytest.mark.requirement(49)
@pytest.mark.parametrize("mg", [None, 0.0, -5.0, 500.0])
def test_a_dose_that_the_protocol_does_not_allow_is_refused(account: Who, mg: float | None) -> None:
    prescriber = account("prescriber")
    found = look(prescriber)
    with pytest.raises(BadInput, match="dose"):
        decide_plan(
            found,
            INFUSION,
            wish(found, "changed", reason="x", dose_mg=mg),
            by=prescriber,
            key="",
            proof=shown(prescriber),
        )


def test_changing_and_rejecting_need_a_reason(account: Who) -> None:
    prescriber = account("prescriber")
    found = look(prescriber)
    for outcome in ("changed", "rejected"):
        with pytest.raises(BadInput, match="reason"):
            decide_plan(
                found,
                INFUSION,
                wish(found, outcome, dose_mg=30.0),
                by=prescriber,
                key="",
                proof=shown(prescriber),
            )


@pytest.mark.requirement(48)
def test_the_steps_of_a_session_cannot_be_skipped(account: Who) -> None:
    nurse = account("nurse")
    for step in (
        lambda: open_session(look(nurse), by=nurse, key=""),
        lambda: start_dose(look(nurse), by=nurse, reason="x", key=""),
        lambda: end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse)),
        lambda: close_session(look(nurse), by=nurse, reason="", key=""),
    ):
        with pytest.raises(BadInput, match="order of steps"):
            step()


def asked_today(nurse: Account) -> None:
    state_facts(look(nurse), typed(ON_THE_DAY), by=nurse, reason="", key="")


def arrived(nurse: Account, systolic: str = "126", diastolic: str = "79") -> None:
    open_session(look(nurse), by=nurse, key="")
    said = {"vitals.systolic_mmhg": systolic, "vitals.diastolic_mmhg": diastolic}
    chart_vitals(look(nurse), said, by=nurse, key="")
    asked_today(nurse)
    checked(nurse)


def checked(nurse: Account) -> None:
    """Consent confirmed, re-screen finished, order checked by the nurse and the prescriber."""
    confirm_consent(look(nurse), by=nurse, key="")
    finish_rescreen(look(nurse), by=nurse, key="")
    for by in (nurse, Account.objects.get(username="prescriber")):
        found = look(by)
        assert found.open_visit is not None
        order = order_of(found, found.open_visit)
        assert order is not None
        check_order(found, order.seen, by=by, key="", proof=shown(by))


def test_against_candidacy_only_a_prescriber_doses_and_with_a_reason(account: Who) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    arrived(nurse, "150", "84")
    with pytest.raises(NotNow, match="Candidacy does not say"):
        start_dose(look(nurse), by=nurse, reason="urgent", key="")
    with pytest.raises(NotNow, match="Candidacy does not say"):
        start_dose(look(prescriber), by=prescriber, reason=" ", key="")
    start_dose(look(prescriber), by=prescriber, reason="cardiologist in the room", key="")
    found = look(nurse)
    assert [r.reason for r in room(found, found.visits[0]).reasons] == ["cardiologist in the room"]


def test_a_dose_needs_a_pressure_of_this_visit_and_on_another_day_than_planned_a_reason(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    open_session(look(nurse), by=nurse, key="")
    with pytest.raises(NotNow, match="No pressure was read in this visit"):
        start_dose(look(nurse), by=nurse, reason="it was read this morning", key="")
    with pytest.raises(BadInput, match="above the diastolic"):
        chart_vitals(look(nurse), {"vitals.systolic_mmhg": "80", "vitals.diastolic_mmhg": "120"}, by=nurse, key="")
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "126", "vitals.diastolic_mmhg": "79"}, by=nurse, key="")
    confirm_consent(look(nurse), by=nurse, key="")
    with pytest.raises(BadInput, match=r"not asked: .*way home"):
        finish_rescreen(look(nurse), by=nurse, reason="she came by bus", key="")
    asked_today(nurse)
    checked(nurse)
    with pytest.raises(NotNow, match="No session is planned for today"):
        start_dose(look(nurse), by=nurse, reason="", key="")


def test_a_weight_that_fell_stops_a_dose_that_was_ordered_by_the_old_one(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    chart_vitals(look(nurse), {"vitals.weight_kg": "30"}, by=nurse, key="")
    with pytest.raises(NotNow, match="at most 30 mg"):
        start_dose(look(nurse), by=nurse, reason="she is slim", key="")


def test_a_second_dose_on_one_day_is_a_prescribers_decision(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    prescriber = account("prescriber")
    override_discharge(look(nurse), by=prescriber, reason="well and awake", key="", proof=shown(prescriber))
    close_session(look(nurse), by=nurse, key="")
    arrived(nurse)
    with pytest.raises(NotNow, match="today already"):
        start_dose(look(nurse), by=nurse, reason="again", key="")


def test_what_was_given_is_written_as_it_was_and_more_than_ordered_is_confirmed_and_told(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    with pytest.raises(BadInput, match="what was given"):
        end_dose(look(nurse), "20", stopped_early=True, by=nurse, reason="", key="", proof=shown(nurse))
    with pytest.raises(BadInput, match="as ordered"):
        end_dose(look(nurse), "999", stopped_early=False, by=nurse, reason="typed so", key="", proof=shown(nurse))
    end_dose(
        look(nurse),
        "40",
        stopped_early=False,
        is_confirmed=True,
        by=nurse,
        reason="pump set wrong",
        key="",
        proof=shown(nurse),
    )
    while do_next():
        pass
    assert Alert.objects.get(patient_id=READY, kind="dose.more_than_ordered").owner_role == "prescriber"
    with pytest.raises(BadInput, match="going home"):
        close_session(look(nurse), by=nurse, reason="", key="")


def test_a_dose_that_was_begun_and_not_given_is_no_session(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    end_dose(look(nurse), "0", stopped_early=True, by=nurse, reason="vein lost at once", key="", proof=shown(nurse))
    close_session(look(nurse), by=nurse, reason="", key="")
    found = look(nurse)
    assert found.person is not None
    assert found.person.doses == ()
    assert not found.visits[0].was_dosed
    assert not ExposureLine.objects.filter(practice=nurse.practice, patient_id=READY).exists()


def test_a_notice_is_seen_by_those_it_is_for(account: Who) -> None:
    sign(account("prescriber"))
    while do_next():
        pass
    notice = Notice.objects.get(practice=account("nurse").practice, patient_id=READY, key="plan.signed")
    with pytest.raises(Refused):
        see_notice(notice.pk, by=account("coordinator"))
    assert see_notice(notice.pk, by=account("nurse"))


@pytest.mark.requirement(51)
def test_the_same_click_twice_gives_one_dose(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    for _ in range(2):
        open_session(look(nurse), by=nurse, key="one")
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "126", "vitals.diastolic_mmhg": "79"}, by=nurse, key="v")
    asked_today(nurse)
    checked(nurse)
    before = look(nurse)
    for _ in range(2):
        assert start_dose(before, by=nurse, reason="a place came free today", key="two").versions
    assert len(look(nurse).visits) == 1


def test_thoughts_of_self_harm_reach_the_prescriber_whatever_the_total(account: Who) -> None:
    nurse = account("nurse")
    _, result = answer_score(look(nurse), "phq9", [0, 0, None, 0, 0, 0, 0, 0, 1], by=nurse, key="")
    assert result.total is None
    assert result.alerts
    alert = Alert.objects.get(practice=nurse.practice, patient_id=READY, kind="measurement.item9")
    assert alert.owner == account("prescriber")
    assert candidacy(look(nurse)).verdict != "eligible"


@pytest.mark.parametrize("role", ["therapist", "coordinator", "director", "patient"])
def test_only_a_prescriber_signs_and_only_prescriber_or_nurse_doses(account: Who, role: str) -> None:
    found, by = look(account("nurse"), READY), account(role)
    with pytest.raises(Refused):
        decide_plan(found, INFUSION, wish(found), by=by, key="", proof=shown(by))
    with pytest.raises(Refused):
        start_dose(found, by=by, reason="", key="")


@pytest.mark.requirement(52)
def test_a_stored_recommendation_is_made_again_to_the_bit_after_the_record_went_on(account: Who) -> None:
    prescriber = account("prescriber")
    signed = sign(prescriber)
    assert signed.plan is not None
    assert signed.plan.recommendation_id is not None
    state_facts(look(prescriber), {"vitals.weight_kg": "88"}, by=prescriber, reason="", key="")
    decide_card(look(prescriber), "continue", wish(look(prescriber)), by=prescriber, key="", proof=shown(prescriber))
    for name in (signed.plan.recommendation_id, look(prescriber).decisions[-1].recommendation_id):
        found = replay(prescriber.practice, name)
        assert found is not None
        assert (found.same_build, found.differences) == (True, ())


def test_the_list_of_patients_follows_the_record(account: Who) -> None:
    nurse = account("nurse")
    signed = sign(account("prescriber"))
    line = PatientLine.objects.get(practice=nurse.practice, patient_id=READY)
    assert signed.plan is not None
    assert line.plan_status == "active"
    assert [day for day, _at in line.planned] == [v.on.isoformat() for v in signed.sessions_ahead]


def test_what_was_taken_back_is_not_remembered(account: Who) -> None:
    """A place in the history whose transaction was taken back is given to the next change."""
    nurse = account("nurse")
    with transaction.atomic():
        state_facts(look(nurse), {"history.aneurysm": "yes"}, by=nurse, reason="", key="")
        taken_back = look(nurse)
        assert candidacy(taken_back).verdict == "not-eligible"
        transaction.set_rollback(True)
    state_facts(look(nurse), {"social.stigma_concern": "yes"}, by=nurse, reason="", key="")
    found = look(nurse)
    assert found.changed_at != taken_back.changed_at
    assert candidacy(found).verdict == "eligible"


@pytest.mark.requirement(49)
def test_no_reason_helps_against_what_rules_the_treatment_out(account: Who) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    arrived(nurse)
    state_facts(look(nurse), {"history.aneurysm": "yes"}, by=nurse, reason="told today", key="")
    with pytest.raises(NotNow, match="rules this treatment out"):
        start_dose(look(prescriber), by=prescriber, reason="she insists", key="")
    assert look(nurse).open_visit.administration is None  # type: ignore[union-attr]


def test_another_build_that_says_the_same_is_told_apart_from_one_that_says_otherwise(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    prescriber = account("prescriber")
    signed = sign(prescriber)
    assert signed.plan is not None
    assert signed.plan.recommendation_id is not None
    monkeypatch.setattr(queries, "code_version", lambda: "0.0.9+elsewhere")
    found = replay(prescriber.practice, signed.plan.recommendation_id)
    assert found is not None
    assert (found.same_build, found.differences) == (False, ())
    decode = queries.decode
    monkeypatch.setattr(queries, "decode", lambda resource: replace(decode(resource), seed=2))  # type: ignore[type-var]
    other = replay(prescriber.practice, signed.plan.recommendation_id)
    assert other is not None
    assert any(".seed: 1 became 2" in line for line in other.differences)
    assert any(".exposure.p50" in line for line in other.differences)


def test_a_plan_does_not_change_under_an_open_visit_but_may_be_paused_before_the_dose(account: Who) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    arrived(nurse)
    found = look(prescriber)
    with pytest.raises(BadInput, match="still open"):
        decide_plan(found, SPRAY, wish(found, reason="better"), by=prescriber, key="", proof=shown(prescriber))
    with pytest.raises(BadInput, match="still open"):
        decide_card(
            found,
            "adjust",
            wish(found, "changed", reason="x", dose_mg=30.0),
            by=prescriber,
            key="",
            proof=shown(prescriber),
        )
    decide_card(found, "pause", wish(found, "changed", reason="fever"), by=prescriber, key="", proof=shown(prescriber))
    with pytest.raises(NotNow, match="No order stands"):
        start_dose(look(nurse), by=nurse, reason="x", key="")
    close_session(look(nurse), by=nurse, reason="", key="")


def test_a_plan_that_stands_is_replaced_with_a_reason_only(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    with pytest.raises(BadInput, match="replacing the plan"):
        decide_plan(found, SPRAY, wish(found), by=prescriber, key="", proof=shown(prescriber))
    decide_plan(found, SPRAY, wish(found, reason="needles"), by=prescriber, key="", proof=shown(prescriber))
    assert [p.status for p in look(prescriber).plans] == ["revoked", "active"]


def test_a_paused_plan_with_another_dose_stays_paused_until_somebody_goes_on(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    decide_card(found, "pause", wish(found, "changed", reason="fever"), by=prescriber, key="", proof=shown(prescriber))
    found = look(prescriber)
    decide_card(
        found,
        "adjust",
        wish(found, "changed", reason="lighter", dose_mg=30.0),
        by=prescriber,
        key="",
        proof=shown(prescriber),
    )
    found = look(prescriber)
    assert found.plan is not None
    assert (found.plan.status, found.plan.dose_mg) == ("on-hold", 30.0)
    decide_card(
        found, "continue", wish(found, "changed", reason="well again"), by=prescriber, key="", proof=shown(prescriber)
    )
    assert look(prescriber).plan.status == "active"  # type: ignore[union-attr]


def test_without_a_plan_there_is_nothing_to_go_on_with(account: Who) -> None:
    prescriber = account("prescriber")
    found = look(prescriber)
    with pytest.raises(BadInput, match="no plan that stands"):
        decide_card(
            found, "continue", wish(found, "changed", reason="x"), by=prescriber, key="", proof=shown(prescriber)
        )


def test_a_step_that_was_not_suggested_is_never_on_record_as_accepted(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    assert treated(found).card.decision == "continue"
    decide_card(
        found, "stop", wish(found, "accepted", reason="her wish"), by=prescriber, key="", proof=shown(prescriber)
    )
    assert look(prescriber).decisions[-1].outcome == "changed"


def test_a_missed_session_never_hides_the_one_of_today(account: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    nurse = account("nurse")
    signed = sign(account("prescriber"))
    first, second = (v.on for v in signed.sessions_ahead[:2])
    zone = ZoneInfo(nurse.practice.zone)
    monkeypatch.setattr(clock, "now", lambda: datetime.combine(second, time(10), zone))
    here = today(nurse)
    assert (READY, second) in [(due.line.patient_id, due.on) for due in here.planned]
    assert (READY, first) in [(due.line.patient_id, due.on) for due in here.missed]
    prescriber, found = account("prescriber"), look(account("prescriber"))
    decide_card(found, "pause", wish(found, "changed", reason="fever"), by=prescriber, key="", proof=shown(prescriber))
    assert READY not in [due.line.patient_id for due in (*today(nurse).planned, *today(nurse).missed)]


def test_a_form_of_an_earlier_day_is_kept_with_its_day_and_one_of_tomorrow_is_refused(account: Who) -> None:
    nurse = account("nurse")
    found = look(nurse)
    answer_score(found, "phq9", [1] * 8 + [0], by=nurse, key="", on=found.as_of - timedelta(days=5))
    scores = look(nurse).person.scores  # type: ignore[union-attr]
    assert (found.as_of - timedelta(days=5), 8.0) in [(s.on, s.total) for s in scores]
    for days in (-1, 29):
        with pytest.raises(BadInput, match="day of the answers"):
            answer_score(found, "phq9", [1] * 9, by=nurse, key="", on=found.as_of - timedelta(days=days))


@pytest.mark.parametrize("typed", ["1,000", "1e2", "1_2", "0x10", "٣", "", "12.34567", "- 3"])
def test_a_number_that_could_mean_two_things_is_none(typed: str) -> None:
    assert math.isnan(number(typed))


@pytest.mark.parametrize(("typed", "meant"), [("35", 35.0), (" 71,4 ", 71.4), ("0.5", 0.5), ("-2", -2.0)])
def test_a_number_is_read_with_point_or_comma(typed: str, meant: float) -> None:
    assert number(typed) == meant


def test_a_wrong_reading_is_withdrawn_from_its_own_page(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse, "216", "79")
    reading = look(nurse).visits[0].readings[0]
    source = f"Observation/{reading.origin.id}"
    withdraw_fact(look(nurse), "", source, by=nurse, reason="216 typed for 126", key="")
    assert look(nurse).visits[0].readings == ()


def test_what_may_have_changed_since_the_last_visit_is_asked_before_each_dose(account: Who) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    open_session(look(nurse), by=nurse, key="")
    found = look(nurse)
    assert found.open_visit is not None
    asked = {spec.path for spec in room(found, found.open_visit).asks}
    assert asked >= {
        "today.new_medicine", "today.new_illness", "today.minutes_since_food", "today.minutes_since_drink",
        "today.transport_confirmed", "today.may_be_pregnant",
    }  # fmt: skip
    assert found.person is not None
    assert found.person.known["scale.suicide_risk"].on == found.as_of  # asked where nobody has assessed it today
    asked_today(nurse)
    state_facts(look(nurse), {"today.may_be_pregnant": "yes"}, by=nurse, reason="", key="")
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "126", "vitals.diastolic_mmhg": "79"}, by=nurse, key="")
    checked(nurse)
    with pytest.raises(NotNow, match="Pregnancy"):
        start_dose(look(nurse), by=nurse, reason="", key="")


def test_no_signature_helps_against_a_pressure_that_is_too_high_now(account: Who) -> None:
    sign(account("prescriber"))
    arrived(account("nurse"), systolic="188", diastolic="104")
    with pytest.raises(NotNow, match="no signature helps"):
        start_dose(look(account("nurse")), by=account("prescriber"), reason="it has always been so", key="")
