"""How long does it take to compute levels, and do all ways to compute them agree? On one core.

`make bench-pharmacology` prints the agreement, then the times, and writes docs/reference/solver-times.md. People are
invented: each value lognormal round one of the order of published ones.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.machine import processor
from scipy.integrate import solve_ivp
from tests import exact

from ketapath.pharmacology import Chain, Input, march, summaries
from ketapath.pharmacology.solver import native
from ketapath.pharmacology.solver.march import aligned, blocks, job_of, prepared
from ketapath.pharmacology.solver.modal import flows, march_numpy

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "solver-times.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- end -->"
IN_README = (
    "A, everything, numpy",
    "A, everything, native",
    "A, march alone, numpy",
    "A, march alone, native",
    "B, everything, numpy",
    "B, everything, native",
    "B, march alone, numpy",
    "B, march alone, native",
    "A by SciPy's LSODA, one person",
    "fresh process: import, first curve, end",
    "fresh process: `ketapath simulate`, one infusion",
    "summaries of 1,000,000 people, numpy",
    "summaries of 1,000,000 people, native",
)
RUNS = 7
PEOPLE = {"A": 4_000, "B": 100_000}
"""A: one patient, 4,000 draws. B: 100,000 patients."""
TIMES = {"A": 3.0 * np.arange(241), "B": 8.0 * np.arange(97)}
INFUSIONS = [Input(time_h=24.0 * day, amount=35.0, duration_h=2 / 3) for day in (0, 3, 7, 10, 14, 17, 21, 24)]
MILLION = 1_000_000
BY_SCIPY = 5
KERNELS = ("numpy", "native") if native.march is not None else ("numpy",)

Seconds = dict[str, float]


def people(n: int, seed: int = 1) -> Chain:
    """Drug with two peripheral compartments, metabolite with one, second metabolite: six compartments."""
    draw = np.random.default_rng(seed)
    typical = {
        "central_volume": 60.0, "clearance": 95.0, "peripheral_volume_1": 100.0,
        "intercompartmental_clearance_1": 150.0, "peripheral_volume_2": 180.0, "intercompartmental_clearance_2": 40.0,
        "metabolite_volume": 80.0, "metabolite_clearance": 60.0, "metabolite_peripheral_volume": 150.0,
        "metabolite_intercompartmental_clearance": 90.0, "second_metabolite_volume": 100.0,
        "second_metabolite_clearance": 30.0,
    }  # fmt: skip
    return Chain(**{name: value * np.exp(0.3 * draw.standard_normal(n)) for name, value in typical.items()})


def agreement() -> Iterator[str]:
    """How far apart the ways are: relative, down to a millionth of the peak."""
    chain = people(300)
    found = march(chain, INFUSIONS, TIMES["A"], kernel="numpy")
    second = march(flows(chain), INFUSIONS, TIMES["A"])
    yield f"NumPy and positive propagator, 300 people: {_apart(second.values, found.values):.0e}"
    if native.march is not None:
        same = np.array_equal(found.values, march(chain, INFUSIONS, TIMES["A"], kernel="native").values)
        yield f"NumPy and native kernel, 300 people: {'the same to the last bit' if same else 'NOT THE SAME'}"
    worst = max(exact.worst(found.values[:, :, j], exact.levels(chain, j, INFUSIONS, TIMES["A"])) for j in range(5))
    yield f"NumPy and a matrix exponential of 40 digits, 5 people: {worst:.0e}"
    outside = max(_apart(_by_scipy(chain, j)[0], found.values[:, :, j]) for j in range(2))
    yield f"NumPy and SciPy's LSODA (relative tolerance 1e-8), 2 people: {outside:.0e}"


def _apart(one: Any, other: Any) -> float:
    floor = 1e-6 * other.max(axis=1, keepdims=True)
    return float((np.abs(one - other) / np.maximum(other, floor)).max())


def _by_scipy(chain: Chain, j: int) -> tuple[Any, float]:
    """Outputs x times of workload A's grid for one person, and the seconds that it took."""
    person = flows(chain.take(slice(j, j + 1)))
    a, times = person.rates_per_h[0], TIMES["A"]
    state, parts, last = np.zeros(len(a)), [], 0.0
    instants = sorted({*(d.time_h for d in INFUSIONS), *(d.time_h + d.duration_h for d in INFUSIONS), float(times[-1])})
    started = time.process_time()
    for end in instants[1:]:
        into = np.zeros(len(a))
        into[0] = sum(d.amount / d.duration_h for d in INFUSIONS if d.time_h <= last and end <= d.time_h + d.duration_h)
        wanted = times[(times >= last) & (times < end)]
        solved = solve_ivp(
            lambda _, x, into=into: a @ x + into, (last, end), state, method="LSODA", rtol=1e-8, atol=1e-12,
            t_eval=[*wanted, end],
        )  # fmt: skip
        parts.append(solved.y[:, :-1])
        state, last = solved.y[:, -1], end
    levels = np.concatenate([*parts, state[:, None]], axis=1)
    seconds = time.process_time() - started
    return np.array([levels[place] / volume[0] for place, volume in person.outputs.values()]), seconds  # type: ignore[index]


