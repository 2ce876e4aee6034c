"""What is too much, too long or too slow is answered in a line; what is answered at all carries the same headers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from tests.loops import run

from clinic import limits
from clinic.environment import read
from clinic.limits import ALWAYS, Limits, PatientHttp

FORM = {"type": "http.request", "body": b"a=1", "more_body": False}


def scope(path: str = "/today", *, query: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()) -> dict[str, Any]:
    return {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": query,
        "headers": list(headers),
    }  # fmt: skip


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body to its end, as the pages do, and answers 200; gives up where the caller has left."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"read"})


def answer(
    asked: dict[str, Any], *pieces: dict[str, Any], app: Any = echo, pause_s: float = 0.0
) -> tuple[int, Any, str]:
    """Status, headers and text that a caller gets who sends these pieces of a body."""
    sent: list[Any] = []
    waiting = list(pieces or (FORM,))

    async def receive() -> Any:
        await asyncio.sleep(pause_s)
        return waiting.pop(0) if waiting else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    run(asyncio.wait_for(Limits(app)(asked, receive, send), 20))
    head = next(m for m in sent if m["type"] == "http.response.start")
    text = b"".join(m.get("body", b"") for m in sent)
    return head["status"], {name.decode().lower(): value.decode() for name, value in head["headers"]}, text.decode()


@pytest.mark.requirement(24)
@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (scope(query=b"q=" + b"x" * 9000), 414, "longer than 8192 bytes"),
        (scope(headers=((b"cookie", b"x" * 40_000),)), 431, "headers"),
        (scope(headers=tuple((b"x-%d" % n, b"1") for n in range(101))), 431, "headers"),
        (scope(headers=((b"content-length", b"1048577"),)), 413, "Nothing was saved"),
        (scope("/patients/import", headers=((b"content-length", b"67108865"),)), 413, "More than 64 MiB"),
    ],
)
def test_what_is_too_large_is_refused_in_words_before_it_is_read(asked: dict[str, Any], status: int, said: str) -> None:
    found, _headers, text = answer(asked)
    assert (found, said in text) == (status, True)


@pytest.mark.requirement(24)
def test_a_body_that_says_nothing_of_its_length_is_counted_as_it_comes() -> None:
    pieces = [{"type": "http.request", "body": b"x" * 400_000, "more_body": True}] * 3
    assert answer(scope(), *pieces)[0] == 413
    assert answer(scope("/patients/import"), *pieces, FORM)[0] == 200
    whole = [{"type": "http.request", "body": b"x" * 524_288, "more_body": more} for more in (True, False)]
    assert answer(scope(), *whole)[0] == 200


@pytest.mark.requirement(24)
def test_a_body_that_comes_too_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_S", 0.2)
    status, _headers, text = answer(
        scope(), *[{"type": "http.request", "body": b"x", "more_body": True}] * 9, pause_s=0.1
    )
    assert (status, "too slowly" in text) == (408, True)


@pytest.mark.requirement(24)
def test_an_answer_that_takes_too_long_is_given_up_and_says_that_it_may_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(limits, "ANSWER_S", 0.1)
    status, _headers, text = answer(scope(), app=never)
    assert (status, "may be done" in text) == (503, True)


def test_a_stream_that_has_begun_goes_on_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.3)
        await send({"type": "http.response.body", "body": b"late"})

    monkeypatch.setattr(limits, "ANSWER_S", 0.1)
    assert answer(scope(), app=stream)[::2] == (200, "late")


@pytest.mark.requirement(26)
def test_a_fault_outside_of_any_page_has_an_id_and_nothing_of_the_inside() -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("Layla Mansour")

    status, headers, text = answer(scope(), app=broken)
    assert status == 500
    assert "Layla" not in text
    assert len(headers["x-request-id"]) == 12


@pytest.mark.requirement(27)
@pytest.mark.parametrize("asked", [scope(), scope(query=b"q=" + b"x" * 9000)], ids=["answer", "refusal"])
def test_every_answer_has_the_headers(asked: dict[str, Any], settings: Any) -> None:
    settings.IS_BEHIND_TLS, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    _status, headers, _text = answer(asked)
    assert ALWAYS.items() <= headers.items()
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert "cache-control" not in answer(scope("/static/app.css"))[1]


@pytest.mark.requirement(33)
def test_behind_a_proxy_nothing_is_said_to_whoever_comes_past_it(settings: Any) -> None:
    settings.ENVIRONMENT = read({"TLS_PROXY": "1", "PUBLIC_URL": "https://clinic.example"})
    assert answer(scope())[0] == 400
    assert answer(scope(headers=((b"x-forwarded-proto", b"http"),)))[0] == 400
    assert answer(scope(headers=((b"x-forwarded-proto", b"https"),)))[0] == 200
    assert answer(scope("/health"))[0] == 200


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server with our protocol, whose heads have half a second."""
    monkeypatch.setattr(limits, "HEADERS_S", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Limits(echo), http=PatientHttp, log_config=None, lifespan="off", ws="none",
        h11_max_incomplete_event_size=limits.HEADER_BYTES,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def say(port: int, *pieces: bytes) -> bytes:
    """What comes back, to the end of the connection, for pieces sent with a pause between them."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        for piece in pieces:
            caller.sendall(piece)
            time.sleep(0.05)
        return b"".join(iter(lambda: caller.recv(65536), b""))


@pytest.mark.requirement(24, 27)
@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ((b"GET / HTTP/1.1\r\nhost: x\r\n", b"a: b\r\n"), b"408"),
        ((b"GET / HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n", b"GET / HT"), b"408"),
        ((b"GET / HTTP/1.1\r\nhost: x\r\ncookie: " + b"x" * 40_000,), b"431"),
        ((b"\x16\x03\x01 no http\r\n\r\n",), b"400"),
        ((b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",), b"400"),
    ],
)
def test_a_head_that_is_slow_too_long_or_none_is_refused_in_our_words(
    port: int, pieces: tuple[bytes, ...], status: bytes
) -> None:
    said = say(port, *pieces)
    last = said[said.rindex(b"HTTP/1.1") :]
    assert last.startswith(b"HTTP/1.1 " + status)
    assert b"x-content-type-options: nosniff" in last
    assert last.rstrip().endswith(b".")


def test_a_browser_that_connects_ahead_of_time_is_let_go_without_a_word(port: int) -> None:
    assert say(port) == b""


def test_a_head_in_two_pieces_is_answered(port: int) -> None:
    assert say(port, b"GET / HTTP/1.1\r\nhost: x\r\n", b"connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
