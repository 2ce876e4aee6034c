"""How differently do people react to one level? The prior of a person's reaction, in coordinates of standard normals.

Every figure that is not known exactly, and every way in which people differ, is one coordinate with a standard normal
prior; a row of coordinates is one possible person in one possible world. So the prior is simple, the update by a
person's own sessions needs no other, and the spread splits into its parts:

- typical: what nobody knows of the middle of all people (the same for everybody);
- person: how this person differs from the middle, lasting;
- session: how one session of this person differs from the next; no past session takes it away;
- reading: the error of one reading.

Pressure and heart rate: rise = (visit rise + deviation) x course(t) + (slope + deviation) x level(t). Dissociation:
fraction of its maximum = level / (level + C50), with the C50 of the person and the deviation of the session on the
logarithmic scale. Spread of visit and drug rise have one coefficient of variation (assumption). Source of all
figures: knowledge/effects/acute.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadInput

Array = npt.NDArray[np.float64]
Figures = Mapping[str, Any]

RISING = ("systolic", "diastolic", "heart-rate")
QUANTITIES = (*RISING, "dissociation")
COORDINATES: Mapping[str, int] = {"systolic": 6, "diastolic": 6, "heart-rate": 6, "dissociation": 9}
"""How many coordinates a reaction has: d of the arrays (n, d) that the functions of this module take."""

_NORMAL = NormalDist()
_Z95, _Z90 = _NORMAL.inv_cdf(0.975), _NORMAL.inv_cdf(0.95)
# Mean and SD of the largest of 1, 2, 4 and 8 standard normals (tables of normal order statistics).
_LARGEST_MEAN, _LARGEST_SD = (0.0, 0.56419, 1.02938, 1.42360), (1.0, 0.82565, 0.70122, 0.61065)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who reacts; None where it is not known. `population` is volunteers or people treated in a clinic."""

    age_years: float | None = None
    hypertension: bool | None = None
    population: Literal["clinic", "healthy"] = "clinic"

    def __post_init__(self) -> None:
        if self.age_years is not None and not 0.0 <= self.age_years <= 120.0:
            raise BadInput(
                field="age", found=self.age_years, limit="0 to 120 years", next_step="Correct it and try again."
            )


_ANYBODY = Person()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rise:
    """Reactions of n possible people in pressure or heart rate, arrays (n,).

    `slope` in units per ng/mL, `visit` in units; `slope_sd` and `visit_sd` are of sessions, `reading_sd` of one
    reading. `typical` (n, 2) are the coordinates of what is the same for everybody.
    """

    slope: Array
    visit: Array
    slope_sd: Array
    visit_sd: Array
    reading_sd: Array
    typical: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dissociation:
    """Reactions of n possible people in dissociation, arrays (n,).

    `log_c50` in log ng/mL; `session_sd` of sessions on that scale; `r_share` what R-ketamine adds of the level of S;
    the criterion is met, or dissociation severe, where log level - log_c50 - deviation exceeds its threshold.
    """

    log_c50: Array
    session_sd: Array
    r_share: Array
    criterion: Array
    severe: Array
    typical: Array


def half_lives(figures: Figures, *, draws: int, rng: np.random.Generator) -> dict[str, Array]:
    """Half-times of the effect sites in minutes, each (draws,): what the arterial model has to be asked for."""
    felt, pressed = figures["dissociation"]["half_life"], figures["systolic"]["half_life"]
    spread = math.log(felt["high"] / felt["low"]) / (2 * _Z95)
    return {
        "pressure": rng.uniform(pressed["low"], pressed["high"], draws),
        "dissociation": felt["value"] * np.exp(spread * rng.standard_normal(draws)),
    }


def rise(z: Array, quantity: str, person: Person, figures: Figures) -> Rise:
    """Reactions in `quantity` from coordinates (n, 6): typical drug rise, person's drug rise, typical visit rise,
    person's visit rise, share between people, error of readings."""
    own = figures[quantity]
    drug, drug_sd, visit, visit_sd = _middles(own, figures)
    total = own["session_sd"]["value"] ** 2
    reading = own["reading_sd"]
    noise = _logit_normal(z[:, 5], 2 * reading["low"] ** 2 / total, 2 * reading["high"] ** 2 / total)
    between = _logit_normal(z[:, 4], own["between_share"]["low"], own["between_share"]["high"])
    left = (1.0 - noise) * total / (drug**2 + visit**2)
    cv_person, cv_session = np.sqrt(between * left), np.sqrt((1.0 - between) * left)
    log_sd = np.sqrt(np.log1p(cv_person**2))
    # The mean rises are of people of all ages, with and without hypertension: what is known of one is set off
    # against that mix. The visit's rise is of younger people on placebo, so nothing is set off there.
    more_drug, mixed = (_multiplier(own, "drug", who, figures) for who in (person, _ANYBODY))
    more_visit = _multiplier(own, "visit", person, figures)
    drug *= math.exp(more_drug[0] - mixed[0])
    visit *= math.exp(more_visit[0])
    typical = drug * np.exp(math.hypot(math.sqrt(math.log1p((drug_sd / drug) ** 2)), more_drug[1]) * z[:, 0])
    visits = visit * np.exp(math.hypot(_ratio(visit_sd, visit), more_visit[1]) * z[:, 2])
    level = own["reference_level"]["value"]
    return Rise(
        slope=typical * np.exp(log_sd * z[:, 1] - log_sd**2 / 2) / level,
        visit=visits * np.exp(log_sd * z[:, 3] - log_sd**2 / 2),
        # From the middle of all, not from this person: somebody who was calm so far has sessions as uneven as others.
        slope_sd=cv_session * drug / level,
        visit_sd=cv_session * visit,
        reading_sd=np.sqrt(noise * total / 2),
        typical=z[:, [0, 4]],
    )


