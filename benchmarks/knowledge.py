"""How long does the knowledge take: to load, to check, for one person, for ten thousand on two cores?

`make bench-knowledge` writes docs/reference/knowledge-times.md with the machine and the day. People are invented: from
one about whom everything is known, each leaves out some facts and changes others, by a seed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.machine import processor
from tests.records import CLINIC, KNOWLEDGE, TODAY, complete, intake, phq9, record, spread

from ketapath.candidacy import assess
from ketapath.domain.fact import Statements
from ketapath.domain.profile import Profile
from ketapath.education import claims_in
from ketapath.fhir import read_bundle, statements, vocabulary
from ketapath.knowledge import load
from ketapath.knowledge.cases import check
from ketapath.profile import profile

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "knowledge-times.md"
PEOPLE = 10_000
CORES = 2
WARM = 500
"""People whose single times are measured."""
RUNS = 7
CHANGED = 0.15
"""Share of the stated facts that differ from those of the person who has nothing against treatment."""
WORDS = vocabulary(KNOWLEDGE)
COMPLETE = statements(read_bundle(record(intake(complete()), phq9(spread(18)))), WORDS)  # a total of 18 is moderate


def facts_of(seed: int) -> Statements:
    """The facts of one invented person. Between three and ten in ten of them are stated."""
    draw = random.Random(seed)
    stated = draw.uniform(0.3, 1.0)
    facts = []
    for fact in COMPLETE.facts:
        if draw.random() < stated:
            answers = KNOWLEDGE.paths[fact.path].admissible
            other = draw.choice(answers) if answers and draw.random() < CHANGED else fact.value
            value = float(other) if isinstance(other, int) and not isinstance(other, bool) else other
            facts.append(replace(fact, value=value))
    return replace(COMPLETE, facts=tuple(facts))


def record_of(seed: int) -> bytes:
    """The same person as a health record states it, with a questionnaire of its own."""
    facts = {fact.path: fact.value for fact in facts_of(seed).facts if not fact.path.startswith("scale.phq9")}
    return record(intake(facts), phq9(spread(random.Random(seed).randint(0, 27))))


def known(stated: Statements) -> Profile:
    """What may be relied on about this person."""
    return profile(stated, as_of=TODAY, knowledge=KNOWLEDGE)


def from_facts(seed: int) -> str:
    """The verdict on one invented person, from the facts."""
    return assess(known(facts_of(seed)), CLINIC, KNOWLEDGE).verdict


def from_record(seed: int) -> str:
    """The verdict on one invented person, from the record as it is sent."""
    return assess(known(statements(read_bundle(record_of(seed)), WORDS)), CLINIC, KNOWLEDGE).verdict


def many(verdict: Callable[[int], str]) -> tuple[float, float, Counter[str]]:
    """Seconds by the clock and of both processors for all the people on two cores, and how many have which verdict."""
    started, used = time.perf_counter(), _children_s()
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        found = Counter(pool.imap_unordered(verdict, range(PEOPLE), chunksize=100))
        pool.close()
        pool.join()
    return time.perf_counter() - started, _children_s() - used, found


def _children_s() -> float:
    """Seconds of the processor that finished processes of ours have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def one() -> dict[str, list[float]]:
    """Milliseconds for each step of the way from a record to a verdict, of some people, once everything is warm."""
    steps: dict[str, Callable[[Any], Any]] = {
        "read one record": lambda data: statements(read_bundle(data), WORDS),
        "decide what counts of it today": known,
        "assess one person": lambda someone: assess(someone, CLINIC, KNOWLEDGE),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    from_record(0)
    for seed in range(WARM):
        found: Any = record_of(seed)
        for name, step in steps.items():
            started = time.perf_counter()
            found = step(found)
            times[name].append(1000 * (time.perf_counter() - started))
    return times


def whole() -> dict[str, list[float]]:
    """Milliseconds to load and to check all knowledge."""
    with tempfile.TemporaryDirectory() as place:
        cold = [_milliseconds(lambda n=n: load(cache=Path(place) / str(n))) for n in range(RUNS)]  # type: ignore[misc]
    return {
        "load all knowledge, files just changed": cold,
        "load all knowledge, from the cache": [_milliseconds(load) for _ in range(RUNS)],
        "check it and run every case": [_milliseconds(_check) for _ in range(RUNS)],
    }


def _check() -> None:
    check(load(), today=TODAY, claims_in=claims_in)


def branches() -> tuple[int, int]:
    """Branches of the predicate engine that its tests reach, and branches there are."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "coverage.json"
        command = ["-m", "pytest", "-q", "tests/unit/test_predicates.py", "--cov=ketapath.knowledge.rules"]
        command += ["--cov-branch", f"--cov-report=json:{report}"]
        environment = {**os.environ, "COVERAGE_FILE": str(Path(place) / "data")}
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True, capture_output=True)
        totals = json.loads(report.read_text())["totals"]
    return totals["covered_branches"], totals["num_branches"]


def page() -> Iterator[str]:
    """The table of everything, with the machine and the day."""
    covered, all_branches = branches()
    yield "# How long the knowledge takes"
    yield ""
    yield "Written by `make bench-knowledge`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, {processor()}."  # noqa: DTZ011
    yield ""
    yield "| what | median (ms) | slowest (ms) |"
    yield "| --- | --- | --- |"
    for name, times in (whole() | one()).items():
        yield f"| {name} | {statistics.median(times):.1f} | {max(times):.1f} |"
    yield ""
    yield f"The last three are the times of {WARM} invented people, one after the other, with everything warm."
    yield ""
    yield f"{PEOPLE:,} invented people on {CORES} cores, with making them and starting the processes:"
    yield ""
    yield "| from | seconds by the clock | seconds of both processors | verdicts |"
    yield "| --- | --- | --- | --- |"
    for what, verdict in (("their facts", from_facts), ("their records", from_record)):
        seconds, used, found = many(verdict)
        said = ", ".join(f"{count:,} {name}" for name, count in found.most_common())
        yield f"| {what} | {seconds:.0f} | {used:.0f} | {said} |"
    yield ""
    share = 100 * covered / all_branches
    yield f"Branches of the predicate engine that its tests reach: {covered} of {all_branches} ({share:.0f} %)."


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure, write the page, and print it."""
    text = "\n".join(page()) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
