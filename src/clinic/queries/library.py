"""What does the knowledge say? Every item as anybody may read it: words, cases, what rests on it, history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

from clinic.record.models import PolicyEntry, Practice
from clinic.record.projections import knowledge
from ketapath.domain.education import ClaimsReport
from ketapath.education import check_claims, looks_like_html
from ketapath.knowledge import PathSpec, Rule, Source, documents, paths
from ketapath.knowledge.cases import cases_by_subject
from ketapath.knowledge.impact import impact
from ketapath.knowledge.listing import listing, resting_on, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One worked case: facts by label, and whether the rule then speaks."""

    facts: tuple[tuple[str, object, str], ...]
    expect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """One rule with its words, its cases, what rests on it, and what a practice has approved of it."""

    rule: Rule
    statement: str
    action: str
    reverses: str
    cases: tuple[Case, ...]
    rests: Mapping[str, list[str]]
    entries: tuple[PolicyEntry, ...]
    is_overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a text, and the claims that it is part of."""

    words: str
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text for patients with what the checker found in it."""

    report: ClaimsReport
    pieces: tuple[Piece, ...]


def rule_page(name: str, *, today: date, practice: Practice | None) -> RulePage | None:
    """One rule; None where there is none of this id. With a practice, what its medical lead did with it."""
    rule = knowledge().rules.get(name)
    if rule is None:
        return None
    words = {part: knowledge().texts[f"rule.{name}.{part}"] for part in ("statement", "action", "reverses")}
    entries = () if practice is None else PolicyEntry.objects.filter(practice=practice, item=name).order_by("-id")
    return RulePage(
        rule=rule,
        cases=tuple(_case(case) for case in _cases().get(f"rule {name}", ())),
        rests=resting_on(knowledge(), name),
        entries=tuple(entries),
        is_overdue=rule.ref.review_due < today,
        **words,
    )


def source_page(key: str) -> tuple[Source, Mapping[str, list[str]]] | None:
    """One source with everything that rests on it."""
    source = knowledge().sources.get(key)
    return None if source is None else (source, _impact(key))


def instrument_page(name: str) -> tuple[Mapping[str, Any], Mapping[str, list[str]]] | None:
    """One questionnaire as it is printed, with its owner and licence, and the rules that read its score."""
    found = knowledge().instruments.get(name)
    return None if found is None else (found, _rests_on("instrument", found))


def checked(text: str) -> Checked:
    """What a text for patients claims and leaves out, and the text itself in pieces that its claims mark."""
    found = check_claims(text, knowledge(), form="html" if looks_like_html(text) else "text")
    edges = sorted({0, len(text), *(c.at.start for c in found.claims), *(c.at.end for c in found.claims)})
    pieces = []
    for start, end in pairwise(edges):
        made = (c.claim for c in found.claims if c.at.start <= start and end <= c.at.end)
        pieces.append(Piece(words=text[start:end], claims=tuple(dict.fromkeys(made))))
    return Checked(report=found, pieces=tuple(pieces))


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """Any other item as plain data, with its worked cases, and for a claim the texts that it is tried on."""

    record: Mapping[str, Any]
    cases: tuple[Case, ...]
    rests: Mapping[str, list[str]]
    found_in: tuple[str, ...]
    not_found_in: tuple[str, ...]


def item_page(kind: str, name: str) -> ItemPage | None:
    """Any other item in full; None where this kind has none of this id."""
    record = shown(knowledge(), name)
    if record is None or record["kind"] != kind:
        return None
    about = {f"claim {name}"} if kind == "claim" else {f"card {name}"} if kind == "biomarker" else set()
    if kind == "alternative":
        about = {f"reason {name}/{reason.id}" for reason in knowledge().alternatives[name].reasons}
    if kind == "screening":
        about = {f"rule {screen.id}" for screen in knowledge().screening[record["id"]].screens}
    mine = [case for subject in sorted(about) for case in _cases().get(subject, ())]
    return ItemPage(
        record=record,
        cases=tuple(_case(case) for case in mine if "expect" in case),
        rests=_rests_on(kind, record),
        found_in=tuple(text for case in mine for text in case.get("found", ())),
        not_found_in=tuple(text for case in mine for text in case.get("not_found", ())),
    )


def _rests_on(kind: str, record: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """What uses this item: protocols predicted by a drug model, rules that read a score or a marker's result."""
    known = knowledge()
    if kind == "drug":
        ways = {(record["product"], route) for route in record["routes"]}
        return {"protocol": [p["id"] for p in known.protocols.values() if (p["product"], p["route"]) in ways]}
    read = [record["path"]] if kind == "instrument" else record.get("reads", ()) if kind == "biomarker" else ()
    readers = (rule for path in read for rule in _readers().get(path, ()))
    return {"rule": list(dict.fromkeys((*record.get("rules", ()), *readers)))} if read else {}


def path_page(name: str) -> tuple[PathSpec, list[str]] | None:
    """One fact that rules may read, and the rules that read it."""
    spec = knowledge().paths.get(name)
    return None if spec is None else (spec, _readers().get(name, []))


def overdue(today: date) -> int:
    """How many rules, claims, screens and markers are past their day of review."""
    known = knowledge()
    due = [rule.ref.review_due for rule in known.rules.values()]
    for shelf in (known.claims, known.screening, known.biomarkers):
        due += [record.review_due for record in shelf.values()]
    return sum(day < today for day in due)


def shelf(kind: str, words: str) -> list[dict[str, Any]]:
    """The items of one kind, or of every kind, whose id, title or section holds every one of these words."""
    wanted = words.casefold().split()[:8]
    found = [i for i in _listing() if kind in ("all", i["kind"]) or (kind == "rule" and i["kind"] == "statement")]
    return [i for i in found if all(w in f"{i['id']} {i['title']} {i['section']}".casefold() for w in wanted)]


def _case(case: Mapping[str, Any]) -> Case:
    facts = []
    for path, said in case["facts"].items():
        value, on = (said["value"], said.get("on")) if isinstance(said, Mapping) else (said, None)
        spec = knowledge().paths.get(path)
        facts.append((spec.label if spec else path, value, "" if on is None else str(on)))
    return Case(facts=tuple(facts), expect=str(case["expect"]).lower())


@lru_cache(maxsize=1)
def _listing() -> list[dict[str, Any]]:
    return listing(knowledge())


@lru_cache(maxsize=512)
def _impact(key: str) -> Mapping[str, list[str]]:
    return {kind: list(ids) for kind, ids in impact(documents(), key).items()}


@lru_cache(maxsize=1)
def _cases() -> Mapping[str, list[Mapping[str, Any]]]:
    return cases_by_subject()


@lru_cache(maxsize=1)
def _readers() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in knowledge().rules.values():
        for path in dict.fromkeys((*paths(rule.when), *rule.settled_by)):
            found.setdefault(path, []).append(rule.id)
    return found
