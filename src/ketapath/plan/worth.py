"""Is a test, a scale or a question worth its effort? How often would its answer change what stands first?

Each answer that a fact can have is put into the record and the ways are compared again: with the same draws, so that
what differs is the answer. An answer changes the first option where another one leads, its dose is another, or it may
be given where it could not, or no longer. The gain is in better days: what leads after knowing against what would have
been done without, both for the person as the answer makes them. Nothing may be done that waits for a fact, so there
the comparison is with no session. Less than the policy's smallest difference counts as nothing.

One answer at a time: two facts that only together open a way are each worth nothing here, and the reason says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ketapath.candidacy import assess, at_clinic
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import VERDICTS_FROM_BEST, Evidence, RuleRef, Text, Verdict
from ketapath.domain.fact import Fact
from ketapath.domain.plan import Plan, Range, Worth
from ketapath.domain.profile import Profile
from ketapath.domain.worth import Orderable, Result, WorthOrdering
from ketapath.knowledge import Knowledge, MarkerCard, PathSpec, evaluate, paths
from ketapath.pharmacology import Sensitivity
from ketapath.plan.choice import Choice, Chosen, choose, utility
from ketapath.plan.fit import own_limits
from ketapath.plan.markers import counting, movers
from ketapath.plan.needs import arrangement
from ketapath.plan.options import Searched, search
from ketapath.plan.ordering import order_findings
from ketapath.plan.preferences import PATHS, contradicted, worths
from ketapath.plan.schedule import first_day
from ketapath.plan.ways import outcome_here, outcome_untreated
from ketapath.profile import with_fact
from ketapath.response.equations import Array

Value = bool | float | str
_MAY_START: tuple[Verdict, ...] = ("eligible", "caution")
_WORST_TO_START = max(VERDICTS_FROM_BEST.index(verdict) for verdict in _MAY_START)


class _Read(Mapping[str, Fact]):
    """Facts that remember which of them were asked for, so that the others need no second look."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts
        self.asked: set[str] = set()
        self.all = False

    def __getitem__(self, path: str) -> Fact:
        self.asked.add(path)
        return self._facts[path]

    def __iter__(self) -> Iterator[str]:
        self.all = True
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def may_matter(self, path: str) -> bool:
        """Whether another value of this fact could have led elsewhere."""
        return self.all or path in self.asked


@dataclass(frozen=True, kw_only=True, eq=False)
class _State:
    """What would be offered to this person, with what is then known. `first` is None where nothing is left."""

    person: Profile
    clinic: Clinic
    knowledge: Knowledge
    candidacy: Candidacy
    compared: Searched
    worths: tuple[Worth, ...]
    choice: Choice

    @property
    def first(self) -> Chosen | None:
        return self.choice.offered[0] if self.choice.offered else None

    @cached_property
    def may_start(self) -> bool:
        """Whether candidacy and the rules of the dose stage let the first option begin today, with a dose."""
        if self.first is None or self.dose_mg is None or not self.is_open(self.first.way.name):
            return False
        said = order_findings(self.person, self.first.way.protocol, self.clinic, self.knowledge, dose_mg=self.dose_mg)
        return not any(f.verdict == "not-eligible" for f in said)

    @property
    def dose_mg(self) -> float | None:
        """The first dose of the first option, milligrams of base; None without one."""
        return None if self.first is None or not self.first.way.steps else self.first.way.steps[0].dose_mg

    def is_open(self, name: str) -> bool:
        """Whether candidacy lets this product and route be given today."""
        return self.candidacy.by_product.get(name) in _MAY_START


