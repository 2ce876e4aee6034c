"""The schemas of competences.yaml and referrals.yaml: what staff have shown, and which needs a referral meets."""

from __future__ import annotations

from ketapath.knowledge.json_parts import RULE_ID, TEXT, WHEN, Schema, list_of, record, with_predicate


def competences() -> Schema:
    """Each thing on file with the rule that asks for it, of which roles, and which certificates will do."""
    several = list_of(TEXT, least=1)
    return list_of(record({"id": TEXT, "rule": RULE_ID, "roles": several, "kinds": several}))


def referrals() -> Schema:
    """Each need with the rule that asks about it and the facts that say it."""
    return with_predicate(list_of(record({"id": TEXT, "rule": RULE_ID, "when": WHEN})))
