"""When the machine is the trouble: a damaged file, a disk that lets nobody write, a clock set back, DST."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError
from django.test import Client

from clinic import clock, jobs, pulse, upkeep
from clinic.access import audit
from clinic.access.models import AuditRow
from clinic.environment import Environment, read
from clinic.jobs import next_morning
from clinic.web import health
from ketapath.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Environment:
    """A folder with a database of some size in it."""
    with sqlite3.connect(tmp_path / "clinic.sqlite3") as made:
        made.execute("CREATE TABLE kept (words TEXT)")
        made.execute("CREATE INDEX by_words ON kept (words)")
        made.executemany("INSERT INTO kept VALUES (?)", (("x" * 200 + str(n),) for n in range(4000)))
    made.close()
    return read({"DATA_DIR": str(tmp_path)})


def test_a_whole_file_is_looked_through_and_an_empty_folder_has_none(folder: Environment, tmp_path: Path) -> None:
    assert upkeep.check_file(folder)
    assert upkeep.check_file(replace(folder, data_dir=tmp_path / "elsewhere"))


@pytest.mark.requirement(54)
@pytest.mark.parametrize("place", ["head", "middle"])
def test_a_damaged_file_is_told_at_the_start_with_the_way_back(folder: Environment, place: str) -> None:
    file = folder.data_dir / "clinic.sqlite3"
    with file.open("r+b") as damaged:
        damaged.seek(0 if place == "head" else file.stat().st_size // 2 // 4096 * 4096)
        damaged.write(b"\x5a" * 4096)
    before = file.read_bytes()
    with pytest.raises(BadInput) as told:
        upkeep.check_file(folder)
    assert "damaged" in str(told.value)
    assert "Restore the last backup" in str(told.value)
    assert told.value.exit_code == 3
    assert file.read_bytes() == before


def test_a_large_file_holds_nobody_up(folder: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(sqlite3.Connection):
        def execute(self, *statement: Any) -> sqlite3.Cursor:  # a look that has been interrupted by its timer
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
            return super().execute(endless if "quick_check" in str(statement) else statement[0])

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Slow))
    assert not upkeep.check_file(folder, within_s=0.1)


@pytest.mark.requirement(54)
def test_a_disk_that_lets_nobody_write_refuses_in_words(
    browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser_of("nurse")
    client.raise_request_exception = False

    def readonly(*_: object, **__: object) -> None:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(audit, "append", readonly)
    answer = client.get("/patients/aneurysm")
    assert answer.status_code == 503
    assert "takes nothing" in answer.content.decode()


@pytest.mark.requirement(55)
def test_a_clock_that_was_set_back_is_told_and_history_keeps_its_order(
    db: None, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    first = audit.append("fill", outcome="done", who="first")
    assert pulse.behind() <= pulse.MOST_BEHIND
    earlier = clock.now() - timedelta(hours=3)
    with clock.supposed(earlier):
        assert pulse.behind() > timedelta(hours=2, minutes=59)
        assert "behind the record" in health.health(None).content.decode()  # type: ignore[arg-type]
        monkeypatch.setattr(jobs, "_is_behind", False)
        jobs._watch_the_clock()
        jobs._watch_the_clock()
        second = audit.append("fill", outcome="done", who="second")
    assert [r.who for r in AuditRow.objects.filter(pk__in=(first.pk, second.pk)).order_by("id")] == ["first", "second"]
    assert sum("behind the record" in record.message for record in caplog.records) == 1


def test_health_says_when_the_worker_was_last_alive(db: None, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert pulse.age_s() is None
    pulse.beat()
    os.utime(tmp_path / "worker-alive", (time.time() - 90,) * 2)
    assert "90 s ago" in health.health(None).content.decode()  # type: ignore[arg-type]


NIGHTS = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),  # by half an hour
    "Europe/London": ("2026-03-29", "2026-10-25"),
}


@pytest.mark.requirement(55)
@pytest.mark.parametrize("zone", NIGHTS)
@pytest.mark.parametrize("which", ["forward", "back"])
def test_one_morning_round_on_the_day_after_either_night(zone: str, which: str) -> None:
    on = date.fromisoformat(NIGHTS[zone][which == "back"])
    place = ZoneInfo(zone)
    midnights = [datetime(on.year, on.month, on.day, tzinfo=place) + timedelta(days=n) for n in (0, 1)]
    assert midnights[0].utcoffset() != midnights[1].utcoffset(), "the clocks change on this day"
    rounds, now = [], (midnights[0] - timedelta(hours=12)).astimezone(UTC)
    while now < midnights[1].astimezone(UTC) + timedelta(hours=12):
        rounds.append(next_morning(now, zone))
        now += timedelta(minutes=10)
    days = sorted(set(rounds))
    assert [f"{d.astimezone(place):%H:%M}" for d in days] == ["07:00"] * len(days)
    assert [d.date() for d in days] == [on + timedelta(days=n) for n in range(len(days))]
    assert all(earlier <= later for earlier, later in pairwise(rounds))


@pytest.mark.requirement(55)
@pytest.mark.parametrize("zone", NIGHTS)
def test_the_clinics_day_changes_once_in_either_night_and_an_hour_that_comes_twice_keeps_its_order(
    zone: str, db: None
) -> None:
    for night in NIGHTS[zone]:
        start = datetime.fromisoformat(f"{night}T00:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        instants = [start + timedelta(minutes=30 * n - 120) for n in range(20)]
        days = []
        for instant in instants:
            with clock.supposed(instant):
                days.append(clock.today(zone))
                audit.append("fill", outcome="done", who=zone)
        assert days == sorted(days)
        assert len(set(days)) == 2
        kept = list(AuditRow.objects.filter(who=zone).order_by("id").values_list("at", flat=True))[-20:]
        assert kept == instants, "kept in UTC, an hour that the wall shows twice is two hours"


@pytest.mark.requirement(55)
def test_a_planned_time_that_the_clocks_leave_out_or_show_twice_is_one_instant() -> None:
    for night, hour in (("2026-03-29", "02:30"), ("2026-10-25", "02:30")):
        planned = datetime.fromisoformat(f"{night}T{hour}").replace(tzinfo=ZoneInfo("Europe/Berlin"))
        assert clock.local(planned.astimezone(UTC), "Europe/Berlin").date() == planned.date()
