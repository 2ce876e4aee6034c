"""What is the amount in each compartment at each time? The exact solution of linear compartments.

x'(t) = A x(t) + b(t), b piecewise constant. Between events the solution is a matrix exponential; the march goes once
over the merged list of dose starts, dose ends and observations. Where A has no negative flow between compartments,
exp(Ah) is summed from positive terms only: exp(-qh) times the Taylor series of (A + qI)h, scaled and squared, so that
nothing cancels, coincident poles included. Any other A takes the rational approximation of degree 13.
Source of the latter's coefficients: Higham, SIAM J Matrix Anal Appl 2005;26:1179-1193.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput, NumericalError
from ketapath.pharmacology.solver.growth import grows

Array = npt.NDArray[np.float64]
Exact = npt.NDArray[np.longdouble]
Either = TypeVar("Either", Array, Exact)

MAX_COMPARTMENTS = 64
MAX_DOSES = 10_000
MAX_TIMES = 100_000
_TAYLOR_TERMS = 20  # with a norm of at most 1 the rest is below 1e-19; one more for each compartment on the way
_GROUP = 5
_LOSS = 1e-9
"""Share of an amount that squaring a step may cost; more is a failure and no number."""
_PADE_LIMIT = 5.371920351148152  # source: Higham 2005, table 2.3
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An amount that enters a compartment at a time: at once (`duration_h` 0) or at a constant rate."""

    time_h: float
    amount: float
    duration_h: float = 0.0
    compartment: int = 0


def solve(a_per_h: Any, doses: Sequence[Input], times_h: Sequence[float]) -> Array:
    """Amounts, shape (times, compartments), of a system that is empty before the first dose.

    `a_per_h[i][j]` is the rate into compartment i from compartment j; A need not conserve mass. A value at the
    instant of a bolus is after it. Raises BadInput for a system that cannot be (a matrix
    that grows, times out of order), NumericalError on overflow and where a step is too long for its fastest rate.

    >>> solve([[-1.0]], [Input(time_h=0.0, amount=1.0)], [0.0, 1.0]).round(6).tolist()
    [[1.0], [0.367879]]
    """
    a = _matrix(a_per_h)
    times = check_times(times_h)
    check_doses(doses, a.shape[0])
    ends = {_end(d) for d in doses}
    events = sorted({*times.tolist(), *(d.time_h for d in doses), *ends})
    state = np.zeros(a.shape[0], dtype=np.longdouble)
    found = {}
    known: dict[tuple[str, bytes], tuple[Exact, Exact]] = {}
    last = events[0] if events else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for now in events:
            if now > last:
                flow, added = _step(a, _rates(doses, last, now, a.shape[0]), now - last, known)
                state = flow @ state + added
            for dose in doses:
                if _end(dose) == dose.time_h == now:
                    state[dose.compartment] += dose.amount
            found[now] = state.astype(np.float64)
            last = now
    result = np.array([found[t] for t in times.tolist()]).reshape(len(times), a.shape[0])
    if not np.isfinite(result).all():
        raise NumericalError("The amounts leave the range of numbers: check the rates and the times.")
    return result


def propagators(a: Either, step_h: float) -> Either:
    """exp(A h) for a batch of systems without negative flows, shape (subjects, n, n). Positive terms only."""
    size = a.shape[-1]
    fastest = np.maximum(-np.diagonal(a, axis1=-2, axis2=-1).min(axis=-1), 0.0)[..., None, None]
    flows = (a + fastest * np.eye(size, dtype=a.dtype)) * step_h
    norm = float(flows.sum(axis=-2).max()) if flows.size else 0.0
    if not math.isfinite(norm):
        raise NumericalError("The rates leave the range of numbers: check the rates and the times.")
    squarings = max(0, math.ceil(math.log2(norm))) if norm > 1.0 else 0
    part = flows / 2.0**squarings
    total: Either = _taylor(part, _TAYLOR_TERMS + size)
    total *= np.exp(-fastest * step_h / 2.0**squarings)
    for _ in range(squarings):
        total = total @ total
    return total


