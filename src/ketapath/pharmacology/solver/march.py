"""Which levels do many people have under one regimen? The verb for batches, `march`, and `summaries` without curves.

A chain of compartments (`Chain`) goes by the modal march, in NumPy or in the native kernel with the same result; people
whose rates nearly coincide, and any other compartments (`Flows`: absorption, a liver), go by the positive propagator.
One person who cannot be computed never stops the others: each has a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput
from ketapath.pharmacology.solver import native
from ketapath.pharmacology.solver.compartments import Array, Input, check_doses
from ketapath.pharmacology.solver.modal import LOSS, Chain, Modes, Plan, early_loss, flows, march_numpy, modes, plan
from ketapath.pharmacology.solver.positive import Flows, Summaries, march_positive
from ketapath.pharmacology.solver.timeline import Timeline, timeline

Flags = npt.NDArray[np.bool_]
Subjects = npt.NDArray[np.intp]

MAX_VALUES = 400_000_000
_CACHE = 1_500_000
"""Bytes of one block of subjects, so that it stays in the second cache."""
_FEW = 768
"""Subjects below which the calls weigh more than what they do."""
_LINE = 8
"""Values in a line of the cache."""
_FASTEST = 1e9
"""Rate times longest step beyond which nine digits cannot be kept."""
_LARGEST = 1e290
_SECOND = 4096


class Status(IntEnum):
    """Whether a subject has been computed, and why not."""

    OK = 0
    BAD_INPUT = 1
    """A parameter or a multiplier is negative, zero where it may not be, or no number; or the flows grow."""
    NOT_FINITE = 2
    """Levels or rates leave the range in which numbers hold nine digits."""

    @property
    def label(self) -> str:
        """The name in words."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Levels, shape (outputs, times, computed subjects), contiguous over subjects.

    A subject that could not be computed has no column at all, so that no number stands where there is none:
    `subjects[j]` is the place of column j among those asked for, and `status` (one a subject asked for) says why others
    are missing.
    """

    names: tuple[str, ...]
    times_h: Array
    values: Array
    subjects: Subjects
    status: npt.NDArray[np.uint8]
    by_second_solution: int
    """How many of the computed went by the positive propagator."""

    def of(self, name: str) -> Array:
        """Levels of one output, shape (times, computed subjects). Raises KeyError for one that there is not."""
        return np.asarray(self.values[_place(self.names, name)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Of each output, shape (outputs, computed subjects): the highest level at any dose event or time, when it first
    was (hours), and the exact area under the curve up to the last time. Columns and `status` as in `Batch`.
    """

    names: tuple[str, ...]
    peak: Array
    peak_h: Array
    area: Array
    subjects: Subjects
    status: npt.NDArray[np.uint8]
    by_second_solution: int


def march(
    system: Chain | Flows,
    inputs: Sequence[Input],
    times_h: Sequence[float] | Array,
    *,
    scale: Array | None = None,
    kernel: str = "auto",
) -> Batch:
    """Levels of all subjects at all times. Times are rounded to the millisecond and may not fall.

    `scale` multiplies the amounts: one a subject, (subjects,), or one an input and subject, (inputs, subjects).
    `kernel` is "numpy", "native" (BadInput where none was built), or "auto": native where there is one.
    A level of a chain is a concentration, amount a litre; its error is at most 1e-9 of it or 1e-15 of the peak. Raises
    BadInput for what is wrong for everybody: inputs, times, shapes.
    """
    job = job_of(system, inputs, times_h, scale, kernel)
    count = job.subjects.size
    if len(system.names) * job.when.observations * count > MAX_VALUES:
        raise _bad("times_h", (job.when.observations, count), f"at most {MAX_VALUES} values; ask for summaries")
    values = aligned(len(system.names), job.when.observations, count)
    second = _curves(job, values) if isinstance(job.system, Chain) else np.arange(count)
    fine = np.ones(count, dtype=bool)  # the modal march cannot leave the range of numbers; the second is looked at
    for some in _parts(second):
        fine[some] = _positively(job, some, values)
    if job.when.observed.size != job.when.observations:
        values = values[:, job.when.observed]
    return Batch(
        names=system.names,
        times_h=np.asarray(times_h, dtype=np.float64),
        values=values if fine.all() else values[:, :, fine],
        subjects=job.subjects[fine],
        status=job.told(fine),
        by_second_solution=int(np.count_nonzero(fine[second])),
    )


