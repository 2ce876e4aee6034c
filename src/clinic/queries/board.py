"""What may be seen of the people in session while a screen is locked? Initials, step and times: no name, no value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic import clock
from clinic.queries.person import chart
from clinic.queries.session import watched_minutes
from clinic.record.models import PatientLine
from clinic.record.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One visit that is going on. `since` is when the dose began, `seconds` how long ago that is."""

    initials: str
    step: str
    since: datetime | None
    seconds: int
    home_at: datetime | None


def seats(within: Reach, patient_id: str = "") -> list[Seat]:
    """The visits that are open, or this person's alone, in the order in which their doses began."""
    lines = within.people_of(PatientLine.objects.exclude(visit_open=""))
    if patient_id:
        lines = lines.filter(patient_id=patient_id)
    found = [_seat(within, line) for line in lines.order_by("id")]
    return sorted(found, key=lambda seat: -seat.seconds)


def _seat(within: Reach, line: PatientLine) -> Seat:
    found = chart(within, line.patient_id)
    visit = None if found is None else found.open_visit
    given = None if visit is None else visit.administration
    since = None if given is None else given.started_at
    plan = None if found is None else found.plan
    return Seat(
        initials="".join(f"{name[:1].upper()}." for name in (line.given, line.family) if name),
        step=line.visit_step,
        since=since,
        seconds=0 if since is None else max(0, int((clock.now() - since).total_seconds())),
        home_at=None if since is None else since + timedelta(minutes=watched_minutes(plan)),
    )
