"""A patient's own page: own answers, own appointments, the signed plan's dates. No advice by the machine."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic.access import audit
from clinic.access.permission import may
from clinic.queries.person import chart
from clinic.queries.signatures import signatures
from clinic.web.door import account_of


@require_GET
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """What is this person's own to see, whoever released it: answers and dates; of the model's output, nothing."""
    account = account_of(request)
    found = chart(account.practice, account.patient_id) if may(account, "read-own") else None
    if found is None:
        audit.append("read-own", outcome="refused", account=account)
        raise Http404
    audit.append("read-own", outcome="done", account=account, patient_id=account.patient_id)
    scores = () if found.person is None else found.person.scores[::-1]
    is_on_hold = found.plan is not None and found.plan.status == "on-hold"
    ahead = [] if found.plan is None or is_on_hold else [v for v in found.plan.visits if v.on >= found.as_of]
    context: dict[str, object] = {"found": found, "scores": scores, "ahead": ahead, "is_on_hold": is_on_hold}
    context["signatures"] = signatures(found)
    return render(request, "own/own.html", context)


urls = [path("my", own, name="own")]
