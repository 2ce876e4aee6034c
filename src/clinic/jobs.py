"""What is done after an act, or when its time has come? The worker takes errands from the outbox, one at a time.

An errand is done once: it is locked while it is done, and marked in the same transaction as its effect.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, connection, transaction

from clinic import clock, pulse
from clinic.access import recovery
from clinic.access.verification import Verdict, verify
from clinic.actions import chain as chain_test
from clinic.actions import watches
from clinic.actions.alerts import move_back, raise_alert, sweep
from clinic.actions.commit import Stale
from clinic.actions.deliveries import take_in
from clinic.actions.forms import remind_of_forms
from clinic.actions.mail import deliver
from clinic.actions.session_miss import keep_miss
from clinic.actions.trials import Unfinished, play
from clinic.practice.models import Alert
from clinic.queries.alerts import KINDS
from clinic.queries.audit import VERIFICATION
from clinic.queries.patients import SIGN
from clinic.queries.person import chart, treated
from clinic.queries.response import beside, on_one_axis
from clinic.record.models import Errand, Notice, PatientLine, Practice
from ketapath.errors import KetapathError

LONGEST_WAIT = timedelta(hours=1)
DAILY = timedelta(days=1)
LEASE = timedelta(minutes=10)
HELD = timedelta(minutes=2)
"""For so long nobody else takes an errand that says again and again that it is being done."""
WATCH_S = 15.0
"""So often the open visits are looked at for readings that are overdue, in seconds of the wall's clock."""
MORNING = time(7, 0)
_log = logging.getLogger(__name__)
_is_behind = False


def work(stop: threading.Event, *, every_s: float = 1.0) -> None:
    """Do errands until told to stop."""
    while not stop.is_set():
        try:
            look_after_alerts()
            pulse.beat()
            set_morning_rounds()
            verify_when_due()
            while not stop.is_set() and do_next():
                pulse.beat()
                sweep()  # however many errands there are, no alert waits for them
            if taken := recovery.take_in():
                _log.warning("rows of the trail were taken in from the reserve", extra={"rows": taken})
            _watch_the_clock()
        except (DatabaseError, OSError):
            _log.exception("the worker waits for its database")
        finally:
            connection.close()
        stop.wait(every_s)


def write_out(stop: threading.Event, *, every_s: float = 1.0) -> None:
    """Send the outgoing mail until told to stop, beside `work`, so that a mail server that hangs holds up no alert."""
    while not stop.is_set():
        try:
            deliver()
        except (DatabaseError, OSError):
            _log.exception("the outgoing mail waits for the database")
        finally:
            connection.close()
        stop.wait(every_s)


def look_after_alerts() -> None:
    """Pass on what is past its time, before anything else; then see what else wants an answer, and test the chain."""
    back = pulse.went_back()
    if back > timedelta():
        _log.warning("the clock was set back", extra={"seconds": round(back.total_seconds())})
        move_back(back)
    sweep()
    is_time = pulse.is_time("sessions", WATCH_S)
    for practice in Practice.objects.all():
        chain_test.test_daily(practice)
        if is_time:
            watches.watch_sessions(practice)
            chain_test.say_so(practice)


def work_apart(stop: threading.Event, *, every_s: float = 1.0) -> None:
    """Do errands that take minutes until told to stop, beside `work`, so that no notice waits for one of them."""
    while not stop.is_set():
        try:
            while not stop.is_set() and do_next(apart=True, stop=stop):
                pass
        except (DatabaseError, OSError):
            _log.exception("simulated trials wait for the database")
        finally:
            connection.close()
        stop.wait(every_s)


def _watch_the_clock() -> None:
    """A line where the clock has been set back, once for as long as it stays so."""
    global _is_behind
    behind = pulse.behind()
    if behind > pulse.MOST_BEHIND and not _is_behind:
        _log.warning("the clock stands behind the record", extra={"seconds": round(behind.total_seconds())})
    _is_behind = behind > pulse.MOST_BEHIND


