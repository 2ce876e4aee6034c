"""How well does a screening questionnaire tell? Conditions with their screens, cut-offs and accuracy, as they are read.

The fields stand in FORMAT.md. A mistake of form is a `KnowledgeError`; `problems` finds what no form can see.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast, get_args

from ketapath.domain.evidence import Evidence, Trust
from ketapath.domain.screening import Accuracy, IntervalBasis, Purpose
from ketapath.errors import KnowledgeError
from ketapath.knowledge.rules import Predicate, parse_predicate, paths
from ketapath.knowledge.schema import Source, published

if TYPE_CHECKING:
    from ketapath.knowledge import Knowledge

NOT_IN_EVIDENCE = "not in our evidence"
Z_95 = 1.959964  # the standard normal's 97.5 % point
TEXTS = ("posttest", "posttest_rare", "known", "open")
"""The sentences that texts/screening.en.yaml has for each condition."""

CONDITION_FIELDS = frozenset(
    {
        "id",
        "version",
        "title",
        "known",
        "settled_by",
        "pretest",
        "owner",
        "reviewed_on",
        "review_due",
        "screens",
    }
)
PRETEST_FIELDS = frozenset({"setting", "ranges", "sources", "trust", "note"})
SCREEN_FIELDS = frozenset(
    {
        "id",
        "instrument",
        "cut",
        "positive",
        "purpose",
        "sensitivity",
        "specificity",
        "target",
        "population",
        "reference",
        "unknown",
        "sources",
        "trust",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PretestRange:
    """A range of how common the condition is, as two figures of policy.yaml, for those of whom `when` holds."""

    when: Predicate
    low: str
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One questionnaire at one cut-off for one condition. An accuracy of None is not in our evidence."""

    id: str
    instrument: str
    applies: Predicate
    positive: Predicate
    purpose: Purpose
    sensitivity: Accuracy | None
    specificity: Accuracy | None
    unknowns: int
    evidence: tuple[Evidence, ...]
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition that is screened for. `known` are the yes-or-no facts that state it as a diagnosis.

    `known_unless` names for some of them the fact that, if true, explains them otherwise. `said` are shown beside.
    """

    id: str
    version: str
    known: tuple[str, ...]
    known_unless: Mapping[str, str]
    said: tuple[str, ...]
    ranges: tuple[PretestRange, ...]
    pretest_evidence: tuple[Evidence, ...]
    owner: str
    reviewed_on: date
    review_due: date
    screens: tuple[Screen, ...]


def parse_condition(record: Mapping[str, Any], sources: Mapping[str, Source], *, where: str) -> Condition:
    """A condition with its screens, checked against the format and resolved against the sources."""
    name = f"{where}: condition {record.get('id', '?')}"
    _fields(record, CONDITION_FIELDS, {"known_unless", "said"}, name)
    pretest = record["pretest"]
    _fields(pretest, PRETEST_FIELDS, set(), f"{name}: pretest")
    try:
        reviewed_on, review_due = (date.fromisoformat(record[f]) for f in ("reviewed_on", "review_due"))
    except (TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem}") from problem
    return Condition(
        id=str(record["id"]),
        version=str(record["version"]),
        known=tuple(record["known"]),
        known_unless=dict(record.get("known_unless", {})),
        said=tuple(record.get("said", ())),
        ranges=tuple(_range(r, name) for r in pretest["ranges"]),
        pretest_evidence=_evidence(pretest, sources, f"{name}: pretest") if pretest["ranges"] else (),
        owner=str(record["owner"]),
        reviewed_on=reviewed_on,
        review_due=review_due,
        screens=tuple(_screen(s, sources, where) for s in record["screens"]),
    )


def texts_of(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The sentences that stand in the condition's own file, by key."""
    name = f"screening.{record['id']}"
    for field in ("title", "settled_by"):
        yield f"{name}.{field}", record[field]
    for field in ("setting", "note"):
        yield f"{name}.{field}", record["pretest"][field]
    for screen in record["screens"]:
        for field in ("cut", "target", "population", "reference"):
            yield f"screening.{screen['id']}.{field}", screen[field]
        for number, words in enumerate(screen["unknown"]):
            yield f"screening.{screen['id']}.unknown.{number}", words


