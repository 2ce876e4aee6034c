"""How much does another medicine change a level of ketamine, by this route? Through liver and gut wall, each by itself.

`perpetrators` finds the records by any name, `interacting` changes drawn people, `auc_ratio` gives the ratio of areas
with its band. A perpetrator has a factor on the liver's intrinsic clearance and one on what the gut wall lets through;
route decides the size: by mouth both count in full, by vein the liver's blood flow holds the change small. Where a
route was measured the measured figure bounds what an inhibitor is taken to do, and the miss of the mechanism is shown.
Several at once multiply. CYP2B6 genotype is not used. Sources: knowledge/perpetrators, PEREZRUIXO2021.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ketapath.domain.evidence import Evidence, Finding, Text
from ketapath.domain.interaction import Factor, Interaction, Perpetrator
from ketapath.domain.plan import Range
from ketapath.errors import BadInput
from ketapath.knowledge import SITE_DEFAULT, Knowledge
from ketapath.knowledge.perpetrators import bounding
from ketapath.pharmacology.choice import model_for
from ketapath.pharmacology.metabolism import (
    Changed,
    Model,
    People,
    area_per_mg,
    extraction,
    has_liver,
    liver_flow,
    with_enzymes,
)
from ketapath.pharmacology.orders import Order, devices_of
from ketapath.pharmacology.solver.compartments import Array
from ketapath.pharmacology.subjects import Subject, virtual_patients

MAX_DRAWS = 20_000
_HALVINGS = 50
"""Of the interval in which the bounded share of an effect is sought; the rest is below the accuracy of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interacting:
    """Drawn people with their perpetrators: the people, what their area comes to, and what has to be said of it.

    `ratio` is each person's area over that without; `unbounded` is that of the mechanism alone where a measured figure
    bounds it, else None. `factors` are those on liver and gut wall that were used, after any bound. Arrays have the
    shape of the people.
    """

    people: dict[str, Array]
    factors: tuple[Array, Array]
    ratio: Array
    unbounded: Array | None
    findings: tuple[Finding, ...]


def perpetrators(names: Sequence[str], knowledge: Knowledge, *, field: str = "--drug") -> tuple[Perpetrator, ...]:
    """The perpetrators of these names: a record's id, a substance, a brand or a spelling of codes/medicines.yaml.

    A medicine without a record of its own is taken by its enzyme classes; one without any gets factors of 1 and says
    that nothing is known. Raises BadInput, naming `field`, for a name that nobody knows, and for no name at all.
    """
    if not names:
        raise _bad(field, "nothing", "at least one name", "Name the medicine.")
    found: dict[str, Perpetrator] = {}
    for name in names:
        for one in _named(name, knowledge, field):
            found.setdefault(f"{one.id} {one.drug}", one)
    bounds = bounding(knowledge.perpetrators)
    return tuple(replace(one, bound_by=bounds) if one.does == "inhibits" else one for one in found.values())


def interacting(
    drugs: Sequence[Perpetrator],
    model: Model,
    people: People,
    rng: np.random.Generator,
    *,
    route: str,
    dose_mg: float | None = None,
) -> Interacting:
    """These people while they take these perpetrators; the factors of each person are drawn from their ranges.

    `people` are as `virtual_patients` draws them, column 0 the typical person, and have not been changed before.
    `dose_mg` tells how many sprays a dose by the nose has; without it the label's maximum. Raises BadInput, naming the
    model, where the liver alone cannot do its clearance.
    """
    sprays = _sprays(model, dose_mg)
    before = area_per_mg(model, people, route, sprays)
    drawn = _drawn(drugs, before.size, rng)
    limits = _limits(drugs, model, route)
    kept = {drug: _bounded(f, limits.get(drug), model, people, route, sprays) for drug, f in drawn.items()}
    factors = _product(kept.values(), before.size)
    changed = with_enzymes(model, people, *factors)
    ratio = area_per_mg(model, changed.people, route, sprays) / before
    unbounded = None
    if any(kept[drug] is not drawn[drug] for drug in drawn):
        alone = with_enzymes(model, people, *_product(drawn.values(), before.size))
        unbounded = area_per_mg(model, alone.people, route, sprays) / before
    said = (
        *_of_bounds(drugs, model, route, ratio, unbounded),
        *(f for one in drugs for f in _of_perpetrator(one, route)),
        *_of_all(drugs, model),
        *_of_gut(drugs, changed),
        *_of_model(drugs, model, changed, dose_mg),
    )
    return Interacting(people=changed.people, factors=factors, ratio=ratio, unbounded=unbounded, findings=said)


