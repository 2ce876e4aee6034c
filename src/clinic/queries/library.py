"""What does the knowledge say? Rules, sources and instruments as anybody may read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clinic.record.projections import knowledge
from ketapath.knowledge import Rule, Source, documents
from ketapath.knowledge.impact import impact
from ketapath.knowledge.listing import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """One rule with its words and sources."""

    rule: Rule
    statement: str
    action: str
    reverses: str


def rule_page(name: str) -> RulePage | None:
    """One rule; None where there is none of this id."""
    rule = knowledge().rules.get(name)
    if rule is None:
        return None
    words = {part: knowledge().texts[f"rule.{name}.{part}"] for part in ("statement", "action", "reverses")}
    return RulePage(rule=rule, **words)


def source_page(key: str) -> tuple[Source, Mapping[str, list[str]]] | None:
    """One source with everything that rests on it."""
    source = knowledge().sources.get(key)
    return None if source is None else (source, _impact(key))


def instrument_page(name: str) -> Mapping[str, Any] | None:
    """One questionnaire as it is printed, with its owner and licence."""
    return knowledge().instruments.get(name)


def shelf(kind: str, words: str) -> list[dict[str, Any]]:
    """The items of one kind whose id, title or section holds every one of these words."""
    wanted = words.casefold().split()[:8]
    found = [i for i in _listing() if i["kind"] == kind or (kind == "rule" and i["kind"] == "statement")]
    return [i for i in found if all(w in f"{i['id']} {i['title']} {i['section']}".casefold() for w in wanted)]


@lru_cache(maxsize=1)
def _listing() -> list[dict[str, Any]]:
    return listing(knowledge())


@lru_cache(maxsize=512)
def _impact(key: str) -> Mapping[str, list[str]]:
    return {kind: list(ids) for kind, ids in impact(documents(), key).items()}
