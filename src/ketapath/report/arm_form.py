"""A predicted trial arm as JSON and as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ketapath.domain.response import ArmPrediction, PredictedOutcome
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import evidence_forms
from ketapath.report.words import say

_WIDTH = 100


def arm_json(found: ArmPrediction, knowledge: Knowledge) -> dict[str, Any]:
    """Outcomes with seven quantiles each; with a second arm the differences, and both arms under `arms`."""
    form: dict[str, Any] = {"outcomes": [asdict(one) for one in found.outcomes]}
    if found.arms:
        form["arms"] = [[asdict(one) for one in arm] for arm in found.arms]
    return form | {
        "prior": asdict(found.provenance),
        "findings": [say(text, knowledge.texts) for text in found.findings],
        "evidence": evidence_forms(found.evidence),
    }


def arm_text(found: ArmPrediction, knowledge: Knowledge) -> str:
    """One line an outcome: median and the intervals of 50, 80 and 95 of 100 such studies."""
    lines = [f"{'outcome':34} {'median':>8} {'50 %':>16} {'80 %':>16} {'95 %':>16}"]
    lines += [_line(one) for one in found.outcomes]
    for index, arm in enumerate(found.arms):
        lines += ["", f"Arm {index + 1}", *(_line(one) for one in arm)]
    lines += ["", f"Prior: {found.provenance.name}, version {found.provenance.version}"]
    return "\n".join([*lines, *_notes(found, knowledge)])


def _notes(found: ArmPrediction, knowledge: Knowledge) -> Iterator[str]:
    for text in found.findings:
        yield from textwrap.wrap(say(text, knowledge.texts), _WIDTH, initial_indent="- ", subsequent_indent="  ")


def _line(one: PredictedOutcome) -> str:
    name = f"{one.scale} day {one.day:g}, {one.quantity}"
    if one.p50 is None:
        return f"{name:34} not predictable"
    points = one.quantity == "change"

    def shown(value: float | None) -> str:
        assert value is not None
        return f"{value:.1f}" if points else f"{100.0 * value:.0f} %"

    pairs = ((one.p25, one.p75), (one.p10, one.p90), (one.p025, one.p975))
    bands = " ".join(f"{shown(low) + ' to ' + shown(high):>16}" for low, high in pairs)
    return f"{name:34} {shown(one.p50):>8} {bands}"
