"""What another medicine does to a level, as stable JSON and for a reader in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from ketapath.domain.interaction import Factor, Interaction, MeasuredRatio, Perpetrator
from ketapath.domain.plan import Range
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import evidence_forms, rounded
from ketapath.report.words import plain, say

_WIDTH = 100
_ROUTES = {"iv": "by vein", "nasal": "by the nose", "oral": "by mouth", "im": "into a muscle", "sc": "under the skin"}


def interaction_json(found: Interaction, knowledge: Knowledge) -> dict[str, Any]:
    """The band of the ratio with mechanism and evidence, the measured figures of the route, and every finding."""
    return {
        "drug": list(found.drugs),
        "product": found.product,
        "route": found.route,
        "model": found.model,
        "dose_mg": found.dose_mg,
        "known": found.known,
        "auc_ratio": _band(found.auc_ratio),
        "typical": rounded(found.typical),
        "unbounded": None if found.unbounded is None else _band(found.unbounded),
        "mechanism": " ".join(found.mechanism),
        "factors": [
            {
                "drug": one.drug,
                "record": one.id,
                "intrinsic_clearance": _factor_form(one.intrinsic_clearance),
                "gut_availability": _factor_form(one.gut_availability),
                "oral_auc_ratio": None if one.together is None else _factor_form(one.together),
            }
            for one in found.perpetrators
        ],
        "measured": [_measured_form(drug, m) for drug, m in found.measured],
        "findings": [
            {
                "id": f.id,
                "statement": say(f.statement, knowledge.texts),
                "evidence": evidence_forms(f.evidence),
            }
            for f in found.findings
        ],
        "evidence": evidence_forms(found.evidence),
    }


def interaction_text(found: Interaction, knowledge: Knowledge) -> str:
    """The ratio with its band, what was measured by this route, and each finding."""
    dose = "" if found.dose_mg is None else f" ({found.dose_mg:g} mg)"
    way = _ROUTES.get(found.route, found.route)
    drugs = ", ".join(found.drugs)
    lines = [f"{drugs} with {found.product} {way}{dose}, model {found.model}", ""]
    area = f"Area under the level: {_said(found.auc_ratio)} of what it is without."
    lines += _wrap(area if found.known else "Nothing is known, so no change of the level is counted.")
    if found.unbounded is not None:
        lines += _wrap(f"By mechanism alone: {_said(found.unbounded)}.")
    for words, one in zip(found.mechanism, found.perpetrators, strict=True):
        lines += _wrap(f"{words} {_factors(one)}" if found.known else words)
    lines += ["", "Measured by this route:"]
    lines += [line for drug, m in found.measured for line in _wrap(_measured(drug, m), "- ")] or [
        "- nothing that we read"
    ]
    lines += [""]
    for finding in found.findings:
        lines += _wrap(say(finding.statement, knowledge.texts), "- ")
    lines += ["", *_wrap("Sources: " + ", ".join(_sources(found)))]
    return plain("\n".join(lines))


def _sources(found: Interaction) -> Iterator[str]:
    for one in found.evidence:
        name = one.key or one.citation
        yield f"{name} (retracted)" if one.retracted else name


def _said(band: Range) -> str:
    return f"x {band.p50:.2f} (90 of 100 people: {band.p05:.2f} to {band.p95:.2f})"


def _factors(one: Perpetrator) -> str:
    liver, gut = (
        f"x {f.value:g} ({f.low:g} to {f.high:g}, {f.trust})" for f in (one.intrinsic_clearance, one.gut_availability)
    )
    return f"Intrinsic clearance of the liver {liver}; let through by the gut wall {gut}."


def _measured(drug: str, measured: MeasuredRatio) -> str:
    ratio = "area: direction only" if measured.auc_ratio is None else f"area x {measured.auc_ratio:g}"
    span = "" if measured.interval is None else f" ({measured.interval[0]:g} to {measured.interval[1]:g})"
    peak = "" if measured.cmax_ratio is None else f", peak x {measured.cmax_ratio:g}"
    people = "" if measured.n is None else f", {measured.n} people"
    read = "" if measured.trust == "read" else "; RECALLED, not verified, not used"
    keys = ", ".join(str(e.key) for e in measured.evidence)
    said = f"; {measured.said}" if measured.said else ""
    return f"{drug}, {measured.product}: {ratio}{span}{peak}{people}{said}{read}" + (f" [{keys}]" if keys else "")


def _factor_form(factor: Factor) -> dict[str, Any]:
    return {
        "value": factor.value,
        "low": factor.low,
        "high": factor.high,
        "trust": factor.trust,
        "derived": factor.derived,
    }


def _measured_form(drug: str, measured: MeasuredRatio) -> dict[str, Any]:
    return {
        "drug": drug,
        "product": measured.product,
        "route": measured.route,
        "auc_ratio": measured.auc_ratio,
        "interval": None if measured.interval is None else list(measured.interval),
        "cmax_ratio": measured.cmax_ratio,
        "n": measured.n,
        "said": measured.said,
        "trust": measured.trust,
        "bounds": measured.bounds,
        "evidence": evidence_forms(measured.evidence),
    }


def _band(band: Range) -> dict[str, float | None]:
    return {"p05": rounded(band.p05), "p50": rounded(band.p50), "p95": rounded(band.p95)}


def _wrap(words: str, first: str = "") -> list[str]:
    return textwrap.wrap(plain(words), _WIDTH, initial_indent=first, subsequent_indent=" " * len(first)) or [first]
