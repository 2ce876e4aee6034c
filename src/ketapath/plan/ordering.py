"""What do the rules say of an order: this dose, at this spacing, at this point of the course? Asked of every order."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ketapath.candidacy import at_clinic, finding, open_finding
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.plan.regimens import given_by
from ketapath.profile import with_fact

__all__ = ["order_findings"]


def order_findings(
    person: Profile,
    protocol: Mapping[str, Any],
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    dose_mg: float,
    every_days: int | None = None,
) -> tuple[Finding, ...]:
    """Every rule of the dose stage that speaks of this order, gravest first; milligrams are base.

    `not-eligible` forbids the order. A rule that would matter and that nobody can answer says so.
    `every_days` is the spacing that somebody chose, else the protocol's own.
    """
    ordered = at_clinic(person, clinic, knowledge)
    for path, value in _order(person, protocol, dose_mg, every_days, knowledge).items():
        ordered = with_fact(ordered, path, value, unit=knowledge.paths[path].unit)
    asked = (
        (rule, rule.holds(ordered.known, as_of=person.as_of))
        for rule in knowledge.rules_of("dose")
        if rule.scope.covers(product=protocol["product"], route=protocol["route"], jurisdiction=clinic.jurisdiction)
    )
    spoken = [
        finding(rule, True, ordered, knowledge) if truth else open_finding(rule, ordered, knowledge)
        for rule, truth in asked
        if truth or (truth is None and rule.when_unknown)
    ]
    graver = ("not-eligible", "defer", "undetermined", "caution", None)
    return tuple(sorted(spoken, key=lambda f: graver.index(f.verdict)))


def _order(
    person: Profile, protocol: Mapping[str, Any], dose_mg: float, every_days: int | None, knowledge: Knowledge
) -> dict[str, float | str | bool]:
    """The order as facts that rules of the dose stage read. What nobody states of it stays unknown."""
    given = given_by(person, protocol, knowledge)
    days = _session_days(given, protocol, every_days)
    weekly = max(sum(start <= day < start + 7 for day in days) for start in days)
    facts: dict[str, float | str | bool] = {
        "order.setting": "clinic",
        "order.product_form": "licensed",  # a protocol of ours is of a licensed product
        "order.route": protocol["route"],
        "order.dose_mg": dose_mg,
        "order.week": _week(person, is_first=given == 0),
        "order.year": float(person.as_of.year),
        "order.sessions_per_week": float(weekly),
        "order.plan_has_endpoint": True,  # every protocol names the session after which it is judged
    }
    if len(days) > 1:
        facts["order.interval_days"] = float(min(later - day for day, later in pairwise(days)))
    if "infusion_min" in protocol:
        facts["order.infusion_min"] = float(protocol["infusion_min"])
    if protocol["product"] == "esketamine":
        facts["order.esketamine_mg_per_week"] = dose_mg * weekly
    if given == 0 and not any(one.weighs and one.product in (protocol["product"], None) for one in person.uncounted):
        facts["course.sessions_given"] = 0.0
    weight = person.known.get("vitals.weight_kg")
    if weight is not None and isinstance(weight.value, float):
        facts["order.dose_mg_per_kg"] = dose_mg / weight.value
    return facts


def _week(person: Profile, *, is_first: bool) -> float:
    """The week of the course that the order is for, the first being 1; the first order of a product begins a course."""
    if is_first:
        return 1.0
    since = person.known.get("course.days_since_first_session")
    return 1.0 if since is None or not isinstance(since.value, float) else since.value // 7 + 1


def _session_days(given: int, protocol: Mapping[str, Any], every_days: int | None) -> list[int]:
    """The days of the sessions that this order would go on with after so many, counted from its first."""
    induction = protocol["induction"]["days"]
    if given < len(induction) and every_days is None:
        return [day - induction[given] for day in induction[given:]]
    spacing = every_days or int(protocol["continuation"]["every_days"])
    return [0, spacing]
