"""Sign in, with a second factor where there is one, and sign out; choose a password."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import clock
from clinic.access import stays
from clinic.access.factors import has_factor, recovery_codes_left
from clinic.access.models import Account, Stay
from clinic.access.permission import may
from clinic.access.sign_in import (
    SHORTEST,
    SHORTEST_ALONE,
    choose_password,
    new_code,
    second_step,
    second_step_by_key,
    sign_in,
)
from clinic.web.door import account_of, open_to_all, own_account
from clinic.web.lock import answer_of_key, asked_of_key, freshly, go_on, key_host, marked, stay_here

_BEGINS = (("see-today", "today"), ("read-own", "own"), ("use-bench", "bench"))
"""Where somebody's day begins: the first of these pages that is theirs."""
HALF_WAY = timedelta(minutes=5)
"""How long the second factor may take."""


@open_to_all
def home(request: HttpRequest) -> HttpResponse:
    """Where this person's day begins."""
    if not isinstance(request.user, Account):
        return redirect("sign-in")
    return redirect(next((page for act, page in _BEGINS if may(request.user, act)), "knowledge"))


@require_http_methods(["GET", "POST"])
@open_to_all
def enter(request: HttpRequest) -> HttpResponse:
    """The form, and what becomes of it."""
    after = request.POST.get("next") or request.GET.get("next") or ""
    if request.method == "GET":
        return render(request, "sign_in/sign_in.html", {"next": after})
    username = request.POST.get("username", "").strip()[:80]
    opened = sign_in(username, request.POST.get("secret", "")[:200])
    if opened is None:
        return render(
            request, "sign_in/sign_in.html", {"next": after, "username": username, "failed": True}, status=400
        )
    if opened.asks_second_factor:
        request.session.flush()
        request.session["half"] = {"by": opened.account.pk, "at": clock.wall().isoformat(), "next": after}
        return redirect("sign-in-second")
    return _let_in(request, opened.account, after)


@require_http_methods(["GET", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    """The second factor of somebody whose password was right."""
    half = _half(request)
    if half is None:
        return redirect("sign-in")
    account, after = half
    is_right = False
    if request.method == "POST":
        answer = answer_of_key(request)
        if answer:
            state = request.session.pop("key-state", {})
            is_right = second_step_by_key(account, answer, state, key_host(request))
        else:
            is_right = second_step(account, request.POST.get("secret", "")[:40])
    if is_right:
        return _let_in(request, account, after, second_factor=True)
    context = {"failed": request.method == "POST", "key_options": asked_of_key(request, account)}
    return render(request, "sign_in/second.html", context, status=400 if request.method == "POST" else 200)


def _half(request: HttpRequest) -> tuple[Account, str] | None:
    """Who is half way in, and where they wanted to go; None after a while."""
    half: dict[str, Any] = request.session.get("half") or {}
    if not half or not timedelta() <= clock.wall() - datetime.fromisoformat(half["at"]) < HALF_WAY:
        return None
    account = Account.objects.filter(pk=half["by"], is_active=True).first()
    return None if account is None else (account, half["next"])


def _let_in(request: HttpRequest, account: Account, after: str, *, second_factor: bool = False) -> HttpResponse:
    """A session under a new name, which begins a stay."""
    request.session.pop("half", None)
    login(request, account)
    if second_factor:
        stay = stays.stay_of(request.session, account)
        assert stay is not None
        stays.proved(stay, second_factor=True)
        if 0 < recovery_codes_left(account) <= FEW_CODES:
            messages.warning(request, _("Few recovery codes are left: make new ones on your account's page."))
    if account.practice.is_demo:
        print(f"  {account.username:22} {new_code(account)}   next sign-in", flush=True)
    return go_on(request, after, "")


@require_POST
@open_to_all
def leave(request: HttpRequest) -> HttpResponse:
    """Signed out, on the server too."""
    if isinstance(request.user, Account):
        stays.end(stay_here(request), act="sign-out")
    logout(request)
    return redirect("sign-in")


@own_account
@require_http_methods(["GET", "POST"])
@freshly
def password(request: HttpRequest) -> HttpResponse:
    """Choose a password, twice the same."""
    account = account_of(request)
    problems: list[str] = []
    if request.method == "POST":
        first, again = request.POST.get("first", ""), request.POST.get("again", "")
        if account.has_usable_password() and not account.check_password(request.POST.get("old", "")):
            problems.append(_("The password you have now is another one."))
        try:
            validate_password(first, account)
        except ValidationError as found:
            problems = list(found.messages)
        if first != again:
            problems.append(_("The two are not the same."))
        if not problems:
            choose_password(account, first)
            update_session_auth_hash(request, account)
            stays.end_all(Stay.objects.filter(account=account).exclude(pk=stay_here(request).pk))
            messages.success(request, _("Your password is set."))
            return redirect("home")
    shortest = SHORTEST if has_factor(account) else SHORTEST_ALONE
    context = {"problems": problems, "shortest": shortest}
    return render(request, "sign_in/password.html", context, status=400 if problems else 200)


FEW_CODES = 3
urls = [
    path("", marked(home, act="open"), name="home"),
    path("sign-in", marked(enter, act="open", when_locked="open"), name="sign-in"),
    path("sign-in/second", marked(second, act="open", when_locked="open"), name="sign-in-second"),
    path("sign-out", marked(leave, act="open", when_locked="open", in_set_up=True), name="sign-out"),
    path("password", marked(password, act="own-account", in_set_up=True), name="password"),
]
