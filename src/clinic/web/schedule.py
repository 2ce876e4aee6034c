"""The schedule: a day by rooms, a week, and one person's appointments with laying out, booking, moving, cancelling."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from clinic import clock
from clinic.access.permission import permitted
from clinic.actions import schedule as act
from clinic.actions import typed
from clinic.queries.booking import (
    closer,
    ended_ahead,
    just_booked,
    lacking,
    missed_today,
    moving,
    series,
    session_takes,
    tied,
    unbooked,
)
from clinic.queries.person import Chart
from clinic.queries.schedule import DayPlan, Entry, Lane, day_span, days_of, room_names
from clinic.web.door import account_of, acting_on, staff
from clinic.web.patients import about
from clinic.web.problems import EXPECTED, explained, posted
from clinic.web.templatetags.clinic import name_of_visit
from ketapath.domain.schedule import KINDS, RIDES
from ketapath.errors import BadInput
from ketapath.plan.slots import Shift

_AXIS = (8, 18)
"""The hours that a day's picture shows at least."""
_HOUR = 80
"""Units of the picture for one hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One appointment in the picture of a day, in units from the start of the axis."""

    x: float
    width: float
    is_session: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The hours that a day's picture shows, and where now is in it."""

    begins: datetime
    hours: tuple[tuple[int, str], ...]
    width: int
    now: float | None


@require_GET
@staff("see-schedule")
def schedule(request: HttpRequest) -> HttpResponse:
    """One day by rooms."""
    account = account_of(request)
    today = clock.today(account.practice.zone)
    on = _day(request, today)
    (found,) = days_of(account, on, 1)
    axis = _axis(found, account.practice.zone)
    context = {
        "day": found,
        "today": today,
        "axis": axis,
        "duties": [(shift, hours_of(shift, on, account.practice.zone)) for shift in found.duties],
        "lanes": [(lane, _blocks(lane, axis)) for lane in found.lanes],
        "earlier": on - timedelta(days=1),
        "later": on + timedelta(days=1),
        **_doors(request),
    }
    return render(request, "schedule/day.html", context)


def hours_of(shift: Shift, on: date, zone: str) -> str:
    """What of a shift lies on this day, as hours; "" where nothing does. Days in a row without a gap are one shift."""
    begin, end = day_span(on, zone)
    starts, ends = max(shift.starts_at, begin), min(shift.ends_at, end)
    if starts >= ends:
        return ""
    if (starts, ends) == (begin, end):
        return _("all day")
    until = "24:00" if ends == end else f"{clock.local(ends, zone):%H:%M}"
    return f"{clock.local(starts, zone):%H:%M}–{until}"


@require_GET
@staff("see-schedule")
def week(request: HttpRequest) -> HttpResponse:
    """Seven days side by side, from Monday on."""
    account = account_of(request)
    today = clock.today(account.practice.zone)
    asked = _day(request, today)
    monday = asked - timedelta(days=asked.weekday())
    context = {
        "days": days_of(account, monday, 7),
        "names": room_names(account.practice),
        "today": today,
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "earlier": monday - timedelta(days=7),
        "later": monday + timedelta(days=7),
        **_doors(request),
    }
    return render(request, "schedule/week.html", context)


