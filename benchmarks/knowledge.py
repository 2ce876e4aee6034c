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
from datetime import date
from pathlib import Path

from tests.records import CLINIC, KNOWLEDGE, TODAY, complete, intake, phq9, record, spread

from ketapath.candidacy import assess
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


def person(seed: int) -> bytes:
    """The record of one invented person. Between three and ten in ten of the facts are stated."""
    draw = random.Random(seed)
    stated = draw.uniform(0.3, 1.0)
    facts = {}
    for path, value in complete().items():
        if draw.random() < stated:
            answers = KNOWLEDGE.paths[path].admissible
            facts[path] = draw.choice(answers) if answers and draw.random() < CHANGED else value
    return record(intake(facts), phq9(spread(draw.randint(0, 27))))


def read(data: bytes) -> Profile:
    """What may be relied on about this person."""
    return profile(statements(read_bundle(data), WORDS), as_of=TODAY, knowledge=KNOWLEDGE)


def verdict(seed: int) -> str:
    """Make one person, read the record, assess."""
    return assess(read(person(seed)), CLINIC, KNOWLEDGE).verdict


def many() -> tuple[float, float, Counter[str]]:
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
    """Milliseconds to read and to assess each of some people, once everything is warm."""
    times: dict[str, list[float]] = {"read the record and decide what counts": [], "assess": []}
    records = [person(seed) for seed in range(WARM)]
    assess(read(records[0]), CLINIC, KNOWLEDGE)
    for data in records:
        started = time.perf_counter()
        someone = read(data)
        middle = time.perf_counter()
        assess(someone, CLINIC, KNOWLEDGE)
        times["read the record and decide what counts"].append(1000 * (middle - started))
        times["assess"].append(1000 * (time.perf_counter() - middle))
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
    seconds, used, found = many()
    yield "# How long the knowledge takes"
    yield ""
    yield "Written by `make bench-knowledge`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, {_processor()}."  # noqa: DTZ011
    yield ""
    yield "| what | median (ms) | slowest (ms) |"
    yield "| --- | --- | --- |"
    for name, times in (whole() | one()).items():
        yield f"| {name} | {statistics.median(times):.1f} | {max(times):.1f} |"
    yield ""
    yield f"Reading and assessing are the times of {WARM} invented people, one after the other, with everything warm."
    yield ""
    yield f"{PEOPLE:,} invented people on {CORES} cores, with making them and starting the processes:"
    yield f"{seconds:.0f} s by the clock, {used:.0f} s of both processors together."
    yield f"Their verdicts: {', '.join(f'{count:,} {name}' for name, count in found.most_common())}."
    yield ""
    share = 100 * covered / all_branches
    yield f"Branches of the predicate engine that its tests reach: {covered} of {all_branches} ({share:.0f} %)."


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def _processor() -> str:
    """What the machine calls its processor, and how many cores it has."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    found = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{found}, {os.cpu_count()} cores"


def main() -> None:
    """Measure, write the page, and print it."""
    text = "\n".join(page()) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
