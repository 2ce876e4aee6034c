"""Which ways are offered, in which order, and how much does the order mean? Limits first, then what the person wants.

Limits of the policy cut ways out before anything is compared, at both ends: too much risk, too little effect. What is
left is ranked by utility: better days (half of the symptoms gone) less what the person gives up for them. A thing that
is not known of every way ranks none: what is not known is never taken for nothing. Of the ways
of one product and route that no smallest difference tells from the best, the gentlest stands first. A way whose benefit
no study carries never stands above one that a study does. Where two differ by less than the policy's smallest
difference, or places do not agree which is better, the plan says so instead of making an order of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ketapath.domain.evidence import VERDICTS_FROM_BEST, Text
from ketapath.domain.plan import Cut, DoseWindow, Range, Standing, Tier, Worth
from ketapath.knowledge import Knowledge
from ketapath.plan.harms import LIMITED
from ketapath.plan.ways import INTERVALS_DAYS, Outcome, Way
from ketapath.response.ensemble import Ensemble
from ketapath.response.equations import Array

_TIERS: tuple[Tier, ...] = ("studied", "outside-studies", "not-predictable")
_EQUAL = 1e-9  # source: floating point


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A way with its place among those offered."""

    way: Way
    standing: Standing
    window: DoseWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is offered, best first; what limits took out; and `cut`: the ways of giving of which nothing is left.

    `kept` are the ids of all ways that no limit took out, `utilities` what each of them is worth, where predicted;
    `worths` are those that were asked for, each with whether it counted.
    """

    offered: tuple[Chosen, ...]
    kept: frozenset[str]
    utilities: Mapping[str, Array]
    cuts: tuple[Cut, ...]
    cut: Mapping[str, Text]
    worths: tuple[Worth, ...]
    comparison: Text


Limit = tuple[str, float, Callable[[Way], bool]]
"""A limit by name with its figure, and which ways it takes out. What is not known breaks none."""


def choose(
    ways: Sequence[Way],
    possible: Ensemble | Text,
    worths: Sequence[Worth],
    knowledge: Knowledge,
    *,
    own: Iterable[Limit] = (),
) -> Choice:
    """The ways to show, in order. `ways` are all that knowledge leaves open, `own` this person's own limits."""
    limits = [*own, *_limits(knowledge)]
    kept = [w for w in ways if not any(breaks(w) for _, _, breaks in limits)]
    cuts = tuple(c for c in (_cut(name, limit, breaks, ways) for name, limit, breaks in limits) if c.removed)
    weighed = tuple(_weighed(worth, kept) for worth in worths)
    utilities = {w.regimen.id: u for w in kept if (u := utility(w, w.outcome, weighed)) is not None}
    # Where nothing can be predicted the protocol's own way stands first: sorting keeps the order in which ways came.
    ranked = _gentlest_first(sorted(kept, key=lambda w: _rank(w, utilities)), utilities, knowledge)
    shown = _shown(ranked, utilities, int(knowledge.figure("shown_options")))
    offered = tuple(
        Chosen(
            way=w,
            standing=_standing(place, w, shown, utilities, possible, knowledge),
            window=_window(w, ways, limits),
        )
        for place, w in enumerate(shown, start=1)
    )
    gone = {w.name for w in ways} - {w.name for w in kept}
    cut = {name: _why_gone(name, ways, limits) for name in dict.fromkeys(w.name for w in ways) if name in gone}
    return Choice(
        offered=offered, kept=frozenset(w.regimen.id for w in kept), utilities=utilities, cuts=cuts, cut=cut,
        worths=weighed, comparison=_comparison(offered),
    )  # fmt: skip


def _limits(knowledge: Knowledge) -> Iterable[Limit]:
    """Every limit of the policy."""
    for name in LIMITED:
        yield name, knowledge.figure(LIMITED[name][3]), lambda w, n=name: n in w.chances.broken  # type: ignore[misc]
    for days in INTERVALS_DAYS:
        most = knowledge.figure(f"limit_sessions_{days}_days")
        yield f"sessions-{days}", most, lambda w, d=days, m=most: w.sessions_by_days[d] > m  # type: ignore[misc]
    yield "too-little", knowledge.figure("least_drug_effect"), lambda w: w.too_little is True


