"""What is asked for? A search as it was written, read strictly: what is not understood is refused by name.

Ignoring a filter would show a clinician more, or other people, than was asked for. Source: HL7 FHIR R4 (4.0.1), search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from ketapath.errors import BadInput
from ketapath.fhir.parameters import (
    PREFIXED,
    PREFIXES,
    SORTABLE,
    Parameter,
    includes,
    parameters,
    revincludes,
)
from ketapath.fhir.spans import Amount, amount_of, span_of
from ketapath.fhir.terms import fitted, folded, referred

MAX_COUNT = 1000
"""Results on one page, at most."""
COUNT = 50
_MAX_PAIRS = 40
_MAX_VALUES = 2000
"""Values of all conditions together; an id that may be of any type counts once for each type."""
_MAX_LENGTH = 2000
_MAX_KEYS = 3
"""Keys of sorting."""
_MAX_INCLUDES = 10
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}(?::[A-Za-z-]{1,40})?")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_KIND_AND_ID = re.compile(r"([A-Z][A-Za-z]{1,39})/([A-Za-z0-9.-]{1,64})\Z")


@dataclass(frozen=True, slots=True)
class Token:
    """A code of a system; None where it does not matter which. An empty system means: without one."""

    system: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """A text as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """Any of these ids, references or addresses."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of time as it was written, which the zone of the practice makes into one."""

    prefix: str
    stated: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, with its unit where one was named: `system` None for any, `unit` empty for any."""

    prefix: str
    amount: Amount
    system: str | None = None
    unit: str = ""


Wanted = Token | Words | Named | Moment | Number


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter with what it may be; any of `wanted` will do. `modifier` is "" or one of the parameter's."""

    parameter: Parameter
    modifier: str
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What to sort by."""

    parameter: Parameter
    descending: bool


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Resources to be sent along: those that this parameter points to, or those that point here by it.

    `target` is the type it is narrowed to; empty for any.
    """

    parameter: Parameter
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search of one type. All of `conditions` must hold; `ignored` are the names that a lenient reading left out."""

    kind: str
    conditions: tuple[Condition, ...] = ()
    sort: tuple[Key, ...] = ()
    includes: tuple[Inclusion, ...] = ()
    revincludes: tuple[Inclusion, ...] = ()
    count: int = COUNT
    ignored: tuple[str, ...] = ()


def parse(kind: str, pairs: Sequence[tuple[str, str]], *, lenient: bool = False) -> Query:
    """The search of this type that these names and values ask for.

    A `lenient` reading leaves out parameters that do not exist and names them in `ignored`; everything else that is not
    understood raises BadInput in either case, with the name of the parameter.
    """
    own, draft = parameters(kind), _Draft(kind)
    if len(pairs) > _MAX_PAIRS:
        _refuse("search", f"{len(pairs)} parameters", f"at most {_MAX_PAIRS}", "Ask for less at a time.")
    for name, value in pairs:
        _check(name, value)
        plain, _, modifier = name.partition(":")
        if plain in _RESULT:
            if modifier:
                _refuse(name, modifier, f"{plain} without a modifier", "Leave the modifier out.")
            _RESULT[plain](draft, name, value)
        elif plain in own:
            draft.conditions.append(_condition(own[plain], name, modifier, value))
        elif lenient:
            draft.ignored.append(name)
        else:
            _refuse(name, name, f"a search parameter of {kind}", "See the capability statement for those there are.")
    values = sum(len(w.values) if isinstance(w, Named) else 1 for c in draft.conditions for w in c.wanted)
    if values > _MAX_VALUES:
        _refuse("search", f"{values} values", f"at most {_MAX_VALUES}", "Ask for less at a time.")
    return draft.query()


class _Draft:
    """A query in the making."""

    def __init__(self, kind: str) -> None:
        self.kind, self.count, self.counts_only = kind, COUNT, False
        self.conditions: list[Condition] = []
        self.sort: list[Key] = []
        self.includes: list[Inclusion] = []
        self.revincludes: list[Inclusion] = []
        self.ignored: list[str] = []

    def query(self) -> Query:
        return Query(
            kind=self.kind,
            conditions=tuple(self.conditions),
            sort=tuple(self.sort),
            includes=tuple(dict.fromkeys(self.includes)),
            revincludes=tuple(dict.fromkeys(self.revincludes)),
            count=0 if self.counts_only else self.count,
            ignored=tuple(self.ignored),
        )


def _count(draft: _Draft, name: str, value: str) -> None:
    if not re.fullmatch(r"\d{1,6}", value, re.ASCII):
        _refuse(name, value, f"a whole number up to {MAX_COUNT}", "Ask for so many results on a page.")
    draft.count = min(int(value), MAX_COUNT)


def _sort(draft: _Draft, name: str, value: str) -> None:
    for stated in value.split(","):
        found = parameters(draft.kind).get(stated.removeprefix("-"))
        if found is None or found.type not in SORTABLE:
            _refuse(name, stated, f"a date, string or token parameter of {draft.kind}", "Sort by another parameter.")
        draft.sort.append(Key(found, stated.startswith("-")))
    if len(draft.sort) > _MAX_KEYS:
        _refuse(name, value, f"at most {_MAX_KEYS} keys", "Sort by fewer.")


def _include(draft: _Draft, name: str, value: str) -> None:
    is_reverse = name == "_revinclude"
    offered = revincludes(draft.kind) if is_reverse else includes(draft.kind)
    kind, source, target = (*value.split(":", 2), "", "")[:3]
    stated = f"{kind}:{source}"
    if stated not in offered:
        _refuse(name, value, f"one of those that a search of {draft.kind} offers", "See the capability statement.")
    parameter = parameters(kind)[source]
    if target and (target not in parameter.targets or (is_reverse and target != draft.kind)):
        _refuse(name, value, f"a type that {stated} points to", "Leave the type out.")
    wanted = draft.revincludes if is_reverse else draft.includes
    wanted.append(Inclusion(parameter, target))
    if len(wanted) > _MAX_INCLUDES:
        _refuse(name, value, f"at most {_MAX_INCLUDES} times", "Ask for less at a time.")


def _summary(draft: _Draft, name: str, value: str) -> None:
    if value not in ("count", "false"):
        _refuse(name, value, "count or false", "Ask for whole resources, or for their number.")
    draft.counts_only = value == "count"


def _total(draft: _Draft, name: str, value: str) -> None:
    """The number is always told exactly, which each of the three allows."""
    if value not in ("none", "estimate", "accurate"):
        _refuse(name, value, "none, estimate or accurate", "Leave it out.")


_RESULT: Mapping[str, Callable[[_Draft, str, str], None]] = MappingProxyType(
    {
        "_count": _count,
        "_sort": _sort,
        "_include": _include,
        "_revinclude": _include,
        "_summary": _summary,
        "_total": _total,
    }
)
RESULT_PARAMETERS = tuple(_RESULT)
"""Parameters about the answer as a whole."""


def _condition(parameter: Parameter, name: str, modifier: str, value: str) -> Condition:
    """One parameter with its values; a type as modifier is laid into the values."""
    if modifier and modifier not in parameter.modifiers:
        said = ", ".join(parameter.modifiers) or "none"
        _refuse(name, modifier, f"a modifier of {parameter.name}: {said}", "Use one of these, or none.")
    if modifier == "missing":
        if value not in ("true", "false"):
            _refuse(name, value, "true or false", "Say whether it is missing.")
        return Condition(parameter, modifier, (Words(value),))
    kept = modifier if modifier not in parameter.targets else ""
    wanted = tuple(_wanted(parameter, name, modifier, part) for part in _split(value, ","))
    return Condition(parameter, kept, wanted)


def _wanted(parameter: Parameter, name: str, modifier: str, stated: str) -> Wanted:
    if not stated:
        _refuse(name, stated, "a value", "Leave the parameter out, or ask with :missing.")
    if parameter.name == "_id":
        return Named((_plain(stated),))
    if parameter.type in PREFIXED:
        prefix = stated[:2] if stated[:2] in PREFIXES else "eq"
        rest = stated.removeprefix(prefix) if stated[:2] == prefix else stated
        return _moment(name, prefix, rest) if parameter.type == "date" else _number(parameter, name, prefix, rest)
    if parameter.type == "token" or modifier == "identifier":
        return _token(name, stated)
    if parameter.type == "reference":
        return _reference(parameter, name, modifier, _plain(stated))
    if parameter.type == "uri":
        return Named((fitted(_plain(stated)),))
    words = _plain(stated)
    if not folded(words):
        _refuse(name, stated, "letters or digits", "Ask for a word.")
    return Words(words)


def _token(name: str, stated: str) -> Token:
    parts = _split(stated, "|")
    if len(parts) > 2 or not any(parts):
        _refuse(name, stated, "code, system|code, |code or system|", "Put a backslash before a bar that belongs to it.")
    system, code = parts if len(parts) == 2 else (None, parts[0])
    return Token(None if system is None else fitted(_plain(system)), fitted(_plain(code)) if code else None)


def _reference(parameter: Parameter, name: str, modifier: str, stated: str) -> Named:
    """Every way in which the record may have written this reference."""
    if "://" in stated or stated.startswith("urn:"):
        return Named((referred(stated),))
    match = _KIND_AND_ID.match(referred(stated))
    if match is not None:
        kind, identity = match.groups()
        if kind not in parameter.targets or modifier not in ("", kind):
            said = modifier or ", ".join(parameter.targets)
            _refuse(name, stated, f"a reference to {said}"[:200], "Ask for a type that it may point to.")
        found = [f"{kind}/{identity}"]
    elif _ID.match(stated):
        identity = stated
        found = [f"{kind}/{stated}" for kind in ([modifier] if modifier else parameter.targets)]
    else:
        _refuse(name, stated, "id, Type/id, or a whole address", "Give the reference as the record writes it.")
    return Named((*found, f"urn:uuid:{identity}"))


def _moment(name: str, prefix: str, stated: str) -> Moment:
    if span_of(stated) is None:
        _refuse(name, stated, "a date or instant that exists, as 2026-11-24 or 2026-11-24T09:00:00Z", "Correct it.")
    return Moment(prefix, stated)


def _number(parameter: Parameter, name: str, prefix: str, stated: str) -> Number:
    parts = [_plain(part) for part in _split(stated, "|")]
    amount = amount_of(parts[0])
    shapes = (1,) if parameter.type == "number" else (1, 3)
    if amount is None or len(parts) not in shapes:
        form = "a number" if parameter.type == "number" else "a number, number|system|code or number||code"
        _refuse(name, stated, form, "Write it with a point and without spaces.")
    if len(parts) == 1:
        return Number(prefix, amount)
    return Number(prefix, amount, fitted(parts[1]) or None, fitted(parts[2]))


def _split(stated: str, sign: str) -> list[str]:
    """At each sign that has no backslash before it; backslashes stay."""
    parts, is_escaped = [""], False
    for letter in stated:
        if letter == sign and not is_escaped:
            parts.append("")
        else:
            parts[-1] += letter
        is_escaped = letter == "\\" and not is_escaped
    return parts


def _plain(stated: str) -> str:
    """Without the backslashes that escape a comma, a bar, a dollar sign or a backslash."""
    return re.sub(r"\\([,|$\\])", r"\1", stated)


def escaped(text: str) -> str:
    """A text as one value of a search, whatever signs it holds."""
    return re.sub(r"([,|$\\])", r"\\\1", text)


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        _refuse("search parameter", name, "letters, hyphens and a colon", "See the capability statement.")
    if len(value) > _MAX_LENGTH:
        _refuse(name, f"{len(value)} characters", f"at most {_MAX_LENGTH}", "Ask for less at a time.")
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        _refuse(name, "NUL or half a character", "text without NUL and without half characters", "Correct the value.")


def _refuse(field: str, found: object, limit: str, next_step: str) -> NoReturn:
    raise BadInput(field=field, found=found, limit=limit, next_step=next_step)
