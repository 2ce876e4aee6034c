"""What stands round every page: who is signed in, the way through the house, the banner, the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import relations, reserve
from clinic.access.models import Account, Role
from clinic.access.permission import may
from clinic.queries.alerts import waiting as open_alerts
from clinic.queries.chain import chain
from clinic.queries.governance import still_awaiting
from clinic.queries.handover import waiting as handed_over
from clinic.queries.today import unseen
from clinic.record.models import Practice
from clinic.web.problems import no_room, not_found
from clinic.web.proof import asks_name

_log = logging.getLogger(__name__)
_told: dict[int, str] = {}


class frame:  # noqa: N801  a middleware, named like a function because it is used as one
    """Shows every time as the clinic's clock does, keeps pages with anybody's data out of every cache, refuses NUL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, at the clinic's own clock, never stored on the way."""
        user = getattr(request, "user", None)
        timezone.activate(user.practice.zone if isinstance(user, Account) else "UTC")
        response = not_found(request) if _holds_nul(request) else self.get_response(request)
        if getattr(request, "htmx", False) and _asks_to_sign_in(response):
            response = HttpResponse(headers={"HX-Refresh": "true"})
        if not request.path.startswith("/static/"):
            add_never_cache_headers(response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A database that takes nothing, for a full disk or a lock, is told as such; everything else is a fault."""
        if not isinstance(exception, OperationalError):
            return None
        if request.method in ("GET", "HEAD") and reserve.is_declared() and reserve.is_full(exception):
            return _from_the_reserve(request)
        return no_room(request)


def _from_the_reserve(request: HttpRequest) -> HttpResponse:
    """The page once more, its row on the trail kept in the reserve. The sign-in is not renewed: there is no room."""
    match = request.resolver_match
    assert match is not None
    request.session.modified = False
    try:
        with reserve.used():
            return match.func(request, *match.args, **match.kwargs)  # type: ignore[no-any-return]
    except Http404:
        return not_found(request)
    except OperationalError:
        return no_room(request)


def _asks_to_sign_in(response: HttpResponse) -> bool:
    """Somebody is signed out: the whole page has to go there, or a part of it would hold the page of signing in."""
    return response.status_code == 302 and response.get("Location", "").startswith(reverse("sign-in"))


def _holds_nul(request: HttpRequest) -> bool:
    """A sign that no person types and that not every database can keep."""
    said = (*request.GET.values(), *request.POST.values())
    return "\0" in request.path or any("\0" in words for words in said)


def surroundings(request: HttpRequest) -> dict[str, Any]:
    """What every template may use."""
    with relations.at_one_instant():
        return _surroundings(request)


def _surroundings(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    account = user if isinstance(user, Account) else None
    return {
        "account": account,
        "is_staff": account is not None and may(account, "see-today"),
        "broken_glass": None if account is None else _broken_glass(request, account),
        "stay": getattr(request, "stay", None),
        "idle_seconds": round(settings.IDLE_MINUTES * 60, 1),
        "rail": _rail(request, account),
        "asks_name": account is not None and asks_name(request),
        "pace": clock.rate(),
        "direction": "rtl" if get_language_bidi() else "ltr",
        "is_demo": account.practice.is_demo if account else Practice.objects.filter(is_demo=True).exists(),
        "evaluation": still_awaiting(account.practice) if account is not None and may(account, "read-policy") else 0,
        "is_full": reserve.is_used(),
        "chain_trouble": _chain_trouble(account) if account is not None and may(account, "see-alerts") else "",
        "crisis": account.practice.settings.get("crisis") if account else None,
    }


def _chain_trouble(account: Account) -> str:
    """What shows that alerts may not reach the second person; in the server's log once for each trouble."""
    trouble = chain(account.practice).trouble
    if trouble and _told.get(account.practice_id) != trouble:
        _log.error("alerts may not reach the second person", extra={"trouble": trouble})
    _told[account.practice_id] = trouble
    return trouble


def _broken_glass(request: HttpRequest, account: Account) -> dict[str, Any] | None:
    """The emergency in which the chart of this page is open, with the minutes that are left."""
    match = request.resolver_match
    person = str(match.kwargs.get("patient_id", "")) if match else ""
    person = person or request.GET.get("patient", "")
    emergency = relations.opened(account).filter(patient_id=person).first() if person else None
    if emergency is None:
        return None
    left = emergency.until - clock.now()
    return {"until": emergency.until, "minutes": max(1, -(-int(left.total_seconds()) // 60))}


def _rail(request: HttpRequest, account: Account | None) -> list[dict[str, Any]]:
    """The doors of the house that this person may open."""
    doors: list[dict[str, Any]] = []
    if account is not None and may(account, "see-today"):
        waiting = unseen(account).filter(role=account.role).count()
        doors.append({"name": "today", "words": _("Today"), "icon": "clock", "count": waiting or ""})
        doors.append({"name": "schedule", "words": _("Schedule"), "icon": "calendar-days", "count": ""})
        alerts = open_alerts(account).count()
        doors.append({"name": "alerts", "words": _("Alerts"), "icon": "bell-alert", "count": alerts or ""})
        doors.append({"name": "patients", "words": _("Patients"), "icon": "users", "count": ""})
    if account is not None and may(account, "hand-over"):
        untaken = handed_over(account).count()
        doors.append({"name": "team", "words": _("Team"), "icon": "user-group", "count": untaken or ""})
    if account is not None and may(account, "read-own"):
        words = _("My treatment") if account.role == Role.PATIENT else _("Those I care for")
        doors.append({"name": "own", "words": words, "icon": "user", "count": ""})
    if account is not None and may(account, "use-bench"):
        doors.append({"name": "bench", "words": _("Bench"), "icon": "beaker", "count": ""})
    if account is not None and may(account, "see-trials"):
        doors.append({"name": "trials", "words": _("Trials"), "icon": "chart-bar", "count": ""})
    if account is not None and may(account, "see-stock"):
        doors.append({"name": "stock", "words": _("Stock"), "icon": "archive-box", "count": ""})
    if account is not None and may(account, "see-forms"):
        doors.append({"name": "forms", "words": _("Forms"), "icon": "document-check", "count": ""})
    if account is not None and may(account, "read-policy"):
        doors.append({"name": "governance", "words": _("Set-up"), "icon": "clipboard-document-check", "count": ""})
    if account is not None and may(account, "read-audit"):
        doors.append({"name": "audit", "words": _("Trail"), "icon": "finger-print", "count": ""})
    doors.append({"name": "knowledge", "words": _("Knowledge"), "icon": "book-open", "count": ""})
    match = request.resolver_match
    here = (match.url_name or "").split("-")[0] if match else ""
    return [
        {
            **door,
            "is_here": here == door["name"]
            or (here == "patient" and door["name"] == "patients")
            or (here == "alert" and door["name"] == "alerts"),
        }
        for door in doors
    ]
