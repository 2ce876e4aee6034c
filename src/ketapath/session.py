"""May the dose be given today, is the session going as it should, and may the person go home?

What was asked and observed against rules; never predicted values.

In-session findings are charting for the people in the room, not an alarm that anyone relies on in seconds.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ketapath.candidacy import at_clinic, finding
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding
from ketapath.domain.fact import Fact, Origin
from ketapath.domain.profile import Profile
from ketapath.domain.session import Rescreen, Session
from ketapath.knowledge import Knowledge
from ketapath.profile import with_fact

__all__ = ["monitor", "rescreen"]


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


def monitor(session: Session, person: Profile, clinic: Clinic, knowledge: Knowledge) -> tuple[Finding, ...]:
    """The findings of the newest readings of this session, and those that stay open for want of one."""
    seen = replace(person, as_of=session.on, known={**person.known, **_newest(session)})
    asked = [
        rule
        for stage in ("session", "monitoring")
        for rule in knowledge.rules_of(stage)
        if rule.scope.covers(product=session.dose.product, route=session.dose.route, jurisdiction=clinic.jurisdiction)
    ]
    truths = [(rule, rule.holds(seen.known, as_of=session.on)) for rule in asked]
    return tuple(finding(rule, truth, seen, knowledge) for rule, truth in truths if truth is not False)


def _newest(session: Session) -> dict[str, Fact]:
    readings = sorted(session.readings, key=lambda r: r.minute)
    return {r.quantity: _fact(r.quantity, r.value, session.on, session.dose.origin) for r in readings}


def _fact(path: str, value: float, on: date, origin: Origin) -> Fact:
    return Fact(path=path, value=value, unit=None, on=on, origin=origin)
