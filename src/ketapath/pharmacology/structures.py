"""Which compartments does a drug model have, and where does a dose go in? From drawn people to matrices and inputs.

One function for each structure that a model file may name. Amounts are milligrams of parent; a metabolite's are
milligrams of parent too (all models here conserve molecules, none converts molar mass), so a metabolite's level is
given in nanograms of parent unless the model states molar amounts, as the film does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ketapath.errors import NumericalError
from ketapath.pharmacology.orders import Order, given, halved
from ketapath.pharmacology.solver.compartments import Array, Input
from ketapath.pharmacology.solver.march import Batch, march
from ketapath.pharmacology.solver.modal import Chain
from ketapath.pharmacology.solver.positive import Flows
from ketapath.units import KETAMINE_BASE_G_PER_MOL

NORKETAMINE_G_PER_MOL = 223.7  # source: pk_models.yaml, meta.mw.norketamine
HYDROXYNORKETAMINE_G_PER_MOL = 239.7  # source: pk_models.yaml, meta.mw.hydroxynorketamine
_NG_PER_ML = 1000.0  # mg/L
_EFFECTS = ("effect_1", "effect_2")

People = Mapping[str, Array]
Moves = dict[tuple[int, int | None], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Compartments of n people of one enantiomer: rates (n, size, size) per hour, what goes in, and what is read.

    `inputs` pairs an amount with the share of it that each person gets; `read` gives each analyte its compartment and
    the factor from milligrams in it to ng/mL. Where all of it goes into the blood at once or by infusion, `chain` holds
    the same people for the faster of the two solutions, and `outputs` which of its outputs is which analyte.
    """

    rates: Array
    inputs: tuple[tuple[Input, Array], ...]
    read: Mapping[str, tuple[int, Array]]
    chain: Chain | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)

    def levels(self, times_min: Sequence[float]) -> dict[str, Array]:
        """Analyte -> ng/mL, shape (times, people). Raises NumericalError where somebody cannot be computed."""
        times_h = [minute / 60.0 for minute in times_min]
        doses = [dose for dose, _ in self.inputs]
        shares = np.stack([share for _, share in self.inputs])
        if self.chain is not None:
            found = march(self.chain, doses, times_h, scale=shares)
            levels = {name: found.of(output) * _NG_PER_ML for name, output in self.outputs.items()}
        else:
            amounts = {name: (place, None) for name, (place, _) in self.read.items()}
            found = march(Flows(rates_per_h=self.rates, outputs=amounts), doses, times_h, scale=shares)
            levels = {name: found.of(name) * factor for name, (_, factor) in self.read.items()} if _whole(found) else {}
        if not _whole(found):
            lost = int(np.count_nonzero(found.status))
            raise NumericalError(f"{lost} of {found.status.size} simulated people leave the range of numbers.")
        return levels


def _whole(found: Batch) -> bool:
    return not found.status.any()


def bodies(model: Mapping[str, Any], people: People, order: Order) -> tuple[Body, ...]:
    """The body of this model for each enantiomer: S alone, or S and R with half of a racemic dose each.

    A racemic model without enantiomers of its own has one body for the whole dose.
    """
    build = _STRUCTURES[model["structure"]]
    if model["product"] == "esketamine":
        return (build(model, people, order, "S-"),)
    if "r_over_s_clearance" not in people:
        return (build(model, people, order, ""),)
    half = halved(order)
    return (build(model, people, half, "S-"), build(model, mirrored(people), half, "R-"))


def mirrored(people: People) -> dict[str, Array]:
    """The same people with the parameters of R-ketamine."""
    found = dict(people)
    found["clearance"] = people["clearance"] * people["r_over_s_clearance"]
    if "r_over_s_bioavailability" in people:
        found["bioavailability"] = people["bioavailability"] * people["r_over_s_bioavailability"]
    return found


