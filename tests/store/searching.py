"""Put resources into a record and search them, in one line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from clinic import clock
from clinic.record.models import Practice
from clinic.record.reach import Reach
from clinic.record.search import Cursor, Page, parse, search
from clinic.record.write import Write, write
from ketapath.fhir import patient_of


def put(
    practice: Practice, resource: Mapping[str, Any], *, patient: str | None = None, expected: int = 0,
    at: datetime | None = None,
) -> None:  # fmt: skip
    """Store one resource, about the person it names unless another is named."""
    about = patient_of(resource) if patient is None else patient
    one = Write(
        kind=resource["resourceType"], identity=resource["id"], patient_id=about or "", text=json.dumps(resource),
        expected=expected,
    )  # fmt: skip
    with transaction.atomic():
        write(practice, [one], by="somebody", reason="", at=at or clock.now())


def page(reach: Reach | Practice, asked: str, *, after: Cursor | None = None, lenient: bool = False) -> Page:
    """The page of a search as it would stand in an address, unescaped: "Observation?patient=p1&code=1"."""
    kind, _, rest = asked.partition("?")
    pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in rest.split("&") if pair]
    within = reach if isinstance(reach, Reach) else Reach(practice=reach)
    return search(within, parse(kind, pairs, lenient=lenient), after=after)


def found(reach: Reach | Practice, asked: str) -> list[str]:
    """The ids on the first page."""
    return [match.identity for match in page(reach, asked).matches]


def observation(identity: str, patient: str = "p1", **fields: Any) -> dict[str, Any]:
    """An Observation about this person."""
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Observation", "id": identity, "status": "final", "subject": subject, **fields}
