"""What does a design file say? Read strictly: an unknown word or an impossible number ends here, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from ketapath.cohort.design import (
    SHARES,
    TRUTHS,
    WEEK,
    Design,
    Dropout,
    Endpoint,
    Maintenance,
    Missing,
    Quantity,
    Raise,
    Stop,
    Test,
    TrialArm,
    Truth,
    Visits,
)
from ketapath.errors import KnowledgeError
from ketapath.knowledge import parse_yaml
from ketapath.knowledge.schema import PRODUCTS, ROUTES
from ketapath.response.arm import CONTROLS, Arm, Regimen
from ketapath.response.arm_file import CONDITIONS, SETTINGS, ArmFile, scale_named
from ketapath.response.predict import is_predictable
from ketapath.response.stated import MOST_DAYS, bad, flag, number, optional_flag, stated_days, stated_dose, word

ADULT_YEARS = 18.0  # source: no outcome row of a minor is in the data
RESISTANT_TRIALS = 2  # source: two failed trials are what studies of resistant depression ask for
REFERENCE = 500  # source: our choice; the truth of a trial is then known to a fifth of the error of 20 subjects an arm
MOST_SUBJECTS = 1_000_000  # source: our choice, of one arm
MOST_TRIALS = 1_000_000  # source: our choice
MOST_SEED = 2**32 - 1
MOST_ARMS = 8  # source: our choice
INSTRUMENTS = {"PHQ-9": "phq9", "QIDS-SR16": "qids_sr16", "MADRS": "madrs"}
"""Scales of trials that one person's inference knows, by the name that it has for them."""
_ALLOCATIONS = ("fixed", "random")
_TESTS = ("means", "proportions")
_QUANTITIES = ("change", "response", "remission", "relapse", "days-in-remission")
_MISSING = ("left-out", "last-seen", "no-benefit")
_KEYS: Mapping[str, str] = {
    "file": "title scale population context arms contrasts n allocation visits dropout endpoints alpha truth trials "
    "seed reference",
    "population": "condition failed_trials setting age baseline",
    "baseline": "mean sd least most",
    "context": "control routine new_antidepressant",
    "arms": "name product route dose sessions adapt maintenance stop integration share",
    "sessions": "days per_week weeks",
    "adapt": "to after_sessions gone_below",
    "maintenance": "from_day until_day every_days gone_below least_days",
    "stop": "by day gone_below response_day probability_below",
    "integration": "effect",
    "visits": "days missing",
    "dropout": "per_week per_point",
    "endpoints": "quantity day since test missing",
}
"""The fields of each part of a design file, and no others."""


