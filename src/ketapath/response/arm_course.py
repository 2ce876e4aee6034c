"""How does an arm of a trial do? Mean change, response, remission and relapse of many people under the equations.

People of an arm stand as even nodes; what an observed score adds (a lasting signed part, a slow signed course, the
error of measurement) is normal on the scale's link and is integrated by quadrature. Every function takes the array
module and broadcasts: leading axes are rows of a table or draws of the parameters, the last axis is people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ketapath.response.equations import (
    Array,
    after_sessions,
    context_part,
    error_on_link,
    expected_total,
    expit,
    half_life_days,
    halved,
    link,
    person_nodes,
    session_effect,
    unlink,
    with_odds,
)

NODES = 32  # source: our choice; a change is within a fifth of a point of that with 512
RELAPSE_PEOPLE = 128  # source: our choice; a share is within a hundredth of that with 4,096
RELAPSE_SHARE = 2.0 / 3.0  # source: SALLOUM2019 says relapse from a MADRS of 22, of the 33 that trials start from
STUDIED_DAYS = 42.0  # source: response.yaml, studied_days; scores were followed so long, and so was leaving
_SOFT = 0.1  # source: our choice, on the link; steps become slopes, so that the fit can follow them


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One assessment: day since the first session, and the sessions before it from the first to the last.

    `gaps_days` and `mg_per_kg` (racemic by vein that would do as much, 0 for no session) have one entry a session.
    `days_on_new` is negative where no new antidepressant was started.
    """

    day: Any
    gaps_days: Sequence[Any]
    mg_per_kg: Sequence[Any]
    since_last: Any
    days_on_new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What is measured and when it starts: highest total, mean and spread of the baseline, error, steepness."""

    top: Any
    baseline: Any
    baseline_sd: Any
    error: Any
    steeper: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An arm at a visit: mean and standard deviation of the change in points, shares with response and remission."""

    change: Any
    change_sd: Any
    end_sd: Any
    response: Any
    remission: Any


def improved(xp: Any, people: Mapping[str, Any], visit: Visit, nodes: Array) -> Any:
    """The fraction improved of each person at this visit; `nodes` (people, 3 or more) for context, drug, half-life."""
    multiple = [xp.exp(people[name] * nodes[:, i]) for i, name in enumerate(("person_context", "person_drug"))]
    stretch = xp.exp(people["person_half_life"] * nodes[:, 2])
    context = context_part(
        xp,
        expit(xp, people["context"]),
        people["visits"],
        visit.day,
        people["new_antidepressant"],
        visit.days_on_new,
    )
    drug = 0.0 * stretch
    if visit.mg_per_kg:
        at_half = with_odds(people["drug_at_half"], multiple[1])
        effects = [session_effect(xp, dose, at_half, people["ed50_mg_per_kg"]) for dose in visit.mg_per_kg]
        half_lives = [
            half_life_days(xp, dose, people["half_life_days"] * stretch, people["half_life_slope"])
            for dose in visit.mg_per_kg
        ]
        level = after_sessions(xp, visit.gaps_days, effects, half_lives, people["build_up"])[-1]
        drug = level * halved(xp, visit.since_last / half_lives[-1])
    return 1.0 - (1.0 - with_odds(context, multiple[0])) * (1.0 - drug)


def outcome(xp: Any, people: Mapping[str, Any], visit: Visit, scale: Scale, remission_at: Any) -> Outcome:
    """The arm at this visit on this scale; `remission_at` is the highest total that counts as remission.

    People who leave by STUDIED_DAYS count as not responded. Later leaving is not modelled: no score tells of it.
    """
    nodes = _nodes(5)
    y = improved(xp, people, visit, nodes)
    error, course = error_on_link(scale.error, scale.top), people["course_sd"]
    first_sd = xp.sqrt(course**2 + error**2)
    truth = link(xp, scale.baseline, scale.top) + baseline_spread(xp, scale, first_sd) * nodes[:, 3]
    own = first_sd * nodes[:, 4]
    first = unlink(xp, truth + own, scale.top)
    carried = _memory(xp, people, visit.day) * course**2 / first_sd**2
    remaining = (1.0 - y) ** scale.steeper
    middle = link(xp, unlink(xp, truth, scale.top) * remaining, scale.top) + carried * own
    spread = xp.sqrt(people["lasting_sd"] ** 2 + first_sd**2 * (1.0 - carried**2))
    mean, square = expected_total(xp, middle, spread, scale.top)
    change = (mean - first).mean(-1)
    stay = xp.exp(-people["dropout_per_day"] * xp.minimum(visit.day, STUDIED_DAYS)).mean(-1)
    return Outcome(
        change=change,
        change_sd=xp.sqrt((square - 2.0 * mean * first + first**2).mean(-1) - change**2),
        end_sd=xp.sqrt(square.mean(-1) - mean.mean(-1) ** 2),
        response=stay * _below(xp, first / 2.0, middle, spread, scale.top).mean(-1),
        remission=stay * _below(xp, remission_at + 0.5, middle, spread, scale.top).mean(-1),  # totals are whole
    )


