"""Take a whole record in: one person's FHIR Bundle, each resource exactly as it was sent.

Two ways lead in. `import_record` is the ordinary one: statements from elsewhere, into a new or a standing record, never
a plan or session. `import_chart` takes what another installation exported whole, of a person who is not on record here.
What is not shaped like FHIR R4 is set apart with its problems; the rest is stored all together or not at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, commit
from clinic.queries.export import AS_IT_CAME
from clinic.queries.identity import Incoming, recognised, same_patient
from clinic.record.models import IMPORT, Quarantined
from clinic.record.projections import knowledge
from clinic.record.read import Stored, of_patient, read
from clinic.record.signatures import is_signed
from clinic.record.structure import problems
from ketapath.errors import BadInput
from ketapath.fhir import Entry, Resource, entries, read_bundle, refused_change
from ketapath.fhir import elements as el
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.parts import DRAFTS
from ketapath.fhir.readback import belongs_to, is_ours
from ketapath.fhir.verbatim import without_stamps
from ketapath.report import say

Progress = Callable[[str, int], None]
"""Told how far an import is ("read", "checked", "stored"), with the number of resources."""

OF_THE_COURSE = frozenset({"Observation", "QuestionnaireResponse", "MedicationAdministration"})
"""Where scores and doses are read; nothing else can bring a sign."""
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One resource that was set apart: its type and id as it was sent, and what is wrong with it."""

    kind: str
    identity: str
    problems: tuple[str, ...]
    text: str

    @property
    def place(self) -> tuple[str, str]:
        """Type and id, no longer than they are kept."""
        return self.kind[:40], self.identity[:64]

    @property
    def name(self) -> str:
        """As "Kind/id", as it was sent."""
        return f"{self.kind}/{self.identity or '?'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the resources that were sent. `released` counts those set apart before that are in order now."""

    patient_id: str
    done: Done
    stored: int
    updated: int
    unchanged: int
    apart: tuple[Apart, ...]
    released: int


def import_record(data: bytes, *, by: Account, progress: Progress = lambda step, count: None) -> Imported:
    """Every resource of the Bundle into the record of its person; what stands already is left alone.

    The person and each resource are recognised by identifier, else by id, so that the same record again changes
    nothing. Raises BadInput for what is no one-person Bundle, where it cannot be said whose record it is, and for a
    part of a plan or session: those are made by the acts of a clinic, never by import. What bears on the course puts
    the errand into the outbox to look for an early sign, as a score that is typed in does.
    """
    patient = read_bundle(data).patient
    require(by, "import-record", patient_id=str(patient.get("id") or ""))
    sent = entries(data)
    progress("read", len(sent))
    patient_id = same_patient(by.practice, patient)
    standing = {(s.kind, s.identity): s for s in of_patient(by.practice, patient_id)}
    found = recognised(by.practice, patient_id, sent, standing)
    _refuse_ours(found, standing.values())
    return _take_in("import-record", patient_id, found, standing, by=by, progress=progress)


def import_chart(data: bytes, *, by: Account, progress: Progress = lambda step, count: None) -> Imported:
    """A chart that another installation exported whole, with its plans, sessions and recommendations.

    Every resource keeps its exact text. Signatures do not come along: nothing is given on such a plan before somebody
    here has signed it. Raises BadInput for any other Bundle, and for a person who is on record here.
    """
    bundle = read_bundle(data)
    patient_id = str(bundle.patient.get("id") or "")
    require(by, "import-chart", patient_id=patient_id)
    if not bundle.is_whole_chart:
        raise BadInput(
            field="Bundle.meta.tag", found="no whole chart of ketapath", limit="a Bundle that its export wrote",
            next_step="Import it as an ordinary record.",
        )  # fmt: skip
    if read(by.practice, "Patient", same_patient(by.practice, bundle.patient)) is not None:
        raise BadInput(
            field=f"Patient/{patient_id}", found="a person who is on record here",
            limit="for a whole chart, a person who is not", next_step="Import it as an ordinary record.",
        )  # fmt: skip
    sent = list(_as_exported(entries(data)))
    progress("read", len(sent))
    found = recognised(by.practice, patient_id, sent, {})
    return _take_in("import-chart", patient_id, found, {}, by=by, progress=progress)


def _as_exported(sent: Iterable[Entry]) -> Iterator[Entry]:
    """The resources of a whole chart as its record has them, and what was kept apart there as it came."""
    for entry in sent:
        if {"system": LOCAL, "code": "kept-apart"} in _tags(entry.resource):
            for issue in el.objects(entry.resource, "issue"):
                came = (e for e in el.objects(issue, "extension") if e.get("url") == AS_IT_CAME)
                yield from (Entry.of(str(e.get("valueString"))) for e in came)
        elif {"system": LOCAL, "code": "signature"} not in _tags(entry.resource):
            yield Entry.of(without_stamps(entry.text), entry.url)


def _tags(resource: Resource) -> list[Any]:
    tags = (resource.get("meta") or {}).get("tag")
    return tags if isinstance(tags, list) else []


def _refuse_ours(found: Sequence[Incoming], standing: Iterable[Stored]) -> None:
    """Neither a plan, visit, task or recommendation, nor anything that claims to belong to one."""
    ours = {f"{s.kind}/{s.identity}" for s in standing if is_ours(s.resource)}
    ours |= {one.name for one in found if is_ours(one.resource)}
    for one in found:
        if {one.name, *belongs_to(one.resource)} & ours:
            raise BadInput(
                field=f"{one.kind}/{one.sent_as}",
                found="a part of a plan or session",
                limit="what a record states; plans and sessions are made by the acts of a clinic",
                next_step="Leave it out.",
            )


