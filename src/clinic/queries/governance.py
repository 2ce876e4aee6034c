"""What has the medical lead still to approve, and what may be done until then? Evaluation mode, and the set-up page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.utils.translation import gettext as _

from clinic import clock
from clinic.queries.person import Chart, approvals, clinic_now, knowledge_at
from clinic.record.models import Practice
from clinic.record.projections import knowledge
from ketapath.candidacy import at_clinic, finding
from ketapath.domain.clinic import Approval
from ketapath.domain.evidence import Finding
from ketapath.domain.profile import Profile
from ketapath.knowledge import PathSpec, Rule, paths
from ketapath.knowledge.policy import CONSEQUENCES, Item, Limit, awaiting_of, items


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One limit as the set-up page shows it: as shipped, and as it counts here."""

    limit: Limit
    here: float

    @property
    def shown(self) -> str:
        """As somebody would type it."""
        return f"{self.here:g}"

    @property
    def is_moved(self) -> bool:
        """Whether the clinic has another value."""
        return self.here != self.limit.shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item with its approval at this clinic; `lapsed` is an approval of an older version, which counts no more."""

    item: Item
    rule: Rule | None
    statement: str
    approval: Approval | None
    lapsed: Approval | None
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One thing that the clinic answers for: the finding of its rule, and whether that speaks, is open or is met."""

    finding: Finding
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One fact that the clinic states of itself, with what it stated last."""

    spec: PathSpec
    said: str
    on: date | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The items of one consequence."""

    consequence: str
    rows: tuple[Row, ...]

    @property
    def waiting(self) -> int:
        """How many of them nobody has approved yet."""
        return sum(row.approval is None for row in self.rows)


def blocks(practice: Practice) -> list[Block]:
    """Everything that needs approval, by consequence, the gravest first."""
    held = approvals(practice)
    rows = [_row(item, held) for item in shipped()]
    grouped = ((name, tuple(r for r in rows if r.item.consequence == name)) for name in CONSEQUENCES)
    return [Block(consequence=name, rows=found) for name, found in grouped if found]


def still_awaiting(practice: Practice) -> int:
    """How many items await approval; while there are any, the clinic is in evaluation mode."""
    return len(awaiting_of(shipped(), approvals(practice)))


def refused_here(found: Chart) -> str | None:
    """Why nothing may be dosed for this person at this clinic yet, or None.

    In evaluation mode orders and doses are for demonstration people only.
    """
    if found.is_demonstration:
        return None
    waiting = len(awaiting_of(shipped(), found.clinic.approvals))
    if not waiting:
        return None
    words = _(
        "Evaluation mode: %(count)s items await the medical lead's approval. Until then nothing is ordered or dosed."
    )
    return words % {"count": waiting}


@lru_cache(maxsize=1)
def shipped() -> tuple[Item, ...]:
    """Everything that ships unapproved."""
    return items(knowledge())


def _row(item: Item, held: Mapping[str, Approval]) -> Row:
    approval = held.get(item.id)
    stands = approval is not None and approval.version == item.version
    values = approval.values if stands and approval is not None else {}
    return Row(
        item=item,
        rule=knowledge().rules.get(item.id),
        statement=knowledge().texts.get(f"rule.{item.id}.statement", ""),
        approval=approval if stands else None,
        lapsed=None if stands else approval,
        values=tuple(Value(limit=limit, here=values.get(limit.key, limit.shipped)) for limit in item.limits),
    )


def duties(practice: Practice) -> list[Duty]:
    """What rules ask of the clinic itself, in its jurisdiction: what is not met first, then what nobody has stated."""
    clinic = clinic_now(practice)
    known = knowledge_at(clinic)
    itself = at_clinic(_nobody(clock.today(practice.zone)), clinic, known)
    found = []
    for rule in known.rules_of("governance"):
        if rule.scope.covers(product=None, route=None, jurisdiction=clinic.jurisdiction):
            truth = rule.holds(itself.known, as_of=itself.as_of)
            # A rule that asks for no fact says what holds always; nobody has failed it.
            speaks = "not met" if rule.severity != "info" and any(paths(rule.when)) else "to know"
            state = {True: speaks, None: "open", False: "met"}[truth]
            found.append(Duty(finding=finding(rule, truth, itself, known), state=state))
    return sorted(found, key=lambda d: ("not met", "open", "to know", "met").index(d.state))


def questions(practice: Practice) -> list[Question]:
    """Every fact that the clinic may state of itself, by its name."""
    said = clinic_now(practice).facts
    specs = sorted((s for s in knowledge().paths.values() if is_of_clinic(s)), key=lambda s: s.label)
    return [
        Question(
            spec=spec,
            said=_typed(said[spec.path].value) if spec.path in said else "",
            on=said[spec.path].on if spec.path in said else None,
            by=said[spec.path].by if spec.path in said else "",
        )
        for spec in specs
    ]


def is_of_clinic(spec: PathSpec) -> bool:
    """Whether the clinic states this of itself."""
    return spec.path.startswith(("clinic.", "staff.")) and "question" in spec.comes_from


def _typed(value: bool | float | str) -> str:
    return (
        ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value
    )


def _nobody(as_of: date) -> Profile:
    """A profile of no person, for rules that ask about the clinic alone."""
    return Profile(
        patient_id="", as_of=as_of, died=None, known={}, unusable=(), trials=(), medicines=(), scores=(), doses=(),
        overrides=(), notes=(),
    )  # fmt: skip
