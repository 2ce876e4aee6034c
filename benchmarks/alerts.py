"""Does every alert that nobody answers reach the second person? A simulated clinic day with random failures.

`python -m benchmarks.alerts 10000` raises so many alerts in a simulated day and prints the table. The worker is a
process of its own that is killed in the middle of its turns; statements of the database fail at random, in the worker
and in the acts that raise an alert; the mail server refuses; the worker is away for minutes; the clock is set back;
accounts are closed. An alert counts as arrived only when somebody outside those processes could have seen it: its
message stands in the outgoing mail to another person than the first, or it stands as theirs on that person's page. Who
looks is this process, through its own connection. It runs in a folder of its own that is thrown away, or in the one
that `--folder` names; DATABASE_URL says which database, and one that holds a practice is refused.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import django

BEGAN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TURN = timedelta(minutes=1)
KINDS = {
    "measurement.item9": 4, "response.sudden": 2, "dose.more_than_ordered": 6, "response.warning": 3,
    "score.overdue": 4, "lab.due": 1,
}  # fmt: skip
STAFF = {"prescriber": 4, "nurse": 5, "coordinator": 2, "therapist": 2, "director": 2}
SLACK = timedelta(minutes=2)
"""Two turns of the worker: what is later than this after its set time counts as late."""


@dataclass(slots=True)
class Told:
    """What became of one alert, in true time. `set_at` is when the second person has to be told."""

    set_at: datetime
    first: int | None
    answers: bool
    in_mail: datetime | None = None
    on_page: datetime | None = None
    answered: bool = False
    is_over: bool = False


@dataclass(slots=True)
class World:
    """The simulated day: true time, what the clock says, and everything that was raised."""

    chance: random.Random
    now: datetime = BEGAN
    behind: timedelta = timedelta()
    raised: dict[int, Told] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    worker: tuple[int, int, int] | None = None
    away: int = 0

    @property
    def clock(self) -> datetime:
        """What the clinic's clock shows."""
        return self.now - self.behind

    def count(self, what: str) -> None:
        """One more of these."""
        self.failures[what] = self.failures.get(what, 0) + 1


def main(words: list[str]) -> int:
    """Play the day and print the table; 1 where an alert was dropped."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts")
    parser.add_argument("alerts", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=int, default=24, help="of the simulated day, more than five (24)")
    parser.add_argument("--folder", help="of the data, instead of one that is thrown away")
    parser.add_argument("--json", action="store_true", help="the table for programs")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = asked.folder or folder
        prepare()
        started = time.monotonic()
        found = play(asked.alerts, seed=asked.seed, hours=asked.hours) | {"seconds": round(time.monotonic() - started)}
        print(json.dumps(found) if asked.json else "\n".join(f"{name:56}{value}" for name, value in found.items()))
    return 1 if found["dropped"] else 0


def prepare() -> None:
    """An empty clinic, and everything that its worker needs in memory."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    os.environ |= {"MAIL_URL": "smtp://mail.invalid", "MAIL_FROM": "alerts@clinic.invalid"}
    django.setup()
    logging.disable()  # each failure is counted below instead
    from django.conf import settings
    from django.core.management import call_command

    from clinic import jobs
    from clinic.queries.person import clinic_of, knowledge_at
    from clinic.queries.session import watched_minutes
    from clinic.record.models import Practice

    settings.EMAIL_BACKEND = "benchmarks.alerts.RefusingMail"
    call_command("migrate", verbosity=0, interactive=False)
    if Practice.objects.exists():
        sys.exit("this database holds a practice; the simulated day needs an empty one")
    assert jobs.WATCH_S, "read before any worker is forked, so that a new one works at once"
    knowledge_at(clinic_of({}))
    watched_minutes(None)


def play(count: int, *, seed: int, hours: int = 24) -> dict[str, Any]:
    """A day of `count` alerts, or its first hours (more than five), and what became of them."""
    from django.db import connections

    world = World(chance=random.Random(seed))
    practice = _people()
    turns = hours * 60
    moments = sorted(world.chance.randrange(turns - 300) for _ in range(count))
    due, closing = iter(moments), sorted(world.chance.randrange(turns) for _ in range(3))
    following = next(due, None)
    try:
        for turn in range(turns):
            world.now = BEGAN + turn * TURN
            _disturb(world)
            wanted = 0
            while following is not None and following <= turn:
                wanted, following = wanted + 1, next(due, None)
            with _at(world):
                _raise_some(world, practice, wanted)
                _answer_some(world)
                if turn in closing:
                    _close_somebody(world, practice)
            connections.close_all()
            _turn_of_the_worker(world)
            with _at(world):
                _look(world)
            connections.close_all()
    finally:
        _stop(world)
    return _table(world, BEGAN + turns * TURN)


