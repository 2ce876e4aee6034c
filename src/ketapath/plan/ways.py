"""What does each way of giving do for this person, and what does it ask? Benefit, chances, burden, cost of every way.

A way is a regimen with this person's doses. Everything here is a number with its band or a reason why there is none;
what is chosen from it stands in `choice`. Weeks looked at: twelve, from the first session of the plan.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text, Verdict
from ketapath.domain.fact import Dose
from ketapath.domain.plan import Burden, Cost, DoseCalculation, DoseStep, Range, Regimen, Tier
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.pharmacology import Sensitivity
from ketapath.plan.dosing import dose_of
from ketapath.plan.harms import Chances, chances
from ketapath.plan.regimens import days_within, given_by, regimens, shaped
from ketapath.plan.schedule import REVIEW_MIN
from ketapath.response import SPRAY, SPRAY_MG
from ketapath.response.ensemble import HORIZON_DAYS, WEEK, Ensemble, effect_of, on_days, treat
from ketapath.response.equations import Array
from ketapath.response.treatment import Session, doses_given, equivalent_of, predicted

Happened = npt.NDArray[np.bool_]
INTERVALS_DAYS = (30, 90, 365)  # source: our choice; the intervals in which exposure is counted
_SLACK = 1.0 + 1e-6  # source: floating-point rounding of mg / kg only


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a way does. `better` (n,) are days of each possible person with half of the symptoms gone, in twelve weeks.

    `most_effect` is the fraction of symptoms that its strongest session takes in half of the persons. `bands` makes
    `benefit`, which only the ways that are shown need.
    """

    better: Array
    most_effect: float
    bands: Callable[[], Mapping[str, Range]]

    @cached_property
    def benefit(self) -> Mapping[str, Range]:
        """Bands by name: p_response, p_remission, p_relapse, score_after_induction, better_days, remission_days."""
        return self.bands()


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """One way of giving to this person; `is_usual` marks the protocol's own.

    `steps` are empty and `withheld` says why where no dose may be given yet. `session_days` count from the plan's first
    session, `too_little` is None where the effect cannot be said.
    """

    regimen: Regimen
    is_usual: bool
    protocol: Mapping[str, Any]
    verdict: Verdict
    first: DoseCalculation | None
    withheld: Text | None
    steps: tuple[DoseStep, ...]
    session_days: tuple[int, ...]
    tier: Tier
    outcome: Outcome | None
    not_predicted: Text | None
    chances: Chances
    too_little: bool | None
    sessions_by_days: Mapping[int, float]
    burden: Burden
    cost: Cost

    @property
    def name(self) -> str:
        """Product and route, as candidacy names them."""
        return f"{self.protocol['product']}/{self.protocol['route']}"

    @property
    def most_mg(self) -> float | None:
        """The highest dose of a session, milligrams of base."""
        return max((s.dose_mg for s in self.steps), default=None)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All that ways of one plan share; `therapies` is the number of psychotherapies with an hour a week.

    `outcomes` and `exposures` keep what was simulated, for ways differ in more than what they do.
    """

    person: Profile
    clinic: Clinic
    knowledge: Knowledge
    possible: Ensemble | Text
    starts_in: int
    seed: int
    sensitivity: Sensitivity | None
    therapies: int = 0
    outcomes: dict[tuple[object, ...], Outcome] = field(default_factory=dict)
    exposures: dict[tuple[object, ...], Range | None] = field(default_factory=dict)

    @property
    def start(self) -> float:
        """The day of the plan's first session as the possible persons count days."""
        possible = self.possible
        return possible.now + self.starts_in if isinstance(possible, Ensemble) and possible.is_treated else 0.0

    @cached_property
    def weekly(self) -> Ensemble:
        """The possible persons on the days by which weeks are judged: the end of each of the twelve."""
        assert isinstance(self.possible, Ensemble)
        return on_days(self.possible, np.arange(self.start + WEEK, self.start + HORIZON_DAYS + 0.5, WEEK))


