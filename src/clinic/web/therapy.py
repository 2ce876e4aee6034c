"""The therapy around a person's doses: the chain, hours that were held, touch, and what sessions were given besides."""

from __future__ import annotations

import secrets
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import clock
from clinic.access.permission import permitted
from clinic.actions.therapy import (
    KINDS,
    WAYS,
    Hour,
    agree_touch,
    chart_exposure,
    hold_hour,
    withdraw_exposure,
    withdraw_hour,
)
from clinic.queries.person import Chart
from clinic.queries.therapy import therapy
from clinic.web.door import about_person, account_of
from clinic.web.patients import about
from clinic.web.problems import posted
from clinic.web.typed import typed
from ketapath.domain.therapy import EXPOSURES


@require_http_methods(["GET", "POST"])
@about_person
def page(request: HttpRequest, found: Chart) -> HttpResponse:
    """The chain, newest dose first, with its forms."""
    problem = posted(request, lambda: _done(request, found), resolve_url("patient-therapy", found.patient_id))
    if isinstance(problem, HttpResponse):
        return problem
    by = account_of(request)
    allowed = permitted(by, ("hold-therapy", "agree-touch", "chart-exposure"), patient_id=found.patient_id)
    context = about(request, found, here="therapy")
    now = context["now"]
    context |= {
        "therapy": therapy(found, by),
        "planned": None if found.person is None else found.person.known.get("therapy.planned"),
        "timing": found.knowledge.rules["PSY-003"].ref,
        "uncertified": found.knowledge.rules["KP-291"].ref,
        "may_therapy": {act.replace("-", "_"): act in allowed for act in ("hold-therapy", "agree-touch")}
        | {"chart_exposure": "chart-exposure" in allowed},
        "kinds": KINDS,
        "ways": WAYS,
        "exposures": EXPOSURES,
        "visits": [visit for visit in found.visits[::-1] if visit.was_dosed or visit is found.open_visit][:6],
        "by": by,
        "today": now.date().isoformat(),
        "problem": problem,
        "typed": request.POST,
        "key": secrets.token_hex(16),
    }
    return render(request, "therapy/therapy.html", context, status=problem.status if problem else 200)


def _done(request: HttpRequest, found: Chart) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, key, step = account_of(request), typed(request, "key", 64), request.POST.get("step", "")
    if step == "hour":
        hour = Hour(
            kind=typed(request, "kind", 20), modality=typed(request, "modality", 40), at=_instant(request, found),
            minutes=typed(request, "minutes", 10), therapist=typed(request, "therapist", 80),
            visit_id=typed(request, "visit", 64), alliance=typed(request, "alliance", 10),
            reason=typed(request, "reason", 500),
        )  # fmt: skip
        hold_hour(found, hour, by=by, key=key)
        return _("The hour is on record.")
    if step == "withdraw":
        reason = typed(request, "reason", 500)
        withdraw_hour(found, typed(request, "withdrawn", 64), reason=reason, by=by, key=key)
        return _("Withdrawn. It stays readable as entered in error.")
    if step == "touch":
        is_agreed = request.POST.get("said") == "agreed"
        agree_touch(found, is_agreed=is_agreed, what=typed(request, "what", 500), by=by, key=key)
        return _("What was agreed on touch is on record.") if is_agreed else _("No touch: that is on record.")
    if step == "exposure":
        chart_exposure(
            found, typed(request, "exposure", 20), typed(request, "title", 501),
            minutes=typed(request, "minutes", 10), tolerance=typed(request, "tolerance", 10),
            visit_id=typed(request, "visit", 64), at=_in_visit(request, found), by=by, key=key,
        )  # fmt: skip
        return _("On record with the session.")
    if step == "withdraw-exposure":
        reason = typed(request, "reason", 500)
        withdraw_exposure(found, typed(request, "withdrawn", 64), reason=reason, by=by, key=key)
        return _("Withdrawn. It stays readable as entered in error.")
    raise Http404


def _instant(request: HttpRequest, found: Chart) -> datetime | None:
    """The day and clock time that were typed, at the clinic; None where they are none."""
    try:
        on, at = date.fromisoformat(typed(request, "on", 10)), time.fromisoformat(typed(request, "at", 8))
        return datetime.combine(on, at.replace(tzinfo=None), ZoneInfo(found.practice.zone))
    except ValueError:
        return None


def _in_visit(request: HttpRequest, found: Chart) -> datetime | None:
    """The clock time that was typed on the day of the visit; None for now."""
    visit = next((v for v in found.visits if v.origin.id == typed(request, "visit", 64)), None)
    try:
        at = time.fromisoformat(typed(request, "at", 8)).replace(tzinfo=None)
    except ValueError:
        return None
    if visit is None:
        return None
    zone = found.practice.zone
    return datetime.combine(clock.local(visit.opened_at, zone).date(), at, ZoneInfo(zone))


urls = [path("patients/<str:patient_id>/therapy", page, name="patient-therapy")]
