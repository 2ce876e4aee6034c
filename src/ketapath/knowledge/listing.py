"""What is in the knowledge base? One line for each item, and one item in full, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ketapath.knowledge import Claim, Knowledge


def listing(knowledge: Knowledge) -> list[dict[str, Any]]:
    """Every rule, claim, source, instrument, drug model and protocol with kind, title, grade, trust and approval."""
    return [*_rules(knowledge), *_claims(knowledge), *_shelves(knowledge)]


def shown(knowledge: Knowledge, name: str) -> dict[str, Any] | None:
    """One item in full; None where no item has this id."""
    if name in knowledge.rules:
        rule = knowledge.rules[name]
        form = asdict(rule)
        form["ref"] |= {k: str(form["ref"][k]) for k in ("reviewed_on", "review_due")}
        words = {f: knowledge.texts[f"rule.{name}.{f}"] for f in ("statement", "action", "reverses")}
        return {"id": name, "kind": "rule", **words, **form}
    if name in knowledge.claims:
        return _claim(knowledge.claims[name])
    if name in knowledge.sources:
        source = asdict(knowledge.sources[name])
        return {"id": name, "kind": "source", **source, "read_on": source["read_on"].isoformat()}
    shelves = {"instrument": knowledge.instruments, "drug": knowledge.drugs, "protocol": knowledge.protocols}
    for kind, shelf in shelves.items():
        if name in shelf:
            return {"kind": kind, **shelf[name]}
    return None


def _rules(knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for rule in knowledge.rules.values():
        yield _item(
            rule.id,
            "statement" if rule.when.kind == "always" and rule.severity == "info" else "rule",
            rule.ref.title,
            rule.section,
            grade=rule.ref.grade,
            trust=rule.trust,
            needs_approval=rule.ref.needs_approval,
        )


def _claims(knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for claim in knowledge.claims.values():
        yield _item(claim.id, "claim", claim.title, claim.topic, trust=claim.trust, needs_approval=claim.needs_approval)


def _claim(claim: Claim) -> dict[str, Any]:
    """A claim in full, its wordings as they are written."""
    return {
        "id": claim.id,
        "kind": "claim",
        "title": claim.title,
        "topic": claim.topic,
        "verdict": claim.verdict,
        "states_benefit": claim.states_benefit,
        "balanced": claim.balanced,
        "wordings": [
            {
                field: [w.written for w in getattr(group, field)]
                for field in ("any", "unless", "unless_near", "with_near")
            }
            for group in claim.groups
        ],
        "evidence": [asdict(e) for e in claim.evidence],
        "trust": claim.trust,
        "needs_approval": claim.needs_approval,
        "owner": claim.owner,
        "reviewed_on": claim.reviewed_on.isoformat(),
        "review_due": claim.review_due.isoformat(),
    }


def _shelves(knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for source in knowledge.sources.values():
        yield _item(source.key, "source", source.citation, "sources", trust=source.read)
    for name, record in knowledge.instruments.items():
        yield _item(name, "instrument", str(record["title"]), "instruments")
    for name, record in knowledge.drugs.items():
        yield _item(name, "drug", str(record.get("title") or name), "drugs")
    for name, record in knowledge.protocols.items():
        yield _item(name, "protocol", f"{record['product']} {record['route']}", "regimens")


def _item(
    name: str,
    kind: str,
    title: str,
    section: str,
    *,
    grade: str | None = None,
    trust: str | None = None,
    needs_approval: bool = False,
) -> dict[str, Any]:
    return {
        "id": name,
        "kind": kind,
        "title": title,
        "section": section,
        "grade": grade,
        "trust": trust,
        "needs_approval": needs_approval,
    }
