"""State one fact, or take one back."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.actions.moved import is_movable
from clinic.actions.profile import state_facts, states_a_fact, withdraw_fact
from clinic.queries import profile
from clinic.queries.notes import versions_for
from clinic.queries.person import Chart, candidacy
from clinic.record.projections import knowledge
from clinic.web.door import about_person, account_of, acting_on, form_of
from clinic.web.patients import about, loop_page
from clinic.web.problems import EXPECTED, Problem, explained


@require_http_methods(["GET", "POST"])
@acting_on("state-fact")
def fact(request: HttpRequest, found: Chart) -> HttpResponse:
    """Choose a fact, then say how it is."""
    wanted = (request.POST.get("path") or request.GET.get("path") or "")[:80]
    problem: Problem | None = None
    if request.method == "POST":
        try:
            state_facts(
                found, {wanted: request.POST.get("said", "")[:200]}, by=account_of(request),
                reason=request.POST.get("reason", "")[:500], key=request.POST.get("key", "")[:64],
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("Saved. The page shows what it changes."))
            return redirect(reverse("patient", args=[found.patient_id]) + "#profile")
    context = about(request, found, here="profile") | {
        "spec": knowledge().paths.get(wanted),
        "specs": profile.statable(),
        "missing": () if found.person is None else candidacy(found).missing,
        "standing": profile.standing(found, wanted),
        "typed": request.POST,
        "problem": problem,
        "key": secrets.token_hex(16),
    }
    return render(request, "profile/fact.html", context, status=problem.status if problem else 200)


@form_of("patient")
@acting_on("withdraw-fact")
def withdraw(request: HttpRequest, found: Chart) -> HttpResponse:
    """This statement was wrong."""
    try:
        withdraw_fact(
            found, request.POST.get("path", "")[:80], request.POST.get("source", "")[:120], by=account_of(request),
            reason=request.POST.get("reason", "")[:500], key=request.POST.get("key", "")[:64],
        )  # fmt: skip
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(
        request, _("Withdrawn, with all that it stated. It stays readable in the history, with your reason.")
    )
    return redirect(reverse("patient", args=[found.patient_id]) + "#profile")


@require_http_methods(["GET"])
@about_person
def source(request: HttpRequest, found: Chart, kind: str, identity: str) -> HttpResponse:
    """Every version of one statement, with who wrote it and why."""
    versions = versions_for(found, kind, identity, account_of(request))
    if not versions:
        raise Http404
    context = about(request, found, here="profile") | {
        "versions": versions,
        "kind": kind,
        "name": f"{kind}/{identity}",
        "key": secrets.token_hex(16),
    }
    is_withdrawn = "entered-in-error" in versions[0].text
    context["may_be_withdrawn"] = (
        context["may"]["withdraw_fact"] and states_a_fact(found, versions[0]) and not is_withdrawn
    )
    context["may_be_moved"] = context["may"]["move_record"] and is_movable(found, versions[0])
    return render(request, "profile/source.html", context)


@require_http_methods(["GET"])
@about_person
def apart(request: HttpRequest, found: Chart, number: int) -> HttpResponse:
    """One resource that an import kept apart, as it came, with what is wrong with it."""
    row = next((row for row in profile.kept_apart(found) if row.pk == number), None)
    if row is None:
        raise Http404
    return render(request, "profile/apart.html", about(request, found, here="profile") | {"row": row})


urls = [
    path("patients/<str:patient_id>/fact", fact, name="patient-fact"),
    path("patients/<str:patient_id>/withdraw", withdraw, name="patient-withdraw"),
    path("patients/<str:patient_id>/source/<str:kind>/<str:identity>", source, name="patient-source"),
    path("patients/<str:patient_id>/apart/<int:number>", apart, name="patient-apart"),
]