def relapse(
    xp: Any, people: Mapping[str, Any], visits: Sequence[Visit], scale: Scale, *, remitters: Any, remission_at: Any
) -> Any:
    """Share of those in response (or remission) at the first visit whose total is at relapse at a later one.

    The course of each person is simulated from visit to visit: relapse is an event of it. `remitters` is 0 or 1.
    """
    error, course = error_on_link(scale.error, scale.top), people["course_sd"]
    normal = _relapse_normals(7 + 2 * len(visits))
    truth = (
        link(xp, scale.baseline, scale.top) + baseline_spread(xp, scale, xp.sqrt(course**2 + error**2)) * (normal[:, 3])
    )
    own = course * normal[:, 4]
    first = unlink(xp, truth + own + error * normal[:, 5], scale.top)
    lasting, day = people["lasting_sd"] * normal[:, 6], 0.0 * visits[0].day
    relapsed_at = link(xp, RELAPSE_SHARE * scale.baseline, scale.top)
    here: Any = 0.0
    still: Any = 1.0
    for index, visit in enumerate(visits):
        kept = _memory(xp, people, visit.day - day)
        own = kept * own + course * xp.sqrt(1.0 - kept**2) * normal[:, 7 + 2 * index]
        remaining = (1.0 - improved(xp, people, visit, normal)) ** scale.steeper
        score = link(xp, unlink(xp, truth, scale.top) * remaining, scale.top) + lasting + own
        score = score + error * normal[:, 8 + 2 * index]
        day = visit.day
        if index == 0:
            responded = expit(xp, (link(xp, first / 2.0, scale.top) - score) / _SOFT)
            remitted = expit(xp, (link(xp, remission_at + 0.5, scale.top) - score) / _SOFT)
            here = remitters * remitted + (1.0 - remitters) * responded
        else:
            still = still * (1.0 - expit(xp, (score - relapsed_at) / _SOFT))
    return 1.0 - (here * still).sum(-1) / here.sum(-1)


def baseline_spread(xp: Any, scale: Scale, first_sd: Any) -> Any:
    """True spread of the baseline on the link: what was seen, less what course and error add to it."""
    seen = error_on_link(scale.baseline_sd, scale.top)
    return xp.sqrt(xp.maximum(seen**2 - first_sd**2, (0.3 * seen) ** 2))  # source: our choice, at least a third of it


def _memory(xp: Any, people: Mapping[str, Any], days: Any) -> Any:
    return xp.exp(-days / people["course_days"])


def _below(xp: Any, total: Any, middle: Any, spread: Any, top: Any) -> Any:
    return normal_below(xp, (link(xp, total, top) - middle) / spread)


def normal_below(xp: Any, z: Any) -> Any:
    """Share of a standard normal below z, within 1e-7 (Abramowitz and Stegun 7.1.26)."""
    t = 1.0 / (1.0 + 0.3275911 * xp.abs(z) / 2.0**0.5)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = 0.5 * poly * xp.exp(-(z**2) / 2.0)
    return xp.where(z >= 0.0, 1.0 - tail, tail)


@lru_cache(maxsize=4)
def _nodes(dimensions: int) -> Array:
    return person_nodes(NODES, dimensions)


@lru_cache(maxsize=16)
def _relapse_normals(dimensions: int) -> Array:
    """The same people each time (RELAPSE_PEOPLE, dimensions): a simulated share must not jump between two calls."""
    half = np.random.default_rng(20).standard_normal((RELAPSE_PEOPLE // 2, dimensions))
    return np.concatenate([half, -half])
