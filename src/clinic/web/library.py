"""The knowledge, open to everybody: rules, sources, instruments."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import may
from clinic.queries import library
from clinic.record.projections import knowledge
from clinic.web.door import open_to_all
from clinic.web.templatetags.clinic import says_something, stated
from ketapath import units
from ketapath.knowledge.rules import Predicate

_PAGES = {"claim": "library/claim.html", "biomarker": "library/marker.html"}
_SHOWN_APART = defaultdict(
    lambda: frozenset({"id", "kind", "title"}),
    claim=frozenset({"id", "kind", "title", "balanced", "verdict", "evidence", "wordings", "topic"}),
    biomarker=frozenset({"id", "kind", "title", "measures", "claim", "studies", "suppose", "fails", "device_line"}),
)
LONGEST_TEXT = 50_000
"""More characters than any page for patients has; what stands behind them is not looked at, and the page says so."""
_KINDS = (
    "all",
    "rule",
    "source",
    "instrument",
    "drug",
    "perpetrator",
    "effects",
    "protocol",
    "alternative",
    "screening",
    "biomarker",
    "claim",
)


@require_GET
@open_to_all
def shelf(request: HttpRequest) -> HttpResponse:
    """Search one kind of item."""
    kind = request.GET.get("kind", "rule")
    kind = kind if kind in _KINDS else "rule"
    words = request.GET.get("q", "")[:100]
    found = library.shelf(kind, words)
    sections = {section: [i for i in found if i["section"] == section] for section in dict.fromkeys(_sections(found))}
    context = {
        "kind": kind,
        "kinds": _KINDS,
        "q": words,
        "sections": sections,
        "count": len(found),
        "overdue": library.overdue(clock.today("UTC")),
    }
    return render(request, "library/items.html" if request.htmx else "library/shelf.html", context)  # type: ignore[attr-defined]


@require_GET
@open_to_all
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """One rule: what it says, of whom, on what it rests, what rests on it, and what would reverse it."""
    account = request.user if isinstance(request.user, Account) and may(request.user, "read-policy") else None
    today = clock.today(account.practice.zone if account else "UTC")
    found = library.rule_page(name, today=today, practice=account.practice if account else None)
    if found is None:
        raise Http404
    context = {
        "page": found,
        "rule": found.rule,
        "condition": _condition(found.rule.when),
        "rests_on_it": any(found.rests.values()),
        "asks": [knowledge().paths[path] for path in found.rule.settled_by],
        "windows": [(knowledge().paths[path], days) for path, days in found.rule.windows.items()],
    }
    return render(request, "library/rule.html", context)


@require_GET
@open_to_all
def source(request: HttpRequest, name: str) -> HttpResponse:
    """One source: how far it was read, and what rests on it."""
    found = library.source_page(name)
    if found is None:
        raise Http404
    return render(
        request, "library/source.html", {"source": found[0], "rests": found[1], "rests_on_it": any(found[1].values())}
    )


@require_GET
@open_to_all
def instrument(request: HttpRequest, name: str) -> HttpResponse:
    """One questionnaire: items, scoring, owner, licence."""
    found = library.instrument_page(name)
    if found is None:
        raise Http404
    return render(
        request, "library/instrument.html", {"form": found[0], "items": found[0].get("items", ()), "rests": found[1]}
    )


@require_GET
@open_to_all
def item(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """A drug model, protocol, alternative, screen, biomarker or claim in full."""
    found = library.item_page(kind, name)
    if found is None:
        raise Http404
    record = found.record
    rows = [(key, value) for key, value in record.items() if key not in _SHOWN_APART[kind] and says_something(value)]
    context = {"kind": kind, "name": name, "title": record.get("title", ""), "page": found, "rows": rows}
    return render(request, _PAGES.get(kind, "library/item.html"), context)


@require_http_methods(["GET", "POST"])
@open_to_all
def claims(request: HttpRequest) -> HttpResponse:
    """Check a text for patients: which claims it makes and where, what it leaves out, how hard it is to read."""
    given = request.POST.get("text", "").replace("\r\n", "\n")
    text = given[:LONGEST_TEXT]
    context = {
        "text": text,
        "not_looked_at": len(given) - len(text),
        "checked": library.checked(text) if text.strip() else None,
    }
    return render(request, "library/claims.html", context)


@require_GET
@open_to_all
def fact(request: HttpRequest, name: str) -> HttpResponse:
    """One fact that rules may read: what it is, how long it holds, who supplies it, which rules read it."""
    found = library.path_page(name)
    if found is None:
        raise Http404
    return render(request, "library/fact.html", {"spec": found[0], "rules": found[1]})


def _sections(found: list[dict[str, Any]]) -> list[str]:
    return [str(item["section"]) for item in found]


def _condition(predicate: Predicate) -> tuple[str, list[Any]]:
    """When a rule holds: words, and the parts below them."""
    spec = knowledge().paths.get(predicate.path)
    name = spec.label if spec else predicate.path
    unit = units.shown(spec.unit) if spec and spec.unit else ""
    value = predicate.value
    words = {
        "all": _("all of these"),
        "any": _("at least one of these"),
        "not": _("not this"),
        "always": _("always"),
        "named": _("a condition of its own: %(name)s") % {"name": str(value).replace("_", " ")},
        "is": _("%(fact)s: %(value)s") % {"fact": name, "value": stated(value)},
        "in": _("%(fact)s: one of %(value)s") % {"fact": name, "value": stated(value)},
        "within": _("%(fact)s within %(value)s days") % {"fact": name, "value": stated(value)},
        "compare": f"{name} {predicate.op} {stated(value)} {unit}".strip(),
    }
    return words[predicate.kind], [_condition(part) for part in predicate.parts]


urls = [
    path("knowledge", shelf, name="knowledge"),
    path("knowledge/rules/<str:name>", rule, name="knowledge-rule"),
    path("knowledge/sources/<str:name>", source, name="knowledge-source"),
    path("knowledge/instruments/<str:name>", instrument, name="knowledge-instrument"),
    path("knowledge/claims", claims, name="knowledge-claims"),
    path("knowledge/facts/<str:name>", fact, name="knowledge-fact"),
    path("knowledge/items/<str:kind>/<str:name>", item, name="knowledge-item"),
]
