"""Laws of candidacy: unknown never helps, more contraindications never help, order does not matter."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.records import KNOWLEDGE, assessed, complete, intake, phq9, record, spread

from ketapath.domain.evidence import VERDICTS_FROM_BEST
from ketapath.knowledge import paths

READ = sorted({p for rule in KNOWLEDGE.rules_of("candidacy") for p in paths(rule.when)} & set(complete()))
AGAINST = sorted(
    p
    for rule in KNOWLEDGE.rules_of("candidacy")
    if rule.when_true is not None and rule.when.kind == "is" and rule.when.value is True
    for p in paths(rule.when)
    if p in complete()
)


def verdicts(facts: dict[str, Any]) -> dict[str, int]:
    found = assessed(record(intake(facts), phq9(spread(18)))).by_product
    return {name: VERDICTS_FROM_BEST.index(verdict) for name, verdict in found.items()}


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(READ), min_size=1))
def test_forgetting_facts_never_gives_eligible(forgotten: set[str]) -> None:
    facts = {p: v for p, v in complete().items() if p not in forgotten}
    before, after = verdicts(complete()), verdicts(facts)
    assert all(after[name] >= before[name] for name in before)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(AGAINST)), st.sampled_from(AGAINST))
def test_one_more_thing_against_it_never_improves_the_verdict(already: set[str], another: str) -> None:
    facts = complete() | dict.fromkeys(already, True)
    before, after = verdicts(facts), verdicts(facts | {another: True})
    assert all(after[name] >= before[name] for name in before)


@settings(max_examples=20, deadline=None)
@given(st.permutations(sorted(complete())))
def test_the_order_of_the_record_does_not_matter(order: list[str]) -> None:
    facts = complete()
    assert verdicts({p: facts[p] for p in order}) == verdicts(facts)


def test_each_fact_that_gates_is_needed_for_eligible() -> None:
    gating = {
        p
        for rule in KNOWLEDGE.rules_of("candidacy")
        if rule.when_unknown == "undetermined" and rule.when.kind in ("is", "compare")
        for p in paths(rule.when)
        if p in complete() and not p.startswith("medicines.")  # a checked list answers for a medicine that is not on it
    }
    for path in gating:
        facts = {p: v for p, v in complete().items() if p != path}
        assert max(verdicts(facts).values()) > 0, path