def best(call: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of the processor, of the fastest of a few runs: others may be at work on the same machine."""
    found = []
    for _ in range(runs):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return min(found)


def workload(name: str, times: Any = None) -> Seconds:
    """Seconds: the whole verb in each kernel, the march alone at each layout, and the output written once."""
    chain, times = people(PEOPLE[name]), TIMES[name] if times is None else times
    found = {f"whole, {k}": best(lambda k=k: march(chain, INFUSIONS, times, kernel=k)) for k in KERNELS}  # type: ignore[misc]
    job = job_of(chain, INFUSIONS, times, None, KERNELS[-1])
    pieces = blocks(job, chain)
    plans = [prepared(job, chain, some)[2] for some in pieces]
    shape = (len(chain.names), job.when.observations, chain.size)

    def by_numpy() -> None:
        out = aligned(*shape)
        for some, work in zip(pieces, plans, strict=True):
            march_numpy(work, job.when, out[:, :, some], None, None)

    def by_native(tiled: bool) -> None:
        assert job.native is not None
        tile = shape[0] * shape[1] * native.TILE
        out = aligned(1, 1, -(-chain.size // native.TILE) * tile)[0, 0] if tiled else aligned(*shape)
        strides = (native.TILE, shape[1] * native.TILE, tile)
        if not tiled:
            strides = (out.strides[1] // 8, out.strides[0] // 8, native.TILE)
        for some, work in zip(pieces, plans, strict=True):
            part = out[some.start // native.TILE * tile :] if tiled else out[:, :, some]
            job.native(work, job.when, part, strides, None, None)

    found["march, numpy"] = best(by_numpy)
    if job.native is not None:
        found["march, native"], found["march, native, tiled"] = (best(lambda t=t: by_native(t)) for t in (False, True))  # type: ignore[misc]
    found["write"] = best(lambda: aligned(*shape).fill(1.0))
    return found


def fresh(*arguments: str) -> dict[str, float]:
    """What a process of its own reports."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pharmacology", *arguments], cwd=ROOT, check=True, capture_output=True
    )
    return dict(json.loads(done.stdout))


def million(kernel: str) -> None:
    """Report seconds and peak memory (megabytes) of summaries of a million people at workload B's times."""
    chain = people(MILLION)
    started = time.process_time()
    found = summaries(chain, INFUSIONS, TIMES["B"], kernel=kernel)
    seconds = time.process_time() - started
    assert found.peak.shape == (3, MILLION)
    print(json.dumps({"seconds": seconds, "megabytes": _peak_mb()}))


