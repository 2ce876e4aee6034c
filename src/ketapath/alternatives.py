"""What else is there for this person, what speaks for it, what was tried, and what is ketamine aimed at?

`alternatives` gives the other treatments with absolute figures from named trials; `values_order` puts them, with the
two ketamine ways among them, in the order of what the person says matters; `order_by_values` does so for any weights;
`treatment_target` names the condition that is treated. What is not known stays unknown: a treatment that the
record does not name is "not known whether tried", and a thing about which nothing is known moves no treatment.
Sources: the records under knowledge/alternatives/, knowledge/values.yaml and knowledge/targets.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ketapath.domain.alternative import (
    Alternative,
    Beside,
    Counted,
    Move,
    Reason,
    Target,
    Tried,
    TriedState,
    ValuesOrder,
)
from ketapath.domain.evidence import RuleRef, Text
from ketapath.domain.fact import Fact, MedicineSpan
from ketapath.domain.profile import Profile, Trial
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge, evaluate, paths
from ketapath.knowledge.alternatives import AlternativeSpec, ReasonSpec, Said, TargetSpec, TriedPaths
from ketapath.profile import fact_used

__all__ = ["alternatives", "choices", "order_by_values", "stated_weights", "treatment_target", "values_order"]

WEIGHTS: Mapping[str, int] = {"not-important": 0, "somewhat": 1, "important": 2, "very-important": 3}
"""The answers of the values exercise, and how much each counts."""

_PREFERENCE = "preference.weight_"
_OUTCOMES: Mapping[str, TriedState] = {
    "no-response": "did-not-help",
    "partial-response": "partly",
    "response": "helped",
    "not-tolerated": "not-tolerated",
}
_RESPONSES: Mapping[str, TriedState] = {
    "helped": "helped",
    "partly": "partly",
    "did-not-help": "did-not-help",
    "not-tolerated": "not-tolerated",
}


def alternatives(person: Profile, knowledge: Knowledge) -> tuple[Alternative, ...]:
    """The other treatments in the order of what matters to the person, last the comparison of the two ketamine ways.

    As long as nobody has asked what matters, those that a reason speaks for now stand on top.
    """
    order = values_order(person, knowledge).order
    between = (s for s in knowledge.alternatives.values() if s.kind == "comparison")
    return (
        *(found for found in order if found.kind == "alternative"),
        *(_alternative(spec, person, knowledge) for spec in between),
    )


def choices(person: Profile, knowledge: Knowledge) -> tuple[Alternative, ...]:
    """What a person chooses between: what is favoured now, the two ketamine ways, and then the other treatments."""
    found = (_alternative(s, person, knowledge) for s in knowledge.alternatives.values() if s.kind != "comparison")
    return tuple(sorted(found, key=_rank))


def values_order(person: Profile, knowledge: Knowledge) -> ValuesOrder:
    """These choices in the order of what the person's record says matters."""
    return order_by_values(choices(person, knowledge), stated_weights(person))


def stated_weights(person: Profile) -> dict[str, int]:
    """What the person says matters, from 0 to 3, by the thing; what was not asked is absent."""
    stated = {p.removeprefix(_PREFERENCE): f.value for p, f in person.known.items() if p.startswith(_PREFERENCE)}
    return {name: WEIGHTS[value] for name, value in stated.items() if isinstance(value, str) and value in WEIGHTS}


def order_by_values(found: Sequence[Alternative], weights: Mapping[str, int]) -> ValuesOrder:
    """The same treatments in the order of what the person says matters, with what moved and why.

    Each level counts from -1 (worst) to 1 (best), times how much more the thing matters than what matters least;
    so equal weights change nothing. What is not known of a treatment adds nothing, and a treatment of which nothing
    that counts is known keeps its place. Ties keep the order in which they came.

    Raises BadInput for a weight outside 0 to 3 and for a thing that is not among those that may matter.
    """
    things = tuple(dict.fromkeys(t.attribute for a in found for t in a.traits))
    _check(weights, things)
    least = min((weights.get(thing, 0) for thing in things), default=0)
    extra = {thing: weights.get(thing, 0) - least for thing in things}
    counted = [tuple(_counted(a, weights, extra)) for a in found]
    movable = [i for i, parts in enumerate(counted) if parts]
    ranked = sorted(movable, key=lambda i: -sum(part.points for part in counted[i]))
    places = list(range(len(found)))
    for place, index in zip(movable, ranked, strict=True):
        places[place] = index
    moves = tuple(
        Move(
            id=found[was].id,
            title=found[was].title,
            was=was + 1,
            now=now + 1,
            counted=tuple(sorted(counted[was], key=lambda part: -abs(part.points))),
            unknown=tuple(t.title for t in found[was].traits if t.score is None and extra[t.attribute] > 0),
        )
        for now, was in enumerate(places)
        if now != was
    )
    return ValuesOrder(
        weights=dict(weights),
        order=tuple(found[i] for i in places),
        moves=moves,
        statement=Text(key=_what_happened(weights, extra, moves)),
    )


