"""The logs of every journey hold nothing of the people in it: each role, wrong input, faults, commands, work."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from tests.browser.screenshots import PAGES, READY, TREATED

from clinic import clock, jobs
from clinic.access.models import Account
from clinic.actions.patients import import_record
from clinic.logs import Lines, catch_all, configuration, noting, told
from clinic.record.models import Current, Errand
from clinic.web import today
from ketapath.errors import KetapathError

SLOW_PAGES = ("bench", "plan", "response", "governance")
SLOWEST = ("bench-four", "bench-models", "bench-patient", "bench")
ON_THE_WAY = ("today", "patients", "patient-treated", "session-arrived", "score", "fact", "notes", "team", "missing")
"""What whoever is no prescriber, director or patient looks at: the other pages are the same or refused."""
CHATTY = ("django", "django.request", "django.db.backends", "django.security", "django.template", "clinic.requests")


class Heard(logging.Handler):
    """Whatever is logged at any level, as the log has it and as its author said it."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.setFormatter(Lines())
        self.lines = io.StringIO()
        self.raw: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.write(self.format(record) + "\n")
        self.raw.append(record.getMessage())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within this block nobody else writes out what is logged: a fault in full takes its time."""
        root = logging.getLogger()
        others, root.handlers = root.handlers, [self]
        try:
            yield
        finally:
            root.handlers = others


@pytest.fixture
def heard(settings: Any) -> Iterator[Heard]:
    """Everybody may speak, the database with its statements too."""
    handler, root = Heard(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in (*CHATTY, "")}
    root.addHandler(handler)
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def identifiers() -> set[str]:
    """Ids, names, birth dates and record numbers of everybody in the demonstration."""
    found: set[str] = set()
    for row in Current.objects.filter(kind="Patient"):
        person = json.loads(row.content)
        found |= {row.identity, person.get("birthDate", "")}
        for name in person.get("name", []):
            found |= {name.get("family", ""), name.get("text", ""), *name.get("given", [])}
        found |= {identifier.get("value", "") for identifier in person.get("identifier", [])}
    return {words for words in found if len(words) > 2}


def named_in(text: str) -> set[str]:
    return {words for words in identifiers() if re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text)}


@pytest.mark.requirement(29, 26)
def test_the_log_of_every_journey_names_nobody(
    browser_of: Callable[[str], Client], heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with heard.alone():
        _journeys(browser_of, monkeypatch)
    text = heard.lines.getvalue()
    assert all(json.loads(line) for line in text.splitlines())
    assert named_in("\n".join(heard.raw)), "nobody was named by any library, so nothing is shown here"
    assert not named_in(text)
    assert "/patients/" not in text


def _journeys(browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each role's pages, wrong input, a fault, work, and a record that is brought in."""
    for role in ("prescriber", "nurse", "therapist", "coordinator", "director", "patient"):
        client = browser_of(role)
        client.raise_request_exception = False
        for name, address in PAGES.items():
            is_looked_at = name in ON_THE_WAY or role in ("prescriber", "director", "patient")
            if is_looked_at and (not name.startswith(SLOW_PAGES) or (role == "prescriber" and name not in SLOWEST)):
                client.get(address)
        client.get(f"/patients/{TREATED}/nothing")
        client.get(f"/patients/{TREATED}", headers={"host": f"{TREATED}.example"})
        client.post(f"/patients/{READY}/fact", {"path": "social.ride_home", "said": "Maren Okafor", "key": "k"})
    bad = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    bad.post("/sign-in", {"username": "Maren Okafor", "secret": "x"})
    bad.get(f"/patients?q={'Okafor' * 9}%00")
    _fault(browser_of("prescriber"), monkeypatch)
    _work()
    _bring_in("coordinator")


def _fault(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault whose own words name somebody."""

    def breaks(*_: object) -> None:
        raise IntegrityError("Key (patient_id)=(aneurysm) of Maren Okafor")

    client.raise_request_exception = False
    monkeypatch.setattr(today, "render", breaks)
    assert client.get("/today").status_code == 500


def _work() -> None:
    """Errands, one of which fails with somebody's words."""
    practice = Account.objects.get(username="nurse").practice
    Errand.objects.create(practice=practice, kind="aneurysm", details={"patient_id": "aneurysm"}, due_at=clock.now())
    Errand.objects.create(
        practice=practice, kind="early-sign", details={"patient_id": TREATED}, due_at=clock.now() - timedelta(days=1)
    )
    while jobs.do_next():
        pass


def _bring_in(username: str) -> None:
    """A record that is none, and one that is whole."""
    by = Account.objects.get(username=username)
    with pytest.raises(KetapathError):
        import_record(b'{"resourceType": "Patient", "id": "Okafor", "name": [{"family": "Okafor"', by=by)
    import_record(
        (Path("examples") / "patients" / "aneurysm.json").read_bytes(), by=by
    )  # what is refused of it is set apart


def test_a_fault_on_a_page_is_one_line_with_its_number_and_its_places(
    browser_of: Callable[[str], Client], heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser_of("prescriber")
    _fault(client, monkeypatch)
    faults = [json.loads(line) for line in heard.lines.getvalue().splitlines() if "fault on a page" in line]
    assert len(faults) == 1
    assert faults[0]["error"] == ["IntegrityError"]
    assert any(place.startswith("clinic/web/") for place in faults[0]["places"])
    assert re.fullmatch(r"[0-9a-f]{12}", faults[0]["fault"])


def test_a_line_names_request_and_route_and_the_code_of_the_database() -> None:
    record = logging.LogRecord("clinic.requests", logging.INFO, __file__, 1, "request", (), None)
    record.status, record.ms, record.path = 200, 12, "/patients/aneurysm"
    with noting() as notes:
        notes.route = "patient"
        line = json.loads(Lines().format(record))
    assert line["time"].endswith("+00:00")
    del line["time"]
    assert line == {
        "level": "info", "event": "request", "request": notes.id, "route": "patient", "status": 200, "ms": 12,
    }  # fmt: skip


def test_of_an_exception_only_types_code_and_places_are_kept() -> None:
    cause = ValueError("Maren Okafor")
    cause.sqlite_errorname = "SQLITE_FULL"  # type: ignore[attr-defined]
    try:
        raise RuntimeError("born 1985-02-03") from cause
    except RuntimeError as problem:
        said = told(problem, problem.__traceback__)
    assert said["error"] == ["RuntimeError", "ValueError"]
    assert said["code"] == "SQLITE_FULL"
    assert "Okafor" not in str(said)
    assert "1985" not in str(said)


def test_what_a_library_says_is_kept_as_logger_and_place() -> None:
    record = logging.LogRecord(
        "django.db.backends", logging.DEBUG, "/x/utils.py", 7, "(0.0) SELECT %s", ("Okafor",), None
    )
    line = json.loads(Lines().format(record))
    assert (line["event"], line["logger"], line["at"]) == ("django.db.backends", "django.db.backends", "utils.py:7")
    assert "SELECT" not in str(line)


def test_requests_are_logged_where_that_is_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configuration(level="WARNING", requests=False)["loggers"]["clinic.requests"]["level"] == "WARNING"
    assert configuration(level="WARNING", requests=True)["loggers"]["clinic.requests"]["level"] == "INFO"


def test_an_exception_that_nobody_caught_is_a_line_too(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    catch_all()
    problem = ValueError("Maren Okafor")
    sys.excepthook(ValueError, problem, None)
    line = json.loads(heard.lines.getvalue())
    assert (line["level"], line["error"]) == ("critical", ["ValueError"])
