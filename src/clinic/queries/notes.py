"""Which notes about this person may somebody read? Drafts are their author's, process notes the therapists'."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.access.models import Account
from clinic.access.permission import may
from clinic.queries.person import Chart
from clinic.record.read import Stored, history, read
from clinic.record.signatures import Seen
from ketapath.domain.note import Note
from ketapath.fhir import Resource
from ketapath.fhir.readback import note_of, notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A note as the page shows it. `seen` is there for its author; `ended` where it was entered in error."""

    note: Note
    seen: Seen | None
    ended: Stored | None


def notes_for(found: Chart, by: Account) -> tuple[Shown, ...]:
    """The notes about this person that this account may read, newest first."""
    return tuple(_shown(found, note, by) for note in notes(found.bundle)[::-1] if _may_read(note, by))


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
