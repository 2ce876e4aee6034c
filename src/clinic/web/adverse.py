"""Adverse events: the clinic's register, those of one person, and one event with its review, report and versions."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic import clock
from clinic.access import audit
from clinic.access.permission import permitted
from clinic.actions import adverse as act
from clinic.queries import adverse as queries
from clinic.queries.forms import WAYS
from clinic.queries.person import Chart
from clinic.web.door import about_person, account_of, acting_on, staff
from clinic.web.patients import about
from clinic.web.problems import EXPECTED, Problem, explained, posted
from ketapath.domain.adverse import CAUSALITY, CRITERIA, GRADES, OUTCOMES
from ketapath.errors import BadInput


@require_GET
@staff("see-adverse")
def register(request: HttpRequest) -> HttpResponse:
    """Every event that this person reaches; what is late stands first."""
    by = account_of(request)
    context = {"cases": queries.register(by), "now": clock.local(clock.now(), by.practice.zone)}
    return render(request, "adverse/register.html", context)


@require_http_methods(["GET", "POST"])
@about_person
def of_person(request: HttpRequest, found: Chart) -> HttpResponse:
    """The events of one person, and a form for the next one."""
    problem: Problem | None = None
    if request.method == "POST":
        try:
            act.record_event(found, _told(request, found), by=account_of(request), key=_key(request))
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("Recorded. If it is serious, directors and coordinators were told."))
            return redirect("patient-adverse", found.patient_id)
    return _page(request, "adverse/person.html", found, problem, {"cases": queries.cases_of(found)})


@require_http_methods(["GET", "POST"])
@about_person
def one(request: HttpRequest, found: Chart, identity: str) -> HttpResponse:
    """One event as it stands, with every version, and what is due of it."""
    case = _case(found, identity)
    here = resolve_url("patient-adverse-one", found.patient_id, identity)
    problem = posted(request, lambda: _done(request, found, identity), here)
    if isinstance(problem, HttpResponse):
        return problem
    fields = queries.report_fields(found, case)
    more = {
        "case": case,
        "versions": queries.versions_of(found, identity),
        "open": [field for field in fields if field.value is None],
    }
    return _page(request, "adverse/one.html", found, problem, more)


@require_GET
@acting_on("see-adverse")
def report(request: HttpRequest, found: Chart, identity: str, kind: str) -> HttpResponse:
    """The report of an event as a document or as JSON; what is open on it says so."""
    case = _case(found, identity)
    made = queries.report_pdf(found, case) if kind == "pdf" else queries.report_json(found, case)
    audit.append("export", outcome="done", account=account_of(request), patient_id=found.patient_id,
                 entities=[f"AdverseEvent/{identity}"])  # fmt: skip
    name = f"adverse-event-{found.as_of.isoformat()}.{kind}"
    return HttpResponse(
        made, content_type="application/pdf" if kind == "pdf" else "application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _case(found: Chart, identity: str) -> queries.Case:
    case = next((c for c in queries.cases_of(found) if c.event.origin.id == identity), None)
    if case is None:
        raise Http404
    return case


def _done(request: HttpRequest, found: Chart, identity: str) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, step = account_of(request), request.POST.get("step", "")
    if step == "amend":
        act.record_event(found, _told(request, found, identity), by=by, key=_key(request))
        return _("Amended. The earlier version stays.")
    if step == "withdraw":
        why, version = request.POST.get("why", "")[:300], _version(request)
        act.withdraw_event(found, identity, version, why=why, by=by, key=_key(request))
        return _("Withdrawn. Every version stays to be read.")
    if step == "review":
        act.review_event(found, identity, request.POST.get("finding", "")[:300].strip(), by=by, key=_key(request))
        return _("Reviewed.")
    if step == "report":
        act.report_event(
            found, identity, sent_on=_day(request.POST.get("sent_on", "")) or date.min,
            how=request.POST.get("how", "")[:20], to=request.POST.get("to", "")[:120].strip(), by=by,
            key=_key(request),
        )  # fmt: skip
        return _("On record as sent. Its pages are kept as they left.")
    raise Http404


def _told(request: HttpRequest, found: Chart, identity: str = "") -> act.Told:
    """What the form says of the event. Raises BadInput for a time that is none."""
    said = {name: request.POST.get(name, "")[: act.LONGEST + 1].strip() for name in ("words", "taken", "story", "lot")}
    try:
        onset = datetime.fromisoformat(request.POST.get("onset", "")[:32])
    except ValueError:
        raise BadInput(field=_("onset"), found=request.POST.get("onset", "")[:32] or _("nothing"),
                       limit=_("a day and a time"), next_step=_("Type it again.")) from None  # fmt: skip
    grade = request.POST.get("grade", "")
    return act.Told(
        **said,
        onset=onset if onset.tzinfo else onset.replace(tzinfo=ZoneInfo(found.practice.zone)),
        grade=int(grade) if grade in map(str, GRADES) else 0,
        criteria=tuple(request.POST.getlist("criterion")[:10]),
        causality=request.POST.get("causality", "")[:20],
        outcome=request.POST.get("outcome", "")[:20],
        visit_id=request.POST.get("visit", "")[:64],
        followed_up_by=_day(request.POST.get("followed_up_by", "")),
        event_id=identity,
        version=_version(request),
    )


def _page(
    request: HttpRequest, template: str, found: Chart, problem: Problem | None, more: dict[str, Any]
) -> HttpResponse:  # fmt: skip
    by = account_of(request)
    allowed = permitted(by, ("record-adverse", "review-adverse", "send-form"), patient_id=found.patient_id)
    context = about(request, found, here="adverse") | {
        "adverse_may": {name.replace("-", "_"): True for name in allowed},
        "grades": GRADES,
        "criteria": CRITERIA,
        "causality": CAUSALITY,
        "outcomes": OUTCOMES,
        "ways": WAYS,
        "visits": [v for v in found.visits[::-1] if v.administration is not None][:20],
        "today": clock.today(found.practice.zone),
        "problem": problem,
        "typed": request.POST,
        "chosen": request.POST.getlist("criterion"),
        "key": secrets.token_hex(16),
    }
    return render(request, template, context | more, status=problem.status if problem else 200)


def _key(request: HttpRequest) -> str:
    return request.POST.get("key", "")[:60]


def _version(request: HttpRequest) -> int:
    """The version that was read; 0 where none was."""
    said = request.POST.get("version", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 0


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None


urls = [
    path("adverse", register, name="adverse"),
    path("patients/<str:patient_id>/adverse", of_person, name="patient-adverse"),
    path("patients/<str:patient_id>/adverse/<str:identity>", one, name="patient-adverse-one"),
    path("patients/<str:patient_id>/adverse/<str:identity>/report.pdf", report, {"kind": "pdf"},
         name="patient-adverse-pdf"),
    path("patients/<str:patient_id>/adverse/<str:identity>/report.json", report, {"kind": "json"},
         name="patient-adverse-json"),
]  # fmt: skip
