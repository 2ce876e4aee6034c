"""One's own account: the password, second factors, recovery codes, and where one is signed in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import qrcode
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic import clock
from clinic.access import stays
from clinic.access.factors import (
    add_app,
    add_key,
    asks_to_add_key,
    factors_of,
    has_factor,
    is_code_of,
    name_key,
    new_app_key,
    new_recovery_codes,
    recovery_codes_left,
    remove_factor,
)
from clinic.access.models import Account, Stay
from clinic.access.sealed import seal, unseal
from clinic.access.sign_in import needs_factor
from clinic.web.door import account_of, form_of, own_account
from clinic.web.lock import answer_of_key, freshly, key_host, marked, stay_here

ENROL_S = 900  # how long somebody may take over setting up an app


@require_GET
@own_account
def account(request: HttpRequest) -> HttpResponse:
    """All of it on one page; every change of it asks for a secret that was shown just now."""
    mine, here = account_of(request), stay_here(request)
    open_now = Stay.objects.filter(account=mine, ends_at__gt=clock.wall()).order_by("-seen_at")
    context = {
        "factors": factors_of(mine),
        "codes_left": recovery_codes_left(mine),
        "stays": open_now,
        "here": here,
        "is_missing": needs_factor(mine) and not has_factor(mine),
        "is_needed": needs_factor(mine),
    }
    return render(request, "account/account.html", context)


@own_account
@require_http_methods(["GET", "POST"])
@freshly
def app(request: HttpRequest) -> HttpResponse:
    """Set up an app that shows codes: its key as a picture and as text, taken in once it has shown a right code."""
    mine, failed = account_of(request), False
    if request.method == "POST":
        key = unseal(request.POST.get("key", ""), within_s=ENROL_S)
        if key is not None and is_code_of(key, request.POST.get("code", "")[:12]):
            is_first = not has_factor(mine)
            add_app(mine, key)
            return _added(request, mine, is_first=is_first)
        failed = True
    else:
        key = None
    key = key or new_app_key()
    context = {
        "key": seal(key),
        "letters": " ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        "picture": _squares(_address_of(mine, key)),
        "failed": failed,
    }
    return render(request, "account/app.html", context, status=400 if failed else 200)


@own_account
@require_http_methods(["GET", "POST"])
@freshly
def key(request: HttpRequest) -> HttpResponse:
    """Take in a security key or passkey."""
    mine, failed = account_of(request), False
    if request.method == "POST":
        state, is_first = request.session.pop("new-key-state", {}), not has_factor(mine)
        if add_key(mine, request.POST.get("name", "").strip(), answer_of_key(request), state, key_host(request)):
            return _added(request, mine, is_first=is_first)
        failed = True
    host = key_host(request)
    options, request.session["new-key-state"] = asks_to_add_key(mine, host)
    # A number is no name of a house for a security key; this computer has one.
    elsewhere = request.build_absolute_uri().replace(host, "localhost", 1) if host.replace(".", "").isdigit() else ""
    context = {"options": options, "failed": failed, "elsewhere": elsewhere}
    return render(request, "account/key.html", context, status=400 if failed else 200)


def _added(request: HttpRequest, mine: Account, *, is_first: bool) -> HttpResponse:
    """A second factor more: this stay has shown it, under a new session; with the first one come recovery codes."""
    stays.proved(stay_here(request), second_factor=True)
    request.session.cycle_key()
    if is_first:
        return render(request, "account/codes.html", {"codes": new_recovery_codes(mine)})
    messages.success(request, _("Your second factor is set up."))
    return redirect("account")


@own_account
@form_of("account")
@freshly
def codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, shown this once."""
    mine = account_of(request)
    if not has_factor(mine):
        return redirect("account")
    return render(request, "account/codes.html", {"codes": new_recovery_codes(mine)})


@own_account
@require_POST
@freshly
def factor(request: HttpRequest, number: int) -> HttpResponse:
    """Give a key another name, or take a second factor away."""
    mine = account_of(request)
    if request.POST.get("what") != "remove":
        name_key(mine, number, request.POST.get("name", ""))
        return redirect("account")
    is_last = len(factors_of(mine)) == 1
    if is_last and needs_factor(mine):
        messages.error(request, _("Your work asks for a second factor: add another one before you remove this one."))
    elif is_last and mine.has_short_password:
        messages.error(request, _("Choose a password of 15 characters first; a shorter one needs a second factor."))
    else:
        remove_factor(mine, number)
        messages.success(request, _("It is removed."))
    return redirect("account")


@own_account
@require_POST
def end_stay(request: HttpRequest, identity: str) -> HttpResponse:
    """End one of one's own sign-ins, or with "others" all but this one."""
    mine, here = account_of(request), stay_here(request)
    found = Stay.objects.filter(account=mine).exclude(pk=here.pk)
    count = stays.end_all(found if identity == "others" else found.filter(pk=identity))
    if count:
        messages.success(request, _("Ended on the server; whoever sits there has to sign in."))
    return redirect("account")


def _address_of(mine: Account, app_key: str) -> str:
    """What the app reads from the picture. source: the Key URI format that authenticator apps share."""
    words = urlencode({"secret": app_key, "issuer": f"ketapath {mine.practice.name}"})
    return f"otpauth://totp/{mine.username}?{words.replace('+', '%20')}"


def _squares(text: str) -> dict[str, Any]:
    """A QR code as one path in units of its squares, for a page that allows nothing inline."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    runs = []
    for y, row in enumerate(rows):
        edges = [x for x, (left, right) in enumerate(pairwise([False, *row, False])) if left != right]
        runs += [f"M{a} {y}h{b - a}v1h{a - b}z" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return {"size": len(rows), "path": "".join(runs)}


def _own(view: Any, *, in_set_up: bool = False) -> Any:
    return marked(view, act="own-account", in_set_up=in_set_up)


urls = [
    path("account", _own(account, in_set_up=True), name="account"),
    path("account/app", _own(app, in_set_up=True), name="account-app"),
    path("account/key", _own(key, in_set_up=True), name="account-key"),
    path("account/codes", _own(codes), name="account-codes"),
    path("account/factors/<int:number>", _own(factor), name="account-factor"),
    path("account/sign-ins/<str:identity>/end", _own(end_stay), name="account-end"),
]
