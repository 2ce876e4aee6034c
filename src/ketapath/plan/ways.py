"""What does each way of giving do for this person, and what does it ask? Benefit, chances, burden, cost of every way.

A way is a regimen with this person's doses. Everything here is a number with its band or a reason why there is none;
what is chosen from it stands in `choice`. Weeks looked at: twelve, from the first session of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text, Verdict
from ketapath.domain.plan import Burden, Cost, DoseCalculation, DoseStep, Range, Regimen, Tier
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.pharmacology import Sensitivity
from ketapath.plan.dosing import dose_of
from ketapath.plan.harms import Chances, chances
from ketapath.plan.regimens import days_within, given_by, regimens, shaped
from ketapath.plan.schedule import REVIEW_MIN
from ketapath.response import SPRAY, SPRAY_MG
from ketapath.response.ensemble import HORIZON_DAYS, WEEK, Ensemble, effect_of, treat
from ketapath.response.equations import Array
from ketapath.response.treatment import Session, doses_given, equivalent_of, predicted

Happened = npt.NDArray[np.bool_]
INTERVALS_DAYS = (30, 90, 365)  # source: our choice; the intervals in which exposure is counted
_SLACK = 1.0 + 1e-6  # source: floating-point rounding of mg / kg only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What a way does. `better` (n,) are days of each possible person with half of the symptoms gone, in twelve weeks.

    `benefit` holds bands by name: p_response, p_remission, p_relapse, score_after_induction, better_days (half of the
    symptoms gone) and remission_days.
    """

    better: Array
    benefit: Mapping[str, Range]


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

    @property
    def marked_sessions(self) -> float | None:
        """Sessions with marked dissociation that are to be expected; None where no model speaks of it."""
        return None if self.chances.marked is None else self.chances.marked * len(self.session_days)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All that ways of one plan share. `outcomes` keeps what was simulated: ways differ in more than what they do."""

    person: Profile
    clinic: Clinic
    knowledge: Knowledge
    possible: Ensemble | Text
    starts_in: int
    seed: int
    sensitivity: Sensitivity | None
    outcomes: dict[tuple[object, ...], Outcome] = field(default_factory=dict)


def ways(setting: Setting, protocol: Mapping[str, Any], verdict: Verdict) -> list[Way]:
    """Every way of this protocol, the protocol's own first."""
    person, knowledge = setting.person, setting.knowledge
    found = regimens(person, protocol, setting.clinic, knowledge)
    dosed = {r.id: _steps(setting, protocol, r) for r in found}
    found = tuple(r for r in found if _may_start(setting, protocol, dosed[r.id][0]))
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


def _may_start(setting: Setting, protocol: Mapping[str, Any], steps: Sequence[DoseStep]) -> bool:
    """Whether a course may go on with this dose: above the last one given only where the raise rule says so."""
    person, rule = setting.person, setting.knowledge.rules[protocol["search"]["raise_rule"]]
    if not steps or rule.stage != "response" or not given_by(person, protocol, setting.knowledge):
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
    highest = max((s.dose_mg for s in steps), default=0.0)
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
        chances=unknown or risks[highest],
        too_little=None if outcome is None else _too_little(setting, sessions or ()),
        sessions_by_days=_within(setting, own, days, [1.0] * len(days)),
        burden=_burden(setting, own, days, doses_by_session(steps, len(days))),
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
    start = _start(setting)
    return [
        Session(day=start + day, strength=mg / per, equivalent=equivalent_of(product, route))
        for day, mg in zip(days, doses_by_session(steps, len(days)), strict=True)
    ]


def _start(setting: Setting) -> float:
    """The day of the plan's first session as the possible persons count days."""
    possible = setting.possible
    return possible.now + setting.starts_in if isinstance(possible, Ensemble) and possible.is_treated else 0.0


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
    is_studied = all(row["low"] / _SLACK <= s.strength * unit <= row["high"] * _SLACK for s in sessions)
    key = (product, route, tuple((s.day, s.strength) for s in sessions), regimen.days)
    if key not in setting.outcomes:
        setting.outcomes[key] = _simulated(setting.possible, sessions, regimen, _start(setting))
    return setting.outcomes[key], None, "studied" if is_studied else "outside-studies"


def outcome_here(setting: Setting, way: Way) -> Outcome | None:
    """What a way does in another setting, at the doses it was planned with; None where it is not predicted there."""
    return _outcome(setting, way.protocol, way.regimen, _sessions(setting, way.protocol, way.steps, way.session_days))[
        0
    ]


