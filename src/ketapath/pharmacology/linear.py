"""How much stands in each compartment at these times? The exact solution of x'(t) = A x(t) + inputs, one subject.

Public verb: `solve`. Nothing is assumed about A: it may lose mass, gain it, be singular, defective or have coincident
eigenvalues, because no eigenvalue is ever computed.

Method. A is widened by one constant state for each infused compartment, so that an infusion is part of the matrix.
Where all off-diagonal entries are >= 0 (every compartment model), exp(A r) = exp(-q r) Taylor((A + q I) r) with q the
largest -A_ii: all terms are >= 0 and nothing cancels, so that small amounts keep their digits. Other matrices use the
plain Taylor series. A "ladder" holds exp(A step 2^j), each the square of the one before; a time span is then a sum of
rungs and a remainder, and only vectors are multiplied. Arithmetic and time differences are in long double, because
squaring doubles the relative error each time: 64 bits leave 1e-11 at rate x time = 1e8.
Source: Xue and Ye, Mathematics of Computation 2013 (positive exponentials, idea only; not read for this work).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ketapath.errors import BadInput, NumericalError

Long = NDArray[np.longdouble]

MAX_COMPARTMENTS = 64  # source: project limit, keeps hostile input from filling the machine
MAX_DOSES = 10_000  # source: project limit
MAX_TIMES = 100_000  # source: project limit
_ACCURACY = 1e-9  # source: science.md section 1, accuracy goal of the solver
_LADDER_NORM = 0.5  # source: numerical choice; the Taylor series then needs about 18 terms in 64 bits
_COLUMNS_AT_ONCE = 4096  # source: numerical choice; bounds the memory of many observation times
_CACHED_STEPS = 256  # source: numerical choice; regimens repeat a few intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One dose: a bolus where `duration_h` is 0, else a constant-rate infusion of `amount` over that time."""

    time_h: float
    amount: float
    duration_h: float = 0.0
    compartment: int = 0


def solve(a_per_h: ArrayLike, doses: Sequence[Input], times_h: ArrayLike) -> NDArray[np.float64]:
    """Amounts in all compartments at the given times after the given doses.

    Parameters
    ----------
    a_per_h
        Square matrix, 1 to 64 compartments; `a_per_h[i][j]` is the rate (1/h) into i from j. Any finite real matrix.
    doses
        At most 10,000, in any order; they may overlap. Amounts and durations are >= 0.
    times_h
        At most 100,000 finite times (h), in any order, repeated or not. Before the first dose all amounts are 0;
        a value at the instant of a bolus is after it.

    Returns
    -------
    Array of shape (times, compartments), in the unit of the doses.

    Raises
    ------
    BadInput
        Something cannot be used; says what.
    NumericalError
        An amount overflows, or rate x time is so large that nine digits cannot be kept.

    Examples
    --------
    >>> solve([[-1.0]], [Input(time_h=0.0, amount=10.0)], [-1.0, 0.0, 1.0]).round(4).tolist()
    [[0.0], [10.0], [3.6788]]
    """
    a = _matrix(a_per_h)
    inputs = _doses(doses, len(a))
    times, place = np.unique(_times(times_h), return_inverse=True)
    amounts = np.zeros((len(times), len(a)))
    inputs = [dose for dose in inputs if dose.amount > 0 and len(times) and dose.time_h <= times[-1]]
    if inputs:
        # Compartments that no dose can reach stay exactly 0, even where they would grow without bound.
        reached = _reachable(a, {dose.compartment for dose in inputs})
        _guard(a[np.ix_(reached, reached)], float(times[-1]) - min(dose.time_h for dose in inputs))
        amounts[:, reached] = _march(a, reached, inputs, times)
    return amounts[place.reshape(-1)]


def _march(a: NDArray[np.float64], reached: list[int], inputs: list[Input], times: NDArray[np.float64]) -> Long:
    """From event to event with one state; the observations of an interval together, as columns."""
    size, row = len(reached), {compartment: i for i, compartment in enumerate(reached)}
    infused = sorted({row[dose.compartment] for dose in inputs if _lasts(dose)})
    ladder = _Ladder(_widened(a[np.ix_(reached, reached)], infused))
    found = np.zeros((len(times), size), dtype=np.longdouble)
    state = np.zeros(size + len(infused), dtype=np.longdouble)
    observed = times.astype(np.longdouble)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        events = list(_events(inputs, row, infused))
        for (now, boluses, rates), following in zip(events, [*(e[0] for e in events[1:]), None], strict=True):
            for compartment, amount in boluses:
                state[compartment] += amount
            state[size:] = rates
            first = int(np.searchsorted(observed, now, side="left"))
            last = len(observed) if following is None else int(np.searchsorted(observed, following, side="left"))
            for start in range(first, last, _COLUMNS_AT_ONCE):
                some = slice(start, min(last, start + _COLUMNS_AT_ONCE))
                found[some] = ladder.advance_to(state, observed[some] - now)[:size].T
            if following is None or following > observed[-1]:
                break
            state = ladder.advance(state, following - now)
        if not np.isfinite(found.astype(np.float64)).all():
            raise NumericalError("amounts grow beyond the largest number: check the signs and the unit of the rates")
    return found


