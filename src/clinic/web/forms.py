"""Forms and outputs of sessions: what is due, what nobody has said yet, whether the five agree, what was sent."""

from __future__ import annotations

import csv
import io
import secrets
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic import clock
from clinic.access import audit
from clinic.access.permission import permitted, reach
from clinic.actions import forms as act
from clinic.queries import forms as queries
from clinic.queries.adverse import register
from clinic.record.projections import knowledge
from clinic.web.door import account_of, staff
from clinic.web.problems import EXPECTED, Problem, explained, posted
from ketapath.outputs import LABELS, NAMED, REGISTRY

SHOWN = 60
"""Of each list so many lines; the rest comes up as they are settled, and its number is said."""
_ABOUT = ("answer-form", "finish-record", "send-form", "state-fact")
_OF_HOUSE = ("set-site", "export-registry", "see-stock")


@require_GET
@staff("see-forms")
def forms(request: HttpRequest) -> HttpResponse:
    """What has to leave the house and by when, overdue first; and the sessions whose record is not finished."""
    by = account_of(request)
    due, unfinished = queries.due_forms(reach(by)), queries.unfinished(by)
    context = {
        "due": due[:SHOWN],
        "more_due": len(due) - SHOWN,
        "unfinished": unfinished[:SHOWN],
        "more_unfinished": len(unfinished) - SHOWN,
        "late_events": [case for case in register(by) if case.is_late],
        "counts": queries.registry_counts(by.practice),
        "site": queries.site_of(by.practice),
        "may": _may(request),
    }
    return render(request, "forms/forms.html", context)


@require_http_methods(["GET", "POST"])
@staff("see-forms")
def of_visit(request: HttpRequest, visit_id: str) -> HttpResponse:
    """One session: its form with what is open, its five outputs, and where they do not say the same."""
    by = account_of(request)
    five = _five(request, visit_id)
    problem = posted(request, lambda: _done(request, five), resolve_url("forms-visit", visit_id))
    if isinstance(problem, HttpResponse):
        return problem
    audit.append("see-forms", outcome="done" if problem is None else "unsaved", account=by,
                 patient_id=five.found.patient_id, entities=[f"Encounter/{visit_id}"])  # fmt: skip
    groups: dict[str, list[object]] = {}
    for one in five.fields:
        groups.setdefault(one.group, []).append(one)
    today = clock.today(by.practice.zone)
    context = {
        "five": five,
        "found": five.found,
        "groups": groups,
        "labels": LABELS,
        "disagreements": [(NAMED[d.field], d.said) for d in five.disagreements],
        "asks": [(knowledge().paths[path], request.POST.get(path, "")[:6]) for path in five.asks],
        "ways": queries.WAYS,
        "today": today,
        "days_left": (five.due_on - today).days,
        "may": _may(request, five.found.patient_id),
        "problem": problem,
        "typed": request.POST,
        "key": secrets.token_hex(16),
    }
    return render(request, "forms/visit.html", context, status=problem.status if problem else 200)


@require_GET
@staff("see-forms")
def form_file(request: HttpRequest, visit_id: str) -> HttpResponse:
    """The monitoring form: the pages as they were sent, or as they would leave now."""
    five = _five(request, visit_id)
    if not five.needs_form:
        raise Http404
    sent = five.submission
    is_sent = sent is not None and sent.state == "sent"
    pages = bytes(sent.content) if is_sent and sent is not None else queries.monitoring_pdf(five)
    name = f"monitoring-form-{five.entry.on.isoformat()}{'' if is_sent else '-draft'}.pdf"
    return _file(request, five, pages, "application/pdf", name)


@require_GET
@staff("see-forms")
def effects_file(request: HttpRequest, visit_id: str) -> HttpResponse:
    """The side-effect record as a table: as it was kept, or as it would be now."""
    five = _five(request, visit_id)
    kept = queries.newest(five.found.practice, "effects", visit_id)
    table = queries.draft_effects(five) if kept is None else bytes(kept.content).decode()
    return _file(request, five, _safe(table), "text/csv; charset=utf-8", f"side-effects-{five.entry.on}.csv")


