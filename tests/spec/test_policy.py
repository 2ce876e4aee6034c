"""A site default counts as it ships until the medical lead takes it over; then name, day and value are the clinic's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.records import CLINIC, KNOWLEDGE, TODAY, good_record

from ketapath import journey
from ketapath.cli import main
from ketapath.domain.clinic import Approval
from ketapath.domain.evidence import Finding
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge
from ketapath.knowledge.policy import CONSEQUENCES, awaiting, items, policy_file, read_policy, under_policy
from ketapath.report import approval, say

RULE = next(i for i in items(KNOWLEDGE) if i.id == "CON-009")
SYSTOLIC = "vitals.systolic_mmhg >="


def taken_over(**values: float) -> dict[str, Approval]:
    """The rule of 180/110, approved today, perhaps with other limits (`systolic`)."""
    moved = {SYSTOLIC: values["systolic"]} if values else {}
    return {RULE.id: Approval(item=RULE.id, version=RULE.version, by="Dr Novak", on=TODAY, values=moved)}


def spoken(knowledge: Knowledge, systolic: float) -> Finding | None:
    """What the rule says of a person with this pressure today."""
    record = good_record(vitals__systolic_mmhg=systolic)
    someone = journey.person(record, knowledge, as_of=TODAY)
    found = journey.assessed(someone, CLINIC, knowledge).findings
    return next((f for f in found if f.id == RULE.id), None)


def test_every_rule_that_ships_unapproved_awaits_approval_gravest_first() -> None:
    waiting = awaiting(KNOWLEDGE, {})
    assert {i.id for i in waiting} >= {r.id for r in KNOWLEDGE.rules.values() if r.ref.needs_approval}
    ranks = [CONSEQUENCES.index(i.consequence) for i in waiting]
    assert ranks == sorted(ranks)
    assert "CON-001" not in {i.id for i in waiting}  # the label's own contraindication is nobody's opinion


def test_an_approval_without_another_value_changes_no_verdict_but_its_mark() -> None:
    before, after = spoken(KNOWLEDGE, 182.0), spoken(under_policy(KNOWLEDGE, taken_over()), 182.0)
    assert before is not None
    assert before.rule is not None
    assert before.rule.awaits_approval
    assert after is not None
    assert after.rule is not None
    assert not after.rule.awaits_approval
    assert before.verdict == after.verdict
    assert [say(t, KNOWLEDGE.texts) for t in approval(after.rule)] == [
        "Approved for this clinic by Dr Novak on 2026-11-24."
    ]


def test_a_moved_limit_decides_here_and_the_shipped_one_stays_visible() -> None:
    here = under_policy(KNOWLEDGE, taken_over(systolic=170.0))
    assert spoken(KNOWLEDGE, 172.0) is None
    found = spoken(here, 172.0)
    assert found is not None
    assert found.rule is not None
    assert spoken(here, 169.0) is None
    said = " ".join(say(t, here.texts) for t in approval(found.rule))
    assert "170 mmHg, instead of 180 as shipped" in said
    assert here.version != KNOWLEDGE.version


def test_an_approval_of_another_version_counts_for_nothing() -> None:
    old = Approval(item=RULE.id, version="0", by="Dr Novak", on=TODAY, values={SYSTOLIC: 100.0})
    assert under_policy(KNOWLEDGE, {RULE.id: old}) is KNOWLEDGE
    assert RULE.id in {i.id for i in awaiting(KNOWLEDGE, {RULE.id: old})}


def test_figures_and_windows_are_taken_over_too() -> None:
    data = b"""approvals:
    - {item: block_sessions, by: Dr Novak, day: 2026-11-20, values: {value: 6}}
    - {item: window vitals.weight_kg, by: Dr Novak, day: 2026-11-20, values: {days: 14}}
    """
    here = under_policy(KNOWLEDGE, read_policy(data, KNOWLEDGE))
    assert here.figure("block_sessions") == 6.0
    assert here.paths["vitals.weight_kg"].window_days == 14


def test_a_policy_file_reads_back_as_it_was_written() -> None:
    everything = {i.id: Approval(item=i.id, version=i.version, by='Dr "O’Neil"', on=TODAY) for i in items(KNOWLEDGE)}
    everything |= taken_over(systolic=170.0)
    assert read_policy(policy_file(everything.values()).encode(), KNOWLEDGE) == everything
    assert not awaiting(KNOWLEDGE, everything)


@pytest.mark.parametrize(
    ("record", "names"),
    [
        ("{item: CON-001, by: Dr Novak, day: 2026-11-20}", "CON-001"),  # a label rule is not for a clinic to move
        ("{item: CON-009, by: '', day: 2026-11-20}", "nobody"),
        ("{item: CON-009, by: Dr Novak, day: soon}", "day as"),
        ("{item: CON-009, by: Dr Novak, day: 2026-11-20, values: {'vitals.systolic_mmhg >=': 900}}", "900"),
        ("{item: CON-009, by: Dr Novak, day: 2026-11-20, values: {'vitals.weight_kg >=': 60}}", "vitals.weight_kg"),
        ("{item: CON-009, by: Dr Novak, day: 2026-11-20, values: {'vitals.systolic_mmhg >=': high}}", "high"),
        ("just words", "just words"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_by_name(record: str, names: str) -> None:
    with pytest.raises(BadInput, match=names):
        read_policy(f"approvals:\n- {record}\n".encode(), KNOWLEDGE)


def test_the_command_reads_a_policy_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, policy = tmp_path / "person.json", tmp_path / "policy.yaml"
    bundle.write_bytes(good_record(vitals__systolic_mmhg=172.0))
    policy.write_text(policy_file(taken_over(systolic=170.0).values()))
    assert main(["assess", str(bundle), "--on", str(TODAY), "--json", "--policy", str(policy)]) == 0
    (found,) = [f for f in json.loads(capsys.readouterr().out)["candidacy"]["findings"] if f["id"] == RULE.id]
    assert found["rule"]["needs_approval"] is False
    assert found["rule"]["approved"] == {
        "by": "Dr Novak", "on": "2026-11-24",
        "changes": [{"limit": SYSTOLIC, "shipped": 180.0, "here": 170.0, "unit": "mm[Hg]"}],
    }  # fmt: skip


def test_what_is_judged_of_an_alternative_without_a_source_awaits_approval_and_then_carries_the_name() -> None:
    waiting = next(i for i in items(KNOWLEDGE) if i.id == "alternative ect")
    assert "relief within weeks" in waiting.title
    approved = Approval(item=waiting.id, version=waiting.version, by="Dr Novak", on=TODAY)
    here = under_policy(KNOWLEDGE, {waiting.id: approved})
    assert {e.approved_by for e in here.alternatives["ect"].cited() if e.kind == "site-default"} == {"Dr Novak"}
    assert "alternative ect" not in {i.id for i in awaiting(KNOWLEDGE, {waiting.id: approved})}
    assert "alternative pain-service" not in {i.id for i in items(KNOWLEDGE)}  # everything in it has its source


def test_a_clinic_may_move_a_window_that_one_rule_alone_has() -> None:
    (ecg,) = [i for i in items(KNOWLEDGE) if i.id == "CON-038"]
    approvals = {
        ecg.id: Approval(item=ecg.id, version=ecg.version, by="Dr Novak", on=TODAY, values={"window workup.ecg": 10})
    }
    after = under_policy(KNOWLEDGE, approvals).rules["CON-038"]
    assert (KNOWLEDGE.rules["CON-038"].windows["workup.ecg"], after.windows["workup.ecg"]) == (90, 10)
    assert after.ref.approved is not None
    assert [(c.shipped, c.here) for c in after.ref.approved.changes] == [(90, 10)]


def test_the_policy_file_of_the_guide_stands_as_printed() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "approve.md").read_text()
    block = "\n".join(line[4:] for line in guide.splitlines() if line.startswith("    "))
    approvals = read_policy(block.encode(), KNOWLEDGE)
    assert {i.id for i in awaiting(KNOWLEDGE, {})} - {i.id for i in awaiting(KNOWLEDGE, approvals)} == set(approvals)
    assert len(approvals) == 4
