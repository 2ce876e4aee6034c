"""A second implementation of every drug model, written from the model files alone, agrees with the first.

It reads the YAML with its own sense of units, writes the differential equations of each structure out by hand and
solves them with SciPy's eighth-order Runge-Kutta. It shares no line with structures.py, subjects.py or the solver, so
what both have wrong must stand in the model files.

What a structure means:

- mammillary: parent with up to two other compartments; a share `metabolite_fraction` (else all) of what is cleared
  becomes norketamine, counted in milligrams of ketamine, with one other compartment where the file has it.
- depot: the bioavailable dose enters a depot over `zero_order_duration` (else at once) and leaves it at
  `absorption_rate`. Of the rest of the dose `first_pass_to_metabolite` becomes norketamine at the same pace.
- nasal-hepatic and oral-hepatic: the well-stirred liver stands as a compartment of its own between gut and blood.
- film: mucosa to blood; the swallowed part into metabolism only; chains of two delays to each metabolite, of one
  between gut and liver. Amounts are molar: levels of metabolites carry their own molar mass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.integrate import solve_ivp

import ketapath.knowledge
from ketapath.knowledge import load
from ketapath.pharmacology import Order, Subject, simulate

FOLDER = Path(ketapath.knowledge.__file__).parent / "drugs"
FILES = {
    document["id"]: document
    for file in sorted(FOLDER.glob("*.yaml"))
    if not file.name.endswith(".cases.yaml")
    for document in [yaml.safe_load(file.read_text())]
}
MOLAR_MASS = {"ketamine": 237.73, "norketamine": 223.7, "hydroxynorketamine": 239.7}
MINUTES = [1.0, 5.0, 13.0, 20.0, 31.0, 40.0, 60.0, 90.0, 180.0, 360.0, 720.0, 1440.0]


def in_hours_and_litres(value: float, unit: str, weight: float) -> float:
    number, per = unit.split("/") if "/" in unit else (unit, "")
    value *= {"L": 1.0, "1": 1.0, "h": 1.0, "min": 1.0 / 60.0}[number]
    return value * {"": 1.0, "h": 1.0, "min": 60.0, "kg": weight}[per]


def values(name: str, weight: float = 70.0, age: float = 40.0, ancestry: str | None = None) -> dict[str, float]:
    """The typical value of each parameter for this person, in L, h and L/h, from this file and those it stands on."""
    chain = [FILES[name]]
    while "disposition" in chain[-1]:
        chain.append(FILES[chain[-1]["disposition"]])

    def inherited(field: str) -> Any:
        return next((document[field] for document in chain if field in document), {})

    entries = {key: entry for document in reversed(chain) for key, entry in document["parameters"].items()}
    found = {key: in_hours_and_litres(float(e["value"]), e["unit"], weight) for key, e in entries.items()}
    for key, power in inherited("weight_exponents").items():
        if key in found:
            found[key] *= (weight / 70.0) ** power
    factors = inherited("ancestry_effects").get(ancestry, {"of": {}})["of"]
    for key, factor in factors.items():
        found[key] *= factor
    ageing = inherited("age_effect")
    if ageing and age > ageing["above_years"]:
        found[ageing["parameter"]] += ageing["per_year"] * (age - ageing["above_years"])
    return found


@dataclass
class Flow:
    """So many milligrams into a place from this hour on, over so many hours (0: at once)."""

    into: int
    mg: float
    at: float = 0.0
    over: float = 0.0


def solved(rhs: Callable[[np.ndarray, np.ndarray], list[float]], size: int, flows: Sequence[Flow]) -> np.ndarray:
    """Amounts (times, places) at MINUTES: between two changes of the inflow the equations are smooth."""
    hours = [minute / 60.0 for minute in MINUTES]
    changes = sorted({0.0, hours[-1], *(f.at for f in flows), *(f.at + f.over for f in flows)})
    state, seen = np.zeros(size), {}
    for start, end in pairwise(changes):
        for flow in flows:
            if flow.over == 0.0 and flow.at == start:
                state[flow.into] += flow.mg
        entering = np.zeros(size)
        for flow in flows:
            if flow.over > 0.0 and flow.at <= start and end <= flow.at + flow.over + 1e-12:
                entering[flow.into] += flow.mg / flow.over
        wanted = sorted({end, *(h for h in hours if start < h <= end)})
        run = solve_ivp(
            lambda _, x, i=entering: rhs(x, i), (start, end), state, "DOP853", wanted, rtol=1e-11, atol=1e-13
        )
        assert run.success, run.message
        seen |= dict(zip(wanted, run.y.T, strict=True))
        state = run.y[:, -1].copy()
    return np.array([seen[h] for h in hours])


def spread_in_blood(p: dict[str, float], x: np.ndarray) -> tuple[float, float, float, float]:
    """Net flows out of blood into two other places, cleared parent, and norketamine's exchange: mg an hour."""
    if "elimination_rate" in p:
        first = p["rate_12"] * x[0] - p["rate_21"] * x[1]
        second = p["rate_13"] * x[0] - p["rate_31"] * x[2] if "rate_13" in p else 0.0
        return first, second, p["elimination_rate"] * x[0], 0.0
    level = x[0] / p["central_volume"]
    first = p["intercompartmental_clearance_1"] * (level - x[1] / p["peripheral_volume_1"])
    second = 0.0
    if "peripheral_volume_2" in p:
        second = p["intercompartmental_clearance_2"] * (level - x[2] / p["peripheral_volume_2"])
    exchange = 0.0
    if "metabolite_peripheral_volume" in p:
        gradient = x[3] / p["metabolite_volume"] - x[4] / p["metabolite_peripheral_volume"]
        exchange = p["metabolite_intercompartmental_clearance"] * gradient
    return first, second, p.get("clearance", 0.0) * level, exchange


