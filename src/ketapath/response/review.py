"""How does this one person's course go? Every score, what was expected, what may come, a word when something is off.

Public verb: `course`. Days count from the first session. Scales of depression enter the model together; every other
scale is charted by its own trend. Where no model may be used, or its checks fail, a note says so and no probability is
shown. The same record, population, day and seed give the same course, in whatever order the record is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from ketapath.domain.evidence import Text
from ketapath.domain.fact import ScoreEntry
from ketapath.domain.response import (
    Chance,
    Course,
    EarlyWarning,
    History,
    Observed,
    Posterior,
    RecoveryCurve,
    ScaleCourse,
)
from ketapath.knowledge import SITE_DEFAULT, Knowledge
from ketapath.measurement import is_response, reliable_change
from ketapath.response import individual
from ketapath.response.equations import Array, link
from ketapath.response.evidence import response_evidence
from ketapath.response.individual import Fit, learned
from ketapath.response.known import Known, fit_of, known, main_scale
from ketapath.response.outlook import (
    Definitions,
    Paths,
    Step,
    chances,
    curve,
    influences,
    simulated,
    step_by_step,
    widened,
)
from ketapath.response.person import Person, Scale, parts
from ketapath.response.prior import Population
from ketapath.response.treatment import Session, sessions_of, why_not_predicted
from ketapath.response.trend import change_of, rising, trend

_FEWER = 2000  # source: our choice; draws behind bands that no probability is read from
_DAILY = 28  # source: our choice; so many days before today are drawn daily, earlier ones at most 60 times
_EARLIER = 60


def course(history: History, knowledge: Knowledge, population: Population, *, as_of: date, seed: int) -> Course:
    """The person's course so far and its continuation if the sessions on record were all.

    Only totals that can be used enter; the last one of the four weeks up to the first session is a scale's baseline.
    """
    record = known(history, knowledge, as_of)
    first, given = record.first, record.given
    if first is None:
        return _charted(record, history, knowledge, population, Text(key="response.no_sessions"))
    main, why = main_scale(record, knowledge)
    reason, notes = why_not_predicted(history, given, knowledge.response, has_depression_scale=record.is_depression)
    reason = reason or why
    if reason is not None:
        return _charted(record, history, knowledge, population, reason)
    sessions, said = sessions_of(given, history.weights_kg, knowledge.response)
    if sessions is None:
        return _charted(record, history, knowledge, population, *said)
    record = replace(record, notes=(*record.notes, *notes, *said))
    return _modelled(record, main, sessions, history, knowledge, population, seed)


def _modelled(
    record: Known,
    main: str,
    sessions: Sequence[Session],
    history: History,
    knowledge: Knowledge,
    population: Population,
    seed: int,
) -> Course:
    """The course by the model: posterior, curves, probabilities, influences."""
    parameters = knowledge.response
    fit = fit_of(record, main, sessions, history, knowledge, population)
    scales = fit.who.scales
    found = learned(fit, np.random.default_rng([seed, 1]))
    steps = step_by_step(fit, np.random.default_rng([seed, 2]))
    order = [[s.id for s in scales].index(main)]
    order += [i for i in range(len(scales)) if i not in order]
    days = _Days.of(record, sessions, parameters)
    start_fit, start = steps.posterior(0, np.random.default_rng([seed, 3]), _FEWER)
    charted = []
    paths = None
    for place, index in enumerate(order):
        rng = np.random.default_rng([seed, 4, place])
        of_scale = simulated(fit, found if place == 0 else individual.thinned(found, _FEWER), index, days.grid, rng)
        before = curve(scales[index], simulated(start_fit, start, index, days.grid, rng))
        now = curve(scales[index], of_scale)
        if not found.diagnostics.ok:
            now = widened(now, before)
        charted.append(_scale_course(record, scales[index].id, knowledge, now, before))
        paths = of_scale if place == 0 else paths
    assert paths is not None
    done = influences(steps, np.random.default_rng([seed, 5])) if found.diagnostics.ok else []
    return _told(record, main, history, knowledge, population, _Found(
        fit=fit, posterior=found, paths=paths, steps=tuple(done), days=days, charted=tuple(charted)
    ))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """Days that are asked for: today, the horizon, the checks for relapse, visits to come, and the curve's."""

    now: float
    horizon: float
    checks: tuple[float, ...]
    visits: Array
    grid: Array

    @classmethod
    def of(cls, record: Known, sessions: Sequence[Session], parameters: Mapping[str, Any]) -> _Days:
        now = max(record.day(record.as_of), 0.0)
        horizon = max(float(parameters["review_day"]), now + 14.0)
        checks = tuple(sessions[-1].day + float(d) for d in parameters["relapse"]["after_days"])
        end = max(horizon, *checks)
        every = float(parameters["relapse"]["every_days"])
        # Counted from the last session, so that the checks are visits and no day of looking moves them.
        visits = sessions[-1].day + np.arange(every, end - sessions[-1].day + 0.5, every)
        visits = visits[visits > now]
        recent = max(now - _DAILY, 0.0)
        earlier = np.arange(0.0, recent, max(1.0, np.ceil(recent / _EARLIER)))
        later = np.arange(recent, min(end, now + 4.0 * _DAILY) + 1.0)
        grid = np.unique(np.concatenate([earlier, later, visits, [now, horizon], checks]))
        return cls(now=now, horizon=horizon, checks=checks, visits=visits, grid=grid)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """What the inference gave."""

    fit: Fit
    posterior: individual.Posterior
    paths: Paths
    steps: tuple[Step, ...]
    days: _Days
    charted: tuple[ScaleCourse, ...]


