"""Does the prediction of acute effects meet what was observed? Each row of knowledge/effects/observed.yaml beside it.

A row is met where the observed range and the predicted one overlap; the predicted one is 90 % of what the typical
person may be like. Rows the model was built on (anchors) count for nothing; misses stay and are explained in their
row. Resting pressures of the observed people were not read, so those of the file are assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ketapath.knowledge.figures import interval_of
from ketapath.pharmacology.effects import Sites, log_peak, rises
from ketapath.pharmacology.reactions import COORDINATES, Array, Figures, Person, Rise, dissociation, rise

DRIVERS: Mapping[str, str] = MappingProxyType(
    {
        "iv-0.5": "racemic ketamine 0.5 mg/kg by vein over 40 minutes",
        "nasal-56": "esketamine 56 mg by nose, two devices 5 minutes apart",
        "nasal-84": "esketamine 84 mg by nose, three devices 5 minutes apart",
        "sc-s-0.5": "esketamine 0.5 mg/kg under the skin",
        "sc-s-1.0": "esketamine 1.0 mg/kg under the skin",
    }
)
"""The arterial courses that the rows ask for; whoever calls `validate` makes them from the drug models."""
_SHIFT_BINS = 20
_SEVERE = {"systolic": 180.0, "diastolic": 110.0}
_UNUSED = "not computed: the course of the level is not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One observation beside its prediction; `passes` is None where a course was not given.

    Ranges in `unit`: rises in mmHg or beats a minute, shares from 0 to 1, times in minutes. `explained` says why a
    miss is one. An anchor was used to build the model, so that it passes says little.
    """

    id: str
    what: str
    use: str
    source: str
    unit: str
    observed: tuple[float, float]
    predicted: tuple[float, float, float] | None
    passes: bool | None
    explained: str


def validate(
    drivers: Mapping[str, Sites], figures: Figures, observed: Sequence[Mapping[str, Any]], *, seed: int
) -> tuple[Row, ...]:
    """Every observed row beside its prediction, in the order of the file. `drivers` holds those of DRIVERS."""
    rows = []
    for record in observed:
        low, high, unit = _observed(record)
        given = [drivers[name] for name in record["driver"] if name in drivers]
        complete = len(given) == len(record["driver"])
        # Each row has its own stream, so that adding one changes no other.
        rng = np.random.default_rng([seed, *record["id"].encode()])
        found = _predicted(record, _joined(given), figures, rng) if complete else None
        passes = None if found is None else bool(found[0] <= high and found[2] >= low)
        rows.append(
            Row(
                id=record["id"],
                what=record["what"],
                use=record["use"],
                source=record["source"],
                unit=unit,
                observed=(low, high),
                predicted=found,
                passes=passes,
                explained=_UNUSED if found is None else "" if passes else record["if_missed"],
            )
        )
    return tuple(rows)


def _observed(record: Mapping[str, Any]) -> tuple[float, float, str]:
    if "percent" in record:
        low, high = interval_of(record["percent"], record["n"])
        return low / 100, high / 100, "1"
    return float(record["low"]), float(record["high"]), str(record["unit"])


def _joined(given: Sequence[Sites]) -> Sites:
    """Courses side by side: as many people on each."""
    return Sites(
        times_min=given[0].times_min,
        levels={name: np.concatenate([s.levels[name] for s in given], axis=1) for name in given[0].levels},
        racemic=given[0].racemic,
        extrapolated=any(s.extrapolated for s in given),
    )


def _predicted(
    record: Mapping[str, Any], sites: Sites, figures: Figures, rng: np.random.Generator
) -> tuple[float, float, float]:
    person = Person(age_years=record.get("age"), hypertension=None)
    if record["quantity"] in ("dissociation", "criterion"):
        return _of_dissociation(record, sites, person, figures, rng)
    n = sites.levels["pressure"].shape[1]
    quantities = tuple(_SEVERE) if record["quantity"] == "severe" else (record["quantity"],)
    count = int(record.get("sessions", 1))
    minutes = [record["minute"]] if "minute" in record else figures["visit"]["readings"]["at"]
    own = {q: rise(rng.standard_normal((n, COORDINATES[q])), q, person, figures) for q in quantities}
    first = quantities[0]
    if record["statistic"] in ("peak-minute", "back-minute"):
        return _times(record, own[first], sites, figures)
    shared = rng.standard_normal((2, n, count))
    found = {q: rises(own[q], sites, minutes, figures, _like(shared, q, figures, rng), rng) for q in quantities}
    values = found[first]
    if record["statistic"] == "mean-rise":
        return _spread(values[0].mean(axis=1), own[first])
    if record["statistic"] == "mean-max-rise":
        return _spread(values.max(axis=0).mean(axis=1), own[first])
    if record["statistic"] == "sd-rise":
        return _spread_of_sd(values[0].ravel(), own[first], count)
    happened = np.zeros(values.shape[1:], dtype=bool)
    for quantity in quantities:
        limit = _SEVERE[quantity] if record["quantity"] == "severe" else record.get("at_least")
        happened |= _past(found[quantity], quantity, limit, record.get("rise"), figures, rng)
    counted = happened.astype(np.float64)
    by_person = counted.max(axis=1) if record["statistic"] == "share-of-people" else counted.mean(axis=1)
    return _spread(np.asarray(by_person), own[first])


