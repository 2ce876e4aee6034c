"""What is ordered, and can it be given? One dose or a series, by rate or at once; refused where it cannot be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ketapath.errors import BadInput
from ketapath.pharmacology.solver.compartments import Input
from ketapath.pharmacology.subjects import Subject

MAX_DOSE_MG = 1000.0
MAX_INFUSION_MIN = 1440.0
MAX_RATE_MG_PER_H = 10_000.0
MAX_TIME_MIN = 525_600.0
MAX_POINTS = 10_000
MAX_DRAWS = 20_000
MAX_VALUES = 5_000_000
MAX_STARTS = 400
_PRINTED_MG = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A piece of an infusion: so many mg an hour from this minute on, for so many minutes. A pause is a gap."""

    start_min: float
    minutes: float
    mg_per_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A dose in milligrams of base, given at each of `starts_min`.

    `infusion_min` is for the vein: 0 is a bolus. `rates` say instead how an infusion really ran; then `dose_mg` is
    their sum. The spray has neither; `device_gap_min` is the time between its devices.
    """

    product: str
    route: str
    dose_mg: float
    infusion_min: float | None = None
    device_gap_min: float | None = None
    rates: tuple[Rate, ...] = ()
    starts_min: tuple[float, ...] = (0.0,)


def infusion(
    product: str, rates: Sequence[Rate], *, infusion_min: float | None = None, starts_min: Sequence[float] = (0.0,)
) -> Order:
    """An order by vein from the rates that an infusion runs at; they may pause and overlap."""
    return Order(
        product=product,
        route="iv",
        dose_mg=_sum_mg(rates),
        infusion_min=infusion_min,
        rates=tuple(rates),
        starts_min=tuple(starts_min),
    )


def _sum_mg(rates: Sequence[Rate]) -> float:
    return math.fsum(rate.mg_per_h * rate.minutes / 60.0 for rate in rates)


def halved(order: Order) -> Order:
    """The order of one enantiomer in a racemic dose."""
    rates = tuple(replace(rate, mg_per_h=rate.mg_per_h / 2) for rate in order.rates)
    return replace(order, dose_mg=order.dose_mg / 2, rates=rates)


def given(order: Order, model: Mapping[str, Any]) -> list[Input]:
    """The amounts that enter the first compartment, in time."""
    starts = [start / 60.0 for start in order.starts_min]
    if order.rates:
        return [
            Input(
                time_h=start + rate.start_min / 60.0,
                amount=rate.mg_per_h * rate.minutes / 60.0,
                duration_h=rate.minutes / 60.0,
            )
            for start in starts
            for rate in order.rates
        ]
    hours = (order.infusion_min or 0.0) / 60.0
    return [Input(time_h=start, amount=order.dose_mg, duration_h=hours) for start in starts]


def devices_of(dose_mg: float, device: Mapping[str, Any]) -> int | None:
    """How many whole devices hold this dose of base; None where none do.

    A label prints the salt of whole devices to a tenth of a milligram (32.3 for 28 of base), so the last tenth is left
    open.

    >>> devices_of(28.005, {"mg": 28, "most_mg": 84}), devices_of(30.0, {"mg": 28, "most_mg": 84})
    (1, None)
    """
    if not math.isfinite(dose_mg):
        return None
    count = round(dose_mg / device["mg"])
    held = count * float(device["mg"])
    return count if 0.0 < held <= device["most_mg"] and abs(dose_mg - held) <= _PRINTED_MG else None


def last_minute(order: Order) -> float:
    """When the last of it has been given; the spray's devices count as given at once."""
    ends = [rate.start_min + rate.minutes for rate in order.rates] or [order.infusion_min or 0.0]
    return max(order.starts_min) + max(ends)


