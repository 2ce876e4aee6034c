"""Who may open this page? Every view stands behind one of these; what is not allowed looks like what does not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, may
from clinic.queries.person import Chart, chart

P = ParamSpec("P")


def account_of(request: HttpRequest) -> Account:
    """The signed-in account."""
    assert isinstance(request.user, Account)
    return request.user


def staff(act: str) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponse]], Any]:
    """A page of the practice as a whole."""

    def door(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Any:
        @login_required
        @wraps(view)
        def behind(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            account = account_of(request)
            if not may(account, act):
                audit.append(act, outcome="refused", account=account)
                raise Http404
            audit.append(act, outcome="done", account=account)
            return _without_existence(view, request, *args, **kwargs)

        return behind

    return door


def about_person(view: Callable[Concatenate[HttpRequest, Chart, P], HttpResponse]) -> Any:
    """A page about one person of the account's own practice; every opening is audited."""

    @login_required
    @wraps(view)
    def behind(request: HttpRequest, patient_id: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        account = account_of(request)
        found = chart(account.practice, patient_id) if may(account, "read-chart", patient_id=patient_id) else None
        outcome = "done" if found else "refused"
        audit.append("read-chart", outcome=outcome, account=account, patient_id=patient_id, entities=[request.path])
        if found is None:
            raise Http404
        return _without_existence(view, request, found, *args, **kwargs)

    return behind


def _without_existence(
    view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
) -> HttpResponse:
    """The view; an act that is refused goes on the trail and then looks like what does not exist."""
    try:
        return view(request, *args, **kwargs)
    except Refused as problem:
        person = args[0].patient_id if args and isinstance(args[0], Chart) else ""
        audit.append(str(problem)[:40], outcome="refused", account=account_of(request), patient_id=person)
        raise Http404 from problem
