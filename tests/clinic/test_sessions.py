"""Where somebody is signed in, and that ending it ends it: on the server, at once, whoever holds the cookie."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from tests.clinic.conftest import Phone
from tests.loops import run

from clinic import housekeeping
from clinic.access.models import Account, AuditRow, Stay
from clinic.cli import _parser

Visit = Callable[[str], Client]
LONG = "a quiet house by the sea"


def command(*words: str) -> int:
    arguments = _parser().parse_args(words)
    return housekeeping.COMMANDS[arguments.command](arguments)


@pytest.mark.requirement(9)
def test_people_see_where_they_are_signed_in_and_end_it_there(browser_of: Visit) -> None:
    here, there, elsewhere, stranger = (
        browser_of("nurse"),
        browser_of("nurse"),
        browser_of("nurse"),
        browser_of("director"),
    )
    page = here.get("/account").content.decode()
    assert page.count("last used") == 3
    ends = re.findall(r'action="(/account/sign-ins/(\w{32})/end)"', page)
    assert len(ends) == 2
    foreign = Stay.objects.get(account__username="director")
    here.post(f"/account/sign-ins/{foreign.pk}/end")
    assert stranger.get("/today").status_code == 200
    here.post(ends[0][0])
    assert sorted(client.get("/today").status_code for client in (there, elsewhere)) == [200, 302]
    here.post("/account/sign-ins/others/end")
    assert [client.get("/today").status_code for client in (here, there, elsewhere)] == [200, 302, 302]
    assert AuditRow.objects.filter(act="end-session", who="nurse", outcome="done").count() == 2


@pytest.mark.requirement(6, 9)
@pytest.mark.parametrize(
    "words", [("end-sessions", "nurse"), ("end-sessions", "--everybody"), ("close-account", "nurse")]
)
def test_an_administrator_ends_them_at_once(browser_of: Visit, words: tuple[str, ...]) -> None:
    nurse, director = browser_of("nurse"), browser_of("director")
    command(*words)
    assert nurse.get("/today").status_code == 302
    assert not Stay.objects.filter(account__username="nurse").exists()
    assert director.get("/today").status_code == (302 if "--everybody" in words else 200)


@pytest.mark.requirement(6)
def test_a_new_password_ends_every_other_sign_in(browser_of: Visit) -> None:
    here, there = browser_of("nurse"), browser_of("nurse")
    before = here.cookies["sessionid"].value
    here.post("/password", {"first": LONG, "again": LONG})
    assert here.cookies["sessionid"].value != before
    assert [client.get("/today").status_code for client in (here, there)] == [200, 302]


@pytest.mark.requirement(6)
def test_no_sign_in_outlives_twelve_hours_however_busy(browser_of: Visit, phone: Phone) -> None:
    client = browser_of("nurse")
    for _ in range(12 * 6 - 1):
        phone.wait(minutes=10)
        assert client.get("/lock").status_code in (200, 403)
        Stay.objects.update(seen_at=phone.now)
    assert client.get("/patients").status_code == 200
    phone.wait(minutes=10)
    assert client.get("/patients").status_code == 302


@pytest.mark.requirement(6, 35)
def test_the_name_of_a_session_has_more_than_128_bits_and_is_never_used_twice(browser_of: Visit) -> None:
    names = {browser_of("nurse").cookies["sessionid"].value for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(r"[a-z0-9]{32}", name) for name in names)  # 36 ** 32 is 165 bits


@pytest.mark.requirement(16)
def test_another_role_counts_at_the_next_request(browser_of: Visit) -> None:
    client = browser_of("nurse")
    assert client.get("/patients").status_code == 200
    Account.objects.filter(username="nurse").update(role="researcher")
    assert client.get("/patients").status_code == 404


@pytest.mark.requirement(8)
def test_behind_tls_cookies_are_for_this_host_alone(tmp_path: Path) -> None:
    said = _settings(tmp_path, "TLS_PROXY=1")
    assert said == "__Host-session __Host-csrf True True True True Strict Strict / / None None"
    assert _settings(tmp_path).startswith("sessionid csrftoken False False True True Strict Strict")


def _settings(folder: Path, *pairs: str) -> str:
    names = [f"{kind}_COOKIE_{what}" for what in ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "PATH", "DOMAIN") for kind in ("SESSION", "CSRF")]  # fmt: skip  # noqa: E501
    code = f"from django.conf import settings; print(*(getattr(settings, n) for n in {names}))"
    surroundings = {**os.environ, "DJANGO_SETTINGS_MODULE": "clinic.settings", "DATA_DIR": str(folder)}
    surroundings |= dict(pair.split("=") for pair in pairs)
    found = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True)
    return found.stdout.strip()


@pytest.mark.parametrize("given", ["0", "-5", "241", "soon", "nan"])
def test_an_idle_time_that_is_none_is_refused_in_a_line(tmp_path: Path, given: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as told:
        _settings(tmp_path, f"IDLE_MINUTES={given}")
    assert "IDLE_MINUTES" in told.value.stderr
    assert "a number above 0, 240 at most" in told.value.stderr


@pytest.mark.requirement(6)
def test_an_open_stream_ends_with_its_sign_in(browser_of: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.web import streams

    async def alive(*_: Any, **__: Any) -> bool:
        return next(answers)

    answers = iter([True, True, False])
    monkeypatch.setattr(streams, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(streams, "_state", lambda practice: (1, 1))
    monkeypatch.setattr(streams, "_is_signed_in", alive)

    async def read() -> list[str]:
        practice = Account.objects.none()
        return [words async for words in streams._events(practice, "x")]  # type: ignore[arg-type]

    assert run(read()) == [": open\n\n"]


def test_no_page_of_another_library_has_an_address() -> None:
    from django.urls import get_resolver

    names = {str(pattern.pattern) for pattern in get_resolver().url_patterns}
    assert not [name for name in names if "accounts" in name or "2fa" in name]
    call_command("check")
