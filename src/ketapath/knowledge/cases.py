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
from ketapath.knowledge import FOLDER, Knowledge, Rule, Truth, consistency, documents, evaluate, parse_yaml, paths
from ketapath.knowledge.cards import problems as card_problems
from ketapath.knowledge.consistency import Tried
from ketapath.knowledge.figures import problems as problems_of_figures
from ketapath.knowledge.model_cases import Worked
from ketapath.knowledge.model_cases import problems as model_problems
from ketapath.knowledge.perpetrators import problems as perpetrator_problems
from ketapath.knowledge.rules import Predicate, nodes
from ketapath.knowledge.schema import CASE_FIELDS, EXPECTED, FILLED_BY, SUBJECTS
from ketapath.knowledge.screens import problems as screening_problems

_OWN_FORM = ("card", "claim", "perpetrator", "model")
"""What a case with a form of its own is about; the others state facts and what follows from them."""
ClaimsIn = Callable[[str, Knowledge], Collection[str]]
"""Finds the ids of the claims that a text makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Something with a predicate that cases try; `holds` is how it is asked."""

    when: Predicate
    holds: Callable[[Mapping[str, Fact], date], Truth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the check found. `problems` break the knowledge; `warnings` ask a person to look."""

    rules: int
    cards: int
    claims: int
    models: int
    cases: int
    sources: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(knowledge: Knowledge, *, today: date, claims_in: ClaimsIn, worked: Worked, folder: Path = FOLDER) -> Report:
    """Every case run, every path fillable, every threshold tried on both sides, every card sound.

    `claims_in` finds the claims of a text by id, `worked` what a drug model gives; knowledge can do neither itself,
    since finding and simulating stand above it.
    """
    written = [case for file in sorted(folder.rglob("*.cases.yaml")) for case in _cases(file, folder)]
    texts, of_cards, ratios = ([c for c in written if kind in c] for kind in ("claim", "card", "perpetrator"))
    of_models = {f.name: list(_cases(f, folder)) for f in sorted((folder / "drugs").glob("*.cases.yaml"))}
    wrong = [(case, _wrong_form(case, knowledge)) for case in written if set(SUBJECTS) & set(case)]
    cases = [case for case, why in wrong if why is None]
    files, asked = documents(folder), dict(_asked(knowledge))
    problems = [
        *(f"{_name(case)}: {why}" for case, why in wrong if why is not None),
        *_failing(cases, asked, knowledge),
        *_uncovered(cases, asked),
        *_unfillable(asked, knowledge),
        *_impossible_figures(knowledge),
        *screening_problems(knowledge),
        *_unsound_cards(of_cards, knowledge),
        *perpetrator_problems(knowledge.perpetrators, knowledge.codes["medicines"], ratios),
        *_misjudged(texts, knowledge, claims_in),
        *model_problems(of_models, files, worked, knowledge.drugs),
        *consistency.problems(knowledge, files, _tried(cases, knowledge)),
    ]
    return Report(
        rules=len(knowledge.rules),
        cards=len(knowledge.biomarkers),
        claims=len(knowledge.claims),
        models=len(knowledge.drugs),
        cases=len(cases)
        + len(of_cards)
        + len(ratios)
        + sum(map(len, of_models.values()))
        + sum(len(c["found"]) + len(c["not_found"]) for c in texts),
        sources=len(knowledge.sources),
        problems=tuple(problems),
        warnings=tuple(consistency.warnings(knowledge, files, today)),
    )


def cases_by_subject(*, folder: Path = FOLDER) -> dict[str, list[Mapping[str, Any]]]:
    """The worked cases as they stand in their files, by what they are about: `rule CON-001`, `claim CLM-16`."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for file in sorted(folder.rglob("*.cases.yaml")):
        for case in _cases(file, folder):
            kind = next(kind for kind in (*SUBJECTS, *_OWN_FORM) if kind in case)
            found.setdefault(f"{kind} {case[kind]}", []).append(case)
    return found


def _asked(knowledge: Knowledge) -> Iterator[tuple[str, _Asked]]:
    """Everything that cases try, by the name that a case gives it."""

    def of_rule(rule: Rule) -> _Asked:
        return _Asked(when=rule.when, holds=lambda facts, day: rule.holds(facts, as_of=day))

    def plain(when: Predicate) -> _Asked:
        return _Asked(when=when, holds=lambda facts, day: evaluate(when, facts, as_of=day))

    yield from ((f"rule {rule.id}", of_rule(rule)) for rule in knowledge.rules.values())
    for condition in knowledge.screening.values():
        yield from ((f"rule {screen.id}", plain(screen.positive)) for screen in condition.screens)
    for other in knowledge.alternatives.values():
        yield from ((f"reason {other.id}/{reason.id}", plain(reason.when)) for reason in other.reasons)
    yield from ((f"target {target.id}", plain(target.when)) for target in knowledge.targets.values())


def _name(case: Mapping[str, Any]) -> str:
    return next(f"{kind} {case[kind]}" for kind in SUBJECTS if kind in case)


def _cases(file: Path, folder: Path) -> Iterator[Mapping[str, Any]]:
    document = parse_yaml(file.read_bytes(), where=file.relative_to(folder).as_posix())
    for case in document if isinstance(document, list) else ():
        if {*_OWN_FORM, *SUBJECTS} & set(case):
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
            origin=Origin(resource="Case", id=case["card"] if "card" in case else _name(case), version=None),
        )
    return found


