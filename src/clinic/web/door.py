"""Who may open this page? Every view stands behind one of these; what is not allowed looks like what does not exist.

Each view carries the name of its act as `act`: what the published table of routes and the test of every route read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from clinic.access import audit, relations
from clinic.access.models import Account, Role
from clinic.access.permission import OPEN, Refused, may, permitted, reach, roles_at_pages
from clinic.queries.patients import is_reached
from clinic.queries.person import Chart, chart

P = ParamSpec("P")
View = TypeVar("View", bound=Callable[..., Any])
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
        if not may(account_of(request), "own-account"):
            audit.append("own-account", outcome="refused", account=account_of(request))
            raise Http404
        return view(request, *args, **kwargs)

    return stands_for("own-account")(login_required(behind))


def staff(act: str, *, to: str = "") -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponse]], Any]:
    """A page of the practice as a whole; with a person in its address, one about that person that opens no chart.

    `to` names the act that the page is for, where seeing it takes another one.
    """

    def door(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Any:
        @wraps(view)
        def behind(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            account, person, needed = account_of(request), str(kwargs.get("patient_id", "")), {act, to or act}
            refused = needed - permitted(account, needed, patient_id=person or None)
            is_let_in = not refused and (not person or is_reached(reach(account, act), person))
            named = to if refused == {to} else act
            audit.append(named, outcome="done" if is_let_in else "refused", account=account, patient_id=person)
            if not is_let_in:
                raise Http404
            return _without_existence(view, request, *args, **kwargs)

        return stands_for(to or act)(login_required(behind))

    return door


def acting_on(act: str) -> Callable[[AboutPerson[P]], Any]:
    """A page about one person whom the account reaches and may do this act on; every opening is audited."""

    def door(view: AboutPerson[P]) -> Any:
        @wraps(view)
        def behind(request: HttpRequest, patient_id: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            account, needed = account_of(request), {"read-chart", act}
            refused = needed - permitted(account, needed, patient_id=patient_id)
            found = None if refused else chart(reach(account), patient_id)
            outcome, named = "done" if found else "refused", act if refused == {act} else "read-chart"
            emergencies = relations.opened(account).filter(patient_id=patient_id)
            seen = [request.path, *(f"Emergency/{emergency.pk}" for emergency in emergencies)]
            audit.append(named, outcome=outcome, account=account, patient_id=patient_id, entities=seen)
            if found is None:
                raise Http404
            return _without_existence(view, request, found, *args, **kwargs)

        return stands_for(act)(login_required(behind))

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


def _without_existence(
    view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
) -> HttpResponse:
    """The view; an act that is refused goes on the trail and then looks like what does not exist."""
    try:
        return view(request, *args, **kwargs)
    except Refused as problem:
        person = args[0].patient_id if args and isinstance(args[0], Chart) else str(kwargs.get("patient_id", ""))
        audit.append(str(problem)[:40], outcome="refused", account=account_of(request), patient_id=person)
        raise Http404 from problem
