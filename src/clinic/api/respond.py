"""A request becomes an answer: who is it, what is asked, and what comes of it. Knows no sockets and no threads."""

from __future__ import annotations

import secrets
from dataclasses import replace

from django.conf import settings
from django.db import DatabaseError

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.tokens import account_of_token
from clinic.api.answering import alone, fault
from clinic.api.bundles import exchange
from clinic.api.call import Call, Route, Tell
from clinic.api.documents import capability, openapi
from clinic.api.message import Request, Response, of_value
from clinic.api.outcome import Problem, answer, explained, unauthenticated
from clinic.api.routes import RESOURCE_ROUTES, place_of

ROUTES = (
    *RESOURCE_ROUTES,
    Route(method="POST", path="/fhir", interaction="transaction", says="Several requests: a transaction, done whole or "
          "not at all, or a batch.", answer=exchange),
)  # fmt: skip
"""Every address behind a token."""

_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)


def respond(request: Request, *, tell: Tell = audit.append) -> Response:
    """The answer to this request. By the time it is returned, its row on the trail is written.

    `tell` appends that row, `access.audit.append` or what keeps the same promise for several requests together.
    """
    request = replace(request, number=request.number or secrets.token_hex(8))
    with audit.coming_from(request.source):
        try:
            response = _answered(request, tell)
        except Problem as problem:
            response = answer(problem, request.number)
        except (DatabaseError, OSError) as error:  # the trail itself cannot be written, or the database is away
            response = answer(explained(error) or fault(error, request.number, "the door"), request.number)
    return finished(response, request.number)


def finished(response: Response, number: str) -> Response:
    """With the headers that every answer carries."""
    always = [*_HEADERS, ("X-Request-Id", number)]
    if settings.SECURE_HSTS_SECONDS:
        always.append(("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}"))
    return replace(response, headers=(*response.headers, *always))


def _answered(request: Request, tell: Tell) -> Response:
    if request.method == "GET" and request.path == "/fhir/metadata":
        return of_value(200, capability(request.base, ROUTES))
    if request.method == "GET" and request.path == "/api/openapi.json":
        return of_value(200, openapi(request.base, ROUTES))
    account = bearer(request)
    if account is None:
        tell("use-door", outcome="refused", who="", asked=request.method)
        raise unauthenticated()
    try:
        place = place_of(ROUTES, request)
    except Problem as problem:
        tell("use-door", outcome=problem.outcome, account=account, asked=request.method)
        raise
    call = Call(
        request=request, account=account, route=place.route, tell=tell, kind=place.kind, identity=place.identity,
        version=place.version,
    )  # fmt: skip
    return alone(call)


def bearer(request: Request) -> Account | None:
    """Whose token this request carries, if it stands."""
    scheme, _, word = request.header("authorization").partition(" ")
    return account_of_token(word.strip()) if scheme.lower() == "bearer" and word.strip() else None
