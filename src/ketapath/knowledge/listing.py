"""What is in the knowledge base? One line for each item, and one item in full, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from ketapath.knowledge import Claim, Knowledge, MarkerCard


def listing(knowledge: Knowledge) -> list[dict[str, Any]]:
    """Every item, whatever its kind, with title, section, grade, trust and approval."""
    return [*_rules(knowledge), *_claims(knowledge), *_shelves(knowledge)]


def shown(knowledge: Knowledge, name: str) -> dict[str, Any] | None:
    """One item in full; None where no item has this id."""
    if name in knowledge.rules:
        rule = knowledge.rules[name]
        form = asdict(rule)
        form["ref"] |= {k: str(form["ref"][k]) for k in ("reviewed_on", "review_due")}
        form["history"] = [{**step, "on": str(step["on"])} for step in form["history"]]
        words = {f: knowledge.texts[f"rule.{name}.{f}"] for f in ("statement", "action", "reverses")}
        return {"id": name, "kind": "rule", **words, **form}
    if name in knowledge.claims:
        return _claim(knowledge.claims[name])
    if name in knowledge.sources:
        source = asdict(knowledge.sources[name])
        return {"id": name, "kind": "source", **source, "read_on": source["read_on"].isoformat()}
    if name in knowledge.alternatives:
        other = knowledge.alternatives[name]
        form = asdict(other)
        return {**form, "kind": "alternative", "way": form["kind"], "title": knowledge.texts[other.title.key]}
    if name in knowledge.biomarkers:
        return _card(knowledge.biomarkers[name], knowledge)
    if name in knowledge.perpetrators:
        one = knowledge.perpetrators[name]
        return {"kind": "perpetrator", "title": one.drug, **asdict(one)}
    shelves = {"instrument": knowledge.instruments, "drug": knowledge.drugs, "protocol": knowledge.protocols}
    shelves["effects"] = {"acute": knowledge.effects["acute"]} | {r["id"]: r for r in knowledge.effects["observed"]}
    for kind, shelf in shelves.items():
        if name in shelf:
            return {"kind": kind, **shelf[name]}
    for condition in knowledge.screening.values():
        if name == condition.id or name in {s.id for s in condition.screens}:
            return _condition(knowledge, condition.id)
    return None


def resting_on(knowledge: Knowledge, name: str) -> dict[str, list[str]]:
    """What names this rule: protocols, needs, figures, alternatives and screens, by kind and id."""

    def names(value: Any) -> bool:
        if is_dataclass(value) and not isinstance(value, type):
            return names(asdict(value))
        if isinstance(value, Mapping):
            return any(names(v) for v in value.values())
        return any(names(v) for v in value) if isinstance(value, list | tuple) else value == name

    shelves: dict[str, Mapping[str, Any]] = {
        "protocol": knowledge.protocols,
        "need": knowledge.needs,
        "timer": knowledge.timers,
        "escalation": knowledge.escalations,
        "figure": knowledge.policy,
        "alternative": knowledge.alternatives,
    }
    return {kind: [i for i, record in shelf.items() if names(record)] for kind, shelf in shelves.items()}


def _condition(knowledge: Knowledge, name: str) -> dict[str, Any]:
    """A screening condition: its sentences, where its range before the answer comes from, and its screens.

    A sentence that waits for a person's figures is left out.
    """
    form = asdict(knowledge.screening[name])
    form |= {k: str(form[k]) for k in ("reviewed_on", "review_due")}
    own = f"screening.{name}."
    said = {k.removeprefix(own): v for k, v in knowledge.texts.items() if k.startswith(own) and "{" not in v}
    for screen in form["screens"]:
        start = f"screening.{screen['id']}."
        screen["texts"] = {k.removeprefix(start): v for k, v in knowledge.texts.items() if k.startswith(start)}
    return {"id": name, "kind": "screening", "title": said.pop("title"), "texts": said, **form}


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
        yield _item(name, "drug", str(record.get("title") or name), "drugs", trust=str(record["trust"]))
    for name, one in knowledge.perpetrators.items():
        yield _item(name, "perpetrator", one.drug, "interactions")
    for name, record in knowledge.protocols.items():
        yield _item(name, "protocol", f"{record['product']} {record['route']}", "regimens")
    yield _item("acute", "effects", str(knowledge.effects["acute"]["title"]), "effects")
    for row in knowledge.effects["observed"]:
        yield _item(str(row["id"]), "effects", str(row["what"]), "effects")
    for other in knowledge.alternatives.values():
        title = knowledge.texts[other.title.key]
        yield _item(other.id, "alternative", title, "alternatives", needs_approval=other.awaits_approval)
    for name, condition in knowledge.screening.items():
        title = knowledge.texts[f"screening.{name}.title"]
        awaits = any("by" not in knowledge.policy[f] for span in condition.ranges for f in (span.low, span.high))
        yield _item(name, "screening", title, "screening", needs_approval=awaits)
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
    return {
        **form,
        "kind": "biomarker",
        "measured_by": form["kind"],
        "fails": [failed.id for failed in knowledge.failures(card)],
    }


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