def _told(
    record: Known, main: str, history: History, knowledge: Knowledge, population: Population, found: _Found
) -> Course:
    """The course in the form of the contract."""
    instrument, parameters, days = knowledge.instruments[main], knowledge.response, found.days
    entry, after = record.baseline(main), record.after(main)
    start = None if entry is None else entry.total
    events = Definitions.of(instrument, start, parameters)
    newest = after[-1].total if after else None
    totals = [s.total for s in after if s.total is not None]
    ok = found.posterior.diagnostics.ok
    stands = events.can_be_met and _responded(totals, instrument, events)
    has_scores = found.fit.scores.totals.size > 0
    asked = sorted({*days.visits.tolist(), days.horizon, *(c for c in days.checks if c > days.now)})
    said = chances(found.paths, events, days=asked, visits=days.visits, responded=stands) if ok else []
    at = {c.day: c for c in said}
    here = found.charted[0]
    scales = (*found.charted, *_trends(record, knowledge, {c.scale for c in found.charted}, main))
    return Course(
        scale=main,
        baseline=start,
        baseline_on=None if entry is None else entry.on.isoformat(),
        sessions=len({d.on for d in record.given}),
        observed=here.observed,
        posterior=tuple(_quantities(found)) if ok else (),
        curve=here.curve,
        horizon_day=days.horizon,
        p_response=at[days.horizon].p_response if ok else None,
        p_remission=at[days.horizon].p_remission if ok else None,
        p_relapse_by=_relapses(at, days) if stands else (),
        p_worse=_p_worse(found.paths, _of(found.fit.who, main), days.now) if ok and has_scores else None,
        reliable_change=None if start is None or newest is None else reliable_change(instrument, start, newest),
        last_change=None if start is None or newest is None else newest - start,
        item9=record.item9,
        diagnostics=found.posterior.diagnostics,
        evidence=response_evidence(knowledge),
        notes=(*record.notes, *_notes(found, history, parameters, instrument, events, newest=newest, stands=stands)),
        expected=here.expected if has_scores else None,
        scales=scales,
        chances=tuple(said),
        influences=tuple(step.influence for step in found.steps),
        warning=_warning(record, found, scales, events, knowledge),
        goals=history.goals,
        provenance=population.provenance,
    )


def _responded(totals: Sequence[float], instrument: Mapping[str, Any], events: Definitions) -> bool:
    """Whether a response stands: there has been one, and no total since has met the relapse."""
    stands, start = False, events.start
    for total in totals if start is not None else ():
        assert start is not None
        if is_response(instrument, start, total):
            stands = True
        elif 1.0 - total / start < events.relapse_gone:
            stands = False
    return stands


def _lately_stood(after: Sequence[ScoreEntry], instrument: Mapping[str, Any], events: Definitions, since: date) -> bool:
    """Whether a response stood at a score of the last weeks, so that what came after may be the relapse."""
    totals = [(s.on, s.total) for s in after if s.total is not None]
    stood = (on for i, (on, _) in enumerate(totals) if _responded([t for _, t in totals[: i + 1]], instrument, events))
    return events.can_be_met and any(on >= since for on in stood)


