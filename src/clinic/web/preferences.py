"""The trade-off exercise, for a person together with staff: one choice a screen, then what was found, then saved.

The screens are seen by the person too, so they show no risk, no rule and nothing of anybody else.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.actions.preferences import state_preferences
from clinic.queries.person import Chart
from clinic.queries.preferences import answers_of, code_of, kept, like_you
from clinic.web.door import account_of, acting_on
from clinic.web.problems import EXPECTED, Problem, explained
from ketapath.domain.evidence import Text
from ketapath.plan.preferences import Answer, Question, facts, question, said, weighed

_LONGEST = 1000
_WORDS = {name: Text(key=f"exercise.{name}") for name in ("ask", "good_day", "same", "skip")}


@require_http_methods(["GET", "POST"])
@acting_on("state-fact")
def preferences(request: HttpRequest, found: Chart) -> HttpResponse:
    """Where it stands; with answers in the address the next question, or what they come to; a post saves them."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    problem: Problem | None = None
    try:
        answers = answers_of((request.POST if request.method == "POST" else request.GET).get("said", "")[:_LONGEST])
        asked = question(answers, currency=found.clinic.currency)
        if request.method == "POST":
            state_preferences(found, answers, by=account_of(request), key=request.POST.get("key", "")[:64])
            messages.success(request, _("Saved. The options are put in order by it."))
            return redirect("patient-preferences", found.patient_id)
    except EXPECTED as trouble:
        problem, answers, asked = explained(trouble), (), None
    context: dict[str, Any] = {"found": found, "problem": problem, "currency": found.clinic.currency, "words": _WORDS}
    if problem is None and "said" in request.GET:
        is_over = asked is None or "stop" in request.GET
        context |= _found(answers, found) if is_over or asked is None else _asked(answers, asked)
        return render(request, f"preferences/{'found' if is_over else 'question'}.html", context)
    context |= {"kept": kept(found), "like_you": like_you(found)}
    return render(request, "preferences/kept.html", context, status=problem.status if problem else 200)


def _asked(answers: tuple[Answer, ...], asked: Question) -> dict[str, Any]:
    """One question, with the address of each answer to it."""

    def after(chose: Any) -> str:
        return code_of((*answers, Answer(thing=asked.thing, step=asked.step, chose=chose)))

    return {
        "asked": asked,
        "keep": Text(key=f"exercise.keep.{asked.thing}"),
        "sides": [(side, after(side.chose)) for side in asked.sides],
        "same": after("same"),
        "skip": after("skip"),
        "said": code_of(answers),
        "before": code_of(answers[:-1]),
        "is_first": not answers,
    }


def _found(answers: tuple[Answer, ...], found: Chart) -> dict[str, Any]:
    """What the answers come to, thing by thing."""
    lines = [
        (Text(key=f"exercise.thing.{one.thing}"), one, said(one, currency=found.clinic.currency))
        for one in weighed(answers)
    ]
    return {
        "lines": lines,
        "said": code_of(answers),
        "before": code_of(answers[:-1]),
        "is_first": not answers,
        "may_save": bool(facts(answers)),
        "is_contradicted": not all(one.fits for _title, one, _said in lines),
        "key": secrets.token_hex(16),
    }


urls = [path("patients/<str:patient_id>/preferences", preferences, name="patient-preferences")]