def check(
    order: Order, subject: Subject, model: Mapping[str, Any], times_min: Sequence[float], draws: int, seed: int
) -> None:
    """Raise BadInput, naming field, value, limit and next step, for what cannot be."""
    _check_route(order, model)
    if not 0.0 < order.dose_mg <= MAX_DOSE_MG:
        of_what = "--rates, their sum" if order.rates else "--dose-mg"
        raise bad(of_what, order.dose_mg, f"more than 0 and at most {MAX_DOSE_MG:g} mg")
    if not 1 <= len(times_min) <= MAX_POINTS or not all(0.0 <= t <= MAX_TIME_MIN for t in times_min):
        raise bad("--times-min", list(times_min)[:5], f"1 to {MAX_POINTS} minutes from 0 to {MAX_TIME_MIN:g}")
    if any(later < earlier for earlier, later in pairwise(times_min)):
        raise bad("--times-min", list(times_min)[:5], "minutes in rising order")
    if len(times_min) * draws > MAX_VALUES:
        raise bad("--times-min and --draws", len(times_min) * draws, f"at most {MAX_VALUES} times x draws")
    if not 1 <= draws <= MAX_DRAWS or seed < 0:
        raise bad("--draws or --seed", (draws, seed), f"1 to {MAX_DRAWS} draws, seed 0 or more")
    if not 1 <= len(order.starts_min) <= MAX_STARTS or not all(0.0 <= t <= MAX_TIME_MIN for t in order.starts_min):
        raise bad(
            "--starts-min", list(order.starts_min)[:5], f"1 to {MAX_STARTS} doses within {MAX_TIME_MIN:g} minutes"
        )
    lightest = 2.0 if model.get("children") else 25.0
    for name, value, low, high in (
        ("--weight-kg", subject.weight_kg, lightest, 350.0),
        ("--age", subject.age_years, 0.0, 120.0),
    ):
        if value is not None and not low <= value <= high:
            raise bad(name, value, f"{low:g} to {high:g}")
    if subject.ancestry not in (None, "asian", "japanese"):
        raise bad("--ancestry", subject.ancestry, "one of asian, japanese, or not given")


def _check_route(order: Order, model: Mapping[str, Any]) -> None:
    if order.route == "iv":
        _check_no_gap(order)
        _check_vein(order)
        return
    if order.infusion_min is not None or order.rates:
        raise bad("--infusion-min", order.infusion_min, f"no infusion time for the route {order.route}")
    device = model.get("device") if order.route == "nasal" else None
    if device is None:
        _check_no_gap(order)
        return
    if devices_of(order.dose_mg, device) is None:
        allowed = ", ".join(str(mg) for mg in range(device["mg"], device["most_mg"] + 1, device["mg"]))
        limit = (
            f"one of {allowed} mg: a device holds {device['mg']} mg and the label's maximum is {device['most_mg']} mg"
        )
        raise bad("--dose-mg", order.dose_mg, limit)
    if order.device_gap_min is not None and not 0.0 <= order.device_gap_min <= MAX_INFUSION_MIN:
        raise bad("--device-gap-min", order.device_gap_min, f"0 to {MAX_INFUSION_MIN:g} minutes")


def _check_no_gap(order: Order) -> None:
    if order.device_gap_min is not None:
        raise bad("--device-gap-min", order.device_gap_min, "only for a spray of several devices")


def _check_vein(order: Order) -> None:
    if not order.rates:
        if order.infusion_min is None or not 0.0 <= order.infusion_min <= MAX_INFUSION_MIN:
            raise bad("--infusion-min", order.infusion_min, f"0 (bolus) to {MAX_INFUSION_MIN:g} minutes by vein")
        return
    if order.infusion_min is not None:
        raise bad("--infusion-min", order.infusion_min, "either one infusion time or rates")
    for rate in order.rates:
        if not 0.0 <= rate.mg_per_h <= MAX_RATE_MG_PER_H:
            raise bad("--rates", rate.mg_per_h, f"0 to {MAX_RATE_MG_PER_H:g} mg/h")
        if not 0.0 < rate.minutes <= MAX_INFUSION_MIN or not 0.0 <= rate.start_min <= MAX_TIME_MIN:
            limit = f"a start of 0 to {MAX_TIME_MIN:g} and a length above 0 and at most {MAX_INFUSION_MIN:g} minutes"
            raise bad("--rates", (rate.start_min, rate.minutes), limit)
    if not math.isclose(order.dose_mg, _sum_mg(order.rates), rel_tol=1e-9):
        raise bad("--dose-mg", order.dose_mg, f"the sum of the rates, {_sum_mg(order.rates):g} mg")


def bad(field: str, found: object, limit: str) -> BadInput:
    """The refusal of a value that cannot be, with the limit that it breaks."""
    shown = "not given" if found is None else found
    if isinstance(shown, float) and not math.isfinite(shown):
        shown = "no finite number"
    return BadInput(field=field, found=shown, limit=limit, next_step="Correct it and try again.")
