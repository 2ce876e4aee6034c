"""The trail for those who answer for it, and for each person who opened the own record and for what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic import clock
from clinic.access import audit
from clinic.access.permission import Refused, may, require
from clinic.queries import audit as queries
from clinic.queries.audit import Access, Wish
from clinic.queries.person import Chart
from clinic.record.models import Practice
from clinic.web.audit_words import act_words, outcome_words, trouble_words
from clinic.web.door import about_person, account_of, asked, staff, stands_for, told
from clinic.web.patients import about

ON_A_PAGE = 50
MOST_IN_A_FILE = 50_000
"""Rows in a file from the page; the command line writes as many as there are."""
FIELDS = ("who", "patient", "act", "outcome", "since", "until")
_ACCOUNTED = timedelta(days=365)


@require_GET
@staff("read-audit")
def trail(request: HttpRequest) -> HttpResponse:
    """Every access of the practice, newest first, and whether the trail holds."""
    account = account_of(request)
    wish, wrong = _wish(request)
    rows = wish.rows()
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    shown = [] if wrong else list(rows[: ON_A_PAGE + 1])
    fields = {name: request.GET.get(name, "")[:80] for name in FIELDS}
    chosen = urlencode({name: said for name, said in fields.items() if said})
    state = queries.state_of_trail(account.practice)
    context = {
        "rows": [_shown(row) for row in shown[:ON_A_PAGE]],
        "next": f"{chosen}&before={shown[ON_A_PAGE - 1].pk}" if len(shown) > ON_A_PAGE else "",
        "chosen": chosen,
        "fields": fields,
        "wrong": wrong,
        "acts": [(act, act_words(act)) for act in queries.choices(account.practice)["act"]],
        "outcomes": [(name, outcome_words(name)) for name in queries.choices(account.practice)["outcome"]],
        "state": state,
        "troubles": [trouble_words(one["kind"], one["number"]) for one in (state["verdict"] or {}).get("troubles", ())],
    }
    return render(request, "audit/trail.html", context, status=400 if wrong else 200)


@require_GET
@staff("read-audit")
def file(request: HttpRequest, kind: str) -> HttpResponse:
    """The rows that the page shows, as a file; that it was made is on the trail too."""
    account = account_of(request)
    require(account, "export-audit")
    wish, wrong = _wish(request)
    if wrong:
        return redirect("audit")
    rows = wish.rows()[:MOST_IN_A_FILE]
    lines = queries.as_lines(rows) if kind == "csv" else queries.as_events(rows)
    name = f"audit-{account.practice.slug}.{kind}"
    audit.append(
        "export-audit", outcome="done", account=account, patient_id=wish.patient_id, entities=[name],
        asked=asked(request),
    )  # fmt: skip
    return HttpResponse(
        "".join(lines),
        content_type="text/csv; charset=utf-8" if kind == "csv" else "application/fhir+ndjson; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_GET
@about_person
def of_person(request: HttpRequest, found: Chart) -> HttpResponse:
    """Who opened this person's record, for a person who asks; made to be printed."""
    account = account_of(request)
    require(account, "read-accesses", patient_id=found.patient_id)
    days = _days(found.practice, found.patient_id)
    audit.append("read-accesses", outcome="done", account=account, patient_id=found.patient_id, asked=asked(request))
    context = about(request, found, here="accesses") | {"days": days, "since": _since(found.practice)}
    return render(request, "audit/of_person.html", context)


@require_GET
@stands_for("read-own-accesses")
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """Who opened the own record."""
    account = account_of(request)

    def opened() -> HttpResponse:
        if not may(account, "read-own-accesses") or not account.patient_id:
            raise Refused("read-own-accesses")
        days, since = _days(account.practice, account.patient_id), _since(account.practice)
        return render(request, "audit/own.html", {"days": days, "since": since, "practice": account.practice})

    return told(request, "read-own-accesses", opened, patient_id=account.patient_id)


@require_POST
@about_person
def printed(request: HttpRequest, found: Chart) -> HttpResponse:
    """Somebody pressed print on a page about a person."""
    return _printed(request, found.patient_id, f"/patients/{found.patient_id}")


@require_POST
@stands_for("read-own")
@login_required
def own_printed(request: HttpRequest) -> HttpResponse:
    """Somebody pressed print on the own page."""
    account = account_of(request)

    def opened() -> HttpResponse:
        if not may(account, "read-own"):
            raise Refused("read-own")
        return _printed(request, account.patient_id, "/my")

    return told(request, "read-own", opened, patient_id=account.patient_id)


def _printed(request: HttpRequest, patient_id: str, home: str) -> HttpResponse:
    """On the trail first; the page prints after that. Without scripts it comes back and says how to print."""
    page = request.POST.get("page", "")[:200]
    page = page if page == home or page.startswith(f"{home}/") else home
    audit.append("print", outcome="done", account=account_of(request), patient_id=patient_id, entities=[page])
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(status=204)
    messages.success(request, _("Noted on the trail. Print this page with your browser."))
    return redirect(page)


def _wish(request: HttpRequest) -> tuple[Wish, str]:
    """What the form asks for; what is no day is said."""
    practice = account_of(request).practice
    said = {name: request.GET.get(name, "").strip()[:80] for name in FIELDS}
    plain = Wish(
        practice=practice, who=said["who"], patient_id=said["patient"][:64], act=said["act"], outcome=said["outcome"]
    )
    try:
        since, until = (_midnight(said[name], practice.zone) for name in ("since", "until"))
    except ValueError:
        return plain, _("A day is written as 2026-11-26.")
    after = None if until is None else until + timedelta(days=1)
    return Wish(
        practice=practice, who=plain.who, patient_id=plain.patient_id, act=plain.act, outcome=plain.outcome,
        since=since, until=after,
    ), ""  # fmt: skip


def _midnight(said: str, zone: str) -> datetime | None:
    return datetime.combine(date.fromisoformat(said), time(0), ZoneInfo(zone)) if said else None


def _shown(row: Any) -> dict[str, Any]:
    return {"row": row, "act": act_words(row.act), "outcome": outcome_words(row.outcome)}


def _since(practice: Practice) -> date:
    return clock.today(practice.zone) - _ACCOUNTED


def _days(practice: Practice, patient_id: str) -> list[tuple[date, list[tuple[Access, str]]]]:
    """The accesses of the last year by day, each in words."""
    found = queries.accesses(practice, patient_id, since=clock.now() - _ACCOUNTED)
    by_day: Iterator[Any] = groupby(found, key=lambda access: access.last.date())
    return [(day, [(access, act_words(access.act)) for access in some]) for day, some in by_day]


urls = [
    path("audit", trail, name="audit"),
    path("audit/rows.csv", file, {"kind": "csv"}, name="audit-csv"),
    path("audit/events.ndjson", file, {"kind": "ndjson"}, name="audit-events"),
    path("patients/<str:patient_id>/accesses", of_person, name="patient-accesses"),
    path("patients/<str:patient_id>/printed", printed, name="patient-printed"),
    path("my/accesses", own, name="own-accesses"),
    path("my/printed", own_printed, name="own-printed"),
]