def dissociation(z: Array, person: Person, figures: Figures) -> Dissociation:
    """Reactions from coordinates (n, 9): typical C50, population, person, share between people, share that meets the
    criterion, its level, sessions that it counts, severe share, R-ketamine."""
    own = figures["dissociation"]
    c50, factor = own["c50"], own["population_factor"]
    log_c50 = math.log(c50["value"]) + _log_sd(c50, _Z95) * z[:, 0]
    shift = math.log(factor["value"]) + _log_sd(factor, _Z90) * z[:, 1]
    spread = math.sqrt(math.log1p(own["session_cv"][person.population] ** 2))
    between = _logit_normal(z[:, 3], own["between_share"]["low"], own["between_share"]["high"])
    person_sd, session_sd = spread * np.sqrt(between), spread * np.sqrt(1.0 - between)
    # The thresholds are those of clinic patients: their spread, and their shift away from volunteers.
    clinic = math.sqrt(math.log1p(own["session_cv"]["clinic"] ** 2))
    level = own["criterion_level"]
    reference = (math.log(level["low"]) + math.log(level["high"])) / 2 + _log_sd(level, _Z90) * z[:, 5]
    most = math.log2(own["counted_sessions"]["high"])
    counted = np.interp(most * cumulative(z[:, 6]), range(4), _LARGEST_MEAN)
    counted_sd = np.interp(most * cumulative(z[:, 6]), range(4), _LARGEST_SD)
    middle = clinic * np.sqrt(1.0 - between) * counted
    width = clinic * np.sqrt(between + (1.0 - between) * counted_sd**2)
    thresholds = {
        name: reference - log_c50 - shift + middle - width * quantile(_logit_normal(z[:, at], s["low"], s["high"]))
        for name, at, s in (("criterion", 4, own["criterion"]), ("severe", 7, own["severe"]))
    }
    chance = own["r_share"]["p_any"]
    r_share = np.maximum(0.0, (cumulative(z[:, 8]) - (1.0 - chance)) / chance) * own["r_share"]["high"]
    lasting = log_c50 + (shift if person.population == "clinic" else 0.0)
    return Dissociation(
        log_c50=lasting - person_sd * z[:, 2],
        session_sd=session_sd,
        r_share=r_share,
        criterion=thresholds["criterion"],
        severe=thresholds["severe"],
        typical=z[:, [4, 5]],
    )


def course(times_min: Array, figures: Figures) -> Array:
    """The share of the visit's rise that is there at these minutes after the start of dosing."""
    bend = figures["visit"]["course"]
    return np.interp(times_min, (0.0, bend["full_from"], bend["full_until"], bend["gone_at"]), (0.0, 1.0, 1.0, 0.0))


def cumulative(z: Array) -> Array:
    """The normal distribution function."""
    return np.asarray(0.5 * _erfc(-z / math.sqrt(2.0)), dtype=np.float64)


def quantile(p: Array) -> Array:
    """Standard normal quantiles."""
    return np.asarray(_inverse(p), dtype=np.float64)


_erfc = np.frompyfunc(math.erfc, 1, 1)
_inverse = np.frompyfunc(_NORMAL.inv_cdf, 1, 1)


def _middles(own: Figures, figures: Figures) -> tuple[float, float, float, float]:
    """Typical drug rise at the reference level and its SD, typical visit rise of younger people and its SD.

    The drug has what is left of the whole rise of mixed people when their mixed visit rise is taken off.
    """
    whole = own["rise"]
    visit, visit_sd = 0.0, 0.0
    if "visit_rise" in own:
        ends = own["visit_rise"]
        visit, visit_sd = (ends["low"] + ends["high"]) / 2, (ends["high"] - ends["low"]) / (2 * _Z90)
    middle, sd = (whole["low"] + whole["high"]) / 2, (whole["high"] - whole["low"]) / (2 * _Z95)
    mixed = visit * math.exp(_multiplier(own, "visit", _ANYBODY, figures)[0])
    return middle - mixed, math.hypot(sd, visit_sd), visit, visit_sd


def _multiplier(own: Figures, part: str, person: Person, figures: Figures) -> tuple[float, float]:
    """Mean and SD of the log of what age and hypertension multiply this part of the rise with."""
    middle, variance = 0.0, 0.0
    aged = None if person.age_years is None else person.age_years >= figures["visit"]["aged_from"]["value"]
    for name, holds in ((f"aged_{part}", aged), (f"hypertension_{part}", person.hypertension)):
        if holds is False or name not in own:
            continue
        entry = own[name]
        low, high = (entry.get(end, entry.get("value")) for end in ("low", "high"))
        size, width = (math.log(low) + math.log(high)) / 2, math.log(high / low) / (2 * _Z90)
        weight = 1.0 if holds else figures["visit"]["unknown_share"]["value"]
        middle += weight * size
        variance += weight * width**2 + weight * (1.0 - weight) * size**2
    return middle, math.sqrt(variance)


def _ratio(sd: float, mean: float) -> float:
    return sd / mean if mean else 0.0


def _log_sd(entry: Mapping[str, Any], z: float) -> float:
    return math.log(entry["high"] / entry["low"]) / (2 * z)


def _logit_normal(z: Array, low: float, high: float) -> Array:
    """A share of which 90 of 100 lie between these."""
    a, b = math.log(low / (1 - low)), math.log(high / (1 - high))
    return np.asarray(1.0 / (1.0 + np.exp(-((a + b) / 2 + (b - a) / (2 * _Z90) * z))), dtype=np.float64)
