"""What does a dose do over the session? Dissociation, pressure and heart rate with bands, and the risk of limits.

Driven by arterial S-ketamine at the effect site only; a venous level never comes in here. Bands are for one reading
of one session: they hold what is not known of all people, how people differ, how sessions differ, and the error of a
reading. Each risk is the chance of at least one reading past a limit, with a band of its own for what is not known of
the typical person. CADSS points and sedation are not predicted. Public verb: `acute_effects`; the model stands in
`reactions`, its figures and sources in knowledge/effects/acute.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ketapath.domain.evidence import Evidence, Finding, Text
from ketapath.errors import BadInput
from ketapath.pharmacology.reactions import (
    COORDINATES,
    QUANTITIES,
    RISING,
    Array,
    Dissociation,
    Figures,
    Person,
    Rise,
    course,
    cumulative,
    dissociation,
    rise,
)
from ketapath.pharmacology.sensitivity import Sensitivity

SESSIONS = 48
"""Sessions that are played for each possible person when a risk is counted."""
LEAST_DRAWS = 100
UNITS: Mapping[str, str] = {"systolic": "mm[Hg]", "diastolic": "mm[Hg]", "heart-rate": "/min", "dissociation": "1"}
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sites:
    """Effect-site levels of arterial S-ketamine, ng/mL, arrays (times, n): "pressure" and "dissociation".

    Column j is one possible person with one half-time of equilibration, those of `reactions.half_lives`. `racemic`
    says whether as much R-ketamine went in; `extrapolated` that no arterial level was ever measured for the route.
    `shown_min` are the minutes that bands are asked for (all where None): risks need the whole session, whatever is
    shown. `findings` are what has to be said of the arterial level in this person.
    """

    times_min: tuple[float, ...]
    levels: Mapping[str, Array]
    racemic: bool
    extrapolated: bool
    shown_min: tuple[float, ...] | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """Pressures (mmHg) and heart rate (per minute) before the dose; None where not known."""

    systolic: float | None = None
    diastolic: float | None = None
    heart_rate: float | None = None

    def of(self, quantity: str) -> float | None:
        """The resting value of a quantity that rises."""
        return {"systolic": self.systolic, "diastolic": self.diastolic, "heart-rate": self.heart_rate}[quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One quantity over time, arrays of the length of `times_min`. `above_resting`: a rise, the resting value unknown.

    Dissociation is the fraction of its maximum.
    """

    quantity: str
    unit: str
    above_resting: bool
    times_min: tuple[float, ...]
    p05: tuple[float, ...]
    p25: tuple[float, ...]
    p50: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The chance of an event in one session. All three are None where it is unknown, and `unknown` says why.

    `event`: "at-least" or "rise" with `limit` in `unit`, "criterion" or "severe". `p05` and `p95` are how far the
    chance moves with what nobody knows of the typical person; `assumed` marks one that rests on an assumed share.
    """

    quantity: str
    event: str
    limit: float | None
    unit: str
    p: float | None
    p05: float | None
    p95: float | None
    unknown: Text | None
    assumed: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Bands and risks of one session, the minutes at which readings are counted, and what to know about it."""

    bands: tuple[Band, ...]
    risks: tuple[Risk, ...]
    readings_min: tuple[float, ...]
    findings: tuple[Finding, ...]


