"""Which ways are offered, in which order, and what is said of the order? Facts about the choice, on invented ways."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ways import Sketch, hundred, under, ways, worth

from ketapath.domain.evidence import Text
from ketapath.domain.plan import Worth
from ketapath.plan.choice import Choice, choose

UNKNOWN = Text(key="benefit.needs_score")


def chosen(sketches: dict[str, Sketch], worths: tuple[Worth, ...] = (), **figures: float) -> Choice:
    knowledge = under(**figures)
    return choose(ways(sketches, knowledge), hundred(), worths, knowledge)


def order(found: Choice) -> list[str]:
    return [c.way.regimen.code for c in found.offered]


def better(days: float, spread: float = 0.0) -> tuple[float, ...]:
    """A hundred people with so many better days on average; half of the places have `spread` more, half less."""
    return tuple(np.where(np.arange(100) % 4 < 2, days + spread, days - spread))


def test_utility_is_better_days_less_what_the_person_gives_up() -> None:
    sketch = Sketch(better=better(30.0), sessions=4, hours=9.0, marked=0.25, own_share=300.0)
    found = chosen({"only": sketch}, worth(visits=0.5, hours=0.2, dissociation=2.0, cost=1.5))
    utility = found.offered[0].standing.utility
    assert utility is not None
    assert utility.p50 == pytest.approx(30.0 - 10 * 0.5 - 9 * 0.2 - 4 * 0.25 * 2.0 - 3 * 1.5)


def test_a_cost_that_is_not_known_of_one_way_ranks_none() -> None:
    known = Sketch(product="esketamine", better=better(30.0), own_share=100.0)
    unknown = Sketch(better=better(25.0), own_share=None)
    assert order(chosen({"known": known, "unknown": unknown}, worth(cost=20.0)))[0] == "known"


def test_a_cost_that_is_known_of_all_ranks() -> None:
    dear = Sketch(product="esketamine", better=better(30.0), own_share=1000.0)
    cheap = Sketch(better=better(25.0), own_share=100.0)
    assert order(chosen({"dear": dear, "cheap": cheap}, worth(cost=1.0)))[0] == "cheap"


def test_dissociation_that_no_model_speaks_of_is_not_taken_for_none() -> None:
    known = Sketch(product="esketamine", better=better(30.0), marked=0.3)
    unknown = Sketch(better=better(25.0), marked=None)
    assert order(chosen({"known": known, "unknown": unknown}, worth(dissociation=5.0)))[0] == "known"


def test_a_way_is_dominated_where_another_is_as_good_in_all_and_better_in_something() -> None:
    found = chosen(
        {
            "better": Sketch(better=better(30.0), sessions=6),
            "same visits, less relief": Sketch(product="esketamine", better=better(20.0), sessions=6),
            "fewer visits": Sketch(product="other", better=better(10.0), sessions=2),
        }
    )
    assert {c.way.regimen.code: c.standing.dominated for c in found.offered} == {
        "better": False,
        "same visits, less relief": True,
        "fewer visits": False,
    }


def test_a_way_of_unknown_cost_is_not_dominated_by_one_whose_cost_is_known() -> None:
    found = chosen(
        {
            "dear": Sketch(better=better(30.0), own_share=5000.0),
            "perhaps cheap": Sketch(product="esketamine", better=better(20.0), own_share=None),
        }
    )
    assert not any(c.standing.dominated for c in found.offered)


def test_a_way_whose_benefit_is_not_predictable_stands_last_whatever_else_speaks_for_it() -> None:
    found = chosen(
        {
            "not predictable": Sketch(product="other", better=None, sessions=1, own_share=0.0),
            "outside studies": Sketch(product="esketamine", better=better(60.0), tier="outside-studies", sessions=2),
            "studied": Sketch(better=better(1.0), sessions=10, verdict="defer", own_share=9000.0),
        }
    )
    assert order(found) == ["studied", "outside studies", "not predictable"]


def test_where_another_promises_more_the_first_is_not_said_to_be_ahead() -> None:
    studied = Sketch(better=better(20.0))
    for behind in (
        Sketch(product="esketamine", better=better(40.0), tier="outside-studies"),
        Sketch(product="esketamine", better=better(40.0), verdict="defer"),
    ):
        found = chosen({"first": studied, "behind": behind})
        assert order(found) == ["first", "behind"]
        assert found.comparison.key == "compare.not_by_benefit"
        assert found.comparison.values["more"] == 1


def test_of_two_that_no_smallest_difference_tells_apart_the_lower_dose_stands_first() -> None:
    doses = {"strong": Sketch(mg=70.0, better=better(31.0)), "gentle": Sketch(mg=35.0, better=better(29.0))}
    found = chosen(doses)
    assert order(found)[0] == "gentle"
    assert [c.standing.no_material_difference for c in found.offered] == [False, True]
    assert order(chosen(doses, least_better_days=1.0))[0] == "strong"


def test_a_gentler_dose_that_no_study_carries_does_not_stand_above_a_studied_one() -> None:
    gentle = Sketch(mg=35.0, better=better(29.0), tier="outside-studies")
    found = chosen({"studied": Sketch(mg=70.0, better=better(30.0)), "gentle": gentle})
    assert order(found)[0] == "studied"


def test_places_that_do_not_agree_make_no_order() -> None:
    one, other = Sketch(better=better(30.0)), Sketch(product="esketamine", better=better(24.0, spread=8.0))
    found = chosen({"one": one, "other": other})
    assert found.offered[1].standing.p_first_better == pytest.approx(0.5, abs=0.02)
    assert found.offered[1].standing.no_material_difference
    assert found.comparison.key == "compare.all_alike"


def test_too_small_a_dose_is_cut_and_the_window_says_why_it_begins_where_it_does() -> None:
    found = chosen({"small": Sketch(mg=10.0, too_little=True), "enough": Sketch(mg=35.0)})
    assert order(found) == ["enough"]
    window = found.offered[0].window
    assert (window.least_mg, window.least_why.key) == (35.0, "window.too_little")
    assert {c.id: c.removed for c in found.cuts} == {"too-little": 1}


def test_a_limit_on_harm_sets_the_upper_end_of_the_window() -> None:
    doses = {"risky": Sketch(mg=70.0, risk=0.2, better=better(60.0)), "safe": Sketch(mg=35.0, risk=0.04)}
    found = chosen(doses, limit_systolic_180=0.05)
    assert order(found) == ["safe"]
    assert found.offered[0].window.most_mg == 35.0
    assert found.offered[0].window.most_why.key == "window.systolic-180"


def test_a_product_of_which_no_way_keeps_the_limits_is_named_with_the_limit() -> None:
    found = chosen({"risky": Sketch(product="esketamine", risk=0.07), "safe": Sketch()}, limit_systolic_180=0.05)
    assert {name: why.key for name, why in found.cut.items()} == {"esketamine/iv": "option.cut.systolic-180"}


def test_a_chance_of_harm_that_nobody_knows_breaks_no_limit() -> None:
    assert order(chosen({"unknown": Sketch(risk=None)}, limit_systolic_180=0.0)) == ["unknown"]


def test_where_nothing_can_be_predicted_the_order_of_the_knowledge_stays() -> None:
    knowledge = under()
    sketches = {"own": Sketch(better=None), "other": Sketch(product="esketamine", better=None, sessions=2)}
    found = choose(ways(sketches, knowledge), UNKNOWN, worth(visits=1.0), knowledge)
    assert order(found) == ["own", "other"]
    assert found.comparison.key == "compare.not_predictable"
