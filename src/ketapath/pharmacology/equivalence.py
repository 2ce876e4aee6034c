"""Which dose by another route gives the same area under the level, and how much of a dose reaches the blood?

Areas to infinity are exact: -A^-1 times what goes in, for every drawn person; nothing is simulated. The band of a dose
takes the two routes as two sets of people drawn apart, so it holds the spread and uncertainty of both models. Equal
area is not equal effect: peak, speed and norketamine differ by route. Sources stand in knowledge/drugs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ketapath.domain.evidence import Finding, Text
from ketapath.domain.plan import Range
from ketapath.pharmacology.choice import Models, has_model, model_for
from ketapath.pharmacology.notes import notes
from ketapath.pharmacology.orders import Order, check
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.structures import Body, bodies, uptake
from ketapath.pharmacology.subjects import Subject, virtual_patients

NOT_EFFECT = Text(key="equivalence.not_effect")
_SAID = ("extrapolated-", "assumed-parameters")
"""The notes of a model that a dose carries with it; all of them stand on the model's card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """The dose (mg of base) of this product by this route with the same area under `analyte` as the order.

    `typical` is that of the two typical people. `assumed` marks a model that rests on assumptions,
    `extrapolated` a person outside it, `beyond_device` a dose above the label's maximum of the device for some people.
    """

    product: str
    route: str
    model: str
    analyte: str
    dose_mg: Range
    typical: float
    assumed: bool
    extrapolated: bool
    beyond_device: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The share of a dose that reaches the blood, by this model; `sources` are of the constants that say so."""

    model: str
    share: Range
    typical: float
    sources: tuple[str, ...]
    assumed: bool


def equivalent_doses(
    order: Order, subject: Subject, models: Models, *, draws: int, seed: int
) -> tuple[Equivalent, ...]:
    """For every product and route with a model, the dose whose area to infinity equals that of the order.

    By S-ketamine wherever both models know it; from racemic to racemic by the sum of both enantiomers as well. The
    route of the order itself gives its own dose. Raises BadInput as `simulate` does.
    """
    own = model_for(order, subject, models, None)
    check(order, subject, own, [0.0], draws, seed)
    wanted = _areas(own, order, subject, models, draws, seed)
    found: list[Equivalent] = []
    for other in ways(subject, models):
        model = model_for(other, subject, models, None)
        for analyte in ("S-ketamine", "ketamine"):
            is_total = analyte == "ketamine"
            if analyte not in wanted or (is_total and "racemic" not in {order.product} & {other.product}):
                continue
            is_same = (other.product, other.route) == (order.product, order.route)
            given = order if is_same else replace(other, starts_min=order.starts_min)
            one = _equivalent(wanted[analyte], analyte, given, order, model, subject, models, draws, seed)
            found += [one] if one is not None else []
    return tuple(found)


def availability(
    order: Order, subject: Subject, models: Models, *, draws: int, seed: int, model: str | None = None
) -> Availability:
    """Which share of this dose reaches the blood, for one such person. Raises BadInput as `simulate` does."""
    chosen = model_for(order, subject, models, model)
    check(order, subject, chosen, [0.0], draws, seed)
    people = _people(chosen, subject, models, draws, seed)
    taken = uptake(chosen, people, order)
    ordered = sum(dose.amount for dose, _, _ in taken) if order.route == "iv" else order.dose_mg * len(order.starts_min)
    share = sum((dose.amount * part for dose, part, _ in taken), np.zeros(draws + 1)) / ordered
    if "r_over_s_bioavailability" in people:
        share = share * (1.0 + people["r_over_s_bioavailability"]) / 2.0
    named = [e for name, e in chosen["parameters"].items() if name in _DECIDES[chosen["structure"]]]
    if order.route == "iv":
        named = []
    return Availability(
        model=chosen["id"],
        share=_band(share, "1"),
        typical=float(share[0]),
        sources=tuple(dict.fromkeys(e["source"] for e in named if "source" in e)),
        assumed=any(e["trust"] == "assumption" for e in named),
    )


_DECIDES: Mapping[str, frozenset[str]] = {
    "mammillary": frozenset(),
    "depot": frozenset({"bioavailability"}),
    "film": frozenset({"bioavailability"}),
    "oral-hepatic": frozenset({"gut_availability", "liver_flow", "liver_other_rate", "liver_metabolite_rate"}),
    "nasal-hepatic": frozenset({"nasal_fraction", "gut_availability", "liver_flow", "liver_metabolite_rate"}),
}


def ways(subject: Subject, models: Models) -> Iterator[Order]:
    """One order for every product and route that has a model for such a person, racemic first."""
    pairs = {(m["product"], route): m for m in models.values() for route in m["routes"]}
    for product, route in sorted(pairs, key=lambda pair: (pair[0] != "racemic", pair[1] != "iv", pair[1])):
        minutes = 0.0 if route == "iv" else None
        order = Order(product=product, route=route, dose_mg=1.0, infusion_min=minutes)
        if has_model(order, subject, models):
            device = model_for(order, subject, models, None).get("device")
            yield replace(order, dose_mg=float(device["mg"])) if device and route == "nasal" else order


