"""What is there to do today? Visits that are open, sessions that are planned, overdue scores, alerts, notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.queries.alerts import Row, inbox
from clinic.queries.person import clinic_now, knowledge_at
from clinic.record.models import Notice, PatientLine
from clinic.record.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One person with a session that is due or was missed."""

    line: PatientLine
    on: date
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The day of one practice, as far as somebody reaches. `urgent` are alerts that want an answer now."""

    on: date
    open_now: tuple[PatientLine, ...]
    planned: tuple[Due, ...]
    missed: tuple[Due, ...]
    overdue: tuple[PatientLine, ...]
    urgent: tuple[Row, ...]
    alerts: tuple[Row, ...]
    notices: tuple[tuple[Notice, PatientLine | None], ...]


def today(account: Account) -> Today:
    """The day as the record stands at this moment, for this account."""
    within = reach(account, "see-today")
    on = clock.today(within.practice.zone)
    lines = list(within.people_of(PatientLine.objects.all()).order_by("family", "given", "patient_id"))
    dues = [
        Due(line=line, on=date.fromisoformat(day), at=at)
        for line in lines
        if line.plan_status == "active" and not line.visit_open
        for day, at in line.planned
    ]
    people = {line.patient_id: line for line in lines}
    notices = unseen(account).order_by("made_at", "id")
    box = inbox(account)
    waiting = (*box.mine, *box.others)
    return Today(
        on=on,
        open_now=tuple(line for line in lines if line.visit_open),
        planned=tuple(sorted((due for due in dues if due.on == on), key=lambda due: due.at)),
        missed=tuple(sorted((due for due in dues if due.on < on), key=lambda due: due.on)),
        overdue=tuple(overdue_scores(within)),
        urgent=tuple(row for row in waiting if row.urgency in ("now", "session")),
        alerts=tuple(row for row in waiting if row.urgency not in ("now", "session")),
        notices=tuple((n, people.get(n.patient_id)) for n in notices),
    )


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
