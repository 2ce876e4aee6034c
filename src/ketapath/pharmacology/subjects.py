"""How do people differ? Parameter draws for one new person from a drug model: spread between people and uncertainty.

Spread is lognormal (variance on the log scale or coefficient of variation) or normal on the logit scale, with the
covariances of the model; spread between occasions of one person is added, because a new dose is a new occasion.
Uncertainty of the typical value enters where a relative standard error or a range was published or assumed. Units
become litres, litres an hour and hours here, once; rate constants become clearances.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

REFERENCE_WEIGHT_KG = 70.0  # source: OTTO2021, the weight that its values refer to

_INTO_MODEL_UNITS = MappingProxyType(
    {"L": 1.0, "L/kg": REFERENCE_WEIGHT_KG, "L/h": 1.0, "L/min": 60.0, "1/h": 1.0, "1/min": 60.0, "h": 1.0,
     "min": 1 / 60, "1": 1.0}
)  # fmt: skip
_FOR_EACH_KG = frozenset({"L/kg"})
_BETWEEN_PEOPLE = ("bsv_variance", "bsv_cv_percent", "bsv_logit_sd", "bov_variance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The person that a dose is simulated for; None where it is not known.

    `ancestry` ("asian", "japanese") is used by a model that has a term for it, and only where somebody states it.
    """

    weight_kg: float | None = None
    age_years: float | None = None
    sex: str | None = None
    ancestry: str | None = None


def virtual_patients(model: Mapping[str, Any], subject: Subject, rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Parameters of n people like this one, arrays of shape (n + 1,); the first is the typical person.

    Volumes in L, clearances in L/h, rates in 1/h, durations in h, at this person's weight.
    """
    spread = _deviations(model, rng, n)
    ancestry = model.get("ancestry_effects", {}).get(subject.ancestry, {}).get("of", {})
    drawn: dict[str, Array] = {}
    for name, entry in model["parameters"].items():
        middle = float(entry["value"]) * float(ancestry.get(name, 1.0))
        value = np.full(n + 1, middle)
        value[1:] *= np.exp(_uncertainty(entry, rng, n))
        if "low" in entry:
            value[1:] = rng.uniform(entry["low"], entry["high"], n)
        if "bsv_logit_sd" in entry:
            logit = math.log(middle / (1.0 - middle))
            value[1:] = 1.0 / (1.0 + np.exp(-(logit + spread[name])))
        elif name in spread:
            value[1:] *= np.exp(spread[name])
        drawn[name] = value * _INTO_MODEL_UNITS[entry["unit"]]
    return _covariates(model, subject, _assumed(model, _clearances(drawn), rng, n))


def typical(model: Mapping[str, Any], subject: Subject) -> dict[str, float]:
    """Parameters of the typical person like this one, in the units of `virtual_patients`."""
    found = virtual_patients(model, subject, np.random.default_rng(0), 1)
    return {name: float(values[0]) for name, values in found.items()}


def _variance(entry: Mapping[str, Any]) -> float:
    """Variance of the deviation on its own scale; that between occasions on top."""
    between = float(entry.get("bov_variance", 0.0))
    if "bsv_variance" in entry:
        return float(entry["bsv_variance"]) + between
    if "bsv_cv_percent" in entry:
        return math.log(1.0 + (float(entry["bsv_cv_percent"]) / 100.0) ** 2) + between
    return float(entry.get("bsv_logit_sd", 0.0)) ** 2 + between


def _deviations(model: Mapping[str, Any], rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Correlated normal deviations of every parameter that varies between people."""
    varying = {
        name: entry for name, entry in model["parameters"].items() if any(field in entry for field in _BETWEEN_PEOPLE)
    }
    names = list(varying)
    covariance = np.diag([_variance(entry) for entry in varying.values()]) if names else np.zeros((0, 0))
    for pair in model.get("covariances", ()):
        i, j = (names.index(name) for name in pair["of"])
        covariance[i, j] = covariance[j, i] = float(pair["value"])
    draws = rng.standard_normal((n, len(names)))
    if names:
        draws = draws @ np.linalg.cholesky(covariance).T
    return {name: draws[:, i] for i, name in enumerate(names)}


def _uncertainty(entry: Mapping[str, Any], rng: np.random.Generator, n: int) -> Array:
    share = float(entry.get("rse_percent", 0.0)) / 100.0
    return rng.normal(0.0, share, n) if share else np.zeros(n)


def _clearances(drawn: dict[str, Array]) -> dict[str, Array]:
    """Rate constants of a published set as clearances and volumes, so that one form serves all models."""
    if "elimination_rate" not in drawn:
        return drawn
    volume = drawn["central_volume"]
    found = {"central_volume": volume, "clearance": drawn["elimination_rate"] * volume}
    for number, (out, back) in enumerate((("rate_12", "rate_21"), ("rate_13", "rate_31")), start=1):
        if out in drawn:
            found[f"intercompartmental_clearance_{number}"] = drawn[out] * volume
            found[f"peripheral_volume_{number}"] = drawn[out] * volume / drawn[back]
    rates = {"elimination_rate", "rate_12", "rate_21", "rate_13", "rate_31"}
    return {name: values for name, values in drawn.items() if name not in rates} | found


def _assumed(model: Mapping[str, Any], drawn: dict[str, Array], rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Spread taken over from another model where the paper's own was not seen: a curve has a band or is not shown."""
    taken = model.get("assumed_spread")
    if taken is None:
        return drawn
    names = list(taken["of"])
    covariance = np.diag([float(taken["of"][name]) for name in names])
    if "covariance" in taken:
        covariance[0, 1] = covariance[1, 0] = float(taken["covariance"])
    deviations = rng.standard_normal((n, len(names))) @ np.linalg.cholesky(covariance).T
    for place, name in enumerate(names):
        drawn[name] = drawn[name] * np.exp(np.concatenate(([0.0], deviations[:, place])))
    return drawn


def _covariates(model: Mapping[str, Any], subject: Subject, drawn: dict[str, Array]) -> dict[str, Array]:
    weight = subject.weight_kg if subject.weight_kg is not None else REFERENCE_WEIGHT_KG
    for name, exponent in _weight_exponents(model).items():
        if name in drawn:
            drawn[name] = drawn[name] * (weight / REFERENCE_WEIGHT_KG) ** float(exponent)
    effect = model.get("age_effect")
    if effect is not None and subject.age_years is not None and subject.age_years > effect["above_years"]:
        lost = float(effect["per_year"]) * (subject.age_years - float(effect["above_years"]))
        middle = drawn[effect["parameter"]][0]
        # The model states litres an hour lost by the typical person; others lose the same share.
        drawn[effect["parameter"]] = drawn[effect["parameter"]] * (middle + lost) / middle
    return drawn


def _weight_exponents(model: Mapping[str, Any]) -> Mapping[str, float]:
    """The model's own; volumes and flows of a set that is stated for each kilogram go with the weight."""
    stated: Mapping[str, float] = model.get("weight_exponents", {})
    if any(entry["unit"] in _FOR_EACH_KG for entry in model["parameters"].values()):
        per_kg = ("central_volume", "peripheral_volume_1", "peripheral_volume_2", "clearance",
                  "intercompartmental_clearance_1", "intercompartmental_clearance_2")  # fmt: skip
        return dict.fromkeys(per_kg, 1.0) | dict(stated)
    return stated
