"""What do all scales of this person say together? The course of depression, beside it every other scale and goal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from ketapath.domain.fact import Dose, ScoreEntry
from ketapath.domain.response import Course, EarlyWarning, Goal, ScaleCourse
from ketapath.knowledge import Knowledge
from ketapath.response.totals import is_under_the_first_dose, one_a_day
from ketapath.response.trend import rising, trend

__all__ = ["with_every_scale"]


def with_every_scale(
    found: Course,
    *,
    scores: Sequence[ScoreEntry],
    doses: Sequence[Dose],
    goals: tuple[Goal, ...],
    as_of: date,
    knowledge: Knowledge,
) -> Course:
    """The course with every scale that has a score, its own first, with the goals, and a warning where one got worse.

    What the course already holds stays as it is: only scales, goals and a warning that it lacks are added. Days count
    from the first session; before one, each scale counts from its own first score, as the course does.
    """
    given = sorted((d for d in doses if d.on <= as_of), key=lambda d: d.on)
    counted = [s for s in scores if s.on <= as_of and not is_under_the_first_dose(s, given)]
    starts = {name: given[0].on if given else _first_score(counted, name) for name in knowledge.instruments}
    held = {scale.scale: scale for scale in found.scales}
    order = dict.fromkeys([found.scale, *held, *knowledge.instruments])
    scored = {s.instrument for s in counted}
    scales = []
    for name in order:
        if name in held:
            scales.append(held[name])
        elif name in scored or (name == found.scale and found.curve is not None):
            own = trend(counted, knowledge.instruments[name], first=starts[name], as_of=as_of, knowledge=knowledge)
            scales.append(_as_modelled(own, found) if name == found.scale and found.curve is not None else own)
    return replace(
        found,
        scales=tuple(scales),
        goals=found.goals or goals,
        warning=found.warning or _warning(scales, starts, knowledge),
    )


def _first_score(scores: Sequence[ScoreEntry], scale: str) -> date:
    """The day of the first usable score of this scale; where none is usable, of the first score at all."""
    own = [s for s in scores if s.instrument == scale]
    usable, _ = one_a_day(own)
    return min((s.on for s in usable or own), default=date.min)


def _as_modelled(own: ScaleCourse, found: Course) -> ScaleCourse:
    """The scale that has a model, with the model's curve; what was set aside stands in the notes of the course."""
    return replace(
        own,
        is_modelled=True,
        baseline=found.baseline,
        baseline_on=found.baseline_on,
        observed=found.observed,
        curve=found.curve,
        expected=found.expected,
        notes=(),
    )


def _warning(scales: Iterable[ScaleCourse], starts: Mapping[str, date], knowledge: Knowledge) -> EarlyWarning | None:
    """The newest sign; of several on one day, that of the scale that stands first."""
    found: EarlyWarning | None = None
    newest = date.min
    for scale in scales:
        first = starts[scale.scale]
        sign = rising(scale, knowledge.instruments[scale.scale], first=first, knowledge=knowledge)
        if sign is not None and first + timedelta(days=sign.day) > newest:
            found, newest = sign, first + timedelta(days=sign.day)
    return found
