"""Do the models say what was measured? Every row of the observed table beside its prediction; nothing is fitted here.

Three lists. *Reproduction*: the row stands in the model's own paper, or a constant of the model was set from it; that
shows that the model is read and run right, and no more. *Validation*: every other row that can be predicted; only
these say how good a model is. *Not predicted*: the rest, each with its reason. How each row is read (model, order,
person, quantity, what was assumed) is data, `knowledge/observed/pk_mapping.csv`.

What passes was fixed before any prediction was looked at. Compared is the typical person of the model:

- a row of reproduction passes from 0.8 to 1.25 times what was observed, the field's bounds of equivalence;
- a row of validation passes from 0.67 to 1.5 times. A mean of six to twenty people with a spread of 40 % is itself
  uncertain by 10 to 20 %, and doses, sites and windows are often not stated. The field's customary table of twofold
  (0.5 to 2) is reported beside, and so is whether the observation lies where 90 of 100 new people would (5 to 95 %);
- a range passes where the typical prediction lies inside.

The model of a row is the default one of its product and route; only reproduction, where the row is of a certain
paper, an arterial site or a child ask for another. Where the site is not stated, venous blood is assumed, and said.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ketapath.domain.interaction import Perpetrator
from ketapath.errors import KnowledgeError
from ketapath.knowledge import Knowledge
from ketapath.pharmacology.choice import Models
from ketapath.pharmacology.interactions import perpetrators
from ketapath.pharmacology.orders import Order, check
from ketapath.pharmacology.simulate import people_levels, with_drugs
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.subjects import Subject, virtual_patients
from ketapath.pharmacology.worked import moments
from ketapath.units import KETAMINE_BASE_G_PER_MOL, base_from_hydrochloride

WITHIN: Mapping[str, tuple[float, float]] = MappingProxyType({"reproduction": (0.8, 1.25), "validation": (0.67, 1.5)})
"""Predicted / observed that passes, by table."""
TWOFOLD = (0.5, 2.0)
UNEXPLAINED = "Unexplained."
"""What stands beside a miss that the mapping gives no reason for."""
TABLES = (*WITHIN, "not-predicted")
QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "peak": "highest level",
        "time_of_peak": "time of the highest level",
        "level": "level",
        "steady_level": "steady level",
        "area": "area",
        "area_per_mg": "area per mg",
        "metabolite_ratio": "norketamine : ketamine, areas",
        "metabolite_share": "share of norketamine, areas",
        "bioavailability": "share that reaches the blood",
        "clearance": "clearance",
        "volume": "volume at steady state",
        "half_life": "half-life",
    }
)
_FOLDER = Path(__file__).parents[1] / "knowledge" / "observed"
_GRID = (*np.arange(0.0, 240.0, 1.0), *np.arange(240.0, 2161.0, 5.0))
"""Minutes: each while the level moves fast, every fifth for the rest of a day and a half."""
_PER_UNIT: Mapping[str, float] = MappingProxyType(
    {
        "ng/mL": 1.0, "ug/L": 1.0, "ug/mL": 1e-3, "umol/L": 1.0 / KETAMINE_BASE_G_PER_MOL,
        "min": 1.0, "h": 1 / 60, "ng*h/mL": 1.0, "ug*h/L": 1.0, "ug*h/L per mg": 1.0, "ng*min/mL": 60.0,
        "ratio": 1.0, "%": 100.0, "L": 1.0, "L/h": 1.0, "L/h/70kg": 1.0,
    }
)  # fmt: skip
"""From ng/mL, minutes, ng h/mL, shares, L and L/h to the units of the observed table."""
_PER_KG: Mapping[str, float] = MappingProxyType({"L/min/kg": 1 / 60, "mL/min/kg": 1000 / 60})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One observation beside its prediction, both in the unit of the row; `ratio` is None for a range.

    `typical` is compared; 5, 50 and 95 of 100 new people stay below the others. `explanation` is that of a miss.
    """

    row: int
    study: str
    what: str
    observed: str
    unit: str
    model: str
    site: str
    typical: float
    p05: float
    p50: float
    p95: float
    ratio: float | None
    passed: bool
    twofold: bool
    in_band: bool
    said: str
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPredicted:
    """An observation that no model here speaks about, and why."""

    row: int
    study: str
    what: str
    observed: str
    unit: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """All rows of the observed table, each in one of the three lists."""

    reproduction: tuple[Compared, ...]
    validation: tuple[Compared, ...]
    not_predicted: tuple[NotPredicted, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the observed table and how it is read; fields of the mapping are text, empty where they say nothing."""

    number: int
    observed: Mapping[str, str]
    mapped: Mapping[str, str]

    def number_of(self, field: str) -> float | None:
        return float(self.mapped[field]) if self.mapped[field] else None

    @property
    def subject(self) -> Subject:
        return Subject(
            weight_kg=self.number_of("weight_kg"),
            age_years=self.number_of("age_years"),
            ancestry=self.mapped["ancestry"] or None,
        )

    def order(self, model: Mapping[str, Any]) -> Order:
        dose = float(self.mapped["dose"])
        if self.mapped["dose_unit"] == "mg/kg":
            dose *= float(self.mapped["weight_kg"])
        elif self.mapped["dose_unit"] == "mg-salt":
            dose = base_from_hydrochloride(dose)
        return Order(
            product=model["product"],
            route=self.mapped["route"],
            dose_mg=dose,
            infusion_min=self.number_of("infusion_min"),
            device_gap_min=self.number_of("device_gap_min"),
        )


def validate_pk(knowledge: Knowledge, *, draws: int = 200, seed: int = 0) -> Validated:
    """Every observed row in its list, with bands from `draws` people. Raises KnowledgeError for a broken mapping."""
    found: dict[str, list[Any]] = {table: [] for table in TABLES}
    curves: dict[Any, _Curve] = {}
    for row in _rows():
        if row.mapped["table"] == "not-predicted":
            found["not-predicted"].append(_not_predicted(row))
        else:
            found[row.mapped["table"]].append(_compared(row, knowledge, curves, draws, seed))
    return Validated(
        reproduction=tuple(found["reproduction"]),
        validation=tuple(found["validation"]),
        not_predicted=tuple(found["not-predicted"]),
    )


def observed_rows() -> list[dict[str, str]]:
    """The observed table as it was handed over, row 1 first."""
    return _table("pk_observed.csv")


def _table(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _rows() -> Iterator[_Row]:
    """Each observed row with the line that maps it. Raises KnowledgeError where a row has none, or two."""
    observed, mapped = observed_rows(), _table("pk_mapping.csv")
    if [line["row"] for line in mapped] != [str(number) for number in range(1, len(observed) + 1)]:
        raise KnowledgeError("observed/pk_mapping.csv: it has to map every row of pk_observed.csv once, in their order")
    for number, (seen, line) in enumerate(zip(observed, mapped, strict=True), start=1):
        if line["table"] not in TABLES or (line["table"] in WITHIN) != (line["quantity"] in QUANTITIES):
            raise KnowledgeError(f"observed/pk_mapping.csv, row {number}: table or quantity is not one that is known")
        if line["table"] == "not-predicted" and not line["because"]:
            raise KnowledgeError(f"observed/pk_mapping.csv, row {number}: a row that is not predicted needs its reason")
        yield _Row(number, seen, line)


class _Curve:
    """What one order gives in so many people by one model, worked out when it is asked for."""

    def __init__(
        self,
        model: Mapping[str, Any],
        order: Order,
        subject: Subject,
        models: Models,
        drugs: Sequence[Perpetrator],
        draws: int,
        seed: int,
    ) -> None:
        check(order, subject, model, _GRID, draws, seed)
        self.model, self.order, self.subject, self.models, self.drugs = model, order, subject, models, drugs
        self.draws, self.seed = draws, seed

    @cached_property
    def levels(self) -> dict[str, Array]:
        """Analyte -> ng/mL, shape (minutes of the grid, draws + 1)."""
        return people_levels(
            self.model, self.order, self.subject, self.models, _GRID,
            draws=self.draws, seed=self.seed, drugs=self.drugs,
        )  # fmt: skip

    @cached_property
    def moments(self) -> dict[str, tuple[Array, Array]]:
        """Analyte -> area to infinity (ng h/mL) and its first moment (ng h2/mL), shape (draws + 1,)."""
        people: Mapping[str, Array] = virtual_patients(
            self.model, self.subject, np.random.default_rng(self.seed), self.draws
        )
        if self.drugs:
            people = with_drugs(self.drugs, self.model, people, self.order, self.seed).people
        return moments(self.model, people, self.order)

    def after(self, earlier: str) -> dict[str, Array]:
        """The levels with what an earlier dose, "route mg minutes", still gives: levels of linear models add up."""
        route, mg, minutes = earlier.split()
        before = replace(self.order, route=route, dose_mg=float(mg), infusion_min=None)
        times = [minute + float(minutes) for minute in _GRID]
        left = people_levels(self.model, before, self.subject, self.models, times, draws=self.draws, seed=self.seed)
        return {name: level + left[name] for name, level in self.levels.items()}


def _compared(row: _Row, knowledge: Knowledge, curves: dict[Any, _Curve], draws: int, seed: int) -> Compared:
    models, subject = knowledge.drugs, row.subject
    model = models[row.mapped["model"]]
    order = row.order(model)
    drugs = perpetrators([row.mapped["drug"]], knowledge) if row.mapped["drug"] else ()

    def curve(of: Mapping[str, Any], what: Order, drugs: tuple[Perpetrator, ...] = ()) -> _Curve:
        key = (of["id"], what, subject, tuple(one.id for one in drugs))
        return curves.setdefault(key, _Curve(of, what, subject, models, drugs, draws, seed))

    mine = curve(model, order)
    if row.mapped["quantity"] == "bioavailability":
        by_vein = models[row.mapped["beside"]]
        beside = curve(by_vein, replace(order, route="iv", infusion_min=0.0, device_gap_min=None))
        values = _areas(mine, row)[0] / _areas(beside, row)[0]
    else:
        values = _QUANTITY[row.mapped["quantity"]](mine, row)
    if drugs:
        values = _QUANTITY[row.mapped["quantity"]](curve(model, order, drugs), row) / values
        values = values - 1.0 if row.observed["unit"] == "%" else values
    values = values * _into(row.observed["unit"], row)
    typical, (p05, p50, p95) = float(values[0]), np.quantile(values[1:], (0.05, 0.5, 0.95)).tolist()
    low, high, ratio = _against(row.observed["value"], typical)
    bounds = WITHIN[row.mapped["table"]]
    hit = low <= typical <= high if ratio is None else bounds[0] <= ratio <= bounds[1]
    return Compared(
        row=row.number,
        study=row.observed["study"],
        what=_what(row),
        observed=row.observed["value"],
        unit=row.observed["unit"],
        model=model["id"],
        site=model["site"],
        typical=typical,
        p05=p05,
        p50=p50,
        p95=p95,
        ratio=ratio,
        passed=hit,
        twofold=low * TWOFOLD[0] <= typical <= high * TWOFOLD[1]
        if ratio is None
        else TWOFOLD[0] <= ratio <= TWOFOLD[1],
        in_band=low <= p95 and p05 <= high,
        said="; ".join(filter(None, (row.mapped["said"], _site_said(row, model)))),
        explanation="" if hit else row.mapped["because"] or UNEXPLAINED,
    )


def _what(row: _Row) -> str:
    words = f"{row.mapped['analyte']}, {QUANTITIES[row.mapped['quantity']]}"
    if not row.mapped["drug"]:
        return words
    kind = "change with" if row.observed["unit"] == "%" else "ratio with and without"
    return f"{words}, {kind} {row.mapped['drug']}"


def _not_predicted(row: _Row) -> NotPredicted:
    seen = row.observed
    return NotPredicted(
        row=row.number,
        study=seen["study"],
        what=f"{seen['analyte']} {seen['route']} {seen['quantity']}".replace("  ", " "),
        observed=seen["value"],
        unit=seen["unit"],
        reason=row.mapped["because"],
    )


def _against(observed: str, typical: float) -> tuple[float, float, float | None]:
    """Lower and upper end of what was observed, and predicted / observed where that is one number."""
    ends = re.fullmatch(r"([\d.]+)-([\d.]+)", observed)
    if ends:
        return float(ends[1]), float(ends[2]), None
    value = float(observed)
    return value, value, typical / value


def _site_said(row: _Row, model: Mapping[str, Any]) -> str:
    """What has to be said of the blood. Raises KnowledgeError for arterial rows by venous models and the reverse."""
    matrix = row.observed["matrix"]
    if matrix in ("arterial", "venous") and model["site"] in ("arterial", "venous") and matrix != model["site"]:
        raise KnowledgeError(f"observed/pk_mapping.csv, row {row.number}: {matrix} blood by a model of {model['site']}")
    if matrix.startswith(("venous", "arterial")) and "?" not in matrix and "assumed" not in matrix:
        return "" if model["site"] in ("arterial", "venous") else "site of the model not stated"
    return "site not stated, venous assumed" if model["site"] == "venous" else "site not stated"


def _into(unit: str, row: _Row) -> float:
    return _PER_KG[unit] / float(row.mapped["weight_kg"]) if unit in _PER_KG else _PER_UNIT[unit]


def _window(row: _Row) -> tuple[float, float]:
    """First and last minute of the row's window; without a last one, the end of the grid."""
    return row.number_of("from_min") or 0.0, row.number_of("to_min") or float(_GRID[-1])


def _curve_of(curve: _Curve, row: _Row) -> Array:
    levels = curve.after(row.mapped["earlier"]) if row.mapped["earlier"] else curve.levels
    return levels[row.mapped["analyte"]]


def _peak(curve: _Curve, row: _Row) -> Array:
    minutes, (first, last) = np.asarray(_GRID), _window(row)
    found: Array = _curve_of(curve, row)[(minutes >= first) & (minutes <= last)].max(axis=0)
    return found


def _time_of_peak(curve: _Curve, row: _Row) -> Array:
    """Counted from the first minute of the row's window."""
    found: Array = np.asarray(_GRID)[_curve_of(curve, row).argmax(axis=0)] - _window(row)[0]
    return found


def _at(curve: _Curve, row: _Row, minute: float) -> Array:
    found: Array = _curve_of(curve, row)[_GRID.index(minute)]
    return found


def _half_life(curve: _Curve, row: _Row) -> Array:
    first, last = _window(row)
    fallen = np.log(_at(curve, row, first) / _at(curve, row, last))
    return np.asarray(math.log(2.0) * (last - first) / fallen)


def _areas(curve: _Curve, row: _Row) -> tuple[Array, Array]:
    return curve.moments[row.mapped["analyte"]]


def _area(curve: _Curve, row: _Row) -> Array:
    if not row.mapped["to_min"]:
        return _areas(curve, row)[0]
    upto = np.asarray(_GRID) <= float(row.mapped["to_min"])
    return np.asarray(np.trapezoid(_curve_of(curve, row)[upto], np.asarray(_GRID)[upto] / 60.0, axis=0))


def _metabolite(curve: _Curve, row: _Row) -> tuple[Array, Array]:
    """Areas of norketamine and ketamine to infinity, of the enantiomer that the row names."""
    parent = row.mapped["analyte"]
    return curve.moments[parent.replace("ketamine", "norketamine")][0], curve.moments[parent][0]


def _given(curve: _Curve, row: _Row) -> float:
    """Milligrams of what the row names: half of a racemic dose for one enantiomer."""
    one_of_two = curve.order.product == "racemic" and row.mapped["analyte"].startswith(("S-", "R-"))
    return curve.order.dose_mg / (2.0 if one_of_two else 1.0)


def _clearance(curve: _Curve, row: _Row) -> Array:
    return _given(curve, row) / _areas(curve, row)[0] * 1000.0


def _volume(curve: _Curve, row: _Row) -> Array:
    """Clearance times the mean time that a dose at once stays."""
    area, moment = _areas(curve, row)
    return _clearance(curve, row) * moment / area


def _steady_level(curve: _Curve, row: _Row) -> Array:
    """What a rate for ever gives: the area of a dose, for each milligram, times milligrams an hour."""
    return _areas(curve, row)[0] / curve.order.dose_mg * float(row.mapped["rate_mg_per_h"])


def _metabolite_share(curve: _Curve, row: _Row) -> Array:
    metabolite, parent = _metabolite(curve, row)
    return metabolite / (metabolite + parent)


def _metabolite_ratio(curve: _Curve, row: _Row) -> Array:
    metabolite, parent = _metabolite(curve, row)
    return metabolite / parent


_QUANTITY = MappingProxyType(
    {
        "peak": _peak,
        "time_of_peak": _time_of_peak,
        "level": lambda curve, row: _at(curve, row, _window(row)[0]),
        "steady_level": _steady_level,
        "area": _area,
        "area_per_mg": lambda curve, row: _area(curve, row) / curve.order.dose_mg,
        "metabolite_ratio": _metabolite_ratio,
        "metabolite_share": _metabolite_share,
        "clearance": _clearance,
        "volume": _volume,
        "half_life": _half_life,
    }
)
