"""Every address of a resource, once: what answers it, what FHIR calls it, and whether it writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clinic.api.call import IDENTITY, Route
from clinic.api.message import Request
from clinic.api.outcome import NOT_FOUND, Problem
from clinic.api.resources import change, find, make, read_history, read_one, read_version
from ketapath.fhir.parameters import kinds

RESOURCE_ROUTES = (
    Route(method="GET", path="/fhir/{kind}", interaction="search-type", says="Find resources.", answer=find),
    Route(method="POST", path="/fhir/{kind}/_search", interaction="search-type", says="The same, with the search in "
          "the body, so that it stands in no log of addresses.", answer=find),
    Route(method="POST", path="/fhir/{kind}", interaction="create", says="Store a new resource; with If-None-Exist "
          "only where nothing fits that search.", is_writing=True, answer=make),
    Route(method="GET", path="/fhir/{kind}/{id}", interaction="read", says="The version that stands.", answer=read_one),
    Route(method="PUT", path="/fhir/{kind}/{id}", interaction="update", says="Store a new version of a resource, with "
          "If-Match naming the version that was read.", is_writing=True, answer=change),
    Route(method="GET", path="/fhir/{kind}/{id}/_history", interaction="history-instance", says="All versions, newest "
          "first.", answer=read_history),
    Route(method="GET", path="/fhir/{kind}/{id}/_history/{version}", interaction="vread", says="One version.",
          answer=read_version),
)  # fmt: skip
"""What a Bundle may ask for too."""

_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A route with what the address names."""

    route: Route
    kind: str = ""
    identity: str = ""
    version: int = 0


def place_of(routes: Sequence[Route], request: Request) -> Place:
    """The route of this request.

    Raises Problem: 404 for an address that cannot be one of ours, 405 with what is allowed for another method there.
    """
    steps = request.path.removesuffix("/").split("/")
    fitting = [(route, named) for route in routes if (named := _named(route.path.split("/"), steps)) is not None]
    if not fitting:
        raise NOT_FOUND
    for route, named in fitting:
        if route.method == request.method:
            return Place(route=route, kind=named.get("{kind}", ""), identity=named.get("{id}", ""),
                         version=int(named.get("{version}", "0")))  # fmt: skip
    allowed = ", ".join(dict.fromkeys(route.method for route, _ in fitting))
    words = "This cannot be done here. What was wrong is marked entered-in-error; nothing is deleted."
    raise Problem(405, "not-supported", words, headers=[("Allow", allowed)])


def _named(pattern: Sequence[str], steps: Sequence[str]) -> dict[str, str] | None:
    """What the steps of the address stand for; None where they do not fit."""
    if len(pattern) != len(steps):
        return None
    named = {}
    for wanted, step in zip(pattern, steps, strict=True):
        if not wanted.startswith("{"):
            if wanted != step:
                return None
            continue
        fits = step in kinds() if wanted == "{kind}" else (_VERSION if wanted == "{version}" else IDENTITY).match(step)
        if not fits:
            return None
        named[wanted] = step
    return named
