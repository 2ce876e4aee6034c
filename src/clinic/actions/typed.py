"""What number did somebody type? One reading for every form, refusing what could mean two things."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?\d{1,6}([.,]\d{1,4})?")
_AMOUNT = re.compile(r"\d{1,6}([.,]\d{1,2})?")
_THOUSAND = re.compile(r"\d{1,3},\d{3}")


def number(words: str) -> float:
    """The number, with a point or a comma before its decimals; not a number where it is none.

    "1,000" could be one or a thousand and is none. Raises nothing: no comparison holds for what is not a number.
    """
    typed = words.strip()
    if not typed.isascii() or not _NUMBER.fullmatch(typed) or _THOUSAND.fullmatch(typed):
        return float("nan")
    return float(typed.replace(",", "."))


def hundredths(words: str) -> Decimal | None:
    """The amount to the hundredth, as `number` reads it; None where it is none, negative, or finer than that."""
    typed = words.strip()
    if not typed.isascii() or not _AMOUNT.fullmatch(typed) or _THOUSAND.fullmatch(typed):
        return None
    return Decimal(typed.replace(",", ".")).quantize(Decimal("0.01"))
