"""What is known of this person, from where, since when; what was set aside and why; what is missing?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from ketapath.candidacy import fact_used
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact
from ketapath.knowledge import PathSpec

_GROUPS = (
    "diagnosis", "trials", "history", "medicines", "vitals", "lab", "gene", "scale", "therapy", "social",
    "consent", "setting", "person",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact as a page shows it. `source` is what may be withdrawn, empty where nothing may."""

    path: str
    label: str
    value: str
    on: date | None
    origin: str
    source: str
    origin_kind: str
    origin_id: str
    reason: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Facts of one kind."""

    name: str
    rows: tuple[Row, ...]


def groups(found: Chart) -> list[Group]:
    """What is known, by kind, in the order in which a chart is read."""
    assert found.person is not None
    by_kind: dict[str, list[Row]] = {}
    for path, fact in found.person.known.items():
        by_kind.setdefault(path.partition(".")[0], []).append(_row(fact, found))
    names = [g for g in _GROUPS if g in by_kind] + sorted(set(by_kind) - set(_GROUPS))
    return [Group(name=name, rows=tuple(sorted(by_kind[name], key=lambda r: r.label))) for name in names]


def aside(found: Chart) -> list[Row]:
    """What the record states but may not be relied on today, newest first."""
    assert found.person is not None
    rows = [_row(fact, found) for fact in found.person.unusable]
    return sorted(rows, key=lambda r: r.on or date.min, reverse=True)


def statable() -> list[PathSpec]:
    """Every fact that a person may state by hand, by its name."""
    return sorted((s for s in knowledge().paths.values() if is_statable(s)), key=lambda s: s.label)


def is_statable(spec: PathSpec) -> bool:
    """Whether this is said by a person, and not computed, part of the person's master data, or the clinic's own."""
    is_ours = spec.path.startswith(("clinic.", "staff.", "order."))
    return not is_ours and not {"derived", "patient"} & set(spec.comes_from) and not _is_scored(spec)


def _is_scored(spec: PathSpec) -> bool:
    """Totals of questionnaires that are answered item by item are never typed."""
    name = spec.path.removeprefix("scale.").removesuffix("_item9")
    return spec.path.startswith("scale.") and name in knowledge().instruments


def _row(fact: Fact, found: Chart) -> Row:
    used = fact_used(fact, knowledge())
    is_own = fact.origin.resource not in ("Patient", "Clinic")
    return Row(
        path=fact.path,
        label=used.label,
        value=fact.as_stated if fact.value is None else used.value,
        on=fact.on,
        origin=str(fact.origin),
        source=f"{fact.origin.resource}/{fact.origin.id}" if is_own else "",
        origin_kind=fact.origin.resource,
        origin_id=fact.origin.id,
        reason=fact.reason,
    )
