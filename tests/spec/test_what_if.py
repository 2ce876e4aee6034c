"""What if the person weighed things otherwise? The same ways in another order, and nothing else of them changes."""

from __future__ import annotations

from dataclasses import replace

from tests.records import CLINIC, KNOWLEDGE, good_record, person

from ketapath import journey
from ketapath.domain.evidence import Text
from ketapath.domain.plan import Worth
from ketapath.plan import offer

DATA = good_record()
FOUND = journey.searched(person(DATA), CLINIC, KNOWLEDGE, seed=1)


def worth(thing: str, better_days: float) -> Worth:
    return Worth(thing=thing, unit=Text(key=f"worth.{thing}"), better_days=better_days, stated=None)


def test_whoever_minds_visits_more_is_offered_fewer_of_them_first() -> None:
    visits = [offer(FOUND, weighed=(worth("visits", days),)).options[0].burden.visits for days in (0.0, 1.0, 3.0)]
    assert visits == sorted(visits, reverse=True)
    assert visits[0] > visits[-1]


def test_a_what_if_says_what_it_weighed_and_marks_it_as_stated_by_nobody() -> None:
    found = offer(FOUND, weighed=(worth("hours", 0.5),))
    assert [(w.thing, w.better_days, w.stated) for w in found.worths] == [("hours", 0.5, None)]


def test_weighing_twice_is_weighing_once_and_leaves_nothing_behind() -> None:
    usual = offer(FOUND)
    offer(FOUND, weighed=(worth("visits", 3.0),))
    assert offer(FOUND) == usual == journey.planned(person(DATA), CLINIC, KNOWLEDGE, seed=1)


def test_an_option_is_the_same_whatever_is_weighed_but_for_its_standing() -> None:
    one, other = ({o.id: o for o in offer(FOUND, weighed=by).options} for by in ((), (worth("visits", 0.4),)))
    shared = one.keys() & other.keys()
    assert shared
    for name in shared:
        assert replace(one[name], standing=other[name].standing) == other[name]


def test_a_what_if_does_not_change_what_was_cut() -> None:
    one, other = offer(FOUND, weighed=()), offer(FOUND, weighed=(worth("dissociation", 5.0),))
    assert (one.cuts, one.removed, one.considered, one.inputs_digest) == (
        other.cuts, other.removed, other.considered, other.inputs_digest,
    )  # fmt: skip
