"""What would each next step do? Chances on many possible persons like this one, the same persons for every step.

For somebody who responds now the chance is that of a relapse within twelve weeks; for anybody else that of a response
at the review. Steps are told apart by their sessions alone: what therapy or another medicine adds has no figure here.
That relapses were predicted weakly in trials that the model had not seen is said wherever such a chance stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text
from ketapath.domain.plan import Decision, DoseCalculation, Prospect, Range
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.plan.dosing import dose_of, is_lower
from ketapath.plan.harms import chances
from ketapath.plan.ordering import order_findings
from ketapath.plan.under_way import UnderWay, onward, sessions_onward
from ketapath.response import SPRAY, SPRAY_MG
from ketapath.response.ensemble import HORIZON_DAYS, WEEK, Ensemble, Treated, possible_persons, treat
from ketapath.response.equations import Array
from ketapath.response.history import history
from ketapath.response.prior import Population
from ketapath.response.treatment import Session, equivalent_of, predicted

REVIEW_DAYS = 28  # source: our choice; a new induction fits into it, and a block of weekly sessions
_FEWEST = 200  # source: our choice; of 4,000 draws, a share of fewer is known to no more than 0.03
_MORE = 1.02  # source: our choice; a dose that rounding alone makes larger is no higher dose


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlook:
    """Possible persons like this one under the treatment that is given, and the days by which steps are judged.

    `review` and `series` count days from today: when a response is looked for, and the days of a new induction.
    `dates` are what going on as planned brings. `possible` is the reason where there is no such ensemble.
    """

    possible: Ensemble | Text
    now: UnderWay
    dates: tuple[date, ...]
    review: int
    as_of: date
    higher: DoseCalculation | None
    lower: DoseCalculation | None
    switch_to: tuple[Mapping[str, Any], float] | None

    @property
    def keeps(self) -> bool:
        """Whether there is a response to keep, so that relapse is what counts."""
        return self.now.responds is True and not self.now.in_induction


def outlook(
    person: Profile,
    candidacy: Candidacy,
    now: UnderWay,
    clinic: Clinic,
    knowledge: Knowledge,
    population: Population,
    *,
    seed: int,
) -> Outlook:
    """All that the chances of this card share; `person` is already at the clinic."""
    dates = sessions_onward(onward(person, clinic, knowledge))
    review = (dates[-1] - person.as_of).days + 1 if now.in_induction and dates else REVIEW_DAYS
    switch_to = _other_product(person, candidacy, now, clinic, knowledge)
    ways = [(now.last.product, now.last.route)] if now.last is not None else []
    ways += [(switch_to[0]["product"], switch_to[0]["route"])] if switch_to is not None else []
    possible = possible_persons(
        history(person), knowledge, population, as_of=person.as_of, seed=seed, ways=ways, baseline_score=None,
        looks=[review],
    )  # fmt: skip
    return Outlook(
        possible=possible, now=now, dates=dates, review=review, as_of=person.as_of,
        higher=_higher(person, now, clinic, knowledge, seed=seed), lower=_lower(person, now, clinic, knowledge),
        switch_to=switch_to,
    )  # fmt: skip


def _higher(
    person: Profile, now: UnderWay, clinic: Clinic, knowledge: Knowledge, *, seed: int
) -> DoseCalculation | None:
    """The next dose up of the protocol's search that no rule forbids and no limit of harm cuts; None at the ceiling."""
    doses = _doses(person, now, ("doses",), clinic, knowledge)
    mg = None if now.last is None else now.last.dose_mg
    dose = min((d for d in doses if mg is not None and d.dose_mg > _MORE * mg), key=lambda d: d.dose_mg, default=None)
    if dose is None or now.protocol is None:
        return None
    said = order_findings(person, now.protocol, clinic, knowledge, dose_mg=dose.dose_mg)
    if any(f.verdict == "not-eligible" for f in said):
        return None
    risks = chances(person, now.protocol, [dose.dose_mg], knowledge, seed=seed)[dose.dose_mg]
    return None if risks.broken else dose


