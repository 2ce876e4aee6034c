"""How suggestions were decided, for the director: how often which was taken, changed or rejected, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from clinic import clock
from clinic.access.permission import reach
from clinic.queries.decisions import LEAST, Group, Reviewed, reviewed
from clinic.web.door import account_of, staff
from clinic.web.words import DECISIONS

DAYS = (90, 365)


@require_GET
@staff("review-decisions")
def decisions(request: HttpRequest) -> HttpResponse:
    """Plans by the place of the option, cards by the step that was suggested."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, DAYS) else DAYS[0]
    within, since = reach(account_of(request), "review-decisions"), clock.now() - timedelta(days=days)
    on_plans, on_cards = (reviewed(within, about, since=since) for about in ("plan", "card"))
    context = {
        "days": days,
        "spans": DAYS,
        "least": LEAST,
        "parts": [
            _part(_("Options of a plan"), _("Place of the option"), on_plans),
            _part(_("Decision cards"), _("Suggested step"), on_cards),
        ],
    }
    return render(request, "decisions/decisions.html", context)


def _part(title: str, first: str, found: Reviewed) -> dict[str, Any]:
    return {"title": title, "first": first, "found": found, "rows": [_row(group) for group in found.groups]}


def _row(group: Group) -> dict[str, Any]:
    """A group with each count in words: a number of its own size, or that it is too small to be shown."""
    few = ngettext("fewer than %(least)s", "fewer than %(least)s", LEAST) % {"least": LEAST}
    held = _("not shown")
    counts = [
        held if count is None else _("%(count)s of %(total)s") % {"count": count, "total": group.total}
        for count in group.counts
    ]
    return {"name": _name(group.name), "total": few if group.total is None else str(group.total), "counts": counts}


def _name(name: str) -> str:
    places = {"1": _("suggested first"), "2": _("second"), "3+": _("third or later"), "unknown": _("not on record")}
    return places.get(name) or str(DECISIONS.get(name, name))


urls = [path("decisions", decisions, name="decisions")]
