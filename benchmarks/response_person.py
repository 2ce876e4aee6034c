"""How long does one person's course take, and what are its draws worth? 4,000 draws after 40 scores.

`make bench-response` writes docs/reference/response-times.md. People: `benchmarks.response_people`, with more scores.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from benchmarks.machine import processor
from benchmarks.response_calibration import Bench
from benchmarks.response_people import someone
from tests.courses import KNOWLEDGE, POPULATION, dose, history, score

from ketapath.response import course
from ketapath.response.individual import DRAWS, Fit, learned, own_course, scores_from

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "response-times.md"
SCORES, PEOPLE, RUNS = 40, 20, 5
FIRST = date(2026, 11, 1)


def main() -> None:
    """Measure and write the page."""
    text = "\n".join(page()) + "\n"
    PAGE.write_text(text)
    sys.stdout.write(text)


def page() -> Iterable[str]:
    """The page, line by line."""
    bench = Bench()
    yield "# How long one person's course takes\n"
    yield "Written by `make bench-response`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, NumPy {np.__version__}, {processor()}.\n"  # noqa: DTZ011
    yield f"{PEOPLE} synthetic people with {SCORES} scores of one or two scales each, {DRAWS:,} draws, on one core."
    yield "Goal: at most 100 ms, better 25 ms, and an effective sample size of 1,000 or more.\n"
    yield "| treatment | terms | draws, median (ms) | slowest (ms) | ESS, median | lowest | slow way taken |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    rng = np.random.default_rng(31)
    names = ("six infusions", "infusions of several doses, two scales, new antidepressant", "spray")
    for place, (name, design, who) in enumerate(zip(names, bench.designs, bench.priors, strict=True)):
        times, worth, slow = [], [], 0
        for _ in range(PEOPLE):
            truth = someone(
                "model", design, dict(bench.population), bench.shared, rng, seen=SCORES - len(design.scales)
            )
            fit = Fit(who, own_course(bench.population, bench.shared), scores_from(truth.scores))
            found = learned(fit, np.random.default_rng(place))
            if "tempered" in found.diagnostics.method:
                slow += 1
                continue
            times.append(1000 * _best(lambda fit=fit, place=place: learned(fit, np.random.default_rng(place))))
            worth.append(found.diagnostics.ess)
        yield (
            f"| {name} | {len(who.names)} | {statistics.median(times):.0f} | {max(times):.0f} "
            f"| {statistics.median(worth):.0f} | {min(worth):.0f} | {slow} of {PEOPLE} |"
        )
    yield "\nThe whole course (curves, expected course, chances by date, what each score did, every scale):\n"
    yield "| scores | median (ms) |"
    yield "| --- | --- |"
    for count in (1, 4, 12, SCORES):
        yield f"| {count} | {1000 * _course(count):.0f} |"


def _best(call: Callable[[], object]) -> float:
    """The shortest of some runs: what the machine can do when nobody else uses it."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def _course(count: int) -> float:
    """Median time of a course with so many scores of a person who does as expected, with noise."""
    rng = np.random.default_rng(count)
    days = np.unique(np.linspace(2, 90, count - 1).astype(int)) if count > 1 else []
    scores = [score(-1, 20.0), *(score(int(d), float(np.clip(round(rng.normal(11, 2.5)), 0, 27))) for d in days)]
    of = history(
        scores,
        [dose(d) for d in range(0, 84, 7)],
        weights_kg={FIRST + timedelta(days=d): 70.0 for d in range(0, 90, 20)},
    )
    times = []
    for seed in range(RUNS):
        start = time.perf_counter()
        course(of, KNOWLEDGE, POPULATION, as_of=FIRST + timedelta(days=91), seed=seed)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
