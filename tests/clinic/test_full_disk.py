"""A disk that is full: nothing is half saved, the page says so, and once there is room everything goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from clinic.access import audit, recovery, reserve
from clinic.access.models import Account, AuditRow
from clinic.access.verification import verify
from clinic.record.models import Version

PATH = "/patients/aneurysm/fact"
FIELDS = {"path": "social.ride_home", "said": "yes", "reason": "x" * 400, "key": ""}
ON_SQLITE = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="the database file itself is told to grow no further"
)
"""PostgreSQL says the same by its own code, which `reserve.is_full` knows too."""


@contextmanager
def no_room(client: Client) -> Iterator[Any]:
    """The database takes no further page; the answer to the first form that found no room."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    try:
        answers = []
        while not answers or (answers[-1].status_code == 302 and len(answers) < 200):
            answers.append(client.post(PATH, FIELDS))
        nurse = Account.objects.select_related("practice").get(username="nurse")
        of_nurse = {"act": "read-chart", "account": nurse, "patient_id": "nobody"}
        # Small rows still fit into the last pages, and those that stand elsewhere in an index into others.
        for row in ({"act": "fill", "entities": ["x" * 60]}, of_nurse, {**of_nurse, "asked": "/patients/nobody"}):
            for _ in range(4000):
                try:
                    audit.append(**row, outcome="refused")
                except OperationalError:
                    break
        yield answers[-1]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")


@pytest.fixture
def declared(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clinic that has declared to read on, with its reserve."""
    settings.DATA_DIR = tmp_path
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, read_without_trail=True)
    monkeypatch.setattr(reserve, "ROOM", 4096)
    reserve.prepare()
    return tmp_path / "audit-reserve"


@pytest.mark.requirement(54, 37)
@ON_SQLITE
def test_nothing_is_half_saved_and_the_page_says_so(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    client.raise_request_exception = False
    with no_room(client) as refused:
        before = Version.objects.count()
        assert refused.status_code == 503
        assert "Nothing of what you sent was saved" in refused.content.decode()
        assert client.get("/patients/aneurysm").status_code == 503
        assert Version.objects.count() == before
    assert client.post(PATH, FIELDS).status_code == 302
    assert verify().is_intact


@pytest.mark.requirement(54, 37)
@ON_SQLITE
def test_where_it_is_declared_reading_goes_on_and_every_row_reaches_the_trail_later(
    browser_of: Callable[[str], Client], declared: Path
) -> None:
    client = browser_of("nurse")
    client.raise_request_exception = False
    with no_room(client) as refused:
        assert refused.status_code == 503, "writing is refused all the same"
        page = client.get("/patients/aneurysm")
        assert page.status_code == 200
        assert "kept in a reserve of the trail" in page.content.decode()
        assert client.get("/patients/nobody").status_code == 404
        assert client.post(PATH, FIELDS).status_code == 503
        kept = [(row["act"], row["outcome"], row["patient_id"], row["account"]) for row in reserve.rows()]
        assert ("read-chart", "done", "aneurysm", "nurse") in kept
        assert ("read-chart", "refused", "nobody", "nurse") in kept
        assert recovery.take_in() == 0
        assert client.get("/health").json()["reserve"] == len(kept)
    assert declared.stat().st_size == 4096
    instants = [row["at"] for row in reserve.rows()]
    assert recovery.take_in() == len(kept)
    assert reserve.rows() == []
    taken = list(AuditRow.objects.order_by("-id")[: len(kept) + 1])[::-1]
    assert [row.at.isoformat() for row in taken[:-1]] == instants
    assert taken[-1].act == "reserve"
    assert "kept in a reserve" not in client.get("/patients/aneurysm").content.decode()


@pytest.mark.requirement(37)
def test_a_reserve_that_is_full_ends_the_reading_too(db: None, declared: Path) -> None:
    def read(times: int) -> None:
        with reserve.used():
            for _ in range(times):
                audit.append("read-chart", outcome="done", who="nurse", entities=["x" * 60])

    with pytest.raises(OperationalError):
        read(100)
    held = len(reserve.rows())
    assert 5 < held < 100
    assert declared.stat().st_size == 4096


def test_a_row_that_is_on_the_trail_already_is_not_taken_in_twice(db: None, declared: Path) -> None:
    before = AuditRow.objects.count()
    with reserve.used():
        audit.append("read-chart", outcome="done", who="nurse", patient_id="aneurysm")
    held = declared.read_bytes()
    assert recovery.take_in() == 1
    declared.write_bytes(held)  # as a crash between the trail and the emptied reserve leaves it
    recovery.take_in()
    assert AuditRow.objects.filter(act="read-chart", who="nurse", id__gt=before).count() == 1


def test_a_row_cut_off_by_a_crash_is_left_out(db: None, declared: Path) -> None:
    with reserve.used():
        audit.append("read-chart", outcome="done", who="nurse")
    whole = declared.read_bytes()
    end = whole.index(b"\0")
    declared.write_bytes(whole[:end] + b'{"at": "2026' + whole[end + 12 :])
    assert len(reserve.rows()) == 1


def test_without_the_declaration_there_is_no_reserve(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    reserve.prepare()
    assert not list(tmp_path.iterdir())
    assert reserve.rows() == []
