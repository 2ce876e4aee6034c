"""When does a term of the index meet what is asked for? Conditions of a search as conditions of the database.

Spans of time and of numbers are compared as FHIR R4 (4.0.1) says: `eq` holds where the asked span contains the stored
one, `gt` and `lt` where the stored one reaches beyond it, `sa` and `eb` where they lie apart. A stored number is one
point, whatever its digits; the digits of an asked one say how wide it is. An open end reaches for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q

from clinic import clock
from clinic.record.models import Practice, Term
from clinic.record.query import Condition, Moment, Named, Number, Token, Wanted, Words
from ketapath.fhir.spans import Span, span_of
from ketapath.fhir.terms import fitted, folded

_ABOUT = 0.1
"""How far `ap` reaches: a tenth of a number, or of the time between then and now."""
_LAST = "\U0010ffff"
_NOTHING = Q(pk__in=[])


def holds(condition: Condition, practice: Practice) -> Q:
    """The condition on a row of Current. Its terms are looked up by the resource, of which each has a few."""
    name = condition.parameter.name
    if name == "_id":
        return Q(identity__in=[v for w in condition.wanted if isinstance(w, Named) for v in w.values])
    if name == "_lastUpdated":
        return _any(_at(w, practice) for w in condition.wanted if isinstance(w, Moment))
    terms = Term.objects.filter(_of_resource(condition, practice), resource=OuterRef("pk"))
    if condition.modifier == "missing":
        return ~Q(Exists(terms)) if condition.wanted == (Words("true"),) else Q(Exists(terms))
    return ~Q(Exists(terms)) if condition.modifier == "not" else Q(Exists(terms))


def of_term(condition: Condition, practice: Practice) -> Q:
    """The same on a row of Term, for looking it up by what it says: without `not` and `missing`."""
    return Q(practice=practice, kind=condition.parameter.kind) & _of_resource(condition, practice)


def _of_resource(condition: Condition, practice: Practice) -> Q:
    """The right parameter, and any of the values.

    It names neither practice nor type, which the resource has: SQLite would take an index that begins with them.
    """
    parameter = condition.parameter
    names = [f"{n}:identifier" if condition.modifier == "identifier" else n for n in parameter.reads]
    named = Q(name=names[0]) if len(names) == 1 else Q(name__in=names)
    if condition.modifier != "missing":
        return named & _any(_meets(w, condition.modifier, practice) for w in condition.wanted)
    if not parameter.narrowed:
        return named
    return named & _any(begins("value", start) for start in (*(f"{t}/" for t in parameter.targets), "urn:uuid:"))


def begins(field: str, start: str) -> Q:
    """The field begins so. As a range, which both databases read from an index; its order is that of code points."""
    return Q(**{f"{field}__gte": start, f"{field}__lt": start + _LAST})


def _meets(wanted: Wanted, modifier: str, practice: Practice) -> Q:
    match wanted:
        case Token(system, value):
            by_system = Q() if system is None else Q(system=system)
            return by_system & (Q() if value is None else Q(value=value))
        case Named(values):
            return Q(value=values[0]) if len(values) == 1 else Q(value__in=values)
        case Words(text):
            if modifier == "exact":
                return Q(exact=fitted(text))
            return Q(value__contains=folded(text)) if modifier == "contains" else begins("value", folded(text))
        case Moment(prefix, stated):
            return _in_time(prefix, _asked(stated, practice))
        case Number():
            return _in_number(wanted)


def _asked(stated: str, practice: Practice) -> Span:
    span = span_of(stated, ZoneInfo(practice.zone))
    assert span is not None, "a query holds only dates that exist"
    return span


def _in_time(prefix: str, asked: Span) -> Q:
    known = Q(low__isnull=False) | Q(high__isnull=False)
    reaches_beyond = (Q(high__gt=asked.high) | Q(high__isnull=True)) & known if asked.high else _NOTHING
    reaches_before = (Q(low__lt=asked.low) | Q(low__isnull=True)) & known if asked.low else _NOTHING
    contained = (Q(low__gte=asked.low) if asked.low else known) & (Q(high__lte=asked.high) if asked.high else known)
    if asked.high:
        contained &= Q(low__lt=asked.high) | Q(
            low__isnull=True
        )  # says nothing new, but bounds what is read of the index
    match prefix:
        case "eq":
            return contained
        case "ne":
            return reaches_beyond | reaches_before
        case "gt":
            return reaches_beyond
        case "ge":
            return reaches_beyond | contained
        case "lt":
            return reaches_before
        case "le":
            return reaches_before | contained
        case "sa":
            return Q(low__gte=asked.high) if asked.high else _NOTHING
        case "eb":
            return Q(high__lte=asked.low) if asked.low else _NOTHING
        case _:
            low, high = _widened(asked)
            begins_in_time = Q(low__lt=high) | Q(low__isnull=True) if high else Q()
            ends_in_time = Q(high__gt=low) | Q(high__isnull=True) if low else Q()
            return known & begins_in_time & ends_in_time


def _widened(asked: Span) -> tuple[datetime | None, datetime | None]:
    """By a tenth of the time between it and now, on both sides."""
    middle = asked.low or asked.high
    assert middle is not None
    tenth = timedelta(seconds=abs((clock.now() - middle).total_seconds()) * _ABOUT)
    try:
        return asked.low and asked.low - tenth, asked.high and asked.high + tenth
    except OverflowError:
        return None, None


def _at(wanted: Moment, practice: Practice) -> Q:
    """When a version was stored: an instant, so nothing reaches over an end."""
    asked = _asked(wanted.stated, practice)
    low, high = _widened(asked) if wanted.prefix == "ap" else (asked.low, asked.high)
    since = Q(changed_at__gte=low) if low else Q()
    before = Q(changed_at__lt=high) if high else Q()
    earlier = Q(changed_at__lt=low) if low else _NOTHING
    later = Q(changed_at__gte=high) if high else _NOTHING
    by_prefix = {
        "ne": earlier | later,
        "gt": later,
        "sa": later,
        "ge": since,
        "lt": earlier,
        "eb": earlier,
        "le": before,
    }
    return by_prefix.get(wanted.prefix, since & before)


def _in_number(wanted: Number) -> Q:
    amount, value = wanted.amount, wanted.amount.value
    known = Q(least__isnull=False) | Q(most__isnull=False)
    endless, beginless = Q(most__isnull=True), Q(least__isnull=True)
    tenth = abs(value) * _ABOUT
    contained = Q(least__gte=amount.least, most__lt=amount.most)
    apart = Q(least__lt=amount.least) | Q(most__gte=amount.most) | endless | beginless
    about = (Q(most__gte=value - tenth) | endless) & (Q(least__lte=value + tenth) | beginless)
    by_prefix = {
        "eq": contained,
        "ne": apart,
        "gt": Q(most__gt=value) | endless,
        "ge": Q(most__gte=value) | endless,
        "lt": Q(least__lt=value) | beginless,
        "le": Q(least__lte=value) | beginless,
        "sa": Q(least__gt=value),
        "eb": Q(most__lt=value),
        "ap": about,
    }
    in_system = Q() if wanted.system is None else Q(system=wanted.system)
    if wanted.unit and wanted.system is None:
        in_system = Q(value=wanted.unit) | Q(exact=wanted.unit)
    elif wanted.unit:
        in_system &= Q(value=wanted.unit)
    return known & by_prefix[wanted.prefix] & in_system


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions)
