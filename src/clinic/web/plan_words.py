"""One plan in words, for all who may read it: the team in full, the person and who cares at home what is theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from clinic.access.models import Role
from clinic.access.permission import Refused, may, reach
from clinic.queries.person import Chart, chart
from clinic.queries.plan import protocol
from clinic.queries.signatures import signatures
from clinic.web.door import about_person, account_of, stands_for, told
from clinic.web.patients import about
from ketapath.domain.plan import Line

_VISITS = ("session", "preparation", "integration", "psychotherapy", "call", "check")
GROUPS: Mapping[str, tuple[Any, tuple[str, ...]]] = MappingProxyType(
    {
        "treatment": (_("The treatment"), ("product", "route", "way", "spacing")),
        "dose": (_("The dose"), ("dose", "infusion")),
        "dates": (_("What happens when"), _VISITS),
        "arranged": (_("What is to be arranged"), ("support",)),
        "watched": (_("What is watched"), ("monitoring",)),
        "stops": (_("What would stop it"), ("stop",)),
        "made": (_("Who signed it, and what made it"), ("signed", "version")),
    }
)
"""The parts of the page, each with the groups of lines that stand in it."""
_OWN = ("treatment", "dates", "arranged")
_AT_HOME = ("treatment", "dates")
"""What is to be arranged may say what the person did not tell at home."""


@require_GET
@about_person
def words(request: HttpRequest, found: Chart) -> HttpResponse:
    """The whole plan that stands, for the team."""
    context = about(request, found, here="plan") | _context(found, tuple(GROUPS))
    return render(request, "plan/words.html", context)


@require_GET
@stands_for("read-own")
@login_required
def own(request: HttpRequest, patient_id: str = "") -> HttpResponse:
    """The person's own plan, or what of it is open to somebody who cares at home."""
    account = account_of(request)
    is_own = account.role == Role.PATIENT
    wanted = patient_id or (account.patient_id if is_own else "")

    def opened() -> HttpResponse:
        is_open = wanted and may(account, "read-own", patient_id=wanted)
        found = chart(reach(account, "read-own"), wanted) if is_open else None
        if found is None:
            raise Refused("read-own") if patient_id or not is_own else Http404
        context = _context(found, _OWN if is_own else _AT_HOME)
        return render(request, "own/plan.html", {"found": found, "is_own": is_own} | context)

    return told(request, "read-own", opened, patient_id=wanted)


def _context(found: Chart, parts: Sequence[str]) -> dict[str, Any]:
    """The lines of the plan that stands, in the parts that this reader has."""
    signed = found.plan
    if signed is None:
        return {"signed": None, "parts": []}
    lines = protocol(found, signed)
    shown = [{"title": GROUPS[part][0], "name": part, "lines": _of(lines, GROUPS[part][1])} for part in parts]
    return {"signed": signed, "parts": [part for part in shown if part["lines"]], "signatures": signatures(found)}


def _of(lines: Sequence[Line], groups: Sequence[str]) -> list[Line]:
    return [line for line in lines if line.group in groups]


urls = [
    path("patients/<str:patient_id>/plan/words", words, name="patient-plan-words"),
    path("my/plan", own, name="own-plan"),
    path("my/people/<str:patient_id>/plan", own, name="own-person-plan"),
]
