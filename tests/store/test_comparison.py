"""Dates and numbers are compared as FHIR R4 says, checked against a second, plain reading of its words.

Here a stretch is the set of its instants: whole hours around a few days, or steps of a thousandth around a number.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.conftest import practice_with
from tests.store.searching import found, observation, put

from clinic.access.models import Account
from clinic.record.models import Practice
from ketapath.fhir.parameters import PREFIXES
from ketapath.fhir.spans import amount_of, span_of

QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ZERO = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = [p for p in PREFIXES if p != "ap"]

Stretch = tuple[float, float]
"""From the first to the one after the last."""


def holds(prefix: str, stored: Stretch, asked: Stretch) -> bool:
    """What the standard says of two stretches, in its own words."""
    contains = asked[0] <= stored[0] and stored[1] <= asked[1]
    meets_above, meets_below = stored[1] > asked[1], stored[0] < asked[0]
    return {
        "eq": contains,
        "ne": not contains,
        "gt": meets_above,
        "lt": meets_below,
        "ge": meets_above or contains,
        "le": meets_below or contains,
        "sa": stored[0] >= asked[1],
        "eb": stored[1] <= asked[0],
    }[prefix]


hours = st.integers(min_value=0, max_value=23 + 24 * 59)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, Stretch]:
    """A date or instant early in 2026, at some precision, with the hours it covers (an instant covers a second)."""
    at = ZERO + timedelta(hours=draw(hours))
    form, offset = draw(st.sampled_from(["year", "month", "day", "instant"])), draw(st.integers(-11, 11))
    if form == "instant":
        local = at + timedelta(hours=offset)
        begin = (at - ZERO) / timedelta(hours=1)
        return f"{local:%Y-%m-%dT%H:%M:%S}{'-' if offset < 0 else '+'}{abs(offset):02}:00", (begin, begin + 1 / 3600)
    if form == "day":
        begin = (at.replace(hour=0) - ZERO) / timedelta(hours=1)
        return f"{at:%Y-%m-%d}", (begin, begin + 24)
    if form == "month":
        first, last = (0, 31 * 24) if at.month == 1 else (31 * 24, 59 * 24) if at.month == 2 else (59 * 24, 90 * 24)
        return f"{at:%Y-%m}", (first, last)
    return "2026", (0, 365 * 24)


@st.composite
def stored_times(draw: st.DrawFn) -> tuple[dict[str, object], Stretch]:
    """One moment, or a period of two, perhaps without an end or a beginning."""
    one, other = draw(moments()), draw(moments())
    shape = draw(st.sampled_from(["moment", "period", "begun", "ended"]))
    if shape == "moment":
        return {"effectiveDateTime": one[0]}, one[1]
    if shape == "begun":
        return {"effectivePeriod": {"start": one[0]}}, (one[1][0], math.inf)
    if shape == "ended":
        return {"effectivePeriod": {"end": one[0]}}, (-math.inf, one[1][1])
    first, last = sorted([one, other], key=lambda m: m[1])
    return {"effectivePeriod": {"start": first[0], "end": last[0]}}, (first[1][0], last[1][1])


@QUIET
@given(st.lists(stored_times(), min_size=4, max_size=4), moments())
def test_dates_agree_with_the_plain_reading(db: None, stored: list[tuple[dict[str, object], Stretch]],
                                            asked: tuple[str, Stretch]) -> None:  # fmt: skip
    practice = fresh()
    for n, (fields, _) in enumerate(stored):
        put(practice, observation(f"o{n}", **fields))
    for prefix in PLAIN:
        expected = [f"o{n}" for n, (_, stretch) in enumerate(stored) if holds(prefix, stretch, asked[1])]
        assert found(practice, f"Observation?date={prefix}{asked[0]}") == expected, prefix


numbers = st.decimals(min_value=-20, max_value=20, places=2)


@QUIET
@given(st.lists(numbers, min_size=4, max_size=4), numbers, st.integers(0, 2))
def test_numbers_agree_with_the_plain_reading(db: None, stored: list[Decimal], asked: Decimal, places: int) -> None:
    practice = fresh()
    for n, value in enumerate(stored):
        put(practice, observation(f"o{n}", valueQuantity={"value": float(value), "code": "mg"}))
    text = f"{asked:.{places}f}"
    written, half = Decimal(text), Decimal(1).scaleb(-places) / 2
    for prefix in PLAIN:
        # Only `eq` and `ne` mind the digits of what is asked; the others compare with exactly that number.
        wide = prefix in ("eq", "ne")
        expected = [
            f"o{n}"
            for n, value in enumerate(stored)
            if (_within(value, written, half) == (prefix == "eq") if wide else _exactly(prefix, value, written))
        ]
        assert found(practice, f"Observation?value-quantity={prefix}{text}") == expected, prefix


def _within(value: Decimal, written: Decimal, half: Decimal) -> bool:
    return written - half <= value < written + half


def _exactly(prefix: str, value: Decimal, written: Decimal) -> bool:
    above, below = value > written, value < written
    return {"gt": above, "sa": above, "ge": not below, "lt": below, "eb": below, "le": not above}[prefix]


def fresh() -> Practice:
    """A new practice whose clock is UTC."""
    practice = practice_with().practice
    practice.zone = "UTC"
    return practice


@pytest.mark.parametrize(
    ("stated", "low", "high"),
    [
        ("2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("2026-12", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("2024-02-29", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("2026-11-24T09:30Z", "2026-11-24T09:30:00", "2026-11-24T09:31:00"),
        ("2026-11-24T09:30:10-08:00", "2026-11-24T17:30:10", "2026-11-24T17:30:11"),
        ("2026-11-24T09:30:10.5Z", "2026-11-24T09:30:10.500000", "2026-11-24T09:30:10.600000"),
        ("9999-12-31", "9999-12-31T00:00:00", None),
        ("0001-01-01T00:00:00+05:00", None, None),
    ],
)
def test_a_date_is_as_long_as_its_precision(stated: str, low: str | None, high: str | None) -> None:
    span = span_of(stated)
    assert span is not None
    found = [None if end is None else end.isoformat().removesuffix("+00:00") for end in (span.low, span.high)]
    assert found[0] == low
    assert found[1] == high or low is None


@pytest.mark.parametrize(
    "stated",
    ["", "26", "2026-2-3", "2026-02-30", "2026-13", "0000", "2026-11-24T24:00Z", "2026-11-24T09Z", "2026-W01",
     "20261124", "2026-11-24T09:30:10+15:00", "2026-11-24 09:30", "٢٠٢٦", "2026-11-24\n", None, 2026],
)  # fmt: skip
def test_what_is_no_date_is_none(stated: object) -> None:
    assert span_of(stated) is None


def test_a_day_in_the_zone_of_the_practice_follows_its_summer_time(here: Account) -> None:
    put(here.practice, observation("first", effectiveDateTime="2026-03-29T00:30:00+01:00"))
    put(here.practice, observation("last", effectiveDateTime="2026-03-29T23:30:00+02:00"))
    put(here.practice, observation("after", effectiveDateTime="2026-03-30T00:00:00+02:00"))
    assert found(here.practice, "Observation?date=2026-03-29") == ["first", "last"]


@pytest.mark.parametrize(
    "stated", ["", "x", "1,5", "1e400", "1e", ".5", "NaN", "Infinity", "0x1", "1_0", "٣", "9" * 41]
)
def test_what_is_no_number_is_none(stated: str) -> None:
    assert amount_of(stated) is None
