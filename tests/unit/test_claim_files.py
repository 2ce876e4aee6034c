"""A mistake in a file of claims is said with file, record and field, before anything is checked with it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ketapath.errors import KnowledgeError
from ketapath.knowledge import load
from ketapath.knowledge.cases import check
from ketapath.knowledge.wording import parse_claim, parse_lists, parse_wording, phrase_symbols
from ketapath.pharmacology.worked import worked

KNOWLEDGE = load()
GOOD: dict[str, Any] = {
    "id": "CLM-99",
    "title": "t",
    "verdict": "false",
    "states_benefit": True,
    "balanced": "b",
    "wordings": ["{cure} .. pain"],
    "sources": [{"key": "FAVA", "locator": "abstract"}],
    "trust": "read",
    "needs_approval": False,
    "owner": "medical lead",
    "reviewed_on": "2026-11-22",
    "review_due": "2027-11-22",
}
LISTS = {"cure": ("cure~",)}


def test_a_good_record_is_read() -> None:
    claim = parse_claim(GOOD, LISTS, KNOWLEDGE.sources, where="claims/benefit.yaml")
    assert (claim.topic, claim.evidence[0].key, claim.groups[0].any[0].written) == ("benefit", "FAVA", "{cure} .. pain")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "rubbish"}, "verdict 'rubbish'"),
        ({"sources": [{"key": "NOBODY", "locator": "x"}]}, "NOBODY"),
        ({"sources": []}, "sources and wordings may not be empty"),
        ({"wordings": []}, "sources and wordings may not be empty"),
        ({"wordings": ["{nothing} .. pain"]}, "there is no list nothing"),
        ({"wordings": ["pain .."]}, "has to start and end"),
        ({"wordings": [{"unless": ["pain"]}]}, "needs `any`"),
        ({"reviewed_on": "yesterday"}, "yesterday"),
        ({"colour": "blue"}, "unknown fields ['colour']"),
    ],
)
def test_a_mistake_names_file_record_and_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(KnowledgeError) as problem:
        parse_claim(GOOD | change, LISTS, KNOWLEDGE.sources, where="claims/benefit.yaml")
    assert "claims/benefit.yaml: claim CLM-99" in str(problem.value)
    assert said in str(problem.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(KnowledgeError, match=r"missing fields \['balanced'\]"):
        parse_claim({k: v for k, v in GOOD.items() if k != "balanced"}, LISTS, KNOWLEDGE.sources, where="f")


def test_lists_take_in_lists_but_not_in_a_ring() -> None:
    assert parse_lists([("f", {"a": ["{b}", "x/y z"], "b": ["w"]})])["a"] == ("w", "x z", "y z")
    with pytest.raises(KnowledgeError, match="takes it in itself"):
        parse_lists([("f", {"a": ["{b}"], "b": ["{a}"]})])
    with pytest.raises(KnowledgeError, match="no phrase"):
        parse_lists([("f", {"a": [False]})])


@pytest.mark.parametrize("written", ["", "..", "[the] cure", "cure ...", "cu!re", "{}"])
def test_a_wording_that_says_nothing_is_refused(written: str) -> None:
    with pytest.raises(KnowledgeError):
        parse_wording(written, LISTS, where="f")


def test_a_phrase_is_compared_as_texts_are() -> None:
    assert list(phrase_symbols("FDA-approved")) == [("fda", "approved")]
    assert list(phrase_symbols("anaesth*")) == [("anesth*",)]
    assert list(phrase_symbols("can't cure~")) == [("can", "not", "cure~")]


def test_a_case_that_fails_is_a_problem_of_the_knowledge() -> None:
    found = check(KNOWLEDGE, today=date(2026, 11, 24), claims_in=lambda *_: set(), worked=worked)
    assert any(problem.startswith("claim CLM-01: is not found in") for problem in found.problems)
    found = check(KNOWLEDGE, today=date(2026, 11, 24), claims_in=lambda *_: set(KNOWLEDGE.claims), worked=worked)
    assert any(problem.startswith("claim CLM-35: is found in") for problem in found.problems)
