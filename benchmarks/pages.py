"""How long does the server take for each page of the day, in a clinic of 2,000 people with 60 sessions today?

`make bench-pages` fills a data folder under build/ once a day (SQLite, as a clinic would have it), then asks each page
as each role that opens it through the whole of the server's middleware, and writes docs/reference/page-times.md with
machine and day. A page about a person is asked about different people: once each, which is what comes after a change
in a record, and again. Budget: 150 ms for 95 of 100 requests.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.machine import processor

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "page-times.md"
FOLDER = ROOT / "build" / "pages"
BUDGET_MS, TIMES, WHOM = 150, 30, 5
"""Of the 30 requests of a page about a person, six are about each of five people."""
ROLES = ("prescriber", "nurse", "therapist", "coordinator", "pharmacist", "director", "patient", "caregiver")
OF_ALL = (
    "/today", "/today?from=12", "/patients", "/patients?q=okafor", "/schedule", "/schedule/week", "/alerts", "/stock",
    "/forms", "/adverse", "/trials", "/governance", "/decisions", "/errands", "/audit", "/emergency", "/account", "/my",
    "/my/accesses", "/bench", "/knowledge",
)  # fmt: skip
OF_ONE = (
    "", "/plan", "/session", "/response", "/schedule", "/notes", "/score/phq9", "/fact", "/team", "/therapy", "/care",
    "/accesses",
)  # fmt: skip
STAGES = {
    "ready for a plan": "treatment-resistant-depression",
    "under treatment": "first-language-arabic",
    "arrived": "pressure-too-high-today",
    "dosed": "ptsd-with-depression",
}


@dataclass(slots=True)
class Asked:
    """What one page took as one role: milliseconds of the clock, of the processor, and bytes of the answer."""

    first_ms: list[float] = field(default_factory=list)
    first_cpu_ms: list[float] = field(default_factory=list)
    again_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    size: int = 0
    queries: int = 0


def prepare() -> dict[str, list[str]]:
    """The full clinic of today, made where it is not there yet; the ids of the copies by template."""
    ahead = _hours_ahead()
    today = (datetime.now(UTC) + ahead).date().isoformat()
    index = FOLDER / "people.json"
    kept = json.loads(index.read_text()) if index.exists() else {}
    if kept.get("day") != today:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
    os.environ |= {"DATA_DIR": str(FOLDER), "DJANGO_SETTINGS_MODULE": "clinic.settings"}
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from django.core.management import call_command

    from clinic import clock
    from clinic.demo.load import load_demo
    from clinic.record.models import Practice

    call_command("migrate", verbosity=0)
    clock.be_ahead(ahead)
    if kept.get("day") == today:
        return dict(kept["people"])
    from benchmarks.pages_people import fill

    print("filling build/pages; once a day, some minutes", flush=True)
    load_demo()
    people = fill(Practice.objects.get(slug="harbour"))
    call_command("collectstatic", verbosity=0, interactive=False)
    index.write_text(json.dumps({"day": today, "people": people}))
    return people


def _hours_ahead() -> timedelta:
    """As many as lead to eleven o'clock at the clinic, so that sixty sessions fit into what is left of the day."""
    from clinic.demo import ZONE

    hour = datetime.now(ZoneInfo(ZONE)).hour
    return timedelta(hours=0 if 8 <= hour <= 12 else (11 - hour) % 24)


def addresses(people: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, list[str]]]:
    """Each page by its name, with the addresses that are asked for it."""
    yield from ((address, [address]) for address in OF_ALL)
    for stage, template in STAGES.items():
        names = [name for name in people.get(template, ()) if name][:WHOM] or [template]
        for page in OF_ONE:
            yield f"/patients/ID{page}, {stage}", [f"/patients/{name}{page}" for name in names]


