"""The alternatives, the values exercise and the treatment target as stable JSON."""

from __future__ import annotations

from collections.abc import Mapping

from ketapath.domain.alternative import Alternative, Comparison, Interval, Target, ValuesOrder
from ketapath.domain.evidence import Text
from ketapath.knowledge import Knowledge
from ketapath.report.beside import difference, heading, how_it_went, result, share, why
from ketapath.report.json_parts import Form, evidence_forms, fact_forms, rounded, rule_form, said
from ketapath.report.words import say


def alternative_form(found: Alternative, texts: Mapping[str, str]) -> Form:
    """One alternative: what speaks for it, what was tried, its figures, and how it fares on what may matter."""
    return {
        "id": found.id,
        "title": say(found.title, texts),
        "prefer_when": say(found.prefer_when, texts),
        "preferred_now": found.preferred_now,
        "compares": [_comparison(c, texts) for c in found.compares],
        "not_in_evidence": said(found.uncompared, texts),
        "favoured": [
            {
                "id": r.id,
                "holds": r.holds,
                "favours": r.favours,
                "statement": say(r.statement, texts),
                "shown": say(why(r), texts),
                "rule": r.rule_id,
                "evidence": evidence_forms(r.evidence),
                "facts": fact_forms(r.facts),
                "missing": list(r.missing),
            }
            for r in found.reasons
        ],
        "failed": [
            {
                "what": t.what,
                "state": t.state,
                "statement": say(t.statement, texts),
                "shown": say(how_it_went(t), texts),
                "facts": fact_forms(t.facts),
                "sources": list(t.origins),
            }
            for t in found.tried
        ],
        "values": [
            {
                "value": t.attribute,
                "title": say(t.title, texts),
                "level": None if t.level is None else say(t.level, texts),
                "expert_judgement": t.is_judgement,
                "evidence": evidence_forms(t.evidence),
            }
            for t in found.traits
        ],
        "evidence": evidence_forms(found.evidence),
        "rule": rule_form(found.rule),
    }


def _comparison(found: Comparison, texts: Mapping[str, str]) -> Form:
    apart, shown = found.difference, difference(found)
    return {
        "id": found.id,
        "heading": say(heading(found), texts),
        "trial": found.trial,
        "comparator": say(found.comparator, texts),
        "outcome": found.outcome,
        "scale": found.scale,
        "population": say(found.population, texts),
        "when": say(found.when, texts),
        "randomised": found.randomised,
        "masking": found.masking,
        "people": found.people,
        "arms": [
            {
                "name": say(arm.name, texts),
                "side": arm.side,
                "percent": arm.percent,
                "n": arm.n,
                "events": arm.events,
                "randomised": arm.randomised,
                "interval": _interval(arm.interval),
                "shown": say(share(arm), texts),
            }
            for arm in found.arms
        ],
        "difference": None
        if apart is None or shown is None
        else {
            "value": rounded(apart.value),
            "unit": say(apart.unit or Text(key="unit.of_100"), texts),
            "computed_by_us": apart.computed,
            "interval": _interval(apart.interval),
            "shown": say(shown, texts),
        },
        "favours": found.favours,
        "result": say(result(found), texts),
        "evidence": evidence_forms((found.evidence,)),
        "note": None if found.note is None else say(found.note, texts),
    }


def _interval(found: Interval | None) -> Form | None:
    if found is None:
        return None
    return {"low": rounded(found.low), "high": rounded(found.high), "level": 0.95, "computed_by_us": found.computed}


def values_form(found: ValuesOrder, texts: Mapping[str, str]) -> Form:
    """The order of what matters to the person, and what moved and why."""
    return {
        "weights": dict(found.weights),
        "statement": say(found.statement, texts),
        "order": [
            {"id": a.id, "kind": a.kind, "title": say(a.title, texts), "preferred_now": a.preferred_now}
            for a in found.order
        ],
        "moves": [
            {
                "id": m.id,
                "title": say(m.title, texts),
                "was": m.was,
                "now": m.now,
                "because": [
                    {
                        "value": say(c.title, texts),
                        "level": say(c.level, texts),
                        "weight": c.weight,
                        "points": rounded(c.points),
                    }
                    for c in m.counted
                ],
                "not_known": said(m.unknown, texts),
            }
            for m in found.moves
        ],
    }


def target_form(found: Target, knowledge: Knowledge) -> Form:
    """What ketamine is aimed at, and what is treated otherwise."""
    texts = knowledge.texts
    return {
        "holds": found.holds,
        "condition": found.condition,
        "title": None if found.title is None else say(found.title, texts),
        "statement": say(found.statement, texts),
        "treated_otherwise": [
            {
                "condition": b.condition,
                "title": say(b.title, texts),
                "statement": say(b.statement, texts),
                "rule": b.rule_id,
                "evidence": evidence_forms(b.evidence),
            }
            for b in found.beside
        ],
        "missing": [{"fact": p, "label": knowledge.paths[p].label} for p in found.missing],
        "facts": fact_forms(found.facts),
        "rule": found.rule_id,
        "evidence": evidence_forms(found.evidence),
    }
