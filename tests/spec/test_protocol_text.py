"""The protocol as text: what was signed reads as what was offered, and a new plan is told from it line by line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.records import CLINIC, KNOWLEDGE, good_record, person

from ketapath import journey
from ketapath.domain.fact import Origin
from ketapath.domain.plan import Line, Option, Plan, Recommendation, SignedPlan
from ketapath.domain.profile import Profile
from ketapath.fhir import read_bundle
from ketapath.fhir.encode import adapted_plan, recommendation, signed_plan
from ketapath.fhir.readback import recommendation as read_recommendation
from ketapath.fhir.readback import signed_plans
from ketapath.plan import compare, offered_text, signed_text
from ketapath.report import plan_json, say

AT = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
KEPT_APART = {"therapy", "signed"}
SOMEBODY: Profile = person(good_record(social__ride_home=False))
PLAN: Plan = journey.planned(SOMEBODY, CLINIC, KNOWLEDGE, seed=1)


def stored(*resources: object) -> bytes:
    entries = [{"resource": r} for r in ({"resourceType": "Patient", "id": "test"}, *resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def recommended() -> Recommendation:
    return Recommendation(
        origin=Origin(resource="RiskAssessment", id="rec", version=None), about="plan", as_of=SOMEBODY.as_of, seed=1,
        inputs_digest=PLAN.inputs_digest, knowledge_version=PLAN.knowledge_version, code_version=PLAN.code_version,
        engine_version="numpy", record_mark=1, settings="{}", result=json.dumps(plan_json(PLAN, SOMEBODY, KNOWLEDGE)),
    )  # fmt: skip


def signed(option: Option, *, dose_mg: float | None) -> SignedPlan:
    """The plan of this option, written into a record and read back from it."""
    made = signed_plan(PLAN, option, identity="p", dose_mg=dose_mg, by="Dr A", at=AT, recommendation="rec")
    (found,) = signed_plans(read_bundle(stored(*made)))
    return found


def groups(lines: tuple[Line, ...]) -> set[str]:
    return {line.group for line in lines}


@pytest.mark.parametrize("option", PLAN.options, ids=lambda o: o.id)
def test_a_signed_plan_reads_as_the_option_that_was_signed_through_the_record(option: Option) -> None:
    assert option.dose is not None
    basis = read_recommendation(recommendation(recommended(), patient_id="test", statement="s"))
    found = signed_text(signed(option, dose_mg=option.dose.dose_mg), KNOWLEDGE, recommendation=basis)
    offered = offered_text(option, PLAN)
    assert groups(offered) - groups(found) == {"therapy"}
    assert groups(found) - groups(offered) == {"signed"}
    assert [x for x in found if x.group != "signed"] == [x for x in offered if x.group != "therapy"]
    assert {"session", "support", "monitoring", "stop", "version", "spacing", "integration"} <= groups(found)


def test_every_line_can_be_said_and_no_key_stands_twice() -> None:
    for option in PLAN.options:
        lines = offered_text(option, PLAN)
        assert len({line.key for line in lines}) == len(lines)
        assert all(say(line.text, KNOWLEDGE.texts) for line in lines)


def test_nothing_differs_between_a_plan_and_itself() -> None:
    lines = offered_text(PLAN.options[0], PLAN)
    assert {change.kind for change in compare(lines, lines)} == {"kept"}


def test_a_changed_dose_is_one_changed_line_and_ends_the_steps_that_followed_it() -> None:
    option = next(o for o in PLAN.options if len(o.steps) > 1)
    assert option.dose is not None
    before = signed_text(signed(option, dose_mg=option.dose.dose_mg), KNOWLEDGE)
    after = signed_text(signed(option, dose_mg=option.dose.dose_mg - 5), KNOWLEDGE)
    told = [(c.kind, c.key) for c in compare(before, after) if c.kind != "kept"]
    assert ("changed", "dose.first") in told
    assert {key for kind, key in told if kind == "removed"} == {f"dose.from-{s.from_session}" for s in option.steps[1:]}
    assert len(told) == len(option.steps)


def test_a_plan_that_goes_on_keeps_its_later_doses_until_another_dose_is_ordered() -> None:
    option = next(o for o in PLAN.options if len(o.steps) > 1)
    assert option.dose is not None
    made = signed_plan(PLAN, option, identity="p", dose_mg=option.dose.dose_mg, by="Dr A", at=AT, recommendation="rec")
    for dose_mg, left in ((None, len(option.steps) - 1), (20.0, 0)):
        again = adapted_plan(
            made[0], made[-1], identity="q", dose_mg=dose_mg, status="active", onward=(), by="Dr B", at=AT,
            recommendation="rec",
        )  # fmt: skip
        (found,) = signed_plans(read_bundle(stored(*again)))
        assert len(found.steps) == left


def test_what_a_record_does_not_keep_is_not_called_new() -> None:
    option = PLAN.options[0]
    assert option.dose is not None
    bare = signed_text(signed(option, dose_mg=option.dose.dose_mg), KNOWLEDGE)
    told = {c.key: c.kind for c in compare(bare, offered_text(option, PLAN))}
    assert {kind for key, kind in told.items() if key.startswith("monitoring.")} == {"not-recorded"}
    assert "added" not in told.values()


def test_a_moved_session_and_a_new_task_are_told_line_by_line() -> None:
    option = PLAN.options[0]
    first, *rest = option.schedule
    moved = replace(first, on=date(2027, 1, 4))
    changed = replace(option, schedule=(moved, *rest), support=option.support[1:])
    told = {c.key: c.kind for c in compare(offered_text(option, PLAN), offered_text(changed, PLAN)) if c.kind != "kept"}
    assert "changed" in told.values()
    assert told[f"support.{option.support[0].need}"] == "removed"
