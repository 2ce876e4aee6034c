"""Do the records agree with each other? What no schema sees, and no case of one rule alone.

`problems` break the knowledge, `warnings` ask a person to look; each is a sentence that names the records. What
counts as a contradiction stands in FORMAT.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, product
from typing import Any

from ketapath.domain.evidence import VERDICTS_FROM_BEST
from ketapath.domain.fact import Fact, Origin
from ketapath.knowledge import Knowledge, PathSpec, Rule, paths
from ketapath.knowledge.forms import wrong_forms
from ketapath.knowledge.records import Record, based, cited, followed, parts, records
from ketapath.knowledge.rules import Predicate, nodes
from ketapath.knowledge.schema import JURISDICTIONS, PRODUCTS, ROUTES, RULE_FOLDERS
from ketapath.knowledge.sourcing import OURS, same_work, twice, unsourced
from ketapath.units import is_known

REREAD_AFTER = timedelta(days=365)
"""After this a source that was read is read again, as a rule is reviewed once a year; a site default."""
_VALUE = re.compile(r"{[^}]*}")
_CLOSES = frozenset({"not-eligible", "defer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The facts of one case and its day."""

    facts: Mapping[str, Fact]
    on: date


def problems(knowledge: Knowledge, documents: Mapping[str, Any], tried: Mapping[str, Sequence[Tried]]) -> Iterator[str]:
    """What breaks the knowledge. `documents` are its files as plain data, `tried` the cases of each rule."""
    found = list(records(documents))
    yield from _unread_files(documents)
    yield from wrong_forms(documents)
    yield from _translated(documents)
    yield from _ids(found)
    yield from _names(found, knowledge)
    yield from _units(found)
    yield from (f"{r.kind} {r.id}: {field} has no source, rule or mark" for r in found for field in unsourced(r))
    for rule in knowledge.rules.values():
        yield from _impossible(rule, knowledge)
        yield from _ambiguous(rule)
    yield from _admissible(knowledge)
    yield from _contradictions(knowledge, tried)
    yield from _closed(knowledge, tried)


def warnings(knowledge: Knowledge, documents: Mapping[str, Any], today: date) -> Iterator[str]:
    """What a person should look at."""
    found = list(records(documents))
    yield from _overdue(found, today)
    yield from _not_reread(knowledge, found, today)
    yield from _retracted(knowledge)
    yield from _same_sentence(knowledge)
    seen = set()
    for one, other, values in twice(found):
        if not (_names_each_other(one, other) or (one.id, other.id) in seen):
            seen.add((one.id, other.id))
            figures = ", ".join(f"{value:g}" for value in sorted(values))
            yield f"{one.kind} {one.id} and {other.kind} {other.id} give the same figures from other sources: {figures}"
    for work, again in same_work(knowledge.sources.values()):
        if again.key not in work.note and work.key not in again.note:
            yield f"sources {work.key} and {again.key} are one publication; say in the note of one how it differs"


def _unread_files(documents: Mapping[str, Any]) -> Iterator[str]:
    """Files of rules that hold no list: a dash that is missing would take the rules away without a word."""
    for file, document in documents.items():
        topic = file.partition("/")[0]
        one_record = isinstance(document, dict) and topic in ("protocols", "biomarkers")
        if topic in RULE_FOLDERS and not isinstance(document, list) and not one_record:
            yield f"{file}: it has to be a list of rules, each beginning with a dash"


def _translated(documents: Mapping[str, Any]) -> Iterator[str]:
    """A translation that lacks a sentence, has one that English does not, or names other values in it."""
    for file, words in documents.items():
        english = f"{file.removesuffix('.yaml').rpartition('.')[0]}.en.yaml"
        if not file.startswith("texts/") or file == english:
            continue
        meant = documents.get(english) or {}
        for key in sorted({*meant, *words}):
            if key not in words or key not in meant:
                yield f"{file}: {key} {'has no English' if key in words else 'is missing'}"
            elif sorted(_VALUE.findall(words[key])) != sorted(_VALUE.findall(meant[key])):
                yield f"{file}: {key} names other values than in English"


def _ids(found: Iterable[Record]) -> Iterator[str]:
    """One id for two kinds of records: an approval, a page or a search could mean either."""
    kinds: dict[str, set[str]] = {}
    for record in found:
        # A target and the screens for it are named by their condition; nothing is approved or shown by that name alone.
        if record.kind not in ("path", "text", "code", "target"):
            kinds.setdefault(record.id, set()).add(record.kind)
    for name, several in kinds.items():
        if len(several) > 1:
            yield f"{name} is the id of a {' and of a '.join(sorted(several))}"


