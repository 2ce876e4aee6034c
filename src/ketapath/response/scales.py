"""How are scales compared? One link for all: from points to an unbounded line that falls as a person gets better.

`link(x) = log((x + c) / (top - x + c))` with `c = 0.02 top`, so that 0 and the top of the scale stay finite. x counts
points from the better end: a scale where higher is better (WHO-5) is turned round first, and turned back by
`from_link`. The line runs from about -3.9 (no symptoms) over 0 (the middle) to about 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["from_link", "higher_is_better", "link", "link_error"]

Array = npt.NDArray[np.float64]
_PAD = 0.02  # source: our choice; keeps the ends finite and moves the middle not at all


def higher_is_better(instrument: Mapping[str, Any]) -> bool:
    """Whether a high total is a good one."""
    return bool(instrument["scoring"]["higher_is"] == "better")


def link(total: npt.ArrayLike, instrument: Mapping[str, Any]) -> Array:
    """Totals in points of the instrument, on the link: higher is always worse. Shape as given."""
    worse, top = _turned(np.asarray(total, dtype=np.float64), instrument)
    pad = _PAD * top
    found: Array = np.log((worse + pad) / (top - worse + pad))
    return found


def from_link(value: npt.ArrayLike, instrument: Mapping[str, Any]) -> Array:
    """Points of the instrument for values on the link, kept within the scale. Shape as given.

    Monotone: rising values give rising totals, or falling ones where higher is better.
    """
    low, top = _ends(instrument)
    pad = _PAD * top
    # 1 / (1 + e^-v), written so that a very large v of either sign cannot overflow.
    share = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(value, dtype=np.float64)))
    worse = np.clip(share * (top + 2.0 * pad) - pad, 0.0, top)
    found: Array = low + (top - worse if higher_is_better(instrument) else worse)
    return found


def link_error(instrument: Mapping[str, Any]) -> float | None:
    """The standard error of one measurement on the link, from that in points by the slope at the middle of the scale.

    None where the instrument's file states no error.
    """
    stated = instrument.get("standard_error")
    if stated is None:
        return None
    _, top = _ends(instrument)
    return float(stated["points"]) * 4.0 / (top * (1.0 + 2.0 * _PAD))


def _ends(instrument: Mapping[str, Any]) -> tuple[float, float]:
    """The lowest total and the length of the scale."""
    low, high = float(instrument["scoring"]["min"]), float(instrument["scoring"]["max"])
    return low, high - low


def _turned(total: Array, instrument: Mapping[str, Any]) -> tuple[Array, float]:
    """Points from the better end, and the length of the scale."""
    low, top = _ends(instrument)
    from_low = total - low
    return (top - from_low if higher_is_better(instrument) else from_low), top
