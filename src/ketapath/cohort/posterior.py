"""What would the bedside say? A rule of a simulated trial that asks one person's inference, subject by subject.

The inference sees what a clinic would: whole totals, sessions and doses. It does not know the truth that the trial
plays in, nor the trial's context. It is slow, so a design with such a rule states its own rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ketapath.cohort.course import NONE, Judge, Judged, Mask
from ketapath.cohort.design import Design, TrialArm
from ketapath.cohort.design_file import INSTRUMENTS
from ketapath.knowledge import Knowledge
from ketapath.response.individual import Fit, OwnCourse, learned, own_course, scores_from
from ketapath.response.outlook import Definitions, simulated
from ketapath.response.person import Person, person, scales_of
from ketapath.response.prior import Population
from ketapath.response.treatment import Session, equivalent_of

DRAWS = 400  # source: our choice; the Monte-Carlo error of a probability is then at most 0.025


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bedside:
    """What one person's inference knows before any score, for the subjects of one arm."""

    who: Person
    course: OwnCourse
    instrument: Mapping[str, Any]
    relapse: Mapping[str, Any]


def bedside(design: Design, one: TrialArm, knowledge: Knowledge, population: Population) -> Bedside | None:
    """The prior of this arm's subjects; None where no rule of the arm asks for it."""
    if not one.asks_posterior:
        return None
    parameters, name = knowledge.response, INSTRUMENTS[design.people.scale]
    sessions = [_session(one, day, dose) for day in one.days for dose in range(len(one.doses))]
    who = person(
        population,
        parameters,
        sessions,
        scales_of([name], knowledge.instruments, parameters, population),
        condition=design.people.condition,
        antidepressant_day=0.0 if design.people.new_antidepressant else None,
    )
    return Bedside(
        who=replace(who, sessions=()),
        course=own_course(population, float(parameters["course_shared"]["share"])),
        instrument=knowledge.instruments[name],
        relapse=parameters["relapse"],
    )


def judge_by(known: Bedside, one: TrialArm, seed: np.random.SeedSequence) -> Judge:
    """Who is to stop: whose probability of a response, if treatment goes on, is lower than the rule's."""

    def judge(shown: Judged) -> Mask:
        stops = np.zeros(shown.asked.size, dtype=bool)
        for place in np.flatnonzero(shown.asked).tolist():
            rng = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, place)))
            chance = chance_of_response(known, one, shown, place, rng)
            stops[place] = chance is not None and one.stop is not None and chance < one.stop.below
        return stops

    return judge


def chance_of_response(
    known: Bedside, one: TrialArm, shown: Judged, place: int, rng: np.random.Generator
) -> float | None:
    """The probability of a response of this subject; None, by which nothing stops, where the draws are not trusted."""
    assert one.stop is not None and one.stop.response_day is not None
    given = [(day, int(doses[place])) for day, doses in shown.sessions if doses[place] != NONE]
    dose = given[-1][1] if given else 0
    onward = [(day, dose) for day in one.days if day >= shown.day]
    sessions = tuple(_session(one, day, which) for day, which in (*given, *onward))
    scored = zip(shown.days, shown.totals[:, place].tolist(), strict=True)
    rows = [(0.0, 0, float(shown.first[place])), *((day, 0, total) for day, total in scored if total == total)]
    fit = Fit(replace(known.who, sessions=sessions), known.course, scores_from(rows))
    posterior = learned(fit, rng, draws=DRAWS)
    if not posterior.diagnostics.ok:
        return None
    events = Definitions.of(known.instrument, float(shown.first[place]), {"relapse": known.relapse})
    days = np.array([0.0, one.stop.response_day])
    paths = simulated(fit, posterior, 0, days, rng)
    return float(events.response(paths, np.rint(paths.observed[1])).mean())


def _session(one: TrialArm, day: float, dose: int) -> Session:
    assert one.regimen is not None
    return Session(
        day=day,
        strength=one.regimen.amount(one.doses[dose]),
        equivalent=equivalent_of(one.regimen.product, one.regimen.route),
    )
