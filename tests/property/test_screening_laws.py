"""What holds of screening for any answer, any range and any accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.records import CLINIC, KNOWLEDGE, good_record, person, record

from ketapath.candidacy import assess
from ketapath.domain.profile import Profile
from ketapath.domain.screening import Accuracy, Reading, Screened
from ketapath.knowledge import Knowledge, paths
from ketapath.profile import with_fact
from ketapath.screening import screen

SHARE = st.floats(0.01, 0.99)
READ_BY_SCREENS = {p for c in KNOWLEDGE.screening.values() for s in c.screens for p in paths(s.positive)}
READ_BY_RULES = {p for r in KNOWLEDGE.rules.values() for p in (*paths(r.when), *r.settled_by)}
UNRULED = sorted(READ_BY_SCREENS - READ_BY_RULES)
NOBODY = person(record())


def with_answers(who: Profile, answers: Mapping[str, Any]) -> Profile:
    """The same person, had all this been answered today."""
    for path, value in answers.items():
        who = with_fact(who, path, value, unit=KNOWLEDGE.paths[path].unit)
    return who


PQ16, LOW = (with_answers(NOBODY, {"scale.pq16": total}) for total in (9.0, 2.0))


def answer(path: str) -> st.SearchStrategy[Any]:
    """Anything that this path can hold."""
    spec = KNOWLEDGE.paths[path]
    if spec.type == "bool":
        return st.booleans()
    if spec.type == "word":
        return st.sampled_from(spec.words)
    assert spec.limits is not None
    return st.integers(int(spec.limits[0]), int(spec.limits[1])).map(float)


ANSWERS = st.fixed_dictionaries({}, optional={path: answer(path) for path in UNRULED})


def psychosis(found: tuple[Screened, ...]) -> Screened:
    return next(s for s in found if s.condition == "psychosis")


def with_accuracy(sensitivity: Accuracy, specificity: Accuracy) -> Knowledge:
    """The knowledge with another accuracy of the PQ-16, and nothing else to screen for."""
    condition = KNOWLEDGE.screening["psychosis"]
    changed = replace(condition.screens[0], sensitivity=sensitivity, specificity=specificity)
    return replace(KNOWLEDGE, screening={"psychosis": replace(condition, screens=(changed,))})


def counted(point: float, people: int) -> Accuracy:
    return Accuracy(point=point, interval=(0.0, 1.0), basis="wilson", people=people)


@settings(max_examples=20, deadline=None)
@given(first=SHARE, second=SHARE, seed=st.integers(0, 2**32))
def test_the_more_common_before_the_more_probable_after(first: float, second: float, seed: int) -> None:
    low, high = sorted((first, second))
    for who in (PQ16, LOW):
        after = [
            psychosis(screen(who, KNOWLEDGE, pretest={"psychosis": (p, p)}, seed=seed)).posttest for p in (low, high)
        ]
        assert after[0] is not None
        assert after[1] is not None
        assert after[0].p05 <= after[1].p05
        assert after[0].p50 <= after[1].p50
        assert after[0].p95 <= after[1].p95


@settings(max_examples=30, deadline=None)
@given(sensitivity=SHARE, specificity=SHARE, people=st.integers(20, 2000), seed=st.integers(0, 1000))
def test_a_likelihood_ratio_above_one_raises_and_one_below_one_lowers(
    sensitivity: float, specificity: float, people: int, seed: int
) -> None:
    knowledge = with_accuracy(counted(sensitivity, people), counted(specificity, people))
    for who in (PQ16, LOW):
        (reading,) = psychosis(screen(who, knowledge, seed=seed)).readings
        ratio = reading.likelihood_ratio
        assert ratio is not None
        for at in reading.by_pretest:
            if ratio.p05 > 1:
                assert at.posttest.p05 > at.pretest
            if ratio.p95 < 1:
                assert at.posttest.p95 < at.pretest
            assert (at.posttest.p50 > at.pretest) is (ratio.p50 > 1)


@settings(max_examples=30, deadline=None)
@given(
    sensitivity=st.floats(0.05, 0.95),
    specificity=st.floats(0.05, 0.95),
    people=st.integers(20, 2000),
    before=st.floats(0.02, 0.9),
)
def test_the_band_holds_what_the_published_points_give_by_hand(
    sensitivity: float, specificity: float, people: int, before: float
) -> None:
    knowledge = with_accuracy(counted(sensitivity, people), counted(specificity, people))
    for who, with_it, without_it in ((PQ16, sensitivity, 1 - specificity), (LOW, 1 - sensitivity, specificity)):
        after = psychosis(screen(who, knowledge, pretest={"psychosis": (before, before)}, seed=7)).posttest
        by_hand = before * with_it / (before * with_it + (1 - before) * without_it)
        assert after is not None
        assert 0 <= after.p05 <= by_hand <= after.p95 <= 1


def numbers(reading: Reading) -> bool:
    return bool(reading.likelihood_ratio or reading.posttest or reading.by_pretest)


@settings(max_examples=40, deadline=None)
@given(answers=ANSWERS)
def test_no_answer_no_number_and_every_open_screen_says_what_is_missing(answers: dict[str, Any]) -> None:
    for one in screen(with_answers(NOBODY, answers), KNOWLEDGE, seed=3):
        for reading in one.readings:
            if reading.answer == "not answered":
                assert not numbers(reading)
                assert reading.missing
                assert reading.instrument in {f.instrument for f in one.to_fill}
            if reading.sensitivity is None:
                assert not numbers(reading)
            assert set(reading.missing).isdisjoint(answers)
        if one.posttest is not None:
            assert 0 <= one.posttest.p05 <= one.posttest.p50 <= one.posttest.p95 <= 1


@settings(max_examples=20, deadline=None)
@given(answers=ANSWERS, seed=st.integers(0, 2**40))
def test_the_same_seed_gives_the_same_numbers(answers: dict[str, Any], seed: int) -> None:
    who = with_answers(NOBODY, answers)
    assert screen(who, KNOWLEDGE, seed=seed) == screen(who, KNOWLEDGE, seed=seed)


@settings(max_examples=25, deadline=None)
@given(answers=ANSWERS)
def test_candidacy_is_the_same_whatever_is_answered_that_no_rule_reads(answers: dict[str, Any]) -> None:
    silent = person(good_record(without=tuple(UNRULED)))
    before, after = (assess(p, CLINIC, KNOWLEDGE) for p in (silent, with_answers(silent, answers)))
    assert (before.verdict, before.by_product, before.findings) == (after.verdict, after.by_product, after.findings)
    assert (before.missing, before.alternatives) == (after.missing, after.alternatives)


def test_there_are_screening_answers_that_no_rule_reads() -> None:
    assert {"scale.mdq", "scale.pcl5", "scale.pq16"} <= set(UNRULED)
