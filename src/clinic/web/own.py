"""A patient's own page, and a caregiver's of each person they care for: answers, what is booked, what is only planned.

No advice by the machine stands on it.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic.access.models import Role
from clinic.access.permission import Refused, may, reach
from clinic.queries.booking import booked_ahead, ended_ahead, unbooked
from clinic.queries.person import chart
from clinic.queries.signatures import signatures
from clinic.queries.team import cared_for
from clinic.web.door import account_of, stands_for, told


@require_GET
@stands_for("read-own")
@login_required
def own(request: HttpRequest, patient_id: str = "") -> HttpResponse:
    """What is this person's own to see, whoever released it: answers and dates; of the model's output, nothing.

    A caregiver of several people chooses one of them first, and sees the parts that were given.
    """
    account = account_of(request)
    is_own = account.role == Role.PATIENT
    people = [] if is_own or patient_id or not may(account, "read-own") else cared_for(account)
    alone = account.patient_id if is_own else people[0].patient_id if len(people) == 1 else ""
    wanted = patient_id or alone

    def opened() -> HttpResponse:
        if not wanted and not is_own and may(account, "read-own"):
            return render(request, "own/people.html", {"people": people})
        within = reach(account, "read-own")
        found = chart(within, wanted) if may(account, "read-own", patient_id=wanted, part="person") else None
        if found is None:
            raise Refused("read-own")
        scores = () if found.person is None else found.person.scores[::-1]
        is_on_hold = found.plan is not None and found.plan.status == "on-hold"
        context = {
            "found": found,
            "scores": scores,
            "booked": booked_ahead(found),
            "ended": ended_ahead(found),
            "unbooked": () if is_on_hold else [v for v in unbooked(found) if v.on >= found.as_of],
            "is_on_hold": is_on_hold,
            "is_own": is_own,
            "has_chart": within.holds(wanted),
            "signatures": signatures(found),
        }
        return render(request, "own/own.html", context)

    return told(request, "read-own", opened, patient_id=wanted)


urls = [path("my", own, name="own"), path("my/people/<str:patient_id>", own, name="own-person")]