def do_next(*, apart: bool = False, stop: threading.Event | None = None) -> bool:
    """Do the errand that has been due longest, or of those that take minutes (`apart`); False where none is due.

    A long one is not done inside the transaction that takes it, or nobody could write meanwhile: it is put off by
    LEASE, so that no other worker takes it, and comes again by itself where this one dies over it.
    """
    with transaction.atomic():
        waiting = Errand.objects.filter(done_at=None, due_at__lte=clock.now())
        waiting = waiting.filter(kind__in=_APART) if apart else waiting.exclude(kind__in=_APART)
        if connection.vendor == "postgresql":
            waiting = waiting.select_for_update(skip_locked=True)
        errand = waiting.order_by("due_at", "id").first()
        if errand is None:
            return False
        errand.attempts += 1
        if errand.kind in _LONG:
            errand.due_at = clock.now() + (HELD if apart else LEASE)
            errand.save()
        else:
            _do(errand)
    if errand.kind in _LONG:
        _do(errand, stop)
    return True


def _do(errand: Errand, stop: threading.Event | None = None) -> None:
    try:
        if errand.kind in _LONG:
            _LONG[errand.kind](errand, stop)
        else:
            if errand.kind in _FIRST:  # stays done, whatever becomes of the rest
                with transaction.atomic():
                    _FIRST[errand.kind](errand)
            with transaction.atomic():
                _KINDS[errand.kind](errand)
        errand.done_at = clock.now()
        errand.problem = ""
    except Unfinished:  # the worker ends; whoever starts next takes it up at once
        errand.due_at = clock.now()
    except (DatabaseError, KeyError, ValueError) as problem:
        # Never given up: tried again after twice as long each time, an hour at most. No words of a record are kept.
        errand.problem = type(problem).__name__
        _log.warning("an errand failed", exc_info=True, extra={"errand": errand.pk, "attempts": errand.attempts})
        errand.due_at = clock.now() + min(LONGEST_WAIT, timedelta(seconds=2 ** min(errand.attempts, 20)))
    errand.save()


def set_morning_rounds() -> None:
    """One errand for each practice's next morning, at the clinic's own clock, summer time and all."""
    for practice in Practice.objects.all():
        if not Errand.objects.filter(practice=practice, kind="morning-round", done_at=None).exists():
            due = next_morning(clock.now(), practice.zone)
            Errand.objects.create(practice=practice, kind="morning-round", details={}, due_at=due)


def verify_when_due() -> Verdict | None:
    """Verify the whole trail once a day; the verdict is kept in its errand, and directors are told where it is broken.

    The trail is followed outside any transaction, since that takes seconds and SQLite has one writer.
    """
    now = clock.now()
    if Errand.objects.filter(kind=VERIFICATION, due_at__gt=now - DAILY).exclude(done_at=None).exists():
        return None
    practices = list(Practice.objects.order_by("id"))
    if not practices:
        return None
    verdict = verify()
    details = {**asdict(verdict), "at": verdict.at.isoformat(), "is_intact": verdict.is_intact}
    with transaction.atomic():
        Errand.objects.create(
            practice=practices[0], kind=VERIFICATION, details=details, due_at=now, done_at=clock.now()
        )
        for practice in practices if not verdict.is_intact else ():
            raise_alert(practice, kind="audit.broken")
    return verdict


def next_morning(now: datetime, zone: str) -> datetime:
    """The next instant at which the clock on the wall there shows the morning hour."""
    here = now.astimezone(ZoneInfo(zone))
    morning = datetime.combine(here.date(), MORNING, ZoneInfo(zone))
    if morning <= here:
        morning = datetime.combine(here.date() + timedelta(days=1), MORNING, ZoneInfo(zone))
    return morning


def _notice(errand: Errand) -> None:
    """An alert where the key is one that wants an answer; else a notice, which is only read."""
    details: Mapping[str, Any] = errand.details
    if details["key"] in KINDS:
        raise_alert(errand.practice, kind=details["key"], patient_id=details["patient_id"], owner_role=details["role"])
        return
    Notice.objects.create(
        practice=errand.practice,
        patient_id=details["patient_id"],
        role=details["role"],
        key=details["key"],
        made_at=errand.due_at,
    )


