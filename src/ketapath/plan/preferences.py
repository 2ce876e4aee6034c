"""What is one thing worth to this person, in better days? Stated by choices, or a default that says so.

Everything that a plan asks (visits, hours, sessions with marked dissociation, money) is weighed in one measure: how
many better days (half of the symptoms gone) of twelve weeks the person would give up for one less of it. A thing that
nobody asked about counts nothing, visits aside: until the person was asked, a site default stands in for them, or the
heaviest plan would always lead.
"""

from __future__ import annotations

from ketapath.candidacy import fact_used
from ketapath.domain.evidence import Text
from ketapath.domain.plan import Worth
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge

PATHS = {
    "visits": "preference.worth_visit_days",
    "hours": "preference.worth_hour_days",
    "dissociation": "preference.worth_dissociation_days",
    "cost": "preference.worth_hundred_days",
}
"""The things that may be weighed, and where the person's answer stands."""


def worths(person: Profile, knowledge: Knowledge) -> tuple[Worth, ...]:
    """What each thing is worth to this person; things that were not asked about are left out."""
    found = []
    for thing, path in PATHS.items():
        fact = person.known.get(path)
        if fact is not None and isinstance(fact.value, float):
            stated, days = fact_used(fact, knowledge), fact.value
        elif thing == "visits":
            stated, days = None, knowledge.figure("worth_visit_days")
        else:
            continue
        found.append(Worth(thing=thing, unit=Text(key=f"worth.{thing}"), better_days=days, stated=stated))
    return tuple(found)
