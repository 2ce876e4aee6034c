"""How many milligrams, and why so many? The dose of a protocol for one person, with inputs, rounding and cap.

Doses are base. A dose by weight needs a weight that may be relied on today; an old or undated weight gives no dose.
Sources: the rules that the protocol names under `dose_rules`, `lower_dose_rules`, `cap_rule` and `ceiling_rule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.candidacy import fact_used
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text
from ketapath.domain.plan import DoseCalculation
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge

_ROUNDING = 1e-9  # source: floating point; 0.5 mg/kg x 70 kg is 35 mg and not 34


def is_lower(person: Profile, protocol: Mapping[str, Any], clinic: Clinic, knowledge: Knowledge) -> bool:
    """Whether this person starts with the lower dose: by age, and where doses go by weight also by liver or frailty."""
    rule = knowledge.rules[protocol["lower_rule"]]
    age = person.known.get("person.age_years")
    older = age is not None and isinstance(age.value, float) and age.value >= rule.limit("person.age_years")
    if "dose_mg_per_kg" in protocol:
        return older or _is(person, "history.child_pugh", "B") or _is(person, "history.frailty", True)
    return older and rule.scope.covers(product=None, route=None, jurisdiction=clinic.jurisdiction)


def dose_of(
    person: Profile, protocol: Mapping[str, Any], stated: float, clinic: Clinic, knowledge: Knowledge
) -> DoseCalculation | Text:
    """Milligrams of base for a dose as the protocol states it (mg/kg, or mg of a device), or why there are none."""
    lower = is_lower(person, protocol, clinic, knowledge)
    if "dose_mg_per_kg" in protocol:
        return _by_weight(person, protocol, stated, knowledge, lower=lower)
    return _by_label(person, protocol, stated, knowledge, lower=lower)


def _by_label(
    person: Profile, protocol: Mapping[str, Any], dose: float, knowledge: Knowledge, *, lower: bool
) -> DoseCalculation | Text:
    age = person.known.get("person.age_years")
    if age is None:
        return Text(key="dose.needs", values={"what": knowledge.paths["person.age_years"].label.lower()})
    return DoseCalculation(
        dose_mg=dose,
        inputs=(fact_used(age, knowledge),),
        formula=f"{dose:g} mg = {dose / protocol['device_mg']:g} x {protocol['device_mg']} mg",
        exact_mg=dose,
        rounded_to_mg=float(protocol["device_mg"]),
        cap_mg=float(max(protocol["allowed_mg"])),
        capped=False,
        rule_ids=_rules(protocol, lower=lower),
    )


def _by_weight(
    person: Profile, protocol: Mapping[str, Any], per_kg: float, knowledge: Knowledge, *, lower: bool
) -> DoseCalculation | Text:
    needed = ("vitals.weight_kg", "person.age_years")
    for path in needed:
        if path not in person.known:
            aside = next((f for f in person.unusable if f.path == path and f.reason), None)
            key = "dose.needs" if aside is None else "dose.needs_again"
            return Text(key=key, values={"what": knowledge.paths[path].label.lower()})
    weight, age = person.known["vitals.weight_kg"], person.known["person.age_years"]
    assert isinstance(weight.value, float)
    step, cap = float(protocol["round_to_mg"]), _cap(person, protocol, knowledge)
    bmi = person.known.get("vitals.bmi_kg_per_m2")
    exact = per_kg * weight.value
    # Rounding down to the step never gives more than was calculated.
    rounded = step * int(exact / step + _ROUNDING)
    inputs = (weight, age) if bmi is None else (weight, age, bmi)
    return DoseCalculation(
        dose_mg=rounded if cap is None else min(rounded, cap),
        inputs=tuple(fact_used(f, knowledge) for f in inputs),
        formula=f"{per_kg:g} mg/kg x {weight.value:g} kg",
        exact_mg=exact,
        rounded_to_mg=step,
        cap_mg=most_mg(protocol, weight.value, knowledge) if cap is None else cap,
        capped=cap is not None and rounded > cap,
        rule_ids=_rules(protocol, lower=lower),
    )


def _rules(protocol: Mapping[str, Any], *, lower: bool) -> tuple[str, ...]:
    return tuple(protocol["lower_dose_rules" if lower else "dose_rules"])


def _cap(person: Profile, protocol: Mapping[str, Any], knowledge: Knowledge) -> float | None:
    """The most by body mass index. Not known, it holds for everybody: the careful side of not knowing.

    None where the body mass index is below it, and where no rule caps this way of giving.
    """
    if "cap_rule" not in protocol:
        return None
    bmi = person.known.get("vitals.bmi_kg_per_m2")
    cap_from = knowledge.rules[protocol["cap_rule"]].limit("vitals.bmi_kg_per_m2")
    holds = bmi is None or (isinstance(bmi.value, float) and bmi.value >= cap_from)
    return float(protocol["cap_mg"]) if holds else None


def most_mg(protocol: Mapping[str, Any], weight_kg: float, knowledge: Knowledge) -> float | None:
    """The most milligrams of base that this protocol allows at this weight; None where weight sets no limit."""
    if "ceiling_rule" not in protocol:
        return None
    return knowledge.rules[protocol["ceiling_rule"]].limit("order.dose_mg_per_kg") * weight_kg


def _is(person: Profile, path: str, value: str | bool) -> bool:
    fact = person.known.get(path)
    return fact is not None and fact.value == value