def _notes(
    found: _Found,
    history: History,
    parameters: Mapping[str, Any],
    instrument: Mapping[str, Any],
    events: Definitions,
    *,
    newest: float | None,
    stands: bool,
) -> list[Text]:
    """What a reader has to know of this curve."""
    notes, start = [], events.start
    if start is None:
        usual = float(parameters["scales"][found.charted[0].scale]["baseline"])
        notes.append(Text(key="response.nominal_baseline", values={"baseline": f"{usual:g}"}))
    if not found.posterior.diagnostics.ok:
        notes.append(Text(key="response.not_trusted"))
    if start is not None and not events.can_be_met:
        notes.append(Text(key="response.baseline_low"))
    points, top = float(instrument["reliable_change"]["points"]), float(instrument["scoring"]["max"])
    if start is not None and newest is not None and newest >= start and start + points > top:
        notes.append(Text(key="response.no_room_to_worsen", values={"title": instrument["title"]}))
    if any(step.away > float(parameters["surprise"]["sd"]) for step in found.steps):
        notes.append(Text(key="response.surprising"))
    if history.psychotherapy:
        notes.append(Text(key="response.psychotherapy_not_quantified"))
    if stands:
        notes.append(Text(key="response.relapse_weak"))
    return [*notes, Text(key="response.split_unknown"), Text(key="response.no_more_sessions")]


def _relapses(at: Mapping[float, Chance], days: _Days) -> tuple[tuple[float, float], ...]:
    """The chance of a relapse by each check that is still to come."""
    found = ((day, at[day].p_relapse) for day in days.checks if day in at)
    return tuple((day, p) for day, p in found if p is not None)


def _quantities(found: _Found) -> list[Posterior]:
    """Both parts with their bands, never one split; the half-life; and the fraction gone of the true score."""
    who, theta, days = found.fit.who, found.posterior.terms, found.days
    now = parts(who, theta, [days.now])
    before = np.maximum(found.paths.true[0], 1.0)
    values = {
        "fraction_improved_now": 1.0 - found.paths.true[found.paths.at(days.now)] / before,
        "fraction_improved_at_horizon": 1.0 - found.paths.true[found.paths.at(days.horizon)] / before,
        "context_part": now.context[0],
        "drug_part": now.drug[0],
        "half_life_days": np.exp(theta[who.row["half_life"]]),
    }
    return [
        Posterior(
            quantity=name,
            unit="d" if name.endswith("days") else "1",
            **dict(zip(("p05", "p50", "p95"), np.quantile(v, (0.05, 0.5, 0.95)).tolist(), strict=True)),
        )
        for name, v in values.items()
    ]


def _of(who: Person, scale: str) -> Scale:
    return next(s for s in who.scales if s.id == scale)


def _p_worse(paths: Paths, scale: Scale, now: float) -> float:
    """The chance that the true value today is worse than on the day of the first session, before it.

    By more than the error of one measurement, on the link, where a rise near the top of the scale counts as one below.
    """
    rise = link(np, paths.true[paths.at(now)], scale.top) - link(np, paths.true[0], scale.top)
    return float((rise > scale.error).mean())


def _warning(
    record: Known,
    found: _Found,
    scales: Sequence[ScaleCourse],
    events: Definitions,
    knowledge: Knowledge,
) -> EarlyWarning | None:
    """A sign that the newest scores give, if any: a relapse, a reliable rise, worse than before, or above expectation.

    Only scores of the last weeks can give one: an old score is a reason to ask again, not a sign of today.
    """
    limits, paths, days = knowledge.response["warning"], found.paths, found.days
    ok = found.posterior.diagnostics.ok
    newest = max((s.influence.day for s in found.steps), default=-math.inf)
    is_recent = days.now - newest <= float(limits["days"])
    main = found.charted[0]
    since = record.as_of - timedelta(days=float(limits["days"]))
    stood = _lately_stood(record.after(main.scale), knowledge.instruments[main.scale], events, since)
    if stood and ok and is_recent:
        today = np.rint(paths.observed[paths.at(days.now)])
        p = float(events.relapse(paths, today).mean())
        if p >= float(limits["relapse_probability"]):
            statement = Text(key="warning.relapse", values={"gone": f"{100 * events.relapse_gone:g}"})
            return _warned(days.now, main.scale, "relapse", statement, p)
    sign = _rising(record, scales, knowledge)
    if sign is not None:
        return sign
    if not (ok and is_recent):
        return None
    worse = _p_worse(paths, _of(found.fit.who, main.scale), days.now)
    if worse >= float(limits["worse_probability"]):
        statement = Text(key="warning.worse", values={"title": main.title})
        return _warned(days.now, main.scale, "rising", statement, worse)
    return _above_expected([s for s in found.steps if s.influence.day == newest], knowledge)


