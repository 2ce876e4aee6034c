"""Goals in the person's own words: read with their ratings; nothing odd counts, nothing is hidden."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.records import KNOWLEDGE, SUBJECT, TODAY, days_ago, person, record

from ketapath import journey
from ketapath.domain.goal import Goal
from ketapath.errors import BadInput
from ketapath.fhir import encode

WORDS = "Walk the dog every morning"


def goal(**more: Any) -> dict[str, Any]:
    return encode.goal("dog", WORDS, patient_id="test", since=days_ago(30)) | more


def rating(level: int, days: int, **more: Any) -> dict[str, Any]:
    found = encode.goal_rating(f"r{days}", "dog", level, patient_id="test", at=days_ago(days), by="somebody")
    return found | more


def goals(*resources: dict[str, Any], as_of: date = TODAY) -> tuple[Goal, ...]:
    return person(record(*resources), as_of=as_of).goals


def test_a_goal_comes_back_with_its_ratings_in_order_of_time() -> None:
    [found] = goals(rating(1, 2), goal(), rating(-2, 20))
    assert (found.words, found.status, found.since, found.notes) == (WORDS, "active", days_ago(30), ())
    assert [(r.on, r.level, r.origin) for r in found.ratings] == [
        (days_ago(20), -2, "Observation/r20"),
        (days_ago(2), 1, "Observation/r2"),
    ]


@pytest.mark.parametrize("level", [-2, -1, 0, 1, 2])
def test_every_step_is_read_back_as_it_was_written(level: int) -> None:
    assert [r.level for r in goals(goal(), rating(level, 1))[0].ratings] == [level]


@pytest.mark.parametrize(
    ("value", "level"), [({"valueInteger": -1}, -1), ({"valueQuantity": {"value": 2, "unit": "{score}"}}, 2)]
)
def test_a_plain_number_is_read_too(value: dict[str, Any], level: int) -> None:
    plain = {k: v for k, v in rating(0, 1).items() if k != "valueCodeableConcept"} | value
    assert [r.level for r in goals(goal(), plain)[0].ratings] == [level]


@pytest.mark.parametrize(
    "value",
    [{"valueInteger": 3}, {"valueQuantity": {"value": 0.5}}, {"valueString": "fine"}, {"valueBoolean": True}, {}],
)
def test_what_is_no_step_is_a_note_and_no_rating(value: dict[str, Any]) -> None:
    odd = {k: v for k, v in rating(0, 1).items() if k != "valueCodeableConcept"} | value
    [found] = goals(goal(), odd)
    assert found.ratings == ()
    assert [n.key for n in found.notes] == ["goal.rating_not_understood"]


def test_a_rating_without_a_day_is_a_note() -> None:
    undated = {k: v for k, v in rating(0, 1).items() if k != "effectiveDateTime"}
    assert [n.key for n in goals(goal(), undated)[0].notes] == ["goal.rating_undated"]


@pytest.mark.parametrize("reference", ["Goal/dog", "https://clinic.example/fhir/Goal/dog/_history/2", "urn:uuid:dog"])
def test_a_goal_is_found_however_it_is_referred_to(reference: str) -> None:
    assert len(goals(goal(), rating(0, 1, focus=[{"reference": reference}]))[0].ratings) == 1


def test_a_rating_of_something_else_is_not_taken_for_the_goals() -> None:
    other = rating(0, 1, focus=[{"reference": "Condition/dog"}])
    assert goals(goal(), other)[0].ratings == ()
    notes = person(record(goal(), other)).notes
    assert [n.values["kind"] for n in notes if n.key == "profile.not_interpreted"] == ["Observation"]


def test_what_is_void_or_still_to_come_does_not_count() -> None:
    assert goals(goal(lifecycleStatus="entered-in-error")) == ()
    assert goals(goal(), rating(0, 1, status="entered-in-error"))[0].ratings == ()
    assert goals(goal(), as_of=days_ago(31)) == ()
    assert goals(goal(), rating(0, 1), as_of=days_ago(2))[0].ratings == ()


def test_a_goal_without_words_is_said_to_be_unread() -> None:
    silent = goal(description={"text": " "})
    someone = person(record(silent))
    assert someone.goals == ()
    assert [n.values["kind"] for n in someone.notes if n.key == "profile.not_interpreted"] == ["Goal"]


@pytest.mark.parametrize("field", ["description", "startDate", "lifecycleStatus"])
@pytest.mark.parametrize("value", [None, 5, [], {}, [[]], {"text": 7}])
def test_a_broken_element_breaks_nothing_else(field: str, value: Any) -> None:
    assert len(goals(goal(**{field: value}), goal(id="other"))) >= 1


def test_a_goal_of_somebody_else_refuses_the_record() -> None:
    with pytest.raises(BadInput, match="subject"):
        journey.person(record(goal(subject={"reference": "Patient/other"})), KNOWLEDGE, as_of=TODAY)


def test_goals_change_no_fact() -> None:
    assert SUBJECT == {"reference": "Patient/test"}
    assert person(record(goal(), rating(2, 1))).known == person(record()).known
