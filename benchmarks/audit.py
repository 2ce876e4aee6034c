"""How many rows a second does the trail take from eight at once, and how long is it verified?

`python -m benchmarks.audit` measures SQLite (eight threads of one process); within
`python -m tests.store.postgres python -m benchmarks.audit` PostgreSQL. The old way, a chain under one lock, is measured
beside it. With `--write` the table is put into docs/reference/audit-times.md, under the part of that database.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

THREADS, SECONDS, LONG = 8, 5.0, 100_000
TABLE = Path(__file__).parents[1] / "docs" / "reference" / "audit-times.md"
HEAD = """# How fast the trail is

Written by `make bench-audit`. Eight threads
of one process append for five seconds, each row in a transaction of its own, on the disk when it returns (SQLite; the
PostgreSQL of the tests runs without fsync). The old way is the chain of 0.1 under its one lock.
"""


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    is_written = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0)
        name = "SQLite" if connection.vendor == "sqlite" else "PostgreSQL"
        lines = _measured()
        connection.close()
    text = "\n".join(lines)
    print(f"{name}\n{text}")
    if is_written:
        _write(name, text)


def _measured() -> list[str]:
    from benchmarks.machine import processor

    from clinic.access import audit, sealing
    from clinic.access.models import Account, Role
    from clinic.record.models import Practice

    practice = Practice.objects.create(slug="here", name="Here")
    by = Account.objects.create(username="nina", name="Nina", role=Role.NURSE, practice=practice)
    ways: dict[str, Callable[[], object]] = {
        "as in 0.1, a chain under one lock": lambda: _old_append(by),
        "each row for itself": lambda: audit.append("read-chart", outcome="done", account=by, patient_id="p"),
    }
    rates = {name: _rate(way) for name, way in ways.items()}
    stop = threading.Event()
    sealer = threading.Thread(target=sealing.run, args=(stop,))
    sealer.start()
    rates["the same, with the sealer at work"] = _rate(ways["each row for itself"])
    stop.set()
    sealer.join()
    rows = [f"| {name} | {rate:.0f} |" for name, rate in rates.items()]
    return [f"{processor()}.", "", "| appending | rows a second |", "| --- | --- |", *rows, "", _verified(by)]


def _rate(append: Callable[[], object]) -> float:
    from django.db import connection

    until = time.monotonic() + SECONDS
    counts = [0] * THREADS

    def go_on(place: int) -> None:
        while time.monotonic() < until:
            append()
            counts[place] += 1
        connection.close()

    threads = [threading.Thread(target=go_on, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def _old_append(by: object) -> None:
    """What `append` did in 0.1."""
    from django.db import connection, transaction

    from clinic import clock
    from clinic.access.digests import digest_of_old
    from clinic.access.models import AuditRow

    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(7305021)")
        last = AuditRow.objects.order_by("-id").first()
        row = AuditRow(
            at=clock.now(), practice="here", who="nina", role="nurse", act="read-chart", outcome="done", patient_id="p",
            entities=[], previous=last.digest if last else "",
        )  # fmt: skip
        row.digest = digest_of_old(row)
        row.save(force_insert=True)


def _verified(by: object) -> str:
    """Seal and verify a long trail."""
    from clinic import clock
    from clinic.access import sealing
    from clinic.access.digests import digest_of
    from clinic.access.models import AuditRow
    from clinic.access.verification import verify

    for _batch in range(LONG // 10_000):
        rows = [
            AuditRow(at=clock.now(), who="nina", act="read-chart", outcome="done", patient_id=f"p{n}", entities=["/x"])
            for n in range(10_000)
        ]
        for row in rows:
            row.digest = digest_of(row)
        AuditRow.objects.bulk_create(rows, batch_size=1000)
    started = time.perf_counter()
    sealing.seal()
    sealed_s = time.perf_counter() - started
    started = time.perf_counter()
    found = verify()
    seconds = time.perf_counter() - started
    assert found.is_intact
    tracemalloc.start()
    verify()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return (
        f"{LONG} rows sealed at once in {sealed_s:.1f} s; {found.rows} rows verified in {seconds:.1f} s "
        f"({seconds / found.rows * 1e5:.1f} s for each 100,000), with {peak:.0f} MiB at most."
    )


def _write(name: str, text: str) -> None:
    before = TABLE.read_text() if TABLE.exists() else HEAD
    parts = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=\n## |\Z)", before, re.MULTILINE | re.DOTALL))
    parts[name] = text + "\n"
    TABLE.write_text(HEAD + "".join(f"\n## {key}\n\n{parts[key].strip()}\n" for key in sorted(parts, reverse=True)))


if __name__ == "__main__":
    main()
