"""What would a slower or faster liver, or another gut wall, do to a level? A drug model or people with other enzymes.

Well-stirred liver: E = CLint / (Q + CLint), CL = Q E, and 1 - E gets past it by mouth. The blood flow of the liver
stands between enzymes and clearance: enzymes half as fast do not halve the clearance of a drug that the liver takes
out well. `with_intrinsic_clearance` changes models, `with_enzymes` drawn people. The flow is the model's own where it
states one. Sources: PEREZRUIXO2021 (flow and liver of the nasal model).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.subjects import Subject, typical

Model = Mapping[str, Any]
People = Mapping[str, Array]
Flags = npt.NDArray[np.bool_]

LIVER_FLOW_L_PER_H = 151.0  # source: PEREZRUIXO2021, liver flow at 70 kg
LIVER_RATES = ("liver_metabolite_rate", "liver_other_rate")
"""The ways out of a liver that is a compartment of its own; both are enzymes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """People with other enzymes, and what the gut factor asked of their gut walls: more than 1 was not given.

    `gut_asked` is None where nothing of this model passes the gut wall. `let_through` marks people whose
    bioavailability is more than a liver of their own clearance lets through; theirs then lets through just that.
    """

    people: dict[str, Array]
    gut_asked: Array | None
    let_through: Flags | None


def with_intrinsic_clearance(models: Mapping[str, Model], ratio: float) -> dict[str, Model]:
    """The models of a person whose liver breaks the drug down `ratio` times as fast; 1 gives them back as they are.

    Raises BadInput for a ratio that is not positive, and for a model whose clearance reaches the flow of the liver.
    """
    if not 0.0 < ratio < float("inf"):
        raise BadInput(
            field="intrinsic clearance", found=ratio, limit="a ratio above 0", next_step="Give the ratio of two people."
        )
    return {name: {**model, "parameters": _scaled(model, ratio)} for name, model in models.items() if _states_it(model)}


def _states_it(model: Model) -> bool:
    """Whether the file states a clearance as such; one that does not is left out, and asking for it names it."""
    return has_liver(model) or "clearance" in model["parameters"]


def can_interact(model: Model) -> bool:
    """Whether the liver alone can do the clearance of this model, so that other enzymes mean something for it."""
    return has_liver(model) or 0.0 < typical(model, Subject()).get("clearance", 0.0) < liver_flow(model)


def has_liver(model: Model) -> bool:
    """Whether the liver is a compartment of this model, so that its rates are what enzymes do."""
    return all(name in model["parameters"] for name in LIVER_RATES)


def liver_flow(model: Model) -> float:
    """Blood flow of the liver in L/h at 70 kg: the model's own, else that of the nasal model."""
    own = model["parameters"].get("liver_flow")
    return LIVER_FLOW_L_PER_H if own is None else float(own["value"])


def extraction(model: Model, *, enantiomer: str = "S") -> float:
    """The share that the typical person's liver takes out of the blood that passes it.

    Raises BadInput, naming the model, where its clearance reaches the flow: the liver alone cannot do it.
    """
    value = typical(model, Subject())
    flow = liver_flow(model)
    if has_liver(model):
        enzymes = sum(value[name] for name in LIVER_RATES) * value["liver_volume"]
        return enzymes / (flow + enzymes)
    if "clearance" not in value:
        raise BadInput(
            field=f"model {model['id']}",
            found="no clearance",
            limit="a clearance, or a liver of its own",
            next_step="Use a model that has one.",
        )
    clearance = value["clearance"] * (value.get("r_over_s_clearance", 1.0) if enantiomer == "R" else 1.0)
    if not 0.0 < clearance < flow:
        raise BadInput(
            field=f"clearance of {model['id']}",
            found=clearance,
            limit=f"below the flow of the liver, {flow:g} L/h",
            next_step="Use a model whose clearance the liver alone can do.",
        )
    return clearance / flow


def with_enzymes(model: Model, people: People, liver: Array, gut: Array) -> Changed:
    """Drawn people whose liver works `liver` times as fast and whose gut wall lets through `gut` times as much.

    `people` are as `virtual_patients` draws them, `liver` and `gut` of the same shape. Where only a part of a dose
    passes gut and liver (`first_pass_share`), only that part changes. A gut wall never lets through more than all.
    A racemic product gets `r_over_s_bioavailability`, because the liver does not take out both enantiomers alike.
    """
    if has_liver(model):
        found = {**people, **{name: people[name] * liver for name in LIVER_RATES}}
        asked = people["gut_availability"] * gut if "gut_availability" in people else None
        if asked is not None:
            found["gut_availability"] = np.minimum(asked, 1.0)
        return Changed(people=found, gut_asked=asked, let_through=None)
    s_out = _extractions(model, people, "S")
    found = {**people, "clearance": people["clearance"] * _clearance_share(s_out, liver)}
    is_racemic = "r_over_s_clearance" in people
    r_out = _extractions(model, people, "R") if is_racemic else s_out
    if is_racemic:
        slower = _clearance_share(r_out, liver) / _clearance_share(s_out, liver)
        found["r_over_s_clearance"] = people["r_over_s_clearance"] * slower
    if not {"bioavailability", "first_pass_share"} <= set(people):
        return Changed(people=found, gut_asked=None, let_through=None)
    s_dose = _first_pass(people["bioavailability"], people["first_pass_share"], s_out, liver, gut)
    found |= {"bioavailability": s_dose.available, "first_pass_share": s_dose.first_pass_share}
    if not is_racemic:
        return Changed(people=found, gut_asked=s_dose.gut_asked, let_through=s_dose.let_through)
    r_share = people.get("r_over_s_bioavailability", np.ones_like(liver))
    r_dose = _first_pass(people["bioavailability"] * r_share, people["first_pass_share"], r_out, liver, gut)
    found["r_over_s_bioavailability"] = r_dose.available / s_dose.available
    return Changed(
        people=found,
        gut_asked=np.maximum(s_dose.gut_asked, r_dose.gut_asked),
        let_through=s_dose.let_through | r_dose.let_through,
    )


