"""What is in the knowledge base? One line for each item, and one item in full, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ketapath.knowledge import Knowledge, MarkerCard


def listing(knowledge: Knowledge) -> list[dict[str, Any]]:
    """Every rule, source, instrument, drug model, protocol and marker with kind, title, grade, trust and approval."""
    return [*_rules(knowledge), *_shelves(knowledge)]


def shown(knowledge: Knowledge, name: str) -> dict[str, Any] | None:
    """One item in full; None where no item has this id."""
    if name in knowledge.rules:
        rule = knowledge.rules[name]
        form = asdict(rule)
        form["ref"] |= {k: str(form["ref"][k]) for k in ("reviewed_on", "review_due")}
        words = {f: knowledge.texts[f"rule.{name}.{f}"] for f in ("statement", "action", "reverses")}
        return {"id": name, "kind": "rule", **words, **form}
    if name in knowledge.sources:
        source = asdict(knowledge.sources[name])
        return {"id": name, "kind": "source", **source, "read_on": source["read_on"].isoformat()}
    if name in knowledge.biomarkers:
        return _card(knowledge.biomarkers[name], knowledge)
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
            needs_approval=rule.ref.awaits_approval,
        )


def _shelves(knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for source in knowledge.sources.values():
        yield _item(source.key, "source", source.citation, "sources", trust=source.read)
    for name, record in knowledge.instruments.items():
        yield _item(name, "instrument", str(record["title"]), "instruments")
    for name, record in knowledge.drugs.items():
        yield _item(name, "drug", str(record.get("title") or name), "drugs")
    for name, record in knowledge.protocols.items():
        yield _item(name, "protocol", f"{record['product']} {record['route']}", "regimens")
    for card in knowledge.biomarkers.values():
        trust = max((e.trust for e in card.evidence), key=("read", "summary", "unread").index)
        waits = card.approved is None and not knowledge.failures(card)
        yield _item(card.id, "biomarker", card.title, "biomarkers", grade=card.grade, trust=trust, needs_approval=waits)


def _card(card: MarkerCard, knowledge: Knowledge) -> dict[str, Any]:
    """A card in full, with what the gate says of it today."""
    form = asdict(card)
    form |= {k: str(form[k]) for k in ("reviewed_on", "review_due")}
    if card.approved is not None:
        form["approved"]["on"] = str(card.approved.on)
    return {"kind": "biomarker", **form, "fails": [failed.id for failed in knowledge.failures(card)]}


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
