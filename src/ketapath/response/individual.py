"""How does this one person's course go? The prior of the trajectory, conditioned exactly on the scores.

Scores become fractions of the recorded baseline, each with the instrument's measurement error. The update is Gaussian,
so it is exact: no sampling error, and with no score it returns the prior.
Assumption: normal errors on the fraction; only the shown quantiles are clipped to the scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from ketapath.domain.evidence import Evidence, Text
from ketapath.domain.fact import Dose, ScoreEntry
from ketapath.domain.plan import Range
from ketapath.domain.response import Course, Diagnostics, Observed, Posterior, RecoveryCurve
from ketapath.knowledge import Knowledge, published
from ketapath.measurement import reliable_change
from ketapath.response.totals import one_a_day
from ketapath.response.trajectory import DRAWS, Array, SessionDose, prior

_Z = {"p05": -1.6448536, "p25": -0.6744898, "p50": 0.0, "p75": 0.6744898, "p95": 1.6448536}  # normal quantiles


def course(
    scores: Sequence[ScoreEntry],
    doses: Sequence[Dose],
    parameters: Mapping[str, Any],
    instrument: Mapping[str, Any],
    *,
    evidence: tuple[Evidence, ...],
    weight_kg: float | None,
    as_of: date,
    seed: int,
) -> Course:
    """The person's course so far and its continuation if the sessions on record were all.

    Days count from the first session. Only totals that can be used enter; the last one of the four weeks up to the
    first session is the baseline. Without sessions, baseline or outcome studies of the route there is no curve, and
    a note says which is missing; without any score the curve is the prior of a nominal baseline, and says so.
    """
    given = sorted((d for d in doses if d.on <= as_of), key=lambda d: d.on)
    stated = [s for s in scores if s.instrument == instrument["id"] and s.on <= as_of]
    window_days = int(parameters["baseline_days"])
    item9 = _item9([s for s in stated if not given or s.on >= given[0].on - timedelta(days=window_days)])
    usable, notes = one_a_day([s for s in stated if not _is_under_the_first_dose(s, given)])
    if any(_is_under_the_first_dose(s, given) for s in stated):
        notes.append(Text(key="response.under_first_dose", values={"on": given[0].on.isoformat()}))
    if not given:
        return _no_curve(usable, given, instrument, evidence, [*notes, Text(key="response.no_sessions")], item9)
    first = given[0].on
    baseline = _baseline(usable, first, window_days)
    nominal = baseline is None and not usable
    if nominal:
        start = float(parameters["nominal_baseline"]["value"])
        baseline = ScoreEntry(instrument=instrument["id"], on=first, total=start, items=(), origin=given[0].origin)
        notes.append(Text(key="response.nominal_baseline", values={"baseline": f"{start:g}"}))
    if baseline is None or not baseline.total:
        why = "response.no_baseline" if baseline is None else "response.baseline_zero"
        return _no_curve(usable, given, instrument, evidence, [*notes, Text(key=why)], item9)
    after = [s for s in usable if s.on > first]
    if not _is_predicted(given, parameters):
        notes.append(Text(key="response.not_predictable"))
        return _no_curve(usable, given, instrument, evidence, notes, item9, baseline)
    sessions = _sessions(given, first, weight_kg)
    if sessions is None:
        notes.append(Text(key="response.dose_unknown"))
        return _no_curve(usable, given, instrument, evidence, notes, item9, baseline)
    notes.extend(_outside_studies(sessions, parameters))
    found = _conditioned(baseline, after, sessions, parameters, instrument, evidence, first, as_of, seed, notes)
    found = replace(found, item9=item9)
    return replace(found, baseline=None, baseline_on=None, observed=()) if nominal else found


def prior_benefit(
    product: str,
    route: str,
    *,
    session_days: Sequence[float],
    dose_mg_per_kg: float | None,
    baseline_score: float,
    parameters: Mapping[str, Any],
    instrument: Mapping[str, Any],
    seed: int,
) -> dict[str, Range] | None:
    """What people like this one may expect the day after the last session; None where nobody studied it.

    `score` is the band for one person's observed total; `p_response` and `p_remission` have a band because trials and
    their contexts differ, not because persons do.
    """
    if {"product": product, "route": route} not in parameters["predicted"]:
        return None
    if route == "iv" and dose_mg_per_kg is None:
        return None  # without a dose by weight the spray's effect would stand in for the infusion's
    sessions = [SessionDose(day=d, mg_per_kg=dose_mg_per_kg if route == "iv" else None) for d in session_days]
    expected = prior([max(session_days) + 1.0], sessions, parameters, baseline=baseline_score, seed=seed)
    error = parameters["standard_error"]["phq9"] / baseline_score
    mean, spread = float(expected.mean[0]), math.sqrt(float(expected.covariance[0, 0]) + error**2)
    top = float(instrument["scoring"]["max"])
    low, mid, high = (
        min(top, max(0.0, baseline_score * (1.0 - (mean + _Z[q] * spread)))) for q in ("p95", "p50", "p05")
    )
    found = {"score_after_induction": Range(p05=low, p50=mid, p95=high, unit="{score}")}
    inner = math.hypot(expected.person_sd, error)
    for name, wanted in (
        ("p_response", float(instrument["response"]["share"])),
        ("p_remission", 1.0 - float(instrument["remission"]["below"]) / baseline_score),
    ):
        chances = np.array([_above(wanted, float(m), inner) for m in expected.members[:, 0]])
        p05, p50, p95 = (float(v) for v in np.quantile(chances, (0.05, 0.5, 0.95)))
        found[name] = Range(p05=p05, p50=p50, p95=p95, unit="1")
    return found


def response_evidence(knowledge: Knowledge) -> tuple[Evidence, ...]:
    """The sources that the parameters of this model name."""
    named = {r["source"]: None for r in knowledge.response.values() if isinstance(r, Mapping) and r.get("source")}
    return tuple(published(knowledge.sources[key]) for key in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Updated:
    """The conditioned moments of y on a grid and of the named quantities."""

    mean: Array
    sd: Array
    named: Mapping[str, tuple[float, float]]
    surprise: float


def _conditioned(
    baseline: ScoreEntry,
    after: list[ScoreEntry],
    sessions: list[SessionDose],
    parameters: Mapping[str, Any],
    instrument: Mapping[str, Any],
    evidence: tuple[Evidence, ...],
    first: date,
    as_of: date,
    seed: int,
    notes: list[Text],
) -> Course:
    assert baseline.total is not None
    start = baseline.total
    now = max((as_of - first).days, 0) + 0.0
    horizon = max(float(parameters["review_day"]), now + 14.0)
    last = sessions[-1].day
    checks = [last + float(d) for d in parameters["relapse"]["after_days"]]
    grid = sorted({0.0, *np.arange(0.0, max(horizon, *checks) + 1.0).tolist(), now, horizon, *checks})
    updated = _update(grid, after, first, sessions, parameters, start, seed)
    error = parameters["standard_error"]["phq9"] / start
    seen = {t: (float(m), math.hypot(float(s), error)) for t, m, s in zip(grid, updated.mean, updated.sd, strict=True)}
    quantities = {
        "fraction_improved_now": seen[now],
        "fraction_improved_at_horizon": seen[horizon],
        **updated.named,
    }
    remission = 1.0 - float(instrument["remission"]["below"]) / start
    points = float(instrument["reliable_change"]["points"])
    responded = seen[now][0] >= float(instrument["response"]["share"])
    floor = float(parameters["relapse"]["improved_below"])
    newest = after[-1].total if after else None
    expected = updated.surprise <= float(parameters["surprise"]["sd"])
    if not expected:
        notes = [*notes, Text(key="response.surprising")]
    return Course(
        scale=instrument["id"],
        baseline=start,
        baseline_on=baseline.on.isoformat(),
        sessions=len(sessions),
        observed=_observed([baseline, *after], first),
        posterior=tuple(
            Posterior(
                quantity=name,
                unit="d" if name.endswith("days") else "1",
                p05=m + _Z["p05"] * s,
                p50=m,
                p95=m + _Z["p95"] * s,
            )
            for name, (m, s) in quantities.items()
        ),
        curve=_curve(instrument, start, seen),
        horizon_day=horizon,
        p_response=_above(float(instrument["response"]["share"]), *seen[horizon]),
        p_remission=_above(remission, *seen[horizon]),
        p_relapse_by=tuple((t, 1.0 - _above(floor, *seen[t])) for t in checks if t > now)
        if responded and after
        else (),
        p_worse=1.0 - _above(-points / start, *seen[now]),
        reliable_change=None if newest is None else reliable_change(instrument, start, newest),
        last_change=None if newest is None else newest - start,
        item9=None,
        diagnostics=Diagnostics(ess=float(DRAWS), pareto_k=None, method="gaussian-conditioning", ok=expected),
        evidence=evidence,
        notes=(*notes, Text(key="response.split_unknown"), Text(key="response.no_more_sessions")),
    )


def _update(
    grid: list[float],
    after: list[ScoreEntry],
    first: date,
    sessions: list[SessionDose],
    parameters: Mapping[str, Any],
    start: float,
    seed: int,
) -> _Updated:
    """Prior moments on grid and observation days together, conditioned on the observations."""
    days = [float((s.on - first).days) for s in after]
    before = prior([*grid, *days], sessions, parameters, baseline=start, seed=seed)
    values = np.array([1.0 - float(s.total or 0.0) / start for s in after])
    names = list(before.named)
    extra = np.stack([before.named[n] for n in names], axis=1)
    centred = before.members - before.mean
    cross = (extra - extra.mean(axis=0)).T @ centred[:, len(grid) :] / (DRAWS - 1)
    n = len(grid)
    mean = np.concatenate([before.mean[:n], extra.mean(axis=0)])
    variance = np.concatenate([np.diag(before.covariance)[:n], extra.var(axis=0, ddof=1)])
    surprise = 0.0
    if after:
        error = parameters["standard_error"]["phq9"] / start
        spread = before.covariance[n:, n:] + np.eye(len(after)) * error**2
        gap = values - before.mean[n:]
        surprise = float(np.max(np.abs(gap) / np.sqrt(np.diag(spread))))
        reach = np.concatenate([before.covariance[:n, n:], cross])
        gain = np.linalg.solve(spread, reach.T).T
        mean = mean + gain @ gap
        variance = np.maximum(variance - np.sum(gain * reach, axis=1), 0.0)
    sd = np.sqrt(variance)
    named = {name: (float(mean[n + i]), float(sd[n + i])) for i, name in enumerate(names)}
    return _Updated(mean=mean[:n], sd=sd[:n], named=named, surprise=surprise)


def _curve(instrument: Mapping[str, Any], start: float, seen: Mapping[float, tuple[float, float]]) -> RecoveryCurve:
    """Quantiles of the score that would be observed, clipped to the scale; high improvement is a low score."""
    top = float(instrument["scoring"]["max"])

    def at(quantile: str) -> tuple[float, ...]:
        return tuple(min(top, max(0.0, start * (1.0 - (m - _Z[quantile] * s)))) for m, s in seen.values())

    return RecoveryCurve(
        scale=instrument["id"],
        days=tuple(seen),
        p05=at("p05"),
        p25=at("p25"),
        p50=at("p50"),
        p75=at("p75"),
        p95=at("p95"),
    )


def _above(limit: float, mean: float, sd: float) -> float:
    """Probability that a normal quantity lies at or above the limit."""
    if sd == 0.0:
        return float(mean >= limit)
    return 0.5 * math.erfc((limit - mean) / (sd * math.sqrt(2.0)))


def _is_under_the_first_dose(score: ScoreEntry, given: Sequence[Dose]) -> bool:
    """Answered on the first session's day after its dose began: neither a baseline nor a course."""
    if not given or given[0].at is None or score.at is None:
        return False
    return score.on == given[0].on and score.at > given[0].at