def treatment_target(person: Profile, knowledge: Knowledge) -> Target:
    """Which condition the ketamine treatment is aimed at, and which ones are treated otherwise, and how."""
    specs = knowledge.targets.values()
    truths = {s.id: evaluate(s.when, person.known, as_of=person.as_of) for s in specs}
    aims = [(s, s.aim) for s in specs if s.aim is not None]
    spec, said = next(((s, said) for s, said in aims if truths[s.id]), aims[0])
    holds = truths[spec.id]
    beside = []
    for other in specs:
        told = other.beside if holds else other.alone
        if told is not None and truths[other.id]:
            beside.append(_beside(other, told, knowledge))
    read = tuple(dict.fromkeys(p for s in specs for p in paths(s.when)))
    return Target(
        holds=holds,
        condition=spec.id if holds else None,
        title=spec.title if holds else None,
        statement=said.statement if holds else Text(key="target.unknown" if holds is None else "target.none"),
        beside=tuple(beside),
        missing=tuple(p for p in read if p not in person.known),
        facts=tuple(fact_used(person.known[p], knowledge) for p in read if p in person.known),
        rule_id=said.rule_id,
        rule=_rule(said.rule_id, knowledge),
        evidence=said.evidence,
    )


def _rank(found: Alternative) -> int:
    """Favoured now, then the ketamine ways, then not known, then not favoured."""
    if found.preferred_now:
        return 0
    if found.kind == "ketamine":
        return 1
    return 2 if found.preferred_now is None else 3


def _alternative(spec: AlternativeSpec, person: Profile, knowledge: Knowledge) -> Alternative:
    reasons = tuple(_reason(r, person, knowledge) for r in spec.reasons)
    return Alternative(
        id=spec.id,
        kind=spec.kind,
        title=spec.title,
        prefer_when=spec.prefer_when,
        preferred_now=_any(r.holds for r in reasons if r.favours == "alternative"),
        evidence=spec.evidence,
        rule=knowledge.rules[spec.rule_id].ref,
        compares=spec.compares,
        uncompared=spec.uncompared,
        reasons=reasons,
        tried=() if spec.tried is None else tuple(_tried(spec.tried, person, knowledge)),
        traits=spec.traits,
    )


def _reason(spec: ReasonSpec, person: Profile, knowledge: Knowledge) -> Reason:
    read = tuple(dict.fromkeys(paths(spec.when)))
    return Reason(
        id=spec.id,
        holds=evaluate(spec.when, person.known, as_of=person.as_of),
        favours=spec.favours,
        statement=spec.statement,
        rule_id=spec.rule_id,
        rule=_rule(spec.rule_id, knowledge),
        evidence=spec.evidence,
        facts=tuple(fact_used(person.known[p], knowledge) for p in read if p in person.known),
        missing=tuple(p for p in read if p not in person.known),
    )


def _any(truths: Iterable[bool | None]) -> bool | None:
    """True where one is, else unknown where one is, else false."""
    found = list(truths)
    return True if True in found else None if None in found else False


def _tried(spec: TriedPaths, person: Profile, knowledge: Knowledge) -> Iterator[Tried]:
    """What is stated of it, what the medicine history shows; where there is neither, that nobody knows."""
    said = [*_stated(spec, person, knowledge), *_on_record(spec, person, knowledge)]
    yield from said or [Tried(state="unknown", statement=Text(key="tried.unknown"))]


