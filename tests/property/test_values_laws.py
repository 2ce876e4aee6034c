"""Laws of the values exercise: nothing is hidden, equal weights change nothing, and what is unknown moves nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.records import KNOWLEDGE, good_record, person, record

from ketapath.alternatives import choices, order_by_values
from ketapath.domain.alternative import Alternative

FOUND = choices(person(record()), KNOWLEDGE)
FAVOURED = choices(person(good_record(diagnosis__psychotic_features=True, diagnosis__ptsd=True)), KNOWLEDGE)
THINGS = [t.attribute for t in FOUND[0].traits]
weights = st.dictionaries(st.sampled_from(THINGS), st.integers(0, 3))
lists = st.sampled_from([FOUND, FAVOURED]).flatmap(st.permutations).map(tuple)


def blank(found: Alternative, things: set[str]) -> Alternative:
    """The same treatment, had nobody written how it fares on these things."""
    traits = (replace(t, level=None, score=None, evidence=()) if t.attribute in things else t for t in found.traits)
    return replace(found, traits=tuple(traits))


@given(lists, weights)
def test_the_order_is_a_permutation_and_every_mark_is_kept(
    found: tuple[Alternative, ...], stated: dict[str, int]
) -> None:
    order = order_by_values(found, stated).order
    assert sorted(a.id for a in order) == sorted(a.id for a in found)
    assert {a.id: a.preferred_now for a in order} == {a.id: a.preferred_now for a in found}


@given(lists, st.integers(0, 3))
def test_equal_weights_keep_the_order(found: tuple[Alternative, ...], weight: int) -> None:
    result = order_by_values(found, dict.fromkeys(THINGS, weight))
    assert result.order == found
    assert result.moves == ()


@given(lists, weights)
def test_a_treatment_of_which_nothing_is_known_keeps_its_place(
    found: tuple[Alternative, ...], stated: dict[str, int]
) -> None:
    for index in range(len(found)):
        blanked = tuple(blank(a, set(THINGS)) if i == index else a for i, a in enumerate(found))
        assert order_by_values(blanked, stated).order[index].id == found[index].id


@given(lists, weights, st.sampled_from(THINGS))
def test_a_thing_of_which_nothing_is_known_moves_nothing(
    found: tuple[Alternative, ...], stated: dict[str, int], thing: str
) -> None:
    blanked = tuple(blank(a, {thing}) for a in found)
    low = {t: stated.get(t, 0) for t in THINGS} | {thing: 0}
    # The thing that counts least is what the others are measured against; keep it the same in both.
    other = next(t for t in THINGS if t != thing)
    low[other] = 0
    first = [a.id for a in order_by_values(blanked, low).order]
    assert [a.id for a in order_by_values(blanked, low | {thing: 3}).order] == first


@given(lists, weights)
def test_moves_are_exactly_what_changed_its_place(found: tuple[Alternative, ...], stated: dict[str, int]) -> None:
    result = order_by_values(found, stated)
    changed = {a.id for a, b in zip(found, result.order, strict=True) if a.id != b.id}
    assert {m.id for m in result.moves} == changed
    for move in result.moves:
        assert found[move.was - 1].id == result.order[move.now - 1].id == move.id
        assert move.counted


@given(lists, weights)
def test_no_treatment_stands_before_one_that_fares_better_on_what_counts(
    found: tuple[Alternative, ...], stated: dict[str, int]
) -> None:
    least = min(stated.get(t, 0) for t in THINGS)

    def points(one: Alternative) -> float | None:
        known = [(stated.get(t.attribute, 0) - least, t.score) for t in one.traits if t.score is not None]
        counted = [w * s for w, s in known if w > 0]
        return sum(counted) if counted else None

    ranked = [p for p in map(points, order_by_values(found, stated).order) if p is not None]
    assert ranked == sorted(ranked, reverse=True)
