"""What in the record fits these search parameters? Within a reach, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NoReturn

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic.record.models import Current, Term
from clinic.record.reach import Reach
from clinic.record.read import Stored, _stored
from ketapath.errors import BadInput
from ketapath.fhir.parameters import parameters

MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search of one kind: each condition has to hold, any of its values will do."""

    kind: str
    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    count: int = 50
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after the last row of a page."""

    after: int

    @property
    def text(self) -> str:
        """As a word."""
        return str(self.after)

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """The cursor of this word."""
        return cls(int(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was found, how much there is in all, and where the next page begins."""

    matches: list[Stored]
    included: list[Stored]
    total: int
    next: Cursor | None


def parse(kind: str, pairs: Sequence[tuple[str, str]], *, lenient: bool = False) -> Query:
    """The query of these parameters. Raises BadInput naming the parameter that is none."""
    conditions, ignored, count = [], [], 50
    for name, value in pairs:
        if name == "_count":
            if not value.isascii() or not value.isdigit() or len(value) > 6:
                _refuse(name, value, "a number from 0 to 1000")
            count = min(int(value), MOST)
        elif name in parameters(kind):
            values = tuple(value.split(","))
            if "\0" in value or len(value) > 2000:
                _refuse(name, "a value", "text without NUL, 2000 characters at most")
            if parameters(kind)[name].type == "date":
                for one in values:
                    _span(name, one)
            conditions.append((name, values))
        elif lenient:
            ignored.append(name)
        else:
            _refuse(name, name, "a search parameter of this type")
    return Query(kind=kind, conditions=tuple(conditions), count=count, ignored=tuple(ignored))


def search(reach: Reach, query: Query, *, after: Cursor | None = None) -> Page:
    """One page of what fits."""
    rows = reach.over(Current.objects.filter(kind=query.kind))
    for name, values in query.conditions:
        rows = _filtered(rows, name, values, parameters(query.kind)[name].type)
    total = rows.count()
    rows = rows.order_by("id")
    if after is not None:
        rows = rows.filter(id__gt=after.after)
    found = list(rows[: query.count + 1])
    more = len(found) > query.count > 0
    kept = found[: query.count]
    return Page(matches=[_stored(row) for row in kept], included=[], total=total,
                next=Cursor(kept[-1].pk) if more else None)  # fmt: skip


def _filtered(rows: QuerySet[Current], name: str, values: tuple[str, ...], of_type: str) -> QuerySet[Current]:
    if name == "_id":
        return rows.filter(identity__in=values)
    if name == "patient":
        return rows.filter(patient_id__in=[v.removeprefix("Patient/") for v in values])
    fits = Q(pk__in=[])
    for value in values:
        terms = Term.objects.filter(resource=OuterRef("pk"), name=name)
        if of_type == "date":
            low, high, prefix = _span(name, value)
            part = {"ge": Q(high__gt=low), "gt": Q(high__gt=high), "lt": Q(low__lt=low), "le": Q(low__lt=high),
                    "eq": Q(low__gte=low, high__lte=high)}[prefix]  # fmt: skip
        elif of_type == "string":
            part = Q(value__startswith=value.casefold())
        else:
            system, bar, code = value.rpartition("|")
            part = Q(value=code, system=system) if bar else Q(value=code)
        fits |= Q(Exists(terms.filter(part)))
    return rows.filter(fits)


def _span(name: str, value: str) -> tuple[datetime, datetime, str]:
    prefix, day = (value[:2], value[2:]) if value[:2] in ("eq", "ge", "gt", "le", "lt") else ("eq", value)
    try:
        low = datetime.combine(date.fromisoformat(day[:10]), datetime.min.time(), UTC)
    except ValueError:
        _refuse(name, day, "a day of the calendar")
    return low, low + timedelta(days=1), prefix


def _refuse(name: str, found: str, limit: str) -> NoReturn:
    raise BadInput(field=name, found=found, limit=limit, next_step="Look into /fhir/metadata.")
