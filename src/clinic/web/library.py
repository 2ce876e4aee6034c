"""The knowledge, open to everybody: rules, sources, instruments."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic.queries import library

_KINDS = ("rule", "source", "instrument", "drug", "protocol")


@require_GET
def shelf(request: HttpRequest) -> HttpResponse:
    """Search one kind of item."""
    kind = request.GET.get("kind", "rule")
    kind = kind if kind in _KINDS else "rule"
    words = request.GET.get("q", "")[:100]
    context = {"kind": kind, "kinds": _KINDS, "q": words, "found": library.shelf(kind, words)}
    return render(request, "library/items.html" if request.htmx else "library/shelf.html", context)  # type: ignore[attr-defined]


@require_GET
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """One rule: what it says, of whom, on what it rests, what would reverse it."""
    found = library.rule_page(name)
    if found is None:
        raise Http404
    return render(request, "library/rule.html", {"page": found, "rule": found.rule})


@require_GET
def source(request: HttpRequest, name: str) -> HttpResponse:
    """One source: how far it was read, and what rests on it."""
    found = library.source_page(name)
    if found is None:
        raise Http404
    return render(request, "library/source.html", {"source": found[0], "rests": found[1]})


@require_GET
def instrument(request: HttpRequest, name: str) -> HttpResponse:
    """One questionnaire: items, scoring, owner, licence."""
    found = library.instrument_page(name)
    if found is None:
        raise Http404
    return render(request, "library/instrument.html", {"form": found})


urls = [
    path("knowledge", shelf, name="knowledge"),
    path("knowledge/rules/<str:name>", rule, name="knowledge-rule"),
    path("knowledge/sources/<str:name>", source, name="knowledge-source"),
    path("knowledge/instruments/<str:name>", instrument, name="knowledge-instrument"),
]