def _like(shared: Array, quantity: str, figures: Figures, rng: np.random.Generator) -> Array:
    if quantity != "diastolic":
        return shared
    r = figures["visit"]["within_correlation"]["value"]
    return np.asarray(r * shared + np.sqrt(1.0 - r * r) * rng.standard_normal(shared.shape), dtype=np.float64)


def _past(
    found: Array, quantity: str, at_least: float | None, by: float | None, figures: Figures, rng: np.random.Generator
) -> Array:
    """In which sessions (n, sessions) a reading passed the limit."""
    highest = found.max(axis=0)
    if by is not None:
        return np.asarray(highest >= by)
    assert at_least is not None
    people = figures["validation_people"][quantity]
    rest = people["mean"] + people["sd"] * rng.standard_normal(4 * highest.shape[0])
    rest = rest[rest <= people["highest"]][: highest.shape[0]]
    return np.asarray(rest[:, None] + highest >= at_least)


def _spread(by_person: Array, own: Rise) -> tuple[float, float, float]:
    """The middle, and 90 % of what the mean would be in each of twenty equally likely kinds of typical person."""
    order = np.argsort(own.typical[:, 0], kind="stable")
    means = np.array([by_person[part].mean() for part in np.array_split(order, _SHIFT_BINS)])
    return float(np.quantile(means, 0.05)), float(by_person.mean()), float(np.quantile(means, 0.95))


def _spread_of_sd(values: Array, own: Rise, count: int) -> tuple[float, float, float]:
    order = np.argsort(np.repeat(own.typical[:, 0], count), kind="stable")
    sds = np.array([values[part].std() for part in np.array_split(order, _SHIFT_BINS)])
    return float(np.quantile(sds, 0.05)), float(values.std()), float(np.quantile(sds, 0.95))


def _times(record: Mapping[str, Any], own: Rise, sites: Sites, figures: Figures) -> tuple[float, float, float]:
    """When the drug's rise is highest in each possible person, or has fallen below a quarter of its highest."""
    level = own.slope * sites.levels["pressure"]
    return _when(record, level, np.asarray(sites.times_min))


def _when(record: Mapping[str, Any], level: Array, times: Array) -> tuple[float, float, float]:
    peak = level.argmax(axis=0)
    if record["statistic"] == "peak-minute":
        found = times[peak]
    else:
        after = np.arange(times.size)[:, None] > peak
        gone = after & (level <= level.max(axis=0) / 4)
        found = np.where(gone.any(axis=0), times[gone.argmax(axis=0)], times[-1])
    p05, p50, p95 = np.quantile(found, (0.05, 0.5, 0.95)).tolist()
    return p05, p50, p95


def _of_dissociation(
    record: Mapping[str, Any], sites: Sites, person: Person, figures: Figures, rng: np.random.Generator
) -> tuple[float, float, float]:
    n = sites.levels["dissociation"].shape[1]
    felt = dissociation(rng.standard_normal((n, COORDINATES["dissociation"])), person, figures)
    if record["quantity"] == "dissociation":
        c50 = np.exp(felt.log_c50)
        level = sites.levels["dissociation"]
        return _when(record, level / (level + c50), np.asarray(sites.times_min))
    # The label counts people over one to eight sessions, as the threshold was tied to it.
    over = log_peak(felt, sites) - felt.log_c50 - felt.criterion
    most = int(figures["dissociation"]["counted_sessions"]["high"])
    counted = rng.integers(1, most + 1, size=(n,))
    best = np.array([rng.standard_normal(int(k)).max() for k in counted])
    met = (over + felt.session_sd * best > 0.0).astype(np.float64)
    order = np.argsort(felt.typical[:, 0], kind="stable")
    means = np.array([met[part].mean() for part in np.array_split(order, _SHIFT_BINS)])
    return float(np.quantile(means, 0.05)), float(met.mean()), float(np.quantile(means, 0.95))
