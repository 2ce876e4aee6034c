"""Which ways of giving does a clinic have? Its formulary, and what each way may cite, promise and warn of."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.records import (
    CLINIC,
    KNOWLEDGE,
    PATIENT,
    complete,
    days_ago,
    good_record,
    infusion,
    intake,
    person,
    phq9,
    record,
    spread,
)  # fmt: skip

from ketapath import journey
from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import DoseCalculation, Option, Plan
from ketapath.plan.dosing import dose_of, is_lower

EVERY_ROUTE = replace(CLINIC, routes=("iv", "nasal", "im", "sc", "oral"))
PROTOCOLS = pytest.mark.parametrize("name", sorted(KNOWLEDGE.protocols))


def plan_at(clinic: Clinic, **changed: Any) -> Plan:
    return journey.planned(person(good_record(**changed)), clinic, KNOWLEDGE, seed=1)


@cache
def plan(**changed: Any) -> Plan:
    return plan_at(EVERY_ROUTE, **changed)


def by_route(found: Plan, product: str, route: str) -> Option:
    return next(o for o in found.options if (o.product, o.route) == (product, route))


def of_protocol(name: str, year: int = 1984, **changed: Any) -> DoseCalculation:
    facts = complete() | {path.replace("__", "."): value for path, value in changed.items()}
    patient = PATIENT | {"birthDate": f"{year}-03-02"}
    someone = person(record(intake(facts), phq9(spread(18)), patient=patient))
    protocol = KNOWLEDGE.protocols[name]
    lower = is_lower(someone, protocol, EVERY_ROUTE, KNOWLEDGE)
    stated = protocol["search"]["lower_doses" if lower else "doses"][0][0]
    found = dose_of(someone, protocol, stated, EVERY_ROUTE, KNOWLEDGE)
    assert isinstance(found, DoseCalculation)
    return found


def test_what_the_clinic_does_not_offer_is_named_as_that_and_is_no_option() -> None:
    found = plan_at(CLINIC)
    assert {o.route for o in found.options} == {"iv", "nasal"}
    named = {name: why.key for name, why in found.removed}
    assert named["racemic/im"] == named["racemic/sc"] == named["racemic/oral"] == "option.not_offered"
    assert not {name for name, _ in plan().removed} & {"racemic/im", "racemic/sc", "racemic/oral"}


@PROTOCOLS
def test_a_dose_cites_only_rules_that_speak_of_its_own_product_and_route(name: str) -> None:
    protocol = KNOWLEDGE.protocols[name]
    cited = {*protocol["dose_rules"], *protocol["lower_dose_rules"], *protocol["rules"], *protocol["stop_rules"]}
    cited |= {protocol[k] for k in ("lower_rule", "cap_rule", "ceiling_rule") if k in protocol}
    cited.add(protocol["search"]["raise_rule"])
    of_another = {
        i
        for i in cited
        if not any(
            KNOWLEDGE.rules[i].scope.covers(product=protocol["product"], route=protocol["route"], jurisdiction=place)
            for place in ("US", "EU")
        )
    }
    # CON-026 on the liver was written of racemic ketamine; the spray's list has it as a reason to pause.
    assert of_another <= {"CON-026"}
    assert set(of_protocol(name).rule_ids) <= {*protocol["dose_rules"]}
    assert set(of_protocol(name, 1952).rule_ids) <= {*protocol["dose_rules"], *protocol["lower_dose_rules"]}


@pytest.mark.parametrize(
    ("name", "dose_mg", "older_mg"),
    [
        ("racemic-im-series", 35, 17),
        ("racemic-sc-series", 17, 17),
        ("racemic-oral-series", 70, 35),
        ("esketamine-iv-series", 17, 14),
    ],
)
def test_each_way_by_weight_has_its_own_first_dose_and_a_lower_one_for_the_old(
    name: str, dose_mg: float, older_mg: float
) -> None:
    assert of_protocol(name).dose_mg == dose_mg
    assert of_protocol(name, 1952).dose_mg == older_mg
    assert of_protocol(name, history__child_pugh="B").dose_mg == older_mg


def test_the_cap_in_obesity_is_of_injections_and_not_of_doses_by_mouth() -> None:
    heavy = {"vitals__weight_kg": 130.0, "vitals__height_cm": 170.0}
    assert of_protocol("racemic-im-series", **heavy).dose_mg == 50
    assert of_protocol("racemic-oral-series", **heavy).dose_mg == 130


def test_a_way_without_outcome_studies_promises_nothing_and_stands_below_all_that_have_some() -> None:
    found = plan()
    under_skin = by_route(found, "racemic", "sc")
    assert under_skin.benefit is None
    assert under_skin.standing.tier == "not-predictable"
    assert under_skin.standing.place == max(o.standing.place for o in found.options)


def test_the_studied_dose_by_mouth_counts_as_studied_in_whole_steps_too() -> None:
    found = by_route(plan(vitals__weight_kg=71.0), "racemic", "oral")
    assert found.dose is not None
    assert found.dose.dose_mg == 70
    assert found.standing.tier == "studied"


def test_injections_and_doses_by_mouth_ask_for_care_where_an_infusion_is_open() -> None:
    found = plan().candidacy.by_product
    assert found["racemic/iv"] == "eligible"
    assert {found[f"racemic/{route}"] for route in ("im", "sc", "oral")} == {"caution"}


def test_a_harm_is_shown_only_by_the_ways_in_which_it_was_seen() -> None:
    found = plan()
    assert "racemic-severe-hypertension" in {h.id for h in by_route(found, "racemic", "iv").harm}
    assert {h.id for h in by_route(found, "racemic", "oral").harm} == {"racemic-urinary"}


def in_europe(*routes: str) -> Plan:
    return plan_at(replace(CLINIC, jurisdiction="EU", routes=routes))


def test_esketamine_by_vein_is_offered_where_it_is_on_the_market_and_the_formulary_names_it() -> None:
    offered = by_route(in_europe("iv", "esketamine/iv"), "esketamine", "iv")
    assert offered.verdict == "caution"
    assert offered.dose is not None
    assert offered.dose.dose_mg == 17  # 0.25 mg/kg x 70 kg
    assert offered.standing.tier == "studied"
    assert offered.harm == ()  # what was published of the spray is not said of it
    assert dict(in_europe("iv", "nasal").removed)["esketamine/iv"].key == "option.not_offered"
    at_home = plan_at(replace(CLINIC, routes=("iv", "esketamine/iv")))
    assert dict(at_home.removed)["esketamine/iv"].key == "option.not_on_market"


def test_what_is_watched_around_an_infusion_is_watched_around_esketamine_by_vein_too() -> None:
    found = in_europe("iv", "esketamine/iv")
    vein, racemic = (by_route(found, product, "iv") for product in ("esketamine", "racemic"))
    safety = {"MON-004", "MON-004b", "MON-006", "MON-021", "MON-022", "MON-024", "MON-030"}
    for option in (vein, racemic):
        assert safety & {f.id for f in option.monitoring} == safety & {f.id for f in racemic.monitoring}
    assert {f.id for f in vein.stop_rules} == {f.id for f in racemic.stop_rules}
    assert "REG-031" in {task.rule.id for task in vein.support}


def test_a_pressure_that_would_be_dangerous_rules_esketamine_by_vein_out_as_it_does_racemic_ketamine() -> None:
    found = plan_at(
        replace(CLINIC, jurisdiction="EU", routes=("iv", "esketamine/iv")), history__pressure_rise_hazard=True
    )
    assert found.candidacy.by_product == {"esketamine/iv": "not-eligible", "racemic/iv": "not-eligible"}
    assert "CON-005" in str(dict(found.removed)["esketamine/iv"].values["rules"])


def test_a_dose_that_was_stopped_early_leaves_the_usual_one_open() -> None:
    found = journey.planned(person(good_record(infusion(days_ago(3), mg=30.0))), CLINIC, KNOWLEDGE, seed=1)
    again = by_route(found, "racemic", "iv")
    assert again.dose is not None
    assert again.dose.dose_mg == 35.0
