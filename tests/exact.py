"""Levels of one subject in arithmetic of 40 digits: the matrix exponential of mpmath, from event to event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np

from ketapath.pharmacology.solver.compartments import Input
from ketapath.pharmacology.solver.modal import Chain

DIGITS = 40
TICKS_PER_H = 3_600_000


def rates_of(chain: Chain, j: int) -> tuple[Any, list[tuple[int, Any]]]:
    """The rate matrix of subject j, written apart from the one in the code; (compartment, volume) of each output."""
    p = {name: mpmath.mpf(float(v[j])) for name in Chain.__slots__ if (v := getattr(chain, name)) is not None}
    rows: list[tuple[int, int, Any]] = []
    vc, cl = p["central_volume"], p["clearance"]
    size, outputs = 1, [(0, vc)]

    def exchange(a: int, b: int, volume_a: Any, volume_b: Any, flow: Any) -> None:
        rows.extend(
            [(a, a, -flow / volume_a), (b, a, flow / volume_a), (b, b, -flow / volume_b), (a, b, flow / volume_b)]
        )

    rows.append((0, 0, -cl / vc))
    for i in (1, 2):
        if f"peripheral_volume_{i}" in p:
            exchange(0, size, vc, p[f"peripheral_volume_{i}"], p[f"intercompartmental_clearance_{i}"])
            size += 1
    if "metabolite_volume" in p:
        m, vm, clm = size, p["metabolite_volume"], p["metabolite_clearance"]
        rows += [(m, 0, p.get("metabolite_share", mpmath.mpf(1)) * cl / vc), (m, m, -clm / vm)]
        outputs.append((m, vm))
        size += 1
        if "metabolite_peripheral_volume" in p:
            flow = p["metabolite_intercompartmental_clearance"]
            exchange(m, size, vm, p["metabolite_peripheral_volume"], flow)
            size += 1
        if "second_metabolite_volume" in p:
            v2 = p["second_metabolite_volume"]
            rows.append((size, m, p.get("second_metabolite_share", mpmath.mpf(1)) * clm / vm))
            rows.append((size, size, -p["second_metabolite_clearance"] / v2))
            outputs.append((size, v2))
            size += 1
    for i in (1, 2):
        if f"effect_rate_{i}" in p:
            rate = p[f"effect_rate_{i}"]
            rows += [(size, 0, rate / vc), (size, size, -rate)]
            outputs.append((size, mpmath.mpf(1)))
            size += 1
    a = mpmath.matrix(size, size)
    for i, k, value in rows:
        a[i, k] += value
    return a, outputs


def levels(chain: Chain, j: int, inputs: Sequence[Input], times_h: Sequence[float]) -> list[list[Any]]:
    """Outputs x times, each a number of 40 digits. Times and doses have to be whole milliseconds."""
    with mpmath.workdps(DIGITS):
        a, outputs = rates_of(chain, j)
        found = march(a, inputs, times_h)
        return [[found[t][place] / volume for t in ticks(times_h)] for place, volume in outputs]


def ticks(times_h: Sequence[float]) -> list[int]:
    return [round(t * TICKS_PER_H) for t in times_h]


def march(a: Any, inputs: Sequence[Input], times_h: Sequence[float]) -> dict[int, Any]:
    """Amounts at each tick; a constant inflow stands as a compartment that never empties."""
    size = a.rows
    starts = [round(d.time_h * TICKS_PER_H) for d in inputs]
    ends = [s + round(d.duration_h * TICKS_PER_H) for s, d in zip(starts, inputs, strict=True)]
    state, last, known = mpmath.matrix(size, 1), None, {}
    found: dict[int, Any] = {}
    with mpmath.workdps(DIGITS):
        for now in sorted({*starts, *ends, *ticks(times_h)}):
            if last is not None:
                running = [
                    i for i, (s, e) in enumerate(zip(starts, ends, strict=True)) if s <= last and now <= e and e > s
                ]
                doors = sorted({inputs[i].compartment for i in running})
                key = (now - last, tuple(doors))
                if key not in known:
                    whole = mpmath.matrix(size + len(doors), size + len(doors))
                    for i in range(size):
                        for k in range(size):
                            whole[i, k] = a[i, k]
                    for index, door in enumerate(doors):
                        whole[door, size + index] = 1
                    known[key] = mpmath.expm(whole * (mpmath.mpf(now - last) / TICKS_PER_H))
                full = mpmath.matrix(size + len(doors), 1)
                for i in range(size):
                    full[i] = state[i]
                for i in running:
                    full[size + doors.index(inputs[i].compartment)] += (
                        mpmath.mpf(inputs[i].amount) * TICKS_PER_H / (ends[i] - starts[i])
                    )
                after = known[key] * full
                for i in range(size):
                    state[i] = after[i]
            for i, (s, e) in enumerate(zip(starts, ends, strict=True)):
                if s == e == now:
                    state[inputs[i].compartment] += mpmath.mpf(inputs[i].amount)
            found[now], last = state.copy(), now
    return found


def worst(found: np.ndarray[Any, Any], wanted: list[list[Any]]) -> float:
    """Largest error of outputs x times, relative to the level or, where larger, to a millionth of the output's peak."""
    largest = 0.0
    for row, true in zip(found.tolist(), wanted, strict=True):
        peak = max(true)
        for one, other in zip(row, true, strict=True):
            if peak == 0:
                assert one == 0.0
                continue
            largest = max(largest, float(abs(mpmath.mpf(one) - other) / max(other, peak / 10**6)))
    return largest
