"""What the page of a session shows: clocks, steps, what is due, the chart, and the questions of this step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.access.permission import may
from clinic.actions.typed import number
from clinic.queries.person import Chart
from clinic.queries.session import READINGS, Room
from clinic.queries.session_expected import expected
from clinic.queries.signatures import seen_dose
from clinic.record.signatures import signatures_on
from clinic.web.door import account_of
from clinic.web.session_charts import session_chart
from clinic.web.templatetags.clinic import amount, word
from ketapath.knowledge import PathSpec

COLUMNS = frozenset(
    {"vitals.systolic_mmhg", "vitals.diastolic_mmhg", "vitals.heart_rate_per_min", "vitals.spo2_percent"}
)
"""What every table of readings has a column for; the rest has one where it was read."""
NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "vitals.systolic_mmhg": gettext_lazy("Systolic"),
        "vitals.diastolic_mmhg": gettext_lazy("Diastolic"),
        "vitals.heart_rate_per_min": gettext_lazy("Pulse"),
        "vitals.spo2_percent": gettext_lazy("Oxygen"),
        "vitals.weight_kg": gettext_lazy("Weight"),
        "session.moaa_s": gettext_lazy("Alert, 5 to 0"),
        "session.dissociation_0_10": gettext_lazy("Dissociation, 0 to 10"),
        "session.distress_0_10": gettext_lazy("Distress, 0 to 10"),
        "session.nausea_0_10": gettext_lazy("Nausea, 0 to 10"),
    }
)
"""What is read in a session, as short as a large field has room for; the whole label stands in the knowledge."""


def drawn(request: HttpRequest, found: Chart, here: Room, now: datetime) -> dict[str, Any]:
    """The clocks, charts and questions of a visit."""
    given = here.visit.administration
    since = None if given is None else given.started_at
    seconds = 0 if since is None else max(0, int((now - since).total_seconds()))
    foreseen = expected(found, here)
    read = {path for moment in here.moments for path in moment.values}
    return {
        "now": now,
        "is_live": here.step != "home",
        "steps": steps(here),
        "expected": foreseen,
        "drawn": session_chart(here, foreseen, now),
        "waits": ", ".join(dict.fromkeys(limit.rule for limit in foreseen.limits if limit.waits)),
        "readings": [path for path in READINGS if here.visit.is_before_dose or path != "vitals.weight_kg"],
        "scores": [path for path in READINGS if path in read - COLUMNS],
        "labels": json.dumps({path: str(NAMES[path]) for path in READINGS}),
        "names": NAMES,
        "since": since,
        "seconds": seconds,
        "minutes": seconds // 60,
        "home_at": None if since is None else since + timedelta(minutes=here.watch_minutes),
        "is_blocked": any(objection.kind == "blocks" for objection in here.objections),
        "is_more": _is_more(request.POST.get("dose_mg", ""), here.ordered_mg),
        "dose_seen": None if given is None else seen_dose(found, given.origin.id),
        "may_witness": _may_witness(request, found, here),
        "given_mg": "" if given is None or given.dose_mg is None else f"{given.dose_mg:g} mg",
        "ordered": _ordered(here),
        "asks": [_ask(request, spec) for spec in here.asks if _is_of_today(spec)],
        "asks_of_record": [_ask(request, spec) for spec in here.asks if not _is_of_today(spec)],
    }


def steps(here: Room) -> list[dict[str, str]]:
    """The steps of a visit in their order, each as done, now or later."""
    names = {
        "arrived": _("Consent"),
        "re-screen": _("Re-screen"),
        "ready": _("Order checked"),
        "dosing": _("Dosing"),
        "observing": _("Observing"),
        "leaving": _("Going home"),
    }
    order = [*names, "home"]
    place = order.index(here.step)
    states = ["done" if i < place else "now" if i == place else "later" for i in range(len(names))]
    return [{"words": words, "state": state} for words, state in zip(names.values(), states, strict=True)]


def _may_witness(request: HttpRequest, found: Chart, here: Room) -> bool:
    """Whether the dose waits for a witness and this person may be one; the act itself looks closer."""
    given, by = here.visit.administration, account_of(request)
    if given is None or given.ended_at is None or not may(by, "witness", patient_id=found.patient_id):
        return False
    signed = signatures_on(found.practice, "MedicationAdministration", given.origin.id)
    is_given = any(one.meaning == "administration" and one.is_valid for one in signed)
    return is_given and not any(one.meaning == "witness" or one.username == by.username for one in signed)


def _is_of_today(spec: PathSpec) -> bool:
    """Whether this is asked anew every time, as it holds for a week at most."""
    return spec.window_days is not None and spec.window_days <= 7  # source: the window of a pregnancy test


def _ask(request: HttpRequest, spec: PathSpec) -> dict[str, Any]:
    return {"spec": spec, "said": request.POST.get(spec.path, "")[:40]}


def _ordered(here: Room) -> str:
    """What is ordered: drug, route, dose and duration."""
    if here.ordered_mg is None or here.product is None:
        return ""
    return f"{word(here.product)}, {amount(here.ordered_mg, here.infusion_min)}"


def _is_more(typed: str, ordered_mg: float | None) -> bool:
    return ordered_mg is not None and number(typed) > ordered_mg