def outcome_untreated(setting: Setting, regimen: Regimen) -> Outcome | None:
    """What happens without any session, looked at on the days of a regimen; None where nothing can be predicted."""
    if isinstance(setting.possible, Text):
        return None
    return _simulated(setting.possible, (), regimen, _start(setting))


def _simulated(possible: Ensemble, sessions: Sequence[Session], regimen: Regimen, start: float) -> Outcome:
    found = treat(possible, sessions)
    events = possible.events
    assert events.start is not None
    review = start + regimen.days[-1] + 1.0 if regimen.days else possible.days[-1]
    row = int(np.searchsorted(possible.days, review))
    at_review = found.totals[row]
    gone = 1.0 - found.totals / events.start
    # A day counts by the look at the end of its week: what happens between two looks is not known.
    weekly = np.searchsorted(possible.days, np.arange(start + WEEK, start + HORIZON_DAYS + 0.5, WEEK))
    better = WEEK * (gone[weekly] >= events.share).sum(axis=0)
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
    return Outcome(better=better, benefit=benefit)


def _among(possible: Ensemble, event: Happened, those: Happened) -> Range:
    """The share of those to whom it happens, as quantiles over the groups that hold any."""
    hit, all_ = ((event & those)[possible.groups].sum(axis=1), those[possible.groups].sum(axis=1))
    shares = hit[all_ > 0] / all_[all_ > 0]
    p05, p50, p95 = np.quantile(shares, (0.05, 0.5, 0.95)).tolist()
    return Range(p05=p05, p50=p50, p95=p95, unit="1")


def _too_little(setting: Setting, sessions: Sequence[Session]) -> bool:
    """Whether even the highest dose takes less of the symptoms than the policy's least, in half of people like this."""
    assert isinstance(setting.possible, Ensemble)
    highest = max(sessions, key=lambda s: s.strength)
    return float(np.median(effect_of(setting.possible, highest))) < setting.knowledge.figure("least_drug_effect")


def _within(
    setting: Setting, protocol: Mapping[str, Any], days: Sequence[int], amounts: Sequence[float]
) -> dict[int, float]:
    """The most that falls into so many days, earlier doses of this product and route counted; by the number of days."""
    first = setting.person.as_of.toordinal() + setting.starts_in
    one = len(days) > 0 and set(amounts) == {1.0}
    before = [
        (float(d.on.toordinal() - first), 1.0 if one else float(d.dose_mg or 0.0))
        for d in doses_given(setting.person.doses, setting.person.as_of)
        if (d.product, d.route) == (protocol["product"], protocol["route"])
    ]
    every = sorted([*before, *((float(d), a) for d, a in zip(days, amounts, strict=True))])
    return {
        width: max((sum(a for d, a in every if end - width < d <= end) for end in map(float, days)), default=0.0)
        for width in INTERVALS_DAYS
    }


def _burden(setting: Setting, protocol: Mapping[str, Any], days: Sequence[int], mg: Sequence[float]) -> Burden:
    """Sessions with preparation before and integration after each, and the review; what is done at home is not."""
    knowledge, n = setting.knowledge, len(days)
    talk = knowledge.figure("preparation_min") + n * knowledge.figure("integration_min")
    return Burden(
        visits=2 * n + 2,
        hours=(n * float(protocol["session_min"]) + talk + REVIEW_MIN) / 60.0,
        days=int(HORIZON_DAYS),
        mg_by_days=_within(setting, protocol, days, mg) if any(mg) else {},
    )


def _cost(setting: Setting, protocol: Mapping[str, Any], days: Sequence[int]) -> Cost:
    """The clinic's prices for all of it, and the person's own share where the coverage is known."""
    name = f"{protocol['product']}/{protocol['route']}"
    counts = {name: len(days), "preparation": 1, "integration": len(days), "review": 1}
    prices = setting.clinic.prices
    lacking = [Text(key="cost.no_price", values={"what": what}) for what in counts if what not in prices]
    total = None if lacking else sum(prices[what] * count for what, count in counts.items())
    path = f"coverage.own_share_{protocol['product']}"
    share = setting.person.known.get(path)
    if share is None:
        lacking.append(Text(key="cost.no_coverage"))
    own = total * share.value if total is not None and share is not None and isinstance(share.value, float) else None
    return Cost(currency=setting.clinic.currency, total=total, own_share=own, lacking=tuple(lacking))