def _cut(name: str, limit: float, breaks: Callable[[Way], bool], ways: Sequence[Way]) -> Cut:
    removed = [w for w in ways if breaks(w)]
    left: dict[str, float | None] = {}
    for way in removed:
        doses = [o.most_mg for o in ways if o.name == way.name and not breaks(o) and o.most_mg is not None]
        left[way.name] = max(doses, default=None)
    shown = f"{100 * limit:g}" if name in {*LIMITED, "too-little"} else f"{limit:g}"
    statement = Text(key=f"cut.{name}", values={"limit": shown, "removed": len(removed)})
    return Cut(id=name, statement=statement, limit=limit, removed=len(removed), left_mg=left)


def amounts(way: Way) -> dict[str, float | None]:
    """How much a way asks of each thing that a person may weigh; None where it is not known."""
    return {
        "visits": float(way.burden.visits),
        "hours": way.burden.hours,
        "dissociation": way.burden.marked_sessions,
        "cost": None if way.cost.own_share is None else way.cost.own_share / _HUNDRED,
    }


_HUNDRED = 100.0  # source: our choice; what 100 of the clinic's currency are worth is asked


def _weighed(worth: Worth, ways: Sequence[Way]) -> Worth:
    """The worth, counted only where its thing is known of every way that has a benefit to set it against."""
    return replace(worth, counted=all(amounts(w)[worth.thing] is not None for w in ways if w.outcome is not None))


def utility(way: Way, outcome: Outcome | None, worths: Sequence[Worth]) -> Array | None:
    """Better days of each possible person less what is given up for them, (n,); None where benefit is not predicted."""
    if outcome is None:
        return None
    asked = amounts(way)
    given_up = sum(w.better_days * (asked[w.thing] or 0.0) for w in worths if w.counted)
    return outcome.better - given_up


def _rank(way: Way, utilities: Mapping[str, Array]) -> tuple[float, ...]:
    """Studied before not; then what may be done now; then utility; then the lesser burden."""
    utility = utilities.get(way.regimen.id)
    place = (float(_TIERS.index(way.tier)), float(VERDICTS_FROM_BEST.index(way.verdict) > 1))
    if utility is None:
        return place
    return (
        *place,
        -round(float(utility.mean()), 6),
        float(way.burden.visits),
        way.burden.mg_by_days.get(INTERVALS_DAYS[1], 0.0),
        way.regimen.infusion_min or 0.0,
    )


def _gentlest_first(ranked: Sequence[Way], utilities: Mapping[str, Array], knowledge: Knowledge) -> list[Way]:
    """The same order, with the gentlest of those in front that no smallest difference tells from the best.

    Only ways of the best one's product and route that stand as well as it: doses of two products do not compare. A
    stricter limit takes the strongest out and never lets a stronger one in, so it can only lower the first dose.
    """
    found = list(ranked)
    best = found[0] if found else None
    if best is None or best.regimen.id not in utilities:
        return found
    least = float(utilities[best.regimen.id].mean()) - knowledge.figure("least_better_days")
    alike = [
        w for w in found
        if (w.name, w.tier) == (best.name, best.tier) and float(utilities[w.regimen.id].mean()) > least
    ]  # fmt: skip
    gentlest = min(alike, key=lambda w: (w.most_mg or 0.0, _rank(w, utilities)))
    found.remove(gentlest)
    return [gentlest, *found]


def _goals(way: Way) -> dict[str, float | None]:
    """What a way is compared by, each the more the better; None where not known."""
    better = None if way.outcome is None else float(way.outcome.better.mean())
    asked = amounts(way)
    mg = way.burden.mg_by_days.get(INTERVALS_DAYS[1])
    return {"relief": better, "milligrams": None if mg is None else -mg} | {
        thing: None if amount is None else -amount for thing, amount in asked.items()
    }


def _dominates(one: Way, other: Way) -> bool:
    """Whether one is at least as good in all, and better in something. What is known of one alone decides nothing."""
    here, there = _goals(one), _goals(other)
    # Milligrams of two products are not one measure.
    names = [n for n in here if n != "milligrams" or one.name == other.name]
    if any((here[n] is None) != (there[n] is None) for n in names):
        return False
    pairs = [(a, b) for n in names if (a := here[n]) is not None and (b := there[n]) is not None]
    return all(a >= b - _EQUAL for a, b in pairs) and any(a > b + _EQUAL for a, b in pairs)


