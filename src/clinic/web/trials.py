"""Simulated trials: choose a design, see how far it is, read what it would find, take the files away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic import clock
from clinic.access.permission import may
from clinic.actions.trials import MOST_BYTES, start, stop
from clinic.queries import trials as queries
from clinic.record.models import SimulatedTrial
from clinic.web.charts import picture
from clinic.web.door import account_of, staff
from clinic.web.problems import Problem
from ketapath.domain.cohort import OperatingCharacteristics
from ketapath.errors import BadInput
from ketapath.report.trial_page import (
    Table,
    arms_panel,
    arms_table,
    endpoints,
    power_panel,
    power_table,
    rejecting,
    title_of,
)

_USUAL = timedelta(seconds=30)
_FIELDS = ("trials", "seed", "truth")


@require_GET
@staff("see-trials")
def trials(request: HttpRequest) -> HttpResponse:
    """What was asked for, newest first; the live part alone when the page asks for it."""
    found = queries.trials(account_of(request).practice)
    context = {
        "trials": found,
        "is_live": any(one.done_at is None for one in found),
        "may_run": may(account_of(request), "run-trial"),
    }
    part = getattr(request, "htmx", False)
    return render(request, "trials/list.html" if part else "trials/trials.html", context)


@require_http_methods(["GET", "POST"])
@staff("see-trials", to="run-trial")
def new(request: HttpRequest) -> HttpResponse:
    """A ready design, or one's own words; what was typed stays where it is refused."""
    account, problem = account_of(request), None
    typed: Mapping[str, str] = _begun(request)
    if request.method == "POST":
        typed, data = _sent(request)
        try:
            said = {name: typed[name] for name in _FIELDS}
            return redirect("trials-one", start(data, **said, by=account).pk)
        except BadInput as trouble:
            problem = _explained(trouble)
    context = {"ready": queries.ready_designs(), "truths": queries.truths(), "typed": typed, "problem": problem}
    return render(request, "trials/new.html", context, status=problem.status if problem else 200)


@require_GET
@staff("see-trials")
def trial(request: HttpRequest, number: int) -> HttpResponse:
    """How far it is, asked again by the page itself until it is over; then what it found."""
    row = _found(request, number)
    context = {
        "trial": row,
        "is_delayed": row.step == "waiting" and clock.now() - row.asked_at > _USUAL,
        "truth": dict(queries.truths())[row.truth],
        "may_run": may(account_of(request), "run-trial"),
    }
    if getattr(request, "htmx", False):
        if row.done_at is not None:
            return HttpResponse(headers={"HX-Refresh": "true"})  # the whole page, which asks no more
        return render(request, "trials/progress.html", context)
    figures = queries.figures(row)
    return render(request, "trials/trial.html", context | ({} if figures is None else _report(figures)))


@require_POST
@staff("see-trials", to="run-trial")
def stopped(request: HttpRequest, number: int) -> HttpResponse:
    """Nobody wants it any more."""
    _found(request, number)
    if stop(number, by=account_of(request)):
        messages.success(request, _("It is stopped. Nothing of it is kept but its registration."))
    else:
        messages.info(request, _("It was over already."))
    return redirect("trials-one", number)


@require_GET
@staff("see-trials")
def result(request: HttpRequest, number: int) -> HttpResponse:
    """Every figure with its error, for a program."""
    row = _found(request, number)
    if row.step != "done":
        raise Http404
    words = json.dumps(row.found, indent=1, ensure_ascii=False) + "\n"
    return _file(words, "application/json", f"simulated-trial-{number}.json")


@require_GET
@staff("see-trials")
def registration(request: HttpRequest, number: int) -> HttpResponse:
    """What was written down before the run."""
    return _file(_found(request, number).registration, "text/markdown; charset=utf-8", f"registration-{number}.md")


def _found(request: HttpRequest, number: int) -> SimulatedTrial:
    row = queries.trial(account_of(request).practice, number)
    if row is None:
        raise Http404
    return row


def _begun(request: HttpRequest) -> dict[str, str]:
    """The form as it is opened: empty, with the words of a ready design, or with those of an earlier run."""
    wanted, again = request.GET.get("from", ""), request.GET.get("again", "")
    known = {one.name: one for one in queries.ready_designs()}
    typed = {"ready": next(iter(known)), "design": "", **dict.fromkeys(_FIELDS, "")}
    if wanted in known:
        typed |= {"ready": "own", "design": known[wanted].text}
    elif again.isascii() and again.isdecimal() and len(again) < 10:
        row = _found(request, int(again))
        typed |= {"ready": "own", "design": row.design, "trials": str(row.trials), "seed": str(row.seed)}
        typed |= {"truth": row.truth}
    return typed


def _sent(request: HttpRequest) -> tuple[dict[str, str], bytes]:
    """What was typed, and the design. A file that was sent comes first, its words in the place of typed ones."""
    typed = {name: request.POST.get(name, "").strip()[:40] for name in ("ready", *_FIELDS)}
    typed["design"] = request.POST.get("design", "").replace("\r\n", "\n")[: 2 * MOST_BYTES]
    sent = request.FILES.get("file")
    if sent is not None:
        data: bytes = sent.read(MOST_BYTES + 1)
        return typed | {"ready": "own", "design": data.decode(errors="replace")}, data
    known = {one.name: one.text for one in queries.ready_designs()}
    return typed, known.get(typed["ready"], typed["design"]).encode(errors="replace")


def _explained(problem: BadInput) -> Problem:
    """The core's own sentence: field, value, limit."""
    what = str(problem).removesuffix(problem.next_step).strip()
    return Problem(title=_("This design cannot be run"), what=what, next_step=problem.next_step, status=400)


def _report(found: OperatingCharacteristics) -> dict[str, Any]:
    """Charts and tables; the means of the arms are much the same at every size, so they are drawn once."""
    names, last = endpoints(found), found.sizes[-1]
    return {
        "figures": found,
        "patients": f"{found.patients:,}",
        "powers": [
            _shown(
                f"{title_of(end)}: {rejecting(found)}",
                picture(power_panel(found, end), f"power-{place}"),
                power_table(found, end),
            )
            for place, end in enumerate(names)
        ],
        "means": [
            {"title": title_of(end), "svg": picture(arms_panel(last, end), f"arms-{place}")}
            for place, end in enumerate(names)
        ],
        "arms": [_shown(str(size.size), "", arms_table(size)) for size in found.sizes],
        "last": last.size,
    }


def _shown(title: str, svg: str, table: Table) -> dict[str, Any]:
    """A table with its drawing; a figure with its error stays in one piece, and left to right in every language."""
    rows = [[(cell, "±" in cell) for cell in row] for row in table[1]]
    return {"title": title, "svg": svg, "head": table[0], "rows": rows}


def _file(words: str, kind: str, name: str) -> HttpResponse:
    return HttpResponse(words, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


urls = [
    path("trials", trials, name="trials"),
    path("trials/new", new, name="trials-new"),
    path("trials/<int:number>", trial, name="trials-one"),
    path("trials/<int:number>/stop", stopped, name="trials-stop"),
    path("trials/<int:number>/result.json", result, name="trials-result"),
    path("trials/<int:number>/registration.md", registration, name="trials-registration"),
]
