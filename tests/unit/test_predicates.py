"""Three-valued logic: the truth tables of Kleene, thresholds, time windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from ketapath.domain.fact import Fact, Origin, Value
from ketapath.errors import KnowledgeError
from ketapath.knowledge import evaluate
from ketapath.knowledge.rules import nodes, parse_predicate, paths

TODAY = date(2026, 11, 24)


def fact(path: str, value: Value, on: date | None = TODAY) -> dict[str, Fact]:
    return {path: Fact(path=path, value=value, unit=None, on=on, origin=Origin(resource="T", id="t", version=None))}


def ask(node: object, known: dict[str, Fact]) -> bool | None:
    return evaluate(parse_predicate(node, where="test"), known, as_of=TODAY)


@pytest.mark.parametrize(("a", "b"), list(product((True, False, None), repeat=2)))
def test_all_any_and_not_follow_kleene(a: bool | None, b: bool | None) -> None:
    known = {}
    for path, value in (("a", a), ("b", b)):
        if value is not None:
            known |= fact(path, value)
    parts = [{"path": "a", "is": True}, {"path": "b", "is": True}]
    both = False if False in (a, b) else None if None in (a, b) else True
    either = True if True in (a, b) else None if None in (a, b) else False
    assert ask({"all": parts}, known) is both
    assert ask({"any": parts}, known) is either
    assert ask({"not": {"all": parts}}, known) is (None if both is None else not both)


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [(">", False, False, True), (">=", False, True, True), ("<", True, False, False), ("<=", True, True, False)],
)
def test_comparisons_on_both_sides_and_at_the_value(op: str, below: bool, at: bool, above: bool) -> None:
    node = {"path": "x", "op": op, "value": 140}
    assert [ask(node, fact("x", v)) for v in (139.9, 140.0, 140.1)] == [below, at, above]
    assert ask(node, {}) is None
    assert ask(node, fact("x", "high")) is None
    assert ask(node, fact("x", True)) is None


@pytest.mark.parametrize(("days", "expected"), [(-1, False), (0, True), (42, True), (43, False)])
def test_a_time_window_includes_its_last_day_and_no_day_of_the_future(days: int, expected: bool) -> None:
    known = fact("mi", True, TODAY - timedelta(days=days))
    assert ask({"path": "mi", "within_days": 42}, known) is expected


def test_an_undated_event_is_unknown_and_an_event_that_never_was_is_not() -> None:
    assert ask({"path": "mi", "within_days": 42}, fact("mi", True, None)) is None
    assert ask({"path": "mi", "within_days": 42}, fact("mi", False, None)) is False


def test_membership() -> None:
    assert ask({"path": "risk", "in": ["high", "imminent"]}, fact("risk", "high")) is True
    assert ask({"path": "risk", "in": ["high"]}, fact("risk", ("low", "high"))) is True
    assert ask({"path": "risk", "in": ["high"]}, fact("risk", "low")) is False


@pytest.mark.parametrize(
    "node",
    [
        None,
        {},
        [],
        "true",
        {"or": []},
        {"path": "a"},
        {"path": "a", "is": 1, "in": [1]},
        {"path": "a", "in": "abc"},
        {"path": "a", "op": "~", "value": 1},
        {"path": "a", "op": ">", "value": "high"},
        {"path": "a", "op": ">", "value": None},
        {"path": "a", "within_days": "six weeks"},
        {"all": []},
        {"any": {"path": "a", "is": True}},
        {"not": []},
        {"always": False},
        {"predicate": "nobody_wrote_it"},
    ],
)
def test_what_is_no_predicate_is_refused_with_the_name_of_the_record(node: object) -> None:
    with pytest.raises(KnowledgeError, match="rule X"):
        parse_predicate(node, where="rule X")


def test_what_always_holds_needs_no_fact() -> None:
    assert ask({"always": True}, {}) is True
    assert ask({"not": {"always": True}}, {}) is False


def test_a_fact_that_is_stated_without_a_value_is_unknown() -> None:
    assert ask({"path": "a", "is": True}, fact("a", None)) is None


def test_a_predicate_says_which_paths_it_reads_and_of_which_nodes_it_is_made() -> None:
    when = parse_predicate(
        {
            "any": [
                {"path": "a", "is": True},
                {"not": {"path": "a", "in": ["x"]}},
                {"predicate": "item9_not_followed_up"},
            ]
        },
        where="test",
    )
    assert list(paths(when)) == ["a", "a", "scale.phq9_item9", "scale.suicide_risk"]
    assert [n.kind for n in nodes(when)] == ["any", "is", "not", "in", "named"]


def test_item_nine_is_followed_up_only_by_an_assessment_of_that_day_or_later() -> None:
    node = {"predicate": "item9_not_followed_up"}
    yesterday = TODAY - timedelta(days=1)
    assert ask(node, {}) is None
    assert ask(node, fact("scale.phq9_item9", 0.0)) is False
    assert ask(node, fact("scale.phq9_item9", 1.0)) is True
    assert ask(node, fact("scale.phq9_item9", 1.0) | fact("scale.suicide_risk", "low", yesterday)) is True
    assert ask(node, fact("scale.phq9_item9", 1.0, yesterday) | fact("scale.suicide_risk", "low")) is False
    assert ask(node, fact("scale.phq9_item9", True)) is None
    assert ask(node, fact("scale.phq9_item9", 1.0) | fact("scale.suicide_risk", "low", None)) is True


@pytest.mark.parametrize(
    ("answered", "assessed", "open_still"),
    [(9, 10, False), (10, 9, True), (9, None, True), (None, 10, False), (None, None, False)],
    ids=["assessed after it", "assessed before it", "assessed at no known hour", "answered at no hour", "no hours"],
)
def test_within_one_day_the_hours_say_whether_item_nine_was_followed_up(
    answered: int | None, assessed: int | None, open_still: bool
) -> None:
    known = fact("scale.phq9_item9", 1.0) | fact("scale.suicide_risk", "low")
    for path, hour in (("scale.phq9_item9", answered), ("scale.suicide_risk", assessed)):
        at = None if hour is None else datetime(TODAY.year, TODAY.month, TODAY.day, hour, tzinfo=UTC)
        known[path] = replace(known[path], at=at)
    assert ask({"predicate": "item9_not_followed_up"}, known) is open_still


@pytest.mark.parametrize(
    ("tried", "response", "expected"),
    [
        (None, None, None),
        (True, None, None),
        (False, None, False),
        (None, "helped", True),
        (True, "helped", True),
        (True, "partly", False),
        (True, "unknown", None),
        (False, "helped", None),  # the record contradicts itself
    ],
)
def test_what_was_never_tried_did_not_help_and_a_result_nobody_knows_is_unknown(
    tried: bool | None, response: str | None, expected: bool | None
) -> None:
    known = {} if tried is None else fact("history.ect_tried", tried)
    known |= {} if response is None else fact("history.ect_response", response)
    assert ask({"predicate": "ect_helped"}, known) is expected


@pytest.mark.parametrize(("inpatient", "outside"), [(None, True), (False, True), (True, False)])
def test_an_unknown_setting_counts_as_outside_hospital(inpatient: bool | None, outside: bool) -> None:
    known = {} if inpatient is None else fact("setting.inpatient", inpatient)
    assert ask({"predicate": "not_in_hospital"}, known) is outside
