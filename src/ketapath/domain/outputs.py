"""What does one closed session have to tell others? The entry behind all five outputs, and where they differ.

Amounts are milligrams of base, to the hundredth. None is what nobody has said; it is never read as "no".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ketapath.domain.adverse import AdverseEvent

OUTPUTS = ("form", "effects", "ledger", "note", "registry")
"""Monitoring form, side-effect record, controlled-drug ledger, progress note, row of the registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotUse:
    """What of one lot was drawn, given and wasted, corrections counted."""

    lot: str
    drawn_mg: Decimal
    given_mg: Decimal
    wasted_mg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """One pressure in mmHg at the clinic's own clock."""

    at: datetime
    systolic: float
    diastolic: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One value of the session at its minute from the start of dosing; `quantity` is a profile path."""

    minute: float
    quantity: str
    value: float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One session as it is on record. Instants are in the zone of the clinic.

    `given_mg` is what was signed as given, `uses` what the ledger says; `number` counts the person's doses from 1.
    `sedation` is the lowest alertness (MOAA/S, 5 awake), `dissociation`, `nausea` and `distress` the highest of 0 to
    10. `respiratory` and `adverse` are empty where somebody said that there was nothing, None where nobody has.
    `is_spo2_missed` where somebody said that the saturation was never read.
    """

    patient_id: str
    given_name: str
    family: str
    born_on: date | None
    sex: str
    visit_id: str
    number: int
    on: date
    product: str
    route: str
    status: str
    ordered_mg: Decimal | None
    given_mg: Decimal | None
    uses: tuple[LotUse, ...]
    devices: int | None
    started_at: datetime
    ended_at: datetime | None
    home_at: datetime | None
    pressure_before: Pressure | None
    pressure_40: Pressure | None
    pressure_end: Pressure | None
    spo2_before: float | None
    spo2_lowest: float | None
    is_spo2_missed: bool
    sedation: float | None
    dissociation: float | None
    nausea: float | None
    distress: float | None
    respiratory: tuple[str, ...] | None
    adverse: tuple[AdverseEvent, ...] | None
    ratings: tuple[Rating, ...] = ()
    medicines: Mapping[str, bool | None] = field(default_factory=dict)
    accepted_before: bool | None = None
    accepted_at_end: bool | None = None
    enrolled: bool | None = None
    monitored_by: str = ""
    site: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field of a form. `value` is None where nobody has said it; `blocks` whether the form waits for it then."""

    group: str
    key: str
    label: str
    value: str | None
    blocks: bool = True

    @property
    def is_open(self) -> bool:
        """Whether nobody has said it."""
        return self.value is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One line of the ledger about a visit, as it stands in the book; a correction holds differences."""

    patient_id: str
    on: date
    product: str
    route: str
    lot: str
    drawn_mg: Decimal
    given_mg: Decimal
    wasted_mg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One thing of which the record and the outputs do not say the same; `said` maps each that has it to its words.

    An output that should hold it and does not says "".
    """

    field: str
    said: Mapping[str, str]
