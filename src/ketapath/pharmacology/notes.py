"""What has a reader of a curve to know? Conflicts, assumptions, people outside the model: a finding for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ketapath.domain.evidence import Evidence, Finding, Text
from ketapath.pharmacology.orders import Order
from ketapath.pharmacology.subjects import REFERENCE_WEIGHT_KG, Subject

_FROM_A_COPY = frozenset({"transcribed", "summary"})


def notes(
    model: Mapping[str, Any], order: Order, subject: Subject, models: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """What belongs to this result, the person first: outside the model, assumed, in dispute, not read in the paper."""
    yield from _about_the_person(model, subject)
    if model["site"] != "arterial":
        key = "pharmacology.not_arterial" if model["site"] == "venous" else "pharmacology.site_unclear"
        yield _finding("not-arterial", Text(key=key), model)
    if order.route == "iv" and order.infusion_min == 0.0 and not order.rates:
        yield _finding("bolus", Text(key="pharmacology.bolus"), model)
    yield from _about_the_band(model, models)
    assumed = [_words(name, entry) for name, entry in model["parameters"].items() if _is_assumed(entry)]
    if assumed:
        said = {"names": ", ".join(assumed)}
        yield _finding("assumed-parameters", Text(key="pharmacology.assumed_parameters", values=said), model)
    if any(entry["trust"] in _FROM_A_COPY for entry in model["parameters"].values()):
        yield _finding("not-read-in-paper", Text(key="pharmacology.not_read"), model)
    for index, conflict in enumerate(model["known_conflicts"]):
        yield _finding(f"conflict-{index}", Text(key="pharmacology.conflict", values={"conflict": conflict}), model)


def _about_the_band(model: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Whose people lie in which bands: another model shares those of the analytes that it has."""
    for other in (models[name] for name in model.get("band_with", ())):
        both = [analyte for analyte in model["analytes"] if analyte in other["analytes"]]
        said = {"analytes": ", ".join(both), "other": other["title"]}
        yield _finding("shared-band", Text(key="pharmacology.shared_band", values=said), model)


def outside(model: Mapping[str, Any], subject: Subject) -> Iterator[Finding]:
    """A finding each for age and weight that lie outside the domain of the model."""
    for what, value, unit in (("age", subject.age_years, "years"), ("weight", subject.weight_kg, "kg")):
        low, high = model["domain"]["age_years" if what == "age" else "weight_kg"]
        if value is not None and not low <= value <= high:
            said = {"what": what, "value": f"{value:g} {unit}", "low": low, "high": high}
            yield _finding(f"extrapolated-{what}", Text(key="pharmacology.extrapolated", values=said), model)


def _about_the_person(model: Mapping[str, Any], subject: Subject) -> Iterator[Finding]:
    yield from outside(model, subject)
    uses_weight = "weight_exponents" in model or any(e["unit"] == "L/kg" for e in model["parameters"].values())
    if subject.weight_kg is None and uses_weight:
        taken = {"what": "weight", "value": f"{REFERENCE_WEIGHT_KG:g} kg"}
        yield _finding("assumed-weight", Text(key="pharmacology.assumed", values=taken), model)
    if subject.age_years is None:
        taken = {"what": "age", "value": "the typical age of the people behind the model"}
        yield _finding("assumed-age", Text(key="pharmacology.assumed", values=taken), model)


def _is_assumed(entry: Mapping[str, Any]) -> bool:
    """A constant that nobody measured. None or all of a dose through the gut follows from the route itself."""
    return entry["trust"] == "assumption" and ("low" in entry or entry["value"] not in (0, 1))


def _words(name: str, entry: Mapping[str, Any]) -> str:
    unit = "" if entry["unit"] == "1" else f" {entry['unit']}"
    span = f", {entry['low']:g} to {entry['high']:g}" if "low" in entry else ""
    return f"{name.replace('_', ' ')} ({entry['value']:g}{unit}{span})"


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
