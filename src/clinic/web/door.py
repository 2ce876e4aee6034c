"""Who may open this page? Every view stands behind one of these; what is not allowed looks like what does not exist.

Each access leaves one row on the trail, that of the act done in it, else its own. It is written when the page is ready
and before any of it leaves, so that where it cannot be written nothing is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from clinic.access import audit
from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused, may
from clinic.queries.person import Chart, chart

P = ParamSpec("P")
_NO_WORDS = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_FIELD = re.compile(r"[a-z0-9_.]{1,40}")


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
            def opened() -> HttpResponse:
                if not may(account_of(request), act):
                    raise Refused(act)
                return view(request, *args, **kwargs)

            return told(request, act, opened)

        return behind

    return door


def about_person(view: Callable[Concatenate[HttpRequest, Chart, P], HttpResponse]) -> Any:
    """A page about one person of the account's own practice; every opening is audited."""

    @login_required
    @wraps(view)
    def behind(request: HttpRequest, patient_id: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        def opened() -> HttpResponse:
            account = account_of(request)
            found = chart(account.practice, patient_id) if may(account, "read-chart", patient_id=patient_id) else None
            if found is None:
                raise Refused("read-chart")
            return view(request, found, *args, **kwargs)

        return told(request, "read-chart", opened, patient_id=patient_id)

    return behind


def told(request: HttpRequest, act: str, opened: Callable[[], HttpResponse], *, patient_id: str = "") -> HttpResponse:
    """What the page answers, with one row on the trail; a file that leaves the house is an export.

    A fault gets its row from `web.problems`, which gives it a number.
    """
    what: dict[str, Any] = {"account": account_of(request), "patient_id": patient_id, "asked": asked(request)}
    what["entities"] = [request.path] if _NO_WORDS.fullmatch(request.path) else []
    with audit.one_access() as rows:
        try:
            answer = opened()
        except Refused as problem:
            if not _stand(rows):
                audit.append(str(problem), outcome="refused", **what)
            raise Http404 from problem
        except Http404:
            if not rows:
                audit.append(act, outcome="absent", **what)
            raise
        if not rows:
            is_file = answer.get("Content-Disposition", "").startswith("attachment")
            outcome = "done" if answer.status_code < 400 else "unsaved"
            audit.append("export" if is_file else act, outcome=outcome, **what)
    return answer


def asked(request: HttpRequest) -> str:
    """Which page was asked for and with which fields, without what was typed into them."""
    match = request.resolver_match
    fields = sorted(name for name in request.GET if _FIELD.fullmatch(name))
    return f"{request.method} {match.route if match else ''}{'?' if fields else ''}{'&'.join(fields)}"


def _stand(rows: list[AuditRow]) -> bool:
    """Whether the row of a refusal was kept: one that was written inside an act was taken back with it."""
    return bool(rows) and AuditRow.objects.filter(pk__in=[row.pk for row in rows]).exists()
