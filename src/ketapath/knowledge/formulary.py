"""By which routes does this clinic treat, and what does it charge? Read from options of a command and a price list.

A price list is YAML: `currency: USD` and `prices:` with a number above 0 a line, for a session by "product/route", for
an hour of "preparation", "integration", "psychotherapy" and "review", and for a test by "test" and its profile path.
What is not on it is not known, and never nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ketapath.errors import BadInput, KnowledgeError
from ketapath.knowledge import Knowledge, parse_yaml

HOURS = ("preparation", "integration", "psychotherapy", "review")
"""What is charged beside sessions, each at its own price."""
_CURRENCY_LETTERS = 3  # source: ISO 4217


def read_routes(words: str, knowledge: Knowledge) -> tuple[str, ...]:
    """The routes, or products with a route, that these words name. Raises BadInput for one that no protocol has."""
    known = sorted({str(n) for p in knowledge.protocols.values() for n in (p["route"], f"{p['product']}/{p['route']}")})
    found = tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    wrong = next((route for route in found if route not in known), None if found else "nothing")
    if wrong is not None:
        raise BadInput(
            field="routes", found=wrong, limit=f"out of {', '.join(known)}", next_step="Name what the clinic offers."
        )
    return found


def read_prices(data: bytes, knowledge: Knowledge) -> tuple[str, dict[str, float]]:
    """The currency and the prices of a price list. Raises BadInput, naming the line, for anything else."""
    try:
        document = parse_yaml(data, where="price list")
    except KnowledgeError as problem:
        raise _refused("price list", "no YAML", "currency and prices") from problem
    if not isinstance(document, Mapping) or set(document) != {"currency", "prices"}:
        raise _refused("price list", "something else", "the two fields currency and prices")
    currency, listed = document["currency"], document["prices"]
    if not isinstance(currency, str) or len(currency) != _CURRENCY_LETTERS or not currency.isalpha():
        raise _refused("currency", str(currency), "three letters, such as USD")
    if not isinstance(listed, Mapping):
        raise _refused("prices", type(listed).__name__, "a price a line")
    known = frozenset(_priced(knowledge))
    for what, price in listed.items():
        if what not in known:
            sessions = ", ".join(n for n in sorted(known) if "/" in n)
            raise _refused("prices", str(what), f"one of {sessions}, {', '.join(HOURS)}, or test and a profile path")
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 < price < math.inf:
            raise _refused(str(what), str(price), "a number above 0; leave out what is not known")
    return currency.upper(), {str(what): float(price) for what, price in listed.items()}


def _priced(knowledge: Knowledge) -> Iterator[str]:
    yield from (f"{p['product']}/{p['route']}" for p in knowledge.protocols.values())
    yield from HOURS
    yield from (f"test {path}" for path in knowledge.paths)


def _refused(field: str, found: str, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the price list and try again.")