def _names(found: Iterable[Record], knowledge: Knowledge) -> Iterator[str]:
    """Sources, rules and paths that a record names and that do not exist."""
    for record in found:
        name = f"{record.kind} {record.id}"
        for key in dict.fromkeys(cited(record.body)):
            if key not in knowledge.sources:
                yield f"{name}: source {key!r} is in no file under sources/"
        for mark in dict.fromkeys(based(record.body)):
            if mark not in knowledge.sources and mark not in knowledge.rules and mark not in OURS:
                yield f"{name}: basis {mark!r} is no source, no rule and none of {sorted(OURS)}"
        for rule in dict.fromkeys(followed(record.body)):
            if rule not in knowledge.rules:
                yield f"{name}: follows rule {rule!r}, which no file has"
        if record.kind not in ("rule", "path", "code"):
            for part in parts(record.body):
                path = part.get("path")
                if isinstance(path, str) and path not in knowledge.paths:
                    yield f"{name}: reads {path}, which no file of profile/ has"


def _units(found: Iterable[Record]) -> Iterator[str]:
    for record in found:
        for part in parts(record.body):
            unit = part.get("unit")
            if unit is not None and not (isinstance(unit, str) and is_known(unit)):
                yield f"{record.kind} {record.id}: nobody can convert the unit {unit!r} (units.py)"


def _impossible(rule: Rule, knowledge: Knowledge) -> Iterator[str]:
    """Values that a rule asks for and that its path can never have, so that it would never speak, or always."""
    for node in nodes(rule.when):
        spec = knowledge.paths.get(node.path)
        if spec is not None:
            yield from (f"rule {rule.id}: {node.path} {why}" for why in _cannot_be(node, spec))


def _cannot_be(node: Predicate, spec: PathSpec) -> Iterator[str]:
    if node.kind == "compare":
        if spec.type != "number" or spec.limits is None:
            yield f"is a {spec.type} and cannot be compared"
        elif not spec.limits[0] <= float(str(node.value)) <= spec.limits[1]:
            yield f"is never {node.value} (limits {spec.limits[0]:g} to {spec.limits[1]:g})"
    elif node.kind in ("is", "in"):
        wanted = node.value if isinstance(node.value, tuple) else (node.value,)
        yield from (f"is never {value!r}" for value in wanted if not _may_be(value, spec))


def _may_be(value: Any, spec: PathSpec) -> bool:
    if spec.type == "bool":
        return isinstance(value, bool)
    if spec.type == "number":
        low, high = spec.limits or (0.0, 0.0)
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return isinstance(value, str) and (not spec.words or value in spec.words)


def _admissible(knowledge: Knowledge) -> Iterator[str]:
    for spec in knowledge.paths.values():
        for value in spec.admissible:
            if not _may_be(value, spec):
                yield f"path {spec.path}: admissible {value!r} is a value that it cannot have"


def _ambiguous(rule: Rule) -> Iterator[str]:
    """One path compared twice in one direction: a clinic that moves the limit could not say which of them it means."""
    limits: dict[tuple[str, str], set[Any]] = {}
    for node in nodes(rule.when):
        if node.kind in ("compare", "within"):
            limits.setdefault((node.path, node.op or "within_days"), set()).add(node.value)
    for (path, operator), values in limits.items():
        if len(values) > 1:
            said = " and ".join(f"{value:g}" for value in sorted(values))
            yield f"rule {rule.id}: {path} {operator} stands with {said}; write two rules, a clinic may move each limit"


def _contradictions(knowledge: Knowledge, tried: Mapping[str, Sequence[Tried]]) -> Iterator[str]:
    """Two rules about the same facts, of which the milder never speaks without the graver."""
    speaking = [rule for rule in knowledge.rules.values() if rule.when_true is not None]
    reads = {rule.id: frozenset(paths(rule.when)) for rule in speaking}
    for one, other in combinations(speaking, 2):
        if one.when_true == other.when_true or not _meet(one, other) or reads[one.id] != reads[other.id]:
            continue
        mild, grave = sorted((one, other), key=lambda r: VERDICTS_FROM_BEST.index(r.when_true or "eligible"))
        cases = [case for rule in (one, other) for case in tried.get(rule.id, ())]
        spoken = [case for case in cases if mild.holds(case.facts, as_of=case.on)]
        if spoken and all(grave.holds(case.facts, as_of=case.on) for case in spoken):
            yield (
                f"rules {mild.id} and {grave.id} contradict each other: in every case in which {mild.id} says "
                f"{mild.when_true}, {grave.id} says {grave.when_true}"
            )


