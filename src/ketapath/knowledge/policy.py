"""How does a clinic make a site default its own? What awaits approval, a policy file, and knowledge as it counts there.

Five kinds of items carry opinions of ours: rules whose limit has no source or was not checked, the figures of
policy.yaml, the windows within which a fact may be relied on, what is judged of an alternative without a source, and
markers' cards. A clinic approves each by name and date, with the value as shipped or with another. The shipped value
stays beside it. Decision: docs/decisions/0016.

A card is an item only where it passes the preset validity rules, and nobody has to approve it: unless somebody does, it
moves nothing. A card that does not pass cannot be approved. Decision: docs/decisions/0019.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from ketapath.domain.alternative import is_judgement
from ketapath.domain.clinic import Approval
from ketapath.domain.evidence import Approved, ValueChange
from ketapath.errors import BadInput, KnowledgeError
from ketapath.knowledge import Knowledge, PathSpec, Rule, parse_yaml
from ketapath.knowledge.rules import Predicate, nodes
from ketapath.units import shown

__all__ = ["Item", "Limit", "awaiting", "items", "policy_file", "read_policy", "under_policy"]

Consequence = Literal[
    "rules out", "puts off", "asks for care", "asks for something", "moves a plan", "informs", "figure", "window"
]
CONSEQUENCES: tuple[Consequence, ...] = (
    "rules out",
    "puts off",
    "asks for care",
    "asks for something",
    "moves a plan",
    "informs",
    "figure",
    "window",
)
"""What an item does when it speaks, the gravest first."""

_BY_VERDICT: Mapping[str, Consequence] = {
    "not-eligible": "rules out",
    "defer": "puts off",
    "undetermined": "puts off",
    "caution": "asks for care",
}
WINDOW = "window "
"""Before the path, the name of a window as an item."""

ALTERNATIVE = "alternative "
"""Before the id, the name of an alternative as an item."""

MARKER = "marker "
"""Before the id, the name of a marker's card as an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One value of an item that a clinic may move: its key in a policy file, its words, and where it may lie."""

    key: str
    label: str
    unit: str
    shipped: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that needs the medical lead's approval. `version` is what an approval is bound to."""

    id: str
    title: str
    consequence: Consequence
    basis: str
    version: str
    limits: tuple[Limit, ...]


def items(knowledge: Knowledge) -> tuple[Item, ...]:
    """Everything that ships unapproved, by consequence."""
    found = [*_rules(knowledge), *_figures(knowledge), *_windows(knowledge), *_alternatives(knowledge)]
    found += _markers(knowledge)
    return tuple(sorted(found, key=lambda i: CONSEQUENCES.index(i.consequence)))


def awaiting(knowledge: Knowledge, approvals: Mapping[str, Approval]) -> tuple[Item, ...]:
    """The items that this clinic has not approved in the version that ships now, markers aside: those may wait."""
    return awaiting_of(items(knowledge), approvals)


def awaiting_of(shipped: Iterable[Item], approvals: Mapping[str, Approval]) -> tuple[Item, ...]:
    """The same of items that were looked up before."""
    needed = (i for i in shipped if i.consequence != "moves a plan")
    return tuple(i for i in needed if not _stands(approvals.get(i.id), i))


def under_policy(knowledge: Knowledge, approvals: Mapping[str, Approval]) -> Knowledge:
    """The knowledge as it counts at this clinic: approved items carry their approval, and moved limits are moved.

    An approval of another version, or of something that needs none, counts for nothing.
    """
    standing = {i.id: (i, approvals[i.id]) for i in items(knowledge) if _stands(approvals.get(i.id), i)}
    if not standing:
        return knowledge
    rules, policy, paths = dict(knowledge.rules), dict(knowledge.policy), dict(knowledge.paths)
    alternatives, markers = dict(knowledge.alternatives), dict(knowledge.biomarkers)
    for name, (item, approval) in standing.items():
        values = approval.values
        if name in rules:
            rules[name] = _approved_rule(rules[name], item, approval)
        elif name in policy:
            policy[name] = {**policy[name], "value": values.get("value", policy[name]["value"]), "by": approval.by}
        elif name.startswith(ALTERNATIVE):
            other = alternatives[name.removeprefix(ALTERNATIVE)]
            alternatives[other.id] = other.approved(approval.by)
        elif name.startswith(MARKER):
            card = markers[name.removeprefix(MARKER)]
            markers[card.id] = replace(card, approved=Approved(by=approval.by, on=approval.on))
        else:
            spec = paths[name.removeprefix(WINDOW)]
            paths[spec.path] = replace(spec, window_days=int(values.get("days", spec.window_days or 0)))
    said = json.dumps([[n, a.by, str(a.on), sorted(a.values.items())] for n, (_, a) in sorted(standing.items())])
    version = f"{knowledge.version}+{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    return replace(
        knowledge,
        version=version,
        rules=rules,
        policy=policy,
        paths=paths,
        alternatives=alternatives,
        biomarkers=markers,
    )