@dataclass(frozen=True, kw_only=True, eq=False)
class _Asking:
    """The person as known, from whom each answer starts; `known` are states by what they depend on."""

    person: Profile
    clinic: Clinic
    knowledge: Knowledge
    seed: int
    sensitivity: Sensitivity | None
    read: _Read
    starts_in: int
    now: _State
    known: dict[tuple[object, ...], _State] = field(default_factory=dict)

    def state(self, person: Profile, path: str) -> _State:
        """What would be offered to a person who differs in this one fact."""
        candidacy, weighed = assess(person, self.clinic, self.knowledge), worths(person, self.knowledge)
        stands = {n for n, verdict in candidacy.by_product.items() if verdict != "not-eligible"}
        now = self.now.compared
        is_alike = not self.read.may_matter(path) and self.starts_in == _starts_in(person, self.clinic, self.knowledge)
        if not is_alike or not stands <= {w.name for w in now.ways}:
            found = search(person, candidacy, self.clinic, self.knowledge, seed=self.seed, sensitivity=self.sensitivity)
            return _state(person, candidacy, found, weighed, self.clinic, self.knowledge)
        key = (tuple(candidacy.by_product.items()), tuple((w.thing, w.better_days) for w in weighed))
        if key not in self.known:
            left = [replace(w, verdict=candidacy.by_product[w.name]) for w in now.ways if w.name in stands]
            alike = replace(now, ways=tuple(left))
            self.known[key] = _state(person, candidacy, alike, weighed, self.clinic, self.knowledge)
        return replace(self.known[key], person=person, candidacy=candidacy)


def worth_ordering(
    person: Profile,
    plan: Plan,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    seed: int,
    sensitivity: Sensitivity | None = None,
    shares: Mapping[str, float] | None = None,
) -> tuple[WorthOrdering, ...]:
    """Everything that could be ordered or asked, what changes the first option most often first, then by gain.

    `plan` is the one that stands before asking, made with the same `seed`. `shares` are stated: how common a yes is, of
    1, by the path of a yes-or-no fact. Where nobody states or publishes one, all admissible answers weigh the same.
    """
    person = at_clinic(person, clinic, knowledge)
    if person.died is not None:
        return ()
    asking = _asking(person, plan, clinic, knowledge, seed, sensitivity)
    found = [_of_fact(asking, spec, shares or {}) for spec in _askable(person, plan.candidacy, knowledge)]
    found += [_of_marker(asking, card) for card in knowledge.biomarkers.values() if not _has(person, card)]
    return tuple(sorted(found, key=lambda w: (-w.share, -(w.gain.p50 if w.gain else 0.0), not w.needed_by, w.label)))


def _asking(
    person: Profile, plan: Plan, clinic: Clinic, knowledge: Knowledge, seed: int, sensitivity: Sensitivity | None
) -> _Asking:
    read = _Read(person.known)
    starts_in = _starts_in(person, clinic, knowledge)
    found = search(replace(person, known=read), plan.candidacy, clinic, knowledge, seed=seed, sensitivity=sensitivity)
    return _Asking(
        person=person,
        clinic=clinic,
        knowledge=knowledge,
        seed=seed,
        sensitivity=sensitivity,
        read=read,
        starts_in=starts_in,
        now=_state(person, plan.candidacy, found, worths(person, knowledge), clinic, knowledge),
    )


def _state(
    person: Profile,
    candidacy: Candidacy,
    found: Searched,
    weighed: tuple[Worth, ...],
    clinic: Clinic,
    knowledge: Knowledge,
) -> _State:
    return _State(
        person=person,
        clinic=clinic,
        knowledge=knowledge,
        candidacy=candidacy,
        compared=found,
        worths=weighed,
        choice=choose(found.ways, found.setting.possible, weighed, knowledge, own=own_limits(person)),
    )


def _starts_in(person: Profile, clinic: Clinic, knowledge: Knowledge) -> int:
    return (first_day(arrangement(person, knowledge), clinic, knowledge, today=person.as_of) - person.as_of).days


def _askable(person: Profile, candidacy: Candidacy, knowledge: Knowledge) -> list[PathSpec]:
    """Facts that somebody could supply: what candidacy and work-up lack, laboratory values, scales, preferences."""
    markers = {path for card in knowledge.biomarkers.values() for path in card.reads}
    named = [m.path for m in candidacy.missing]
    named += [m.path for piece in candidacy.work_up for m in piece.lacking]
    named += [p for p in knowledge.paths if p.startswith(("lab.", "scale.")) and p not in person.known]
    named += [p for t, p in PATHS.items() if p not in person.known or contradicted(person, t) is not None]
    specs = (knowledge.paths[path] for path in dict.fromkeys(named) if path not in markers)
    return [spec for spec in specs if spec.admissible]


