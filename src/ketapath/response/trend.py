"""What have this person's scores done, without any model of treatment? The true value up to today, change, a rise.

The true value is a person's own level plus a straying around it that fades over some weeks (a stationary Gaussian
process, AR(1) in time), on the link of the scale. Nothing is known of the level beforehand. Conditioning on the scores
with their error is exact. There is no treatment in it and no forecast; knowledge/response.yaml, `own_trend`, says what
was assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from ketapath.domain.evidence import Evidence, Text
from ketapath.domain.fact import ScoreEntry
from ketapath.domain.response import Change, EarlyWarning, Observed, RecoveryCurve, ScaleCourse
from ketapath.knowledge import Knowledge, published
from ketapath.knowledge.schema import SITE_DEFAULT
from ketapath.measurement import gained, is_meaningful, is_response, reliable_change
from ketapath.response.scales import Array, from_link, higher_is_better, link, link_error
from ketapath.response.totals import one_a_day

__all__ = ["change_of", "rising", "trend"]

_NORMAL = {"p05": -1.6448536, "p25": -0.6744898, "p50": 0.0, "p75": 0.6744898, "p95": 1.6448536}  # normal quantiles
_LEVEL_SD = 100.0  # source: our choice; flat on a link that runs from -3.9 to 3.9
_MOST_DAYS = 120  # source: our choice; a longer past is drawn in wider steps


def trend(
    entries: Iterable[ScoreEntry], instrument: Mapping[str, Any], *, first: date, as_of: date, knowledge: Knowledge
) -> ScaleCourse:
    """The person's own scores of this instrument up to `as_of`; days count from `first`, the first session.

    `curve` is None without a usable score. The baseline is the last total of the weeks up to `first`.
    """
    stated = [s for s in entries if s.instrument == instrument["id"] and s.on <= as_of]
    usable, notes = one_a_day(stated, instrument)
    window = timedelta(days=int(knowledge.response["baseline_days"]))
    baseline = next((s for s in reversed(usable) if first - window <= s.on <= first), None)
    curve = _curve(usable, instrument, knowledge.response["own_trend"], first, as_of)
    if curve is not None:
        notes.append(Text(key="trend.assumed", values={"days": knowledge.response["own_trend"]["days"]}))
        if instrument["standard_error"]["trust"] == "assumption":
            notes.append(
                Text(key="trend.error_assumed", values={"points": f"{instrument['standard_error']['points']:g}"})
            )
    start = baseline or (usable[0] if usable else None)
    return ScaleCourse(
        scale=instrument["id"],
        title=instrument["title"],
        top=float(instrument["scoring"]["max"]),
        higher_is_better=higher_is_better(instrument),
        is_modelled=False,
        baseline=None if baseline is None else baseline.total,
        baseline_on=None if baseline is None else baseline.on.isoformat(),
        observed=tuple(
            Observed(day=float((s.on - first).days), total=s.total, origin=str(s.origin))
            for s in usable
            if s.total is not None
        ),
        curve=curve,
        expected=None,
        change=None if start is None else change_of(start, usable[-1], instrument, knowledge),
        notes=tuple(notes),
    )


def change_of(
    before: ScoreEntry, after: ScoreEntry, instrument: Mapping[str, Any], knowledge: Knowledge
) -> Change | None:
    """What happened between two scores, by the definition of the instrument's file; None where it has none, or where
    `after` is not later or one of the two has no total.
    """
    if before.total is None or after.total is None or after.on <= before.on:
        return None
    verdict = reliable_change(instrument, before.total, after.total)
    if verdict is None:
        return None
    rule = instrument["reliable_change"]
    key = "change.beyond_error" if "source" in rule else "change.site_default"
    return Change(
        before=before.total,
        after=after.total,
        points=float(rule["points"]),
        verdict=verdict,
        definition=Text(key=key, values={"points": f"{rule['points']:g}", "since": before.on.isoformat()}),
        evidence=_evidence(instrument, knowledge),
        beside=tuple(_beside(before.total, after.total, instrument)),
    )


def rising(
    found: ScaleCourse, instrument: Mapping[str, Any], *, first: date, knowledge: Knowledge
) -> EarlyWarning | None:
    """A warning where the last total is worse than the best one before it by at least the points of a reliable change.

    `first` is day 0 of the scale. Scores from the baseline on count, so that being well years ago is no sign. The best
    of many scores is partly luck: with more scores the sign comes more often where nothing has changed, which is why it
    only asks for a look.
    """
    since = -float(knowledge.response["baseline_days"])
    scores = [o for o in found.observed if o.day >= since]
    if len(scores) < 2 or "reliable_change" not in instrument:
        return None
    *earlier, last = scores
    best = min(earlier, key=lambda o: -o.total if found.higher_is_better else o.total)
    if reliable_change(instrument, best.total, last.total) != "worse":
        return None
    rule = instrument["reliable_change"]
    values = {
        "title": found.title,
        "last": f"{last.total:g}",
        "best": f"{best.total:g}",
        "on": (first + timedelta(days=last.day)).isoformat(),
        "before": (first + timedelta(days=best.day)).isoformat(),
        "points": f"{rule['points']:g}",
    }
    return EarlyWarning(
        day=last.day,
        scale=found.scale,
        kind="rising",
        statement=Text(key="warning.rising" if "source" in rule else "warning.rising_site_default", values=values),
        probability=None,
        evidence=_evidence(instrument, knowledge),
    )


def _evidence(instrument: Mapping[str, Any], knowledge: Knowledge) -> tuple[Evidence, ...]:
    source = instrument["reliable_change"].get("source")
    return (SITE_DEFAULT,) if source is None else (published(knowledge.sources[source]),)


def _beside(before: float, after: float, instrument: Mapping[str, Any]) -> Iterable[Text]:
    moved = f"{abs(gained(instrument, before, after)):g}"
    meaningful = is_meaningful(instrument, before, after)
    if meaningful is not None:
        rule = instrument["meaningful_change"]
        key = "change.meaningful" if meaningful else "change.not_meaningful"
        yield Text(key=key, values={"points": f"{rule['points']:g}", "moved": moved, "source": rule["source"]})
    responded = is_response(instrument, before, after)
    if responded is not None:
        rule = instrument["response"]
        values = {"share": f"{100 * rule['share']:g}", "level": rule.get("or_below"), "source": rule["source"]}
        kind = "response" if responded else "no_response"
        yield Text(key=f"change.{kind}" + ("_or_below" if "or_below" in rule else ""), values=values)


def _curve(
    usable: Sequence[ScoreEntry],
    instrument: Mapping[str, Any],
    assumed: Mapping[str, Any],
    first: date,
    as_of: date,
) -> RecoveryCurve | None:
    """Bands for the score that would be observed on each day from the first score to today."""
    error = link_error(instrument)
    if not usable or error is None:
        return None
    at = np.array([(s.on - first).days for s in usable], dtype=np.float64)
    today = float((as_of - first).days)
    step = max(1.0, np.ceil((today - at[0]) / _MOST_DAYS))
    days = np.unique(np.concatenate([np.arange(at[0], today, step), at, [today]]))
    mean, variance = _conditioned(
        days, at, link([s.total for s in usable if s.total is not None], instrument), error, assumed
    )
    spread = np.sqrt(variance + error**2)
    turn = -1.0 if higher_is_better(instrument) else 1.0  # so that p05 is always the lowest score
    bands = {name: from_link(mean + turn * z * spread, instrument) for name, z in _NORMAL.items()}
    return RecoveryCurve(
        scale=instrument["id"],
        days=tuple(days.tolist()),
        **{name: tuple(points.tolist()) for name, points in bands.items()},
    )


def _conditioned(days: Array, at: Array, seen: Array, error: float, assumed: Mapping[str, Any]) -> tuple[Array, Array]:
    """Mean and variance of the true value on the link on `days`, given what was seen `at` these days."""

    def shared(one: Array, other: Array) -> Array:
        apart = np.abs(one[:, None] - other[None, :])
        strays: Array = float(assumed["sd"]) ** 2 * np.exp(-apart / float(assumed["days"]))
        return strays + _LEVEL_SD**2

    reach = shared(days, at)
    gain = np.linalg.solve(shared(at, at) + error**2 * np.eye(at.size), reach.T).T
    mean: Array = gain @ seen
    variance: Array = np.maximum(np.diag(shared(days, days)) - np.sum(gain * reach, axis=1), 0.0)
    return mean, variance