def _events(
    inputs: list[Input], row: dict[int, int], infused: list[int]
) -> Iterator[tuple[np.longdouble, list[tuple[int, float]], Long]]:
    """Every instant at which something is given, starts or ends, with the infusion rates that hold from then on.

    Rates are summed anew over the running infusions: adding and subtracting would leave a trickle behind.
    """
    boluses: dict[np.longdouble, list[tuple[int, float]]] = {}
    lasting = [dose for dose in inputs if _lasts(dose)]
    starts = np.array([dose.time_h for dose in lasting], dtype=np.longdouble)
    ends = starts + np.array([dose.duration_h for dose in lasting], dtype=np.longdouble)
    # The rate uses the length as it is represented, so that no mass is lost to rounding of the end.
    rates = np.array([dose.amount for dose in lasting], dtype=np.longdouble) / np.maximum(ends - starts, 5e-324)
    target = np.array([infused.index(row[dose.compartment]) for dose in lasting], dtype=int)
    for dose in inputs:
        if not _lasts(dose):
            boluses.setdefault(np.longdouble(dose.time_h), []).append((row[dose.compartment], dose.amount))
    for now in sorted({*boluses, *starts, *ends}):
        running = np.flatnonzero((starts <= now) & (now < ends))
        total = np.zeros(len(infused), dtype=np.longdouble)
        np.add.at(total, target[running], rates[running])
        yield now, boluses.get(now, []), total


def _lasts(dose: Input) -> bool:
    """Whether the infusion is longer than the resolution of time; a shorter one is a bolus."""
    return bool(np.longdouble(dose.time_h) + np.longdouble(dose.duration_h) > np.longdouble(dose.time_h))


class _Ladder:
    """exp(M t) for any t >= 0, from rungs exp(M step 2^j) that are made when first needed."""

    def __init__(self, matrix: Long) -> None:
        self._size = len(matrix)
        off_diagonal = matrix[~np.eye(self._size, dtype=bool)]
        self._positive = bool((off_diagonal >= 0).all())
        self._q = max(np.longdouble(0.0), -np.diag(matrix).min()) if self._positive else np.longdouble(0.0)
        self._shifted: Long = matrix + self._q * np.eye(self._size, dtype=np.longdouble)
        norm = float(np.abs(self._shifted).sum(axis=0).max())
        # A power of two, so that taking whole steps out of a time span leaves an exact remainder.
        exponent = int(np.floor(np.log2(_LADDER_NORM / norm))) if norm > 0 else 0
        self._step = np.ldexp(np.longdouble(1.0), exponent)
        self._rungs: list[Long] = []
        self._whole: dict[np.longdouble, Long | None] = {}

    def advance(self, state: Long, span: np.longdouble) -> Long:
        """The state one span later; a span that comes again is kept as a matrix."""
        if span in self._whole:
            known = self._whole[span]
            if known is None:
                known = self._whole[span] = self._columns(np.eye(self._size, dtype=np.longdouble), span)
            return known @ state
        if len(self._whole) < _CACHED_STEPS:
            self._whole[span] = None
        return self._columns(state[:, None], span)[:, 0]

    def advance_to(self, state: Long, spans: Long) -> Long:
        """The state after each of many spans, one column a span."""
        columns = np.repeat(state[:, None], len(spans), axis=1)
        whole = np.floor(spans / self._step)
        columns = self._taylor(columns, spans - whole * self._step)
        steps = whole.astype(np.int64)
        for bit in range(int(steps.max()).bit_length()):
            chosen = (steps >> bit) & 1 == 1
            if chosen.any():
                columns[:, chosen] = self._rung(bit) @ columns[:, chosen]
        return columns

    def _columns(self, columns: Long, span: np.longdouble) -> Long:
        """Every column after the same span."""
        steps = int(np.floor(span / self._step))
        columns = self._taylor(columns, np.full(columns.shape[1], span - steps * self._step))
        for bit in range(steps.bit_length()):
            if steps >> bit & 1:
                columns = self._rung(bit) @ columns
        return columns

    def _rung(self, number: int) -> Long:
        if not self._rungs:
            one_step = np.full(self._size, self._step)
            self._rungs.append(self._taylor(np.eye(self._size, dtype=np.longdouble), one_step))
        while len(self._rungs) <= number:
            self._rungs.append(self._rungs[-1] @ self._rungs[-1])
        return self._rungs[number]

    def _taylor(self, columns: Long, spans: Long) -> Long:
        """exp(M span) times each column, for spans up to one step.

        In a chain of n compartments the last one first appears in term n: at least so many terms are taken, and
        after them all that still matter to some entry.
        """
        term, total, tiny = columns, columns, np.finfo(np.longdouble).eps / 16
        for order in range(1, 2 * self._size + 64):  # the series ends long before: 0.5^64/64! is 1e-109
            term = (self._shifted @ term) * (spans / order)
            total = total + term
            if order >= self._size and bool((np.abs(term) <= tiny * np.abs(total)).all()):
                break
        return total * np.exp(-self._q * spans)