def area_per_mg(model: Model, people: People, route: str, devices: int = 1) -> Array:
    """Area under the parent's level for each milligram of the product, in h/L: exact, from input and clearance.

    A racemic product counts both enantiomers. `devices` is how many sprays a dose has, by the nose.
    """
    one = np.ones_like(next(iter(people.values())))
    if has_liver(model):
        enzymes = sum((people[name] for name in LIVER_RATES), 0.0 * one) * people["liver_volume"]
        flow = people["liver_flow"]
        straight = one if route == "iv" else 0.0 * one
        if route == "nasal":
            later = people["nasal_fraction_later_devices"]
            straight = people["nasal_fraction"] * (1.0 + (devices - 1) * later) / devices
        to_liver = (1.0 - straight) * people.get("gut_availability", one)
        # What enters the liver leaves it by enzymes or goes on into the blood, which brings all of it back.
        return (straight * (flow + enzymes) / flow + to_liver) / enzymes
    available = one if route == "iv" else people.get("bioavailability", one)
    s_area = available / people["clearance"]
    if "r_over_s_clearance" not in people:
        return s_area
    r_available = available * people.get("r_over_s_bioavailability", one)
    return (s_area + r_available / (people["clearance"] * people["r_over_s_clearance"])) / 2.0


def _extractions(model: Model, people: People, enantiomer: str) -> Array:
    """What each person's liver takes out: the typical share, moved by their clearance and flow on the scale of odds.

    To first order this is clearance over flow of that person, and it never reaches 1, which a drawn clearance may.
    """
    middle = extraction(model, enantiomer=enantiomer)
    clearance = people["clearance"] * (people["r_over_s_clearance"] if enantiomer == "R" else 1.0)
    moved = np.log(clearance / clearance[0])
    if "liver_flow" in people:
        moved = moved - np.log(people["liver_flow"] / people["liver_flow"][0])
    odds = middle / (1.0 - middle) * np.exp(moved / (1.0 - middle))
    return np.asarray(odds / (1.0 + odds))


def _clearance_share(out: Any, liver: Any) -> Any:
    """What is left of the clearance when the enzymes work `liver` times as fast, at this extraction."""
    return liver / (1.0 - out + out * liver)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dose:
    """The bioavailable share of a dose after a change of enzymes, and how much of that passed gut wall and liver."""

    available: Array
    first_pass_share: Array
    gut_asked: Array
    let_through: Flags


def _first_pass(available: Array, share: Array, out: Array, liver: Array, gut: Array) -> _Dose:
    """A dose of which `share` of what is available came through gut wall and liver, with other enzymes in both."""
    straight = (1.0 - share) * available
    swallowed = 1.0 - straight
    passed = share * available
    needed = np.divide(passed, swallowed, out=np.zeros_like(passed), where=swallowed > 0.0)
    through = np.maximum(1.0 - out, needed)
    wall = np.divide(needed, through, out=np.zeros_like(passed), where=through > 0.0)
    asked = wall * gut
    after = swallowed * np.minimum(asked, 1.0) * through / (through + liver * (1.0 - through))
    total = straight + after
    return _Dose(
        available=total,
        first_pass_share=np.divide(after, total, out=np.zeros_like(total), where=total > 0.0),
        gut_asked=asked,
        let_through=needed > 1.0 - out,
    )


def _scaled(model: Model, ratio: float) -> dict[str, Mapping[str, Any]]:
    """The parameters of the typical person with other enzymes; ranges and spread keep their share of the value."""
    before = {name: np.array([value]) for name, value in typical(model, Subject()).items()}
    changed = with_enzymes(model, before, np.array([ratio]), np.ones(1)).people
    found = {
        name: entry if changed[name][0] == before[name][0] else _times(entry, changed[name][0] / before[name][0])
        for name, entry in model["parameters"].items()
    }
    for name in set(changed) - set(before):
        found[name] = {"value": float(changed[name][0]), "unit": "1", "source": "PEREZRUIXO2021", "trust": "assumption"}
    return found


def _times(entry: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """A parameter with its value and its range times a factor; the spread between people stays the same share."""
    return {**entry, **{end: float(entry[end]) * float(factor) for end in ("value", "low", "high") if end in entry}}