def first_pass(p: dict[str, float]) -> float:
    """Milligrams of norketamine (as ketamine) formed before the blood for each milligram given."""
    return (1.0 - p["bioavailability"]) * p.get("first_pass_to_metabolite", 0.0)


def in_blood(p: dict[str, float], flows: Sequence[Flow], formed: Sequence[Flow]) -> dict[str, np.ndarray]:
    """Mammillary and depot: 0 to 2 parent, 3 and 4 norketamine, 5 the depot, 6 the depot of what is formed early."""
    ka = p.get("absorption_rate", 0.0)
    share = p.get("metabolite_fraction", 1.0)

    def rhs(x: np.ndarray, entering: np.ndarray) -> list[float]:
        first, second, cleared, exchange = spread_in_blood(p, x)
        leaves = p["metabolite_clearance"] / p["metabolite_volume"] * x[3] if "metabolite_clearance" in p else 0.0
        flow = [-first - second - cleared + ka * x[5], first, second]
        flow += [share * cleared + ka * x[6] - exchange - leaves, exchange, -ka * x[5], -ka * x[6]]
        return list(np.array(flow) + entering)

    amounts = solved(rhs, 7, [*flows, *formed])
    levels = {"ketamine": amounts[:, 0] / p["central_volume"] * 1000.0}
    if "metabolite_volume" in p:
        levels["norketamine"] = amounts[:, 3] / p["metabolite_volume"] * 1000.0
    return levels


def by_vein(p: dict[str, float], order: Order, mg: float) -> dict[str, np.ndarray]:
    assert order.infusion_min is not None
    return in_blood(p, [Flow(0, mg, over=order.infusion_min / 60.0)], [])


def by_depot(p: dict[str, float], order: Order, mg: float) -> dict[str, np.ndarray]:
    over = p.get("zero_order_duration", 0.0)
    lag = p.get("lag_h", 0.0)
    formed = mg * first_pass(p)
    return in_blood(p, [Flow(5, mg * p["bioavailability"], lag, over)], [Flow(6, formed, lag, over)] if formed else [])


