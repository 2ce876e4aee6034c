"""The second solution: any flows between compartments, carried by exp(A h) in positive terms only. Slower; never loses.

Each distinct step length is worked out once for all subjects, with what a unit of each running input adds. Where a step
is so long that repeated squaring would cost digits, the step is worked out in extended precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput
from ketapath.pharmacology.solver.compartments import MAX_COMPARTMENTS, Array, propagators
from ketapath.pharmacology.solver.growth import grows
from ketapath.pharmacology.solver.timeline import Timeline

Flags = npt.NDArray[np.bool_]
Subjects = npt.NDArray[np.intp]

BLOCK = 256
"""Subjects that are carried together: their propagators fit into the cache."""
_LONG = 1e4
"""Fastest rate times step above which squaring in double precision would lose more than four digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """Any linear compartments of many people. `rates_per_h` (subjects, n, n): into compartment i from compartment j.

    `outputs` names what is asked: a compartment and its volume in litres (one a subject; None: the amount as it is).
    """

    rates_per_h: Array
    outputs: Mapping[str, tuple[int, Array | None]]

    def __post_init__(self) -> None:
        shape = self.rates_per_h.shape
        if len(shape) != 3 or shape[1] != shape[2] or not 1 <= shape[1] <= MAX_COMPARTMENTS:
            raise _bad("flows", f"shape {shape}", f"(subjects, n, n) with n from 1 to {MAX_COMPARTMENTS}")
        for name, (place, volume) in self.outputs.items():
            if not 0 <= place < shape[1] or (volume is not None and volume.shape != shape[:1]):
                raise _bad(f"flows.outputs[{name}]", place, "a compartment and a volume a subject")

    @property
    def size(self) -> int:
        """How many subjects."""
        return int(self.rates_per_h.shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs, in their order."""
        return tuple(self.outputs)

    @property
    def sound(self) -> Flags:
        """Whose flows are finite, not negative, and do not grow by themselves; whose volumes are above zero."""
        a = self.rates_per_h
        good: Flags = np.asarray(np.isfinite(a).all(axis=(1, 2)))
        off = np.where(np.eye(a.shape[1], dtype=bool), 0.0, a)
        good &= (off >= 0.0).all(axis=(1, 2))
        for _, volume in self.outputs.values():
            if volume is not None:
                good &= np.isfinite(volume) & (volume > 0.0)
        good[good] = ~grows(a[good])
        return good

    def take(self, subjects: slice | npt.NDArray[np.intp]) -> Flows:
        """The flows of some of the subjects."""
        outputs = {n: (c, None if v is None else v[subjects]) for n, (c, v) in self.outputs.items()}
        return Flows(rates_per_h=self.rates_per_h[subjects], outputs=outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """Highest level at any event, when it first was (hours), and area, each (outputs, subjects)."""

    peak: Array
    peak_h: Array
    area: Array


def march_positive(
    flows: Flows, entry: tuple[int, ...], when: Timeline, scale: Array | None, out: Array | None, columns: Subjects
) -> Summaries | Flags:
    """Levels of sound subjects. `entry` is the compartment of each input; `scale` as in `march`.

    Subject j of `flows` is written into column `columns[j]` of `out`, (outputs, observations, all subjects), and it is
    returned whose levels stayed numbers. Without `out` the summaries are returned instead.
    """
    parts = []
    for begin in range(0, flows.size, BLOCK):
        some = slice(begin, min(begin + BLOCK, flows.size))
        part = None if scale is None else np.broadcast_to(scale, (len(entry), flows.size))[:, some]
        parts.append(_block(flows.take(some), entry, when, part, out, columns[some]))
    peak, peak_h, area = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
    if out is not None:
        return np.asarray(np.isfinite(peak).all(axis=0))
    return Summaries(peak=peak, peak_h=peak_h, area=area)


def _block(
    flows: Flows, entry: tuple[int, ...], when: Timeline, scale: Array | None, out: Array | None, columns: Subjects
) -> tuple[Array, Array, Array]:
    """Peak, its time, and area; the state is (compartments, subjects), so that every operation runs over subjects."""
    n, size = flows.size, flows.rates_per_h.shape[1]
    places, volumes = _read_out(flows)
    a = flows.rates_per_h if out is not None else _with_areas(flows, places)
    doors = sorted(set(entry))
    carried: dict[int, tuple[Array, Array]] = {}
    last_use = {step: index for index, step in enumerate(when.step.tolist())}
    state, room = np.zeros((a.shape[1], n)), np.empty((a.shape[1], a.shape[1], n))
    peak, peak_h = np.zeros((len(places), n)), np.full((len(places), n), when.hours[0] if when.hours.size else 0.0)
    ones = np.ones((len(entry), n)) if scale is None else scale
    put = slice(columns[0], columns[-1] + 1) if columns[-1] - columns[0] == n - 1 else columns
    events = zip(*(e.tolist() for e in (when.step, when.rate, when.bolus, when.observation, when.hours)), strict=True)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, (step, rate, bolus, row, hour) in enumerate(events):
            if step >= 0:
                if step not in carried:
                    carried[step] = _step(a, doors, when, step)
                carry, add = carried[step] if last_use[step] > index else carried.pop(step)
                state = np.multiply(carry, state, out=room).sum(axis=1)
                if rate >= 0:
                    state += (add * _into(when.rates[rate][:, None] * ones, entry, doors)).sum(axis=1)
            if bolus >= 0:
                state[doors] += _into(when.boluses[bolus][:, None] * ones, entry, doors)
            if out is not None and row < 0:
                continue
            level = state[places] / volumes
            if out is not None:
                out[:, row, put] = level
            else:
                peak_h[level > peak] = hour
            np.maximum(peak, level, out=peak)
        area = peak if out is not None else state[size:] / volumes
    return peak, peak_h, area


def _step(a: Array, doors: list[int], when: Timeline, step: int) -> tuple[Array, Array]:
    """What a distinct step does to the state, (n, n, subjects), and what a unit an hour into each door adds."""
    n, size = a.shape[:2]
    hours = float(when.steps_h[step])
    wanted = a
    if step in when.fed:
        wanted = np.zeros((n, size + len(doors), size + len(doors)))
        wanted[:, :size, :size] = a
        for index, door in enumerate(doors):
            wanted[:, door, size + index] = 1.0
    fastest = float(np.abs(a).max()) if a.size else 0.0
    if fastest * hours > _LONG and math.isfinite(fastest * hours):
        grown = propagators(wanted.astype(np.longdouble), hours).astype(np.float64)
    else:
        grown = propagators(wanted, hours)
    turned = np.ascontiguousarray(grown[:, :size].transpose(1, 2, 0))
    return turned[:, :size], turned[:, size:]


def _into(amounts: Array, entry: tuple[int, ...], doors: list[int]) -> Array:
    """Amounts of each input, (inputs, subjects), added up for each compartment that has inputs."""
    found = np.zeros((len(doors), amounts.shape[1]))
    for index, place in enumerate(entry):
        found[doors.index(place)] += amounts[index]
    return found


def _read_out(flows: Flows) -> tuple[list[int], Array]:
    places = [place for place, _ in flows.outputs.values()]
    volumes = np.ones((len(places), flows.size))
    for row, (_, volume) in enumerate(flows.outputs.values()):
        if volume is not None:
            volumes[row] = volume
    return places, volumes


def _with_areas(flows: Flows, places: list[int]) -> Array:
    """The same flows with a compartment for each output that only adds up: its amount is the area."""
    n, size = flows.rates_per_h.shape[:2]
    a = np.zeros((n, size + len(places), size + len(places)))
    a[:, :size, :size] = flows.rates_per_h
    for index, place in enumerate(places):
        a[:, size + index, place] = 1.0
    return a


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the value and try again.")
