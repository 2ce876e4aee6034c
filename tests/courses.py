"""Courses of synthetic people for tests: sessions, scores and the history that the response model reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from ketapath.domain.fact import Dose, Origin, ScoreEntry
from ketapath.domain.response import Course, History, RecoveryCurve
from ketapath.knowledge import load
from ketapath.response import course
from ketapath.response.prior import population

KNOWLEDGE = load()
POPULATION = population(KNOWLEDGE.response)
FIRST = date(2026, 11, 1)
SESSIONS = (0, 3, 7, 10, 14, 17)


def on(day: int) -> date:
    return FIRST + timedelta(days=day)


def score(
    day: int, total: float | None, scale: str = "phq9", *, name: str = "", version: str | None = None, **more: Any
) -> ScoreEntry:
    origin = Origin(resource="Observation", id=name or f"{scale}-{day}", version=version)
    return ScoreEntry(instrument=scale, on=on(day), total=total, items=more.pop("items", ()), origin=origin, **more)


def dose(day: int, mg: float | None = 35.0, route: str = "iv", product: str = "racemic") -> Dose:
    origin = Origin(resource="MedicationAdministration", id=f"d{day}", version=None)
    return Dose(on=on(day), product=product, route=route, dose_mg=mg, duration_min=40.0, origin=origin)


def history(
    scores: Iterable[ScoreEntry], doses: Iterable[Dose] = tuple(dose(d) for d in SESSIONS), **other: Any
) -> History:
    usual: dict[str, Any] = {
        "weights_kg": {FIRST: 70.0},
        "antidepressant_starts": (),
        "psychotherapy": (),
        "goals": (),
        "condition": "MDD",
        "age_years": 40.0,
    }
    return History(scores=tuple(scores), doses=tuple(doses), **(usual | other))


def found(*scores: ScoreEntry, day: int = 20, seed: int = 1, **other: Any) -> Course:
    return course(history(scores, **other), KNOWLEDGE, POPULATION, as_of=on(day), seed=seed)


def at(curve: RecoveryCurve | None, day: float) -> dict[str, float]:
    """The bands of one day."""
    assert curve is not None
    i = curve.days.index(day)
    return {q: getattr(curve, q)[i] for q in ("p05", "p25", "p50", "p75", "p95")}


def width(of: Course, day: float) -> float:
    here = at(of.curve, day)
    return here["p95"] - here["p05"]


def keys(of: Course) -> list[str]:
    return [note.key for note in of.notes]
