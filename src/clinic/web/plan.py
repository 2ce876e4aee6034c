"""Options side by side, and the decision about one of them or about the card."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clinic.access.proof import Proof
from clinic.actions.plan import Outcome, Wish, check_calculation, decide_card, decide_plan, sign_again, standing
from clinic.actions.typed import number
from clinic.queries.person import Chart, candidacy, plan, plan_if
from clinic.queries.plan import levels
from clinic.record.projections import knowledge
from clinic.record.signatures import Seen
from clinic.web.charts import levels_chart, schedule_strip
from clinic.web.door import about_person, account_of, acting_on, form_of
from clinic.web.patients import about, loop_page
from clinic.web.plan_asked import STEP, Wanted, wanted
from clinic.web.plan_charts import ASKED, LETTERS, kind_of, people, trade_off
from clinic.web.plan_table import against_first, doses, expected, in_people, rows
from clinic.web.problems import EXPECTED, Problem, explained
from clinic.web.proof import proof_of
from clinic.web.templatetags.clinic import say
from clinic.web.words import WORDS
from ketapath.domain.evidence import Finding, Text
from ketapath.domain.plan import Decision, HarmChance, Option, Plan
from ketapath.errors import BadInput
from ketapath.plan.preferences import PATHS

_OUTCOMES = ("accepted", "changed", "rejected")
_PARTS_OF_THE_PAGE = {"trade-off": "plan/trade_off.html", "pair": "plan/pair.html"}
"""What htmx asks for by the place that the answer goes to; everything else is the what-if."""
_PARTS = ("monitoring", "stop_rules", "information")
"""What rules say of an option, in the order of the page."""
_DECISIONS: tuple[Decision, ...] = get_args(Decision)


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
    asked = wanted(request.GET, found, offered.options, offered.worths)
    context = {"found": found, "offered": offered, "asked": asked} | _traded(offered, asked) | _what_if(found, asked)
    if request.htmx and request.method == "GET":  # type: ignore[attr-defined]
        part = _PARTS_OF_THE_PAGE.get(request.htmx.target or "", "plan/what_if.html")  # type: ignore[attr-defined]
        return render(request, part, context | {"pair": _pair(asked, offered.options)})
    drawn = _drawn_all(found, offered.options)
    context |= about(request, found, here="plan") | {
        "drawn": drawn,
        "columns": len(drawn) + 1,
        "rows": rows(offered.options) if drawn else [],
        "harms": _harms(offered.options),
        "pair": _pair(asked, offered.options),
        "candidacy": candidacy(found),
        "seen": standing(found),
        "key": secrets.token_hex(16),
        "problem": problem,
        "typed": request.POST,
        "refused": {option.id: letter for letter, option in zip(LETTERS, offered.options, strict=False)}.get(
            request.POST.get("option", "")
        ),
    }
    return render(request, "plan/options.html", context, status=problem.status if problem else 200)


def _traded(offered: Plan, asked: Wanted) -> dict[str, Any]:
    """The chart of benefit against one burden, with the order beside it."""
    options = offered.options
    return {
        "trade": trade_off(options, asked.by) if options else None,
        "axes": [(name, WORDS[f"against {name}"]) for name in ASKED],
        "axis": ASKED[asked.by],
        "not_asked": [Text(key=f"worth.{thing}") for thing in PATHS if thing not in {w.thing for w in offered.worths}],
        "unplaced": [letter for letter, o in zip(LETTERS, options, strict=False) if ASKED[asked.by].amount(o) is None],
        "order": [
            {
                "letter": letter,
                "kind": kind_of(option),
                "option": option,
                "against": against_first(option),
                "doses": doses(option),
            }
            for letter, option in zip(LETTERS, options, strict=False)
        ],
    }


def _what_if(found: Chart, asked: Wanted) -> dict[str, Any]:
    """The order under other wishes: each option with the letter that it has above, where it stands there."""
    if asked.weighed is None:
        return {"what_if": None, "step": STEP}
    letters = {option.id: letter for letter, option in zip(LETTERS, plan(found).options, strict=False)}
    supposed = plan_if(found, asked.weighed)
    first = letters.get(supposed.options[0].id, _("the first")) if supposed.options else ""
    lines = [
        {
            "letter": letters.get(option.id, ""),
            "kind": kind_of(option),
            "option": option,
            "doses": doses(option),
            "better": expected(option, "better_days"),
            "against": against_first(option, first),
            "moved": _moved(list(letters).index(option.id) + 1 - place) if option.id in letters else "",
        }
        for place, option in enumerate(supposed.options, start=1)
    ]
    gone = [letter for name, letter in letters.items() if name not in {option.id for option in supposed.options}]
    return {"what_if": supposed, "what_if_order": lines, "what_if_gone": gone, "step": STEP}


def _moved(by: int) -> str:
    """How far an option moved in the order, in words."""
    if by == 0:
        return _("stays")
    said = {"count": abs(by)}
    return _("up by %(count)s") % said if by > 0 else _("down by %(count)s") % said


def _harms(options: Sequence[Option]) -> list[dict[str, Any]]:
    """Each harm that the policy limits, for every option as people of a hundred."""
    return [
        {
            "name": chance.statement,
            "condition": chance.condition,
            "limit": f"{100 * chance.limit:g}",
            "cells": [_of_a_hundred(option.chances[index]) for option in options],
        }
        for index, chance in enumerate(options[0].chances if options else ())
    ]


def _of_a_hundred(chance: HarmChance) -> dict[str, Any]:
    whole = in_people(chance)
    words = ", ".join((*whole.lines, *whole.quiet))
    cell = replace(whole, quiet=whole.quiet[:-1] if chance.within is not False else whole.quiet)
    known = chance.p is not None and chance.p95 is not None
    return {"cell": cell, "people": people(chance.p or 0.0, chance.p95 or 0.0, words=words) if known else None}


def _pair(asked: Wanted, options: Sequence[Option]) -> dict[str, Any] | None:
    """Two options side by side, as chosen; None where there are not two."""
    if asked.one is None or asked.other is None:
        return None
    named = {option.id: letter for letter, option in zip(LETTERS, options, strict=False)}
    both = (asked.one, asked.other)
    return {
        "columns": [{"letter": named[o.id], "option": o} for o in both],
        "rows": rows(both) if asked.is_pair else [],
        "choices": [{"letter": letter, "option": option} for letter, option in zip(LETTERS, options, strict=False)],
    }


def _drawn_all(found: Chart, options: Sequence[Option]) -> list[dict[str, Any]]:
    """Every option as the page shows it. What is the same for an earlier one is told there."""
    return [_drawn(found, o, place) | {"parts": _parts(o, options[:place])} for place, o in enumerate(options)]


def _drawn(found: Chart, option: Option, place: int) -> dict[str, Any]:
    simulation = levels(found, option)
    return {
        "option": option,
        "letter": LETTERS[place],
        "kind": kind_of(option),
        "doses": doses(option),
        "against": against_first(option),
        "chart": None if simulation is None else levels_chart(simulation, identity=f"level-{place}"),
        "strip": schedule_strip(option, found.as_of, identity=f"strip-{place}"),
        "harms": [(harm, people(harm.low, harm.high, words=say(harm.statement))) for harm in option.harm],
        "allowed": knowledge().protocols[option.protocol_id].get("allowed_mg"),
        "asks_reason": found.plan is not None or option.verdict not in ("eligible", "caution"),
    }


def _parts(option: Option, earlier: Sequence[Option]) -> list[dict[str, Any]]:
    """What rules say of an option, and the letter of an earlier one of which they say just the same."""
    counts = {part: len(getattr(option, part)) for part in _PARTS}
    titles = {
        "monitoring": ngettext("%(count)s thing to watch", "%(count)s things to watch", counts["monitoring"]),
        "stop_rules": ngettext(
            "%(count)s rule that stops or pauses it", "%(count)s rules that stop or pause it", counts["stop_rules"]
        ),
        "information": ngettext("%(count)s more thing to know", "%(count)s more things to know", counts["information"]),
    }
    parts = []
    for part, title in titles.items():
        own = getattr(option, part)
        same = (letter for letter, o in zip(LETTERS, earlier, strict=False) if getattr(o, part) == own)
        as_for = next(same, "") if own else ""
        findings = [{"finding": finding, "told": _told(finding, option, part, earlier)} for finding in own]
        parts.append({"name": part, "title": title % {"count": counts[part]}, "findings": findings, "as_for": as_for})
    return parts


def _told(finding: Finding, option: Option, part: str, earlier: Sequence[Option]) -> str:
    """The letter of the option, above or this one in a part above, at which this very finding stands in full."""
    above = [(o, _PARTS) for o in earlier] + [(option, _PARTS[: _PARTS.index(part)])]
    lettered = zip(LETTERS, above, strict=False)
    return next((letter for letter, (o, parts) in lettered if any(finding in getattr(o, p) for p in parts)), "")


@form_of("patient")
@acting_on("decide-card")
def card(request: HttpRequest, found: Chart) -> HttpResponse:
    """Take the next step of a treatment under way."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    try:
        said, wish, by = request.POST.get("chosen", ""), _wish(request), account_of(request)
        chosen = next((step for step in _DECISIONS if step == said), None)
        proof = None if chosen is None else _proof(request, "decide-card", found, wish)
        decide_card(found, chosen, wish, by=by, key=_key(request), proof=proof)
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    decided = _("Decided. The plan below is as it stands now.")
    rejected = _("Noted: the suggestion is rejected. The plan stands as it did.")
    messages.success(request, rejected if wish.outcome == "rejected" else decided)
    return redirect(reverse("patient", args=[found.patient_id]) + "#plan")


@form_of("patient")
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


@form_of("patient")
@acting_on("check-calculation")
def check(request: HttpRequest, found: Chart) -> HttpResponse:
    """Sign for having checked the calculation of the order that stands."""
    try:
        by, proof = account_of(request), proof_of(request, "check-calculation", found)
        seen = Seen.from_text(request.POST.get("seen", "")[:200])
        if seen is None:
            raise BadInput(
                field=_("order"), found=_("none"), limit=_("the order as it is shown"), next_step=_("Reload the page.")
            )
        check_calculation(found, seen, by=by, key=_key(request), proof=proof)
    except EXPECTED as trouble:
        return loop_page(request, found, problem=explained(trouble), typed=request.POST.dict())
    messages.success(request, _("Checked. The calculation of the order bears two names."))
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
    path("patients/<str:patient_id>/plan/check", check, name="patient-check-calculation"),
]
