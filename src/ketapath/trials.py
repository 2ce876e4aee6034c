"""Which antidepressants were truly tried, long enough, high enough and as directed, and did they fail?

Orders of one substance are merged over short gaps into one trial. Length and dose decide whether it was adequate;
only a stated result decides whether it failed. What the record does not say stays None. The dose limit is the
WHO defined daily dose, a proxy that the medical lead has to approve. Sources: CAN-001, CAN-002.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from ketapath.domain.evidence import Text
from ketapath.domain.fact import MedicineSpan
from ketapath.domain.profile import Trial
from ketapath.knowledge import Knowledge

__all__ = ["antidepressant_trials", "still_stands"]

_NOT_TAKEN = frozenset({"not-taking", "taking-not-as-directed", "on-hold-not-as-directed", "stopped-not-as-directed"})
"""Of the codes that FHIR R5 has for adherence, those that say: not as directed."""

_FAILED = {"no-response": True, "response": False, "not-tolerated": False}


def antidepressant_trials(spans: Iterable[MedicineSpan], *, as_of: date, knowledge: Knowledge) -> tuple[Trial, ...]:
    """All antidepressant trials on record, oldest first; those without a date last."""
    by_substance: dict[str, list[MedicineSpan]] = {}
    for span in spans:
        if "antidepressant" in span.classes and (span.start is None or span.start <= as_of):
            by_substance.setdefault(span.substance, []).append(span)
    limits = {m["substance"]: m.get("daily_dose_proxy_mg") for m in knowledge.codes["medicines"]}
    trials = [
        _trial(group, limits.get(substance), as_of, knowledge)
        for substance, found in by_substance.items()
        for group in _merged(found, as_of, knowledge)
    ]
    return tuple(sorted(trials, key=lambda t: (t.start or date.max, t.substance)))


def still_stands(span: MedicineSpan, as_of: date, knowledge: Knowledge) -> bool:
    """Whether an open span may be taken as current: a statement while it is active, an order only for a while."""
    if not span.active or (span.start is not None and span.start > as_of):
        return False
    if span.origin.resource == "MedicationStatement" or span.end is not None:
        return span.end is None or span.end >= as_of
    return span.start is not None and (as_of - span.start).days <= knowledge.figure("order_stands_days")


def _last_day(span: MedicineSpan, as_of: date, knowledge: Knowledge) -> date | None:
    """The last day that the record covers; None where an open order may long be over."""
    if span.end is not None:
        return min(span.end, as_of)
    return as_of if still_stands(span, as_of, knowledge) else None


def _merged(spans: list[MedicineSpan], as_of: date, knowledge: Knowledge) -> list[list[MedicineSpan]]:
    """Spans of one substance in groups that follow each other without a long gap; undated ones stand alone."""
    gap_days = knowledge.figure("trial_gap_days")
    groups: list[list[MedicineSpan]] = []
    reach: date | None = None
    for span in sorted(spans, key=lambda s: (s.start or date.max, s.end or date.max)):
        # An order that is still open reaches to the next one, even if it is too old to prove use today.
        last = _last_day(span, as_of, knowledge) or (as_of if span.active else span.start)
        if span.start is not None and groups and reach is not None and (span.start - reach).days <= gap_days:
            groups[-1].append(span)
            reach = max(reach, last or reach)
        else:
            groups.append([span])
            reach = last
    return groups


def _trial(group: list[MedicineSpan], limit_mg: float | None, as_of: date, knowledge: Knowledge) -> Trial:
    start = group[0].start
    ends = [_last_day(s, as_of, knowledge) for s in group]
    end = None if None in ends else max(e for e in ends if e is not None)
    weeks = None if start is None or end is None else (end - start).days / 7
    doses = [s.daily_dose_mg for s in group if s.daily_dose_mg is not None]
    dose = max(doses, default=None)
    long_enough = None if weeks is None else weeks >= knowledge.figure("trial_weeks")
    high_enough = None if dose is None or limit_mg is None else dose >= limit_mg
    taken = _taken(group, knowledge)
    asked = (long_enough, high_enough, taken)
    adequate = False if False in asked else None if None in asked else True
    outcomes = {s.outcome for s in group if s.outcome is not None}
    failed = _FAILED.get(outcomes.pop()) if len(outcomes) == 1 else None
    return Trial(
        substance=group[0].substance,
        start=start,
        end=end,
        weeks=weeks,
        max_daily_dose_mg=dose,
        adequate=adequate,
        failed=failed,
        adherence=next((s.adherence for s in reversed(group) if s.adherence is not None), None),
        reason=_reason(long_enough, high_enough, taken, failed),
        origins=tuple(str(s.origin) for s in group),
    )


def _taken(group: list[MedicineSpan], knowledge: Knowledge) -> bool | None:
    """Whether it was taken as directed. Silence passes, unless the clinic's policy asks for adherence on record."""
    stated = {s.adherence for s in group if s.adherence not in (None, "unknown")}
    if stated & _NOT_TAKEN:
        return False
    return None if not stated and knowledge.figure("trial_needs_adherence") else True


def _reason(long_enough: bool | None, high_enough: bool | None, taken: bool | None, failed: bool | None) -> Text:
    if taken is False:
        return Text(key="trial.not_taken")
    if long_enough is False:
        return Text(key="trial.too_short")
    if high_enough is False:
        return Text(key="trial.too_low")
    if long_enough is None:
        return Text(key="trial.length_unknown")
    if high_enough is None:
        return Text(key="trial.dose_unknown")
    if taken is None:
        return Text(key="trial.adherence_unknown")
    return Text(key={True: "trial.failed", False: "trial.not_failed", None: "trial.outcome_unknown"}[failed])
