"""One call, answered whatever comes of it: what was refused or failed is on the trail before the answer leaves."""

from __future__ import annotations

import logging
import traceback

from clinic.access.permission import Refused, may
from clinic.api.call import FORM, Call
from clinic.api.message import Response
from clinic.api.outcome import NOT_FOUND, Problem, answer, explained

_log = logging.getLogger(__name__)
_JSON = ("application/fhir+json", "application/json")


def alone(call: Call) -> Response:
    """The answer to this call; a problem is rolled back, put on the trail, and told without a word of the record."""
    try:
        check(call)
        return call.route.answer(call)
    except Exception as error:  # noqa: BLE001  the one place where a fault of ours becomes a number
        problem = explained(error) or fault(error, call.request.number, call.route.path)
        if problem.status != 503 and not (isinstance(error, Refused) and error.is_on_trail):
            call.tell(call.act, outcome=problem.outcome, account=call.account, patient_id=call.named_person(),
                      asked=call.line())  # fmt: skip
        return answer(problem, call.request.number)


def fault(error: Exception, number: str, where: str) -> Problem:
    """A fault of ours, logged by number and place; its own words may be a patient's and are left out."""
    lines = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
    _log.error("fault %s at %s: %s, %s", number, where, type(error).__name__, " ".join(lines))
    return Problem(500, "exception", "Something broke on our side; report the number.")


def check(call: Call) -> None:
    """Scope, right, and the form of the request, in this order: who may not do it learns nothing else."""
    scope = "write" if call.route.is_writing else "read"
    if scope not in (call.account.scopes or ()) and call.route.interaction != "transaction":
        challenge = [("WWW-Authenticate", f'Bearer error="insufficient_scope", scope="{scope}"')]
        raise Problem(403, "forbidden", f"This token may not {scope}.", headers=challenge)
    acts = ("write-resource", "register-patient") if call.route.is_writing else ()
    if acts and not any(may(call.account, act) for act in acts):
        raise NOT_FOUND
    _check_form(call)


def _check_form(call: Call) -> None:
    kind, _, parameters = call.request.header("content-type").lower().partition(";")
    wanted = (FORM,) if call.route.interaction == "search-type" else _JSON
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
    is_fit = kind.strip() in wanted and charset == "utf-8" and not call.request.header("content-encoding")
    if call.request.method in ("POST", "PUT") and not is_fit:
        raise Problem(415, "not-supported", f"Send {' or '.join(wanted)} in UTF-8, not compressed.")
    formats = [value for name, value in call.pairs() if name == "_format"]
    if not _is_json_wanted(call.request.header("accept"), formats):
        raise Problem(406, "not-supported", "Only JSON is spoken here: application/fhir+json.")


def _is_json_wanted(accept: str, formats: list[str]) -> bool:
    said = formats or [part for part in accept.split(",") if part.strip()]
    names = (one.partition(";")[0].strip().lower().replace(" ", "+") for one in said)
    return not said or any(name in (*_JSON, "json", "text/json", "application/*", "*/*") for name in names)
