"""Invented ways of giving for tests of the choice between them: a grid of doses, courses and spacings, quickly made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from tests.records import KNOWLEDGE

from ketapath.domain.evidence import Text, Verdict
from ketapath.domain.plan import Burden, Cost, DoseStep, HarmChance, Regimen, Tier, Worth
from ketapath.knowledge import SITE_DEFAULT, Knowledge
from ketapath.plan.harms import LIMITED, Chances
from ketapath.plan.ways import INTERVALS_DAYS, Outcome, Way
from ketapath.response.ensemble import HORIZON_DAYS, SETTINGS, Ensemble

_EVERYWHERE = Text(key="chance.at_any")


def under(knowledge: Knowledge = KNOWLEDGE, **figures: float) -> Knowledge:
    """The knowledge with these figures of the policy."""
    policy = {n: {**spec, "value": figures.get(n, spec["value"])} for n, spec in knowledge.policy.items()}
    return replace(knowledge, policy=policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What a test has to say of a way; the rest follows. `better` are better days of each possible person, (n,).

    `risk` is the chance of each limited harm, None where nothing is known of it.
    """

    product: str = "racemic"
    mg: float | None = 35.0
    sessions: int = 6
    better: Sequence[float] | None = (20.0,) * 100
    tier: Tier = "studied"
    verdict: Verdict = "eligible"
    risk: float | None = 0.01
    marked: float | None = 0.3
    hours: float | None = None
    own_share: float | None = None
    too_little: bool = False
    infusion_min: float | None = 40.0
    is_usual: bool = False


def way(sketch: Sketch, code: str, knowledge: Knowledge = KNOWLEDGE) -> Way:
    """A way as the planner makes them, held against the limits of this knowledge."""
    days = tuple(range(0, 3 * sketch.sessions, 3))
    step = DoseStep(from_session=1, dose_mg=sketch.mg or 0.0, formula="", condition=None, rule_ids=())
    harms = tuple(_harm(name, sketch.risk, knowledge.figure(figure)) for name, (*_, figure) in LIMITED.items())
    mg = {} if sketch.mg is None else dict.fromkeys(INTERVALS_DAYS, sketch.mg * sketch.sessions)
    better = None if sketch.better is None else np.asarray(sketch.better, dtype=np.float64)
    return Way(
        regimen=Regimen(
            protocol_id=sketch.product, code=code, doses=(0.5,), infusion_min=sketch.infusion_min, course="some",
            days=days, every_days=None,
        ),
        is_usual=sketch.is_usual,
        protocol={"product": sketch.product, "route": "iv", "id": sketch.product},
        verdict=sketch.verdict,
        first=None,
        withheld=None,
        steps=() if sketch.mg is None else (step,),
        session_days=days,
        tier="not-predictable" if better is None else sketch.tier,
        outcome=None if better is None else Outcome(better=better, most_effect=0.2, bands=dict),
        not_predicted=Text(key="benefit.not_predictable_condition") if better is None else None,
        chances=Chances(harms=harms, marked=sketch.marked),
        too_little=None if better is None else sketch.too_little,
        sessions_by_days=dict.fromkeys(INTERVALS_DAYS, float(sketch.sessions)),
        burden=Burden(
            visits=2 * sketch.sessions + 2,
            hours=3.0 * sketch.sessions if sketch.hours is None else sketch.hours,
            marked_sessions=None if sketch.marked is None else sketch.marked * sketch.sessions,
            days=int(HORIZON_DAYS),
            mg_by_days=mg,
        ),
        cost=Cost(currency="USD", total=None, own_share=sketch.own_share, lacking=()),
    )  # fmt: skip


def ways(sketches: Mapping[str, Sketch], knowledge: Knowledge = KNOWLEDGE) -> list[Way]:
    """Ways by their codes, in order."""
    return [way(sketch, code, knowledge) for code, sketch in sketches.items()]


def worth(**days: float) -> tuple[Worth, ...]:
    """What one unit of each thing is worth to a person, in better days."""
    return tuple(
        Worth(thing=thing, unit=Text(key=f"worth.{thing}"), better_days=value, stated=None)
        for thing, value in days.items()
    )


def _harm(name: str, p: float | None, limit: float) -> HarmChance:
    return HarmChance(
        id=name, statement=Text(key=f"chance.{name}"), condition=_EVERYWHERE, p=p, p05=p, p95=p, limit=limit,
        within=None if p is None else p <= limit, assumed=False, unknown=None if p is not None else _EVERYWHERE,
        evidence=(SITE_DEFAULT,),
    )  # fmt: skip


@cache
def hundred() -> Ensemble:
    """A hundred possible persons in fifty settings, for a choice between ways whose better days a test invents."""
    nothing: dict[str, Any] = {f.name: None for f in fields(Ensemble) if f.init}
    return Ensemble(**nothing | {"groups": np.arange(2 * SETTINGS).reshape(SETTINGS, 2), "given": ()})
