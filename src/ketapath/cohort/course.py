"""How does a simulated arm go? Day by day: who leaves, what is scored, who gets a session and at which dose.

The drug part is that of `response.equations`, taken from session to session because rules look at the scores between.
Random numbers are drawn for everybody on every visit, so that persons who are played under two arms meet the same luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ketapath.cohort.design import WEEK, Design, Maintenance, Raise, TrialArm
from ketapath.cohort.subjects import Subjects
from ketapath.response.arm import NOMINAL_KG, Regimen
from ketapath.response.equations import Array, after_sessions, context_part, halved, link, risen, unlink, with_odds

Mask = npt.NDArray[np.bool_]
LEAVING_PER_WEEK = 0.08  # source: our choice, of the wrong model where leaving is informed; of who has gained nothing
LEAVING_PER_POINT = 0.15  # source: our choice; 10 points gained against none: odds of leaving of a quarter
NONE = -1
"""No dose was given."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What a trial sees of an arm's subjects: `totals` (visits, s), NaN where none was taken; everything else (s,).

    `left` is the day on which somebody left, infinity for who stayed; `mg` at a weight of NOMINAL_KG.
    """

    first: Array
    totals: Array
    left: Array
    sessions: Array
    mg: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What a rule that consults the posterior is shown: scores so far, and each session with the dose of each subject.

    `sessions` are (day, index of the dose or NONE (s,)); `asked` are the subjects to be judged.
    """

    day: float
    first: Array
    days: tuple[float, ...]
    totals: Array
    sessions: tuple[tuple[float, npt.NDArray[np.int8]], ...]
    asked: Mask


Judge = Callable[[Judged], Mask]


def follow(
    design: Design, one: TrialArm, who: Subjects, rng: np.random.Generator, *, stays: bool, judge: Judge | None = None
) -> Seen:
    """The arm from its first session to the last visit. `stays`: nobody leaves and no visit is missed."""
    state = _State(design, one, who, rng, stays=stays, judge=judge)
    weeks = set() if stays else set(np.arange(WEEK, design.last_day + 1.0, WEEK).tolist())
    visits = set(design.visits.days)
    for day in sorted({0.0, *weeks, *visits, *one.days}):
        if day in weeks:
            state.leave(day)
        if day in visits:
            state.score(day)
        if day < design.last_day:
            state.treat(day)
    return state.seen()


