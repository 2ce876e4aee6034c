"""How do people differ? Parameter draws for one new person from a drug model: spread between people and uncertainty.

Spread is lognormal (variance on the log scale or coefficient of variation) or normal on the logit scale, with the
covariances of the model. Uncertainty of the typical value enters where a relative standard error was published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

REFERENCE_WEIGHT_KG = 70.0  # source: OTTO2021, the weight that its values refer to


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The person that a dose is simulated for; None where it is not known."""

    weight_kg: float | None = None
    age_years: float | None = None
    sex: str | None = None


def virtual_patients(model: Mapping[str, Any], subject: Subject, rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Parameters of n people like this one, arrays of shape (n + 1,); the first is the typical person."""
    spread = _deviations(model, rng, n)
    drawn: dict[str, Array] = {}
    for name, entry in model["parameters"].items():
        value = np.full(n + 1, float(entry["value"]))
        value[1:] *= np.exp(_uncertainty(entry, rng, n))
        if "bsv_logit_sd" in entry:
            logit = math.log(entry["value"] / (1.0 - entry["value"]))
            value[1:] = 1.0 / (1.0 + np.exp(-(logit + spread[name])))
        elif name in spread:
            value[1:] *= np.exp(spread[name])
        elif "low" in entry:
            value[1:] = rng.uniform(entry["low"], entry["high"], n)
        drawn[name] = value
    return _covariates(model, subject, drawn)


def _variance(entry: Mapping[str, Any]) -> float:
    """Variance of the deviation on its own scale."""
    if "bsv_variance" in entry:
        return float(entry["bsv_variance"])
    if "bsv_cv_percent" in entry:
        return math.log(1.0 + (float(entry["bsv_cv_percent"]) / 100.0) ** 2)
    return float(entry.get("bsv_logit_sd", 0.0)) ** 2


def _deviations(model: Mapping[str, Any], rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Correlated normal deviations of every parameter that varies between people."""
    variances = {name: _variance(entry) for name, entry in model["parameters"].items()}
    names = [name for name, variance in variances.items() if variance > 0.0]
    covariance = np.diag([variances[name] for name in names])
    for pair in model.get("covariances", ()):
        i, j = (names.index(name) for name in pair["of"])
        covariance[i, j] = covariance[j, i] = float(pair["value"])
    factor = np.linalg.cholesky(covariance)
    draws = rng.standard_normal((n, len(names))) @ factor.T
    return {name: draws[:, i] for i, name in enumerate(names)}


def _uncertainty(entry: Mapping[str, Any], rng: np.random.Generator, n: int) -> Array:
    share = float(entry.get("rse_percent", 0.0)) / 100.0
    return rng.normal(0.0, share, n) if share else np.zeros(n)


def _covariates(model: Mapping[str, Any], subject: Subject, drawn: dict[str, Array]) -> dict[str, Array]:
    weight = subject.weight_kg if subject.weight_kg is not None else REFERENCE_WEIGHT_KG
    for name, exponent in model.get("weight_exponents", {}).items():
        drawn[name] = drawn[name] * (weight / REFERENCE_WEIGHT_KG) ** float(exponent)
    effect = model.get("age_effect")
    if effect is not None and subject.age_years is not None and subject.age_years > effect["above_years"]:
        lost = float(effect["per_year"]) * (subject.age_years - float(effect["above_years"]))
        typical = drawn[effect["parameter"]][0]
        # The model states litres an hour lost by the typical person; others lose the same share.
        drawn[effect["parameter"]] = drawn[effect["parameter"]] * (typical + lost) / typical
    return drawn
