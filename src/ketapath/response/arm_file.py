"""What does a file say of a trial arm? Read strictly: an unknown word or an impossible number ends here, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NoReturn, cast

import yaml

from ketapath.errors import BadInput
from ketapath.knowledge.schema import PRODUCTS, ROUTES
from ketapath.response.arm import CONTROLS, Arm, Regimen
from ketapath.response.outcomes import EARLIEST_DAY

CONDITIONS = ("MDD", "bipolar-depression", "PTSD", "GAD", "SAD", "OCD", "AUD", "CRPS", "chronic-pain")
SETTINGS = ("outpatient", "inpatient")
QUANTITIES = ("change", "response", "remission", "relapse")
_ALIASES = {"QIDS-SR": "QIDS-SR16", "HAM-D17": "HDRS17", "HAMD17": "HDRS17", "PHQ9": "PHQ-9", "HAMD6": "HAM-D6"}
_MOST_DAYS = 3660.0  # source: our choice, ten years
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
        _bad("file", str(problem).splitlines()[0], "a YAML file that can be read")
    body = _mapping({} if stated is None else stated, "file")
    people = _mapping(body.get("population"), "population")
    start = _mapping(body.get("baseline"), "baseline")
    context = _mapping(body.get("context"), "context")
    scale = _scale(start.get("scale"), "baseline.scale", scales)
    top = float(scales[scale]["top"])
    spread = start.get("sd")
    routine = _optional_flag(context, "routine", "context")
    control = _word(context.get("control"), CONTROLS, "context.control")
    arm = Arm(
        n=int(_number(people.get("n"), "population.n", 1, _MOST_PEOPLE)),
        scale=scale,
        control=control,
        condition=_word(people.get("condition", "MDD"), CONDITIONS, "population.condition"),
        resistant=_flag(people, "resistant", "population", default=True),
        inpatient=_word(people.get("setting", "outpatient"), SETTINGS, "population.setting") == "inpatient",
        routine=routine,
        new_antidepressant=_flag(context, "new_antidepressant", "context", default=False),
        baseline=_number(start.get("mean"), "baseline.mean", 0.0, top, above=True),
        baseline_sd=None if spread is None else _number(spread, "baseline.sd", 0.0, top / 2.0, above=True),
        regimen=_regimen(body.get("treatment"), body.get("after")),
    )
    for field, low, high in (("age_mean", 0.0, 120.0), ("women", 0.0, 1.0), ("weight_kg_mean", 20.0, 300.0)):
        if people.get(field) is not None:
            _number(people[field], f"population.{field}", low, high)
    return ArmFile(
        arm=arm,
        asked=beside.asked if beside is not None and "outcomes" not in body else _asked(body.get("outcomes"), scales),
        adolescent=_flag(people, "adolescent", "population", default=False),
        blinded=_optional_flag(context, "blinded", "context"),
        psychotherapy=None if context.get("psychotherapy") in (None, "none") else str(context["psychotherapy"]),
    )


def _regimen(treatment: Any, after: Any) -> Regimen | None:
    if treatment is None:
        return None
    stated = _mapping(treatment, "treatment")
    dose, unit = _dose(stated.get("dose"), "treatment.dose")
    if stated.get("infusion_min") is not None:
        _number(stated["infusion_min"], "treatment.infusion_min", 0.0, 10_000.0)
    maintenance = None if after is None else _mapping(after, "after").get("maintenance")
    every = again = None
    if maintenance not in (None, "none"):
        kept = _mapping(maintenance, "maintenance")
        every = _number(kept.get("every_days"), "after.maintenance.every_days", 0.5, 365.0)
        if kept.get("dose") is not None:
            again, other = _dose(kept["dose"], "after.maintenance.dose")
            if other != unit:
                _bad("after.maintenance.dose", kept["dose"], f"a dose in {unit}, as the treatment's")
    return Regimen(
        product=_word(stated.get("product"), sorted(PRODUCTS), "treatment.product"),
        route=_word(stated.get("route"), sorted(ROUTES), "treatment.route"),
        dose=dose,
        unit=unit,
        days=_days(stated.get("days"), "treatment.days"),
        every_days=every,
        maintenance_dose=again,
    )


def _days(stated: Any, field: str) -> tuple[float, ...]:
    if not isinstance(stated, list) or not 0 < len(stated) <= 1000:
        _bad(field, stated, "a list of days, the first one 0")
    days = tuple(_number(day, field, 0.0, _MOST_DAYS) for day in stated)
    if days[0] != 0.0 or any(b <= a for a, b in pairwise(days)):
        _bad(field, list(days), "days that rise from 0")
    return days


def _dose(stated: Any, field: str) -> tuple[float, Literal["mg", "mg/kg"]]:
    parts = str(stated).split()
    if len(parts) != 2 or parts[1] not in ("mg", "mg/kg"):
        _bad(field, stated, 'a number and "mg" or "mg/kg", such as 0.5 mg/kg')
    unit = cast(Literal["mg", "mg/kg"], parts[1])
    return _number(parts[0], field, 0.0, 20.0 if unit == "mg/kg" else 2000.0, above=True), unit


def _asked(stated: Any, scales: Mapping[str, Any]) -> tuple[Asked, ...]:
    if not isinstance(stated, list) or not 0 < len(stated) <= 1000:
        _bad("outcomes", stated, "a list of outcomes")
    found = []
    for index, item in enumerate(stated):
        name = f"outcomes[{index}]"
        one = _mapping(item, "outcomes", name)
        quantity = _word(one.get("quantity"), QUANTITIES, f"{name}.quantity")
        day = _number(one.get("day"), f"{name}.day", 0.0, _MOST_DAYS)
        if quantity != "relapse" and day < EARLIEST_DAY:
            _bad(f"{name}.day", one["day"], f"a day from {EARLIEST_DAY:g} on: before that nothing has acted yet")
        found.append(
            Asked(
                scale=_scale(one.get("scale"), f"{name}.scale", scales),
                day=day,
                quantity=cast(Literal["change", "response", "remission", "relapse"], quantity),
            )
        )
    return tuple(found)


def _mapping(stated: Any, kind: str, name: str | None = None) -> Mapping[str, Any]:
    if not isinstance(stated, dict):
        _bad(name or kind, stated, f"fields with values, of {', '.join(sorted(_KEYS[kind]))}")
    unknown = [key for key in stated if key not in _KEYS[kind]]
    if unknown:
        _bad(name or kind, str(unknown[0]), f"one of {', '.join(sorted(_KEYS[kind]))}")
    return stated


def _scale(stated: Any, field: str, scales: Mapping[str, Any]) -> str:
    known = _ALIASES.get(stated, stated) if isinstance(stated, str) else stated
    return _word(known, sorted(scales), field)


def _word(stated: Any, known: Sequence[str], field: str) -> str:
    if not isinstance(stated, str) or stated not in known:
        _bad(field, stated, f"one of {', '.join(known)}")
    return stated


def _flag(stated: Mapping[str, Any], name: str, field: str, *, default: bool) -> bool:
    found = _optional_flag(stated, name, field)
    return default if found is None else found


def _optional_flag(stated: Mapping[str, Any], name: str, field: str) -> bool | None:
    found = stated.get(name)
    if found is not None and not isinstance(found, bool):
        _bad(f"{field}.{name}", found, "true or false")
    return found


def _number(stated: Any, field: str, low: float, high: float, *, above: bool = False) -> float:
    try:
        found = math.nan if isinstance(stated, bool) else float(stated)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not low <= found <= high or (above and found == low):
        _bad(field, stated, f"a number {'above' if above else 'from'} {low:g} {'up ' if above else ''}to {high:g}")
    return found


def _bad(field: str, found: object, limit: str) -> NoReturn:
    shown = found if isinstance(found, str) else repr(found)
    problem = BadInput(field=field, found=shown, limit=f"needed is {limit}", next_step="Correct the file.")
    if found is None:  # nobody wrote "None"
        problem.args = (f"{field}: missing; {problem.limit}. {problem.next_step}",)
    raise problem
