"""Take in what another program writes through the FHIR door: one resource, a change of one, or several as one unit.

What the door lets in is what a record states. Plans, visits and decisions are made by the acts of a clinic; nobody
makes or changes one from outside, nor anything that belongs to one.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused, may, reach
from clinic.actions.commit import Act, Done, Draft, commit
from clinic.actions.patients import OF_THE_COURSE
from clinic.record.models import Practice
from clinic.record.reach import Reach
from clinic.record.read import read
from clinic.record.search import Query
from clinic.record.structure import problems
from ketapath.errors import BadInput
from ketapath.fhir import Resource, patient_of, read_json
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.readback import belongs_to, is_ours, note_of
from ketapath.fhir.verbatim import renamed

_SUBJECTS = ("subject", "patient", "beneficiary", "individual", "for")


class Unfit(Exception):
    """What was sent is JSON but cannot become a part of this record. `why` are sentences with paths, without values."""

    def __init__(self, *why: str) -> None:
        super().__init__("; ".join(why))
        self.why = why


class Unknown(Exception):
    """There is no such resource within this account's reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes, under which key and by which request. `asked` is all that was asked for, for telling repeats."""

    by: Account
    key: str = ""
    request: str = ""
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A resource to be made: its wording, and what it is not to be stored beside. `called` is what others call it."""

    text: str
    kind: str
    unless: Query | None = None
    called: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A new wording of a resource that stands, by somebody who has seen its version `expected`."""

    text: str
    kind: str
    identity: str
    expected: int
    called: str = ""


def create(new: New, sender: Sender) -> tuple[str, Done]:
    """Store it under an id of ours, or find what it was not to be stored beside; its name, "Kind/id", is returned.

    Raises as `commit` does, and BadInput for what is no JSON, Unfit for what cannot be a part of the record.
    """
    names, done = transact([new], sender)
    return names[0], done


def update(changed: Changed, sender: Sender) -> Done:
    """Store the new version. Raises as `create` does, and Unknown where there is nothing to change."""
    return transact([changed], sender)[1]


def transact(
    wanted: Sequence[New | Changed], sender: Sender, *, last: Callable[[Done], None] | None = None
) -> tuple[list[str], Done]:
    """All of these as one unit; what they call each other by is replaced by the names they get, in whatever order."""
    names = [_name(one, sender, place) for place, one in enumerate(wanted)]
    act_name = _permitted(wanted, sender.by)
    calls = {one.called: name for one, name in zip(wanted, names, strict=True) if one.called}
    if len(set(names)) < len(names):
        raise Unfit("Bundle.entry: the same resource twice")
    drafts = [_draft(one, name, calls) for one, name in zip(wanted, names, strict=True)]
    within = reach(sender.by)
    _check_people(within, drafts)
    for draft in drafts:
        _check_standing(within, draft)
    act = Act(name=act_name, by=sender.by, patient_id="", reason="FHIR door", key=sender.key, asked=sender.asked,
              request=sender.request)  # fmt: skip

    def at_last(done: Done) -> None:
        _check_found(sender.by.practice, drafts, done)
        if last is not None:
            last(done)

    done = commit(act, drafts, errands=_looks(drafts), last=at_last)
    return [done.matched.get(name, name) for name in names], done


def _looks(drafts: Sequence[Draft]) -> list[tuple[str, Mapping[str, Any], datetime]]:
    """The errand to look for an early sign, for each person whose course this bears on, as with a score typed in."""
    people = {patient_of(d.resource) for d in drafts if d.resource["resourceType"] in OF_THE_COURSE} - {None}
    return [("early-sign", {"patient_id": person}, clock.now()) for person in sorted(filter(None, people))]


def _permitted(wanted: Sequence[New | Changed], by: Account) -> str:
    """The act that this is, if the account may do it at all: somebody new is put on record by other roles as well."""
    registers = [one for one in wanted if isinstance(one, New) and one.kind == "Patient"]
    if registers and not may(by, "register-patient"):
        raise Refused("register-patient")
    name = "register-patient" if registers and len(registers) == len(wanted) else "write-resource"
    if not may(by, name):
        raise Refused(name)
    return name


def _name(one: New | Changed, sender: Sender, place: int) -> str:
    """A name that stands already, or a new one: random, but the same again for a request that comes twice."""
    if isinstance(one, Changed):
        return f"{one.kind}/{one.identity}"
    if not sender.key:
        return f"{one.kind}/{uuid.uuid4()}"
    said = f"{sender.by.pk}\0{sender.key}\0{place}".encode()
    digest = hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).digest()
    return f"{one.kind}/{uuid.UUID(bytes=digest[:16], version=4)}"