def with_effect_sites(body: Body, parent: str, rates_per_h: Mapping[str, Array]) -> Body:
    """The body with compartments that follow the parent's level without taking any of it; they are read in ng/mL."""
    source, factor = body.read[parent]
    size, extra = body.rates.shape[1], len(rates_per_h)
    wider = np.zeros((body.rates.shape[0], size + extra, size + extra))
    wider[:, :size, :size] = body.rates
    read = dict(body.read)
    for place, (name, rate) in enumerate(rates_per_h.items(), start=size):
        wider[:, place, source] = rate * factor
        wider[:, place, place] = -rate
        read[name] = (place, np.ones_like(factor))
    if body.chain is None or extra > len(_EFFECTS):
        return replace(body, rates=wider, read=read, chain=None)
    names = dict(zip(_EFFECTS, rates_per_h, strict=False))
    sites = {f"effect_rate_{output[-1]}": rates_per_h[name] for output, name in names.items()}
    outputs = {**body.outputs, **{name: output for output, name in names.items()}}
    return replace(body, rates=wider, read=read, chain=replace(body.chain, **sites), outputs=outputs)


def uptake(model: Mapping[str, Any], people: People, order: Order) -> list[tuple[Input, Array, str | None]]:
    """What reaches the blood of one enantiomer: amounts, each person's share, and the rate of uptake (None: at once).

    For feeding a dose of any route into another disposition. What the liver takes out on the way does not reach it.
    """
    if order.route == "iv":
        return [(dose, np.ones_like(people["central_volume"]), None) for dose in given(order, model)]
    if model["structure"] in ("depot", "film"):
        return [
            (dose, people["bioavailability"], "absorption_rate") for dose in _spread_out(given(order, model), model)
        ]
    enzymes = people["liver_volume"] * (people["liver_metabolite_rate"] + people["liver_other_rate"])
    passed = people["liver_flow"] / (people["liver_flow"] + enzymes)
    return [
        (dose, share, "nasal_absorption_rate") if place == _NOSE else (dose, share * passed, _gut_rate(model))
        for place, dose, share in _hepatic_shares(model, people, order)
    ]


def fed(people: People, taken: Sequence[tuple[Input, Array, str | None]], rates: People, letter: str) -> Body:
    """The blood and tissues of these people, fed by this uptake; `rates` holds what each rate of uptake is."""
    flows: Moves = {**_disposition(people), (_PARENT, None): people["clearance"] / people["central_volume"]}
    depots = {name: _DEPOT + place for place, name in enumerate(dict.fromkeys(n for _, _, n in taken if n is not None))}
    for name, place in depots.items():
        flows[(place, _PARENT)] = rates[name]
    inputs = [(replace(d, compartment=depots[n] if n else _PARENT), share) for d, share, n in taken]
    read = {f"{letter}ketamine": (_PARENT, _NG_PER_ML / people["central_volume"])}
    body = Body(rates=_flows(people, _DEPOT + len(depots), flows), inputs=tuple(inputs), read=read)
    if depots:
        return body
    return replace(body, chain=Chain.of(people), outputs={f"{letter}ketamine": "parent"})


_PARENT, _METABOLITE, _DEPOT, _NOSE = 0, 1, 5, 5
_GUT, _LIVER = 6, 7


def _mammillary(model: Mapping[str, Any], people: People, order: Order, letter: str) -> Body:
    inputs = [(dose, np.ones(people["central_volume"].size)) for dose in given(order, model)]
    share = {"metabolite_share": people["metabolite_fraction"]} if "metabolite_fraction" in people else {}
    names = {f"{letter}ketamine": "parent"}
    if "metabolite_volume" in people:
        names[f"{letter}norketamine"] = "metabolite"
    return replace(_by_blood(people, letter, inputs, {}, 5), chain=Chain.of(people, **share), outputs=names)


def _depot(model: Mapping[str, Any], people: People, order: Order, letter: str) -> Body:
    """One depot into the blood; what the first pass took forms norketamine at the same pace."""
    share = people["bioavailability"]
    doses = _spread_out(given(order, model), model)
    inputs = [(replace(d, compartment=_DEPOT), share) for d in doses]
    flows: Moves = {(_DEPOT, _PARENT): people["absorption_rate"]}
    size = 6
    if "first_pass_to_metabolite" in people and "metabolite_volume" in people:
        lost = (1.0 - share) * people["first_pass_to_metabolite"]
        inputs += [(replace(d, compartment=6), lost) for d in doses]
        flows[(6, _METABOLITE)] = people["absorption_rate"]
        size = 7
    return _by_blood(people, letter, inputs, flows, size)