def _morning_round(errand: Errand) -> None:
    """What is overdue this morning, and one more errand for everybody under treatment, so that none takes long."""
    practice = errand.practice
    watches.look_at_house(practice)
    remind_of_forms(practice)
    under_treatment = PatientLine.objects.filter(
        practice=practice, sessions__gt=0, has_died=False, plan_status__in=("active", "on-hold")
    )
    Errand.objects.bulk_create(
        Errand(practice=practice, kind="checks", details={"patient_id": patient_id}, due_at=clock.now())
        for patient_id in under_treatment.values_list("patient_id", flat=True)
    )


def _checks(errand: Errand) -> None:
    """Laboratory and other checks that are due for one person, and authorisations that run out."""
    watches.look_at_checks(errand.practice, str(errand.details["patient_id"]))


def _answers(errand: Errand) -> None:
    """What the newest answers themselves call for, whether or not a course can be computed."""
    found = chart(errand.practice, str(errand.details["patient_id"]))
    if found is not None:
        watches.look_at_answers(found)


def _early_sign(errand: Errand) -> None:
    """Tell the prescribers, once for each sign, by its kind and scale: under treatment, and before a first session too.

    Raises ValueError where the course cannot be computed, so that the errand is kept and tried again.
    """
    patient_id = str(errand.details["patient_id"])
    found = chart(errand.practice, patient_id)
    if found is None or found.person is None or found.person.died:
        return
    try:
        course = on_one_axis(found, treated(found).course)
    except KetapathError as problem:
        raise ValueError(type(problem).__name__) from problem
    first = beside(found, course).first
    if course.warning is None or first is None:
        return
    since = datetime.combine(first + timedelta(days=int(course.warning.day)), time(0), ZoneInfo(errand.practice.zone))
    about = f"{course.warning.kind} {course.warning.scale}"
    told = Alert.objects.filter(practice=errand.practice, patient_id=patient_id, kind=SIGN, about=about)
    if not told.filter(raised_at__gte=since).exists():
        raise_alert(errand.practice, kind=SIGN, patient_id=patient_id, about=about)


def _session_miss(errand: Errand) -> None:
    """Raises ValueError where the record was written meanwhile, or the prediction fails, so that it is tried again."""
    said = {name: str(errand.details[name]) for name in ("patient_id", "visit_id", "username")}
    try:
        keep_miss(errand.practice, **said)
    except (Stale, KetapathError) as problem:
        raise ValueError(type(problem).__name__) from problem


_KINDS: Mapping[str, Callable[[Errand], None]] = MappingProxyType(
    {
        "notice": _notice,
        "morning-round": _morning_round,
        "early-sign": _early_sign,
        "checks": _checks,
        "session-miss": _session_miss,
    }
)

_FIRST: Mapping[str, Callable[[Errand], None]] = MappingProxyType({"early-sign": _answers})
"""What is done before the rest of an errand, in a transaction of its own."""


def _delivery(errand: Errand, _stop: threading.Event | None) -> None:
    """Raises ValueError where the record was written meanwhile, so that it is tried again."""
    try:
        take_in(int(errand.details["delivery"]))
    except Stale as problem:
        raise ValueError("Stale") from problem


def _trial(errand: Errand, stop: threading.Event | None) -> None:
    """Raises Unfinished where the worker is told to end meanwhile."""

    def goes_on() -> bool:
        Errand.objects.filter(pk=errand.pk).update(due_at=clock.now() + HELD)
        return stop is None or not stop.is_set()

    play(int(errand.details["trial"]), goes_on=goes_on)


_LONG: Mapping[str, Callable[[Errand, threading.Event | None], None]] = MappingProxyType(
    {"delivery": _delivery, "trial": _trial}
)
"""Errands that keep their own transactions and may be done twice without harm."""
_APART = frozenset({"trial"})
"""Errands that take minutes, and wait for each other alone."""
