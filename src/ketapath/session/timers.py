"""What is due to be read now, by which rule?

Source: timers.yaml of the knowledge, each with the rule that it rests on; sooner where the steps of a limit ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ketapath.domain.session import Due, Visit
from ketapath.knowledge import Knowledge
from ketapath.session.counted import DEVICE_MG
from ketapath.session.limits import again

__all__ = ["device_due", "due"]

_EARLY_MIN = 5.0  # source: profile/session-readings.yaml, minute 40 is "between minutes 35 and 50"


def due(visit: Visit, route: str, knowledge: Knowledge, *, now: datetime) -> tuple[Due, ...]:
    """What is awaited in this visit of a dose by this route, the longest overdue first; nothing once it is over."""
    if visit.step == "home" or (visit.administration is not None and not visit.was_dosed):
        return ()
    grace = timedelta(minutes=knowledge.figure("due_grace_min"))
    timers = (_due(visit, timer) for timer in knowledge.timers.values() if route in timer["routes"])
    found = (again(one, visit, knowledge) for one in timers if one is not None)
    late = (replace(d, is_overdue=d.due_at is not None and now > d.due_at + grace) for d in found)
    return tuple(sorted(late, key=lambda d: d.due_at or now))


def _due(visit: Visit, timer: Mapping[str, Any]) -> Due | None:
    """The next reading of one timer; None before the dose where the reading of before the dose is there."""
    last_at = max((r.at for r in visit.readings if r.quantity == timer["path"]), default=None)
    given = visit.administration
    rule_id, at = str(timer["rule"]), None
    if given is None and last_at is not None:
        return None
    if given is not None:
        last = None if last_at is None else (last_at - given.started_at).total_seconds() / 60
        fixed = next((m for m in timer["at"] if last is None or (m > 0 and last < m - _EARLY_MIN)), None)
        if fixed is not None:
            minute = float(fixed)
        elif given.ended_at is None:
            minute = max(last or 0.0, 0.0) + float(timer["dosing_min"])
        else:
            minute, rule_id = max(last or 0.0, 0.0) + float(timer["after_min"]), str(timer["after_rule"])
        at = given.started_at + timedelta(minutes=minute)
    return Due(
        what=str(timer["what"]),
        path=str(timer["path"]),
        rule_id=rule_id,
        due_at=at,
        last_at=last_at,
        is_overdue=False,
    )


def device_due(visit: Visit, ordered_mg: float | None, knowledge: Knowledge, *, now: datetime) -> Due | None:
    """The next device of the spray, from the minute at which it may be given; `what` ends in its number.

    None before the first device, once as many as ordered were given, and after one was refused or spilled.
    """
    given, aside = visit.said("device"), visit.said("device-refused")
    if visit.step != "dosing" or not given or ordered_mg is None or len(given) * DEVICE_MG >= ordered_mg:
        return None
    last = max(event.at for event in given)
    if any(event.at > last for event in aside):
        return None
    at = last + timedelta(minutes=knowledge.rules["REG-007"].limit("session.minutes_between_devices"))
    return Due(
        what=f"device-{len(given) + 1}",
        path="",
        rule_id="REG-007",
        due_at=at,
        last_at=last,
        is_overdue=now > at + timedelta(minutes=knowledge.figure("due_grace_min")),
    )
