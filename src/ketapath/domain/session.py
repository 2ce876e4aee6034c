"""What happened in one session? Vital signs and ratings at their minute, and the findings they give rise to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ketapath.domain.fact import Dose


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One observation in a session. `minute` counts from the start of dosing; `quantity` is a profile path."""

    minute: float
    quantity: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One treatment session of one person."""

    on: date
    number: int
    dose: Dose
    readings: tuple[Reading, ...]
