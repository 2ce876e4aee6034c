"""One plan in words, for all who may read it: the team in full, the person and who cares at home what is theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from types import MappingProxyType
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
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

GROUPS: Mapping[str, tuple[Any, tuple[str, ...]]] = MappingProxyType(
    {
        "treatment": (_("How it goes on"), ("way", "spacing")),
        "dose": (_("The dose"), ("dose", "infusion")),
        "watched": (_("What is watched"), ("monitoring",)),
        "stops": (_("What would stop it"), ("stop",)),
        "made": (_("What made it"), ("version",)),
    }
)
"""The parts that only the team reads, each with the groups of lines that stand in it."""


@require_GET
@about_person
def words(request: HttpRequest, found: Chart) -> HttpResponse:
    """The whole plan that stands, for the team."""
    context = about(request, found, here="plan") | _context(found, is_whole=True)
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
        if not wanted and not is_own and may(account, "read-own"):
            return redirect("own")  # which of those they care for is chosen there
        is_open = wanted and may(account, "read-own", patient_id=wanted)
        found = chart(reach(account, "read-own"), wanted) if is_open else None
        if found is None:
            raise Refused("read-own")
        context = _context(found, is_whole=False)
        return render(request, "own/plan.html", {"found": found, "is_own": is_own} | context)

    return told(request, "read-own", opened, patient_id=wanted)


def _context(found: Chart, *, is_whole: bool) -> dict[str, Any]:
    """The plan that stands: its dates in order, what is to be arranged, and for the team the lines of its protocol.

    The person and who cares at home see neither tasks nor settings: both may say what was not told at home.
    """
    signed = found.plan
    if signed is None:
        return {"signed": None}
    lines = protocol(found, signed) if is_whole else ()
    visits = sorted(signed.visits, key=lambda v: (v.on, v.starts or time.max))
    parts = [{"title": title, "name": name, "lines": _of(lines, groups)} for name, (title, groups) in GROUPS.items()]
    return {
        "signed": signed,
        "way": f"{signed.product}/{signed.route}",
        "visits": [{"visit": visit, "settings": visit.setting.split(", ")} for visit in visits],
        "tasks": signed.tasks if is_whole else (),
        "is_whole": is_whole,
        "parts": [part for part in parts if part["lines"]],
        "signatures": signatures(found),
    }


def _of(lines: Sequence[Line], groups: Sequence[str]) -> list[Line]:
    return [line for line in lines if line.group in groups]


urls = [
    path("patients/<str:patient_id>/plan/words", words, name="patient-plan-words"),
    path("my/plan", own, name="own-plan"),
    path("my/people/<str:patient_id>/plan", own, name="own-person-plan"),
]