def _draft(one: New | Changed, name: str, calls: Mapping[str, str]) -> Draft:
    resource = _resource(one.text, one.kind)
    identity = name.partition("/")[2]
    if isinstance(one, Changed) and resource.get("id") != identity:
        raise BadInput(
            field="id", found="another id", limit="the id of the address", next_step="Send the resource with its id."
        )
    text = renamed(one.text, calls)
    if calls:
        resource = _resource(text, one.kind)
    if isinstance(one, Changed):
        return Draft(resource={**resource, "id": identity}, text=text, expected=one.expected)
    return Draft(resource={**resource, "id": identity}, text=text, unless=one.unless)


def _resource(text: str, kind: str) -> dict[str, Any]:
    """The resource in this text, of this kind and shaped like one."""
    resource = read_json(text.encode("utf-8", "surrogatepass"))
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        found = "another resource" if isinstance(resource, dict) else "no object"
        raise BadInput(field="resourceType", found=found, limit=kind, next_step="Send a resource of this type.")
    wrong = problems(resource)
    if wrong:
        raise Unfit(*wrong)
    return resource


def _check_people(within: Reach, drafts: Sequence[Draft]) -> None:
    """Everybody whom a draft is about is on record here, or is put there by another of them.

    A reference to somebody in another system, or to a thing, is never taken for a person of the same id.
    """
    new = {draft.name for draft in drafts if draft.resource["resourceType"] == "Patient"}
    known: set[str] = set()
    for draft in drafts:
        field, reference = _reference_to_a_person(draft.resource)
        if not field or draft.resource["resourceType"] == "Patient":
            continue
        name = reference.split("/_history/")[0]
        if not name.startswith("Patient/"):
            raise Unfit(f"{draft.resource['resourceType']}.{field}: not a reference Patient/id of this record")
        if name not in new | known and read(within, *name.split("/", 1)) is None:
            raise Unfit(f"{draft.resource['resourceType']}.{field}: there is no such person on record")
        known.add(name)


def _reference_to_a_person(resource: Resource) -> tuple[str, str]:
    """The field that `patient_of` reads, and what stands in it; empty where there is none."""
    for field in _SUBJECTS:
        holder = resource.get(field)
        if isinstance(holder, dict) and isinstance(holder.get("reference"), str):
            return field, str(holder["reference"])
    return "", ""


def _check_standing(within: Reach, draft: Draft) -> None:
    """What it would replace is within reach; neither that nor the new one is a note, or a part of a plan or session."""
    standing = read(within, *draft.name.split("/", 1)) if draft.expected else None
    if draft.expected and standing is None:
        raise Unknown(draft.name)
    versions = [draft.resource, *([standing.resource] if standing else [])]
    claimed = {name for version in versions for name in belongs_to(version)}
    if any(is_ours(version) for version in versions) or any(
        _is_ours_by_name(within.practice, name) for name in claimed
    ):
        raise _apart(draft)
    if any(note_of(version) is not None for version in versions):
        raise Unfit(f"{draft.resource['resourceType']}: a note of ketapath; its author writes, signs and withdraws it")
    if _labels(draft.resource) != _labels(standing.resource if standing else {}):
        raise Unfit(f"{draft.resource['resourceType']}.meta: labels of ketapath are set by ketapath")


def _check_found(practice: Practice, drafts: Sequence[Draft], done: Done) -> None:
    """What a condition has found in the place of a draft is no plan or session that another draft belongs to now."""
    for draft in drafts:
        if draft.name in done.matched:
            continue
        found = [done.matched[name] for name in belongs_to(draft.resource) if name in done.matched]
        if any(_is_ours_by_name(practice, name) for name in found):
            raise _apart(draft)


def _apart(draft: Draft) -> Unfit:
    kind = draft.resource["resourceType"]
    return Unfit(f"{kind}: a part of a plan or session; those are made by the acts of a clinic")


def _is_ours_by_name(practice: Practice, name: str) -> bool:
    kind, _, identity = name.partition("/")
    standing = read(practice, kind[:40], identity[:64])
    return standing is not None and is_ours(standing.resource)


def _labels(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Security labels and tags of our own code systems; who may see what hangs on them."""
    meta = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    codings = [c for field in ("security", "tag") for c in meta.get(field) or () if isinstance(c, dict)]
    return sorted(
        (str(c["system"]), str(c.get("code"))) for c in codings if str(c.get("system") or "").startswith(LOCAL)
    )
