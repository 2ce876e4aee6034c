"""The work behind the pages, for the director: what waits, what failed and when it is tried again, what was done."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic import clock
from clinic.access.permission import may
from clinic.actions.errands import try_again
from clinic.queries.errands import errands as outbox
from clinic.web.door import account_of, staff


@require_GET
@staff("see-errands")
def errands(request: HttpRequest) -> HttpResponse:
    """The whole page, or its live part alone when the page asks for it."""
    practice = account_of(request).practice
    part = getattr(request, "htmx", False)
    context = {"errands": outbox(practice), "now": clock.local(clock.now(), practice.zone),
               "may_retry": may(account_of(request), "retry-errand")}  # fmt: skip
    return render(request, "errands/list.html" if part else "errands/errands.html", context)


@require_POST
@staff("retry-errand")
def again(request: HttpRequest, number: int) -> HttpResponse:
    """One that failed is tried again now."""
    if try_again(number, by=account_of(request)):
        messages.success(request, _("It is tried again now."))
    else:
        messages.info(request, _("It was done meanwhile."))
    return redirect("errands")


urls = [
    path("errands", errands, name="errands"),
    path("errands/<int:number>/again", again, name="errands-again"),
]
