"""How far apart may sessions stand? The longest interval whose relapse risk stays under what was agreed.

Every interval of the protocol is tried on the same possible persons, and so is no session at all. Who responds today is
followed by weekly looks for twelve weeks. Nobody has calibrated the result, and relapses of trials that the model had
not seen were predicted weakly: the numbers put intervals side by side and promise nothing.
"""

from __future__ import annotations

from ketapath.candidacy import fact_used
from ketapath.domain.evidence import FactUsed, Text
from ketapath.domain.plan import IntervalRisk, MaintenanceInterval
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.plan.prospects import every, relapse_risk
from ketapath.plan.under_way import UnderWay
from ketapath.response.ensemble import HORIZON_DAYS, Ensemble, treat

PATH = "preference.relapse_risk_most"


def maintenance_interval(
    possible: Ensemble, now: UnderWay, person: Profile, knowledge: Knowledge
) -> MaintenanceInterval | None:
    """The interval for somebody who responds now; None where there is none to choose or too few would respond."""
    if now.protocol is None or not possible.given:
        return None
    most, stated = _threshold(person, knowledge)
    found: list[IntervalRisk] = []
    for days in (*sorted(int(d) for d in now.protocol["maintenance_every_days"]), None):
        risk = relapse_risk(possible, treat(possible, [] if days is None else every(possible, days)))
        if risk is None:
            return None
        found.append(IntervalRisk(every_days=days, probability=risk[0], band=risk[1], keeps=risk[0] < most))
    # A longer interval counts only where every shorter one keeps the threshold too: noise picks none.
    kept = next((i for i, one in enumerate(found) if not one.keeps), len(found))
    chosen = max((one.every_days for one in found[:kept] if one.every_days is not None), default=None)
    values = {"most": f"{100 * most:g}", "days": chosen}
    key = "none" if chosen is None else "even_without" if found[-1].keeps and kept == len(found) else "longest"
    return MaintenanceInterval(
        every_days=chosen,
        within_days=int(HORIZON_DAYS),
        most=most,
        stated=stated,
        intervals=tuple(found),
        statement=Text(key=f"interval.{key}", values=values),
        notes=(
            *_by_steps(now, chosen),
            Text(key="interval.agreed" if stated is not None else "interval.site_default"),
            Text(key="response.relapse_weak"),
        ),
    )


def _by_steps(now: UnderWay, chosen: int | None) -> tuple[Text, ...]:
    """That spacing grows step by step, where what is suggested leaps over a spacing of the protocol (REG-023)."""
    reached = now.gap or 0
    between = [days for days in now.spacings if reached < days < (chosen or 0)]
    return (Text(key="interval.by_steps", values={"first": min(between)}),) if between else ()


def _threshold(person: Profile, knowledge: Knowledge) -> tuple[float, FactUsed | None]:
    """What person and clinician agreed on, or the policy's figure until they have."""
    fact = person.known.get(PATH)
    if fact is not None and isinstance(fact.value, float):
        return fact.value, fact_used(fact, knowledge)
    return knowledge.figure("relapse_risk_most"), None