def _stated(spec: TriedPaths, person: Profile, knowledge: Knowledge) -> Iterator[Tried]:
    """What somebody said of it: whether it was tried, how it went, and whether it is under way."""
    said, response, now = (None if p is None else person.known.get(p) for p in (spec.path, spec.response, spec.now))
    shown = [person.known[p] for p in spec.proofs if p in person.known and _is_above_zero(person.known[p])]
    facts = tuple(fact_used(f, knowledge) for f in (said, *shown, response) if f is not None)
    never = said is not None and said.value is False
    if never and (shown or response is not None):
        yield Tried(state="unknown", statement=Text(key="tried.contradicts"), facts=facts)
    elif response is not None:
        state = _RESPONSES.get(str(response.value), "result-unknown")
        yield Tried(state=state, statement=Text(key=f"tried.{state}"), facts=facts)
    elif facts:
        state = "never" if never else "result-unknown"
        yield Tried(state=state, statement=Text(key=f"tried.{state}"), facts=facts)
    if now is not None and now.value is True:
        yield Tried(state="under-way", statement=Text(key="tried.under-way"), facts=(fact_used(now, knowledge),))


def _is_above_zero(fact: Fact) -> bool:
    return fact.value is True or (isinstance(fact.value, float) and fact.value > 0)


def _on_record(spec: TriedPaths, person: Profile, knowledge: Knowledge) -> Iterator[Tried]:
    """Antidepressant trials one by one, medicines of this treatment by name, and failures that were only counted."""
    trials = [_trial(t, person) for t in person.trials] if spec.trials else []
    yield from trials
    for substance in spec.substances:
        spans = [s for s in person.medicines if s.substance == substance]
        if spans:
            yield Tried(
                what=substance,
                state=_went(spans),
                statement=Text(key="tried.medicine"),
                origins=tuple(str(s.origin) for s in spans),
            )
    count = person.known.get(spec.failed_count) if spec.failed_count else None
    if count is None or not isinstance(count.value, float):
        return
    failed = sum(t.state == "did-not-help" for t in trials)
    if count.value > failed or (count.value == 0 and spec.trials and not trials):
        yield Tried(
            state="did-not-help" if count.value else "unknown",
            statement=Text(key="tried.count" if count.value else "tried.none_failed", values={"count": count.value}),
            facts=(fact_used(count, knowledge),),
        )


def _trial(trial: Trial, person: Profile) -> Tried:
    """How one antidepressant trial went: a failure counts only where it was adequate."""
    state = _went(s for s in person.medicines if str(s.origin) in trial.origins)
    if trial.adequate is False and state in ("did-not-help", "result-unknown"):
        state = "not-adequate"
    elif state == "did-not-help" and not trial.adequate:
        state = "result-unknown"
    return Tried(what=trial.substance, state=state, statement=trial.reason, origins=trial.origins)


def _went(spans: Iterable[MedicineSpan]) -> TriedState:
    """The stated result, where all that state one agree."""
    outcomes = {s.outcome for s in spans if s.outcome is not None}
    return _OUTCOMES.get(outcomes.pop(), "result-unknown") if len(outcomes) == 1 else "result-unknown"


def _counted(found: Alternative, weights: Mapping[str, int], extra: Mapping[str, int]) -> Iterator[Counted]:
    """What is known of it on the things that matter more than the least."""
    for trait in found.traits:
        if trait.score is not None and trait.level is not None and extra[trait.attribute] > 0:
            yield Counted(
                title=trait.title,
                level=trait.level,
                weight=weights[trait.attribute],
                points=extra[trait.attribute] * trait.score,
            )


def _check(weights: Mapping[str, int], things: tuple[str, ...]) -> None:
    highest = max(WEIGHTS.values())
    for thing, weight in weights.items():
        if thing not in things or not 0 <= weight <= highest:
            raise BadInput(
                field=f"weight of {thing}",
                found=weight,
                limit=f"0 to {highest}, for one of {', '.join(things)}",
                next_step="Ask again what matters to the person.",
            )


def _what_happened(weights: Mapping[str, int], extra: Mapping[str, int], moves: tuple[Move, ...]) -> str:
    """The key of the sentence over the order."""
    if not weights:
        return "values.none_stated"
    if not any(extra.values()):
        return "values.all_alike"
    return "values.moved" if moves else "values.nothing_moved"


def _beside(spec: TargetSpec, said: Said, knowledge: Knowledge) -> Beside:
    return Beside(
        condition=spec.id,
        title=spec.title,
        statement=said.statement,
        rule_id=said.rule_id,
        rule=_rule(said.rule_id, knowledge),
        evidence=said.evidence,
    )


def _rule(name: str, knowledge: Knowledge) -> RuleRef | None:
    return knowledge.rules[name].ref if name in knowledge.rules else None
