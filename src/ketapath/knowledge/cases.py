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
from ketapath.knowledge import FOLDER, Knowledge, consistency, documents, evaluate, parse_yaml, paths
from ketapath.knowledge.consistency import Tried
from ketapath.knowledge.rules import Predicate, nodes
from ketapath.knowledge.schema import FILLED_BY
from ketapath.knowledge.screens import problems as screening_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the check found. `problems` break the knowledge; `warnings` ask a person to look."""

    rules: int
    cases: int
    sources: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(knowledge: Knowledge, *, today: date, folder: Path = FOLDER) -> Report:
    """Every case run, every path fillable, every threshold tried on both sides, every review in time."""
    cases = [case for file in sorted(folder.rglob("*.cases.yaml")) for case in _cases(file, folder)]
    files = documents(folder)
    wrong = [(case, _wrong_form(case, knowledge)) for case in cases]
    cases = [case for case, why in wrong if why is None]
    problems = [
        *(f"rule {case['rule']}: {why}" for case, why in wrong if why is not None),
        *_failing(cases, knowledge),
        *_uncovered(cases, knowledge),
        *_unfillable(knowledge),
        *screening_problems(knowledge),
        *consistency.problems(knowledge, files, _tried(cases, knowledge)),
    ]
    return Report(
        rules=len(knowledge.rules),
        cases=len(cases),
        sources=len(knowledge.sources),
        problems=tuple(problems),
        warnings=tuple(consistency.warnings(knowledge, files, today)),
    )


def cases_by_rule(*, folder: Path = FOLDER) -> dict[str, list[Mapping[str, Any]]]:
    """The worked cases of each rule and screen, as they stand in their files: day, facts and what is expected."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for file in sorted(folder.rglob("*.cases.yaml")):
        for case in _cases(file, folder):
            found.setdefault(case["rule"], []).append(case)
    return found


def _asked(knowledge: Knowledge) -> dict[str, Predicate]:
    """What cases are run against: when each rule speaks, and when each screen is positive."""
    asked = {rule.id: rule.when for rule in knowledge.rules.values()}
    return asked | {s.id: s.positive for c in knowledge.screening.values() for s in c.screens}


def _cases(file: Path, folder: Path) -> Iterator[Mapping[str, Any]]:
    document = parse_yaml(file.read_bytes(), where=file.relative_to(folder).as_posix())
    for case in document if isinstance(document, list) else ():
        if "rule" in case:
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


def _wrong_form(case: Mapping[Any, Any], knowledge: Knowledge) -> str | None:
    """Why this is no case that can be run, in a sentence; None where it can be run."""
    if True in case:
        return "a case says on without quotes, which YAML reads as true; write 'on': 2026-11-24"
    missing = [field for field in ("on", "expect", "facts") if field not in case]
    if missing:
        return f"a case has no {', '.join(missing)}"
    if str(case["expect"]).lower() not in ("true", "false", "unknown"):
        return f"a case expects {case['expect']!r}, not true, false or unknown"
    if not isinstance(case["facts"], Mapping):
        return f"the facts of a case are {case['facts']!r}, not paths with values"
    try:
        date.fromisoformat(str(case["on"]))
        _facts({**case, "facts": {p: v for p, v in case["facts"].items() if p in knowledge.paths}}, knowledge)
    except (KeyError, TypeError, ValueError) as problem:
        return f"case {dict(case['facts'])} cannot be read: {problem}"
    return None


def _failing(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[str]:
    words = {"true": True, "false": False, "unknown": None}
    asked = _asked(knowledge)
    for case in cases:
        name = f"rule {case['rule']}"
        if case["rule"] not in asked:
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
        rule, on = knowledge.rules.get(case["rule"]), date.fromisoformat(case["on"])
        truth = evaluate(asked[case["rule"]], facts, as_of=on) if rule is None else rule.holds(facts, as_of=on)
        if truth is not words[str(case["expect"]).lower()]:
            yield f"{name}: case {dict(case['facts'])} expects {case['expect']}, the rule says {truth}"


def _tried(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Mapping[str, list[Tried]]:
    """The cases of each rule as facts, without those that name a path that does not exist."""
    found: dict[str, list[Tried]] = {}
    for case in cases:
        if set(case["facts"]) <= set(knowledge.paths):
            one = Tried(facts=_facts(case, knowledge), on=date.fromisoformat(case["on"]))
            found.setdefault(case["rule"], []).append(one)
    return found


def _possible(fact: Fact, knowledge: Knowledge) -> bool:
    limits = knowledge.paths[fact.path].limits
    return limits is None or not isinstance(fact.value, float) or limits[0] <= fact.value <= limits[1]


def _uncovered(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[str]:
    """Rules and screens without a true, a false and an unknown case, and thresholds not tried below, at and above."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        by_rule.setdefault(case["rule"], []).append(case)
    for name, predicate in _asked(knowledge).items():
        found = by_rule.get(name, [])
        expected = {str(c["expect"]).lower() for c in found}
        wanted = {"true"} if predicate.kind == "always" else {"true", "false", "unknown"}
        if wanted - expected:
            yield f"rule {name}: no case for {sorted(wanted - expected)}"
        for node in (n for n in nodes(predicate) if n.kind == "compare"):
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
                yield f"rule {name}: {node.path} {node.op} {limit:g} has no case {', '.join(missing)} it"


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
        kinds = set(spec.comes_from) & FILLED_BY
        if not kinds:
            yield f"path {spec.path}: no FHIR element fills it"
        for kind in kinds & {"condition", "observation", "procedure", "allergy", "family"}:
            for concept in spec.comes_from[kind]:
                if concept not in concepts:
                    yield f"path {spec.path}: the code tables have no concept {concept!r}"
        if "medicine_class" in kinds and spec.comes_from["medicine_class"] not in classes:
            yield f"path {spec.path}: no medicine has the class {spec.comes_from['medicine_class']!r}"
