"""In which order do doses and observations come, and how many different steps lie between them?

Times are whole ticks of a millisecond, so that equal steps are equal and are worked out once. Doses and observations
are merged into one list of events. An infusion shorter than a tick is a bolus; an observation at the instant of a bolus
is after it; what comes after the last observation is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput
from ketapath.pharmacology.solver.compartments import Array, Input, check_doses, check_times

TICKS_PER_H = 3_600_000
MAX_HOURS = 100_000.0  # eleven years

Index = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The merged events of one regimen. For each event (arrays of one length): which of `steps_h` leads to it (-1 for
    none), as which of `fed`, which row of `rates` is in force on the way (both -1: no infusion), which row of `boluses`
    goes in at it (-1: none), and which observation it is (-1: none).
    """

    steps_h: Array
    """Distinct steps, hours."""
    fed: Index
    """Which of them are ever taken while an infusion runs."""
    rates: Array
    """Distinct combinations of running infusions, shape (combinations, inputs): amount an hour of each input."""
    boluses: Array
    """Distinct combinations of boluses, shape (combinations, inputs): amount of each input."""
    step: Index
    feed: Index
    rate: Index
    bolus: Index
    observation: Index
    hours: Array
    """When each event is."""
    observed: Index
    """For each of the asked times the observation that it is; times within one tick are one observation."""
    observations: int
    entered: Array
    """How much of each input has entered at the last observation."""
    before: int
    """How many observations come no later than the first dose: there only the central compartment can hold any."""
    shortest_h: tuple[float, float]
    """Shortest time from a bolus, and from the start of an infusion, to the next observation; infinite for none."""
    infusion_h: float
    """Length of the shortest infusion; infinite for none."""


def timeline(inputs: Sequence[Input], times_h: Sequence[float] | Array) -> Timeline:
    """The merged events of these inputs and observation times (hours, not falling).

    Raises BadInput for a negative or endless dose, and for times that fall or are no numbers.
    """
    times = check_times(times_h)
    check_doses(inputs)
    for index, dose in enumerate(inputs):
        if abs(dose.time_h) > MAX_HOURS or dose.duration_h > MAX_HOURS:
            raise _bad(f"doses[{index}]", (dose.time_h, dose.duration_h), f"at most {MAX_HOURS:g} h")
    if times.size and np.abs(times).max() > MAX_HOURS:
        raise _bad("times_h", float(np.abs(times).max()), f"at most {MAX_HOURS:g} h")
    asked = np.rint(times * TICKS_PER_H).astype(np.int64)
    starts = np.array([round(d.time_h * TICKS_PER_H) for d in inputs], dtype=np.int64)
    ends = starts + np.array([round(d.duration_h * TICKS_PER_H) for d in inputs], dtype=np.int64)
    return _merged(inputs, starts, ends, asked)


def _merged(
    inputs: Sequence[Input], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], asked: npt.NDArray[np.int64]
) -> Timeline:
    seen, observed = np.unique(asked, return_inverse=True)
    last = int(seen[-1]) if seen.size else 0
    ticks = np.unique(np.concatenate([seen, starts[starts <= last], ends[ends <= last]]))
    first = int(starts.min()) if starts.size else last + 1
    amounts = np.array([d.amount for d in inputs], dtype=np.float64)
    lengths = ends - starts
    flowing = lengths > 0
    gaps, step_of = np.unique(np.diff(ticks), return_inverse=True)
    begin, finish = np.searchsorted(ticks, starts), np.searchsorted(ticks, ends)
    hours = np.where(flowing, lengths, 1) / TICKS_PER_H
    rates, rate_of = _combinations(
        amounts / hours, np.where(flowing, begin, 0), np.where(flowing, finish, 0), ticks.size - 1
    )
    boluses, bolus_of = _combinations(amounts, begin, np.where(flowing, begin, begin + 1), ticks.size)
    share = np.clip((last - starts) / np.where(flowing, lengths, 1), 0.0, 1.0)
    entered = amounts * np.where(flowing, share, starts <= last)
    observation = np.full(ticks.size, -1)
    observation[np.searchsorted(ticks, seen)] = np.arange(seen.size)
    step_of, rate_of = (np.concatenate([np.full(min(ticks.size, 1), -1), of]) for of in (step_of, rate_of))
    fed = np.unique(step_of[rate_of >= 0])
    return Timeline(
        steps_h=gaps / TICKS_PER_H,
        fed=_index(fed),
        rates=rates,
        boluses=boluses,
        step=_index(step_of),
        feed=_index(np.where(rate_of >= 0, np.searchsorted(fed, step_of), -1)),
        rate=_index(rate_of),
        bolus=_index(bolus_of),
        observation=_index(observation),
        hours=ticks / TICKS_PER_H,
        observed=_index(observed),
        observations=int(seen.size),
        entered=entered,
        before=int(np.searchsorted(seen, first, side="right")),
        shortest_h=(_shortest(starts[~flowing], seen), _shortest(starts[flowing], seen)),
        infusion_h=float(hours[flowing].min()) if flowing.any() else float("inf"),
    )


