"""What a tablet kept through a network loss comes in once, at its own instants; and no order of acts skips a step."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from tests.clinic.test_loop import READY, asked_today, look, sign
from tests.clinic.test_runner import PRESSURE, Wait, arrived, charted, check, dosing, here, visit_of
from tests.clinic.test_runner import wait as wait
from tests.proofs import shown

from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.actions.commit import KeyReused
from clinic.actions.session import NotNow, chart_vitals, close_session, end_dose, open_session, start_dose
from clinic.actions.session_course import Observed, Taken, chart_observation
from clinic.actions.session_discharge import override_discharge
from clinic.actions.session_steps import confirm_consent, finish_rescreen
from clinic.jobs import do_next
from clinic.practice.models import Duty
from clinic.queries.person import measured
from ketapath.errors import BadInput

Who = Callable[[str], Account]


def reading(key: str, at: datetime, systolic: int, **scores: str) -> Observed:
    values = {"vitals.systolic_mmhg": str(systolic), "vitals.diastolic_mmhg": "80"}
    return Observed(key=key, at=at, kind="reading", values={**values, **scores})


def sent(by: Account, *items: Observed) -> list[Taken]:
    return list(chart_observation(look(by), items, by=by))


def systolic(by: Account) -> list[tuple[datetime, float]]:
    return [(r.at, float(r.value)) for r in visit_of(by).readings if r.quantity == "vitals.systolic_mmhg"]


def test_a_queue_that_comes_late_twice_and_in_any_order_is_kept_once_at_its_own_instants(
    account: Who, wait: Wait
) -> None:
    nurse = dosing(account, wait)
    began = wait(0)
    queue = [
        Observed(key="k3", at=began + timedelta(minutes=23), kind="stop"),
        reading("k2", began + timedelta(minutes=20), 146, **{"session.distress_0_10": "8"}),
        Observed(key="k1", at=began + timedelta(minutes=1), kind="rate", value="105"),
        Observed(key="k4", at=began + timedelta(minutes=21), kind="note", words="cries, wants to stop"),
    ]
    now = wait(30)
    assert [t.state for t in sent(nurse, *queue)] == ["kept"] * 4
    assert [t.state for t in sent(nurse, *queue[::-1])] == ["had"] * 4
    assert systolic(nurse)[1:] == [(began + timedelta(minutes=20), 146.0)]
    said = [(e.kind, e.at) for e in visit_of(nurse).events if e.at > began and e.kind != "limit"]
    assert said == [("rate", queue[2].at), ("note", queue[3].at), ("stop", queue[0].at)]
    assert all(r.under_drug for r in visit_of(nurse).readings if r.at > began)
    assert [(e.words, e.at) for e in visit_of(nurse).said("limit")] == [("MON-016", queue[1].at)]
    assert here(nurse).counted_mg == pytest.approx(105 * 0.5 * 22 / 60)
    assert now > queue[0].at


def test_an_item_that_cannot_be_is_refused_alone_and_with_words(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    began = wait(0)
    wait(10)
    answers = sent(
        nurse,
        reading("good", began + timedelta(minutes=5), 130),
        reading("ahead", began + timedelta(minutes=15), 131),
        reading("before", began - timedelta(hours=3), 132),
        reading("wrong", began + timedelta(minutes=6), 900),
        Observed(key="order", at=began, kind="order-checked", words="x"),
        Observed(key="sign", at=began, kind="witness"),
        Observed(key="home", at=began, kind="discharge-ready"),
        reading("", began, 133),
        reading("too old", began - timedelta(days=2), 134),
    )
    assert [(t.key, t.state) for t in answers if t.state == "kept"] == [("good", "kept")]
    assert all(t.words and t.next_step for t in answers if t.state == "refused")
    assert len(systolic(nurse)) == 2
    assert visit_of(nurse).said("order-checked")[0].words != "x"


def test_one_key_is_one_entry_and_another_under_it_is_refused(account: Who, wait: Wait) -> None:
    nurse = dosing(account, wait)
    began = wait(0)
    wait(10)
    sent(nurse, reading("one", began + timedelta(minutes=5), 130))
    (answer,) = sent(nurse, reading("one", began + timedelta(minutes=5), 150))
    assert (answer.state, answer.words) == ("refused", "Another entry came under the same key.")
    assert [value for _at, value in systolic(nurse)] == [126.0, 130.0]


def test_a_dose_that_began_during_the_loss_turns_the_readings_after_it_into_readings_under_it(
    account: Who, wait: Wait
) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    open_session(look(nurse), by=nurse, key="")
    chart_vitals(look(nurse), PRESSURE, by=nurse, key="")
    asked_today(nurse)
    confirm_consent(look(nurse), by=nurse, key="")
    finish_rescreen(look(nurse), by=nurse, key="")
    first = wait(2)
    begun = Observed(key="s", at=first + timedelta(minutes=3), kind="start", words="a place came free")
    wait(20)
    for by in (nurse, prescriber):
        check(by)
    assert sent(nurse, begun)[0].state == "refused"  # it was not checked by then: nobody charts that away
    begun = Observed(key="t", at=first + timedelta(minutes=21), kind="start", words="a place came free")
    wait(20)
    sent(nurse, reading("r", first + timedelta(minutes=33), 152))
    assert [(t.state, t.words) for t in sent(nurse, begun)] == [("kept", "")]
    given = visit_of(nurse).administration
    assert given is not None
    assert given.started_at == begun.at
    assert [(r.value, r.under_drug) for r in visit_of(nurse).readings if r.quantity == "vitals.systolic_mmhg"] == [
        (126.0, False), (152.0, True),
    ]  # fmt: skip
    person = look(nurse).person
    assert person is not None
    assert person.known["vitals.systolic_mmhg"].value == 126.0


def test_a_reading_that_comes_after_going_home_is_kept_and_only_staff_of_the_room_may_send_it(
    account: Who, wait: Wait
) -> None:
    nurse, prescriber = dosing(account, wait), account("prescriber")
    began = wait(40)
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    override_discharge(look(nurse), by=prescriber, reason="well and awake", key="", proof=shown(prescriber))
    close_session(look(nurse), by=nurse, key="")
    wait(20)
    assert sent(nurse, reading("late", began - timedelta(minutes=10), 139))[0].state == "kept"
    assert sent(nurse, reading("gone", began + timedelta(minutes=5), 139))[0].state == "refused"
    for role in ("coordinator", "therapist", "pharmacist"):
        with pytest.raises(Refused):
            sent(account(role), reading("x", began, 139))


def test_afterwards_the_miss_is_kept_and_the_sensitivity_takes_the_readings(account: Who, wait: Wait) -> None:
    nurse, prescriber = dosing(account, wait), account("prescriber")
    prior = measured(look(nurse))
    for minutes, value in ((20, "172"), (20, "178")):
        wait(minutes)
        said = {"vitals.systolic_mmhg": value, "vitals.diastolic_mmhg": "99", "session.distress_0_10": "2"}
        chart_vitals(look(nurse), said, by=nurse, key="")
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    wait(80)
    override_discharge(look(nurse), by=prescriber, reason="well and awake", key="", proof=shown(prescriber))
    close_session(look(nurse), by=nurse, key="")
    while do_next():
        pass
    misses = {m.quantity: m for m in visit_of(nurse).misses}
    assert misses["systolic"].readings == 2
    assert misses["systolic"].mean > 15
    assert misses["systolic"].standardised > 1
    after = measured(look(nurse))
    assert (prior.sessions, after.sessions, after.used["systolic"]) == (0, 1, 1)
    facts = look(nurse).person.known  # type: ignore[union-attr]
    assert (facts["course.peak_systolic_mmhg"].value, facts["course.peak_distress_0_10"].value) == (178.0, 2.0)


def test_a_start_that_is_charted_late_is_judged_by_who_was_on_duty_then(account: Who, wait: Wait) -> None:
    nurse = account("nurse")
    sign(account("prescriber"))
    arrived(nurse)
    began, now = wait(0), wait(10)
    prescribers = Duty.objects.filter(practice=nurse.practice, account__role="prescriber")
    prescribers.update(
        starts_at=began + timedelta(minutes=5), ends_at=now + timedelta(hours=4)
    )  # they came when it had begun
    with pytest.raises(NotNow, match="Prescriber present"):
        start_dose(look(nurse), by=nurse, reason="a place came free", key="", at=began)
    prescribers.update(starts_at=began - timedelta(hours=4), ends_at=now - timedelta(minutes=5))
    with pytest.raises(NotNow, match="Prescriber present"):
        start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    start_dose(
        look(nurse), by=nurse, reason="a place came free", key="", at=began
    )  # they were there, and have gone since


@pytest.mark.requirement(48)
def test_no_order_of_acts_reaches_a_dose_without_every_step_and_every_gate(account: Who, wait: Wait) -> None:
    """Six shuffles of all acts, each tried twice, with a gate that opens and shuts among them."""
    nurse, prescriber = account("nurse"), account("prescriber")
    sign(prescriber)
    open_session(look(nurse), by=nurse, key="")
    duty = list(Duty.objects.filter(practice=nurse.practice))

    def shut() -> None:
        Duty.objects.filter(practice=nurse.practice).delete()

    def opened() -> None:
        if not Duty.objects.filter(practice=nurse.practice).exists():
            Duty.objects.bulk_create(duty)

    acts = [
        lambda: chart_vitals(look(nurse), PRESSURE, by=nurse, key=""),
        lambda: asked_today(nurse),
        lambda: confirm_consent(look(nurse), by=nurse, key=""),
        lambda: finish_rescreen(look(nurse), by=nurse, reason="x", key=""),
        lambda: check(nurse),
        lambda: check(prescriber),
        lambda: charted(nurse, "rate", "60", unit="mg/h"),
        lambda: start_dose(look(nurse), by=nurse, reason="a place came free", key=""),
        shut,
        opened,
    ]
    shuffle, doses = random.Random(9), 0
    for _turn in range(6):
        sid = transaction.savepoint()
        order = shuffle.sample(acts, len(acts)) + shuffle.sample(acts, len(acts))
        for act in order:
            is_open = Duty.objects.filter(practice=nurse.practice).exists()
            was_given = visit_of(nurse).administration is not None
            try:
                act()
            except (BadInput, NotNow, KeyReused):
                continue
            visit = visit_of(nurse)
            if visit.administration is not None and not was_given:
                doses += 1
                kinds = [e.kind for e in visit.events]
                steps = [kinds.index(k) for k in ("consent-confirmed", "re-screened", "order-checked")]
                assert steps == sorted(steps)
                assert {e.username for e in visit.checks} == {"nurse", "prescriber"}
                assert is_open
                assert any(not r.under_drug for r in visit.readings)
        transaction.savepoint_rollback(sid)
    assert doses > 0
    assert visit_of(nurse).step == "arrived"
    assert look(nurse).patient_id == READY
