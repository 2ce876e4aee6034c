"""A clinic of its own whose writers are killed: `python -m tests.store.victims ROUNDS` prints what was lost, as JSON.

Each round is a process that writes through the gate, names every act on its pipe once it is acknowledged, and is ended
by SIGKILL in the middle. `--power` takes the power away too: what was not synced is gone. `--editors N` lets N such
processes change the same few resources for ROUNDS seconds and says what each of them saw. `--disk` makes the disk fail
at the first call, the second, and so on until an act gets through. Disk and power need broken_disk.c in LD_PRELOAD.
DATA_DIR and DATABASE_URL say where; the database has to be empty.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import itertools
import json
import os
import random
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

PERSON = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor"}]}
ENTRY = struct.Struct("256slll")
"""How broken_disk.c writes down what a write has overwritten: path, offset, size before, bytes that follow."""
SHARED = ("list-0", "list-1", "list-2")


def main(words: list[str]) -> int:
    """Prepare the clinic, let the rounds happen, look at what is left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("--editors", type=int, default=0)
    parser.add_argument("--disk", action="store_true")
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    _prepare()
    connections.close_all()  # no connection is shared with the processes that are forked from here on
    chance = random.Random(asked.seed)
    if asked.disk:
        said = _on_a_broken_disk()
    else:
        said = (
            _edited(asked.editors, asked.rounds, chance)
            if asked.editors
            else _killed(asked.rounds, chance, asked.power)
        )
    print(json.dumps(said))
    return 0


def _prepare() -> None:
    from clinic.access.models import Account, Role
    from clinic.actions.commit import Act, Draft, commit
    from clinic.record.models import Practice

    practice = Practice.objects.create(slug="p", name="P")
    by = Account.objects.create(username="nurse", name="Bo Marsh", role=Role.NURSE, practice=practice)
    lists = [Draft(resource=_listed(name, [])) for name in SHARED]
    commit(Act(name="state-fact", by=by, patient_id="p1"), [Draft(resource=PERSON), *lists])


def _listed(identity: str, items: list[str], *, of: str = "p1") -> dict[str, Any]:
    return {"resourceType": "Basic", "id": identity, "subject": {"reference": f"Patient/{of}"}, "items": items}


def _fork(work: Callable[[Callable[[Any], None]], None]) -> tuple[int, int]:
    """A process that does this work and names what it has done; its number and the pipe to hear it by."""
    hear, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        return child, hear
    os.close(hear)
    try:
        work(lambda done: os.write(tell, json.dumps(done).encode() + b"\n") and None)
    finally:
        os._exit(0)


def _heard(pipe: int, *, until: float | None = None) -> list[Any]:
    """Whole lines that came through the pipe, up to a moment or to its end."""
    text = b""
    while until is None or time.monotonic() < until:
        if until is not None and not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
            break
        more = os.read(pipe, 65536)
        if not more:
            break
        text += more
    return [json.loads(line) for line in text.split(b"\n") if line.endswith((b"}", b"]"))]


