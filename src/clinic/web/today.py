"""The day: what is open, planned, missed and overdue, and the notices."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from clinic import clock
from clinic.actions.today import see_notice
from clinic.queries.today import AT_ONCE
from clinic.queries.today import today as day
from clinic.web.board import board
from clinic.web.door import account_of, staff
from clinic.web.lock import marked


@require_GET
@staff("see-today")
def today(request: HttpRequest) -> HttpResponse:
    """The whole page, or its live part alone when the page asks for it."""
    practice, said = account_of(request).practice, request.GET.get("from", "")
    start = int(said) if re.fullmatch("[0-9]{1,6}", said, re.ASCII) else 0
    found = day(account_of(request), start=start)
    context = {"day": found, "start": start, "now": clock.local(clock.now(), practice.zone)}
    context |= {"before": max(0, start - AT_ONCE), "end": start + len(found.notices)}
    part = getattr(request, "htmx", False)
    return render(request, "today/list.html" if part else "today/today.html", context)


@require_POST
@staff("see-notice")
def seen(request: HttpRequest, number: int) -> HttpResponse:
    """Somebody has read this notice."""
    see_notice(number, by=account_of(request))
    return redirect("today")


urls = [
    path("today", marked(today, reduced=board), name="today"),
    path("today/notices/<int:number>/seen", seen, name="today-seen"),
]
