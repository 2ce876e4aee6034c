"""Simulated levels as JSON and as text: how far the models of a route lie apart first, then band and typical course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ketapath.domain.evidence import Finding
from ketapath.knowledge import Knowledge
from ketapath.pharmacology import Series, Simulation
from ketapath.report.words import say

Form = dict[str, Any]


def simulation_json(result: Simulation, others: Sequence[Simulation], knowledge: Knowledge) -> Form:
    """One model's levels, what to know of them, and beside them the parent drug by every other model of the route."""
    return {
        "model": result.model,
        "site": result.site,
        "series": [_series(one) for one in result.series],
        "findings": [_finding(found, knowledge) for found in result.findings],
        "models": [
            {
                "model": one.model,
                "site": one.site,
                "title": knowledge.drugs[one.model]["title"],
                "trust": knowledge.drugs[one.model]["trust"],
                "series": [_series(s) for s in one.series],
                "findings": [_finding(found, knowledge) for found in one.findings],
            }
            for one in others
        ],
    }


def simulation_text(result: Simulation, others: Sequence[Simulation], knowledge: Knowledge) -> str:
    """The same for a terminal."""
    lines = [f"Model {result.model}, {result.site} blood. 5 to 95 of 100 such people lie in the band."]
    if others:
        lines += ["", *_apart(result, others)]
    for one in result.series:
        lines += ["", f"{one.analyte}, {one.unit}", f"{'min':>7} {'5 %':>9} {'50 %':>9} {'95 %':>9} {'typical':>9}"]
        rows = zip(one.times_min, one.p05, one.p50, one.p95, one.typical, strict=True)
        lines += [f"{row[0]:7g} " + " ".join(f"{value:9.3g}" for value in row[1:]) for row in rows]
    for found in result.findings:
        lines += ["", say(found.statement, knowledge.texts)]
    keys = dict.fromkeys(key for one in (result, *others) for key in knowledge.drugs[one.model]["sources"])
    lines += ["", f"Sources of the models: {', '.join(keys)}"]
    return "\n".join(lines)


def parent(found: Simulation) -> Series:
    """Ketamine after a racemic dose, S-ketamine after esketamine."""
    wanted = {s.analyte: s for s in found.series}
    return wanted.get("ketamine") or wanted.get("S-ketamine") or found.series[0]


def _apart(result: Simulation, others: Sequence[Simulation]) -> list[str]:
    """At its highest, what every model of the route says of the parent drug."""
    lines = [
        "The parent drug where its typical level is highest, by every model of this route (ng/mL, minutes asked for):",
        f"{'min':>7} {'5 %':>9} {'50 %':>9} {'95 %':>9} {'typical':>9}",
    ]
    for one in (result, *others):
        series = parent(one)
        at = series.typical.index(max(series.typical))
        values = (series.p05[at], series.p50[at], series.p95[at], series.typical[at])
        row = " ".join(f"{value:9.3g}" for value in values)
        lines.append(f"{series.times_min[at]:7g} {row}  {one.site:10} {one.model}")
    return lines


def _series(one: Series) -> Form:
    return {
        "analyte": one.analyte,
        "unit": one.unit,
        "times_min": list(one.times_min),
        "typical": list(one.typical),
        "p05": list(one.p05),
        "p50": list(one.p50),
        "p95": list(one.p95),
    }


def _finding(found: Finding, knowledge: Knowledge) -> Form:
    sources = [e.key for e in found.evidence]
    return {"id": found.id, "statement": say(found.statement, knowledge.texts), "sources": sources}
