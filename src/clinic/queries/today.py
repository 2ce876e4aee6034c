"""What is there to do today? Visits that are open, sessions that are planned, overdue scores, alerts, notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Case, QuerySet, When

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.queries.alerts import Row, waiting_rows
from clinic.queries.board import Board, board
from clinic.queries.forms import overdue_forms
from clinic.queries.person import clinic_now, knowledge_at
from clinic.queries.schedule import day_span
from clinic.record.models import Booking, Notice, PatientLine
from clinic.record.reach import Reach
from ketapath.domain.schedule import STANDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One person with a session that is due or was missed; `at` is the booked clock time, else the planned one.

    `state` is that of the booking as FHIR calls it, "" where nothing is booked.
    """

    line: PatientLine
    on: date
    at: str
    state: str = ""

    @property
    def is_off(self) -> bool:
        """Whether it was cancelled, or the person did not come: no visit is opened for it."""
        return self.state in ("cancelled", "noshow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The day of one practice, as far as somebody reaches. `urgent` are alerts that want an answer now.

    Of alerts and notices stand here as many as one looks through, the most urgent and the oldest; `waiting` says how
    many there are in all: "urgent", "alerts", "notices".
    """

    on: date
    board: Board
    planned: tuple[Due, ...]
    missed: tuple[Due, ...]
    overdue: tuple[PatientLine, ...]
    overdue_forms: int
    urgent: tuple[Row, ...]
    alerts: tuple[Row, ...]
    notices: tuple[tuple[Notice, PatientLine | None], ...]
    waiting: Mapping[str, int]


AT_ONCE = 12
"""Alerts, and notices, on the page: what somebody reads standing; the rest is a page away."""


def today(account: Account, *, start: int = 0) -> Today:
    """The day as the record stands at this moment, for this account; its notices from this place on."""
    within = reach(account, "see-today")
    on = clock.today(within.practice.zone)
    dues = _dues(within, on)
    own_first = Case(When(role=account.role, then=0), default=1)
    unread = unseen(account).order_by(own_first, "made_at", "id")
    notices = list(unread[start : start + AT_ONCE])
    named = PatientLine.objects.filter(patient_id__in={notice.patient_id for notice in notices})
    people = {line.patient_id: line for line in within.people_of(named)}
    urgent: list[Row] = []
    alerts: list[Row] = []
    for row in sorted(waiting_rows(account), key=lambda row: not row.is_mine):
        (urgent if row.urgency in ("now", "session") else alerts).append(row)
    return Today(
        on=on,
        board=board(account),
        planned=tuple(sorted((due for due in dues if due.on == on and not due.is_off), key=lambda due: due.at)),
        missed=tuple(
            sorted(
                (due for due in dues if due.on < on or (due.on == on and due.is_off)), key=lambda due: (due.on, due.at)
            )
        ),
        overdue=tuple(overdue_scores(within)),
        overdue_forms=overdue_forms(reach(account, "see-forms")),
        urgent=tuple(urgent[:AT_ONCE]),
        alerts=tuple(alerts[: max(0, AT_ONCE - len(urgent))]),
        notices=tuple((n, people.get(n.patient_id)) for n in notices),
        waiting={
            "urgent": len(urgent),
            "alerts": len(alerts),
            "notices": unread.count() if start or len(notices) == AT_ONCE else len(notices),
        },
    )


def _dues(within: Reach, on: date) -> list[Due]:
    """The sessions up to this day that were not given, one a person and day, as they are booked."""
    waiting = PatientLine.objects.filter(next_on__lte=on, plan_status="active", visit_open="")
    lines = list(within.people_of(waiting).order_by("family", "given", "patient_id"))
    zone, known = within.practice.zone, [line.patient_id for line in lines]
    rows = Booking.objects.filter(practice=within.practice, kind="session", patient_id__in=known)
    held: dict[tuple[str, date], Booking] = {}
    for row in rows.filter(starts_at__lt=day_span(on, zone)[1]).order_by("starts_at"):
        for day in {clock.local(row.starts_at, zone).date(), row.planned_on or date.max}:
            before = held.get((row.patient_id, day))
            if before is None or row.status in STANDING or before.status not in STANDING:
                held[row.patient_id, day] = row
    dues: dict[tuple[str, date], Due] = {}
    for line in lines:
        for said, at in line.planned:
            day = date.fromisoformat(said)
            booked = held.get((line.patient_id, day))
            if booked is not None:
                at = f"{clock.local(booked.starts_at, zone):%H:%M}"
            dues[line.patient_id, day] = Due(line=line, on=day, at=at, state="" if booked is None else booked.status)
    return list(dues.values())


def unseen(account: Account) -> QuerySet[Notice]:
    """The notices that nobody has seen, of people whom this account reaches."""
    waiting = Notice.objects.filter(practice=account.practice, seen_at=None)
    return reach(account, "see-notice").people_of(waiting)


def overdue_scores(within: Reach) -> list[PatientLine]:
    """People under treatment whose last score is older than the follow-up figure allows, longest first."""
    days = knowledge_at(clinic_now(within.practice)).figure("followup_phq9_days")
    limit = clock.today(within.practice.zone) - timedelta(days=days)
    treated = within.people_of(
        PatientLine.objects.filter(sessions__gt=0, has_died=False, plan_status__in=("active", "on-hold"))
    )
    late = [line for line in treated if (line.last_score_on or line.last_session_on or date.min) < limit]
    return sorted(late, key=lambda line: (line.last_score_on or date.min, line.family))