def _has(person: Profile, card: MarkerCard) -> bool:
    return any(path in person.known for path in card.reads)


def _of_fact(asking: _Asking, spec: PathSpec, shares: Mapping[str, float]) -> WorthOrdering:
    weights, said, evidence = _weights(asking, spec, shares)
    results, gaps, states = [], [], []
    for value, weight in zip(_answers(asking.person, spec), weights, strict=True):
        supposed = float(value) if spec.type == "number" and not isinstance(value, str) else value
        then = asking.state(with_fact(asking.person, spec.path, supposed, unit=spec.unit), spec.path)
        gap = _gap(asking.now, then, asking.knowledge)
        key = _what_changes(asking.now, then)
        results.append(
            Result(
                value=_shown(supposed),
                weight=weight,
                first=None if then.first is None else then.first.way.regimen.id,
                changes=key is not None,
                then=_then(key, asking.now, then),
                better_days=None if gap is None else float(gap.mean()),
            )
        )
        gaps.append(gap)
        states.append(then)
    share = sum(r.weight for r in results if r.changes)
    return WorthOrdering(
        id=spec.path,
        label=spec.label,
        kind=_kind(spec.path),
        supplied_by=spec.supplied_by,
        needed_by=_needed_by(asking, spec.path),
        results=tuple(results),
        weights=said,
        share=share,
        gain=_expected(weights, gaps),
        averts=any(r.changes and r.better_days is None for r in results),
        cost=asking.clinic.prices.get(f"test {spec.path}"),
        currency=asking.clinic.currency,
        why_none=None if share else _why_none(asking, spec.path, states),
        evidence=evidence,
    )


def _answers(person: Profile, spec: PathSpec) -> tuple[Value, ...]:
    """The answers to plan with: of a preference that was contradicted the two ends, else what is admissible."""
    thing = next((t for t, path in PATHS.items() if path == spec.path), None)
    span = None if thing is None else contradicted(person, thing)
    ends = () if span is None else tuple(fact.value for fact in span)
    return tuple(v for v in ends if isinstance(v, float)) or spec.admissible


def _kind(path: str) -> Orderable:
    by_start: Mapping[str, Orderable] = {"lab": "laboratory", "scale": "scale", "preference": "preference"}
    return by_start.get(path.partition(".")[0], "question")


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else value


def _what_changes(now: _State, then: _State) -> str | None:
    """The key of what is different about the first option; None where nothing is."""
    if then.first is None or now.first is None:
        return None if then.first is now.first else "none_left" if then.first is None else "some_way"
    is_other = then.first.way.regimen.id != now.first.way.regimen.id
    if now.may_start != then.may_start:
        return "opens" if then.may_start else "closes"
    if is_other:
        return "other"
    return "dose" if now.dose_mg != then.dose_mg else None


def _then(key: str | None, now: _State, then: _State) -> Text:
    """In words, what would stand first."""
    if key is None or then.first is None:
        return Text(key=f"ordering.then.{key or 'same'}")
    way = then.first.way
    values: dict[str, object] = {
        "title": Text(key=f"protocol.{way.regimen.protocol_id}"),
        "way": Text(key=f"course.{way.regimen.course}"),
        "onward": _onward(way.regimen.every_days),
        "dose": "not known" if then.dose_mg is None else f"{then.dose_mg:g} mg",
        "before": "not known" if now.dose_mg is None else f"{now.dose_mg:g} mg",
    }
    return Text(key=f"ordering.then.{key}", values=values)


def _onward(every_days: int | None) -> Text:
    if every_days is None:
        return Text(key="ordering.onward.none")
    return Text(key="ordering.onward.every", values={"days": every_days})