def ways(setting: Setting, protocol: Mapping[str, Any], verdict: Verdict) -> list[Way]:
    """Every way of this protocol, the protocol's own first."""
    person, knowledge = setting.person, setting.knowledge
    found = regimens(person, protocol, setting.clinic, knowledge)
    dosed = {r.id: _steps(setting, protocol, r) for r in found}
    # The lowest dose stays open, also above one that was stopped early or given at a lower weight: it is no step up.
    least = min((steps[0].dose_mg for steps, _, _ in dosed.values() if steps), default=0.0)
    found = tuple(r for r in found if _may_start(setting, protocol, dosed[r.id][0], least))
    usual = shaped(protocol, found[0], knowledge)
    mg = [s.dose_mg for steps, _, _ in dosed.values() for s in steps]
    risks = chances(person, usual, mg, knowledge, seed=setting.seed, sensitivity=setting.sensitivity) if mg else {}
    unknown = chances(person, usual, [0.0], knowledge, seed=setting.seed)[0.0] if not mg else None
    made = (_way(setting, protocol, r, verdict, dosed[r.id], risks, unknown) for r in found)
    return [replace(way, is_usual=way.regimen is found[0]) for way in made]


def _steps(
    setting: Setting, protocol: Mapping[str, Any], regimen: Regimen
) -> tuple[tuple[DoseStep, ...], DoseCalculation | None, Text | None]:
    """The doses of the regimen for this person with what has to hold before each, or why there are none."""
    raise_rule = setting.knowledge.rules[protocol["search"]["raise_rule"]]
    steps: list[DoseStep] = []
    first: DoseCalculation | None = None
    before = None
    for number, stated in enumerate(regimen.doses, start=1):
        if stated == before:
            continue
        found = dose_of(setting.person, protocol, stated, setting.clinic, setting.knowledge)
        if isinstance(found, Text):
            return (), None, found
        first, is_first, before = first or found, not steps, stated
        if steps and found.dose_mg == steps[-1].dose_mg:
            continue
        needs = Text(key="step.raise", values={"rule": raise_rule.ref.title, "id": raise_rule.id})
        steps.append(
            DoseStep(
                from_session=number,
                dose_mg=found.dose_mg,
                formula=found.formula,
                condition=None if is_first else needs,
                rule_ids=found.rule_ids if is_first else (raise_rule.id, *found.rule_ids),
            )
        )
    return tuple(steps), first, None


def _may_start(setting: Setting, protocol: Mapping[str, Any], steps: Sequence[DoseStep], least_mg: float) -> bool:
    """Whether a course may go on with this dose: above the last one given only where the raise rule says so."""
    person, rule = setting.person, setting.knowledge.rules[protocol["search"]["raise_rule"]]
    if not steps or steps[0].dose_mg <= least_mg:
        return True
    if rule.stage != "response" or not given_by(person, protocol, setting.knowledge):
        return True
    last = next((d.dose_mg for d in reversed(person.doses) if d.product == protocol["product"]), None)
    return last is None or steps[0].dose_mg <= last or rule.holds(person.known, as_of=person.as_of) is True


def _way(
    setting: Setting,
    protocol: Mapping[str, Any],
    regimen: Regimen,
    verdict: Verdict,
    dosed: tuple[tuple[DoseStep, ...], DoseCalculation | None, Text | None],
    risks: Mapping[float, Chances],
    unknown: Chances | None,
) -> Way:
    steps, first, withheld = dosed
    own = shaped(protocol, regimen, setting.knowledge)
    days = days_within(regimen, protocol, HORIZON_DAYS)
    sessions = _sessions(setting, own, steps, days)
    outcome, why, tier = _outcome(setting, own, regimen, sessions)
    risk = unknown or risks[max((s.dose_mg for s in steps), default=0.0)]
    return Way(
        regimen=regimen,
        is_usual=False,
        protocol=own,
        verdict=verdict,
        first=first,
        withheld=withheld,
        steps=steps,
        session_days=days,
        tier=tier,
        outcome=outcome,
        not_predicted=why,
        chances=risk,
        too_little=None if outcome is None else outcome.most_effect < setting.knowledge.figure("least_drug_effect"),
        sessions_by_days=_within(setting, own, days, [1.0] * len(days), lambda dose: 1.0),
        burden=_burden(setting, own, days, doses_by_session(steps, len(days)), risk.marked),
        cost=_cost(setting, own, days),
    )


def doses_by_session(steps: Sequence[DoseStep], sessions: int) -> list[float]:
    """The milligrams of each session."""
    found, mg = [], 0.0
    by_number = {s.from_session: s.dose_mg for s in steps}
    for number in range(1, sessions + 1):
        mg = by_number.get(number, mg)
        found.append(mg)
    return found


