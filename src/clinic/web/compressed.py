"""How are pages sent? Compressed where the browser can, and never what flows: a stream is sent as it comes.

Against guessing a secret from the length of an answer (BREACH), each page carries its form token under another mask,
and its length is padded by chance. Cookies are of this site alone, so that no other page can ask in somebody's name.
Decision: docs/decisions/0047.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class compressed(GZipMiddleware):  # noqa: N801  a middleware, named like a function because it is used as one
    """Compresses whole pages; a stream would wait for its next bytes, and static files are compressed beforehand."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, smaller where it is a page."""
        is_page = isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response