def _above_expected(steps: Sequence[Step], knowledge: Knowledge) -> EarlyWarning | None:
    """The rarest of the scores of one day, where it lies above the line that it was expected to stay under."""
    least = min(steps, key=lambda s: s.p_as_high, default=None)
    if least is None or least.p_as_high > 1.0 - float(knowledge.response["warning"]["above"]):
        return None
    last = least.influence
    title = knowledge.instruments[last.scale]["title"]
    values = {"title": title, "total": f"{last.total:g}", "line": f"{last.expected_p95:.0f}"}
    return _warned(last.day, last.scale, "above-expected", Text(key="warning.above_expected", values=values), None)


def _warned(day: float, scale: str, kind: Any, statement: Text, p: float | None) -> EarlyWarning:
    return EarlyWarning(day=day, scale=scale, kind=kind, statement=statement, probability=p, evidence=(SITE_DEFAULT,))


def _scale_course(
    record: Known, scale: str, knowledge: Knowledge, now: RecoveryCurve, before: RecoveryCurve
) -> ScaleCourse:
    """One scale of the model with its own scores."""
    instrument, entry, after = knowledge.instruments[scale], record.baseline(scale), record.after(scale)
    shown = [*([entry] if entry else []), *after]
    return ScaleCourse(
        scale=scale,
        title=instrument["title"],
        top=float(instrument["scoring"]["max"]),
        higher_is_better=False,
        is_modelled=True,
        baseline=None if entry is None else entry.total,
        baseline_on=None if entry is None else entry.on.isoformat(),
        observed=_observed(shown, record),
        curve=now,
        expected=before,
        change=None if entry is None or not after else change_of(entry, after[-1], instrument, knowledge),
    )


def _observed(entries: Sequence[ScoreEntry], record: Known) -> tuple[Observed, ...]:
    return tuple(
        Observed(day=record.day(s.on), total=s.total, origin=str(s.origin)) for s in entries if s.total is not None
    )


def _trends(record: Known, knowledge: Knowledge, modelled: set[str], main: str) -> tuple[ScaleCourse, ...]:
    """The scales that no model speaks of, by their own trend, the main one first."""
    names = sorted((s for s in record.stated if record.stated[s] and s not in modelled), key=lambda s: s != main)
    return tuple(
        trend(
            record.stated[s],
            knowledge.instruments[s],
            first=record.day_0(s),
            as_of=record.as_of,
            knowledge=knowledge,
        )
        for s in names
    )


def _rising(record: Known, scales: Iterable[ScaleCourse], knowledge: Knowledge) -> EarlyWarning | None:
    """The newest sign of a rise in the last weeks; of several on one day, that of the scale that stands first."""
    found: EarlyWarning | None = None
    newest = record.as_of - timedelta(days=float(knowledge.response["warning"]["days"]) + 1.0)
    for scale in scales:
        first = record.day_0(scale.scale)
        sign = rising(scale, knowledge.instruments[scale.scale], first=first, knowledge=knowledge)
        if sign is not None and first + timedelta(days=sign.day) > newest:
            found, newest = sign, first + timedelta(days=sign.day)
    return found


def _charted(record: Known, history: History, knowledge: Knowledge, population: Population, *why: Text) -> Course:
    """The person's own scores without a model of treatment, and the note that says why."""
    main = max(record.depression, key=lambda s: len(record.usable[s]))
    scales = _trends(record, knowledge, set(), main)
    entries = record.usable.get(main, ())
    entry = record.baseline(main)
    start = entry or (entries[0] if entries else None)
    before = None if start is None else start.total
    newest = entries[-1].total if start is not None and entries and entries[-1].on > start.on else None
    instrument = knowledge.instruments[main]
    shown = next((s for s in scales if s.scale == main), None)
    return Course(
        scale=main,
        baseline=None if entry is None else entry.total,
        baseline_on=None if entry is None else entry.on.isoformat(),
        sessions=len({d.on for d in record.given}),
        observed=() if shown is None else shown.observed,
        posterior=(),
        curve=None,
        horizon_day=None,
        p_response=None,
        p_remission=None,
        p_relapse_by=(),
        p_worse=None,
        reliable_change=None if before is None or newest is None else reliable_change(instrument, before, newest),
        last_change=None if before is None or newest is None else newest - before,
        item9=record.item9,
        diagnostics=None,
        evidence=response_evidence(knowledge),
        notes=(*record.notes, *why),
        scales=scales,
        warning=_rising(record, scales, knowledge),
        goals=history.goals,
        provenance=population.provenance,
    )
