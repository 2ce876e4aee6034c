"""What is there to do today? Visits that are open, sessions that are planned, scores that are overdue, notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import may, reach
from clinic.queries.person import clinic_now, knowledge_at
from clinic.record.models import Notice, PatientLine
from clinic.record.reach import Reach

EMERGENCY = "access.emergency"
"""The key of a notice that somebody has opened a chart in an emergency."""
URGENT = frozenset({"measurement.item9", "dose.more_than_ordered", EMERGENCY, "audit.broken"})
"""Notices that stand above everything else of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One person with a session that is due or was missed."""

    line: PatientLine
    on: date
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The day of one practice, as far as somebody reaches."""

    on: date
    open_now: tuple[PatientLine, ...]
    planned: tuple[Due, ...]
    missed: tuple[Due, ...]
    overdue: tuple[PatientLine, ...]
    urgent: tuple[tuple[Notice, PatientLine | None], ...]
    notices: tuple[tuple[Notice, PatientLine | None], ...]


def today(account: Account) -> Today:
    """The day as the record stands at this moment, for this account."""
    within = reach(account, "see-today")
    on = clock.today(within.practice.zone)
    concerned = Q(plan_status="active") | ~Q(visit_open="") | Q(patient_id__in=unseen(account).values("patient_id"))
    lines = list(within.people_of(PatientLine.objects.filter(concerned)).order_by("family", "given", "patient_id"))
    dues = [
        Due(line=line, on=date.fromisoformat(day), at=at)
        for line in lines
        if line.plan_status == "active" and not line.visit_open
        for day, at in line.planned
    ]
    people = {line.patient_id: line for line in lines}
    notices = unseen(account).order_by("made_at", "id")
    return Today(
        on=on,
        open_now=tuple(line for line in lines if line.visit_open),
        planned=tuple(sorted((due for due in dues if due.on == on), key=lambda due: due.at)),
        missed=tuple(sorted((due for due in dues if due.on < on), key=lambda due: due.on)),
        overdue=tuple(overdue_scores(within)),
        urgent=tuple((n, people.get(n.patient_id)) for n in notices if n.key in URGENT),
        notices=tuple((n, people.get(n.patient_id)) for n in notices if n.key not in URGENT),
    )


def unseen(account: Account) -> QuerySet[Notice]:
    """The notices that nobody has seen, of people whom this account reaches; and the emergencies it has to review."""
    waiting = Notice.objects.filter(practice=account.practice, seen_at=None)
    found = reach(account, "see-notice").people_of(waiting)
    return found | waiting.filter(key=EMERGENCY, role=account.role) if may(account, "review-emergency") else found


def overdue_scores(within: Reach) -> list[PatientLine]:
    """People under treatment whose last score is older than the follow-up figure allows, longest first."""
    days = knowledge_at(clinic_now(within.practice)).figure("followup_phq9_days")
    limit = clock.today(within.practice.zone) - timedelta(days=days)
    treated = within.people_of(
        PatientLine.objects.filter(sessions__gt=0, has_died=False, plan_status__in=("active", "on-hold"))
    )
    late = [line for line in treated if (line.last_score_on or line.last_session_on or date.min) < limit]
    return sorted(late, key=lambda line: (line.last_score_on or date.min, line.family))
