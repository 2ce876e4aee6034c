"""Move what was written about the wrong person: marked as entered in error there, written anew where it belongs.

Both trails stay: a version and a row of the audit on either side.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import reach, require
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.queries.patients import is_reached
from clinic.queries.person import Chart
from clinic.record.read import Stored, of_patient, read
from ketapath.errors import BadInput
from ketapath.fhir import part_of
from ketapath.fhir.encode import withdrawn
from ketapath.fhir.readback import belongs_to, is_ours


def move_record(found: Chart, source: str, to: str, *, by: Account, reason: str, key: str) -> Done:
    """Move this resource ("Kind/id") of this person to another one; the versions written on both sides.

    Raises BadInput for what states nothing about the person, belongs to a plan or visit of ours, or was withdrawn; for
    a person who is not on record, or not this account's to open; and without a reason.
    """
    require(by, "move-record", patient_id=found.patient_id)
    sides = {found.patient_id: "moved to another person's record", to: "moved from another person's record"}
    asked = {"source": source, "to": to}
    acts = {
        person: Act(name="move-record", by=by, patient_id=person, reason=f"{words}: {reason}", asked=asked,
                    key=f"{key}{person == to:d}" if key else "")
        for person, words in sides.items()
    }  # fmt: skip
    done = earlier(acts[found.patient_id])
    if done is not None:
        return done
    if len(acts) != 2 or not is_reached(reach(by, "move-record"), to):
        raise BadInput(
            field=_("person"), found=to or _("nobody"), limit=_("another person on record here"),
            next_step=_("Check the number of the person it belongs to."),
        )  # fmt: skip
    require(by, "move-record", patient_id=to)
    if not reason:
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Say what was wrong."))
    standing = _movable(found, source)
    drafts = {
        found.patient_id: Draft(resource=withdrawn(standing.resource), expected=standing.version),
        to: _anew(found, standing, to),
    }
    errands = {found.patient_id: [], to: [("early-sign", {"patient_id": to}, clock.now())]}
    with transaction.atomic():  # in one order everywhere, so that two moves never wait for one another
        written = [commit(acts[person], [drafts[person]], errands=errands[person]) for person in sorted(acts)]
    return Done(versions={name: version for one in written for name, version in one.versions.items()})


def is_movable(found: Chart, standing: Stored) -> bool:
    """Whether this states something about this person and still counts; no plan or visit of ours, nor a part of one."""
    resource = standing.resource
    ours = {f"{r['resourceType']}/{r['id']}" for r in found.bundle.resources if is_ours(r)}
    is_apart = is_ours(resource) or bool(belongs_to(resource) & ours)
    return not is_apart and part_of(resource) != "person" and "entered-in-error" not in standing.text


def _movable(found: Chart, source: str) -> Stored:
    kind, _slash, identity = source.partition("/")
    standing = read(found.reach, kind, identity)
    if standing is not None and standing.patient_id == found.patient_id and is_movable(found, standing):
        return standing
    raise BadInput(
        field=_("source"), found=source or _("nothing"),
        limit=_("a statement of this record that counts, and no part of a plan or visit"),
        next_step=_("Reload the page."),
    )  # fmt: skip


def _anew(found: Chart, standing: Stored, to: str) -> Draft:
    """The same about the other person, to the letter; what it said of other entries of this record is left out."""
    text = standing.text
    for form in ("Patient/", "urn:uuid:"):
        text = text.replace(f'"{form}{found.patient_id}"', f'"Patient/{to}"')
    others = {f"{s.kind}/{s.identity}" for s in of_patient(found.practice, found.patient_id)}
    content: dict[str, Any] = json.loads(text)
    kept = {name: value for name, value in content.items() if not others & set(_references(value))}
    if len(kept) < len(content):
        text = json.dumps(kept, ensure_ascii=False)
    return Draft(resource={**kept, "id": f"moved-{secrets.token_hex(12)}"}, text=text)


def _references(value: Any) -> Iterator[str]:
    """Every reference in an element, without its version."""
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield str(value["reference"]).split("/_history/")[0]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
