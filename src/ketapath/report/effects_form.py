"""Acute effects as JSON and as text: bands over the session, and the chance of passing a limit, never a bare number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ketapath.knowledge import Knowledge
from ketapath.pharmacology.effects import Band, Effects, Risk
from ketapath.pharmacology.effects_validation import Row
from ketapath.report.words import say
from ketapath.units import shown

Form = dict[str, Any]


def effects_json(found: Effects, knowledge: Knowledge) -> Form:
    """`effects`, `risks` and what to know, as the JSON of simulate carries them."""
    return {
        "effects": [_band(band) for band in found.bands],
        "risks": [_risk(risk, knowledge) for risk in found.risks],
        "effect_readings_min": list(found.readings_min),
        "effect_findings": [
            {"id": f.id, "statement": say(f.statement, knowledge.texts), "sources": [e.key for e in f.evidence]}
            for f in found.findings
        ],
    }


def effects_text(found: Effects, knowledge: Knowledge) -> str:
    """The same for a terminal."""
    lines = []
    for band in found.bands:
        what = f"{band.quantity}, rise" if band.above_resting else band.quantity
        unit = "share of the most that can be felt" if band.quantity == "dissociation" else shown(band.unit)
        lines += ["", f"{what}, {unit}", f"{'min':>7} {'5 %':>9} {'50 %':>9} {'95 %':>9}"]
        rows = zip(band.times_min, band.p05, band.p50, band.p95, strict=True)
        lines += [f"{row[0]:7g} " + " ".join(f"{value:9.3g}" for value in row[1:]) for row in rows]
    lines += ["", "Of 100 such sessions, with at least one reading past the limit:"]
    lines += [f"  {risk_words(risk)}: {risk_number(risk, knowledge)}" for risk in found.risks]
    lines += ["", *(say(f.statement, knowledge.texts) for f in found.findings)]
    keys = dict.fromkeys(str(e.key or e.citation) for f in found.findings for e in f.evidence)
    lines += ["", f"Sources of the effects: {', '.join(keys)}"]
    return "\n".join(lines)


def risk_words(risk: Risk) -> str:
    """What the chance is of, such as "systolic rise of 40 mmHg or more"."""
    if risk.event == "criterion":
        return "dissociation past the CADSS criterion"
    if risk.event == "severe":
        return "distress of 7 or more, or agitation"
    kind = "rise of" if risk.event == "rise" else "of"
    return f"{risk.quantity} {kind} {risk.limit:g} {shown(risk.unit)} or more"


def risk_number(risk: Risk, knowledge: Knowledge) -> str:
    """So many of 100 with its band, or why it is not known."""
    if risk.p is None or risk.p05 is None or risk.p95 is None:
        return "unknown" if risk.unknown is None else f"unknown: {say(risk.unknown, knowledge.texts)}"
    words = f"about {_of_hundred(risk.p)} ({_of_hundred(risk.p05)} to {_of_hundred(risk.p95)})"
    return f"{words}, on an assumed share" if risk.assumed else words


def effects_validation_json(rows: Sequence[Row]) -> Form:
    """Anchors (used to build the model) and independent rows, each with its pass mark; only the second counts."""
    tables = {}
    for use in ("anchor", "independent"):
        some = [row for row in rows if row.use == use]
        tables[use] = {
            "passed": sum(row.passes is True for row in some),
            "of": len(some),
            "rows": [_row(row) for row in some],
        }
    return tables


def effects_validation_text(rows: Sequence[Row]) -> str:
    """Both tables for a terminal."""
    lines = []
    for use, title in (("independent", "Independent rows"), ("anchor", "Anchors: used to build the model")):
        some = [row for row in rows if row.use == use]
        passed = sum(row.passes is True for row in some)
        lines += [f"{title}: {passed} of {len(some)} met", f"{'':6} {'observed':>18} {'predicted (90 %)':>24}  what"]
        for row in some:
            mark = {True: "met", False: "missed", None: "none"}[row.passes]
            lines.append(f"{mark:6} {_span(row.observed):>18} {_predicted(row):>24}  {row.what} [{row.source}]")
            if row.explained:
                lines.append(f"{'':52}{row.explained}")
        lines.append("")
    return "\n".join(lines)


def effects_validation_page(rows: Sequence[Row]) -> list[str]:
    """Both tables as the lines of a page in Markdown."""
    lines = [
        "# Pressure and dissociation: what was observed, and what the model says",
        "",
        "Written by `make reference` from `src/ketapath/knowledge/effects/`; a test holds the two together.",
        "`ketapath validate effects` prints the same, with `--json` for a machine.",
        "",
        "A row is met where the observed range and the predicted one overlap; the predicted one is 90 % of what",
        "the typical person may be like. Anchors were used to build the model, so only the independent rows say",
        "how good it is. Resting pressures of the observed people were not read and are assumed. Levels after a",
        "spray or an injection under the skin were never measured in an artery: their uptake is fed into the",
        "arterial disposition by vein, and rises by these routes come out too high. Nothing was tuned to close",
        "that gap; what is shown says that it errs high.",
    ]
    for use, title in (("independent", "Independent rows"), ("anchor", "Anchors")):
        some = [row for row in rows if row.use == use]
        passed = sum(row.passes is True for row in some)
        lines += [
            "",
            f"## {title}: {passed} of {len(some)} met",
            "",
            "| what | observed | predicted (90 %) |  | source | why it misses |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for row in some:
            mark = {True: "met", False: "missed", None: "not computed"}[row.passes]
            lines.append(
                f"| {row.what} | {_span(row.observed)} | {_predicted(row)} | {mark} | {row.source} | {row.explained} |"
            )
    return lines


def _row(row: Row) -> Form:
    return {
        "id": row.id,
        "what": row.what,
        "unit": row.unit,
        "source": row.source,
        "observed": list(row.observed),
        "predicted": None if row.predicted is None else dict(zip(("p05", "p50", "p95"), row.predicted, strict=True)),
        "pass": row.passes,
        "explained": row.explained,
    }


def _band(band: Band) -> Form:
    return {
        "quantity": band.quantity,
        "unit": band.unit,
        "above_resting": band.above_resting,
        "times_min": list(band.times_min),
        "p05": list(band.p05),
        "p25": list(band.p25),
        "p50": list(band.p50),
        "p75": list(band.p75),
        "p95": list(band.p95),
    }


def _risk(risk: Risk, knowledge: Knowledge) -> Form:
    return {
        "quantity": risk.quantity,
        "event": risk.event,
        "limit": risk.limit,
        "unit": risk.unit,
        "p": risk.p,
        "p05": risk.p05,
        "p95": risk.p95,
        "unknown": None if risk.unknown is None else say(risk.unknown, knowledge.texts),
        "assumed": risk.assumed,
        "sources": [e.key for e in risk.evidence],
    }


def _of_hundred(p: float) -> str:
    return "fewer than 1" if p < 0.005 else f"{100 * p:.0f}"


def _span(values: Sequence[float]) -> str:
    return f"{values[0]:.3g} to {values[1]:.3g}"


def _predicted(row: Row) -> str:
    if row.predicted is None:
        return "not computed"
    low, mid, high = row.predicted
    return f"{mid:.3g} ({low:.3g} to {high:.3g})"
