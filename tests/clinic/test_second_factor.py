"""A stolen password alone opens no patient's record: who needs a second factor, and that no side door is weaker."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.clinic.conftest import Phone

from clinic import clock
from clinic.access.factors import add_app, has_factor, new_app_key, new_recovery_codes, recovery_codes_left
from clinic.access.models import Account, AuditRow, Role, Stay
from clinic.access.sign_in import new_code, proves, reset_second_factor, second_step, sign_in
from clinic.record.models import Practice

PASSWORD = "quiet house"
READY = "treatment-resistant-depression"
Visit = Callable[[str], Client]


@pytest.fixture
def real(db: None, browser_of: Visit) -> Account:
    """A prescriber of a practice with real people."""
    practice = Practice.objects.create(slug="real", name="Real Clinic", zone="Europe/Berlin")
    made = Account(username="rita", name="Dr Rita Real", role=Role.PRESCRIBER, practice=practice)
    made.set_unusable_password()
    made.save()
    return made


@pytest.fixture
def enrolled(real: Account) -> tuple[Account, str]:
    """The same with a password and an app, and the app's key."""
    key = new_app_key()
    add_app(real, key)
    real.set_password(PASSWORD)
    real.has_short_password = True
    real.save()
    return real, key


def visitor() -> Client:
    return Client(headers={"host": "127.0.0.1"})


def half_in(account: Account, secret: str = PASSWORD) -> Client:
    client = visitor()
    answer = client.post("/sign-in", {"username": account.username, "secret": secret})
    assert answer["Location"] == "/sign-in/second"
    return client


@pytest.mark.requirement(1, 3)
def test_the_first_sign_in_opens_nothing_before_a_second_factor_and_a_password(real: Account, phone: Phone) -> None:
    client = visitor()
    client.post("/sign-in", {"username": "rita", "secret": new_code(real), "next": "/patients"})
    for page in ("/today", "/patients", "/governance", "/lock/board", f"/lock/board/{READY}", "/password"):
        assert client.get(page).status_code == (200 if page == "/password" else 302)
    page = client.get("/account/app").content.decode()
    fields = dict(re.findall(r'name="(key)" value="([^"]+)"', page))
    key = re.search(r'class="letters">([A-Z2-7 ]+)<', page)
    assert key
    wrong = client.post("/account/app", {**fields, "code": "000000"})
    assert wrong.status_code == 400
    done = client.post("/account/app", {**fields, "code": phone.shows(key[1].replace(" ", ""))})
    assert len(re.findall(r"<li class=\"letters\">\d{5} \d{5}</li>", done.content.decode())) == 10
    assert client.get("/today")["Location"] == "/password"
    assert client.post("/password", {"first": PASSWORD, "again": PASSWORD}).status_code == 302
    assert client.get("/today").status_code == 200


@pytest.mark.requirement(3)
@pytest.mark.parametrize("by", ["password", "code"])
def test_neither_password_nor_one_time_code_is_enough_alone(
    enrolled: tuple[Account, str], phone: Phone, by: str
) -> None:
    account, key = enrolled
    client = half_in(account, PASSWORD if by == "password" else new_code(account))
    for page in ("/today", "/patients", "/account", "/lock"):
        assert client.get(page)["Location"].startswith("/sign-in")
    assert client.post("/sign-in/second", {"secret": "000000"}).status_code == 400
    assert client.post("/sign-in/second", {"secret": phone.shows(key)}).status_code == 302
    assert client.get("/today").status_code == 200


def test_half_way_in_ends_after_five_minutes(enrolled: tuple[Account, str], phone: Phone) -> None:
    account, key = enrolled
    client = half_in(account)
    phone.wait(minutes=5)
    assert client.post("/sign-in/second", {"secret": phone.shows(key)})["Location"] == "/sign-in"
    assert client.get("/today").status_code == 302


def test_a_code_of_the_app_works_once_also_for_the_neighbouring_step(
    enrolled: tuple[Account, str], phone: Phone
) -> None:
    account, key = enrolled
    code = phone.shows(key)
    assert second_step(account, code)
    assert not second_step(account, code)
    assert not proves(account, code)
    phone.wait(seconds=30)
    assert proves(account, phone.shows(key))
    phone.wait(seconds=30)
    late = phone.shows(key)
    phone.wait(seconds=30)
    assert second_step(account, late)
    phone.wait(seconds=90)
    assert not second_step(account, late)


