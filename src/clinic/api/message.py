"""One request and one answer, as values: all that the door knows of HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FHIR_JSON = "application/fhir+json; charset=utf-8"
MANY_PAIRS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in. Names of headers are in lower case; `base` is the address that the caller reaches us by.

    `number` is our own name for the request, by which it can be reported.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    source: str = ""
    base: str = ""
    number: str = ""

    def header(self, name: str) -> str:
        """The header, empty where there is none."""
        return self.headers.get(name, "").strip()

    def preference(self, name: str) -> str:
        """What `Prefer` says of this, such as "minimal" of "return"."""
        for part in self.header("prefer").replace(";", ",").split(","):
            key, _, value = part.strip().partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What goes out."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """The header, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def of_value(status: int, value: Any, *headers: tuple[str, str]) -> Response:
    """An answer that is written by us, as FHIR JSON."""
    return of_text(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")), *headers)


def of_text(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """An answer whose wording stands already."""
    return Response(status=status, body=text.encode(), headers=(("Content-Type", FHIR_JSON), *headers))
