"""The door through real HTTP: two processes on one SQLite file, limits, and what the pages behind it keep."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from tests.browser.house import free_port
from tests.loops import run
from tests.store.conftest import practice_with
from tests.store.door import PATIENT

from clinic.access import audit
from clinic.access.models import AuditRow
from clinic.api import door
from clinic.api.door import Door
from clinic.api.trail import Trail

COMMAND = [sys.executable, "-c", "import sys; from clinic.cli import main; sys.exit(main())"]


@dataclass
class Served:
    """A running clinic with a token of each role."""

    port: int
    folder: Path
    tokens: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[HTTPResponse, bytes]:
        """One request on a connection of its own, as the service unless it says otherwise."""
        said = {"Authorization": f"Bearer {self.tokens['service']}"}
        said |= {"Content-Type": "application/fhir+json"} if body is not None else {}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), said)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def raw(self, text: str) -> bytes:
        """The answer to these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(text.encode("latin-1"))
            answer = b""
            while not answer.endswith(b"}") and (part := wire.recv(65536)):
                answer += part
            return answer

    def rows(self, question: str) -> list[Any]:
        """What stands in the database file."""
        with sqlite3.connect(self.folder / "clinic.sqlite3") as file:
            return file.execute(question).fetchall()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if connection.vendor != "sqlite":
        pytest.skip("the clinic that is served here has a file of its own; it was asked where the tests ran on SQLite")
    folder, port = tmp_path_factory.mktemp("door"), free_port()
    surroundings = {**os.environ, "DATA_DIR": str(folder), "PORT": str(port), "HOST": "127.0.0.1", "TEST_MODE": "1"}
    surroundings.pop("DATABASE_URL", None)
    made = subprocess.run([*COMMAND, "test-tokens"], env=surroundings, capture_output=True, check=True)
    surroundings["WORKERS"] = "2"
    process = subprocess.Popen([*COMMAND, "serve"], env=surroundings, stdout=subprocess.DEVNULL)
    clinic = Served(port, folder, json.loads(made.stdout), process)
    for _ in range(300):
        assert process.poll() is None, "the clinic ended before it was ready"
        try:
            if clinic.ask("GET", "/health")[0].status == 200:
                break
        except OSError:
            time.sleep(0.1)
    yield clinic
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0


def test_what_is_written_by_one_process_is_read_by_the_other(served: Served) -> None:
    made, body = served.ask("POST", "/fhir/Patient", PATIENT)
    assert (made.status, made.getheader("ETag")) == (201, 'W/"1"')
    place = made.getheader("Location", "").partition("/_history")[0].partition(str(served.port))[2]
    for _ in range(8):  # new connections, so that both processes answer
        found, again = served.ask("GET", place)
        assert (found.status, again) == (200, body)
        assert found.getheader("Set-Cookie") is None


@pytest.mark.requirement(51)
def test_of_24_racing_conditional_creates_one_is_made(served: Served) -> None:
    known = {**PATIENT, "identifier": [{"system": "urn:x", "value": "race"}]}
    start, answers = threading.Barrier(24), []

    def attempt() -> None:
        start.wait()
        answers.append(served.ask("POST", "/fhir/Patient", known, If_None_Exist="identifier=urn:x|race"))

    threads = [threading.Thread(target=attempt) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status for answer, _ in answers) == {201: 1, 200: 23}
    assert len({json.loads(body)["id"] for _, body in answers}) == 1
    assert json.loads(served.ask("GET", "/fhir/Patient?identifier=urn:x|race")[1])["total"] == 1


@pytest.mark.requirement(36)
def test_every_request_that_was_answered_is_on_the_trail_by_then(served: Served) -> None:
    count = "SELECT count(*) FROM access_auditrow WHERE asked = 'GET /fhir/Patient?_count=1'"
    before = served.rows(count)[0][0]

    def ask() -> None:
        for _ in range(5):
            assert served.ask("GET", "/fhir/Patient?_count=1")[0].status == 200

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served.rows(count)[0][0] - before == 40


