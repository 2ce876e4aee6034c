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
from clinic.record.models import Booking, Notice, PatientLine, Practice
from clinic.record.reach import Reach
from ketapath.domain.schedule import STANDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One person with a session that is due or was missed."""

    line: PatientLine
    on: date
    at: str


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
    waiting = PatientLine.objects.filter(next_on__lte=on, plan_status="active", visit_open="")
    dues = [
        Due(line=line, on=date.fromisoformat(day), at=at)
        for line in within.people_of(waiting).order_by("family", "given", "patient_id")
        for day, at in line.planned
    ]
    own_first = Case(When(role=account.role, then=0), default=1)
    unread = unseen(account).order_by(own_first, "made_at", "id")
    notices = list(unread[start : start + AT_ONCE])
    named = PatientLine.objects.filter(patient_id__in={notice.patient_id for notice in notices})
    people = {line.patient_id: line for line in within.people_of(named)}
    absent = absent_on(on, within.practice)
    urgent: list[Row] = []
    alerts: list[Row] = []
    for row in sorted(waiting_rows(account), key=lambda row: not row.is_mine):
        (urgent if row.urgency in ("now", "session") else alerts).append(row)
    return Today(
        on=on,
        board=board(account),
        planned=tuple(sorted((due for due in dues if _is_due(due, on, absent)), key=lambda due: due.at)),
        missed=tuple(sorted((due for due in dues if _is_missed(due, on, absent)), key=lambda due: due.on)),
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


def _is_due(due: Due, on: date, absent: frozenset[str]) -> bool:
    return due.on == on and due.line.patient_id not in absent


def _is_missed(due: Due, on: date, absent: frozenset[str]) -> bool:
    return due.on < on or (due.on == on and due.line.patient_id in absent)


def absent_on(on: date, practice: Practice) -> frozenset[str]:
    """Whose session of this day was cancelled, or who did not come to it, and has no other on it."""
    begin, end = day_span(on, practice.zone)
    rows = Booking.objects.filter(practice=practice, kind="session", starts_at__gte=begin, starts_at__lt=end)
    states = list(rows.values_list("patient_id", "status"))
    return frozenset(p for p, status in states if status in ("noshow", "cancelled")) - {
        p for p, s in states if s in STANDING
    }


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
