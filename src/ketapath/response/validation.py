"""Does the model say what trials observed? Every number of the table beside its prediction, contrasts and levels apart.

Twice: with the draws of the fit (the number was seen), and with those of a fit without its study (it was not). Only the
second says how good the model is. Predicted is what a new study of that size would observe, its own context included.
Differences in points are told as points of the MADRS at a baseline of 33: the share of the baseline times 33.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ketapath.errors import KnowledgeError
from ketapath.knowledge import FOLDER
from ketapath.response.arm import Arm, scale_of
from ketapath.response.arm_course import outcome
from ketapath.response.arm_file import Asked
from ketapath.response.equations import Array
from ketapath.response.order import Ordered, orders
from ketapath.response.outcomes import Datum, LeftOut, outcomes
from ketapath.response.predict import DRAWS, QUANTILES, Study, expected, new_study, people_of
from ketapath.response.prior import Population

POINTS_AT = 33.0  # source: OUTCOMES_FIT, the usual MADRS at baseline; the unit of every difference in the tables
LEFT_OUT = "leave_one_out.csv"
Table = Literal["contrast", "level", "share", "relapse"]
TABLES: tuple[Table, ...] = ("contrast", "level", "share", "relapse")

_LEAST_SPREAD: Mapping[Table, float] = {"contrast": 0.5, "level": 0.5, "share": 2.0, "relapse": 2.0}
"""Points or percent; source: our choice, a report rounds, and no share of few people is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One number beside its prediction. Contrasts and levels in MADRS points at a baseline of 33, shares in percent."""

    row: int
    study: str
    label: str
    table: Table
    kind: str
    scale: str
    day: float
    observed: float
    p025: float
    p10: float
    p25: float
    p50: float
    p75: float
    p90: float
    p975: float

    @property
    def miss(self) -> float:
        """Predicted less observed."""
        return self.p50 - self.observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How well a table is predicted: root mean square of the misses, and what the 50, 80 and 95 % intervals hold."""

    count: int
    rmse: float
    in_50: float
    in_80: float
    in_95: float
    yardsticks: Mapping[str, float]


def compared(
    data: Sequence[Datum], population: Population, parameters: Mapping[str, Any], *, seed: int
) -> list[Compared]:
    """Every number, and every difference between two arms whose levels are given, beside its prediction."""
    rng = np.random.default_rng(seed)
    study = new_study(population.thinned(DRAWS), rng)
    found = [_compared(datum, study, parameters, rng) for datum in (*data, *differences(data))]
    return [one for one in found if one is not None]


def differences(data: Sequence[Datum]) -> Iterator[Datum]:
    """Differences in points between a treated arm and the control of its study on the same day, from their levels."""
    told = {(d.study, d.day) for d in data if d.kind == "contrast"}
    levels = [d for d in data if d.kind == "change"]
    for one in levels:
        if one.arm.regimen is None or (one.study, one.day) in told:
            continue
        controls = [d for d in levels if (d.study, d.day) == (one.study, one.day) and d.arm.regimen is None]
        best = sorted(controls, key=lambda d: _alike(d.label, one.label))
        if best:
            yield replace(one, kind="contrast", value=one.value - best[0].value, against=best[0].arm, error=None)


def _alike(control: str, treated: str) -> int:
    """Fewer is more alike: words of the treated arm's name that the control's does not share."""
    return len(set(treated.split()) - set(control.split()))


def _compared(datum: Datum, study: Study, parameters: Mapping[str, Any], rng: np.random.Generator) -> Compared | None:
    start = float(datum.arm.baseline or parameters["trial_scales"][datum.scale]["baseline"])
    unit = POINTS_AT / start
    observed = datum.value
    if datum.kind in ("contrast", "contrast-in-sd"):
        assert datum.against is not None
        values, sd = _difference(datum, datum.against, study, parameters, rng)
        observed = observed * sd if datum.kind == "contrast-in-sd" else observed
        table: Table = "contrast"
    elif datum.kind == "change":
        middle, spread = expected(datum.arm, study, _asked(datum, "change"), parameters)
        values = middle + spread / np.sqrt(datum.arm.n) * rng.standard_normal(middle.size)
        table = "level"
    elif datum.kind in ("response", "remission", "relapse"):
        share, _ = expected(datum.arm, study, _asked(datum, datum.kind), parameters, remitters=datum.remitters)
        values, unit, table = rng.binomial(datum.arm.n, np.clip(share, 0.0, 1.0)) / datum.arm.n, 100.0, "share"
        table = "relapse" if datum.kind == "relapse" else table
    else:
        return None
    cuts = np.quantile(np.asarray(values) * unit, list(QUANTILES.values()))
    return Compared(
        row=datum.row,
        study=datum.study,
        label=datum.label,
        table=table,
        kind=datum.kind,
        scale=datum.scale,
        day=datum.day,
        observed=observed * unit,
        **dict(zip(QUANTILES, map(float, cuts), strict=True)),
    )


