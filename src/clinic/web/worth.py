"""Worth ordering? Which test, scale or question would change the first option, how often, and for how much."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic.queries.person import Chart, ordering
from clinic.web.door import about_person
from clinic.web.patients import about
from ketapath.domain.evidence import Text
from ketapath.domain.worth import Result, WorthOrdering
from ketapath.report import say
from ketapath.units import shown

_REASONS = (
    "others_open",
    "verdict_only",
    "nothing_open",
    "no_threshold",
    "marker_not_approved",
    "marker_fails",
    "not_read",
)
"""Why nothing changes, what a reader can do something about first."""


@require_GET
@about_person
def worth(request: HttpRequest, found: Chart) -> HttpResponse:
    """The page at once; its table takes seconds and is fetched by it, or comes with it where `whole` is asked for."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    context = about(request, found, here="plan") | {"is_whole": "whole" in request.GET}
    if context["is_whole"] or request.htmx:  # type: ignore[attr-defined]
        context |= _table(found)
    return render(request, "worth/table.html" if request.htmx else "worth/worth.html", context)  # type: ignore[attr-defined]


def _table(found: Chart) -> dict[str, object]:
    """What changes the first option, then the others by their reason; what a start needs is named in both."""
    things = ordering(found)
    return {
        "changing": [(one, _answers(found, one)) for one in things if one.share],
        "others": list(_by_reason(found, (one for one in things if not one.share))),
        "one_at_a_time": Text(key="ordering.one_at_a_time"),
        "equal": Text(key="ordering.weights.equal"),
    }


def _answers(found: Chart, one: WorthOrdering) -> list[tuple[str, Result]]:
    """Each answer that changes something, as a fact is shown: with its unit."""
    spec = found.knowledge.paths.get(one.id)
    unit = shown(spec.unit) if spec is not None and spec.unit else ""
    return [(f"{result.value} {unit}".strip(), result) for result in one.results if result.changes]


def _by_reason(found: Chart, things: Iterable[WorthOrdering]) -> Iterable[tuple[Text, list[WorthOrdering]]]:
    groups: dict[str, tuple[Text, list[WorthOrdering]]] = {}
    for one in things:
        assert one.why_none is not None
        groups.setdefault(say(one.why_none, found.knowledge.texts), (one.why_none, []))[1].append(one)
    return sorted(groups.values(), key=lambda group: _REASONS.index(group[0].key.rpartition(".")[2]))


urls = [path("patients/<str:patient_id>/worth", worth, name="patient-worth")]
