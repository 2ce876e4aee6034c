"""What does a questionnaire say? Totals, severity, alerts, and whether a change is more than measurement error.

A total needs every item: the owners publish no rule for missing ones, so nothing is imputed. Sources stand in the
instrument's own file under knowledge/instruments. Where that file has no rule the answer is None: it cannot be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ketapath.domain.evidence import Text
from ketapath.errors import BadInput

__all__ = [
    "Score",
    "gained",
    "is_meaningful",
    "is_remission",
    "is_response",
    "reliable_change",
    "score",
    "severity",
]

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

    Raises BadInput where the number of answers or one answer does not belong to the instrument, and where its items may
    not be shipped, so that only a total can be recorded.
    """
    if "items" not in instrument:
        raise BadInput(
            field=instrument["title"],
            found="answers",
            limit=f"a total of {instrument['scoring']['min']} to {instrument['scoring']['max']}",
            next_step="Score it on the owner's form and record the total. " + instrument["licence"]["status"],
        )
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


def severity(instrument: Mapping[str, Any], total: float) -> str | None:
    """The band that this total lies in; None where the instrument has no bands."""
    if "bands" not in instrument:
        return None
    for band in instrument["bands"]:
        if band["min"] <= total <= band["max"]:
            return str(band["label"])
    raise BadInput(
        field=instrument["title"],
        found=total,
        limit=f"{instrument['scoring']['min']} to {instrument['scoring']['max']}",
        next_step="Check the total.",
    )


def gained(instrument: Mapping[str, Any], before: float, after: float) -> float:
    """Points by which the person got better, whichever way the scale counts; negative where they got worse."""
    return after - before if instrument["scoring"]["higher_is"] == "better" else before - after


def reliable_change(instrument: Mapping[str, Any], before: float, after: float) -> ReliableChange | None:
    """Whether the change is larger than two measurements of an unchanged person would differ (95 %)."""
    if "reliable_change" not in instrument:
        return None
    points = gained(instrument, before, after)
    if abs(points) < float(instrument["reliable_change"]["points"]):
        return "no reliable change"
    return "worse" if points < 0 else "improved"


def is_meaningful(instrument: Mapping[str, Any], before: float, after: float) -> bool | None:
    """Whether the change, either way, reaches the points that a source calls meaningful; None where none does."""
    if "meaningful_change" not in instrument:
        return None
    return abs(after - before) >= float(instrument["meaningful_change"]["points"])


def is_response(instrument: Mapping[str, Any], before: float, after: float) -> bool | None:
    """Whether symptoms fell by the share that the field calls response, or from at or above a named level to below it.

    Only the GAD-7 names such a level (`or_below`); staying below it is no response.
    """
    if "response" not in instrument:
        return None
    rule = instrument["response"]
    if before > 0 and (before - after) / before >= float(rule["share"]):
        return True
    return "or_below" in rule and before >= float(rule["or_below"]) > after


def is_remission(instrument: Mapping[str, Any], total: float) -> bool | None:
    """Whether the total is below the level that the field calls remission."""
    if "remission" not in instrument:
        return None
    return total < float(instrument["remission"]["below"])