def _peak_mb() -> float:
    """Most memory that this process held. getrusage would count the process that started it too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1000
    raise RuntimeError("this system does not say how much memory a process held")


FIRST_CURVE = """
import numpy as np
from ketapath.pharmacology import Chain, Input, march
march(Chain(central_volume=np.array([60.0]), clearance=np.array([95.0])), [Input(time_h=0.0, amount=35.0)], [0.0, 1.0])
"""


def commanded() -> float:
    """Seconds of the whole command for one infusion: start, knowledge, every model of the route, the table."""
    dose = "--product racemic --route iv --dose-mg 35 --infusion-min 40 --weight-kg 70 --times-min 10,40,80"
    return _median_of([sys.executable, "-m", "ketapath", "simulate", *dose.split()])


def cold() -> float:
    """Seconds of a fresh process that imports, computes one curve and ends: the median."""
    return _median_of([sys.executable, "-c", FIRST_CURVE])


def _median_of(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _line(what: str, seconds: float, aim: str = "", note: str = "") -> str:
    shown = f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
    return f"| {what} | {shown} | {aim} | {note} |"


def _of(name: str, found: Seconds, aim: str) -> Iterator[str]:
    for kernel in KERNELS:
        yield _line(f"{name}, everything, {kernel}", found[f"whole, {kernel}"], aim if kernel == "numpy" else "")
    yield _line(f"{name}, march alone, numpy", found["march, numpy"])
    if "march, native" in found:
        gain = found["march, numpy"] / found["march, native"]
        over = found["march, native"] / found["write"]
        said = f"{gain:.1f} times as fast as NumPy; {over:.1f} times the writing"
        yield _line(
            f"{name}, march alone, native", found["march, native"], "3 times as fast; within 3 of writing", said
        )
        yield _line(f"{name}, march alone, native, tiled layout", found["march, native, tiled"])
    yield _line(f"{name}, the output written once", found["write"])


def page() -> Iterator[str]:
    """Agreement, then times, with the machine and the day."""
    yield "# How long levels take to compute"
    yield ""
    yield "Written by `make bench-pharmacology`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, NumPy {np.__version__}, {processor()}; one core used."  # noqa: DTZ011
    yield f"Native kernel: {'built' if native.march is not None else 'not built'}."
    yield ""
    yield "How far the ways are apart, relative to the level, down to a millionth of the peak:"
    yield ""
    yield from (f"- {line}" for line in agreement())
    yield ""
    yield "Six compartments, three outputs, eight infusions of 40 minutes twice a week. A: 4,000 draws, 241 times."
    yield "B: 100,000 people, 97 times. Seconds of the processor, the fastest of a few runs; the output gets new room"
    yield "each time, also where it is only written. A's 23 MB may fit into the last cache, where writing is cheap."
    yield "Everything: rates, weights and exponentials, the march, and the second solution for whom it is needed."
    yield ""
    yield "| what | time | aim | note |"
    yield "| --- | --- | --- | --- |"
    a = workload("A")
    yield from _of("A", a, "60 ms")
    yield from _of("B", workload("B"), "1 s")
    uneven = np.sort(np.random.default_rng(2).uniform(0.0, 768.0, 97))
    unlike = workload("B", uneven)
    for kernel in KERNELS:
        yield _line(
            f"B at 97 times without order (every step another), everything, {kernel}", unlike[f"whole, {kernel}"]
        )
    chain = people(BY_SCIPY)
    each = statistics.median(_by_scipy(chain, j)[1] for j in range(BY_SCIPY))
    ratio = each / (a["whole, numpy"] / PEOPLE["A"])
    yield _line("A by SciPy's LSODA, one person", each, "", f"NumPy does {ratio:,.0f} people meanwhile")
    yield _line("fresh process: import, first curve, end", cold(), "400 ms", "by the clock, the median")
    yield _line("fresh process: `ketapath simulate`, one infusion", commanded(), "", "six models, 1,000 people each")
    for kernel in KERNELS:
        found = fresh("million", kernel)
        aim = f"{'10' if kernel == 'numpy' else '5'} s, 500 MB"
        note = f"{found['megabytes']:.0f} MB at most"
        yield _line(f"summaries of {MILLION:,} people, {kernel}", found["seconds"], aim, note)


def main() -> None:
    """Measure, print line by line, and write the page."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if sys.argv[1:2] == ["million"]:
        million(sys.argv[2])
        return
    lines = []
    for line in page():
        print(line, flush=True)
        lines.append(line)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), lines), encoding="utf-8")


def with_table(readme: str, lines: list[str]) -> str:
    """The README with the rows of this page that it shows, between its two marks."""
    head, rest = readme.split(BEGIN)
    tail = rest.split(END)[1]
    shown = [line for line in lines if line.startswith("| ") and line.split(" | ")[0][2:] in IN_README]
    table = ["| levels of many people, one core | time | aim | note |", "| --- | --- | --- | --- |", *shown]
    return head + BEGIN + "\n" + "\n".join(table) + "\n" + END + tail


if __name__ == "__main__":
    main()
