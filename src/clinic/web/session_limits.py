"""Which rule that speaks in a session is said first, and which quietly? Limits with what was measured, and notes."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.queries.person import Chart
from clinic.queries.session import Room
from clinic.web.templatetags.clinic import label, unit
from ketapath.domain.evidence import Finding, RuleRef
from ketapath.domain.session import TimedReading, Visit
from ketapath.knowledge.rules import paths
from ketapath.session import steps_of

_SYSTOLIC, _DIASTOLIC, _SATURATION = "vitals.systolic_mmhg", "vitals.diastolic_mmhg", "vitals.spo2_percent"
_MEASURED_AS = {
    "session.systolic_rise_mmhg": _SYSTOLIC,
    "session.diastolic_rise_mmhg": _DIASTOLIC,
    "session.saturation_fall_points": _SATURATION,
}
"""What is counted from a reading, and the reading."""
_SINCE = frozenset({"session.minutes_since_reading", "session.minutes_since_scores"})
"""What a rule reads that only says when the next reading is due; the timers say that, and to the minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One limit that speaks: its rule, what it says, and what was measured and when, a line each."""

    finding: Finding
    rule: RuleRef
    measured: tuple[str, ...]


def limits(found: Chart, here: Room) -> list[Spoken]:
    """The limits that speak now, for the very top of the page; none once the person is home."""
    if here.step == "home":
        return []
    speaking = ((f, f.rule) for f in here.prompts if steps_of(f.id, found.knowledge) is not None)
    return [
        Spoken(finding=finding, rule=rule, measured=measured(finding, here.visit))
        for finding, rule in speaking
        if rule is not None
    ]


def notes(found: Chart, here: Room) -> list[Finding]:
    """What else the rules say of this session; that a set is older is said once the timers say so too."""
    is_overdue = any(one.is_overdue for one in here.due)
    rest = [f for f in here.prompts if here.step == "home" or steps_of(f.id, found.knowledge) is None]
    return [f for f in rest if is_overdue or not _only_asks(f, found)]


def _only_asks(finding: Finding, found: Chart) -> bool:
    rule = found.knowledge.rules.get(finding.id)
    return rule is not None and bool(_SINCE & set(paths(rule.when)))


def measured(finding: Finding, visit: Visit) -> tuple[str, ...]:
    """What was read of what the rule reads, newest of each, with its time; a pressure as one."""
    said: dict[str, None] = {}
    for fact in finding.facts:
        path = _MEASURED_AS.get(fact.path, fact.path)
        reading = max((r for r in visit.readings if r.quantity == path), key=lambda r: r.at, default=None)
        if reading is not None:
            said[_shown(reading, visit)] = None
    return tuple(said)


def _shown(reading: TimedReading, visit: Visit) -> str:
    at = f"{reading.at:%H:%M}"
    if reading.quantity in (_SYSTOLIC, _DIASTOLIC):
        both = {r.quantity: r.value for r in visit.readings if r.at == reading.at}
        if {_SYSTOLIC, _DIASTOLIC} <= both.keys():
            return f"{both[_SYSTOLIC]:g}/{both[_DIASTOLIC]:g} {unit(_SYSTOLIC)}, {at}"
    if isinstance(reading.value, bool):
        return f"{label(reading.quantity)}, {at}"
    return f"{label(reading.quantity)} {reading.value:g} {unit(reading.quantity)}".strip() + f", {at}"
