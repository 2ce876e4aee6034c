"""What does somebody have to have shown for what they do here, and what of it is on file and in date?

`needs_of` is asked of one person's certificates on one day; what nobody has seen is missing, never there. Which roles
work in sessions is ours; the five things on file are GOV-022's, life support on site is MON-024's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from ketapath.domain.evidence import RuleRef
from ketapath.knowledge import Knowledge

__all__ = ["MODALITIES", "Held", "Need", "is_competent", "kinds", "needs_of", "valid"]

State = Literal["held", "ends-soon", "look-again", "run-out", "missing"]
MODALITIES = (
    "cognitive-behavioural", "interpersonal", "trauma-focused", "relapse-prevention", "motivational", "mindfulness",
    "ketamine-assisted",
)  # fmt: skip
"""Therapies that somebody is certified for by the therapy's own word, as `therapy.planned` names them."""
SUPPORTIVE = "supportive"
"""The word of an hour that follows no method; it asks for a licence alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One certificate that somebody has seen: its kind, its days, and the day on which it was seen."""

    kind: str
    valid_from: date
    valid_until: date | None
    seen_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that a role asks for, and what is on file for it.

    `until` is the last day of the certificate that counts; None where there is none or it does not run out.
    "look-again" says that it is in date and nobody has looked at it within the days that GOV-022 asks for.
    """

    id: str
    kinds: tuple[str, ...]
    rule: RuleRef
    state: State
    until: date | None


def needs_of(role: str, held: Iterable[Held], knowledge: Knowledge, *, on: date) -> tuple[Need, ...]:
    """What this role asks for, in the order of the knowledge; nothing for a role that does not work in sessions."""
    certificates = tuple(held)
    asked = (r for r in knowledge.competences.values() if role in r["roles"])
    return tuple(_need(record, certificates, knowledge, on) for record in asked)


def valid(held: Iterable[Held], wanted: Collection[str], *, on: date) -> tuple[Held, ...]:
    """The certificates of these kinds that are in date on this day, the one that lasts longest first."""
    counted = [h for h in held if h.kind in wanted and h.valid_from <= on and (h.valid_until or date.max) >= on]
    return tuple(sorted(counted, key=lambda h: h.valid_until or date.max, reverse=True))


def is_competent(modality: str, held: Iterable[Held], *, on: date) -> bool:
    """Whether a certificate for this therapy is in date; an hour that follows no method asks for a licence."""
    return bool(valid(held, ("licence",) if modality == SUPPORTIVE else (modality,), on=on))


def kinds(knowledge: Knowledge) -> tuple[str, ...]:
    """Every kind of certificate that the register may hold."""
    asked = (kind for record in knowledge.competences.values() for kind in record["kinds"])
    return tuple(dict.fromkeys((*asked, *MODALITIES)))


def _need(record: Mapping[str, Any], held: Sequence[Held], knowledge: Knowledge, on: date) -> Need:
    counted = valid(held, record["kinds"], on=on)
    state: State = "held"
    if not counted:
        state = "run-out" if any(h.kind in record["kinds"] and h.valid_from <= on for h in held) else "missing"
    elif (counted[0].valid_until or date.max) < on + timedelta(days=knowledge.figure("alert_expiry_days")):
        state = "ends-soon"
    elif max(h.seen_on for h in counted) < on - timedelta(days=knowledge.figure("competence_review_days")):
        state = "look-again"
    return Need(
        id=record["id"],
        kinds=tuple(record["kinds"]),
        rule=knowledge.rules[record["rule"]].ref,
        state=state,
        until=counted[0].valid_until if counted else None,
    )