def _gap(now: _State, then: _State, knowledge: Knowledge) -> Array | None:
    """Better days gained by knowing, by group of possible persons, (g,); None where days do not count it."""
    possible = then.compared.setting.possible
    if then.first is None or isinstance(possible, Text) or (now.may_start and not then.may_start):
        return None
    after = then.choice.utilities.get(then.first.way.regimen.id)
    before = _without(now, then)
    if after is None or before is None:
        return None
    gap = after - before
    # Whoever knows may still do as before, so knowing never costs; and a small difference is none.
    if float(gap.mean()) < (knowledge.figure("least_better_days") if now.may_start is then.may_start else 0.0):
        gap = np.zeros_like(gap)
    return np.asarray(gap[possible.groups].mean(axis=1))


def _without(now: _State, then: _State) -> Array | None:
    """The utility (n,) of what would have been done without the answer, for the person as the answer makes them.

    Where only the answer opens a start, that is nothing; where a start waits for more, it is the plan as it stands.
    None where the answer rules that out, or where its benefit is not predicted as that of what then stands first is.
    """
    assert then.first is not None
    setting = then.compared.setting
    if then.may_start and not now.may_start:
        nothing = outcome_untreated(setting, then.first.way.regimen)
        return None if nothing is None else nothing.better
    if now.first is None:
        return None
    way = now.first.way
    here = next((w for w in then.compared.ways if w.regimen.id == way.regimen.id), None)
    if here is None or here.tier != then.first.way.tier or way.regimen.id not in then.choice.kept:
        return None
    if VERDICTS_FROM_BEST.index(here.verdict) > max(VERDICTS_FROM_BEST.index(way.verdict), _WORST_TO_START):
        return None
    is_same = setting is now.compared.setting
    return utility(way, way.outcome if is_same else outcome_here(setting, way), then.worths)


def _expected(weights: Sequence[float], gaps: Sequence[Array | None]) -> Range | None:
    """The expected gain over the answers whose gain days can count; None where there is no such answer."""
    counted = [w * g for w, g in zip(weights, gaps, strict=True) if g is not None]
    if not counted:
        return None
    total = np.sum(counted, axis=0)
    p05, p95 = np.quantile(total, (0.05, 0.95)).tolist()
    return Range(p05=p05, p50=float(total.mean()), p95=p95, unit="d")


def _weights(
    asking: _Asking, spec: PathSpec, shares: Mapping[str, float]
) -> tuple[list[float], Text, tuple[Evidence, ...]]:
    """How common each admissible answer is taken to be: as stated, as published, else all the same."""
    values = _answers(asking.person, spec)
    published = _published(asking, spec.path)
    if spec.type == "bool" and set(values) == {True, False} and (spec.path in shares or published is not None):
        yes, key, words = shares.get(spec.path, 0.0), "stated", f"{100 * shares.get(spec.path, 0.0):.3g}"
        evidence: tuple[Evidence, ...] = ()
        if spec.path not in shares and published is not None:
            low, high, evidence = published
            yes, key, words = (low + high) / 2.0, "published", f"{100 * low:.3g} to {100 * high:.3g}"
        weights = [yes if value else 1.0 - yes for value in values]
        return weights, Text(key=f"ordering.weights.{key}", values={"share": words}), evidence
    return [1.0 / len(values)] * len(values), Text(key="ordering.weights.equal"), ()


def _published(asking: _Asking, path: str) -> tuple[float, float, tuple[Evidence, ...]] | None:
    """How common a condition is among people who seek treatment for depression, where screening has read it."""
    knowledge, person = asking.knowledge, asking.person
    for condition in knowledge.screening.values():
        if condition.known[0] != path or not path.startswith("diagnosis."):
            continue
        for span in condition.ranges:
            if evaluate(span.when, person.known, as_of=person.as_of):
                low, high = sorted((knowledge.figure(span.low), knowledge.figure(span.high)))
                return low, high, condition.pretest_evidence
    return None