def by_liver(p: dict[str, float], order: Order, mg: float) -> dict[str, np.ndarray]:
    """0 to 2 parent, 3 and 4 norketamine, 5 nose, 6 gut, 7 liver."""
    flows = []
    through_gut = p.get("swallowed_absorption_rate", 0.0)
    if order.route == "iv":
        assert order.infusion_min is not None
        flows.append(Flow(0, mg, over=order.infusion_min / 60.0))
    elif order.route == "oral":
        through_gut = p["absorption_rate"]
        flows.append(Flow(6, mg * p["gut_availability"], over=p["zero_order_duration"]))
    else:
        gap = 5.0 if order.device_gap_min is None else order.device_gap_min
        for device in range(round(mg / 28.0)):
            nose = p["nasal_fraction"] * (p["nasal_fraction_later_devices"] if device else 1.0)
            flows.append(Flow(5, 28.0 * nose, device * gap / 60.0))
            flows.append(
                Flow(6, 28.0 * (1 - nose) * p["gut_availability"], device * gap / 60.0, p["swallowed_duration"])
            )

    def rhs(x: np.ndarray, entering: np.ndarray) -> list[float]:
        first, second, _, exchange = spread_in_blood({k: v for k, v in p.items() if k != "clearance"}, x)
        to_liver = p["liver_flow"] * x[0] / p["central_volume"]
        from_liver = p["liver_flow"] * x[7] / p["liver_volume"]
        becomes, lost = p["liver_metabolite_rate"] * x[7], p["liver_other_rate"] * x[7]
        nose, gut = p["nasal_absorption_rate"] * x[5], through_gut * x[6]
        leaves = p["metabolite_clearance"] / p["metabolite_volume"] * x[3]
        flow = [nose - first - second - to_liver + from_liver, first, second, becomes - exchange - leaves, exchange]
        flow += [-nose, -gut, gut + to_liver - from_liver - becomes - lost]
        return list(np.array(flow) + entering)

    amounts = solved(rhs, 8, flows)
    return {
        "ketamine": amounts[:, 0] / p["central_volume"] * 1000.0,
        "norketamine": amounts[:, 3] / p["metabolite_volume"] * 1000.0,
    }


def by_film(p: dict[str, float], order: Order, mg: float) -> dict[str, np.ndarray]:
    """0-2 parent, 3 and 4 norketamine, 5 and 6 hydroxynorketamine, 7 mucosa, 8 gut, 9 gut to liver, 10-13 delays."""
    if order.route == "iv":
        assert order.infusion_min is not None
        flows = [Flow(0, mg, over=order.infusion_min / 60.0)]
    else:
        flows = [Flow(7, mg * p["bioavailability"], over=p["zero_order_duration"])]
        flows.append(Flow(8, mg * p["swallowed_fraction"], over=p["swallowed_duration"]))
    delay, later = 2.0 / p["metabolite_transit_time"], 2.0 / p["hydroxy_transit_time"]
    v = p["central_volume"]  # that of norketamine too

    def rhs(x: np.ndarray, entering: np.ndarray) -> list[float]:
        first = p["intercompartmental_clearance_1"] * (x[0] / v - x[1] / p["peripheral_volume_1"])
        second = p["intercompartmental_clearance_2"] * (x[0] / v - x[2] / p["peripheral_volume_2"])
        gradient = x[3] / v - x[4] / p["metabolite_peripheral_volume"]
        exchange = p["metabolite_intercompartmental_clearance"] * gradient
        gradient = x[5] / p["hydroxy_volume"] - x[6] / p["hydroxy_peripheral_volume"]
        late = p["hydroxy_intercompartmental_clearance"] * gradient
        gone = p["hydroxy_clearance"] * x[5] / p["hydroxy_volume"]
        cleared, onward = p["clearance"] * x[0] / v, p["metabolite_clearance"] * x[3] / v
        mucosa, gut = p["absorption_rate"] * x[7], p["swallowed_absorption_rate"] * x[8]
        liver = x[9] / p["gut_transit_time"]
        return list(
            np.array([
                mucosa - cleared - first - second, first, second,
                p["metabolite_fraction"] * delay * x[11] - onward - exchange, exchange,
                p["hydroxy_fraction"] * later * x[13] - gone - late, late,
                -mucosa, -gut, gut - liver,
                cleared + liver - delay * x[10], delay * (x[10] - x[11]),
                onward - later * x[12], later * (x[12] - x[13]),
            ])
            + entering
        )  # fmt: skip

    amounts = solved(rhs, 14, flows)
    places = {"ketamine": (0, v), "norketamine": (3, v), "hydroxynorketamine": (5, p["hydroxy_volume"])}
    return {
        name: amounts[:, place] / volume * 1000.0 * MOLAR_MASS[name] / MOLAR_MASS["ketamine"]
        for name, (place, volume) in places.items()
    }