def _people() -> Any:
    from clinic.access.models import Account
    from clinic.practice.models import MailAddress
    from clinic.record.models import Practice

    practice = Practice.objects.create(slug="p", name="P", zone="Europe/Berlin", settings={"on_call": ["director1"]})
    for role, many in STAFF.items():
        for number in range(many):
            account = Account.objects.create(username=f"{role}{number}", name=f"{role} {number}", role=role,
                                             practice=practice)  # fmt: skip
            address = f"{account.username}@clinic.invalid"
            MailAddress.objects.create(account=account, address=address, set_by="", set_at=BEGAN)
    return practice


@contextmanager
def _at(world: World) -> Iterator[None]:
    from clinic import clock

    with clock.supposed(world.clock):
        yield


def _disturb(world: World) -> None:
    """The clock is set back, or the worker goes away for a while."""
    if world.chance.random() < 1 / 240:
        world.behind += timedelta(minutes=world.chance.randint(3, 40))
        world.count("clock set back")
    if world.chance.random() < 1 / 180 and not world.away:
        world.away = world.chance.randint(2, 10)
        world.count("worker away for minutes")
        _stop(world)


def _raise_some(world: World, practice: Any, wanted: int) -> None:
    """As an act does it: in a transaction; where that fails its sender sees so and sends it again."""
    from django.db import DatabaseError, connection, transaction

    from clinic.actions.alerts import raise_alert

    for _ in range(wanted):
        kind = world.chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
        person = f"p{world.chance.randrange(400)}"
        about = f"{len(world.raised)}-{world.chance.getrandbits(40)}"
        while True:
            try:
                with transaction.atomic(), connection.execute_wrapper(_failing(world.chance, 0.004)):
                    made = raise_alert(practice, kind=kind, patient_id=person, about=about)
                break
            except DatabaseError:
                world.count("acts taken back and sent again")
        assert made.next_at is not None
        set_at = world.now + (made.next_at - world.clock)
        world.raised[made.pk] = Told(set_at=set_at, first=made.owner_id, answers=world.chance.random() < 0.4)


