"""Which tables are derived from the record? The list of patients, the ledger of doses, the search terms.

Each is written in the transaction that changes the record, and `rebuild` makes all of them again from nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from django.db import transaction

from clinic.record.models import Current, ExposureLine, PatientLine, Practice, Term, VisitLine
from clinic.record.read import of_patient
from clinic.record.visit_json import visit_as_json
from clinic.record.write import index
from ketapath.domain.fact import Statements
from ketapath.domain.session import Visit
from ketapath.fhir import Bundle, Vocabulary, bundle_of, statements, vocabulary
from ketapath.fhir.parts import ADVISED
from ketapath.fhir.readback import signed_plans, visits
from ketapath.knowledge import Knowledge, load


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """The knowledge of this installation; read once."""
    return load()


@lru_cache(maxsize=1)
def words() -> Vocabulary:
    """Its code tables, compiled once."""
    return vocabulary(knowledge())


def project(practice: Practice, patient_id: str) -> None:
    """Write this person's derived rows anew."""
    stored = [s.resource for s in of_patient(practice, patient_id) if s.part in ADVISED]
    ExposureLine.objects.filter(practice=practice, patient_id=patient_id).delete()
    PatientLine.objects.filter(practice=practice, patient_id=patient_id).delete()
    VisitLine.objects.filter(practice=practice, patient_id=patient_id).delete()
    if not any(r["resourceType"] == "Patient" for r in stored):
        return
    bundle = bundle_of(stored)
    stated = statements(bundle, words())
    ExposureLine.objects.bulk_create(
        ExposureLine(practice=practice, patient_id=patient_id, administration=dose.origin.id, given_on=dose.on,
                     product=dose.product, route=dose.route, dose_mg=dose.dose_mg)
        for dose in stated.doses
    )  # fmt: skip
    held = visits(bundle, words())
    _line(practice, bundle, stated, held).save()
    if held:
        _visit_line(practice, bundle, patient_id, held).save()


def _visit_line(practice: Practice, bundle: Bundle, patient_id: str, held: Sequence[Visit]) -> VisitLine:
    """The visit that is open, or else the newest one, with what was ordered for it and the number of its session."""
    newest = next((v for v in reversed(held) if v.status == "in-progress"), held[-1])
    plan = next((p for p in signed_plans(bundle) if p.origin.id == newest.plan_id), None)
    ordered = None if plan is None else {
        "product": plan.product, "route": plan.route, "dose_mg": plan.dose_mg, "infusion_min": plan.infusion_min,
        "protocol": plan.protocol_id,
    }  # fmt: skip
    number = 1 + sum(v.was_dosed for v in held if v.opened_at < newest.opened_at)
    return VisitLine(
        practice=practice,
        patient_id=patient_id,
        room=newest.room[:20],
        opened_at=newest.opened_at,
        closed_at=newest.closed_at,
        content={"visit": visit_as_json(newest), "ordered": ordered, "number": number},
    )


def _line(practice: Practice, bundle: Bundle, stated: Statements, held: Sequence[Visit]) -> PatientLine:
    given, family = name_of(bundle)
    scores = [s for s in stated.scores if s.instrument == "phq9" and s.total is not None and s.reason is None]
    plans = signed_plans(bundle)
    plan = plans[-1] if plans else None
    last = stated.doses[-1].on if stated.doses else None
    ahead = [v for v in plan.visits if v.kind == "session" and (last is None or v.on > last)] if plan else []
    open_visit = next((v for v in reversed(held) if v.status == "in-progress"), None)
    planned = [[v.on.isoformat(), f"{v.starts:%H:%M}" if v.starts else ""] for v in ahead]
    return PatientLine(
        practice=practice,
        patient_id=stated.patient_id,
        family=family[:120],
        given=given[:120],
        born_on=stated.born_on,
        sex=str(bundle.patient.get("gender") or "")[:16],
        has_died=stated.died is not None,
        sessions=len(stated.doses),
        last_session_on=last,
        planned=planned,
        next_on=ahead[0].on if ahead else None,
        plan_status=plan.status if plan else "",
        visit_open=open_visit.origin.id if open_visit else "",
        visit_step=open_visit.step if open_visit else "",
        last_score=scores[-1].total if scores else None,
        last_score_on=scores[-1].on if scores else None,
    )


def name_of(bundle: Bundle) -> tuple[str, str]:
    """Given and family name as they are shown; empty where the record has none."""
    names = bundle.patient.get("name")
    for name in names if isinstance(names, list) else []:
        if isinstance(name, dict) and name.get("use") != "old":
            given = name.get("given")
            first = " ".join(g for g in given if isinstance(g, str)) if isinstance(given, list) else ""
            return first.replace("\0", ""), str(name.get("family") or name.get("text") or "").replace("\0", "")
    return "", ""


def rebuild(practice: Practice) -> int:
    """Make all derived rows of a practice again from the record; the number of people written."""
    with transaction.atomic():
        for table in (Term, PatientLine, VisitLine, ExposureLine):
            table.objects.filter(practice=practice).delete()
        rows = Current.objects.filter(practice=practice)
        for row in rows.iterator():
            index(practice, row, json.loads(row.content))
        people = list(rows.filter(kind="Patient").values_list("identity", flat=True))
        for patient_id in people:
            project(practice, patient_id)
    return len(people)