def _combinations(
    values: Array, begin: npt.NDArray[np.int64], finish: npt.NDArray[np.int64], places: int
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Which inputs count at each place (begin <= place < finish): distinct sets as rows, and the row of each place."""
    known: dict[tuple[int, ...], int] = {}
    found = np.full(max(places, 0), -1, dtype=np.int64)
    opens: dict[int, list[int]] = {}
    closes: dict[int, list[int]] = {}
    for index, (start, end) in enumerate(zip(begin.tolist(), finish.tolist(), strict=True)):
        if start < end and start < places:
            opens.setdefault(start, []).append(index)
            closes.setdefault(end, []).append(index)
    running: set[int] = set()
    now: tuple[int, ...] = ()
    for place in range(places):
        if place in opens or place in closes:
            running |= set(opens.get(place, ()))
            running -= set(closes.get(place, ()))
            now = tuple(sorted(running))
        if now:
            found[place] = known.setdefault(now, len(known))
    rows = np.zeros((len(known), values.size))
    for members, row in known.items():
        rows[row, list(members)] = values[list(members)]
    return rows, found


def _shortest(starts: npt.NDArray[np.int64], seen: npt.NDArray[np.int64]) -> float:
    place = np.searchsorted(seen, starts, side="right")
    inside = place < seen.size
    gaps = seen[place[inside]] - starts[inside]
    return float(gaps.min()) / TICKS_PER_H if gaps.size else float("inf")


def _index(values: npt.NDArray[np.int64]) -> Index:
    return np.ascontiguousarray(values, dtype=np.int32)


def sequence(time_h: float, rates: Sequence[tuple[float, float]], *, compartment: int = 0) -> tuple[Input, ...]:
    """One infusion whose rate changes: pairs of (hours, amount an hour) from `time_h` on; a rate of 0 is a pause.

    >>> [(d.time_h, d.amount) for d in sequence(0.0, [(0.5, 20.0), (0.25, 0.0), (0.5, 10.0)])]
    [(0.0, 10.0), (0.75, 5.0)]
    """
    found = []
    for hours, rate in rates:
        if not hours >= 0.0 or not rate >= 0.0:
            raise _bad("rates", (hours, rate), "hours and rate of zero or more")
        if rate * hours > 0.0:
            found.append(Input(time_h=time_h, amount=rate * hours, duration_h=hours, compartment=compartment))
        time_h += hours
    return tuple(found)


def stopped(dose: Input, at_h: float) -> tuple[Input, ...]:
    """What went in of an infusion that was stopped at `at_h`; nothing if it had not begun."""
    end = dose.time_h + dose.duration_h
    if at_h < dose.time_h or (at_h == dose.time_h and dose.duration_h > 0.0):
        return ()
    if at_h >= end:
        return (dose,)
    hours = at_h - dose.time_h
    part = dose.amount * hours / dose.duration_h
    return (Input(time_h=dose.time_h, amount=part, duration_h=hours, compartment=dose.compartment),)


def paused(dose: Input, at_h: float, for_h: float) -> tuple[Input, ...]:
    """An infusion that stood still from `at_h` for `for_h` hours and then ran on at its rate until all had gone in."""
    if not for_h >= 0.0:
        raise _bad("for_h", for_h, "a pause of zero or more hours")
    before = stopped(dose, at_h)
    if before == (dose,):
        return before
    given = sum(d.amount for d in before)
    hours = dose.duration_h - sum(d.duration_h for d in before)
    after = Input(
        time_h=max(at_h, dose.time_h) + for_h,
        amount=dose.amount - given,
        duration_h=hours,
        compartment=dose.compartment,
    )
    return (*before, after)


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the value and try again.")
