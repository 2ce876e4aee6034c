"""What went wrong, what was kept, what next? Every refusal in plain words; nothing of the inside is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.proof import NotProven
from clinic.actions.commit import KeyReused, NotAllowed, Stale
from clinic.actions.plan import Overtaken
from clinic.actions.visit import NotNow
from clinic.logs import request_id
from clinic.record.projections import knowledge
from ketapath.errors import BadInput
from ketapath.report import say

_log = logging.getLogger(__name__)
TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)

EXPECTED = (BadInput, NotAllowed, NotNow, NotProven, Stale, Overtaken, KeyReused)
"""What a person can run into by ordinary use; pages show it where it happened and keep what was typed."""
_NOT_SIGNED: Mapping[str, Any] = MappingProxyType(
    {
        "": gettext_lazy("This is not your user name with your password: nobody signs for another."),
        "nothing": gettext_lazy("No password was typed."),
        "sign-in-code": gettext_lazy("This looks like a sign-in code. It opens the pages and does not sign."),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One trouble in plain words. `field` is the form field it is about, where there is one."""

    title: str
    what: str
    next_step: str
    status: int
    field: str = ""


def posted(request: HttpRequest, do: Callable[[], str], to: str) -> HttpResponse | Problem | None:
    """A page's own form: away to `to` with the sentence of what was done, or the trouble that the page shows.

    None where the page is only opened.
    """
    if request.method != "POST":
        return None
    try:
        said = do()
    except EXPECTED as trouble:
        return explained(trouble)
    messages.success(request, said)
    return redirect(to)


def explained(problem: Exception) -> Problem:
    """The trouble in the words of the page."""
    if isinstance(problem, BadInput):
        return Problem(
            title=_("This was not saved"),
            what=_what(problem),
            next_step=problem.next_step,
            status=400,
            field=problem.field,
        )
    if isinstance(problem, NotAllowed):
        return Problem(
            title=_("This step is not possible"), what=say(problem.why, knowledge().texts),
            next_step=_("Nothing was saved. Look at the page again; it shows the record as it stands."), status=409,
        )  # fmt: skip
    if isinstance(problem, NotNow):
        return Problem(
            title=_("The dose was not started"), what=problem.words, next_step=problem.next_step, status=409,
            field="reason",
        )  # fmt: skip
    if isinstance(problem, NotProven):
        return Problem(
            title=_("Not signed"), what=str(_NOT_SIGNED.get(problem.typed, _NOT_SIGNED[""])),
            next_step=_("Nothing was saved and the rest is kept. Type your own password, or the code that your app "
                        "shows now, and send it again."),
            status=400, field="secret",
        )  # fmt: skip
    if isinstance(problem, Overtaken):
        return Problem(
            title=_("The facts have changed"),
            what=_("Something was added to the record after you opened this page, and the plan has been made again."),
            next_step=_("Nothing was signed. What you typed is kept below; read the new plan, then decide."),
            status=409,
        )
    if isinstance(problem, KeyReused):
        return Problem(
            title=_("This page was used before"), what=_("This form has already been sent with other content."),
            next_step=_("Nothing was saved twice. Check the page, then send it again."), status=409,
        )  # fmt: skip
    return Problem(
        title=_("The record has changed"),
        what=_("After you opened this page it was changed by somebody else, or by you in another window."),
        next_step=_(
            "Nothing is lost: the page shows that change, and what you typed is kept below. Read it, then send "
            "yours again."
        ),
        status=409,
    )


def _what(problem: BadInput) -> str:
    """Which field, what stood in it, and what is needed."""
    said = {"field": problem.field[:1].upper() + problem.field[1:], "found": problem.found, "limit": problem.limit}
    if problem.found in ("", _("nothing"), _("nobody"), _("none")):
        return _("%(field)s: nothing was given. Needed: %(limit)s.") % said
    return _("%(field)s: %(found)s. Needed: %(limit)s.") % said


def page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A page that only says what is the matter."""
    return render(request, "problems/problem.html", {"problem": problem}, status=problem.status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same page for what does not exist and for what this person may not see."""
    return page(
        request,
        Problem(
            title=_("There is no such page"), what=_("It does not exist, or it is not yours to see."),
            next_step=_("Go back, or start from Today."), status=404,
        ),
    )  # fmt: skip


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Nobody learns from a refusal whether the thing exists."""
    if isinstance(exception, SessionInterrupted):
        return sign_in_not_kept(request)
    return too_much(request) if isinstance(exception, TOO_MUCH) else not_found(request)


def too_much(request: HttpRequest) -> HttpResponse:
    """A form larger than any that a person fills in."""
    return page(
        request,
        Problem(
            title=_("This is more than a page takes"),
            what=_("The form has too many fields, or too much was typed into them. Nothing was saved."),
            next_step=_("Go back and send less at once."), status=400,
        ),
    )  # fmt: skip


def sign_in_not_kept(request: HttpRequest) -> HttpResponse:
    """The session could not be written: it has ended elsewhere, or there is no room for it."""
    return page(
        request,
        Problem(
            title=_("Your sign-in could not be kept"),
            what=_("Either you have signed out in another window, or the clinic's disk takes nothing."),
            next_step=_("Sign in again; if that fails, tell whoever looks after this installation."), status=503,
        ),
    )  # fmt: skip


def page_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's own proof of origin is missing or has run out."""
    return page(
        request,
        Problem(
            title=_("This page has been open too long"), what=_("For safety its form has run out."),
            next_step=_("Open the page again and send the form once more."), status=403,
        ),
    )  # fmt: skip


def no_room(request: HttpRequest) -> HttpResponse:
    """The database takes nothing at the moment. What is not on the trail is not done, so nothing was."""
    return page(
        request,
        Problem(
            title=_("Nothing can be saved at the moment"),
            what=_("The clinic's disk or database takes nothing. Nothing of what you sent was saved."),
            next_step=_("Tell whoever looks after this installation, then go back and send it again."), status=503,
        ),
    )  # fmt: skip


def broken(request: HttpRequest) -> HttpResponse:
    """A fault of ours, with a number to report; it is on the trail under that number."""
    number, match = request_id(), request.resolver_match
    route = match.view_name if match else "unknown"
    _log.error("fault on a page", exc_info=True, extra={"fault": number, "route": route})
    _tell(request, number)
    return page(
        request,
        Problem(
            title=_("Something broke on our side"),
            what=_("What was saved before stays saved. Report the number %(number)s.") % {"number": number},
            next_step=_("Go back and try once more."), status=500,
        ),
    )  # fmt: skip


def _tell(request: HttpRequest, number: str) -> None:
    """The failure on the trail, in a transaction of its own: that of the act has been taken back by now."""
    match, user = request.resolver_match, getattr(request, "user", None)
    account = user if isinstance(user, Account) else None
    patient_id = str(match.kwargs.get("patient_id", "")) if match else ""
    asked = f"{request.method} {match.route if match else ''}"
    try:
        audit.append("fault", outcome="failed", account=account, patient_id=patient_id, entities=[number], asked=asked)
    except DatabaseError:  # then the database is what is broken, and nothing was shown or done
        _log.exception("a fault is not on the trail", extra={"fault": number})
