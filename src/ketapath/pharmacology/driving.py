"""Which arterial level drives the acute effects of this dose? From an order to the effect sites that effects read.

Every possible person has an own half-time of equilibration beside own kinetics. Routes by which nobody measured an
arterial level are marked as extrapolated: their uptake is fed into the arterial disposition by vein.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ketapath.domain.interaction import Perpetrator
from ketapath.pharmacology.choice import Models, model_for
from ketapath.pharmacology.effects import Sites
from ketapath.pharmacology.notes import about_the_person
from ketapath.pharmacology.orders import Order, check
from ketapath.pharmacology.reactions import Figures, half_lives
from ketapath.pharmacology.simulate import ARTERIAL_MODEL, arterial_sites
from ketapath.pharmacology.subjects import REFERENCE_WEIGHT_KG, Subject

_MEASURED = frozenset({"arterial"})
_SESSION_MIN = tuple(float(t) for t in range(0, 241, 2))
"""The minutes of a session whose levels the risks rest on."""


def driving_sites(
    order: Order,
    subject: Subject,
    models: Models,
    times_min: Sequence[float],
    figures: Figures,
    *,
    draws: int,
    seed: int,
    drugs: Sequence[Perpetrator] = (),
) -> Sites:
    """Effect-site levels of arterial S-ketamine for `draws` possible people; errors as in `simulate`.

    `times_min` are the minutes to show. Levels are those of the whole session besides: a peak between two minutes that
    somebody wants to see is a peak all the same.
    """
    chosen = model_for(order, subject, models, None)
    check(order, subject, chosen, times_min, draws, seed)
    every = tuple(sorted({*_SESSION_MIN, *(float(t) for t in times_min)}))
    found = _driven(order, subject, models, every, figures, draws=draws, seed=seed, drugs=drugs)
    is_own = chosen["site"] in _MEASURED
    outside = () if is_own else tuple(about_the_person(models[ARTERIAL_MODEL], subject))
    return replace(
        found,
        shown_min=tuple(float(t) for t in times_min),
        doses=len(order.starts_min),
        findings=tuple(f for f in outside if "/extrapolated-" in f.id),
    )


def _driven(
    order: Order,
    subject: Subject,
    models: Models,
    times_min: Sequence[float],
    figures: Figures,
    *,
    draws: int,
    seed: int,
    drugs: Sequence[Perpetrator] = (),
) -> Sites:
    """The levels at these minutes and no other."""
    halves = half_lives(figures, draws=draws + 1, rng=np.random.default_rng([seed, 3]))
    found = arterial_sites(order, subject, models, times_min, halves, draws=draws, seed=seed, drugs=drugs)
    site = model_for(order, subject, models, None)["site"]
    return Sites(
        times_min=tuple(float(t) for t in times_min),
        levels={name: found[name][:, 1:] for name in halves},
        racemic=order.product == "racemic",
        extrapolated=order.route != "iv" and site not in _MEASURED,
    )


def drivers_of_validation(models: Models, figures: Figures, *, draws: int, seed: int) -> Mapping[str, Sites]:
    """The courses that the rows of observed effects ask for, in a person of 70 kg."""
    mg = REFERENCE_WEIGHT_KG
    orders = {
        "iv-0.5": Order(product="racemic", route="iv", dose_mg=0.5 * mg, infusion_min=40.0),
        "nasal-56": Order(product="esketamine", route="nasal", dose_mg=56.0),
        "nasal-84": Order(product="esketamine", route="nasal", dose_mg=84.0),
        "sc-s-0.5": Order(product="esketamine", route="sc", dose_mg=0.5 * mg),
        "sc-s-1.0": Order(product="esketamine", route="sc", dose_mg=1.0 * mg),
    }
    times = [float(t) for t in range(0, 181, 2)]
    someone = Subject(weight_kg=mg, age_years=45.0)
    return {
        name: _driven(order, someone, models, times, figures, draws=draws, seed=seed) for name, order in orders.items()
    }
