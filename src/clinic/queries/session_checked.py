"""What does whoever checks the order compare it with? The calculation, today's weight, and what the drug comes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from clinic.practice.models import Balance
from clinic.queries.person import Chart
from clinic.queries.plan import OrderCheck, order_check
from clinic.queries.session import Room

_STRENGTH = re.compile(r"(\d+(?:\.\d+)?) ?mg/mL")


@dataclass(frozen=True, slots=True, kw_only=True)
class InStock:
    """A lot in the cupboards. `ml` is how much of it the ordered dose takes; None where its label says no mg/mL."""

    number: str
    strength: str
    expires_on: date
    ml: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculated:
    """What an order is checked against. `check` is its calculation, `per_kg` the ordered mg for each kg of `weight_kg`.

    `usual` is the concentration that was checked last for this person, mg of base per mL, at `usual_at`.
    """

    check: OrderCheck | None
    weight_kg: float | None
    weighed_on: date | None
    per_kg: float | None
    lots: tuple[InStock, ...]
    usual: float | None
    usual_at: datetime | None
    at_usual: dict[str, float]


def calculation(found: Chart, here: Room) -> Calculated:
    """For the order of this visit."""
    assert found.person is not None
    assert here.order is not None
    dose_mg = here.order.dose_mg
    fact = found.person.known.get("vitals.weight_kg")
    weight = fact.value if fact is not None and isinstance(fact.value, float) else None
    before = [v for v in found.visits if v.opened_at < here.visit.opened_at and v.concentration_mg_per_ml is not None]
    last = max(before, key=lambda v: v.opened_at, default=None)
    usual = None if last is None or here.order.route != "iv" else last.concentration_mg_per_ml
    return Calculated(
        check=order_check(found),
        weight_kg=weight,
        weighed_on=None if fact is None else fact.on,
        per_kg=None if not weight else dose_mg / weight,
        lots=_lots(found, here.order.product, dose_mg),
        usual=usual,
        usual_at=None if last is None else last.opened_at,
        at_usual=rate_of(usual, dose_mg, here.order.infusion_min),
    )


def rate_of(concentration: float | None, dose_mg: float | None, infusion_min: float | None) -> dict[str, float]:
    """The pump's rate (mL/h) and the volume (mL) at this concentration (mg/mL); nothing where one is not known."""
    if concentration is None or dose_mg is None or not infusion_min:
        return {}
    volume = dose_mg / concentration
    return {"concentration": concentration, "rate": volume / infusion_min * 60, "volume": volume}


def _lots(found: Chart, product: str, dose_mg: float) -> tuple[InStock, ...]:
    """The lots of this product of which something is left, the first to run out first."""
    left = Balance.objects.filter(practice=found.practice, lot__product=product, mg__gt=0).select_related("lot")
    lots = {row.lot_id: row.lot for row in left.order_by("lot__expires_on", "lot__number")}
    found_lots = []
    for lot in lots.values():
        said = _STRENGTH.search(lot.strength)
        strength = 0.0 if said is None else float(said.group(1))
        found_lots.append(
            InStock(number=lot.number, strength=lot.strength, expires_on=lot.expires_on,
                    ml=dose_mg / strength if strength else None)
        )  # fmt: skip
    return tuple(found_lots)