def _wrong_form(case: Mapping[Any, Any], knowledge: Knowledge) -> str | None:
    """Why this is no case that can be run, in a sentence; None where it can be run."""
    if True in case:
        return "a case says on without quotes, which YAML reads as true; write 'on': 2026-11-24"
    missing = [field for field in CASE_FIELDS if field not in case]
    if missing:
        return f"a case has no {', '.join(missing)}"
    if str(case["expect"]).lower() not in EXPECTED:
        return f"a case expects {case['expect']!r}, not true, false or unknown"
    if not isinstance(case["facts"], Mapping):
        return f"the facts of a case are {case['facts']!r}, not paths with values"
    try:
        date.fromisoformat(str(case["on"]))
        _facts({**case, "facts": {p: v for p, v in case["facts"].items() if p in knowledge.paths}}, knowledge)
    except (KeyError, TypeError, ValueError) as problem:
        return f"case {dict(case['facts'])} cannot be read: {problem}"
    return None


def _failing(cases: list[Mapping[str, Any]], asked: Mapping[str, _Asked], knowledge: Knowledge) -> Iterator[str]:
    for case in cases:
        name = _name(case)
        if name not in asked:
            yield f"{name}: has cases but no record"
            continue
        unknown = [p for p in case["facts"] if p not in knowledge.paths]
        if unknown:
            yield f"{name}: its case states {unknown}, which is no profile path"
            continue
        facts = _facts(case, knowledge)
        outside = [p for p, f in facts.items() if not _possible(f, knowledge)]
        if outside:
            yield f"{name}: its case states an impossible value of {outside}"
        truth = asked[name].holds(facts, date.fromisoformat(case["on"]))
        if truth is not EXPECTED[str(case["expect"]).lower()]:
            yield f"{name}: case {dict(case['facts'])} expects {case['expect']}, the record says {truth}"


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
        for text in (*case["found"], *case["not_found"]):
            if (name in claims_in(text, knowledge)) != (text in case["found"]):
                yield f"claim {name}: is {'not ' if text in case['found'] else ''}found in {text!r}"


def _tried(cases: list[Mapping[str, Any]], knowledge: Knowledge) -> Mapping[str, list[Tried]]:
    """The cases of each rule as facts, without those that name a path that does not exist."""
    found: dict[str, list[Tried]] = {}
    for case in cases:
        if "rule" in case and set(case["facts"]) <= set(knowledge.paths):
            one = Tried(facts=_facts(case, knowledge), on=date.fromisoformat(case["on"]))
            found.setdefault(case["rule"], []).append(one)
    return found


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
            if {str(c["expect"]).lower() for c in tried} != set(EXPECTED):
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


def _uncovered(cases: list[Mapping[str, Any]], asked: Mapping[str, _Asked]) -> Iterator[str]:
    """What has no true, false and unknown case, and thresholds that are not tried below, at and above."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        by_name.setdefault(_name(case), []).append(case)
    for name, subject in asked.items():
        found = by_name.get(name, [])
        expected = {str(c["expect"]).lower() for c in found}
        wanted = {"true"} if subject.when.kind == "always" else {"true", "false", "unknown"}
        if wanted - expected:
            yield f"{name}: no case for {sorted(wanted - expected)}"
        for node in (n for n in nodes(subject.when) if n.kind == "compare"):
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
                yield f"{name}: {node.path} {node.op} {limit:g} has no case {', '.join(missing)} it"


def _number(stated: Any) -> float:
    return float(stated["value"] if isinstance(stated, Mapping) else stated)


def _unfillable(asked: Mapping[str, _Asked], knowledge: Knowledge) -> Iterator[str]:
    """Paths that something reads but that do not exist or that no FHIR element can fill."""
    concepts = {r["concept"] for table in ("conditions", "observations") for r in knowledge.codes[table]}
    classes = {c for m in knowledge.codes["medicines"] for c in m["classes"]}
    read = {name: list(paths(subject.when)) for name, subject in asked.items()}
    for rule in knowledge.rules.values():
        read[f"rule {rule.id}"] += rule.settled_by
    for other in knowledge.alternatives.values():
        read[f"alternative {other.id}"] = list(other.tried.paths()) if other.tried else []
        read[f"alternative {other.id}"] += [f"preference.weight_{trait.attribute}" for trait in other.traits]
    for name, found in read.items():
        for path in found:
            if path not in knowledge.paths:
                yield f"{name}: reads {path}, which no file of profile/ has"
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


def _impossible_figures(knowledge: Knowledge) -> Iterator[str]:
    """Published figures that do not fit together; that each has a source is asked when the files are read."""
    for other in knowledge.alternatives.values():
        for comparison in other.compares:
            for problem in problems_of_figures(comparison):
                yield f"alternative {other.id}/{comparison.id}: {problem}"
