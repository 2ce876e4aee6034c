"""The list of patients, and one patient as the loop itself: decision, response, sessions, plan, candidacy, profile."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic import clock
from clinic.access.permission import may
from clinic.actions.plan import standing
from clinic.queries import profile
from clinic.queries.patients import patients as listed
from clinic.queries.person import Chart, candidacy, plan, treated
from clinic.record.projections import knowledge
from clinic.web.charts import response_chart
from clinic.web.door import about_person, account_of, staff
from clinic.web.problems import Problem, explained
from ketapath.domain.candidacy import Candidacy
from ketapath.followup import due_assessments


@require_GET
@staff("find-patients")
def patients(request: HttpRequest) -> HttpResponse:
    """Everybody, or those whose name begins so."""
    name = request.GET.get("q", "")[:100]
    context = {"lines": listed(account_of(request).practice, name=name), "q": name}
    return render(request, "patients/lines.html" if request.htmx else "patients/patients.html", context)  # type: ignore[attr-defined]


@require_GET
@about_person
def patient(request: HttpRequest, found: Chart) -> HttpResponse:
    """The whole loop of one person on one page, newest decision on top."""
    return loop_page(request, found)


def loop_page(
    request: HttpRequest, found: Chart, *, problem: Problem | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    """The page, perhaps after something went wrong, with what was typed."""
    context = about(request, found, here="decision")
    if found.person is None:
        assert found.problem is not None
        context |= {"problem": problem or explained(found.problem), "resources": found.bundle.resources}
        return render(request, "patients/unreadable.html", context, status=200 if problem is None else problem.status)
    now = treated(found)
    context |= {
        "candidacy": now.candidacy,
        "course": now.course,
        "card": now.card if found.person.doses else None,
        "offered": plan(found),
        "chart": response_chart(found, now.course),
        "groups": profile.groups(found),
        "aside": profile.aside(found),
        "due": due_assessments(found.person, knowledge()),
        "key": secrets.token_hex(16),
        "seen": standing(found),
        "problem": problem,
        "typed": typed or {},
        "decisions": found.decisions[::-1],
        "sessions": found.visits[::-1],
        "ahead": [v for v in found.plan.visits if v.on >= found.as_of] if found.plan else [],
    }
    return render(request, "patients/patient.html", context, status=200 if problem is None else problem.status)


def about(request: HttpRequest, found: Chart, *, here: str) -> dict[str, Any]:
    """What every page about a person shows: who, age, weight with date, risks."""
    account = account_of(request)
    acts = ("state-fact", "withdraw-fact", "answer-score", "decide-plan", "decide-card", "open-session")
    now = None if found.person is None else candidacy(found)
    return {
        "found": found,
        "person": found.person,
        "here": here,
        "risks": () if now is None else _risks(now),
        "may": {act.replace("-", "_"): may(account, act, patient_id=found.patient_id) for act in acts},
        "now": clock.local(clock.now(), found.practice.zone),
    }


def _risks(now: Candidacy) -> list[Any]:
    """The findings that nobody in the room may overlook."""
    return [f for f in now.findings if f.verdict in ("not-eligible", "defer", "caution")]


urls = [
    path("patients", patients, name="patients"),
    path("patients/<str:patient_id>", patient, name="patient"),
]