def _sessions(
    setting: Setting, protocol: Mapping[str, Any], steps: Sequence[DoseStep], days: Sequence[int]
) -> list[Session] | None:
    """The sessions as the response model sees them; None without a dose, or a weight where the dose goes by it."""
    if not steps:
        return None
    product, route = protocol["product"], protocol["route"]
    per = SPRAY_MG
    if (product, route) != SPRAY:
        weight = setting.person.known.get("vitals.weight_kg")
        if weight is None or not isinstance(weight.value, float):
            return None
        per = weight.value
    return [
        Session(day=setting.start + day, strength=mg / per, equivalent=equivalent_of(product, route))
        for day, mg in zip(days, doses_by_session(steps, len(days)), strict=True)
    ]


def _outcome(
    setting: Setting, protocol: Mapping[str, Any], regimen: Regimen, sessions: Sequence[Session] | None
) -> tuple[Outcome | None, Text | None, Tier]:
    """What these sessions do, or why it cannot be said, and how far studies carry it."""
    known, product, route = setting.person.known, protocol["product"], protocol["route"]
    row = predicted(product, route, setting.knowledge.response)
    is_meant = all(p in known and known[p].value is True for p in protocol["predicted_for"])
    bipolar = known.get("diagnosis.bipolar")
    condition = "bipolar-depression" if bipolar is not None and bipolar.value is True else "MDD"
    if row is None or not is_meant or condition not in row["conditions"]:
        return None, Text(key="benefit.not_predictable_condition"), "not-predictable"
    if isinstance(setting.possible, Text):
        return None, setting.possible, "not-predictable"
    if sessions is None:
        return None, Text(key="benefit.needs_dose"), "not-predictable"
    unit = SPRAY_MG if row["unit"] == "mg" else 1.0
    step = _rounding(setting.person, protocol)
    is_studied = all(row["low"] / _SLACK - step <= s.strength * unit <= row["high"] * _SLACK for s in sessions)
    key = (product, route, tuple((s.day, s.strength) for s in sessions), regimen.days)
    if key not in setting.outcomes:
        setting.outcomes[key] = _simulated(setting, setting.possible, sessions, regimen)
    return setting.outcomes[key], None, "studied" if is_studied else "outside-studies"


def _rounding(person: Profile, protocol: Mapping[str, Any]) -> float:
    """The mg/kg that rounding down may take from a dose: the studied dose in whole steps is still the studied dose."""
    weight = person.known.get("vitals.weight_kg")
    if "round_to_mg" not in protocol or weight is None or not isinstance(weight.value, float):
        return 0.0
    return float(protocol["round_to_mg"]) / weight.value


def outcome_here(setting: Setting, way: Way) -> Outcome | None:
    """What a way does in another setting, at the doses it was planned with; None where it is not predicted there."""
    return _outcome(setting, way.protocol, way.regimen, _sessions(setting, way.protocol, way.steps, way.session_days))[
        0
    ]


def outcome_untreated(setting: Setting, regimen: Regimen) -> Outcome | None:
    """What happens without any session, looked at on the days of a regimen; None where nothing can be predicted."""
    if isinstance(setting.possible, Text):
        return None
    return _simulated(setting, setting.possible, (), regimen)


def _simulated(setting: Setting, possible: Ensemble, sessions: Sequence[Session], regimen: Regimen) -> Outcome:
    # A day counts by the look at the end of its week: what happens between two looks is not known.
    better = WEEK * (_gone(setting.weekly, treat(setting.weekly, sessions).totals) >= possible.events.share).sum(axis=0)
    strongest = max(sessions, key=lambda s: s.strength, default=None)
    return Outcome(
        better=better,
        most_effect=0.0 if strongest is None else float(np.median(effect_of(possible, strongest))),
        bands=lambda: _bands(possible, sessions, regimen, setting.start, better),
    )


def _gone(possible: Ensemble, totals: Array) -> Array:
    """The fraction of the recorded baseline that is gone at these totals."""
    assert possible.events.start is not None
    return np.asarray(1.0 - totals / possible.events.start)


def _bands(
    possible: Ensemble, sessions: Sequence[Session], regimen: Regimen, start: float, better: Array
) -> dict[str, Range]:
    found, events = treat(possible, sessions), possible.events
    review = start + regimen.days[-1] + 1.0 if regimen.days else possible.days[-1]
    row = int(np.searchsorted(possible.days, review))
    at_review = found.totals[row]
    gone = _gone(possible, found.totals)
    weekly = np.searchsorted(possible.days, np.arange(start + WEEK, start + HORIZON_DAYS + 0.5, WEEK))
    remitted = WEEK * (found.totals[weekly] < events.below).sum(axis=0)
    responded = gone[row] >= events.share
    later = found.totals[row + 1 :], gone[row + 1 :]
    relapsed: Happened = np.any((later[1] < events.relapse_gone) & (later[0] >= events.below), axis=0)
    low, mid, high = np.quantile(at_review, (0.05, 0.5, 0.95)).tolist()
    benefit = {
        "score_after_induction": Range(p05=low, p50=mid, p95=high, unit="{score}"),
        "p_response": possible.band(responded.astype(np.float64)),
        "p_remission": possible.band((at_review < events.below).astype(np.float64)),
        "better_days": replace(possible.band(better), unit="d"),
        "remission_days": replace(possible.band(remitted), unit="d"),
    }
    if later[0].size and responded.any():
        benefit["p_relapse"] = _among(possible, relapsed, responded)
    return benefit


