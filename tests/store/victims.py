"""A clinic of its own whose writers are killed: `python -m tests.store.victims ROUNDS` prints what was lost, as JSON.

Each round is a process that writes through the gate, names every act on its pipe once it is acknowledged, and is ended
by SIGKILL in the middle. `--editors N` lets N such processes change the same few resources for ROUNDS seconds and says
what each of them saw. `--disk` makes the disk fail at the first call, the second, and so on until an act gets
through (LD_PRELOAD has to hold broken_disk.c). DATA_DIR and DATABASE_URL say where; the database has to be empty.
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
import sys
import time
from collections.abc import Callable
from typing import Any

import django

PERSON = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor"}]}
SHARED = ("list-0", "list-1", "list-2")


def main(words: list[str]) -> int:
    """Prepare the clinic, let the rounds happen, look at what is left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("--editors", type=int, default=0)
    parser.add_argument("--disk", action="store_true")
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
        said = _edited(asked.editors, asked.rounds, chance) if asked.editors else _killed(asked.rounds, chance)
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


def _killed(rounds: int, chance: random.Random) -> dict[str, Any]:
    """Rounds of acts until killed; then a process of its own reads back what was acknowledged."""
    acknowledged: list[Any] = []
    for number in range(rounds):
        child, pipe = _fork(lambda done, number=number: _acts(number, done))  # type: ignore[misc]
        said = _heard(pipe, until=time.monotonic() + chance.uniform(0.05, 0.25))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged += said + _heard(pipe)
        os.close(pipe)
    reader, pipe = _fork(lambda done: done([_left(acknowledged)]))
    left = _heard(pipe)[0][0]
    os.waitpid(reader, 0)
    return {"rounds": rounds, "acknowledged": len(acknowledged), **left}


def _acts(number: int, done: Callable[[Any], None]) -> None:
    from clinic.access.models import Account
    from clinic.actions.commit import Act, Draft, commit

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
