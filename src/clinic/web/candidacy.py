"""The three steps of an override: asked for, signed by a second person, ended. They show on the person's own page."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from clinic.actions.candidacy import ask_override, end_override, sign_override
from clinic.actions.commit import Stale
from clinic.actions.profile import state_facts
from clinic.queries.person import Chart
from clinic.queries.profile import weights
from clinic.record.signatures import Seen
from clinic.web.door import account_of, acting_on, form_of
from clinic.web.patients import loop_page
from clinic.web.problems import EXPECTED, explained
from clinic.web.proof import proof_of


@form_of("patient")
@acting_on("sign-override")
def override(request: HttpRequest, found: Chart) -> HttpResponse:
    """Ask for one, sign one, or end one."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    by, key = account_of(request), request.POST.get("key", "")[:64]
    reason = request.POST.get("reason", "")[:1000].strip()
    name = request.POST.get("override", "")[:64]
    try:
        if request.POST.get("step") == "sign":
            proof = proof_of(request, "sign-override", found)
            seen = Seen.from_text(request.POST.get("seen", "")[:200])
            if seen is None:
                raise Stale("DetectedIssue", name, 0)
            sign_override(found, name, seen=seen, by=by, key=key, proof=proof)
            said = _("Signed. The contraindication counts as a caution until its day of review.")
        elif request.POST.get("step") == "end":
            end_override(found, name, reason=reason, by=by, key=key)
            said = _("Ended. The contraindication counts in full again.")
        else:
            rule_id = request.POST.get("rule", "")[:40]
            proof = proof_of(request, "ask-override", found)
            ask_override(found, rule_id, reason=reason, review_on=_day(request), by=by, key=key, proof=proof)
            said = _("Asked. It counts once another person has signed.")
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, said)
    return redirect(reverse("patient", args=[found.patient_id]) + "#candidacy")


@form_of("patient")
@acting_on("state-fact")
def values(request: HttpRequest, found: Chart) -> HttpResponse:
    """What matters to the person; what was not answered stays as it was."""
    said = {spec.path: request.POST.get(spec.path, "")[:40] for spec, _before in weights(found)}
    answered = {path: words for path, words in said.items() if words}
    try:
        state_facts(
            found,
            answered,
            by=account_of(request),
            reason=_("asked what matters"),
            key=request.POST.get("key", "")[:64],
        )
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, _("Saved. The order of what else there is follows it."))
    return redirect(reverse("patient", args=[found.patient_id]) + "#candidacy")


def _day(request: HttpRequest) -> date | None:
    try:
        return date.fromisoformat(request.POST.get("review_on", ""))
    except ValueError:
        return None


urls = [
    path("patients/<str:patient_id>/override", override, name="patient-override"),
    path("patients/<str:patient_id>/values", values, name="patient-values"),
]
