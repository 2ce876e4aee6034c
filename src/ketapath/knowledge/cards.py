"""What is known of a marker, and may it move a plan? Cards of markers, and the preset rules that each has to meet.

`parse_card` reads one file of biomarkers/cards/, `parse_validity` the rules of biomarkers/validity.yaml, and `failures`
asks each rule of a card: an empty answer means that the card passes. A missing figure never passes. Whether a passing
card counts is then for a named clinician (policy.py). Sources: FORMAT.md beside this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import Any, cast, get_args

from ketapath.domain.biomarker import (
    Direction,
    FailedRule,
    Kind,
    Measure,
    Measured,
    Part,
    PlanEffect,
    Predicts,
    Replication,
    Sample,
    Strength,
    Study,
    SupposedEffect,
)
from ketapath.domain.evidence import Approved, Evidence, Grade, Text, Trust
from ketapath.domain.fact import Fact
from ketapath.domain.plan import Moved
from ketapath.errors import KnowledgeError
from ketapath.knowledge.rules import Predicate, Truth, evaluate, parse_predicate, paths
from ketapath.knowledge.schema import Source, published

__all__ = ["MarkerCard", "Supposition", "ValidityRule", "failures", "parse_card", "parse_validity", "problems"]

PARTS: tuple[Part, ...] = get_args(Part)
MEASURES_OF: Mapping[Moved, tuple[Measure, ...]] = MappingProxyType(
    {"exposure": ("intrinsic-clearance-ratio",), "dose": ("dose-ratio",), "response-probability": ("odds-ratio",)}
)
"""Which published size moves what. A correlation moves nothing: no record holds the distance from an average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """A published effect and the results it speaks of; `when` is None where no record can state such a result."""

    when: Predicate | None
    effect: SupposedEffect

    def holds(self, known: Mapping[str, Fact], *, as_of: date) -> Truth:
        """Whether this person's record states such a result."""
        return None if self.when is None else evaluate(self.when, known, as_of=as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerCard:
    """Everything published that we read about one marker, and what it asks to move if it ever passes.

    `validity` holds the parts that are in our evidence. `no_size` says why no effect can be tried out, where
    `suppose` is empty. `approved` is what a clinic did; it counts only while the card passes.
    """

    id: str
    version: str
    title: str
    kind: Kind
    measures: str
    reads: tuple[str, ...]
    predicts: Predicts
    claim: str
    grade: Grade
    strength: Strength | None
    rules: tuple[str, ...]
    studies: tuple[Study, ...]
    suppose: tuple[Supposition, ...]
    no_size: str
    validity: Mapping[Part, Measured]
    effect: PlanEffect | None
    device_line: str
    owner: str
    reviewed_on: date
    review_due: date
    note: str
    approved: Approved | None = None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every source behind the card, each place once."""
        measured = (*(s.evidence for s in self.studies), *(s.effect.evidence for s in self.suppose))
        return tuple(dict.fromkeys((*measured, *(m.evidence for m in self.validity.values()))))


CARD_FIELDS = frozenset(field.name for field in fields(MarkerCard)) - {"approved"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidityRule:
    """One preset rule: which part of a card it tests, how, and against which value or figures of policy.yaml."""

    id: str
    part: Part | None
    test: str
    field: str
    values: Mapping[str, float]
    figures: tuple[str, ...]
    asks: str


Figure = Callable[[str], float]
_Answer = Text | None


def failures(card: MarkerCard, validity: Mapping[str, ValidityRule], figure: Figure) -> tuple[FailedRule, ...]:
    """The preset rules that this card does not meet, with the reason for each; none means that it passes."""
    found = []
    for rule in validity.values():
        reason = TESTS[rule.test](card, rule, figure)
        if reason is not None:
            said = {f"limit{i or ''}": f"{figure(name):g}" for i, name in enumerate(rule.figures)}
            found.append(FailedRule(id=rule.id, asks=Text(key=f"validity.{rule.id}", values=said), reason=reason))
    return tuple(found)


def _at_least(card: MarkerCard, rule: ValidityRule, figure: Figure) -> _Answer:
    measured = _part(card, rule)
    count = None if measured is None else getattr(measured, rule.field)
    if count is None:
        return Text(key="validity.absent")
    return None if count >= figure(rule.figures[0]) else _found(f"{count:g}")


def _above(card: MarkerCard, rule: ValidityRule, figure: Figure) -> _Answer:
    """The whole interval lies above the value that stands for its measure."""
    return _by_interval(card, rule, lambda low, _high, value: low > value)


def _contains(card: MarkerCard, rule: ValidityRule, figure: Figure) -> _Answer:
    """The value that stands for its measure lies in the interval."""
    return _by_interval(card, rule, lambda low, high, value: low <= value <= high)


def _within(card: MarkerCard, rule: ValidityRule, figure: Figure) -> _Answer:
    """The whole interval lies between two figures, so that an interval which holds everything proves nothing."""
    least, most = (figure(name) for name in rule.figures)
    return _by_interval(card, rule, lambda low, high, _value: least <= low and high <= most)


def _by_interval(card: MarkerCard, rule: ValidityRule, is_met: Callable[[float, float, float], bool]) -> _Answer:
    """A part passes by its interval, never by its point; a measure for which no value is preset does not pass."""
    measured = _part(card, rule)
    if measured is None:
        return Text(key="validity.absent")
    if measured.interval is None:
        return Text(key="validity.no_interval")
    if rule.field and getattr(measured, rule.field) is None:
        return Text(key="validity.no_threshold")
    if measured.measure not in rule.values:
        return _found(measured.measure)
    met = is_met(*measured.interval, rule.values[measured.measure])
    return None if met else _found(_span(measured.interval))


def _sources_stand(card: MarkerCard, rule: ValidityRule, figure: Figure) -> _Answer:
    """Everything that speaks for the card was read in its own text, and nothing of it is retracted."""
    behind = [m.evidence for m in card.validity.values()] + [s.effect.evidence for s in card.suppose]
    broken = dict.fromkeys(str(e.key) for e in behind if e.trust != "read" or e.retracted)
    return _found(", ".join(broken)) if broken else None


def _is_bounded(card: MarkerCard, rule: ValidityRule, figure: Figure) -> _Answer:
    effect = card.effect
    if effect is None:
        return Text(key="validity.no_effect")
    probability, share = (figure(name) for name in rule.figures)
    most = probability if effect.on == "response-probability" else share
    return None if 0.0 < effect.bound <= most else _found(f"{effect.bound:g}")


TESTS: Mapping[str, Callable[[MarkerCard, ValidityRule, Figure], _Answer]] = MappingProxyType(
    {
        "at-least": _at_least,
        "above": _above,
        "contains": _contains,
        "within": _within,
        "sources-stand": _sources_stand,
        "bounded": _is_bounded,
    }
)


def _part(card: MarkerCard, rule: ValidityRule) -> Measured | None:
    assert rule.part is not None
    return card.validity.get(rule.part)


def _found(words: str) -> Text:
    return Text(key="validity.found", values={"found": words})


def _span(interval: tuple[float, float]) -> str:
    return f"{interval[0]:g} to {interval[1]:g}"


def problems(card: MarkerCard, known_paths: Mapping[str, Any], known_rules: Mapping[str, Any]) -> Iterator[str]:
    """What no schema sees: points outside their interval, paths and rules that do not exist, an effect that misfits."""
    name = f"card {card.id}"
    figures: list[Measured | SupposedEffect] = [*card.validity.values(), *(s.effect for s in card.suppose)]
    figures += [s.figure for s in card.studies if s.figure]
    for found in figures:
        if found.interval is not None and not found.interval[0] <= found.value <= found.interval[1]:
            yield f"{name}: {found.measure} {found.value:g} lies outside its interval {_span(found.interval)}"
    for path in card.reads:
        if path not in known_paths:
            yield f"{name}: reads {path}, which no file of profile/ has"
    for rule in card.rules:
        if rule not in known_rules or known_rules[rule].section != "biomarkers":
            yield f"{name}: names {rule}, which is no rule on biomarkers"
    for supposed in card.suppose:
        effect = supposed.effect
        if supposed.when is not None and not set(paths(supposed.when)) <= set(card.reads):
            yield f"{name}: what it supposes of {effect.result} reads a path that the card does not name"
        if not _is_possible(effect):
            yield f"{name}: {effect.measure} {effect.value:g} is impossible"
        if card.effect is not None and (effect.measure not in MEASURES_OF[card.effect.on] or supposed.when is None):
            yield f"{name}: {effect.measure} of {effect.result} cannot move {card.effect.on}"
        elif card.effect is not None and _raises(effect) is not (card.effect.direction == "raises"):
            yield f"{name}: {effect.result} does not go in the direction that the card declares"
    if not card.suppose and not card.no_size:
        yield f"{name}: no effect to suppose, and no word on why"


def _is_possible(effect: SupposedEffect) -> bool:
    if effect.measure == "correlation":
        return -1.0 < effect.value < 1.0 and effect.sd is not None
    return effect.value > 0.0 and math.isfinite(effect.value)


def _raises(effect: SupposedEffect) -> bool:
    """Whether the effect raises what it would move: a slower liver raises the level."""
    return (effect.value < 1.0) is (effect.measure == "intrinsic-clearance-ratio")


def parse_validity(document: Any, *, where: str) -> Iterator[ValidityRule]:
    """The preset rules. Raises KnowledgeError unless each part of a card is tested: a gate with a gap is none."""
    records = document.get("rules") if isinstance(document, Mapping) else None
    if not isinstance(records, list) or not set(PARTS) <= {r.get("part") for r in records}:
        raise KnowledgeError(f"{where}: rules have to test each of {', '.join(PARTS)}")
    for record in records:
        if record.get("test") not in TESTS:
            raise KnowledgeError(f"{where}: {record.get('id')}: no test is called {record.get('test')!r}")
        try:
            yield ValidityRule(
                id=str(record["id"]),
                part=record["part"],
                test=str(record["test"]),
                field=str(record.get("field") or ""),
                values={str(k): float(v) for k, v in (record.get("values") or {}).items()},
                figures=tuple(record.get("figures") or ()),
                asks=str(record["asks"]),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise KnowledgeError(f"{where}: {record.get('id')}: {problem!r}") from problem


def parse_card(record: Mapping[str, Any], sources: Mapping[str, Source], *, where: str) -> MarkerCard:
    """A card, checked against the schema and resolved against the sources."""
    name = f"{where}: card {record.get('id', '?')}"
    missing, extra = sorted(CARD_FIELDS - set(record)), sorted(set(record) - CARD_FIELDS)
    if missing or extra:
        raise KnowledgeError(f"{name}: missing fields {missing}, unknown fields {extra}")
    for field, allowed in (("kind", Kind), ("predicts", Predicts), ("grade", Grade), ("strength", Strength)):
        _one_of(record[field], get_args(allowed) + ((None,) if field == "strength" else ()), f"{name}: {field}")
    if not record["studies"] or set(record["validity"]) != set(PARTS):
        raise KnowledgeError(
            f"{name}: it needs studies, and in validity each of {', '.join(PARTS)}, null where unknown"
        )
    try:
        return MarkerCard(
            id=str(record["id"]),
            version=str(record["version"]),
            title=str(record["title"]),
            kind=cast(Kind, record["kind"]),
            measures=str(record["measures"]),
            reads=tuple(record["reads"]),
            predicts=cast(Predicts, record["predicts"]),
            claim=str(record["claim"]),
            grade=cast(Grade, record["grade"]),
            strength=cast("Strength | None", record["strength"]),
            rules=tuple(record["rules"]),
            studies=tuple(_study(r, sources, name) for r in record["studies"]),
            suppose=tuple(_supposition(r, sources, name) for r in record["suppose"]),
            no_size=str(record["no_size"] or ""),
            validity={p: _measured(r, sources, f"{name}: {p}") for p, r in record["validity"].items() if r is not None},
            effect=None if record["effect"] is None else _effect(record["effect"], name),
            device_line=str(record["device_line"]),
            owner=str(record["owner"]),
            reviewed_on=date.fromisoformat(record["reviewed_on"]),
            review_due=date.fromisoformat(record["review_due"]),
            note=str(record["note"] or ""),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem!r}") from problem


def _study(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> Study:
    _one_of(record["sample"], get_args(Sample), f"{name}: sample")
    _one_of(record["replication"], get_args(Replication), f"{name}: replication")
    figure = record["figure"]
    place = {k: record[k] for k in ("source", "locator", "trust", "n")}
    return Study(
        n=None if record["n"] is None else int(record["n"]),
        population=str(record["population"]),
        design=str(record["design"]),
        effect=str(record["effect"]),
        figure=None if figure is None else _measured({**place, **figure}, sources, name),
        sample=cast(Sample, record["sample"]),
        replication=cast(Replication, record["replication"]),
        evidence=_evidence(record, sources, name),
    )


def _supposition(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> Supposition:
    _one_of(record["measure"], get_args(Measure), f"{name}: measure")
    when = record["when"]
    return Supposition(
        when=None if when is None else parse_predicate(when, where=name),
        effect=SupposedEffect(
            result=str(record["result"]),
            measure=cast(Measure, record["measure"]),
            value=float(record["value"]),
            interval=_interval(record["interval"]),
            sd=None if record.get("sd") is None else float(record["sd"]),
            said=str(record["said"]),
            evidence=_evidence(record, sources, name),
        ),
    )


def _measured(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> Measured:
    return Measured(
        measure=str(record["measure"]),
        value=float(record["value"]),
        interval=_interval(record["interval"]),
        n=None if record["n"] is None else int(record["n"]),
        cohorts=None if record.get("cohorts") is None else int(record["cohorts"]),
        threshold=None if record.get("threshold") is None else float(record["threshold"]),
        evidence=_evidence(record, sources, name),
    )


def _effect(record: Mapping[str, Any], name: str) -> PlanEffect:
    _one_of(record["on"], get_args(Moved), f"{name}: effect on")
    _one_of(record["direction"], get_args(Direction), f"{name}: direction")
    return PlanEffect(
        on=record["on"],
        options=tuple(record["options"]),
        direction=record["direction"],
        bound=float(record["bound"]),
    )


def _interval(pair: Any) -> tuple[float, float] | None:
    if pair is None:
        return None
    low, high = (float(end) for end in pair)
    if not low <= high:
        raise ValueError(f"interval {pair} ends before it begins")
    return low, high


def _evidence(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> Evidence:
    source = sources.get(record["source"])
    if source is None:
        raise KnowledgeError(f"{name}: source {record['source']!r} is in no file under sources/")
    _one_of(record["trust"], get_args(Trust), f"{name}: trust")
    if record["trust"] == "read" and published(source).trust != "read":
        raise KnowledgeError(f"{name}: {source.key} is {source.read}, so nothing of it was read in its own text")
    return published(source, locator=str(record["locator"]), trust=cast(Trust, record["trust"]))


def _one_of(word: object, allowed: tuple[object, ...], name: str) -> None:
    if word not in allowed:
        raise KnowledgeError(f"{name} is {word!r}, not one of {', '.join(map(str, allowed))}")
