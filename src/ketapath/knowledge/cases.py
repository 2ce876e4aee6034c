"""Does the knowledge hold? Runs every worked case beside the files and looks for what no schema can see.

Only `ketapath knowledge check` reads the case files; loading knowledge for a patient does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ketapath.domain.fact import Fact, Origin
from ketapath.knowledge import FOLDER, Knowledge, evaluate, parse_yaml, paths
from ketapath.knowledge.rules import Predicate

ClaimsIn = Callable[[str], Collection[str]]
"""Finds the ids of the claims that a text makes."""

_SOURCES_OF_FACTS = frozenset(
    [
        "condition",
        "observation",
        "procedure",
        "allergy",
        "family",
        "medicine_class",
        "patient",
        "encounter",
        "coverage",
        "related_person",
        "care_plan",
        "consent",
        "practitioner",
        "question",
        "derived",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the check found. `problems` break the knowledge; `warnings` ask a person to look."""

    rules: int
    claims: int
    cases: int
    sources: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(knowledge: Knowledge, *, today: date, claims_in: ClaimsIn, folder: Path = FOLDER) -> Report:
    """Every case run, every path fillable, every threshold tried on both sides, every review in time.

    `claims_in` finds the claims of a text by id; knowledge cannot do so itself, since finding stands above it.
    """
    every = [case for file in sorted(folder.rglob("*.cases.yaml")) for case in _cases(file, folder)]
    cases, texts = [c for c in every if "rule" in c], [c for c in every if "claim" in c]
    problems = [*_failing(cases, knowledge), *_uncovered(cases, knowledge), *_unfillable(knowledge)]
    problems += _misjudged(texts, knowledge, claims_in)
    return Report(
        rules=len(knowledge.rules),
        claims=len(knowledge.claims),
        cases=len(cases) + sum(len(c["found"]) + len(c["not_found"]) for c in texts),
        sources=len(knowledge.sources),
        problems=tuple(problems),
        warnings=tuple(_overdue(knowledge, today)),
    )


def impact(knowledge: Knowledge, source: str) -> dict[str, list[str]]:
    """What rests on this source: rules, claims, drug models, protocols, harms and alternatives, by id."""

    def names(value: Any) -> bool:
        if isinstance(value, Mapping):
            return any(names(v) for v in value.values())
        return any(names(v) for v in value) if isinstance(value, list) else value == source

    rests = {"rule": [r.id for r in knowledge.rules.values() if any(e.key == source for e in r.evidence)]}
    rests["claim"] = [c.id for c in knowledge.claims.values() if any(e.key == source for e in c.evidence)]
    shelves = {
        "drug": knowledge.drugs,
        "protocol": knowledge.protocols,
        "harm": knowledge.harms,
        "alternative": knowledge.alternatives,
        "instrument": knowledge.instruments,
    }
    for kind, shelf in shelves.items():
        rests[kind] = [name for name, record in shelf.items() if names(record)]
    rests["response"] = ["response"] if names(knowledge.response) else []
    return rests


def _cases(file: Path, folder: Path) -> Iterator[Mapping[str, Any]]:
    document = parse_yaml(file.read_bytes(), where=file.relative_to(folder).as_posix())
    for case in document if isinstance(document, list) else ():
        if "rule" in case or "claim" in case:
            yield case


def _facts(case: Mapping[str, Any], knowledge: Knowledge) -> dict[str, Fact]:
    found = {}
    for path, stated in case["facts"].items():
        on = case["on"]
        value = stated
        if isinstance(stated, Mapping):
            value, on = stated["value"], stated.get("on")
        spec = knowledge.paths[path]
        if spec.type == "number":
            value = float(value)
        found[path] = Fact(
            path=path,
            value=tuple(value) if isinstance(value, list) else value,
            unit=spec.unit,
            on=None if on is None else date.fromisoformat(on),
            origin=Origin(resource="Case", id=case["rule"], version=None),
        )
    return found


