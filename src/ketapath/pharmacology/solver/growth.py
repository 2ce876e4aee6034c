"""Would the amounts of a linear system grow by themselves? They must not: nothing in a body multiplies.

A is taken apart into its strongly connected blocks, whose eigenvalues together are those of A. A block without negative
flows and with no column sum above zero cannot grow; so compartments that lose nothing, effect compartments that take
nothing out of the blood, and integrators pass without an eigenvalue. Only other blocks are asked for theirs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_ROUNDING = 1e-12
"""Share of the block's largest entry that a sum of rounded rates may lie above zero."""
_DEFECTIVE = 1e-6
"""The same for eigenvalues of a block with negative flows: coincident ones are found to this share only."""

Flags = npt.NDArray[np.bool_]


def grows(a: npt.NDArray[np.float64]) -> Flags:
    """Which of the matrices, (subjects, n, n), have an eigenvalue with a positive real part; shape (subjects,)."""
    found = np.zeros(a.shape[0], dtype=bool)
    for block in _blocks(np.asarray((a != 0.0).any(axis=0))):
        found |= _block_grows(a[:, block[:, None], block])
    return found


def _block_grows(a: npt.NDArray[np.float64]) -> Flags:
    size = a.shape[-1]
    largest = np.abs(a).max(axis=(-2, -1))
    off = a * (1.0 - np.eye(size))
    with np.errstate(over="ignore"):
        sums = a.sum(axis=-2).max(axis=-1)
    positive = np.asarray((off >= 0.0).all(axis=(-2, -1)))
    found = np.asarray(~(positive & (sums <= _ROUNDING * largest)))
    if size == 1:
        return np.asarray(found & (a[:, 0, 0] > 0.0))
    for index in np.flatnonzero(found):
        scaled = a[index] / largest[index]
        real = float(np.linalg.eigvals(scaled).real.max())
        found[index] = real > (size * _ROUNDING if positive[index] else _DEFECTIVE)
    return found


def _blocks(linked: Flags) -> list[npt.NDArray[np.intp]]:
    """The strongly connected sets of compartments."""
    reach = linked | np.eye(len(linked), dtype=bool)
    for _ in range(max(1, len(linked).bit_length())):
        reach = (reach.astype(np.float64) @ reach.astype(np.float64)) > 0.0
    both = reach & reach.T
    return [np.flatnonzero(both[i]) for i in range(len(linked)) if np.flatnonzero(both[i])[0] == i]