def _take_in(
    name: str, patient_id: str, found: Sequence[Incoming], standing: Mapping[tuple[str, str], Stored], *, by: Account,
    progress: Progress,
) -> Imported:  # fmt: skip
    drafts: list[Draft] = []
    apart: list[Apart] = []
    unchanged = 0
    for one in found:
        before = standing.get((one.kind, one.identity))
        wrong = _wrong_with(by, one, before)
        if wrong:
            apart.append(Apart(kind=one.kind, identity=one.sent_as, problems=wrong, text=one.text))
        elif before is not None and _says_the_same(before, one):
            unchanged += 1
        else:
            drafts.append(
                Draft(resource=one.resource, expected=0 if before is None else before.version, text=one.text)
            )  # fmt: skip
    _refuse_nobody(patient_id, apart, standing)
    progress("checked", len(found))
    act = Act(name=name, by=by, patient_id=patient_id, reason=IMPORT)
    bears = any(draft.resource["resourceType"] in OF_THE_COURSE for draft in drafts)
    look = [("early-sign", {"patient_id": patient_id}, clock.now())] if bears else []
    with transaction.atomic():
        done = commit(act, drafts, errands=look)
        released = _set_apart(apart, {(o.kind[:40], o.sent_as[:64]) for o in found}, patient_id, by)
    updated = sum(version > 1 for version in done.versions.values())
    progress("stored", len(done.versions))
    return Imported(
        patient_id=patient_id, done=done, stored=len(done.versions) - updated, updated=updated, unchanged=unchanged,
        apart=tuple(apart), released=released,
    )  # fmt: skip


def _wrong_with(by: Account, one: Incoming, before: Stored | None) -> tuple[str, ...]:
    """Why this resource cannot be taken in; nothing where it can."""
    if not _ID.fullmatch(one.identity):
        return (f"{one.kind}.id has to be 1 to 64 letters, digits, dots or hyphens",)
    wrong = problems(one.resource)
    if wrong or before is None or _says_the_same(before, one):
        return wrong
    if before.part == DRAFTS or (before.kind == "DocumentReference" and is_signed(by.practice, before)):
        return (f"{one.kind}: a note that was written here; its author alone changes, signs or withdraws it",)
    why = refused_change(before.resource, one.resource)
    return () if why is None else (say(why, knowledge().texts),)


def _refuse_nobody(patient_id: str, apart: Sequence[Apart], standing: Mapping[tuple[str, str], Stored]) -> None:
    """Without a Patient there is no record that the rest could go into."""
    for one in apart:
        if one.kind == "Patient" and ("Patient", patient_id) not in standing:
            raise BadInput(
                field=f"Patient/{one.identity}", found="; ".join(one.problems), limit="a Patient as FHIR R4 writes it",
                next_step="Mend the export.",
            )  # fmt: skip


def _set_apart(apart: Sequence[Apart], sent: set[tuple[str, str]], patient_id: str, by: Account) -> int:
    """Keep what cannot be taken in, release what was kept before and has come in order now; how many those are."""
    kept = {
        (row.kind, row.identity, row.digest): row
        for row in Quarantined.objects.filter(practice=by.practice, patient_id=patient_id)
    }
    now = {(*one.place, hashlib.sha256(one.text.encode()).hexdigest()): one for one in apart}
    gone = [row for place, row in kept.items() if row.identity and place not in now and place[:2] in sent]
    released = [row for row in gone if not any(place[:2] == (row.kind, row.identity) for place in now)]
    Quarantined.objects.filter(pk__in=[row.pk for row in gone]).delete()
    new = {place: one for place, one in now.items() if place not in kept}
    Quarantined.objects.bulk_create(
        Quarantined(
            practice=by.practice, patient_id=patient_id, kind=kind, identity=identity, digest=digest, content=one.text,
            problems=list(one.problems), by=by.name, at=clock.now(),
        )
        for (kind, identity, digest), one in new.items()
    )  # fmt: skip
    if new or gone:
        names = [f"{kind}/{identity}" for kind, identity, _ in new]
        audit.append("set-apart", outcome="done", account=by, patient_id=patient_id, entities=names)
    return len(released)


def _says_the_same(before: Stored, one: Incoming) -> bool:
    return before.text == one.text or _content(before.resource) == _content(one.resource)


def _content(resource: Resource) -> dict[str, object]:
    """Without the stamps that every export sets anew."""
    meta = {k: v for k, v in (resource.get("meta") or {}).items() if k not in ("versionId", "lastUpdated")}
    return {**resource, "meta": meta}


def told(found: Imported) -> dict[str, Any]:
    """The report of an import as values for JSON."""
    return {
        "patient": found.patient_id, "stored": found.stored, "updated": found.updated, "unchanged": found.unchanged,
        "released": found.released,
        "quarantined": [{"resource": o.name, "problems": list(o.problems)} for o in found.apart],
    }  # fmt: skip


def lines(found: Imported) -> list[str]:
    """The report of an import as lines of text; nothing of what a resource says is in it."""
    counts = (
        f"{found.stored} resources stored, {found.updated} updated, {found.unchanged} unchanged, "
        f"{len(found.apart)} quarantined"
    )
    more = [f"{found.released} that were quarantined before are in the record now"] if found.released else []
    return [f"{found.patient_id}: {counts}", *more, *(f"  {o.name}: {'; '.join(o.problems)}" for o in found.apart)]
