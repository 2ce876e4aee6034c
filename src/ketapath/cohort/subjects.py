"""Who is in a simulated trial? People of the arm as the response model has them, let in by their total at baseline.

Each trial is a new study: one draw of the parameters with a context and a drug effect of its own. Its subjects differ
by what persons differ. Arrays are flat: one entry a subject, `trial` says of which trial it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.cohort.design import Design, TrialArm
from ketapath.errors import BadInput
from ketapath.response.arm import scale_of
from ketapath.response.arm_course import baseline_spread
from ketapath.response.equations import (
    Array,
    error_on_link,
    expit,
    half_life_days,
    link,
    session_effect,
    unlink,
    with_odds,
)
from ketapath.response.predict import Study, people_of
from ketapath.response.prior import Population

Index = npt.NDArray[np.int64]
MOST_EFFECT = 0.98  # source: response.equations, a session leaves at least this little of the symptoms
ROUNDS = 400  # source: our choice; whoever one of 400 draws does not fit is refused with the design
_STUDY = 1
"""Beside the seed, it keeps the random numbers of studies apart from those of chunks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Studies:
    """The parameters of some trials, one row each; `therapy` (trials,) places each inside the assumed range."""

    study: Study
    therapy: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subjects:
    """People of one arm. Everything is (s,) but `effects` and `half_lives`, (doses, s), one row a dose of the arm.

    `truth` and `own` are the usual total and the slow course on the link at baseline, `first` is the recorded total;
    `context_odds` multiplies the odds of the context part.
    """

    trial: Index
    first: Array
    truth: Array
    start: Array
    own: Array
    lasting: Array
    context: Array
    context_odds: Array
    visits: Array
    new_antidepressant: Array
    therapy: Array
    effects: Array
    half_lives: Array
    build_up: Array
    course_sd: Array
    course_days: Array
    error: Array
    steeper: Array | None
    top: float


def studies(trials: range, seed: int, population: Population) -> Studies:
    """One new study for each of these trials: the same one whatever the size of the trial or its chunk."""
    drawn = [_one(np.random.default_rng(np.random.SeedSequence([seed, _STUDY], spawn_key=(t,)))) for t in trials]
    places, context, drug, routine, therapy = np.array(drawn).T
    rows = (places * population.draws.shape[0]).astype(int)
    theta = {name: population[name][rows][:, None] for name in population}
    return Studies(
        study=Study(
            theta=theta,
            context=theta["context_between_studies"][:, 0] * context,
            drug=theta["drug_between_studies"][:, 0] * drug,
            is_routine=np.asarray(routine < 0.5),  # source: response.predict; who does not say may be clinic or trial
        ),
        therapy=therapy,
    )


def _one(rng: np.random.Generator) -> tuple[float, float, float, float, float]:
    return rng.random(), rng.standard_normal(), rng.standard_normal(), rng.random(), rng.random()


def draw(
    design: Design,
    one: TrialArm,
    those: Studies,
    trial: Index,
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
) -> Subjects:
    """Subjects of this arm, as many as `trial` has entries. Arms that share a generator's seed share the persons.

    Raises BadInput where hardly anybody has a total at baseline that the design lets in.
    """
    arm, study = design.arm(one), those.study
    people = {name: values[:, 0][trial] for name, values in people_of(arm, study).items()}
    scale = scale_of(arm, study.theta, parameters["trial_scales"])
    error = error_on_link(np.ravel(scale.error)[trial], scale.top)
    normal = rng.standard_normal((4, trial.size))
    kind = rng.random(trial.size)
    truth, own, first = _baselines(design, people, scale, error, rng)
    effects, half_lives = _by_dose(design, one, people, normal, kind, study, trial)
    low, high = one.integration if design.truth != "null" else (0.0, 0.0)
    return Subjects(
        trial=trial,
        first=first,
        truth=truth,
        start=np.asarray(unlink(np, truth, scale.top)),
        own=own,
        lasting=people["lasting_sd"] * normal[3],
        context=np.asarray(expit(np, people["context"])),
        context_odds=np.exp(people["person_context"] * normal[0]),
        visits=people["visits"],
        new_antidepressant=people["new_antidepressant"],
        therapy=np.asarray(low + (high - low) * those.therapy[trial]),
        effects=effects,
        half_lives=half_lives,
        build_up=people["build_up"],
        course_sd=people["course_sd"],
        course_days=people["course_days"],
        error=error,
        steeper=None if np.ndim(scale.steeper) == 0 else np.ravel(scale.steeper)[trial],
        top=scale.top,
    )


def _baselines(
    design: Design, people: Mapping[str, Any], scale: Any, error: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Usual total and slow course on the link, and the recorded total; who is not let in is replaced by another."""
    course = people["course_sd"]
    spread = baseline_spread(np, scale, np.sqrt(course**2 + error**2))
    middle = link(np, scale.baseline, scale.top)
    truth, own, first = (np.empty(error.size) for _ in range(3))
    open_ = np.arange(error.size)
    for _ in range(ROUNDS):
        normal = rng.standard_normal((3, open_.size))
        truth[open_] = middle + spread[open_] * normal[0]
        own[open_] = course[open_] * normal[1]
        seen = unlink(np, truth[open_] + own[open_] + error[open_] * normal[2], scale.top)
        first[open_] = np.rint(seen)
        open_ = open_[(first[open_] < design.least) | (first[open_] > design.most)]
        if open_.size == 0:
            return truth, own, first
    raise BadInput(
        field="population.baseline",
        found=f"{design.least:g} to {design.most:g}",
        limit=f"hardly anybody has such a total where the mean is {scale.baseline:g}",
        next_step="Let more totals in, or correct mean and sd.",
    )


def _by_dose(
    design: Design,
    one: TrialArm,
    people: Mapping[str, Any],
    normal: Array,
    kind: Array,
    study: Study,
    trial: Index,
) -> tuple[Array, Array]:
    """Effect right after one session and its half-life, for each dose of the arm."""
    regimen, doses = one.regimen, one.doses
    if regimen is None:
        return np.zeros((0, trial.size)), np.zeros((0, trial.size))
    equivalent = design.arm(one).equivalent
    worth = 1.0 if equivalent is None else study.theta[equivalent][:, 0][trial]
    if design.truth == "null":
        at_half = np.zeros(trial.size)
    elif design.truth == "two-kinds":
        # Half get nothing and half twice as much, so that the mean stays what it is.
        at_half = np.where(kind < 0.5, 0.0, np.minimum(2.0 * people["drug_at_half"], MOST_EFFECT))
    else:
        at_half = with_odds(people["drug_at_half"], np.exp(people["person_drug"] * normal[1]))
    stretch = people["half_life_days"] * np.exp(people["person_half_life"] * normal[2])
    amounts = [regimen.amount(dose) * worth for dose in doses]
    effects = [session_effect(np, amount, at_half, people["ed50_mg_per_kg"]) for amount in amounts]
    half_lives = [
        half_life_days(np, np.broadcast_to(amount, trial.shape), stretch, people["half_life_slope"])
        for amount in amounts
    ]
    return np.stack(effects), np.stack(half_lives)
