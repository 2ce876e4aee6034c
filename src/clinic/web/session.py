"""One session on one page: arrival, readings, dose begun, dose ended, home."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic import clock
from clinic.access.models import Account
from clinic.queries.booking import expected_today
from clinic.queries.gates import full_hands
from clinic.queries.person import Chart
from clinic.queries.schedule import free_rooms, named_in, room_names
from clinic.queries.session import Objection, room
from clinic.queries.signatures import why_unsigned
from clinic.record.signatures import Seen
from clinic.web.board import board_of
from clinic.web.door import about_person, account_of, own_account
from clinic.web.lock import marked
from clinic.web.patients import about
from clinic.web.problems import Problem, posted
from clinic.web.session_advice import advice
from clinic.web.session_forms import done
from clinic.web.session_observed import observed
from clinic.web.session_page import drawn
from clinic.web.templatetags.clinic import day
from ketapath.domain.session import Visit


@require_http_methods(["GET", "POST"])
@about_person
def session(request: HttpRequest, found: Chart) -> HttpResponse:
    """The visit that is going on, or the way to open one."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    problem = posted(request, lambda: done(request, found), resolve_url(*_after(request, found)))
    if isinstance(problem, HttpResponse):
        return problem
    return _page(request, found, _witnessed(request, found) or found.open_visit, problem)


def _witnessed(request: HttpRequest, found: Chart) -> Visit | None:
    """The visit whose dose a witness signs for; it may be over."""
    seen = Seen.from_text(request.POST.get("seen", "")[:200]) if request.POST.get("step") == "witness" else None
    doses = ((v, v.administration) for v in found.visits if seen is not None)
    return next((v for v, given in doses if given is not None and seen and given.origin.id == seen.identity), None)


def _after(request: HttpRequest, found: Chart) -> tuple[str, ...]:
    """The page that shows what was done: of the visit itself where it is over."""
    visit = _witnessed(request, found)
    if visit is None or visit.step != "home":
        return "patient-session", found.patient_id
    return "patient-session-past", found.patient_id, visit.origin.id


@require_GET
@about_person
def past(request: HttpRequest, found: Chart, visit_id: str) -> HttpResponse:
    """A visit as it was."""
    visit = next((v for v in found.visits if v.origin.id == visit_id), None)
    if visit is None or found.person is None:
        raise Http404
    if found.open_visit is not None and visit.origin.id == found.open_visit.origin.id:
        return redirect("patient-session", found.patient_id)  # it has forms, and they are answered there
    return _page(request, found, visit, None)


def _page(request: HttpRequest, found: Chart, visit: Visit | None, problem: Problem | None) -> HttpResponse:
    now = clock.local(clock.now(), found.practice.zone)
    here = None if visit is None else room(found, visit)
    if here is not None and here.visit.step == "ready" and (full := full_hands(account_of(request))):
        here = replace(here, objections=(*here.objections, Objection(kind="reason", words=full)))
    context = about(request, found, here="sessions") | {
        "room": here,
        "key": secrets.token_hex(16),
        "problem": problem,
        "typed": request.POST,
    }
    if here is None and found.plan is not None and found.as_of not in [v.on for v in found.sessions_ahead]:
        following = found.sessions_ahead[0].on if found.sessions_ahead else None
        context["unplanned"] = _("No session is planned for today; the next one: %(day)s.") % {"day": day(following)}
    if here is None:
        context |= {"unsigned": why_unsigned(found)} | _arriving(account_of(request), found)
    else:
        context |= drawn(request, found, here, now)
        context["place"] = room_names(found.practice).get(here.visit.room, here.visit.room)
    return render(request, "session/session.html", context, status=problem.status if problem else 200)


def _arriving(account: Account, found: Chart) -> dict[str, Any]:
    """What the person comes for: the session booked for today with its room, and the rooms that are free."""
    booked = expected_today(found)
    rooms = free_rooms(found.practice)
    return {
        "booked": booked,
        "booked_room": "" if booked is None else room_names(found.practice).get(booked.room, booked.room),
        "rooms": rooms,
        "there": None if booked is None else named_in(account, booked.room),
        "is_taken": booked is not None and bool(booked.room) and booked.room not in [one.code for one in rooms],
    }


@require_POST
@own_account
def low_light(request: HttpRequest) -> HttpResponse:
    """Keep every page dark for as long as this sign-in lasts, or no longer: somebody rests in the room."""
    request.session["low_light"] = request.POST.get("dim") == "yes"
    after = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(
        after, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return HttpResponseRedirect(after) if is_here else redirect("home")  # never the name of a view that was typed


urls = [
    path("session/low-light", low_light, name="low-light"),
    path("patients/<str:patient_id>/session/advice", advice, name="patient-session-advice"),
    path("patients/<str:patient_id>/session/observed", observed, name="patient-session-observed"),
    path("patients/<str:patient_id>/session", marked(session, reduced=board_of), name="patient-session"),
    path("patients/<str:patient_id>/sessions/<str:visit_id>", past, name="patient-session-past"),
]
