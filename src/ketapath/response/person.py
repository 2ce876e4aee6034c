"""What is one person, before any score? A short vector of terms, normal on suitable scales, and what it predicts.

The terms are only those that matter for this person's treatment and scales: log-odds of the context, of what comes
with visits, of a new antidepressant where one began, of the drug effect at 0.5 mg/kg; logarithms of ED50, half-life and
dose equivalents; the square root of the slope of half-life over dose; the arcsine of the root of build-up; the true
baseline of each scale on its link, and how much steeper each scale falls. Their mean and covariance are those of the
population's draws, with the spread between studies and between persons added (ADR 27). Equations: `response.equations`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.response.equations import (
    HALF_MG_PER_KG,
    LINK_OFFSET,
    Array,
    after_sessions,
    error_on_link,
    expit,
    half_life_days,
    link,
    risen,
    session_effect,
    unlink,
)
from ketapath.response.prior import Population
from ketapath.response.treatment import Session

_LEAST = 1e-9  # source: floating point; below it nothing is told from nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A depression scale of the model: 0 to `top` points, the names of its parameters, its usual baseline on the link.

    `steeper` is None for the scale that the fraction is stated on; `error` is one measurement's, on the link.
    """

    id: str
    top: float
    steeper: str | None
    baseline: float
    baseline_sd: float
    error: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """The prior of one person's terms: theta = mean + factor z with z standard normal, rows in order of `names`."""

    names: tuple[str, ...]
    mean: Array
    factor: Array
    sessions: tuple[Session, ...]
    antidepressant_day: float | None
    scales: tuple[Scale, ...]

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Where each term stands."""
        return {name: i for i, name in enumerate(self.names)}

    @property
    def variance(self) -> Array:
        """Of each term, (d,)."""
        return np.asarray((self.factor**2).sum(axis=1))

    def terms(self, z: Array) -> Array:
        """The terms (d, n) of standard-normal points (n, d)."""
        return np.asarray(self.mean[:, None] + self.factor @ z.T)


def person(
    population: Population,
    parameters: Mapping[str, Any],
    sessions: Sequence[Session],
    scales: Sequence[Scale],
    *,
    condition: str | None,
    antidepressant_day: float | None,
    between_persons: bool = True,
) -> Person:
    """The prior of this person's terms. Sessions in order of days; at least one scale.

    `between_persons` False leaves the spread between persons out: the prior of where they are treated.
    """
    columns = _population_terms(population, sessions, condition, antidepressant_day)
    own = _spreads(population, between_persons=between_persons)
    columns |= {s.steeper: np.log(population[s.steeper]) for s in scales if s.steeper is not None}
    table = np.stack(list(columns.values()), axis=1)
    d, k = table.shape[1], len(scales)
    covariance = np.zeros((d + k, d + k))
    covariance[:d, :d] = np.cov(table, rowvar=False).reshape(d, d)
    covariance[np.arange(d), np.arange(d)] += [own.get(name, 0.0) for name in columns]
    spread = np.array([s.baseline_sd for s in scales])
    shared = float(parameters["baselines_alike"]["correlation"])
    covariance[d:, d:] = np.outer(spread, spread) * (shared + (1.0 - shared) * np.eye(k))
    return Person(
        names=(*columns, *(f"baseline_{s.id}" for s in scales)),
        mean=np.concatenate([table.mean(axis=0), [s.baseline for s in scales]]),
        factor=np.asarray(np.linalg.cholesky(covariance + _LEAST * np.eye(d + k)), dtype=np.float64),
        sessions=tuple(sessions),
        antidepressant_day=antidepressant_day,
        scales=tuple(scales),
    )


def _population_terms(
    population: Population, sessions: Sequence[Session], condition: str | None, antidepressant_day: float | None
) -> dict[str, Array]:
    """Draws of the terms on their scales."""
    context = population["context_open"] + population["routine_care"]
    columns = {
        "context": context + population["bipolar"] if condition == "bipolar-depression" else context,
        "visits": _logit(population["visits"]),
        "drug": _logit(population["drug_at_half"]),
        "half_life": np.log(population["half_life_days"]),
    }
    if antidepressant_day is not None:
        columns["new_antidepressant"] = _logit(population["new_antidepressant"])
    if len(sessions) > 1:
        columns["build_up"] = np.arcsin(np.sqrt(population["build_up"]))
    if any(s.equivalent is not None or s.strength != HALF_MG_PER_KG for s in sessions):
        columns["ed50"] = np.log(population["ed50_mg_per_kg"])
        columns["half_life_slope"] = np.sqrt(population["half_life_slope"])
    for name in dict.fromkeys(s.equivalent for s in sessions if s.equivalent is not None):
        columns[name] = np.log(population[name])
    return columns


def _spreads(population: Population, *, between_persons: bool) -> dict[str, float]:
    """The variance that studies, and persons where asked, add to some terms."""
    found = {
        "context": _mean_square(population, "context_between_studies"),
        "drug": _mean_square(population, "drug_between_studies"),
    }
    if between_persons:
        for term, spread in (("context", "person_context"), ("drug", "person_drug"), ("half_life", "person_half_life")):
            found[term] = found.get(term, 0.0) + _mean_square(population, spread)
    return found


def _mean_square(population: Population, name: str) -> float:
    return float(np.mean(population[name] ** 2))


def _logit(fraction: Array) -> Array:
    return np.asarray(np.log(fraction / (1.0 - fraction)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """What is gone at some days, each (days, n): context and time in every arm, and drug."""

    context: Array
    drug: Array

    def log_remaining(self) -> Array:
        """Logarithm of the fraction of symptoms that remains."""
        return np.asarray(np.log(np.maximum((1.0 - self.context) * (1.0 - self.drug), _LEAST)))


def parts(who: Person, theta: Array, days: npt.ArrayLike) -> Parts:
    """Context and drug parts at these days since the first session, for terms (d, n).

    At or before day 0 nothing has happened yet. On the day of a later session the part is the one before its dose.
    """
    at = np.asarray(days, dtype=np.float64)
    started = (at > 0.0)[:, None]
    context = expit(np, theta[who.row["context"]])
    visits = expit(np, theta[who.row["visits"]])
    rest = (1.0 - context) * (1.0 - visits * risen(np, at)[:, None])
    if who.antidepressant_day is not None:
        new = expit(np, theta[who.row["new_antidepressant"]])
        # What it had done by the baseline is in the baseline already.
        before = 1.0 - new * float(risen(np, -who.antidepressant_day))
        rest = rest * (1.0 - new * risen(np, at - who.antidepressant_day)[:, None]) / before
    return Parts(context=np.where(started, 1.0 - rest, 0.0), drug=drug_part(who, theta, at))


Reactions = dict[tuple[float, str | None], tuple[Array, Array]]
"""Effect and half-life, each (n,), by the strength of a session and its equivalent, for one array of terms."""


def drug_part(who: Person, theta: Array, at: Array, known: Reactions | None = None) -> Array:
    """The drug part at these days, (days, n); on the day of a session the one before its dose.

    `known` keeps the reactions of these very terms from one call to the next.
    """
    found = np.zeros((at.size, theta.shape[1]))
    if not who.sessions:
        return found
    effects, half_lives = by_session(who, theta, known)
    days = np.array([s.day for s in who.sessions])
    build_up = np.sin(_from_zero(theta[who.row["build_up"]])) ** 2 if "build_up" in who.row else 0.0
    levels = after_sessions(np, np.diff(days, prepend=days[0]).tolist(), effects, half_lives, build_up)
    latest = np.searchsorted(days, at, side="left") - 1
    for session in np.unique(latest[latest >= 0]):
        here = latest == session
        since = (at[here] - days[session])[:, None]
        found[here] = levels[session] * np.exp2(-since / half_lives[session])
    return found


def by_session(who: Person, theta: Array, known: Reactions | None = None) -> tuple[list[Array], list[Array]]:
    """Effect and half-life of each session, each (n,); computed once for each strength."""
    kept: Reactions = {} if known is None else known
    for s in who.sessions:
        if (s.strength, s.equivalent) not in kept:
            kept[s.strength, s.equivalent] = _reaction(who, theta, s)
    found = [kept[s.strength, s.equivalent] for s in who.sessions]
    return [e for e, _ in found], [h for _, h in found]


def _reaction(who: Person, theta: Array, session: Session) -> tuple[Array, Array]:
    """Effect and half-life of such a session, each (n,)."""
    at_half, half_life = expit(np, theta[who.row["drug"]]), np.exp(theta[who.row["half_life"]])
    if "ed50" not in who.row:
        return at_half, half_life
    dose = np.full(theta.shape[1], session.strength)
    if session.equivalent is not None:
        dose = dose * np.exp(theta[who.row[session.equivalent]])
    slope = np.maximum(theta[who.row["half_life_slope"]], 0.0) ** 2
    effect = session_effect(np, dose, at_half, np.exp(theta[who.row["ed50"]]))
    return effect, half_life_days(np, dose, half_life, slope)


def _from_zero(angle: Array) -> Array:
    """The angle kept between none and all of build-up: below 0 there is none, so that no value has a mirror image."""
    return np.asarray(np.clip(angle, 0.0, 0.5 * np.pi))


def on_link(who: Person, theta: Array, log_remaining: Array, scale: Scale) -> Array:
    """The scale's link at these days without the person's own course, (days, n)."""
    steeper = np.exp(theta[who.row[scale.steeper]]) if scale.steeper is not None else 1.0
    total = baseline(who, theta, scale) * np.exp(steeper * log_remaining)
    return np.asarray(link(np, total, scale.top))


def baseline(who: Person, theta: Array, scale: Scale) -> Array:
    """The person's usual total before treatment, (n,)."""
    return np.asarray(unlink(np, theta[who.row[f"baseline_{scale.id}"]], scale.top))


def scales_of(
    ids: Sequence[str], instruments: Mapping[str, Any], parameters: Mapping[str, Any], population: Population
) -> tuple[Scale, ...]:
    """The modelled ones among these instruments, in the order of response.yaml."""
    return tuple(
        _scale(id_, spec, instruments[id_], population) for id_, spec in parameters["scales"].items() if id_ in ids
    )


def _scale(id_: str, spec: Mapping[str, Any], instrument: Mapping[str, Any], population: Population) -> Scale:
    top = float(instrument["scoring"]["max"])
    named = spec.get("error")
    # The mean of squares, so that the variance is the one that the draws have on average.
    points = np.sqrt(_mean_square(population, named)) if named else instrument["standard_error"]["points"]
    middle, spread = float(spec["baseline"]), float(spec["baseline_sd"])
    pad = LINK_OFFSET * top
    slope = 1.0 / (middle + pad) + 1.0 / (top - middle + pad)
    return Scale(
        id=id_,
        top=top,
        steeper=spec.get("steeper"),
        baseline=float(link(np, middle, top)),
        baseline_sd=spread * slope,
        error=float(error_on_link(float(points), top)),
    )
