"""Which social needs of this person may a referral meet, and which has nobody asked about?

A need is there, not there, or not known; not known is never no. The list is knowledge/referrals.yaml.
"""

from __future__ import annotations

from ketapath.domain.profile import Profile
from ketapath.domain.referral import SocialNeed
from ketapath.knowledge import Knowledge, evaluate, paths
from ketapath.knowledge.rules import parse_predicate

__all__ = ["social_needs"]


def social_needs(person: Profile, knowledge: Knowledge) -> tuple[SocialNeed, ...]:
    """Every need that a referral may meet, as it stands for this person today."""
    found = []
    for record in knowledge.referrals.values():
        asked = parse_predicate(record["when"], where=record["id"])
        found.append(
            SocialNeed(
                id=record["id"],
                is_there=evaluate(asked, person.known, as_of=person.as_of),
                asks=tuple(dict.fromkeys(paths(asked))),
                rule=knowledge.rules[record["rule"]].ref,
            )
        )
    return tuple(found)
