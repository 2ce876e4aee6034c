"""An invented person with every part of a course, for pages: what an engine may find, written down by hand.

The shapes follow `ketapath.domain.response`; no number here is a claim about treatment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

from clinic.queries import person as queries
from clinic.record.projections import knowledge
from ketapath.domain.evidence import Evidence, Text
from ketapath.domain.fact import Origin, ScoreEntry
from ketapath.domain.profile import Profile, Trial
from ketapath.domain.response import (
    Chance,
    Change,
    Course,
    Diagnostics,
    EarlyWarning,
    Goal,
    GoalRating,
    Influence,
    Observed,
    Posterior,
    Provenance,
    RecoveryCurve,
    ScaleCourse,
)
from ketapath.knowledge import published

HOUSE_RULE = (Evidence(kind="site-default", key=None, citation="site default", locator="", trust="unread"),)
TITLES = {
    "phq9": "PHQ-9", "qids_sr16": "QIDS-SR16", "madrs": "MADRS", "gad7": "GAD-7", "pcl5": "PCL-5", "peg": "PEG",
    "who5": "WHO-5",
}  # fmt: skip
TOPS = {"phq9": 27.0, "qids_sr16": 27.0, "madrs": 60.0, "gad7": 21.0, "pcl5": 80.0, "peg": 10.0, "who5": 100.0}
MODELLED = {"phq9", "qids_sr16", "madrs", "gad7"}
TOTALS: dict[str, tuple[tuple[int, float], ...]] = {
    "phq9": ((-6, 20), (3, 15), (7, 11), (10, 12), (14, 8), (17, 9), (21, 14)),
    "qids_sr16": ((-6, 18), (7, 12), (14, 9), (21, 13)),
    "madrs": ((-6, 32), (17, 15)),
    "gad7": ((-6, 14), (7, 11), (14, 8), (21, 12)),
    "pcl5": ((-6, 41), (14, 30)),
    "peg": ((-6, 5.3), (7, 4.7), (14, 4.0)),
    "who5": ((-6, 24), (7, 40), (14, 52), (21, 36)),
}
WORDS = {
    "test.warning": "PHQ-9 of 14 on 22 Nov is 5 points above the best score so far; nine of ten such people would be "
    "at 13 or below on that day.",
    "test.reliable": "A change counts as reliable from {points} points on: two measurements of an unchanged person "
    "differ by less in 19 of 20 pairs.",
}


def in_course(person: Profile) -> Profile:
    """The same person with scores on every scale, one session not given, and a new antidepressant."""
    if not person.doses:
        return person
    first = person.doses[0].on
    scores = [
        ScoreEntry(
            instrument=scale, on=first + timedelta(days=day), total=float(total), items=(),
            origin=Origin(resource="Observation", id=f"{scale}-{day + 10}", version="1"),
        )
        for scale, totals in TOTALS.items()
        for day, total in totals
    ]  # fmt: skip
    scores.append(
        ScoreEntry(
            instrument="phq9", on=first + timedelta(days=12), total=None, items=(2, None, 1, 1, 0, 1, 1, 0, 0),
            origin=Origin(resource="QuestionnaireResponse", id="half", version="1"),
            reason=Text(key="response.score_set_aside", values={"on": str(first + timedelta(days=12))}),
        )
    )  # fmt: skip
    begun = Trial(
        substance="bupropion", start=first + timedelta(days=9), end=None, weeks=None, max_daily_dose_mg=None,
        adherence=None, adequate=None, failed=None, reason=Text(key="trial.failed"), origins=(),
    )  # fmt: skip
    kept = tuple(dose for number, dose in enumerate(person.doses) if number != 3)
    return replace(person, scores=tuple(scores), doses=kept, trials=(*person.trials, begun))


def course(first: date) -> Course:
    """A course with every field filled: better for two weeks, then rising."""
    scales = tuple(_scale(name, first) for name in TOTALS)
    return Course(
        scale="phq9", baseline=20.0, baseline_on=(first - timedelta(days=6)).isoformat(), sessions=5,
        observed=scales[0].observed, curve=scales[0].curve, expected=scales[0].expected, scales=scales,
        posterior=(
            Posterior(quantity="fraction_improved_now", unit="1", p05=0.08, p50=0.34, p95=0.58),
            Posterior(quantity="half_life_days", unit="d", p05=5.2, p50=8.5, p95=13.0),
        ),
        horizon_day=42.0, p_response=0.31, p_remission=0.08, p_relapse_by=((42.0, 0.46),), p_worse=0.004,
        reliable_change="improved", last_change=-6.0, item9=0,
        diagnostics=Diagnostics(ess=2310.0, pareto_k=0.31, method="laplace-t importance sample", ok=True),
        evidence=_published(), notes=(Text(key="response.split_unknown"), Text(key="response.no_more_sessions")),
        chances=(
            Chance(day=28.0, p_response=0.42, p_remission=0.13, p_relapse=None),
            Chance(day=42.0, p_response=0.31, p_remission=0.08, p_relapse=0.46),
            Chance(day=70.0, p_response=0.24, p_remission=0.06, p_relapse=0.63),
        ),
        influences=(
            _influence(3, "phq9", 15, (9, 16, 22), 0.20, 0.22), _influence(7, "phq9", 11, (8, 14, 20), 0.28, 0.36),
            _influence(7, "who5", 40, (20, 38, 60), 0.36, 0.37), _influence(10, "phq9", 12, (6, 11, 17), 0.40, 0.40),
            _influence(14, "phq9", 8, (6, 11, 16), 0.44, 0.50), _influence(14, "qids_sr16", 9, (4, 9, 15), 0.50, 0.50),
            _influence(17, "phq9", 9, (4, 8, 14), 0.53, 0.52), _influence(21, "phq9", 14, (3, 8, 13), 0.50, 0.34),
        ),
        warning=EarlyWarning(
            day=21.0, scale="phq9", kind="relapse", statement=Text(key="test.warning"), probability=0.82,
            evidence=HOUSE_RULE,
        ),
        goals=_goals(first),
        provenance=Provenance(name="literature", version="2026-11", digest="9f2c4e51aa07b3c8"),
    )  # fmt: skip


def failed(first: date) -> Course:
    """The same where the checks of the inference failed."""
    wrong = Diagnostics(ess=37.0, pareto_k=1.2, method="tempered sequential Monte Carlo", ok=False)
    return replace(course(first), diagnostics=wrong, notes=(Text(key="response.surprising"),))


def without_model(first: date) -> Course:
    """PTSD: own scores alone, every scale charted without a model, nothing forecast."""
    scales = tuple(
        replace(_scale(name, first), is_modelled=False, expected=None, curve=_until(_scale(name, first).curve, 24.0))
        for name in ("pcl5", "phq9")
    )
    return replace(
        course(first), scale="pcl5", baseline=None, baseline_on=None, observed=scales[0].observed, scales=scales,
        curve=scales[0].curve, expected=None, posterior=(), horizon_day=None, p_response=None, p_remission=None,
        p_relapse_by=(), p_worse=None, diagnostics=None, chances=(), influences=(), warning=None, goals=(),
        provenance=None, notes=(Text(key="response.not_predictable", values={"product": "racemic", "route": "sc"}),),
    )  # fmt: skip


def bare(first: date) -> Course:
    """A course of which an engine could say nothing: every field empty."""
    return Course(
        scale="phq9", baseline=None, baseline_on=None, sessions=0, observed=(), posterior=(), curve=None,
        horizon_day=None, p_response=None, p_remission=None, p_relapse_by=(), p_worse=None, reliable_change=None,
        last_change=None, item9=None, diagnostics=None, evidence=(), notes=(),
    )  # fmt: skip


@contextmanager
def staged(patient_id: str, made: Callable[[date], Course]) -> Iterator[None]:
    """While this lasts the person with this id has a course on every scale, and the course found is the one made."""
    real_profile, real_treated, known = queries.profile, queries.journey.treated, knowledge()
    texts = known.texts

    def profile(*args: object, **kwargs: object) -> Profile:
        person = real_profile(*args, **kwargs)  # type: ignore[arg-type]
        return in_course(person) if person.patient_id == patient_id else person

    def treated(person: Profile, *args: object, **kwargs: object) -> object:
        candidacy, found, card = real_treated(person, *args, **kwargs)  # type: ignore[arg-type]
        is_this_one = person.patient_id == patient_id and person.doses
        return candidacy, made(person.doses[0].on) if is_this_one else found, card

    kept = (queries._chart, queries._assessed, queries._planned, queries._treated, queries._screened, queries._marked)
    queries.profile, queries.journey.treated = profile, treated  # type: ignore[assignment]
    object.__setattr__(known, "texts", {**texts, **WORDS})
    try:
        for results in kept:
            results.cache_clear()
        yield
    finally:
        queries.profile, queries.journey.treated = real_profile, real_treated
        object.__setattr__(known, "texts", texts)
        for results in kept:
            results.cache_clear()


def _scale(name: str, first: date) -> ScaleCourse:
    totals, top = TOTALS[name], TOPS[name]
    before, after = float(totals[0][1]), float(totals[-1][1])
    higher = name == "who5"
    observed = tuple(Observed(day=float(d), total=float(t), origin=f"Observation/{name}-{d + 10}/_history/1")
                     for d, t in totals)  # fmt: skip
    modelled = name in MODELLED
    points = 0.2 * top
    gain = (after - before) if higher else before - after
    return ScaleCourse(
        scale=name, title=TITLES[name], top=top, higher_is_better=higher, is_modelled=modelled, baseline=before,
        baseline_on=(first - timedelta(days=6)).isoformat(), observed=observed,
        curve=_curve(name, before, after, top, until=63.0 if modelled else 24.0),
        expected=_curve(name, before, 0.52 * before, top, until=63.0, wide=0.30) if modelled else None,
        change=Change(
            before=before, after=after, points=points, definition=Text(key="test.reliable", values={"points": points}),
            verdict="improved" if gain >= points else "worse" if gain <= -points else "no reliable change",
            evidence=HOUSE_RULE,
        ),
    )  # fmt: skip


def _curve(name: str, before: float, after: float, top: float, *, until: float, wide: float = 0.16) -> RecoveryCurve:
    days = tuple(float(day) for day in range(int(until) + 1))
    middle = [after + (before - after) * math.exp(-day / 6.0) + 0.1 * (before - after) * day / until for day in days]
    spread = [wide * top * (0.7 + 0.5 * day / until) for day in days]

    def at(z: float) -> tuple[float, ...]:
        return tuple(min(top, max(0.0, m + z * s)) for m, s in zip(middle, spread, strict=True))

    return RecoveryCurve(scale=name, days=days, p05=at(-1), p25=at(-0.41), p50=at(0), p75=at(0.41), p95=at(1))


def _until(curve: RecoveryCurve | None, day: float) -> RecoveryCurve | None:
    if curve is None:
        return None
    n = sum(d <= day for d in curve.days)
    parts = {name: getattr(curve, name)[:n] for name in ("days", "p05", "p25", "p50", "p75", "p95")}
    return RecoveryCurve(scale=curve.scale, **parts)


def _influence(
    day: int, scale: str, total: float, band: tuple[float, float, float], before: float, after: float
) -> Influence:
    return Influence(
        day=float(day), scale=scale, total=float(total), expected_p05=band[0], expected_p50=band[1],
        expected_p95=band[2], improved_before=before, improved_after=after,
    )  # fmt: skip


def _goals(first: date) -> tuple[Goal, ...]:
    def rated(*levels: tuple[int, int]) -> tuple[GoalRating, ...]:
        return tuple(
            GoalRating(on=first + timedelta(days=day), level=level, origin=f"Observation/goal-{day}")
            for day, level in levels
        )

    return (
        Goal(words="Walk my daughter to school again, twice a week", status="active", since=first - timedelta(days=6),
             ratings=rated((-6, -2), (7, -1), (14, 1), (21, -1)), origin="Goal/walk"),
        Goal(words="أن أنام الليل كله", status="accepted", since=None, ratings=(), origin="Goal/sleep"),
    )  # fmt: skip


def _published() -> tuple[Evidence, ...]:
    return (published(next(iter(knowledge().sources.values()))),)
