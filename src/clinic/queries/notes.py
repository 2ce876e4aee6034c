"""Which notes about this person may somebody read? Drafts are their author's, process notes the therapists'."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.access.models import Account
from clinic.access.permission import may, reach
from clinic.queries.person import Chart
from clinic.record.models import Current
from clinic.record.read import Stored, history, read, stored_of
from clinic.record.signatures import Seen
from ketapath.domain.note import Note
from ketapath.fhir import Resource, bundle_of
from ketapath.fhir.parts import DRAFTS
from ketapath.fhir.readback import note_of, notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A note as the page shows it. `seen` is there for its author; `ended` where it was entered in error."""

    note: Note
    seen: Seen | None
    ended: Stored | None


def notes_for(found: Chart, by: Account) -> tuple[Shown, ...]:
    """The notes about this person that this account may read, newest first."""
    rows = Current.objects.filter(patient_id=found.patient_id, kind="DocumentReference")
    reached = reach(by).over(rows) | rows.filter(practice=found.practice, part=DRAFTS)
    resources = [stored_of(row).resource for row in reached.order_by("id")]
    written = notes(bundle_of([found.bundle.patient, *resources]))
    return tuple(_shown(found, note, by) for note in written[::-1] if _may_read(note, by))


def versions_for(found: Chart, kind: str, identity: str, by: Account) -> list[Stored]:
    """The versions of a resource about this person that this account may read, newest first."""
    versions = (s for s in history(found.practice, kind, identity) if s.patient_id == found.patient_id)
    return [s for s in versions if _is_own_draft(s, by) or _reaches(found, s, by)]


def _reaches(found: Chart, version: Stored, by: Account) -> bool:
    return found.reach.holds(version.patient_id, version.part) and may_see(version.resource, by)


def _is_own_draft(version: Stored, by: Account) -> bool:
    note = note_of(version.resource) if version.part == DRAFTS else None
    return note is not None and note.username == by.username


def may_see(resource: Resource, by: Account) -> bool:
    """Whether this account may read this version of a resource, as far as it is a note."""
    note = note_of(resource)
    return note is None or _may_read(note, by, is_draft=resource.get("docStatus") == "preliminary")


def _may_read(note: Note, by: Account, *, is_draft: bool = False) -> bool:
    if note.kind == "process" and not may(by, "write-process-note"):
        return False
    return note.username == by.username or not (is_draft or note.state == "draft")


def _shown(found: Chart, note: Note, by: Account) -> Shown:
    name = note.origin.resource, note.origin.id
    standing = read(found.practice, *name) if note.username == by.username else None
    return Shown(
        note=note,
        seen=None if standing is None else Seen.of(standing),
        ended=history(found.practice, *name)[0] if note.state == "withdrawn" else None,
    )
