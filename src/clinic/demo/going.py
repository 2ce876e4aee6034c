"""The demonstration's day goes on by itself: people arrive, are dosed, watched and go home, and alerts are answered.

What comes next for somebody is asked of the record, so that a visitor may take any step before it comes by itself. What
is refused is left to the visitor for a while. The day ends when nothing more comes; whoever is in the house at midnight
goes home in the hours after it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import DatabaseError, connection

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.actions.alerts import acknowledge, act
from clinic.actions.commit import NotAllowed, Stale
from clinic.actions.session import NotNow, close_session
from clinic.demo.day import guests
from clinic.demo.sitting import Guest, Sitting
from clinic.practice.models import Alert
from clinic.queries.schedule import day_span
from clinic.record.models import Booking, Practice
from ketapath.errors import BadInput

EVERY_S = 1.0
"""How long the wall's clock goes on between two looks at what has its time."""
_LEFT_ALONE = timedelta(minutes=10)
_GIVES_UP = timedelta(minutes=60)
"""So long somebody waits whose dose is refused before going home without one."""
_AFTER_MIDNIGHT = timedelta(hours=4)
"""So long after the day a session may last that began before its end."""
_ANSWERED_AFTER, _CLOSED_AFTER = timedelta(minutes=2), timedelta(minutes=6)
_ANSWERS = {
    "session.reading_overdue": "Went in and took it: calm, pressure as before.",
    "measurement.item9": "Talked it through: no plan, no intent; knows the crisis line.",
}
"""Kinds that are answered by themselves, with what is done about them; all else waits for the visitor."""
_REFUSED = (BadInput, NotNow, NotAllowed, Refused, Stale)
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Going:
    """The rest of one day at one practice of the demonstration."""

    practice: Practice
    on: date
    since: datetime
    staff: Mapping[str, Account]
    left: dict[str, datetime] = field(default_factory=dict)
    known: Mapping[str, Guest] = field(default_factory=guests)

    @classmethod
    def begin(cls, practice: Practice) -> Going:
        """From this moment on."""
        assert practice.is_demo
        staff = {account.username: account for account in Account.objects.filter(practice=practice, is_active=True)}
        return cls(practice=practice, on=clock.today(practice.zone), since=clock.now(), staff=staff)

    def turn(self) -> bool:
        """Everything that has its time by now; False where nothing more comes today."""
        self._answer()
        while True:
            coming = [(step[0], sitting, step[1]) for sitting in self._sittings() if (step := sitting.next())]
            ready = [one for one in coming if one[0] <= clock.now() and self._may_go_on(one[1])]
            if not ready:
                return bool(coming) and clock.now() < day_span(self.on, self.practice.zone)[1] + _AFTER_MIDNIGHT
            _at, sitting, what = min(ready, key=lambda one: one[0])
            self._do(sitting, what)

    def _sittings(self) -> list[Sitting]:
        begin, end = day_span(self.on, self.practice.zone)
        rows = Booking.objects.filter(practice=self.practice, kind="session", starts_at__gte=begin, starts_at__lt=end)
        names = dict.fromkeys(rows.order_by("starts_at", "id").values_list("patient_id", flat=True))
        people = [self.known.get(name, Guest(identity=name)) for name in names]
        return [Sitting(practice=self.practice, staff=self.staff, guest=one, on=self.on) for one in people]

    def _may_go_on(self, sitting: Sitting) -> bool:
        until = self.left.get(sitting.guest.identity)
        return until is None or until <= clock.now()

    def _do(self, sitting: Sitting, what: Callable[[], object]) -> None:
        name = sitting.guest.identity
        try:
            what()
        except _REFUSED as refusal:
            self.left[name] = clock.now() + _LEFT_ALONE
            _log.info("a step of the demonstration is left to the visitor", extra={"why": type(refusal).__name__})
            if isinstance(refusal, NotNow):
                self._send_home(sitting)

    def _send_home(self, sitting: Sitting) -> None:
        """Whoever may not be dosed today goes home without one, after a while."""
        found = sitting.look()
        visit = found.open_visit
        if visit is not None and visit.is_before_dose and clock.now() - visit.opened_at >= _GIVES_UP:
            reason = "No dose today: what stood against it did not pass."
            close_session(found, by=sitting.prescriber(found), key="", reason=reason)

    def _answer(self) -> None:
        """Whoever an alert of today is for takes it up after some minutes, and closes it after some more."""
        rows = Alert.objects.filter(
            practice=self.practice, kind__in=_ANSWERS, closed_at=None, raised_at__gte=self.since
        )
        for alert in rows.exclude(owner=None).select_related("owner"):
            by, age = alert.owner, clock.now() - alert.raised_at
            assert by is not None
            if age >= _CLOSED_AFTER:
                act(alert.pk, _ANSWERS[alert.kind], by=by, closes=True)
            elif age >= _ANSWERED_AFTER:
                acknowledge(alert.pk, by=by)


def go_on(stop: threading.Event) -> None:
    """Let the first practice's day go on until it is over or told to stop; then the clock goes at the wall's pace."""
    going = Going.begin(Practice.objects.filter(is_demo=True).order_by("id")[0])
    is_over = False
    while not is_over and not stop.wait(EVERY_S):
        try:
            is_over = not going.turn()
        except (DatabaseError, OSError):
            _log.exception("the demonstration's day waits for the database")
        finally:
            connection.close()
    if is_over:
        clock.run_at(1.0)
        print("\nThe day at the demonstration clinic is over: nobody else comes today. The clock goes on as the wall's;"
              " an empty DATA_DIR begins another day.", flush=True)  # fmt: skip
