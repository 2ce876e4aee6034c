"""What is known of this person, from where, since when; what was set aside and why; what is missing?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from django.utils.translation import gettext as _

from clinic.queries.export import kept_apart_within
from clinic.queries.person import Chart
from clinic.record.models import Quarantined
from clinic.record.projections import knowledge, words
from ketapath.candidacy import fact_used
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact
from ketapath.fhir import allergy_names
from ketapath.knowledge import PathSpec
from ketapath.units import shown

_GROUPS = (
    "diagnosis", "episode", "trials", "history", "substance", "medicines", "vitals", "lab", "gene", "imaging", "eeg",
    "scale", "psych", "preference", "therapy", "social", "consent", "setting", "person",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact as a page shows it. `source` is what may be withdrawn, empty where nothing may.

    With a `reason` it may not be relied on today, and is shown greyed.
    """

    path: str
    label: str
    value: str
    on: date | None
    origin: str
    source: str
    origin_kind: str
    origin_id: str
    confidence: str
    reason: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Facts of one kind."""

    name: str
    rows: tuple[Row, ...]


def groups(found: Chart) -> list[Group]:
    """What is known by kind, in the order in which a chart is read; else the newest word that may not be relied on."""
    assert found.person is not None
    shown = {**_newest_aside(found), **found.person.known}
    by_kind: dict[str, list[Row]] = {}
    for path, fact in shown.items():
        by_kind.setdefault(path.partition(".")[0], []).append(_row(fact))
    names = [g for g in _GROUPS if g in by_kind] + sorted(set(by_kind) - set(_GROUPS))
    return [Group(name=name, rows=tuple(sorted(by_kind[name], key=lambda r: r.label))) for name in names]


def standing(found: Chart, path: str) -> Row | None:
    """What is on record of this path now, or was until it could not be relied on any more; None where nothing is."""
    if found.person is None:
        return None
    fact = found.person.known.get(path) or _newest_aside(found).get(path)
    return None if fact is None else _row(fact)


def aside(found: Chart) -> list[Row]:
    """Whatever else the record states and may not be relied on today, newest first."""
    assert found.person is not None
    shown = [id(fact) for fact in _newest_aside(found).values()]
    rows = [_row(fact) for fact in found.person.unusable if id(fact) not in shown]
    return sorted(rows, key=lambda r: r.on or date.min, reverse=True)


def allergies(found: Chart) -> tuple[str, ...] | None:
    """What the record names as allergies: none where it says that there are none, None where it says nothing."""
    return allergy_names(found.bundle, words())


def kept_apart(found: Chart) -> list[Quarantined]:
    """What an import could not take in for this person, as far as its reader reaches, newest first."""
    return kept_apart_within(found.reach, found.patient_id)[::-1]


def weights(found: Chart) -> list[tuple[PathSpec, str]]:
    """What may matter in choosing a treatment, with how much it was said to matter."""
    assert found.person is not None
    known = found.person.known
    specs = [s for s in knowledge().paths.values() if s.path.startswith("preference.weight_")]
    return [(spec, str(known[spec.path].value) if spec.path in known else "") for spec in specs]


def statable() -> list[PathSpec]:
    """Every fact that a person may state by hand, by its name."""
    return sorted((s for s in knowledge().paths.values() if is_statable(s)), key=lambda s: s.label)


def is_statable(spec: PathSpec) -> bool:
    """Whether this is said by a person, and not computed, part of the person's master data, or the clinic's own."""
    is_ours = spec.path.startswith(("clinic.", "staff."))
    return not is_ours and not {"derived", "patient"} & set(spec.comes_from) and not _is_scored(spec)


def answered_today(found: Chart) -> Mapping[str, str]:
    """What somebody has stated here today and stands, by profile path, as it is typed into its field."""
    assert found.person is not None
    said: dict[str, str] = {}
    for path, fact in found.person.known.items():
        is_said = fact.origin.resource == "QuestionnaireResponse" and fact.origin.id.startswith("fact-")
        if is_said and fact.on == found.as_of and fact.value is not None and is_statable(knowledge().paths[path]):
            value = fact.value
            said[path] = ("yes" if value else "no") if isinstance(value, bool) else (
                f"{value:g}" if isinstance(value, float | int) else str(value))  # fmt: skip
    return said


def within(spec: PathSpec) -> str:
    """What a person can have of this, with its unit."""
    assert spec.limits is not None
    low, high = spec.limits
    said = {"low": f"{low:g}", "high": f"{high:g}", "unit": shown(spec.unit)}
    return (_("%(low)s to %(high)s %(unit)s") % said).strip()


def _newest_aside(found: Chart) -> dict[str, Fact]:
    """For each path of which nothing may be relied on, the newest statement that was set aside."""
    assert found.person is not None
    newest: dict[str, Fact] = {}
    for fact in found.person.unusable:
        if fact.path not in found.person.known:
            other = newest.get(fact.path)
            if other is None or (fact.on or date.min) >= (other.on or date.min):
                newest[fact.path] = fact
    return newest


def _is_scored(spec: PathSpec) -> bool:
    """Totals of questionnaires that are answered item by item are never typed."""
    return spec.path.removesuffix("_item9") in _scored()


@cache
def _scored() -> frozenset[str]:
    return frozenset(form["path"] for form in knowledge().instruments.values() if "items" in form)


def _row(fact: Fact) -> Row:
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
        confidence=fact.confidence,
        reason=fact.reason,
    )
