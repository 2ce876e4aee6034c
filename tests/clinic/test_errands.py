"""The director sees what waits and what failed, and tries again; nobody else does, and no page names a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clinic import clock, pulse
from clinic.access.models import Account, AuditRow
from clinic.jobs import do_next
from clinic.record.models import Errand

Browser = Callable[[str], Client]


def failing(username: str = "director") -> Errand:
    practice = Account.objects.get(username=username).practice
    due = clock.now() - timedelta(minutes=5)
    made = Errand.objects.create(practice=practice, kind="notice", details={"patient_id": "aneurysm"}, due_at=due)
    while do_next():
        pass
    made.refresh_from_db()
    return made


def test_what_failed_is_shown_with_its_tries_and_done_again_at_once_when_asked(
    browser_of: Browser, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    pulse.beat()
    errand, client = failing(), browser_of("director")
    page = client.get("/errands").content.decode()
    assert "at work" in page
    assert "A notice" in page
    assert "KeyError" in page
    assert "1 try" in page
    assert "aneurysm" not in page
    assert client.post(f"/errands/{errand.pk}/again").status_code == 302
    errand.refresh_from_db()
    assert errand.due_at <= clock.now()
    assert AuditRow.objects.latest("id").act == "retry-errand"


def test_a_worker_that_is_not_alive_is_told(browser_of: Browser, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert "No worker has run" in browser_of("director").get("/errands").content.decode()


@pytest.mark.parametrize("username", ["prescriber", "nurse", "coordinator", "patient", "hillside-director"])
def test_nobody_else_sees_or_moves_it(browser_of: Browser, username: str) -> None:
    errand, client = failing(), browser_of(username)
    assert "KeyError" not in client.get("/errands").content.decode()
    client.post(f"/errands/{errand.pk}/again")
    before = errand.due_at
    errand.refresh_from_db()
    assert errand.due_at == before
