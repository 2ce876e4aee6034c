"""How long does a whole record take to come in and to go out, and how much memory does it need?

`make bench-records` writes docs/reference/record-times.md with the machine and the day. Each record goes into an empty
practice of a new SQLite database; with DATABASE_URL set, into that PostgreSQL.
"""

# ruff: noqa: E402  Django is set up before anything of the clinic is imported
from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="ketapath-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"

import django

django.setup()

from benchmarks.machine import processor
from django.core.management import call_command
from django.db import connection

from clinic import clock
from clinic.access.models import Account, Role
from clinic.actions.export import export_chart
from clinic.actions.patients import import_chart, import_record
from clinic.record.models import Practice
from clinic.record.projections import words

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "record-times.md"
RECORDS = ROOT.parent / "shared" / "data" / "synthea"


def director(slug: str) -> Account:
    practice = Practice.objects.create(slug=slug, name=slug)
    return Account.objects.create(username=slug, name=slug, role=Role.DIRECTOR, practice=practice)


def timed(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def measured(file: Path) -> tuple[int, list[float]]:
    """The number of resources, and the seconds of each step."""
    data, name = file.read_bytes(), file.name.partition(".")[0].lower()
    here, there = director(name), director(f"{name}-2")
    first = time.perf_counter()
    found = import_record(data, by=here)
    seconds = [time.perf_counter() - first, timed(lambda: import_record(data, by=here))]
    made: dict[str, bytes | None] = {}

    def export(form: str) -> None:
        made[form] = export_chart(found.patient_id, form, by=here)

    seconds += [timed(lambda form=form: export(form)) for form in ("bundle", "csv", "pdf")]
    whole = made["bundle"]
    assert whole is not None
    seconds.append(timed(lambda: import_chart(whole, by=there)))
    return found.stored, seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    files = parser.parse_args().files or sorted(RECORDS.glob("*.json.gz"))
    if not files:
        raise SystemExit(f"no records in {RECORDS}; name files")
    call_command("migrate", verbosity=0)
    words()  # a running clinic has its code tables
    rows = [(file.name.partition(".")[0], *measured(file)) for file in files]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    base = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    lines = [
        "# How long a whole record takes",
        "",
        "Written by `make bench-records`; nothing here is typed by hand. Seconds by the clock.",
        f"{clock.now():%Y-%m-%d}, Python {platform.python_version()}, {base}, {processor()}.",
        "",
        "| record | resources | import | the same again | export Bundle | CSV | PDF | import as a whole chart |",
        "| --- " * 8 + "|",
        *(f"| {n} | {count:,} | " + " | ".join(f"{s:.1f}" for s in seconds) + " |" for n, count, seconds in rows),
        "",
        f"The process needed {peak} MiB of memory at most, the clinic itself included.",
        "The first import loads the shapes of FHIR R4 as well.",
    ]
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[3:]))


if __name__ == "__main__":
    main()
