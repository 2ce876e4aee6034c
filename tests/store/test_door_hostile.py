"""Whatever is sent to the door is answered in words, never by a fault of ours, and leaves nothing half done."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
import schemathesis
from django.db import connection
from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.store.conftest import practice_with
from tests.store.door import BASE, PATIENT, Caller, said, score

from clinic.access.models import Account
from clinic.api.documents import openapi
from clinic.api.message import Request, Response
from clinic.api.respond import ROUTES, respond
from clinic.record.models import Current, Version

WEIRD: list[Any] = [
    None, True, 0, -1, 1e308, 5e-324, 10**30, "", "\0", "\ud800", "a" * 300_000, "9999-99-99", "Patient/../x", [],
    {}, [[]], {"reference": 5}, {"reference": "Patient/"}, {"resourceType": "Patient"}, "urn:uuid:x", "\u202e", [None],
    {"": ""}, {"extension": [{"url": "x", "valueString": "y"}]}, "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", -0.0,
]  # fmt: skip
HEADERS = (
    "if-match", "if-none-match", "if-none-exist", "if-modified-since", "accept", "content-type", "prefer",
    "idempotency-key", "authorization", "content-encoding",
)  # fmt: skip
WORDS = [
    "", "*", 'W/"1"', '"1"', "W/\"99999999999999999999\"", "identifier=", "identifier=x|y&nickname=z", "=", "%00",
    "%ff", "\x7f", "é", "a" * 5000, "application/fhir+json;charset=", "return=;handling=",
    "Bearer", "json", "Fri, 99 Foo",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "", "X" * 100]
STEPS = [
    "Patient", "Observation", "Nothing", "_history", "_search", "$everything", "metadata", "..", ".", "", "a" * 65,
    "%00", "\0", "é", "1", "0", "99999999999999999999", "-1", "x'--", "\ud800", "Patient/1/Observation",
]  # fmt: skip
VALUES = [
    "",
    "a",
    "%",
    "é",
    "\0",
    "a" * 3000,
    "2026-02-30",
    "ge",
    "ge2026",
    "x|y|z",
    "|",
    ",,,",
    "-1",
    "1e999",
    "Patient/x",
]


@pytest.fixture
def caller(here: Account) -> Caller:
    return Caller(here)


def good(person: str, one: dict[str, Any]) -> list[tuple[str, str, str, dict[str, str], Any]]:
    """Requests that are answered as they should: method, path, query, headers, body."""
    place = f"/fhir/Observation/{one['id']}"
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
        {"resource": score("urn:uuid:1", valueInteger=3), "request": {"method": "POST", "url": "Observation"}},
        {"request": {"method": "GET", "url": f"Observation?patient={person}"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    rich = score(person, valueQuantity={"value": 1.5, "unit": "mg"}, effectiveDateTime="2026-11-24T09:00:00Z")
    return [
        ("GET", place, "", {}, None), ("GET", f"{place}/_history", "", {}, None),
        ("GET", f"{place}/_history/1", "", {}, None),
        ("GET", "/fhir/Observation", f"patient={person}&code=44261-6&date=ge2026-01-01&_count=5", {}, None),
        ("GET", "/fhir/Patient", "name=Okafor&_sort=_id", {}, None), ("POST", "/fhir/Patient", "", {}, PATIENT),
        ("POST", "/fhir/Observation", "", {"if-none-exist": "identifier=urn:x|1"}, rich),
        ("PUT", place, "", {"if-match": 'W/"1"'}, {**one, "status": "amended"}), ("POST", "/fhir", "", {}, bundle),
        ("POST", "/fhir", "", {}, {**bundle, "type": "batch"}),
    ]  # fmt: skip


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside this value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, child in inside for spot in spots(child, (*path, key)))]


def spoiled(draw: random.Random, value: Any) -> Any:
    """The same value with something strange at one place in it."""
    copy = json.loads(json.dumps(value))
    spot = draw.choice(spots(copy)[1:] or [()])
    if not spot:
        return draw.choice(WEIRD)
    holder = copy
    for key in spot[:-1]:
        holder = holder[key]
    turn = draw.randrange(4)
    if turn == 0:
        holder[spot[-1]] = draw.choice(WEIRD)
    elif turn == 1 and isinstance(holder, dict):
        holder[
            draw.choice(["unheard", "_status", "resource_type", "fhir_comments", "__class__", "\0", "id", "meta"])
        ] = draw.choice(WEIRD)
    elif turn == 2 and isinstance(holder, dict):
        del holder[spot[-1]]
    else:
        holder[spot[-1]] = spoiled(draw, holder[spot[-1]]) if holder[spot[-1]] else draw.choice(WEIRD)
    return copy


def written(draw: random.Random, body: Any) -> bytes:
    """The body as bytes, some of them broken."""
    data = bytearray(json.dumps(body, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass"))
    turn = draw.randrange(8)
    if turn == 0:
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
    elif turn == 1:
        del data[draw.randrange(len(data)) :]
    elif turn == 2:
        place = draw.randrange(len(data))
        data[place:place] = draw.choice(
            [b"[" * 5000, b'{"a":' * 3000, b'"a":1,"a":1,', b"\xef\xbb\xbf", b"\0", b"1e999,"]
        )
    return bytes(data)


def hostile(draw: random.Random, asked: tuple[str, str, str, dict[str, str], Any]) -> Request:
    """A good request with one to three things wrong."""
    method, path, query, headers, body = asked
    headers = {**({} if body is None else {"content-type": "application/fhir+json"}), **headers}
    data = None
    for _ in range(draw.randrange(1, 4)):
        turn = draw.randrange(8)
        if turn == 0:
            method = draw.choice(METHODS)
        elif turn == 1:
            steps = path.split("/")
            steps[draw.randrange(1, len(steps))] = draw.choice(STEPS)
            path = "/".join(steps)
        elif turn == 2:
            pairs = [(draw.choice(["patient", "code", "date", "_id", "name", "_count", "_sort", "_page", "x" * 200]),
                      draw.choice(VALUES)) for _ in range(draw.choice([1, 2, 300]))]  # fmt: skip
            query = urlencode(pairs, errors="surrogatepass") + draw.choice(["", "&%00", "&%ff=%ff", "&&", "&;=;"])
        elif turn == 3:
            headers[draw.choice(HEADERS)] = draw.choice(WORDS)
        elif body is not None and turn < 7:
            body = spoiled(draw, body)
        else:
            data = draw.choice([b"", b"{}", b"null", b"\xff\xfe", b"[" * 100_000, b'{"resourceType":"Bundle"}'])
    data = data if data is not None else b"" if body is None else written(draw, body)
    return Request(method=method, path=path, query=query, headers=headers, body=data, base=BASE, source="192.0.2.1")


def assert_no_fault(response: Response, request: Request) -> None:
    shown = f"{request.method} {request.path[:80]!r} {request.query[:200]!r} {request.headers} {request.body[:3000]!r}"
    assert 200 <= response.status < 500, f"{response.status} {shown} {response.body[:300]!r}"
    if response.status >= 400:
        assert said(response)["resourceType"] == "OperationOutcome", shown


def bombard(caller: Caller, count: int, number: int) -> Counter[int]:
    person = caller.person()
    one = caller.made(score(person))
    draw = random.Random(number)
    seen: Counter[int] = Counter()
    for _ in range(count):
        request = hostile(draw, draw.choice(good(person, one)))
        request.headers.setdefault("authorization", f"Bearer {caller.token}")  # type: ignore[attr-defined]
        response = respond(request)
        assert_no_fault(response, request)
        seen[response.status] += 1
    return seen


@pytest.mark.requirement(25)
def test_malformed_requests_are_never_a_fault_of_ours(caller: Caller) -> None:
    seen = bombard(caller, 500, 1)
    assert {200, 201, 400, 401, 404, 405, 422} <= set(seen), seen  # the mutations reach every stage
    for row in Current.objects.filter(practice=caller.account.practice):
        assert json.loads(row.content)["resourceType"] == row.kind


@pytest.mark.slow
@pytest.mark.requirement(25)
@pytest.mark.parametrize("number", range(2, 12))
def test_ten_thousand_malformed_requests(caller: Caller, number: int) -> None:
    assert sum(bombard(caller, 1000, number).values()) == 1000


def sent(caller: Caller, case: schemathesis.Case) -> Request:
    """A case as schemathesis makes it, as a request of this caller."""
    headers = {name.lower(): str(value) for name, value in (case.headers or {}).items()}
    headers |= {"authorization": f"Bearer {caller.token}", "content-type": str(case.media_type or "")}
    data = b""
    if isinstance(case.body, dict | list):
        is_form = case.media_type == "application/x-www-form-urlencoded"
        data = (urlencode(case.body) if is_form else json.dumps(case.body)).encode()
    return Request(
        method=case.method.upper(), path=unquote(case.formatted_path), query=urlencode(case.query or {}, doseq=True),
        headers=headers, body=data, base=BASE,
    )  # fmt: skip


def ask_as_documented(caller: Caller, examples: int) -> Counter[int]:
    """Requests that schemathesis makes from the OpenAPI document alone, held to what it says that they may answer."""
    document = json.loads(json.dumps(openapi(BASE, ROUTES)))
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    seen: Counter[int] = Counter()
    for operation in operations:
        documented = set(document["paths"][operation.path][operation.method.lower()]["responses"])

        @seed(1)
        @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck),
                  phases=[Phase.generate])  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            request = sent(caller, case)
            response = respond(request)
            assert_no_fault(response, request)
            assert str(response.status) in documented, (request.method, request.path, response.status)  # noqa: B023
            seen[response.status] += 1

        ask()
    return seen


def test_what_the_openapi_document_promises_is_what_is_answered(caller: Caller) -> None:
    seen = ask_as_documented(caller, 15)
    assert sum(seen.values()) > 60
    assert set(seen) - {404}


@pytest.mark.slow
def test_what_the_openapi_document_promises_many_times(caller: Caller) -> None:
    assert sum(ask_as_documented(caller, 500).values()) > 2000


@pytest.mark.usefixtures("committed")
@pytest.mark.skipif(
    "connection.vendor == 'sqlite'",
    reason="threads of one process need a database server; test_door_http does it on SQLite",
)
def test_of_24_racing_conditional_creates_one_is_made() -> None:
    caller = Caller(practice_with())
    known = {**PATIENT, "identifier": [{"system": "urn:x", "value": "race"}]}
    start, answers = threading.Barrier(24), []

    def attempt() -> None:
        try:
            start.wait()
            answers.append(caller.ask("POST", "/Patient", known, if_none_exist="identifier=urn:x|race"))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status for answer in answers) == {201: 1, 200: 23}
    assert len({said(answer)["id"] for answer in answers}) == 1
    assert Version.objects.filter(practice=caller.account.practice).count() == 1