def _outside_studies(sessions: Sequence[SessionDose], parameters: Mapping[str, Any]) -> list[Text]:
    """A note where an infusion's dose by weight was never studied, so that the curve is an extrapolation."""
    studied = parameters["studied_mg_per_kg"]
    low, high = float(studied["low"]), float(studied["high"])
    slack = 1.0 + 1e-6  # source: floating-point rounding of mg / kg only
    given = [s.mg_per_kg for s in sessions if s.mg_per_kg is not None]
    if all(low / slack <= dose <= high * slack for dose in given):
        return []
    return [Text(key="response.dose_outside_studies", values={"low": f"{low:g}", "high": f"{high:g}"})]


def _baseline(usable: list[ScoreEntry], first: date, window_days: int) -> ScoreEntry | None:
    earliest = first - timedelta(days=window_days)
    return max((s for s in usable if earliest <= s.on <= first), key=lambda s: s.on, default=None)


def _is_predicted(given: Sequence[Dose], parameters: Mapping[str, Any]) -> bool:
    return all({"product": d.product, "route": d.route} in parameters["predicted"] for d in given)


def _sessions(given: Sequence[Dose], first: date, weight_kg: float | None) -> list[SessionDose] | None:
    """The doses by weight; None where an infusion has no dose or the weight is not known."""
    found = []
    for dose in given:
        per_kg = None
        if dose.route == "iv":
            if dose.dose_mg is None or weight_kg is None:
                return None
            per_kg = dose.dose_mg / weight_kg
        found.append(SessionDose(day=float((dose.on - first).days), mg_per_kg=per_kg))
    return found