def _equivalent(
    wanted: Array,
    analyte: str,
    given: Order,
    order: Order,
    model: Mapping[str, Any],
    subject: Subject,
    models: Models,
    draws: int,
    seed: int,
) -> Equivalent | None:
    """The dose by this model; None where it does not know the analyte."""
    nodes = [given]
    device = model.get("device") if given.route == "nasal" else None
    if device is not None:
        sizes = range(device["mg"], device["most_mg"] + 1, device["mg"])
        nodes = [replace(given, dose_mg=float(mg), device_gap_min=None) for mg in sizes]
    areas = [_areas(model, node, subject, models, draws, seed).get(analyte) for node in nodes]
    known = [area for area in areas if area is not None]
    if not known:
        return None
    doses = _inverted(wanted, [node.dose_mg for node in nodes], known)
    said = tuple(f for f in notes(model, given, subject, models) if f.id.split("/")[-1].startswith(_SAID))
    band = _band(doses, "mg")
    beyond = device is not None and max(band.p95, float(doses[0])) > device["most_mg"] * (1.0 + 1e-9)
    return Equivalent(
        product=given.product,
        route=given.route,
        model=model["id"],
        analyte=analyte,
        dose_mg=band,
        typical=float(doses[0]),
        assumed=model["trust"] == "assumption" or any("assumed-parameters" in f.id for f in said),
        extrapolated=any("extrapolated-" in f.id for f in said),
        beyond_device=beyond,
        findings=said,
    )


def _inverted(wanted: Array, doses: Sequence[float], areas: Sequence[Array]) -> Array:
    """Each person's dose with the wanted area: straight lines through nothing and these doses, on beyond the last."""
    found = doses[0] * (wanted / areas[0])
    for place in range(1, len(doses)):
        low, high, step = areas[place - 1], areas[place], doses[place] - doses[place - 1]
        found = np.where(wanted > low, doses[place - 1] + step * ((wanted - low) / (high - low)), found)
    return found


def _areas(
    model: Mapping[str, Any], order: Order, subject: Subject, models: Models, draws: int, seed: int
) -> dict[str, Array]:
    """Analyte of the parent -> area to infinity of one dose, ng h/mL, shape (draws + 1,); column 0 is typical.

    Where the model shares its band with others, each gives an equal part of the people, whatever it lacks aside.
    """
    names = [model["id"], *model.get("band_with", ())]
    parts = [draws // len(names) + (1 if place < draws % len(names) else 0) for place in range(len(names))]
    found: dict[str, list[Array]] = {}
    for place, (name, n) in enumerate(zip(names, parts, strict=True)):
        one = model if place == 0 else models[name]
        for analyte, area in _own_areas(one, order, _people(one, subject, models, n, seed)).items():
            if place == 0 or analyte in found:
                found.setdefault(analyte, []).append(area if place == 0 else area[1:])
    whole = {analyte: np.concatenate(areas) for analyte, areas in found.items()}
    # A model of the band that lacks an enantiomer leaves fewer people; they are taken in turn until there are enough.
    return {analyte: np.concatenate([area[:1], np.resize(area[1:], draws)]) for analyte, area in whole.items()}


def _own_areas(model: Mapping[str, Any], order: Order, people: Mapping[str, Array]) -> dict[str, Array]:
    areas: dict[str, Array] = {}
    for body in bodies(model, people, order):
        amounts = _amount_hours(body)
        for analyte, (place, factor) in body.read.items():
            if analyte.endswith("ketamine") and "nor" not in analyte:
                areas[analyte] = amounts[:, place] * factor
    if "R-ketamine" in areas:
        areas["ketamine"] = areas["S-ketamine"] + areas["R-ketamine"]
    return areas


def _amount_hours(body: Body) -> Array:
    """Area under the amount in each compartment to infinity, mg h, shape (people, compartments).

    Compartments that the model does not use have no way out and are left aside.
    """
    size = body.rates.shape[1]
    entered = np.zeros((body.rates.shape[0], size))
    for dose, share in body.inputs:
        entered[:, dose.compartment] += share * dose.amount
    used = np.flatnonzero((np.diagonal(body.rates, axis1=1, axis2=2) != 0.0).any(axis=0))
    inner = body.rates[:, used[:, None], used[None, :]]
    found = np.zeros_like(entered)
    found[:, used] = np.linalg.solve(-inner, entered[:, used, None])[..., 0]
    return found


def _people(model: Mapping[str, Any], subject: Subject, models: Models, n: int, seed: int) -> dict[str, Array]:
    """The same people whenever this model is asked, others for every other model."""
    place = sorted(models).index(model["id"])
    return virtual_patients(model, subject, np.random.default_rng([seed, place]), n)


def _band(values: Array, unit: str) -> Range:
    p05, p50, p95 = np.quantile(values[1:], (0.05, 0.5, 0.95)).tolist()
    return Range(p05=p05, p50=p50, p95=p95, unit=unit)
