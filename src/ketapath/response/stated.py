"""What does a file state here? One word, number, dose or list of days, read strictly; what is impossible ends by name.

Every function takes the value as the file has it and the field's name, and raises BadInput with both and the limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NoReturn, cast

from ketapath.errors import BadInput

MOST_DAYS = 3660.0  # source: our choice, ten years


def stated_days(stated: Any, field: str) -> tuple[float, ...]:
    """Days that rise from 0."""
    if not isinstance(stated, list) or not 0 < len(stated) <= 1000:
        bad(field, stated, "a list of days, the first one 0")
    found = tuple(number(day, field, 0.0, MOST_DAYS) for day in stated)
    if found[0] != 0.0 or any(b <= a for a, b in pairwise(found)):
        bad(field, list(found), "days that rise from 0")
    return found


def stated_dose(stated: Any, field: str) -> tuple[float, Literal["mg", "mg/kg"]]:
    """A dose and its unit, from words such as "0.5 mg/kg"."""
    parts = str(stated).split()
    if len(parts) != 2 or parts[1] not in ("mg", "mg/kg"):
        bad(field, stated, 'a number and "mg" or "mg/kg", such as 0.5 mg/kg')
    unit = cast(Literal["mg", "mg/kg"], parts[1])
    return number(parts[0], field, 0.0, 20.0 if unit == "mg/kg" else 2000.0, above=True), unit


def word(stated: Any, known: Sequence[str], field: str) -> str:
    """One of the known words."""
    if not isinstance(stated, str) or stated not in known:
        bad(field, stated, f"one of {', '.join(known)}")
    return stated


def flag(stated: Mapping[str, Any], name: str, field: str, *, default: bool) -> bool:
    """True or false; the default where the field is not there."""
    found = optional_flag(stated, name, field)
    return default if found is None else found


def optional_flag(stated: Mapping[str, Any], name: str, field: str) -> bool | None:
    """True, false, or None where the field is not there."""
    found = stated.get(name)
    if found is not None and not isinstance(found, bool):
        bad(f"{field}.{name}", found, "true or false")
    return found


def number(stated: Any, field: str, low: float, high: float, *, above: bool = False) -> float:
    """A number from `low` to `high`, or above `low`."""
    try:
        found = math.nan if isinstance(stated, bool) else float(stated)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not low <= found <= high or (above and found == low):
        bad(field, stated, f"a number {'above' if above else 'from'} {low:g} {'up ' if above else ''}to {high:g}")
    return found


def bad(field: str, found: object, limit: str) -> NoReturn:
    """Say what was found and what is needed."""
    shown = found if isinstance(found, str) else repr(found)
    problem = BadInput(field=field, found=shown, limit=f"needed is {limit}", next_step="Correct the file.")
    if found is None:  # nobody wrote "None"
        problem.args = (f"{field}: missing; {problem.limit}. {problem.next_step}",)
    raise problem
