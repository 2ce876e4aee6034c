"""Does reading and searching cost the same whether the record holds ten thousand resources or a million?

`make bench-store` fills an SQLite file to 100,000 resources and a PostgreSQL of its own to a million, measures on the
way, and writes docs/reference/store-times.md and store-times.svg. UP_TO=NUMBER stops earlier and writes nothing.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.machine import processor
from benchmarks.store_plot import picture

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "store-times.md"
PLOT = ROOT / "docs" / "reference" / "store-times.svg"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
LIMIT = {"SQLite": 100_000, "PostgreSQL": 1_000_000}
RUNS = 200
PRACTICE = "measured"

Times = Mapping[str, tuple[float, float]]
"""Milliseconds by what was asked: the median, and what 95 of 100 stay below."""


def asked(draw: random.Random, people: int) -> dict[str, Callable[[], Any]]:
    """What is measured, each about a person drawn anew; the last two about all people."""
    from clinic import clock
    from clinic.record.models import Practice
    from clinic.record.reach import Reach
    from clinic.record.read import read, vread
    from clinic.record.search import Cursor, parse, search

    practice = Practice.objects.get(slug=PRACTICE)
    reach = Reach(practice=practice)

    def someone() -> str:
        return f"person-{draw.randrange(people)}"

    def searched(kind: str, *pairs: tuple[str, str], after: Cursor | None = None) -> Any:
        page = search(reach, parse(kind, pairs), after=after)
        assert page.matches
        return page

    far = f"person-{people * 9 // 10}-visit-0-reading-0-pressure"
    code, on = ("code", "http://loinc.org|85354-9"), ("date", "ge2024")
    deep = Cursor(identity=far, version=1, total=0, began=clock.now())
    return {
        "read": lambda: read(practice, "Observation", f"{someone()}-visit-3-weight") or 1 / 0,
        "vread": lambda: vread(practice, "Observation", f"{someone()}-visit-3-weight", 1) or 1 / 0,
        "patient and category": lambda: searched("Observation", ("patient", someone()), ("category", "survey")),
        "patient and code": lambda: searched("Observation", ("patient", someone()), code),
        "patient, code and date": lambda: searched("Observation", ("patient", someone()), code, on),
        "patient, newest first": lambda: searched("Observation", ("patient", someone()), ("_sort", "-date")),
        "patient by number": lambda: searched("Patient", ("identifier", f"{draw.randrange(people):08}")),
        "a page in the middle of everybody's": lambda: searched("Observation", code, after=deep),
        "everybody's first page, with the total": lambda: searched("Observation", code),
    }


def times(people: int) -> Times:
    """Each asked often, after a few times that do not count."""
    found = {}
    for name, ask in asked(random.Random(people), people).items():
        spent = []
        for run in range(RUNS + 5):
            started = time.perf_counter()
            ask()
            if run >= 5:
                spent.append(1000 * (time.perf_counter() - started))
            if run >= 15 and sum(spent) > 20_000:
                break
        found[name] = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
    return found


def measure(limit: int) -> None:
    """In a database of its own, which the environment names: fill it, measure, and report line by line."""
    import django

    django.setup()
    from benchmarks.store_load import load
    from benchmarks.store_people import A_PERSON, texts
    from django.core.management import call_command
    from django.db import connection

    from clinic import clock
    from clinic.record.models import Practice

    call_command("migrate", verbosity=0)
    practice = Practice.objects.create(slug=PRACTICE, name="Measured", zone="Europe/Berlin")
    people = 0
    for size in (s for s in SIZES if s <= limit):
        started = time.perf_counter()
        load(practice, texts(people, size // A_PERSON), by="nobody", reason="measured", at=clock.now())
        people, filled = size // A_PERSON, time.perf_counter() - started
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")  # as a server does by itself after a while
        print(json.dumps({"size": size, "filled": filled, "times": times(people), "bytes": _bytes()}), flush=True)


def _bytes() -> int:
    from django.db import connection

    if connection.vendor == "sqlite":
        return Path(connection.settings_dict["NAME"]).stat().st_size
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def run(database: str, limit: int) -> dict[int, Times]:
    """Measure in a process with a new database; times by the number of resources."""
    command = [sys.executable, "-m", "benchmarks.store", "measure", str(limit)]
    if database == "PostgreSQL":
        command = [sys.executable, "-m", "tests.store.postgres", *command]
    found = {}
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "DATA_DIR": place, "DJANGO_SETTINGS_MODULE": "clinic.settings"}
        environment.pop("DATABASE_URL", None)
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                print(
                    f"{database} {said['size']:,}: filled in {said['filled']:.0f} s, {said['bytes'] / 1e6:,.0f} MB",
                    flush=True,
                )
                found[said["size"]] = {name: tuple(pair) for name, pair in said["times"].items()}
        if process.returncode:
            raise SystemExit(f"measuring on {database} failed")
    return found


def page(found: Mapping[str, Mapping[int, Times]]) -> Iterator[str]:
    """The tables, with the machine and the day."""
    yield "# How long the record takes to read and to search"
    yield ""
    yield "Written by `make bench-store`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, {processor()}, the database on the same machine."  # noqa: DTZ011
    yield ""
    yield "![Milliseconds by the number of resources](store-times.svg)"
    yield ""
    yield "Invented people with 100 resources each, 67 of them observations. Milliseconds through `record.read` and"
    yield f"`record.search`, without HTTP and audit: the median of {RUNS}, and below what 95 of 100 stay. A search"
    yield "counts its matches, reads a page of up to 50 and makes values of them. The last one counts all matches of"
    yield "all people, so it grows with their number; the pages that follow it do not count again."
    for database, by_size in found.items():
        sizes = list(by_size)
        yield ""
        yield f"## {database}"
        yield ""
        yield "| what | " + " | ".join(f"{size:,}" for size in sizes) + " | last to first |"
        yield "| --- |" + " --- |" * (len(sizes) + 1)
        for name in by_size[sizes[0]]:
            pairs = [by_size[size][name] for size in sizes]
            shown = " | ".join(f"{median:.1f} ({most:.1f})" for median, most in pairs)
            yield f"| {name} | {shown} | {pairs[-1][0] / pairs[0][0]:.1f} |"


def main() -> None:
    """Measure both, write the page and the plot, and print the page."""
    if sys.argv[1:2] == ["measure"]:
        measure(int(sys.argv[2]))
        return
    up_to = int(os.environ.get("UP_TO") or max(SIZES))
    found = {database: run(database, min(limit, up_to)) for database, limit in LIMIT.items()}
    text = "\n".join(page(found)) + "\n"
    if up_to == max(SIZES):
        PAGE.write_text(text, encoding="utf-8")
        PLOT.write_text(picture(found), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
