"""What has one closed session told whom, do its five outputs agree, and which forms are due?"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Concat

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.practice.models import RegistryKey, RegistryRow, Submission
from clinic.queries.notes import notes_for
from clinic.queries.person import Chart, chart
from clinic.queries.stock import rows_of, uses_of
from clinic.record.models import Current, ExposureLine, PatientLine, Practice
from clinic.record.reach import Reach
from clinic.record.read import history
from ketapath.domain.note import Note
from ketapath.domain.outputs import Disagreement, Entry, FormField
from ketapath.domain.session import Visit, number_of
from ketapath.fhir.adverse import adverse_events
from ketapath.fhir.readback import events_taken_back
from ketapath.outputs import (
    FORM_DAYS,
    disagreements,
    due_on,
    effects_record,
    entry,
    form_fields,
    is_due_here,
    miscounted,
    progress_note,
    read_effects,
    read_form,
    read_ledger,
    read_note,
    read_registry,
    registry_row,
    said,
)
from ketapath.report.document import form_pdf
from ketapath.report.pdf_text import pdf_rows

MONITORING = "rems-monitoring"
LOOKED_BACK = timedelta(days=366)
"""Sessions longer ago are not looked for on the list of what is due."""
WAYS = ("online", "fax", "post")
QUESTIONS = (
    "session.vitals_acceptable_before",
    "session.vitals_acceptable_at_end",
    "session.respiratory_depression",
    "session.adverse_event",
)
"""What nobody can read from the numbers of a session, by profile path."""
LATE = ("session.moaa_s", "session.dissociation_0_10", "session.saturation_not_taken")
"""What belongs to the session and can be said afterwards by whoever watched, where nobody wrote it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One of the five as it stands: missing, draft, finished or not needed; what it says, where it can be read."""

    name: str
    state: str
    told: Mapping[str, str] | None = None
    by: str = ""
    at: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Five:
    """One session with its outputs. `submission` is the form as it was last sent, `note` the one drafted from it."""

    found: Chart
    visit: Visit
    entry: Entry
    fields: tuple[FormField, ...]
    needs_form: bool
    due_on: date
    submission: Submission | None
    note: Note | None
    outputs: tuple[Output, ...]
    disagreements: tuple[Disagreement, ...]
    reasons: tuple[str, ...] = field(default=())

    @property
    def open_fields(self) -> tuple[FormField, ...]:
        """What nobody has said and the form waits for."""
        return tuple(f for f in self.fields if f.is_open and f.blocks)

    @property
    def asks(self) -> tuple[str, ...]:
        """What somebody who watched can still say, by profile path."""
        said = {r.quantity for r in self.visit.readings}
        is_read = self.entry.spo2_lowest is not None
        late = [p for p in LATE if not (p == "session.saturation_not_taken" and is_read)]
        return tuple(path for path in (*QUESTIONS, *late) if path not in said)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing: a form where one is needed, the record, the book, a signed note, the row."""
        return all(one.state in ("finished", "not needed") for one in self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueForm:
    """A monitoring form that has not been sent, with the last day on which it is in time."""

    line: PatientLine
    visit_id: str
    on: date
    due_on: date
    days_left: int

    @property
    def is_overdue(self) -> bool:
        """Whether its last day is over."""
        return self.days_left < 0


def visit_of(within: Reach, visit_id: str) -> tuple[Chart, Visit] | None:
    """The chart and the visit of this id, as far as the reader reaches; None where there is none."""
    row = within.over(Current.objects.filter(kind="Encounter", identity=visit_id)).first()
    found = None if row is None else chart(within, row.patient_id)
    visit = None if found is None else next((v for v in found.visits if v.origin.id == visit_id), None)
    return None if found is None or visit is None else (found, visit)


def entry_of(found: Chart, visit: Visit) -> Entry | None:
    """The entry of this visit from the record and the book; None where no dose was begun."""
    dose = visit.administration
    if dose is None or found.person is None:
        return None
    day = clock.local(dose.started_at, found.practice.zone).date()
    then = found if day == found.as_of else chart(found.reach, found.patient_id, as_of=day, clinic=found.clinic)
    known = {} if then is None or then.person is None else then.person.known
    line = PatientLine.objects.filter(practice=found.practice, patient_id=found.patient_id).first()
    plan = next((p for p in found.plans if p.origin.id == visit.plan_id), None)
    closed = history(found.practice, "Encounter", visit.origin.id)
    return entry(
        visit,
        patient_id=found.patient_id,
        name=(found.given, found.family),
        born_on=None if line is None else line.born_on,
        sex="" if line is None else line.sex,
        number=number_of(visit, found.person.doses),
        ordered_mg=None if plan is None else plan.dose_mg,
        uses=uses_of(found.practice, visit.origin.id),
        adverse=tuple(event for event in adverse_events(found.bundle) if not event.withdrawn),
        known=known,
        zone=found.practice.zone,
        monitored_by=closed[0].changed_by if visit.step == "home" and closed else "",
        site=site_of(found.practice),
        taken_back=events_taken_back(found.bundle, visit.origin.id),
    )


def five_of(found: Chart, visit: Visit, by: Account) -> Five | None:
    """The session with its five outputs as `by` may read them, and where they do not say the same."""
    made = entry_of(found, visit)
    if made is None or found.person is None:
        return None
    sent = newest(found.practice, MONITORING, visit.origin.id)
    inpatient = _inpatient_on(found, made.on)
    note = note_of_visit(found, visit.origin.id, by)
    needs_form = is_due_here(made, found.clinic, inpatient=inpatient)
    outputs = (
        _form(sent, needs_form),
        _effects(found.practice, visit.origin.id),
        _ledger(found.practice, visit.origin.id, made),
        _note(found, visit.origin.id, note, by),
        _registry(found.practice, visit.origin.id, found.patient_id),
    )
    told = {one.name: one.told for one in outputs if one.told is not None}
    differs = (*disagreements(said(made), told), *miscounted(made))
    return Five(
        found=found, visit=visit, entry=made, fields=form_fields(made), needs_form=needs_form, due_on=due_on(made.on),
        submission=sent, note=note, outputs=outputs, disagreements=differs,
        reasons=_reasons(found, made),
    )  # fmt: skip


def due_forms(within: Reach) -> list[DueForm]:
    """The monitoring forms that were not sent, of people who are reached, overdue ones first."""
    practice, today = within.practice, clock.today(within.practice.zone)
    waiting = list(_unsent(within, today))
    people = PatientLine.objects.filter(practice=practice, patient_id__in={d.patient_id for d in waiting})
    lines = {line.patient_id: line for line in people}
    return [
        DueForm(
            line=lines[dose.patient_id],
            visit_id=dose.administration.removesuffix("-dose"),
            on=dose.given_on,
            due_on=due_on(dose.given_on),
            days_left=(due_on(dose.given_on) - today).days,
        )
        for dose in waiting
        if dose.patient_id in lines
    ]


def overdue_forms(within: Reach) -> int:
    """How many of them are past their last day."""
    today = clock.today(within.practice.zone)
    return _unsent(within, today).filter(given_on__lt=today - timedelta(days=FORM_DAYS)).count()


def _unsent(within: Reach, today: date) -> QuerySet[ExposureLine]:
    """The doses for which a monitoring form is needed and none was sent, oldest first; elsewhere none is needed."""
    doses = ExposureLine.objects.filter(product="esketamine", route="nasal", given_on__gte=today - LOOKED_BACK)
    if within.practice.settings.get("jurisdiction", "US") != "US":
        return doses.none()
    return _without(within.people_of(doses), within.practice, MONITORING)


def unfinished(account: Account, *, days: int = 14) -> list[tuple[PatientLine, str, date]]:
    """Sessions of the last days whose record nobody has finished, oldest first: person, visit and day."""
    practice, today = account.practice, clock.today(account.practice.zone)
    doses = reach(account).people_of(ExposureLine.objects.filter(given_on__gte=today - timedelta(days=days)))
    waiting = list(_without(doses, practice, "effects"))
    people = PatientLine.objects.filter(practice=practice, patient_id__in={d.patient_id for d in waiting})
    lines = {line.patient_id: line for line in people}
    return [
        (lines[d.patient_id], d.administration.removesuffix("-dose"), d.given_on)
        for d in waiting
        if d.patient_id in lines
    ]


def _without(doses: QuerySet[ExposureLine], practice: Practice, kind: str) -> QuerySet[ExposureLine]:
    """Of these doses those of our own visits about which nothing of this kind is settled, oldest first."""
    settled = Submission.objects.filter(practice=practice, kind=kind)
    named = settled.annotate(dose=Concat("about", Value("-dose"))).values("dose")
    ours = doses.filter(administration__startswith="visit-", administration__endswith="-dose")
    return ours.exclude(administration__in=named).order_by("given_on", "id")


def newest(practice: Practice, kind: str, about: str) -> Submission | None:
    """The last thing of this kind that left the house about this, or was settled."""
    return Submission.objects.filter(practice=practice, kind=kind, about=about).order_by("-id").first()


def monitoring_pdf(five: Five) -> bytes:
    """The monitoring form as it would leave now."""
    groups: dict[str, list[dict[str, str | None]]] = {}
    for one in five.fields:
        groups.setdefault(one.group, []).append({"label": one.label, "value": one.value})
    practice = five.found.practice
    return form_pdf(
        {
            "title": "Monitoring form, nasal esketamine",
            "practice": practice.name,
            "lead": "",
            "foot": f"Made {clock.local(clock.now(), practice.zone):%Y-%m-%d %H:%M} with ketapath",
            "groups": [{"name": name, "rows": rows} for name, rows in groups.items()],
            "notes": [
                f"In time up to {five.due_on.isoformat()}, the seventh day after the session (GOV-004).",
                "Fields as in the versions of the form that were read (GOV-005); compare the form in force.",
            ],
        }
    )


def draft_note(five: Five) -> str:
    """The text of the progress note as it would be drafted now."""
    return progress_note(five.entry, five.reasons)


def draft_effects(five: Five) -> str:
    """The side-effect record as it would be kept now."""
    return effects_record(five.entry)


def draft_row(five: Five, secret: str) -> dict[str, str]:
    """The row of the registry as it would be written now."""
    return registry_row(five.entry, pseudonym(secret, five.found.patient_id))


def pseudonym(secret: str, patient_id: str) -> str:
    """The same for one person for good, and of nobody who does not hold the practice's secret (HMAC-SHA-256)."""
    return hmac.new(secret.encode(), patient_id.encode(), hashlib.sha256).hexdigest()[:24]


def registry(practice: Practice) -> list[dict[str, str]]:
    """The newest row of each session, by pseudonym and day."""
    rows = {r.visit_id: r.row for r in RegistryRow.objects.filter(practice=practice).order_by("id")}
    return sorted(rows.values(), key=lambda row: (row.get("pseudonym", ""), row.get("day", "")))


def registry_counts(practice: Practice) -> dict[str, int]:
    """The denominators of the registry: doses on record here, those with a row, and people behind each."""
    doses = ExposureLine.objects.filter(practice=practice, administration__startswith="visit-")
    finished = Submission.objects.filter(practice=practice, kind="effects")
    return {
        "sessions": doses.count(),
        "people": doses.values("patient_id").distinct().count(),
        "rows": RegistryRow.objects.filter(practice=practice).values("visit_id").distinct().count(),
        "people_in_rows": finished.values("patient_id").distinct().count(),
    }


def site_of(practice: Practice) -> dict[str, str]:
    """What forms say of the clinic: name, address, telephone, e-mail; what nobody stated is absent."""
    stated = practice.settings.get("site") or {}
    return {"name": practice.name} | {k: str(v) for k, v in stated.items() if k in ("address", "phone", "email") and v}


def note_of_visit(found: Chart, visit_id: str, by: Account) -> Note | None:
    """The note that was drafted from this visit, as far as somebody may read it; a withdrawn one is none."""
    made = newest(found.practice, "note", visit_id)
    if made is None:
        return None
    notes = (shown.note for shown in notes_for(found, by))
    return next((n for n in notes if n.origin.id == made.words and n.state != "withdrawn"), None)


def _form(sent: Submission | None, is_needed: bool) -> Output:
    if sent is None:
        return Output(name="form", state="missing" if is_needed else "not needed")
    if sent.state == "not-needed":
        return Output(name="form", state="not needed", by=sent.by, at=sent.at)
    told = read_form(pdf_rows(bytes(sent.content)))
    return Output(name="form", state="finished", told=told, by=sent.by, at=sent.at)


def _effects(practice: Practice, visit_id: str) -> Output:
    kept = newest(practice, "effects", visit_id)
    if kept is None:
        return Output(name="effects", state="missing")
    told = read_effects(bytes(kept.content).decode())
    return Output(name="effects", state="finished", told=told, by=kept.by, at=kept.at)


def _ledger(practice: Practice, visit_id: str, made: Entry) -> Output:
    rows = rows_of(practice, visit_id)
    if not rows:
        return Output(name="ledger", state="not needed" if made.status == "not-done" else "missing")
    return Output(name="ledger", state="finished", told=read_ledger(rows))


def _note(found: Chart, visit_id: str, note: Note | None, by: Account) -> Output:
    """A draft is its author's alone: to others it is a note that waits for its author."""
    if note is None:
        is_drafted = newest(found.practice, "note", visit_id) is not None
        return Output(name="note", state="draft" if is_drafted else "missing")
    added = [s.note for s in notes_for(found, by) if s.note.appends == note.origin.id and s.note.state == "signed"]
    text = "\n".join([*(one.text for one in added), note.text])  # the newest word of each field counts
    state = "finished" if note.state == "signed" else "draft"
    return Output(name="note", state=state, told=read_note(text), by=note.by, at=note.written_at)


def _registry(practice: Practice, visit_id: str, patient_id: str) -> Output:
    row = RegistryRow.objects.filter(practice=practice, visit_id=visit_id).order_by("-id").first()
    key = RegistryKey.objects.filter(practice=practice).first()
    if row is None or key is None:
        return Output(name="registry", state="missing")
    told = read_registry(row.row, persons={pseudonym(key.secret, patient_id): patient_id})
    return Output(name="registry", state="finished", told=told, at=row.at)


def _inpatient_on(found: Chart, day: date) -> bool | None:
    """Whether somebody said on that very day that the person was in hospital, as GOV-006 asks."""
    then = found if day == found.as_of else chart(found.reach, found.patient_id, as_of=day, clinic=found.clinic)
    fact = None if then is None or then.person is None else then.person.known.get("setting.inpatient")
    return fact.value if fact is not None and isinstance(fact.value, bool) and fact.on == day else None


def _reasons(found: Chart, made: Entry) -> tuple[str, ...]:
    versions = history(found.practice, "MedicationAdministration", f"{made.visit_id}-dose")
    return tuple(v.reason for v in reversed(versions) if v.reason)
