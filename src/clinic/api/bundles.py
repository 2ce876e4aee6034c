"""POST /fhir: a transaction, which is one unit, or a batch, whose entries stand each for itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clinic.access.permission import reach
from clinic.actions.commit import Done
from clinic.actions.exchange import Changed, New, transact
from clinic.api.answering import alone, check
from clinic.api.call import Call
from clinic.api.message import FHIR_JSON, Request, Response, of_text
from clinic.api.outcome import Problem, answer
from clinic.api.resources import change_of, new_of, served, stamps
from clinic.api.routes import RESOURCE_ROUTES, place_of
from clinic.record.read import read, vread
from ketapath.errors import BadInput
from ketapath.fhir import read_json
from ketapath.fhir.verbatim import entry_texts

MOST_ENTRIES = 5000
_CONDITIONS = {"ifMatch": "if-match", "ifNoneExist": "if-none-exist", "ifNoneMatch": "if-none-match",
               "ifModifiedSince": "if-modified-since"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry as a call of its own, and what others in the Bundle call its resource."""

    call: Call
    called: str


def exchange(call: Call) -> Response:
    """Answer a Bundle in the order of its entries."""
    document = read_json(call.request.body)
    if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
        raise _broken("resourceType", "Bundle")
    entries = document.get("entry", [])
    if document.get("type") not in ("transaction", "batch") or not isinstance(entries, list):
        raise _broken("Bundle.type", "transaction or batch, with a list of entries")
    if len(entries) > MOST_ENTRIES:
        raise Problem(413, "too-long", f"At most {MOST_ENTRIES} entries in one Bundle.")
    texts = entry_texts(call.request.body.decode("utf-8-sig"))
    requests = [_request(call, entry, text, f"Bundle.entry[{n}]") for n, (entry, text) in
                enumerate(zip(entries, texts, strict=True))]  # fmt: skip
    if document["type"] == "batch":
        answers = [_in_batch(call, request) for request in requests]
    else:
        placed = [_placed(call, request) for request in requests]
        found = [_Entry(one, str(entry.get("fullUrl") or "")) for one, entry in zip(placed, entries, strict=True)]
        answers = _in_one(call, found)
    inside = ",".join(answers)
    head = f'{{"resourceType":"Bundle","type":"{document["type"]}-response"'
    return of_text(200, f'{head},"entry":[{inside}]}}' if inside else head + "}")


def _request(call: Call, entry: Any, text: str | None, where: str) -> Request:
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, dict) or not all(isinstance(asked.get(key), str) for key in ("method", "url")):
        raise _broken(f"{where}.request", "an object with method and url")
    if not all(isinstance(asked.get(key, ""), str) for key in _CONDITIONS):
        raise _broken(f"{where}.request", "conditions as text")
    path, _, query = asked["url"].removeprefix(f"{call.request.base}/fhir/").partition("?")
    headers = {header: asked[key] for key, header in _CONDITIONS.items() if key in asked}
    headers |= {"prefer": call.request.header("prefer"), "content-type": FHIR_JSON}
    return Request(
        method=asked["method"], path=f"/fhir/{path}", query=query, headers=headers, body=(text or "").encode(),
        source=call.request.source, base=call.request.base, number=call.request.number,
    )  # fmt: skip


def _placed(call: Call, request: Request) -> Call:
    """The same caller with one entry as a request of its own."""
    found = place_of(RESOURCE_ROUTES, request)
    return replace(call, request=request, route=found.route, kind=found.kind, identity=found.identity,
                   version=found.version)  # fmt: skip


def _in_batch(call: Call, request: Request) -> str:
    try:
        inside = _placed(call, request)
    except Problem as problem:
        refusal = answer(problem, request.number)
        return _said(refusal.status, refusal.body.decode(), ())
    response = alone(inside)
    is_shown = response.status >= 400 or not inside.route.is_writing or _wants_all(call)
    return _said(response.status, response.body.decode() if is_shown else None, response.headers)


