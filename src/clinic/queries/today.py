"""What is there to do today? Visits that are open, sessions that are planned, scores that are overdue, notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from clinic import clock
from clinic.record.models import Notice, PatientLine, Practice
from clinic.record.projections import knowledge

URGENT = frozenset({"measurement.item9", "dose.more_than_ordered"})
"""Notices that stand above everything else of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """One practice's day."""

    on: date
    open_now: tuple[PatientLine, ...]
    planned: tuple[PatientLine, ...]
    missed: tuple[PatientLine, ...]
    overdue: tuple[PatientLine, ...]
    urgent: tuple[tuple[Notice, PatientLine | None], ...]
    notices: tuple[tuple[Notice, PatientLine | None], ...]


def today(practice: Practice) -> Today:
    """The day as the record stands at this moment."""
    on = clock.today(practice.zone)
    lines = PatientLine.objects.filter(practice=practice)
    ahead = lines.filter(visit_open="", plan_status="active")
    people = {line.patient_id: line for line in lines}
    notices = Notice.objects.filter(practice=practice, seen_at=None).order_by("made_at", "id")
    return Today(
        on=on,
        open_now=tuple(lines.exclude(visit_open="").order_by("family")),
        planned=tuple(ahead.filter(next_session_on=on).order_by("next_session_at", "family")),
        missed=tuple(ahead.filter(next_session_on__lt=on).order_by("next_session_on", "family")),
        overdue=tuple(overdue_scores(practice)),
        urgent=tuple((n, people.get(n.patient_id)) for n in notices if n.key in URGENT),
        notices=tuple((n, people.get(n.patient_id)) for n in notices if n.key not in URGENT),
    )


def overdue_scores(practice: Practice) -> list[PatientLine]:
    """People under treatment whose last score is older than the follow-up figure allows, longest first."""
    days = knowledge().figure("followup_phq9_days")
    limit = clock.today(practice.zone) - timedelta(days=days)
    treated = PatientLine.objects.filter(practice=practice, sessions__gt=0, has_died=False)
    late = [line for line in treated if (line.last_score_on or line.last_session_on or date.min) < limit]
    return sorted(late, key=lambda line: (line.last_score_on or date.min, line.family))
