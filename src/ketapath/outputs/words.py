"""How is each thing of a session said, in one way for all outputs?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from ketapath.domain.adverse import AdverseEvent
from ketapath.domain.outputs import Entry, Pressure

UNKNOWN = "not recorded"
NOTHING = "none"
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "person": "Record number",
        "day": "Day of the session",
        "product": "Product",
        "route": "Route",
        "lot": "Lot",
        "ordered_mg": "Ordered, mg of base",
        "drawn_mg": "Drawn, mg of base",
        "given_mg": "Given, mg of base",
        "wasted_mg": "Wasted, mg of base",
        "start": "Dosing began",
        "stop": "Dosing ended",
        "pressure_before": "Pressure before, mmHg",
        "pressure_40": "Pressure at 40 minutes, mmHg",
        "pressure_end": "Pressure at the end, mmHg",
        "sedation": "Lowest alertness, MOAA/S 5 to 0",
        "dissociation": "Highest dissociation, 0 to 10",
        "respiratory": "Breathing",
        "adverse": "Adverse events",
    }
)
"""What the outputs share, and what each of it is called on paper."""
DEVICES = "devices"
NAMED: Mapping[str, str] = MappingProxyType({**LABELS, DEVICES: "Devices and what was given"})
"""What a disagreement may be of, and what it is called."""
FIELDS = tuple(LABELS)
_SHARED = frozenset(FIELDS)
_AMOUNTS = frozenset({"ordered_mg", "drawn_mg", "wasted_mg"})
CARRIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "form": _SHARED - _AMOUNTS,
        "effects": _SHARED - _AMOUNTS - {"lot"},
        "ledger": frozenset({"person", "day", "product", "route", "lot", "drawn_mg", "given_mg", "wasted_mg"}),
        "note": _SHARED,
        "registry": _SHARED - {"lot"},
    }
)
"""What of it each output holds."""
_PRODUCTS = {"racemic": "ketamine", "esketamine": "esketamine"}


def said(entry: Entry) -> dict[str, str]:
    """Every shared field of this session in words; the one place where they are made.

    The drawn and wasted amounts are the ledger's, added up over lots; what was given is what was signed as given.
    """
    uses = entry.uses
    return {
        "person": entry.patient_id,
        "day": entry.on.isoformat(),
        "product": product_words(entry.product),
        "route": entry.route,
        "lot": lots_words(use.lot for use in uses if use.drawn_mg),
        "ordered_mg": mg_words(entry.ordered_mg),
        "drawn_mg": mg_words(sum((u.drawn_mg for u in uses), Decimal(0)) if uses else None),
        "given_mg": mg_words(entry.given_mg),
        "wasted_mg": mg_words(sum((u.wasted_mg for u in uses), Decimal(0)) if uses else None),
        "start": clock_words(entry.started_at),
        "stop": clock_words(entry.ended_at),
        "pressure_before": pressure_words(entry.pressure_before),
        "pressure_40": pressure_words(entry.pressure_40),
        "pressure_end": pressure_words(entry.pressure_end),
        "sedation": number_words(entry.sedation),
        "dissociation": number_words(entry.dissociation),
        "respiratory": list_words(entry.respiratory),
        "adverse": list_words(None if entry.adverse is None else [event_words(e) for e in entry.adverse]),
    }


def product_words(product: str) -> str:
    """The drug by its name."""
    return _PRODUCTS.get(product, product)


def lots_words(lots: Iterable[str]) -> str:
    """The lots in order, each once."""
    return "; ".join(sorted({one_line(lot) for lot in lots})) or UNKNOWN


def mg_words(amount: Decimal | None) -> str:
    """Milligrams to the hundredth."""
    return UNKNOWN if amount is None else f"{amount:.2f}"


def clock_words(at: datetime | None) -> str:
    """The clinic's own clock, to the minute."""
    return UNKNOWN if at is None else f"{at:%H:%M}"


def pressure_words(found: Pressure | None) -> str:
    """Systolic over diastolic, and when."""
    return UNKNOWN if found is None else f"{found.systolic:g}/{found.diastolic:g} at {found.at:%H:%M}"


def number_words(value: float | None) -> str:
    """A rating."""
    return UNKNOWN if value is None else f"{value:g}"


def list_words(found: Iterable[str] | None) -> str:
    """What there was, in order; that there was nothing; or that nobody has said."""
    return UNKNOWN if found is None else "; ".join(sorted(found)) or NOTHING


def event_words(event: AdverseEvent) -> str:
    """One adverse event in a line."""
    words = f"{one_line(event.words)}, grade {event.grade}"
    return f"{words}, serious" if event.is_serious else words


def one_line(words: str) -> str:
    """Typed words without breaks, and without the sign that stands between two of a list."""
    return " ".join(words.replace(";", ",").split())
