"""What does a file under alternatives/ look like? Other treatments, what matters to people, and treatment targets.

Every mistake is a `KnowledgeError` that names the file, the record and the field. The format stands in FORMAT.md;
whether the figures are possible is asked by `knowledge check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from ketapath.domain.alternative import (
    Arm,
    Comparison,
    Difference,
    Favours,
    Interval,
    Kind,
    Masking,
    Outcome,
    Trait,
    is_judgement,
)
from ketapath.domain.evidence import Evidence, Text, Trust
from ketapath.errors import KnowledgeError
from ketapath.knowledge.figures import interval_of, newcombe
from ketapath.knowledge.rules import Predicate, parse_predicate
from ketapath.knowledge.schema import SITE_DEFAULT, Source, published

SIDES = ("ketamine", "alternative")
UNKNOWN = "unknown"
"""What a record says of a thing that may matter where our evidence does not hold it."""
PLACES = ("aim", "beside", "alone")
"""What is said of a condition as the target, beside the target, and where there is no other target."""
ALTERNATIVE_FIELDS = frozenset(
    {"id", "version", "kind", "title", "prefer_when", "rule", "sources", "prefer", "compares", "values"}
)
ALTERNATIVE_OPTIONAL = frozenset({"tried", "members", "product", "route", "note"})
TRIED_FIELDS = frozenset({"path", "proofs", "response", "now", "failed_count", "trials", "substances"})
REASON_FIELDS = frozenset({"id", "when", "favours", "statement", "rule", "sources"})
COMPARISON_FIELDS = frozenset(
    {"id", "trial", "outcome", "population", "when", "randomised", "masking", "arms", "favours", "source", "trust"}
)
COMPARISON_OPTIONAL = frozenset({"of", "scale", "people", "difference", "note"})
ARM_FIELDS = frozenset({"name", "side", "percent"})
ARM_OPTIONAL = frozenset({"n", "events", "randomised", "interval"})
DIFFERENCE_FIELDS = frozenset({"value", "counted_in", "interval"})
TRAIT_FIELDS = frozenset({"is", "sources"})
TRAIT_OPTIONAL = frozenset({"note"})
VALUE_FIELDS = frozenset({"id", "title", "levels"})
TARGET_FIELDS = frozenset({"id", "title", "when"})
SAID_FIELDS = frozenset({"statement", "rule", "sources"})
TRUST = frozenset({"trust"})
"""Where it is left out, a statement is trusted as far as its source was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPaths:
    """Where a profile says whether a treatment was tried: the paths, and the substances that belong to it.

    `proofs` are facts that show it where they are true or above zero; that they are not proves nothing.
    """

    path: str | None
    proofs: tuple[str, ...]
    response: str | None
    now: str | None
    failed_count: str | None
    trials: bool
    substances: tuple[str, ...]

    def paths(self) -> Iterator[str]:
        """Every profile path that is read."""
        named = (self.path, *self.proofs, self.response, self.now, self.failed_count)
        yield from (p for p in named if p is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSpec:
    """One reason for or against, with its three-valued predicate."""

    id: str
    when: Predicate
    favours: Favours
    statement: Text
    rule_id: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeSpec:
    """One treatment of a file under alternatives/, as it holds for everybody."""

    id: str
    version: str
    kind: Kind
    title: Text
    prefer_when: Text
    rule_id: str
    evidence: tuple[Evidence, ...]
    reasons: tuple[ReasonSpec, ...]
    compares: tuple[Comparison, ...]
    uncompared: tuple[Text, ...]
    tried: TriedPaths | None
    traits: tuple[Trait, ...]

    def cited(self) -> Iterator[Evidence]:
        """Everything that the record rests on."""
        yield from self.evidence
        yield from (e for reason in self.reasons for e in reason.evidence)
        yield from (e for trait in self.traits for e in trait.evidence)
        yield from (c.evidence for c in self.compares)

    @property
    def awaits_approval(self) -> bool:
        """Whether something in it is a judgement of ours without a published source."""
        return is_judgement(self.cited())

    def approved(self, by: str) -> AlternativeSpec:
        """The same, with its unsourced judgements taken over by this person."""
        return replace(
            self,
            evidence=_approved(self.evidence, by),
            reasons=tuple(replace(r, evidence=_approved(r.evidence, by)) for r in self.reasons),
            traits=tuple(replace(t, evidence=_approved(t.evidence, by)) for t in self.traits),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence with the rule and the sources behind it."""

    statement: Text
    rule_id: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """One condition: what is said of it as the target, beside the target, and where there is no other target."""

    id: str
    title: Text
    when: Predicate
    aim: Said | None
    beside: Said | None
    alone: Said | None

    def cited(self) -> Iterator[Evidence]:
        """Everything that the record rests on."""
        for said in (self.aim, self.beside, self.alone):
            yield from () if said is None else said.evidence


def _approved(evidence: Iterable[Evidence], by: str) -> tuple[Evidence, ...]:
    return tuple(replace(e, approved_by=by) if e.kind == "site-default" else e for e in evidence)


def read(
    files: Iterable[tuple[str, Any]],
    values: Iterable[Mapping[str, Any]],
    targets: Iterable[Mapping[str, Any]],
    sources: Mapping[str, Source],
) -> tuple[tuple[AlternativeSpec, ...], tuple[TargetSpec, ...], dict[str, str]]:
    """All alternatives and targets, checked, and their sentences by text key.

    `files` are the documents under alternatives/ by name, `values` and `targets` the records of these two files.
    """
    records = [(name, record) for name, document in files for record in document]
    for value in values:
        _only(value, VALUE_FIELDS, frozenset(), f"values.yaml: value {value.get('id', '?')}")
    found = tuple(_alternative(record, sources, values, where=name) for name, record in records)
    aims = tuple(_target(record, sources, where="targets.yaml") for record in targets)
    texts = dict([*_words_of_values(values), *_words_of_targets(targets)])
    for _, record in records:
        texts |= _words(record)
    return found, aims, texts


def _alternative(
    record: Mapping[str, Any], sources: Mapping[str, Source], values: Iterable[Mapping[str, Any]], *, where: str
) -> AlternativeSpec:
    """One alternative, checked against the schema and resolved against the sources and the things that matter."""
    name = f"{where}: alternative {record.get('id', '?')}"
    _only(record, ALTERNATIVE_FIELDS, ALTERNATIVE_OPTIONAL, name)
    key = f"alternative.{record['id']}"
    members = record.get("members") or {}
    compares = tuple(_comparison(c, key, members, sources, name) for c in record["compares"])
    named = {c.get("of") for c in record["compares"]}
    without = [Text(key=f"{key}.member.{m}") for m in members if m not in named]
    if not compares and not members and record["kind"] == "alternative":
        without = [Text(key=f"{key}.title")]
    return AlternativeSpec(
        id=str(record["id"]),
        version=str(record["version"]),
        kind=_word(record["kind"], Kind, name),
        title=Text(key=f"{key}.title"),
        prefer_when=Text(key=f"{key}.prefer_when"),
        rule_id=str(record["rule"]),
        evidence=_evidence(record["sources"], sources, name),
        reasons=tuple(_reason(r, key, sources, name) for r in record["prefer"]),
        compares=compares,
        uncompared=tuple(without),
        tried=_tried(record.get("tried"), name),
        traits=tuple(_traits(record["values"], values, sources, name)),
    )


def _target(record: Mapping[str, Any], sources: Mapping[str, Source], *, where: str) -> TargetSpec:
    """One condition of targets.yaml, checked."""
    name = f"{where}: target {record.get('id', '?')}"
    _only(record, TARGET_FIELDS, frozenset(PLACES), name)

    def said(place: str) -> Said | None:
        found = record.get(place)
        if found is None:
            return None
        _only(found, SAID_FIELDS, TRUST, f"{name}: {place}")
        evidence = _evidence(found["sources"], sources, name, trust=found.get("trust"))
        return Said(statement=Text(key=f"target.{record['id']}.{place}"), rule_id=str(found["rule"]), evidence=evidence)

    aim, beside, alone = map(said, PLACES)
    if aim is None and beside is None:
        raise KnowledgeError(f"{name}: it is neither a target nor treated beside one")
    return TargetSpec(
        id=str(record["id"]),
        title=Text(key=f"target.{record['id']}.title"),
        when=parse_predicate(record["when"], where=name),
        aim=aim,
        beside=beside,
        alone=alone,
    )


def _reason(record: Mapping[str, Any], key: str, sources: Mapping[str, Source], name: str) -> ReasonSpec:
    name = f"{name}: reason {record.get('id', '?')}"
    _only(record, REASON_FIELDS, TRUST, name)
    return ReasonSpec(
        id=str(record["id"]),
        when=parse_predicate(record["when"], where=name),
        favours=_word(record["favours"], Favours, name),
        statement=Text(key=f"{key}.reason.{record['id']}"),
        rule_id=str(record["rule"]),
        evidence=_evidence(record["sources"], sources, name, trust=record.get("trust")),
    )


def _comparison(
    record: Mapping[str, Any], key: str, members: Mapping[str, str], sources: Mapping[str, Source], name: str
) -> Comparison:
    name = f"{name}: comparison {record.get('id', '?')}"
    _only(record, COMPARISON_FIELDS, COMPARISON_OPTIONAL, name)
    inner = f"{key}.compare.{record['id']}"
    of = record.get("of")
    if of is not None and of not in members:
        raise KnowledgeError(f"{name}: {of!r} is not one of the members")
    arms = tuple(_arm(a, f"{inner}.arm.{i}", name) for i, a in enumerate(record["arms"]))
    favours = record["favours"]
    return Comparison(
        id=str(record["id"]),
        trial=str(record["trial"]),
        comparator=Text(key=f"{key}.title" if of is None else f"{key}.member.{of}"),
        outcome=_word(record["outcome"], Outcome, name),
        scale=record.get("scale"),
        population=Text(key=f"{inner}.population"),
        when=Text(key=f"{inner}.when"),
        randomised=bool(record["randomised"]),
        masking=_word(record["masking"], Masking, name),
        people=record.get("people"),
        arms=arms,
        difference=_difference(record.get("difference"), arms, inner, name),
        favours=None if favours is None else _word(favours, Favours, name),
        evidence=_evidence([record["source"]], sources, name, trust=record["trust"])[0],
        note=Text(key=f"{inner}.note") if record.get("note") else None,
    )


def _arm(record: Mapping[str, Any], key: str, name: str) -> Arm:
    _only(record, ARM_FIELDS, ARM_OPTIONAL, name)
    if record["side"] not in SIDES:
        raise KnowledgeError(f"{name}: side is {record['side']!r}, not one of {SIDES}")
    n, events, percent = record.get("n"), record.get("events"), float(record["percent"])
    interval = _interval(record.get("interval"), name)
    if interval is None and n and 0 <= percent <= 100:
        low, high = interval_of(_share(percent, events, n), n)
        interval = Interval(low=low, high=high, computed=True)
    return Arm(
        name=Text(key=key),
        side=cast(Literal["ketamine", "alternative"], record["side"]),
        percent=percent,
        n=n,
        events=events,
        randomised=record.get("randomised"),
        interval=interval,
    )


def _share(percent: float, events: int | None, n: int) -> float:
    """So many of 100, from the counts where they are published."""
    return percent if events is None else 100 * events / n


def _difference(record: Mapping[str, Any] | None, arms: tuple[Arm, ...], key: str, name: str) -> Difference | None:
    """As published where it is; else our subtraction of two groups, with an interval where both numbers are known."""
    stated = record or {}
    _only(stated, frozenset(), DIFFERENCE_FIELDS, name)
    interval = _interval(stated.get("interval"), name)
    if "value" in stated:
        unit = Text(key=f"{key}.unit") if "counted_in" in stated else None
        return Difference(value=float(stated["value"]), unit=unit, computed=False, interval=interval)
    if len(arms) != 2:
        return None
    first, last = arms
    if interval is None and first.n and last.n:
        low, high = newcombe(
            (_share(first.percent, first.events, first.n), first.n), (_share(last.percent, last.events, last.n), last.n)
        )
        interval = Interval(low=low, high=high, computed=True)
    return Difference(value=round(first.percent - last.percent, 1), unit=None, computed=True, interval=interval)


def _interval(stated: Any, name: str) -> Interval | None:
    if stated is None:
        return None
    try:
        low, high = (float(v) for v in stated)
    except (TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: an interval is two numbers, not {stated!r}") from problem
    return Interval(low=low, high=high, computed=False)


def _tried(record: Mapping[str, Any] | None, name: str) -> TriedPaths | None:
    if record is None:
        return None
    _only(record, frozenset(), TRIED_FIELDS, name)
    return TriedPaths(
        path=record.get("path"),
        proofs=tuple(record.get("proofs") or ()),
        response=record.get("response"),
        now=record.get("now"),
        failed_count=record.get("failed_count"),
        trials=bool(record.get("trials")),
        substances=tuple(record.get("substances") or ()),
    )


def _traits(
    record: Mapping[str, Any], values: Iterable[Mapping[str, Any]], sources: Mapping[str, Source], name: str
) -> Iterator[Trait]:
    """One trait for each thing that may matter; what the record calls unknown has no level and counts for nothing."""
    known = {v["id"]: list(v["levels"]) for v in values}
    if set(record) != set(known):
        raise KnowledgeError(f"{name}: values are {sorted(record)}, they have to be {sorted(known)}")
    for attribute, levels in known.items():
        stated = record[attribute]
        title = Text(key=f"value.{attribute}.title")
        if stated == UNKNOWN:
            yield Trait(attribute=attribute, title=title, level=None, score=None, evidence=())
            continue
        _only(stated, TRAIT_FIELDS, TRAIT_OPTIONAL, f"{name}: {attribute}")
        if stated["is"] not in levels:
            raise KnowledgeError(f"{name}: {attribute} is {stated['is']!r}, not one of {levels}")
        place = levels.index(stated["is"]) / (len(levels) - 1)
        yield Trait(
            attribute=attribute,
            title=title,
            level=Text(key=f"value.{attribute}.{stated['is']}"),
            score=2 * place - 1,
            evidence=_evidence(stated["sources"], sources, name),
        )


def _words(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The sentences of one alternative by their text keys."""
    key = f"alternative.{record['id']}"
    yield f"{key}.title", record["title"]
    yield f"{key}.prefer_when", record["prefer_when"]
    for name, title in (record.get("members") or {}).items():
        yield f"{key}.member.{name}", title
    for reason in record["prefer"]:
        yield f"{key}.reason.{reason['id']}", reason["statement"]
    for compare in record["compares"]:
        inner = f"{key}.compare.{compare['id']}"
        yield f"{inner}.population", compare["population"]
        yield f"{inner}.when", compare["when"]
        if compare.get("note"):
            yield f"{inner}.note", compare["note"]
        if "counted_in" in (compare.get("difference") or {}):
            yield f"{inner}.unit", compare["difference"]["counted_in"]
        for number, arm in enumerate(compare["arms"]):
            yield f"{inner}.arm.{number}", arm["name"]


def _words_of_values(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The things that may matter, and their levels, by their text keys."""
    for record in records:
        yield f"value.{record['id']}.title", record["title"]
        yield from ((f"value.{record['id']}.{level}", said) for level, said in record["levels"].items())


def _words_of_targets(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The sentences of the treatment targets by their text keys."""
    for record in records:
        yield f"target.{record['id']}.title", record["title"]
        yield from (
            (f"target.{record['id']}.{place}", record[place]["statement"]) for place in PLACES if place in record
        )


def _evidence(
    cited: Iterable[Any], sources: Mapping[str, Source], name: str, *, trust: Trust | None = None
) -> tuple[Evidence, ...]:
    """Sources by key, or by key with the place; without any it is a judgement of ours and says so."""
    if trust is not None:
        _word(trust, Trust, name)
    found = []
    for entry in cited:
        key = entry["key"] if isinstance(entry, Mapping) else entry
        locator = entry.get("locator") if isinstance(entry, Mapping) else None
        if key not in sources:
            raise KnowledgeError(f"{name}: source {key!r} is in no file under sources/")
        found.append(published(sources[key], locator=locator, trust=trust))
    return tuple(found) or (SITE_DEFAULT,)


def _only(record: Mapping[str, Any], needed: frozenset[str], more: frozenset[str], name: str) -> None:
    missing, extra = sorted(needed - set(record)), sorted(set(record) - needed - more)
    if missing or extra:
        raise KnowledgeError(f"{name}: missing fields {missing}, unknown fields {extra}")


def _word(found: Any, words: Any, name: str) -> Any:
    if found not in get_args(words):
        raise KnowledgeError(f"{name}: {found!r} is not one of {list(get_args(words))}")
    return found
