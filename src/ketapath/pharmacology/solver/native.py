"""The march in C, where the package's build found a compiler; the same numbers as in NumPy, to the last bit.

`hatch_build.py` compiles `kernel.c` beside this file. Without the file, or with one of another plan, `march` is None.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.solver.modal import Plan
from ketapath.pharmacology.solver.timeline import Timeline

LIBRARY = Path(__file__).with_name("kernel.so")
TILE = 64
"""Subjects that the kernel carries at once; the tiled layout has as many side by side."""
_PLAN = 1
_COUNTS = ("subjects", "modes", "outputs", "events")
_EVENTS = ("step", "feed", "rate", "bolus", "observation", "hours")

March = Callable[[Plan, Timeline, Array | None, tuple[int, int, int], Array | None, Array | None], Array]


class _Work(ctypes.Structure):
    """`work` of kernel.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _COUNTS),
        *((name, ctypes.c_void_p) for name in _EVENTS),
        *((name, ctypes.c_void_p) for name in ("decay", "gain", "start", "weights", "rates", "boluses")),
        ("width", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("terms_end", "term_mode", "term_weight", "out")),
        *((name, ctypes.c_int64) for name in ("row_stride", "output_stride", "tile_stride")),
        *((name, ctypes.c_void_p) for name in ("state", "peak", "peak_hours")),
        ("lined", ctypes.c_int64),
    )


def _loaded() -> March | None:
    try:
        library = ctypes.CDLL(str(LIBRARY))
        if library.ketapath_kernel() != _PLAN:
            return None
        call = library.ketapath_march
    except (OSError, AttributeError):
        return None
    call.argtypes, call.restype = [ctypes.POINTER(_Work)], ctypes.c_int

    def march(
        work: Plan,
        when: Timeline,
        out: Array | None,
        strides: tuple[int, int, int],
        peak: Array | None,
        peak_h: Array | None,
    ) -> Array:
        """As `modal.march_numpy`. `strides`: values from row to row, from output to output, from tile to tile."""
        modes, subjects = work.start.shape
        state = np.empty((modes, subjects))
        pairs = [pair for output in work.terms for pair in output]
        ends = np.cumsum([len(output) for output in work.terms]).astype(np.int32)
        term_mode, term_weight = (np.array([pair[i] for pair in pairs], dtype=np.int32) for i in (0, 1))
        # Whole numbers keep no array alive: every array here has a name until the call is over.
        address = {name: getattr(when, name).ctypes.data for name in _EVENTS}
        address |= {n: getattr(work, n).ctypes.data for n in ("decay", "gain", "start", "weights", "rates", "boluses")}
        address |= {"terms_end": ends.ctypes.data, "term_mode": term_mode.ctypes.data}
        address |= {"term_weight": term_weight.ctypes.data, "state": state.ctypes.data}
        for name, array in (("out", out), ("peak", peak), ("peak_hours", peak_h)):
            address[name] = None if array is None else array.ctypes.data
        row, output, tile = strides
        described = _Work(
            subjects=subjects,
            modes=modes,
            outputs=len(work.terms),
            events=when.step.size,
            width=work.rates.shape[1],
            row_stride=row,
            output_stride=output,
            tile_stride=tile,
            **address,
        )
        if call(ctypes.byref(described)):
            raise MemoryError("the native kernel has no room for so many modes or outputs")
        return state

    return march


march = _loaded()
