"""What a test, a scale or a question is worth, for a terminal and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from ketapath.domain.evidence import Text
from ketapath.domain.profile import Profile
from ketapath.domain.worth import Result, WorthOrdering
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import Form, evidence_forms, rounded, rule_form
from ketapath.report.words import plain, say

_WIDTH = 100
_EQUAL = Text(key="ordering.weights.equal")


def worth_json(found: Iterable[WorthOrdering], person: Profile, knowledge: Knowledge) -> Form:
    """Every thing that could be ordered or asked, what changes the first option most often first."""
    return {
        "patient": {"id": person.patient_id, "as_of": person.as_of.isoformat()},
        "statement": say(Text(key="ordering.one_at_a_time"), knowledge.texts),
        "items": [_item(one, knowledge.texts) for one in found],
        "knowledge_version": knowledge.version,
    }


def worth_text(found: Iterable[WorthOrdering], person: Profile, knowledge: Knowledge) -> str:
    """What would change the first option, then what rules wait for, then the rest by its reason."""
    texts, found = knowledge.texts, tuple(found)
    lines = [
        f"{person.patient_id}; {person.as_of}",
        *_wrap(f"{say(Text(key='ordering.one_at_a_time'), texts)} {say(_EQUAL, texts)}"),
    ]
    for one in (w for w in found if w.share):
        lines += ["", *_wrap(f"{one.label}: {share_in_words(one)}; {gain_in_words(one)}; cost {cost_in_words(one)}")]
        lines += [line for r in one.results for line in _wrap(f"{r.value}: {_then(r, texts)}", "  - ")]
        lines += _wrap(say(one.weights, texts), "  ") if one.weights.key != _EQUAL.key else []
        lines += _wrap(f"asked for by {', '.join(r.id for r in one.needed_by)}", "  ") if one.needed_by else []
    by_reason: dict[str, list[str]] = {}
    for one in (w for w in found if w.why_none is not None):
        assert one.why_none is not None
        needed = f" (asked for by {', '.join(r.id for r in one.needed_by)})" if one.needed_by else ""
        by_reason.setdefault(say(one.why_none, texts), []).append(f"{one.label}{needed}")
    for reason, labels in by_reason.items():
        lines += ["", *_wrap(reason), *_wrap("; ".join(labels), "  ")]
    return plain("\n".join([*lines, "", f"knowledge {knowledge.version}"]))


def share_in_words(one: WorthOrdering) -> str:
    """How often it changes the first option."""
    return f"{100 * one.share:.0f} in 100 answers change the first option"


def gain_in_words(one: WorthOrdering) -> str:
    """What it gains, and whether days say all of it."""
    more = ", and some answer changes what days do not count" if one.averts else ""
    return "gain in days not known" if one.gain is None else f"gain {one.gain.p50:.1f} better days of 84{more}"


def cost_in_words(one: WorthOrdering) -> str:
    """The clinic's price."""
    return "not known" if one.cost is None else f"{one.cost:g} {one.currency or ''}".strip()


def _then(result: Result, texts: Mapping[str, str]) -> str:
    days = "" if not result.changes or not result.better_days else f" (+{result.better_days:.1f} better days)"
    return say(result.then, texts) + days


def _item(one: WorthOrdering, texts: Mapping[str, str]) -> Form:
    return {
        "id": one.id,
        "label": one.label,
        "kind": one.kind,
        "supplied_by": one.supplied_by,
        "needed_by": [rule_form(rule) for rule in one.needed_by],
        "share": rounded(one.share),
        "gain_better_days": None if one.gain is None else {
            "p05": rounded(one.gain.p05), "expected": rounded(one.gain.p50), "p95": rounded(one.gain.p95),
        },
        "averts": one.averts,
        "cost": one.cost,
        "currency": one.currency,
        "weights": say(one.weights, texts),
        "why_none": None if one.why_none is None else say(one.why_none, texts),
        "results": [
            {
                "value": r.value,
                "weight": rounded(r.weight),
                "first": r.first,
                "changes": r.changes,
                "statement": say(r.then, texts),
                "better_days": rounded(r.better_days),
            }
            for r in one.results
        ],
        "evidence": evidence_forms(one.evidence),
    }  # fmt: skip


def _wrap(text: str, before: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=before, subsequent_indent=" " * len(before)) or [""]
