"""Tell an open page that something has changed. The page then asks for its part anew; the stream carries no data."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import path

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import may
from clinic.record.models import Notice, Practice
from clinic.record.read import mark
from clinic.web.door import asked

LOOK_EVERY_S = 1.0
BREATH_EVERY = 15
closing = threading.Event()
"""Set when the server is told to end, so that no open stream holds it up."""


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """An event "changed" whenever the practice's record or its notices have changed."""
    account = await request.auser()
    is_allowed = isinstance(account, Account) and may(account, "see-today")
    if isinstance(account, Account):
        await sync_to_async(_tell)(request, account, is_allowed=is_allowed)
    if not isinstance(account, Account) or not is_allowed:
        raise Http404
    practice = await Practice.objects.aget(pk=account.practice_id)
    response = StreamingHttpResponse(_events(practice), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    return response


def _tell(request: HttpRequest, account: Account, *, is_allowed: bool) -> None:
    """One row when the stream is opened; what it says afterwards is nobody's data."""
    account = Account.objects.select_related("practice").get(pk=account.pk)
    audit.append("see-today", outcome="done" if is_allowed else "refused", account=account, asked=asked(request))


async def _events(practice: Practice) -> AsyncIterator[str]:
    seen = await sync_to_async(_state)(practice)
    looks = 0
    yield ": open\n\n"
    while not closing.is_set():
        await asyncio.sleep(LOOK_EVERY_S)
        looks += 1
        now = await sync_to_async(_state)(practice)
        if now != seen:
            seen = now
            yield "event: changed\ndata: 1\n\n"
        elif looks % BREATH_EVERY == 0:
            yield ": still here\n\n"


def _state(practice: Practice) -> tuple[int, int]:
    return mark(practice), Notice.objects.filter(practice=practice, seen_at=None).count()


urls = [path("today/stream", stream, name="today-stream")]