def _lower(person: Profile, now: UnderWay, clinic: Clinic, knowledge: Knowledge) -> DoseCalculation | None:
    """The next dose down of the protocol's search; None where there is none."""
    doses = _doses(person, now, ("doses", "lower_doses"), clinic, knowledge)
    mg = None if now.last is None else now.last.dose_mg
    return max((d for d in doses if mg is not None and _MORE * d.dose_mg < mg), key=lambda d: d.dose_mg, default=None)


def _doses(
    person: Profile, now: UnderWay, names: Sequence[str], clinic: Clinic, knowledge: Knowledge
) -> list[DoseCalculation]:
    """Every dose of the protocol's search that can be calculated for this person."""
    if now.protocol is None:
        return []
    stated = sorted({float(d) for name in names for course in now.protocol["search"][name] for d in course})
    found = [dose_of(person, now.protocol, dose, clinic, knowledge) for dose in stated]
    return [d for d in found if isinstance(d, DoseCalculation)]


def prospect(found: Outlook, decision: Decision, *, way: str = "", every_days: int | None = None) -> Prospect:
    """The chance that this step brings. `way` tells the ways of adjusting apart: dose, lower or spacing; `every_days`
    is the spacing to go on with or to widen, None for the one of now.
    """
    possible, now = found.possible, found.now
    if isinstance(possible, Text):
        return _none(possible)
    if decision == "add":
        return _none(Text(key="prospect.add"))
    if not possible.given or now.last is None:
        return _none(Text(key="prospect.no_sessions"))
    sessions = _sessions(found, possible, decision, way, every_days)
    if isinstance(sessions, Text):
        return _none(sessions)
    ahead, name, values = sessions
    reached = treat(possible, ahead)
    event = "relapse" if found.keeps else "response"
    values = {**values, "day": (found.as_of + timedelta(days=found.review)).isoformat()}
    shares = relapse_risk(possible, reached) if found.keeps else _response(possible, reached, found.review)
    if shares is None:
        return _none(Text(key="prospect.few_respond"))
    return Prospect(
        probability=shares[0],
        band=shares[1],
        of=Text(key=f"prospect.{event}.{name}", values=values),
        unknown=None,
        extrapolated=decision == "switch",
    )


def relapse_risk(possible: Ensemble, reached: Treated) -> tuple[float, Range] | None:
    """The share that relapses at a weekly look of the next twelve weeks, of those who respond today, with its band.

    None where hardly any possible person responds today.
    """
    events = possible.events
    assert events.start is not None
    gone = 1.0 - reached.totals / events.start
    rows = np.searchsorted(possible.days, possible.now + np.arange(WEEK, HORIZON_DAYS + 0.5, WEEK))
    lost = (gone[rows] < events.relapse_gone) & (reached.totals[rows] >= events.below)
    responds = gone[int(np.searchsorted(possible.days, possible.now))] >= events.share
    if responds.sum() < _FEWEST:
        return None
    return _share(possible, np.any(lost, axis=0), responds)


def _response(possible: Ensemble, reached: Treated, review: int) -> tuple[float, Range]:
    assert possible.events.start is not None
    row = int(np.searchsorted(possible.days, possible.now + review))
    gone = 1.0 - reached.totals[row] / possible.events.start
    return _share(possible, gone >= possible.events.share, np.ones(gone.size, dtype=bool))


def _share(possible: Ensemble, event: Any, those: Any) -> tuple[float, Range]:
    """The share of those to whom it happens, and how far it moves between equal parts of the possible persons."""
    hit, every = (event & those)[possible.groups].sum(axis=1), those[possible.groups].sum(axis=1)
    p05, p50, p95 = np.quantile(hit[every > 0] / every[every > 0], (0.05, 0.5, 0.95)).tolist()
    return float((event & those).sum() / those.sum()), Range(p05=p05, p50=p50, p95=p95, unit="1")


def every(possible: Ensemble, days: int) -> list[Session]:
    """Sessions like the last one every so many days after it, none of them in the past, for twelve weeks from now."""
    last = possible.given[-1]
    first = max(last.day + days, possible.now + 1.0)
    return _like(last, np.arange(first, possible.now + HORIZON_DAYS + 0.5, days))


def _like(last: Session, days: Sequence[float] | Array, strength: float | None = None) -> list[Session]:
    dose = last.strength if strength is None else strength
    return [Session(day=float(day), strength=dose, equivalent=last.equivalent) for day in days]


