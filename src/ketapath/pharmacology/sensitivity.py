"""How does this one person react? Their own earlier sessions update the prior of their reaction.

Readings of a session hang together: each shares the deviation of the session and the error of the reading before the
dose, so the likelihood is one normal over all rises of a session. What belongs to the session is never learned away:
two calm sessions narrow the person's part and hardly touch the part of the sessions. Public verb: `sensitivity`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ketapath.domain.evidence import Text
from ketapath.domain.response import Diagnostics, Posterior
from ketapath.domain.session import Session
from ketapath.errors import BadInput
from ketapath.inference import sample
from ketapath.pharmacology.reactions import (
    COORDINATES,
    QUANTITIES,
    RISING,
    Array,
    Figures,
    Person,
    course,
    cumulative,
    dissociation,
    rise,
)

DRAWS = 4000
PATHS: Mapping[str, str] = {
    "systolic": "vitals.systolic_mmhg",
    "diastolic": "vitals.diastolic_mmhg",
    "heart-rate": "vitals.heart_rate_per_min",
}
"""Which profile path charts which quantity."""
_LIMITS: Mapping[str, tuple[float, float]] = {"systolic": (50, 300), "diastolic": (20, 200), "heart-rate": (20, 250)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One quantity in one earlier session: the reading before the dose and those after it, in the quantity's unit.

    `levels` are the effect-site levels of arterial S-ketamine (ng/mL) that the model gives for those minutes.
    """

    before: float
    minutes: tuple[float, ...]
    values: tuple[float, ...]
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierSession:
    """What one earlier session says of a person; what was not observed is left out or None.

    `peak_level` is the highest effect-site level (ng/mL) for dissociation, `racemic` whether R-ketamine was there.
    `fraction` is an observed share of the most that can be felt, `met_criterion` the CADSS criterion, `severe`
    distress of 7 or more or agitation.
    """

    readings: Mapping[str, Readings]
    peak_level: float | None = None
    racemic: bool = True
    fraction: float | None = None
    met_criterion: bool | None = None
    severe: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """The reaction of one person after so many sessions; the prior of people like this where there are none.

    `coordinates`: quantity -> (n, d) of equal weight, as `reactions` reads them. `compared` says how many times the
    typical reaction of people like this (1 is typical): "systolic drug rise" and others. `used` counts the sessions
    that said something on a quantity; where an update failed its checks the prior is kept, and a note says so.
    """

    person: Person
    sessions: int
    used: Mapping[str, int]
    coordinates: Mapping[str, Array]
    compared: tuple[Posterior, ...]
    diagnostics: Mapping[str, Diagnostics]
    notes: tuple[Text, ...]


