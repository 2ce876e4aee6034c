"""How many milligrams follow from what was done: from the rates of a pump and its pauses, or from devices?

It stands beside what a person types and signs, and never in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ketapath.domain.session import Event, Visit

__all__ = ["counted_mg", "device_count", "running_rate"]

_OF_A_PUMP = ("rate", "pause", "resume", "stop")


def counted_mg(visit: Visit, *, until: datetime) -> float | None:
    """Milligrams of base up to this instant by what was charted; None where that does not say it."""
    given = visit.administration
    if given is None:
        return None
    if given.route == "nasal":
        devices = visit.said("device")
        return sum(e.value or 0.0 for e in devices) if devices or visit.said("device-refused") else None
    if given.route != "iv" or not visit.said("rate"):
        return None
    total = 0.0
    for start, end, rate in _stretches(visit, given.started_at, given.ended_at or until):
        mg_per_h = _mg_per_h(rate, visit)
        if mg_per_h is None:
            return None
        total += mg_per_h * (end - start).total_seconds() / 3600
    return total


def device_count(visit: Visit) -> tuple[int, int]:
    """Devices of the spray that were given, and those refused or spilled."""
    return len(visit.said("device")), len(visit.said("device-refused"))


def running_rate(visit: Visit, *, at: datetime) -> Event | None:
    """The rate at which the pump runs at this instant; None where it stands still or nobody has said."""
    rate: Event | None = None
    runs = False
    for event in _of_pump(visit):
        if event.at <= at:
            rate = event if event.kind == "rate" else rate
            runs = event.kind in ("rate", "resume")
    return rate if runs else None


def _stretches(visit: Visit, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, Event]]:
    """From when to when the pump ran at which rate; a rate that was set while it stood still counts from its resuming.

    A rate that was set before dosing began counts from its beginning.
    """
    rate: Event | None = None
    since: datetime | None = None
    for event in _of_pump(visit):
        at = min(max(event.at, start), end)
        if rate is not None and since is not None and at > since:
            yield since, at, rate
        if event.kind == "rate":
            rate, since = event, at if since is not None or rate is None else None
        elif event.kind == "resume":
            since = at
        else:
            since = None
    if rate is not None and since is not None and end > since:
        yield since, end, rate


def _of_pump(visit: Visit) -> list[Event]:
    return sorted((e for e in visit.events if e.kind in _OF_A_PUMP), key=lambda e: e.at)


def _mg_per_h(rate: Event, visit: Visit) -> float | None:
    if rate.value is None or rate.unit == "mg/h":
        return rate.value
    concentration = visit.concentration_mg_per_ml
    return None if concentration is None else rate.value * concentration