def read_design(data: bytes, parameters: Mapping[str, Any]) -> Design:
    """The design that this YAML (or JSON) states; `parameters` is response.yaml.

    Raises BadInput, naming field, value and what is possible; also for what the response model cannot simulate.
    """
    try:
        text = data.decode()
        stated = parse_yaml(text, where="design")
    except (KnowledgeError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        bad("file", str(problem).splitlines()[0], "a YAML file that can be read, each field once")
    body = _mapping({} if stated is None else stated, "file")
    people, age, failed, least, most = _people(body, parameters)
    arms = _arms(body.get("arms"))
    visits = _visits(body.get("visits"))
    design = Design(
        title=_line(body.get("title"), "title"),
        people=people,
        age=age,
        failed_trials=failed,
        least=least,
        most=most,
        arms=arms,
        contrasts=_contrasts(body.get("contrasts"), arms),
        sizes=_sizes(body.get("n")),
        allocation=cast(Literal["fixed", "random"], word(body.get("allocation", "fixed"), _ALLOCATIONS, "allocation")),
        visits=visits,
        dropout=_dropout(body.get("dropout")),
        endpoints=_endpoints(body.get("endpoints"), visits),
        alpha=number(body.get("alpha", 0.05), "alpha", 0.0, 0.5, above=True),
        truth=cast(Truth, word(body.get("truth", "model"), TRUTHS, "truth")),
        trials=_whole(body.get("trials", 500), "trials", 2, MOST_TRIALS),
        seed=_whole(body.get("seed", 0), "seed", 0, MOST_SEED),
        reference=REFERENCE,
        text=text,
        digest=hashlib.sha256(data).hexdigest(),
    )
    asked = body.get("reference", 0 if design.asks_posterior else REFERENCE)
    design = replace(design, reference=_whole(asked, "reference", 0, 5000))
    _fits(design, parameters)
    return design


def changed(
    design: Design,
    *,
    trials: object = None,
    seed: object = None,
    truth: object = None,
    prefix: str = "",
) -> Design:
    """The design with what is said here instead; None leaves what the file says.

    Raises BadInput, naming the field with `prefix` before it.
    """
    if trials is not None:
        design = replace(design, trials=_whole(trials, f"{prefix}trials", 2, MOST_TRIALS))
    if seed is not None:
        design = replace(design, seed=_whole(seed, f"{prefix}seed", 0, MOST_SEED))
    if truth is not None:
        design = replace(design, truth=cast(Truth, word(truth, TRUTHS, f"{prefix}truth")))
    return design


def _people(
    body: Mapping[str, Any], parameters: Mapping[str, Any]
) -> tuple[Arm, tuple[float, float] | None, int | None, float, float]:
    """The people and what they are told, ages, failed trials, and the totals at baseline that are let in."""
    scales = parameters["trial_scales"]
    people = _mapping(body.get("population", {}), "population")
    start = _mapping(people.get("baseline", {}), "baseline", "population.baseline")
    context = _mapping(body.get("context"), "context")
    scale = scale_named(body.get("scale"), "scale", scales)
    top = float(scales[scale]["top"])
    failed = people.get("failed_trials")
    trials = None if failed is None else _whole(failed, "population.failed_trials", 0, 20)
    age = people.get("age")
    ages = None if age is None else _range(age, "population.age", 0.0, 120.0)
    if ages is not None and ages[0] < ADULT_YEARS:
        bad("population.age", list(ages), f"ages from {ADULT_YEARS:g} on: no study of minors is in the data")
    mean, sd = start.get("mean"), start.get("sd")
    arm = Arm(
        n=1,
        scale=scale,
        control=word(context.get("control"), CONTROLS, "context.control"),
        condition=word(people.get("condition", "MDD"), CONDITIONS, "population.condition"),
        resistant=trials is None or trials >= RESISTANT_TRIALS,
        inpatient=word(people.get("setting", "outpatient"), SETTINGS, "population.setting") == "inpatient",
        routine=optional_flag(context, "routine", "context"),
        new_antidepressant=flag(context, "new_antidepressant", "context", default=False),
        baseline=None if mean is None else number(mean, "population.baseline.mean", 0.0, top, above=True),
        baseline_sd=None if sd is None else number(sd, "population.baseline.sd", 0.0, top / 2.0, above=True),
    )
    least = number(start.get("least", 1), "population.baseline.least", 1.0, top)
    most = number(start.get("most", top), "population.baseline.most", least, top)
    return arm, ages, trials, least, most


def _arms(stated: Any) -> tuple[TrialArm, ...]:
    if not isinstance(stated, list) or not 2 <= len(stated) <= MOST_ARMS:
        bad("arms", stated, f"a list of 2 to {MOST_ARMS} arms")
    found = tuple(_arm(one, f"arms[{index}]") for index, one in enumerate(stated))
    names = [arm.name for arm in found]
    if len(set(names)) < len(names):
        bad("arms", ", ".join(names), "a different name for each arm")
    return found


def _arm(stated: Any, field: str) -> TrialArm:
    body = _mapping(stated, "arms", field)
    name = _line(body.get("name"), f"{field}.name")
    effect = (0.0, 0.0)
    if body.get("integration") is not None:
        inside = _mapping(body["integration"], "integration", f"{field}.integration")
        effect = _range(inside.get("effect", [0, 0]), f"{field}.integration.effect", 0.0, 0.9)
    share = number(body.get("share", 1), f"{field}.share", 0.0, 10.0, above=True)
    if body.get("product") is None:
        for rule in ("route", "dose", "sessions", "adapt", "maintenance", "stop"):
            if body.get(rule) is not None:
                bad(f"{field}.{rule}", body[rule], "nothing here in an arm without a product")
        return TrialArm(name=name, regimen=None, integration=effect, share=share)
    regimen = _regimen(body, field)
    return TrialArm(
        name=name,
        regimen=regimen,
        raised=_raise(body.get("adapt"), regimen, f"{field}.adapt"),
        maintenance=_maintenance(body.get("maintenance"), regimen, f"{field}.maintenance"),
        stop=_stop(body.get("stop"), regimen, f"{field}.stop"),
        integration=effect,
        share=share,
    )


def _regimen(body: Mapping[str, Any], field: str) -> Regimen:
    dose, unit = stated_dose(body.get("dose"), f"{field}.dose")
    return Regimen(
        product=word(body.get("product"), sorted(PRODUCTS), f"{field}.product"),
        route=word(body.get("route"), sorted(ROUTES), f"{field}.route"),
        dose=dose,
        unit=unit,
        days=_session_days(body.get("sessions"), f"{field}.sessions"),
    )


def _session_days(stated: Any, field: str) -> tuple[float, ...]:
    """Days as listed, or so many a week for some weeks, spread evenly over each."""
    body = _mapping(stated, "sessions", field)
    if body.get("days") is not None:
        if len(body) > 1:
            bad(field, ", ".join(sorted(body)), "either days, or per_week and weeks")
        return stated_days(body["days"], f"{field}.days")
    each = _whole(body.get("per_week"), f"{field}.per_week", 1, 7)
    weeks = _whole(body.get("weeks"), f"{field}.weeks", 1, 52)
    return tuple(WEEK * week + float(int(WEEK * i / each + 0.5)) for week in range(weeks) for i in range(each))


def _raise(stated: Any, regimen: Regimen, field: str) -> Raise | None:
    if stated is None:
        return None
    body = _mapping(stated, "adapt", field)
    to = body.get("to")
    listed: list[Any] = to if isinstance(to, list) else [to]
    doses = [regimen.dose]
    for index, one in enumerate(listed):
        dose, unit = stated_dose(one, f"{field}.to[{index}]")
        if unit != regimen.unit or dose <= doses[-1]:
            bad(f"{field}.to[{index}]", one, f"a dose in {regimen.unit} above {doses[-1]:g}")
        doses.append(dose)
    return Raise(
        to=tuple(doses[1:]),
        after_sessions=_whole(body.get("after_sessions"), f"{field}.after_sessions", 1, 100),
        gone_below=number(body.get("gone_below"), f"{field}.gone_below", 0.0, 1.0, above=True),
    )


def _maintenance(stated: Any, regimen: Regimen, field: str) -> Maintenance | None:
    if stated is None:
        return None
    body = _mapping(stated, "maintenance", field)
    first = number(body.get("from_day"), f"{field}.from_day", 0.0, MOST_DAYS)
    if first <= regimen.days[-1]:
        bad(f"{field}.from_day", first, f"a day after the last session before, {regimen.days[-1]:g}")
    every, gone = body.get("every_days"), body.get("gone_below")
    if (every is None) == (gone is None):
        bad(field, ", ".join(sorted(body)), "one of every_days and gone_below")
    return Maintenance(
        from_day=first,
        until_day=number(body.get("until_day"), f"{field}.until_day", first, MOST_DAYS),
        every_days=None if every is None else number(every, f"{field}.every_days", 1.0, 365.0),
        gone_below=None if gone is None else number(gone, f"{field}.gone_below", 0.0, 1.0, above=True),
        least_days=number(body.get("least_days", WEEK), f"{field}.least_days", 1.0, 365.0),
    )


def _stop(stated: Any, regimen: Regimen, field: str) -> Stop | None:
    if stated is None:
        return None
    body = _mapping(stated, "stop", field)
    by = word(body.get("by"), ("score", "posterior"), f"{field}.by")
    day = number(body.get("day"), f"{field}.day", 0.0, MOST_DAYS)
    if day <= regimen.days[-1]:
        limit = f"a day after the last induction session, {regimen.days[-1]:g}: before that non-response stops nothing"
        bad(f"{field}.day", day, limit)
    wrong, below = ["response_day", "probability_below"], "gone_below"
    if by == "posterior":
        wrong, below = ["gone_below"], "probability_below"
    for name in wrong:
        if body.get(name) is not None:
            bad(f"{field}.{name}", body[name], f"no such field of a rule by {by}")
    limit_below = number(body.get(below), f"{field}.{below}", 0.0, 1.0, above=True)
    if by == "score":
        return Stop(by="score", day=day, below=limit_below)
    later = number(body.get("response_day"), f"{field}.response_day", day, MOST_DAYS, above=True)
    return Stop(by="posterior", day=day, below=limit_below, response_day=later)


def _contrasts(stated: Any, arms: tuple[TrialArm, ...]) -> tuple[tuple[int, int], ...]:
    """Pairs of arms, the first minus the second; each later arm against the first one where nothing is said."""
    if stated is None:
        return tuple((index, 0) for index in range(1, len(arms)))
    names = [arm.name for arm in arms]
    if not isinstance(stated, list) or not stated:
        bad("contrasts", stated, "a list of pairs of arms")
    found = []
    for index, pair in enumerate(stated):
        if not isinstance(pair, list) or len(pair) != 2 or pair[0] == pair[1]:
            bad(f"contrasts[{index}]", pair, "two different arms by their names")
        one, other = (names.index(word(name, names, f"contrasts[{index}]")) for name in pair)
        found.append((one, other))
    return tuple(found)


def _sizes(stated: Any) -> tuple[int, ...]:
    listed = stated if isinstance(stated, list) else [stated]
    if not 0 < len(listed) <= 20:
        bad("n", stated, "a number of subjects in each arm, or a list of at most 20")
    return tuple(_whole(one, "n", 5, MOST_SUBJECTS) for one in listed)


def _visits(stated: Any) -> Visits:
    body = _mapping(stated, "visits")
    listed = body.get("days")
    if not isinstance(listed, list) or not listed or listed[0] == 0:
        bad("visits.days", listed, "a list of days that rise, from day 1 on")
    return Visits(
        days=stated_days([0, *listed], "visits.days")[1:],
        missing=number(body.get("missing", 0), "visits.missing", 0.0, 0.9),
    )


def _dropout(stated: Any) -> Dropout:
    body = _mapping({} if stated is None else stated, "dropout")
    return Dropout(
        per_week=number(body.get("per_week", 0), "dropout.per_week", 0.0, 0.9),
        per_point=number(body.get("per_point", 0), "dropout.per_point", -1.0, 1.0),
    )


def _endpoints(stated: Any, visits: Visits) -> tuple[Endpoint, ...]:
    if not isinstance(stated, list) or not 0 < len(stated) <= 20:
        bad("endpoints", stated, "a list of endpoints, the primary one first")
    return tuple(_endpoint(one, f"endpoints[{index}]", visits) for index, one in enumerate(stated))


def _endpoint(stated: Any, field: str, visits: Visits) -> Endpoint:
    body = _mapping(stated, "endpoints", field)
    quantity = cast(Quantity, word(body.get("quantity"), _QUANTITIES, f"{field}.quantity"))
    day = _visit(body.get("day"), f"{field}.day", visits)
    since = None
    if quantity == "relapse":
        since = _visit(body.get("since"), f"{field}.since", visits)
        if since >= day:
            bad(f"{field}.since", since, f"a visit before day {day:g}")
    elif body.get("since") is not None:
        bad(f"{field}.since", body["since"], "no such field but for a relapse")
    usual = "proportions" if quantity in SHARES else "means"
    test = word(body.get("test", usual), _TESTS, f"{field}.test")
    if test == "proportions" and quantity not in SHARES:
        bad(f"{field}.test", test, f"means, for {quantity} is no share")
    missing = word(body.get("missing", "left-out"), _MISSING, f"{field}.missing")
    return Endpoint(quantity=quantity, day=day, since=since, test=cast(Test, test), missing=cast(Missing, missing))


def _visit(stated: Any, field: str, visits: Visits) -> float:
    day = number(stated, field, 0.0, MOST_DAYS)
    if day not in visits.days:
        bad(field, stated, f"a day of a visit: {', '.join(f'{d:g}' for d in visits.days)}")
    return day


def _fits(design: Design, parameters: Mapping[str, Any]) -> None:
    """What only the whole design can tell: whether the model knows these arms, and rules stand on days of visits."""
    for index, one in enumerate(design.arms):
        file = ArmFile(arm=design.arm(one), asked=(), adolescent=False, blinded=None, psychotherapy=None)
        if not is_predictable(file, parameters):
            shown = "control" if one.regimen is None else f"{one.regimen.product}, {one.regimen.route}"
            limit = f"a product and route with outcome studies of their own in {design.people.condition}"
            bad(f"arms[{index}]", shown, limit)
        if one.stop is not None:
            _visit(one.stop.day, f"arms[{index}].stop.day", design.visits)
        if one.asks_posterior and one.maintenance is not None and one.maintenance.every_days is None:
            bad(f"arms[{index}].maintenance", "gone_below", "every_days beside a rule that asks what going on would do")
        if one.asks_posterior and design.people.scale not in INSTRUMENTS:
            bad("scale", design.people.scale, f"one of {', '.join(INSTRUMENTS)} where a rule asks the posterior")
    if all(arm.regimen is None for arm in design.arms):
        bad("arms", "no product", "a product in one arm at least")


def _mapping(stated: Any, kind: str, name: str | None = None) -> Mapping[str, Any]:
    known = _KEYS[kind].split()
    if not isinstance(stated, dict):
        bad(name or kind, stated, f"fields with values, of {', '.join(known)}")
    unknown = [key for key in stated if key not in known]
    if unknown:
        bad(name or kind, str(unknown[0]), f"one of {', '.join(known)}")
    return stated


def _line(stated: Any, field: str) -> str:
    if not isinstance(stated, str) or not 0 < len(stated.strip()) <= 200 or not stated.isprintable():
        bad(field, stated, "one line of words")
    return stated.strip()


def _range(stated: Any, field: str, low: float, high: float) -> tuple[float, float]:
    if not isinstance(stated, list) or len(stated) != 2:
        bad(field, stated, "two numbers, the lower one first")
    first = number(stated[0], field, low, high)
    return first, number(stated[1], field, first, high)


def _whole(stated: Any, field: str, low: int, high: int) -> int:
    found = number(stated, field, low, high)
    if found != int(found):
        bad(field, stated, "a whole number")
    return int(found)
