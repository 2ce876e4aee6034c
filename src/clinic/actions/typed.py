"""What number, day or time did somebody type? One reading for every form, refusing what could mean two things."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal

from django.utils.translation import gettext as _

from ketapath.errors import BadInput

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


def day(words: str) -> date:
    """The day of a date field. Raises BadInput where it is none, or further off than anybody books."""
    try:
        found = date.fromisoformat(words)
    except ValueError:
        found = date.min
    if not date(1900, 1, 1) <= found <= date(2199, 12, 31):
        raise BadInput(
            field=_("day"), found=words or _("nothing"), limit=_("a day such as 2026-11-30"), next_step=_("Choose one.")
        )
    return found


def time_of_day(words: str) -> time:
    """The time of a time field, to the minute. Raises BadInput where it is none."""
    try:
        found = time.fromisoformat(words)
    except ValueError as problem:
        raise BadInput(
            field=_("time"), found=words or _("nothing"), limit=_("a time such as 09:30"), next_step=_("Type one.")
        ) from problem
    return found.replace(second=0, microsecond=0, tzinfo=None)


def whole(words: str, *, field: str) -> int:
    """A whole number of up to four digits. Raises BadInput, which names the field, where it is none."""
    if not (words.isascii() and words.isdigit() and len(words) <= 4):
        raise BadInput(
            field=field, found=words or _("nothing"), limit=_("a whole number from 0 to 9999"),
            next_step=_("Type it in digits alone."),
        )  # fmt: skip
    return int(words)


def hundredths(words: str) -> Decimal | None:
    """The amount to the hundredth, as `number` reads it; None where it is none, negative, or finer than that."""
    typed = words.strip()
    if not typed.isascii() or not _AMOUNT.fullmatch(typed) or _THOUSAND.fullmatch(typed):
        return None
    return Decimal(typed.replace(",", ".")).quantize(Decimal("0.01"))
