"""What has to be known before a start, and how old it may be for the rule that asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY, good_record, person

from ketapath.candidacy import assess
from ketapath.domain.candidacy import Candidacy, WorkUp
from ketapath.errors import KnowledgeError
from ketapath.knowledge import Knowledge
from ketapath.knowledge.schema import parse_rule

RECORD = {
    "id": "TST-001", "version": "1", "title": "Liver values", "section": "work-up", "severity": "requirement",
    "stage": "work-up", "statement": "s", "action": "a", "reverses": "r",
    "when": {"path": "person.age_years", "op": ">=", "value": 40}, "settled_by": ["lab.alt_times_upper_limit"],
    "windows": {"lab.alt_times_upper_limit": 30}, "scope": {"products": ["racemic"]}, "grade": "expert", "sources": [],
    "trust": "unread", "threshold_basis": "site-default", "needs_approval": True, "owner": "medical lead",
    "reviewed_on": "2026-11-22", "review_due": "2027-11-22",
}  # fmt: skip


def with_rule(**changed: object) -> Knowledge:
    rule = parse_rule({**RECORD, **changed}, KNOWLEDGE.sources, where="test")
    words = {f"rule.TST-001.{part}": part for part in ("statement", "action", "reverses")}
    return replace(KNOWLEDGE, rules={**KNOWLEDGE.rules, "TST-001": rule}, texts={**KNOWLEDGE.texts, **words})


def found(candidacy: Candidacy) -> WorkUp | None:
    return next((w for w in candidacy.work_up if w.finding.id == "TST-001"), None)


def test_work_up_is_done_while_what_it_asks_for_is_fresh_enough_for_it() -> None:
    someone, knowledge = person(good_record()), with_rule()
    piece = found(assess(someone, CLINIC, knowledge))
    assert piece is not None
    assert piece.state == "done"
    assert [f.path for f in piece.held] == ["lab.alt_times_upper_limit"]
    # The path itself holds for 90 days, this rule asks for one of the last 30.
    older = {**someone.known}
    older["lab.alt_times_upper_limit"] = replace(older["lab.alt_times_upper_limit"], on=TODAY - timedelta(days=31))
    piece = found(assess(replace(someone, known=older), CLINIC, knowledge))
    assert piece is not None
    assert piece.state == "due"
    (lacking,) = piece.lacking
    assert lacking.reason.key == "missing.too_old_for_rule"


def test_work_up_that_is_not_for_this_person_is_not_shown_and_may_be_unknown() -> None:
    young = found(assess(person(good_record()), CLINIC, with_rule(when={"path": "history.dementia", "is": True})))
    assert young is None
    record = good_record(without=("history.dementia", "lab.alt_times_upper_limit"))
    asked = found(assess(person(record), CLINIC, with_rule(when={"path": "history.dementia", "is": True})))
    assert asked is not None
    assert asked.applies is None
    assert asked.state == "asked"


def test_work_up_never_changes_a_verdict_by_itself() -> None:
    record = good_record(without=("lab.alt_times_upper_limit",))
    assert assess(person(record), CLINIC, with_rule()).verdict == assess(person(record), CLINIC, KNOWLEDGE).verdict


def test_a_rule_may_not_name_a_window_for_what_it_does_not_read() -> None:
    with pytest.raises(KnowledgeError, match=r"vitals\.weight_kg"):
        with_rule(windows={"vitals.weight_kg": 3})


def test_settled_by_belongs_to_work_up_alone() -> None:
    with pytest.raises(KnowledgeError, match="settled_by"):
        with_rule(stage="candidacy")
    with pytest.raises(KnowledgeError, match="settled_by"):
        with_rule(settled_by=[])
