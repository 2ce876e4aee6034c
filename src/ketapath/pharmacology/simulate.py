"""Which concentrations does a dose give, in whom? Typical course and band for one new person.

Parent and norketamine in venous blood. A racemic dose is half S, half R; the sum is given once. The band holds spread
between people and published uncertainty of the typical values, no assay error. Sources stand in knowledge/drugs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ketapath.domain.evidence import Evidence, Finding, Text
from ketapath.errors import BadInput
from ketapath.pharmacology.compartments import Array, Input, propagators
from ketapath.pharmacology.subjects import REFERENCE_WEIGHT_KG, Subject, virtual_patients

Models = Mapping[str, Mapping[str, Any]]

MAX_DOSE_MG = 1000.0
MAX_INFUSION_MIN = 1440.0
MAX_TIME_MIN = 10_080.0
MAX_POINTS = 10_000
MAX_DRAWS = 20_000
MAX_VALUES = 5_000_000
_BATCH = 500
_TICKS_PER_H = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One dose, milligrams of base. `infusion_min` is for the vein: 0 is a bolus; the spray has none."""

    product: str
    route: str
    dose_mg: float
    infusion_min: float | None = None
    device_gap_min: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One analyte over time; all arrays have the length of `times_min`."""

    analyte: str
    unit: str
    times_min: tuple[float, ...]
    typical: tuple[float, ...]
    p05: tuple[float, ...]
    p25: tuple[float, ...]
    p50: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The result of one model: its id, the blood that is sampled, a series for each analyte, and what to know."""

    model: str
    site: str
    series: tuple[Series, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Highest level of the parent drug in ng/mL for one such person."""

    p05: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Peak (ng/mL) and area over a day (ng h/mL) of the parent drug: what 5, 50 and 95 of 100 people stay below."""

    peak: tuple[float, float, float]
    area: tuple[float, float, float]


def simulate(
    order: Order,
    subject: Subject,
    models: Models,
    times_min: Sequence[float],
    *,
    draws: int,
    seed: int,
    model: str | None = None,
) -> Simulation:
    """Concentrations of this dose at these minutes after its start.

    Raises BadInput for a dose, route, model or time that cannot be.
    """
    chosen = _model(order, models, model)
    _check(order, subject, chosen, times_min, draws, seed)
    levels = _levels(chosen, order, subject, times_min, draws, seed)
    return Simulation(
        model=chosen["id"],
        site=chosen["site"],
        series=tuple(_series(name, times_min, values) for name, values in levels.items()),
        findings=tuple(_findings(chosen, subject)),
    )


def exposure_peak(order: Order, subject: Subject, models: Models, *, draws: int, seed: int) -> Peak:
    """The band of the highest venous level of ketamine (S-ketamine after esketamine) in the first four hours."""
    chosen = _model(order, models, None)
    end = order.infusion_min or 0.0
    grid = sorted({*np.arange(0.0, 241.0, 5.0).tolist(), end})
    _check(order, subject, chosen, grid, draws, seed)
    levels = _levels(chosen, order, subject, grid, draws, seed)
    parent = levels["ketamine" if order.product == "racemic" else "S-ketamine"]
    p05, p50, p95 = np.quantile(parent[:, 1:].max(axis=0), (0.05, 0.5, 0.95))
    return Peak(p05=float(p05), p50=float(p50), p95=float(p95))


def exposure(order: Order, subject: Subject, models: Models, *, draws: int, seed: int) -> Exposure:
    """Peak and area over the first day for one such person; the peak is that of `exposure_peak`."""
    chosen = _model(order, models, None)
    # Every five minutes while the level moves fast, every half hour for the rest of the day.
    grid = sorted({*np.arange(0.0, 241.0, 5.0), *np.arange(270.0, 1441.0, 30.0), order.infusion_min or 0.0})
    _check(order, subject, chosen, grid, draws, seed)
    levels = _levels(chosen, order, subject, grid, draws, seed)
    parent = levels["ketamine" if order.product == "racemic" else "S-ketamine"][:, 1:]
    hours = np.diff(np.asarray(grid)) / 60.0
    area = ((parent[1:] + parent[:-1]) / 2.0 * hours[:, None]).sum(axis=0)
    peaks, areas = (np.quantile(found, (0.05, 0.5, 0.95)).tolist() for found in (parent.max(axis=0), area))
    return Exposure(peak=tuple(peaks), area=tuple(areas))


def _model(order: Order, models: Models, wanted: str | None) -> Mapping[str, Any]:
    products = sorted({m["product"] for m in models.values()})
    if order.product not in products:
        raise _bad("--product", order.product, f"one of {', '.join(products)}")
    routes = sorted({r for m in models.values() if m["product"] == order.product for r in m["routes"]})
    if order.route not in routes:
        raise _bad("--route", order.route, f"{order.product} has models for {', '.join(routes)}")
    fitting = {n: m for n, m in models.items() if m["product"] == order.product and order.route in m["routes"]}
    if wanted is None:
        return next(iter(fitting.values()))
    if wanted not in fitting:
        raise _bad("--model", wanted, f"one of {', '.join(sorted(fitting))}")
    return fitting[wanted]


def _check(
    order: Order, subject: Subject, model: Mapping[str, Any], times_min: Sequence[float], draws: int, seed: int
) -> None:
    if not 0.0 < order.dose_mg <= MAX_DOSE_MG:
        raise _bad("--dose-mg", order.dose_mg, f"more than 0 and at most {MAX_DOSE_MG:g} mg")
    _check_route(order, model)
    if not 1 <= len(times_min) <= MAX_POINTS or not all(0.0 <= t <= MAX_TIME_MIN for t in times_min):
        raise _bad("--times-min", list(times_min)[:5], f"1 to {MAX_POINTS} minutes from 0 to {MAX_TIME_MIN:g}")
    if len(times_min) * draws > MAX_VALUES:
        raise _bad("--times-min and --draws", len(times_min) * draws, f"at most {MAX_VALUES} times x draws")
    if not 1 <= draws <= MAX_DRAWS or seed < 0:
        raise _bad("--draws or --seed", (draws, seed), f"1 to {MAX_DRAWS} draws, seed 0 or more")
    for name, value, low, high in (
        ("--weight-kg", subject.weight_kg, 25.0, 350.0),
        ("--age", subject.age_years, 0.0, 120.0),
    ):
        if value is not None and not low <= value <= high:
            raise _bad(name, value, f"{low:g} to {high:g}")


def _check_route(order: Order, model: Mapping[str, Any]) -> None:
    device = model.get("device")
    if device is None:
        if order.infusion_min is None or not 0.0 <= order.infusion_min <= MAX_INFUSION_MIN:
            raise _bad("--infusion-min", order.infusion_min, f"0 (bolus) to {MAX_INFUSION_MIN:g} minutes by vein")
        return
    if order.infusion_min is not None:
        raise _bad("--infusion-min", order.infusion_min, "no infusion time for a spray")
    if order.dose_mg > device["most_mg"] or not float(order.dose_mg / device["mg"]).is_integer():
        allowed = ", ".join(str(mg) for mg in range(device["mg"], device["most_mg"] + 1, device["mg"]))
        limit = (
            f"one of {allowed} mg: a device holds {device['mg']} mg and the label's maximum is {device['most_mg']} mg"
        )
        raise _bad("--dose-mg", order.dose_mg, limit)
    if order.device_gap_min is not None and not 0.0 <= order.device_gap_min <= MAX_INFUSION_MIN:
        raise _bad("device gap", order.device_gap_min, f"0 to {MAX_INFUSION_MIN:g} minutes")


def _levels(
    model: Mapping[str, Any], order: Order, subject: Subject, times_min: Sequence[float], draws: int, seed: int
) -> dict[str, Array]:
    """Analyte -> ng/mL, shape (times, draws + 1); column 0 is the typical person."""
    people = virtual_patients(model, subject, np.random.default_rng(seed), draws)
    if model["structure"] == "nasal-hepatic":
        return _enantiomer("S", *_nasal(people, model, order), people, times_min)
    if model["product"] == "esketamine":
        return _enantiomer("S", *_by_vein(people, order, order.dose_mg), people, times_min)
    levels = _enantiomer("S", *_by_vein(people, order, order.dose_mg / 2), people, times_min)
    r_people = people | {"clearance": people["clearance"] * people["r_over_s_clearance"]}
    levels |= _enantiomer("R", *_by_vein(r_people, order, order.dose_mg / 2), people, times_min)
    for parent in ("ketamine", "norketamine"):
        levels[parent] = levels[f"S-{parent}"] + levels[f"R-{parent}"]
    return levels


def _enantiomer(
    letter: str, a: Array, inputs: list[tuple[Input, Array]], people: Mapping[str, Array], times_min: Sequence[float]
) -> dict[str, Array]:
    """Parent (compartment 0) and norketamine (compartment 1) of one enantiomer in ng/mL."""
    amounts = _march(a, inputs, [t / 60.0 for t in times_min])
    per_litre = 1000.0  # mg/L to ng/mL
    return {
        f"{letter}-ketamine": amounts[:, :, 0] / people["central_volume"] * per_litre,
        f"{letter}-norketamine": amounts[:, :, 1] / people["metabolite_volume"] * per_litre,
    }


def _flows(n: int, size: int, moves: Mapping[tuple[int, int | None], Array]) -> Array:
    """Rate matrices (n, size, size) from (from, to) -> rate per hour; to None leaves the body."""
    a = np.zeros((n, size, size))
    for (start, end), rate in moves.items():
        a[:, start, start] -= rate
        if end is not None:
            a[:, end, start] += rate
    return a


def _disposition(p: Mapping[str, Array]) -> dict[tuple[int, int | None], Array]:
    """Exchange with the peripheral compartments (2, 3) and the metabolite's own (4); elimination of the metabolite."""
    vc, vm = p["central_volume"], p["metabolite_volume"]
    q1, q2 = p["intercompartmental_clearance_1"], p["intercompartmental_clearance_2"]
    qm = p["metabolite_intercompartmental_clearance"]
    return {
        (0, 2): q1 / vc,
        (2, 0): q1 / p["peripheral_volume_1"],
        (0, 3): q2 / vc,
        (3, 0): q2 / p["peripheral_volume_2"],
        (1, 4): qm / vm,
        (4, 1): qm / p["metabolite_peripheral_volume"],
        (1, None): p["metabolite_clearance"] / vm,
    }


def _by_vein(p: Mapping[str, Array], order: Order, mg: float) -> tuple[Array, list[tuple[Input, Array]]]:
    """All clearance of the parent forms norketamine, counted in milligrams of parent."""
    n = p["clearance"].size
    a = _flows(n, 5, {**_disposition(p), (0, 1): p["clearance"] / p["central_volume"]})
    dose = Input(time_h=0.0, amount=mg, duration_h=(order.infusion_min or 0.0) / 60.0, compartment=0)
    return a, [(dose, np.ones(n))]


def _nasal(p: Mapping[str, Array], model: Mapping[str, Any], order: Order) -> tuple[Array, list[tuple[Input, Array]]]:
    """Nose (5) to blood; the swallowed part through gut (6) into the liver (7), which extracts before blood."""
    n = p["central_volume"].size
    flow = p["liver_flow"]
    a = _flows(
        n,
        8,
        {
            **_disposition(p),
            (5, 0): p["nasal_absorption_rate"],
            (6, 7): p["swallowed_absorption_rate"],
            (0, 7): flow / p["central_volume"],
            (7, 0): flow / p["liver_volume"],
            (7, 1): p["liver_metabolite_rate"],
            (7, None): p["liver_other_rate"],
        },
    )
    gap_h = (model["device"]["gap_min"] if order.device_gap_min is None else order.device_gap_min) / 60.0
    each = float(model["device"]["mg"])
    hours = float(model["parameters"]["swallowed_duration"]["value"])
    inputs = []
    for index in range(round(order.dose_mg / each)):
        share = p["nasal_fraction"] * (1.0 if index == 0 else p["nasal_fraction_later_devices"])
        swallowed = (1.0 - share) * p["gut_availability"]
        at = index * gap_h
        inputs.append((Input(time_h=at, amount=each, compartment=5), share))
        inputs.append((Input(time_h=at, amount=each, duration_h=hours, compartment=6), swallowed))
    return a, inputs


def _march(a: Array, inputs: list[tuple[Input, Array]], times_h: list[float]) -> Array:
    """Amounts (times, subjects, compartments), in batches that fit into the cache."""
    parts = [
        _march_batch(a[i : i + _BATCH], [(d, f[i : i + _BATCH]) for d, f in inputs], times_h)
        for i in range(0, a.shape[0], _BATCH)
    ]
    return np.concatenate(parts, axis=1)


def _march_batch(a: Array, inputs: list[tuple[Input, Array]], times_h: list[float]) -> Array:
    """One pass over the merged events. Times are whole ticks of a millisecond, so that equal steps are equal."""
    n, size, _ = a.shape
    ticks = [round(t * _TICKS_PER_H) for t in times_h]
    starts = [round(d.time_h * _TICKS_PER_H) for d, _ in inputs]
    ends = [s + round(d.duration_h * _TICKS_PER_H) for s, (d, _) in zip(starts, inputs, strict=True)]
    # Shares of the dose an hour; an infusion shorter than a tick goes in at once, so that nothing of it is lost.
    rate_of = {d: _TICKS_PER_H / (e - s) for s, e, (d, _) in zip(starts, ends, inputs, strict=True) if e > s}
    state, last = np.zeros((n, size)), 0
    whole = np.zeros((n, size + 1, size + 1))
    whole[:, :size, :size] = a
    known: dict[tuple[int, tuple[bool, ...]], Array] = {}
    found: dict[int, Array] = {}
    for now in sorted({*ticks, *starts, *ends}):
        running = tuple(s <= last and now <= e and e > s for s, e in zip(starts, ends, strict=True))
        key = (now - last, running)
        if now > last:
            if key not in known:
                whole[:, :size, size] = 0.0
                for (dose, share), on in zip(inputs, running, strict=True):
                    if on:
                        whole[:, dose.compartment, size] += share * dose.amount * rate_of[dose]
                known[key] = propagators(whole, (now - last) / _TICKS_PER_H)
            step = known[key]
            state = np.einsum("nij,nj->ni", step[:, :size, :size], state) + step[:, :size, size]
        for (dose, share), start, end in zip(inputs, starts, ends, strict=True):
            if start == end == now:
                state = state.copy()
                state[:, dose.compartment] += share * dose.amount
        found[now] = state
        last = now
    return np.stack([found[t] for t in ticks])


def _series(name: str, times_min: Sequence[float], values: Array) -> Series:
    p05, p25, p50, p75, p95 = np.quantile(values[:, 1:], (0.05, 0.25, 0.5, 0.75, 0.95), axis=1).tolist()
    return Series(
        analyte=name,
        unit="ng/mL",
        times_min=tuple(float(t) for t in times_min),
        typical=tuple(values[:, 0].tolist()),
        p05=tuple(p05),
        p25=tuple(p25),
        p50=tuple(p50),
        p75=tuple(p75),
        p95=tuple(p95),
    )


def _findings(model: Mapping[str, Any], subject: Subject) -> Iterator[Finding]:
    """What a reader has to know about this result: venous blood, conflicts, assumptions, people outside the model."""
    yield _finding("not-arterial", Text(key="pharmacology.not_arterial"), model)
    for index, conflict in enumerate(model["known_conflicts"]):
        yield _finding(f"conflict-{index}", Text(key="pharmacology.conflict", values={"conflict": conflict}), model)
    if subject.weight_kg is None and "weight_exponents" in model:
        taken = {"what": "weight", "value": f"{REFERENCE_WEIGHT_KG:g} kg"}
        yield _finding("assumed-weight", Text(key="pharmacology.assumed", values=taken), model)
    if subject.age_years is None:
        taken = {"what": "age", "value": "the typical age of the people behind the model"}
        yield _finding("assumed-age", Text(key="pharmacology.assumed", values=taken), model)
    for what, value, unit in (("age", subject.age_years, "years"), ("weight", subject.weight_kg, "kg")):
        low, high = model["domain"]["age_years" if what == "age" else "weight_kg"]
        if value is not None and not low <= value <= high:
            said = {"what": what, "value": f"{value:g} {unit}", "low": low, "high": high}
            yield _finding(f"extrapolated-{what}", Text(key="pharmacology.extrapolated", values=said), model)


def _finding(name: str, statement: Text, model: Mapping[str, Any]) -> Finding:
    return Finding(
        id=f"{model['id']}/{name}",
        verdict=None,
        statement=statement,
        action=None,
        rule=None,
        evidence=tuple(
            Evidence(kind="published", key=key, citation=key, locator=f"drug model {model['id']}", trust="summary")
            for key in model["sources"]
        ),
        applies_to=(model["product"],),
    )


def _bad(field: str, found: object, limit: str) -> BadInput:
    shown = "not given" if found is None else found
    if isinstance(shown, float) and not math.isfinite(shown):
        shown = "no finite number"
    return BadInput(field=field, found=shown, limit=limit, next_step="Correct it and try again.")
