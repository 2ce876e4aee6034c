"""Arterial levels at the effect site for tests: S-ketamine by vein (Noppers 2011), other routes by their absorption.

A stand-in for the drug models, written apart from them. People differ in all volumes and clearances by one factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from ketapath.pharmacology import Input, solve
from ketapath.pharmacology.effects import Sites
from ketapath.pharmacology.reactions import Array

TIMES = tuple(float(t) for t in range(0, 181, 2))
V, CL, Q = (17.0, 28.3, 147.0), 93.5, (127.0, 91.9)  # L and L/h at 70 kg
NASAL = {"share": 0.54, "later": 0.62, "rate": 2.93, "gut": 0.64, "liver": 0.278, "gut_h": 0.53, "gut_rate": 1.45}


def arterial(doses: list[Input], rates: Mapping[int, float]) -> Array:
    """Arterial level in ng/mL at every minute of 0 to 180; compartments 3 and 4 are depots with these rates."""
    a = np.zeros((5, 5))
    a[0, 0] = -(CL + Q[0] + Q[1]) / V[0]
    for i, q in ((1, Q[0]), (2, Q[1])):
        a[0, i], a[i, 0], a[i, i] = q / V[i], q / V[0], -q / V[i]
    for depot, rate in rates.items():
        a[0, depot], a[depot, depot] = rate, -rate
    return 1000.0 * solve(a, doses, np.arange(0, 181) / 60.0)[:, 0] / V[0]


@cache
def level(name: str) -> Array:
    """The typical arterial course of one of `effects_validation.DRIVERS`, by minute."""
    route, _, dose = name.rpartition("-")
    if route == "iv":
        return arterial([Input(time_h=0.0, amount=35.0 * float(dose), duration_h=40 / 60)], {})
    if route == "sc-s":
        return arterial([Input(time_h=0.0, amount=70.0 * float(dose) * 0.93, compartment=3)], {3: 2.0})
    doses = []
    for device in range(round(float(dose) / 28)):
        share = NASAL["share"] * (NASAL["later"] if device else 1.0)
        swallowed = (1.0 - share) * NASAL["gut"] * NASAL["liver"]
        start = device * 5 / 60
        doses.append(Input(time_h=start, amount=28.0 * share, compartment=3))
        doses.append(Input(time_h=start, amount=28.0 * swallowed, compartment=4, duration_h=NASAL["gut_h"]))
    return arterial(doses, {3: NASAL["rate"], 4: NASAL["gut_rate"]})


def delayed(course: Array, half_lives_min: Array) -> Array:
    """The effect site behind a course by minute, (times, n); exact for straight lines between the minutes."""
    k = np.log(2.0) / half_lives_min
    stay = np.exp(-k)
    site = np.zeros((course.size, k.size))
    for i in range(1, course.size):
        grown = (course[i] - course[i - 1]) * (1.0 - (1.0 - stay) / k) + course[i - 1] * (1.0 - stay)
        site[i] = stay * site[i - 1] + grown
    return site


def sites(name: str, half_lives: Mapping[str, Array], *, seed: int = 1, spread: float = 0.2) -> Sites:
    """Sites for these half-times, people's levels spread by this log SD."""
    n = half_lives["pressure"].size
    people = np.exp(spread * np.random.default_rng(seed).standard_normal(n))
    every = [int(t) for t in TIMES]
    return Sites(
        times_min=TIMES,
        levels={key: (delayed(level(name), half) * people)[every] for key, half in half_lives.items()},
        racemic=name.startswith("iv"),
        extrapolated=not name.startswith("iv"),
    )