def _difference(
    datum: Datum, against: Arm, study: Study, parameters: Mapping[str, Any], rng: np.random.Generator
) -> tuple[Array, float]:
    """Arm less control as a study of that size would observe it, and the spread that a standardised one stands for."""
    values, spreads = [], []
    for arm in (datum.arm, against):
        scale = scale_of(arm, study.theta, parameters["trial_scales"], datum.scale)
        worth = 1.0 if arm.equivalent is None else study.theta[arm.equivalent]
        found = outcome(np, people_of(arm, study), arm.visit(datum.day, worth), scale, datum.remission_at)
        noise = found.change_sd / np.sqrt(arm.n)
        if datum.error is not None:
            usual = datum.error if datum.kind == "contrast" else datum.error * found.end_sd
            noise = usual / np.sqrt(2.0)
        values.append(found.change + noise * rng.standard_normal(found.change.size))
        spreads.append(float(np.median(found.end_sd)))
    return np.asarray(values[0] - values[1]), float(np.sqrt(np.mean(np.square(spreads))))


def _asked(datum: Datum, quantity: Any) -> Asked:
    return Asked(scale=datum.scale, day=datum.day, quantity=quantity)


def scored(rows: Sequence[Compared], table: Table) -> Scored:
    """The table's figures; yardsticks are what no model at all would reach on the same rows."""
    chosen = [r for r in rows if r.table == table]
    observed = np.array([r.observed for r in chosen])
    yardsticks = {"the mean of the other studies": _rms(_mean_of_others(chosen) - observed)}
    if table == "contrast":
        yardsticks = {"no effect": _rms(observed), "constant contrast": yardsticks.popitem()[1]}
    return Scored(
        count=len(chosen),
        rmse=_rms(np.array([r.miss for r in chosen])),
        in_50=_inside((r.p25, r.observed, r.p75) for r in chosen),
        in_80=_inside((r.p10, r.observed, r.p90) for r in chosen),
        in_95=_inside((r.p025, r.observed, r.p975) for r in chosen),
        yardsticks=yardsticks,
    )


def _mean_of_others(rows: Sequence[Compared]) -> Array:
    """For each row the mean of what the other studies observed, each study counted once."""
    by_study: dict[str, list[float]] = {}
    for row in rows:
        by_study.setdefault(row.study, []).append(row.observed)
    means = {study: float(np.mean(values)) for study, values in by_study.items()}
    return np.array([np.mean([m for study, m in means.items() if study != row.study]) for row in rows])


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _inside(bounds: Iterable[tuple[float, float, float]]) -> float:
    return float(np.mean([low <= seen <= high for low, seen, high in bounds]))


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureScore:
    """Build-up against restore, by numbers that a fit without their study predicts: mean difference of the log score.

    One value a study (the sum over its numbers); above 0 speaks for build-up. `error` is its standard error.
    """

    studies: int
    difference: float
    error: float


def structure_score(rows: Sequence[tuple[str, Compared]]) -> StructureScore:
    """The log score of each number is that of a normal with the predicted middle and 95 % interval."""
    by_study: dict[str, float] = {}
    for structure, row in rows:
        spread = max((row.p975 - row.p025) / 3.92, _LEAST_SPREAD[row.table])
        score = -0.5 * (row.miss / spread) ** 2 - float(np.log(spread))
        by_study[row.study] = by_study.get(row.study, 0.0) + (score if structure == "build-up" else -score)
    values = np.array(list(by_study.values()))
    return StructureScore(
        studies=values.size,
        difference=float(values.mean()),
        error=float(values.std(ddof=1) / np.sqrt(values.size)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseValidated:
    """Everything that `ketapath validate response` says; keys are structure, fit ("all", "without") and table."""

    figures: Mapping[tuple[str, str, str], Scored]
    structures: StructureScore
    orders: Sequence[Ordered]
    rows: Sequence[tuple[str, str, Compared]]
    left_out: Sequence[LeftOut]


def validate_response(population: Population, parameters: Mapping[str, Any]) -> ResponseValidated:
    """The kept predictions of every fit, scored, and the orders under the draws of today.

    Raises KnowledgeError where the fit has left no predictions without each study.
    """
    rows = read_left_out()
    figures: dict[tuple[str, str, str], Scored] = {}
    for structure, which in dict.fromkeys((s, w) for s, w, _row in rows):
        mine = [row for s, w, row in rows if (s, w) == (structure, which)]
        for table in TABLES:
            figures[structure, which, table] = scored(mine, table)
        in_points = [row for row in mine if row.kind == "contrast"]
        figures[structure, which, "contrast, in points"] = scored(in_points, "contrast")
    return ResponseValidated(
        figures=figures,
        structures=structure_score([(s, row) for s, w, row in rows if w == "without"]),
        orders=orders(population, parameters, seed=0),
        rows=rows,
        left_out=outcomes(parameters["trial_scales"])[1],
    )


def read_left_out(folder: Path = FOLDER / "response") -> list[tuple[str, str, Compared]]:
    """The rows of leave_one_out.csv: structure, fit, and the number beside its prediction."""
    path = folder / LEFT_OUT
    if not path.is_file():
        raise KnowledgeError(f"{LEFT_OUT} is missing: make it with `make fit LEAVE_OUT=1`")
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            structure, which = row.pop("structure"), row.pop("fit")
            words = {name: row.pop(name) for name in ("study", "label", "table", "kind", "scale")}
            number = int(row.pop("row"))
            values = {name: float(value) for name, value in row.items()}
            found.append((structure, which, Compared(row=number, **words, **values)))  # type: ignore[arg-type]
    return found