def _shown(ranked: Sequence[Way], utilities: Mapping[str, Array], most: int) -> list[Way]:
    """The foremost of each product and route, their usual ways, and those that are best at something; in order."""
    if not ranked:
        return []
    picked: dict[str, Way] = {}
    for way in ranked:
        if way.name not in {p.name for p in picked.values()}:
            picked[way.regimen.id] = way
    for way in [w for name in dict.fromkeys(w.name for w in ranked) for w in ranked if w.is_usual and w.name == name]:
        if len(picked) < most:
            picked.setdefault(way.regimen.id, way)
    first = [(w, _goals(w)) for w in ranked if w.tier == ranked[0].tier]
    for goal in ("relief", "visits", "dissociation", "cost", "milligrams", "hours"):
        known = [(amount, w) for w, goals in first if (amount := goals[goal]) is not None]
        if known and len(picked) < most:
            best = max(known, key=lambda one: one[0])[1]  # of equals the one that stands first
            picked.setdefault(best.regimen.id, best)
    return sorted(picked.values(), key=ranked.index)[:most]


def _standing(
    place: int,
    way: Way,
    shown: Sequence[Way],
    utilities: Mapping[str, Array],
    possible: Ensemble | Text,
    knowledge: Knowledge,
) -> Standing:
    own, first = utilities.get(way.regimen.id), utilities.get(shown[0].regimen.id)
    utility, p_first, alike = None, None, False
    if own is not None and isinstance(possible, Ensemble):
        band = possible.band(own)
        utility = Range(p05=band.p05, p50=float(own.mean()), p95=band.p95, unit="d")
        if first is not None and place > 1:
            gap = (first - own)[possible.groups].mean(axis=1)
            p_first = float(((gap > _EQUAL) + 0.5 * (np.abs(gap) <= _EQUAL)).mean())
            agreed = max(p_first, 1.0 - p_first) >= knowledge.figure("settings_agree")
            alike = not agreed or abs(float((first - own).mean())) < knowledge.figure("least_better_days")
    return Standing(
        place=place,
        tier=way.tier,
        utility=utility,
        p_first_better=p_first,
        no_material_difference=alike,
        dominated=any(_dominates(other, way) for other in shown if other is not way),
        best_for=tuple(_best_for(way, shown)),
    )


def _best_for(way: Way, shown: Sequence[Way]) -> Iterable[Text]:
    """The things in which no other shown way is as good."""
    for goal, own in _goals(way).items():
        others = [_goals(o)[goal] for o in shown if o is not way and (goal != "milligrams" or o.name == way.name)]
        known = [v for v in others if v is not None]
        if own is not None and known and own > max(known) + _EQUAL:
            yield Text(key=f"best_for.{goal}")


def _window(way: Way, ways: Sequence[Way], limits: Sequence[Limit]) -> DoseWindow:
    """Between which doses this product and route was looked for, and what set each end."""
    same = [w for w in ways if w.name == way.name and w.most_mg is not None]
    kept = [w for w in same if not any(breaks(w) for _, _, breaks in limits)]
    doses = [w.most_mg for w in kept if w.most_mg is not None]
    least, most = min(doses, default=None), max(doses, default=None)
    by_limit = [
        name for name, _, breaks in limits
        if most is not None and any(breaks(w) and (w.most_mg or 0.0) > most for w in same) and name in LIMITED
    ]  # fmt: skip
    small = least is not None and any(w.too_little and (w.most_mg or 0.0) < least for w in same)
    return DoseWindow(
        least_mg=least,
        most_mg=most,
        least_why=Text(key="window.too_little" if small else "window.least_searched"),
        most_why=Text(key=f"window.{by_limit[0]}" if by_limit else "window.most_searched"),
    )


def _why_gone(name: str, ways: Sequence[Way], limits: Sequence[Limit]) -> Text:
    """The limit that takes out most of this product and route."""
    same = [w for w in ways if w.name == name]
    worst = max(limits, key=lambda one: sum(one[2](w) for w in same))
    return Text(key=f"option.cut.{worst[0]}")


def _promises_more(chosen: Chosen, first: Range | None) -> bool:
    """Whether a way that stands behind would be the better one by its utility alone."""
    own = chosen.standing.utility
    return own is not None and first is not None and own.p50 > first.p50 and not chosen.standing.no_material_difference


def _comparison(offered: Sequence[Chosen]) -> Text:
    """How much the order means."""
    predicted = [c for c in offered if c.standing.utility is not None]
    if len(offered) < 2:
        return Text(key="compare.single")
    if len(predicted) < 2:
        return Text(key="compare.not_predictable")
    first = predicted[0].standing.utility
    more = sum(_promises_more(c, first) for c in predicted)
    if more:
        return Text(key="compare.not_by_benefit", values={"more": more, "others": len(predicted) - 1})
    alike = sum(c.standing.no_material_difference for c in predicted)
    key = "compare.all_alike" if alike == len(predicted) - 1 else "compare.some_alike" if alike else "compare.differ"
    return Text(key=key, values={"alike": alike, "others": len(predicted) - 1})
