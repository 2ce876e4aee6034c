"""Is this installation ready?"""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from clinic import pulse
from clinic.access import reserve
from clinic.queries.chain import chain
from clinic.record.models import Practice
from clinic.record.projections import knowledge
from clinic.web.door import open_to_all
from ketapath import __version__


@open_to_all
def health(request: HttpRequest) -> JsonResponse:
    """200 once the database answers and the knowledge is read; what else is the matter stands beside it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    age, behind = pulse.age_s(), pulse.behind()
    return JsonResponse(
        {
            "status": "ready",
            "version": __version__,
            "knowledge": knowledge().version,
            "worker": "never" if age is None else f"{age:.0f} s ago",
            "clock": "in order" if behind <= pulse.MOST_BEHIND else f"{behind.total_seconds():.0f} s behind the record",
            "reserve": len(reserve.rows()),
            "alerts": _alerts(),
        }
    )


def _alerts() -> str:
    """Whether the alerts of every practice reach the second person; of which practice it is not is for the log."""
    troubles = sorted({chain(practice).trouble for practice in Practice.objects.all()} - {""})
    return ", ".join(troubles) or "in order"


urls = [path("health", health, name="health")]
