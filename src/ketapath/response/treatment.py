"""Which treatment does the model see? Doses as sessions, the weight of the day, and for whom it predicts anything.

A session is a day on which something was given; a dose of 0 mg is a session that was missed, so nothing was given. Two
administrations of one product and route on one day are one session. The strength of a session is mg/kg of the product
as given, or, for the spray of esketamine, multiples of 84 mg, since its dose does not go by weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Dose
from ketapath.domain.response import History

SPRAY_MG = 84.0  # source: priors of response.yaml state the spray's equivalent for 84 mg
SPRAY = ("esketamine", "nasal")
_REFERENCE = ("racemic", "iv")
_ADULT_YEARS = 18.0  # source: no outcome row of a minor is in the data


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Day since the first session, strength (see above), and the parameter that turns it into mg/kg by vein.

    `equivalent` is None for racemic ketamine by vein, which is the measure itself.
    """

    day: float
    strength: float
    equivalent: str | None


def doses_given(doses: Iterable[Dose], as_of: date) -> list[Dose]:
    """The doses up to today in order of time, without sessions that were missed."""
    given = (d for d in doses if d.on <= as_of and d.dose_mg != 0)
    return sorted(given, key=lambda d: (d.on, d.at is None, str(d.at), d.product, d.route, str(d.origin)))


def newest_series(given: Sequence[Dose], gap_days: float) -> list[Dose]:
    """The doses since the last pause longer than this: a new series has its own first day and its own baseline."""
    starts = [i for i, (a, b) in enumerate(pairwise(given)) if (b.on - a.on).days > gap_days]
    return list(given[starts[-1] + 1 :] if starts else given)


def sessions_of(
    given: Sequence[Dose], weights_kg: Mapping[date, float], parameters: Mapping[str, Any]
) -> tuple[tuple[Session, ...] | None, list[Text]]:
    """The sessions, and what has to be said of their doses; None where a dose or its weight is not known."""
    found: dict[tuple[date, str, str], tuple[float, float]] = {}
    stale = False
    for dose in given:
        if dose.dose_mg is None:
            return None, [Text(key="response.dose_unknown")]
        strength = dose.dose_mg / SPRAY_MG
        if (dose.product, dose.route) != SPRAY:
            weight, is_near = _weight_on(dose.on, weights_kg, int(parameters["weight_days"]))
            if weight is None:
                return None, [Text(key="response.dose_unknown")]
            stale |= not is_near
            strength = dose.dose_mg / weight
        key = (dose.on, dose.product, dose.route)
        before_mg, before = found.get(key, (0.0, 0.0))
        found[key] = (before_mg + dose.dose_mg, before + strength)
    first = given[0].on
    sessions = tuple(
        Session(day=float((on - first).days), strength=strength, equivalent=equivalent_of(product, route))
        for (on, product, route), (_, strength) in found.items()
    )
    notes = [Text(key="response.old_weight", values={"days": parameters["weight_days"]})] if stale else []
    doses = [(product, route, mg, strength) for (_, product, route), (mg, strength) in found.items()]
    return sessions, [*notes, *_outside_studies(doses, parameters)]


def equivalent_of(product: str, route: str) -> str | None:
    """The parameter that turns a dose of this product and route into racemic ketamine by vein; None for that itself."""
    return None if (product, route) == _REFERENCE else f"equivalent_{route}_{product}"


def why_not_predicted(
    history: History, given: Sequence[Dose], parameters: Mapping[str, Any], *, has_depression_scale: bool
) -> tuple[Text | None, list[Text]]:
    """Why this person gets no model, or None; and what has to be said where one is used all the same."""
    if history.age_years is not None and history.age_years < _ADULT_YEARS:
        return Text(key="response.minor"), []
    if history.condition is None and not has_depression_scale:
        return Text(key="response.condition_unknown_no_scale"), []
    if given and any(one.may_fall(given[0].on, date.max) for one in history.uncounted):
        return Text(key="response.dose_uncounted"), []
    for dose in given:
        row = predicted(dose.product, dose.route, parameters)
        values = {"product": dose.product, "route": dose.route}
        if row is None:
            return Text(key="response.not_predictable", values=values), []
        if history.condition is not None and history.condition not in row["conditions"]:
            key = "response.not_predictable_condition"
            return Text(key=key, values={**values, "condition": history.condition}), []
    notes = [] if history.condition is not None else [Text(key="response.condition_unknown")]
    return None, [*notes, *([] if history.age_years is not None else [Text(key="response.age_unknown")])]


def predicted(product: str, route: str, parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The entry that says for which conditions outcome studies of this product and route exist; None without any."""
    rows = (r for r in parameters["studied"] if (r["product"], r["route"]) == (product, route))
    return next(rows, None)


def antidepressant_day(history: History, first: date, as_of: date, parameters: Mapping[str, Any]) -> float | None:
    """The day since the first session on which a new antidepressant began; None without one.

    The first that began within the weeks before the first session, or later: a second one is a switch and adds nothing.
    """
    earliest = first - timedelta(days=int(parameters["baseline_days"]))
    days = [(on - first).days for on in history.antidepressant_starts if earliest <= on <= as_of]
    return float(min(days)) if days else None


def _weight_on(on: date, weights_kg: Mapping[date, float], near_days: int) -> tuple[float | None, bool]:
    """The weight nearest to this day, and whether it lies within the window."""
    if not weights_kg:
        return None, False
    nearest = min(weights_kg, key=lambda day: (abs((day - on).days), day))
    if abs((nearest - on).days) <= near_days:
        return weights_kg[nearest], True
    return weights_kg[nearest], False


def _outside_studies(doses: Iterable[tuple[str, str, float, float]], parameters: Mapping[str, Any]) -> Iterator[Text]:
    """A note where a session's dose was never studied by this product and route, so that the curve is an extrapolation.

    Doses are product, route, milligrams and strength.
    """
    slack = 1.0 + 1e-6  # source: floating-point rounding of mg / kg only
    said = set()
    for product, route, mg, strength in doses:
        row = predicted(product, route, parameters)
        if row is None or (product, route) in said:
            continue
        dose = mg if row["unit"] == "mg" else strength
        if not float(row["low"]) / slack <= dose <= float(row["high"]) * slack:
            said.add((product, route))
            values = {"low": f"{row['low']:g}", "high": f"{row['high']:g}", "unit": row["unit"]}
            yield Text(key="response.dose_outside_studies", values=values)
