"""What would a new study of this arm observe? The fitted model, a context of its own, and the chance of its numbers.

Every draw of the parameters gets one new study: its context and its drug effect differ from the average by what studies
differ, and the observed mean or share by what so many people differ. Two arms of one study share both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.domain.evidence import Text
from ketapath.domain.response import ArmPrediction, PredictedOutcome
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge
from ketapath.response.arm import EQUIVALENTS, EVEN_VISITS_DAYS, Arm, scale_of
from ketapath.response.arm_course import outcome, relapse
from ketapath.response.arm_file import ArmFile, Asked
from ketapath.response.equations import Array, with_odds
from ketapath.response.evidence import response_evidence
from ketapath.response.prior import Population

QUANTILES = {"p025": 0.025, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p975": 0.975}
DRAWS = 2000  # source: our choice; the Monte-Carlo error of a probability stays near 1 in 100
BASELINES = (1.0 / 3.0, 0.7)
"""Within these shares of the highest total (20 to 42 of the MADRS) trials began; source: outcomes.csv."""

_RELAPSE_DAYS = (7.0, 14.0, 28.0, 56.0, 91.0, 182.0, 273.0, 365.0, 730.0, 1825.0, 3660.0)
"""Days after the last session between which relapse under maintenance is drawn as a line; source: our choice."""

_Told = tuple[str, tuple[tuple[str, object], ...]]
_ESKETAMINE_REMISSION = 12.0  # source: TRANSFORM1, remission in the trials of the spray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One new study a draw: parameters, each shape (draws, 1), with its own context and drug effect in them."""

    theta: Mapping[str, Any]
    context: Array
    drug: Array
    is_routine: npt.NDArray[np.bool_]


def predict_arm(
    asked: ArmFile, against: ArmFile | None, population: Population, knowledge: Knowledge, *, seed: int
) -> ArmPrediction:
    """The outcomes of the arm, or those of the arm minus those of `against` in the same study.

    Raises BadInput where the two ask for different outcomes.
    """
    if against is not None:
        _same_outcomes(asked, against)
    rng = np.random.default_rng(seed)
    study = new_study(population.thinned(DRAWS), rng)
    parameters = knowledge.response
    files = [asked] if against is None else [asked, against]
    seen = [[_observed(file, study, one, parameters, rng) for one in asked.asked] for file in files]
    arms = tuple(tuple(_told(one, values) for one, values in zip(asked.asked, arm, strict=True)) for arm in seen)
    if against is None:
        outcomes = arms[0]
    else:
        pairs = zip(asked.asked, *seen, strict=True)
        outcomes = tuple(
            _told(one, None if first is None or second is None else first - second) for one, first, second in pairs
        )
    findings = dict.fromkeys(text_key for file in files for text_key in _findings(file, parameters))
    if against is not None:
        findings |= dict.fromkeys(_differing(asked, against))
    return ArmPrediction(
        outcomes=outcomes,
        arms=() if against is None else arms,
        provenance=population.provenance,
        findings=tuple(Text(key=key, values=dict(values)) for key, values in findings),
        evidence=response_evidence(knowledge),
    )


def _same_outcomes(asked: ArmFile, against: ArmFile) -> None:
    if set(asked.asked) == set(against.asked):
        return
    wanted, other = (
        ", ".join(f"{one.scale} day {one.day:g} {one.quantity}" for one in file.asked) for file in (asked, against)
    )
    raise BadInput(
        field="outcomes of the arm against",
        found=other,
        limit=f"the other arm asks for {wanted}",
        next_step="Ask both for the same, or leave the outcomes of the second file out.",
    )


def new_study(population: Population, rng: np.random.Generator) -> Study:
    """One new study for each draw."""
    n = population.draws.shape[0]
    theta = {name: population[name][:, None] for name in population}
    return Study(
        theta=theta,
        context=theta["context_between_studies"][:, 0] * rng.standard_normal(n),
        drug=theta["drug_between_studies"][:, 0] * rng.standard_normal(n),
        is_routine=np.asarray(rng.random(n) < 0.5),  # source: our choice; who does not say may be a clinic or a trial
    )


