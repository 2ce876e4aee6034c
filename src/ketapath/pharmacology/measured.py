"""How strongly did this person react in their own sessions? From charted sessions to their measured sensitivity.

This is what stands for receptor sensitivity, which nobody measures. Each session is read against the level that the
model gives for the dose as it was given; a session that no model covers says nothing and is counted as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ketapath.domain.session import Session
from ketapath.pharmacology.choice import Models, has_model, is_child
from ketapath.pharmacology.orders import MAX_INFUSION_MIN, Order, devices_of
from ketapath.pharmacology.reactions import Figures, Person, half_lives
from ketapath.pharmacology.sensitivity import Sensitivity, earlier_session, sensitivity
from ketapath.pharmacology.simulate import arterial_sites
from ketapath.pharmacology.subjects import Subject

_MINUTES = tuple(float(m) for m in range(0, 241, 2))


def measured_sensitivity(
    sessions: Sequence[Session], subject: Subject, person: Person, models: Models, figures: Figures, *, seed: int
) -> Sensitivity:
    """The person's reaction after these sessions, oldest first; the prior where none of them can be read.

    Only sessions of adults whose dose (by vein with the minutes that it took) is known and whose product and route
    have a model are read.
    """
    read = [
        earlier_session(session, _levels(order, subject, models, figures), figures)
        for session in sessions
        if not is_child(subject)
        and (order := _order(session, models)) is not None
        and has_model(order, subject, models)
    ]
    return sensitivity(read, person, figures, rng=np.random.default_rng(seed))


def _order(session: Session, models: Models) -> Order | None:
    """The dose as it was given; None where it is not known, or is none that a model speaks of."""
    dose = session.dose
    if dose.dose_mg is None or not dose.dose_mg > 0.0:
        return None
    # An infusion of unknown length is no bolus: read as one, its level would be several times too high and the person
    # would pass for calm.
    minutes = dose.duration_min if dose.route == "iv" else None
    if dose.route == "iv" and (minutes is None or not 0.0 <= minutes <= MAX_INFUSION_MIN):
        return None
    order = Order(product=dose.product, route=dose.route, dose_mg=dose.dose_mg, infusion_min=minutes)
    return order if _is_whole(order, models) else None


def _is_whole(order: Order, models: Models) -> bool:
    """Whether the dose is made of whole devices where its model has devices."""
    devices = [
        m["device"] for m in models.values()
        if m["product"] == order.product and order.route in m["routes"] and "device" in m
    ]  # fmt: skip
    return all(devices_of(order.dose_mg, device) is not None for device in devices)


def _levels(order: Order, subject: Subject, models: Models, figures: Figures) -> Mapping[str, Any]:
    """The typical person's effect-site levels: how people differ in them is part of how they react."""
    middle = {name: np.full(2, float(np.median(values))) for name, values in half_lives(
        figures, draws=501, rng=np.random.default_rng(0)).items()}  # fmt: skip
    found = arterial_sites(order, subject, models, _MINUTES, middle, draws=1, seed=0)
    return {name: (_MINUTES, found[name][:, 0].tolist()) for name in middle}