@pytest.mark.requirement(24)
def test_what_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    token = served.tokens["service"]
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/fhir+json\r\n"
    large = served.raw(f"POST /fhir HTTP/1.1\r\n{head}Content-Length: {64 * 1024 * 1024 + 1}\r\n\r\n")
    assert large.startswith(b"HTTP/1.1 413")
    assert b"OperationOutcome" in large
    unknown = served.raw("POST /fhir HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n\r\n")
    assert unknown.startswith(b"HTTP/1.1 401")
    many = "".join(f"X-{n}: 1\r\n" for n in range(101))
    assert served.raw(f"GET /fhir/Patient HTTP/1.1\r\n{head}{many}\r\n").startswith(b"HTTP/1.1 431")
    assert served.raw(f"GET /fhir/Patient?{'a' * 9000} HTTP/1.1\r\n{head}\r\n").startswith(b"HTTP/1.1 414")


def test_a_stranger_s_host_and_a_header_that_came_twice_are_refused(served: Served) -> None:
    assert served.raw("GET /fhir/metadata HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n").startswith(b"HTTP/1.1 400")
    twice = "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"
    assert served.raw(f"GET /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1\r\n{twice}\r\n").startswith(b"HTTP/1.1 400")


def test_the_pages_behind_the_door_are_as_they_were(served: Served) -> None:
    page, body = served.ask("GET", "/sign-in")
    assert (page.status, "text/html" in page.getheader("Content-Type", "")) == (200, True)
    assert b"csrf" in body
    assert served.ask("GET", "/fhirx")[0].status == 404


def through(scope: dict[str, Any], messages: list[dict[str, Any]], limits: Door) -> tuple[int, dict[str, str]]:
    """The status and headers that this scope gets from the application, without a server."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {"type": "http", "method": "POST", "path": "/fhir", "query_string": b"", "scheme": "http", **scope}
    run(limits(whole, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def no_pages(*_: Any) -> None:
    raise AssertionError("the pages were asked")


@pytest.mark.requirement(24)
def test_a_slow_body_and_too_many_at_a_time_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    host = (b"host", b"127.0.0.1")
    monkeypatch.setattr(door, "BODY_S", 0.01)
    assert through({"headers": [host, (b"content-length", b"5")]}, [], Door(no_pages))[0] == 408
    monkeypatch.setattr(door, "IN_FLIGHT", 0)
    status, headers = through({"headers": [host]}, [], Door(no_pages))
    assert (status, headers["Retry-After"]) == (503, "1")


@pytest.mark.requirement(24)
def test_a_body_that_grows_beyond_what_it_said_is_cut_off() -> None:
    part = {"type": "http.request", "body": b"123456", "more_body": True}
    head = {"headers": [(b"host", b"127.0.0.1"), (b"content-length", b"5")]}
    assert through(head, [part], Door(no_pages))[0] == 413


@pytest.mark.requirement(27)
def test_behind_a_proxy_only_https_is_answered(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.IS_BEHIND_TLS, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    head = [(b"host", b"127.0.0.1"), (b"content-length", b"x")]
    assert through({"headers": head}, [], Door(no_pages))[0] == 403
    status, headers = through({"headers": [*head, (b"x-forwarded-proto", b"https")]}, [], Door(no_pages))
    assert (status, headers["Strict-Transport-Security"]) == (400, "max-age=31536000")


@pytest.mark.requirement(37)
@pytest.mark.usefixtures("committed")
@pytest.mark.skipif(connection.vendor == "sqlite", reason="threads of one process need a database server")
def test_a_row_that_cannot_be_written_fails_its_own_request_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    written = audit.append

    def append(act: str, **said: Any) -> Any:
        if act == "bad":
            raise OSError(28, "No space left on device")
        return written(act, **said)

    monkeypatch.setattr(audit, "append", append)
    here, trail, failed = practice_with(), Trail(), []

    def ask(act: str) -> None:
        try:
            trail.append(act, outcome="done", account=here)
        except OSError:
            failed.append(act)
        finally:
            connection.close()

    acts = ["good", "bad", "good", "good", "bad", "good"] * 4
    threads = [threading.Thread(target=ask, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail._writer.submit(lambda: connection.close()).result()  # its own, so asked for there
    assert failed == ["bad"] * 8
    assert AuditRow.objects.filter(practice=here.practice.slug, act="good").count() == 16
