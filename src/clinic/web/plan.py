"""Options side by side, and the decision about one of them or about the card."""

from __future__ import annotations

import math
import secrets
from typing import Any, cast, get_args

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access.proof import Proof
from clinic.actions.plan import Outcome, Wish, decide_card, decide_plan, sign_again, standing
from clinic.actions.typed import number
from clinic.queries.person import Chart, candidacy, plan
from clinic.queries.plan import levels
from clinic.record.projections import knowledge
from clinic.record.signatures import Seen
from clinic.web.charts import levels_chart, schedule_strip
from clinic.web.door import about_person, account_of, acting_on
from clinic.web.patients import about, loop_page
from clinic.web.problems import EXPECTED, Problem, explained
from clinic.web.proof import proof_of
from ketapath.domain.plan import Decision, Option
from ketapath.errors import BadInput

_OUTCOMES = ("accepted", "changed", "rejected")
_DECISIONS: tuple[str, ...] = get_args(Decision)


@require_http_methods(["GET", "POST"])
@about_person
def options(request: HttpRequest, found: Chart) -> HttpResponse:
    """Compare the ways to treat, and sign one."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    problem: Problem | None = None
    if request.method == "POST":
        try:
            wish = _wish(request)
            decide_plan(
                found, request.POST.get("option", ""), wish, by=account_of(request), key=_key(request),
                proof=_proof(request, "decide-plan", found, wish),
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            said = _("Noted: this option is rejected.") if wish.outcome == "rejected" else _("Signed. The plan stands.")
            messages.success(request, said)
            return redirect(reverse("patient", args=[found.patient_id]) + "#plan")
    offered = plan(found)
    drawn = [_drawn(found, option, place) for place, option in enumerate(offered.options)]
    context = about(request, found, here="plan") | {
        "offered": offered,
        "drawn": drawn,
        "columns": len(drawn) + 1,
        "candidacy": candidacy(found),
        "seen": standing(found),
        "key": secrets.token_hex(16),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "plan/options.html", context, status=problem.status if problem else 200)


def _drawn(found: Chart, option: Option, place: int) -> dict[str, Any]:
    """One option as the page shows it."""
    simulation = levels(found, option)
    sessions = [visit for visit in option.schedule if visit.kind == "session"]
    burden = {
        "weeks": f"{option.weeks:.0f}",
        "sessions": len(sessions),
        "hours": f"{sum(visit.minutes for visit in option.schedule) / 60:.0f}",
        "total": f"{option.total_mg:g}" if option.total_mg else "",
    }
    words = _("%(sessions)s sessions in %(weeks)s weeks, %(hours)s hours with all that belongs to them")
    if option.total_mg:
        words = _(
            "%(sessions)s sessions in %(weeks)s weeks, %(hours)s hours; %(total)s mg in all if the first dose stays"
        )
    return {
        "option": option,
        "letter": "ABCDEFGH"[place % 8],
        "chart": None if simulation is None else levels_chart(simulation, identity=f"level-{place}"),
        "strip": schedule_strip(option, found.as_of, identity=f"strip-{place}"),
        "allowed": knowledge().protocols[option.protocol_id].get("allowed_mg"),
        "burden": words % burden,
        "asks_reason": found.plan is not None or option.verdict not in ("eligible", "caution"),
        "first_tasks": [task for task in option.support if task.blocks_first_session],
    }


@require_POST
@acting_on("decide-card")
def card(request: HttpRequest, found: Chart) -> HttpResponse:
    """Take the next step of a treatment under way."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    try:
        chosen = request.POST.get("chosen", "")
        if chosen not in _DECISIONS:
            raise BadInput(
                field=_("decision"),
                found=chosen or _("nothing"),
                limit=_(", ").join(_DECISIONS),
                next_step=_("Choose a step."),
            )
        wish, by = _wish(request), account_of(request)
        proof = _proof(request, "decide-card", found, wish)
        decide_card(found, cast(Decision, chosen), wish, by=by, key=_key(request), proof=proof)
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, _("Decided. The plan below is as it stands now."))
    return redirect(reverse("patient", args=[found.patient_id]) + "#plan")


@require_POST
@acting_on("sign-plan")
def again(request: HttpRequest, found: Chart) -> HttpResponse:
    """Sign the plan that stands, where no signature of this clinic covers it."""
    try:
        by, proof = account_of(request), proof_of(request, "sign-plan", found)
        seen = [Seen.from_text(words[:200]) for words in request.POST.getlist("seen")[:2]]
        sign_again(found, [one for one in seen if one], by=by, key=_key(request), proof=proof)
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, _("Signed. The plan stands as it is."))
    return redirect(reverse("patient", args=[found.patient_id]) + "#plan")


def _proof(request: HttpRequest, act: str, found: Chart, wish: Wish) -> Proof | None:
    """Rejecting is not signed; everything else is."""
    return None if wish.outcome == "rejected" else proof_of(request, act, found)


def _wish(request: HttpRequest) -> Wish:
    outcome = request.POST.get("outcome", "")
    if outcome not in _OUTCOMES:
        raise BadInput(
            field=_("decision"),
            found=outcome or _("nothing"),
            limit=_("accept, change or reject"),
            next_step=_("Choose one."),
        )
    days = request.POST.get("every_days", "").strip()
    if days and not (days.isascii() and days.isdigit() and len(days) < 4):
        raise BadInput(
            field=_("days between sessions"), found=days, limit=_("a number of days"), next_step=_("Choose one.")
        )
    said = request.POST.get("dose_mg", "").strip()
    dose_mg = number(said) if said else None
    if dose_mg is not None and math.isnan(dose_mg):
        raise BadInput(field=_("dose"), found=said, limit=_("a number of milligrams"), next_step=_("Type it anew."))
    return Wish(
        outcome=cast(Outcome, outcome),
        reason=request.POST.get("reason", "")[:1000].strip(),
        seen=request.POST.get("seen", ""),
        digest=request.POST.get("digest", ""),
        dose_mg=dose_mg,
        every_days=int(days) if days else None,
    )


def _key(request: HttpRequest) -> str:
    return request.POST.get("key", "")[:64]


urls = [
    path("patients/<str:patient_id>/plan", options, name="patient-plan"),
    path("patients/<str:patient_id>/card", card, name="patient-card"),
    path("patients/<str:patient_id>/plan/sign", again, name="patient-sign-again"),
]
