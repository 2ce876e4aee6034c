"""How many milligrams follow from what was done: from the rates of a pump and its pauses, or from devices?

It stands beside what a person types and signs, and never in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ketapath.domain.session import Event, Visit

__all__ = ["DEVICE_MG", "counted_mg", "device_count", "ends_at", "mg_per_h", "running_rate"]

DEVICE_MG = 28.0  # source: REG-007, each device holds 28 mg
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
        per_h = mg_per_h(rate.value, rate.unit, visit)
        if per_h is None:
            return None
        total += per_h * (end - start).total_seconds() / 3600
    return total


def ends_at(visit: Visit, dose_mg: float | None, infusion_min: float | None, *, now: datetime) -> datetime | None:
    """When `dose_mg` of base are in by the rates that were charted, or were in already; None where nothing says it.

    Before a rate is charted it is `infusion_min` after the beginning, later by the pauses so far. While the pump stands
    still it is the time it would be if it went on now. None once it was stopped.
    """
    given = visit.administration
    if given is None or given.route != "iv" or visit.said("stop"):
        return None
    rates = visit.said("rate")
    if not rates:
        return None if infusion_min is None else given.started_at + timedelta(minutes=infusion_min) + _held(visit, now)
    if dose_mg is None:
        return None
    left = dose_mg
    for start, end, rate in _stretches(visit, given.started_at, given.ended_at or now):
        per_h = mg_per_h(rate.value, rate.unit, visit)
        if not per_h:
            return None
        in_here = per_h * (end - start).total_seconds() / 3600
        if in_here >= left:
            return start + timedelta(hours=left / per_h)
        left -= in_here
    newest = max(rates, key=lambda e: e.at)
    per_h = mg_per_h(newest.value, newest.unit, visit)
    return None if not per_h else now + timedelta(hours=left / per_h)


def _held(visit: Visit, now: datetime) -> timedelta:
    """How long the pump has stood still so far."""
    held, since = timedelta(), None
    for event in _of_pump(visit):
        if event.kind == "pause":
            since = event.at
        elif event.kind == "resume" and since is not None:
            held, since = held + (event.at - since), None
    return held if since is None else held + (now - since)


def device_count(visit: Visit) -> tuple[int, int]:
    """Devices of the spray that were given, and those refused or spilled."""
    return len(visit.said("device")), len(visit.said("device-refused"))


def mg_per_h(value: float | None, unit: str | None, visit: Visit) -> float | None:
    """A rate of the pump in milligrams of base per hour; None for mL/h where nobody has read the concentration."""
    if value is None or unit == "mg/h":
        return value
    concentration = visit.concentration_mg_per_ml
    return None if concentration is None else value * concentration


def running_rate(visit: Visit, *, at: datetime) -> Event | None:
    """The rate at which the pump runs at this instant; None where it stands still or nobody has said."""
    rate: Event | None = None
    is_held = False
    for event in _of_pump(visit):
        if event.at <= at:
            rate = event if event.kind == "rate" else rate
            is_held = event.kind in ("pause", "stop") or (is_held and event.kind == "rate")
    return None if is_held else rate


def _stretches(visit: Visit, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, Event]]:
    """From when to when the pump ran at which rate; a rate that was set while it stood still counts from its resuming.

    A rate that was set before dosing began counts from its beginning.
    """
    rate: Event | None = None
    since: datetime | None = None
    is_held = False
    for event in _of_pump(visit):
        at = min(max(event.at, start), end)
        if rate is not None and since is not None and at > since:
            yield since, at, rate
        rate = event if event.kind == "rate" else rate
        is_held = event.kind in ("pause", "stop") or (is_held and event.kind == "rate")
        since = None if is_held else at
    if rate is not None and since is not None and end > since:
        yield since, end, rate


def _of_pump(visit: Visit) -> list[Event]:
    return sorted((e for e in visit.events if e.kind in _OF_A_PUMP), key=lambda e: e.at)
