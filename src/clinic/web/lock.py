"""Is whoever sits there still the one who signed in? Every page asks here first; one that is locked asks for a secret.

A form that comes in while its page is locked is kept in the answer, sealed, and sent again after unlocking. A change of
how one signs in asks for a secret too, through the same page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib.auth import logout
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic import clock
from clinic.access import audit, reserve, stays
from clinic.access.factors import asks_for_key, has_factor
from clinic.access.models import Account, Stay
from clinic.access.permission import OPEN
from clinic.access.sealed import seal, unseal
from clinic.access.sign_in import needs_factor, new_code, proves, proves_by_key
from clinic.web.problems import no_room

View = Callable[..., HttpResponse]
SEND_BY_ITSELF = timedelta(minutes=5)
"""A form that was kept for longer waits for a press: what was meant then may not be meant now."""

_SECRETS = frozenset({"old", "first", "again", "secret", "credential", "code"})


def marked(
    view: Any, *, act: str = "", when_locked: str = "shut", in_set_up: bool = False, by_itself: bool = False,
    reduced: View | None = None,
) -> Any:  # fmt: skip
    """The view, with what `watch` has to know of it.

    `when_locked` "open": it answers as ever. `reduced`: what it shows then. `in_set_up`: it belongs to setting up a
    second factor. `by_itself`: a page asks for it without anybody doing anything.
    """
    view.when_locked, view.in_set_up, view.by_itself, view.reduced = when_locked, in_set_up, by_itself, reduced
    if act:
        view.act = act
    return view


class watch:  # noqa: N801  a middleware, named like a function because it is used as one
    """Nothing opens for a stay that is over, locked, or without the second factor that it needs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response; every row of the trail names the address that it came from."""
        with audit.coming_from(request.META.get("REMOTE_ADDR", "")):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """After the proof of origin was checked, so that nobody else's form is ever kept."""
        try:
            return self._looked(request, view, args, kwargs)
        except OperationalError:  # a full disk, where not even the lock can be written
            return no_room(request)

    def _looked(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not isinstance(request.user, Account):
            return None
        account, stay = request.user, stays.stay_of(request.session, request.user)
        state = "over" if stay is None else stays.look(stay)
        if stay is None or state == "over" or (needs_factor(account) and not _is_whole(stay)):
            logout(request)
            return None
        request.stay = stay  # type: ignore[attr-defined]
        goes_on = getattr(view, "when_locked", "shut") == "open"
        if goes_on and getattr(view, "act", "") == OPEN:
            return None
        if state == "locked" and not goes_on:
            return _locked(request, view, args, kwargs)
        if needs_factor(account) and not getattr(view, "in_set_up", False):
            if stay.second_factor_at is None:
                return redirect("account")
            if not account.has_usable_password():
                return redirect("password")
        if not goes_on and not getattr(view, "by_itself", False) and not _refreshes(request):
            _seen(request, stay)
        return None


def _seen(request: HttpRequest, stay: Stay) -> None:
    """The stay goes on from this moment; where the disk is full and reading goes on all the same, it is not renewed."""
    try:
        stays.saw(stay)
    except OperationalError as problem:
        if request.method not in ("GET", "HEAD") or not (reserve.is_declared() and reserve.is_full(problem)):
            raise


def stay_here(request: HttpRequest) -> Stay:
    """The stay that this request belongs to."""
    found = getattr(request, "stay", None)
    assert isinstance(found, Stay)
    return found


def freshly(view: View) -> View:
    """A view that changes how somebody signs in: a secret was shown just now, or is asked for first."""

    @wraps(view)
    def behind(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not stays.is_fresh(stay_here(request)):
            return _ask(request, kept=_sealed(request, is_own=True), is_locked=False)
        return view(request, *args, **kwargs)

    return behind


@require_GET
def left(request: HttpRequest) -> JsonResponse:
    """How many seconds until this screen locks; a page asks before it covers itself, as there may be other windows."""
    stay = getattr(request, "stay", None)
    return JsonResponse({"seconds": stays.seconds_left(stay) if isinstance(stay, Stay) else 0})


@require_POST
def lock_now(request: HttpRequest) -> HttpResponse:
    """Somebody walks away; the page that stays is the one they were at, locked."""
    if not isinstance(request.user, Account):
        return redirect("sign-in")
    stays.lock(stay_here(request))
    return go_on(request, request.POST.get("next", ""), "")


@require_http_methods(["GET", "POST"])
def unlock(request: HttpRequest) -> HttpResponse:
    """The page that asks for a secret; after it, the very page that was asked for."""
    if not isinstance(request.user, Account):
        return redirect("sign-in")
    after = request.POST.get("next") or request.GET.get("next") or ""
    is_locked = stay_here(request).locked_at is not None
    if request.method == "GET":
        return _ask(request, kept="", is_locked=is_locked, after=after)
    if not _is_right(request):
        return _ask(request, kept=request.POST.get("kept", ""), is_locked=is_locked, after=after, failed=True)
    stays.proved(stay_here(request))
    request.session.pop("has_signed", None)
    request.session.cycle_key()
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return go_on(request, after, request.POST.get("kept", ""))


def go_on(request: HttpRequest, after: str, kept: str) -> HttpResponse:
    """To the page that was asked for, with the form that was kept for it."""
    found = _unsealed(request, kept)
    if found is not None:
        is_old = clock.wall() - datetime.fromisoformat(found["at"]) > SEND_BY_ITSELF
        return render(request, "lock/again.html", {"to": found["to"], "fields": found["fields"], "is_old": is_old})
    safe = url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(after) if safe else redirect("home")  # never the name of a view that was typed


def key_host(request: HttpRequest) -> str:
    """The name of this house as security keys know it: without a port."""
    return split_domain_port(request.get_host())[0]


def answer_of_key(request: HttpRequest) -> dict[str, Any]:
    """What a security key has answered; empty where that is nothing."""
    try:
        found = json.loads(request.POST.get("credential") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def asked_of_key(request: HttpRequest, account: Account) -> dict[str, Any] | None:
    """What this page asks of a security key; remembered until it answers. None where the person has none."""
    asks = asks_for_key(account, key_host(request))
    if asks is None:
        return None
    options, request.session["key-state"] = asks
    return options


def _is_whole(stay: Stay) -> bool:
    """Whether a second factor was shown, or there is none yet that could have been."""
    return stay.second_factor_at is not None or not has_factor(stay.account)


def _refreshes(request: HttpRequest) -> bool:
    """A part that the page itself asks for; what somebody types into a search is that person's doing."""
    return bool(getattr(request, "htmx", False)) and not request.GET


def _locked(request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
    if getattr(view, "by_itself", False):
        return None
    reduced = getattr(view, "reduced", None)
    if reduced is not None and request.method == "GET":
        response: HttpResponse = reduced(request, *args, **kwargs)
        return response
    if getattr(request, "htmx", False):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return _ask(request, kept=_sealed(request, is_own=getattr(view, "act", "") == "own-account"), is_locked=True)


def _ask(
    request: HttpRequest, *, kept: str, is_locked: bool, after: str | None = None, failed: bool = False
) -> HttpResponse:
    account = request.user
    assert isinstance(account, Account)
    is_by_script = request.headers.get("X-Requested-With") == "fetch"
    if failed and is_by_script:
        return HttpResponse(status=400)
    context = {
        "after": request.get_full_path() if after is None else after,
        "kept": kept,
        "is_locked": is_locked,
        "failed": failed,
        "key_options": asked_of_key(request, account),
        "with_code": account.practice.is_demo,
        "has_app": has_factor(account),
    }
    is_here = request.path == reverse("lock")
    return render(request, "lock/lock.html", context, status=400 if failed else 200 if is_here else 403)


def _is_right(request: HttpRequest) -> bool:
    account = request.user
    assert isinstance(account, Account)
    act = "unlock" if stay_here(request).locked_at is not None else "prove"
    answer = answer_of_key(request)
    if answer:
        state = request.session.pop("key-state", {})
        return proves_by_key(account, answer, state, key_host(request), act)
    is_demo = account.practice.is_demo
    found = proves(account, request.POST.get("secret", "")[:200], act=act, with_code=is_demo)
    if found and is_demo:
        print(f"  {account.username:22} {new_code(account)}   next code", flush=True)
    return found


def _sealed(request: HttpRequest, *, is_own: bool) -> str:
    """The form that came in, so that nobody at the locked screen can read it. Secrets and files are not kept."""
    if request.method != "POST" or request.FILES or (is_own and _SECRETS & set(request.POST)):
        return ""
    assert isinstance(request.user, Account)
    fields = [[n, value] for n, values in request.POST.lists() for value in values if n != "csrfmiddlewaretoken"]
    found = {"to": request.get_full_path(), "by": request.user.pk, "at": clock.wall().isoformat(), "fields": fields}
    return seal(json.dumps(found))


def _unsealed(request: HttpRequest, kept: str) -> dict[str, Any] | None:
    text = unseal(kept, within_s=24 * 3600) if kept else None
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    assert isinstance(request.user, Account)
    return found if found is not None and found["by"] == request.user.pk else None


urls = [
    path("lock", marked(unlock, act="open", when_locked="open", in_set_up=True), name="lock"),
    path("lock/left", marked(left, act="open", when_locked="open"), name="lock-left"),
    path("lock/now", marked(lock_now, act="open", when_locked="open", in_set_up=True), name="lock-now"),
]
