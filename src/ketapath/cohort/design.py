"""What is a simulated trial? Arms with their rules, people, visits, leaving, endpoints, and the truth it plays in.

The people and what they are told are those of `response.arm.Arm`, so that a simulated arm and a predicted one are the
same thing. Days count from the first session; a visit on the day of a session comes before its dose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ketapath.response.arm import Arm, Regimen

Truth = Literal["model", "null", "fading", "leaving", "two-kinds"]
Quantity = Literal["change", "response", "remission", "relapse", "days-in-remission"]
Test = Literal["means", "proportions"]
Missing = Literal["left-out", "last-seen", "no-benefit"]
TRUTHS: tuple[Truth, ...] = ("model", "null", "fading", "leaving", "two-kinds")
SHARES: frozenset[Quantity] = frozenset({"response", "remission", "relapse"})
"""Endpoints that are true or not of one subject."""
WEEK = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """After `after_sessions` sessions at one dose the next of `to`, if less than `gone_below` of baseline is gone."""

    to: tuple[float, ...]
    after_sessions: int
    gone_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Sessions from one day to another: every so many days, or at a visit whose score says that too little is gone.

    Exactly one of `every_days` and `gone_below` is given; `least_days` lie between two sessions that scores ask for.
    """

    from_day: float
    until_day: float
    every_days: float | None = None
    gone_below: float | None = None
    least_days: float = WEEK

    @property
    def days(self) -> tuple[float, ...]:
        """Days that are known beforehand."""
        if self.every_days is None:
            return ()
        count = int((self.until_day - self.from_day) / self.every_days + 1e-9) + 1
        return tuple(self.from_day + i * self.every_days for i in range(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """At the visit of `day`, no further sessions for whom `below` is met.

    By score: less than this fraction of baseline is gone. By posterior: the probability that one person's inference
    gives for a response on `response_day`, if treatment goes on, is lower than this.
    """

    by: Literal["score", "posterior"]
    day: float
    below: float
    response_day: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialArm:
    """One arm: its treatment (None for a control), its rules, and the therapy that goes with it.

    `integration` is the range from which each trial takes the fraction of remaining symptoms that integration therapy
    will have taken away; nobody knows it, so it is the design's own assumption. `share` weighs the allocation.
    """

    name: str
    regimen: Regimen | None
    raised: Raise | None = None
    maintenance: Maintenance | None = None
    stop: Stop | None = None
    integration: tuple[float, float] = (0.0, 0.0)
    share: float = 1.0

    @property
    def doses(self) -> tuple[float, ...]:
        """The doses that may be given, in rising order of the rule."""
        if self.regimen is None:
            return ()
        return (self.regimen.dose, *(self.raised.to if self.raised else ()))

    @property
    def days(self) -> tuple[float, ...]:
        """Session days that are known beforehand."""
        if self.regimen is None:
            return ()
        return tuple(sorted({*self.regimen.days, *(self.maintenance.days if self.maintenance else ())}))

    @property
    def asks_posterior(self) -> bool:
        """Whether a rule consults one person's inference."""
        return self.stop is not None and self.stop.by == "posterior"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Days after the start on which a score is taken, and the chance that one visit is missed."""

    days: tuple[float, ...]
    missing: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """The chance to leave in a week, and by how much its log-odds rise with each point that the last total is higher
    than the first one; 0 is leaving that no score tells of.
    """

    per_week: float = 0.0
    per_point: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What is compared. `since` is the day of the response that a relapse is one of; None for other quantities."""

    quantity: Quantity
    day: float
    since: float | None
    test: Test
    missing: Missing

    @property
    def words(self) -> str:
        """Its name in a table."""
        since = "" if self.since is None else f" of those in response on day {self.since:g}"
        until = "by" if self.quantity in ("relapse", "days-in-remission") else "on"
        return f"{self.quantity.replace('-', ' ')} {until} day {self.day:g}{since}"

    @property
    def unit(self) -> str:
        """In UCUM: a share of 1, days, or points of the scale."""
        return "1" if self.quantity in SHARES else "d" if self.quantity == "days-in-remission" else "{score}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A whole simulated trial. `sizes` are the subjects of an arm whose share is 1, one trial of each size.

    `people` is what all arms have in common; `least` and `most` are the totals at baseline that are let in. `alpha` is
    two-sided. `reference` subjects of each trial are played under every arm, without leaving, to know what was true
    in it; 0 leaves that out. The first endpoint is the primary one. `text` is the file as it was read.
    """

    title: str
    people: Arm
    age: tuple[float, float] | None
    failed_trials: int | None
    least: float
    most: float
    arms: tuple[TrialArm, ...]
    contrasts: tuple[tuple[int, int], ...]
    sizes: tuple[int, ...]
    allocation: Literal["fixed", "random"]
    visits: Visits
    dropout: Dropout
    endpoints: tuple[Endpoint, ...]
    alpha: float
    truth: Truth
    trials: int
    seed: int
    reference: int
    text: str
    digest: str

    @property
    def asks_posterior(self) -> bool:
        """Whether a rule of an arm consults one person's inference."""
        return any(arm.asks_posterior for arm in self.arms)

    @property
    def last_day(self) -> float:
        """The last day on which anything is seen."""
        return self.visits.days[-1]

    def counts(self, size: int) -> tuple[int, ...]:
        """The subjects of each arm at this size."""
        return tuple(max(round(size * arm.share), 1) for arm in self.arms)

    def arm(self, one: TrialArm) -> Arm:
        """The arm as the response model knows it."""
        return replace(self.people, regimen=one.regimen)


def scheduled(arms: Sequence[TrialArm]) -> tuple[float, ...]:
    """Every day on which some arm has a session that is known beforehand."""
    return tuple(sorted({day for arm in arms for day in arm.days}))
