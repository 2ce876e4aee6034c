"""What does a file say of a trial arm? Read strictly: an unknown word or an impossible number ends here, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import yaml

from ketapath.knowledge.schema import PRODUCTS, ROUTES
from ketapath.response.arm import CONTROLS, Arm, Regimen
from ketapath.response.outcomes import EARLIEST_DAY
from ketapath.response.stated import MOST_DAYS, bad, flag, number, optional_flag, stated_days, stated_dose, word

CONDITIONS = ("MDD", "bipolar-depression", "PTSD", "GAD", "SAD", "OCD", "AUD", "CRPS", "chronic-pain")
SETTINGS = ("outpatient", "inpatient")
QUANTITIES = ("change", "response", "remission", "relapse")
_ALIASES = {"QIDS-SR": "QIDS-SR16", "HAM-D17": "HDRS17", "HAMD17": "HDRS17", "PHQ9": "PHQ-9", "HAMD6": "HAM-D6"}
_MOST_PEOPLE = 1_000_000  # source: our choice
_KEYS: Mapping[str, frozenset[str]] = {
    "file": frozenset({"id", "title", "population", "baseline", "context", "treatment", "after", "outcomes"}),
    "population": frozenset(
        {"n", "condition", "resistant", "setting", "age_mean", "women", "adolescent", "weight_kg_mean"}
    ),
    "baseline": frozenset({"scale", "mean", "sd"}),
    "context": frozenset({"control", "blinded", "new_antidepressant", "psychotherapy", "visit_days", "routine"}),
    "treatment": frozenset({"product", "route", "dose", "infusion_min", "days"}),
    "after": frozenset({"maintenance"}),
    "maintenance": frozenset({"every_days", "dose"}),
    "outcomes": frozenset({"scale", "day", "quantity"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One outcome that is asked."""

    scale: str
    day: float
    quantity: Literal["change", "response", "remission", "relapse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFile:
    """An arm with the outcomes asked of it. `arm.routine` is None where the file does not say."""

    arm: Arm
    asked: tuple[Asked, ...]
    adolescent: bool
    blinded: bool | None
    psychotherapy: str | None


def read_arm(data: bytes, scales: Mapping[str, Any], *, beside: ArmFile | None = None) -> ArmFile:
    """The arm that this YAML (or JSON) states; without outcomes of its own it takes those of the arm beside it.

    Raises BadInput, naming field, value and what is possible.
    """
    try:
        stated = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        bad("file", str(problem).splitlines()[0], "a YAML file that can be read")
    body = _mapping({} if stated is None else stated, "file")
    people = _mapping(body.get("population"), "population")
    start = _mapping(body.get("baseline"), "baseline")
    context = _mapping(body.get("context"), "context")
    scale = scale_named(start.get("scale"), "baseline.scale", scales)
    top = float(scales[scale]["top"])
    spread = start.get("sd")
    routine = optional_flag(context, "routine", "context")
    control = word(context.get("control"), CONTROLS, "context.control")
    arm = Arm(
        n=int(number(people.get("n"), "population.n", 1, _MOST_PEOPLE)),
        scale=scale,
        control=control,
        condition=word(people.get("condition", "MDD"), CONDITIONS, "population.condition"),
        resistant=flag(people, "resistant", "population", default=True),
        inpatient=word(people.get("setting", "outpatient"), SETTINGS, "population.setting") == "inpatient",
        routine=routine,
        new_antidepressant=flag(context, "new_antidepressant", "context", default=False),
        baseline=number(start.get("mean"), "baseline.mean", 0.0, top, above=True),
        baseline_sd=None if spread is None else number(spread, "baseline.sd", 0.0, top / 2.0, above=True),
        regimen=_regimen(body.get("treatment"), body.get("after")),
    )
    for field, low, high in (("age_mean", 0.0, 120.0), ("women", 0.0, 1.0), ("weight_kg_mean", 20.0, 300.0)):
        if people.get(field) is not None:
            number(people[field], f"population.{field}", low, high)
    return ArmFile(
        arm=arm,
        asked=beside.asked if beside is not None and "outcomes" not in body else _asked(body.get("outcomes"), scales),
        adolescent=flag(people, "adolescent", "population", default=False),
        blinded=optional_flag(context, "blinded", "context"),
        psychotherapy=None if context.get("psychotherapy") in (None, "none") else str(context["psychotherapy"]),
    )


def _regimen(treatment: Any, after: Any) -> Regimen | None:
    if treatment is None:
        return None
    stated = _mapping(treatment, "treatment")
    dose, unit = stated_dose(stated.get("dose"), "treatment.dose")
    if stated.get("infusion_min") is not None:
        number(stated["infusion_min"], "treatment.infusion_min", 0.0, 10_000.0)
    maintenance = None if after is None else _mapping(after, "after").get("maintenance")
    every = again = None
    if maintenance not in (None, "none"):
        kept = _mapping(maintenance, "maintenance")
        every = number(kept.get("every_days"), "after.maintenance.every_days", 0.5, 365.0)
        if kept.get("dose") is not None:
            again, other = stated_dose(kept["dose"], "after.maintenance.dose")
            if other != unit:
                bad("after.maintenance.dose", kept["dose"], f"a dose in {unit}, as the treatment's")
    return Regimen(
        product=word(stated.get("product"), sorted(PRODUCTS), "treatment.product"),
        route=word(stated.get("route"), sorted(ROUTES), "treatment.route"),
        dose=dose,
        unit=unit,
        days=stated_days(stated.get("days"), "treatment.days"),
        every_days=every,
        maintenance_dose=again,
    )


def _asked(stated: Any, scales: Mapping[str, Any]) -> tuple[Asked, ...]:
    if not isinstance(stated, list) or not 0 < len(stated) <= 1000:
        bad("outcomes", stated, "a list of outcomes")
    found = []
    for index, item in enumerate(stated):
        name = f"outcomes[{index}]"
        one = _mapping(item, "outcomes", name)
        quantity = word(one.get("quantity"), QUANTITIES, f"{name}.quantity")
        day = number(one.get("day"), f"{name}.day", 0.0, MOST_DAYS)
        if quantity != "relapse" and day < EARLIEST_DAY:
            bad(f"{name}.day", one["day"], f"a day from {EARLIEST_DAY:g} on: before that nothing has acted yet")
        found.append(
            Asked(
                scale=scale_named(one.get("scale"), f"{name}.scale", scales),
                day=day,
                quantity=cast(Literal["change", "response", "remission", "relapse"], quantity),
            )
        )
    return tuple(found)


def _mapping(stated: Any, kind: str, name: str | None = None) -> Mapping[str, Any]:
    if not isinstance(stated, dict):
        bad(name or kind, stated, f"fields with values, of {', '.join(sorted(_KEYS[kind]))}")
    unknown = [key for key in stated if key not in _KEYS[kind]]
    if unknown:
        bad(name or kind, str(unknown[0]), f"one of {', '.join(sorted(_KEYS[kind]))}")
    return stated


def scale_named(stated: Any, field: str, scales: Mapping[str, Any]) -> str:
    """The scale of a trial by its name here or another that is in use."""
    known = _ALIASES.get(stated, stated) if isinstance(stated, str) else stated
    return word(known, sorted(scales), field)
