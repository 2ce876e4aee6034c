"""The register of who works here and what they have shown; and the list of places outside that help."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import clock
from clinic.access.permission import may
from clinic.actions.referral import Place, close_place, keep_place
from clinic.actions.staff import Seen, file_certificate, see_again, withdraw_certificate
from clinic.queries import staff as queries
from clinic.queries.referral import places
from clinic.record.projections import knowledge
from clinic.web.door import account_of, staff
from clinic.web.problems import posted
from clinic.web.typed import typed, typed_day, typed_number


@require_http_methods(["GET", "POST"])
@staff("see-staff")
def register(request: HttpRequest) -> HttpResponse:
    """Everybody with what the role asks for, those with gaps first."""
    account = account_of(request)
    problem = posted(request, lambda: _filed(request), resolve_url("team-staff"))
    if isinstance(problem, HttpResponse):
        return problem
    practice = account.practice
    context = {
        "colleagues": queries.register(practice),
        "here": queries.qualified_now(practice, clock.now()),
        "life_support": queries.ADVANCED_LIFE_SUPPORT,
        "kinds": queries.certificate_kinds(practice),
        "rules": [knowledge().rules[name].ref for name in ("GOV-022", "MON-024", "KP-232")],
        "today": clock.today(practice.zone),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "staff/staff.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@staff("see-today", to="hand-over")
def outside(request: HttpRequest) -> HttpResponse:
    """The clinic's own list of places, with where each was found and when it was checked."""
    account = account_of(request)
    problem = posted(request, lambda: _listed(request), resolve_url("team-places"))
    if isinstance(problem, HttpResponse):
        return problem
    context = {
        "places": places(account.practice),
        "kinds": tuple(knowledge().referrals),
        "may_keep": may(account, "keep-places"),
        "today": clock.today(account.practice.zone).isoformat(),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "referral/places.html", context, status=problem.status if problem else 200)


def _filed(request: HttpRequest) -> str:
    by, step = account_of(request), request.POST.get("step", "")
    if step == "file":
        seen = Seen(
            username=typed(request, "account", 80), kind=typed(request, "kind", 40),
            number=typed(request, "number", 60),
            valid_from=typed_day(request, "valid_from"), valid_until=typed_day(request, "valid_until"),
        )  # fmt: skip
        file_certificate(seen, by=by)
        return _("On file, as seen by you today.")
    if step == "again":
        is_done = see_again(typed_number(request, "certificate"), by=by)
        return _("On file, as seen by you today.") if is_done else _("It is not on file any more.")
    if step == "withdraw":
        reason = typed(request, "reason", 200)
        is_done = withdraw_certificate(typed_number(request, "certificate"), reason=reason, by=by)
        return _("Withdrawn. It counts no more.") if is_done else _("It was withdrawn before.")
    raise Http404


def _listed(request: HttpRequest) -> str:
    by, step = account_of(request), request.POST.get("step", "")
    if step == "keep":
        said = {name: typed(request, name, 201) for name in ("name", "kind", "area", "contact", "languages", "source")}
        keep_place(Place(**said, checked_on=typed_day(request, "checked_on")), by=by)
        return _("On the list.")
    if step == "close":
        is_done = close_place(typed_number(request, "place"), by=by)
        return _("Nobody is referred to it any more.") if is_done else _("It was taken off before.")
    raise Http404


urls = [
    path("team/staff", register, name="team-staff"),
    path("team/places", outside, name="team-places"),
]