def people_of(arm: Arm, study: Study) -> dict[str, Any]:
    """The parameters of the people of this arm, one row a draw."""
    theta = study.theta
    context = study.context[:, None] + sum(
        (coefficient * theta[name] for name, coefficient in arm.covariates().items()), start=0.0
    )
    if arm.control == "none" and arm.routine is None:
        context = context + study.is_routine[:, None] * theta["routine_care"]
    at_half = with_odds(theta["drug_at_half"], np.exp(study.drug)[:, None])
    return dict(theta) | {"context": context, "drug_at_half": at_half}


def expected(
    arm: Arm, study: Study, asked: Asked, parameters: Mapping[str, Any], *, remitters: bool = False
) -> tuple[Array, Array]:
    """Mean (or share) of the arm without the chance of who is in it, and the spread of one person; each (draws,).

    A relapse is that of people in response after the last session, of those in remission where `remitters` is true.
    """
    people = people_of(arm, study)
    worth = 1.0 if arm.equivalent is None else study.theta[arm.equivalent]
    scale = scale_of(arm, study.theta, parameters["trial_scales"], asked.scale)
    remission_at = remission(arm, asked.scale, parameters)
    if asked.quantity == "relapse":
        share = relapse(
            np,
            people,
            [arm.visit(day, worth) for day in arm.relapse_days(asked.day)],
            scale,
            remitters=float(remitters),
            remission_at=remission_at,
        )
        return share, np.sqrt(share * (1.0 - share))
    found = outcome(np, people, arm.visit(asked.day, worth), scale, remission_at)
    if asked.quantity == "change":
        return found.change, found.change_sd
    share = found.response if asked.quantity == "response" else found.remission
    return share, np.sqrt(share * (1.0 - share))


def relapsed_by(arm: Arm, study: Study, asked: Asked, parameters: Mapping[str, Any]) -> Array:
    """The share that has relapsed by this day after the last session, (draws,); never less than by an earlier day.

    `expected` puts the same few visits before any day, so a later day can miss what an earlier one found: where visits
    begin to stand apart, and under maintenance by where they fall between sessions. But who has relapsed has relapsed.
    """
    assert arm.regimen is not None
    judged = arm.judged_day - arm.regimen.days[-1]

    def seen(day: float) -> Array:
        return np.clip(expected(arm, study, replace(asked, day=day), parameters)[0], 0.0, 1.0)

    if asked.day <= judged:
        return 0.0 * study.context
    if arm.regimen.every_days is None:
        found = seen(asked.day)
        return found if asked.day <= EVEN_VISITS_DAYS else np.maximum(found, seen(EVEN_VISITS_DAYS))
    earlier, before = judged, 0.0 * study.context
    for day in _RELAPSE_DAYS:
        after = np.maximum(before, seen(day))
        if asked.day <= day:
            break
        earlier, before = day, after
    return np.asarray(before + (after - before) * (asked.day - earlier) / (day - earlier))


def remission(arm: Arm, scale: str, parameters: Mapping[str, Any]) -> float:
    """The highest total that this kind of trial calls remission."""
    if scale == "MADRS" and (arm.control == "nasal-placebo" or arm.equivalent == "equivalent_nasal_esketamine"):
        return _ESKETAMINE_REMISSION
    return float(parameters["trial_scales"][scale]["remission"])


def _observed(
    file: ArmFile, study: Study, asked: Asked, parameters: Mapping[str, Any], rng: np.random.Generator
) -> Array | None:
    """What a study of this size would report, one value a draw; None where nothing can be said."""
    arm = file.arm
    if not is_predictable(file, parameters) or (asked.quantity == "relapse" and arm.regimen is None):
        return None
    if asked.quantity == "relapse":
        middle = relapsed_by(arm, study, asked, parameters)
        end = replace(asked, day=arm.judged_day, quantity="response")
        people = np.maximum(np.round(arm.n * expected(arm, study, end, parameters)[0]), 1).astype(int)
        return np.asarray(rng.binomial(people, middle) / people)
    middle, spread = expected(arm, study, asked, parameters)
    if asked.quantity == "change":
        return np.asarray(middle + spread / np.sqrt(arm.n) * rng.standard_normal(middle.size))
    return np.asarray(rng.binomial(arm.n, np.clip(middle, 0.0, 1.0)) / arm.n)


