"""What a person's team tells each other, help outside, and what a payer allows: handovers, needs, referrals, cover."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access.permission import permitted
from clinic.actions.cover import note_cover, withdraw_cover
from clinic.actions.handover import hand_over, take_over
from clinic.actions.referral import follow, refer
from clinic.queries.handover import colleagues, of_person
from clinic.queries.person import Chart
from clinic.queries.referral import needs_of, referrals_of
from clinic.web.door import about_person, account_of
from clinic.web.patients import about
from clinic.web.problems import posted
from clinic.web.typed import typed, typed_day, typed_number
from ketapath.fhir.cover import authorisations


@require_http_methods(["GET", "POST"])
@about_person
def care(request: HttpRequest, found: Chart) -> HttpResponse:
    """Handovers of this person, social needs, what became of each referral, and until when a payer has said it pays."""
    problem = posted(request, lambda: _done(request, found), resolve_url("patient-care", found.patient_id))
    if isinstance(problem, HttpResponse):
        return problem
    by = account_of(request)
    allowed = permitted(by, ("hand-over", "refer", "note-cover"), patient_id=found.patient_id)
    context = about(request, found, here="care") | {
        "told": of_person(found),
        "colleagues": colleagues(by),
        "needs": () if found.person is None else needs_of(found),
        "referrals": referrals_of(found),
        "figure_days": f"{found.knowledge.figure('referral_days'):g}",
        "may_hand_over": "hand-over" in allowed,
        "may_refer": "refer" in allowed,
        "covers": authorisations(found.bundle),
        "ends_soon": found.as_of + timedelta(days=found.knowledge.figure("alert_expiry_days")),
        "may_note_cover": "note-cover" in allowed,
        "by": by,
        "problem": problem,
        "typed": request.POST,
        "key": secrets.token_hex(16),
    }
    return render(request, "care/care.html", context, status=problem.status if problem else 200)


def _done(request: HttpRequest, found: Chart) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, key, step = account_of(request), typed(request, "key", 64), request.POST.get("step", "")
    if step == "hand-over":
        said = {name: typed(request, name, 2001) for name in ("open_points", "watch")}
        hand_over(found, typed(request, "to", 80), **said, by=by, key=key)
        return _("Handed over. It stays here until it is taken over.")
    if step == "take":
        is_done = take_over(typed_number(request, "number"), by=by)
        return _("Taken over.") if is_done else _("It was taken over before.")
    if step == "refer":
        refer(
            found, typed(request, "need", 20), typed_number(request, "place"), remark=typed(request, "remark", 500),
            due=typed_day(request, "due"), by=by, key=key,
        )  # fmt: skip
        return _("The referral is open. It stays here until it is answered.")
    if step == "follow":
        remark = typed(request, "remark", 500)
        follow(found, typed(request, "referral", 64), typed(request, "progress", 20), remark=remark, by=by, key=key)
        return _("What became of it is on record.")
    if step == "note-cover":
        note_cover(
            found, typed(request, "payer", 201), number=typed(request, "cover_number", 201),
            words=typed(request, "allowed", 201), starts_on=typed_day(request, "starts_on"),
            ends_on=typed_day(request, "ends_on"), by=by, key=key,
        )  # fmt: skip
        return _("Written down. Somebody is told before its last day.")
    if step == "withdraw-cover":
        withdraw_cover(found, typed(request, "cover", 64), by=by, key=key)
        return _("It counts no more.")
    raise Http404


urls = [path("patients/<str:patient_id>/care", care, name="patient-care")]
