"""What every JSON form is made of: rules, sources, facts, sentences, days and rounded numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ketapath.domain.evidence import Approved, Evidence, FactUsed, RuleRef, Text
from ketapath.report.words import say

Form = dict[str, Any]


def rule_form(rule: RuleRef) -> Form:
    """A rule as it is named beside a finding, with its approval."""
    return {
        "id": rule.id,
        "version": rule.version,
        "title": rule.title,
        "grade": rule.grade,
        "needs_approval": rule.awaits_approval,
        "approved": None if rule.approved is None else approved_form(rule.approved),
        "owner": rule.owner,
        "reviewed_on": rule.reviewed_on.isoformat(),
        "review_due": rule.review_due.isoformat(),
    }


def approved_form(approved: Approved) -> Form:
    """Who approved, when, and which limits were moved."""
    moved = [{"limit": c.key, "shipped": c.shipped, "here": c.here, "unit": c.unit} for c in approved.changes]
    return {"by": approved.by, "on": approved.on.isoformat(), "changes": moved}


def evidence_forms(evidence: Iterable[Evidence]) -> list[Form]:
    """What something rests on."""
    return [
        {
            "kind": e.kind,
            "key": e.key,
            "citation": e.citation,
            "locator": e.locator,
            "trust": e.trust,
            "retracted": e.retracted,
            "approved_by": e.approved_by,
        }
        for e in evidence
    ]


def fact_forms(facts: Iterable[FactUsed]) -> list[Form]:
    """Facts as a rule saw them."""
    return [
        {
            "fact": f.path,
            "label": f.label,
            "value": f.value,
            "on": iso_day(f.on),
            "source": f.source,
            "confidence": f.confidence,
        }
        for f in facts
    ]


def said(texts: Iterable[Text], templates: Mapping[str, str]) -> list[str]:
    """Each text as its sentence."""
    return [say(t, templates) for t in texts]


def iso_day(day: Any) -> str | None:
    """A day, or nothing."""
    return None if day is None else str(day.isoformat())


def rounded(value: float | None) -> float | None:
    """Six significant figures: more would be noise that changes from machine to machine."""
    return None if value is None else float(f"{value:.6g}")