_Ahead = tuple[list[Session], str, dict[str, object]]


def _sessions(
    found: Outlook, possible: Ensemble, decision: Decision, way: str, every_days: int | None
) -> _Ahead | Text:
    """The sessions of a step, the name of its sentence, and the values of that."""
    last, now = possible.given[-1], found.now
    if decision in ("stop", "pause"):
        return [], "none", {}
    if decision == "re-induce":
        return _like(last, _series(now.protocol, possible)), "re_induce", {}
    if decision == "switch":
        return _switched(found, possible)
    width = every_days or now.spacing
    if decision == "taper":
        wider = min((d for d in now.spacings if d > width), default=None)
        return ([], "none", {}) if wider is None else (every(possible, wider), "every", {"days": wider})
    if decision == "adjust" and way != "spacing":
        return _with_dose(found, possible, way, width)
    width = min(now.spacings, default=width) if decision == "adjust" else width
    return _planned(found, possible, width), "planned" if now.in_induction else "every", {"days": width}


def _with_dose(found: Outlook, possible: Ensemble, way: str, width: int) -> _Ahead | Text:
    """Going on with another dose."""
    dose, last = found.lower if way == "lower" else found.higher, found.now.last
    if dose is None or last is None or not last.dose_mg:
        return Text(key="prospect.at_floor" if way == "lower" else "prospect.at_ceiling")
    strength = possible.given[-1].strength * dose.dose_mg / last.dose_mg
    days = [s.day for s in _planned(found, possible, width)]
    return _like(possible.given[-1], days, strength), "dose", {"mg": f"{dose.dose_mg:g}"}


def _planned(found: Outlook, possible: Ensemble, width: int) -> list[Session]:
    """Going on: the rest of the induction, or one session every so many days for all weeks looked at."""
    if found.now.in_induction:
        days = [possible.now + (on - found.as_of).days for on in found.dates]
        return _like(possible.given[-1], days)
    return every(possible, width)


def _series(protocol: Mapping[str, Any] | None, possible: Ensemble) -> list[float]:
    """The days of an induction that begins tomorrow, and of the narrowest spacing after it."""
    if protocol is None:
        return [possible.now + 1.0]
    days = [float(day) for day in protocol["induction"]["days"]]
    width = float(min(protocol["maintenance_every_days"]))
    days += np.arange(days[-1] + width, HORIZON_DAYS, width).tolist()
    return [possible.now + 1.0 + day for day in days]


def _switched(found: Outlook, possible: Ensemble) -> _Ahead | Text:
    if found.switch_to is None:
        return Text(key="prospect.nothing_to_switch_to")
    protocol, strength = found.switch_to
    equivalent = equivalent_of(protocol["product"], protocol["route"])
    sessions = [Session(day=day, strength=strength, equivalent=equivalent) for day in _series(protocol, possible)]
    return sessions, "switch", {"to": Text(key=f"protocol.{protocol['id']}")}


def _other_product(
    person: Profile, candidacy: Candidacy, now: UnderWay, clinic: Clinic, knowledge: Knowledge
) -> tuple[Mapping[str, Any], float] | None:
    """Another ketamine that was studied and that nothing stands against, with the strength of its first dose."""
    for protocol in knowledge.protocols.values():
        way = (protocol["product"], protocol["route"])
        if now.last is not None and way == (now.last.product, now.last.route):
            continue
        if candidacy.by_product.get("/".join(way)) not in ("eligible", "caution"):
            continue
        row = predicted(*way, knowledge.response)
        courses = protocol["search"]["lower_doses" if is_lower(person, protocol, clinic, knowledge) else "doses"]
        dose = dose_of(person, protocol, float(courses[0][0]), clinic, knowledge)
        weight = person.known.get("vitals.weight_kg")
        if row is None or isinstance(dose, Text):
            continue
        if way == SPRAY:
            return protocol, dose.dose_mg / SPRAY_MG
        if weight is not None and isinstance(weight.value, float):
            return protocol, dose.dose_mg / weight.value
    return None


def _none(why: Text) -> Prospect:
    return Prospect(probability=None, band=None, of=None, unknown=why, extrapolated=False)
