"""The alert inbox: what waits, whose it is, where it goes next; and the chain by which it gets there."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from clinic import clock
from clinic.access.permission import may
from clinic.actions import alerts as act
from clinic.queries import alerts as query
from clinic.queries.alerts import Staff
from clinic.queries.chain import beyond_the_pages
from clinic.queries.chain import chain as chain_of
from clinic.web.door import account_of, form_of, staff
from clinic.web.problems import EXPECTED, Problem, explained

AT_ONCE = 40
"""How many alerts one page shows."""


@require_GET
@staff("see-alerts")
def alerts(request: HttpRequest) -> HttpResponse:
    """The whole page, or its live part alone when the page asks for it; the most urgent first, forty at a time."""
    said, inbox = request.GET.get("from", ""), query.inbox(account_of(request))
    many = len(inbox.mine) + len(inbox.others)
    start = int(said) if re.fullmatch("[0-9]{1,6}", said, re.ASCII) and int(said) < many else 0
    mine, others = inbox.part(start, AT_ONCE)
    context = {"inbox": inbox, "mine": mine, "others": others, "many": many, "start": start}
    context |= {"before": max(0, start - AT_ONCE), "end": min(start + AT_ONCE, many)}
    part = getattr(request, "htmx", False)
    return render(request, "alerts/list.html" if part else "alerts/alerts.html", context)


@require_GET
@staff("see-alerts")
def alert(request: HttpRequest, number: int) -> HttpResponse:
    """One alert with its log."""
    return _one(request, number)


@form_of("alert")
@staff("see-alerts", to="answer-alert")
def answer(request: HttpRequest, number: int) -> HttpResponse:
    """Acknowledge it, pass it on, hand it over, write down what was done, close it."""
    try:
        said = _answered(request, number)
    except EXPECTED as trouble:
        return _one(request, number, explained(trouble))
    if said:
        messages.success(request, said)
    else:
        messages.info(request, _("It was answered or closed in the meantime: the page shows how it stands now."))
    return redirect("alert", number) if request.POST.get("from") == "alert" else redirect("alerts")


@require_GET
@staff("see-alerts")
def chain(request: HttpRequest) -> HttpResponse:
    """Whether alerts reach the second person: the daily test, who is on call, the outgoing mail."""
    return _chain(request)


@form_of("alerts-chain")
@staff("see-alerts", to="set-alert-chain")
def set_chain(request: HttpRequest) -> HttpResponse:
    """Who is on call while nobody is in, and where somebody is written to."""
    by, typed = account_of(request), request.POST
    try:
        if typed.get("step") == "on-call":
            act.set_on_call([typed.get("first", "")[:80], typed.get("second", "")[:80]], by=by)
        elif typed.get("step") == "address":
            act.set_address(typed.get("account", "")[:80], typed.get("address", "")[:300], by=by)
        else:
            raise Http404
    except EXPECTED as trouble:
        return _chain(request, explained(trouble))
    messages.success(request, _("Saved. It counts from now on."))
    return redirect("alerts-chain")


def _answered(request: HttpRequest, number: int) -> str:
    """Do what the form asks for; the sentence that says what was done, empty where it was too late."""
    by, step, words = account_of(request), request.POST.get("step", ""), request.POST.get("words", "")[:2000]
    if query.one(by, number) is None:
        raise Http404
    if step == "acknowledge":
        return _("Acknowledged: it is yours until it is closed.") if act.acknowledge(number, by=by) else ""
    if step == "pass-on":
        return _("Passed on.") if act.pass_on(number, by=by) else ""
    if step == "act":
        return _("Written down. It stays open.") if act.act(number, words, by=by) else ""
    if step == "close":
        return _("Closed.") if act.act(number, words, by=by, closes=True) else ""
    if step == "open-again":
        return _("Open again, and yours.") if act.open_again(number, words, by=by) else ""
    if step == "hand-over":
        to = request.POST.get("to", "")[:80]
        return _("Handed over; it waits for your colleague's answer.") if act.hand_over(number, to, by=by) else ""
    raise Http404


def _one(request: HttpRequest, number: int, problem: Problem | None = None) -> HttpResponse:
    account = account_of(request)
    found = query.one(account, number)
    if found is None:
        raise Http404
    context = {
        "row": query.rows_of([found], account, clock.now())[0],
        "steps": query.log(found),
        "of_nobody": query.unreached_person(found) if may(account, "restrict-chart") else "",
        "colleagues": () if found.closed_at else query.colleagues(found),
        "may_open_again": query.answers(found, account) and query.may_open_again(found),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "alerts/alert.html", context, status=problem.status if problem else 200)


def _chain(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    account = account_of(request)
    people = Staff(account.practice, clock.now()).accounts
    context = {
        "chain": chain_of(account.practice),
        "beyond": beyond_the_pages(account.practice),
        "people": people,
        "on_call": query.on_call(account.practice),
        "may_set": may(account, "set-alert-chain"),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "alerts/chain.html", context, status=problem.status if problem else 200)


urls = [
    path("alerts", alerts, name="alerts"),
    path("alerts/chain", chain, name="alerts-chain"),
    path("alerts/chain/set", set_chain, name="alerts-chain-set"),
    path("alerts/<int:number>", alert, name="alert"),
    path("alerts/<int:number>/answer", answer, name="alert-answer"),
]
