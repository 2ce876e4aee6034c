"""Is what stands signed? What the pages show of signatures, and what a dose has to wait for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import clock
from clinic.queries.person import Chart
from clinic.record.models import Practice
from clinic.record.read import history, read
from clinic.record.signatures import Seen, Signed, signatures_of
from ketapath.domain.plan import SignedPlan
from ketapath.fhir.encode import provenance


def signatures(found: Chart) -> Mapping[str, tuple[Signed, ...]]:
    """Every signature about this person by what it covers ("Kind/id"), oldest first."""
    by_name: dict[str, list[Signed]] = defaultdict(list)
    for signed in signatures_of(found.practice, found.patient_id):
        by_name[signed.of].append(signed)
    return {name: tuple(group) for name, group in by_name.items()}


def why_unsigned(found: Chart) -> str | None:
    """Why nothing may be given on the plan that stands, as far as signatures go; None where they all hold."""
    if found.plan is None:
        return None
    held = signatures(found)
    for name in _names(found.plan):
        of_it = held.get(name, ())
        if not any(s.is_valid and s.meaning == "order" for s in of_it):
            return _why(found, found.plan, of_it)
    return None


def to_sign(found: Chart) -> tuple[Seen, ...]:
    """The plan and the order that stand, as they are now."""
    names = () if found.plan is None else _names(found.plan)
    stored = (read(found.practice, *name.split("/", 1)) for name in names)
    return tuple(Seen.of(s) for s in stored if s is not None and s.patient_id == found.patient_id)


def seen_dose(found: Chart, identity: str) -> Seen | None:
    """A dose as it is now, for the form that signs it."""
    stored = read(found.practice, "MedicationAdministration", identity)
    return None if stored is None else Seen.of(stored)


def seen_overrides(found: Chart) -> dict[str, str]:
    """The overrides that wait for a second signature as they are now, by id, for the form that signs them."""
    waiting = () if found.person is None else (o.id for o in found.person.overrides if o.second_by is None)
    stored = (read(found.practice, "DetectedIssue", identity) for identity in waiting)
    return {s.identity: Seen.of(s).text for s in stored if s is not None}


def provenances(practice: Practice, patient_id: str) -> list[dict[str, object]]:
    """Every signature about this person as a FHIR R4 Provenance, for an export."""
    return [
        provenance(
            signed.reference.partition("/")[2],
            f"{signed.of}/_history/{signed.version}",
            meaning=signed.meaning,
            name=signed.name,
            username=signed.username,
            role=signed.role,
            at=clock.local(signed.at, practice.zone),
            digest=signed.digest,
        )
        for signed in signatures_of(practice, patient_id)
    ]


def _names(plan: SignedPlan) -> tuple[str, ...]:
    order = () if plan.order_id is None else (f"MedicationRequest/{plan.order_id}",)
    return (f"CarePlan/{plan.origin.id}", *order)


def _why(found: Chart, plan: SignedPlan, signed: tuple[Signed, ...]) -> str:
    if signed:
        last = signed[-1]
        if last.changed_at is None:
            return _("This plan is no longer signed: it was changed past the acts of this clinic.")
        said = {"on": date_format(clock.local(last.changed_at, found.practice.zone), "j M Y"), "by": last.changed_by}
        return _("This plan is no longer signed: changed on %(on)s by %(by)s.") % said
    first = history(found.practice, "CarePlan", plan.origin.id)[-1]
    if first.changed_by == plan.signed_by and first.reason != "import":
        return _("This plan was signed before signatures were kept, by %(by)s.") % {"by": plan.signed_by}
    return _("This plan came from elsewhere and is not signed here.")