def auc_ratio(
    drugs: Sequence[Perpetrator],
    product: str,
    route: str,
    models: Mapping[str, Model],
    *,
    draws: int,
    seed: int,
    subject: Subject | None = None,
    model: str | None = None,
    dose_mg: float | None = None,
) -> Interaction:
    """Area under the parent's level with these perpetrators over without, for one new person.

    The band holds the spread between people and the ranges of the factors, drawn together; areas are exact. Raises
    BadInput for a product, route or model that there is none of.
    """
    if not 1 <= draws <= MAX_DRAWS or seed < 0:
        raise _bad("--draws or --seed", (draws, seed), f"1 to {MAX_DRAWS} draws, seed 0 or more", "Choose others.")
    someone = subject or Subject()
    chosen = model_for(Order(product=product, route=route, dose_mg=1.0), someone, models, model)
    rng = np.random.default_rng(seed)
    people = virtual_patients(chosen, someone, rng, draws)
    found = interacting(drugs, chosen, people, rng, route=route, dose_mg=dose_mg)
    here = [(one.drug, m) for one in drugs for m in one.measured if m.route == route]
    evidence = [e for one in drugs for e in one.evidence] + [e for _, m in here for e in m.evidence]
    evidence += [e for f in found.findings for e in f.evidence]
    device = chosen.get("device")
    return Interaction(
        drugs=tuple(dict.fromkeys(one.drug for one in drugs)),
        perpetrators=tuple(drugs),
        product=product,
        route=route,
        model=str(chosen["id"]),
        dose_mg=None if device is None else float(device["mg"]) * _sprays(chosen, dose_mg),
        known=any(one.does != "nothing-known" for one in drugs),
        auc_ratio=_band(found.ratio),
        typical=float(found.ratio[0]),
        unbounded=None if found.unbounded is None else _band(found.unbounded),
        mechanism=tuple(f"{one.drug}: {one.mechanism}" for one in drugs),
        measured=tuple(here),
        findings=found.findings,
        evidence=tuple(dict.fromkeys(evidence)),
    )


def _named(name: str, knowledge: Knowledge, field: str) -> Iterator[Perpetrator]:
    """The records that a name stands for: its own, else that of each enzyme class of the medicine."""
    wanted = _plain(name)
    for one in knowledge.perpetrators.values():
        if wanted in {_plain(word) for word in (one.id, *one.names)}:
            yield one
            return
    medicine = next((m for m in knowledge.codes["medicines"] if wanted in _spellings(m)), None)
    if medicine is None:
        known = ", ".join(sorted(knowledge.perpetrators))
        raise _bad(field, name, f"one of {known}, or any medicine of codes/medicines.yaml", "Check the spelling.")
    substance = str(medicine["substance"])
    for one in knowledge.perpetrators.values():
        if substance in one.medicines:
            yield replace(one, drug=one.drug if len(one.medicines) == 1 else substance.capitalize())
            return
    of_class = [p for p in knowledge.perpetrators.values() if p.medicine_class in medicine["classes"]]
    covered = {c for one in of_class for c in one.covers}
    found = [one for one in of_class if one.medicine_class not in covered]
    yield from (replace(one, drug=substance.capitalize()) for one in found)
    if not found:
        yield _nothing_known(substance)


def _spellings(medicine: Mapping[str, Any]) -> set[str]:
    return {_plain(str(word)) for word in (medicine["substance"], *medicine["names"])}


