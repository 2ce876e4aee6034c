"""Is this true of this person: yes, no, or not known? Predicates in three-valued (Kleene) logic.

A predicate sees only usable facts. What is not known stays unknown unless the rest decides: one false makes `all`
false, one true makes `any` true. Anything that comparison, membership, a time window and these three connectives
cannot say is a named Python predicate here, with a test of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from ketapath.domain.fact import Fact
from ketapath.errors import KnowledgeError

Truth = bool | None
"""True, False, or None for not known."""

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """One node of a predicate. `kind` says which fields hold; `parts` are the nodes below it."""

    kind: str
    path: str = ""
    op: str = ""
    value: bool | float | str | tuple[str, ...] | None = None
    parts: tuple[Predicate, ...] = ()


FORMS: Mapping[frozenset[str], str] = MappingProxyType(
    {
        frozenset({"all"}): "all",
        frozenset({"any"}): "any",
        frozenset({"not"}): "not",
        frozenset({"always"}): "always",
        frozenset({"predicate"}): "named",
        frozenset({"path", "is"}): "is",
        frozenset({"path", "in"}): "in",
        frozenset({"path", "within_days"}): "within",
        frozenset({"path", "op", "value"}): "compare",
    }
)
"""Which fields, together, make which kind of predicate."""
OPERATORS = tuple(_OPERATORS)


def parse_predicate(node: Any, *, where: str) -> Predicate:
    """The predicate that a rule's `when` describes; raises KnowledgeError where it describes none."""
    if not isinstance(node, Mapping) or not node:
        raise KnowledgeError(f"{where}: a predicate is a mapping, not {node!r}")
    kind = FORMS.get(frozenset(node), "")
    try:
        found = _leaf(node, kind) if "path" in node else _joined(node, kind, where)
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise KnowledgeError(f"{where}: {dict(node)} is no predicate; see FORMAT.md")
    return found


def _joined(node: Mapping[str, Any], kind: str, where: str) -> Predicate | None:
    """A predicate without a path of its own: connectives, `always`, and those with a name."""
    if kind in ("all", "any") and isinstance(node[kind], list) and node[kind]:
        return Predicate(kind=kind, parts=tuple(parse_predicate(part, where=where) for part in node[kind]))
    if kind == "not":
        return Predicate(kind="not", parts=(parse_predicate(node["not"], where=where),))
    if kind == "always" and node["always"] is True:
        return Predicate(kind="always")
    if kind == "named" and node["predicate"] in NAMED:
        return Predicate(kind="named", value=node["predicate"])
    return None


def _leaf(node: Mapping[str, Any], kind: str) -> Predicate | None:
    """A predicate on one path. Raises ValueError or TypeError for a number that is none."""
    path = node["path"]
    if kind == "is":
        return Predicate(kind="is", path=path, value=node["is"])
    if kind == "in" and isinstance(node["in"], list):
        return Predicate(kind="in", path=path, value=tuple(node["in"]))
    if kind == "within":
        return Predicate(kind="within", path=path, value=float(node["within_days"]))
    if kind == "compare" and node["op"] in _OPERATORS:
        return Predicate(kind="compare", path=path, op=node["op"], value=float(node["value"]))
    return None


def evaluate(predicate: Predicate, known: Mapping[str, Fact], *, as_of: date) -> Truth:
    """Whether the predicate holds, given the usable facts on this day.

    >>> evaluate(Predicate(kind="not", parts=(Predicate(kind="always"),)), {}, as_of=date(2026, 11, 24))
    False
    """
    if predicate.kind == "always":
        return True
    if predicate.kind in ("all", "any"):
        return _connect(predicate, known, as_of)
    if predicate.kind == "not":
        truth = evaluate(predicate.parts[0], known, as_of=as_of)
        return None if truth is None else not truth
    if predicate.kind == "named":
        return NAMED[str(predicate.value)].holds(known)
    fact = known.get(predicate.path)
    return None if fact is None else _holds(predicate, fact, as_of)


