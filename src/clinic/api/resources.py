"""Read, versions, history, search, create and update of single resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlencode

from clinic.access.permission import reach
from clinic.actions.exchange import Changed, New, create, update
from clinic.api.call import Call, pairs_of
from clinic.api.message import Response, of_text, of_value
from clinic.api.outcome import NOT_FOUND
from clinic.api.paging import Place, place_of, without_page, word_of
from clinic.record.read import Stored, history, read, vread
from clinic.record.search import Page, Query, parse, search
from ketapath.errors import BadInput
from ketapath.fhir import read_json
from ketapath.fhir.verbatim import stamped

MOST_VERSIONS = 1000


def served(stored: Stored) -> str:
    """The wording of a stored resource, with id and version as the store keeps them."""
    return stamped(stored.text, identity=stored.identity, version=stored.version, changed_at=stored.changed_at)


def stamps(stored: Stored) -> tuple[tuple[str, str], ...]:
    """The headers that tell one version from another."""
    return ("ETag", f'W/"{stored.version}"'), ("Last-Modified", _http_date(stored.changed_at))


def read_one(call: Call) -> Response:
    """GET [kind]/[id]."""
    _only_format(call)
    return _one(call, read(call.reach(), call.kind, call.identity))


def read_version(call: Call) -> Response:
    """GET [kind]/[id]/_history/[version]."""
    _only_format(call)
    return _one(call, vread(call.reach(), call.kind, call.identity, call.version))


def _one(call: Call, stored: Stored | None) -> Response:
    if stored is None:
        raise NOT_FOUND
    call.tell(call.act, outcome="done", account=call.account, patient_id=stored.patient_id,
              entities=[f"{stored.kind}/{stored.identity}/_history/{stored.version}"], asked=call.line())  # fmt: skip
    if _has_it(call, stored):
        return Response(status=304, headers=stamps(stored))
    return of_text(200, served(stored), *stamps(stored))


def _has_it(call: Call, stored: Stored) -> bool:
    """Whether the caller says that they hold this very version; the tag decides where both are said."""
    tags, since = call.request.header("if-none-match"), call.request.header("if-modified-since")
    if tags:
        return any(tag.strip().removeprefix("W/") in ("*", f'"{stored.version}"') for tag in tags.split(","))
    try:
        return bool(since) and stored.changed_at.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError, OverflowError):
        return False  # a date that cannot be read is no condition (RFC 9110, 13.1.3)


def read_history(call: Call) -> Response:
    """GET [kind]/[id]/_history, newest first."""
    _only_format(call)
    versions = history(call.reach(), call.kind, call.identity)
    if not versions:
        raise NOT_FOUND
    call.tell(call.act, outcome="done", account=call.account, patient_id=versions[0].patient_id,
              entities=[f"{call.kind}/{call.identity}"], asked=call.line())  # fmt: skip
    entries = []
    for stored in versions[:MOST_VERSIONS]:
        method, status = ("POST", "201") if stored.version == 1 else ("PUT", "200")
        url = call.kind if stored.version == 1 else f"{call.kind}/{call.identity}"
        said = {"request": {"method": method, "url": url}, "response": {"status": status, **_stamp(stored)}}
        entries.append(_entry(call, stored, json.dumps(said)[1:-1]))
    head = {"resourceType": "Bundle", "type": "history", "total": len(versions)}
    return of_text(200, _bundle(head, entries))


def find(call: Call) -> Response:
    """GET [kind]?... and POST [kind]/_search."""
    word, pairs = without_page(call.pairs())
    is_lenient = call.request.preference("handling") == "lenient"
    after = None
    if word:
        place = place_of(word, call.account.pk, call.kind)
        pairs, is_lenient, after = list(place.pairs), place.is_lenient, place.after
    query = parse(call.kind, pairs, lenient=is_lenient)
    page = search(call.reach(), query, after=after)
    people = sorted({s.patient_id for s in (*page.matches, *page.included)} - {""})
    call.tell(call.act, outcome="done", account=call.account, patient_id=people[0] if len(people) == 1 else "",
              entities=[f"Patient/{person}" for person in people], asked=call.line())  # fmt: skip
    return of_text(200, _searchset(call, query, pairs, page, is_lenient=is_lenient))


def _searchset(call: Call, query: Query, pairs: Sequence[tuple[str, str]], page: Page, *, is_lenient: bool) -> str:
    at = f"{call.request.base}/fhir/{call.kind}"
    understood = urlencode([pair for pair in pairs if pair[0] not in query.ignored])
    links = [{"relation": "self", "url": f"{at}?{understood}" if understood else at}]
    if page.next is not None:
        place = Place(kind=call.kind, pairs=tuple(pairs), is_lenient=is_lenient, after=page.next)
        links.append({"relation": "next", "url": f"{at}?_page={word_of(place, call.account.pk)}"})
    entries = [_entry(call, stored, '"search":{"mode":"match"}') for stored in page.matches]
    entries += [_entry(call, stored, '"search":{"mode":"include"}') for stored in page.included]
    return _bundle({"resourceType": "Bundle", "type": "searchset", "total": page.total, "link": links}, entries)


def make(call: Call) -> Response:
    """POST [kind], plain or with If-None-Exist."""
    _only_format(call)
    name, done = create(new_of(call), call.sender())
    is_new = name in done.versions
    return _written(call, name, done.versions.get(name), 201 if is_new else 200)


def new_of(call: Call) -> New:
    """The resource that this request wants to have made."""
    condition = call.request.header("if-none-exist")
    unless = parse(call.kind, pairs_of(condition)) if condition else None
    return New(text=body_of(call), kind=call.kind, unless=unless)


def change(call: Call) -> Response:
    """PUT [kind]/[id] with If-Match."""
    _only_format(call)
    done = update(change_of(call), call.sender())
    name = f"{call.kind}/{call.identity}"
    return _written(call, name, done.versions.get(name), 200)


def change_of(call: Call) -> Changed:
    """The change that this request wants to have made."""
    # Asked before the precondition, so that what is not there and what is not theirs look alike.
    if read(call.reach(), call.kind, call.identity) is None:
        raise NOT_FOUND
    return Changed(text=body_of(call), kind=call.kind, identity=call.identity, expected=call.expected())


def body_of(call: Call) -> str:
    """The body as text, once it is known to be JSON that can be kept."""
    read_json(call.request.body)
    return call.request.body.decode("utf-8-sig")


def _written(call: Call, name: str, version: int | None, status: int) -> Response:
    """What was stored, as its sender prefers to be told: the whole, a word, or nothing."""
    identity = name.partition("/")[2]
    within = reach(call.account)  # asked anew: who puts somebody on record may reach them since then
    stored = read(within, call.kind, identity) if version is None else vread(within, call.kind, identity, version)
    if stored is None:  # who may write and not read is told its name alone
        return Response(status=status, headers=(("Location", f"{call.request.base}/fhir/{name}"),))
    place = f"{call.request.base}/fhir/{name}/_history/{stored.version}"
    headers = (*stamps(stored), ("Location", place))
    preferred = call.request.preference("return")
    if preferred == "minimal":
        return Response(status=status, headers=headers)
    if preferred == "OperationOutcome":
        words = "Stored." if version is not None else "It stands already; nothing was stored."
        issue = {"severity": "information", "code": "informational", "details": {"text": words}}
        return of_value(status, {"resourceType": "OperationOutcome", "issue": [issue]}, *headers)
    return of_text(status, served(stored), *headers)


def _only_format(call: Call) -> None:
    for name, _ in call.pairs():
        if name != "_format":
            raise BadInput(
                field="query", found="a parameter", limit="_format alone here", next_step="Leave the others out."
            )


def _entry(call: Call, stored: Stored, more: str) -> str:
    url = json.dumps(f"{call.request.base}/fhir/{stored.kind}/{stored.identity}")
    return f'{{"fullUrl":{url},"resource":{served(stored)},{more}}}'


def _bundle(head: dict[str, object], entries: Iterable[str]) -> str:
    """A Bundle around wordings that stand already. FHIR knows no empty lists."""
    inside = ",".join(entries)
    text = json.dumps(head, ensure_ascii=False)
    return f'{text[:-1]},"entry":[{inside}]}}' if inside else text


def _stamp(stored: Stored) -> dict[str, str]:
    return {"etag": f'W/"{stored.version}"', "lastModified": stored.changed_at.isoformat()}


def _http_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
