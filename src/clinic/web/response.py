"""What a person answered: a questionnaire typed in item by item, a goal in their own words, and how far it got."""

from __future__ import annotations

import secrets
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access.permission import require
from clinic.actions.response import answer_score, rate_goal, set_goal
from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from clinic.web.door import about_person, account_of
from clinic.web.patients import about, loop_page
from clinic.web.problems import EXPECTED, Problem, explained
from clinic.web.templatetags.clinic import word
from ketapath.errors import BadInput
from ketapath.report import say

LEVELS = ("-2", "-1", "0", "1", "2")


@require_http_methods(["GET", "POST"])
@about_person
def score(request: HttpRequest, found: Chart, instrument: str) -> HttpResponse:
    """The form; an item without an answer stays without one, and then there is no total."""
    require(account_of(request), "answer-score", patient_id=found.patient_id)
    form = knowledge().instruments.get(instrument)
    if form is None or "items" not in form:
        raise Http404
    problem: Problem | None = None
    if request.method == "POST":
        given = [_answer(request.POST.get(item["id"], "")) for item in form["items"]]
        try:
            _done, result = answer_score(
                found, instrument, given, by=account_of(request), key=request.POST.get("key", "")[:64],
                on=_day(request.POST.get("on", "")),
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            for alert in result.alerts:
                messages.error(request, say(alert, knowledge().texts))
            if result.total is None:
                messages.warning(
                    request,
                    ngettext(
                        "Saved without a total: %(count)s item has no answer.",
                        "Saved without a total: %(count)s items have no answer.",
                        len(result.missing),
                    )
                    % {"count": len(result.missing)},
                )
            else:
                said = {"name": form["title"], "total": f"{result.total:g}", "severity": word(result.severity)}
                messages.success(request, _("Saved: %(name)s %(total)s, %(severity)s.") % said)
            # An answer that calls for action is read first, at the top of the page.
            place = "" if result.alerts else "#response"
            return redirect(reverse("patient", args=[found.patient_id]) + place)
    language = get_language() or "en"
    items = [
        {
            "id": item["id"],
            "text": item["text"].get(language, item["text"]["en"]),
            "given": request.POST.get(item["id"]),
        }
        for item in form["items"]
    ]
    answers = [{"score": str(o["score"]), "text": o["text"].get(language, o["text"]["en"])} for o in form["options"]]
    context = about(request, found, here="response") | {
        "form": form,
        "stem": (form.get("stem") or {}).get(language) or (form.get("stem") or {}).get("en"),
        "items": items,
        "options": answers,
        "problem": problem,
        "typed": request.POST,
        "key": secrets.token_hex(16),
    }
    return render(request, "response/score.html", context, status=problem.status if problem else 200)


@require_POST
@about_person
def goals(request: HttpRequest, found: Chart) -> HttpResponse:
    """Write down a goal, or how far one was reached; both show on the person's own page."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    by, key = account_of(request), request.POST.get("key", "")[:64]
    try:
        if request.POST.get("step") == "rate":
            level = request.POST.get("level", "")
            rate_goal(found, request.POST.get("goal", "")[:64], int(level) if level in LEVELS else None, by=by, key=key)
            said = _("Saved. The rating stands beside the goal.")
        else:
            set_goal(found, request.POST.get("words", "")[:5000], by=by, key=key)
            said = _("Saved. The goal stands beside the scales.")
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, said)
    return redirect(reverse("patient", args=[found.patient_id]) + "#response")


def _day(said: str) -> date | None:
    """The day that was typed; None where none was. Raises BadInput for what is no day."""
    try:
        return date.fromisoformat(said) if said else None
    except ValueError as problem:
        raise BadInput(
            field=_("day of the answers"), found=said[:20], limit=_("a day"), next_step=_("Choose it again.")
        ) from problem


def _answer(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 3 else None


urls = [
    path("patients/<str:patient_id>/score/<str:instrument>", score, name="patient-score"),
    path("patients/<str:patient_id>/goals", goals, name="patient-goals"),
]
