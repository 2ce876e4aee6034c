"""Do the predictions keep the orders that trials agree on? Dose, time, control and maintenance, as probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ketapath.response.arm import Arm, Regimen
from ketapath.response.arm_file import Asked
from ketapath.response.equations import Array
from ketapath.response.predict import DRAWS, Study, expected, new_study
from ketapath.response.prior import Population

_WEEKS = (0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0, 24.0)
_WEEKLY = tuple(range(28, 113, 7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """One order: in words, whether it holds for the middle of the draws, and in which share of them."""

    what: str
    holds: bool
    probability: float


def orders(population: Population, parameters: Mapping[str, Any], *, seed: int) -> list[Ordered]:
    """Every order, from the average study of each draw."""
    study = new_study(population.thinned(DRAWS), np.random.default_rng(seed))
    quiet = replace(study, context=0.0 * study.context, drug=0.0 * study.drug)
    return [
        Ordered(what=what, holds=bool(np.median(more - less) > 0.0), probability=float(np.mean(more > less)))
        for what, more, less in _pairs(quiet, parameters)
    ]


def _pairs(study: Study, parameters: Mapping[str, Any]) -> Iterator[tuple[str, Array, Array]]:
    """What must be more, and what less: improvement over control in points, or the share that relapses."""

    def gain(dose: float, day: float, control: str) -> Array:
        plan = Regimen(product="racemic", route="iv", dose=dose, unit="mg/kg", days=(0.0,))
        treated = Arm(n=50, scale="MADRS", control=control, regimen=plan)
        asked = Asked(scale="MADRS", day=day, quantity="change")
        return (
            expected(replace(treated, regimen=None), study, asked, parameters)[0]
            - expected(treated, study, asked, parameters)[0]
        )

    def relapsed(every_days: float | None) -> Array:
        days = (*_WEEKS, *map(float, _WEEKLY))
        plan = Regimen(product="esketamine", route="nasal", dose=84.0, unit="mg", days=days, every_days=every_days)
        arm = Arm(n=90, scale="MADRS", control="nasal-placebo", new_antidepressant=True, regimen=plan)
        return expected(arm, study, Asked(scale="MADRS", day=182.0, quantity="relapse"), parameters)[0]

    day_1 = gain(0.5, 1.0, "midazolam")
    yield "0.5 mg/kg above 0.1 mg/kg on day 1, against midazolam", day_1, gain(0.1, 1.0, "midazolam")
    yield "day 1 above day 10 after one infusion, against midazolam", day_1, gain(0.5, 10.0, "midazolam")
    yield "the difference from saline above that from midazolam on day 1", gain(0.5, 1.0, "saline"), day_1
    yield "fewer relapses in half a year with a spray every 14 days than without", relapsed(None), relapsed(14.0)
    yield "fewer with a spray every 7 days than every 14 days", relapsed(14.0), relapsed(7.0)
