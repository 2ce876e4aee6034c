"""What has this person been given so far, and what is due? The ledger of doses, checks of organs, dated assessments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from ketapath.domain.evidence import FactUsed, Finding, RuleRef, Text
from ketapath.domain.fact import Uncounted

Organ = Literal["bladder", "liver", "cognition", "pressure", "dependence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAssessment:
    """Something to measure or ask, the day it falls due, and the rule that asks for it."""

    what: Text
    due: date
    overdue: bool
    rule: RuleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDose:
    """One dose of the record, milligrams of base. `mg` is None where nobody wrote what was given.

    `weight_kg` is the last weighing on or before the day of the dose, as long as a weighing may be relied on.
    """

    on: date
    product: str
    route: str
    mg: float | None
    weight_kg: float | None
    source: str

    @property
    def mg_per_kg(self) -> float | None:
        """Milligrams of base by body weight; None where either is not known."""
        return None if self.mg is None or self.weight_kg is None else self.mg / self.weight_kg


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureWindow:
    """What was given of one product in the last `days` days, today included; None is all that is on record.

    `since` is the first day that counts. `mg` (base) and `mg_per_kg` are sums of what is known: `without_mg` doses have
    no milligrams on record, `without_weight` more have no weight of their day, and `uncounted` statements that may fall
    into these days are in neither, so both sums are "at least".
    `mg_per_kg` is None where no dose has one. `sessions` are days with a dose.
    """

    product: str
    routes: tuple[str, ...]
    days: int | None
    since: date
    sessions: int
    mg: float
    mg_per_kg: float | None
    without_mg: int
    without_weight: int
    uncounted: int = 0

    @property
    def is_least(self) -> bool:
        """Whether more milligrams may have been given than the sum says."""
        return self.without_mg > 0 or self.uncounted > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimit:
    """How many sessions, of every product, fall into the last `days` days, and how many the policy plans at most.

    `sessions_at_most` counts what may have been a session too; None where nobody can say how many those were.
    """

    days: int
    sessions: int
    sessions_at_most: int | None
    most: float
    rule: RuleRef

    @property
    def is_reached(self) -> bool | None:
        """Whether another session today would be more than the policy plans; None where what is uncounted decides."""
        if self.sessions >= self.most:
            return True
        return False if self.sessions_at_most is not None and self.sessions_at_most < self.most else None

    @property
    def is_least(self) -> bool:
        """Whether there may have been more sessions than are counted."""
        return self.sessions_at_most != self.sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A rule that speaks of one organ: whether it holds (None: nobody knows), and what it says."""

    is_crossed: bool | None
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganCheck:
    """When one organ was last looked at, when it is due again by which rule, and where action begins.

    `found` is what the last look stated, empty where there is none on record. `due` is None where the rule names no
    interval, or asks nothing of somebody who was given only this (`asked` False). `why` says which of these it is.
    """

    organ: Organ
    rule: RuleRef
    asked: bool
    found: tuple[FactUsed, ...]
    last_on: date | None
    due: date | None
    overdue: bool
    why: Text
    thresholds: tuple[Threshold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPressure:
    """Pressures of one session in mmHg, systolic and diastolic: the last before the dose, and the highest under it.

    What was not measured is None. `is_crossed` says whether the highest ones reach the limit of a session.
    """

    on: date
    number: int
    before: tuple[float | None, float | None]
    highest: tuple[float | None, float | None]
    is_crossed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingTrend:
    """Means of resting pressures in mmHg, systolic and diastolic: the first and the newest measured days, and how many.

    Neither holds a day of the other.
    """

    days: int
    first: tuple[float, float]
    newest: tuple[float, float]
    first_until: date
    newest_since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The ledger of one person on one day, and the checks that are tied to it.

    `windows` go by product and then by days; amounts of two products are never added up. `pressures` are of recent
    sessions, newest first; `resting` is None while too few days are on record to compare. `uncounted` is ketamine that
    no sum holds. `notes` say what the ledger does not know.
    """

    as_of: date
    doses: tuple[GivenDose, ...]
    windows: tuple[ExposureWindow, ...]
    limits: tuple[SessionLimit, ...]
    checks: tuple[OrganCheck, ...]
    pressures: tuple[SessionPressure, ...]
    resting: RestingTrend | None
    notes: tuple[Text, ...]
    uncounted: tuple[Uncounted, ...] = ()
