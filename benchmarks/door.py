"""How many reads and searches a second does the FHIR door answer, with every one of them on the trail?

`make bench-door` fills an empty clinic with 10,000 resources through the gate, starts `serve` with WORKERS=2, asks with
20 clients at a time from a process of its own, and writes docs/reference/door-times.md with the machine and the day.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.machine import processor

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "door-times.md"
PEOPLE, EACH = 100, 99
"""So many people, and so many resources about each."""
CLIENTS, WORKERS = 20, 2
COMMAND = [sys.executable, "-c", "import sys; from clinic.cli import main; sys.exit(main())"]
CODES = ("8480-6", "8462-4", "29463-7", "44261-6", "70274-6", "8867-4", "2708-6", "8310-5", "9279-1", "72514-3")


@dataclass(frozen=True)
class Figures:
    """What one kind of request took: so many in so many seconds, each in milliseconds, and the server's own seconds."""

    name: str
    seconds: float
    times_ms: list[float]
    server_cpu_s: float
    size: float

    @property
    def row(self) -> str:
        """A line of the table."""
        cuts = statistics.quantiles(self.times_ms, n=100)
        count = len(self.times_ms)
        return (
            f"| {self.name} | {count / self.seconds:.0f} | {cuts[49]:.1f} | {cuts[94]:.1f} | {cuts[98]:.1f} "
            f"| {1000 * self.server_cpu_s / count:.2f} | {self.size / 1000:.1f} |"
        )


def fill() -> tuple[str, list[str], list[str]]:
    """A clinic with its resources, written as a program writes them: a token, the people, the names of all."""
    from clinic.cli import main

    assert main(["migrate"]) == 0
    from clinic.access.models import Account, Role
    from clinic.access.tokens import account_of_token, new_token
    from clinic.actions.exchange import New, Sender, transact
    from clinic.record.models import Practice

    practice = Practice.objects.create(slug="bench", name="Bench", zone="UTC")
    service = Account.objects.create(username="bench", name="Bench", role=Role.SERVICE, practice=practice)
    account = account_of_token(new_token(service, "bench", ("read", "write"), 1))
    assert account is not None
    draw = random.Random(1)
    people, names = [], []
    for number in range(PEOPLE):
        person = {"resourceType": "Patient", "name": [{"family": f"Family{number}", "given": ["Given"]}],
                  "identifier": [{"system": "urn:bench", "value": str(number)}], "birthDate": "1980-01-01"}  # fmt: skip
        wanted = [New(kind="Patient", text=json.dumps(person), called="urn:uuid:p")]
        wanted += [New(kind="Observation", text=json.dumps(_reading(draw, n))) for n in range(EACH)]
        made, _ = transact(wanted, Sender(by=account, asked={}))
        people.append(made[0])
        names += made
    return new_token(account, "bench", ("read",), 1), people, names


def _reading(draw: random.Random, number: int) -> dict[str, object]:
    day = date(2026, 1, 1) + timedelta(days=3 * number)
    coding = [{"system": "http://loinc.org", "code": draw.choice(CODES), "display": "A reading of the bench"}]
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation", "status": "final", "subject": {"reference": "urn:uuid:p"},
        "category": [{"coding": [{"system": system, "code": "vital-signs"}]}], "code": {"coding": coding},
        "effectiveDateTime": f"{day}T09:{draw.randrange(60):02}:00+01:00",
        "valueQuantity": {"value": round(draw.uniform(1, 200), 1), "unit": "mm[Hg]"},
        "performer": [{"display": "Bench"}], "device": {"display": "A device of the bench"},
    }  # fmt: skip


async def ask(port: int, token: str, paths: list[str], seconds: float) -> tuple[list[float], float]:
    """Milliseconds of each request that 20 clients sent one after the other, and the mean size of an answer."""
    until = time.perf_counter() + seconds
    times: list[float] = []
    sizes: list[int] = []

    async def client(draw: random.Random) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        while (start := time.perf_counter()) < until:
            writer.write(f"GET {draw.choice(paths)} {head}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            times.append(1000 * (time.perf_counter() - start))
            sizes.append(length)
        writer.close()

    await asyncio.gather(*(client(random.Random(n)) for n in range(CLIENTS)))
    return times, statistics.mean(sizes)


def cpu_s(parent: int) -> float:
    """Seconds of processor that this process and its children have used so far."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    total = 0.0
    for process in (str(parent), *children):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def measured(name: str, port: int, token: str, paths: list[str], seconds: float, server: int) -> Figures:
    """One kind of request, after a short warm-up."""
    asyncio.run(ask(port, token, paths, min(2.0, seconds)))
    before, start = cpu_s(server), time.perf_counter()
    times, size = asyncio.run(ask(port, token, paths, seconds))
    return Figures(name, time.perf_counter() - start, times, cpu_s(server) - before, size)


def main() -> None:
    """Fill, serve, ask, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--port", type=int, default=8377)
    parser.add_argument("--no-page", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ketapath-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "PORT": str(chosen.port), "HOST": "127.0.0.1"}
        os.environ["WORKERS"] = str(chosen.workers)
        start = time.perf_counter()
        token, people, names = fill()
        filled_s = time.perf_counter() - start
        server = subprocess.Popen([*COMMAND, "serve"], stdout=subprocess.DEVNULL)
        try:
            _wait(chosen.port)
            reads = [f"/fhir/{name}" for name in names]
            searches = [f"/fhir/Observation?patient={p[8:]}&code={code}" for p in people for code in CODES]
            load = os.getloadavg()[0]
            rows = [
                measured("read", chosen.port, token, reads, chosen.seconds, server.pid),
                measured("patient search", chosen.port, token, searches, chosen.seconds, server.pid),
            ]
        finally:
            server.terminate()
            server.wait(timeout=20)
    page = _page(rows, chosen.workers, filled_s, load)
    print(page)
    if not chosen.no_page:
        PAGE.write_text(page)


def _wait(port: int) -> None:
    import socket

    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the clinic did not start")


def _page(rows: list[Figures], workers: int, filled_s: float, load: float) -> str:
    database = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite, synchronous=FULL"
    lines = [
        "# How fast the FHIR door answers",
        "",
        f"Written by `make bench-door` on {datetime.now(UTC):%Y-%m-%d}: {processor()}; {database};",
        f"`serve` with WORKERS={workers}; {PEOPLE * (EACH + 1):,} resources of {PEOPLE} people, which took the gate",
        f"{filled_s:.0f} s. {CLIENTS} clients on the same machine, each asking again as soon as it is answered; every",
        "request is on the trail, and on the disk, before its answer leaves. Other work on the machine at the start:",
        f"a load of {load:.1f}.",
        "",
        "| request | a second | p50 ms | p95 ms | p99 ms | server's processor, ms each | answer, kB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(figures.row for figures in rows),
        "",
        "A patient search asks for one person's observations of one code, about ten of a hundred.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