def read_policy(data: bytes, knowledge: Knowledge) -> dict[str, Approval]:
    """The approvals of a policy file.

    Raises BadInput, naming the item, for what is no such file, for an item that needs no approval, an approver without
    a name, a date that is none, and a value that lies outside what is possible.
    """
    try:
        document = parse_yaml(data, where="policy file")
    except KnowledgeError as problem:
        raise _refused("policy file", "no YAML", "a list under `approvals`") from problem
    records = document.get("approvals") if isinstance(document, Mapping) else None
    if not isinstance(records, list):
        raise _refused("policy file", "something else", "a list under `approvals`")
    known = {i.id: i for i in items(knowledge)}
    found: dict[str, Approval] = {}
    for record in records:
        approval = _approval(record, known)
        if approval.item in found:
            raise _refused(approval.item, "two approvals", "one for each item")
        found[approval.item] = approval
    return found


def policy_file(approvals: Iterable[Approval]) -> str:
    """These approvals as a policy file."""
    lines = [
        "# What this clinic has approved. Each item, in the version that was approved, by whom and when.",
        "approvals:",
    ]
    for approval in sorted(approvals, key=lambda a: a.item):
        record = {"item": approval.item, "version": approval.version, "by": approval.by, "day": approval.on.isoformat()}
        if approval.values:
            record["values"] = dict(approval.values)  # type: ignore[assignment]
        # A JSON object is a YAML flow mapping, and quotes whatever needs quoting.
        lines.append(f"- {json.dumps(record, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def check_values(item: Item, values: Mapping[str, float]) -> None:
    """Raises BadInput for a value of no limit of this item, and for one that lies outside what is possible."""
    limits = {limit.key: limit for limit in item.limits}
    for key, value in values.items():
        limit = limits.get(key)
        if limit is None:
            raise _refused(f"{item.id} {key}", f"{value:g}", f"a value of {', '.join(limits) or 'no limit at all'}")
        if not limit.lowest <= value <= limit.highest:
            span = f"{limit.lowest:g} to {limit.highest:g} {shown(limit.unit)}".strip()
            raise _refused(f"{item.id} {limit.label}", f"{value:g}", span)


def _stands(approval: Approval | None, item: Item) -> bool:
    return approval is not None and approval.version == item.version and bool(approval.by.strip())


def _approval(record: Any, known: Mapping[str, Item]) -> Approval:
    if not isinstance(record, Mapping) or "item" not in record:
        raise _refused("policy file", repr(record), "records with item, version, by and day")
    name = str(record["item"])
    item = known.get(name)
    if item is None:
        raise _refused("item", name, "a rule, figure or window that needs approval")
    by = str(record.get("by") or "").strip()
    if not by:
        raise _refused(f"{name} by", "nobody", "the name of the person who approved it")
    try:
        on = date.fromisoformat(str(record.get("day")))
        values = {str(k): float(v) for k, v in (record.get("values") or {}).items()}
    except (AttributeError, TypeError, ValueError) as problem:
        raise _refused(name, str(problem), "a day as 2026-11-25 and numbers as values") from problem
    check_values(item, values)
    return Approval(item=name, version=str(record.get("version") or item.version), by=by, on=on, values=values)


def _refused(field: str, found: str, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Correct the policy and try again.")


def _rules(knowledge: Knowledge) -> Iterator[Item]:
    for rule in knowledge.rules.values():
        if rule.ref.needs_approval:
            gives = rule.when_true or ("asks" if rule.severity == "requirement" else "")
            yield Item(
                id=rule.id,
                title=rule.ref.title,
                consequence=_BY_VERDICT.get(gives, "asks for something" if gives else "informs"),
                basis=rule.threshold_basis,
                # An approval that was given on sources which are now retracted does not stand.
                version=rule.ref.version + (" without sources" if rule.has_lost_its_sources else ""),
                limits=tuple(_limits(rule, knowledge)),
            )


def _figures(knowledge: Knowledge) -> Iterator[Item]:
    for name, record in knowledge.policy.items():
        if record["basis"] != "source":
            shipped = float(record["value"])
            wide = _wide("value", str(record["label"]), shipped, str(record["unit"]))
            # A figure that guards may be made stricter here, not laxer: the record says up to where.
            lowest = float(record.get("lowest", wide.lowest))
            limit = replace(wide, lowest=lowest, highest=float(record.get("highest", wide.highest)))
            yield Item(
                id=name,
                title=str(record["label"]),
                consequence="figure",
                basis=str(record["basis"]),
                version=f"{shipped:g}",
                limits=(limit,),
            )


def _windows(knowledge: Knowledge) -> Iterator[Item]:
    for spec in knowledge.paths.values():
        if spec.window_days and spec.window_basis != "source":
            yield Item(
                id=WINDOW + spec.path,
                title=spec.label,
                consequence="window",
                basis=spec.window_basis,
                version=str(spec.window_days),
                limits=(_wide("days", spec.label, float(spec.window_days), "d"),),
            )


def _alternatives(knowledge: Knowledge) -> Iterator[Item]:
    """Each alternative of which something is judged without a source, with what is judged."""
    for other in knowledge.alternatives.values():
        if other.awaits_approval:
            judged = [r.statement for r in other.reasons if is_judgement(r.evidence)]
            judged += [t.level for t in other.traits if t.level is not None and t.is_judgement]
            said = "; ".join(knowledge.texts[text.key].rstrip(".") for text in judged)
            yield Item(
                id=ALTERNATIVE + other.id,
                title=f"{knowledge.texts[other.title.key]}, judged without a source: {said}",
                consequence="informs",
                basis="site-default",
                version=other.version,
                limits=(),
            )


def _markers(knowledge: Knowledge) -> Iterator[Item]:
    """Cards that pass the preset rules; nothing of a card is for a clinic to move."""
    for card in knowledge.biomarkers.values():
        if not knowledge.failures(card):
            yield Item(
                id=MARKER + card.id,
                title=card.title,
                consequence="moves a plan",
                basis="source",
                version=card.version,
                limits=(),
            )


def _limits(rule: Rule, knowledge: Knowledge) -> Iterator[Limit]:
    """The limits of this rule's own predicate, and its own windows, that may be moved, each once."""
    for path, days in rule.windows.items():
        if days:  # the same day stays the same day
            yield _wide(WINDOW + path, f"{knowledge.paths[path].label}: not older than", days, "d")
    for node in nodes(rule.when):
        if node.kind not in ("compare", "within"):
            continue
        spec: PathSpec | None = knowledge.paths.get(node.path)
        assert isinstance(node.value, float)
        if node.kind == "within":
            yield _wide(_key(node), f"{spec.label if spec else node.path}: days back", node.value, "d")
        elif spec is not None and spec.limits is not None:
            yield Limit(
                key=_key(node),
                label=f"{spec.label} {node.op}",
                unit=spec.unit or "",
                shipped=node.value,
                lowest=spec.limits[0],
                highest=spec.limits[1],
            )


def _wide(key: str, label: str, shipped: float, unit: str) -> Limit:
    """A limit that nothing in nature bounds: from nothing to ten times what ships."""
    highest = 1.0 if unit == "1" and shipped <= 1 else 10 * shipped
    return Limit(key=key, label=label, unit="" if unit == "1" else unit, shipped=shipped, lowest=0.0, highest=highest)


def _key(node: Predicate) -> str:
    return f"{node.path} {node.op or 'within_days'}"


def _approved_rule(rule: Rule, item: Item, approval: Approval) -> Rule:
    changes = tuple(
        ValueChange(
            key=limit.key, label=limit.label, shipped=limit.shipped, here=approval.values[limit.key], unit=limit.unit
        )
        for limit in item.limits
        if limit.key in approval.values and approval.values[limit.key] != limit.shipped
    )
    evidence = tuple(replace(e, approved_by=approval.by) if e.kind == "site-default" else e for e in rule.evidence)
    reference = replace(rule.ref, approved=Approved(by=approval.by, on=approval.on, changes=changes))
    windows = {path: approval.values.get(WINDOW + path, days) for path, days in rule.windows.items()}
    when = _with_values(rule.when, approval.values)
    return replace(rule, ref=reference, evidence=evidence, when=when, windows=windows)


def _with_values(predicate: Predicate, values: Mapping[str, float]) -> Predicate:
    if predicate.kind in ("compare", "within"):
        return replace(predicate, value=values.get(_key(predicate), predicate.value))
    return replace(predicate, parts=tuple(_with_values(part, values) for part in predicate.parts))
