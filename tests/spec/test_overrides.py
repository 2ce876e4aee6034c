"""A relative contraindication is treated in spite of by two people until a day; an absolute one never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.records import KNOWLEDGE, TODAY, assessed, good_record

from ketapath.fhir.encode import override_asked, override_signed, with_status

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
RELATIVE, ABSOLUTE = "CON-016", "CON-001"
FACTS = {RELATIVE: {"history__schizophrenia_spectrum": True}, ABSOLUTE: {"history__aneurysm": True}}


def asked(rule_id: str = RELATIVE, *, days: int = 30, at: datetime = AT) -> dict[str, Any]:
    made = override_asked(
        "o-1", KNOWLEDGE.rules[rule_id].ref, reason="in remission for ten years", patient_id="test",
        review_on=TODAY + timedelta(days=days), at=at, by="Dr One",
    )  # fmt: skip
    return dict(made)


def signed(rule_id: str = RELATIVE, **when: Any) -> dict[str, Any]:
    return dict(override_signed(asked(rule_id, **when), at=when.get("at", AT), by="Dr Two"))


def verdict(rule_id: str, *more: dict[str, Any]) -> str:
    return assessed(good_record(*more, **FACTS[rule_id])).verdict


def test_two_signatures_make_a_relative_contraindication_a_caution_and_say_who() -> None:
    assert verdict(RELATIVE) == "not-eligible"
    assert verdict(RELATIVE, signed()) == "caution"
    (found,) = [f for f in assessed(good_record(signed(), **FACTS[RELATIVE])).findings if f.id == RELATIVE]
    assert found.verdict == "caution"
    assert found.overridden is not None
    assert (found.overridden.by, found.overridden.second_by) == ("Dr One", "Dr Two")


def test_one_signature_does_not() -> None:
    assert verdict(RELATIVE, asked()) == "not-eligible"


def test_nothing_overrides_an_absolute_contraindication() -> None:
    assert verdict(ABSOLUTE, signed(ABSOLUTE)) == "not-eligible"


@pytest.mark.parametrize(("days", "expected"), [(1, "caution"), (0, "caution"), (-1, "not-eligible")])
def test_it_ends_on_its_day_of_review(days: int, expected: str) -> None:
    assert verdict(RELATIVE, signed(days=days)) == expected


def test_what_was_taken_back_or_signed_tomorrow_or_for_another_version_counts_for_nothing() -> None:
    assert verdict(RELATIVE, with_status(signed(), "cancelled")) == "not-eligible"
    assert verdict(RELATIVE, signed(at=AT + timedelta(days=1))) == "not-eligible"
    other = signed()
    other["extension"][0]["valueString"] = "0"
    assert verdict(RELATIVE, other) == "not-eligible"


def test_an_override_of_one_rule_leaves_every_other_as_it_is() -> None:
    both = {**FACTS[RELATIVE], **FACTS[ABSOLUTE]}
    assert assessed(good_record(signed(), **both)).verdict == "not-eligible"
