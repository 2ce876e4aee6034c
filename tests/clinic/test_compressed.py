"""Pages travel compressed; what flows is sent as it comes; no two answers carry the same form token."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from clinic.web.compressed import compressed

Visit = Callable[..., Client]
ASKED = {"accept-encoding": "gzip"}


def test_a_page_is_sent_compressed_to_whoever_can_read_it_and_plain_to_others(browser_of: Visit) -> None:
    client = browser_of("nurse")
    plain, small = client.get("/today"), client.get("/today", headers=ASKED)
    assert not plain.has_header("Content-Encoding")
    assert small["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small["Vary"]
    assert len(small.content) < len(plain.content) / 2


def test_two_answers_hide_one_form_token_under_two_masks(browser_of: Visit) -> None:
    client = browser_of("nurse")
    pages = [gzip.decompress(client.get("/today", headers=ASKED).content).decode() for _ in range(2)]
    one, other = (re.findall(r'csrfmiddlewaretoken" value="([^"]+)"', page)[0] for page in pages)
    assert one != other


def test_a_stream_of_events_is_never_held_back_to_be_compressed() -> None:
    events = "event: changed\ndata: 1\n\n" * 100

    def answer(_: HttpRequest) -> HttpResponse:
        return StreamingHttpResponse(iter([events]), content_type="text/event-stream")  # type: ignore[return-value]

    found = compressed(answer)(RequestFactory().get("/today/stream", headers=ASKED))
    assert not found.has_header("Content-Encoding")
    assert b"".join(found.streaming_content) == events.encode()  # type: ignore[attr-defined]