def ask(client: Any, places: Sequence[str], times: int) -> Asked | None:
    """Thirty requests; None where this role does not open the page."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    found = Asked()
    for number in range(times):
        place = places[number % len(places)]
        started, used = time.perf_counter(), time.process_time()
        answer = client.get(place)
        took, work = 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - used)
        if answer.status_code != 200:
            return None
        if number < len(places):
            found.first_ms.append(took)
            found.first_cpu_ms.append(work)
        else:
            found.again_ms.append(took)
            found.cpu_ms.append(work)
        found.size = max(found.size, len(answer.content))
    with CaptureQueriesContext(connection) as queries:
        client.get(places[0])
    found.queries = len(queries)
    return found


def signed_in(username: str) -> Any:
    """This person with a browser, behind everything that stands before the pages."""
    from django.test import Client

    from clinic import clock
    from clinic.access.models import Account, Stay

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(Account.objects.get(username=username))
    Stay.objects.filter(account__username=username).update(second_factor_at=clock.wall())
    return client


def measured(people: Mapping[str, Sequence[str]], only: str, times: int) -> dict[str, dict[str, Asked]]:
    """Every page as every role that opens it."""
    clients = {role: signed_in(role) for role in ROLES}
    found: dict[str, dict[str, Asked]] = {}
    for name, places in addresses(people):
        if only in name:
            of_page = {role: ask(client, places, times) for role, client in clients.items()}
            found[name] = {role: asked for role, asked in of_page.items() if asked is not None}
            print("\n".join(_rows(name, found[name])), flush=True)
    return found


def _p(times: Sequence[float], share: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[share - 1] if len(times) > 1 else times[0]


def _rows(name: str, of_page: Mapping[str, Asked]) -> list[str]:
    """One for each role; before them what the first of all waited, for whom nothing had been kept yet."""
    rows = []
    for number, (role, asked) in enumerate(of_page.items()):
        if number == 0:
            rows.append(_row(f"`{name}`, first opening", role, asked, asked.first_ms, asked.first_cpu_ms))
        rows.append(_row(f"`{name}`", role, asked, asked.again_ms, asked.cpu_ms))
    return rows


def _row(name: str, role: str, asked: Asked, took: Sequence[float], work: Sequence[float]) -> str:
    late = " **over**" if _p(took, 95) > BUDGET_MS else ""
    times = f"{_p(took, 50):.0f} | {_p(took, 95):.0f}{late} | {_p(work, 95):.0f}"
    return f"| {name} | {role} | {times} | {asked.queries} | {asked.size / 1000:.0f} |"


def write(found: Mapping[str, Mapping[str, Asked]]) -> None:
    """The page of figures."""
    from benchmarks.pages_people import PEOPLE, TODAY

    rows = [row for name, of_page in found.items() for row in _rows(name, of_page)]
    firsts = [row for row in rows if "first opening" in row]
    late, late_first = (sum("**over**" in row for row in some) for some in (rows, firsts))
    PAGE.write_text(
        f"""# Server time of each page

Written by `make bench-pages` on {datetime.now(UTC):%Y-%m-%d}; {processor()}, SQLite, one process,
Python {sys.version.split()[0]}. A clinic of {PEOPLE:,} invented people, {TODAY} of them with a session today: copies
of the demonstration's people with all their versions. Each page is asked {TIMES} times as each role that opens it,
through the whole middleware of the server; what a network adds is not in it. "First opening" is the first request of
all for a page (of one about a person: about {WHOM} different people), before anything was kept: what somebody waits
after a change in a record, for a plan as long as its search takes. The other rows are of the requests after those.
Budget: p95 of {BUDGET_MS} ms; {late - late_first} of {len(rows) - len(firsts)} rows are over it, and {late_first} of
{len(firsts)} first openings; they say so. Sizes are of the page alone, uncompressed.

| page | role | p50, ms | p95, ms | p95 of the processor, ms | queries | kB |
| --- | --- | --- | --- | --- | --- | --- |
"""
        + "\n".join(rows)
        + "\n"
    )


def main(arguments: Sequence[str]) -> None:
    """Measure, and write the page where all of it was measured."""
    only = next((a for a in arguments if not a.isdigit()), "")
    times = next((int(a) for a in arguments if a.isdigit()), TIMES)
    people = prepare()
    from clinic.server import ready

    ready()
    found = measured(people, only, times)
    if not only and times == TIMES:
        write(found)


if __name__ == "__main__":
    main(sys.argv[1:])