def summaries(
    system: Chain | Flows,
    inputs: Sequence[Input],
    times_h: Sequence[float] | Array,
    *,
    scale: Array | None = None,
    kernel: str = "auto",
) -> Summary:
    """Peak, time of peak and area of every subject, without keeping a curve. Arguments and errors as in `march`.

    Peaks are looked for at the times and at every start and end of a dose, so the drug's own is exact.
    """
    job = job_of(system, inputs, times_h, scale, kernel)
    shape = (len(system.names), job.subjects.size)
    peak, area = np.zeros(shape), np.zeros(shape)
    peak_h = np.full(shape, job.when.hours[0] if job.when.hours.size else 0.0)
    second = _summed(job, peak, peak_h, area) if isinstance(job.system, Chain) else np.arange(shape[1])
    for some in _parts(second):
        found = _positively(job, some, None)
        assert isinstance(found, Summaries)
        peak[:, some], peak_h[:, some], area[:, some] = found.peak, found.peak_h, found.area
    fine = np.asarray(np.isfinite(peak).all(axis=0) & np.isfinite(area).all(axis=0))
    whole = bool(fine.all())
    return Summary(
        names=system.names,
        peak=peak if whole else peak[:, fine],
        peak_h=peak_h if whole else peak_h[:, fine],
        area=area if whole else area[:, fine],
        subjects=job.subjects[fine],
        status=job.told(fine),
        by_second_solution=int(np.count_nonzero(fine[second])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is left to compute once those who cannot be are set aside: `system` and `scale` hold `subjects` only."""

    system: Chain | Flows
    entry: tuple[int, ...]
    when: Timeline
    scale: Array | None
    native: native.March | None
    subjects: Subjects
    status: npt.NDArray[np.uint8]

    def told(self, fine: Flags) -> npt.NDArray[np.uint8]:
        """The status of everybody, once it is known whose numbers stayed finite."""
        if fine.all():
            return self.status
        status = self.status.copy()
        status[self.subjects[~fine]] = Status.NOT_FINITE
        return status


def job_of(
    system: Chain | Flows, inputs: Sequence[Input], times_h: Sequence[float] | Array, scale: Array | None, kernel: str
) -> Job:
    """Check everything, set aside who cannot be computed, and say which kernel is meant. Errors as in `march`."""
    if kernel not in ("auto", "numpy", "native"):
        raise _bad("kernel", kernel, "auto, numpy or native")
    if kernel == "native" and native.march is None:
        raise _bad("kernel", kernel, "auto or numpy: no native kernel was built here")
    when = timeline(inputs, times_h)
    check_doses(inputs, 1 if isinstance(system, Chain) else system.rates_per_h.shape[1])
    amounts = np.array([d.amount for d in inputs], dtype=np.float64)
    status = np.zeros(system.size, dtype=np.uint8)
    total = np.full(system.size, amounts.sum())
    if scale is not None:
        scale = np.asarray(scale, dtype=np.float64)
        if scale.shape not in ((system.size,), (len(inputs), system.size)):
            raise _bad("scale", f"shape {scale.shape}", "(subjects,) or (inputs, subjects)")
        usable = np.isfinite(scale) & (scale >= 0.0)
        status[~(usable if scale.ndim == 1 else usable.all(axis=0))] = Status.BAD_INPUT
        with np.errstate(over="ignore", invalid="ignore"):
            total = total * scale if scale.ndim == 1 else amounts @ scale
    status[~system.sound] = Status.BAD_INPUT
    longest = float(when.steps_h.max()) if when.steps_h.size else 0.0
    status[(status == Status.OK) & ~_in_range(system, total, longest)] = Status.NOT_FINITE
    subjects = np.flatnonzero(status == Status.OK)
    if subjects.size < system.size:
        system = system.take(subjects)
        scale = None if scale is None else np.ascontiguousarray(scale[..., subjects])
    return Job(
        system=system,
        entry=tuple(d.compartment for d in inputs),
        when=when,
        scale=scale,
        native=None if kernel == "numpy" else native.march,
        subjects=subjects,
        status=status,
    )


def _in_range(system: Chain | Flows, total: Array, longest_h: float) -> Flags:
    """Whose rates leave nine digits over the longest step, and whose levels and areas stay far from overflow."""
    with np.errstate(all="ignore"):
        if isinstance(system, Flows):
            fastest = np.abs(system.rates_per_h).max(axis=(1, 2))
            least = np.ones(system.size)
        else:
            fastest, least = _extremes(system)
        return np.asarray((fastest * longest_h <= _FASTEST) & (total <= _LARGEST * least))


def _extremes(chain: Chain) -> tuple[Array, Array]:
    """The fastest rate of each subject, and the least volume or clearance that an amount is divided by."""
    fastest, least = np.zeros(chain.size), np.full(chain.size, np.inf)
    for volume, *clearances in (
        (chain.central_volume, chain.clearance, chain.intercompartmental_clearance_1,
         chain.intercompartmental_clearance_2),
        (chain.peripheral_volume_1, chain.intercompartmental_clearance_1),
        (chain.peripheral_volume_2, chain.intercompartmental_clearance_2),
        (chain.metabolite_volume, chain.clearance, chain.metabolite_clearance,
         chain.metabolite_intercompartmental_clearance),
        (chain.metabolite_peripheral_volume, chain.metabolite_intercompartmental_clearance),
        (chain.second_metabolite_volume, chain.metabolite_clearance, chain.second_metabolite_clearance),
    ):  # fmt: skip
        if volume is None:
            continue
        np.minimum(least, volume, out=least)
        for clearance in clearances:
            if clearance is not None:
                np.maximum(fastest, clearance / volume, out=fastest)
                np.minimum(least, clearance, out=least)
    for rate in (chain.effect_rate_1, chain.effect_rate_2):
        if rate is not None:
            np.maximum(fastest, rate, out=fastest)
    return fastest, least


def blocks(job: Job, chain: Chain) -> list[slice]:
    """The subjects in blocks that fit into the cache; each begins on a line of it."""
    modes_each = 7 + sum(name.startswith("effect") for name in chain.names)
    bytes_each = 8 * modes_each * (job.when.steps_h.size + job.when.fed.size + 6)
    lanes = _CACHE // bytes_each // native.TILE * native.TILE
    if lanes < _FEW:  # many different steps, each read once: the third cache will do
        lanes = min(_FEW, max(_LINE, 16 * _CACHE // bytes_each // _LINE * _LINE))
    size = min(lanes, 4096)
    return [slice(begin, min(begin + size, chain.size)) for begin in range(0, chain.size, size)]


def prepared(job: Job, chain: Chain, some: slice) -> tuple[Modes, Flags, Plan]:
    """Rates, weights and steps of one block; those who belong to the second solution stand still here."""
    made = modes(chain.take(some))
    doubtful = made.doubtful | early_loss(made, job.when)
    if doubtful.any():
        made.rates[:, doubtful], made.start[:, doubtful], made.weights[:, doubtful] = 1.0, 0.0, 0.0
    return made, doubtful, plan(made, job.when, None if job.scale is None else job.scale[..., some])


def _curves(job: Job, values: Array) -> Subjects:
    """Fill `values` by the modal march; returns the places of those who belong to the second solution."""
    assert isinstance(job.system, Chain)
    second = []
    for some in blocks(job, job.system):
        _, doubtful, work = prepared(job, job.system, some)
        part = values[:, :, some]
        if job.native is not None:
            rows = (values.strides[1] // 8, values.strides[0] // 8, native.TILE)
            job.native(work, job.when, part, rows, None, None)
        else:
            march_numpy(work, job.when, part, None, None)
        second.append(some.start + np.flatnonzero(doubtful))
    # Up to the first dose only the central compartment can hold anything: known, not rounded.
    values[1:, : job.when.before] = 0.0
    return np.concatenate(second) if second else np.zeros(0, dtype=np.intp)


def _summed(job: Job, peak: Array, peak_h: Array, area: Array) -> Subjects:
    """Peaks and areas by the modal march; the area of a mode is what has left it, over its rate."""
    assert isinstance(job.system, Chain)
    second = []
    for some in blocks(job, job.system):
        made, doubtful, work = prepared(job, job.system, some)
        high = np.zeros((peak.shape[0], some.stop - some.start))
        when = np.full_like(high, job.when.hours[0] if job.when.hours.size else 0.0)
        if job.native is not None:
            state = job.native(work, job.when, None, (0, 0, 0), high, when)
        else:
            state = march_numpy(work, job.when, None, high, when)
        entered = job.when.entered.sum()
        if job.scale is not None and job.scale.ndim == 2:
            entered = job.when.entered @ job.scale[:, some]
        whole = work.start * entered
        left, size = (whole - state) / made.rates, np.abs(whole) / made.rates
        for output, terms in enumerate(work.terms):
            found = np.asarray(sum(left[m] if w < 0 else work.weights[w] * left[m] for m, w in terms))
            terms_size = sum(size[m] if w < 0 else np.abs(work.weights[w]) * size[m] for m, w in terms)
            doubtful |= ~(terms_size <= LOSS * found)  # hardly anything has left yet, or a sum lost its digits
            area[output, some] = found
        peak[:, some], peak_h[:, some] = high, when
        second.append(some.start + np.flatnonzero(doubtful))
    return np.concatenate(second) if second else np.zeros(0, dtype=np.intp)


def _parts(second: Subjects) -> list[Subjects]:
    return [second[begin : begin + _SECOND] for begin in range(0, second.size, _SECOND)]


def _positively(job: Job, some: Subjects, values: Array | None) -> Summaries | Flags:
    system = job.system.take(some)
    scale = None if job.scale is None else job.scale[..., some]
    whole = flows(system) if isinstance(system, Chain) else system
    return march_positive(whole, job.entry, job.when, scale, values, some)


def aligned(outputs: int, rows: int, subjects: int) -> Array:
    """Room for levels, (outputs, rows, subjects): every row begins on a line of the cache, no two on the same set."""
    lines = -(-subjects // _LINE)
    width = (lines | 1) * _LINE
    room = np.empty(outputs * rows * width + _LINE)
    begin = (-room.ctypes.data // 8) % _LINE
    return room[begin : begin + outputs * rows * width].reshape(outputs, rows, width)[:, :, :subjects]


def _place(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise KeyError(f"{name}: there are {', '.join(names)}")
    return list(names).index(name)


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the value and try again.")
