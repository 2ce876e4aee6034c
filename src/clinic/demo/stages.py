"""How far is each example person? Sessions given, scores on the way, and who lives next door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np

from clinic.demo.charts import Chart, depressed
from ketapath.fhir.encode import dose_ended, dose_started, readings, visit_closed, visit_opened

SEED = 20261124
NOISE_POINTS = 1.7  # about the spread of two PHQ-9 totals of an unchanged person
_SERIES = {"racemic": (0, 3, 7, 10, 14, 17), "esketamine": (0, 3, 7, 10, 14, 17, 21, 24)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What was given, since when, and how well it does: `gain` is the share of the first total that goes away."""

    product: str = "racemic"
    sessions: int = 0
    first_days_ago: int = 0
    gain: float = 0.0
    first_total: int = 18
    item9: tuple[int, ...] = ()
    is_signed_today: bool = False


STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "pressure-too-high-today": Stage(sessions=3, first_days_ago=10, gain=0.35, first_total=17),
        "bipolar": Stage(),
        "ptsd-with-depression": Stage(product="esketamine", sessions=4, first_days_ago=13, gain=0.3, first_total=19),
        "chronic-pain": Stage(sessions=5, first_days_ago=16, gain=0.1, first_total=16),
        "first-language-arabic": Stage(sessions=6, first_days_ago=28, gain=0.65, first_total=20),
        "seventy-four-with-falls": Stage(is_signed_today=True),
        "no-ride-and-night-shifts": Stage(is_signed_today=True),
    }
)


def treated_so_far(chart: Chart, stage: Stage, zone: str) -> None:
    """Write the sessions and scores of this stage into the chart."""
    if not stage.sessions:
        return
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    rng = np.random.default_rng([SEED, *chart.identity.encode()])
    first = chart.today - timedelta(days=stage.first_days_ago)
    days = [first + timedelta(days=offset) for offset in _SERIES[stage.product][: stage.sessions]]
    for number, day in enumerate(days, start=1):
        _session(chart, stage, number, datetime.combine(day, time(10, 0), ZoneInfo(zone)), rng)
    score_days = [-1, *range(6, stage.first_days_ago, 7)]
    for offset in score_days:
        given = sum((day - first).days <= offset for day in days)
        done = stage.gain * (1 - float(np.exp(-given / 2.5)))
        total = stage.first_total * (1 - done) + (0.0 if offset < 0 else rng.normal(0, NOISE_POINTS))
        chart.phq9(*_items(round(total), rng), days=stage.first_days_ago - offset)


def neighbours(today: date) -> list[Chart]:
    """Two people of the second practice."""
    found = []
    for identity, given, family, gender in (
        ("hillside-one", "Wren", "Castellan", "female"),
        ("hillside-two", "Otto", "Brannigan", "male"),
    ):
        chart = depressed(identity, today, given=given, family=family, gender=gender)
        chart.paperwork()
        chart.intake()
        found.append(chart)
    return found


def _session(chart: Chart, stage: Stage, number: int, at: datetime, rng: np.random.Generator) -> None:
    """One visit as the clinic itself would have written it: arrival, pressure, dose, pressures, home."""
    visit_id = f"{chart.identity}-visit-{number}"
    product, route, minutes = ("racemic", "iv", 40) if stage.product == "racemic" else ("esketamine", "nasal", 10)
    dose_mg = 36.0 if product == "racemic" else 56.0 if number == 1 else 84.0
    start = at + timedelta(minutes=20)
    begun = dose_started(
        f"{visit_id}-dose", patient_id=chart.identity, visit_id=visit_id, product=product, route=route, at=start,
        by="Bo Marsh",
    )  # fmt: skip
    visit = visit_opened(visit_id, patient_id=chart.identity, plan_id=None, at=at)
    chart.resources.append(visit_closed(visit, at=start + timedelta(minutes=125)))
    chart.resources.append(
        dose_ended(begun, dose_mg=dose_mg, at=start + timedelta(minutes=minutes), stopped_early=False)
    )
    rest = rng.normal((124.0, 78.0), (4.0, 3.0))
    for minute, rise in ((-10, 0.0), (20, 13.0), (40, 17.0), (80, 7.0), (115, 2.0)):
        systolic, diastolic = rest + rise * np.array((1.0, 0.6)) + rng.normal(0, 2.0, 2)
        values = {
            "vitals.systolic_mmhg": float(round(systolic)),
            "vitals.diastolic_mmhg": float(round(diastolic)),
            "vitals.heart_rate_per_min": float(round(72 + rise / 2 + rng.normal(0, 3))),
            "vitals.spo2_percent": float(min(100, round(97 + rng.normal(0, 0.8)))),
        }
        chart.resources += readings(
            f"{visit_id}-at-{minute + 10}", values, patient_id=chart.identity, visit_id=visit_id,
            administration_id=f"{visit_id}-dose" if minute > 0 else None, at=start + timedelta(minutes=minute),
        )  # fmt: skip


def _items(total: int, rng: np.random.Generator) -> list[int]:
    """Nine answers with this total; the last (thoughts of death) stays 0, so that the demonstration alarms nobody."""
    answers = [0] * 9
    for _ in range(min(max(total, 0), 24)):
        free = [i for i in range(8) if answers[i] < 3]
        answers[int(rng.choice(free))] += 1
    return answers