def _observed(entries: Sequence[ScoreEntry], first: date) -> tuple[Observed, ...]:
    return tuple(
        Observed(day=float((s.on - first).days), total=s.total, origin=str(s.origin))
        for s in entries
        if s.total is not None
    )


def _item9(stated: Sequence[ScoreEntry]) -> int | None:
    """The latest answer to item 9; of several on that day the highest.

    A form without a total counts too, and an unanswered item 9 never hides an earlier answer: missing is not zero.
    """
    nine = 9  # source: PHQ-9 has nine items; the ninth is item 9
    answered = [(s.on, s.items[nine - 1]) for s in stated if len(s.items) == nine]
    known = [(on, answer) for on, answer in answered if answer is not None]
    return max(known)[1] if known else None


def _no_curve(
    usable: list[ScoreEntry],
    given: Sequence[Dose],
    instrument: Mapping[str, Any],
    evidence: tuple[Evidence, ...],
    notes: list[Text],
    item9: int | None,
    baseline: ScoreEntry | None = None,
) -> Course:
    """The person's own scores without a model, and the note that says why."""
    start = baseline or (usable[0] if usable else None)
    before = None if start is None else start.total
    newest = usable[-1].total if start is not None and usable and usable[-1].on > start.on else None
    return Course(
        scale=instrument["id"],
        baseline=None if baseline is None else baseline.total,
        baseline_on=None if baseline is None else baseline.on.isoformat(),
        sessions=len(given),
        observed=_observed(usable, given[0].on if given else start.on) if start else (),
        posterior=(),
        curve=None,
        horizon_day=None,
        p_response=None,
        p_remission=None,
        p_relapse_by=(),
        p_worse=None,
        reliable_change=None if before is None or newest is None else reliable_change(instrument, before, newest),
        last_change=None if before is None or newest is None else newest - before,
        item9=item9,
        diagnostics=None,
        evidence=evidence,
        notes=tuple(notes),
    )
