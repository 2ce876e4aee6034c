"""An invented marker whose card meets every preset rule, for showing that the gate opens, and how little it opens."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

from tests.records import KNOWLEDGE, TODAY

from ketapath.domain.clinic import Approval
from ketapath.knowledge import Knowledge, Source
from ketapath.knowledge.cards import parse_card
from ketapath.knowledge.policy import MARKER, under_policy

SOURCE = Source(
    key="INVENTED",
    citation="Invented study of an invented effect, for tests",
    locator="nowhere",
    read="full text",
    read_on=date(2026, 11, 25),
    retracted=False,
    note="",
)
BY = "Dr Novak"
_PLACE = {"source": "INVENTED", "locator": "table 2", "trust": "read"}

CARD: Mapping[str, Any] = {
    "id": "invented",
    "version": "2",
    "title": "Invented marker",
    "kind": "genotype",
    "measures": "What nobody has measured.",
    "reads": ["gene.bdnf_rs6265"],
    "predicts": "response",
    "claim": "Carriers of Met respond less.",
    "grade": "RCT",
    "strength": "A",
    "rules": ["PGX-004"],
    "studies": [
        {
            "n": 300,
            "population": "Invented people",
            "design": "Invented trial",
            "effect": "Carriers of Met responded less.",
            "figure": {"measure": "odds ratio", "value": 0.8, "interval": [0.7, 0.9]},
            "sample": "out-of-sample",
            "replication": "repeated",
            **_PLACE,
        }
    ],
    "suppose": [
        {
            "result": "Met",
            "when": {"path": "gene.bdnf_rs6265", "in": ["Val/Met", "Met/Met"]},
            "measure": "odds-ratio",
            "value": 0.8,
            "interval": [0.7, 0.9],
            "said": "Odds of response.",
            **_PLACE,
        }
    ],
    "no_size": None,
    "validity": {
        "external_validation": {
            "measure": "c-statistic", "value": 0.72, "interval": [0.66, 0.78], "n": 300, "cohorts": 1, **_PLACE,
        },
        "calibration": {"measure": "calibration-slope", "value": 1.02, "interval": [0.9, 1.15], "n": 300, **_PLACE},
        "net_benefit": {
            "measure": "net-benefit", "value": 0.03, "interval": [0.01, 0.05], "threshold": 0.4, "n": 300, **_PLACE,
        },
    },
    "effect": {
        "on": "response-probability",
        "options": ["racemic/iv", "esketamine/nasal"],
        "direction": "lowers",
        "bound": 0.1,
    },
    "device_line": "Not assessed.",
    "owner": "medical lead",
    "reviewed_on": "2026-11-25",
    "review_due": "2027-11-25",
    "note": None,
}  # fmt: skip


def card(**changes: Any) -> dict[str, Any]:
    """The invented card with some fields changed; a double underscore goes one level down (`effect__bound`)."""
    made: dict[str, Any] = deepcopy(dict(CARD))
    for name, value in changes.items():
        *way, last = name.split("__")
        place: Any = made
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return made


def with_cards(*records: Mapping[str, Any], source: Source = SOURCE) -> Knowledge:
    """The shipped knowledge with these cards beside its own, nobody having approved anything."""
    sources = {**KNOWLEDGE.sources, source.key: source}
    cards = {r["id"]: parse_card(r, sources, where="test") for r in records}
    return replace(KNOWLEDGE, sources=sources, biomarkers={**KNOWLEDGE.biomarkers, **cards})


def approved(*records: Mapping[str, Any], version: str | None = None, source: Source = SOURCE) -> Knowledge:
    """The same under the policy of a clinic where a named clinician approved each card, in this version."""
    approvals = {
        MARKER + r["id"]: Approval(item=MARKER + r["id"], version=version or r["version"], by=BY, on=TODAY)
        for r in records
    }
    return under_policy(with_cards(*records, source=source), approvals)
