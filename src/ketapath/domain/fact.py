"""What does the record state about this person? One fact: a value, its unit, its day, and the resource behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from ketapath.domain.evidence import Override, Text
from ketapath.domain.goal import Goal

Value = bool | float | str | tuple[str, ...]
"""A yes or no, a number in the path's canonical unit, one word of the path's vocabulary, or a list of words."""


Confidence = Literal["measured", "confirmed", "stated", "reported", "by name", "code not verified", "derived"]
"""How sure a statement is: measured; confirmed by a clinician; stated in the record; reported on a form; matched by
words instead of a code; matched by a code whose meaning we have not read; computed from other facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a fact was read: resource type, id and version. Two facts of one origin are one statement."""

    resource: str
    id: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.resource}/{self.id}" + (f"/_history/{self.version}" if self.version else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement of the record about one profile path.

    `value` is in the canonical unit of its path (see knowledge/profile/). `on` is the day the fact was true,
    None where the record gives no day; `at` the instant where it gives one, in UTC and without a zone. An unusable fact
    keeps what was found in `as_stated`, so that a page can show it greyed, and says why it may not be relied on; its
    value is None where nothing could be made of it.
    """

    path: str
    value: Value | None
    unit: str | None
    on: date | None
    origin: Origin
    at: datetime | None = None
    status: Literal["usable", "unusable"] = "usable"
    reason: Text | None = None
    as_stated: str = ""
    confidence: Confidence = "stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicineSpan:
    """One order, statement or administration of a medicine, as the record states it. Days, not instants.

    `outcome` is the stated result of an antidepressant trial ("no-response", "partial-response", "response",
    "not-tolerated") or None where the record does not say. It is never inferred from a switch. `adherence` is the
    stated code of the R5 value set ("taking-as-directed", "not-taking", ...), which R4 carries as an extension.
    """

    substance: str
    classes: tuple[str, ...]
    start: date | None
    end: date | None
    active: bool
    daily_dose_mg: float | None
    outcome: str | None
    origin: Origin
    adherence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreEntry:
    """One dated total of an instrument, or the reason why it has none. `items` are the answers where given."""

    instrument: str
    on: date
    total: float | None
    items: tuple[int | None, ...]
    origin: Origin
    at: datetime | None = None
    reason: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """What was given in one session. `dose_mg` is base, of the product as given (racemate or S); `at` is in UTC."""

    on: date
    at: datetime | None = None
    product: str
    route: str
    dose_mg: float | None
    duration_min: float | None
    origin: Origin
    stopped_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """Ketamine that the record states as given or taken and that no sum can hold, with the reason.

    It was given on some day from `first` to `last`, either None where nobody knows; `stated_on` is how the record says
    it. `product` is None where the form cannot be told. `most_sessions` is None for what was taken day by day. Where
    `weighs` is False the medicine has a name that nothing here reads, most likely of another: it is named, no more.
    """

    named: str
    product: str | None
    first: date | None
    last: date | None
    stated_on: str
    why: Text
    most_sessions: int | None
    origin: Origin
    weighs: bool = True

    @property
    def day(self) -> date | None:
        """The one day on which it was given, where the record gives it."""
        return self.first if self.first == self.last else None

    def may_fall(self, since: date, until: date) -> bool:
        """Whether it may have been given on one of these days."""
        return (self.first is None or self.first <= until) and (self.last is None or self.last >= since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Everything one record states that ketapath can read, and a count of what it cannot.

    `not_interpreted` counts resources by type and code system; they are kept, never used. `peaks` holds the highest
    value of each quantity that was read under a dose, by the id of its administration and the profile path.
    """

    patient_id: str
    born_on: date | None
    died: date | bool | None
    facts: tuple[Fact, ...]
    medicines: tuple[MedicineSpan, ...]
    scores: tuple[ScoreEntry, ...]
    doses: tuple[Dose, ...]
    overrides: tuple[Override, ...]
    not_interpreted: Mapping[str, int]
    goals: tuple[Goal, ...] = ()
    peaks: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    uncounted: tuple[Uncounted, ...] = ()
