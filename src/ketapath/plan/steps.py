"""Which step do the scores suggest, once nothing stands against going on?

Non-response alone never stops before the induction ends: early non-responders still did better on esketamine than on
placebo at day 28. After it the rules speak of what was observed; the model's opinion stands beside it as a probability.
Improvement never lowers the level of care by itself: it widens the spacing, and ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ketapath.domain.plan import Decision
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.knowledge import Knowledge
from ketapath.plan.stops import RELAPSE, relapsed
from ketapath.plan.under_way import UnderWay

TAPER = "KP-263"
_REVIEWS = ("REG-021", "REG-004", "KP-246")
"""The rules that ask for enough of a gain at the review, one for each group of ways."""
_RAISE, _LOWER = "REG-015", "REG-015b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A decision with the key of its sentence, the rules it rests on, and what may be done instead.

    `way` tells the ways of adjusting apart: "dose", "lower" or "spacing".
    """

    decision: Decision
    why: str
    rules: tuple[str, ...]
    also: tuple[Decision, ...]
    way: str = ""


def suggested(now: UnderWay, course: Course, person: Profile, knowledge: Knowledge, *, at_ceiling: bool) -> Step:
    """The step that the rules suggest by what was observed, with those rules that speak of the product and route given.

    `at_ceiling`: no higher dose may be ordered.
    """
    step = _step(now, course, person, knowledge, at_ceiling=at_ceiling)
    return replace(step, rules=tuple(name for name in step.rules if _speaks(name, now, knowledge)))


def _step(now: UnderWay, course: Course, person: Profile, knowledge: Knowledge, *, at_ceiling: bool) -> Step:
    if course.item9 is not None and course.item9 > 0:
        return Step(decision="add", why="item9", rules=("MON-034", "CON-045"), also=("pause",))
    if now.sessions == 0:
        return Step(decision="continue", why="no_sessions", rules=(), also=())
    if now.gained is None and course.last_change is None:
        return Step(decision="add", why="no_scores", rules=("CON-046",), also=("continue",))
    if _holds(_LOWER, now, person, knowledge):
        return Step(decision="adjust", why="lower", rules=(_LOWER,), also=("continue", "pause"), way="lower")
    if now.in_induction:
        return _in_induction(now, person, knowledge, at_ceiling=at_ceiling)
    if relapsed(person, now, knowledge):
        rules = (RELAPSE, "REG-029") if now.is_spray else (RELAPSE,)
        also: tuple[Decision, ...] = ("continue", "switch", "add", "stop")
        return Step(decision="re-induce", why="relapse", rules=rules, also=also)
    if now.responds:
        return _responding(now, person, knowledge)
    if now.ever:
        rules = ("REG-008",) if now.is_spray else ("REG-023",)
        also = ("re-induce", "continue", "add", "switch", "stop")
        return Step(decision="adjust", why="fading", rules=rules, also=also, way="spacing")
    return _without_response(now, knowledge, at_ceiling=at_ceiling)


def rules_for(decision: Decision, now: UnderWay, knowledge: Knowledge) -> tuple[str, ...]:
    """The rules that speak of a step of this treatment."""
    going_on = ("REG-003", "REG-012") if now.in_induction else ("REG-003", "REG-023")
    named: dict[Decision, tuple[str, ...]] = {
        "continue": going_on,
        "adjust": ("REG-001", "REG-013", "REG-014"),
        "add": ("PSY-001",),
        "pause": ("MON-034",),
        "stop": ("REG-010", "REG-024", "MON-034") if now.responds else ("REG-004", "REG-021"),
        "taper": (TAPER, "REG-009", "REG-010"),
        "switch": ("REG-004", "REG-021"),
        "re-induce": (RELAPSE, "REG-029"),
    }
    return tuple(name for name in named[decision] if _speaks(name, now, knowledge))


def _in_induction(now: UnderWay, person: Profile, knowledge: Knowledge, *, at_ceiling: bool) -> Step:
    if _holds(_RAISE, now, person, knowledge) and not at_ceiling:
        return Step(decision="adjust", why="raise", rules=(_RAISE,), also=("continue", "add"), way="dose")
    rule = "REG-003" if now.is_spray else "REG-012"
    also: tuple[Decision, ...] = ("add",) if at_ceiling else ("adjust", "add")
    return Step(decision="continue", why="induction", rules=(rule,), also=also)


def _responding(now: UnderWay, person: Profile, knowledge: Knowledge) -> Step:
    too_early = now.is_spray and _holds("REG-009", now, person, knowledge)
    if _holds(TAPER, now, person, knowledge) and not too_early:
        rules = (TAPER, "REG-010") if now.is_spray else (TAPER, "REG-023")
        return Step(decision="taper", why="long_response", rules=rules, also=("continue", "stop", "add"))
    rules = ("REG-003", "REG-009") if now.is_spray else ("REG-023", "PSY-001")
    return Step(decision="continue", why="responded", rules=rules, also=("taper", "stop", "add"))


def _without_response(now: UnderWay, knowledge: Knowledge, *, at_ceiling: bool) -> Step:
    """At the review: little, or something short of a response."""
    review = next((name for name in _REVIEWS if _speaks(name, now, knowledge)), _REVIEWS[0])
    least = knowledge.rules[review].limit("course.improvement_percent") / 100
    higher: tuple[Decision, ...] = () if at_ceiling else ("adjust",)
    if now.gained is None or now.gained < least:
        also: tuple[Decision, ...] = ("switch", *higher, "continue", "add")
        return Step(decision="stop", why="no_response", rules=(review,), also=also, way="dose")
    if at_ceiling:
        rules = (review,) if now.is_spray else (review, "REG-014")
        return Step(decision="switch", why="partial_ceiling", rules=rules, also=("add", "continue", "stop"))
    rules = (review, "REG-001") if now.is_spray else (review, "REG-013")
    return Step(decision="adjust", why="partial", rules=rules, also=("continue", "add", "switch", "stop"), way="dose")


def _holds(name: str, now: UnderWay, person: Profile, knowledge: Knowledge) -> bool:
    """Whether this rule speaks of the treatment and is true of the person today."""
    return _speaks(name, now, knowledge) and knowledge.rules[name].holds(person.known, as_of=person.as_of) is True


def _speaks(name: str, now: UnderWay, knowledge: Knowledge) -> bool:
    """Whether this rule speaks of the product and route of the treatment."""
    product, route = (None, None) if now.last is None else (now.last.product, now.last.route)
    return knowledge.rules[name].scope.covers(product=product, route=route, jurisdiction="")
