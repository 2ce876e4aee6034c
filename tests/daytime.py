"""Hours to add to the clock so that the demonstration clinic is open: at night nobody is in the house."""

from __future__ import annotations

import os
from datetime import datetime
from zoneinfo import ZoneInfo

from clinic.demo import ZONE

_MORNING, _NIGHT_ENDS = 11, 8


def hours_ahead() -> int:
    """Nothing by day; in the small hours as many as lead to eleven o'clock of the same day. Settled once a run."""
    if settled := os.environ.get("TEST_HOURS_AHEAD"):
        return int(settled)
    hour = datetime.now(ZoneInfo(ZONE)).hour
    return _MORNING - hour if hour < _NIGHT_ENDS else 0
