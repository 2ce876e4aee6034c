"""The ASGI application: what goes to the FHIR door is answered here, everything else by the pages behind it.

Requests are counted, measured and timed before anything is read into memory, and answered by a few threads, each with
its own connection. No session, form token, template or page middleware lies on this way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host

from clinic.api.message import Request, Response
from clinic.api.outcome import Problem, answer, explained, unauthenticated
from clinic.api.respond import bearer, finished, respond
from clinic.api.trail import Trail, with_lasting_connection

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 64 * 1024 * 1024
MAX_ADDRESS = 8 * 1024
MAX_HEADERS = (100, 32 * 1024)
"""How many, and how many bytes together."""
IN_FLIGHT = 64
HELD = 4 * MAX_BODY
"""Bytes of bodies held at once."""
UNKNOWN_BODY = 64 * 1024
"""So much is read of a body before its sender's token is looked at."""
BODY_S, ANSWER_S = 60.0, 60.0
THREADS = 8
_ONCE = ("authorization", "host", "content-type", "content-length", "if-match", "if-none-exist", "idempotency-key")


class _Gone(Exception):
    """The caller has hung up."""


class Door:
    """Tells the two kinds of requests apart, and holds what is common to all requests of this process."""

    def __init__(self, pages: Application) -> None:
        self._pages = pages
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="door")
        self._trail: Trail | None = None
        self._in_flight = self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/fhir" or path.startswith(("/fhir/", "/api/"))):
            await self._pages(scope, receive, send)
            return
        number = secrets.token_hex(8)
        try:
            response = await self._answered(scope, receive, number)
        except Problem as problem:
            response = finished(answer(problem, number), number)
        except _Gone:
            return
        await _send(send, response)

    async def _answered(self, scope: Scope, receive: Receive, number: str) -> Response:
        if self._in_flight >= IN_FLIGHT:
            raise _too_much(1)
        self._in_flight += 1
        work: asyncio.Future[Response] | None = None
        held = 0
        try:
            request = _request(scope, number)
            length = _length(request)
            if length > UNKNOWN_BODY and not await self._is_known(request):
                raise unauthenticated()
            if self._held + length > HELD:
                raise _too_much(5)
            held = length
            self._held += held
            async with asyncio.timeout(BODY_S):
                body = await _body(receive, length)
            work = asyncio.get_running_loop().run_in_executor(self._pool, self._work, replace(request, body=body))
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(work)
        except TimeoutError:
            if work is None:
                raise Problem(408, "timeout", "The body came too slowly.") from None
            words = "This took too long. It may still be done: ask with the same Idempotency-Key, or read."
            raise Problem(503, "timeout", words, headers=[("Retry-After", "30")]) from None
        finally:
            # A thread that is still busy counts until it has finished, whoever has stopped waiting for it.
            if work is None or work.done():
                self._leave(held)
            else:
                work.add_done_callback(lambda _: self._leave(held))

    def _leave(self, held: int) -> None:
        self._in_flight -= 1
        self._held -= held

    async def _is_known(self, request: Request) -> bool:
        look = partial(with_lasting_connection, lambda: bearer(request) is not None)
        try:
            return bool(await asyncio.get_running_loop().run_in_executor(self._pool, look))
        except (DatabaseError, OSError) as error:
            raise explained(error) or error from error

    def _work(self, request: Request) -> Response:
        if self._trail is None:
            self._trail = Trail()
        tell = self._trail.append
        response: Response = with_lasting_connection(lambda: respond(request, tell=tell))
        return response


def _request(scope: Scope, number: str) -> Request:
    """The request without its body. Raises Problem for one that is too large or not for us."""
    headers = _headers(scope)
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_ADDRESS:
        raise Problem(414, "too-long", "This address is too long; POST _search takes a long search.")
    client = scope.get("client") or ("", 0)
    return Request(
        method=scope["method"], path=scope["path"], query=scope["query_string"].decode("latin-1"), headers=headers,
        source=str(client[0]), base=_base(scope, headers), number=number,
    )  # fmt: skip


def _headers(scope: Scope) -> Mapping[str, str]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    if len(pairs) > MAX_HEADERS[0] or sum(len(n) + len(v) for n, v in pairs) > MAX_HEADERS[1]:
        raise Problem(431, "too-long", "There are too many headers, or they are too long.")
    times = Counter(name for name, _ in pairs)
    if any(times[name] > 1 for name in _ONCE):
        raise Problem(400, "invalid", "A header that may come once came twice.")
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _base(scope: Scope, headers: Mapping[str, str]) -> str:
    """The address that the caller reaches us by, which has to be one of ours, and https where there is a proxy."""
    if settings.IS_BEHIND_TLS and headers.get("x-forwarded-proto") != "https":
        raise Problem(403, "security", "Use https.")
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL).rstrip("/")
    host = headers.get("host", "")
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        raise Problem(400, "invalid", "This host is not known here.")
    return f"{'https' if settings.IS_BEHIND_TLS else scope.get('scheme', 'http')}://{host}"


def _length(request: Request) -> int:
    """How long the body is said to be; without a word of it, as long as one may be."""
    said = request.header("content-length")
    if not said:
        return 0 if "chunked" not in request.header("transfer-encoding").lower() else MAX_BODY
    if not said.isascii() or not said.isdigit() or len(said) > 12:
        raise Problem(400, "invalid", "Content-Length is no number.")
    if int(said) > MAX_BODY:
        raise Problem(413, "too-long", "A request may have 64 MiB at most.")
    return int(said)


async def _body(receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise Problem(413, "too-long", "A request may have 64 MiB at most.")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, response: Response) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
    if response.status != 304:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _too_much(after_s: int) -> Problem:
    headers = [("Retry-After", str(after_s))]
    return Problem(503, "throttled", "There is too much to do at the moment.", headers=headers)