def _killed(rounds: int, chance: random.Random, is_dark: bool) -> dict[str, Any]:
    """Rounds of acts until killed; then a process of its own reads back what was acknowledged."""
    acknowledged: list[Any] = []
    taken_back = 0
    for number in range(rounds):
        log = Path(os.environ["DATA_DIR"], f"power-{number}.log")
        child, pipe = _fork(lambda done, a=(number, log if is_dark else None): _acts(*a, done))  # type: ignore[misc]
        select.select([pipe], [], [])  # however slow the machine is, one act is acknowledged before the end comes
        said = _heard(pipe, until=time.monotonic() + chance.uniform(0.02, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged += said + _heard(pipe)
        os.close(pipe)
        taken_back += _power_lost(log) if is_dark else 0
    reader, pipe = _fork(lambda done: done([_left(acknowledged)]))
    left = _heard(pipe)[0][0]
    os.waitpid(reader, 0)
    return {"rounds": rounds, "acknowledged": len(acknowledged), "taken_back": taken_back, **left}


def _power_lost(log: Path) -> int:
    """Take back every write that no sync followed, newest first; how many there were.

    What was written to a file without a name, as SQLite keeps while it sorts, is gone with its process anyway.
    """
    text, place, waiting = log.read_bytes(), 0, list[tuple[str, int, int, bytes]]()
    while place < len(text):
        path, offset, size, length = ENTRY.unpack_from(text, place)
        name = path.rstrip(b"\0").decode()
        place += ENTRY.size
        if length < 0:
            waiting = [entry for entry in waiting if entry[0] != name]
            continue
        if not name.endswith(" (deleted)"):
            waiting.append((name, offset, size, text[place : place + length]))
        place += length
    for name, offset, size, old in reversed(waiting):
        with Path(name).open("r+b") as file:
            file.seek(offset)
            file.write(old)
            file.truncate(size)
    log.unlink()
    return len(waiting)


def _acts(number: int, log: Path | None, done: Callable[[Any], None]) -> None:
    from clinic.access.models import Account
    from clinic.actions.commit import Act, Draft, commit

    if log is not None:
        ctypes.CDLL(None).disk_remembers(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    by = Account.objects.get()
    for count in range(100_000):
        first, second = f"r{number}-{count}-a", f"r{number}-{count}-b"
        person = {**PERSON, "id": f"p-{first}"}  # one for each act, so that the last is as quick as the first
        pair = [_listed(name, [first], of=f"p-{first}") for name in (first, second)]
        act = Act(name="state-fact", by=by, patient_id=f"p-{first}", key=first)
        commit(act, [Draft(resource=resource) for resource in (person, *pair)])
        done([first, second])


def _left(acknowledged: list[list[str]]) -> dict[str, Any]:
    """What is missing of the acknowledged, what is there by halves, and whether the trail names every act."""
    from clinic.access.models import Account, AuditRow
    from clinic.record.models import Current, Receipt, Version
    from clinic.record.read import read

    practice = Account.objects.get().practice
    lost = [name for pair in acknowledged for name in pair if read(practice, "Basic", name) is None]
    there = set(Current.objects.filter(identity__startswith="r").values_list("identity", flat=True))
    halves = [name for name in there if name[:-1] + ("b" if name.endswith("a") else "a") not in there]
    versions = set(Version.objects.filter(identity__startswith="r").values_list("identity", flat=True))
    named = {e.split("/")[1] for row in AuditRow.objects.all() for e in row.entities if e.startswith("Basic/r")}
    keys = set(Receipt.objects.values_list("key", flat=True))
    return {
        "lost": lost, "halves": halves, "without_history": sorted(there ^ versions),
        "without_trail": sorted(there ^ named), "without_receipt": sorted({n for n in there if n.endswith("a")} ^ keys),
        "unacknowledged": len(there) // 2 - len(acknowledged),
    }  # fmt: skip


def _on_a_broken_disk() -> dict[str, Any]:
    """One act for each place at which the disk may fail, in four ways; whether it was all done, or nothing of it."""
    found: list[dict[str, Any]] = []
    for error, lasting in itertools.product((errno.EIO, errno.ENOSPC), (0, 1)):
        for at in itertools.count(1):
            name = f"d{error}-{lasting}-{at}"
            child, pipe = _fork(lambda done, a=(name, at, error, lasting): _one_act(*a, done))  # type: ignore[misc]
            said = _heard(pipe)[0]
            os.waitpid(child, 0)
            reader, pipe = _fork(lambda done, name=name: done(_state_of(name)))  # type: ignore[misc]
            found.append({"at": at, "error": errno.errorcode[error], "lasting": lasting, **said, **_heard(pipe)[0]})
            os.waitpid(reader, 0)
            if said["calls"] < at:
                break
    return {"acts": found}


def _one_act(name: str, at: int, error: int, lasting: int, done: Callable[[Any], None]) -> None:
    from django.db import DatabaseError

    from clinic.access.models import Account
    from clinic.actions.commit import Act, Draft, commit

    disk, by, is_done = ctypes.CDLL(None), Account.objects.get(), True
    disk.disk_fails(ctypes.c_long(at), error, lasting)
    try:
        person = {**PERSON, "id": name}
        commit(Act(name="state-fact", by=by, patient_id=name, key=name),
               [Draft(resource=person), Draft(resource=_listed(name, ["x"], of=name))])  # fmt: skip
    except DatabaseError:
        is_done = False
    calls = disk.disk_calls()
    disk.disk_fails(ctypes.c_long(0), 0, 0)
    done({"acknowledged": is_done, "calls": calls})


def _state_of(name: str) -> dict[str, Any]:
    from django.db import connection

    from clinic.access.models import AuditRow
    from clinic.record.models import Current, Receipt, Version

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        whole = cursor.fetchone()[0]
    tables = (Current.objects.filter(patient_id=name), Version.objects.filter(patient_id=name),
              AuditRow.objects.filter(patient_id=name), Receipt.objects.filter(key=name))  # fmt: skip
    return {"rows": [table.count() for table in tables], "integrity": whole}


def _edited(editors: int, seconds: int, chance: random.Random) -> dict[str, Any]:
    """Editors who each put their own words at the end of shared lists; some are killed and others come for them."""
    ends = time.monotonic() + seconds
    running = [_fork(lambda done, n=n: _edits(n, ends, done)) for n in range(editors)]  # type: ignore[misc]
    history: list[Any] = []
    number = editors
    while time.monotonic() < ends - 0.5:
        time.sleep(chance.uniform(0.1, 0.3))
        child, pipe = running.pop(0)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        history += _heard(pipe)
        os.close(pipe)
        running.append(_fork(lambda done, n=number: _edits(n, ends, done)))  # type: ignore[misc]
        number += 1
    for child, pipe in running:
        history += _heard(pipe)
        os.waitpid(child, 0)
    reader, pipe = _fork(lambda done: done([_lists()]))
    lists = _heard(pipe)[0][0]
    os.waitpid(reader, 0)
    return {"history": history, "lists": lists, "killed": number - editors}


def _edits(number: int, ends: float, done: Callable[[Any], None]) -> None:
    """Read, put one word at the end, write against what was read; who was overtaken reads again."""
    from clinic.access.models import Account
    from clinic.actions.commit import Act, Draft, Stale, commit
    from clinic.record.read import read

    by, chance = Account.objects.get(), random.Random(number)
    for count in range(100_000):
        if time.monotonic() > ends:
            return
        name, word = chance.choice(SHARED), f"e{number}-{count}"
        seen = read(by.practice, "Basic", name)
        assert seen is not None
        draft = Draft(resource=_listed(name, [*seen.resource["items"], word]), expected=seen.version)
        try:
            version = commit(Act(name="state-fact", by=by, patient_id="p1"), [draft]).versions[f"Basic/{name}"]
            done({"did": word, "to": name, "saw": seen.version, "made": version})
        except Stale:
            done({"overtaken": word, "to": name, "saw": seen.version})


def _lists() -> dict[str, list[list[str]]]:
    """All versions of the shared lists, oldest first."""
    from clinic.access.models import Account
    from clinic.record.read import history

    practice = Account.objects.get().practice
    return {name: [s.resource["items"] for s in history(practice, "Basic", name)][::-1] for name in SHARED}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