def sensitivity(
    sessions: Sequence[EarlierSession],
    person: Person,
    figures: Figures,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Sensitivity:
    """The person's reaction after these sessions. Raises BadInput for readings that cannot be."""
    for session in sessions:
        _check(session)
    coordinates, checks, used, notes = {}, {}, {}, []
    for quantity in QUANTITIES:
        d = COORDINATES[quantity]
        prior = rng.standard_normal((draws, d))
        likelihood, used[quantity] = _likelihood(quantity, sessions, person, figures)
        coordinates[quantity] = prior
        checks[quantity] = Diagnostics(ess=float(draws), pareto_k=None, method="prior", ok=True)
        if likelihood is not None:
            found = sample(_with_prior(likelihood), np.zeros(d), rng, draws=draws)
            checks[quantity] = found.diagnostics
            if found.diagnostics.ok:
                coordinates[quantity] = found.resampled(rng, draws)
            else:  # a posterior that failed its checks would be false precision; the prior is wider and honest
                notes.append(Text(key="effects.update_failed", values={"quantity": quantity}))
    return Sensitivity(
        person=person,
        sessions=len(sessions),
        used=used,
        coordinates=coordinates,
        compared=tuple(_compared(coordinates, person, figures)),
        diagnostics=checks,
        notes=tuple(notes),
    )


def earlier_session(
    session: Session, levels: Mapping[str, tuple[Sequence[float], Sequence[float]]], figures: Figures
) -> EarlierSession:
    """A charted session as this module reads it.

    `levels`: "pressure" and "dissociation" -> (minutes, effect-site ng/mL), as the model gives them for the dose.
    The last reading up to minute 0 is the one before the dose; without one the rises are not known and the readings
    of that quantity say nothing. Readings later than the levels reach say nothing of the drug and are left out.
    """
    minutes, level = (np.asarray(part, dtype=np.float64) for part in levels["pressure"])
    found = {}
    for quantity, path in PATHS.items():
        charted = sorted((r.minute, float(r.value)) for r in session.readings if r.quantity == path)
        before = [v for t, v in charted if t <= 0.0]
        after = [(t, v) for t, v in charted if 0.0 < t <= minutes[-1]]
        if before and after:
            found[quantity] = Readings(
                before=before[-1],
                minutes=tuple(t for t, _ in after),
                values=tuple(v for _, v in after),
                levels=tuple(np.interp([t for t, _ in after], minutes, level).tolist()),
            )
    return EarlierSession(
        readings=found,
        peak_level=float(np.max(levels["dissociation"][1])),
        racemic=session.dose.product == "racemic",
        severe=_severe(session, figures["dissociation"]["distress_limit"]["value"]),
    )


def _severe(session: Session, limit: float) -> bool | None:
    """Whether distress or agitation was charted under the drug; None where neither was asked."""
    distress = [r.value for r in session.readings if r.quantity == "session.distress_0_10" and r.minute > 0]
    agitated = [bool(r.value) for r in session.readings if r.quantity == "session.agitation" and r.minute > 0]
    if not distress and not agitated:
        return None
    return any(agitated) or any(float(value) >= limit for value in distress)


def _with_prior(likelihood: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda z: likelihood(z) - 0.5 * (z**2).sum(axis=1)


def _likelihood(
    quantity: str, sessions: Sequence[EarlierSession], person: Person, figures: Figures
) -> tuple[Callable[[Array], Array] | None, int]:
    """The log-likelihood of what the sessions say on a quantity, and how many say something."""
    if quantity == "dissociation":
        felt = [s for s in sessions if s.peak_level and (s.fraction, s.met_criterion, s.severe) != (None, None, None)]
        return (lambda z: _felt(z, felt, person, figures)) if felt else None, len(felt)
    read = [s.readings[quantity] for s in sessions if quantity in s.readings and s.readings[quantity].values]
    parts = [
        (
            np.array(r.values) - r.before,
            course(np.array(r.minutes, dtype=np.float64), figures),
            np.array(r.levels, dtype=np.float64),
        )
        for r in read
    ]
    return (lambda z: _risen(z, quantity, parts, person, figures)) if parts else None, len(parts)


def _risen(
    z: Array, quantity: str, parts: Sequence[tuple[Array, Array, Array]], person: Person, figures: Figures
) -> Array:
    """Normal log-likelihood of all rises: covariance of readings s²I, plus one column each for what a session shares.

    The columns are the deviation of visit and slope and the error of the reading before the dose; the determinant and
    the inverse then need three by three only (Woodbury).
    """
    own = rise(z, quantity, person, figures)
    total = np.zeros(z.shape[0])
    scale = np.stack([own.visit_sd, own.slope_sd, own.reading_sd]) / own.reading_sd
    for observed, visit, level in parts:
        rest = (observed[:, None] - visit[:, None] * own.visit - level[:, None] * own.slope) / own.reading_sd
        columns = np.stack([visit, level, np.ones_like(level)])
        along = (columns @ rest) * scale
        log_det, quadratic = _three(columns @ columns.T, scale, along)
        total -= 0.5 * ((rest * rest).sum(axis=0) - quadratic + log_det) + level.size * np.log(own.reading_sd)
    return total


def _three(inner: Array, scale: Array, along: Array) -> tuple[Array, Array]:
    """log det(M) and along' M^-1 along for M = 1 + scale inner scale', n times at once; shapes (3, 3), (3, n), (3, n).

    Cholesky by hand: a library call for each of n small matrices takes ten times as long.
    """
    a, b, c = (1.0 + inner[i, i] * scale[i] ** 2 for i in range(3))
    ab, ac, bc = (inner[i, j] * scale[i] * scale[j] for i, j in ((0, 1), (0, 2), (1, 2)))
    first = np.sqrt(a)
    low_b, low_c = ab / first, ac / first
    second = np.sqrt(b - low_b**2)
    low_bc = (bc - low_b * low_c) / second
    third = np.sqrt(c - low_c**2 - low_bc**2)
    x = along[0] / first
    y = (along[1] - low_b * x) / second
    w = (along[2] - low_c * x - low_bc * y) / third
    return 2.0 * np.log(first * second * third), x * x + y * y + w * w


def _felt(z: Array, sessions: Sequence[EarlierSession], person: Person, figures: Figures) -> Array:
    """Log-likelihood of what was felt: a fraction on the logit scale, yes or no past a threshold."""
    own = dissociation(z, person, figures)
    noise = figures["dissociation"]["fraction_noise"]["value"]
    total = np.zeros(z.shape[0])
    for session in sessions:
        assert session.peak_level is not None
        over = math.log(session.peak_level) + np.log1p(own.r_share * session.racemic) - own.log_c50
        sd = own.session_sd
        if session.fraction is not None:
            seen = math.log(session.fraction / (1.0 - session.fraction))
            wide = np.hypot(sd, noise)
            total -= 0.5 * ((seen - over) / wide) ** 2 + np.log(wide)
        for limit, met in ((own.criterion, session.met_criterion), (own.severe, session.severe)):
            # A fraction of the same session says more of the same deviation; counting both would count it twice.
            if met is not None and session.fraction is None:
                p = cumulative((over - limit) / sd * (1.0 if met else -1.0))
                total += np.log(np.maximum(p, 1e-300))
    return total


def _compared(coordinates: Mapping[str, Array], person: Person, figures: Figures) -> list[Posterior]:
    """How many times the typical reaction this person's is."""
    found = []
    for quantity in RISING:
        z = coordinates[quantity]
        own, middle = (rise(at, quantity, person, figures) for at in (z, np.zeros((1, z.shape[1]))))
        found.append(_posterior(f"{quantity} drug rise", own.slope / middle.slope[0]))
        if middle.visit[0] > 0.0:
            found.append(_posterior(f"{quantity} visit rise", own.visit / middle.visit[0]))
    z = coordinates["dissociation"]
    felt, usual = (dissociation(at, person, figures) for at in (z, np.zeros((1, z.shape[1]))))
    found.append(_posterior("dissociation sensitivity", np.exp(usual.log_c50[0] - felt.log_c50)))
    return found


def _posterior(quantity: str, values: Array) -> Posterior:
    p05, p50, p95 = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return Posterior(quantity=quantity, unit="1", p05=p05, p50=p50, p95=p95)


def _check(session: EarlierSession) -> None:
    for quantity, read in session.readings.items():
        if quantity not in RISING:
            raise _bad("quantity", quantity, f"one of {', '.join(RISING)}")
        low, high = _LIMITS[quantity]
        if not all(low <= value <= high for value in (read.before, *read.values)):
            raise _bad(quantity, (read.before, *read.values), f"{low:g} to {high:g}")
        if not len(read.minutes) == len(read.values) == len(read.levels):
            raise _bad(f"{quantity} readings", len(read.values), "one minute and one level for each value")
        if not all(t > 0.0 and math.isfinite(t) for t in read.minutes):
            raise _bad(f"{quantity} minutes", read.minutes, "minutes after the start of dosing")
        if not all(c >= 0.0 and math.isfinite(c) for c in read.levels):
            raise _bad(f"{quantity} levels", read.levels, "levels of 0 or more")
    peak = session.peak_level
    if peak is not None and not (math.isfinite(peak) and peak >= 0.0):
        raise _bad("peak level", peak, "a level of 0 or more")
    if session.fraction is not None and not 0.0 < session.fraction < 1.0:
        raise _bad("fraction", session.fraction, "between 0 and 1, neither of them")


def _bad(field: str, found: Any, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct it and try again.")