def _holds_up(asking: _Asking, path: str) -> tuple[RuleRef, ...]:
    """Rules of candidacy that nobody can answer without this fact and that hold up a start until somebody does."""
    person, knowledge = asking.person, asking.knowledge
    waiting = (r for r in knowledge.rules_of("candidacy") if r.when_unknown in ("undetermined", "defer"))
    return tuple(
        rule.ref
        for rule in waiting
        if path in paths(rule.when)
        and rule.holds(person.known, as_of=person.as_of) is None
        and path not in rule.sees(person.known, as_of=person.as_of)
    )


def _needed_by(asking: _Asking, path: str) -> tuple[RuleRef, ...]:
    """Rules that ask for this fact whatever it changes: those of the work-up, and those that hold up a start."""
    asked = [p.finding.rule for p in asking.now.candidacy.work_up if path in {m.path for m in p.lacking}]
    return tuple(dict.fromkeys((*_holds_up(asking, path), *(rule for rule in asked if rule is not None))))


def _why_none(asking: _Asking, path: str, states: Sequence[_State]) -> Text:
    """Why no answer changes the first option, the reason that leads furthest."""
    now = asking.now
    if now.first is None:
        return Text(key="ordering.none.nothing_open")
    others = len({m.path for m in now.candidacy.missing if m.path != path and _holds_up(asking, m.path)})
    if not now.may_start and others and _holds_up(asking, path):
        return Text(key="ordering.none.others_open", values={"others": others})
    name = now.first.way.name
    if any(then.candidacy.by_product.get(name) != now.candidacy.by_product.get(name) for then in states):
        return Text(key="ordering.none.verdict_only")
    if path in PATHS.values() or asking.read.may_matter(path):
        return Text(key="ordering.none.no_threshold")
    is_read = any(path in paths(rule.when) for rule in asking.knowledge.rules_of("candidacy"))
    return Text(key="ordering.none.no_threshold" if is_read else "ordering.none.not_read")


def _of_marker(asking: _Asking, card: MarkerCard) -> WorthOrdering:
    """A genotype, a scan or a blood marker: nothing, unless its card passes and is approved, and then only the dose."""
    knowledge, first = asking.knowledge, asking.now.first
    path = card.reads[0] if card.reads else ""
    counts = first is not None and card in counting(knowledge, first.way.name).values()
    moved = list(_moved(asking, card, path)) if counts else []
    fails = len(knowledge.failures(card))
    share = sum(r.weight for r in moved if r.changes)
    key = "marker_fails" if fails else "marker_not_approved" if card.approved is None else "no_threshold"
    return WorthOrdering(
        id=card.id,
        label=card.title,
        kind="marker",
        supplied_by=knowledge.paths[path].supplied_by if path else "laboratory",
        needed_by=(),
        results=tuple(moved),
        weights=Text(key="ordering.weights.equal"),
        share=share,
        gain=None if counts else Range(p05=0.0, p50=0.0, p95=0.0, unit="d"),
        averts=False,
        cost=asking.clinic.prices.get(f"test {path}"),
        currency=asking.clinic.currency,
        why_none=None if share else Text(key=f"ordering.none.{key}", values={"rules": fails}),
        evidence=card.evidence,
    )


def _moved(asking: _Asking, card: MarkerCard, path: str) -> Iterator[Result]:
    """What each result of a marker that counts would move on the first option; its order it never moves."""
    first = asking.now.first
    assert first is not None
    spec = asking.knowledge.paths[path]
    values = spec.admissible or tuple(word for word in spec.words if word != "not-tested")
    for value in values:
        person = with_fact(asking.person, path, value, unit=spec.unit)
        moves = [m for m in movers(person, asking.knowledge, first.way.name).values() if m.card is card]
        yield Result(
            value=_shown(value),
            weight=1.0 / len(values),
            first=first.way.regimen.id,
            changes=bool(moves) and card.effect is not None and card.effect.on == "dose",
            then=Text(key="ordering.then.marker" if moves else "ordering.then.same", values={"marker": card.title}),
            better_days=None,
        )
