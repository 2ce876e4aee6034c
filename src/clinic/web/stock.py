"""The controlled drugs: what lies where, the ledger, what came in, the drug record of a visit."""

from __future__ import annotations

import secrets
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from clinic import clock
from clinic.access import audit
from clinic.access.permission import may, reach
from clinic.actions import stock as act
from clinic.actions.typed import hundredths
from clinic.practice.models import LedgerLine
from clinic.queries import stock as queries
from clinic.queries.forms import visit_of
from clinic.queries.person import Chart
from clinic.web.door import account_of, staff
from clinic.web.problems import EXPECTED, Problem, explained
from clinic.web.proof import proof_of, witness_of
from ketapath.domain.session import Visit
from ketapath.errors import BadInput
from ketapath.outputs import amount

_AMOUNTS = MappingProxyType(
    {"drawn": gettext_lazy("drawn"), "given": gettext_lazy("given"), "wasted": gettext_lazy("wasted"),
     "unit_mg": gettext_lazy("in each vial or device"), "mg": gettext_lazy("amount")}
)  # fmt: skip
ROWS = 3
"""Lots that one form takes; one that was left out is added to the record later."""


@require_GET
@staff("see-stock")
def stock(request: HttpRequest) -> HttpResponse:
    """Every lot in every cupboard, what expires, and what does not add up."""
    by = account_of(request)
    context = {
        "held": queries.held(by.practice),
        "differences": queries.differences(by.practice, with_closed=False),
        "is_counted": queries.counted_today(by.practice),
        "may_receive": may(by, "receive-stock"),
        "may_count": may(by, "count-stock"),
        "may_destroy": may(by, "destroy-stock"),
    }
    return render(request, "stock/stock.html", context)


@require_GET
@staff("see-stock")
def ledger(request: HttpRequest) -> HttpResponse:
    """The lines of the book, newest first; made to be printed."""
    by, lot, before = account_of(request), _number(request.GET, "lot"), _number(request.GET, "before")
    cupboard = request.GET.get("cupboard", "")[:20]
    lines = queries.ledger(by, lot=lot, cupboard=cupboard, before=before)
    context = {
        "lines": lines,
        "held": queries.held(by.practice),
        "lot": lot,
        "cupboard": cupboard,
        "older": lines[-1].line.pk if len(lines) == queries.PAGE else None,
        "now": clock.local(clock.now(), by.practice.zone),
    }
    return render(request, "stock/ledger.html", context)


