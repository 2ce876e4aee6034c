"""What does the door offer? The CapabilityStatement and the OpenAPI document, both made from the tables it runs by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from clinic.api.call import FORM, Route
from ketapath import __version__
from ketapath.fhir.parameters import includes, kinds, parameters, revincludes

_PUBLISHED = "2026-11-26"
_FHIR = "application/fhir+json"


@lru_cache(maxsize=8)
def capability(base: str, routes: Sequence[Route]) -> Mapping[str, Any]:
    """The FHIR R4 CapabilityStatement (HL7 FHIR 4.0.1, RESTful API)."""
    of_types = sorted({route.interaction for route in routes} - {"transaction"})
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _PUBLISHED,
        "kind": "instance",
        "software": {"name": "ketapath", "version": __version__},
        "implementation": {"description": "ketapath clinic", "url": f"{base}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["json", _FHIR],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "description": "Every request but this one carries a bearer token (Authorization: Bearer)."
                },
                "resource": [_of_kind(kind, of_types) for kind in kinds()],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _of_kind(kind: str, interactions: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchParam": [{"name": p.name, "type": p.type} for p in parameters(kind).values()],
    }
    offered = {"searchInclude": list(includes(kind)), "searchRevInclude": list(revincludes(kind))}
    return found | {key: values for key, values in offered.items() if values}


@lru_cache(maxsize=8)
def openapi(base: str, routes: Sequence[Route]) -> Mapping[str, Any]:
    """The OpenAPI 3.1 document of the same addresses."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    for path, says in (("/fhir/metadata", "What this door offers."), ("/api/openapi.json", "This document.")):
        answer = {"description": "The document.", "content": {_FHIR: {"schema": {"type": "object"}}}}
        paths[path] = {"get": {"summary": says, "security": [], "responses": {"200": answer}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ketapath FHIR R4", "version": __version__},
        "servers": [{"url": base or "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


_NAMED: Mapping[str, Any] = {
    "{kind}": {"name": "kind", "schema": {"type": "string", "enum": list(kinds())}},
    "{id}": {"name": "id", "schema": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}},
    "{version}": {"name": "version", "schema": {"type": "integer", "minimum": 1, "maximum": 999999999}},
}
_STATUSES: Mapping[str, tuple[str, ...]] = {
    "create": ("200", "201", "412", "415", "422"),
    "update": ("200", "412", "415", "422", "428"),
    "transaction": ("200", "412", "415", "422"),
    "search-type": ("200",),
    "read": ("200", "304"),
    "vread": ("200", "304"),
    "history-instance": ("200",),
}
_MEANINGS: Mapping[str, str] = {
    "200": "Done.", "201": "Stored.", "304": "The version that the caller holds.", "400": "Not understood.",
    "401": "No token that stands.", "403": "The token may not do this.", "404": "No such thing here.",
    "405": "Not offered here.", "406": "Only JSON is spoken.", "408": "The body came too slowly.",
    "412": "Another version stands, or several fit.", "413": "Too large.", "415": "Not JSON.",
    "422": "Cannot become a part of the record.", "428": "If-Match is missing.", "431": "Headers too large.",
    "503": "Too much to do; try again after the time that is named.",
}  # fmt: skip
_ALWAYS = ("400", "401", "403", "404", "405", "406", "408", "413", "415", "431", "503")


def _operation(route: Route) -> dict[str, Any]:
    named = [{**_NAMED[step], "in": "path", "required": True} for step in route.path.split("/") if step.startswith("{")]
    headers = {"update": ("If-Match",), "create": ("If-None-Exist",)}.get(route.interaction, ())
    named += [
        {"name": name, "in": "header", "required": name == "If-Match", "schema": {"type": "string"}} for name in headers
    ]
    if route.interaction == "search-type" and route.method == "GET":
        named += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _of_every_search()]
    answer = {_FHIR: {"schema": {"type": "object"}}}
    found: dict[str, Any] = {
        "operationId": f"{route.interaction}-{route.method.lower()}",
        "summary": route.says,
        "parameters": named,
        "responses": {code: {"description": _MEANINGS[code], "content": answer} for code in _codes(route)},
    }
    if route.method in ("POST", "PUT"):
        kind = FORM if route.interaction == "search-type" else _FHIR
        found["requestBody"] = {"required": True, "content": {kind: {"schema": _body(route)}}}
    return found


def _of_every_search() -> list[str]:
    """The parameters that every type has, and how many to give at a time; metadata lists those of each type."""
    shared = set.intersection(*(set(parameters(kind)) for kind in kinds()))
    return [*sorted(shared), "_count"]


def _body(route: Route) -> dict[str, Any]:
    if route.interaction == "search-type":
        return {"type": "object", "properties": {name: {"type": "string"} for name in _of_every_search()}}
    if route.interaction != "transaction":
        kind = {"type": "string", "enum": list(kinds())}
        return {"type": "object", "required": ["resourceType"], "properties": {"resourceType": kind}}
    request = {"type": "object", "required": ["method", "url"],
               "properties": {"method": {"enum": ["GET", "POST", "PUT"]}, "url": {"type": "string"}}}  # fmt: skip
    entry = {"type": "object", "required": ["request"],
             "properties": {"request": request, "resource": {"type": "object"}}}  # fmt: skip
    properties = {"resourceType": {"const": "Bundle"}, "type": {"enum": ["transaction", "batch"]},
                  "entry": {"type": "array", "items": entry}}  # fmt: skip
    return {"type": "object", "required": ["resourceType", "type"], "properties": properties}


def _codes(route: Route) -> list[str]:
    return sorted({*_STATUSES[route.interaction], *_ALWAYS})
