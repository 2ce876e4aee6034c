"""Which tables are derived from the record? The list of patients, the ledger of doses, bookings, the search terms.

Each is written in the transaction that changes the record, and `rebuild` makes all of them again from nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from django.db import transaction

from clinic.record.models import Booking, Current, ExposureLine, Hold, PatientLine, Practice, Term, VisitLine
from clinic.record.read import Stored, of_patient
from clinic.record.visit_json import visit_as_json
from clinic.record.write import index
from ketapath.domain.fact import Dose, Statements
from ketapath.domain.schedule import SLOT_MIN, Booked, as_booked
from ketapath.domain.session import Visit, number_of
from ketapath.fhir import Bundle, Resource, Stated, Vocabulary, bundle_of, stated, statements, vocabulary
from ketapath.fhir.appointments import bookings
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One record as the core reads it; nobody changes it."""

    bundle: Bundle
    stated: Statements
    visits: tuple[Visit, ...]


def said(stored: Iterable[Stored]) -> Said:
    """What these resources of one person state. Raises BadInput as `statements` does.

    The newest few are kept: an act reads the record that the act before it has just written.
    """
    return _said(tuple((s.kind, s.identity, s.version, s.changed_at, s.text) for s in stored), _Held(tuple(stored)))


_Told = tuple[str, str, int, datetime, str]
"""What tells two versions apart: kind, id, version, time and text."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The resources themselves, carried along a cached call; their texts and versions tell two records apart."""

    stored: tuple[Stored, ...] = field(compare=False)


@lru_cache(maxsize=16)  # less than a megabyte each
def _said(texts: tuple[_Told, ...], held: _Held) -> Said:
    read = [_read(text, _Held((one,))) for text, one in zip(texts, held.stored, strict=True)]
    bundle, known = bundle_of([resource for resource, _ in read]), {id(resource): found for resource, found in read}
    said = statements(bundle, words(), read=lambda resource, _: known[id(resource)])
    return Said(bundle=bundle, stated=said, visits=visits(bundle, words()))


@lru_cache(maxsize=4096)  # some kilobytes each; an act changes one or two of a person's hundreds
def _read(text: _Told, held: _Held) -> tuple[Resource, Stated | None]:
    """One resource as a value, and what it states by itself."""
    (one,) = held.stored
    resource = one.resource
    return resource, stated(resource, words())


def project(practice: Practice, patient_id: str) -> None:
    """Write this person's derived rows anew."""
    stored = [s for s in of_patient(practice, patient_id) if s.part in ADVISED]
    ExposureLine.objects.filter(practice=practice, patient_id=patient_id).delete()
    PatientLine.objects.filter(practice=practice, patient_id=patient_id).delete()
    VisitLine.objects.filter(practice=practice, patient_id=patient_id).delete()
    if not any(s.kind == "Patient" for s in stored):
        _book(practice, patient_id, ())
        return
    read = said(stored)
    bundle, stated, held = read.bundle, read.stated, read.visits
    booked = bookings(bundle)
    _book(practice, patient_id, booked)
    ExposureLine.objects.bulk_create(
        ExposureLine(practice=practice, patient_id=patient_id, administration=dose.origin.id, given_on=dose.on,
                     product=dose.product, route=dose.route, dose_mg=dose.dose_mg)
        for dose in stated.doses
    )  # fmt: skip
    _line(practice, bundle, stated, booked, held).save()
    if held:
        _visit_line(practice, bundle, patient_id, held, stated.doses).save()


def _visit_line(
    practice: Practice, bundle: Bundle, patient_id: str, held: Sequence[Visit], doses: Sequence[Dose]
) -> VisitLine:
    """The visit that is open, or else the newest one, with what was ordered for it and the number of its session."""
    newest = next((v for v in reversed(held) if v.status == "in-progress"), held[-1])
    plan = next((p for p in signed_plans(bundle) if p.origin.id == newest.plan_id), None)
    ordered = None if plan is None else {
        "product": plan.product, "route": plan.route, "dose_mg": plan.dose_mg, "infusion_min": plan.infusion_min,
        "protocol": plan.protocol_id,
    }  # fmt: skip
    number = number_of(newest, doses)
    return VisitLine(
        practice=practice,
        patient_id=patient_id,
        room=newest.room[:20],
        opened_at=newest.opened_at,
        closed_at=newest.closed_at,
        content={"visit": visit_as_json(newest), "ordered": ordered, "number": number},
    )


