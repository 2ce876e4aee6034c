"""Tell an open page that something has changed. The page then asks for its part anew; the stream carries no data."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import path

from clinic import clock
from clinic.access.models import Account, Stay
from clinic.access.permission import may
from clinic.record.models import Notice, Practice
from clinic.record.read import mark
from clinic.web.lock import marked

LOOK_EVERY_S = 1.0
BREATH_EVERY = 15
closing = threading.Event()
"""Set when the server is told to end, so that no open stream holds it up."""


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """An event "changed" whenever the practice's record or its notices have changed."""
    account = await request.auser()
    if not isinstance(account, Account) or not may(account, "see-today"):
        raise Http404
    practice = await Practice.objects.aget(pk=account.practice_id)
    stay = str((await request.session.aget("stay")) or "")
    response = StreamingHttpResponse(_events(practice, stay), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    return response


async def _events(practice: Practice, stay: str) -> AsyncIterator[str]:
    """Until the server ends, or the sign-in that it belongs to."""
    seen = await sync_to_async(_state)(practice)
    looks = 0
    yield ": open\n\n"
    while not closing.is_set():
        await asyncio.sleep(LOOK_EVERY_S)
        looks += 1
        now = await sync_to_async(_state)(practice)
        if not await _is_signed_in(stay):
            return
        if now != seen:
            seen = now
            yield "event: changed\ndata: 1\n\n"
        elif looks % BREATH_EVERY == 0:
            yield ": still here\n\n"


async def _is_signed_in(stay: str) -> bool:
    return await Stay.objects.filter(pk=stay, account__is_active=True, ends_at__gt=clock.wall()).aexists()


def _state(practice: Practice) -> tuple[int, int]:
    return mark(practice), Notice.objects.filter(practice=practice, seen_at=None).count()


urls = [path("today/stream", marked(stream, by_itself=True), name="today-stream")]