@require_GET
@staff("export-registry")
def registry_file(request: HttpRequest) -> HttpResponse:
    """The registry: a row for each finished session under a pseudonym; the denominators stand in the last rows."""
    practice = account_of(request).practice
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(REGISTRY.values())
    rows = queries.registry(practice)
    table.writerows([row.get(column, "") for column in REGISTRY.values()] for row in rows)
    table.writerows([f"# {name}", count] for name, count in queries.registry_counts(practice).items())
    name = f"registry-{clock.today(practice.zone).isoformat()}.csv"
    return HttpResponse(
        _safe(out.getvalue()), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@staff("see-forms", to="set-site")
def site(request: HttpRequest) -> HttpResponse:
    """What forms say of the clinic."""
    by = account_of(request)
    problem: Problem | None = None
    if request.method == "POST":
        try:
            act.set_site({name: request.POST.get(name, "")[:300] for name in act.SITE}, by=by)
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("Every form says so from now on."))
            return redirect("forms")
    context = {"site": queries.site_of(by.practice), "problem": problem, "typed": request.POST}
    return render(request, "forms/site.html", context, status=problem.status if problem else 200)


def _five(request: HttpRequest, visit_id: str) -> queries.Five:
    """The session of this address. Raises Http404 where it is not reached or no dose was begun in it."""
    by = account_of(request)
    there = queries.visit_of(reach(by), visit_id)
    five = None if there is None else queries.five_of(*there, by)
    if five is None:
        raise Http404
    return five


def _done(request: HttpRequest, five: queries.Five) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, key, step = account_of(request), request.POST.get("key", "")[:60], request.POST.get("step", "")
    found, visit_id = five.found, five.visit.origin.id
    if step == "answer":
        said = {path: request.POST.get(path, "")[:6].strip() for path in (*queries.QUESTIONS, *queries.LATE)}
        act.answer_form(found, visit_id, said, by=by, key=key)
        return _("Saved.")
    if step == "finish":
        act.finish_record(found, visit_id, by=by, key=key)
        return _("The side-effect record is kept, the registry has its row, and a note is drafted for you to sign.")
    if step == "send":
        act.send_form(
            found, visit_id, sent_on=_day(request, "sent_on"), how=request.POST.get("how", "")[:20],
            words=request.POST.get("words", "")[:300].strip(), by=by, key=key,
        )  # fmt: skip
        return _("On record as sent. Its pages are kept as they left.")
    if step == "not-needed":
        act.not_needed(found, visit_id, why=request.POST.get("reason", "")[:300].strip(), by=by, key=key)
        return _("On record: no form is due.")
    raise Http404


def _file(request: HttpRequest, five: queries.Five, content: bytes | str, kind: str, name: str) -> HttpResponse:
    """A file that leaves the house; its row on the trail names whom it is about."""
    audit.append("export", outcome="done", account=account_of(request), patient_id=five.found.patient_id,
                 entities=[f"Encounter/{five.visit.origin.id}"])  # fmt: skip
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _safe(table: str) -> str:
    """A table in which no cell begins a formula."""
    out = io.StringIO()
    rows = csv.writer(out)
    for row in csv.reader(io.StringIO(table)):
        rows.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in row])
    return out.getvalue()


def _may(request: HttpRequest, patient_id: str | None = None) -> dict[str, bool]:
    by = account_of(request)
    allowed = permitted(by, _ABOUT, patient_id=patient_id) | permitted(by, _OF_HOUSE)
    return {name.replace("-", "_"): name in allowed for name in (*_ABOUT, *_OF_HOUSE)}


def _day(request: HttpRequest, name: str) -> date:
    try:
        return date.fromisoformat(request.POST.get(name, ""))
    except ValueError:
        return date.min


urls = [
    path("forms", forms, name="forms"),
    path("forms/site", site, name="forms-site"),
    path("forms/registry.csv", registry_file, name="forms-registry"),
    path("forms/visits/<str:visit_id>", of_visit, name="forms-visit"),
    path("forms/visits/<str:visit_id>/form.pdf", form_file, name="forms-file"),
    path("forms/visits/<str:visit_id>/side-effects.csv", effects_file, name="forms-effects"),
]