@pytest.mark.requirement(4)
def test_six_digits_cannot_be_guessed_and_recovery_codes_still_open(
    enrolled: tuple[Account, str], phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, key = enrolled
    codes = new_recovery_codes(account)
    start, tried = clock.now(), 0
    for minute in range(0, 24 * 60, 4):  # one every four minutes, all day
        monkeypatch.setattr(clock, "now", lambda minute=minute: start + timedelta(minutes=minute))
        second_step(account, "000 000")
        tried = AuditRow.objects.filter(act="second-factor", who="rita", outcome="refused").count()
    assert tried == 20
    assert not second_step(account, phone.shows(key))
    assert second_step(account, codes[0])
    assert not second_step(account, codes[0])
    assert recovery_codes_left(account) == 9


@pytest.mark.requirement(1, 3)
def test_lost_devices_are_reset_by_the_administrator_alone_and_begin_again(enrolled: tuple[Account, str]) -> None:
    account, _ = enrolled
    code = reset_second_factor(account, who="command line")
    assert not has_factor(account)
    assert sign_in("rita", PASSWORD) is None
    assert AuditRow.objects.filter(act="reset-second-factor", entities=["rita"]).count() == 1
    client = visitor()
    client.post("/sign-in", {"username": "rita", "secret": code})
    assert client.get("/today")["Location"] == "/account"


def test_the_keys_of_second_factors_are_not_readable_in_the_database(enrolled: tuple[Account, str]) -> None:
    from allauth.mfa.models import Authenticator

    _, key = enrolled
    new_recovery_codes(enrolled[0])
    app, recovery = Authenticator.objects.order_by("type").values_list("data", flat=True)[::-1]
    assert key not in str(app)
    assert not re.search(r"'seed': '[0-9a-f]{80}'", str(recovery))


def test_without_the_installations_key_no_code_opens(
    enrolled: tuple[Account, str], phone: Phone, settings: Any
) -> None:
    account, key = enrolled
    codes = new_recovery_codes(account)
    settings.SECRET_KEY = "another installation's key"
    assert not second_step(account, phone.shows(key))
    assert not second_step(account, codes[0])
    assert recovery_codes_left(account) == 0


@pytest.mark.requirement(2)
def test_eight_characters_are_enough_beside_a_second_factor_which_then_cannot_be_taken_away(
    browser_of: Visit, account: Callable[[str], Account]
) -> None:
    client, nurse = browser_of("nurse"), account("nurse")
    assert client.post("/password", {"first": PASSWORD, "again": PASSWORD}).status_code == 400
    add_app(nurse, new_app_key())
    assert client.post("/password", {"first": PASSWORD, "again": PASSWORD}).status_code == 302
    assert client.post("/password", {"first": "Quiet House", "again": "quiet house"}).status_code == 400
    factor = re.search(r"/account/factors/(\d+)", client.get("/account").content.decode())
    assert factor
    page = client.post(f"/account/factors/{factor[1]}", {"what": "remove"}, follow=True).content.decode()
    assert "15 characters first" in page
    assert has_factor(nurse)
    long = "a quiet house by the sea"
    client.post("/password", {"old": PASSWORD, "first": long, "again": long})
    client.post(f"/account/factors/{factor[1]}", {"what": "remove"})
    assert not has_factor(nurse)


def test_who_needs_a_second_factor_cannot_remove_the_last_one(enrolled: tuple[Account, str], phone: Phone) -> None:
    account, key = enrolled
    client = half_in(account)
    client.post("/sign-in/second", {"secret": phone.shows(key)})
    factor = re.search(r"/account/factors/(\d+)", client.get("/account").content.decode())
    assert factor
    assert "add another one" in client.post(
        f"/account/factors/{factor[1]}", {"what": "remove"}, follow=True
    ).content.decode()  # fmt: skip
    assert has_factor(account)


@pytest.mark.parametrize("path", ["/account/app", "/account/key", "/password"])
def test_how_one_signs_in_is_changed_only_after_a_fresh_secret(
    enrolled: tuple[Account, str], phone: Phone, path: str
) -> None:
    account, key = enrolled
    client = half_in(account)
    client.post("/sign-in/second", {"secret": phone.shows(key)})
    assert client.get(path).status_code == 200
    phone.wait(minutes=6)
    asked = client.get(path)
    assert asked.status_code == 403
    assert "show once more that it is you" in asked.content.decode()
    assert client.post("/lock", {"secret": "wrong", "next": path}).status_code == 400
    assert client.post("/lock", {"secret": PASSWORD, "next": path})["Location"] == path
    assert client.get(path).status_code == 200


def test_a_patient_signs_in_without_one_and_with_one_if_they_like(
    account: Callable[[str], Account], browser_of: Visit, phone: Phone
) -> None:
    browser_of("nurse")
    practice = Practice.objects.create(slug="real", name="Real Clinic")
    person = Account.objects.create(username="pat", name="Pat", role=Role.PATIENT, practice=practice, patient_id="pat")
    client = visitor()
    client.post("/sign-in", {"username": "pat", "secret": new_code(person)})
    assert client.get("/account").status_code == 200
    key = new_app_key()
    add_app(person, key)
    client = half_in(person, new_code(person))
    assert client.post("/sign-in/second", {"secret": phone.shows(key)}).status_code == 302


def test_in_the_demonstration_a_code_alone_opens_and_a_password_asks_for_the_factor_that_was_set_up(
    account: Callable[[str], Account],
) -> None:
    nurse = account("nurse")
    nurse.set_password(PASSWORD)
    nurse.save()
    add_app(nurse, new_app_key())
    by_code, by_password = sign_in("nurse", new_code(nurse)), sign_in("nurse", PASSWORD)
    assert by_code
    assert by_password
    assert (by_code.asks_second_factor, by_password.asks_second_factor) == (False, True)


@pytest.mark.requirement(6)
def test_a_second_factor_gives_the_session_a_new_name(enrolled: tuple[Account, str], phone: Phone) -> None:
    account, key = enrolled
    client = half_in(account)
    before = client.cookies["sessionid"].value
    client.post("/sign-in/second", {"secret": phone.shows(key)})
    assert client.cookies["sessionid"].value != before
    stolen = visitor()
    stolen.cookies["sessionid"] = before
    assert stolen.get("/today").status_code == 302
    assert stolen.get("/sign-in/second").status_code == 302
    assert Stay.objects.get(account=account).second_factor_at == phone.now
