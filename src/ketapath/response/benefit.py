"""What may people like this one expect of a treatment before it begins? Model and population as for one person.

The bands of the probabilities come from how trials, contexts and parameters differ; within each, many simulated people
give one probability. The band of the score is one person's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ketapath.domain.plan import Range
from ketapath.knowledge import Knowledge
from ketapath.response.equations import Array
from ketapath.response.individual import Fit, own_course, posterior_of, scores_from
from ketapath.response.outlook import Definitions, simulated, step_by_step
from ketapath.response.person import Person, person, scales_of
from ketapath.response.prior import Population
from ketapath.response.treatment import Session, equivalent_of, predicted

_SETTINGS, _PEOPLE = 100, 400  # source: our choice; a probability's band is then known to a few hundredths


def prior_benefit(
    product: str,
    route: str,
    *,
    condition: str,
    session_days: Sequence[float],
    strength: float | None,
    baseline_score: float,
    scale: str,
    knowledge: Knowledge,
    population: Population,
    seed: int,
) -> dict[str, Range] | None:
    """What people like this one may expect the day after the last session; None where nobody studied it.

    `strength` is mg/kg of the product as given, or multiples of 84 mg for the spray of esketamine. `score` is the band
    for one person's observed total of this scale; `p_response` and `p_remission` have a band because trials and their
    contexts differ, not because persons do.
    """
    parameters = knowledge.response
    row = predicted(product, route, parameters)
    if row is None or condition not in row["conditions"] or strength is None:
        return None
    sessions = [Session(day=d, strength=strength, equivalent=equivalent_of(product, route)) for d in session_days]
    scales = scales_of([scale], knowledge.instruments, parameters, population)

    def prior(*, between_persons: bool) -> Person:
        return person(
            population, parameters, sessions, scales,
            condition=condition, antidepressant_day=None, between_persons=between_persons,
        )  # fmt: skip

    who, setting = prior(between_persons=True), prior(between_persons=False)
    fit = Fit(
        who,
        own_course(population, float(parameters["course_shared"]["share"])),
        scores_from([(0.0, 0, baseline_score)]),
    )
    rng = np.random.default_rng([seed, 6])
    fit, start = step_by_step(fit, rng).posterior(0, rng, _SETTINGS * _PEOPLE)
    terms = _crossed(who, setting, start.terms, rng)
    paths = simulated(
        fit, posterior_of(fit, terms, rng, start.diagnostics.ess), 0, np.array([max(session_days) + 1.0]), rng
    )
    totals = np.rint(paths.observed[0])
    events = Definitions.of(knowledge.instruments[scale], baseline_score, parameters)
    low, mid, high = (float(v) for v in np.quantile(paths.observed[0], (0.05, 0.5, 0.95)))
    return {
        "score_after_induction": Range(p05=low, p50=mid, p95=high, unit="{score}"),
        "p_response": _over_settings(events.response(paths, totals)),
        "p_remission": _over_settings(totals < events.below),
    }


def _crossed(who: Person, setting: Person, drawn: Array, rng: np.random.Generator) -> Array:
    """Terms of people, as many in each setting: the setting's terms, the person's own, and the baseline as drawn."""
    d, k = len(who.names), len(who.scales)
    of_setting = setting.terms(rng.standard_normal((_SETTINGS, d)))
    own = np.sqrt(np.maximum(who.variance - setting.variance, 0.0))
    terms = np.repeat(of_setting, _PEOPLE, axis=1)
    terms = terms + own[:, None] * rng.standard_normal(terms.shape)
    terms[d - k :] = drawn[d - k :]
    return np.asarray(terms)


def _over_settings(is_met: Array) -> Range:
    """The share of people in each setting, as quantiles over the settings."""
    shares = is_met.reshape(_SETTINGS, _PEOPLE).mean(axis=1)
    p05, p50, p95 = (float(v) for v in np.quantile(shares, (0.05, 0.5, 0.95)))
    return Range(p05=p05, p50=p50, p95=p95, unit="1")
