"""Two protocols line by line: the plan that stands, an older one, or an option; which line is kept, changed, new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from clinic.queries.person import Chart, plan
from clinic.queries.plan import protocol
from clinic.web.door import about_person
from clinic.web.patients import about
from clinic.web.plan_charts import LETTERS
from clinic.web.templatetags.clinic import day, say, word
from ketapath.domain.evidence import Text
from ketapath.domain.plan import Line
from ketapath.plan import compare, offered_text

_SIGNS = {
    "kept": ("=", gettext_lazy("kept")),
    "changed": ("≠", gettext_lazy("changed")),
    "added": ("+", gettext_lazy("added")),
    "removed": ("−", gettext_lazy("removed")),
    "not-recorded": ("?", gettext_lazy("not recorded before")),
}
"""How a line is marked: a sign and a word, so that nobody needs the colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One text that may be compared, with the name by which an address asks for it."""

    name: str
    title: str
    lines: tuple[Line, ...]


@require_GET
@about_person
def lines(request: HttpRequest, found: Chart) -> HttpResponse:
    """The lines of two protocols, the older one first."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    texts = _texts(found)
    old, new = _chosen(request, texts)
    context: dict[str, Any] = about(request, found, here="plan") | {"texts": texts, "old": old, "new": new}
    if old is not None and new is not None:
        changes = compare(old.lines, new.lines)
        counts = Counter[str](change.kind for change in changes)
        context["changes"] = [
            {"kind": c.kind, "sign": _SIGNS[c.kind], "before": _said(c.before), "after": _said(c.after)}
            for c in changes
        ]
        context["counts"] = [(words, counts[kind]) for kind, (_sign, words) in _SIGNS.items() if counts[kind]]
    return render(request, "plan/lines.html", context)


def _said(text: Text | None) -> str:
    """A line as it is read here, with the words of closed lists as every page calls them."""
    if text is None:
        return ""
    values = {name: _IN_WORDS[name](value) if name in _IN_WORDS else value for name, value in text.values.items()}
    return say(replace(text, values=values))


def _place(code: object) -> str:
    """Where something happens: a room, and what is arranged there."""
    return _(", ").join(word(part) for part in str(code).split(", "))


_IN_WORDS: Mapping[str, Callable[[Any], str]] = {
    "product": word,
    "route": word,
    "who": word,
    "status": word,
    "where": _place,
}


def _texts(found: Chart) -> list[Protocol]:
    """The plan that stands, then older ones, newest first; then today's options."""
    signed = sorted(found.plans, key=lambda p: (p is found.plan, p.signed_on), reverse=True)
    plans = [
        Protocol(
            name=f"plan.{one.origin.id}",
            title=_("Plan of %(day)s, %(status)s") % {"day": day(one.signed_on.date()), "status": word(one.status)},
            lines=protocol(found, one),
        )
        for one in signed
    ]
    offered = plan(found)
    options = [
        Protocol(
            name=f"option.{option.id}",
            title=_("Option %(letter)s: %(what)s, %(way)s")
            % {"letter": letter, "what": say(option.title), "way": say(option.way)},
            lines=offered_text(option, offered),
        )
        for letter, option in zip(LETTERS, offered.options, strict=False)
    ]
    return plans + options


def _chosen(request: HttpRequest, texts: list[Protocol]) -> tuple[Protocol | None, Protocol | None]:
    """The two that were asked for; else the first, and the one after it."""
    named = {text.name: text for text in texts}
    old, new = (named.get(request.GET.get(name, "")) for name in ("old", "new"))
    old = old or next((text for text in texts if text is not new), None)
    return old, new if new is not None and new is not old else next((text for text in texts if text is not old), None)


urls = [path("patients/<str:patient_id>/plan/compare", lines, name="patient-plan-compare")]
