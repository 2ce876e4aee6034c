"""What in the record meets a search? One page of it at a time, never beyond somebody's reach.

Pages follow one another without a row twice or left out, whatever is written meanwhile: they go by the place of a
row, and a sorted search by the order that stood when its first page was read. Content is as it stands now.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from clinic import clock
from clinic.record.compare import holds, of_term
from clinic.record.models import Current, Term, Version
from clinic.record.query import Condition, Inclusion, Key, Moment, Named, Number, Query, Token, parse
from clinic.record.reach import Reach
from clinic.record.read import Stored, stored_of
from ketapath.errors import BadInput
from ketapath.fhir.parameters import parameters
from ketapath.fhir.terms import search_terms

__all__ = ["Cursor", "Page", "Query", "parse", "search"]

MAX_INCLUDED = 5000
"""Resources sent along with one page, at most; more is refused, because leaving some out would not be seen."""
_MAX_MOVED = 2000
_ABOUT_A_PERSON = frozenset({"subject", "patient", "beneficiary", "individual", "for"})
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_BEFORE_ALL, _AFTER_ALL = "", "\U0010ffff"

Place = tuple[tuple[Any, ...], int]
"""Where a row stands in the order: the values it is sorted by, then its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page ended: at this version of this resource; `total` and `began` are those of the first page.

    It names no person and no value that was searched for, because it stands in an address.
    """

    identity: str
    version: int
    total: int
    began: datetime

    @property
    def text(self) -> str:
        """As one word for an address."""
        said = json.dumps([self.identity, self.version, self.total, self.began.timestamp()])
        return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """Raises BadInput for what `text` has not written."""
        try:
            said = json.loads(base64.urlsafe_b64decode(text[:400] + "=" * (-len(text[:400]) % 4)))
            identity, version, total, began = said
            if not (isinstance(identity, str) and isinstance(version, int) and isinstance(total, int)):
                raise TypeError
            at = datetime.fromtimestamp(float(began), UTC)
            return cls(identity=identity.replace("\0", ""), version=version, total=total, began=at)
        except (ValueError, TypeError, OverflowError, OSError, RecursionError) as problem:
            raise _lost() from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`total` counts the matches of all pages; `next` leads to the page after this one, None on the last."""

    matches: list[Stored]
    included: list[Stored]
    total: int
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class _Found:
    """A row with the version whose place in the order it holds."""

    row: Current
    version: int


def search(reach: Reach, query: Query, *, after: Cursor | None = None) -> Page:
    """One page of what this search finds within this reach, in the order asked for, else as it first came in.

    Raises BadInput where `after` belongs to no row that can be seen, and where more would have to be sent along than
    `MAX_INCLUDED`.
    """
    began = clock.now() if after is None else after.began
    if query.count == 0:
        return Page(matches=[], included=[], total=_total(reach, query), next=None)
    found = _sorted(reach, query, after) if query.sort else _in_order(reach, query, after)
    shown, last = found[: query.count], None
    if after is not None:
        total = after.total
    elif len(found) <= query.count:  # as most searches do; to count them would be to search once more
        total = len(found)
    else:
        total = _total(reach, query)
    if len(found) > query.count:
        end = shown[-1]
        last = Cursor(identity=end.row.identity, version=end.version, total=total, began=began)
    rows = [f.row for f in shown]
    included = [stored_of(row) for row in _included(reach, query, rows)]
    return Page(matches=[stored_of(row) for row in rows], included=included, total=total, next=last)


def _matching(reach: Reach, query: Query) -> QuerySet[Current]:
    rows = reach.over(Current.objects.filter(kind=query.kind))
    people = _people(query)
    if people is not None:
        rows = rows.filter(patient_id__in=people)
    for condition in query.conditions:
        rows = rows.filter(holds(condition, reach.practice))
    return rows


def _people(query: Query) -> list[str] | None:
    """Whoever the matches can be about, where the search says so: their rows lie together, and are few."""
    for condition in query.conditions:
        read = parameters(query.kind)[condition.parameter.reads[0]]
        if (
            condition.modifier
            or not read.paths
            or {p.elements[:1] for p in read.paths} - {(e,) for e in _ABOUT_A_PERSON}
        ):
            continue
        named = [w.values[0] for w in condition.wanted if isinstance(w, Named)]
        if named and all(value.startswith("Patient/") for value in named):
            return [value.removeprefix("Patient/") for value in named]
    return None


def _lead(query: Query) -> Condition | None:
    """The condition whose terms, in the order of the index, lead to the matches; None where rows are read instead."""
    if _people(query) is not None or any(c.parameter.name == "_id" for c in query.conditions):
        return None
    wanted = [c for c in query.conditions if c.modifier in ("", "identifier") and _is_by_value(c)]
    return min(wanted, key=_breadth, default=None)


