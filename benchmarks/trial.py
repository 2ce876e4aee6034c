"""How long does a simulated trial take, and how much memory? Rules by score, and a rule that asks the posterior.

`make bench-trial` writes docs/reference/trial-times.md.
"""

from __future__ import annotations

import platform
import sys
import time
import tracemalloc
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from benchmarks.machine import processor

from ketapath.cohort import Design, read_design, ready, run
from ketapath.knowledge import load
from ketapath.response.prior import population
from ketapath.trial_bench import mapper_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "trial-times.md"
KNOWLEDGE = load()
POPULATION = population(KNOWLEDGE.response)
PATIENTS, GOAL_S = 100_000, 60
ASKED, GOAL_MIN = 5_000, 10
WAYS = {"one process": None, "two threads": "threads:2", "two processes": "processes:2"}
TWELVE_WEEKS = b"""
title: A dose that rises by score, then sessions when the score asks for them
scale: MADRS
population: {condition: MDD, failed_trials: 2, baseline: {mean: 32, sd: 6, least: 20}}
context: {control: none, routine: false}
arms:
  - {name: fixed, product: racemic, route: iv, dose: 0.5 mg/kg, sessions: {per_week: 2, weeks: 4},
     maintenance: {from_day: 28, until_day: 84, every_days: 7}}
  - {name: by score, product: racemic, route: iv, dose: 0.5 mg/kg, sessions: {per_week: 2, weeks: 4},
     adapt: {to: [0.75 mg/kg, 1 mg/kg], after_sessions: 2, gone_below: 0.25},
     maintenance: {from_day: 28, until_day: 84, gone_below: 0.5}}
n: 100
visits: {days: [4, 7, 11, 14, 18, 21, 25, 28, 35, 42, 49, 56, 63, 70, 77, 84], missing: 0.05}
dropout: {per_week: 0.02, per_point: 0.03}
endpoints:
  - {quantity: change, day: 84}
  - {quantity: response, day: 28, missing: no-benefit}
  - {quantity: relapse, since: 28, day: 84}
  - {quantity: days-in-remission, day: 84, missing: last-seen}
trials: 500
seed: 7
"""


def main() -> None:
    """Measure and write the page."""
    text = "\n".join(page()) + "\n"
    PAGE.write_text(text)
    sys.stdout.write(text)


def page() -> Iterable[str]:
    """The page, line by line."""
    yield "# How long a simulated trial takes\n"
    yield "Written by `make bench-trial`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, NumPy {np.__version__}, {processor()}.\n"  # noqa: DTZ011
    yield "## Rules by score\n"
    yield from _by_score()
    yield "\n## Memory\n"
    yield from _memory()
    yield "\n## A rule that asks the posterior\n"
    yield from _by_posterior()


def _by_score() -> Iterable[str]:
    of = read_design(TWELVE_WEEKS, KNOWLEDGE.response)
    courses = of.trials * of.reference * len(of.arms)
    yield f"{PATIENTS:,} patients in {of.trials} trials of 12 weeks with 16 visits and four endpoints; a dose that"
    yield f"rises by score, and maintenance by score. Goal: {GOAL_S} s on two cores. With the truth, {of.reference}"
    yield f"people of each trial are played under both arms as well ({courses:,} courses), for bias and coverage.\n"
    yield "| way | seconds | patients a second | seconds with the truth |"
    yield "| --- | --- | --- | --- |"
    bare = replace(of, reference=0)
    for way, workers in WAYS.items():
        alone, whole = _seconds(bare, workers), _seconds(of, workers)
        yield f"| {way} | {alone:.1f} | {PATIENTS / alone:,.0f} | {whole:.1f} |"


def _memory() -> Iterable[str]:
    of = read_design(TWELVE_WEEKS, KNOWLEDGE.response)
    yield "The most memory that a run holds at once in one process, by what Python counts.\n"
    yield "| patients | MiB, trials of 200 | MiB, one trial |"
    yield "| --- | --- | --- |"
    for patients in (10_000, PATIENTS):
        many = _mebibytes(replace(of, trials=patients // 200))
        one = _mebibytes(replace(of, trials=1, sizes=(patients // 2,)))
        yield f"| {patients:,} | {many:.1f} | {one:.1f} |"


def _by_posterior() -> Iterable[str]:
    of = replace(read_design(ready()["stop-by-posterior"], KNOWLEDGE.response), trials=10, reference=0)
    patients = of.trials * sum(of.counts(of.sizes[0]))
    yield f"`stop-by-posterior`, {patients:,} patients without the truth; half of them are"
    yield f"asked about once. Goal: {ASKED:,} patients in {GOAL_MIN} minutes.\n"
    yield f"| way | patients a minute | minutes for {ASKED:,} |"
    yield "| --- | --- | --- |"
    for way, workers in WAYS.items():
        rate = 60.0 * patients / _seconds(of, workers)
        yield f"| {way} | {rate:,.0f} | {ASKED / rate:.1f} |"


def _seconds(of: Design, workers: str | None) -> float:
    """With what it takes to start the workers."""
    start = time.perf_counter()
    with mapper_of(Namespace(scheduler=None, workers=workers)) as mapper:
        run(of, KNOWLEDGE, POPULATION, mapper=mapper)
    return time.perf_counter() - start


def _mebibytes(of: Design) -> float:
    tracemalloc.start()
    run(of, KNOWLEDGE, POPULATION)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


if __name__ == "__main__":
    main()
