"""Count the cupboards at the end of a day, and follow what does not add up."""

from __future__ import annotations

import secrets
from decimal import Decimal

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access.permission import Refused, may
from clinic.actions import stock_counts as act
from clinic.actions.typed import hundredths
from clinic.practice.models import Balance
from clinic.queries import stock as queries
from clinic.queries.stock_gaps import closings, gaps
from clinic.web.door import account_of, staff
from clinic.web.problems import EXPECTED, Problem, explained, posted
from clinic.web.proof import proof_of, witness_of
from ketapath.errors import BadInput


@require_http_methods(["GET", "POST"])
@staff("see-stock", to="count-stock")
def counting(request: HttpRequest) -> HttpResponse:
    """Two people count every lot; the book is not shown beside the field, so that nobody copies it."""
    by = account_of(request)
    problem: Problem | None = None
    if request.method == "POST":
        try:
            counted, left_out = _counted(request)
            opened = act.count(
                counted, by=by, proof=proof_of(request, "count-stock"), second=witness_of(request),
                key=request.POST.get("key", "")[:60],
            )  # fmt: skip
        except EXPECTED as trouble:
            problem = explained(trouble)
        else:
            if left_out:
                messages.warning(request, _("Not counted: %(lots)s.") % {"lots": "; ".join(left_out)})
            if opened:
                messages.warning(request, _("Counted. It differs from the book; the directors were told."))
                return redirect("stock-differences")
            if queries.has_differed(by, request.POST.get("key", "")[:60]):
                messages.warning(request, _("Counted. It differs from the book as the open differences say already."))
                return redirect("stock-differences")
            messages.success(request, _("Counted. The book agrees."))
            return redirect("stock")
    is_open = {(one.lot_id, one.cupboard) for one in queries.differences(by.practice, with_closed=False)}
    context = {
        "rows": [
            h
            for h in queries.held(by.practice)
            if h.balance.mg or h.state != "empty" or (h.balance.lot_id, h.balance.cupboard) in is_open
        ],
        "witnesses": queries.witnesses(by),
        "problem": problem,
        "typed": request.POST,
        "key": secrets.token_hex(16),
    }
    return render(request, "stock/count.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@staff("see-stock")
def differences(request: HttpRequest) -> HttpResponse:
    """Every difference: who found it, what is known of it, how it ended."""
    by = account_of(request)
    problem = posted(request, lambda: _followed(request), resolve_url("stock-differences"))
    if isinstance(problem, HttpResponse):
        return problem
    found = list(queries.differences(by.practice)[:100])
    context = {
        "found": found,
        "gaps": gaps(by.practice),
        "closings": closings(by.practice, found),
        "reported": act.REPORTED,
        "held": queries.held(by.practice),
        "outcomes": act.OUTCOMES,
        "may_explain": may(by, "explain-difference"),
        "may_close": may(by, "close-difference"),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "stock/differences.html", context, status=problem.status if problem else 200)


def _followed(request: HttpRequest) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, words = account_of(request), request.POST.get("words", "")[:1000].strip()
    number = request.POST.get("number", "")
    pk = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
    step = request.POST.get("step", "")
    if step == "explain":
        act.explain(pk, words, by=by)
        return _("Explained. A director closes it.")
    if step == "close":
        outcome, to = request.POST.get("outcome", "")[:20], request.POST.get("reported_to", "")[:120].strip()
        act.close(pk, outcome, words, reported_to=to, by=by)
        return _("Closed.")
    if step == "open":
        lot, _bar, cupboard = request.POST.get("held", "")[:60].partition("|")
        missing = hundredths(request.POST.get("mg", "")[:20])
        sign = {"missing": -1, "too-much": 1}.get(request.POST.get("way", ""))
        if missing is None or sign is None or not (lot.isascii() and lot.isdigit() and len(lot) < 18):
            raise BadInput(
                field=_("difference"), found=request.POST.get("mg", "")[:20] or _("nothing"),
                limit=_("a lot, whether it is missing or too much, and milligrams to the hundredth"),
                next_step=_("Choose the lot and which it is, and type the milligrams."),
            )  # fmt: skip
        act.open_difference(int(lot), cupboard, sign * missing, why=words, by=by)
        return _("Opened. The directors were told.")
    if not may(by, "explain-difference"):
        raise Refused("explain-difference")
    raise Http404


def _counted(request: HttpRequest) -> tuple[dict[tuple[int, str], Decimal], list[str]]:
    """The milligrams that were found of each lot, and the names of those whose fields were left empty.

    Devices and unopened vials are counted whole; what is in opened vials is added. Raises BadInput for no number.
    """
    found, left_out = {}, []
    for balance in Balance.objects.filter(practice=account_of(request).practice).select_related("lot"):
        name = f"{balance.lot.number}, {balance.cupboard}"
        units = request.POST.get(f"units-{balance.pk}", "")[:20].strip()
        opened = request.POST.get(f"mg-{balance.pk}", "")[:20].strip() if balance.lot.form == "vial" else ""
        if not units and not opened:
            left_out += [name] if balance.mg else []
            continue
        if units and not (units.isascii() and units.isdigit() and len(units) <= 4):
            raise BadInput(field=name, found=units, limit=_("a whole number of devices or vials, 0 for none"),
                           next_step=_("Count them again; of an opened vial type the milligrams."))  # fmt: skip
        counted = hundredths(opened or "0")
        if counted is None:
            raise BadInput(field=name, found=opened, limit=_("milligrams of base, to the hundredth"),
                           next_step=_("Type what is in the opened vials."))  # fmt: skip
        found[balance.lot_id, balance.cupboard] = int(units or 0) * balance.lot.unit_mg + counted
    return found, left_out


urls = [
    path("stock/count", counting, name="stock-count"),
    path("stock/differences", differences, name="stock-differences"),
]
