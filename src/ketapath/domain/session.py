"""What happened in one session? Vital signs and ratings at their minute, and the findings they give rise to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from ketapath.domain.evidence import Finding
from ketapath.domain.fact import Dose, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One observation in a session. `minute` counts from the start of dosing; `quantity` is a profile path."""

    minute: float
    quantity: str
    value: float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescreen:
    """What is asked anew before a dose: findings that speak, findings left open, and the paths nobody has stated."""

    spoken: tuple[Finding, ...]
    opened: tuple[Finding, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One treatment session of one person.

    `minute` is the minute of the session at which it is looked at, None where it is over and looked at afterwards.
    """

    on: date
    number: int
    dose: Dose
    readings: tuple[Reading, ...]
    minute: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """A dose as it is being given or was given. `dose_mg` is base; None until somebody has written what was given."""

    origin: Origin
    status: str
    product: str
    route: str
    dose_mg: float | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedReading:
    """One reading at its instant; `under_drug` where it was taken after dosing began."""

    origin: Origin
    at: datetime
    quantity: str
    value: float | bool
    under_drug: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit for a session, from arrival to going home, as the record holds it. `status` is FHIR's."""

    origin: Origin
    status: str
    opened_at: datetime
    closed_at: datetime | None
    plan_id: str | None
    administration: Administration | None
    readings: tuple[TimedReading, ...]

    @property
    def step(self) -> str:
        """Where the visit stands: arrived, dosing, watching or home."""
        if self.status == "finished":
            return "home"
        if self.administration is None:
            return "arrived"
        return "dosing" if self.administration.ended_at is None else "watching"

    @property
    def was_dosed(self) -> bool:
        """Whether a dose was begun here and not left ungiven."""
        return self.administration is not None and self.administration.status != "not-done"

    def session(self, number: int, *, now: datetime | None = None) -> Session | None:
        """The visit as the core's session, once dosing has begun; as it stands `now`, or as a whole."""
        given = self.administration
        if given is None or not self.was_dosed:
            return None
        minutes = None if given.ended_at is None else (given.ended_at - given.started_at).total_seconds() / 60
        return Session(
            on=given.started_at.date(),
            number=number,
            dose=Dose(
                on=given.started_at.date(),
                at=given.started_at.astimezone(UTC).replace(tzinfo=None),
                product=given.product,
                route=given.route,
                dose_mg=given.dose_mg,
                duration_min=minutes,
                origin=given.origin,
                stopped_early=given.status == "stopped",
            ),
            readings=tuple(
                Reading(minute=(r.at - given.started_at).total_seconds() / 60, quantity=r.quantity, value=r.value)
                for r in self.readings
            ),
            minute=None if now is None else (now - given.started_at).total_seconds() / 60,
        )
