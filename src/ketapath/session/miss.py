"""How far was what was observed from what was expected? For each quantity that a model predicts, once it is over.

It says something about the prediction, and decides nothing: limits act on what is observed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ketapath.domain.session import Miss, Session

if TYPE_CHECKING:  # what draws bands is read when somebody asks for them
    from ketapath.pharmacology.effects import Band

__all__ = ["session_miss"]

_PATHS = {
    "systolic": "vitals.systolic_mmhg",
    "diastolic": "vitals.diastolic_mmhg",
    "heart-rate": "vitals.heart_rate_per_min",
    "dissociation": "session.dissociation_0_10",
}
_OF_SCALE = {"session.dissociation_0_10": 10.0}
"""What a rating is divided by where the band is a fraction of a maximum; rating and scale are not one instrument."""
_SPREAD_90 = 3.2897  # source: 5 to 95 of 100 in a normal distribution, in standard deviations


def session_miss(session: Session, bands: Sequence[Band]) -> tuple[Miss, ...]:
    """What the readings under the drug came to against the bands, in the order of the bands.

    The `bands` were made before the readings, from the sessions before this one. A band of a rise is compared with the
    rise above the last reading before the dose; without that, or without readings, there is no miss of the quantity.
    """
    return tuple(miss for band in bands for miss in _miss(session, band))


def _miss(session: Session, band: Band) -> Iterator[Miss]:
    path = _PATHS.get(band.quantity, "")
    read = sorted((r.minute, float(r.value)) for r in session.readings if r.quantity == path)
    before = [value for minute, value in read if minute <= 0]
    last = band.times_min[-1]
    under = [(minute, value) for minute, value in read if 0 < minute <= last]
    if not under or (band.above_resting and not before):
        return
    minutes = [minute for minute, _value in under]
    rest = before[-1] if band.above_resting else 0.0
    values = np.array([value / _OF_SCALE.get(path, 1.0) - rest for _minute, value in under])
    low, middle, high = (np.interp(minutes, band.times_min, course) for course in (band.p05, band.p50, band.p95))
    spread = np.maximum(high - low, 1e-9) / _SPREAD_90
    yield Miss(
        quantity=band.quantity,
        unit=band.unit,
        readings=len(under),
        mean=float(np.mean(values - middle)),
        standardised=float(np.mean((values - middle) / spread)),
        outside=int(np.sum((values < low) | (values > high))),
    )
