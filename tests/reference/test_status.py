"""Is the legal status of each product and indication whole, sourced and unambiguous?"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from ketapath.knowledge import load, parse_yaml

FILE = Path(__file__).parents[2] / "src" / "ketapath" / "knowledge" / "status.yaml"
FIELDS = {
    "id", "product", "form", "indication", "jurisdiction", "status", "since", "as_of", "population", "conditions",
    "sources", "trust",
}  # fmt: skip
WORDS = {
    "product": {"esketamine", "racemic"},
    "form": {"licensed", "compounded"},
    "indication": {
        "MDD-resistant", "MDD-acute-suicidality", "bipolar-depression", "PTSD", "GAD", "SAD", "OCD", "AUD", "CRPS",
        "chronic-pain", "adolescent-depression", "anaesthesia",
    },
    "jurisdiction": {"US", "EU", "UK", "CA", "AU", "NZ"},
    "status": {"approved", "off-label", "compounded", "investigational"},
    "trust": {"read", "summary", "unread"},
}  # fmt: skip


@cache
def records() -> list[dict[str, Any]]:
    return list(parse_yaml(FILE.read_bytes(), where=FILE.name))


def test_every_record_has_all_fields_and_known_words() -> None:
    for record in records():
        assert set(record) == FIELDS, record["id"]
        assert {f: record[f] for f in WORDS if record[f] not in WORDS[f]} == {}, record["id"]
        assert record["population"], record["id"]
        assert record["conditions"], record["id"]


def test_no_id_and_no_pair_for_the_same_people_comes_twice() -> None:
    ids = Counter(r["id"] for r in records())
    pairs = Counter(
        tuple(r[f] for f in ("product", "form", "indication", "jurisdiction", "population")) for r in records()
    )
    assert [name for name, n in (ids + pairs).items() if n > 1] == []


def test_every_source_exists_and_only_what_was_not_read_goes_without() -> None:
    known = load().sources
    for record in records():
        assert {s["key"] for s in record["sources"]} <= set(known), record["id"]
        assert record["sources"] or record["trust"] == "unread", record["id"]
        assert all(s["locator"] == known[s["key"]].locator for s in record["sources"]), record["id"]


def test_a_day_of_reading_stands_everywhere_and_a_beginning_is_a_day_or_a_month() -> None:
    for record in records():
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", record["as_of"]), record["id"]
        assert record["since"] is None or re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", record["since"]), record["id"]


def test_what_a_pharmacy_made_up_is_never_approved_and_only_that_is_called_compounded() -> None:
    for record in records():
        assert (record["form"] == "compounded") == (record["status"] == "compounded"), record["id"]


def test_the_only_approved_uses_are_those_a_licence_was_read_or_named_for() -> None:
    approved = {(r["product"], r["indication"]) for r in records() if r["status"] == "approved"}
    assert approved == {
        ("esketamine", "MDD-resistant"),
        ("esketamine", "MDD-acute-suicidality"),
        ("racemic", "anaesthesia"),
    }
