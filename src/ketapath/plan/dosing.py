"""How many milligrams, and why so many? The dose of a protocol for one person, with inputs, rounding and cap.

Doses are base. A racemic dose needs a weight that may be relied on today; an old or undated weight gives no dose.
Sources: REG-001, REG-005 (esketamine); REG-011, REG-014, REG-028, REG-031, CON-048 (racemic, by vein).
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


def first_dose(
    person: Profile, protocol: Mapping[str, Any], clinic: Clinic, knowledge: Knowledge
) -> DoseCalculation | Text:
    """The first dose of this protocol, or the sentence that says why none can be given yet."""
    if "dose_mg_per_kg" in protocol:
        return _by_weight(person, protocol, knowledge)
    return _by_label(person, protocol, clinic, knowledge)


def _by_label(
    person: Profile, protocol: Mapping[str, Any], clinic: Clinic, knowledge: Knowledge
) -> DoseCalculation | Text:
    age = person.known.get("person.age_years")
    if age is None:
        return Text(key="dose.needs", values={"what": knowledge.paths["person.age_years"].label.lower()})
    rule = knowledge.rules[protocol["lower_rule"]]
    older = isinstance(age.value, float) and age.value >= rule.limit("person.age_years")
    lower_here = older and rule.scope.covers(product=None, route=None, jurisdiction=clinic.jurisdiction)
    dose = float(protocol["lower_first_dose_mg"] if lower_here else protocol["first_dose_mg"])
    return DoseCalculation(
        dose_mg=dose,
        inputs=(fact_used(age, knowledge),),
        formula=f"{dose:g} mg = {dose / protocol['device_mg']:g} x {protocol['device_mg']} mg",
        exact_mg=dose,
        rounded_to_mg=float(protocol["device_mg"]),
        cap_mg=float(max(protocol["allowed_mg"])),
        capped=False,
        rule_ids=("REG-005", "REG-007") if lower_here else ("REG-001", "REG-007"),
    )


def _by_weight(person: Profile, protocol: Mapping[str, Any], knowledge: Knowledge) -> DoseCalculation | Text:
    needed = ("vitals.weight_kg", "person.age_years")
    for path in needed:
        if path not in person.known:
            aside = next((f for f in person.unusable if f.path == path and f.reason), None)
            key = "dose.needs" if aside is None else "dose.needs_again"
            return Text(key=key, values={"what": knowledge.paths[path].label.lower()})
    weight, age = person.known["vitals.weight_kg"], person.known["person.age_years"]
    assert isinstance(weight.value, float) and isinstance(age.value, float)
    oldest = knowledge.rules[protocol["lower_rule"]].limit("person.age_years")
    lower = age.value >= oldest or _is(person, "history.child_pugh", "B") or _is(person, "history.frailty", True)
    per_kg = float(protocol["lower_dose_mg_per_kg" if lower else "dose_mg_per_kg"])
    step, cap = float(protocol["round_to_mg"]), float(protocol["cap_mg"])
    bmi = person.known.get("vitals.bmi_kg_per_m2")
    # Without a known body mass index the cap holds for everybody: the careful side of not knowing.
    cap_from = knowledge.rules[protocol["cap_rule"]].limit("vitals.bmi_kg_per_m2")
    cap_holds = bmi is None or (isinstance(bmi.value, float) and bmi.value >= cap_from)
    exact = per_kg * weight.value
    # Rounding down to the step never gives more than was calculated.
    rounded = step * int(exact / step)
    dose = min(rounded, cap) if cap_holds else rounded
    inputs = (weight, age) if bmi is None else (weight, age, bmi)
    return DoseCalculation(
        dose_mg=dose,
        inputs=tuple(fact_used(f, knowledge) for f in inputs),
        formula=f"{per_kg:g} mg/kg x {weight.value:g} kg",
        exact_mg=exact,
        rounded_to_mg=step,
        cap_mg=cap if cap_holds else most_mg(protocol, weight.value, knowledge),
        capped=cap_holds and rounded > cap,
        rule_ids=("REG-028" if lower else "REG-011", "REG-014", "REG-031", "CON-048"),
    )


def most_mg(protocol: Mapping[str, Any], weight_kg: float, knowledge: Knowledge) -> float | None:
    """The most milligrams of base that this protocol allows at this weight; None where weight sets no limit."""
    if "ceiling_rule" not in protocol:
        return None
    return knowledge.rules[protocol["ceiling_rule"]].limit("order.dose_mg_per_kg") * weight_kg


def _is(person: Profile, path: str, value: str | bool) -> bool:
    fact = person.known.get(path)
    return fact is not None and fact.value == value