def _failing(chance: random.Random, share: float) -> Any:
    """Makes this share of the statements fail as a disk or a lock does."""
    from django.db import OperationalError

    def wrapper(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if chance.random() < share and not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            raise OperationalError("database is locked")
        return execute(sql, parameters, many, context)

    return wrapper


def _answer_some(world: World) -> None:
    """Those who answer do so in time, some before the clock and some in its last minute; a few forget to close.

    What has come to a second person is closed by whoever has it then, a quarter of an hour later.
    """
    from clinic.access.models import Account
    from clinic.actions.alerts import acknowledge, act
    from clinic.practice.models import Alert

    arrived = [n for n, t in world.raised.items() if not t.is_over and t.in_mail and world.now > t.in_mail + 15 * TURN]
    for alert in Alert.objects.filter(pk__in=arrived).select_related("owner__practice"):
        if (
            alert.owner is not None
            and alert.owner.is_active
            and act(alert.pk, "called and reached", by=alert.owner, closes=True)
        ):
            world.raised[alert.pk].is_over = True
    for number, told in world.raised.items():
        if not told.answers or told.answered or world.now < told.set_at - 2 * TURN or world.chance.random() < 0.3:
            continue
        alert = Alert.objects.select_related("owner__practice").get(pk=number)
        by = alert.owner
        if by is None or not Account.objects.filter(pk=by.pk, is_active=True).exists():
            continue
        told.answered = alert.level == 0 and acknowledge(number, by=by)
        if not told.answered:  # too late: somebody else has it
            told.answers = False
        elif world.chance.random() < 0.9:
            act(number, "called and reached", by=by, closes=True)


def _close_somebody(world: World, practice: Any) -> None:
    from clinic.access.models import Account

    rows = list(Account.objects.filter(practice=practice, is_active=True, role__in=("nurse", "prescriber")))
    chosen = world.chance.choice(rows)
    Account.objects.filter(pk=chosen.pk).update(is_active=False)
    world.count("accounts closed")


def _turn_of_the_worker(world: World) -> None:
    """One turn in its own process; one in seven is killed somewhere in the middle."""
    if world.away:
        world.away -= 1
        return
    if world.worker is None:
        world.worker = _start(world.chance.getrandbits(32))
    child, tell, hear = world.worker
    os.write(tell, f"{world.clock.timestamp()}\n".encode())
    if world.chance.random() < 1 / 7:
        time.sleep(world.chance.uniform(0, 0.04))
        os.kill(child, signal.SIGKILL)
        world.count("worker killed")
        _stop(world)
    else:
        os.read(hear, 1)


def _start(seed: int) -> tuple[int, int, int]:
    """A worker that reads on a pipe what time it is, does one turn, and says so."""
    commands, tell = os.pipe()
    hear, done = os.pipe()
    child = os.fork()
    if child:
        os.close(commands)
        os.close(done)
        return child, tell, hear
    os.close(tell)
    os.close(hear)
    try:
        _work(os.fdopen(commands), done, random.Random(seed))
    finally:
        os._exit(0)


def _work(commands: Any, done: int, chance: random.Random) -> None:
    from django.db import DatabaseError, connection

    from clinic import clock, jobs, pulse
    from clinic.actions.mail import deliver

    pulse._seen = None  # this process has just begun
    for line in commands:
        with clock.supposed(datetime.fromtimestamp(float(line), UTC)):
            try:
                with connection.execute_wrapper(_failing(chance, 0.002)):
                    jobs.look_after_alerts()
                    pulse.beat()
                    deliver()
            except (DatabaseError, OSError):
                pass  # the worker waits for its database and turns again
        os.write(done, b".")


def _stop(world: World) -> None:
    if world.worker is None:
        return
    child, tell, hear = world.worker
    os.close(tell)
    os.waitpid(child, 0)
    os.close(hear)
    world.worker = None


def _look(world: World) -> None:
    """What somebody outside could see now: the outgoing mail, and the second person's page."""
    from clinic.access.models import Account
    from clinic.practice.models import Alert, OutgoingMail
    from clinic.queries.alerts import Staff, rows_of, told_already

    waiting = {n: t for n, t in world.raised.items() if t.in_mail is None and world.now >= t.set_at - 5 * TURN}
    mails = OutgoingMail.objects.filter(step__alert__in=list(waiting), step__level__gte=1)
    for number, account in mails.values_list("step__alert_id", "account_id"):
        if account != waiting[number].first:
            waiting[number].in_mail = waiting[number].in_mail or world.now
    for number, told in waiting.items():
        if (
            told.in_mail is None
            and told.on_page is None
            and world.now >= told.set_at
            and not told.answered
            and not told.is_over
        ):
            alert = Alert.objects.select_related("practice").get(pk=number)
            staff = Staff(alert.practice, world.clock)
            second = next(iter(staff.told(alert, 1, told_already(alert))), None)
            if second is not None and rows_of([alert], Account.objects.get(pk=second.pk), world.clock)[0].is_mine:
                told.on_page = world.now


def _table(world: World, end: datetime) -> dict[str, Any]:
    everything = list(world.raised.values())
    due = [t for t in everything if not t.answered and t.set_at <= end - 20 * TURN]
    arrived = [min(filter(None, (t.in_mail, t.on_page)), default=None) for t in due]
    late = [a - t.set_at for a, t in zip(arrived, due, strict=True) if a is not None]
    mail = [t.in_mail - t.set_at for t in due if t.in_mail is not None]
    return {
        "raised": len(everything),
        "answered by the first person": sum(t.answered for t in everything),
        "not due within the day": len(everything) - len(due) - sum(t.answered for t in everything),
        "unanswered and due: have to reach the second person": len(due),
        "  seen in the outgoing mail or on the second's page": len(late),
        "  of these later than two turns of the worker": sum(time > SLACK for time in late),
        "  latest, minutes after the set time": round(max(late, default=timedelta()).total_seconds() / 60, 1),
        "  message in the outgoing mail": len(mail),
        "  latest of these, minutes after the set time": round(max(mail, default=timedelta()).total_seconds() / 60, 1),
        "dropped": sum(a is None for a in arrived),
        **world.failures,
    }


try:
    from django.core.mail.backends.base import BaseEmailBackend
except ImportError:  # pragma: no cover
    BaseEmailBackend = object


class RefusingMail(BaseEmailBackend):
    """A mail server that refuses every second message, and takes the others."""

    def send_messages(self, messages: Any) -> int:
        """Raises OSError for those that it refuses."""
        if random.random() < 0.5:
            raise ConnectionRefusedError("no mail server")
        return len(messages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