def nodes(predicate: Predicate) -> Iterator[Predicate]:
    """This node and all below it."""
    yield predicate
    for part in predicate.parts:
        yield from nodes(part)


def paths(predicate: Predicate) -> Iterator[str]:
    """Every profile path that the predicate reads, in order, repeated where it is read twice."""
    if predicate.path:
        yield predicate.path
    if predicate.kind == "named":
        yield from NAMED[str(predicate.value)].reads
    for part in predicate.parts:
        yield from paths(part)


def _connect(predicate: Predicate, known: Mapping[str, Fact], as_of: date) -> Truth:
    deciding = predicate.kind == "any"
    unknown = False
    for part in predicate.parts:
        truth = evaluate(part, known, as_of=as_of)
        if truth is deciding:
            return deciding
        unknown = unknown or truth is None
    return None if unknown else not deciding


def _holds(predicate: Predicate, fact: Fact, as_of: date) -> Truth:
    value, wanted = fact.value, predicate.value
    if value is None:
        return None
    if predicate.kind == "is":
        return value == wanted
    if predicate.kind == "in":
        assert isinstance(wanted, tuple)
        return any(v in wanted for v in value) if isinstance(value, tuple) else value in wanted
    if predicate.kind == "within":
        assert isinstance(wanted, float)
        if value is False:
            return False
        return None if fact.on is None else 0 <= (as_of - fact.on).days <= wanted
    assert isinstance(wanted, float)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _OPERATORS[predicate.op](value, wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A predicate that comparison and connectives cannot say: the paths it reads, and the function that decides."""

    reads: tuple[str, ...]
    holds: Callable[[Mapping[str, Fact]], Truth]


def _item9_not_followed_up(known: Mapping[str, Fact]) -> Truth:
    """Thoughts of death or self-harm were stated, and no risk assessment after them can be relied on.

    That nobody has assessed the risk is what is asked, so a missing assessment is an answer here, not a gap. Within
    one day the times decide; against an answer with a time, an assessment without one may have come before it.
    """
    item9, assessed = known.get("scale.phq9_item9"), known.get("scale.suicide_risk")
    if item9 is None or not isinstance(item9.value, float):
        return None
    if item9.value < 1:  # source: the PHQ-9's own zero, "not at all"
        return False
    if assessed is None or assessed.on is None:
        return True
    if item9.on is None or assessed.on != item9.on or item9.at is None:
        return item9.on is not None and assessed.on < item9.on
    return assessed.at is None or assessed.at < item9.at


def _helped(tried: str, response: str) -> Named:
    """A treatment helped before. What was never tried did not help; a result that nobody knows stays unknown."""

    def holds(known: Mapping[str, Fact]) -> Truth:
        was, went = known.get(tried), known.get(response)
        if went is not None and went.value != "unknown":
            # Both cannot be true: never tried, and with a result.
            return None if was is not None and was.value is False else went.value == "helped"
        return False if was is not None and was.value is False else None

    return Named(reads=(tried, response), holds=holds)


def _not_in_hospital(known: Mapping[str, Fact]) -> Truth:
    """Nobody says that the person is in hospital. An unknown setting counts as outside: the careful side of a risk."""
    inpatient = known.get("setting.inpatient")
    return inpatient is None or inpatient.value is not True


NAMED: Mapping[str, Named] = MappingProxyType(
    {
        "item9_not_followed_up": Named(reads=("scale.phq9_item9", "scale.suicide_risk"), holds=_item9_not_followed_up),
        "ect_helped": _helped("history.ect_tried", "history.ect_response"),
        "tms_helped": _helped("history.tms_tried", "history.tms_response"),
        "augmentation_helped": _helped("trials.augmentation_tried", "history.augmentation_response"),
        "psychotherapy_helped": _helped("history.psychotherapy_tried", "history.psychotherapy_response"),
        "not_in_hospital": Named(reads=("setting.inpatient",), holds=_not_in_hospital),
    }
)