def _among(possible: Ensemble, event: Happened, those: Happened) -> Range:
    """The share of those to whom it happens, as quantiles over the groups that hold any."""
    hit, all_ = ((event & those)[possible.groups].sum(axis=1), those[possible.groups].sum(axis=1))
    shares = hit[all_ > 0] / all_[all_ > 0]
    p05, p50, p95 = np.quantile(shares, (0.05, 0.5, 0.95)).tolist()
    return Range(p05=p05, p50=p50, p95=p95, unit="1")


def _milligrams(dose: Dose) -> float:
    return dose.dose_mg or 0.0


def _within(
    setting: Setting,
    protocol: Mapping[str, Any],
    days: Sequence[int],
    amounts: Sequence[float],
    of_earlier: Callable[[Dose], float],
) -> dict[int, float]:
    """The most that falls into so many days, by their number; `of_earlier` is what a dose of the record counts."""
    first = setting.person.as_of.toordinal() + setting.starts_in
    before = [
        (float(d.on.toordinal() - first), of_earlier(d))
        for d in doses_given(setting.person.doses, setting.person.as_of)
        if (d.product, d.route) == (protocol["product"], protocol["route"])
    ]
    every = sorted([*before, *((float(d), a) for d, a in zip(days, amounts, strict=True))])
    on, of = [d for d, _ in every], [a for _, a in every]
    return {
        width: max((sum(of[bisect_right(on, end - width) : bisect_right(on, end)]) for end in days), default=0.0)
        for width in INTERVALS_DAYS
    }


def _burden(
    setting: Setting, protocol: Mapping[str, Any], days: Sequence[int], mg: Sequence[float], marked: float | None
) -> Burden:
    """Sessions, preparation before and integration after each, weekly therapy, the review, and the way there and back.

    What is done at home is not in it, nor the way where nobody knows how long it is.
    """
    knowledge, n, weekly = setting.knowledge, len(days), _therapy_hours(setting)
    talk = knowledge.figure("preparation_min") + n * knowledge.figure("integration_min")
    talk += weekly * knowledge.figure("psychotherapy_min")
    visits = 2 * n + 2 + weekly
    travel = setting.person.known.get("social.travel_minutes")
    one_way = travel.value if travel is not None and isinstance(travel.value, float) else 0.0
    return Burden(
        visits=visits,
        hours=(n * float(protocol["session_min"]) + talk + REVIEW_MIN + 2 * visits * one_way) / 60.0,
        marked_sessions=None if marked is None else marked * n,
        days=int(HORIZON_DAYS),
        mg_by_days=_within(setting, protocol, days, mg, _milligrams) if any(mg) else {},
    )


def _therapy_hours(setting: Setting) -> int:
    return setting.therapies * int(HORIZON_DAYS // setting.knowledge.figure("psychotherapy_every_days"))


def _cost(setting: Setting, protocol: Mapping[str, Any], days: Sequence[int]) -> Cost:
    """The clinic's prices for all of it, and the person's own share where the coverage is known."""
    name = f"{protocol['product']}/{protocol['route']}"
    counts = {name: len(days), "preparation": 1, "integration": len(days), "review": 1}
    counts |= {"psychotherapy": hours} if (hours := _therapy_hours(setting)) else {}
    prices = setting.clinic.prices
    lacking = [Text(key="cost.no_price", values={"what": what}) for what in counts if what not in prices]
    total = None if lacking else sum(prices[what] * count for what, count in counts.items())
    path = f"coverage.own_share_{protocol['product']}"
    share = setting.person.known.get(path)
    if share is None:
        lacking.append(Text(key="cost.no_coverage"))
    own = total * share.value if total is not None and share is not None and isinstance(share.value, float) else None
    return Cost(currency=setting.clinic.currency, total=total, own_share=own, lacking=tuple(lacking))