def _failing(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[str]:
    words = {True: True, False: False, "true": True, "false": False, "unknown": None}
    for case in cases:
        name = f"rule {case['rule']}"
        if case["rule"] not in knowledge.rules:
            yield f"{name}: has cases but no rule"
            continue
        unknown = [p for p in case["facts"] if p not in knowledge.paths]
        if unknown:
            yield f"{name}: its case states {unknown}, which is no profile path"
            continue
        facts = _facts(case, knowledge)
        outside = [p for p, f in facts.items() if not _possible(f, knowledge)]
        if outside:
            yield f"{name}: its case states an impossible value of {outside}"
        truth = evaluate(knowledge.rules[case["rule"]].when, facts, as_of=date.fromisoformat(case["on"]))
        if truth is not words[case["expect"]]:
            yield f"{name}: case {dict(case['facts'])} expects {case['expect']}, the rule says {truth}"


def _misjudged(cases: list[Mapping[str, Any]], knowledge: Knowledge, claims_in: ClaimsIn) -> Iterator[str]:
    """Texts in which a claim is missed, texts in which it is found and should not be, claims without such texts."""
    tried = {case["claim"] for case in cases if case["found"] and case["not_found"]}
    for missing in sorted(set(knowledge.claims) - tried):
        yield f"claim {missing}: no texts in which it is found and in which it is not"
    for case in cases:
        name = case["claim"]
        if name not in knowledge.claims:
            yield f"claim {name}: has cases but no record"
            continue
        yield from (f"claim {name}: is not found in {text!r}" for text in case["found"] if name not in claims_in(text))
        yield from (f"claim {name}: is found in {text!r}" for text in case["not_found"] if name in claims_in(text))


def _possible(fact: Fact, knowledge: Knowledge) -> bool:
    limits = knowledge.paths[fact.path].limits
    return limits is None or not isinstance(fact.value, float) or limits[0] <= fact.value <= limits[1]


def _uncovered(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[str]:
    """Rules without a true, a false and an unknown case, and thresholds not tried below, at and above."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        by_rule.setdefault(case["rule"], []).append(case)
    for rule in knowledge.rules.values():
        found = by_rule.get(rule.id, [])
        expected = {str(c["expect"]).lower() for c in found}
        wanted = {"true"} if rule.when.kind == "always" else {"true", "false", "unknown"}
        if wanted - expected:
            yield f"rule {rule.id}: no case for {sorted(wanted - expected)}"
        for node in _thresholds(rule.when):
            values = [_number(c["facts"][node.path]) for c in found if node.path in c["facts"]]
            limit = node.value
            assert isinstance(limit, float)
            tried = {
                "below": any(v < limit for v in values),
                "at": limit in values,
                "above": any(v > limit for v in values),
            }
            missing = [word for word, seen in tried.items() if not seen]
            if missing:
                yield f"rule {rule.id}: {node.path} {node.op} {limit:g} has no case {', '.join(missing)} it"


def _thresholds(predicate: Predicate) -> Iterator[Predicate]:
    if predicate.kind == "compare":
        yield predicate
    for part in predicate.parts:
        yield from _thresholds(part)


def _number(stated: Any) -> float:
    return float(stated["value"] if isinstance(stated, Mapping) else stated)


def _unfillable(knowledge: Knowledge) -> Iterator[str]:
    """Paths that a rule reads but that do not exist or that no FHIR element can fill."""
    concepts = {r["concept"] for table in ("conditions", "observations") for r in knowledge.codes[table]}
    classes = {c for m in knowledge.codes["medicines"] for c in m["classes"]}
    for rule in knowledge.rules.values():
        for path in (*paths(rule.when), *rule.settled_by):
            if path not in knowledge.paths:
                yield f"rule {rule.id}: reads {path}, which no file of profile/ has"
    for spec in knowledge.paths.values():
        kinds = set(spec.comes_from) & _SOURCES_OF_FACTS
        if not kinds:
            yield f"path {spec.path}: no FHIR element fills it"
        for kind in kinds & {"condition", "observation", "procedure", "allergy", "family"}:
            for concept in spec.comes_from[kind]:
                if concept not in concepts:
                    yield f"path {spec.path}: the code tables have no concept {concept!r}"
        if "medicine_class" in kinds and spec.comes_from["medicine_class"] not in classes:
            yield f"path {spec.path}: no medicine has the class {spec.comes_from['medicine_class']!r}"


def _overdue(knowledge: Knowledge, today: date) -> Iterator[str]:
    late = [r.id for r in knowledge.rules.values() if r.ref.review_due < today]
    late += [c.id for c in knowledge.claims.values() if c.review_due < today]
    if late:
        yield f"review overdue: {', '.join(late)}"
    for source in knowledge.sources.values():
        if source.retracted:
            yield f"source {source.key} is retracted"