def _book(practice: Practice, patient_id: str, booked: Sequence[Booked]) -> None:
    """Write the bookings of this person that have changed, and what they take; the others are left alone.

    An IntegrityError of `nothing_booked_twice` says that something of it is taken.
    """
    wanted = {one.origin.id: one for one in booked}
    rows = Booking.objects.filter(practice=practice, patient_id=patient_id)
    standing = dict(rows.values_list("appointment", "version"))
    changed = {name: one for name, one in wanted.items() if standing.get(name) != int(one.origin.version or 0)}
    gone = [name for name in standing if name not in wanted or name in changed]
    if gone:
        rows.filter(appointment__in=gone).delete()
    if changed:
        made = Booking.objects.bulk_create(_booking(practice, one) for one in changed.values())
        pairs = zip(made, changed.values(), strict=True)
        held = [(name, slot, row) for row, one in pairs for name, slot in held_by(one)]
        held.sort(key=lambda hold: hold[:2])  # in one order for everybody, so that no two wait for each other
        Hold.objects.bulk_create(
            (Hold(practice=practice, booking=row, resource=name, slot=slot) for name, slot, row in held), batch_size=400
        )


def _booking(practice: Practice, one: Booked) -> Booking:
    return Booking(
        practice=practice,
        appointment=one.origin.id,
        patient_id=one.patient_id,
        kind=one.kind,
        status=one.status[:20],
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        room=one.room[:20],
        staff=[who.username for who in one.staff],
        places=[who.place for who in one.staff],
        ride=one.ride,
        plan_id=one.plan_id[:64],
        planned_on=one.planned_on,
        version=int(one.origin.version or 0),
    )


def held_by(one: Booked) -> list[tuple[str, int]]:
    """What a booking takes, as resource and slot of five minutes since 1970; nothing where it does not stand."""
    if not one.stands:
        return []
    taken = [f"patient/{one.patient_id}"] + ([f"room/{one.room}"] if one.room else [])
    taken += [f"staff/{who.username}/{who.place}" for who in one.staff if who.place]
    width = SLOT_MIN * 60
    first, last = int(one.starts_at.timestamp()) // width, -(-int(one.ends_at.timestamp()) // width)
    return [(name[:120], slot) for name in dict.fromkeys(taken) for slot in range(first, last)]


def _line(
    practice: Practice, bundle: Bundle, stated: Statements, booked: Sequence[Booked], held: Sequence[Visit]
) -> PatientLine:
    given, family = name_of(bundle)
    scores = [s for s in stated.scores if s.instrument == "phq9" and s.total is not None and s.reason is None]
    plans = signed_plans(bundle)
    plan = plans[-1] if plans else None
    last = stated.doses[-1].on if stated.doses else None
    dates = as_booked(plan.visits, booked, practice.zone) if plan else ()
    ahead = [v for v in dates if v.kind == "session" and (last is None or v.on > last)]
    planned = [[v.on.isoformat(), f"{v.starts:%H:%M}" if v.starts else ""] for v in ahead]
    open_visit = next((v for v in reversed(held) if v.status == "in-progress"), None)
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
        for table in (Term, PatientLine, VisitLine, ExposureLine, Hold, Booking):
            table.objects.filter(practice=practice).delete()
        rows = Current.objects.filter(practice=practice)
        for row in rows.iterator():
            index(practice, row, json.loads(row.content))
        people = list(rows.filter(kind="Patient").values_list("identity", flat=True))
        for patient_id in people:
            project(practice, patient_id)
    return len(people)