def _taylor(part: Any, terms: int) -> Any:
    """1 + part + part^2 / 2! + ..., in groups of `_GROUP` powers: a third of the products, positive terms still."""
    one = np.broadcast_to(np.eye(part.shape[-1], dtype=part.dtype), part.shape)
    powers = [one, part]
    while len(powers) <= _GROUP:
        powers.append(powers[-1] @ part)
    weight = np.ones(terms + _GROUP + 1, dtype=part.dtype)
    weight[1:] /= np.cumprod(np.arange(1, terms + _GROUP + 1, dtype=part.dtype))
    total = np.zeros_like(part)
    for first in range(terms // _GROUP * _GROUP, -1, -_GROUP):
        group = sum(power * weight[first + k] for k, power in enumerate(powers[:_GROUP]))
        total = total @ powers[_GROUP] + group
    return total


def _step(
    a: Array, rates: Array, step_h: float, known: dict[tuple[str, bytes], tuple[Exact, Exact]]
) -> tuple[Exact, Exact]:
    """What one step does to the state and adds to it; constant rates stand as a compartment that never empties.

    Computed in extended precision where the machine has it, because squaring doubles the relative error each time. For
    the same reason the rates stand on the scale of A, whatever unit amounts are in. Steps that agree to twelve digits
    are one step.
    """
    key = (f"{step_h:.12g}", rates.tobytes())
    if key not in known:
        size = a.shape[0]
        is_positive = bool((a[~np.eye(size, dtype=bool)] >= 0).all())
        scale = _scale(a, rates, step_h, is_positive)
        whole = np.zeros((size + 1, size + 1), dtype=np.longdouble)
        whole[:size, :size], whole[:size, size] = a, rates / scale
        if is_positive:
            grown = propagators(whole[None], step_h)[0]
        else:
            grown = _general(np.asarray(whole * step_h, dtype=np.float64)).astype(np.longdouble)
        known[key] = (grown[:size, :size], grown[:size, size] * scale)
    return known[key]


def _scale(a: Array, rates: Array, step_h: float, is_positive: bool) -> float:
    """What the rates are divided by, so that they add nothing to the number of squarings. Raises NumericalError."""
    moved = a + max(-float(a.diagonal().min()), 0.0) * np.eye(a.shape[0]) if is_positive else np.abs(a)
    norm, total = float(moved.sum(axis=0).max()), float(rates.sum())
    if not math.isfinite(norm * step_h) or not math.isfinite(total):
        raise NumericalError("The rates leave the range of numbers: check the rates and the times.")
    precision = np.finfo(np.longdouble if is_positive else np.float64).eps
    if norm * step_h * float(precision) > _LOSS:
        raise NumericalError(
            f"Digits are lost over {step_h:g} h with rates of {norm:g} per hour. "
            "End earlier, or take a rate so fast as an equilibrium."
        )
    beside = norm if norm * step_h >= 1.0 else min(1.0, 1.0 / step_h)
    # An amount near the smallest number would leave a scale of nothing, which nothing can be divided by.
    return max(total / beside, float(np.finfo(np.float64).tiny)) if total > 0.0 else 1.0


def _general(m: Array) -> Array:
    """exp(m) for any real matrix: rational approximation of degree 13, scaled and squared."""
    norm = float(np.abs(m).sum(axis=0).max())
    if not math.isfinite(norm):
        raise NumericalError("The rates leave the range of numbers.")
    squarings = max(0, math.ceil(math.log2(norm / _PADE_LIMIT))) if norm > _PADE_LIMIT else 0
    m = m / 2.0**squarings
    one = np.eye(m.shape[0])
    m2 = m @ m
    m4 = m2 @ m2
    m6 = m4 @ m2
    b = _PADE
    odd = m @ (m6 @ (b[13] * m6 + b[11] * m4 + b[9] * m2) + b[7] * m6 + b[5] * m4 + b[3] * m2 + b[1] * one)
    even = m6 @ (b[12] * m6 + b[10] * m4 + b[8] * m2) + b[6] * m6 + b[4] * m4 + b[2] * m2 + b[0] * one
    total = np.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        total = total @ total
    return np.asarray(total, dtype=np.float64)


def _rates(doses: Sequence[Input], start: float, end: float, size: int) -> Array:
    """Amount an hour into each compartment between two neighbouring events."""
    rates = np.zeros(size)
    for dose in doses:
        if dose.time_h <= start < end <= _end(dose):
            rates[dose.compartment] += dose.amount / (_end(dose) - dose.time_h)
    return rates


def _end(dose: Input) -> float:
    """When the dose has gone in. One too short to be told from its start is a bolus: nothing of it may be lost."""
    return dose.time_h + dose.duration_h


def _matrix(stated: Any) -> Array:
    try:
        a = np.array(stated, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as problem:
        raise _bad("A_per_h", "rows of unequal length or no numbers", "a square matrix of numbers") from problem
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not 1 <= a.shape[0] <= MAX_COMPARTMENTS:
        raise _bad("A_per_h", f"shape {a.shape}", f"a square matrix of 1 to {MAX_COMPARTMENTS} compartments")
    if not np.isfinite(a).all():
        raise _bad("A_per_h", "a value that is no finite number", "finite numbers")
    if grows(a[None])[0]:
        raise _bad("A_per_h", "an eigenvalue with a positive real part", "amounts that do not grow by themselves")
    return a


def check_times(stated: Sequence[float] | Array) -> Array:
    """Observation times as an array: numbers that do not fall; equal neighbours are allowed. Raises BadInput."""
    try:
        times = np.array(stated, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as problem:
        raise _bad("times_h", "no list of numbers", "a list of numbers") from problem
    if times.ndim != 1 or times.size > MAX_TIMES or not np.isfinite(times).all():
        raise _bad("times_h", f"shape {times.shape}", f"at most {MAX_TIMES} finite numbers")
    if (np.diff(times) < 0.0).any():
        where = int(np.flatnonzero(np.diff(times) < 0.0)[0])
        raise _bad("times_h", times[where : where + 2].tolist(), "times in order, none before its neighbour")
    return times


def check_doses(doses: Sequence[Input], size: int = MAX_COMPARTMENTS) -> None:
    """Raise BadInput for a dose that is negative, endless, or goes into a compartment that is not there."""
    if len(doses) > MAX_DOSES:
        raise _bad("doses", f"{len(doses)} doses", f"at most {MAX_DOSES}")
    for index, dose in enumerate(doses):
        values = (dose.time_h, dose.amount, dose.duration_h)
        if not all(math.isfinite(v) for v in values) or dose.amount < 0 or dose.duration_h < 0:
            raise _bad(f"doses[{index}]", values, "finite; amount and duration of zero or more")
        if type(dose.compartment) is not int or not 0 <= dose.compartment < size:
            raise _bad(f"doses[{index}].compartment", dose.compartment, f"0 to {size - 1}")


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the value and try again.")
