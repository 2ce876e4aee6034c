"""How was the dose of an order calculated, and how does it come out today? For the person who checks it.

The first is read from the recommendation that was stored when the order was signed, the second is made anew from what
may be relied on now. Neither changes an order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import FactUsed, Text
from ketapath.domain.plan import DoseCalculation, Recommendation
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.plan.dosing import dose_of
from ketapath.plan.regimens import regimen_of, signed_protocol


def calculated_then(found: Recommendation, option_id: str) -> DoseCalculation | None:
    """The calculation as it stood when this option was signed; None where the recommendation holds none of it."""
    result = json.loads(found.result)
    options = result.get("options") if isinstance(result, dict) else None
    option = next((o for o in options or () if isinstance(o, dict) and o.get("id") == option_id), {})
    return _read(option["dose"]) if isinstance(option.get("dose"), dict) else None


def calculated_now(
    option_id: str, person: Profile, clinic: Clinic, knowledge: Knowledge
) -> DoseCalculation | Text | None:
    """The first dose of this way by the facts of today, or why there is none; None where nobody knows the way today."""
    regimen, protocol = regimen_of(option_id, knowledge), signed_protocol(option_id, knowledge)
    if regimen is None or protocol is None:
        return None
    return dose_of(person, protocol, regimen.doses[0], clinic, knowledge)


def _read(form: Mapping[str, Any]) -> DoseCalculation:
    """Back from the stored form; its numbers have six significant figures."""
    return DoseCalculation(
        dose_mg=float(form["dose_mg"]),
        inputs=tuple(
            FactUsed(
                path=str(f["fact"]),
                label=str(f["label"]),
                value=str(f["value"]),
                on=None if f["on"] is None else date.fromisoformat(f["on"]),
                source=str(f["source"]),
                confidence=str(f["confidence"]),
            )
            for f in form["inputs"]
        ),
        formula=str(form["formula"]),
        exact_mg=float(form["exact_mg"]),
        rounded_to_mg=float(form["rounded_to_mg"]),
        cap_mg=None if form["cap_mg"] is None else float(form["cap_mg"]),
        capped=bool(form["capped"]),
        rule_ids=tuple(form["rules"]),
    )
