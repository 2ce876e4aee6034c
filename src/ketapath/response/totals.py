"""Which totals of a scale count, one a day? Versions, forms without a total, and two scores of one day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Dose, ScoreEntry

__all__ = ["is_under_a_dose", "one_a_day"]

_ACTING = timedelta(hours=4)  # source: our choice, the two hours of observation and as long again


def one_a_day(stated: Iterable[ScoreEntry], instrument: Mapping[str, Any]) -> tuple[list[ScoreEntry], list[Text]]:
    """Usable totals of one scale in order of time, one a day, and a note for each day on which something was set aside.

    A later version of one resource replaces the earlier. Resources of one day that differ are measurements of one
    state: their mean is used, because taking either would be a choice that nobody made, and leaving both out could
    hide a rise. Where they lie a reliable change apart the note asks which is right. The order they come in is
    irrelevant.
    """
    apart = float(instrument.get("reliable_change", {}).get("points", math.inf))
    notes = []
    by_day: dict[date, dict[tuple[str, str], ScoreEntry]] = {}
    for entry in sorted(stated, key=lambda s: (s.on, _version(s), str(s.origin))):
        if entry.total is None or entry.reason is not None:
            notes.append(Text(key="response.score_set_aside", values={"on": entry.on.isoformat()}))
        else:
            by_day.setdefault(entry.on, {})[entry.origin.resource, entry.origin.id] = entry
    found = []
    for on, entries in by_day.items():
        totals = [s.total for s in entries.values() if s.total is not None]
        mean = sum(totals) / len(totals)
        if max(totals) - min(totals) >= apart:
            values = {"title": instrument["title"], "on": on.isoformat(), "low": min(totals), "high": max(totals)}
            notes.append(Text(key="response.scores_disagree", values=values | {"mean": f"{mean:g}"}))
        elif len(set(totals)) > 1:
            notes.append(Text(key="response.two_scores", values={"on": on.isoformat(), "mean": f"{mean:g}"}))
        found.append(replace(list(entries.values())[-1], total=mean))
    return found, notes


def is_under_a_dose(score: ScoreEntry, given: Sequence[Dose]) -> bool:
    """Answered while a dose acts: neither a baseline nor a course.

    On the first session's day that is any time after its dose began, since nothing later may be the start; on later
    days the hours of the dose itself, so that an evening's score still counts.
    """
    at = score.at
    if at is None:
        return False
    began = [d.at for d in given if d.at is not None and d.on == score.on and at > d.at]
    return any(score.on == given[0].on or at - start < _ACTING for start in began)


def _version(entry: ScoreEntry) -> int:
    """Resource versions in order, where they are numbers as FHIR servers count them; otherwise as they came."""
    version = entry.origin.version or ""
    return int(version) if version.isascii() and version.isdigit() else 0
