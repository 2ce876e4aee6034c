"""Who belongs to a person, a chart opened in an emergency, its review, and what was written about the wrong person."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access import relations
from clinic.access.permission import permitted, reach
from clinic.actions import team as act
from clinic.actions.moved import move_record
from clinic.queries import team as queries
from clinic.queries.person import Chart
from clinic.web.door import account_of, acting_on, form_of, staff
from clinic.web.patients import loop_page
from clinic.web.problems import EXPECTED, Problem, explained, posted


@require_http_methods(["GET", "POST"])
@staff("see-team")
def team(request: HttpRequest, patient_id: str) -> HttpResponse:
    """The care team, those who care at home, and whether the chart is restricted."""
    account = account_of(request)
    problem = posted(request, lambda: _changed(request, patient_id), resolve_url("patient-team", patient_id))
    if isinstance(problem, HttpResponse):
        return problem
    found = queries.team(reach(account, "see-team"), patient_id)
    if found is None:
        raise Http404
    allowed = permitted(account, ("set-team", "restrict-chart", "read-chart"), patient_id=patient_id)
    context = {
        "team": found,
        "line": found.line,
        "may": {name.replace("-", "_"): name in allowed for name in ("set-team", "restrict-chart", "read-chart")},
        "kinds": relations.AT_HOME if found.of_age_at else (relations.CAREGIVER,),
        "givable": [part for part in queries.GIVABLE if part != "person"],
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "team/team.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@staff("find-patients", to="break-glass")
def emergency(request: HttpRequest) -> HttpResponse:
    """Open one chart for a while, with a reason; what does not fit one person says no more than that."""
    account = account_of(request)
    problem: Problem | None = None
    is_missing = False
    if request.method == "POST":
        try:
            patient_id = act.break_glass(
                identity=_typed(request, "identity", 64), family=_typed(request, "family", 120),
                born_on=_day(request, "born_on"), reason=_typed(request, "reason", 500), by=account,
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            if patient_id is not None:
                return redirect("patient", patient_id)
            is_missing = True
    context = {
        "problem": problem,
        "typed": request.POST,
        "is_missing": is_missing,
        "minutes": relations.emergency_minutes(account.practice),
    }
    return render(request, "team/emergency.html", context, status=400 if problem or is_missing else 200)


@require_http_methods(["GET", "POST"])
@staff("review-emergency")
def emergencies(request: HttpRequest) -> HttpResponse:
    """Every chart that was opened in an emergency, and what its review found."""
    account = account_of(request)
    problem: Problem | None = None
    if request.method == "POST":
        number = request.POST.get("emergency", "")
        try:
            is_done = act.review(int(number) if _is_number(number) else 0, _typed(request, "finding", 1000), by=account)
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("Reviewed.") if is_done else _("It was reviewed before."))
            return redirect("emergencies")
    context = {"found": queries.emergencies(account.practice), "problem": problem, "typed": request.POST}
    return render(request, "team/emergencies.html", context, status=problem.status if problem else 200)


@form_of("patient")
@acting_on("move-record")
def move(request: HttpRequest, found: Chart) -> HttpResponse:
    """What was written about the wrong person is marked so there and written anew where it belongs."""
    try:
        move_record(
            found, _typed(request, "source", 120), _typed(request, "to", 64), by=account_of(request),
            reason=_typed(request, "reason", 500), key=_typed(request, "key", 60),
        )  # fmt: skip
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, _("Moved. Here it stays readable, marked as entered in error."))
    return redirect(reverse("patient", args=[found.patient_id]) + "#profile")


def _changed(request: HttpRequest, patient_id: str) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, reason, step = account_of(request), _typed(request, "reason", 500), request.POST.get("step", "")
    who = _typed(request, "account", 80)
    if step == "join":
        act.join_team(patient_id, who, reason=reason, by=by)
        return _("Added to the care team.")
    if step == "let-in":
        parts = request.POST.getlist("part")[:10]
        kind, last_day = _typed(request, "kind", 20), _day(request, "last_day")
        act.let_in(patient_id, who, kind, parts, last_day=last_day, reason=reason, by=by)
        return _("Opened to them.")
    if step == "leave":
        number = request.POST.get("number", "")
        is_done = act.leave(int(number) if _is_number(number) else 0, patient_id=patient_id, reason=reason, by=by)
        return _("Ended. It counts from now on.") if is_done else _("It had ended before.")
    if step == "restrict":
        act.restrict(patient_id, reason=reason, by=by)
        return _("Only the care team opens this chart from now on.")
    if step == "lift":
        act.lift(patient_id, by=by)
        return _("The chart is open again to everybody who treats here.")
    raise Http404


def _typed(request: HttpRequest, name: str, longest: int) -> str:
    return request.POST.get(name, "")[:longest].strip()


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return date.fromisoformat(request.POST.get(name, ""))
    except ValueError:
        return None


def _is_number(words: str) -> bool:
    return words.isascii() and words.isdigit() and len(words) < 18


urls = [
    path("patients/<str:patient_id>/team", team, name="patient-team"),
    path("patients/<str:patient_id>/move", move, name="patient-move"),
    path("emergency", emergency, name="emergency"),
    path("emergency/review", emergencies, name="emergencies"),
]
