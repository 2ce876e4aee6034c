"""Which arterial level drives the acute effects of this dose? From an order to the effect sites that effects read.

Every possible person has an own half-time of equilibration beside own kinetics. Routes by which nobody measured an
arterial level are marked as extrapolated: their uptake is fed into the arterial disposition by vein.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ketapath.domain.interaction import Perpetrator
from ketapath.errors import NumericalError
from ketapath.pharmacology.choice import Models, model_for
from ketapath.pharmacology.effects import LEAST_DRAWS, Sites
from ketapath.pharmacology.notes import outside
from ketapath.pharmacology.orders import MAX_TIME_MIN, Order, bad, check, last_minute
from ketapath.pharmacology.reactions import Figures, half_lives
from ketapath.pharmacology.simulate import ARTERIAL_MODEL, arterial_sites
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.subjects import REFERENCE_WEIGHT_KG, Subject

_ROUNDING = 1e-12
_FOLLOWED_MIN = (*range(0, 120, 2), *range(0, 240, 5), *range(240, 721, 30))
"""A course is followed at these minutes whatever is shown of it: close enough that no peak slips between two."""
_AFTER_THE_DOSE_MIN = range(0, 61, 5)
"""The same from the end of a dose on, for an effect site still rises when the blood falls."""


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

    `times_min` are the minutes to show. The whole session is followed besides, for a risk must not depend on which
    minutes somebody wants to see. Raises BadInput for a child as well, whom neither the arterial levels nor the
    reactions to them speak of, and for an order that is not one session from minute 0: every visit has a rise of its
    own.
    """
    if draws < LEAST_DRAWS:
        raise bad("--draws", draws, f"{LEAST_DRAWS} or more where effects are asked for")
    if tuple(order.starts_min) != (0.0,):
        raise bad("--starts-min", list(order.starts_min)[:5], "one session from minute 0 where effects are asked for")
    chosen = model_for(order, subject, models, None)
    check(order, subject, chosen, times_min, draws, seed)
    minutes = _followed(order, times_min)
    halves = half_lives(figures, draws=draws + 1, rng=np.random.default_rng([seed, 3]))
    found = arterial_sites(order, subject, models, minutes, halves, draws=draws, seed=seed, drugs=drugs)
    is_measured = chosen["site"] == "arterial"
    return Sites(
        times_min=minutes,
        levels={name: _from_nothing(found[name][:, 1:]) for name in halves},
        racemic=order.product == "racemic",
        extrapolated=order.route != "iv" and not is_measured,
        shown_min=tuple(float(t) for t in times_min),
        findings=() if is_measured else tuple(outside(models[ARTERIAL_MODEL], subject)),
    )


def _followed(order: Order, times_min: Sequence[float]) -> tuple[float, ...]:
    """The minutes to show and those that a session's peak and readings need, in order, each once."""
    end = min(last_minute(order), MAX_TIME_MIN - _AFTER_THE_DOSE_MIN[-1])
    needed = (*_FOLLOWED_MIN, *(end + after for after in _AFTER_THE_DOSE_MIN))
    return tuple(sorted({float(t) for t in (*times_min, *needed)}))


def _from_nothing(levels: Array) -> Array:
    """Levels without the last digit's rounding below zero, where a sum of exponentials comes to nothing."""
    if (levels < -_ROUNDING * levels.max()).any():
        raise NumericalError("A level at the effect site lies below zero.")
    return np.maximum(levels, 0.0)


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
    someone = Subject(weight_kg=mg, age_years=45.0)
    return {
        name: driving_sites(order, someone, models, (0.0,), figures, draws=draws, seed=seed)
        for name, order in orders.items()
    }
