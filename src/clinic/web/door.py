"""Who may open this page? Every view stands behind one of these; what is not allowed looks like what does not exist.

Each view carries the name of its act as `act`: what the published table of routes and the test of every route read.
Each access leaves one row on the trail, that of the act done in it, else its own. It is written when the page is ready
and before any of it leaves, so that where it cannot be written nothing is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.decorators.http import require_POST

from clinic.access import audit, relations
from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import OPEN, Refused, may, permitted, reach, roles_at_pages
from clinic.queries.patients import is_reached
from clinic.queries.person import Chart, chart

P = ParamSpec("P")
View = TypeVar("View", bound=Callable[..., Any])
_NO_WORDS = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_FIELD = re.compile(r"[a-z0-9_.]{1,40}")
AboutPerson = Callable[Concatenate[HttpRequest, Chart, P], HttpResponse]


def account_of(request: HttpRequest) -> Account:
    """The signed-in account."""
    assert isinstance(request.user, Account)
    return request.user


def stands_for(act: str) -> Callable[[View], View]:
    """Declare the act of a view that asks for permission itself, or `OPEN` for one that everybody may see."""

    def marked(view: View) -> View:
        view.act = act  # type: ignore[attr-defined]
        return view

    return marked


open_to_all = stands_for(OPEN)


def own_account(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Any:
    """A page on which somebody looks after the own account."""

    @wraps(view)
    def behind(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        def opened() -> HttpResponse:
            if not may(account_of(request), "own-account"):
                raise Refused("own-account")
            return view(request, *args, **kwargs)

        return told(request, "own-account", opened)

    return stands_for("own-account")(login_required(behind))


def staff(act: str, *, to: str = "") -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponse]], Any]:
    """A page of the practice as a whole; with a person in its address, one about that person that opens no chart.

    `to` names the act that the page is for, where seeing it takes another one.
    """

    def door(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Any:
        @wraps(view)
        def behind(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            account, person, needed = account_of(request), str(kwargs.get("patient_id", "")), {act, to or act}

            def opened() -> HttpResponse:
                with relations.at_one_instant():
                    refused = needed - permitted(account, needed, patient_id=person or None)
                    is_shut = bool(refused or (person and not is_reached(reach(account, act), person)))
                if is_shut:
                    raise Refused(to if refused == {to} else act)
                return view(request, *args, **kwargs)

            return told(request, act, opened, patient_id=person)

        return stands_for(to or act)(login_required(behind))

    return door


def acting_on(act: str) -> Callable[[AboutPerson[P]], Any]:
    """A page about one person whom the account reaches and may do this act on; every opening is audited."""

    def door(view: AboutPerson[P]) -> Any:
        @wraps(view)
        def behind(request: HttpRequest, patient_id: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            account, needed = account_of(request), {"read-chart", act}

            def opened() -> HttpResponse:
                with relations.at_one_instant():
                    refused = needed - permitted(account, needed, patient_id=patient_id)
                    found = None if refused else chart(reach(account), patient_id)
                if found is None:
                    raise Refused(act if refused == {act} else "read-chart")
                return view(request, found, *args, **kwargs)

            emergencies = relations.opened(account).filter(patient_id=patient_id)
            through = [f"Emergency/{emergency.pk}" for emergency in emergencies]
            return told(request, "read-chart", opened, patient_id=patient_id, through=through)

        return stands_for(act)(login_required(behind))

    return door


def form_of(page: str) -> Callable[[View], View]:
    """The address that a form is sent to and nothing else; an answer that refuses is shown there.

    Whoever opens it by itself, as with the address that a refusal leaves in the browser, is led to the form's `page`.
    """

    def door(view: View) -> View:
        @wraps(view)
        def behind(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in ("GET", "HEAD"):
                return cast(HttpResponse, redirect(page, *args, **kwargs))
            return cast(HttpResponse, require_POST(view)(request, *args, **kwargs))

        behind.form_of = page  # type: ignore[attr-defined]
        return cast(View, behind)

    return door


about_person = acting_on("read-chart")
"""A page about one person."""


def routes() -> Iterator[tuple[str, str, str]]:
    """Every address of the house with its name and the act that it stands for ("" where it declares none)."""
    waiting: list[tuple[str, URLPattern | URLResolver]] = [("/", p) for p in get_resolver().url_patterns]
    while waiting:
        before, found = waiting.pop(0)
        address = before + str(found.pattern)
        if isinstance(found, URLResolver):
            waiting = [(address, p) for p in found.url_patterns] + waiting
        else:
            yield address, found.name or "", getattr(found.callback, "act", "")


def matrix_of_routes() -> list[str]:
    """Routes by role as rows of a Markdown table."""
    lines = [f"| route | act | {' | '.join(Role.values)} |", "| --- | --- |" + " --- |" * len(Role)]
    for address, _name, act in routes():
        marks = " | ".join("yes" if role in roles_at_pages(act) else "" for role in Role)
        lines.append(f"| `{address}` | `{act}` | {marks} |")
    return lines


def told(
    request: HttpRequest,
    act: str,
    opened: Callable[[], HttpResponse],
    *,
    patient_id: str = "",
    through: Sequence[str] = (),
) -> HttpResponse:
    """What the page answers, with one row on the trail; a file that leaves the house is an export.

    `through` names what has opened the page besides the account itself, such as an emergency. A fault gets its row from
    `web.problems`, which gives it a number.
    """
    what: dict[str, Any] = {"account": account_of(request), "patient_id": patient_id, "asked": asked(request)}
    what["entities"] = [*([request.path] if _NO_WORDS.fullmatch(request.path) else []), *through]
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
