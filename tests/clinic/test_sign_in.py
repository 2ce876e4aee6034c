"""Getting in: a code works once, guessing is slowed, a password is long, and leaving is leaving."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, AuditRow
from clinic.access.sign_in import new_code, sign_in
from clinic.access.throttle import ADDRESS_FREE

Who = Callable[[str], Account]


def test_a_code_works_once_for_its_own_name_and_for_twelve_hours(account: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    nurse = account("nurse")
    code = new_code(nurse)
    assert sign_in("prescriber", code) is None
    opened = sign_in("nurse", code.lower())
    assert opened is not None
    assert (opened.account, opened.asks_second_factor) == (nurse, False)
    assert sign_in("nurse", code) is None
    late = new_code(nurse)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=12, seconds=1))
    assert sign_in("nurse", late) is None


def test_a_new_code_ends_the_one_before_it(account: Who) -> None:
    first, second = new_code(account("nurse")), new_code(account("nurse"))
    assert first != second
    assert sign_in("nurse", first) is None
    assert sign_in("nurse", second) is not None


@pytest.mark.requirement(4)
def test_after_ten_wrong_tries_a_names_password_rests_for_a_while_and_its_code_still_opens(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = account("nurse")
    nurse.set_password("a quiet house by the sea")
    nurse.save()
    for _ in range(10):
        assert sign_in("nurse", "wrong") is None
    assert sign_in("nurse", "a quiet house by the sea") is None
    assert sign_in("nurse", new_code(nurse)) is not None
    now = clock.now()
    for minute in range(1, 15, 2):  # tries while it rests do not prolong the rest
        monkeypatch.setattr(clock, "now", lambda minute=minute: now + timedelta(minutes=minute))
        assert sign_in("nurse", "wrong again") is None
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=16))
    assert sign_in("nurse", "a quiet house by the sea") is not None


@pytest.mark.requirement(4)
def test_an_address_with_many_failures_waits_but_not_for_names_that_are_at_home_there(account: Who) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    for one in (nurse, prescriber):
        one.set_password("a quiet house by the sea")
        one.save()
    with audit.coming_from("203.0.113.7"):
        assert sign_in("nurse", "a quiet house by the sea") is not None
        for number in range(ADDRESS_FREE + 5):
            AuditRow.objects.bulk_create([_refused(f"guess-{number}", "203.0.113.7")])
        assert sign_in("prescriber", "a quiet house by the sea") is None
        assert sign_in("nurse", "a quiet house by the sea") is not None
        assert sign_in("prescriber", new_code(prescriber)) is not None
    with audit.coming_from("198.51.100.4"):
        assert sign_in("prescriber", "a quiet house by the sea") is not None


def _refused(who: str, source: str) -> AuditRow:
    return AuditRow(at=clock.now(), who=who, act="sign-in", outcome="refused", source=source, digest="0" * 64)


@pytest.mark.requirement(4)
def test_a_name_that_nobody_has_is_answered_in_the_same_words_after_the_same_work(
    browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import Argon2PasswordHasher

    hashed: list[str] = []
    encode = Argon2PasswordHasher.encode
    monkeypatch.setattr(
        Argon2PasswordHasher, "encode", lambda self, password, salt: hashed.append(salt) or encode(self, password, salt)
    )
    client, pages, counts = Client(headers={"host": "127.0.0.1"}), [], []
    browser_of("nurse")
    for name in ("therapist", "nobody-at-all"):
        hashed.clear()
        answer = client.post("/sign-in", {"username": name, "secret": "wrong"})
        pages.append(answer.content.decode().replace(name, ""))
        counts.append(len(hashed))
    token = re.compile(r'value="[^"]{60,}"')
    assert token.sub("", pages[0]) == token.sub("", pages[1])
    assert counts[0] == counts[1] == 1


def test_every_try_is_on_the_trail(account: Who) -> None:
    sign_in("nobody-here", "x")
    row = AuditRow.objects.filter(act="sign-in").latest("id")
    assert (row.who, row.outcome) == ("nobody-here", "refused")


@pytest.mark.requirement(2)
@pytest.mark.parametrize(("password", "fits"), [("short", False), ("123456789987654321", False), ("a quiet house by the sea", True)])  # fmt: skip  # noqa: E501
def test_a_password_is_long_and_not_a_common_one(
    browser_of: Callable[[str], Client], account: Who, password: str, fits: bool
) -> None:
    client = browser_of("nurse")
    answer = client.post("/password", {"first": password, "again": password})
    assert (answer.status_code == 302) is fits
    assert (sign_in("nurse", password) is not None) is fits


@pytest.mark.requirement(6)
def test_signing_out_ends_it_on_the_server_too(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    stolen = client.cookies["sessionid"].value
    client.post("/sign-out")
    again = Client(headers={"host": "127.0.0.1"})
    again.cookies["sessionid"] = stolen
    assert again.get("/today").status_code == 302


@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/patients"])
def test_the_way_back_after_signing_in_stays_in_the_house(
    account: Who, settings: Any, tmp_path: Path, after: str
) -> None:
    settings.STATIC_ROOT = tmp_path
    client = Client(headers={"host": "127.0.0.1"})
    fields = {"username": "nurse", "secret": new_code(account("nurse")), "next": after}
    assert client.post("/sign-in", fields).headers["Location"] in ("/", "/patients")


@pytest.mark.requirement(28)
def test_a_form_without_proof_of_its_origin_changes_nothing(account: Who, settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    client = Client(headers={"host": "127.0.0.1"}, enforce_csrf_checks=True)
    client.force_login(account("nurse"))
    answer = client.post("/patients/aneurysm/fact", {"path": "social.ride_home", "said": "no"})
    assert answer.status_code == 403
    assert "open too long" in answer.content.decode()


def test_a_password_is_changed_only_by_whoever_has_the_old_one(
    browser_of: Callable[[str], Client], account: Who
) -> None:
    client = browser_of("nurse")
    old, new = "a quiet house by the sea", "another house in the hills"
    client.post("/password", {"first": old, "again": old})
    assert client.post("/password", {"first": new, "again": new, "old": "wrong"}).status_code == 400
    assert client.post("/password", {"first": new, "again": new, "old": old}).status_code == 302
    assert sign_in("nurse", new) is not None


def test_a_fault_is_logged_by_number_and_page_and_never_by_person(
    browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    client = browser_of("nurse")
    client.raise_request_exception = False
    monkeypatch.setattr("clinic.web.patients.treated", breaks)
    answer = client.get("/patients/aneurysm")
    assert answer.status_code == 500
    number = re.search(r"the number (\w{8})", answer.content.decode())
    assert number
    assert f"fault {number[1]} on page patient" in caplog.text
    assert "/patients/aneurysm" not in caplog.text
