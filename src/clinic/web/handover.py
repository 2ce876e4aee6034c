"""The team's page: what was handed over to whom, what nobody has taken over, and referrals without an answer."""

from __future__ import annotations

import secrets

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access.permission import permitted, reach
from clinic.actions.handover import hand_over_shift, take_over
from clinic.queries.handover import colleagues, handovers
from clinic.queries.referral import overdue
from clinic.web.door import account_of, staff
from clinic.web.problems import posted
from clinic.web.typed import typed, typed_number


@require_http_methods(["GET", "POST"])
@staff("see-today", to="hand-over")
def team(request: HttpRequest) -> HttpResponse:
    """Handovers, those first that wait for whoever looks."""
    account = account_of(request)
    problem = posted(request, lambda: _done(request), resolve_url("team"))
    if isinstance(problem, HttpResponse):
        return problem
    told = handovers(account)
    open_now = [one for one in told if one.row.acknowledged_at is None]
    allowed = permitted(account, ("see-staff", "keep-places"))
    context = {
        "mine": [one for one in open_now if one.row.receiver_id == account.pk],
        "others": [one for one in open_now if one.row.receiver_id != account.pk],
        "lately": [one for one in told if one.row.acknowledged_at is not None][::-1],
        "late": overdue(reach(account)),
        "colleagues": colleagues(account),
        "sees_staff": "see-staff" in allowed,
        "problem": problem,
        "typed": request.POST,
        "key": secrets.token_hex(16),
    }
    return render(request, "handover/team.html", context, status=problem.status if problem else 200)


def _done(request: HttpRequest) -> str:
    by, step = account_of(request), request.POST.get("step", "")
    if step == "shift":
        said = {name: typed(request, name, 2001) for name in ("open_points", "watch")}
        hand_over_shift(typed(request, "to", 80), **said, by=by, key=typed(request, "key", 64))
        return _("Handed over. It stays here until it is taken over.")
    if step == "take":
        is_done = take_over(typed_number(request, "number"), by=by)
        return _("Taken over.") if is_done else _("It was taken over before.")
    raise Http404


urls = [path("team", team, name="team")]
