"""What therapy stands around a dose? Hours that were held, what was agreed on touch, what a session was given besides.

That a dose and an hour of therapy together do better at one distance than at another is not known (PSY-003); a chain
says what stood where, not what it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from ketapath.domain.fact import Origin
from ketapath.domain.plan import PlannedVisit

HourKind = Literal["preparation", "integration", "psychotherapy"]
EXPOSURES = ("music", "light", "eye-mask", "touch", "support-person", "virtual-reality")
"""What is put on record as an exposure of a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of therapy as it was held. `therapist` is the printed name of who gave it, `username` the account.

    `has_certificate` says whether the clinic's register held a certificate for the modality on that day; `reason` why
    it was held without one. `visit_id` is the session that it belongs to, None where nobody named one. `alliance` is
    the person's own rating of working together, 0 to 10, None where it was not asked: a single question of ours, no
    validated scale.
    """

    origin: Origin
    kind: HourKind
    modality: str
    at: datetime
    minutes: int
    therapist: str
    username: str
    has_certificate: bool
    reason: str
    visit_id: str | None
    alliance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchAgreement:
    """What a person said at an instant about touch in sessions; `what` in their words, empty where they said no."""

    origin: Origin
    at: datetime
    is_agreed: bool
    what: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Something that a session was given besides the dose, from `at` on.

    `kind` is one of `EXPOSURES`, `title` says which music, who was there, or what was worn. `minutes` and `tolerance`
    (0 not borne at all to 10 borne easily, as the person says) are None where nobody asked. `event_id` is the event
    that says so, empty of what is not written yet.
    """

    kind: str
    title: str
    minutes: float | None
    tolerance: int | None
    at: datetime
    by: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One dose with the therapy around it; `visit_id` is None for a session that is still to come.

    `window` are the first and last day on which an hour counts as integration of this session, by convention; None
    where no rule names days. `outside` are hours of integration that belong to it and stand outside those days.
    """

    number: int
    on: date
    visit_id: str | None
    planned: tuple[PlannedVisit, ...]
    preparations: tuple[Hour, ...]
    integrations: tuple[Hour, ...]
    outside: tuple[Hour, ...]
    window: tuple[date, date] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """All doses of one person in order, with the therapy around each, and the hours that belong to none."""

    links: tuple[Link, ...]
    beside: tuple[Hour, ...]
    planned_beside: tuple[PlannedVisit, ...]
