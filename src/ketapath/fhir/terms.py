"""By what can this resource be found? Its search terms; pure, no database.

Which values count is said in `parameters`; how each is read follows its own shape, because one parameter may name a
code here and a coded concept there. Source: HL7 FHIR R4 (4.0.1), search.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any

from ketapath.fhir.parameters import Parameter, Path, kinds, parameters
from ketapath.fhir.spans import Span, span_of

WIDTH = 200
"""Characters that a term holds; `fitted` makes a longer value fit and keeps it apart from others."""
_OF_CONTACT = frozenset({"phone", "fax", "email", "pager", "url", "sms", "other"})
_OF_NAME = ("family", "given", "prefix", "suffix", "text")
_OF_ADDRESS = ("line", "city", "district", "state", "postalCode", "country", "text")
_DIGEST = 40
_WORDS = 6


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One thing a resource can be found by, under the name of its parameter.

    A token has `system` and `value`; a reference "Kind/id", an address or a urn as `value`; a text is folded in `value`
    and as written in `exact`; a quantity has its code in `value` and its unit's words in `exact`. `low` to `high` is a
    span of time with its end excluded, `least` to `most` one of numbers with both ends; None is open. A term that has
    only a name says that there is a value which cannot be compared.
    """

    name: str
    system: str = ""
    value: str = ""
    exact: str = ""
    low: datetime | None = None
    high: datetime | None = None
    least: float | None = None
    most: float | None = None


def search_terms(resource: Mapping[str, Any], zone: tzinfo = UTC) -> tuple[SearchTerm, ...]:
    """The terms of one resource, each once; none for a type that cannot be searched.

    `zone` is where dates without a zone are taken to be written.
    """
    kind = resource.get("resourceType")
    if kind not in kinds():
        return ()
    found: dict[SearchTerm, None] = {}
    for parameter in parameters(str(kind)).values():
        for path in parameter.paths:
            found.update(dict.fromkeys(_terms(parameter, path, resource, zone)))
    return tuple(found)