class _State:
    """Everybody of one arm on one day."""

    def __init__(
        self,
        design: Design,
        one: TrialArm,
        who: Subjects,
        rng: np.random.Generator,
        *,
        stays: bool,
        judge: Judge | None,
    ) -> None:
        self.design, self.one, self.who, self.rng = design, one, who, rng
        self.stays, self.judge = stays, judge
        size = who.first.size
        self.scheduled = frozenset(one.days)
        self.here, self.goes_on = np.ones(size, dtype=bool), np.ones(size, dtype=bool)
        self.left, self.own, self.own_day = np.full(size, np.inf), who.own, 0.0
        self.level, self.half_life, self.since = np.zeros(size), np.ones(size), np.zeros(size)
        self.dose, self.at_dose = np.zeros(size, dtype=np.int8), np.zeros(size, dtype=np.int16)
        self.given: list[tuple[float, npt.NDArray[np.int8]]] = []
        self.sessions, self.mg = np.zeros(size), np.zeros(size)
        self.last, self.is_new = np.full(size, np.nan), np.zeros(size, dtype=bool)
        self.totals: list[Array] = []

    def leave(self, day: float) -> None:
        """Some leave in the week before this day; nobody's score counts before there is one."""
        chance = self.rng.random(self.here.size)
        per_week, per_point = self.design.dropout.per_week, self.design.dropout.per_point
        if self.design.truth == "leaving":
            per_week, per_point = max(per_week, LEAVING_PER_WEEK), LEAVING_PER_POINT
        if per_week == 0.0:
            return
        worse = np.where(np.isnan(self.last), 0.0, self.last - self.who.first)
        goes = self.here & (chance < with_odds(per_week, np.exp(per_point * worse)))
        self.left[goes] = day
        self.here &= ~goes

    def score(self, day: float) -> None:
        """The visit's total: context, drug and therapy, the lasting and the slow part, error, whole numbers."""
        who = self.who
        normal = self.rng.standard_normal((2, self.here.size))
        kept = np.exp((self.own_day - day) / who.course_days)
        self.own = kept * self.own + who.course_sd * np.sqrt(1.0 - kept**2) * normal[0]
        self.own_day = day
        new_days = day if self.design.people.new_antidepressant else -1.0
        context = with_odds(
            context_part(np, who.context, who.visits, day, who.new_antidepressant, new_days), who.context_odds
        )
        left = (1.0 - context) * (1.0 - self._drug(day)) * (1.0 - who.therapy * risen(np, day))
        if who.steeper is not None:
            left = left**who.steeper
        value = link(np, who.start * left, who.top) + who.lasting + self.own + who.error * normal[1]
        total = np.rint(unlink(np, value, who.top))
        self.is_new = self.here
        if not self.stays:
            missed = self.rng.random(self.here.size) < self.design.visits.missing
            self.is_new = self.here & ~missed
        self.last = np.where(self.is_new, total, self.last)
        self.totals.append(np.where(self.is_new, total, np.nan))
        stop = self.one.stop
        if stop is not None and stop.day == day:
            self.goes_on &= ~self._stopped(day)

    def treat(self, day: float) -> None:
        """Sessions of this day, at the dose that the rule has come to."""
        gets = self._due(day)
        if gets is None or self.one.regimen is None:
            return
        if self.one.raised is not None:
            self._raise(self.one.raised, gets)
        place = np.arange(gets.size)
        effect, half_life = self.who.effects[self.dose, place], self.who.half_lives[self.dose, place]
        arrived = self._drug(day)
        level = after_sessions(np, [0.0, 0.0], [arrived, effect], [half_life] * 2, self.who.build_up)[-1]
        self.level = np.where(gets, level, self.level)
        self.half_life = np.where(gets, half_life, self.half_life)
        self.since = np.where(gets, day, self.since)
        self.sessions += gets
        self.at_dose += gets
        milligrams = np.array([_milligrams(self.one.regimen, dose) for dose in self.one.doses])
        self.mg += gets * milligrams[self.dose]
        if self.judge is not None:
            self.given.append((day, np.where(gets, self.dose, NONE).astype(np.int8)))

    def seen(self) -> Seen:
        """What the trial has of them in the end."""
        return Seen(
            first=self.who.first, totals=np.stack(self.totals), left=self.left, sessions=self.sessions, mg=self.mg
        )

    def _drug(self, day: float) -> Array:
        """What is left of the drug part on this day, before a dose of it."""
        halvings = np.maximum(day - self.since, 0.0) / self.half_life
        if self.design.truth == "fading":  # holds at first and then falls, through one half at the same day
            halvings = halvings**2
        return np.asarray(self.level * halved(np, halvings))

    def _due(self, day: float) -> Mask | None:
        """Who gets a session today; None where nobody can."""
        kept = self.one.maintenance
        if day in self.scheduled:
            due = self.here & self.goes_on
        elif kept is not None and kept.gone_below is not None and kept.from_day <= day <= kept.until_day:
            due = self._asked_for(day, kept, kept.gone_below)
        else:
            return None
        return due if due.any() else None

    def _asked_for(self, day: float, kept: Maintenance, gone_below: float) -> Mask:
        """Whose score of today asks for a session."""
        low = self.is_new & (self._gone() < gone_below) if day in self.design.visits.days else np.zeros_like(self.here)
        return np.asarray(low & self.here & self.goes_on & (day - self.since >= kept.least_days))

    def _raise(self, rule: Raise, gets: Mask) -> None:
        """The next dose for whom too little is gone after enough sessions at this one; no score raises nothing."""
        more = gets & (self.at_dose >= rule.after_sessions) & (self._gone() < rule.gone_below)
        more &= self.dose < len(rule.to)
        self.dose[more] += 1
        self.at_dose[more] = 0

    def _gone(self) -> Array:
        """The fraction of baseline that is gone by the last score; NaN, which meets no rule, before there is one."""
        return np.asarray(1.0 - self.last / np.maximum(self.who.first, 1.0))

    def _stopped(self, day: float) -> Mask:
        stop = self.one.stop
        assert stop is not None
        if stop.by == "score":
            return np.asarray(self._gone() < stop.below)
        assert self.judge is not None
        visits = self.design.visits.days[: len(self.totals)]
        return self.judge(
            Judged(
                day=day,
                first=self.who.first,
                days=visits,
                totals=np.stack(self.totals),
                sessions=tuple(self.given),
                asked=self.here & self.goes_on,
            )
        )


def _milligrams(regimen: Regimen, dose: float) -> float:
    """Milligrams of one session at the usual weight."""
    return dose if regimen.unit == "mg" else dose * NOMINAL_KG