@require_http_methods(["GET", "POST"])
@acting_on("see-schedule")
def of_person(request: HttpRequest, found: Chart) -> HttpResponse:
    """One person's appointments: those booked, those that the plan still asks for, and what can be done about both."""
    problem = posted(request, lambda: _done(request, found), resolve_url("patient-schedule", found.patient_id))
    if isinstance(problem, HttpResponse):
        return problem
    may = permitted(account_of(request), ("book", "move-booking", "cancel-booking"), patient_id=found.patient_id)
    now = clock.now()
    booked = sorted(found.bookings, key=lambda b: b.starts_at)
    missing = unbooked(found)
    proposals = series(found) if "book" in may and _is_active(found) else ()
    context = about(request, found, here="plan") | {
        "names": room_names(found.practice),
        "ahead": [b for b in booked if b.ends_at >= now and b.stands],
        "before": [b for b in reversed(booked) if b.ends_at < now or not b.stands],
        "ended": ended_ahead(found),
        "lacking": lacking(found),
        "tied": {b.origin.id: tied(found, b) for b in booked if b.status == "booked"},
        "missed_today": [b.origin.id for b in missed_today(found)] if "book" in may else (),
        "proposals": proposals,
        "close": closer(found, proposals),
        "missing": missing,
        "takes": session_takes(found),
        "to_undo": just_booked(found, account_of(request)) if "cancel-booking" in may else (),
        "may_book": "book" in may,
        "may_move": "move-booking" in may,
        "may_cancel": "cancel-booking" in may,
        "kinds": KINDS,
        "rides": [ride for ride in RIDES if ride != "not-needed"],
        "key": secrets.token_hex(16),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "schedule/person.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@acting_on("move-booking")
def move(request: HttpRequest, found: Chart) -> HttpResponse:
    """An appointment on another day: first what would move along, then the same, done."""
    said = request.POST if request.method == "POST" else request.GET
    name, problem, preview = said.get("appointment", "")[:64], None, None
    standing = next((b for b in found.bookings if b.origin.id == name), None)
    if standing is None:
        return redirect("patient-schedule", found.patient_id)
    try:
        to, at = _to(said)
        if request.method == "POST":
            assert to is not None
            act.move(
                found, name, to, at, seen=said.get("seen", "")[:64], reason=said.get("reason", "")[:500].strip(),
                by=account_of(request), key=said.get("key", "")[:64],
            )  # fmt: skip
            messages.success(request, _("Moved, with everything that belongs to it."))
            return redirect("patient-schedule", found.patient_id)
    except EXPECTED as trouble:
        problem = explained(trouble)
        to, at = _to_or_none(said)
    if to is not None:
        try:
            preview = moving(found, name, to, at)
        except BadInput as trouble:
            problem = problem or replace(explained(trouble), title=_("It cannot go there"))
    context = about(request, found, here="plan") | {
        "names": room_names(found.practice),
        "booked": standing,
        "preview": preview,
        "to": to,
        "at": at,
        "key": secrets.token_hex(16),
        "problem": problem,
        "typed": said,
    }
    return render(request, "schedule/move.html", context, status=problem.status if problem else 200)


def _done(request: HttpRequest, found: Chart) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, said = account_of(request), request.POST
    step, key, name = said.get("step", ""), said.get("key", "")[:64], said.get("appointment", "")[:64]
    reason = said.get("reason", "")[:500].strip()
    if step == "series":
        made = act.lay_out(found, by=by, key=key, reason=reason)
        return _laid_out(made)
    if step == "book":
        _book(request, found, key)
        return _("Booked.")
    if step == "undo":
        count = len(just_booked(found, by))
        act.undo(found, by=by, key=key)
        return ngettext("%(count)s booking undone.", "%(count)s bookings undone.", count) % {"count": count}
    if step == "ended":
        count = len(ended_ahead(found))
        act.cancel_ended(found, reason=reason, by=by, key=key)
        return ngettext("%(count)s appointment cancelled.", "%(count)s appointments cancelled.", count) % {
            "count": count
        }
    if step == "cancel":
        act.cancel(found, name, reason=reason, is_with_tied=bool(said.get("tied")), by=by, key=key)
        return _("Cancelled; its room and its people are free again.")
    if step == "missed":
        act.no_show(found, name, reason=reason, is_with_tied=bool(said.get("tied")), by=by, key=key)
        return _("Noted that nobody came; the session can be booked anew.")
    if step == "came":
        act.came_after_all(found, name, by=by, key=key)
        return _("Taken back: the appointment stands again.")
    if step == "ride":
        act.set_ride(found, name, said.get("ride", "")[:20], by=by, key=key)
        return _("The way home is noted.")
    raise Http404


def _book(request: HttpRequest, found: Chart, key: str) -> None:
    said, on, at = request.POST, typed.day(request.POST.get("on", "")), typed.time_of_day(request.POST.get("at", ""))
    what = said.get("what", "")[:120]
    planned = next((v for v in unbooked(found) if name_of_visit(v) == what), None)
    minutes = typed.whole(said.get("minutes", ""), field=_("minutes")) if said.get("minutes", "").strip() else None
    act.book(
        found, planned.kind if planned else what, on, at, minutes=minutes, room=said.get("room", "")[:20],
        planned=planned, reason=said.get("reason", "")[:500].strip(), by=account_of(request), key=key,
    )  # fmt: skip


def _laid_out(made: act.LaidOut) -> str:
    booked, left = len(made.booked), len(made.unbooked)
    said = ngettext("%(count)s appointment booked.", "%(count)s appointments booked.", booked) % {"count": booked}
    if not left:
        return said
    more = ngettext("%(count)s found no place.", "%(count)s found no place.", left) % {"count": left}
    return f"{said} {more}"


def _is_active(found: Chart) -> bool:
    return found.plan is not None and found.plan.status == "active"


def _day(request: HttpRequest, today: date) -> date:
    try:
        on = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        return today
    return on if abs((on - today).days) < 20 * 365 else today


def _to(said: Any) -> tuple[date | None, time | None]:
    """The day and time that were typed; None for a day that was not."""
    if not said.get("to", "").strip():
        if "seen" in said:
            raise BadInput(field=_("new day"), found=_("nothing"), limit=_("a day"), next_step=_("Choose one."))
        return None, None
    at = said.get("at", "").strip()
    return typed.day(said["to"]), typed.time_of_day(at) if at else None


def _to_or_none(said: Any) -> tuple[date | None, time | None]:
    try:
        return _to(said)
    except BadInput:
        return None, None


def _doors(request: HttpRequest) -> dict[str, bool]:
    may = permitted(account_of(request), ("set-room", "set-duty"))
    return {"may_set_room": "set-room" in may, "may_set_duty": "set-duty" in may}


def _axis(found: DayPlan, zone: str) -> Axis:
    """The hours of the day that have something in them, and at least those of a usual day."""
    midnight = datetime.combine(found.on, time(), ZoneInfo(zone))
    ends = [e.booked.ends_at.astimezone(ZoneInfo(zone)) for e in found.entries]
    starts = [e.booked.starts_at.astimezone(ZoneInfo(zone)) for e in found.entries]
    first = min([_AXIS[0], *(s.hour for s in starts)])
    last = max([_AXIS[1], *(e.hour + 1 if e.date() == found.on else 24 for e in ends)])
    begins = midnight.replace(hour=first)
    gone = (clock.now() - begins).total_seconds() / 3600 * _HOUR
    width = (last - first) * _HOUR
    return Axis(
        begins=begins,
        hours=tuple(((hour - first) * _HOUR, f"{hour}:00") for hour in range(first, last)),
        width=width,
        now=gone if 0 <= gone <= width else None,
    )


def _blocks(lane: Lane, axis: Axis) -> list[Block]:
    return [
        Block(
            x=(e.booked.starts_at - axis.begins).total_seconds() / 3600 * _HOUR,
            width=max(4.0, _hours(e) * _HOUR - 2),
            is_session=e.booked.kind == "session",
        )
        for e in lane.entries
    ]


def _hours(entry: Entry) -> float:
    return (entry.booked.ends_at - entry.booked.starts_at).total_seconds() / 3600


urls = [
    path("schedule", schedule, name="schedule"),
    path("schedule/week", week, name="schedule-week"),
    path("patients/<str:patient_id>/schedule", of_person, name="patient-schedule"),
    path("patients/<str:patient_id>/schedule/move", move, name="patient-schedule-move"),
]