def _is_by_value(condition: Condition) -> bool:
    """Whether one range of an index holds its terms: those of a value, or of a stretch of time with two ends."""
    match condition.wanted[0]:
        case Moment():
            is_column = condition.parameter.name == "_lastUpdated"
            return not is_column and all(isinstance(w, Moment) and w.prefix == "eq" for w in condition.wanted)
        case Number():
            return False
    return all(not isinstance(w, Token) or w.value is not None for w in condition.wanted)


def _breadth(condition: Condition) -> int:
    """How much of its type a value may be expected to name: a reference or number little, a status half of it."""
    if condition.parameter.type == "reference" or condition.parameter.name == "identifier":
        return 0
    if condition.parameter.type == "date":
        return 1 if all(isinstance(w, Moment) and len(w.stated) >= len("2026-11-24") for w in condition.wanted) else 3
    return 2 if "code" in condition.parameter.name else 3


def _led(reach: Reach, query: Query, lead: Condition) -> QuerySet[Term]:
    """The terms of one condition whose resources meet all others."""
    others = replace(query, conditions=tuple(c for c in query.conditions if c is not lead))
    rows = _matching(reach, others).filter(pk=OuterRef("resource_id"))
    return Term.objects.filter(of_term(lead, reach.practice)).filter(Exists(rows))


def _total(reach: Reach, query: Query) -> int:
    lead = _lead(query)
    if lead is None:
        return _matching(reach, query).count()
    return _led(reach, query, lead).values("resource_id").distinct().count()


def _in_order(reach: Reach, query: Query, after: Cursor | None) -> list[_Found]:
    start = 0 if after is None else _row_of(reach, query, after).pk
    lead, size = _lead(query), query.count + 1
    if lead is None:
        rows = list(_matching(reach, query).filter(pk__gt=start).order_by("pk")[:size])
    else:
        led = _led(reach, query, lead).filter(resource_id__gt=start)
        places = list(led.order_by("resource_id").values_list("resource_id", flat=True).distinct()[:size])
        rows = list(Current.objects.filter(pk__in=places).order_by("pk"))
    return [_Found(row, row.version) for row in rows]


def _sorted(reach: Reach, query: Query, after: Cursor | None) -> list[_Found]:
    """In the order that stood at the first page: what was changed since keeps the place that it had then."""
    rows = _matching(reach, query)
    lead = _lead(query)
    if lead is not None:
        rows = rows.filter(pk__in=Term.objects.filter(of_term(lead, reach.practice)).values("resource_id"))
    rows = rows.annotate(**{f"key{n}": _key(key) for n, key in enumerate(query.sort)})
    order = [F(f"key{n}").desc() if key.descending else F(f"key{n}").asc() for n, key in enumerate(query.sort)]
    size = query.count + 1
    if after is None:
        return [_Found(row, row.version) for row in rows.order_by(*order, "pk")[:size]]
    start = _place_then(reach, query, _row_of(reach, query, after), after)
    if start is None:
        raise _lost()
    still = rows.filter(changed_at__lte=after.began).filter(_beyond(query.sort, start)).order_by(*order, "pk")[:size]
    found = [(_place_now(query, row), _Found(row, row.version)) for row in still]
    found += _moved(reach, query, rows.filter(changed_at__gt=after.began), start, after)

    def ahead(one: tuple[Place, _Found], other: tuple[Place, _Found]) -> int:
        return _compare(query.sort, one[0], other[0])

    found.sort(key=cmp_to_key(ahead))
    return [f for _, f in found[:size]]


def _moved(
    reach: Reach, query: Query, rows: QuerySet[Current], start: Place, after: Cursor
) -> Iterator[tuple[Place, _Found]]:
    """What was changed since the first page and stood beyond this place then."""
    changed = list(rows[: _MAX_MOVED + 1])
    if len(changed) > _MAX_MOVED:
        raise BadInput(field="page", found="too many changes", limit="a record that stands", next_step="Search anew.")
    for row in changed:
        then = _version_then(row, after.began)
        if then is not None:
            place = _place_of(reach, query, row, then)
            if _compare(query.sort, place, start) > 0:
                yield place, _Found(row, then.version)


def _row_of(reach: Reach, query: Query, after: Cursor) -> Current:
    row = reach.over(Current.objects.filter(kind=query.kind, identity=after.identity)).first()
    if row is None:
        raise _lost()
    return row


def _version_then(row: Current, began: datetime) -> Version | None:
    found = Version.objects.filter(practice=row.practice_id, kind=row.kind, identity=row.identity)
    return found.filter(changed_at__lte=began).order_by("-version").first()


def _place_then(reach: Reach, query: Query, row: Current, after: Cursor) -> Place | None:
    found = Version.objects.filter(practice=row.practice_id, kind=row.kind, identity=row.identity)
    version = found.filter(version=after.version).first()
    return None if version is None else _place_of(reach, query, row, version)


