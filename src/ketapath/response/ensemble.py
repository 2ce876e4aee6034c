"""What would other sessions do for this one person? Many possible persons like this one, treated in any way.

The draws are what the scores leave of the terms, and everything that does not depend on the sessions is drawn once: the
context, the person's own course, the error of each score. So two ways of treating differ by what they do and not by
chance, and one more way costs some milliseconds. Before the first session the draws stand in settings (trials, places),
many people in each, so that a probability has a band: how far settings differ. After it the scores know both at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.domain.evidence import Text
from ketapath.domain.plan import Range
from ketapath.domain.response import Diagnostics, History
from ketapath.knowledge import Knowledge
from ketapath.response.equations import LINK_OFFSET, Array, person_nodes
from ketapath.response.individual import Fit, Posterior, learned, own_course, posterior_of, scores_from
from ketapath.response.known import fit_of, known, main_scale
from ketapath.response.outlook import Definitions, step_by_step, strays
from ketapath.response.person import Person, Reactions, Scale, baseline, by_session, drug_part, parts, person, scales_of
from ketapath.response.prior import Population
from ketapath.response.treatment import Session, equivalent_of, predicted, sessions_of, why_not_predicted

SETTINGS, PEOPLE = 50, 80  # source: our choice; 4,000 draws, and a setting's probability is known to 0.06
HORIZON_DAYS = 84.0  # source: science.md, days in remission are counted over 12 weeks
WEEK = 7.0
_PARTS = 20  # source: our choice; 200 draws in each
_LEAST = 1e-9  # source: floating point; below it nothing is told from nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """Possible persons like this one, n of them.

    `days` (t,) count from the first session, `now` is today among them; the totals are looked at on these days.
    `remaining` (t, n) is the fraction of symptoms that would be left without the drug, `start` (n,) the usual total,
    `steeper` (n,) how much steeper the scale falls, `shift` (t, n) by how much own course and error move the odds.
    `groups` (g, m) are equal parts of the draws: settings before the first session; after it parts in order of the drug
    effect that the scores leave possible. How far a probability moves between them is its band. `reactions` keeps what
    one session of a strength does, for many ways have it.
    """

    who: Person
    terms: Array
    scale: Scale
    now: float
    days: Array
    remaining: Array
    start: Array
    steeper: Array | None
    shift: Array
    given: tuple[Session, ...]
    events: Definitions
    groups: npt.NDArray[np.int64]
    diagnostics: Diagnostics
    # Never handed on by `replace`: it belongs to these very terms.
    reactions: Reactions = field(init=False, repr=False, default_factory=dict)

    @property
    def is_treated(self) -> bool:
        """Whether there have been sessions: days then count from the first of them, else from the first planned."""
        return bool(self.given)

    def band(self, values: Array) -> Range:
        """The mean of a quantity of each draw (n,), as quantiles over the groups; unit 1."""
        p05, p50, p95 = np.quantile(values[self.groups].mean(axis=1), (0.05, 0.5, 0.95)).tolist()
        return Range(p05=p05, p50=p50, p95=p95, unit="1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Treated:
    """What one way of treating does on the ensemble's days: whole totals, and the drug's part; each (t, n)."""

    totals: Array
    drug: Array


def treat(ensemble: Ensemble, sessions: Sequence[Session]) -> Treated:
    """The totals under these sessions, which follow those already given; days as in the ensemble."""
    who = replace(ensemble.who, sessions=(*ensemble.given, *sessions))
    drug = drug_part(who, ensemble.terms, ensemble.days, ensemble.reactions)
    top, pad = ensemble.scale.top, LINK_OFFSET * ensemble.scale.top
    # In place from here on: hundreds of ways pass through, and new arrays would cost more than the arithmetic.
    total = 1.0 - drug
    total *= ensemble.remaining
    if ensemble.steeper is not None:
        np.log(np.maximum(total, _LEAST, out=total), out=total)
        total *= ensemble.steeper
        np.exp(total, out=total)
    total *= ensemble.start
    # The total's odds on its link, moved by own course and error: a / b becomes a s / b, and the share a s / (a s + b).
    whole = (top + pad) - total
    total += pad
    total *= ensemble.shift
    whole += total
    total /= whole
    total *= top + 2.0 * pad
    total -= pad
    return Treated(totals=np.rint(np.clip(total, 0.0, top, out=total), out=total), drug=drug)


def on_days(ensemble: Ensemble, days: Array) -> Ensemble:
    """The same persons, looked at on some of their days alone."""
    rows = np.searchsorted(ensemble.days, days)
    return replace(ensemble, days=ensemble.days[rows], remaining=ensemble.remaining[rows], shift=ensemble.shift[rows])


def effect_of(ensemble: Ensemble, session: Session) -> Array:
    """The fraction of symptoms that the drug takes right after this one session, (n,)."""
    effects, _ = by_session(replace(ensemble.who, sessions=(session,)), ensemble.terms, ensemble.reactions)
    return effects[0]


def possible_persons(
    history: History,
    knowledge: Knowledge,
    population: Population,
    *,
    as_of: date,
    seed: int,
    ways: Sequence[tuple[str, str]],
    baseline_score: tuple[str, float] | None,
    looks: Sequence[float] = (),
) -> Ensemble | Text:
    """Possible persons like this one, or why there are none that may be spoken of.

    `ways` are the products and routes that may be given, only those that were studied for the condition count;
    `baseline_score` is scale and total before treatment, for somebody who has had none. Totals are looked at every week
    of the next twelve, and on `looks`, days from today.
    """
    parameters = knowledge.response
    studied = [(p, r) for p, r in ways if _is_studied(p, r, history.condition, parameters)]
    ahead = [Session(day=0.0, strength=0.0, equivalent=equivalent_of(*way)) for way in studied]
    record = known(history, knowledge, as_of)
    if not studied:
        return Text(key="benefit.not_predictable_condition")
    if record.first is None:
        if baseline_score is None:
            return Text(key="benefit.needs_score")
        fit, posterior = _untreated(history, knowledge, population, baseline_score, ahead, seed)
        return _drawn(fit, posterior, 0, 0.0, looks, (), baseline_score[1], knowledge, seed)
    main, why = main_scale(record, knowledge)
    reason, _ = why_not_predicted(history, record.given, parameters, has_depression_scale=record.is_depression)
    sessions, _ = sessions_of(record.given, history.weights_kg, parameters)
    if reason is not None or why is not None:
        return reason or why or Text(key="response.no_baseline")
    entry = record.baseline(main)
    if sessions is None or entry is None or entry.total is None:
        return Text(key="response.dose_unknown" if sessions is None else "response.no_baseline")
    fit = fit_of(record, main, sessions, history, knowledge, population, ahead=ahead)
    posterior = learned(fit, np.random.default_rng([seed, 1]))
    if not posterior.diagnostics.ok:
        return Text(key="response.not_trusted")
    index = [s.id for s in fit.who.scales].index(main)
    now = max(record.day(as_of), 0.0)
    return _drawn(fit, posterior, index, now, looks, sessions, entry.total, knowledge, seed)


def _is_studied(product: str, route: str, condition: str | None, parameters: Mapping[str, Any]) -> bool:
    row = predicted(product, route, parameters)
    return row is not None and (condition is None or condition in row["conditions"])


def _untreated(
    history: History,
    knowledge: Knowledge,
    population: Population,
    baseline_score: tuple[str, float],
    ahead: Sequence[Session],
    seed: int,
) -> tuple[Fit, Posterior]:
    """People in settings, who have the score that this person has before treatment."""
    parameters = knowledge.response
    scales = scales_of([baseline_score[0]], knowledge.instruments, parameters, population)

    def prior(*, between_persons: bool) -> Person:
        return replace(
            person(
                population, parameters, [*ahead, *ahead], scales,
                condition=history.condition, antidepressant_day=None, between_persons=between_persons,
            ),
            sessions=(),
        )  # fmt: skip

    who, setting = prior(between_persons=True), prior(between_persons=False)
    own = own_course(population, float(parameters["course_shared"]["share"]))
    fit = Fit(who, own, scores_from([(0.0, 0, baseline_score[1])]))
    rng = np.random.default_rng([seed, 6])
    fit, start = step_by_step(fit, rng).posterior(0, rng, SETTINGS * PEOPLE)
    terms = _crossed(who, setting, start.terms, rng)
    return fit, posterior_of(fit, terms, rng, start.diagnostics.ess)


def _crossed(who: Person, setting: Person, drawn: Array, rng: np.random.Generator) -> Array:
    """Terms of people, as many in each setting: the setting's terms, the person's own, and the baseline as drawn.

    Settings are few, so they are spread evenly and not drawn: as good for a mean as twelve times as many drawn ones,
    and no seed has better places than another.
    """
    d, k = len(who.names), len(who.scales)
    of_setting = setting.terms(person_nodes(SETTINGS, d))
    own = np.sqrt(np.maximum(who.variance - setting.variance, 0.0))
    terms = np.repeat(of_setting, PEOPLE, axis=1)
    terms = terms + own[:, None] * rng.standard_normal(terms.shape)
    terms[d - k :] = drawn[d - k :]
    return np.asarray(terms)


def _groups(fit: Fit, theta: Array, *, is_treated: bool) -> npt.NDArray[np.int64]:
    n = theta.shape[1]
    if not is_treated:
        return np.arange(n).reshape(SETTINGS, PEOPLE)
    return np.argsort(theta[fit.who.row["drug"]], kind="stable").reshape(_PARTS, n // _PARTS)


def _drawn(
    fit: Fit,
    posterior: Posterior,
    index: int,
    now: float,
    looks: Sequence[float],
    given: Sequence[Session],
    start: float,
    knowledge: Knowledge,
    seed: int,
) -> Ensemble:
    """Everything that no session changes, drawn once."""
    who, theta, scale = fit.who, posterior.terms, fit.who.scales[index]
    days = now + np.unique([0.0, *np.arange(WEEK, HORIZON_DAYS + 1.0, WEEK), *looks])
    own, error = strays(fit, posterior, index, days, np.random.default_rng([seed, 7]))
    undrugged = replace(who, sessions=())
    return Ensemble(
        who=replace(who, sessions=()),
        terms=theta,
        scale=scale,
        now=now,
        days=days,
        remaining=np.exp(parts(undrugged, theta, days).log_remaining()),
        start=baseline(who, theta, scale),
        steeper=None if scale.steeper is None else np.exp(theta[who.row[scale.steeper]]),
        shift=np.exp(own + error),
        given=tuple(given),
        events=Definitions.of(knowledge.instruments[scale.id], start, knowledge.response),
        groups=_groups(fit, theta, is_treated=bool(given)),
        diagnostics=posterior.diagnostics,
    )
