"""What does a drug model say in one worked case? For `ketapath knowledge check`, which compares it with the case.

Areas to infinity are exact and of no solver: the integral of x' = Ax from a dose x0 to nothing is -A^-1 x0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ketapath.pharmacology.choice import Models
from ketapath.pharmacology.orders import Order, bad
from ketapath.pharmacology.simulate import simulate
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.structures import bodies
from ketapath.pharmacology.subjects import Subject, virtual_patients

_PEAK_WITHIN_MIN = 360


def worked(case: Mapping[str, Any], models: Models) -> float:
    """The typical person's level at a minute or peak (ng/mL), or area to infinity (ng h/mL), as the case asks.

    Raises BadInput for an order, person or model that cannot be, and for an analyte that the model does not give.
    """
    order, subject = Order(**_numbers(case["order"])), Subject(**_numbers(case["subject"]))
    minutes: list[float] = [float(minute) for minute in range(_PEAK_WITHIN_MIN + 1)]
    if case["quantity"] != "peak":
        minutes = [float(case.get("at_min", 0.0))]
    found = simulate(order, subject, models, minutes, draws=1, seed=0, model=case["model"])
    typical = {series.analyte: series.typical for series in found.series}
    if case["analyte"] not in typical:
        raise bad("analyte", case["analyte"], f"one of {', '.join(typical)}")
    if case["quantity"] == "area":
        model = models[case["model"]]
        people = virtual_patients(model, subject, np.random.default_rng(0), 1)
        return float(moments(model, people, order)[case["analyte"]][0][0])
    return max(typical[case["analyte"]])


def moments(model: Mapping[str, Any], people: Mapping[str, Array], order: Order) -> dict[str, tuple[Array, Array]]:
    """Analyte -> area to infinity (ng h/mL) and, after a dose at once, its first moment (ng h2/mL), for each person.

    A model that shares its band with others gives its own people alone.
    """
    found: dict[str, tuple[Array, Array]] = {}
    for body in bodies(model, people, order):
        given = np.zeros(body.rates.shape[:2])
        for dose, share in body.inputs:
            given[:, dose.compartment] += share * dose.amount
        unused = np.einsum("nii->ni", body.rates) == 0.0  # places that this model has nothing in
        rates = body.rates - np.eye(body.rates.shape[1]) * unused[:, None, :]
        area = -np.linalg.solve(rates, given[:, :, None])
        moment = -np.linalg.solve(rates, area)
        for name, (place, factor) in body.read.items():
            found[name] = (area[:, place, 0] * factor, moment[:, place, 0] * factor)
    for analyte in ("ketamine", "norketamine"):
        if f"R-{analyte}" in found:
            (area_s, moment_s), (area_r, moment_r) = found[f"S-{analyte}"], found[f"R-{analyte}"]
            found[analyte] = (area_s + area_r, moment_s + moment_r)
    return found


def _numbers(stated: Mapping[str, Any]) -> dict[str, Any]:
    """YAML's whole numbers as the fractions that they may be."""
    return {name: float(value) if isinstance(value, int) else value for name, value in stated.items()}
