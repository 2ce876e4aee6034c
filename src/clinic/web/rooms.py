"""The rooms of the clinic, and who is on duty: set by coordinator and director."""

from __future__ import annotations

from datetime import date, time, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clinic import clock
from clinic.access.models import Account
from clinic.actions import rooms as act
from clinic.actions import typed
from clinic.practice.models import Room
from clinic.queries.schedule import day_span, shifts_of
from clinic.web.door import account_of, staff
from clinic.web.problems import EXPECTED, Problem, explained
from clinic.web.schedule import hours_of

_WEEKS_AHEAD = 4
"""How many weeks of duty the page shows."""


@require_http_methods(["GET", "POST"])
@staff("see-schedule", to="set-room")
def rooms(request: HttpRequest) -> HttpResponse:
    """The rooms and chairs; one is set up or changed by its code."""
    account, said = account_of(request), request.POST
    problem: Problem | None = None
    if request.method == "POST":
        try:
            room = act.set_room(
                said.get("code", "")[:40].strip().lower(),
                name=said.get("name", "")[:60],
                kind=said.get("kind", "")[:20],
                place=typed.whole(said.get("place", "").strip() or "0", field=_("order")),
                is_open=said.get("is_open") == "yes",
                by=account,
            )
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("%(room)s is saved.") % {"room": room.name})
            return redirect("schedule-rooms")
    context = {
        "rooms": Room.objects.filter(practice=account.practice).order_by("-kind", "place", "code"),
        "kinds": act.KINDS,
        "problem": problem,
        "typed": said,
    }
    return render(request, "schedule/rooms.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@staff("see-schedule", to="set-duty")
def duty(request: HttpRequest) -> HttpResponse:
    """Who is on duty in the next weeks; a week's pattern is laid out over days in one act."""
    account, said = account_of(request), request.POST
    practice = account.practice
    problem: Problem | None = None
    if request.method == "POST":
        try:
            watches = typed.whole(said.get("watches", "").strip() or "0", field=_("people at once"))
            laid = act.set_duty(
                said.get("who", "")[:80], _week(request), first=typed.day(said.get("first", "")),
                last=typed.day(said.get("last", "")), watches=watches,
                is_confirmed=said.get("confirmed") == "yes", by=account,
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            words = ngettext("On duty on %(count)s day.", "On duty on %(count)s days.", laid.days)
            messages.success(request, words % {"count": laid.days})
            return redirect(reverse("schedule-duty"))
    today = clock.today(practice.zone)
    monday = today - timedelta(days=today.weekday())
    context = {
        "weeks": [_shown(account, monday + timedelta(weeks=number)) for number in range(_WEEKS_AHEAD)],
        "people": Account.objects.filter(practice=practice, is_active=True, role__in=act.ON_DUTY).order_by("name"),
        "days": [(number, monday + timedelta(days=number)) for number in range(7)],
        "today": today,
        "last": today + timedelta(weeks=12),
        "most": act.MOST_WATCHED,
        "problem": problem,
        "typed": said,
        "ticked": said.getlist("weekday"),
    }
    return render(request, "schedule/duty.html", context, status=problem.status if problem else 200)


def _week(request: HttpRequest) -> dict[int, tuple[time, time]]:
    """The pattern: the days that are ticked, each from and to the same clock times."""
    days = [int(number) for number in request.POST.getlist("weekday") if number in "0123456" and len(number) == 1]
    if not days:
        return {}
    starts, ends = typed.time_of_day(request.POST.get("from", "")), typed.time_of_day(request.POST.get("to", ""))
    return dict.fromkeys(days, (starts, ends))


def _shown(account: Account, monday: date) -> dict[str, object]:
    """One week: each person with their hours by day."""
    zone = account.practice.zone
    days = [monday + timedelta(days=number) for number in range(7)]
    begin, end = day_span(days[0], zone)[0], day_span(days[-1], zone)[1]
    shifts = shifts_of(account.practice, begin, end)
    rows = []
    for who in dict.fromkeys(shift.username for shift in shifts):
        own = [shift for shift in shifts if shift.username == who]
        hours = [[said for shift in own if (said := hours_of(shift, day, zone))] for day in days]
        rows.append({"one": own[0], "days": hours})
    return {"days": days, "rows": rows}


urls = [
    path("schedule/rooms", rooms, name="schedule-rooms"),
    path("schedule/duty", duty, name="schedule-duty"),
]