BY_STRUCTURE = {
    "mammillary": by_vein,
    "depot": by_depot,
    "nasal-hepatic": by_liver,
    "oral-hepatic": by_liver,
    "film": by_film,
}


def second(name: str, order: Order, subject: Subject) -> dict[str, np.ndarray]:
    """Every analyte of the model by this implementation, ng/mL at MINUTES."""
    model = FILES[name]
    p = values(name, subject.weight_kg or 70.0, subject.age_years or 40.0, subject.ancestry)
    run = BY_STRUCTURE[model["structure"]]
    if not any(analyte.startswith(("S-", "R-")) for analyte in model["analytes"]):
        return run(p, order, order.dose_mg)
    share = 0.5 if model["product"] == "racemic" else 1.0
    levels = {f"S-{analyte}": found for analyte, found in run(p, order, order.dose_mg * share).items()}
    if model["product"] == "racemic":
        slower = {**p, "clearance": p["clearance"] * p["r_over_s_clearance"]}
        if "bioavailability" in p:
            slower["bioavailability"] = p["bioavailability"] * p.get("r_over_s_bioavailability", 1.0)
        levels |= {f"R-{analyte}": found for analyte, found in run(slower, order, order.dose_mg * share).items()}
        for analyte in ("ketamine", "norketamine"):
            if f"R-{analyte}" in levels:
                levels[analyte] = levels[f"S-{analyte}"] + levels[f"R-{analyte}"]
    return levels


def orders(name: str) -> list[tuple[Order, Subject]]:
    """For each route of a model a dose for a person of 70 kg and for one who is not, bolus and infusion by vein."""
    model = FILES[name]
    adult = not model.get("children")
    people = [Subject(weight_kg=70.0, age_years=40.0 if adult else 10.0)]
    people.append(Subject(weight_kg=93.0 if adult else 24.0, age_years=71.0 if adult else 7.0))
    if model["structure"] == "nasal-hepatic":
        people += [Subject(weight_kg=58.0, age_years=66.0, ancestry=word) for word in ("asian", "japanese")]
    found = []
    for route in model["routes"]:
        for number, subject in enumerate(people):
            dose = 84.0 if "nasal" in (route, model["structure"]) and route == "nasal" else 35.0
            minutes = None if route != "iv" else (40.0, 0.0)[number % 2]
            found.append((Order(product=model["product"], route=route, dose_mg=dose, infusion_min=minutes), subject))
    return found


def agrees(name: str, order: Order, subject: Subject) -> None:
    found = simulate(order, subject, load().drugs, MINUTES, draws=2, seed=1, model=name)
    ours = second(name, order, subject)
    assert {s.analyte for s in found.series} <= set(ours)
    for series in found.series:
        level = np.array(series.typical)
        assert level.max() > 0.0
        assert level == pytest.approx(ours[series.analyte], rel=1e-6, abs=1e-9 * level.max()), series.analyte


def test_the_default_model_by_vein_agrees() -> None:
    for order, subject in orders("racemic_iv_venous_composite"):
        agrees("racemic_iv_venous_composite", order, subject)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_model_agrees(name: str) -> None:
    for order, subject in orders(name):
        agrees(name, order, subject)


@pytest.mark.slow
def test_every_structure_that_a_file_names_is_here() -> None:
    assert {model["structure"] for model in FILES.values()} == set(BY_STRUCTURE)
    assert math.isclose(in_hours_and_litres(2.0, "L/min", 70.0), 120.0)