def wilson(share: float, people: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share that was found in so many people.

    >>> [round(end, 3) for end in wilson(0.86, 128)]
    [0.789, 0.91]
    """
    spread = Z_95 / (2 * people) * math.sqrt(4 * people * share * (1 - share) + Z_95**2)
    middle = share + Z_95**2 / (2 * people)
    shrink = 1 + Z_95**2 / people
    return (middle - spread) / shrink, (middle + spread) / shrink


def problems(knowledge: Knowledge) -> Iterator[str]:
    """What breaks the screening knowledge although its form is right."""
    seen: set[str] = set()
    for condition in knowledge.screening.values():
        name = f"condition {condition.id}"
        read = (*condition.known, *condition.known_unless.values(), *condition.said)
        yield from _missing_paths(read, knowledge, name)
        if not set(condition.known_unless) <= set(condition.known):
            yield f"{name}: known_unless speaks of what is not in known"
        for text in TEXTS:
            if f"screening.{condition.id}.{text}" not in knowledge.texts:
                yield f"{name}: texts/screening.en.yaml has no screening.{condition.id}.{text}"
        for span in condition.ranges:
            yield from _range_problems(span, knowledge, name)
        for screen in condition.screens:
            if screen.id in seen:
                yield f"screen {screen.id}: is there twice"
            seen.add(screen.id)
            yield from _screen_problems(screen, knowledge)


def _fields(record: Any, required: frozenset[str], optional: set[str], name: str) -> None:
    if not isinstance(record, Mapping):
        raise KnowledgeError(f"{name}: is {record!r}, not a mapping")
    missing, extra = sorted(required - set(record)), sorted(set(record) - required - optional)
    if missing or extra:
        raise KnowledgeError(f"{name}: missing fields {missing}, unknown fields {extra}")


def _range(record: Mapping[str, Any], name: str) -> PretestRange:
    _fields(record, frozenset({"low", "high"}), {"when"}, f"{name}: pretest range")
    when = record.get("when", {"always": True})
    return PretestRange(when=parse_predicate(when, where=name), low=str(record["low"]), high=str(record["high"]))


def _screen(record: Mapping[str, Any], sources: Mapping[str, Source], where: str) -> Screen:
    name = f"{where}: screen {record.get('id', '?')}"
    _fields(record, SCREEN_FIELDS, {"applies"}, name)
    if record["purpose"] not in get_args(Purpose):
        raise KnowledgeError(f"{name}: purpose is {record['purpose']!r}, not one of {get_args(Purpose)}")
    return Screen(
        id=str(record["id"]),
        instrument=str(record["instrument"]),
        applies=parse_predicate(record.get("applies", {"always": True}), where=name),
        positive=parse_predicate(record["positive"], where=name),
        purpose=record["purpose"],
        sensitivity=_accuracy(record["sensitivity"], f"{name}: sensitivity"),
        specificity=_accuracy(record["specificity"], f"{name}: specificity"),
        unknowns=len(record["unknown"]),
        evidence=_evidence(record, sources, name),
        trust=cast(Trust, record["trust"]),
    )


def _accuracy(stated: Any, name: str) -> Accuracy | None:
    if stated == NOT_IN_EVIDENCE:
        return None
    _fields(stated, frozenset({"point", "basis"}), {"interval", "people"}, name)
    basis, interval, people = stated["basis"], stated.get("interval"), stated.get("people")
    if basis not in get_args(IntervalBasis):
        raise KnowledgeError(f"{name}: basis is {basis!r}, not one of {get_args(IntervalBasis)}")
    if (interval is None) is not (basis == "assumed") or (people is None and basis == "wilson"):
        raise KnowledgeError(f"{name}: an assumed figure has no interval, any other has one, wilson also people")
    try:
        return Accuracy(
            point=float(stated["point"]),
            interval=None if interval is None else (float(interval[0]), float(interval[1])),
            basis=cast(IntervalBasis, basis),
            people=None if people is None else int(people),
        )
    except (IndexError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem}") from problem


def _evidence(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> tuple[Evidence, ...]:
    cited: Sequence[Mapping[str, Any]] = record["sources"]
    if not cited or record["trust"] not in get_args(Trust):
        raise KnowledgeError(f"{name}: no source, or trust {record['trust']!r} is not known")
    found = []
    for entry in cited:
        source = sources.get(entry["key"])
        if source is None or not entry.get("locator"):
            raise KnowledgeError(f"{name}: source {entry['key']!r} is in no file under sources/, or has no locator")
        # The record's trust is that of its figures; a source that was read less carries its own.
        own = published(source).trust
        trust = record["trust"] if own == "read" else own
        found.append(published(source, locator=str(entry["locator"]), trust=cast(Trust, trust)))
    return tuple(found)


def _missing_paths(read: Sequence[str], knowledge: Knowledge, name: str) -> Iterator[str]:
    for path in read:
        if path not in knowledge.paths:
            yield f"{name}: reads {path}, which no file of profile/ has"


def _range_problems(span: PretestRange, knowledge: Knowledge, name: str) -> Iterator[str]:
    yield from _missing_paths(tuple(paths(span.when)), knowledge, name)
    unknown = [figure for figure in (span.low, span.high) if figure not in knowledge.policy]
    if unknown:
        yield f"{name}: its range names {unknown}, which policy.yaml does not have"
    elif not 0 < knowledge.figure(span.low) < knowledge.figure(span.high) < 1:
        yield f"{name}: {span.low} and {span.high} are no range inside 0 to 1"


def _screen_problems(screen: Screen, knowledge: Knowledge) -> Iterator[str]:
    name = f"screen {screen.id}"
    yield from _missing_paths((*paths(screen.applies), *paths(screen.positive)), knowledge, name)
    yield from _cuts(screen.positive, knowledge, name)
    for word, figure in (("sensitivity", screen.sensitivity), ("specificity", screen.specificity)):
        if figure is not None:
            yield from _figure_problems(figure, f"{name}: {word}")
    if (screen.sensitivity is None) is not (screen.specificity is None):
        yield f"{name}: one of sensitivity and specificity without the other gives no likelihood ratio"


def _cuts(predicate: Predicate, knowledge: Knowledge, name: str) -> Iterator[str]:
    """Cut-offs that everybody or nobody of the scale reaches."""
    spec = knowledge.paths.get(predicate.path)
    if predicate.kind == "compare" and spec is not None:
        assert isinstance(predicate.value, float)
        if spec.limits is None or not spec.limits[0] < predicate.value <= spec.limits[1]:
            yield f"{name}: the cut-off {predicate.value:g} lies outside {predicate.path} {spec.limits}"
    for part in predicate.parts:
        yield from _cuts(part, knowledge, name)


def _figure_problems(figure: Accuracy, name: str) -> Iterator[str]:
    """Shares outside 0 to 1, intervals without their point, and Wilson intervals that are not."""
    low, high = figure.interval or (figure.point, figure.point)
    if not 0 <= low <= figure.point <= high <= 1:
        yield f"{name}: {low:g} <= {figure.point:g} <= {high:g} does not hold inside 0 to 1"
        return
    if figure.basis == "wilson":
        assert figure.people is not None
        computed = wilson(figure.point, figure.people)
        if max(abs(low - computed[0]), abs(high - computed[1])) > 0.0006:
            yield f"{name}: Wilson's interval is {computed[0]:.3f} to {computed[1]:.3f}"
    if figure.basis == "spread" and abs(figure.point - (low + high) / 2) > 0.0006:
        yield f"{name}: between studies that disagree the point is the middle"
    if figure.basis in ("published", "assumed") and figure.point in (0, 1):
        yield f"{name}: 0 and 1 need the number of people they were found in"
