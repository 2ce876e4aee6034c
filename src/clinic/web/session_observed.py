"""Observations that waited in a browser while the network was away: each is kept once, with its own time and key.

Only what was observed comes in here. The answer says of each entry whether it is on record, or why not; what it does
not name stays in the browser and comes again. A page that was loaded anew has lost what waited in it, but not the
keys: it asks which of them are here.
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

from clinic.actions.session_course import Observed, Taken, chart_observation
from clinic.queries.person import Chart
from clinic.queries.session import arrived
from clinic.web.door import account_of, acting_on

MOST = 50
"""Entries in one request; a browser sends the rest in the next."""
MOST_ASKED = 500
"""Keys of which a page that was loaded anew asks whether they have arrived."""
_KEY = re.compile(r"[0-9a-f-]{36}")
_INSTANT = re.compile(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


@require_POST
@acting_on("chart-session")
def observed(request: HttpRequest, found: Chart) -> HttpResponse:
    """Take in a batch. 409 where somebody else is signed in now than when the entries were made: nobody's are mixed."""
    said = _said(request)
    if said is None:
        return JsonResponse({"why": _("This is no list of observations.")}, status=400)
    if said.get("by") != account_of(request).username:
        who = str(said.get("by"))[:80]
        why = _("%(who)s made these. Sign in as %(who)s to send them; nobody charts for another.") % {"who": who}
        return JsonResponse({"why": why}, status=409)
    items = [_item(entry) for entry in said["entries"][:MOST]]
    taken = chart_observation(found, items, by=account_of(request))
    had = arrived(account_of(request), said["asked"])
    return JsonResponse({"results": [_answer(one) for one in taken], "had": had})


def _said(request: HttpRequest) -> dict[str, Any] | None:
    """The batch; None where it has not the shape of one."""
    if request.content_type != "application/json":
        return None
    try:
        found = json.loads(request.body)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("entries"), list):
        return None
    asked = found.setdefault("asked", [])
    if not isinstance(asked, list) or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in asked):
        return None
    found["asked"] = asked[:MOST_ASKED]
    return found if all(_is_entry(entry) for entry in found["entries"]) else None


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not _KEY.fullmatch(str(entry.get("key"))):
        return False
    values, at = entry.get("values"), entry.get("at")
    is_said = isinstance(values, dict) and all(isinstance(words, str) for words in values.values())
    return is_said and isinstance(at, str) and _INSTANT.fullmatch(at) is not None


def _item(entry: Mapping[str, Any]) -> Observed:
    """One entry as the act takes it; what was typed keeps the length that its form gives it."""
    values: Mapping[str, str] = entry["values"]
    return Observed(
        key=str(entry["key"]),
        at=datetime.fromisoformat(str(entry["at"]).replace("Z", "+00:00")),
        kind=str(entry.get("kind", ""))[:30],
        values={path[:60]: words[:12] for path, words in values.items() if "." in path},
        value=values.get("value", "")[:12],
        unit=values.get("unit", "mL/h")[:6],
        words=str(entry.get("words", ""))[:1000],
    )


def _answer(one: Taken) -> dict[str, str]:
    """What became of an entry. One that was here already is as good as one that has just been kept."""
    outcome = "refused" if one.state == "refused" else "kept"
    return {"key": one.key, "outcome": outcome, "why": one.words, "next": one.next_step}