def acute_effects(
    sites: Sites,
    resting: Resting,
    person: Person,
    figures: Figures,
    *,
    sensitivity: Sensitivity | None = None,
    readings_min: Sequence[float] | None = None,
    rng: np.random.Generator,
) -> Effects:
    """Bands of one reading over time, and risks of one session.

    `sensitivity` brings in the person's own sessions; without it the prior of people like this is drawn. Readings
    default to the minutes of the knowledge file. Raises BadInput for levels or resting values that cannot be.
    """
    _check(sites, resting)
    n = sites.levels["pressure"].shape[1]
    z = {q: _coordinates(q, n, sensitivity, rng) for q in QUANTITIES}
    asked = figures["visit"]["readings"]["at"] if readings_min is None else readings_min
    minutes = tuple(float(t) for t in asked if sites.times_min[0] <= t <= sites.times_min[-1])
    if not minutes:
        raise _bad("reading minutes", list(asked)[:5], "at least one within the times of the levels")
    bands: list[Band] = []
    risks: list[Risk] = []
    deviations = _deviations(figures, n, rng)
    of_bands = rng.spawn(1)[0]  # its own, so that what is shown changes no risk
    for quantity in RISING:
        own = rise(z[quantity], quantity, person, figures)
        rest = resting.of(quantity)
        bands.append(_band_of_rise(quantity, own, sites, rest, figures, of_bands))
        if quantity != "heart-rate":
            found = rises(own, sites, minutes, figures, deviations[quantity], rng)
            risks.extend(_risks_of_rise(quantity, found, own, rest, figures))
    felt = dissociation(z["dissociation"], person, figures)
    bands.append(_band_of_dissociation(felt, sites, of_bands))
    risks.extend(_risks_of_dissociation(felt, sites, figures))
    return Effects(
        bands=tuple(bands),
        risks=tuple(risks),
        readings_min=minutes,
        findings=tuple(_findings(sites, resting, person, figures, minutes, sensitivity)),
    )


def rises(own: Rise, sites: Sites, minutes: Sequence[float], figures: Figures, deviations: Array, rng: Any) -> Array:
    """Rises above the reading before the dose at these minutes, (minutes, n, sessions).

    `deviations` (2, n, sessions): standard normal deviations of visit and slope in each session.
    """
    at = np.asarray(minutes, dtype=np.float64)
    level = _at(sites, "pressure", at)
    visit = own.visit[:, None] + own.visit_sd[:, None] * deviations[0]
    slope = own.slope[:, None] + own.slope_sd[:, None] * deviations[1]
    before = own.reading_sd[:, None] * rng.standard_normal(visit.shape)
    found = course(at, figures)[:, None, None] * visit + level[:, :, None] * slope - before
    return np.asarray(found + own.reading_sd[:, None] * rng.standard_normal(found.shape), dtype=np.float64)


def log_peak(felt: Dissociation, sites: Sites) -> Array:
    """The log of the highest level over the person's C50, (n,); R-ketamine counted as far as it counts."""
    peak = np.maximum(sites.levels["dissociation"].max(axis=0), 1e-9)
    return np.asarray(np.log(peak) + np.log1p(felt.r_share * sites.racemic), dtype=np.float64)


