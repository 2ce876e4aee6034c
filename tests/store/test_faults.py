"""Killed writers, racing editors, a disk that fails anywhere: nothing acknowledged is lost or half there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from tests.store.conftest import practice_with
from tests.store.test_commit import PATIENT, act, note

from clinic.access.models import Account, AuditRow
from clinic.actions.commit import Draft, commit
from clinic.record.models import Current, Receipt, Term, Version

HERE = Path(__file__).parent
Victims = Callable[..., dict[str, Any]]
TABLES: tuple[Any, ...] = (Current, Version, Term, AuditRow, Receipt)


@pytest.fixture
def victims(tmp_path: Path) -> Victims:
    """The program that kills its writers, in an empty place of its own on the database that is being tested."""
    path = os.pathsep.join([str(HERE.parents[1]), *sys.path])
    surroundings = {**os.environ, "DATA_DIR": str(tmp_path), "PYTHONPATH": path}
    url = os.environ.get("DATABASE_URL")
    if url:
        name = f"victims_{os.getpid()}_{tmp_path.name}".lower().replace("-", "_")[:60]
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
        surroundings["DATABASE_URL"] = url.rsplit("/", 1)[0] + f"/{name}"

    def run(*words: str, **further: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.store.victims", *words]
        done = subprocess.run(command, env=surroundings | further, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    return run


@pytest.mark.requirement(50, 53)
def test_what_was_acknowledged_is_read_back_after_fifty_kills(victims: Victims) -> None:
    said = victims("50")
    assert said["rounds"] == 50
    assert said["acknowledged"] >= 50
    missing = ("lost", "halves", "without_history", "without_trail", "without_receipt")
    assert [said[what] for what in missing] == [[]] * len(missing)
    assert 0 <= said["unacknowledged"] <= 50  # at most the one in each round that was killed before it could say so


@pytest.mark.requirement(39, 53)
def test_no_update_of_concurrent_editors_is_lost_though_some_are_killed(victims: Victims) -> None:
    said = victims("3", "--editors", "5")
    did = [line for line in said["history"] if "did" in line]
    overtaken = {line["overtaken"] for line in said["history"] if "overtaken" in line}
    assert len(did) > 5
    assert said["killed"] > 2
    lists = said["lists"]
    for versions in lists.values():
        assert all(later[:-1] == earlier for earlier, later in pairwise(versions))
    for line in did:
        assert line["made"] == line["saw"] + 1
        assert lists[line["to"]][line["made"] - 1][-1] == line["did"]
    kept = Counter(word for versions in lists.values() for word in versions[-1])
    assert max(kept.values()) == 1
    assert not overtaken & kept.keys()
    assert len(kept) - len(did) <= said["killed"]  # each killed editor may have had one act stored and not yet said


@pytest.mark.requirement(53)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="what is broken here are the files of SQLite")
@pytest.mark.skipif(shutil.which("cc") is None, reason="the broken disk is written in C")
def test_what_was_acknowledged_survives_a_loss_of_power(victims: Victims, tmp_path: Path) -> None:
    said = victims("12", "--power", LD_PRELOAD=_broken_disk(tmp_path))
    assert said["acknowledged"] >= 12
    assert said["taken_back"] > 0  # the power did take something, so the proof is none of an idle disk
    assert (said["lost"], said["halves"], said["without_trail"]) == ([], [], [])


def _broken_disk(place: Path) -> str:
    disk = place / "broken_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", disk, HERE / "broken_disk.c", "-ldl"], check=True)
    return str(disk)


@pytest.mark.requirement(50, 53, 54)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="what is broken here are the files of SQLite")
@pytest.mark.skipif(shutil.which("cc") is None, reason="the broken disk is written in C")
def test_a_disk_that_fails_anywhere_leaves_all_of_an_act_or_nothing(victims: Victims, tmp_path: Path) -> None:
    acts = victims("1", "--disk", LD_PRELOAD=_broken_disk(tmp_path))["acts"]
    assert {(a["error"], a["lasting"]) for a in acts} == {(e, n) for e in ("EIO", "ENOSPC") for n in (0, 1)}
    assert sum(a["calls"] >= a["at"] for a in acts) > 100
    whole, nothing = [2, 2, 1, 1], [0, 0, 0, 0]
    for found in acts:
        assert found["integrity"] == "ok"
        assert found["rows"] == whole if found["acknowledged"] else found["rows"] in (whole, nothing), found


@pytest.mark.requirement(37, 50)
def test_whichever_statement_of_an_act_fails_nothing_of_it_is_kept_and_the_next_one_goes_on(db: None) -> None:
    here, statement = practice_with(), 0
    while True:
        statement += 1
        said = _with_failing(statement, here)
        if said is None:
            break
        assert said == [0] * len(TABLES), f"statement {statement}"
    assert statement > 10
    assert all(_kept(here))


def _with_failing(at: int, here: Account) -> list[int] | None:
    """What is kept of an act whose statement of this number fails; None where it has fewer."""
    calls = 0

    def fails(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal calls
        calls += not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))
        if calls == at:
            raise DatabaseError("disk I/O error")
        return execute(sql, parameters, many, context)

    try:
        with transaction.atomic(), connection.execute_wrapper(fails):
            commit(act(here, key="k"), [Draft(resource=PATIENT), Draft(resource=note())])
    except DatabaseError:
        return _kept(here)
    return None


def _kept(here: Account) -> list[int]:
    """How many rows of each table are this practice's."""
    return [
        table.objects.filter(practice=here.practice.slug if table is AuditRow else here.practice).count()
        for table in TABLES
    ]


@pytest.mark.requirement(53)
def test_an_acknowledged_act_is_on_the_disk_and_not_only_on_its_way(db: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone()[0] == "on"
            return
        assert "PRAGMA synchronous=FULL" in settings.DATABASES["default"]["OPTIONS"]["init_command"]
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone()[0] == 2
