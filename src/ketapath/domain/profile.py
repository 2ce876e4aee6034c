"""What may be relied on about this person today? The profile: known facts, unusable ones, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ketapath.domain.evidence import Evidence, Override, Text
from ketapath.domain.fact import Dose, Fact, MedicineSpan, ScoreEntry, Uncounted
from ketapath.domain.goal import Goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One antidepressant trial: spans of one substance merged over short gaps.

    `adequate` and `failed` are True, False or None (the record does not say). Weeks are counted from the first to
    the last day covered; a trial without dates has None.
    """

    substance: str
    start: date | None
    end: date | None
    weeks: float | None
    max_daily_dose_mg: float | None
    adherence: str | None
    adequate: bool | None
    failed: bool | None
    reason: Text
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDimension:
    """One dimension of a staging: its points with the fact they rest on, or the least and most it could add."""

    id: str
    fact: Fact | None
    path: str
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """How resistant the depression is: a range of points, exact where every dimension is known, and its band.

    `band` is None while the range lies in more than one band.
    """

    dimensions: tuple[StageDimension, ...]
    least: int
    most: int
    band: str | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One person on one day. `known` holds at most one usable fact per path; `unusable` what was set aside and why.

    A path that is in neither is unknown. `died` is the day of death, True where the day is not recorded. `weights_kg`
    holds every usable weighing up to the day, since an earlier session goes by an earlier weight.
    """

    patient_id: str
    as_of: date
    died: date | bool | None
    known: Mapping[str, Fact]
    unusable: tuple[Fact, ...]
    trials: tuple[Trial, ...]
    medicines: tuple[MedicineSpan, ...]
    scores: tuple[ScoreEntry, ...]
    doses: tuple[Dose, ...]
    overrides: tuple[Override, ...]
    notes: tuple[Text, ...]
    goals: tuple[Goal, ...] = ()
    weights_kg: Mapping[date, float] = field(default_factory=dict)
    uncounted: tuple[Uncounted, ...] = ()

    @property
    def all_is_counted(self) -> bool:
        """Whether sums and numbers of doses are whole: nothing on record says that there may be more."""
        return not any(one.weighs for one in self.uncounted)
