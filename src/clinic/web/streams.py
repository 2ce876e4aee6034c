"""Tell an open page that something has changed. The page then asks for its part anew; the stream carries no data."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import path

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, Stay
from clinic.access.permission import may, reach
from clinic.practice.models import AlertStep
from clinic.queries.alerts import waiting
from clinic.queries.today import unseen
from clinic.record.read import mark
from clinic.web.door import asked, stands_for
from clinic.web.lock import marked

LOOK_EVERY_S = 1.0
BREATH_EVERY = 15
closing = threading.Event()
"""Set when the server is told to end, so that no open stream holds it up."""


@stands_for("see-today")
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """An event "changed" whenever what the account reaches of the record, or of its notices and alerts, has changed."""
    account = await request.auser()
    if not isinstance(account, Account):
        raise Http404
    is_allowed = await sync_to_async(_state)(account.pk) is not None
    await sync_to_async(_tell)(request, account, is_allowed=is_allowed)
    if not is_allowed:
        raise Http404
    stay = str((await request.session.aget("stay")) or "")
    response = StreamingHttpResponse(_events(account.pk, stay), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    return response


def _tell(request: HttpRequest, account: Account, *, is_allowed: bool) -> None:
    """One row when the stream is opened; what it says afterwards is nobody's data."""
    account = Account.objects.select_related("practice").get(pk=account.pk)
    audit.append("see-today", outcome="done" if is_allowed else "refused", account=account, asked=asked(request))


async def _events(account: int, stay: str) -> AsyncIterator[str]:
    """Until the server ends, or the sign-in that it belongs to, or what its account may see."""
    seen = await sync_to_async(_state)(account)
    looks = 0
    yield ": open\n\n"
    while not closing.is_set():
        await asyncio.sleep(LOOK_EVERY_S)
        looks += 1
        now = await sync_to_async(_state)(account)
        if now is None or not await _is_signed_in(stay):
            return
        if now != seen:
            seen = now
            yield "event: changed\ndata: 1\n\n"
        elif looks % BREATH_EVERY == 0:
            yield ": still here\n\n"


async def _is_signed_in(stay: str) -> bool:
    return await Stay.objects.filter(pk=stay, account__is_active=True, ends_at__gt=clock.wall()).aexists()


def _state(number: int) -> tuple[object, ...] | None:
    """Asked anew at each look, the account included: None once it may see the day no more, which ends its stream."""
    account = Account.objects.select_related("practice").filter(pk=number).first()
    if account is None or not may(account, "see-today"):
        return None
    open_ones = waiting(account)
    told = AlertStep.objects.filter(alert__in=open_ones).order_by("-id").values_list("id", flat=True).first()
    return mark(reach(account, "see-today")), unseen(account).count(), open_ones.count(), told


urls = [path("today/stream", marked(stream, by_itself=True), name="today-stream")]
