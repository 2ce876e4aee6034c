"""May the dose be given today, is the session going as it should, and may the person go home?

What was asked and observed against rules; never predicted values. `rules` asks the rules of each stage, `limits` which
were reached and what they call for, `timers` what is due when, `counted` the milligrams that follow from what was done,
`miss` how far a prediction was off.

In-session findings are charting for the people in the room, not an alarm that anyone relies on in seconds.
"""

from ketapath.session.counted import DEVICE_MG, counted_mg, device_count, ends_at, mg_per_h, running_rate
from ketapath.session.limits import called_for, going_on, of_limit, steps_of
from ketapath.session.miss import session_miss
from ketapath.session.rules import gates, monitor, points, ready_for_discharge, rescreen
from ketapath.session.timers import device_due, due

__all__ = [
    "DEVICE_MG",
    "called_for",
    "counted_mg",
    "device_count",
    "device_due",
    "due",
    "ends_at",
    "gates",
    "going_on",
    "mg_per_h",
    "monitor",
    "of_limit",
    "points",
    "ready_for_discharge",
    "rescreen",
    "running_rate",
    "session_miss",
    "steps_of",
]