def _wants_all(call: Call) -> bool:
    """Of what was written a Bundle tells names and versions only, unless more is asked for."""
    return call.request.preference("return") == "representation"


def _in_one(call: Call, entries: Sequence[_Entry]) -> list[str]:
    """First what is made, then what is changed, then what is read; answered in the order of the request."""
    making = [n for n, e in enumerate(entries) if e.call.route.interaction == "create"]
    changing = [n for n, e in enumerate(entries) if e.call.route.interaction == "update"]
    reading = [n for n, e in enumerate(entries) if not e.call.route.is_writing]
    if len(making) + len(changing) + len(reading) < len(entries):
        raise _broken("Bundle.entry", "to make, to change or to read a resource")
    for entry in entries:
        check(entry.call)
    _refuse_double(entries[n] for n in making)
    wanted: list[New | Changed] = [_new(entries[n]) for n in making]
    wanted += [_changed(entries[n]) for n in changing]
    answers: dict[int, str] = {}

    def read_at_last(done: Done) -> None:
        for n in reading:
            response = entries[n].call.route.answer(entries[n].call)
            answers[n] = _said(response.status, response.body.decode(), response.headers)

    if not wanted:
        read_at_last(Done(versions={}))
        return [answers[n] for n in range(len(entries))]
    names, done = transact(wanted, call.sender(), last=read_at_last)
    if done.is_repeat:
        read_at_last(done)
    for n, name in zip([*making, *changing], names, strict=True):
        answers[n] = _stored(call, name, done.versions.get(name), is_new=n in making)
    return [answers[n] for n in range(len(entries))]


def _new(entry: _Entry) -> New:
    made = new_of(entry.call)
    return New(text=made.text, kind=made.kind, unless=made.unless, called=entry.called)


def _changed(entry: _Entry) -> Changed:
    made = change_of(entry.call)
    return Changed(text=made.text, kind=made.kind, identity=made.identity, expected=made.expected, called=entry.called)


def _refuse_double(entries: Iterable[_Entry]) -> None:
    """Two entries that must not be stored beside the same thing would be stored beside each other."""
    conditions = [(e.call.kind, e.call.request.header("if-none-exist")) for e in entries]
    named = [c for c in conditions if c[1]]
    if len(set(named)) < len(named):
        raise Problem(412, "multiple-matches", "Two entries have the same ifNoneExist; nothing was stored.")


def _stored(call: Call, name: str, version: int | None, *, is_new: bool) -> str:
    kind, _, identity = name.partition("/")
    within = reach(call.account)  # asked anew: who puts somebody on record may reach them since then
    found = read(within, kind, identity) if version is None else vread(within, kind, identity, version)
    status = 201 if is_new and version is not None else 200
    if found is None:  # who may write and not read is told its name alone
        return _said(status, None, (("Location", f"{call.request.base}/fhir/{name}"),))
    place = f"{call.request.base}/fhir/{name}/_history/{found.version}"
    text = served(found) if _wants_all(call) else None
    return _said(status, text, (*stamps(found), ("Location", place)), changed=found.changed_at.isoformat())


_REASONS: Mapping[int, str] = {200: "OK", 201: "Created", 304: "Not Modified"}


def _said(status: int, text: str | None, headers: Sequence[tuple[str, str]], *, changed: str = "") -> str:
    """One entry of the answer."""
    held = {name.lower(): value for name, value in headers}
    response: dict[str, Any] = {"status": f"{status} {_REASONS.get(status, '')}".strip()}
    for header, key in (("location", "location"), ("etag", "etag")):
        if header in held:
            response[key] = held[header]
    if changed:
        response["lastModified"] = changed
    said = json.dumps(response)
    if not text:
        return f'{{"response":{said}}}'
    if status >= 400:
        return f'{{"response":{said[:-1]},"outcome":{text}}}}}'
    return f'{{"resource":{text},"response":{said}}}'


def _broken(field: str, limit: str) -> BadInput:
    return BadInput(field=field, found="another", limit=limit, next_step="Nothing was done; correct the Bundle.")
