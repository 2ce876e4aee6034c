"""How far is each example person? What was signed and when, how many sessions were held, how it goes, who waits now.

Scores follow an exponential course with noise the size of the questionnaire's own error; pressures rise and fall as
after a dose. All of it is invented and seeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Literal

import numpy as np

from clinic.demo.charts import Chart, depressed

SEED = 20261124
NOISE_POINTS = 1.7  # about the spread of two PHQ-9 totals of an unchanged person
RISES = ((20, 13.0), (40, 17.0), (80, 7.0), (115, 2.0))
"""Minutes after dosing begins, and the rise of the systolic pressure there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One person's way so far.

    `gain` is the share of the first total that treatment takes away. `dose_mg` is what the dose is changed to after
    the second session. `now` says who is in the house: arrived and waiting, or watched after the dose, in this `room`.
    """

    first_total: int
    weight_kg: float
    rest: tuple[int, int]
    option: str = ""
    signed_days_ago: int = 0
    sessions: int = 0
    gain: float = 0.0
    dose_mg: float | None = None
    now: Literal["", "arrived", "watched"] = ""
    arrives_with: tuple[int, int] | None = None
    room: str = ""


STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "treatment-resistant-depression": Stage(first_total=18, weight_kg=71.4, rest=(124, 78)),
        "pressure-too-high-today": Stage(
            first_total=17, weight_kg=88.2, rest=(134, 84), option="racemic-iv-series", signed_days_ago=13, sessions=3,
            gain=0.35, now="arrived", arrives_with=(186, 112), room="room-8",
        ),
        "aneurysm": Stage(first_total=21, weight_kg=64.9, rest=(128, 80)),
        "psychosis-history": Stage(first_total=16, weight_kg=79.3, rest=(119, 74)),
        "bipolar": Stage(first_total=22, weight_kg=68.0, rest=(121, 77)),
        "ptsd-with-depression": Stage(
            first_total=19, weight_kg=59.6, rest=(116, 72), option="esketamine-label", signed_days_ago=17, sessions=4,
            gain=0.4, dose_mg=84.0, now="watched", room="room-7",
        ),
        "chronic-pain": Stage(
            first_total=16, weight_kg=92.5, rest=(131, 83), option="racemic-iv-series", signed_days_ago=29, sessions=6,
            gain=0.1,
        ),
        "sixteen-years-old": Stage(first_total=20, weight_kg=54.1, rest=(112, 70)),
        "seventy-four-with-falls": Stage(first_total=15, weight_kg=59.4, rest=(138, 82), option="esketamine-label"),
        "no-ride-and-night-shifts": Stage(first_total=19, weight_kg=57.8, rest=(118, 75), option="racemic-iv-series"),
        "half-the-facts-missing": Stage(first_total=14, weight_kg=83.7, rest=(126, 79)),
        "first-language-arabic": Stage(
            first_total=20, weight_kg=66.2, rest=(122, 76), option="racemic-iv-series", signed_days_ago=31, sessions=6,
            gain=0.65,
        ),
    }
)  # fmt: skip


def generator(identity: str) -> np.random.Generator:
    """This person's own stream of chance."""
    return np.random.default_rng([SEED, *identity.encode()])


def personal(chart: Chart, stage: Stage, rng: np.random.Generator) -> Chart:
    """The chart with this person's own weight, pressure at rest and first score, where the person is not an exception.

    Charts that are examples of odd weights or missing answers keep them.
    """
    if chart.identity not in ("seventy-four-with-falls", "half-the-facts-missing"):
        chart.resources = [r for r in chart.resources if not _is_measured(r) and not r.get("questionnaire")]
        chart.measure("29463-7", "Body weight", stage.weight_kg, "kg")
        chart.pressure(*stage.rest)
        chart.phq9(*items(stage.first_total, rng))
    return chart


def total_after(stage: Stage, given: int, rng: np.random.Generator) -> int:
    """A noisy PHQ-9 total after so many sessions."""
    done = stage.gain * (1 - float(np.exp(-given / 2.5)))
    return round(stage.first_total * (1 - done) + rng.normal(0, NOISE_POINTS))


def items(total: int, rng: np.random.Generator) -> list[int]:
    """Nine answers with this total; the last (thoughts of death) stays 0, so that the demonstration alarms nobody."""
    answers = [0] * 9
    for _ in range(min(max(total, 0), 24)):
        free = [i for i in range(8) if answers[i] < 3]
        answers[int(rng.choice(free))] += 1
    return answers


def vitals(rest: tuple[int, int], rise: float, rng: np.random.Generator) -> dict[str, str]:
    """Readings as a nurse would type them."""
    systolic, diastolic = np.array(rest) + rise * np.array((1.0, 0.6)) + rng.normal(0, 2.0, 2)
    return {
        "vitals.systolic_mmhg": f"{systolic:.0f}",
        "vitals.diastolic_mmhg": f"{diastolic:.0f}",
        "vitals.heart_rate_per_min": f"{72 + rise / 2 + rng.normal(0, 3):.0f}",
        "vitals.spo2_percent": f"{min(100.0, 97 + rng.normal(0, 0.8)):.0f}",
    }


def neighbours(today: date) -> list[Chart]:
    """Two people of the second practice."""
    found = []
    for identity, given, family, gender, kg in (
        ("hillside-one", "Wren", "Castellan", "female", 73.0),
        ("hillside-two", "Otto", "Brannigan", "male", 81.5),
    ):
        chart = depressed(identity, today, given=given, family=family, gender=gender)
        chart.paperwork()
        chart.intake()
        found.append(personal(chart, Stage(first_total=17, weight_kg=kg, rest=(125, 79)), generator(identity)))
    return found


def _is_measured(resource: dict[str, object]) -> bool:
    """A weight or a pressure."""
    return any(code in str(resource.get("code")) for code in ("29463-7", "85354-9"))
