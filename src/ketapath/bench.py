"""The commands of the pharmacology bench: simulate and solve. A part of cli, apart for its size."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ketapath.console import numbers, parsed, print_json, read, tell
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge, load

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """The commands, with their options, under the parser that `add` extends."""
    made = add("simulate", _simulate, "which concentrations does a dose give, with bands?")
    for option, words in (("--product", "racemic or esketamine"), ("--route", "iv, im, sc, nasal, sublingual, ...")):
        made.add_argument(option, required=True, help=words)
    made.add_argument("--dose-mg", type=float, help="milligrams of base, or of salt with --salt")
    made.add_argument("--salt", action="store_true", help="the dose, or the rates, are hydrochloride")
    made.add_argument("--infusion-min", type=float, help="by vein; 0 is a bolus")
    words = "an infusion as it ran instead of a dose: START:MINUTES:MG_PER_H, ...; a gap is a pause"
    made.add_argument("--rates", type=_rates, default=(), metavar="0:20:52.5,30:20:52.5", help=words)
    made.add_argument("--starts-min", type=numbers, default=(0.0,), metavar="0,4320", help="the dose again at each")
    made.add_argument("--device-gap-min", type=float, help="between nasal devices (the label's 5 where not given)")
    for option in ("--weight-kg", "--age"):
        made.add_argument(option, type=float)
    made.add_argument("--sex", choices=("female", "male", "other"), help="taken; no model here has a term for it")
    made.add_argument("--ancestry", help="asian or japanese: used by a model that has a term for it")
    made.add_argument("--times-min", type=numbers, required=True, metavar="A,B,C", help="minutes after the start")
    made.add_argument("--model", help="one model instead of the route's default")
    made.add_argument("--interacting", action="append", default=[], metavar="DRUG", help="another medicine; repeatable")
    made.add_argument("--effects", action="store_true", help="dissociation, pressure and heart rate as well")
    words = "before the dose: SYSTOLIC/DIASTOLIC or SYSTOLIC/DIASTOLIC/HEART_RATE; without it, rises only"
    made.add_argument("--resting", type=_resting, metavar="128/78/70", help=words)
    made.add_argument("--hypertension", choices=("yes", "no"), help="known hypertension; without it, both are held")
    made.add_argument("--draws", type=int, default=1000, help="simulated people behind the bands (1000)")
    made.add_argument("--seed", type=int, default=0)

    made = add(
        "interaction", _interaction, "how much do other medicines change the area under the level, by this route?"
    )
    _ask_interaction(made)

    made = add("validate", _validate, "what was measured beside what the models say, row by row")
    made.add_argument(
        "what",
        choices=("pk", "effects", "response", "all"),
        help="pk: levels in the blood; effects: pressure, dissociation; response: symptoms in trials",
    )

    made = add("solve", _solve, "the exact solution of linear compartments, JSON in and out")
    made.add_argument("file", metavar="FILE", help="JSON with A_per_h, doses, times_h; - for standard input")


def _simulate(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.pharmacology import Subject, compare, perpetrators, simulate

    knowledge = load()
    order = _order(arguments)
    subject = Subject(
        weight_kg=arguments.weight_kg, age_years=arguments.age, sex=arguments.sex, ancestry=arguments.ancestry
    )
    drugs = perpetrators(arguments.interacting, knowledge, field="--interacting") if arguments.interacting else ()
    common = {"draws": arguments.draws, "seed": arguments.seed, "drugs": drugs}
    if arguments.model is None:
        result, *others = compare(order, subject, knowledge.drugs, arguments.times_min, **common)
    else:
        result = simulate(order, subject, knowledge.drugs, arguments.times_min, model=arguments.model, **common)
        others = []
    form = report.simulation_json(result, others, knowledge)
    words = report.simulation_text(result, others, knowledge)
    if arguments.effects or arguments.resting or arguments.hypertension:
        felt = _effects(arguments, order, subject, drugs, knowledge)
        form |= report.effects_json(felt, knowledge)
        words += "\n" + report.effects_text(felt, knowledge)
    tell(arguments, form, words)
    return 0


def _effects(arguments: argparse.Namespace, order: Any, subject: Any, drugs: Any, knowledge: Knowledge) -> Any:
    import numpy as np

    from ketapath.pharmacology import Person, Resting, acute_effects, driving_sites

    figures = knowledge.effects["acute"]
    sites = driving_sites(
        order, subject, knowledge.drugs, arguments.times_min, figures,
        draws=arguments.draws, seed=arguments.seed, drugs=drugs,
    )  # fmt: skip
    systolic, diastolic, heart_rate = arguments.resting or (None, None, None)
    known = {"yes": True, "no": False, None: None}[arguments.hypertension]
    return acute_effects(
        sites,
        Resting(systolic=systolic, diastolic=diastolic, heart_rate=heart_rate),
        Person(age_years=arguments.age, hypertension=known),
        figures,
        rng=np.random.default_rng(arguments.seed),
    )


def _order(arguments: argparse.Namespace) -> Any:
    from ketapath.pharmacology import Order, Rate, infusion
    from ketapath.units import base_from_hydrochloride

    base = base_from_hydrochloride if arguments.salt else float
    if arguments.rates:
        if arguments.dose_mg is not None or arguments.route != "iv":
            raise _bad("--rates", "with a dose or another route", "rates alone, by vein")
        pieces = [Rate(start_min=at, minutes=long, mg_per_h=base(rate)) for at, long, rate in arguments.rates]
        return infusion(arguments.product, pieces, infusion_min=arguments.infusion_min, starts_min=arguments.starts_min)
    if arguments.dose_mg is None:
        raise _bad("--dose-mg", "not given", "a dose in mg, or --rates by vein")
    return Order(
        product=arguments.product,
        route=arguments.route,
        dose_mg=base(arguments.dose_mg),
        infusion_min=arguments.infusion_min,
        device_gap_min=arguments.device_gap_min,
        starts_min=arguments.starts_min,
    )


def _ask_interaction(made: argparse.ArgumentParser) -> None:
    made.add_argument("--drug", required=True, action="append", help="another medicine or grapefruit; may be repeated")
    for option, words in (("--product", "racemic or esketamine"), ("--route", "iv, nasal, ...")):
        made.add_argument(option, required=True, help=words)
    made.add_argument(
        "--dose-mg", type=float, help="of a spray, which swallows more of a small dose (the label's maximum)"
    )
    made.add_argument("--model", help="one model instead of the route's default")
    made.add_argument("--draws", type=int, default=4000, help="simulated people behind the band (4000)")
    made.add_argument("--seed", type=int, default=0)


def _interaction(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.pharmacology import auc_ratio, perpetrators

    knowledge = load()
    found = auc_ratio(
        perpetrators(arguments.drug, knowledge), arguments.product, arguments.route, knowledge.drugs,
        draws=arguments.draws, seed=arguments.seed, model=arguments.model, dose_mg=arguments.dose_mg,
    )  # fmt: skip
    tell(arguments, report.interaction_json(found, knowledge), report.interaction_text(found, knowledge))
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    knowledge = load()
    wanted = tuple(_VALIDATED) if arguments.what == "all" else (arguments.what,)
    found = {what: _VALIDATED[what](knowledge) for what in wanted}
    forms = {what: form for what, (form, _) in found.items()}
    tell(
        arguments, forms if arguments.what == "all" else forms[arguments.what], "\n".join(w for _, w in found.values())
    )
    return 0


def _validated_levels(knowledge: Knowledge) -> tuple[dict[str, Any], str]:
    from ketapath import report
    from ketapath.pharmacology.validation import validate_pk

    found = validate_pk(knowledge)
    return report.validation_json(found), report.validation_text(found)


def _validated_effects(knowledge: Knowledge) -> tuple[dict[str, Any], str]:
    from ketapath import report
    from ketapath.pharmacology import drivers_of_validation
    from ketapath.pharmacology.effects_validation import validate

    figures = knowledge.effects["acute"]
    drivers = drivers_of_validation(knowledge.drugs, figures, draws=2000, seed=0)
    rows = validate(drivers, figures, knowledge.effects["observed"], seed=0)
    return report.effects_validation_json(rows), report.effects_validation_text(rows)


def _validated_response(knowledge: Knowledge) -> tuple[dict[str, Any], str]:
    from ketapath import report
    from ketapath.response import validate_response
    from ketapath.response.prior import population

    found = validate_response(population(knowledge.response), knowledge.response)
    return report.response_validation_json(found), report.response_validation_text(found)


_VALIDATED = {"pk": _validated_levels, "effects": _validated_effects, "response": _validated_response}


def _solve(arguments: argparse.Namespace) -> int:
    from ketapath.pharmacology import solve

    document = parsed(read(arguments.file))
    try:
        matrix = [[_number(rate) for rate in row] for row in document["A_per_h"]]
        times = [_number(time) for time in document["times_h"]]
        doses = [_dose(stated) for stated in document["doses"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise BadInput(
            field="solve",
            found=repr(problem),
            limit="{A_per_h: [[..]], doses: [{time_h, amount, duration_h, compartment}], times_h: [..]}",
            next_step="Give the fields that are missing, as numbers.",
        ) from problem
    amounts = solve(matrix, doses, times)
    if arguments.json:
        print_json({"amounts": amounts.tolist()})
    else:
        for time_h, row in zip(times, amounts.tolist(), strict=True):
            print(f"{time_h:g}", *(repr(value) for value in row))
    return 0


def _dose(stated: dict[str, Any]) -> Any:
    """One dose; a field that is misspelt is refused, for an infusion without its duration would be a bolus."""
    from ketapath.pharmacology import Input

    unknown = set(stated) - {"time_h", "amount", "duration_h", "compartment"}
    if unknown:
        raise ValueError(f"fields that a dose does not have: {', '.join(sorted(unknown))}")
    return Input(
        time_h=_number(stated["time_h"]),
        amount=_number(stated["amount"]),
        duration_h=_number(stated.get("duration_h", 0.0)),
        compartment=_index(stated.get("compartment", 0)),
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _index(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError(f"compartment {value!r} is not a whole number")
    return int(value)


def _rates(text: str) -> tuple[tuple[float, float, float], ...]:
    try:
        return tuple(_piece(part) for part in text.split(","))
    except ValueError as problem:
        raise argparse.ArgumentTypeError(
            "START:MINUTES:MG_PER_H, separated by commas, are needed, such as 0:20:52.5,30:20:52.5"
        ) from problem


def _piece(text: str) -> tuple[float, float, float]:
    start, minutes, rate = (float(part) for part in text.split(":"))
    return start, minutes, rate


def _resting(text: str) -> tuple[float, float, float | None]:
    try:
        systolic, diastolic, *more = (float(part) for part in text.split("/"))
    except ValueError as problem:
        raise argparse.ArgumentTypeError("SYSTOLIC/DIASTOLIC is needed, such as 128/78 or 128/78/70") from problem
    if len(more) > 1:
        raise argparse.ArgumentTypeError("at most three numbers are needed, such as 128/78/70")
    return systolic, diastolic, more[0] if more else None


def _bad(field: str, found: str, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct it and try again.")
