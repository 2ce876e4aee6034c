"""Does the knowledge hold? Runs every worked case beside the files and looks for what no schema can see.

Only `ketapath knowledge check` reads the case files; loading knowledge for a patient does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ketapath.domain.fact import Fact, Origin
from ketapath.knowledge import FOLDER, Knowledge, parse_yaml, paths
from ketapath.knowledge.cards import problems as card_problems
from ketapath.knowledge.rules import nodes

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
    cards: int
    cases: int
    sources: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(knowledge: Knowledge, *, today: date, folder: Path = FOLDER) -> Report:
    """Every case run, every path fillable, every threshold tried on both sides, every card sound, reviews in time."""
    written = [case for file in sorted(folder.rglob("*.cases.yaml")) for case in _cases(file, folder)]
    cases, of_cards = ([c for c in written if kind in c] for kind in ("rule", "card"))
    problems = [*_failing(cases, knowledge), *_uncovered(cases, knowledge), *_unfillable(knowledge)]
    problems += _unsound_cards(of_cards, knowledge)
    return Report(
        rules=len(knowledge.rules),
        cards=len(knowledge.biomarkers),
        cases=len(written),
        sources=len(knowledge.sources),
        problems=tuple(problems),
        warnings=tuple(_overdue(knowledge, today)),
    )


def impact(knowledge: Knowledge, source: str) -> dict[str, list[str]]:
    """What rests on this source: rules, drug models, protocols, harms, alternatives and markers' cards, by id."""

    def names(value: Any) -> bool:
        if isinstance(value, Mapping):
            return any(names(v) for v in value.values())
        return any(names(v) for v in value) if isinstance(value, list) else value == source

    rests = {"rule": [r.id for r in knowledge.rules.values() if any(e.key == source for e in r.evidence)]}
    shelves = {
        "drug": knowledge.drugs,
        "protocol": knowledge.protocols,
        "harm": knowledge.harms,
        "alternative": knowledge.alternatives,
        "instrument": knowledge.instruments,
    }
    for kind, shelf in shelves.items():
        rests[kind] = [name for name, record in shelf.items() if names(record)]
    rests["biomarker"] = [c.id for c in knowledge.biomarkers.values() if any(e.key == source for e in c.evidence)]
    rests["response"] = ["response"] if names(knowledge.response) else []
    return rests


def _cases(file: Path, folder: Path) -> Iterator[Mapping[str, Any]]:
    document = parse_yaml(file.read_bytes(), where=file.relative_to(folder).as_posix())
    for case in document if isinstance(document, list) else ():
        if "rule" in case or "card" in case:
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
            origin=Origin(resource="Case", id=case.get("rule") or case["card"], version=None),
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
        truth = knowledge.rules[case["rule"]].holds(facts, as_of=date.fromisoformat(case["on"]))
        if truth is not words[case["expect"]]:
            yield f"{name}: case {dict(case['facts'])} expects {case['expect']}, the rule says {truth}"


def _unsound_cards(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[str]:
    """Cards that contradict themselves or their cases, and suppositions not tried as true, false and unknown."""
    for card in knowledge.biomarkers.values():
        yield from card_problems(card, knowledge.paths, knowledge.rules)
        mine = [c for c in cases if c["card"] == card.id]
        failed = sorted(f.id for f in knowledge.failures(card))
        if [sorted(c["fails"]) for c in mine if "fails" in c] != [failed]:
            yield f"card {card.id}: needs one case of the gate, which says that it fails {failed}"
        for supposed in (s for s in card.suppose if s.when is not None):
            tried = [c for c in mine if c.get("result") == supposed.effect.result]
            if {str(c["expect"]).lower() for c in tried} != {"true", "false", "unknown"}:
                yield f"card {card.id}: {supposed.effect.result} needs a true, a false and an unknown case"
            for case in tried:
                truth = supposed.holds(_facts(case, knowledge), as_of=date.fromisoformat(case["on"]))
                if str(truth).lower() != str(case["expect"]).lower().replace("unknown", "none"):
                    yield f"card {card.id}: case {dict(case['facts'])} expects {case['expect']}, the card says {truth}"
    for name in {c["card"] for c in cases} - set(knowledge.biomarkers):
        yield f"card {name}: has cases but no card"


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
        for node in (n for n in nodes(rule.when) if n.kind == "compare"):
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
    late += [c.id for c in knowledge.biomarkers.values() if c.review_due < today]
    if late:
        yield f"review overdue: {', '.join(late)}"
    for source in knowledge.sources.values():
        if source.retracted:
            yield f"source {source.key} is retracted"
