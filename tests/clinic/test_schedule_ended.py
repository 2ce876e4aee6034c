"""What is booked for a plan that has ended is certain for nobody: every page says so, and one act cancels it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from tests.clinic.test_schedule import READY, look, sessions, sign
from tests.clinic.test_schedule import laid_out as laid_out
from tests.clinic.test_schedule import morning as morning
from tests.clinic.test_schedule import staffed as staffed
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account, Role
from clinic.actions.plan import Wish, decide_card, decide_plan, standing
from clinic.actions.schedule import book, cancel, cancel_ended, lay_out
from clinic.actions.watches import look_at_house
from clinic.practice.models import Alert
from clinic.queries.booking import booked_ahead, ended_ahead, series
from clinic.queries.person import Chart, plan
from clinic.queries.schedule import days_of
from ketapath.domain.plan import Decision
from ketapath.errors import BadInput

Who = Callable[[str], Account]


def decide(by: Account, step: Decision) -> None:
    found = look(by)
    wish = Wish(outcome="changed", reason="of no use", seen=standing(found), digest=plan(found).inputs_digest)
    decide_card(found, step, wish, by=by, key="", proof=shown(by))


def sign_another(by: Account) -> Chart:
    found = look(by)
    assert found.plan is not None
    other = next(o for o in plan(found).options if o.dose and o.protocol_id != found.plan.protocol_id)
    wish = Wish(outcome="accepted", reason="another way", seen=standing(found), digest=plan(found).inputs_digest)
    decide_plan(found, other.id, wish, by=by, key="", proof=shown(by))
    return look(by)


def told() -> set[str]:
    return set(Alert.objects.filter(kind="booking.plan_ended", patient_id=READY).values_list("state", flat=True))


@pytest.fixture
def own_page(browser_of: Callable[[str], Client]) -> Callable[[], str]:
    Account.objects.filter(username="patient").update(patient_id=READY)
    client = browser_of("patient")
    return lambda: client.get("/my").content.decode()


def test_what_is_booked_for_a_stopped_plan_is_certain_for_nobody(
    account: Who, laid_out: Account, browser_of: Callable[[str], Client], own_page: Callable[[], str]
) -> None:
    before = booked_ahead(look(laid_out))
    assert ended_ahead(look(laid_out)) == ()
    assert "ask first" not in own_page()
    decide(account("prescriber"), "stop")
    assert ended_ahead(look(laid_out)) == before
    assert "Before coming to an appointment marked" in own_page()
    assert own_page().count('tag caution">') == len(before)
    (alert,) = Alert.objects.filter(kind="booking.plan_ended", closed_at=None)
    assert (alert.patient_id, alert.owner_role) == (READY, Role.COORDINATOR)
    landed = browser_of("prescriber").get(f"/patients/{READY}").content.decode()
    assert f"{len(before)} appointments are still booked for a plan that has ended" in landed
    page = browser_of("coordinator").get(f"/patients/{READY}/schedule").content.decode()
    assert page.count("its plan has ended") == len(before)
    assert f"Cancel all {len(before)}" in page
    assert "To the appointments" in browser_of("coordinator").get(f"/alerts/{alert.pk}").content.decode()


def test_one_act_cancels_it_and_settles_the_alert(
    account: Who, laid_out: Account, browser_of: Callable[[str], Client], own_page: Callable[[], str]
) -> None:
    with pytest.raises(BadInput, match="has ended"):
        cancel_ended(look(laid_out), by=laid_out, key="early")
    assert booked_ahead(look(laid_out))
    decide(account("prescriber"), "stop")
    client = browser_of("coordinator")
    client.post(f"/patients/{READY}/schedule", {"step": "ended", "key": "all"})
    found = look(laid_out)
    assert booked_ahead(found) == ()
    assert {b.why for b in found.bookings} == {"its plan has ended"}
    assert told() == {Alert.CLOSED}
    assert "No appointment is planned" in own_page()


def test_the_alert_stays_until_the_last_of_them_is_gone(account: Who, laid_out: Account) -> None:
    decide(account("prescriber"), "stop")
    for booked in booked_ahead(look(laid_out)):
        assert Alert.CLOSED not in told()
        cancel(look(laid_out), booked.origin.id, reason="told her", by=laid_out, key=booked.origin.id)
    assert told() == {Alert.CLOSED}


def test_a_signed_switch_leaves_no_booking_of_the_old_way_certain_and_the_new_plan_is_booked(
    account: Who, laid_out: Account, own_page: Callable[[], str]
) -> None:
    old = booked_ahead(look(laid_out))
    decide(account("prescriber"), "switch")
    assert not told()
    found = sign_another(account("prescriber"))
    assert ended_ahead(found) == old
    assert "ask first" in own_page()
    assert told() == {Alert.OPEN}
    on = old[0].starts_at.astimezone().date()
    named = {e.booked.origin.id: e.lacks for d in days_of(laid_out, on - timedelta(days=1), 7) for e in d.entries}
    assert all(named[b.origin.id] == ("plan",) for b in old if b.origin.id in named)
    cancel_ended(look(laid_out), by=laid_out, key="all")
    assert series(look(laid_out))
    lay_out(look(laid_out), by=laid_out, key="new")
    assert ended_ahead(look(laid_out)) == ()
    assert "ask first" not in own_page()


def test_what_an_equal_plan_asks_for_on_the_same_days_stays_certain(account: Who, laid_out: Account) -> None:
    found = look(laid_out)
    wish = Wish(outcome="accepted", reason="again", seen=standing(found), digest=plan(found).inputs_digest)
    assert found.plan is not None
    decide_plan(found, found.plan.option_id, wish, by=account("prescriber"), key="", proof=shown(account("prescriber")))
    assert len({p.origin.id for p in look(laid_out).plans}) == 2
    assert ended_ahead(look(laid_out)) == ()
    assert not told()


def test_a_session_beside_any_plan_needs_one_too_and_the_morning_looks_again(
    account: Who, staffed: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(account("prescriber"))
    decide(account("prescriber"), "stop")
    on = clock.today(staffed.practice.zone) + timedelta(days=3)
    at = clock.local(clock.now(), staffed.practice.zone).time().replace(hour=10, minute=0)
    book(look(staffed), "call", on, at, minutes=30, by=staffed, key="call")
    assert ended_ahead(look(staffed)) == ()
    book(look(staffed), "session", on, at.replace(hour=12), by=staffed, key="dose")
    assert [b.kind for b in ended_ahead(look(staffed))] == ["session"]
    look_at_house(staffed.practice)
    assert told() == {Alert.OPEN}
    over = sessions(look(staffed))[0].ends_at + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: over)
    look_at_house(staffed.practice)
    assert told() == {Alert.CLOSED}
