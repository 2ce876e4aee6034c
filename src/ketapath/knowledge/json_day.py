"""The schemas of what a clinic day goes by: timers, escalations, what staff have shown, needs that a referral meets."""

from __future__ import annotations

from ketapath.knowledge import schema as words
from ketapath.knowledge.json_parts import (
    COUNT,
    PATH,
    RULE_ID,
    TEXT,
    WHEN,
    Schema,
    list_of,
    one_of,
    record,
    with_predicate,
)


def timers() -> Schema:
    """What is measured in a session when, by which rule, and on which routes."""
    routes = list_of(one_of(words.ROUTES), least=1)
    return list_of(
        record(
            {
                "id": TEXT,
                "what": TEXT,
                "path": PATH,
                "routes": routes,
                "at": {**list_of(COUNT, least=1), "description": "Minutes from the start of dosing; 0 is before it."},
                **dict.fromkeys(("dosing_min", "after_min"), COUNT),
                **dict.fromkeys(("rule", "after_rule"), RULE_ID),
            }
        )
    )


def escalations() -> Schema:
    """Who is told and what is done, step by step, where a rule of a session speaks."""
    said = {"id": TEXT, "who": TEXT, "do": TEXT, "path": PATH, "again_min": COUNT, "rule": RULE_ID}
    step = record(said, optional=("path", "again_min", "rule"))
    rules = list_of(RULE_ID, least=1)
    return list_of(record({"id": TEXT, "approval": RULE_ID, "rules": rules, "steps": list_of(step, least=1)}))


def competences() -> Schema:
    """Each thing on file with the rule that asks for it, of which roles, and which certificates will do."""
    several = list_of(TEXT, least=1)
    return list_of(record({"id": TEXT, "rule": RULE_ID, "roles": several, "kinds": several}))


def referrals() -> Schema:
    """Each need with the rule that asks about it and the facts that say it."""
    return with_predicate(list_of(record({"id": TEXT, "rule": RULE_ID, "when": WHEN})))
