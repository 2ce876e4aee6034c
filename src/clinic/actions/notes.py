"""Write a note about a person, sign it, add to it, or say that it was wrong. A draft is its author's alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.access.proof import Proof
from clinic.actions.commit import Act, Done, Draft, Signing, Stale, commit, earlier
from clinic.queries.notes import notes_for
from clinic.queries.person import Chart
from clinic.record.read import Stored, read
from clinic.record.signatures import Seen
from ketapath.domain.note import SECTIONS, Note
from ketapath.errors import BadInput
from ketapath.fhir import Resource, encode
from ketapath.fhir.readback import note_of

LONGEST = 20_000
"""Letters of a note; about ten printed pages."""
KINDS = {
    "progress": ("write-note", "chart"),
    "process": ("write-process-note", "process-notes"),
    "preparation": ("write-note", "chart"),
    "integration": ("write-note", "chart"),
}
"""Each kind of note with the act that writes it and the part of the record that it belongs to."""
STATED = {"aims": gettext_lazy("aims"), "roles": gettext_lazy("roles"), "limits": gettext_lazy("limits")}
"""What a preparation has to state before it is signed (PSY-009)."""
PARTS = {
    "aims": gettext_lazy("Aims"),
    "roles": gettext_lazy("Who does what"),
    "limits": gettext_lazy("Limits, and what is not done"),
    "came-up": gettext_lazy("What came up"),
    "plan": gettext_lazy("What follows"),
}
"""The parts of a note of preparation or integration, as its headings say them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What the page asked for. `seen` is the draft that is gone on with, None for a new note; `appends` the note that
    it is an addendum to. A note that has parts brings them in `sections`; `visit_id` is the session it is about.
    """

    kind: str
    text: str
    seen: Seen | None = None
    appends: str | None = None
    sections: Mapping[str, str] = field(default_factory=dict)
    visit_id: str | None = None


def save_note(found: Chart, writing: Writing, *, by: Account, key: str, proof: Proof | None = None) -> Done:
    """Keep the note as a draft that only its author sees; with a `proof` sign it, and then it stays as it is.

    Raises BadInput for an empty or too long text, another kind, nothing to add to, or a signed note of preparation that
    does not say aims, roles and limits (PSY-009); Stale where the draft has changed since it was read; Refused for
    somebody else's draft.
    """
    if writing.kind not in KINDS:
        raise BadInput(field=_("kind"), found=writing.kind or _("nothing"), limit=_("a kind of note"),
                       next_step=_("Choose one."))  # fmt: skip
    act_name, part = KINDS[writing.kind]
    require(by, act_name, patient_id=found.patient_id, part=part)
    if proof is not None:
        require(by, "sign-note", patient_id=found.patient_id)
    asked: dict[str, object] = {
        "kind": writing.kind, "text": writing.text, "appends": writing.appends, "is_signed": proof is not None,
        "seen": None if writing.seen is None else writing.seen.text,
    }  # fmt: skip
    if writing.sections or writing.visit_id:
        asked |= {"sections": dict(writing.sections), "visit": writing.visit_id}
    act = Act(name=act_name, by=by, patient_id=found.patient_id, key=key, asked=asked)
    act = act if proof is None else replace(act, name="sign-note")
    done = earlier(act)
    if done is not None:
        return done
    sections = _sections(writing, is_signed=proof is not None)
    text = _of_parts(sections) if sections else writing.text
    _check_text(text)
    if writing.visit_id is not None and all(v.origin.id != writing.visit_id for v in found.visits):
        raise BadInput(field=_("session"), found=writing.visit_id, limit=_("a session of this person"),
                       next_step=_("Choose from the list."))  # fmt: skip
    standing, before = (None, None) if writing.seen is None else _own(found, writing.seen, by, "draft")
    appends = writing.appends if before is None else before.appends
    if before is None and appends is not None:
        _check_appends(found, appends, writing.kind, by)
    resource = encode.note(
        f"note-{secrets.token_hex(12)}" if before is None else before.origin.id,
        writing.kind if before is None else before.kind,
        text,
        patient_id=found.patient_id,
        at=_now(by),
        by=by.name,
        username=by.username,
        is_signed=proof is not None,
        appends=appends,
        sections=sections,
        visit_id=writing.visit_id,
    )
    return _commit(act, resource, standing, proof)


def withdraw_note(found: Chart, seen: Seen, *, reason: str, by: Account, key: str, proof: Proof) -> Done:
    """The author says, and signs, that this note was entered in error; it stays readable as such, with the reason."""
    require(by, "sign-note", patient_id=found.patient_id)
    act = Act(name="sign-note", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"out": seen.text})
    done = earlier(act)
    if done is not None:
        return done
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Say what was wrong."))
    standing, _before = _own(found, seen, by, "draft", "signed")
    return _commit(act, encode.with_status(standing.resource, "entered-in-error"), standing, proof)


def _commit(act: Act, resource: Resource, standing: Stored | None, proof: Proof | None) -> Done:
    if proof is not None:
        over = (f"DocumentReference/{resource['id']}",)
        act = replace(act, signing=Signing(meaning="author", proof=proof, over=over))
    return commit(act, [Draft(resource=resource, expected=0 if standing is None else standing.version)])


def _own(found: Chart, seen: Seen, by: Account, *states: str) -> tuple[Stored, Note]:
    """The note as it stands, of this author and in one of these states."""
    standing = read(found.practice, "DocumentReference", seen.identity)
    note = None if standing is None else note_of(standing.resource)
    if standing is None or standing.patient_id != found.patient_id or note is None or note.username != by.username:
        raise Refused("sign-note")  # what is not one's own looks like what does not exist
    if seen != Seen.of(standing) or note.state not in states:
        raise Stale(standing.kind, standing.identity, standing.version)
    return standing, note


def _check_appends(found: Chart, appends: str, kind: str, by: Account) -> None:
    shown = (one.note for one in notes_for(found, by))
    known = (n for n in shown if n.origin.id == appends and n.state == "signed")
    if not any(n.kind == kind for n in known):
        raise BadInput(
            field=_("addendum"), found=appends, limit=_("an addition to a signed note of the same kind"),
            next_step=_("Open the notes again and choose one."),
        )  # fmt: skip


def _sections(writing: Writing, *, is_signed: bool) -> dict[str, str]:
    """What was written in the parts that this kind of note has; nothing for one without parts, or an addition."""
    named = SECTIONS.get(writing.kind, ())
    said = {name: writing.sections[name].strip() for name in named if writing.sections.get(name, "").strip()}
    lacking = [words for name, words in STATED.items() if writing.kind == "preparation" and name not in said]
    if is_signed and lacking and writing.appends is None:
        raise BadInput(
            field=_("note"), found=_("nothing on %(what)s") % {"what": ", ".join(map(str, lacking))},
            limit=_("aims, roles and limits of the preparation"), next_step=_("Write them, or keep it as a draft."),
        )  # fmt: skip
    return said


def _of_parts(sections: Mapping[str, str]) -> str:
    """The parts as one text, each under its heading, as every reader of notes shows it."""
    return "\n\n".join(f"{PARTS[name]}\n{said}" for name, said in sections.items())


def _check_text(text: str) -> None:
    if not text.strip() or len(text) > LONGEST or "\0" in text:
        raise BadInput(
            field=_("note"),
            found=_("nothing") if not text.strip() else _("%(count)s letters") % {"count": len(text)},
            limit=_("1 to %(count)s letters") % {"count": LONGEST},
            next_step=_("Write it, or write it in two notes."),
        )


def _now(by: Account) -> datetime:
    return clock.local(clock.now(), by.practice.zone)
