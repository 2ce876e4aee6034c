"""How a course goes, on one page; a questionnaire typed in item by item; a goal in somebody's own words, rated."""

from __future__ import annotations

import secrets
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.actions.response import answer_score, rate_goal, set_goal
from clinic.queries.person import Chart, treated
from clinic.queries.response import (
    beside,
    has_own_score,
    is_believable,
    on_one_axis,
    questionnaires,
    scores_alone,
    some_chances,
    starts_late,
    why_no_relapse,
)
from clinic.record.projections import knowledge
from clinic.web.door import about_person, account_of, acting_on
from clinic.web.patients import about
from clinic.web.problems import EXPECTED, Problem, explained
from clinic.web.response_charts import (
    course_chart,
    described,
    goal_panels,
    is_trend,
    scale_panels,
    set_aside,
    span_of,
    title_of,
)
from clinic.web.templatetags.clinic import word
from clinic.web.words import goal_steps
from ketapath.domain.response import Course
from ketapath.errors import BadInput, NumericalError
from ketapath.report import say

LEVELS = ("-2", "-1", "0", "1", "2")


@require_GET
@about_person
def review(request: HttpRequest, found: Chart) -> HttpResponse:
    """The whole course: curve beside what was expected, what moved it, chances, every scale, goals, what it rests on.

    Where the estimate cannot be computed the person's own scores still stand there.
    """
    return _review_page(request, found)


def _review_page(
    request: HttpRequest, found: Chart, *, problem: Problem | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    """The page, perhaps after something went wrong, with what was typed."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    try:
        course = on_one_axis(found, treated(found).course)
    except NumericalError:
        course, problem = on_one_axis(found, scores_alone(found)), problem or _not_computed()
    around = beside(found, course)
    span = span_of(found, course, around)
    context = about(request, found, here="response") | {
        "course": course,
        "described": described(course),
        "beside": around,
        "chart": course_chart(course, around, span),
        "begun": [one for one in around.begun if span is not None and span.shows(one[0])],
        "therapy": [hour for hour in around.therapy if span is not None and span.shows(hour.on)],
        "is_trend": is_trend(course),
        "set_aside": set_aside(course, around),
        "is_believable": is_believable(course),
        "chances": some_chances(course),
        "why_no_relapse": why_no_relapse(found, course),
        "has_own_score": has_own_score(course),
        "starts_late": starts_late(course, around),
        "influences": course.influences[::-1],
        "changes": [scale for scale in course.scales if scale.change is not None],
        "scales": scale_panels(course, around, span),
        "goals": goal_panels(course, span),
        "titles": {name: title_of(name, course) for name in {s.instrument for s in around.scores} | _told_of(course)},
        "higher": {scale.scale for scale in course.scales if scale.higher_is_better},
        "assumed": next((n for s in course.scales for n in s.notes if n.key == "trend.assumed"), None),
        "goal_steps": goal_steps(),
        "forms": questionnaires(found, course),
        "key": secrets.token_hex(16),
        "problem": problem,
        "typed": typed or {},
    }
    return render(request, "response/review.html", context, status=200 if problem is None else problem.status)


def _not_computed() -> Problem:
    return Problem(
        title=_("The estimate could not be computed"),
        what=_("The arithmetic did not settle, so no curve and no probability is shown."),
        next_step=_("The scores on record stand below as they are. Look at them and at the person."),
        status=200,
    )


def _told_of(course: Course) -> set[str]:
    """The scales that the page speaks of besides those on record."""
    warned = {course.warning.scale} if course.warning is not None else set()
    return {course.scale, *warned, *(one.scale for one in course.influences)}


@require_http_methods(["GET", "POST"])
@acting_on("answer-score")
def score(request: HttpRequest, found: Chart, instrument: str) -> HttpResponse:
    """The form; an item without an answer stays without one, and then there is no total."""
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


@require_http_methods(["GET", "HEAD", "POST"])
@about_person
def goals(request: HttpRequest, found: Chart) -> HttpResponse:
    """Write down a goal, or how far one was reached; both show on the page of the course.

    A form that was refused leaves its address in the browser: to open that again shows the page.
    """
    if found.person is None:
        return redirect("patient", found.patient_id)
    if request.method != "POST":
        return redirect(reverse("patient-response", args=[found.patient_id]) + "#goals")
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
        return _review_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, said)
    return redirect(reverse("patient-response", args=[found.patient_id]) + "#goals")


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
    path("patients/<str:patient_id>/response", review, name="patient-response"),
    path("patients/<str:patient_id>/score/<str:instrument>", score, name="patient-score"),
    path("patients/<str:patient_id>/goals", goals, name="patient-goals"),
]
