"""Is this installation ready?"""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from clinic.record.projections import knowledge
from clinic.web.door import open_to_all
from ketapath import __version__


@open_to_all
def health(request: HttpRequest) -> JsonResponse:
    """200 once the database answers and the knowledge is read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ready", "version": __version__, "knowledge": knowledge().version})


urls = [path("health", health, name="health")]
