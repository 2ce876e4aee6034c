"""Take a whole record in: one person's FHIR Bundle, each resource exactly as it was sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, commit
from clinic.record.read import of_patient, read
from ketapath.errors import BadInput
from ketapath.fhir import Resource, patient_of, read_bundle, read_resource, resource_texts
from ketapath.fhir.readback import belongs_to, is_ours

OF_THE_COURSE = frozenset({"Observation", "QuestionnaireResponse", "MedicationAdministration"})
"""Where scores and doses are read; nothing else can bring a sign."""


def import_record(data: bytes, *, by: Account) -> tuple[str, Done]:
    """Every resource of the Bundle into the record of its person, all or none; what stands already is left alone.

    Raises BadInput for what is no one-person Bundle, where another person has the same id here, and for a part of a
    plan or session: those are made by the acts of a clinic, never by import. What bears on the course puts the errand
    into the outbox to look for an early sign, as a score that is typed in does.
    """
    bundle = read_bundle(data)
    patient_id = str(bundle.patient.get("id") or "")
    require(by, "import-record", patient_id=patient_id)
    _same_person(by, patient_id, bundle.patient)
    texts = resource_texts(data)
    resources = [read_resource(text.encode()) for text in texts]
    _refuse_ours(by, patient_id, resources)
    renamed = _renamed(by, patient_id, resources)
    drafts = [_draft(by, text, resource, renamed) for text, resource in zip(texts, resources, strict=True)]
    new = [draft for draft in drafts if draft is not None]
    act = Act(name="import-record", by=by, patient_id=patient_id, reason="import")
    bears = any(draft.resource["resourceType"] in OF_THE_COURSE for draft in new)
    look = [("early-sign", {"patient_id": patient_id}, clock.now())] if bears else []
    return patient_id, commit(act, new, errands=look)


def _refuse_ours(by: Account, patient_id: str, resources: Sequence[Resource]) -> None:
    """Neither a plan, visit, task or recommendation, nor anything that claims to belong to one."""
    standing = (s for s in of_patient(by.practice, patient_id) if is_ours(s.resource))
    ours = {f"{s.kind}/{s.identity}" for s in standing}
    ours |= {_name(resource) for resource in resources if is_ours(resource)}
    for resource in resources:
        claimed = {_name(resource), *belongs_to(resource)}
        if claimed & ours:
            raise BadInput(
                field=_name(resource),
                found="a part of a plan or session",
                limit="what a record states; plans and sessions are made by the acts of a clinic",
                next_step="Leave it out.",
            )


def _renamed(by: Account, patient_id: str, resources: Sequence[Resource]) -> dict[str, str]:
    """New names for resources whose id another person has here: ids are unique within one export only."""
    found = {}
    for resource in resources:
        name = _name(resource)
        standing = read(by.practice, *name.split("/", 1))
        if standing is not None and standing.patient_id != patient_id:
            digest = hashlib.sha256(f"{patient_id}/{name}".encode()).hexdigest()
            found[name] = f"{resource['resourceType']}/{resource['id'][:40]}-{digest[:20]}"
    return found


def _draft(by: Account, text: str, resource: Resource, renamed: Mapping[str, str]) -> Draft | None:
    """The resource as a draft, its references to renamed ones renamed; None where the same content stands already."""
    for old, new in renamed.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    kind, identity = renamed.get(_name(resource), _name(resource)).split("/", 1)
    standing = read(by.practice, kind, identity)
    if standing is not None and _content(standing.resource) == _content({**json.loads(text), "id": identity}):
        return None
    expected = 0 if standing is None else standing.version
    return Draft(resource={**json.loads(text), "id": identity}, expected=expected, text=text)


def _name(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _content(resource: Resource) -> dict[str, object]:
    """Without the stamps that every export sets anew."""
    meta = {k: v for k, v in (resource.get("meta") or {}).items() if k not in ("versionId", "lastUpdated")}
    return {**resource, "meta": meta}


def _same_person(by: Account, patient_id: str, patient: Resource) -> None:
    standing = read(by.practice, "Patient", patient_id)
    if standing is not None and _who(standing.resource) != _who(patient):
        raise BadInput(
            field=f"Patient/{patient_id}",
            found="another name or birth date than the record has",
            limit="the same person under the same id",
            next_step="Check who this is; import under another id.",
        )


def _who(patient: Mapping[str, object]) -> tuple[object, object, object]:
    return patient_of({"resourceType": "Patient", **patient}), patient.get("birthDate"), patient.get("name")
