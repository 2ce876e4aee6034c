"""The worker: errands once each, later if they fail, mornings by the clinic's own clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, OperationalError

from clinic import clock, jobs
from clinic.access.models import Account
from clinic.jobs import do_next, next_morning, set_morning_rounds
from clinic.practice.models import Alert
from clinic.record.models import Errand, Notice, PatientLine

Who = Callable[[str], Account]


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-11-25T06:59:00-05:00", "America/New_York", "2026-11-25T07:00:00-05:00"),
        ("2026-11-25T07:00:00-05:00", "America/New_York", "2026-11-26T07:00:00-05:00"),
        ("2026-03-07T12:00:00-05:00", "America/New_York", "2026-03-08T07:00:00-04:00"),  # the clocks go forward
        ("2026-10-24T12:00:00+02:00", "Europe/Berlin", "2026-10-25T07:00:00+01:00"),  # and back
        ("2026-11-25T20:00:00+00:00", "Asia/Kolkata", "2026-11-26T07:00:00+05:30"),
        ("2026-11-25T20:00:00+00:00", "Pacific/Auckland", "2026-11-27T07:00:00+13:00"),
    ],
)
def test_morning_is_when_the_clock_on_the_clinics_wall_says_so(now: str, zone: str, due: str) -> None:
    assert next_morning(datetime.fromisoformat(now), zone) == datetime.fromisoformat(due)


def test_each_practice_has_one_morning_round_ahead_however_often_it_is_set(account: Who) -> None:
    for _ in range(3):
        set_morning_rounds()
    assert Errand.objects.filter(kind="morning-round", done_at=None).count() == 2


def test_a_morning_round_tells_of_each_overdue_score_once(account: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    practice = account("nurse").practice
    later = clock.now() + timedelta(days=20)
    monkeypatch.setattr(clock, "now", lambda: later)
    for _ in range(2):
        Errand.objects.create(practice=practice, kind="morning-round", details={}, due_at=later)
        while do_next():
            pass
    told = Alert.objects.filter(practice=practice, kind="score.overdue", closed_at=None)
    treated = PatientLine.objects.filter(practice=practice, sessions__gt=0)
    assert {n.patient_id for n in told} == {line.patient_id for line in treated}
    assert told.count() == treated.count()


def test_an_errand_that_fails_is_kept_tried_later_and_holds_up_nobody(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice, now = account("nurse").practice, clock.now()
    broken = Errand.objects.create(practice=practice, kind="notice", details={}, due_at=now - timedelta(minutes=2))
    good = {"patient_id": "aneurysm", "role": "nurse", "key": "plan.signed"}
    Errand.objects.create(practice=practice, kind="notice", details=good, due_at=now - timedelta(minutes=1))
    while do_next():
        pass
    broken.refresh_from_db()
    assert (broken.done_at, broken.attempts, broken.problem) == (None, 1, "KeyError")
    assert broken.due_at > now
    assert Notice.objects.filter(patient_id="aneurysm").count() == 1


def test_what_an_errand_did_before_it_failed_is_taken_back(account: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(errand: Errand) -> None:
        Notice.objects.create(
            practice=errand.practice, patient_id="x", role="nurse", key="plan.signed", made_at=clock.now()
        )
        raise DatabaseError("disk full")

    monkeypatch.setattr(jobs, "_KINDS", {"notice": half})
    Errand.objects.create(practice=account("nurse").practice, kind="notice", details={}, due_at=clock.now())
    assert do_next()
    assert not Notice.objects.filter(patient_id="x").exists()


def test_nothing_is_done_before_its_time(account: Who) -> None:
    later = clock.now() + timedelta(hours=1)
    Errand.objects.create(practice=account("nurse").practice, kind="notice", details={}, due_at=later)
    assert not do_next()


def test_the_clinics_day_is_its_own_and_a_supposed_instant_ends_with_its_block() -> None:
    before = clock.now()
    with clock.supposed(datetime(2026, 11, 25, 2, 0, tzinfo=UTC)):
        assert str(clock.today("America/New_York")) == "2026-11-24"
        assert str(clock.today("Asia/Tokyo")) == "2026-11-25"
    assert timedelta() <= clock.now() - before < timedelta(seconds=5)


def test_an_errand_is_never_given_up_and_never_waits_longer_than_an_hour(account: Who) -> None:
    broken = Errand.objects.create(
        practice=account("nurse").practice, kind="notice", details={}, due_at=clock.now(), attempts=400
    )
    assert do_next()
    broken.refresh_from_db()
    assert broken.done_at is None
    assert timedelta(minutes=59) < broken.due_at - clock.now() < timedelta(minutes=61)


def test_the_worker_outlives_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    stop = threading.Event()

    def fails() -> None:
        looks.append(1)
        if len(looks) == 3:
            stop.set()
        raise OperationalError("the database is away")

    monkeypatch.setattr(jobs, "connection", SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(jobs, "look_after_alerts", fails)
    jobs.work(stop, every_s=0.01)
    assert len(looks) == 3
