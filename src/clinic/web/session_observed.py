"""Observations that waited in a browser while the network was away: each is kept once, with its own time and key.

Only what was observed comes in here. The answer says of each entry whether it is on record, or why not; what it does
not name stays in the browser and comes again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.actions import session as act
from clinic.queries.person import Chart, chart
from clinic.queries.session import READINGS
from clinic.web.door import account_of, acting_on
from clinic.web.problems import EXPECTED, explained

MOST = 50
"""Entries in one request; a browser sends the rest in the next."""
_KEY = re.compile(r"[0-9a-f-]{36}")


@require_POST
@acting_on("chart-vitals")
def observed(request: HttpRequest, found: Chart) -> HttpResponse:
    """Take in a batch. 409 where somebody else is signed in now than when the entries were made: nobody's are mixed."""
    said = _said(request)
    if said is None:
        return JsonResponse({"why": _("This is no list of observations.")}, status=400)
    if said.get("by") != account_of(request).username:
        who = str(said.get("by"))[:80]
        why = _("These were made by %(who)s. Sign in as %(who)s to send them; nobody charts for another.") % {
            "who": who
        }
        return JsonResponse({"why": why % {"who": who}}, status=409)
    results = []
    for entry in said["entries"][:MOST]:
        results.append(_kept(request, found, str(said.get("visit")), entry))
        found = chart(found.reach, found.patient_id) or found
    return JsonResponse({"results": results})


def _said(request: HttpRequest) -> dict[str, Any] | None:
    """The batch; None where it has not the shape of one."""
    try:
        found = json.loads(request.body)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("entries"), list):
        return None
    return found if all(_is_entry(entry) for entry in found["entries"]) else None


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not _KEY.fullmatch(str(entry.get("key"))):
        return False
    values = entry.get("values")
    return isinstance(values, dict) and all(isinstance(words, str) for words in values.values())


def _kept(request: HttpRequest, found: Chart, visit: str, entry: Mapping[str, Any]) -> dict[str, str]:
    """What became of one entry."""
    key = str(entry["key"])
    try:
        at = datetime.fromisoformat(str(entry.get("at")))
        ago = max(0, round((clock.now() - at).total_seconds() / 60))
        values = {path: words[:12] for path, words in entry["values"].items() if path in READINGS}
        act.chart_vitals(found, values, by=account_of(request), key=key, minutes_ago=ago)
    except EXPECTED as trouble:
        told = explained(trouble)
        return {"key": key, "outcome": "refused", "why": told.what, "next": told.next_step}
    return {"key": key, "outcome": "kept"}
