"""What happened in one session? Vital signs and ratings at their minute, and the findings they give rise to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Literal

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
    `devices` are the minutes at which devices of the spray were given, in order.
    """

    on: date
    number: int
    dose: Dose
    readings: tuple[Reading, ...]
    minute: float | None = None
    devices: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One thing that has to be so before any dose. `may_override`: a prescriber may, with a reason; else nobody may."""

    state: Literal["met", "not met", "open", "not needed"]
    finding: Finding
    may_override: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """How far the readings of one quantity were from what was expected, over one session.

    `mean` is observed less expected (the median), in `unit`; `standardised` the same in standard deviations of one
    reading; `outside` counts the readings outside the band of 90 in 100.
    """

    quantity: str
    unit: str
    readings: int
    mean: float
    standardised: float
    outside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One reading of a visit that is awaited. `due_at` is None before the dose, when there is no clock yet.

    `path` is the profile path that settles it ("" for the next device of the spray, which is no reading), `rule_id` the
    rule that the interval comes from, `last_at` when it was last read in this visit.
    """

    what: str
    path: str
    rule_id: str
    due_at: datetime | None
    last_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What is done when one limit speaks: (step, who, words of what to do), in order. `approval` is a rule's id.

    Of one visit: `since` when the limit was reached last, `until` when it was over, `taken` the steps taken since then,
    by step, and `not_needed` where somebody has said why the rest is not needed.
    """

    rule_id: str
    approval: str
    steps: tuple[tuple[str, str, str], ...]
    since: datetime | None = None
    until: datetime | None = None
    taken: Mapping[str, Event] = field(default_factory=dict)
    not_needed: Event | None = None

    @property
    def is_done(self) -> bool:
        """Whether each step was taken, or somebody has said why not."""
        return self.not_needed is not None or all(name in self.taken for name, _who, _do in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point that stands against going home: what was answered or read, and by which rules (title, id) it counts.

    `value` is shown with its unit; None where nobody has said it yet.
    """

    path: str
    label: str
    value: str | None
    rules: tuple[tuple[str, str], ...]


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


EVENTS: tuple[str, ...] = (
    "consent-confirmed", "re-screened", "order-checked", "rate", "pause", "resume", "stop", "device", "device-refused",
    "given", "limit", "limit-over", "escalated", "steps-not-needed", "escort", "advice-given", "discharge-ready",
    "discharge-overridden", "discharge-reopened", "exposure", "note",
)  # fmt: skip
"""What an event of a visit may be."""


POINTS = "points="
"""How the first word of an overridden checklist begins; after it the names of the points, with commas between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One timed fact of a visit that is no reading: who said when that what happened.

    `value` is in `unit`: mL/h or mg/h of a rate, mg (base) of a device, minutes of an exposure; for an order check it
    is how many different people have to check. `words` name what a check was of (the version of the order that was
    read, and the concentration where there is one), the rule of a limit, a step, a place. The first word of an
    overridden checklist names the points that were signed for (`POINTS`).
    """

    origin: Origin
    at: datetime
    kind: str
    value: float | None
    unit: str | None
    words: str
    by: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit for a session, from arrival to going home, as the record holds it. `status` is FHIR's.

    `room` is the code of a room of the clinic, "" where none is named; `events` stand oldest first.
    """

    origin: Origin
    status: str
    opened_at: datetime
    closed_at: datetime | None
    plan_id: str | None
    administration: Administration | None
    readings: tuple[TimedReading, ...]
    room: str = ""
    appointment_id: str | None = None
    events: tuple[Event, ...] = ()
    misses: tuple[Miss, ...] = ()

    @property
    def step(self) -> str:
        """Where the visit stands: arrived, re-screen, ready, dosing, observing, leaving or home.

        From `re-screen` on the consent is confirmed, from `ready` on the order is checked, and `leaving` is who may go:
        the checklist was passed or overridden, and not opened again since.
        """
        if self.status == "finished":
            return "home"
        given = self.administration
        if given is not None and given.ended_at is None:
            return "dosing"
        if given is not None:
            passed = max((e.at for e in self.said("discharge-ready", "discharge-overridden")), default=None)
            again = max((e.at for e in self.said("discharge-reopened")), default=None)
            return "leaving" if passed is not None and (again is None or again < passed) else "observing"
        if not self.said("consent-confirmed"):
            return "arrived"
        return "ready" if self.said("re-screened") and self.is_checked else "re-screen"

    @property
    def is_before_dose(self) -> bool:
        """Whether the person is here and no dose was begun yet."""
        return self.step in ("arrived", "re-screen", "ready")

    @property
    def is_after_dose(self) -> bool:
        """Whether the dose has ended and the person is still here."""
        return self.step in ("observing", "leaving")

    def said(self, *kinds: str) -> tuple[Event, ...]:
        """The events of these kinds, oldest first."""
        return tuple(event for event in self.events if event.kind in kinds)

    def until(self, at: datetime) -> Visit:
        """The visit as it stood at this instant, had everything that is known of it been known then."""
        given = self.administration
        if given is not None and given.ended_at is not None and given.ended_at > at:
            given = replace(given, ended_at=None)
        return replace(
            self,
            administration=given,
            readings=tuple(r for r in self.readings if r.at <= at),
            events=tuple(e for e in self.events if e.at <= at),
        )

    @property
    def checks(self) -> tuple[Event, ...]:
        """The checks that agree with the newest, one of each person.

        Those before the last that differs are stale, be it of another order or of another concentration.
        """
        said = self.said("order-checked")
        standing: dict[str, Event] = {}
        for event in reversed(said):
            if event.words != said[-1].words:
                break
            standing.setdefault(event.username, event)
        return tuple(event for event in said if standing.get(event.username) is event)

    @property
    def is_checked(self) -> bool:
        """Whether as many different people have checked the order as the clinic asks for."""
        checks = self.checks
        return bool(checks) and len(checks) >= max(e.value or 2 for e in checks)

    @property
    def was_dosed(self) -> bool:
        """Whether a dose was begun here and not left ungiven."""
        return self.administration is not None and self.administration.status != "not-done"

    @property
    def concentration_mg_per_ml(self) -> float | None:
        """What the standing checks say is in the syringe or bag; None where they name none."""
        checks = self.checks
        words = checks[-1].words.split(" ") if checks else []
        return float(words[1]) if len(words) == 3 and words[2] == "mg/mL" else None

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
            devices=tuple((e.at - given.started_at).total_seconds() / 60 for e in self.said("device")),
        )


def number_of(visit: Visit, doses: Iterable[Dose]) -> int:
    """Which session of the person this visit is, the first being 1; doses that were given elsewhere count too."""
    given = None if visit.administration is None else visit.administration.origin.id
    opened = visit.opened_at.astimezone(UTC).replace(tzinfo=None)
    earlier = (d for d in doses if d.origin.id != given)
    return 1 + sum(d.at < opened if d.at is not None else d.on < visit.opened_at.date() for d in earlier)