def _place_of(reach: Reach, query: Query, row: Current, version: Version) -> Place:
    """The place of a version, from its content: the values that `_key` reads from the terms of those that stand."""
    terms = search_terms({**json.loads(version.content), "resourceType": row.kind}, ZoneInfo(reach.practice.zone))
    keys: list[Any] = []
    for key in query.sort:
        if key.parameter.name == "_id":
            keys.append(row.identity)
        elif key.parameter.name == "_lastUpdated":
            keys.append(version.changed_at)
        else:
            own = [t for t in terms if t.name in key.parameter.reads and (t.exact or key.parameter.type != "string")]
            values = [t.low if key.parameter.type == "date" else t.value for t in own]
            there = [v for v in values if v is not None]
            keys.append((max(there) if key.descending else min(there)) if there else _absent(key))
    return tuple(keys), row.pk


def _place_now(query: Query, row: Current) -> Place:
    return tuple(getattr(row, f"key{n}") for n in range(len(query.sort))), row.pk


def _key(key: Key) -> Any:
    """The value a row is sorted by: its first, or in descending order its last; whoever has none comes at the end."""
    if key.parameter.name == "_id":
        return F("identity")
    if key.parameter.name == "_lastUpdated":
        return F("changed_at")
    field = "low" if key.parameter.type == "date" else "value"
    terms = Term.objects.filter(resource=OuterRef("pk"), name__in=key.parameter.reads).exclude(
        **{f"{field}__isnull": True}
    )
    if key.parameter.type == "string":
        terms = terms.exclude(exact="")  # only whole values, not their later words
    ordered = terms.order_by(f"-{field}" if key.descending else field)
    column = DateTimeField() if field == "low" else CharField()
    return Coalesce(Subquery(ordered.values(field)[:1]), Value(_absent(key), output_field=column), output_field=column)


def _absent(key: Key) -> Any:
    if key.parameter.type == "date":
        return _EARLIEST if key.descending else _LATEST
    return _BEFORE_ALL if key.descending else _AFTER_ALL


def _beyond(sort: Sequence[Key], start: Place) -> Q:
    values, number = start
    same, found = Q(), Q()
    for n, key in enumerate(sort):
        found |= same & Q(**{f"key{n}__{'lt' if key.descending else 'gt'}": values[n]})
        same &= Q(**{f"key{n}": values[n]})
    return found | same & Q(pk__gt=number)


def _compare(sort: Sequence[Key], one: Place, other: Place) -> int:
    for key, mine, yours in zip(sort, one[0], other[0], strict=True):
        if mine != yours:
            return 1 if (mine > yours) != key.descending else -1
    return one[1] - other[1]


def _included(reach: Reach, query: Query, rows: Sequence[Current]) -> list[Current]:
    """What goes along with these rows, each once, in the order in which it first came in."""
    if not rows:
        return []
    found: dict[int, Current] = {}
    for inclusion in query.includes:
        found.update({row.pk: row for row in _pointed_to(reach, inclusion, rows)})
    for inclusion in query.revincludes:
        found.update({row.pk: row for row in _pointing(reach, query, inclusion, rows)})
    for row in rows:
        found.pop(row.pk, None)
    return [found[pk] for pk in sorted(found)]


def _pointed_to(reach: Reach, inclusion: Inclusion, rows: Sequence[Current]) -> Iterator[Current]:
    parameter = inclusion.parameter
    terms = Term.objects.filter(resource__in=[row.pk for row in rows], name__in=parameter.reads)
    targets = (inclusion.target,) if inclusion.target else parameter.targets
    wanted: dict[str, set[str]] = {}
    for value in terms.values_list("value", flat=True).distinct():
        if value.startswith("urn:uuid:"):
            wanted.setdefault("", set()).add(value.removeprefix("urn:uuid:"))
        else:
            kind, _, identity = value.partition("/")
            wanted.setdefault(kind, set()).add(identity)
    for kind, identities in wanted.items():
        kinds = targets if not kind else (kind,) if kind in targets else ()
        yield from _bounded(reach, "_include", Q(kind__in=kinds, identity__in=identities))


def _pointing(reach: Reach, query: Query, inclusion: Inclusion, rows: Sequence[Current]) -> Iterator[Current]:
    names = [f"{query.kind}/{row.identity}" for row in rows] + [f"urn:uuid:{row.identity}" for row in rows]
    parameter = inclusion.parameter
    terms = Term.objects.filter(practice=reach.practice, kind=parameter.kind, name__in=parameter.reads, value__in=names)
    yield from _bounded(reach, "_revinclude", Q(kind=parameter.kind, pk__in=terms.values("resource_id")))


def _bounded(reach: Reach, name: str, wanted: Q) -> list[Current]:
    found = list(reach.over(Current.objects.filter(wanted)).order_by("pk")[: MAX_INCLUDED + 1])
    if len(found) > MAX_INCLUDED:
        raise BadInput(
            field=name,
            found=f"more than {MAX_INCLUDED} resources",
            limit=f"at most {MAX_INCLUDED} with one page",
            next_step="Ask for fewer results on a page.",
        )
    return found


def _lost() -> BadInput:
    return BadInput(
        field="page", found="a place that is not there", limit="the link of a page before", next_step="Search anew."
    )