def _by_blood(people: People, letter: str, inputs: list[tuple[Input, Array]], flows: Moves, size: int) -> Body:
    """Parent (0), metabolite (1), their other compartments (2 to 4), then depots. All clearance forms norketamine
    unless the model gives the share of it."""
    out = people["clearance"] / people["central_volume"]
    read = {f"{letter}ketamine": (_PARENT, _NG_PER_ML / people["central_volume"])}
    moves: Moves = {**_disposition(people), **flows}
    if "metabolite_volume" in people:
        formed = people.get("metabolite_fraction", np.ones_like(out))
        moves[(_PARENT, _METABOLITE)] = out * formed
        moves[(_PARENT, None)] = out * (1.0 - formed)
        read[f"{letter}norketamine"] = (_METABOLITE, _NG_PER_ML / people["metabolite_volume"])
    else:
        moves[(_PARENT, None)] = out
    return Body(rates=_flows(people, size, moves), inputs=tuple(inputs), read=read)


def _hepatic(model: Mapping[str, Any], people: People, order: Order, letter: str) -> Body:
    """Nose (5) to blood; what is swallowed through gut (6) into the liver (7), which extracts before blood."""
    flow = people["liver_flow"]
    moves: Moves = {
        **_disposition(people),
        (_PARENT, _LIVER): flow / people["central_volume"],
        (_LIVER, _PARENT): flow / people["liver_volume"],
        (_LIVER, _METABOLITE): people["liver_metabolite_rate"],
        (_LIVER, None): people["liver_other_rate"],
    }
    if order.route == "iv":
        inputs = [(dose, np.ones_like(flow)) for dose in given(order, model)]
    else:
        inputs = [(replace(d, compartment=place), share) for place, d, share in _hepatic_shares(model, people, order)]
        moves[(_NOSE, _PARENT)] = people["nasal_absorption_rate"]
        moves[(_GUT, _LIVER)] = people[_gut_rate(model)]
    read = {
        f"{letter}ketamine": (_PARENT, _NG_PER_ML / people["central_volume"]),
        f"{letter}norketamine": (_METABOLITE, _NG_PER_ML / people["metabolite_volume"]),
    }
    return Body(rates=_flows(people, 8, moves), inputs=tuple(inputs), read=read)


def _hepatic_shares(model: Mapping[str, Any], people: People, order: Order) -> list[tuple[int, Input, Array]]:
    """Where each dose goes, and which share of it: by device for the spray, all through the gut by mouth."""
    if model["structure"] == "oral-hepatic":
        hours = _hours(model["parameters"]["zero_order_duration"])
        return [
            (_GUT, replace(d, duration_h=hours, compartment=_GUT), people["gut_availability"])
            for d in given(order, model)
        ]
    hours = _hours(model["parameters"]["swallowed_duration"])
    found: list[tuple[int, Input, Array]] = []
    for dose, is_first in _devices(order, model):
        share = people["nasal_fraction"] * (1.0 if is_first else people["nasal_fraction_later_devices"])
        found.append((_NOSE, replace(dose, compartment=_NOSE), share))
        swallowed = (1.0 - share) * people["gut_availability"]
        found.append((_GUT, replace(dose, duration_h=hours, compartment=_GUT), swallowed))
    return found


def _devices(order: Order, model: Mapping[str, Any]) -> list[tuple[Input, bool]]:
    """Each device of each dose, and whether it is the first of its dose."""
    each = float(model["device"]["mg"])
    gap_h = (model["device"]["gap_min"] if order.device_gap_min is None else order.device_gap_min) / 60.0
    return [
        (Input(time_h=dose.time_h + index * gap_h, amount=each), index == 0)
        for dose in given(order, model)
        for index in range(round(dose.amount / each))
    ]