def _closed(knowledge: Knowledge, tried: Mapping[str, Sequence[Tried]]) -> Iterator[str]:
    """Gates of one stage and one path that together let no value of it through."""
    gates: dict[tuple[str, str], list[Rule]] = {}
    for rule in knowledge.rules.values():
        reads = set(paths(rule.when))
        if rule.when_true in _CLOSES and len(reads) == 1:
            gates.setdefault((rule.stage, reads.pop()), []).append(rule)
    places = list(product(sorted(PRODUCTS), sorted(ROUTES), JURISDICTIONS))
    for (stage, path), rules in gates.items():
        values = [*_answers(knowledge.paths.get(path)), *(c for r in rules for c in tried.get(r.id, ()) if c.facts)]
        said = set()
        for item, route, place in places:
            here = [r for r in rules if r.scope.covers(product=item, route=route, jurisdiction=place)]
            closing = [[r.id for r in here if r.holds(v.facts, as_of=v.on)] for v in values]
            if values and all(closing):
                said.add(", ".join(dict.fromkeys(name for names in closing for name in names)))
        for names in sorted(said):
            yield f"nobody gets past {names} ({stage}): no value of {path} is let through"


def _answers(spec: PathSpec | None) -> Iterator[Tried]:
    """Each admissible value of the path, stated on some day."""
    on = date(2000, 1, 1)
    for value in () if spec is None else spec.admissible:
        stated = float(value) if spec is not None and spec.type == "number" and not isinstance(value, str) else value
        assert spec is not None
        origin = Origin(resource="Supposed", id=spec.path, version=None)
        fact = Fact(path=spec.path, value=stated, unit=spec.unit, on=on, origin=origin)
        yield Tried(facts={spec.path: fact}, on=on)


def _meet(one: Rule, other: Rule) -> bool:
    """Whether both rules are asked of somebody at the same stage."""
    pairs = ((one.scope.products, other.scope.products), (one.scope.routes, other.scope.routes))
    return (
        one.stage == other.stage
        and all(here is None or there is None or set(here) & set(there) for here, there in pairs)
        and any(
            one.scope.covers(product=None, route=None, jurisdiction=place)
            and other.scope.covers(product=None, route=None, jurisdiction=place)
            for place in JURISDICTIONS
        )
    )


def _overdue(found: Iterable[Record], today: date) -> Iterator[str]:
    late: dict[str, list[str]] = {}
    for record in found:
        due = record.body.get("review_due")
        if isinstance(due, str) and date.fromisoformat(due) < today:
            late.setdefault(record.kind, []).append(record.id)
    for kind, names in late.items():
        yield f"review overdue, {kind}: {', '.join(names)}"


def _not_reread(knowledge: Knowledge, found: Iterable[Record], today: date) -> Iterator[str]:
    old = [source.key for source in knowledge.sources.values() if today - source.read_on > REREAD_AFTER]
    if old:
        yield f"sources read more than {REREAD_AFTER.days} days ago: {', '.join(old)}"
    stated = [(r.id, r.body.get("as_of")) for r in found if r.kind == "status"]
    past = [name for name, on in stated if isinstance(on, str) and today - date.fromisoformat(on) > REREAD_AFTER]
    if past:
        yield f"legal status read more than {REREAD_AFTER.days} days ago: {', '.join(past)}"


def _retracted(knowledge: Knowledge) -> Iterator[str]:
    for source in knowledge.sources.values():
        if source.retracted:
            yield f"source {source.key} is retracted; `ketapath knowledge impact {source.key}` shows what rests on it"
    for rule in knowledge.rules.values():
        if rule.has_lost_its_sources:
            yield f"rule {rule.id}: every source it has is retracted, so it needs approval"


def _same_sentence(knowledge: Knowledge) -> Iterator[str]:
    by_words: dict[str, list[str]] = {}
    for rule in knowledge.rules.values():
        words = " ".join(knowledge.texts[f"rule.{rule.id}.statement"].lower().split())
        by_words.setdefault(words, []).append(rule.id)
    for names in by_words.values():
        if len(names) > 1:
            yield f"rules {', '.join(names)} state the same sentence"


def _names_each_other(one: Record, other: Record) -> bool:
    """Whether the note of one says what it has to do with the other: somebody has looked."""
    return other.id in str(one.body.get("note", "")) or one.id in str(other.body.get("note", ""))
