"""A patient's own page, and a caregiver's of each person they care for: answers, appointments, the signed plan's dates.

No advice by the machine stands on it.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic.access import audit
from clinic.access.models import Role
from clinic.access.permission import may, reach
from clinic.queries.person import chart
from clinic.queries.team import cared_for
from clinic.web.door import account_of, stands_for


@require_GET
@stands_for("read-own")
@login_required
def own(request: HttpRequest, patient_id: str = "") -> HttpResponse:
    """What is this person's own to see, whoever released it: answers and dates; of the model's output, nothing.

    A caregiver of several people chooses one of them first, and sees the parts that were given.
    """
    account = account_of(request)
    if account.role == Role.PATIENT:
        wanted = patient_id or account.patient_id
    else:
        people = cared_for(account) if may(account, "read-own") and not patient_id else []
        wanted = patient_id or (people[0].patient_id if len(people) == 1 else "")
        if not wanted and may(account, "read-own"):
            audit.append("read-own", outcome="done", account=account)
            return render(request, "own/people.html", {"people": people})
    within = reach(account, "read-own")
    found = chart(within, wanted) if may(account, "read-own", patient_id=wanted, part="person") else None
    audit.append("read-own", outcome="done" if found else "refused", account=account, patient_id=wanted)
    if found is None:
        raise Http404
    scores = () if found.person is None else found.person.scores[::-1]
    is_on_hold = found.plan is not None and found.plan.status == "on-hold"
    ahead = [] if found.plan is None or is_on_hold else [v for v in found.plan.visits if v.on >= found.as_of]
    context = {
        "found": found,
        "scores": scores,
        "ahead": ahead,
        "is_on_hold": is_on_hold,
        "is_own": account.role == Role.PATIENT,
        "has_chart": within.holds(wanted),
    }
    return render(request, "own/own.html", context)


urls = [path("my", own, name="own"), path("my/people/<str:patient_id>", own, name="own-person")]
