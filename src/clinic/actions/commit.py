"""The only way anything enters the record: permission, allowed step, write, audit, projection, outbox, all or nothing.

Pages, import and every later door write through here. A request that comes twice under one key is done once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from clinic import clock
from clinic.access import audit, relations
from clinic.access.models import Account
from clinic.access.permission import UNREAD, Refused, may, reach, require
from clinic.access.proof import NotProven, Proof
from clinic.record.models import Errand, Receipt
from clinic.record.projections import project
from clinic.record.read import Stored, mark, read
from clinic.record.search import Query, search
from clinic.record.signatures import Meaning, Seen, is_signed, reference_of
from clinic.record.write import Stale, Write, lock, sign, write
from ketapath.domain.evidence import Text
from ketapath.errors import BadInput
from ketapath.fhir import patient_of, read_resource, refused_change
from ketapath.fhir.parts import ADVISED, DRAFTS, part_of
from ketapath.fhir.readback import note_of
from ketapath.fhir.verbatim import renamed

__all__ = [
    "Act", "Done", "Draft", "KeyReused", "NotAllowed", "NotProven", "Several", "Signing", "Stale", "Taken", "commit",
    "earlier",
]  # fmt: skip
_IN_TURN = frozenset({"Appointment", "Encounter"})
"""Kinds of which a practice writes one act at a time: what one takes nobody else is just taking."""


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

    Without a `patient_id` it is done to whoever the drafts are about, each of whom has to be permitted. `request` is
    the line that came through a door, for the trail, without any word of a person. `mark` is the place in the person's
    history that the act was decided on: where the record has gone on since, the act is refused as stale. None where
    that does not matter. `signing` is the signature that the act sets, if it sets one; it is about one person.
    """

    name: str
    by: Account
    patient_id: str
    reason: str = ""
    key: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    request: str = ""
    mark: int | None = None
    signing: Signing | None = None

    @property
    def digest(self) -> str:
        """The request in one word."""
        text = json.dumps([self.name, self.patient_id, dict(self.asked)], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A resource to be stored. `expected` is the version its writer has seen (0: new); `text` its own wording.

    Where something that its writer may see fits `unless`, the draft is not stored, and stands for what was found.
    """

    resource: Mapping[str, Any]
    expected: int = 0
    text: str | None = None
    unless: Query | None = None

    @property
    def name(self) -> str:
        """As others refer to it."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was stored: versions by "Kind/id". `is_repeat` where an earlier request had done it already.

    `matched` maps each draft that was not stored, because something fitted its `unless`, to what was found.
    """

    versions: Mapping[str, int]
    matched: Mapping[str, str] = field(default_factory=dict)
    is_repeat: bool = False


class NotAllowed(Exception):
    """The core does not allow this step. Carries its sentence."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.key)
        self.why = why


class Taken(NotAllowed):
    """A room, a person or a colleague is booked already at a time that this act would book them for."""

    def __init__(self) -> None:
        super().__init__(Text(key="record.booked_twice"))


class KeyReused(Exception):
    """One key was sent with two different requests."""


class Several(Exception):
    """More than one resource fits what a draft was not to be stored beside."""


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
    result = found.result if "versions" in found.result else {"versions": found.result}
    return Done(**result, is_repeat=True)


Errands = Sequence[tuple[str, Mapping[str, Any], datetime]]


def commit(
    act: Act, drafts: Sequence[Draft], *, errands: Errands = (), last: Callable[[Done], None] | None = None
) -> Done:
    """Do this act. `last` runs at its end in the same transaction: what it raises takes everything back.

    Raises Refused without permission, NotProven for a signature of somebody else, NotAllowed for a step that the core
    does not allow, Taken for what would be booked twice, Stale where somebody else has written first, Several,
    KeyReused, and BadInput for what is no resource about this person.
    """
    if act.signing is not None and act.signing.proof.username != act.by.username:
        audit.append(act.name, outcome="refused", account=act.by, patient_id=act.patient_id)
        raise NotProven(act.by.username)
    try:
        with transaction.atomic():
            return _in_turn(act, drafts, errands, last)
    except Refused as refusal:
        audit.append(
            act.name,
            outcome="refused",
            account=act.by,
            patient_id=refusal.patient_id or act.patient_id,
            asked=act.request,
        )
        refusal.is_on_trail = True
        raise
    except IntegrityError as problem:
        # Two requests under one key at the same instant: the other one has done it.
        done = earlier(act)
        if done is not None:
            return done
        if any(name in str(problem) for name in ("nothing_booked_twice", "record_hold.")):
            raise Taken from problem
        raise


def _in_turn(act: Act, drafts: Sequence[Draft], errands: Errands, last: Callable[[Done], None] | None) -> Done:
    """The act, once everybody else who writes about the same people, or would make the same resource, has finished.

    Locks on kinds are always taken before locks on people, and each in order, so that no two acts wait for each other.
    """
    practice = act.by.practice
    named = ((str(d.resource["resourceType"]), d.unless) for d in drafts)
    kinds = sorted({kind for kind, unless in named if unless is not None or kind in _IN_TURN})
    for kind in kinds:
        lock(practice, f"{kind}?")
    if kinds and (done := earlier(act)) is not None:
        return done
    drafts, matched = _unmatched(act, drafts)
    standing = {d.name: read(practice, *d.name.split("/", 1)) for d in drafts if d.expected}
    about = {d.name: act.patient_id or _person(d, standing.get(d.name)) for d in drafts}
    people = sorted({act.patient_id} if act.patient_id or not drafts else set(about.values()))
    for person in people:
        if not may(act.by, act.name, patient_id=person or None):
            raise Refused(act.name, patient_id=person)
    for person in people:
        lock(practice, person)
    done = earlier(act)
    if done is None:
        done = _carry_out(act, drafts, about, matched, errands)
        if last is not None:
            last(done)
    return done


def _unmatched(act: Act, drafts: Sequence[Draft]) -> tuple[Sequence[Draft], dict[str, str]]:
    """The drafts that nothing stands in for yet; in their text what is found instead of the others is named."""
    matched: dict[str, str] = {}
    for draft in drafts:
        if draft.unless is None:
            continue
        page = search(reach(act.by), draft.unless)
        if page.total > 1:
            raise Several(draft.name)
        for found in page.matches:
            matched[draft.name] = f"{found.kind}/{found.identity}"
    left = [draft for draft in drafts if draft.name not in matched]
    return (left, matched) if not matched else ([_naming(draft, matched) for draft in left], matched)


def _naming(draft: Draft, matched: Mapping[str, str]) -> Draft:
    text = renamed(draft.text if draft.text is not None else json.dumps(draft.resource, ensure_ascii=False), matched)
    return replace(draft, text=text, resource={**json.loads(text), "id": draft.resource["id"]})


def _person(draft: Draft, standing: Stored | None) -> str:
    """Whom the draft is about; what names nobody stays with the person in whose record it stands."""
    return patient_of(draft.resource) or ("" if standing is None else standing.patient_id)


def _carry_out(
    act: Act, drafts: Sequence[Draft], about: Mapping[str, str], matched: Mapping[str, str], errands: Errands
) -> Done:
    practice, at = act.by.practice, clock.now()
    if act.mark is not None and mark(practice, act.patient_id) != act.mark:
        raise Stale("Patient", act.patient_id, 0)
    writes = [_checked(act, draft, about[draft.name]) for draft in drafts]
    stored = write(practice, writes, by=act.by.name, reason=act.reason, at=at)
    versions = {f"{s.kind}/{s.identity}": s.version for s in stored}
    for person in sorted({s.patient_id for s in stored} - {""}):
        project(practice, person)
    Errand.objects.bulk_create(
        Errand(practice=practice, kind=kind, details=_of_who_was_found(details, matched), due_at=due)
        for kind, details, due in errands
    )
    for one in stored:
        if one.kind == "Patient" and one.version == 1:
            relations.begin_with(act.by, one.identity)
    _tell(act, stored, matched, _sign(act, stored, at))
    if act.key:
        result = {"versions": versions, "matched": dict(matched)} if matched else versions
        Receipt.objects.create(
            practice=practice, sender=act.by.username, key=act.key, digest=act.digest, result=result, done_at=at
        )
    return Done(versions=versions, matched=matched)


def _of_who_was_found(details: Mapping[str, Any], matched: Mapping[str, str]) -> dict[str, Any]:
    """An errand about somebody who was on record already is about that person."""
    found = matched.get(f"Patient/{details.get('patient_id')}")
    return dict(details) if found is None else {**details, "patient_id": found.partition("/")[2]}


def _tell(act: Act, stored: Sequence[Stored], matched: Mapping[str, str], signed: Sequence[str]) -> None:
    """One row on the trail for each person; what is about nobody, and the signatures, stand in the first."""
    people = [act.patient_id] if act.patient_id else sorted({s.patient_id for s in stored} - {""}) or [""]
    for person in people:
        here = {person, ""} if person == people[0] else {person}
        named = [f"{s.kind}/{s.identity}/_history/{s.version}" for s in stored if s.patient_id in here]
        named += [*matched.values(), *signed] if person == people[0] else []
        audit.append(act.name, outcome="done", account=act.by, patient_id=person, entities=named, asked=act.request)


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


def _checked(act: Act, draft: Draft, person: str) -> Write:
    """The draft as text that reads back as a resource about this person, and as a step that may follow."""
    text = draft.text if draft.text is not None else json.dumps(_bare(draft.resource), ensure_ascii=False)
    kind, identity = str(draft.resource["resourceType"]), str(draft.resource["id"])
    after = {**read_resource(text.encode()), "id": identity} if draft.text is None else draft.resource
    about = patient_of(after)
    if about not in (None, person):
        raise BadInput(
            field=f"{kind}/{identity} subject",
            found=about,
            limit=f"Patient/{person}",
            next_step="Write into the record of the person it is about.",
        )
    before = read(act.by.practice, kind, identity) if draft.expected else None
    if before is not None and before.version != draft.expected:
        raise Stale(kind, identity, before.version)
    part = _part(act, person, f"{kind}/{identity}", None if before is None else before.part, after)
    signed = before is not None and is_signed(act.by.practice, before)
    why = refused_change(None if before is None else before.resource, after, is_signed=signed)
    if why is not None:
        raise NotAllowed(why)
    return Write(kind=kind, identity=identity, patient_id=person, text=text, expected=draft.expected, part=part)


def _part(act: Act, person: str, name: str, before: str | None, after: Mapping[str, Any]) -> str:
    """The part that this resource belongs to, which its writer has to reach; what is apart stays where it is.

    Nobody makes a process note readable by taking its label off, nor hides what others rely on by putting one on.
    """
    part = part_of(dict(after))
    if DRAFTS in (part, before) and act.name not in UNREAD:
        _own_draft(act, after)
    if before not in (None, part, DRAFTS) and not {before, part} <= ADVISED:
        raise BadInput(
            field=f"{name} label",
            found=part,
            limit=f"{before}, the part of the record where it stands",
            next_step="Mark it as entered in error and write another.",
        )
    if act.name not in UNREAD and part not in {*ADVISED, DRAFTS}:
        require(act.by, act.name, patient_id=person, part=part)
    return part


def _own_draft(act: Act, after: Mapping[str, Any]) -> None:
    """Raises Refused unless this note, which is a draft or was one, is its writer's own."""
    note = note_of(dict(after))
    if note is None or note.username != act.by.username:
        raise Refused(act.name, patient_id=act.patient_id)


def _bare(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Without the version and time that the store itself lays over it."""
    meta = {k: v for k, v in (resource.get("meta") or {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return {**rest, "meta": meta} if meta else rest
