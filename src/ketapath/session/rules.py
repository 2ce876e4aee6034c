"""What do the rules of each step say: before the dose, at the gates, during the session, and before going home?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from ketapath.candidacy import at_clinic, finding
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding
from ketapath.domain.fact import Fact
from ketapath.domain.profile import Profile
from ketapath.domain.session import Gate, Point, Rescreen, Session
from ketapath.knowledge import Knowledge
from ketapath.knowledge.rules import Predicate, Truth, evaluate, paths
from ketapath.knowledge.schema import Rule
from ketapath.profile import fact_used, with_fact

_SYSTOLIC, _DIASTOLIC, _SATURATION = "vitals.systolic_mmhg", "vitals.diastolic_mmhg", "vitals.spo2_percent"
_SCORES = ("session.moaa_s", "session.dissociation_0_10", "session.distress_0_10", "session.nausea_0_10")
_AT_40_FROM_MIN, _AT_40_TO_MIN = 35.0, 50.0  # source: profile/session-readings.yaml, "between minutes 35 and 50"


def rescreen(person: Profile, clinic: Clinic, knowledge: Knowledge, *, product: str, route: str) -> Rescreen:
    """What is asked anew before every dose of this product by this route: what speaks now, and what nobody has said.

    Each rule sees its facts within its own windows, so that most of them have to be stated today.
    """
    present = with_fact(at_clinic(person, clinic, knowledge), "order.setting", "clinic", unit=None)
    spoken: list[Finding] = []
    opened: list[Finding] = []
    for rule in knowledge.rules_of("re-screen"):
        if rule.scope.covers(product=product, route=route, jurisdiction=clinic.jurisdiction):
            truth = rule.holds(present.known, as_of=person.as_of)
            if truth is not False:
                (spoken if truth else opened).append(finding(rule, truth, present, knowledge))
    asked = tuple(dict.fromkeys(path for found in opened for path in found.missing))
    return Rescreen(spoken=tuple(spoken), opened=tuple(opened), asked=asked)


def gates(person: Profile, clinic: Clinic, knowledge: Knowledge, *, product: str, route: str) -> tuple[Gate, ...]:
    """The gates before any dose of this product by this route, from what is known of the clinic and the person now.

    A gate that nobody has stated is open, and never counts as met. One that does not concern this product here is
    named as that.
    """
    present = at_clinic(person, clinic, knowledge)
    found = []
    for rule in knowledge.rules_of("gate"):
        covers = rule.scope.covers(product=product, route=route, jurisdiction=clinic.jurisdiction)
        truth = rule.holds(present.known, as_of=person.as_of)
        state = "not needed" if not covers else {True: "not met", False: "met", None: "open"}[truth]
        found.append(
            Gate(
                state=state,  # type: ignore[arg-type]  # one of the four words above
                finding=finding(rule, truth, present, knowledge),
                may_override=rule.when_true == "defer",
            )
        )
    return tuple(found)


def monitor(session: Session, person: Profile, clinic: Clinic, knowledge: Knowledge) -> tuple[Finding, ...]:
    """The findings of the readings of this session so far, and those that stay open for want of one."""
    return _asked(("session", "monitoring"), session, person, clinic, knowledge)


def ready_for_discharge(session: Session, person: Profile, clinic: Clinic, knowledge: Knowledge) -> tuple[Finding, ...]:
    """What speaks against going home now, and what nobody has said yet; nothing where the person is ready."""
    return _asked(("discharge",), session, person, clinic, knowledge)


def points(session: Session, person: Profile, clinic: Clinic, knowledge: Knowledge) -> tuple[Point, ...]:
    """Each point against going home: first what was answered or read so, then what nobody has said.

    Beside the checklist a limit of the session counts that is reached now and calls for steps.
    """
    failed: dict[str, list[Rule]] = {}
    opened: dict[str, list[Rule]] = {}
    seen, truths = _truths(("discharge", "session"), session, person, clinic, knowledge)
    named = {rule_id for record in knowledge.escalations.values() for rule_id in record["rules"]}
    for rule, truth in truths:
        if rule.stage == "session" and (truth is not True or rule.id not in named):
            continue
        if finding(rule, truth, seen, knowledge).verdict is None:
            continue
        known = rule.sees(seen.known, as_of=session.on)
        for path in _speaking(rule.when, known, session):
            failed.setdefault(path, []).append(rule)
        for path in _unsaid(rule.when, known, session) if rule.stage == "discharge" else ():
            opened.setdefault(path, []).append(rule)
    return tuple(
        Point(
            path=path,
            label=knowledge.paths[path].label,
            value=fact_used(seen.known[path], knowledge).value if path in failed else None,
            rules=tuple(dict.fromkeys((rule.ref.title, rule.id) for rule in rules)),
        )
        for path, rules in (*failed.items(), *((p, r) for p, r in opened.items() if p not in failed))
    )


def _speaking(when: Predicate, known: Mapping[str, Fact], session: Session) -> Iterator[str]:
    """The paths whose values make this hold, or would if the rest of it were known.

    Of several things that hold together the first is the point, and the others are its conditions; a clock is never it.
    """
    truth = evaluate(when, known, as_of=session.on)
    if truth is not False and when.kind in ("all", "any"):
        first = [p for p in when.parts if not p.path.startswith("session.minutes_")][:1] or when.parts[:1]
        for part in when.parts if when.kind == "any" else first:
            yield from _speaking(part, known, session)
    elif truth is True:
        yield from (path for path in paths(when) if path in known)


def _unsaid(when: Predicate, known: Mapping[str, Fact], session: Session) -> Iterator[str]:
    """The paths that nobody has stated, and that could make this hold."""
    if when.kind == "any" or (when.kind == "all" and evaluate(when, known, as_of=session.on) is None):
        for part in when.parts:
            yield from _unsaid(part, known, session)
    elif when.kind != "all" and evaluate(when, known, as_of=session.on) is None:
        yield from (path for path in paths(when) if path not in known)


def _asked(
    stages: Iterable[str], session: Session, person: Profile, clinic: Clinic, knowledge: Knowledge
) -> tuple[Finding, ...]:
    seen, truths = _truths(stages, session, person, clinic, knowledge)
    return tuple(finding(rule, truth, seen, knowledge) for rule, truth in truths)


def _truths(
    stages: Iterable[str], session: Session, person: Profile, clinic: Clinic, knowledge: Knowledge
) -> tuple[Profile, list[tuple[Rule, Truth]]]:
    """The person with the readings of the session, and the rules of these stages that speak or are not known."""
    seen = replace(person, as_of=session.on, known={**person.known, **_newest(session), **_counted(session)})
    asked = [
        rule
        for stage in stages
        for rule in knowledge.rules_of(stage)
        if rule.scope.covers(product=session.dose.product, route=session.dose.route, jurisdiction=clinic.jurisdiction)
    ]
    truths = [(rule, rule.holds(seen.known, as_of=session.on)) for rule in asked]
    return seen, [(rule, truth) for rule, truth in truths if truth is not False]


def _newest(session: Session) -> dict[str, Fact]:
    """The newest reading of each quantity."""
    readings = sorted(session.readings, key=lambda r: r.minute)
    return {r.quantity: _fact(r.quantity, r.value, session) for r in readings}


def _counted(session: Session) -> dict[str, Fact]:
    """What follows from the times and readings of the session. A time is known only while the session goes on."""
    found: dict[str, float | bool] = {"session.number": float(session.number)}
    now, length = session.minute, session.dose.duration_min
    if now is not None:
        found["session.dosing"] = length is None
        found["session.minutes_since_dose"] = max(0.0, now)
        if length is not None:
            found["session.minutes_since_end"] = max(0.0, now - length)
    if now is not None:
        asked = [max((r.minute for r in session.readings if r.quantity == path), default=None) for path in _SCORES]
        times = [minute for minute in asked if minute is not None]
        if len(times) == len(_SCORES):
            found["session.minutes_since_scores"] = max(0.0, now - min(times))
    if len(session.devices) > 1:
        found["session.minutes_between_devices"] = min(later - one for one, later in pairwise(session.devices))
    vital = [r.minute for r in session.readings if r.quantity.startswith("vitals.")]
    if now is not None and vital:
        found["session.minutes_since_reading"] = max(0.0, now - max(vital))
    found |= _pressures(session)
    found["session.pressure_after_dose"] = any(r.quantity == _SYSTOLIC and r.minute > 0 for r in session.readings)
    under = [r for r in session.readings if r.quantity == _SATURATION and r.minute > 0]
    if under or now is None or now > 0:
        found["session.saturation_recorded"] = bool(under)
    fall = _since_rest(session, _SATURATION)
    if fall is not None:
        found["session.saturation_fall_points"] = -fall
    return {path: _fact(path, value, session) for path, value in found.items()}


def _pressures(session: Session) -> dict[str, float | bool]:
    minutes = [r.minute for r in session.readings if r.quantity == _SYSTOLIC]
    found: dict[str, float | bool] = {"session.pressure_before_dose": any(minute <= 0 for minute in minutes)}
    at_40 = any(_AT_40_FROM_MIN <= minute <= _AT_40_TO_MIN for minute in minutes)
    if at_40 or session.minute is None or session.minute > _AT_40_TO_MIN:
        found["session.pressure_at_40_minutes"] = at_40
    for quantity, path in ((_SYSTOLIC, "session.systolic_rise_mmhg"), (_DIASTOLIC, "session.diastolic_rise_mmhg")):
        rise = _since_rest(session, quantity)
        if rise is not None:
            found[path] = rise
    return found


def _since_rest(session: Session, quantity: str) -> float | None:
    """The newest reading under the drug less the last one before it; None where either is missing."""
    readings = sorted((r for r in session.readings if r.quantity == quantity), key=lambda r: r.minute)
    rest = [r.value for r in readings if r.minute <= 0]
    under = [r.value for r in readings if r.minute > 0]
    return float(under[-1]) - float(rest[-1]) if rest and under else None


def _fact(path: str, value: float | bool, session: Session) -> Fact:
    return Fact(path=path, value=value, unit=None, on=session.on, origin=session.dose.origin)