def folded(text: str) -> str:
    """Without case, accents, and more than one space in a row: how texts are compared unless asked exactly."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())[:WIDTH]


def fitted(text: str) -> str:
    """The text where it fits into a term; else its beginning with a digest of the whole. Never with a NUL."""
    text = text.replace("\0", "")
    if len(text) <= WIDTH:
        return text
    return text[: WIDTH - _DIGEST] + hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def referred(reference: str) -> str:
    """A reference as it is compared: without its version, a relative one as "Kind/id"."""
    return fitted(reference.split("/_history/")[0])


def _terms(parameter: Parameter, path: Path, resource: Mapping[str, Any], zone: tzinfo) -> Iterator[SearchTerm]:
    name = parameter.name
    if path.either:
        there = any(resource.get(field) not in (None, False) for field in path.either)
        yield SearchTerm(name, value="true" if there else "false")
        return
    for value in _values(resource, path.elements):
        if path.only and not (isinstance(value, dict) and value.get("system") == path.only):
            continue
        terms = list(
            _span_terms(name, value, zone) if parameter.type == "date" else _READERS[parameter.type](name, value)
        )
        yield from terms or [SearchTerm(name)]


def _values(holder: Any, elements: tuple[str, ...]) -> Iterator[Any]:
    """The values at this place, through every list on the way."""
    if isinstance(holder, list):
        for item in holder:
            yield from _values(item, elements)
    elif not elements:
        if holder is not None and holder != "":
            yield holder
    elif isinstance(holder, dict):
        yield from _values(holder.get(elements[0]), elements[1:])


def _token_terms(name: str, value: Any) -> Iterator[SearchTerm]:
    if isinstance(value, bool):
        yield SearchTerm(name, value="true" if value else "false")
    elif isinstance(value, str):
        yield SearchTerm(name, value=fitted(value))
    elif isinstance(value, dict) and "coding" in value:
        for coding in _objects(value["coding"]):
            yield from _pair(name, coding.get("system"), coding.get("code"))
    elif isinstance(value, dict) and "code" in value:
        yield from _pair(name, value.get("system"), value["code"])
    elif isinstance(value, dict):
        system = value.get("system")
        yield from _pair(name, None if system in _OF_CONTACT else system, value.get("value"))


def _pair(name: str, system: Any, code: Any) -> Iterator[SearchTerm]:
    if isinstance(code, str) and code:
        yield SearchTerm(name, _text(system), fitted(code))


def _reference_terms(name: str, value: Any) -> Iterator[SearchTerm]:
    """A Reference, or the address of a definition, with its version and without."""
    if isinstance(value, str):
        yield SearchTerm(name, value=fitted(value))
        if "|" in value:
            yield SearchTerm(name, value=fitted(value.rpartition("|")[0]))
        return
    if not isinstance(value, dict):
        return
    reference = value.get("reference")
    if isinstance(reference, str) and reference:
        plain = referred(reference)
        yield SearchTerm(name, value=plain)
        kind, _, identity = plain.rpartition("/")
        if kind.endswith("/Patient"):
            # Whoever is named by another server's address is the person with that id here, as `patient_of` reads it.
            yield SearchTerm(name, value=fitted(f"Patient/{identity}"))
    identifier = value.get("identifier")
    if isinstance(identifier, dict):
        yield from _pair(f"{name}:identifier", identifier.get("system"), identifier.get("value"))


def _string_terms(name: str, value: Any) -> Iterator[SearchTerm]:
    if isinstance(value, str):
        if folded(value):
            yield SearchTerm(name, value=folded(value).replace("\0", ""), exact=fitted(value))
    elif isinstance(value, dict):
        is_person = "family" in value or "given" in value
        for field in _OF_NAME if is_person else (*_OF_ADDRESS, "prefix", "suffix"):
            for text in _values(value, (field,)):
                if isinstance(text, str):
                    yield from _string_terms(name, text)
                    yield from _later_words(name, text, at_most=_WORDS if is_person or field == "text" else 0)


def _later_words(name: str, text: str, *, at_most: int) -> Iterator[SearchTerm]:
    """A name is found by the beginning of each of its words, too."""
    words = folded(text).replace("\0", "").split()
    for place in range(1, min(len(words), at_most)):
        yield SearchTerm(name, value=" ".join(words[place:]))


def _uri_terms(name: str, value: Any) -> Iterator[SearchTerm]:
    if isinstance(value, str):
        yield SearchTerm(name, value=fitted(value))


def _number_terms(name: str, value: Any) -> Iterator[SearchTerm]:
    number = _number(value)
    if number is not None:
        yield SearchTerm(name, least=number, most=number)
    elif isinstance(value, dict):
        low, high = (_number(end.get("value")) for end in _ends(value))
        if low is not None or high is not None:
            yield SearchTerm(name, least=low, most=high)


def _quantity_terms(name: str, value: Any) -> Iterator[SearchTerm]:
    """A Quantity with its comparator, a Range, or what SampledData says of its limits."""
    if not isinstance(value, dict):
        return
    if "low" in value or "high" in value:
        ends = _ends(value)
        unit = ends[0] or ends[1]
        least, most = (_number(end.get("value")) for end in ends)
    elif "origin" in value:
        unit = value["origin"] if isinstance(value["origin"], dict) else {}
        least, most = _number(value.get("lowerLimit")), _number(value.get("upperLimit"))
    else:
        unit = value
        number, comparator = _number(value.get("value")), value.get("comparator")
        least = most = number
        if number is not None and comparator in ("<", "<="):
            least, most = None, math.nextafter(number, -math.inf) if comparator == "<" else number
        elif number is not None and comparator in (">", ">="):
            least, most = math.nextafter(number, math.inf) if comparator == ">" else number, None
    if least is not None or most is not None:
        code, words = _text(unit.get("code")), _text(unit.get("unit"))
        yield SearchTerm(name, _text(unit.get("system")), code or words, words, least=least, most=most)


def _span_terms(name: str, value: Any, zone: tzinfo) -> Iterator[SearchTerm]:
    """A date or instant, a Period, or a Timing from its first event to its last."""
    span = _span(value, zone)
    if span is not None:
        yield SearchTerm(name, low=span.low, high=span.high)


def _span(value: Any, zone: tzinfo) -> Span | None:
    if not isinstance(value, dict):
        return span_of(value, zone)
    if "event" in value:
        events = [s for s in (span_of(e, zone) for e in _values(value, ("event",))) if s is not None]
        lows, highs = [s.low for s in events], [s.high for s in events]
        if not events:
            return None
        return Span(
            None if None in lows else min(filter(None, lows)), None if None in highs else max(filter(None, highs))
        )
    if "repeat" in value:
        bounds = value["repeat"].get("boundsPeriod") if isinstance(value["repeat"], dict) else None
        return _span(bounds, zone) if isinstance(bounds, dict) else None
    start, end = span_of(value.get("start"), zone), span_of(value.get("end"), zone)
    if start is None and end is None:
        return None
    return Span(start.low if start is not None else None, end.high if end is not None else None)


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    return (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict))


def _ends(extent: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both quantities of a Range; empty for one that is not there."""
    low, high = extent.get("low"), extent.get("high")
    return (low if isinstance(low, dict) else {}), (high if isinstance(high, dict) else {})


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return fitted(value) if isinstance(value, str) else ""


_READERS: Mapping[str, Callable[[str, Any], Iterator[SearchTerm]]] = MappingProxyType(
    {
        "token": _token_terms,
        "reference": _reference_terms,
        "string": _string_terms,
        "uri": _uri_terms,
        "number": _number_terms,
        "quantity": _quantity_terms,
    }
)
