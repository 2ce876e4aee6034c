"""What of a visit, its ledger and its adverse events goes into the entry? Everything as it is on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ketapath.domain.adverse import AdverseEvent
from ketapath.domain.fact import Fact
from ketapath.domain.outputs import Entry, LotUse, Pressure, Rating
from ketapath.domain.session import TimedReading, Visit

_SYSTOLIC, _DIASTOLIC, _SPO2 = "vitals.systolic_mmhg", "vitals.diastolic_mmhg", "vitals.spo2_percent"
_AT_40_FROM_MIN, _AT_40_TO_MIN = 35.0, 50.0  # source: profile/session-readings.yaml, "between minutes 35 and 50"
MEDICINES = {
    "benzodiazepine": "medicines.benzodiazepine",
    "sedative_hypnotic": "medicines.sedative_hypnotic",
    "opioid": "medicines.opioid",
    "psychostimulant": "medicines.psychostimulant",
    "maoi": "medicines.maoi",
}
"""What the monitoring form asks of medicines, with the profile path of each. source: GOV-005"""
BREATHING = {
    "session.respiratory_depression": "slowed breathing",
    "session.apnoea_over_10_s": "no breath for over 10 s",
}
"""What counts as an event of breathing where somebody said so, and how it is called."""


def entry(
    visit: Visit,
    *,
    patient_id: str,
    name: tuple[str, str],
    born_on: date | None,
    sex: str,
    number: int,
    ordered_mg: float | None,
    uses: Sequence[LotUse],
    adverse: Sequence[AdverseEvent],
    known: Mapping[str, Fact],
    zone: str,
    monitored_by: str,
    site: Mapping[str, str],
    taken_back: Collection[str] = (),
) -> Entry | None:
    """The entry of a visit in which a dose was begun; None where none was.

    `name` is given and family name; `known` are the facts that held on that day; `zone` is the clinic's. `taken_back`
    are kinds of events that were charted and taken back: where devices were, none is a number and not a gap.
    """
    dose = visit.administration
    if dose is None:
        return None
    here = ZoneInfo(zone)
    readings = sorted(visit.readings, key=lambda r: r.at)
    stated = {r.quantity: r.value for r in readings}
    devices = [e for e in visit.events if e.kind == "device"]
    begun = dose.started_at.astimezone(here)
    return Entry(
        patient_id=patient_id,
        given_name=name[0],
        family=name[1],
        born_on=born_on,
        sex=sex,
        visit_id=visit.origin.id,
        number=number,
        on=begun.date(),
        product=dose.product,
        route=dose.route,
        status=dose.status,
        ordered_mg=amount(ordered_mg),
        given_mg=amount(dose.dose_mg),
        uses=tuple(uses),
        devices=len(devices) if devices or "device" in taken_back else None,
        started_at=begun,
        ended_at=_local(dose.ended_at, here),
        home_at=_local(visit.closed_at, here),
        **_measured(readings, here, begun),
        is_spo2_missed=stated.get("session.saturation_not_taken") is True,
        respiratory=_breathing(readings),
        adverse=_adverse(adverse, visit, stated.get("session.adverse_event")),
        ratings=tuple(
            Rating(minute=(r.at - dose.started_at).total_seconds() / 60, quantity=r.quantity, value=r.value)
            for r in readings
        ),
        medicines={name: _yes_no(known.get(path)) for name, path in MEDICINES.items()},
        accepted_before=_as_bool(stated.get("session.vitals_acceptable_before")),
        accepted_at_end=_as_bool(stated.get("session.vitals_acceptable_at_end")),
        enrolled=_yes_no(known.get("rems.patient_enrolled")),
        monitored_by=monitored_by,
        site=dict(site),
    )


def _measured(readings: Sequence[TimedReading], here: ZoneInfo, begun: datetime) -> dict[str, Any]:
    """Pressures at their times, and the worst of each rating."""
    return {
        "pressure_before": _last(_pressures(readings, here, begun, upto=0.0)),
        "pressure_40": _nearest_40(_pressures(readings, here, begun, after=_AT_40_FROM_MIN, upto=_AT_40_TO_MIN), begun),
        "pressure_end": _last(_pressures(readings, here, begun, after=_AT_40_TO_MIN)),
        "spo2_before": _newest(readings, _SPO2, under_drug=False),
        "spo2_lowest": min(_values(readings, _SPO2, under_drug=True), default=None),
        "sedation": min(_values(readings, "session.moaa_s"), default=None),
        "dissociation": max(_values(readings, "session.dissociation_0_10"), default=None),
        "nausea": max(_values(readings, "session.nausea_0_10"), default=None),
        "distress": max(_values(readings, "session.distress_0_10"), default=None),
    }


def amount(milligrams: float | None) -> Decimal | None:
    """Milligrams to the hundredth, a half rounded up."""
    return None if milligrams is None else Decimal(str(milligrams)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _pressures(
    readings: Iterable[TimedReading], here: ZoneInfo, begun: datetime, *, after: float | None = None,
    upto: float | None = None,
) -> list[Pressure]:  # fmt: skip
    """Whole pressures between two minutes of the session, oldest first; the first minute of a window belongs to it."""
    pairs: dict[datetime, dict[str, float]] = {}
    for reading in readings:
        if reading.quantity in (_SYSTOLIC, _DIASTOLIC) and not isinstance(reading.value, bool):
            pairs.setdefault(reading.at, {})[reading.quantity] = reading.value
    found = []
    for at, pair in sorted(pairs.items()):
        minute = (at - begun).total_seconds() / 60
        is_late = after is None or minute > after or (minute == after == _AT_40_FROM_MIN)
        if len(pair) == 2 and is_late and (upto is None or minute <= upto):
            found.append(Pressure(at=at.astimezone(here), systolic=pair[_SYSTOLIC], diastolic=pair[_DIASTOLIC]))
    return found


def _nearest_40(found: Sequence[Pressure], begun: datetime) -> Pressure | None:
    return min(found, key=lambda p: abs((p.at - begun).total_seconds() / 60 - 40), default=None)


def _last(found: Sequence[Pressure]) -> Pressure | None:
    return found[-1] if found else None


def _values(readings: Iterable[TimedReading], path: str, *, under_drug: bool | None = None) -> list[float]:
    return [
        float(r.value)
        for r in readings
        if r.quantity == path and not isinstance(r.value, bool) and under_drug in (None, r.under_drug)
    ]


def _newest(readings: Iterable[TimedReading], path: str, *, under_drug: bool) -> float | None:
    found = _values(readings, path, under_drug=under_drug)
    return found[-1] if found else None


def _breathing(readings: Sequence[TimedReading]) -> tuple[str, ...] | None:
    """What went wrong with breathing; nothing only where somebody said that it was never slowed."""
    seen = {r.quantity for r in readings if r.value is True}
    events = tuple(words for path, words in BREATHING.items() if path in seen)
    is_denied = any(r.quantity == "session.respiratory_depression" and r.value is False for r in readings)
    return events if events or is_denied else None


def _adverse(
    events: Sequence[AdverseEvent], visit: Visit, said: float | bool | None
) -> tuple[AdverseEvent, ...] | None:  # fmt: skip
    here = tuple(e for e in events if e.visit_id == visit.origin.id)
    return here if here or said is False else None


def _yes_no(fact: Fact | None) -> bool | None:
    return fact.value if fact is not None and isinstance(fact.value, bool) else None


def _as_bool(value: float | bool | None) -> bool | None:
    return value if isinstance(value, bool) else None


def _local(at: datetime | None, here: ZoneInfo) -> datetime | None:
    return None if at is None else at.astimezone(here)