def is_predictable(file: ArmFile, parameters: Mapping[str, Any]) -> bool:
    """Whether outcome rows exist for people like these, and for the product and route if they get one."""
    return not _why_not(file, parameters)


def _why_not(file: ArmFile, parameters: Mapping[str, Any]) -> list[_Told]:
    arm = file.arm
    if file.adolescent:
        return [("response.arm.minors", ())]
    treated = arm.regimen
    rows = [r for r in parameters["studied"] if arm.condition in r["conditions"]]
    if not rows:
        return [("response.arm.condition", (("condition", arm.condition),))]
    if treated is None:
        return []
    if not any((r["product"], r["route"]) == (treated.product, treated.route) for r in rows):
        named = (("product", treated.product), ("route", treated.route), ("condition", arm.condition))
        return [("response.arm.not_predictable", named)]
    return []


def _findings(file: ArmFile, parameters: Mapping[str, Any]) -> list[_Told]:
    """What a reader must know of this prediction: why there is none, or where it leaves what was studied."""
    found = _why_not(file, parameters)
    if found:
        return found
    arm, plan = file.arm, file.arm.regimen
    found.append(("response.arm.split", ()))
    if plan is not None:
        row = next(r for r in parameters["studied"] if (r["product"], r["route"]) == (plan.product, plan.route))
        low, high, unit = row["low"], row["high"], row["unit"]
        doses = [d for d in (plan.dose, plan.maintenance_dose) if d is not None]
        if plan.unit != unit or not all(low <= dose <= high for dose in doses):
            found.append(("response.arm.dose_outside", (("low", low), ("high", high), ("unit", unit))))
        if EQUIVALENTS[plan.product, plan.route] is not None:
            found.append(("response.arm.worth", (("product", plan.product), ("route", plan.route))))
    low, high = (share * parameters["trial_scales"][arm.scale]["top"] for share in BASELINES)
    if arm.baseline is not None and not low <= arm.baseline <= high:
        found.append(("response.arm.baseline", (("scale", arm.scale), ("low", f"{low:.0f}"), ("high", f"{high:.0f}"))))
    return [*found, *_of_outcomes(file, parameters), *_of_context(file)]


def _of_outcomes(file: ArmFile, parameters: Mapping[str, Any]) -> Iterator[_Told]:
    """What is known of how well such outcomes are predicted."""
    days = parameters["studied_days"]["value"]
    asked = {one.quantity for one in file.asked}
    if max(one.day for one in file.asked) > days:
        yield "response.arm.day_outside", (("days", days),)
    if asked & {"response", "remission"}:
        yield "response.arm.shares", ()
        yield "response.arm.dropout", (("days", days),)
    if "relapse" in asked:
        yield "response.arm.relapse", ()
        if file.arm.regimen is None:
            yield "response.arm.no_last_session", ()


def _of_context(file: ArmFile) -> Iterator[_Told]:
    """What the file leaves open of what people were told and got beside the drug."""
    arm = file.arm
    if arm.control == "active":
        yield "response.arm.active", ()
    if arm.control == "none" and arm.routine is None:
        yield "response.arm.routine", ()
    if file.psychotherapy is not None:
        yield "response.arm.psychotherapy", ()


def _differing(one: ArmFile, other: ArmFile) -> Iterator[_Told]:
    """Two arms of one study share people and place; what differs there is no effect of the treatment."""
    pairs = {
        "context.control": (one.arm.control, other.arm.control),
        "context.routine": (one.arm.routine, other.arm.routine),
        "population.setting": (one.arm.inpatient, other.arm.inpatient),
        "population.condition": (one.arm.condition, other.arm.condition),
        "population.resistant": (one.arm.resistant, other.arm.resistant),
        "baseline.scale": (one.arm.scale, other.arm.scale),
    }
    fields = [name for name, (first, second) in pairs.items() if first != second]
    if fields:
        yield "response.arm.differs", (("fields", ", ".join(fields)),)


def _told(asked: Asked, values: Array | None) -> PredictedOutcome:
    wanted = list(QUANTILES.values())
    cuts: list[Any] = [None] * len(wanted) if values is None else np.quantile(values, wanted).tolist()
    return PredictedOutcome(
        scale=asked.scale, day=asked.day, quantity=asked.quantity, **dict(zip(QUANTILES, cuts, strict=True))
    )
