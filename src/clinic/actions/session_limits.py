"""What follows for a visit from what was just read or answered: limits reached and over, a checklist that opens again.

It is charting for the people in the room, and the prescribers are told; it is no alarm that anybody relies on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clinic import clock
from clinic.access.models import Account
from clinic.actions.alerts import raise_alert
from clinic.actions.commit import Draft
from clinic.actions.visit import happened
from clinic.actions.watches import LIMIT, settle_limits
from clinic.queries.person import Chart, supposing
from clinic.queries.session import limits_reached
from clinic.queries.session_leaving import new_against
from ketapath.domain.session import Visit
from ketapath.session import going_on, steps_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """What is written with it, and the limits of which a prescriber is told, by rule.

    Of one that is over by what was in already, `at` tells when it was reached.
    """

    drafts: tuple[Draft, ...] = ()
    tells: tuple[str, ...] = ()
    at: Mapping[str, datetime] = field(default_factory=dict)


def follows(visit: Visit | None, after: Chart, then: Visit | None, *, by: Account, key: str, at: datetime) -> Follows:
    """What follows in this visit where afterwards the chart is `after` and the visit in it `then`.

    `at` is the instant of what was read or answered. Where something was read after it already, a limit that it reached
    is logged as reached then, and as over when the next readings said so.
    """
    given = None if visit is None else visit.administration
    if visit is None or then is None or given is None or not visit.was_dosed or at < given.started_at:
        return Follows()
    reached, going = limits_reached(after, then), going_on(visit, after.knowledge)
    begun = [rule_id for rule_id in reached if rule_id not in going]
    over = [rule_id for rule_id in going if rule_id not in reached]
    drafts = [happened(after, visit, "limit", by=by, key=key, at=at, words=rule_id) for rule_id in begun]
    drafts += [happened(after, visit, "limit-over", by=by, key=key, at=at, words=rule_id) for rule_id in over]
    late = _came_late(after, then, reached, at)
    for rule_id, until in late.items():
        drafts.append(happened(after, visit, "limit", by=by, key=key, at=at, words=rule_id))
        drafts.append(happened(after, visit, "limit-over", by=by, key=key, at=until, words=rule_id))
    if visit.step == "leaving":
        came = new_against(after, then) or [*begun, *late]
        if came:
            drafts.append(happened(after, visit, "discharge-reopened", by=by, key=key, words="; ".join(came)))
    tells = tuple(one for one in (*begun, *late) if _tells(one, after))
    return Follows(drafts=tuple(drafts), tells=tells, at=dict.fromkeys(late, at))


def _came_late(after: Chart, then: Visit, reached: Collection[str], at: datetime) -> dict[str, datetime]:
    """The limits that were reached at this instant and that later readings have ended, each with when."""
    later = sorted({r.at for r in then.readings if r.at > at})
    if not later:
        return {}
    was = then.until(at)
    going, found = going_on(was, after.knowledge), {}
    for rule_id in limits_reached(after, was, at=at):
        if rule_id in reached or rule_id in going:
            continue
        over = (one for one in later if rule_id not in limits_reached(after, then.until(one), at=one))
        until = next(over, clock.now())
        if not any(e.words == rule_id and at < e.at <= until for e in then.said("limit")):  # else it is on the log
            found[rule_id] = until
    return found


def follows_from(found: Chart, changed: Mapping[str, Any], visit: Visit | None, *, by: Account, key: str) -> Follows:
    """What follows in this visit where what stands in the record under a name becomes `changed`."""
    if visit is None:
        return Follows()
    after = supposing(found, changed)
    then = next((one for one in after.visits if one.origin.id == visit.origin.id), None)
    return follows(visit, after, then, by=by, key=key, at=clock.now())


def tell(found: Chart, visit: Visit | None, what: Follows, *, by: Account) -> None:
    """Tell the prescribers of each limit that was reached, and settle what is gone. To be called in the transaction."""
    if visit is None:
        return
    for rule_id in what.tells:
        about, said = f"{visit.origin.id} {rule_id}", {"rule": rule_id}
        if rule_id in what.at:
            said["at"] = clock.local(what.at[rule_id], found.practice.zone).strftime("%H:%M")
        raise_alert(found.practice, kind=LIMIT, patient_id=found.patient_id, about=about, words_values=said)
    settle_limits(found.practice, found.patient_id, by=by)


def _tells(rule_id: str, found: Chart) -> bool:
    """Whether the steps of this limit name the prescriber."""
    steps = steps_of(rule_id, found.knowledge)
    return steps is not None and any(name == "tell-prescriber" or who == "prescriber" for name, who, _do in steps.steps)
