"""What is there to do today? Visits that are open, sessions that are planned, scores that are overdue, notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from clinic import clock
from clinic.queries.person import clinic_now, knowledge_at
from clinic.record.models import Notice, PatientLine, Practice

URGENT = frozenset({"measurement.item9", "dose.more_than_ordered", "audit.broken"})
"""Notices that stand above everything else of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One person with a session that is due or was missed."""

    line: PatientLine
    on: date
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """One practice's day."""

    on: date
    open_now: tuple[PatientLine, ...]
    planned: tuple[Due, ...]
    missed: tuple[Due, ...]
    overdue: tuple[PatientLine, ...]
    urgent: tuple[tuple[Notice, PatientLine | None], ...]
    notices: tuple[tuple[Notice, PatientLine | None], ...]


def today(practice: Practice) -> Today:
    """The day as the record stands at this moment."""
    on = clock.today(practice.zone)
    lines = list(PatientLine.objects.filter(practice=practice).order_by("family", "given", "patient_id"))
    dues = [
        Due(line=line, on=date.fromisoformat(day), at=at)
        for line in lines
        if line.plan_status == "active" and not line.visit_open
        for day, at in line.planned
    ]
    people = {line.patient_id: line for line in lines}
    notices = Notice.objects.filter(practice=practice, seen_at=None).order_by("made_at", "id")
    return Today(
        on=on,
        open_now=tuple(line for line in lines if line.visit_open),
        planned=tuple(sorted((due for due in dues if due.on == on), key=lambda due: due.at)),
        missed=tuple(sorted((due for due in dues if due.on < on), key=lambda due: due.on)),
        overdue=tuple(overdue_scores(practice)),
        urgent=tuple((n, people.get(n.patient_id)) for n in notices if n.key in URGENT),
        notices=tuple((n, people.get(n.patient_id)) for n in notices if n.key not in URGENT),
    )


def overdue_scores(practice: Practice) -> list[PatientLine]:
    """People under treatment whose last score is older than the follow-up figure allows, longest first."""
    days = knowledge_at(clinic_now(practice)).figure("followup_phq9_days")
    limit = clock.today(practice.zone) - timedelta(days=days)
    treated = PatientLine.objects.filter(
        practice=practice, sessions__gt=0, has_died=False, plan_status__in=("active", "on-hold")
    )
    late = [line for line in treated if (line.last_score_on or line.last_session_on or date.min) < limit]
    return sorted(late, key=lambda line: (line.last_score_on or date.min, line.family))
