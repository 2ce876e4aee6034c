"""Which adverse events are on record, which of them are serious, and what of them is due?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach
from clinic.practice.models import Submission
from clinic.queries.person import Chart, clinic_now, knowledge_at
from clinic.queries.stock import lots_of
from clinic.record.models import Current, PatientLine, Practice, Version
from clinic.record.read import Stored, history, stored_of
from ketapath.domain.adverse import AdverseEvent
from ketapath.fhir.adverse import adverse_event_of, adverse_events
from ketapath.report.document import form_pdf

REPORT, REVIEW = "adverse-report", "adverse-review"
RULES = ("MON-026", "MON-036", "GOV-031")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One event with what became of it. What is due of a serious one is None where it was done, or is not asked for.

    Where it became worse after that, a review and a report are due anew, and `review` and `report` are those of before.
    `lot` is that of the drug record, as it stands now, where nobody has named another.
    """

    event: AdverseEvent
    line: PatientLine | None
    lot: str
    review: Submission | None
    report: Submission | None
    review_due: datetime | None
    report_due: date | None
    follow_up_due: date | None
    now: datetime

    @property
    def reported_lot(self) -> str | None:
        """The lot that the report named, "" for none, where it is another one now; None where it is the same."""
        if self.report is None or "json" not in self.report.said:
            return None
        named = json.loads(self.report.said["json"])["fields"]["Suspected product"]["Lot"] or ""
        return None if named == self.lot else named

    @property
    def is_late(self) -> bool:
        """Whether anything of it should have been done by now."""
        late_day = any(due is not None and due < self.now.date() for due in (self.report_due, self.follow_up_due))
        return late_day or (self.review_due is not None and self.review_due < self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportField:
    """One field of the report; open where nobody knows it."""

    group: str
    label: str
    value: str | None


def register(account: Account) -> list[Case]:
    """Every event of people whom this account reaches: what is late first, then the newest, then those withdrawn."""
    rows = reach(account).over(Current.objects.filter(kind="AdverseEvent"))
    events = [event for row in rows if (event := adverse_event_of(stored_of(row).resource)) is not None]
    people = PatientLine.objects.filter(practice=account.practice, patient_id__in={e.patient_id for e in events})
    lines = {line.patient_id: line for line in people}
    cases = _cases(account.practice, events, lines)
    return sorted(cases, key=lambda c: (not c.is_late, bool(c.event.withdrawn), -c.event.onset.timestamp()))


def cases_of(found: Chart) -> list[Case]:
    """The events of one person, newest first."""
    events = adverse_events(found.bundle)
    people = PatientLine.objects.filter(practice=found.practice, patient_id=found.patient_id)
    return _cases(found.practice, events[::-1], {line.patient_id: line for line in people})


def late_cases(practice: Practice) -> list[Case]:
    """Every event of the clinic of which something should have been done by now."""
    rows = Current.objects.filter(practice=practice, kind="AdverseEvent").order_by("id")
    events = [event for row in rows if (event := adverse_event_of(stored_of(row).resource)) is not None]
    return [case for case in _cases(practice, events, {}) if case.is_late]


def _cases(practice: Practice, events: Sequence[AdverseEvent], lines: Mapping[str, PatientLine]) -> list[Case]:
    """The events with their clocks, by the clinic's own figures."""
    known, now = knowledge_at(clinic_now(practice)), clock.local(clock.now(), practice.zone)
    settled = _settled(practice, [e.origin.id for e in events])
    worse = _became_worse(practice, events)
    books = lots_of(practice, {e.visit_id for e in events})
    cases = []
    for event in events:
        review, report = (settled.get((kind, event.origin.id)) for kind in (REVIEW, REPORT))
        is_waiting = event.is_serious and not event.withdrawn
        starts = [event.recorded_at, *worse.get(event.origin.id, ())] if is_waiting else []
        to_review, to_report = _first_after(starts, review), _first_after(starts, report)
        days = timedelta(days=known.figure("adverse_report_days"))
        cases.append(
            Case(
                event=event,
                line=lines.get(event.patient_id),
                lot=_lot(event, books.get(event.visit_id, {})),
                review=review,
                report=report,
                review_due=None
                if to_review is None
                else clock.local(to_review, practice.zone) + timedelta(hours=known.figure("adverse_review_hours")),
                report_due=None if to_report is None else clock.local(to_report, practice.zone).date() + days,
                follow_up_due=None if event.withdrawn else event.followed_up_by,
                now=now,
            )
        )
    return cases


def _first_after(starts: Sequence[datetime], done: Submission | None) -> datetime | None:
    """From when on the clock runs: the first start that nobody has answered."""
    return next((at for at in starts if done is None or at > done.at), None)


def _became_worse(practice: Practice, events: Sequence[AdverseEvent]) -> dict[str, list[datetime]]:
    """When each serious event became worse, since it has been serious: its review and its report start anew then."""
    since = {e.origin.id: e.recorded_at for e in events if e.is_serious}
    rows = Version.objects.filter(practice=practice, kind="AdverseEvent", identity__in=since).order_by("version")
    before: dict[str, AdverseEvent] = {}
    found: dict[str, list[datetime]] = {}
    for row in rows:
        event = adverse_event_of(stored_of(row).resource)
        if event is None:
            continue
        earlier = before.get(row.identity)
        if earlier is not None and row.changed_at > since[row.identity] and event.is_worse_than(earlier):
            found.setdefault(row.identity, []).append(row.changed_at)
        before[row.identity] = event
    return found


def _lot(event: AdverseEvent, book: Mapping[str, Decimal]) -> str:
    """The lot that was named; where it is one that the drug record has or had, what that record says now."""
    named = [name.strip() for name in event.lot.split(";") if name.strip()]
    if any(name not in book for name in named):
        return event.lot
    return "; ".join(lot for lot, drawn in sorted(book.items()) if drawn)


def versions_of(found: Chart, identity: str) -> list[tuple[Stored, AdverseEvent]]:
    """Every version of an event of this person, newest first."""
    stored = [s for s in history(found.reach, "AdverseEvent", identity) if s.patient_id == found.patient_id]
    events = ((s, adverse_event_of(s.resource)) for s in stored)
    return [(s, event) for s, event in events if event is not None]


def report_fields(found: Chart, case: Case) -> tuple[ReportField, ...]:
    """What a report to the safety programme or MedWatch asks, as far as it is on record (GOV-031, MON-026)."""
    event, line = case.event, case.line
    visit = next((v for v in found.visits if v.origin.id == event.visit_id), None)
    dose = None if visit is None else visit.administration
    zone = found.practice.zone
    born = None if line is None or line.born_on is None else line.born_on.isoformat()
    mg = None if dose is None or dose.dose_mg is None else f"{dose.dose_mg:.2f} mg of base"
    given = None if dose is None else f"{clock.local(dose.started_at, zone):%Y-%m-%d %H:%M}"
    weight = None if found.person is None else found.person.known.get("vitals.weight_kg")
    said: list[tuple[str, str, str | None]] = [
        ("Patient", "Record number", event.patient_id),
        ("Patient", "Birth date", born),
        ("Patient", "Sex", (line.sex if line is not None else "") or None),
        ("Patient", "Weight, kg", None if weight is None else f"{weight.value:g}"),
        ("Event", "What happened", event.words or None),
        ("Event", "Began", f"{clock.local(event.onset, zone):%Y-%m-%d %H:%M}"),
        ("Event", "Grade, 1 to 5", str(event.grade)),
        ("Event", "Serious because of", ", ".join(event.criteria) or "not serious"),
        ("Event", "Course and findings", event.story or None),
        ("Event", "What was done", event.taken or None),
        ("Event", "Outcome", None if event.outcome == "unknown" else event.outcome),
        ("Suspected product", "Product", event.product or None),
        ("Suspected product", "Route", None if dose is None else dose.route),
        ("Suspected product", "Lot", case.lot or None),
        ("Suspected product", "Dose", mg),
        ("Suspected product", "Given", given),
        ("Suspected product", "Causality", None if event.causality == "not-assessed" else event.causality),
        ("Reporter", "Clinic", found.practice.name),
        ("Reporter", "Address", str((found.practice.settings.get("site") or {}).get("address") or "") or None),
        ("Reporter", "Telephone", str((found.practice.settings.get("site") or {}).get("phone") or "") or None),
        ("Reporter", "Recorded by", event.by or None),
    ]
    return tuple(ReportField(group=group, label=label, value=value) for group, label, value in said)


def report_json(found: Chart, case: Case) -> bytes:
    """The report as JSON: its fields by group, None where they are open, and which those are."""
    fields = report_fields(found, case)
    groups: dict[str, dict[str, str | None]] = {}
    for one in fields:
        groups.setdefault(one.group, {})[one.label] = one.value
    made: dict[str, Any] = {
        "report": "adverse event",
        "event": case.event.origin.id,
        "version": case.event.origin.version,
        "serious": case.event.is_serious,
        "withdrawn": case.event.withdrawn or None,
        "follows": None if case.report is None else case.report.sent_on.isoformat(),
        "rules": list(RULES),
        "fields": groups,
        "open": [one.label for one in fields if one.value is None],
    }
    return json.dumps(made, ensure_ascii=False, indent=2).encode()


def report_pdf(found: Chart, case: Case) -> bytes:
    """The report as a document; what nobody knows is printed as open."""
    groups: dict[str, list[dict[str, str | None]]] = {}
    for one in report_fields(found, case):
        groups.setdefault(one.group, []).append({"label": one.label, "value": one.value})
    at = clock.local(case.event.recorded_at, found.practice.zone)
    return form_pdf(
        {
            "title": "Report of an adverse event",
            "practice": found.practice.name,
            "lead": f"Withdrawn, entered in error: {case.event.withdrawn}"
            if case.event.withdrawn
            else "Serious."
            if case.event.is_serious
            else "Not serious.",
            "foot": f"As recorded {at:%Y-%m-%d %H:%M}, version {case.event.origin.version or '1'}, with ketapath",
            "groups": [{"name": name, "rows": rows} for name, rows in groups.items()],
            "notes": [
                *(
                    [f"Follow-up to the report of {case.report.sent_on.isoformat()} to {case.report.words}."]
                    if case.report is not None
                    else []
                ),
                f"Grading, seriousness and report: rules {', '.join(RULES)}.",
            ],
        }
    )


def _settled(practice: Practice, events: list[str]) -> dict[tuple[str, str], Submission]:
    """The newest review and report of each event."""
    rows = Submission.objects.filter(practice=practice, kind__in=(REPORT, REVIEW), about__in=events)
    return {(row.kind, row.about): row for row in rows.order_by("id")}
