"""How does a batch of people march through one list of doses? Amounts at each time, one pass over the events."""

from __future__ import annotations

import numpy as np

from ketapath.pharmacology.compartments import Array, Input, propagators

_BATCH = 500
_TICKS_PER_H = 3_600_000


def march(a: Array, inputs: list[tuple[Input, Array]], times_h: list[float]) -> Array:
    """Amounts (times, subjects, compartments), in batches that fit into the cache."""
    parts = [
        _march_batch(a[i : i + _BATCH], [(d, f[i : i + _BATCH]) for d, f in inputs], times_h)
        for i in range(0, a.shape[0], _BATCH)
    ]
    return np.concatenate(parts, axis=1)


def _march_batch(a: Array, inputs: list[tuple[Input, Array]], times_h: list[float]) -> Array:
    """One pass over the merged events. Times are whole ticks of a millisecond, so that equal steps are equal."""
    n, size, _ = a.shape
    ticks = [round(t * _TICKS_PER_H) for t in times_h]
    starts = [round(d.time_h * _TICKS_PER_H) for d, _ in inputs]
    ends = [s + round(d.duration_h * _TICKS_PER_H) for s, (d, _) in zip(starts, inputs, strict=True)]
    # Shares of the dose an hour; an infusion shorter than a tick goes in at once, so that nothing of it is lost.
    rate_of = {d: _TICKS_PER_H / (e - s) for s, e, (d, _) in zip(starts, ends, inputs, strict=True) if e > s}
    state, last = np.zeros((n, size)), 0
    whole = np.zeros((n, size + 1, size + 1))
    whole[:, :size, :size] = a
    known: dict[tuple[int, tuple[bool, ...]], Array] = {}
    found: dict[int, Array] = {}
    for now in sorted({*ticks, *starts, *ends}):
        running = tuple(s <= last and now <= e and e > s for s, e in zip(starts, ends, strict=True))
        key = (now - last, running)
        if now > last:
            if key not in known:
                whole[:, :size, size] = 0.0
                for (dose, share), on in zip(inputs, running, strict=True):
                    if on:
                        whole[:, dose.compartment, size] += share * dose.amount * rate_of[dose]
                known[key] = propagators(whole, (now - last) / _TICKS_PER_H)
            step = known[key]
            state = np.einsum("nij,nj->ni", step[:, :size, :size], state) + step[:, :size, size]
        for (dose, share), start, end in zip(inputs, starts, ends, strict=True):
            if start == end == now:
                state = state.copy()
                state[:, dose.compartment] += share * dose.amount
        found[now] = state
        last = now
    return np.stack([found[t] for t in ticks])
