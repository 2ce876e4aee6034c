"""Take a whole record in: one person's FHIR Bundle, each resource exactly as it was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, commit
from clinic.record.read import read
from ketapath.errors import BadInput
from ketapath.fhir import Resource, patient_of, read_bundle, read_resource, resource_texts


def import_record(data: bytes, *, by: Account) -> tuple[str, Done]:
    """Every resource of the Bundle into the record of its person, all or none; what stands already is left alone.

    Raises BadInput for what is no one-person Bundle, and where another person has the same id here.
    """
    bundle = read_bundle(data)
    patient_id = str(bundle.patient.get("id") or "")
    require(by, "import-record", patient_id=patient_id)
    _same_person(by, patient_id, bundle.patient)
    drafts: dict[str, Draft] = {}
    for text in resource_texts(data):
        draft = _draft(by, patient_id, text)
        if draft is not None:
            drafts[f"{draft.resource['resourceType']}/{draft.resource['id']}"] = draft
    act = Act(name="import-record", by=by, patient_id=patient_id, reason="import")
    return patient_id, commit(act, list(drafts.values()))


def _draft(by: Account, patient_id: str, text: str) -> Draft | None:
    """The resource as a draft; None where this very text stands already."""
    resource = read_resource(text.encode())
    kind, identity = str(resource["resourceType"]), str(resource["id"])
    standing = read(by.practice, kind, identity)
    if standing is not None and standing.patient_id != patient_id:
        # Ids are unique within one export only; another person's resource keeps its own.
        digest = hashlib.sha256(f"{patient_id}/{kind}/{identity}".encode()).hexdigest()
        identity = f"{identity[:40]}-{digest[:20]}"
        standing = read(by.practice, kind, identity)
    if standing is not None and standing.text == text:
        return None
    expected = 0 if standing is None else standing.version
    return Draft(resource={**resource, "id": identity}, expected=expected, text=text)


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
