"""The first solution: every level as a sum of exponentials, marched over the events. Fast; poles in closed form.

All doses enter the central compartment, so one response serves all: each mode s' = -r s + u(t) is carried from event to
event by exp(-r h), and each output is a weighted sum of modes. The weights divide by differences of rates. Whose rates
nearly coincide (`Modes.doubtful`), or whose first level would be a small difference of large numbers (`early_loss`),
belongs to the second solution, `positive.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.solver.positive import Flows
from ketapath.pharmacology.solver.timeline import Timeline

Flags = npt.NDArray[np.bool_]

GAP = 1e-3
"""Relative distance of two rates below which the weights lose digits; ten times what they could just bear."""
LOSS = 2.0**19
"""How many times larger than their sum the terms of a level may be; the rounding of each is 1e-16."""
FLOOR = 1e-6
"""Share of the peak below which a level need not be relatively exact."""
_CLOSES = 1e-11
"""The areas that the modes add up to against dose over clearance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A drug, what becomes of it, and where it acts; every field an array of one value a subject (or one for all).

    Volumes L, clearances L/h, effect rates 1/h; None where there is no such compartment. The metabolite is formed by
    `metabolite_share` of the drug's clearance, the second from the first, counted in amounts of drug. Effect sites
    follow the central concentration and take nothing out of it.
    """

    central_volume: Array
    clearance: Array
    peripheral_volume_1: Array | None = None
    intercompartmental_clearance_1: Array | None = None
    peripheral_volume_2: Array | None = None
    intercompartmental_clearance_2: Array | None = None
    metabolite_volume: Array | None = None
    metabolite_clearance: Array | None = None
    metabolite_share: Array | None = None
    metabolite_peripheral_volume: Array | None = None
    metabolite_intercompartmental_clearance: Array | None = None
    second_metabolite_volume: Array | None = None
    second_metabolite_clearance: Array | None = None
    second_metabolite_share: Array | None = None
    effect_rate_1: Array | None = None
    effect_rate_2: Array | None = None

    def __post_init__(self) -> None:
        given = {name: np.asarray(v, dtype=np.float64) for name, v in self._given()}
        sizes = {v.shape for v in given.values() if v.ndim}
        if len(sizes) > 1 or any(len(shape) > 1 for shape in sizes):
            raise _bad("chain", sorted(sizes), "arrays of one length, one value a subject")
        shape = sizes.pop() if sizes else (1,)
        for name, value in given.items():
            object.__setattr__(self, name, np.ascontiguousarray(np.broadcast_to(value, shape)))
        for first, *others in _TOGETHER:
            if len({getattr(self, name) is None for name in (first, *others)}) > 1:
                raise _bad("chain", f"only part of {first}, {', '.join(others)}", "all of them or none")
        for name, needs in _NEEDS:
            if getattr(self, name) is not None and getattr(self, needs) is None:
                raise _bad(f"chain.{name}", "given", f"only together with {needs}")

    def _given(self) -> Iterator[tuple[str, Array]]:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                yield field.name, value

    @classmethod
    def of(cls, people: Mapping[str, Array], **others: Array) -> Chain:
        """The chain of drawn people: whatever names of `people` it knows, and `others` (effect rates, shares)."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in people.items() if name in known}, **others)

    @property
    def size(self) -> int:
        """How many subjects."""
        return int(self.central_volume.shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs, in their order."""
        return tuple(name for name, signal in _OUTPUTS if getattr(self, signal) is not None)

    @property
    def sound(self) -> Flags:
        """Whose values are all finite and above zero; shares lie between 0 and 1."""
        good = np.ones(self.size, dtype=bool)
        for name, value in self._given():
            good &= np.isfinite(value) & ((value > 0.0) | ((value == 0.0) & name.endswith("_share")))
            if name.endswith("_share"):
                good &= value <= 1.0
        return good

    def take(self, subjects: slice | npt.NDArray[np.intp]) -> Chain:
        """The chain of some of the subjects."""
        return Chain(**{name: value[subjects] for name, value in self._given()})


_OUTPUTS = (
    ("parent", "central_volume"),
    ("metabolite", "metabolite_volume"),
    ("second_metabolite", "second_metabolite_volume"),
    ("effect_1", "effect_rate_1"),
    ("effect_2", "effect_rate_2"),
)
_TOGETHER = (
    ("peripheral_volume_1", "intercompartmental_clearance_1"),
    ("peripheral_volume_2", "intercompartmental_clearance_2"),
    ("metabolite_volume", "metabolite_clearance"),
    ("metabolite_peripheral_volume", "metabolite_intercompartmental_clearance"),
    ("second_metabolite_volume", "second_metabolite_clearance"),
)
_NEEDS = (
    ("peripheral_volume_2", "peripheral_volume_1"),
    ("metabolite_share", "metabolite_volume"),
    ("metabolite_peripheral_volume", "metabolite_volume"),
    ("second_metabolite_volume", "metabolite_volume"),
    ("second_metabolite_share", "second_metabolite_volume"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """Rates (modes, subjects) in 1/h, and `start`: what one unit of dose puts into each mode, as a concentration.

    An output is the sum of its `terms` in their order: a mode, times a row of `weights` (or as it is, for -1).
    """

    rates: Array
    start: Array
    weights: Array
    terms: tuple[tuple[tuple[int, int], ...], ...]
    doubtful: Flags


@dataclass(frozen=True, slots=True)
class _Link:
    """How one concentration follows another: gain * product of (s + zero) / product of (s + pole)."""

    gain: Array
    zeros: list[Array]
    poles: list[Array]

    def at(self, rate: Array, without: int = -1) -> Array:
        """The value at s = -rate; without one of the poles it is the weight of that pole's own exponential."""
        above = self.gain
        for zero in self.zeros:
            above = above * (zero - rate)
        below = [pole - rate for index, pole in enumerate(self.poles) if index != without]
        return above / math.prod(below[1:], start=below[0]) if below else above


def modes(chain: Chain) -> Modes:
    """Rates and weights of every subject in closed form. Work for arrays: nothing here goes subject by subject."""
    with np.errstate(all="ignore"):
        links = _links(chain)
        rates: list[Array] = []
        start: list[Array] = []
        weights: list[Array] = []
        terms: list[tuple[tuple[int, int], ...]] = []
        owned: dict[tuple[int, ...], list[int]] = {}
        passed: dict[tuple[int, int], Array] = {}

        def through(place: int, mode: int) -> Array:
            """What the link at `place` makes of the exponential of `mode`."""
            if (place, mode) not in passed:
                passed[place, mode] = links[place].at(rates[mode])
            return passed[place, mode]

        for path in _paths(chain):
            last = links[path[-1]]
            owned[path] = list(range(len(rates), len(rates) + len(last.poles)))
            for index, mode in enumerate(owned[path]):
                rates.append(last.poles[index])
                own = last.at(rates[mode], without=index)
                start.append(math.prod((through(place, mode) for place in path[:-1]), start=own))
            found: list[tuple[int, int]] = []
            for depth in range(1, len(path)):
                for mode in owned[path[:depth]]:
                    first, *others = (through(place, mode) for place in path[depth:])
                    found.append((mode, len(weights)))
                    weights.append(math.prod(others, start=first))
            terms.append((*found, *((mode, -1) for mode in owned[path])))
        made = Modes(
            rates=np.stack(rates),
            start=np.stack(start),
            weights=np.stack(weights) if weights else np.zeros((0, chain.size)),
            terms=tuple(terms),
            doubtful=_near(rates, tuple(terms)),
        )
        times = 1.0 / made.rates * made.start
        for output, area in enumerate(areas(chain)):
            total = sum(term for _, term in _parts(made, output, times))
            made.doubtful[:] |= ~(np.abs(total - area) <= _CLOSES * area)
    return made


def areas(chain: Chain) -> list[Array]:
    """For each output the area under its curve to infinity for one unit of dose: share of dose over clearance."""
    found = [1.0 / chain.clearance]
    share = np.ones(chain.size)
    if chain.metabolite_clearance is not None:
        share = share if chain.metabolite_share is None else chain.metabolite_share
        found.append(share / chain.metabolite_clearance)
    if chain.second_metabolite_clearance is not None:
        share = share if chain.second_metabolite_share is None else share * chain.second_metabolite_share
        found.append(share / chain.second_metabolite_clearance)
    return found + [1.0 / chain.clearance] * sum(name.startswith("effect") for name in chain.names)


def early_loss(made: Modes, when: Timeline) -> Flags:
    """Whose first level after a dose would be a small difference of large terms, and still counts beside the peak."""
    lost = np.zeros(made.rates.shape[1], dtype=bool)
    after_bolus, after_start = when.shortest_h
    with np.errstate(all="ignore"):
        if after_bolus < np.inf:
            lost |= _loses(made, made.start * np.exp(-made.rates * after_bolus), made.start, after_bolus)
        if after_start < np.inf:
            filled = made.start / made.rates
            hours = min(after_start, when.infusion_h)
            lost |= _loses(made, filled * -np.expm1(-made.rates * hours), filled, hours, risen_h=when.infusion_h)
    return lost


def _loses(made: Modes, held: Array, whole: Array, after_h: float, risen_h: float | None = None) -> Flags:
    """Whether a level of modes that hold `held` is too small a difference; only those are asked for their peak."""
    lost = np.zeros(held.shape[1], dtype=bool)
    for output in range(1, len(made.terms)):  # the terms of the drug itself are all positive
        terms = [term for _, term in _parts(made, output, held)]
        level, size = sum(terms), sum(np.abs(term) for term in terms)
        suspect = np.flatnonzero(~(size <= LOSS * level))
        if not suspect.size:
            continue
        few = Modes(rates=made.rates[:, suspect], start=made.start[:, suspect], weights=made.weights[:, suspect],
                    terms=made.terms, doubtful=made.doubtful[suspect])  # fmt: skip
        grid = [risen_h] if risen_h is not None else (after_h * 2.0 ** np.arange(28)).tolist()
        peak = np.max([_level(few, output, whole[:, suspect], h, risen_h is not None) for h in grid], axis=0)
        limit = LOSS * np.maximum(np.asarray(level)[suspect], FLOOR * peak)
        lost[suspect] |= ~(np.asarray(size)[suspect] <= limit)
    return lost


def _level(made: Modes, output: int, whole: Array, hours: float, rising: bool) -> Array:
    held = whole * (-np.expm1(-made.rates * hours) if rising else np.exp(-made.rates * hours))
    return np.asarray(sum(term for _, term in _parts(made, output, held)))


def _parts(made: Modes, output: int, held: Array) -> Iterator[tuple[int, Array]]:
    for mode, weight in made.terms[output]:
        yield mode, held[mode] if weight < 0 else made.weights[weight] * held[mode]


def _near(rates: list[Array], terms: tuple[tuple[tuple[int, int], ...], ...]) -> Flags:
    """Whether two rates of one output lie closer than `GAP`, relatively, or cannot be compared."""
    pairs = {(a, b) for output in terms for a, _ in output for b, _ in output if a < b}
    near = np.zeros(rates[0].shape, dtype=bool)
    least = [GAP * rate for rate in rates]
    for one, other in sorted(pairs):
        near |= ~(np.abs(rates[one] - rates[other]) >= least[other])
    return near


def _paths(chain: Chain) -> list[tuple[int, ...]]:
    """For each output the links that lead to it, as places in `_links`; the first link is the drug itself."""
    found: list[tuple[int, ...]] = []
    for place, name in enumerate(chain.names):
        found.append((0,) if place == 0 else (0, place) if name != "second_metabolite" else (0, 1, 2))
    return found


def _links(chain: Chain) -> list[_Link]:
    volume, clearance = chain.central_volume, chain.clearance
    zeros, outward = [], []
    for peripheral, flow in (
        (chain.peripheral_volume_1, chain.intercompartmental_clearance_1),
        (chain.peripheral_volume_2, chain.intercompartmental_clearance_2),
    ):
        if peripheral is not None and flow is not None:
            zeros.append(flow / peripheral)
            outward.append(flow / volume)
    links = [_Link(1.0 / volume, zeros, poles(clearance / volume, outward, zeros))]
    if chain.metabolite_volume is not None and chain.metabolite_clearance is not None:
        held = chain.metabolite_volume
        formed = clearance / held if chain.metabolite_share is None else chain.metabolite_share * clearance / held
        back, out = [], []
        if chain.metabolite_peripheral_volume is not None and chain.metabolite_intercompartmental_clearance is not None:
            back = [chain.metabolite_intercompartmental_clearance / chain.metabolite_peripheral_volume]
            out = [chain.metabolite_intercompartmental_clearance / held]
        links.append(_Link(formed, back, poles(chain.metabolite_clearance / held, out, back)))
        if chain.second_metabolite_volume is not None and chain.second_metabolite_clearance is not None:
            second = chain.second_metabolite_volume
            formed = chain.metabolite_clearance / second
            if chain.second_metabolite_share is not None:
                formed = chain.second_metabolite_share * formed
            links.append(_Link(formed, [], [chain.second_metabolite_clearance / second]))
    for rate in (chain.effect_rate_1, chain.effect_rate_2):
        if rate is not None:
            links.append(_Link(rate, [], [rate]))
    return links


def poles(out: Array, outward: list[Array], back: list[Array]) -> list[Array]:
    """Rates of a mammillary system, fastest first: `out` leaves the centre for good, `outward` and `back` exchange.

    Every sum below is of positive terms, or of terms of which one is far the larger; the slow rates come from the
    product of all and the sum of products, so that a rate a million times slower than the first keeps its digits.
    """
    if not outward:
        return [out]
    if len(outward) == 1:
        (k12,), (k21,) = outward, back
        apart = np.sqrt((out - k21) ** 2 + k12 * (k12 + 2.0 * (out + k21)))
        fast = 0.5 * (out + k12 + k21 + apart)
        return [fast, out * k21 / fast]
    (k12, k13), (k21, k31) = outward, back
    total = out + k12 + k13 + k21 + k31
    pairs = out * (k21 + k31) + k21 * k31 + k12 * k31 + k13 * k21
    whole = out * k21 * k31
    third = total / 3.0
    spread = np.maximum(third * third - pairs / 3.0, 0.0)
    turned = third * (third * third - 0.5 * pairs) + 0.5 * whole
    angle = np.arccos(np.clip(turned / (spread * np.sqrt(spread)), -1.0, 1.0))
    fast = third + 2.0 * np.sqrt(spread) * np.cos(angle / 3.0)
    product = whole / fast
    half = 0.5 * (pairs - product) / fast
    middle = half + np.sqrt(np.maximum(half * half - product, 0.0))
    return [fast, middle, product / middle]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one march needs, worked out: what each step does to each mode. Shapes (.., modes, subjects)."""

    decay: Array
    """(steps, modes, subjects): exp(-rate * step)."""
    gain: Array
    """(steps during an infusion, modes, subjects): what one amount an hour puts into each mode during the step."""
    start: Array
    weights: Array
    terms: tuple[tuple[tuple[int, int], ...], ...]
    rates: Array
    """(combinations, subjects or 1): amount an hour."""
    boluses: Array
    """(combinations, subjects or 1): amount."""


def plan(made: Modes, when: Timeline, scale: Array | None) -> Plan:
    """The steps of these subjects. `scale` is (subjects,), one for all inputs, or (inputs, subjects)."""
    start = made.start * scale if scale is not None and scale.ndim == 1 else made.start
    decay = np.empty((when.steps_h.size, *made.rates.shape))
    gain = np.empty((when.fed.size, *made.rates.shape))
    filled = start / made.rates
    for index, hours in enumerate(when.steps_h.tolist()):
        np.exp(np.multiply(made.rates, -hours, out=decay[index]), out=decay[index])
    for index, step in enumerate(when.fed.tolist()):
        np.expm1(np.multiply(made.rates, -when.steps_h[step], out=gain[index]), out=gain[index])
        np.multiply(np.negative(gain[index], out=gain[index]), filled, out=gain[index])
    return Plan(
        decay=decay,
        gain=gain,
        start=np.ascontiguousarray(start),
        weights=made.weights,
        terms=made.terms,
        rates=given(when.rates, scale),
        boluses=given(when.boluses, scale),
    )


def given(rows: Array, scale: Array | None) -> Array:
    """Combinations of inputs, shape (combinations, inputs), summed: (combinations, 1) or (combinations, subjects)."""
    if scale is None or scale.ndim == 1:
        return np.ascontiguousarray(rows.sum(axis=1, keepdims=True))
    return np.ascontiguousarray(rows @ scale)


def march_numpy(work: Plan, when: Timeline, out: Array | None, peak: Array | None, peak_h: Array | None) -> Array:
    """Carry the modes over all events; returns the state at the end, (modes, subjects).

    Either every output is written into `out` (outputs, observations, subjects), or the largest level of each and its
    time are kept in `peak` and `peak_h` (outputs, subjects). The native kernel does the same operations in the same
    order.
    """
    state = np.zeros_like(work.start)
    part, level = np.empty_like(work.start), np.empty(work.start.shape[1])
    higher = np.empty(work.start.shape[1], dtype=bool)
    runs = _runs(work.terms)
    events = (when.step, when.feed, when.rate, when.bolus, when.observation, when.hours)
    for step, feed, rate, bolus, row, hour in zip(*(e.tolist() for e in events), strict=True):
        if step >= 0:
            np.multiply(state, work.decay[step], out=state)
            if rate >= 0:
                np.multiply(work.gain[feed], work.rates[rate], out=part)
                np.add(state, part, out=state)
        if bolus >= 0:
            np.multiply(work.start, work.boluses[bolus], out=part)
            np.add(state, part, out=state)
        if out is not None and row >= 0:
            for output, run in enumerate(runs):
                _add_up(state, work.weights, run, part, out[output, row])
        elif peak is not None and peak_h is not None:
            for output, run in enumerate(runs):
                _add_up(state, work.weights, run, part, level)
                np.greater(level, peak[output], out=higher)
                np.maximum(level, peak[output], out=peak[output])
                np.putmask(peak_h[output], higher, hour)
    return state


Runs = list[tuple[int, int, int]]


def _runs(terms: tuple[tuple[tuple[int, int], ...], ...]) -> list[Runs]:
    """Neighbouring terms joined: (first mode, first weight or -1, how many), so that one call multiplies them all."""
    found = []
    for output in terms:
        runs: Runs = []
        for mode, weight in output:
            if runs:
                first, begun, count = runs[-1]
                if mode == first + count and (weight == begun + count if begun >= 0 else weight < 0):
                    runs[-1] = (first, begun, count + 1)
                    continue
            runs.append((mode, weight, 1))
        found.append(runs)
    return found


def _add_up(state: Array, weights: Array, runs: Runs, part: Array, level: Array) -> None:
    """The terms of one output, one after the other in their order."""
    rows: list[Array] = []
    for mode, weight, count in runs:
        if weight < 0:
            rows.extend(state[mode : mode + count])
        else:
            rows.extend(
                np.multiply(state[mode : mode + count], weights[weight : weight + count], out=part[mode : mode + count])
            )
    if len(rows) == 1:
        np.copyto(level, rows[0])
        return
    np.add(rows[0], rows[1], out=level)
    for row in rows[2:]:
        np.add(level, row, out=level)


def flows(chain: Chain) -> Flows:
    """The same chain as a rate matrix, for the second solution: amounts, and concentrations at the effect sites."""
    volume, clearance = chain.central_volume, chain.clearance
    moves: dict[tuple[int, int | None], Array] = {}
    outputs: dict[str, tuple[int, Array | None]] = {"parent": (0, volume)}
    size = 1
    for peripheral, flow in (
        (chain.peripheral_volume_1, chain.intercompartmental_clearance_1),
        (chain.peripheral_volume_2, chain.intercompartmental_clearance_2),
    ):
        if peripheral is not None and flow is not None:
            moves |= {(0, size): flow / volume, (size, 0): flow / peripheral}
            size += 1
    moves[0, None] = clearance / volume
    if chain.metabolite_volume is not None and chain.metabolite_clearance is not None:
        held, first = chain.metabolite_volume, size
        share = 1.0 if chain.metabolite_share is None else chain.metabolite_share
        moves |= {(0, first): share * clearance / volume, (0, None): (1.0 - share) * clearance / volume}
        moves[first, None] = chain.metabolite_clearance / held
        outputs["metabolite"] = (first, held)
        size += 1
        if chain.metabolite_peripheral_volume is not None and chain.metabolite_intercompartmental_clearance is not None:
            flow = chain.metabolite_intercompartmental_clearance
            moves |= {(first, size): flow / held, (size, first): flow / chain.metabolite_peripheral_volume}
            size += 1
        if chain.second_metabolite_volume is not None and chain.second_metabolite_clearance is not None:
            share = 1.0 if chain.second_metabolite_share is None else chain.second_metabolite_share
            rate = chain.metabolite_clearance / held
            moves |= {(first, size): share * rate, (first, None): (1.0 - share) * rate}
            moves[size, None] = chain.second_metabolite_clearance / chain.second_metabolite_volume
            outputs["second_metabolite"] = (size, chain.second_metabolite_volume)
            size += 1
    sites = {name: rate for name, rate in (("effect_1", chain.effect_rate_1), ("effect_2", chain.effect_rate_2))
             if rate is not None}  # fmt: skip
    a = np.zeros((chain.size, size + len(sites), size + len(sites)))
    for (start, end), rate in moves.items():
        a[:, start, start] -= rate
        if end is not None:
            a[:, end, start] += rate
    for place, (name, rate) in enumerate(sites.items(), start=size):
        a[:, place, 0], a[:, place, place] = rate / volume, -rate
        outputs[name] = (place, None)
    return Flows(rates_per_h=a, outputs=outputs)


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the value and try again.")
