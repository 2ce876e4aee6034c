"""The schema of a file under claims/, as wording.py reads it: claims, their cases, or word lists.

The signs of a wording are a language of their own; `ketapath knowledge check` reads them, a schema does not.
"""

from __future__ import annotations

from typing import get_args

from ketapath.domain.education import ClaimVerdict
from ketapath.knowledge.json_parts import (
    BOOL,
    KEY,
    TEXT,
    Schema,
    list_of,
    list_or,
    map_of,
    one_of,
    record,
    record_as_read,
    reviewed,
    trust,
    with_cases,
)
from ketapath.knowledge.wording import CLAIM_FIELDS, GROUP_FIELDS


def claims() -> Schema:
    """A list holds claims or their cases, a mapping holds word lists; guards and omissions are word lists, too."""
    phrases = list_of({**TEXT, "description": "In quotes where YAML reads something else: no, on, true, 7."})
    return list_or(with_cases(_claim(), "claim", _case()), map_of(phrases))


def _claim() -> Schema:
    fields: dict[str, Schema] = {
        "id": TEXT,
        "title": TEXT,
        "verdict": one_of(get_args(ClaimVerdict), "What is wrong with it."),
        "states_benefit": {**BOOL, "description": "True: harm, cost and other ways have to be told beside it."},
        "balanced": {**TEXT, "description": "What would be honest, in our own words, with figures and denominators."},
        "wordings": list_of({"anyOf": [TEXT, _group()]}, least=1),
        "sources": list_of(record({"key": KEY, "locator": TEXT}), least=1),
        "trust": trust(),
        "needs_approval": BOOL,
        **reviewed(),
    }
    return record_as_read(fields, CLAIM_FIELDS)


def _group() -> Schema:
    """Wordings of which one states the claim, and what makes it fair."""
    fields = {field: list_of(TEXT, least=1 if field == "any" else 0) for field in GROUP_FIELDS}
    return record(fields, optional=set(GROUP_FIELDS) - {"any"})


def _case() -> Schema:
    texts = list_of(TEXT)
    return record({"claim": {**TEXT, "description": "The id of a claim."}, "found": texts, "not_found": texts})
