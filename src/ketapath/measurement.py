"""What does a questionnaire say? Totals, severity, alerts, and whether a change is more than measurement error.

A total needs every item: the owners publish no rule for missing ones, so nothing is imputed. Sources stand in the
instrument's own file under knowledge/instruments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ketapath.domain.evidence import Text
from ketapath.errors import BadInput

__all__ = ["Score", "is_remission", "is_response", "reliable_change", "score", "severity"]

ReliableChange = Literal["improved", "worse", "no reliable change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The result of one filled-in questionnaire. `missing` names the items without an answer."""

    total: float | None
    severity: str | None
    missing: tuple[str, ...]
    alerts: tuple[Text, ...]


def score(instrument: Mapping[str, Any], answers: Sequence[int | None]) -> Score:
    """Total, severity band, missing items and alerts of these answers, in the order of the items.

    Raises BadInput where the number of answers or one answer does not belong to the instrument.
    """
    items = instrument["items"]
    if len(answers) != len(items):
        raise BadInput(
            field=instrument["title"],
            found=f"{len(answers)} answers",
            limit=f"{len(items)} answers, empty for missing",
            next_step="Give one answer for each item, in order.",
        )
    allowed = [int(option["score"]) for option in instrument["options"]]
    for item, answer in zip(items, answers, strict=True):
        if answer is not None and answer not in allowed:
            raise BadInput(
                field=item["id"],
                found=answer,
                limit=f"one of {allowed}",
                next_step="Correct the answer or leave it empty.",
            )
    given = [a for a in answers if a is not None]
    total = float(sum(given)) if len(given) == len(items) else None
    return Score(
        total=total,
        severity=None if total is None else severity(instrument, total),
        missing=tuple(i["id"] for i, a in zip(items, answers, strict=True) if a is None),
        alerts=tuple(
            Text(key=alert["text"], values={"answer": answers[alert["item"] - 1]})
            for alert in instrument.get("alerts", ())
            if (answers[alert["item"] - 1] or 0) >= alert["from"]
        ),
    )


def severity(instrument: Mapping[str, Any], total: float) -> str:
    """The band that this total lies in."""
    for band in instrument["bands"]:
        if band["min"] <= total <= band["max"]:
            return str(band["label"])
    raise BadInput(
        field=instrument["title"],
        found=total,
        limit=f"{instrument['scoring']['min']} to {instrument['scoring']['max']}",
        next_step="Check the total.",
    )


def reliable_change(instrument: Mapping[str, Any], before: float, after: float) -> ReliableChange:
    """Whether the change is larger than two measurements of an unchanged person would differ (95 %)."""
    limit = float(instrument["reliable_change"]["points"])
    if abs(after - before) < limit:
        return "no reliable change"
    return "worse" if after > before else "improved"


def is_response(instrument: Mapping[str, Any], before: float, after: float) -> bool:
    """Whether symptoms fell by the share that the field calls response, or from at or above a named level to below it.

    Only the GAD-7 names such a level (`or_below`); staying below it is no response.
    """
    rule = instrument["response"]
    if before > 0 and (before - after) / before >= float(rule["share"]):
        return True
    return "or_below" in rule and before >= float(rule["or_below"]) > after


def is_remission(instrument: Mapping[str, Any], total: float) -> bool:
    """Whether the total is below the level that the field calls remission."""
    return total < float(instrument["remission"]["below"])
