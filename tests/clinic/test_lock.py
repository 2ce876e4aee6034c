"""A screen that was left alone: it locks, goes on showing times, keeps what was typed, and opens for its owner only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from tests.clinic.conftest import Phone

from clinic import clock
from clinic.access import sign_in
from clinic.access.factors import add_app, new_app_key
from clinic.access.models import Account, AuditRow, Stay
from clinic.record.models import Current, PatientLine
from clinic.web.proof import asks_name

READY = "treatment-resistant-depression"
PASSWORD = "a quiet house by the sea"
FACT = f"/patients/{READY}/fact"
Visit = Callable[[str], Client]


@pytest.fixture
def nurse(browser_of: Visit, account: Callable[[str], Account], phone: Phone) -> Client:
    """A nurse with a password who is signed in."""
    one = account("nurse")
    one.set_password(PASSWORD)
    one.save()
    return browser_of("nurse")


def unlock(client: Client, page: str, **fields: str) -> Client:
    kept = re.search(r'name="kept" value="([^"]*)"', page)
    after = re.search(r'name="next" value="([^"]*)"', page)
    assert kept
    assert after
    return client.post("/lock", {"secret": PASSWORD, "kept": kept[1], "next": after[1], **fields})  # type: ignore[return-value]


@pytest.mark.requirement(7)
def test_after_a_quarter_of_an_hour_nothing_opens_before_a_secret_and_then_the_very_page(
    nurse: Client, phone: Phone
) -> None:
    phone.wait(minutes=14, seconds=59)
    assert nurse.get("/patients?q=oka").status_code == 200
    phone.wait(minutes=15)
    asked = nurse.get("/patients?q=oka")
    assert asked.status_code == 403
    assert "Okafor" not in asked.content.decode()
    assert nurse.get(f"/patients/{READY}").status_code == 403
    assert unlock(nurse, asked.content.decode())["Location"] == "/patients?q=oka"
    assert "Okafor" in nurse.get("/patients?q=oka").content.decode()
    assert [row.outcome for row in AuditRow.objects.filter(act__in=("lock", "unlock")).order_by("id")] == [
        "idle",
        "done",
    ]


@pytest.mark.requirement(7)
def test_a_note_that_was_sent_while_locked_is_sent_again_and_saved_once(nurse: Client, phone: Phone) -> None:
    phone.wait(minutes=16)
    fields = {"path": "social.ride_home", "said": "no", "reason": "Her sister <moved> away.", "key": "a-key"}
    before = Current.objects.count()
    asked = nurse.post(FACT, fields)
    assert asked.status_code == 403
    assert Current.objects.count() == before
    assert "sister" not in asked.content.decode()
    again = unlock(nurse, asked.content.decode()).content.decode()  # type: ignore[attr-defined]
    assert "data-send-again" in again
    assert 'action="/patients/treatment-resistant-depression/fact"' in again
    sent = dict(re.findall(r'<textarea hidden name="(\w+)" aria-hidden="true">\n(.*?)</textarea>', again, re.DOTALL))
    assert sent == {**fields, "reason": "Her sister &lt;moved&gt; away."}
    assert nurse.post(FACT, fields).status_code == 302
    stored = Current.objects.count()
    assert stored > before
    assert nurse.post(FACT, fields).status_code == 302
    assert Current.objects.count() == stored


def test_what_was_meant_long_ago_is_not_sent_by_itself(nurse: Client, phone: Phone) -> None:
    phone.wait(minutes=16)
    asked = nurse.post(FACT, {"path": "social.ride_home", "said": "no", "key": "k"}).content.decode()
    phone.wait(minutes=6)
    again = unlock(nurse, asked).content.decode()  # type: ignore[attr-defined]
    assert "data-send-again" not in again
    assert "if it is still what you mean" in again


@pytest.mark.requirement(28)
def test_a_form_of_somebody_else_is_never_kept(nurse: Client, phone: Phone, browser_of: Visit) -> None:
    client = Client(headers={"host": "127.0.0.1"}, enforce_csrf_checks=True)
    client.cookies = nurse.cookies
    phone.wait(minutes=16)
    answer = client.post(FACT, {"path": "social.ride_home", "said": "no"})
    assert answer.status_code == 403
    assert 'name="kept"' not in answer.content.decode()
    asked = nurse.post(FACT, {"path": "social.ride_home", "said": "no", "key": "k"}).content.decode()
    other = browser_of("prescriber")
    phone.wait(minutes=16)
    kept = re.search(r'name="kept" value="([^"]+)"', asked)
    assert kept
    code = sign_in.new_code(Account.objects.get(username="prescriber"))
    assert other.post("/lock", {"secret": code, "kept": kept[1], "next": "/today"})["Location"] == "/today"


def test_no_password_is_ever_kept(nurse: Client, phone: Phone) -> None:
    phone.wait(minutes=16)
    asked = nurse.post("/password", {"old": PASSWORD, "first": "x" * 20, "again": "x" * 20}).content.decode()
    assert 'name="kept" value=""' in asked


@pytest.mark.parametrize("wrong", ["", "wrong", "000000", "AAAA-AAAA-AAAA-AAAA"])
def test_a_wrong_secret_opens_nothing(nurse: Client, phone: Phone, wrong: str) -> None:
    phone.wait(minutes=16)
    assert nurse.post("/lock", {"secret": wrong, "next": "/today"}).status_code == 400
    assert nurse.get("/patients").status_code == 403
    assert AuditRow.objects.filter(act="unlock", outcome="refused", who="nurse").count() == 1


def test_a_code_of_the_app_unlocks(nurse: Client, phone: Phone, account: Callable[[str], Account]) -> None:
    key = new_app_key()
    add_app(account("nurse"), key)
    nurse.post("/lock/now")
    assert nurse.get("/patients").status_code == 403
    assert nurse.post("/lock", {"secret": phone.shows(key), "next": "/patients"})["Location"] == "/patients"
    assert nurse.get("/patients").status_code == 200


@pytest.mark.requirement(7)
def test_today_and_the_session_stay_visible_by_initials_and_times_alone(nurse: Client, phone: Phone) -> None:
    line = PatientLine.objects.exclude(visit_open="").filter(practice__slug="harbour").first()
    assert line
    nurse.post("/lock/now")
    for path in ("/today", f"/patients/{line.patient_id}/session"):
        page = nurse.get(path)
        text = re.sub(r'(href|hx-get|value)="[^"]*"', "", page.content.decode())
        assert page.status_code == 200
        assert f"{line.given[0]}.{line.family[0]}." in text
        for other in PatientLine.objects.filter(practice__slug="harbour"):
            assert other.family not in text
            assert other.given not in text
        assert not re.search(r"\d+ ?mg|mmHg|PHQ", text)
    live = nurse.get("/lock/board", headers={"HX-Request": "true"}).content.decode()
    assert live.lstrip().startswith("<section")
    assert nurse.get(f"/lock/board/{READY}").status_code == 200
    assert nurse.get("/lock/board/hillside-one").content.decode().count('class="card timers"') == 0
    assert nurse.get("/patients", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert nurse.post(f"/patients/{line.patient_id}/session", {"step": "close", "key": "k"}).status_code == 403


@pytest.mark.requirement(7)
def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(nurse: Client, phone: Phone) -> None:
    for _ in range(16):
        phone.wait(minutes=1)
        nurse.get("/today", headers={"HX-Request": "true"})
    assert Stay.objects.get(account__username="nurse").locked_at is not None


@pytest.mark.requirement(7)
def test_a_page_asks_how_long_it_has_without_gaining_any_time(nurse: Client, phone: Phone) -> None:
    for minutes in (5, 5, 4):
        phone.wait(minutes=minutes)
        assert nurse.get("/lock/left").json()["seconds"] > 0
    phone.wait(minutes=1)
    assert nurse.get("/lock/left").json() == {"seconds": 0}
    assert nurse.get("/patients").status_code == 403


@pytest.mark.requirement(55)
def test_a_clock_that_is_set_back_prolongs_nothing(nurse: Client, phone: Phone) -> None:
    before = Stay.objects.get(account__username="nurse")
    phone.wait(hours=-1)
    assert nurse.get("/patients").status_code == 403
    assert nurse.post("/lock", {"secret": PASSWORD, "next": "/patients"}).status_code == 302
    after = Stay.objects.get(account__username="nurse")
    assert after.ends_at - phone.now == before.ends_at - before.seen_at
    phone.wait(hours=13)
    assert nurse.get("/patients").status_code == 302


def test_patients_are_signed_out_instead_of_locked(browser_of: Visit, phone: Phone) -> None:
    client = browser_of("patient")
    phone.wait(minutes=16)
    assert client.get("/my").status_code == 302
    assert not Stay.objects.filter(account__username="patient").exists()
    assert AuditRow.objects.filter(act="end-session", who="patient", outcome="expired").count() == 1


@pytest.mark.requirement(6)
def test_unlocking_gives_the_session_a_new_name(nurse: Client, phone: Phone) -> None:
    nurse.post("/lock/now")
    before = nurse.cookies["sessionid"].value
    nurse.post("/lock", {"secret": PASSWORD, "next": "/today"})
    assert nurse.cookies["sessionid"].value != before
    nurse.cookies["sessionid"] = before
    assert nurse.get("/today").status_code == 302


@pytest.mark.requirement(45)
def test_after_a_lock_the_first_signature_asks_for_everything_again(nurse: Client, phone: Phone) -> None:
    session = nurse.session
    session["has_signed"] = "nurse"
    session.save()
    assert not asks_name(SimpleNamespace(session=nurse.session, user=SimpleNamespace(username="nurse")))
    nurse.post("/lock/now")
    nurse.post("/lock", {"secret": PASSWORD, "next": "/today"})
    assert asks_name(SimpleNamespace(session=nurse.session, user=SimpleNamespace(username="nurse")))


def test_a_locked_screen_never_locks_its_owner_out(
    nurse: Client, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse.post("/lock/now")
    for _ in range(12):
        nurse.post("/lock", {"secret": "wrong"})
    assert nurse.post("/lock", {"secret": PASSWORD}).status_code == 400
    code = sign_in.new_code(Account.objects.get(username="nurse"))
    assert nurse.post("/lock", {"secret": code, "next": "/today"}).status_code == 302
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    nurse.post("/lock/now")
    assert nurse.post("/lock", {"secret": PASSWORD, "next": "/today"}).status_code == 302