def _plain(name: str) -> str:
    """A name without capitals, signs and spaces, so that "St. John's wort" is "st-johns-wort"."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold().replace("'", "").replace("\u2019", "")).strip("-")


def _nothing_known(substance: str) -> Perpetrator:
    one = Factor(value=1.0, low=1.0, high=1.0, trust="assumption", derived="no enzyme effect is on record", evidence=())
    return Perpetrator(
        id="none-known",
        drug=substance.capitalize(),
        medicines=(substance,),
        names=(),
        medicine_class=None,
        covers=(),
        does="nothing-known",
        enzymes=(),
        where=(),
        mechanism="No interaction by the enzymes of liver and gut wall is known.",
        intrinsic_clearance=one,
        gut_availability=one,
        together=None,
        measured=(),
        note="",
    )


_Pair = tuple[Array, Array]
"""Factor on the liver and factor on the gut wall, one of each for every person."""


def _factors(one: Perpetrator, n: int, rng: np.random.Generator) -> _Pair:
    """Both factors of n people and, in column 0, of the typical one; within the oral ratio where that is known."""
    liver, gut = _spread(one.intrinsic_clearance, n, rng), _spread(one.gut_availability, n, rng)
    if one.together is None:
        return liver, gut
    oral, split = _spread(one.together, n, rng)[1:], rng.random(n)
    lowest = np.maximum(one.gut_availability.low, oral * one.intrinsic_clearance.low)
    highest = np.minimum(one.gut_availability.high, oral * one.intrinsic_clearance.high)
    gut[1:] = lowest ** (1.0 - split) * highest**split
    liver[1:] = gut[1:] / oral
    return liver, gut


def _spread(factor: Factor, n: int, rng: np.random.Generator) -> Array:
    """n values within the range, half below the typical one, even on a log scale on either side of it."""
    at = rng.random(n)
    low, typical, high = np.log((factor.low, factor.value, factor.high))
    drawn = np.where(at < 0.5, low + 2.0 * at * (typical - low), typical + (2.0 * at - 1.0) * (high - typical))
    return np.concatenate(([factor.value], np.exp(drawn)))


def _drawn(drugs: Sequence[Perpetrator], size: int, rng: np.random.Generator) -> dict[str, _Pair]:
    """Both factors of each medicine; one that stands in two classes has the product of theirs."""
    found: dict[str, _Pair] = {}
    for one in drugs:
        before = [found[one.drug]] if one.drug in found else []
        found[one.drug] = _product([*before, _factors(one, size - 1, rng)], size)
    return found


def _product(pairs: Iterable[_Pair], size: int) -> _Pair:
    liver, gut = np.ones(size), np.ones(size)
    for one_liver, one_gut in pairs:
        liver, gut = liver * one_liver, gut * one_gut
    return liver, gut


def _bounded(factors: _Pair, limit: float | None, model: Model, people: People, route: str, sprays: int) -> _Pair:
    """The factors, drawn towards 1 by the same power as far as the measured figure of this route asks for.

    What it comes to for each person then lies at the bound where it lay above it. The very same pair where it nowhere
    lay above.
    """
    if limit is None:
        return factors
    before = area_per_mg(model, people, route, sprays)

    def ratio(power: Array) -> Array:
        changed = with_enzymes(model, people, factors[0] ** power, factors[1] ** power)
        return area_per_mg(model, changed.people, route, sprays) / before

    is_over = ratio(np.ones_like(before)) > limit
    if not is_over.any():
        return factors
    low, high = np.zeros_like(before), np.ones_like(before)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        is_high = ratio(middle) > limit
        low, high = np.where(is_high, low, middle), np.where(is_high, middle, high)
    power = np.where(is_over, low, 1.0)
    return factors[0] ** power, factors[1] ** power


def _limits(drugs: Sequence[Perpetrator], model: Model, route: str) -> dict[str, float]:
    """The lowest measured ratio that bounds each medicine with this product by this route."""
    found: dict[str, float] = {}
    for one in drugs:
        for _, bound in one.bound_by:
            if (bound.product, bound.route) == (model["product"], route) and bound.auc_ratio is not None:
                found[one.drug] = min(bound.auc_ratio, found.get(one.drug, bound.auc_ratio))
    return found


def _sprays(model: Model, dose_mg: float | None) -> int:
    """How many devices a dose takes; 1 where the model has none."""
    device = model.get("device")
    if device is None:
        if dose_mg is not None:
            said = "no dose: only of a spray does the ratio depend on it"
            raise _bad("--dose-mg", dose_mg, said, "Leave it out.")
        return 1
    dose = float(device["most_mg"]) if dose_mg is None else dose_mg
    count = devices_of(dose, device)
    if count is None:
        allowed = ", ".join(str(mg) for mg in range(device["mg"], device["most_mg"] + 1, device["mg"]))
        raise _bad("--dose-mg", dose, f"one of {allowed} mg", "Choose one of these.")
    return count


def _of_bounds(
    drugs: Sequence[Perpetrator], model: Model, route: str, ratio: Array, unbounded: Array | None
) -> Iterator[Finding]:
    """The measured figure that bounds this route with what the mechanism alone would give, and where it does not."""
    bounds = dict.fromkeys(b for one in drugs for b in one.bound_by if b[1].route == route)
    for drug, bound in bounds:
        assert bound.auc_ratio is not None
        said: dict[str, object] = {"measured_with": drug, "percent": f"{100.0 * (bound.auc_ratio - 1.0):.0f}"}
        if bound.product != model["product"]:
            yield _finding("not_bounded", {**said, "product": bound.product}, bound.evidence)
        elif unbounded is not None:
            band, share = _band(unbounded), float((unbounded[1:] > ratio[1:] * (1.0 + 1e-9)).mean())
            said |= {"typical": float(unbounded[0]), "p05": band.p05, "p95": band.p95, "bound": bound.auc_ratio}
            said |= {"of_hundred": _of_hundred(share)}
            name = "bounded" if unbounded[0] > bound.auc_ratio else "bounded_some"
            if sum(one.does != "nothing-known" for one in drugs) > 1:
                name = "bounded_several"
            yield _finding(name, said, bound.evidence)


def _of_perpetrator(one: Perpetrator, route: str) -> Iterator[Finding]:
    """What its record says beside its numbers, and whether it speaks of this very medicine."""
    if one.does == "nothing-known":
        yield _finding("nothing_known", {"drug": one.drug}, ())
        return
    if one.medicine_class is not None:
        yield _finding("by_class", {"drug": one.drug, "derived": _derived(one)}, one.evidence)
    if one.note:
        yield _finding("note", {"drug": one.drug, "note": one.note}, one.evidence)
    for measured in one.measured:
        if measured.trust != "read" and measured.route == route:
            said = {"drug": one.drug, "ratio": measured.auc_ratio, "said": measured.said}
            yield _finding("recalled", said, ())


def _derived(one: Perpetrator) -> str:
    return (one.together or one.intrinsic_clearance).derived


def _of_all(drugs: Sequence[Perpetrator], model: Model) -> Iterator[Finding]:
    """What holds for all of them together."""
    acting = [one for one in drugs if one.does != "nothing-known"]
    evidence = tuple(e for one in acting for e in one.evidence)
    if len(acting) > 1:
        names = ", ".join(f"{one.drug} ({', '.join(one.enzymes)})" for one in acting)
        yield _finding("several", {"drugs": names}, evidence)
    if acting and model["product"] == "racemic":
        yield _finding("s_only", {}, evidence)


def _of_gut(drugs: Sequence[Perpetrator], changed: Changed) -> Iterator[Finding]:
    """People whose gut wall would have to let through more than everything, also where the typical one's need not."""
    asked = changed.gut_asked
    if asked is None or not any("gut" in one.where for one in drugs):
        return
    share = float((asked[1:] > 1.0).mean())
    if share > 0.0 or asked[0] > 1.0:
        said = {"of_hundred": _of_hundred(share), "percent": f"{100.0 * asked[0]:.0f}"}
        yield _finding("gut_full", said, tuple(e for one in drugs for e in one.evidence))


