"""Sign in, sign out, choose a password after the first sign-in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import may
from clinic.access.sign_in import new_code, sign_in
from clinic.web.door import account_of, open_to_all, own_account

_BEGINS = (("see-today", "today"), ("read-own", "own"), ("use-bench", "bench"))
"""Where somebody's day begins: the first of these pages that is theirs."""


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
    account = sign_in(username, request.POST.get("secret", "")[:200])
    if account is None:
        return render(
            request, "sign_in/sign_in.html", {"next": after, "username": username, "failed": True}, status=400
        )
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    if account.practice.is_demo:
        print(f"  {account.username:22} {new_code(account)}   next sign-in", flush=True)
    elif not account.has_usable_password():
        return redirect("password")
    safe = url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(after if safe else "home")


@require_POST
@open_to_all
def leave(request: HttpRequest) -> HttpResponse:
    """Signed out, on the server too."""
    if isinstance(request.user, Account):
        audit.append("sign-out", outcome="done", account=request.user)
    logout(request)
    return redirect("sign-in")


@own_account
@require_http_methods(["GET", "POST"])
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
            account.set_password(first)
            account.save(update_fields=["password"])
            update_session_auth_hash(request, account)
            audit.append("choose-password", outcome="done", account=account)
            messages.success(request, _("Your password is set."))
            return redirect("home")
    return render(request, "sign_in/password.html", {"problems": problems}, status=400 if problems else 200)


urls = [
    path("", home, name="home"),
    path("sign-in", enter, name="sign-in"),
    path("sign-out", leave, name="sign-out"),
    path("password", password, name="password"),
]