@require_http_methods(["GET", "POST"])
@staff("see-stock", to="receive-stock")
def receive(request: HttpRequest) -> HttpResponse:
    """What came in, seen by two people."""
    problem: Problem | None = None
    if request.method == "POST":
        try:
            if request.POST.get("step") == "correct":
                return _corrected(request, "receive-stock")
            line = act.receive(
                _received(request), by=account_of(request), proof=proof_of(request, "receive-stock"),
                witness=witness_of(request), key=_key(request),
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            said = {"mg": line.change_mg, "lot": line.lot.number, "left": line.balance_mg}
            messages.success(request, _("%(mg)s mg of lot %(lot)s received; the book says %(left)s mg now.") % said)
            return redirect("stock")
    context: dict[str, Any] = {
        "products": [f"{product}/{form}" for product in act.PRODUCTS for form in act.FORMS],
        "cupboards": sorted({h.balance.cupboard for h in queries.held(account_of(request).practice)}),
        "witnesses": queries.witnesses(account_of(request)),
        "lines": queries.amounts(account_of(request).practice, "receipt"),
    }
    return _form(request, "stock/receive.html", problem, context)


@require_http_methods(["GET", "POST"])
@staff("see-stock", to="destroy-stock")
def destroy(request: HttpRequest) -> HttpResponse:
    """What has expired or was broken leaves the book, with a second person."""
    by = account_of(request)
    problem: Problem | None = None
    if request.method == "POST":
        try:
            if request.POST.get("step") == "correct":
                return _corrected(request, "destroy-stock")
            lot, cupboard = _held(request.POST.get("held", ""))
            act.destroy(
                lot, cupboard, _mg(request, "mg"), why=request.POST.get("reason", "")[:300].strip(), by=by,
                proof=proof_of(request, "destroy-stock"), witness=witness_of(request), key=_key(request),
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("In the book. Keep what shows how it was destroyed."))
            return redirect("stock")
    context: dict[str, Any] = {
        "held": queries.held(by.practice),
        "witnesses": queries.witnesses(by),
        "lines": queries.amounts(by.practice, "destroyed"),
    }
    return _form(request, "stock/destroy.html", problem, context)


@require_http_methods(["GET", "POST"])
@staff("see-stock")
def of_visit(request: HttpRequest, visit_id: str) -> HttpResponse:
    """The drug record of one visit: what was drawn, given and wasted, and who saw it."""
    by = account_of(request)
    there = visit_of(reach(by), visit_id)
    if there is None:
        raise Http404
    found, visit = there
    problem: Problem | None = None
    if request.method == "POST":
        try:
            _recorded(request, found, visit)
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            messages.success(request, _("In the book, with both names."))
            return redirect("stock-visit", visit_id)
    dose = visit.administration
    on = clock.local(dose.started_at if dose else visit.opened_at, by.practice.zone).date()
    audit.append("see-stock", outcome="done" if problem is None else "unsaved", account=by,
                 patient_id=found.patient_id, entities=[f"Encounter/{visit_id}"])  # fmt: skip
    lines = queries.lines_of(by, visit_id)
    uses = queries.uses_of(by.practice, visit_id)
    signed = None if dose is None else amount(dose.dose_mg)
    plan = next((p for p in found.plans if p.origin.id == visit.plan_id), None)
    context = {
        "found": found,
        "visit": visit,
        "dose": dose,
        "ordered_mg": None if plan is None else amount(plan.dose_mg),
        "signed_mg": signed,
        "lines": lines,
        "used": [one for one in lines if one.line.kind == "use"],
        "differs": bool(uses) and signed != sum((use.given_mg for use in uses), Decimal(0)),
        "usable": [] if dose is None else queries.usable(by.practice, dose.product, on),
        "rows": range(1, ROWS + 1),
        "witnesses": queries.witnesses(by),
        "may_record": may(by, "record-drug", patient_id=found.patient_id),
        "is_ended": dose is not None and dose.ended_at is not None,
        "typed": request.POST or _from_session(visit, signed),
    }
    return _form(request, "stock/visit.html", problem, context)


def _corrected(request: HttpRequest, name: str) -> HttpResponse:
    """What a line received or destroyed is made what was typed, with a second person."""
    act.correct_amount(
        _number(request.POST, "line") or 0, _typed_mg(request, "mg"), why=request.POST.get("reason", "")[:300].strip(),
        by=account_of(request), proof=proof_of(request, name), witness=witness_of(request), key=_key(request),
    )  # fmt: skip
    messages.success(request, _("In the book, with both names. The line that was wrong stays."))
    return redirect("stock")


def _from_session(visit: Visit, signed: Decimal | None) -> dict[str, str]:
    """What the session has said of its drug record already: what was given; of a spray without a refused device all."""
    dose = visit.administration
    if dose is None or not signed:
        return {}
    is_whole = dose.route == "nasal" and not visit.said("device-refused")
    return {"given_1": str(signed), **({"drawn_1": str(signed), "wasted_1": "0"} if is_whole else {})}


def _recorded(request: HttpRequest, found: Chart, visit: Visit) -> None:
    """The lines of a new drug record, or the correction of one line."""
    by, words = account_of(request), request.POST.get("reason", "")[:300].strip()
    proof, second = proof_of(request, "record-drug", found), witness_of(request, found)
    if request.POST.get("step") in ("correct", "add"):
        lot, cupboard = _held(request.POST.get("held", ""))
        said = {name: _typed_mg(request, name) for name in ("drawn", "given", "wasted")}
        right = act.Use(
            lot=lot, cupboard=cupboard, drawn_mg=said["drawn"], given_mg=said["given"], wasted_mg=said["wasted"]
        )  # fmt: skip
        signed: dict[str, Any] = {"why": words, "by": by, "proof": proof, "witness": second, "key": _key(request)}
        if request.POST["step"] == "add":
            act.add_use(found, visit.origin.id, right, **signed)
            return
        number = _number(request.POST, "line") or 0
        if not LedgerLine.objects.filter(practice=by.practice, pk=number, visit_id=visit.origin.id).exists():
            raise Http404
        act.correct_use(found, number, right, **signed)
        return
    uses = []
    for row in range(1, ROWS + 1):
        if request.POST.get(f"held_{row}", ""):
            lot, cupboard = _held(request.POST[f"held_{row}"])
            given, wasted = _mg(request, f"given_{row}"), _mg(request, f"wasted_{row}")
            uses.append(
                act.Use(lot=lot, cupboard=cupboard, drawn_mg=_mg(request, f"drawn_{row}"), given_mg=given,
                        wasted_mg=wasted)
            )  # fmt: skip
    act.record_use(
        found, visit.origin.id, uses, by=by, proof=proof, witness=second, key=_key(request), words=words
    )  # fmt: skip


def _received(request: HttpRequest) -> act.Receipt:
    said = {name: request.POST.get(name, "")[:60].strip() for name in ("number", "strength", "cupboard", "words")}
    product, _slash, form = request.POST.get("product", "")[:40].partition("/")
    units = _number(request.POST, "units")
    try:
        expires_on = date.fromisoformat(request.POST.get("expires_on", ""))
    except ValueError:
        expires_on = date.min
    return act.Receipt(
        product=product, form=form, number=said["number"][:40], strength=said["strength"],
        unit_mg=_mg(request, "unit_mg"), units=units or 0, expires_on=expires_on, cupboard=said["cupboard"][:20],
        words=said["words"],
    )  # fmt: skip


def _form(request: HttpRequest, template: str, problem: Problem | None, context: dict[str, Any]) -> HttpResponse:
    """The page with its form, with what was typed where something was refused."""
    context = {"typed": request.POST, **context, "problem": problem, "key": secrets.token_hex(16)}
    return render(request, template, context, status=problem.status if problem else 200)


def _mg(request: HttpRequest, name: str) -> Decimal:
    """Milligrams as they were typed; an empty field is nothing. Raises BadInput for what is no amount."""
    words = request.POST.get(name, "")[:20].strip()
    found = Decimal("0.00") if not words else hundredths(words)
    if found is None:
        what = _AMOUNTS.get(name.rstrip("_123"), _AMOUNTS["mg"])
        raise BadInput(field=str(what), found=words, limit=_("milligrams of base such as 12.5, to the hundredth"),
                       next_step=_("Type it in digits alone."))  # fmt: skip
    return found


def _typed_mg(request: HttpRequest, name: str) -> Decimal:
    """Milligrams of a correction, where 0 has to be typed: what is left empty takes nothing back."""
    if not request.POST.get(name, "").strip():
        raise BadInput(field=str(_AMOUNTS[name]), found=_("nothing"), limit=_("milligrams of base, 0 for none"),
                       next_step=_("Type what is right, 0 where nothing was."))  # fmt: skip
    return _mg(request, name)


def _held(words: str) -> tuple[int, str]:
    """Lot and cupboard out of a choice; lot 0, which nobody has, for anything else."""
    number, _bar, cupboard = words[:60].partition("|")
    return (int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0), cupboard


def _number(fields: object, name: str) -> int | None:
    words = str(getattr(fields, "get", lambda *_: "")(name, ""))
    return int(words) if words.isascii() and words.isdigit() and len(words) < 18 else None


def _key(request: HttpRequest) -> str:
    return request.POST.get("key", "")[:60]


urls = [
    path("stock", stock, name="stock"),
    path("stock/ledger", ledger, name="stock-ledger"),
    path("stock/receive", receive, name="stock-receive"),
    path("stock/destroy", destroy, name="stock-destroy"),
    path("stock/visits/<str:visit_id>", of_visit, name="stock-visit"),
]