def _coordinates(quantity: str, n: int, own: Sensitivity | None, rng: np.random.Generator) -> Array:
    if own is None:
        return rng.standard_normal((n, COORDINATES[quantity]))
    kept = own.coordinates[quantity]
    order = np.concatenate([rng.permutation(kept.shape[0]) for _ in range(-(-n // kept.shape[0]))])
    return np.asarray(kept[order[:n]], dtype=np.float64)


def _deviations(figures: Figures, n: int, rng: np.random.Generator) -> dict[str, Array]:
    """Deviations of sessions: a session that is high in systolic pressure tends to be so in diastolic."""
    r = figures["visit"]["within_correlation"]["value"]
    one, other = rng.standard_normal((2, 2, n, SESSIONS))
    return {"systolic": one, "diastolic": r * one + np.sqrt(1.0 - r * r) * other}


def _at(sites: Sites, name: str, minutes: Array) -> Array:
    """Levels at these minutes, (minutes, n), on straight lines between the times."""
    times = np.asarray(sites.times_min)
    after = np.clip(np.searchsorted(times, minutes), 1, times.size - 1)
    share = ((minutes - times[after - 1]) / (times[after] - times[after - 1]))[:, None]
    return np.asarray((1.0 - share) * sites.levels[name][after - 1] + share * sites.levels[name][after])


def _band_of_rise(
    quantity: str, own: Rise, sites: Sites, rest: float | None, figures: Figures, rng: np.random.Generator
) -> Band:
    n, minutes = own.slope.size, _shown_min(sites)
    values = rises(own, sites, minutes, figures, rng.standard_normal((2, n, 1)), rng)[..., 0]
    return _band(quantity, minutes, values + (rest or 0.0), above_resting=rest is None)


def _band_of_dissociation(felt: Dissociation, sites: Sites, rng: np.random.Generator) -> Band:
    minutes = _shown_min(sites)
    level = _at(sites, "dissociation", np.asarray(minutes)) * (1.0 + felt.r_share * sites.racemic)
    c50 = np.exp(felt.log_c50 + felt.session_sd * rng.standard_normal(felt.log_c50.size))
    return _band("dissociation", minutes, level / (level + c50), above_resting=False)


def _shown_min(sites: Sites) -> tuple[float, ...]:
    return sites.times_min if sites.shown_min is None else sites.shown_min


def _band(quantity: str, minutes: tuple[float, ...], values: Array, *, above_resting: bool) -> Band:
    p05, p25, p50, p75, p95 = (tuple(row) for row in np.quantile(values, _QUANTILES, axis=1).tolist())
    return Band(
        quantity=quantity,
        unit=UNITS[quantity],
        above_resting=above_resting,
        times_min=minutes,
        p05=p05,
        p25=p25,
        p50=p50,
        p75=p75,
        p95=p95,
    )


def _risks_of_rise(quantity: str, found: Array, own: Rise, rest: float | None, figures: Figures) -> Iterator[Risk]:
    """Chances of at least one reading past each limit; `found` (minutes, n, sessions) are rises."""
    highest = found.max(axis=0)
    limits = figures[quantity]["limits"]
    for limit in limits["at_least"]:
        if rest is None:
            yield _risk(quantity, "at-least", limit, None, own.typical, figures, resting_unknown=True)
        else:
            yield _risk(quantity, "at-least", limit, (highest >= limit - rest).mean(axis=1), own.typical, figures)
    yield _risk(quantity, "rise", limits["rise"], (highest >= limits["rise"]).mean(axis=1), own.typical, figures)


def _risks_of_dissociation(felt: Dissociation, sites: Sites, figures: Figures) -> Iterator[Risk]:
    over = log_peak(felt, sites) - felt.log_c50
    for event, threshold in (("criterion", felt.criterion), ("severe", felt.severe)):
        chance = cumulative((over - threshold) / felt.session_sd)
        yield _risk("dissociation", event, None, chance, felt.typical, figures)


def _risk(
    quantity: str,
    event: str,
    limit: float | None,
    chances: Array | None,
    typical: Array,
    figures: Figures,
    *,
    resting_unknown: bool = False,
) -> Risk:
    p, low, high = (None, None, None) if chances is None else _with_band(chances, typical)
    why = Text(key="effects.resting_unknown", values={"quantity": quantity}) if resting_unknown else None
    return Risk(
        quantity=quantity,
        event=event,
        limit=limit,
        unit=UNITS[quantity],
        p=p,
        p05=low,
        p95=high,
        unknown=why,
        assumed=event == "severe",
        evidence=_evidence(figures[quantity], quantity),
    )


def _with_band(chances: Array, typical: Array) -> tuple[float, float, float]:
    """The mean chance, and its lowest and highest mean over ten equal parts of what nobody knows.

    The possible people are ordered by the typical reaction (five parts) and each part by the second coordinate (two).
    """
    parts: list[float] = []
    for fifth in np.array_split(np.argsort(typical[:, 0], kind="stable"), 5):
        inner = fifth[np.argsort(typical[fifth, 1], kind="stable")]
        parts.extend(float(chances[half].mean()) for half in np.array_split(inner, 2))
    return float(chances.mean()), min(parts), max(parts)


def _evidence(part: Figures, quantity: str) -> tuple[Evidence, ...]:
    """The sources of the figures of one quantity."""
    keys: dict[str, None] = {}
    for entry in part.values():
        named = entry.get("sources") or [entry.get("source")]
        keys.update((key, None) for key in named if key)
    return tuple(
        Evidence(kind="published", key=key, citation=key, locator=f"acute effects, {quantity}", trust="summary")
        for key in keys
    )


def _findings(
    sites: Sites,
    resting: Resting,
    person: Person,
    figures: Figures,
    minutes: tuple[float, ...],
    own: Sensitivity | None,
) -> Iterator[Finding]:
    """What a reader has to know of this prediction."""
    yield from sites.findings
    said = [("predicted", Text(key="effects.predicted"), "systolic")]
    said.append(("no-published-model", Text(key="effects.no_published_model"), "systolic"))
    said.append(("driver", Text(key="effects.driver"), "dissociation"))
    if sites.extrapolated:
        said.append(("extrapolated-driver", Text(key="effects.extrapolated_driver"), "dissociation"))
    peak_min = sites.times_min[int(np.median(sites.levels["pressure"], axis=1).argmax())]
    if peak_min > minutes[-1]:
        said.append(("late-peak", Text(key="effects.late_peak", values={"minute": f"{peak_min:.0f}"}), "systolic"))
    for quantity in RISING:
        if resting.of(quantity) is None:
            text = Text(key="effects.resting_unknown", values={"quantity": quantity.replace("-", " ")})
            said.append((f"resting-unknown-{quantity}", text, quantity))
    for what, unknown in (("Age", person.age_years is None), ("Hypertension", person.hypertension is None)):
        if unknown:
            text = Text(key="effects.unknown_answer", values={"what": what})
            said.append((f"unknown-{what.lower()}", text, "systolic"))
    if own is None or not own.sessions:
        said.append(("people-like-this", Text(key="effects.people_like_this"), "systolic"))
    else:
        text = Text(key="effects.own_sessions", values={"sessions": own.sessions})
        said.append(("own-sessions", text, "systolic"))
        said.extend((f"update-failed-{note.values['quantity']}", note, "systolic") for note in own.notes)
    shown = Text(key="effects.reading_times", values={"minutes": ", ".join(f"{t:g}" for t in minutes)})
    said.append(("reading-times", shown, "systolic"))
    said.append(("dissociation", Text(key="effects.dissociation"), "dissociation"))
    said.append(("severe-assumed", Text(key="effects.severe_assumed"), "dissociation"))
    said.append(("no-sedation", Text(key="effects.no_sedation"), "dissociation"))
    for name, text, quantity in said:
        yield Finding(
            id=f"effects/{name}",
            verdict=None,
            statement=text,
            action=None,
            rule=None,
            evidence=_evidence(figures[quantity], quantity),
        )


def _check(sites: Sites, resting: Resting) -> None:
    times = np.asarray(sites.times_min, dtype=np.float64)
    if times.size < 2 or not np.isfinite(times).all() or not (np.diff(times) > 0.0).all():
        raise _bad("times", sites.times_min[:5], "two or more minutes in order")
    shapes = {name: levels.shape for name, levels in sites.levels.items()}
    if set(shapes) != {"pressure", "dissociation"} or len(set(shapes.values())) != 1:
        raise _bad("levels", shapes, 'arrays "pressure" and "dissociation" of one shape')
    if sites.shown_min and not all(times[0] <= t <= times[-1] for t in sites.shown_min):
        raise _bad("shown minutes", sites.shown_min[:5], "minutes within the times of the levels")
    shape = shapes["pressure"]
    if len(shape) != 2 or shape[0] != times.size or shape[1] < LEAST_DRAWS:
        raise _bad("levels", shape, f"{times.size} times and at least {LEAST_DRAWS} possible people")
    if not all(np.isfinite(levels).all() and (levels >= 0.0).all() for levels in sites.levels.values()):
        raise _bad("levels", "one that is no number, or less than 0", "levels of 0 or more")
    for quantity, low, high in (("systolic", 50, 300), ("diastolic", 20, 200), ("heart-rate", 20, 250)):
        value = resting.of(quantity)
        if value is not None and not low <= value <= high:
            raise _bad(f"resting {quantity}", value, f"{low} to {high}")
    if resting.systolic is not None and resting.diastolic is not None and resting.systolic <= resting.diastolic:
        found = f"{resting.systolic:g}/{resting.diastolic:g}"
        raise _bad("resting pressure", found, "a systolic pressure above the diastolic one")


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct it and try again.")