def _widened(a: NDArray[np.float64], infused: list[int]) -> Long:
    """A with one more state, constant in time, for each infused compartment: its rate of infusion."""
    size = len(a)
    wide = np.zeros((size + len(infused), size + len(infused)), dtype=np.longdouble)
    wide[:size, :size] = a
    for extra, compartment in enumerate(infused):
        wide[compartment, size + extra] = 1.0
    return wide


def _reachable(a: NDArray[np.float64], dosed: set[int]) -> list[int]:
    found, open_ends = set(dosed), list(dosed)
    while open_ends:
        source = open_ends.pop()
        for target in np.flatnonzero(a[:, source]):
            if int(target) not in found:
                found.add(int(target))
                open_ends.append(int(target))
    return sorted(found)


def _guard(a: NDArray[np.float64], span_h: float) -> None:
    """Refuse what cannot be had to nine digits: rate x time is the factor by which rounding grows."""
    with np.errstate(over="ignore"):
        growth = float(np.abs(a).sum(axis=0).max()) * span_h
    limit = _ACCURACY / (float(np.finfo(np.longdouble).eps) / 2)
    if not growth <= limit:
        raise NumericalError(
            f"rate x time reaches {growth:.2g}, above {limit:.2g}: nine digits cannot be kept. "
            "Shorten the time span or leave out a compartment that is in equilibrium at once."
        )


def _matrix(a_per_h: ArrayLike) -> NDArray[np.float64]:
    a = _numbers(a_per_h, field="A_per_h", limit=f"a square matrix of finite numbers, 1 to {MAX_COMPARTMENTS} a side")
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not 1 <= a.shape[0] <= MAX_COMPARTMENTS:
        raise BadInput(
            field="A_per_h",
            found=f"shape {a.shape}",
            limit=f"a square matrix, 1 to {MAX_COMPARTMENTS} compartments",
            next_step="Give one row and one column for each compartment.",
        )
    return a


def _times(times_h: ArrayLike) -> NDArray[np.float64]:
    times = _numbers(times_h, field="times_h", limit=f"a list of at most {MAX_TIMES} finite hours")
    if times.ndim != 1 or len(times) > MAX_TIMES:
        raise BadInput(
            field="times_h",
            found=f"shape {times.shape}",
            limit=f"a list of at most {MAX_TIMES} hours",
            next_step="Give one list of times; ask for fewer at once.",
        )
    return times


def _numbers(given: ArrayLike, *, field: str, limit: str) -> NDArray[np.float64]:
    # A ragged list or text raises from NumPy; complex numbers and truth values are turned away by kind.
    try:
        raw = np.asarray(given)
        array = raw.astype(np.float64) if raw.dtype.kind in "iuf" or raw.size == 0 else None
    except (ValueError, TypeError, OverflowError):
        array = None
    if array is None or not np.isfinite(array).all():
        raise BadInput(field=field, found=given, limit=limit, next_step="Give finite real numbers.")
    return array


def _doses(doses: Sequence[Input], compartments: int) -> list[Input]:
    if len(doses) > MAX_DOSES:
        raise BadInput(
            field="doses", found=len(doses), limit=f"at most {MAX_DOSES} doses", next_step="Split the regimen."
        )
    for number, dose in enumerate(doses):
        name = f"doses[{number}]"
        _need(_real(dose.time_h), f"{name}.time_h", dose.time_h, "a finite number of hours")
        _need(_real(dose.amount) and dose.amount >= 0, f"{name}.amount", dose.amount, "a finite amount >= 0")
        _need(_real(dose.duration_h) and dose.duration_h >= 0, f"{name}.duration_h", dose.duration_h, "hours >= 0")
        index = dose.compartment
        whole = isinstance(index, int | np.integer) and not isinstance(index, bool)
        limit = f"a whole number from 0 to {compartments - 1}"
        _need(whole and 0 <= index < compartments, f"{name}.compartment", index, limit)
    return list(doses)


def _real(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and abs(value) <= np.finfo(np.float64).max


def _need(holds: bool, field: str, found: object, limit: str) -> None:
    if not holds:
        raise BadInput(field=field, found=found, limit=limit, next_step="Correct this dose.")
