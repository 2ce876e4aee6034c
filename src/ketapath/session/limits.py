"""Which limits were reached in this visit, until when, and which of their steps has nobody taken yet?

A limit that was reached and is over again keeps its steps open until each is taken or somebody has said why not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ketapath.domain.session import Due, Escalation, Visit
from ketapath.knowledge import Knowledge

__all__ = ["again", "called_for", "going_on", "of_limit", "steps_of"]


def steps_of(rule_id: str, knowledge: Knowledge) -> Escalation | None:
    """What is done, in order, when the limit of this rule speaks; None for a rule that names no steps."""
    for record in knowledge.escalations.values():
        if rule_id in record["rules"]:
            steps = tuple((str(s["id"]), str(s["who"]), str(s["do"])) for s in record["steps"])
            return Escalation(rule_id=rule_id, approval=str(record["approval"]), steps=steps)
    return None


def of_limit(visit: Visit, rule_id: str, knowledge: Knowledge) -> Escalation | None:
    """The steps of this rule as they stand in this visit, counted from when its limit was reached last."""
    steps = steps_of(rule_id, knowledge)
    if steps is None:
        return None
    since = max((e.at for e in visit.said("limit") if e.words == rule_id), default=None)
    after = [e for e in visit.events if since is None or e.at >= since]
    names = {f"{rule_id} {name}": name for name, _who, _do in steps.steps}
    over = [e.at for e in after if e.kind == "limit-over" and e.words == rule_id]
    refused = [e for e in after if e.kind == "steps-not-needed" and e.words.split(" ")[0] == rule_id]
    return replace(
        steps,
        since=since,
        until=over[-1] if over else None,
        taken={names[e.words]: e for e in after if e.kind == "escalated" and e.words in names},
        not_needed=refused[-1] if refused else None,
    )


def going_on(visit: Visit, knowledge: Knowledge) -> tuple[str, ...]:
    """The rules whose limit was reached and is not over, in the order in which they were reached."""
    return tuple(one.rule_id for one in _reached(visit, knowledge) if one.until is None)


def called_for(visit: Visit, speaking: Collection[str], knowledge: Knowledge) -> tuple[Escalation, ...]:
    """What is to be done now: for each limit that speaks, and for each that was reached and has a step open."""
    reached = {one.rule_id: one for one in _reached(visit, knowledge)}
    late = (of_limit(visit, rule_id, knowledge) for rule_id in speaking if rule_id not in reached)
    found = (*reached.values(), *(one for one in late if one is not None))
    return tuple(one for one in found if one.rule_id in speaking or not one.is_done)


def again(due: Due, visit: Visit, knowledge: Knowledge) -> Due:
    """This reading, earlier and by the limit's rule where a limit that goes on asks for it sooner."""
    sooner = [(at, rule_id) for at, path, rule_id in _asked_again(visit, knowledge) if path == due.path]
    if not sooner or (due.due_at is not None and due.due_at <= min(sooner)[0]):
        return due
    at, rule_id = min(sooner)
    return replace(due, due_at=at, rule_id=rule_id)


def _reached(visit: Visit, knowledge: Knowledge) -> Iterator[Escalation]:
    for rule_id in dict.fromkeys(event.words for event in visit.said("limit")):
        found = of_limit(visit, rule_id, knowledge)
        if found is not None:
            yield found


def _asked_again(visit: Visit, knowledge: Knowledge) -> Iterator[tuple[datetime, str, str]]:
    """When which path is read again by which rule: so long after the limit was reached, until it was read once."""
    reached = {one.rule_id: one for one in _reached(visit, knowledge)}
    for record in knowledge.escalations.values():
        for step in (one for one in record["steps"] if "again_min" in one):
            for rule_id in record["rules"]:
                one = reached.get(rule_id)
                if one is None or one.since is None or one.not_needed is not None:
                    continue
                path = str(step["path"])
                if not any(r.quantity == path and r.at > one.since for r in visit.readings):
                    yield one.since + timedelta(minutes=float(step["again_min"])), path, rule_id
