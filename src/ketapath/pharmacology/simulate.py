"""Which concentrations does a dose give, in whom? Typical course and band for one new person.

A racemic dose is half S, half R; the sum is given once. The band holds spread between people and published or assumed
uncertainty, and that of a second model where a route needs two; no assay error. Sources stand in knowledge/drugs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ketapath.domain.evidence import Finding
from ketapath.pharmacology.choice import ADULT_YEARS, Models, covering, is_child, model_for
from ketapath.pharmacology.metabolism import can_interact, with_enzymes
from ketapath.pharmacology.notes import notes
from ketapath.pharmacology.orders import Order, bad, check, halved, last_minute
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.structures import bodies, fed, uptake, with_effect_sites
from ketapath.pharmacology.subjects import Subject, virtual_patients

if TYPE_CHECKING:
    from ketapath.domain.interaction import Perpetrator
    from ketapath.pharmacology.interactions import Interacting

ARTERIAL_MODEL = "noppers2011_s_ketamine_iv_arterial"
"""The disposition that a dose of any route is fed into for arterial S-ketamine, which drives the acute effects."""
_BAND = (0.05, 0.25, 0.5, 0.75, 0.95)


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
    drugs: Sequence[Perpetrator] = (),
) -> Simulation:
    """Concentrations of this dose at these minutes after its start, by the model of its route or the one named.

    With `drugs` (`interactions.perpetrators`) the people take these as well, and only the parent drug is given: what
    they do to norketamine is not predicted. Raises BadInput for a dose, route, model, person or time that cannot be,
    and for a model whose clearance the liver alone cannot do where there are drugs.
    """
    chosen = model_for(order, subject, models, model)
    check(order, subject, chosen, times_min, draws, seed)
    groups = _groups(chosen, order, subject, models, draws, seed, drugs)
    levels = _joined(groups, order, times_min)
    return Simulation(
        model=chosen["id"],
        site=chosen["site"],
        series=tuple(_series(name, times_min, levels[name]) for name in _predicted(chosen, drugs)),
        findings=(*groups[0].said, *notes(chosen, order, subject, models)),
    )


def compare(
    order: Order,
    subject: Subject,
    models: Models,
    times_min: Sequence[float],
    *,
    draws: int,
    seed: int,
    drugs: Sequence[Perpetrator] = (),
) -> tuple[Simulation, ...]:
    """The same dose by every model of its route that covers such a person, the default one first.

    With `drugs`, models on which no interaction can be worked out are left out.
    """
    first = model_for(order, subject, models, None)
    others = [m["id"] for m in covering(order, subject, models) if m["id"] != first["id"]]
    able = [name for name in others if not drugs or can_interact(models[name])]
    return tuple(
        simulate(order, subject, models, times_min, draws=draws, seed=seed, model=name, drugs=drugs)
        for name in (first["id"], *able)
    )


def exposure_peak(order: Order, subject: Subject, models: Models, *, draws: int, seed: int) -> Peak:
    """The band of the highest level of ketamine (S-ketamine after esketamine) in the first four hours."""
    grid = sorted({*np.arange(0.0, 241.0, 5.0).tolist(), last_minute(order)})
    parent = _parent(order, subject, models, grid, draws, seed)
    p05, p50, p95 = np.quantile(parent.max(axis=0), (0.05, 0.5, 0.95))
    return Peak(p05=float(p05), p50=float(p50), p95=float(p95))


def exposure(order: Order, subject: Subject, models: Models, *, draws: int, seed: int) -> Exposure:
    """Peak and area over the first day for one such person; the peak is that of `exposure_peak`."""
    # Every five minutes while the level moves fast, every half hour for the rest of the day.
    grid = sorted({*np.arange(0.0, 241.0, 5.0), *np.arange(270.0, 1441.0, 30.0), last_minute(order)})
    parent = _parent(order, subject, models, grid, draws, seed)
    hours = np.diff(np.asarray(grid)) / 60.0
    area = ((parent[1:] + parent[:-1]) / 2.0 * hours[:, None]).sum(axis=0)
    peaks, areas = (np.quantile(found, (0.05, 0.5, 0.95)).tolist() for found in (parent.max(axis=0), area))
    return Exposure(peak=tuple(peaks), area=tuple(areas))


def arterial_sites(
    order: Order,
    subject: Subject,
    models: Models,
    times_min: Sequence[float],
    half_lives_min: Mapping[str, Array],
    *,
    draws: int,
    seed: int,
    drugs: Sequence[Perpetrator] = (),
) -> dict[str, Array]:
    """Arterial S-ketamine, and the effect sites that follow it: ng/mL, shape (times, draws + 1), column 0 typical.

    "arterial" is the blood; each name of `half_lives_min` is a site with these half-lives of equilibration, shape
    (draws + 1,), in minutes. Routes without an arterial model feed their uptake into the arterial disposition. Raises
    BadInput for a child as well.
    """
    if is_child(subject):
        raise bad("--age", subject.age_years, f"{ADULT_YEARS:g} or more: arterial levels were measured in adults only")
    chosen = model_for(order, subject, models, None)
    check(order, subject, chosen, times_min, draws, seed)
    people: Mapping[str, Array] = virtual_patients(chosen, subject, np.random.default_rng(seed), draws)
    base = models[ARTERIAL_MODEL]
    arterial: Mapping[str, Array] = virtual_patients(base, subject, np.random.default_rng([seed, 1]), draws)
    if drugs:
        changed = with_drugs(drugs, chosen, people, order, seed)
        # The same livers clear the arterial blood: with their factors as a measured figure of this route bounds them.
        people, arterial = changed.people, with_enzymes(base, arterial, *changed.factors).people
    if chosen["site"] == "arterial":
        body = bodies(chosen, people, order)[0]
    else:
        own = order if order.product == "esketamine" else halved(order)
        body = fed(arterial, uptake(chosen, people, own), people, "S-")
    rates = {name: np.log(2.0) * 60.0 / half_life for name, half_life in half_lives_min.items()}
    levels = with_effect_sites(body, "S-ketamine", rates).levels(times_min)
    return {"arterial": levels["S-ketamine"], **{name: levels[name] for name in rates}}


def people_levels(
    model: Mapping[str, Any],
    order: Order,
    subject: Subject,
    models: Models,
    times_min: Sequence[float],
    *,
    draws: int,
    seed: int,
    drugs: Sequence[Perpetrator] = (),
) -> dict[str, Array]:
    """Analyte -> ng/mL of every simulated person, shape (times, draws + 1); column 0 is the model's typical person."""
    return _joined(_groups(model, order, subject, models, draws, seed, drugs), order, times_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """People of one model, and what has to be said of their drugs."""

    model: Mapping[str, Any]
    people: Mapping[str, Array]
    said: tuple[Finding, ...]


def _groups(
    model: Mapping[str, Any],
    order: Order,
    subject: Subject,
    models: Models,
    draws: int,
    seed: int,
    drugs: Sequence[Perpetrator],
) -> list[_Group]:
    """The people of the model, and an equal part of them from each model that shares its band."""
    names = [model["id"], *model.get("band_with", ())]
    found = []
    for place, name in enumerate(names):
        one = model if place == 0 else models[name]
        n = draws // len(names) + (1 if place < draws % len(names) else 0)
        people: Mapping[str, Array] = virtual_patients(
            one, subject, np.random.default_rng(seed if place == 0 else [seed, place]), n
        )
        said: tuple[Finding, ...] = ()
        if drugs:
            changed = with_drugs(drugs, one, people, order, seed)
            people, said = changed.people, changed.findings
        found.append(_Group(model=one, people=people, said=said))
    return found


def _joined(groups: Sequence[_Group], order: Order, times_min: Sequence[float]) -> dict[str, Array]:
    """Levels of all groups side by side, for what the first has; its typical person stands in column 0."""
    found: dict[str, list[Array]] = {}
    for place, group in enumerate(groups):
        for analyte, values in _levels(group.model, order, group.people, times_min).items():
            if place == 0 or analyte in found:
                found.setdefault(analyte, []).append(values if place == 0 else values[:, 1:])
    return {analyte: np.concatenate(values, axis=1) for analyte, values in found.items()}


def with_drugs(
    drugs: Sequence[Perpetrator], model: Mapping[str, Any], people: Mapping[str, Array], order: Order, seed: int
) -> Interacting:
    """The same people with their drugs; one seed for every model, so that a person's factors are the same in each."""
    from ketapath.pharmacology.interactions import interacting  # only where there are drugs: it stands on the knowledge

    dose = order.dose_mg if order.route == "nasal" and "device" in model else None
    return interacting(drugs, model, people, np.random.default_rng([seed, 2]), route=order.route, dose_mg=dose)


def _levels(
    model: Mapping[str, Any], order: Order, people: Mapping[str, Array], times_min: Sequence[float]
) -> dict[str, Array]:
    levels: dict[str, Array] = {}
    for body in bodies(model, people, order):
        levels |= body.levels(times_min)
    for analyte in ("ketamine", "norketamine"):
        if f"R-{analyte}" in levels:
            levels[analyte] = levels[f"S-{analyte}"] + levels[f"R-{analyte}"]
    return levels


def _parent(order: Order, subject: Subject, models: Models, grid: Sequence[float], draws: int, seed: int) -> Array:
    chosen = model_for(order, subject, models, None)
    check(order, subject, chosen, grid, draws, seed)
    levels = people_levels(chosen, order, subject, models, grid, draws=draws, seed=seed)
    return levels["ketamine" if order.product == "racemic" else "S-ketamine"][:, 1:]


def _predicted(model: Mapping[str, Any], drugs: Sequence[Perpetrator]) -> list[str]:
    """The analytes of this model; beside other medicines the parent alone: what they do to norketamine is not known."""
    is_parent_alone = any(one.does != "nothing-known" for one in drugs)
    return [name for name in model["analytes"] if not (is_parent_alone and "norketamine" in name)]


def _series(name: str, times_min: Sequence[float], values: Array) -> Series:
    p05, p25, p50, p75, p95 = np.quantile(values[:, 1:], _BAND, axis=1).tolist()
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
