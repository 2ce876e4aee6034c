"""The only way anything enters the record: permission, allowed step, write, audit, projection, outbox, all or nothing.

Pages, import and every later door write through here. A request that comes twice under one key is done once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, may
from clinic.access.proof import NotProven, Proof
from clinic.record.models import Errand, Receipt
from clinic.record.projections import project
from clinic.record.read import Stored, mark, read
from clinic.record.signatures import Meaning, Seen, is_signed, reference_of
from clinic.record.write import Stale, Write, lock, sign, write
from ketapath.domain.evidence import Text
from ketapath.errors import BadInput
from ketapath.fhir import patient_of, read_resource, refused_change

__all__ = ["Act", "Done", "Draft", "KeyReused", "NotAllowed", "NotProven", "Signing", "Stale", "commit", "earlier"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The signature of whoever does an act: what it means, and the proof that it is they.

    `over` names drafts of the act by "Kind/id"; `standing` are versions that stand already, as they were read.
    """

    meaning: Meaning
    proof: Proof
    over: tuple[str, ...] = ()
    standing: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does what to whom, why, and under which key. `asked` is what the sender asked for, for telling repeats.

    `mark` is the place in the person's history that the act was decided on: where the record has gone on since, the act
    is refused as stale. None where that does not matter. `signing` is the signature that the act sets, if it sets one.
    """

    name: str
    by: Account
    patient_id: str
    reason: str = ""
    key: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    mark: int | None = None
    signing: Signing | None = None

    @property
    def digest(self) -> str:
        """The request in one word."""
        text = json.dumps([self.name, self.patient_id, dict(self.asked)], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A resource to be stored. `expected` is the version its writer has seen (0: new); `text` its own wording."""

    resource: Mapping[str, Any]
    expected: int = 0
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was stored: versions by "Kind/id". `is_repeat` where an earlier request had done it already."""

    versions: Mapping[str, int]
    is_repeat: bool = False


class NotAllowed(Exception):
    """The core does not allow this step. Carries its sentence."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.key)
        self.why = why


class KeyReused(Exception):
    """One key was sent with two different requests."""


def earlier(act: Act) -> Done | None:
    """What this very request did before; None where it is new.

    Raises KeyReused where its key has been used for something else.
    """
    if not act.key:
        return None
    found = Receipt.objects.filter(practice=act.by.practice, sender=act.by.username, key=act.key).first()
    if found is None:
        return None
    if found.digest != act.digest:
        raise KeyReused(act.key)
    return Done(versions=found.result, is_repeat=True)


def commit(
    act: Act, drafts: Sequence[Draft], *, errands: Sequence[tuple[str, Mapping[str, Any], datetime]] = ()
) -> Done:
    """Do this act.

    Raises Refused without permission, NotProven for a signature of somebody else, NotAllowed for a step that the core
    does not allow, Stale where somebody else has written first, KeyReused, and BadInput for what is no resource about
    this person.
    """
    if not may(act.by, act.name, patient_id=act.patient_id):
        audit.append(act.name, outcome="refused", account=act.by, patient_id=act.patient_id)
        raise Refused(act.name)
    if act.signing is not None and act.signing.proof.username != act.by.username:
        audit.append(act.name, outcome="refused", account=act.by, patient_id=act.patient_id)
        raise NotProven(act.by.username)
    try:
        with transaction.atomic():
            lock(act.by.practice, act.patient_id)
            return earlier(act) or _carry_out(act, drafts, errands)
    except IntegrityError:
        # Two requests under one key at the same instant: the other one has done it.
        done = earlier(act)
        if done is None:
            raise
        return done


def _carry_out(act: Act, drafts: Sequence[Draft], errands: Sequence[tuple[str, Mapping[str, Any], datetime]]) -> Done:
    practice, at = act.by.practice, clock.now()
    if act.mark is not None and mark(practice, act.patient_id) != act.mark:
        raise Stale("Patient", act.patient_id, 0)
    stored = write(practice, [_checked(act, draft) for draft in drafts], by=act.by.name, reason=act.reason, at=at)
    versions = {f"{s.kind}/{s.identity}": s.version for s in stored}
    if stored:
        project(practice, act.patient_id)
    Errand.objects.bulk_create(
        Errand(practice=practice, kind=kind, details=dict(details), due_at=due) for kind, details, due in errands
    )
    named = [f"{name}/_history/{version}" for name, version in versions.items()]
    named += _sign(act, stored, at)
    audit.append(act.name, outcome="done", account=act.by, patient_id=act.patient_id, entities=named)
    if act.key:
        Receipt.objects.create(
            practice=practice, sender=act.by.username, key=act.key, digest=act.digest, result=versions, done_at=at
        )
    return Done(versions=versions)


def _sign(act: Act, stored: Sequence[Stored], at: datetime) -> list[str]:
    """Set the act's signature over what it stored and over what stands as it was read; how the trail names each."""
    if act.signing is None:
        return []
    made = {f"{s.kind}/{s.identity}": s for s in stored}
    found = [made[name] for name in act.signing.over]
    for seen in act.signing.standing:
        standing = read(act.by.practice, seen.kind, seen.identity)
        if standing is None or standing.patient_id != act.patient_id or Seen.of(standing) != seen:
            raise Stale(seen.kind, seen.identity, 0 if standing is None else standing.version)
        found.append(standing)
    rows = [
        sign(act.by.practice, one, meaning=act.signing.meaning, username=act.by.username, name=act.by.name,
             role=act.by.role, at=at)
        for one in found
    ]  # fmt: skip
    return [reference_of(row.pk, row.digest) for row in rows]


def _checked(act: Act, draft: Draft) -> Write:
    """The draft as text that reads back as a resource about this person, and as a step that may follow."""
    text = draft.text if draft.text is not None else json.dumps(_bare(draft.resource), ensure_ascii=False)
    kind, identity = str(draft.resource["resourceType"]), str(draft.resource["id"])
    after = {**read_resource(text.encode()), "id": identity} if draft.text is None else draft.resource
    about = patient_of(after)
    if about not in (None, act.patient_id):
        raise BadInput(
            field=f"{kind}/{identity} subject",
            found=about,
            limit=f"Patient/{act.patient_id}",
            next_step="Write into the record of the person it is about.",
        )
    before = read(act.by.practice, kind, identity) if draft.expected else None
    if before is not None and before.version != draft.expected:
        raise Stale(kind, identity, before.version)
    signed = before is not None and is_signed(act.by.practice, before)
    why = refused_change(None if before is None else before.resource, after, is_signed=signed)
    if why is not None:
        raise NotAllowed(why)
    return Write(kind=kind, identity=identity, patient_id=act.patient_id, text=text, expected=draft.expected)


def _bare(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Without the version and time that the store itself lays over it."""
    meta = {k: v for k, v in (resource.get("meta") or {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return {**rest, "meta": meta} if meta else rest
