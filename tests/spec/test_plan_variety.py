"""Do plans differ as people differ? First options over the example people, and what one preference changes."""

from __future__ import annotations

import importlib.util
import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from ketapath import journey
from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import Plan
from ketapath.knowledge import load
from ketapath.knowledge.formulary import read_prices
from ketapath.profile import with_fact

KNOWLEDGE = load()
ON = date(2026, 11, 24)
EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(file.stem for file in (EXAMPLES / "patients").glob("*.json"))
VISITS = "preference.worth_visit_days"


def clinic_of(name: str) -> Clinic:
    """A clinic that offers every studied way at its prices, where the person lives."""
    currency, prices = read_prices((EXAMPLES / "prices" / "harbour.yaml").read_bytes(), KNOWLEDGE)
    place, languages = ("EU", ("de", "en")) if "europe" in name else ("US", ("en", "es"))
    return Clinic(
        jurisdiction=place, routes=("iv", "nasal", "im", "oral"), rems_certified=True, languages=languages,
        currency=currency, prices=prices,
    )  # fmt: skip


@cache
def plan(name: str, visit_days: float | None = None) -> Plan:
    """The plan of this example person, where one visit less is worth so many better days, or what they said."""
    someone = journey.person((EXAMPLES / "patients" / f"{name}.json").read_bytes(), KNOWLEDGE, as_of=ON)
    if visit_days is not None:
        someone = with_fact(someone, VISITS, visit_days, unit="d")
    return journey.planned(someone, clinic_of(name), KNOWLEDGE, seed=0)


def order(found: Plan) -> list[str]:
    return [o.id for o in found.options]


def is_reordered(before: list[str], after: list[str]) -> bool:
    """Another first option, or those that stand in both lists in another order; not only others in the list."""
    kept = [i for i in before if i in after]
    return before[0] != after[0] or kept != [i for i in after if i in before]


def test_at_least_eight_different_first_options_stand_on_the_plans_of_the_example_people() -> None:
    firsts: set[str] = set()
    for name in NAMES:
        firsts |= {option.id for option in plan(name).options[:1]}
        if len(firsts) >= 8 and len({i.partition("/")[0] for i in firsts}) >= 3:  # not only doses and days of one way
            return
    raise AssertionError(firsts)


@pytest.mark.slow
def test_one_preference_changes_the_order_of_options_for_at_least_half_of_the_people() -> None:
    choosing = [name for name in NAMES if len(plan(name).options) >= 2]
    changed = [name for name in choosing if is_reordered(order(plan(name)), order(plan(name, 3.0)))]
    assert len(choosing) >= 15
    assert len(changed) >= len(choosing) / 2


def test_while_a_response_holds_the_plan_goes_on_and_after_a_relapse_a_new_course_may_begin() -> None:
    holding, relapsed = plan("after-six-infusions"), plan("relapse-after-response")
    assert {o.regimen.course for o in holding.options if (o.product, o.route) == ("racemic", "iv")} == {"onward"}
    assert relapsed.options[0].regimen.course != "onward"


def test_the_other_example_people_are_those_that_the_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("varied", EXAMPLES / "varied.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = {chart.identity: chart.bundle() for chart in module.varied(ON)}
    stored = {name: json.loads((EXAMPLES / "patients" / f"{name}.json").read_text()) for name in made}
    assert made == stored, "examples/build.py"
