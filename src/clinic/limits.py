"""How much may a request be, how long may it take, and what goes out with every answer, errors and static files too?

`Limits` stands in front of Django. It counts before anything is kept: the address, the headers, the body as it comes
in, the time. `PatientHttp` is uvicorn's protocol with a limit on how long a request's head may take, which uvicorn does
not have. How many connections one address may open is for the proxy or the firewall to say.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import h11
from django.conf import settings
from django.utils.translation import gettext as _
from uvicorn.protocols.http.h11_impl import H11Protocol

from clinic import logs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MIB = 1024 * 1024
ADDRESS_BYTES = 8 * 1024
HEADER_BYTES = 32 * 1024
HEADERS = 100
BODY_BYTES = MIB
UPLOADS = {"/patients/import": 64 * MIB}
"""Addresses that take files, with what they take; everything else takes a form."""
HEADERS_S = 10.0
BODY_S = 30.0
ANSWER_S = 60.0
SLOW_MS = 5000
WITHOUT_TLS = ("/health",)
"""What may be asked without the proxy: is it ready, and nothing of anybody."""

_log = logging.getLogger("clinic.requests")
_PLACE = "'self'"
POLICY = f"default-src {_PLACE}; base-uri 'none'; form-action {_PLACE}; frame-ancestors 'none'; object-src 'none'"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
}
"""Headers of every answer. One that a page has set itself stands."""


@dataclass(frozen=True, slots=True)
class _Refusal(Exception):
    """A request that goes too far, in our words."""

    status: int
    words: str


class Limits:
    """The application behind its limits."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say in a line why not."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        with logs.noting() as notes:
            answer = _Answer(scope, send, notes)
            try:
                _check_head(scope)
                body = _Body(receive, UPLOADS.get(scope["path"], BODY_BYTES))
                await self._within_time(scope, body, answer)
            except _Refusal as refusal:
                await answer.refuse(refusal.status, refusal.words)
            finally:
                answer.log()

    async def _within_time(self, scope: Scope, body: _Body, answer: _Answer) -> None:
        """Until the answer has begun there is a limit; an open stream goes on as long as it likes."""
        work = asyncio.ensure_future(self.application(scope, body.receive, answer.send))
        begun = asyncio.ensure_future(answer.begun.wait())
        try:
            first: set[asyncio.Future[Any]] = {work, begun, body.trouble}
            await asyncio.wait(first, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            if not answer.begun.is_set():
                answer.is_shut = True
                if body.trouble.done():
                    raise body.trouble.result()
                if not work.done():
                    raise _Refusal(
                        503, _("This takes too long. It may be done all the same: look before repeating it.")
                    )
                if work.exception() is not None:
                    _log.error("a fault outside of any page", exc_info=work.exception())
                    raise _Refusal(500, _("Something broke on our side. Report the number of this request."))
            await work
        finally:
            for task in (begun, work):
                if not task.done():
                    task.cancel()
            body.close()


def _check_head(scope: Scope) -> None:
    """The address, the headers, and that nobody speaks past the proxy."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > ADDRESS_BYTES:
        raise _Refusal(414, _("The address is longer than %(count)s bytes.") % {"count": ADDRESS_BYTES})
    if len(headers) > HEADERS or sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
        raise _Refusal(431, _("The headers are more than this server takes."))
    told = dict(headers)
    is_by_tls = told.get(b"x-forwarded-proto", b"").strip().lower() == b"https"
    if settings.ENVIRONMENT.tls_proxy and not is_by_tls and scope["path"] not in WITHOUT_TLS:
        raise _Refusal(400, _("This clinic speaks only through its TLS proxy."))
    length = told.get(b"content-length", b"0")
    if length.isdigit() and int(length) > UPLOADS.get(scope["path"], BODY_BYTES):
        raise _too_large(UPLOADS.get(scope["path"], BODY_BYTES))


def _too_large(limit: int) -> _Refusal:
    words = _("More than %(count)s MiB were sent; this page takes no more. Nothing was saved.")
    return _Refusal(413, words % {"count": limit // MIB})


class _Body:
    """The body as it arrives: counted, and with a time by which it has to be whole. `trouble` is what went too far."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit, self._seen, self._whole = receive, limit, 0, False
        self._until = time.monotonic() + BODY_S * max(1, limit // BODY_BYTES // 8)
        self.trouble: asyncio.Future[_Refusal] = asyncio.get_running_loop().create_future()

    async def receive(self) -> Message:
        """The next piece. After one that goes too far the application hears that the caller has left."""
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            return self._stop(_Refusal(408, _("The request came too slowly. Nothing was saved.")))
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            return self._stop(_too_large(self._limit))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def _stop(self, refusal: _Refusal) -> Message:
        if not self.trouble.done():
            self.trouble.set_result(refusal)
        return {"type": "http.disconnect"}

    def close(self) -> None:
        """Nobody waits for trouble any more."""
        if not self.trouble.done():
            self.trouble.cancel()


class _Answer:
    """What goes out: with the headers of every answer, and a line in the log once it has ended."""

    def __init__(self, scope: Scope, send: Send, notes: logs.Notes) -> None:
        self._scope, self._send, self._notes = scope, send, notes
        self.begun = asyncio.Event()
        self.is_shut = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """One message of the application; silent where we have answered in its place."""
        if self.is_shut:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.begun.set()
            message["headers"] = self._with_ours(message.get("headers", []))
        await self._send(message)

    async def refuse(self, status: int, words: str) -> None:
        """Our own answer, and the end of this connection: what is left of the request is not read."""
        self.is_shut = False
        text = f"{words}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(text)).encode()),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": text})

    def log(self) -> None:
        """One line, where requests are logged; a fault or a slow one always."""
        ms = round(1000 * (time.monotonic() - self._notes.started))
        is_stream = self._notes.route.endswith("stream")
        level = logging.WARNING if self.status >= 500 or (ms > SLOW_MS and not is_stream) else logging.INFO
        _log.log(level, "request", extra={"method": _method(self._scope), "status": self.status, "ms": ms})

    def _with_ours(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _value in headers}
        ours = dict(ALWAYS)
        if settings.IS_BEHIND_TLS:
            ours["strict-transport-security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        if not self._scope["path"].startswith(settings.STATIC_URL):
            ours["cache-control"] = "no-store"
        added = [(name.encode(), value.encode()) for name, value in ours.items() if name.encode() not in names]
        return [*headers, *added, (b"x-request-id", self._notes.id.encode())]


def _method(scope: Scope) -> str:
    """The method, where it is one that exists; a caller may send any word."""
    return (
        scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
    )


class PatientHttp(H11Protocol):
    """uvicorn's HTTP with a limit on the time that the head of a request may take, refused in our words."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The time begins."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """It ends once the head is whole, and begins anew with the next request."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; h11 says whether the head was only too long."""
        problem = sys.exc_info()[1]
        status = getattr(problem, "error_status_hint", 400)
        self._refuse(431, "The headers are more than this server takes.") if status == 431 else self._refuse(
            400, "This is not a request that this server understands."
        )

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEADERS_S, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        self._waiting = None
        if not self.transport.is_closing() and self.conn.trailing_data[0]:
            self._refuse(408, "The request came too slowly.")
        self.transport.close()

    def _refuse(self, status: int, words: str) -> None:
        """Written by hand: h11 may be in a state in which it says nothing any more."""
        text = f"{words}\n".encode()
        lines = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(text)), "connection": "close"}
        lines |= ALWAYS | {"cache-control": "no-store"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.transport.write(f"HTTP/1.1 {status} Refused\r\n{head}\r\n".encode() + text)
        self.transport.close()