def _of_model(drugs: Sequence[Perpetrator], model: Model, changed: Changed, dose_mg: float | None) -> Iterator[Finding]:
    """The liver that the answer rests on, what it leaves out, and what was taken because nobody said."""
    sources = tuple(
        Evidence(kind="published", key=key, citation=key, locator=f"drug model {model['id']}", trust="summary")
        for key in model["sources"]
    )
    yield _finding("scope", {}, sources)
    if all(one.does == "nothing-known" for one in drugs):
        return
    said = {"model": model["id"], "flow": f"{liver_flow(model):g}", "percent": f"{100.0 * extraction(model):.0f}"}
    yield _finding("liver", said, sources)
    if model["structure"] == "film":
        yield _finding("film", {}, sources)
    if "device" in model and dose_mg is None:
        yield _finding("dose_taken", {"dose": f"{model['device']['most_mg']:g}"}, sources)
    share = 0.0 if changed.let_through is None else float(changed.let_through[1:].mean())
    if share > 0.0 and not has_liver(model):
        yield _finding("let_through", {"of_hundred": _of_hundred(share)}, sources)


def _of_hundred(share: float) -> str:
    return "fewer than 1" if share < 0.01 else f"{100.0 * share:.0f}"


def _finding(name: str, values: Mapping[str, object], evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        id=f"interaction/{name.replace('_', '-')}",
        verdict=None,
        statement=Text(key=f"interaction.{name}", values=values),
        action=None,
        rule=None,
        evidence=tuple(dict.fromkeys(evidence)) or (SITE_DEFAULT,),
    )


def _band(values: Array) -> Range:
    p05, p50, p95 = np.quantile(values[1:], (0.05, 0.5, 0.95)).tolist()
    return Range(p05=p05, p50=p50, p95=p95, unit="1")


def _bad(field: str, found: object, limit: str, next_step: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step=next_step)
