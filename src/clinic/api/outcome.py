"""What is said when something cannot be done: an OperationOutcome with a number, and nothing of the record.

What does not exist and what this caller may not see are answered by the very same words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from django.db import DataError, OperationalError

from clinic.access.permission import Refused
from clinic.actions.commit import KeyReused, NotAllowed, Several, Stale
from clinic.actions.exchange import Unfit, Unknown
from clinic.api.message import Response, of_value
from clinic.record.projections import knowledge
from ketapath.errors import BadInput
from ketapath.report import say


class Problem(Exception):
    """What is the matter: the status, FHIR's code for it, a sentence for each issue, headers that belong to it."""

    def __init__(self, status: int, code: str, *words: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(code)
        self.status, self.code, self.words, self.headers = status, code, words, tuple(headers)

    @property
    def outcome(self) -> str:
        """What the trail calls it."""
        return "refused" if self.status in (401, 403, 404) else "failed"


NOT_FOUND = Problem(404, "not-found", "There is no such thing here.")


def unauthenticated() -> Problem:
    """Nobody, or nobody any more."""
    challenge = [("WWW-Authenticate", 'Bearer realm="ketapath"')]
    return Problem(401, "login", "Send a bearer token that stands.", headers=challenge)


def explained(error: Exception) -> Problem | None:
    """The problem in this error; None where it is a fault of ours."""
    match error:
        case Problem():
            return error
        case Refused() | Unknown():
            return NOT_FOUND
        case BadInput():
            # Without what was found: it may be a name or a date of birth.
            return Problem(400, "invalid", f"{error.field[:80]}: it has to be {error.limit}. {error.next_step}")
        case Unfit():
            return Problem(422, "structure", *error.why)
        case NotAllowed():
            return Problem(422, "business-rule", say(error.why, knowledge().texts))
        case Stale():
            words = "Another version stands by now; nothing was stored. Read it, then send the change again."
            return Problem(412, "conflict", words)
        case Several():
            return Problem(412, "multiple-matches", "More than one resource fits If-None-Exist; nothing was stored.")
        case KeyReused():
            return Problem(422, "duplicate", "This Idempotency-Key was sent before with another request.")
        case DataError():
            return Problem(400, "value", "A value lies outside of what can be stored; nothing was stored.")
        case OperationalError() | sqlite3.OperationalError() | OSError():
            words = "The database takes nothing at the moment; nothing was stored."
            return Problem(503, "transient", words, headers=[("Retry-After", "5")])
        case _:
            return None


def answer(problem: Problem, number: str) -> Response:
    """The problem as an answer, under the number by which it can be reported."""
    severity = "fatal" if problem.status == 500 else "error"
    issues = [
        {"severity": severity, "code": problem.code, "details": {"text": words}, "diagnostics": f"request {number}"}
        for words in problem.words
    ]
    return of_value(problem.status, {"resourceType": "OperationOutcome", "issue": issues}, *problem.headers)