def _film(model: Mapping[str, Any], people: People, order: Order, letter: str) -> Body:
    """Mucosa (5) to blood; what is swallowed (6) through gut (7) into metabolism only; two chains of delay.

    0 parent, 1 metabolite, 2 and 3 the parent's, 4 the metabolite's other compartment, 8 and 9 on the way to
    norketamine, 10 and 11 on the way to hydroxynorketamine (12, 13).
    """
    central = people["central_volume"]
    p = {**people, "metabolite_volume": central}
    to_nk, to_hnk = 2.0 / p["metabolite_transit_time"], 2.0 / p["hydroxy_transit_time"]
    nk, hnk = p["metabolite_fraction"], p["hydroxy_fraction"]
    exchange = p["hydroxy_intercompartmental_clearance"]
    moves: Moves = {
        **_disposition(p),
        (0, 8): p["clearance"] / central,
        (8, 9): to_nk,
        (9, 1): to_nk * nk,
        (9, None): to_nk * (1.0 - nk),
        (1, 10): p["metabolite_clearance"] / central,
        (10, 11): to_hnk,
        (11, 12): to_hnk * hnk,
        (11, None): to_hnk * (1.0 - hnk),
        (12, 13): exchange / p["hydroxy_volume"],
        (13, 12): exchange / p["hydroxy_peripheral_volume"],
        (12, None): p["hydroxy_clearance"] / p["hydroxy_volume"],
        (5, 0): p["absorption_rate"],
        (6, 7): p["swallowed_absorption_rate"],
        (7, 8): 1.0 / p["gut_transit_time"],
    }
    ones = np.ones_like(central)
    doses = given(order, model)
    if order.route == "iv":
        inputs = [(dose, ones) for dose in doses]
    else:
        swallowed_h = _hours(model["parameters"]["swallowed_duration"])
        inputs = [(replace(d, compartment=5), p["bioavailability"]) for d in _spread_out(doses, model)]
        inputs += [(replace(d, duration_h=swallowed_h, compartment=6), p["swallowed_fraction"]) for d in doses]
    per_mole = _NG_PER_ML / KETAMINE_BASE_G_PER_MOL
    read = {
        f"{letter}ketamine": (0, _NG_PER_ML / central),
        f"{letter}norketamine": (1, per_mole * NORKETAMINE_G_PER_MOL / central),
        f"{letter}hydroxynorketamine": (12, per_mole * HYDROXYNORKETAMINE_G_PER_MOL / p["hydroxy_volume"]),
    }
    return Body(rates=_flows(people, 14, moves), inputs=tuple(inputs), read=read)


_STRUCTURES = MappingProxyType(
    {"mammillary": _mammillary, "depot": _depot, "nasal-hepatic": _hepatic, "oral-hepatic": _hepatic, "film": _film}
)


def _spread_out(doses: Sequence[Input], model: Mapping[str, Any]) -> list[Input]:
    """Doses that enter their depot after a lag and over a time, both those of the typical person."""
    parameters = model["parameters"]
    lag, hours = (_hours(parameters.get(name)) for name in ("lag", "zero_order_duration"))
    return [replace(d, time_h=d.time_h + lag, duration_h=hours) for d in doses]


def _hours(entry: Mapping[str, Any] | None) -> float:
    if entry is None:
        return 0.0
    return float(entry["value"]) / (60.0 if entry["unit"] == "min" else 1.0)


def _gut_rate(model: Mapping[str, Any]) -> str:
    return "swallowed_absorption_rate" if model["structure"] == "nasal-hepatic" else "absorption_rate"


def _flows(people: People, size: int, moves: Mapping[tuple[int, int | None], Array]) -> Array:
    """Rate matrices (n, size, size) from (from, to) -> rate per hour; to None leaves the body."""
    a = np.zeros((people["central_volume"].size, size, size))
    for (start, end), rate in moves.items():
        a[:, start, start] -= rate
        if end is not None:
            a[:, end, start] += rate
    return a


def _disposition(p: People) -> Moves:
    """Exchange of the parent (0) with its peripheral compartments (2, 3) and of the metabolite (1) with its own (4)."""
    vc = p["central_volume"]
    moves: Moves = {}
    for number, place in ((1, 2), (2, 3)):
        if f"peripheral_volume_{number}" in p:
            q = p[f"intercompartmental_clearance_{number}"]
            moves[(0, place)] = q / vc
            moves[(place, 0)] = q / p[f"peripheral_volume_{number}"]
    if "metabolite_volume" in p and "hydroxy_volume" not in p:
        moves[(1, None)] = p["metabolite_clearance"] / p["metabolite_volume"]
    if "metabolite_peripheral_volume" in p:
        q = p["metabolite_intercompartmental_clearance"]
        moves[(1, 4)] = q / p["metabolite_volume"]
        moves[(4, 1)] = q / p["metabolite_peripheral_volume"]
    return moves
