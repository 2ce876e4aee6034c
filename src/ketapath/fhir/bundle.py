"""Is this file one patient's FHIR R4 Bundle? Bytes to resources, with every hostile shape refused by name.

Limits: 64 MiB after decompression, 60 levels deep, no duplicate keys, no NUL, no lone surrogate, no number that a
double cannot hold. All resources must speak of the one Patient in the Bundle: a mixed file is how the wrong
patient gets treated.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from ketapath.errors import BadInput
from ketapath.fhir import verbatim

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 60
_SUBJECT_FIELDS = ("subject", "patient", "beneficiary", "individual")
_BUNDLE_TYPES = frozenset({"transaction", "collection", "searchset", "batch", "document", "message"})
WHOLE_CHART = {"system": "https://ketapath.org/fhir/local", "code": "whole-chart"}
"""The tag of a Bundle that holds everything a record has of one person, as ketapath's export writes it."""

_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_MAX_DIGITS = 300

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One patient's resources, newest version of each. `without_subject` counts those that name no patient.

    `is_whole_chart` where ketapath's own export wrote it, with every resource exactly as its record has it.
    """

    patient: Resource
    resources: tuple[Resource, ...]
    without_subject: int
    is_whole_chart: bool = False

    def of_type(self, *kinds: str) -> Iterator[Resource]:
        """The resources of these types, in the order of the file."""
        return (r for r in self.resources if r["resourceType"] in kinds)


def read_bundle(data: bytes) -> Bundle:
    """The one-patient Bundle in these bytes (JSON, or gzip of it).

    Raises BadInput with field, value, limit and next step for anything else.
    """
    document = read_json(_decompress(data))
    if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
        found = (
            document.get("resourceType", "no resourceType") if isinstance(document, dict) else type(document).__name__
        )
        _refuse("resourceType", found, "a FHIR R4 Bundle is needed", "Export the patient's record as a Bundle.")
    if str(document.get("type")) not in _BUNDLE_TYPES:
        _refuse("Bundle.type", document.get("type"), f"one of {sorted(_BUNDLE_TYPES)}", "Export the current record.")
    entries = document.get("entry")
    if not isinstance(entries, list) or not entries:
        _refuse("Bundle.entry", entries, "at least one entry", "Export the record with its resources.")
    resources = _newest(_resource(entry, i) for i, entry in enumerate(entries))
    patients = [r for r, _ in resources if r["resourceType"] == "Patient"]
    if len(patients) != 1:
        _refuse("Bundle", f"{len(patients)} Patient resources", "exactly one", "Send one patient at a time.")
    return replace(_for_one_patient(patients[0], resources), is_whole_chart=_is_whole_chart(document))


def bundle_of(resources: Iterable[Resource]) -> Bundle:
    """The Bundle of resources that were read one by one; the same checks for one patient hold."""
    found: list[tuple[Resource, str | None]] = [(resource, None) for resource in resources]
    patients = [r for r, _ in found if r["resourceType"] == "Patient"]
    if len(patients) != 1:
        _refuse("record", f"{len(patients)} Patient resources", "exactly one", "Import the person's Patient resource.")
    return _for_one_patient(patients[0], found)


def read_resource(data: bytes) -> Resource:
    """One resource in these bytes, refused by name like a Bundle. Needs resourceType and id."""
    resource, _ = _resource({"resource": read_json(data)}, 0)
    if not _ID.fullmatch(str(resource.get("id", ""))):
        _refuse("id", resource.get("id"), "1 to 64 letters, digits, dots or hyphens", "Give the resource an id.")
    return resource


def patient_of(resource: Resource) -> str | None:
    """The id of the person this resource is about; None where it names nobody."""
    if resource["resourceType"] == "Patient":
        return str(resource.get("id"))
    holders = [resource.get(field) for field in (*_SUBJECT_FIELDS, "for")]
    if resource["resourceType"] == "Appointment":
        holders += _patients_taking_part(resource)
    for holder in holders:
        if isinstance(holder, dict) and isinstance(holder.get("reference"), str):
            reference = str(holder["reference"]).split("/_history/")[0].removeprefix("urn:uuid:")
            return reference.rsplit("/", 1)[-1]
    return None


def _patients_taking_part(appointment: Resource) -> list[Any]:
    """Those who take part in an appointment and are named as a patient of the same record."""
    taking_part = appointment.get("participant")
    actors = [one.get("actor") for one in taking_part if isinstance(one, dict)] if isinstance(taking_part, list) else []
    return [a for a in actors if isinstance(a, dict) and str(a.get("reference")).startswith("Patient/")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource of a Bundle: its text exactly as it was sent, the same as a value, its fullUrl ("" without one)."""

    text: str
    resource: Resource
    url: str = ""

    @classmethod
    def of(cls, text: str, url: str = "") -> Entry:
        """From its text."""
        return cls(text=text, resource=json.loads(text), url=url)


def entries(data: bytes) -> list[Entry]:
    """Each resource in a Bundle exactly as it was sent, in order. Call `read_bundle` first.

    Decimals keep their digits, instants their zone, unknown extensions their place. Of two versions of one resource
    only the newer, as in `read_bundle`.
    """
    newest: dict[tuple[str, str], Entry] = {}
    for index, (text, url) in enumerate(_texts(_decompress(data).decode("utf-8-sig"))):
        entry = Entry.of(text, url)
        key = (str(entry.resource.get("resourceType")), str(entry.resource.get("id") or url or f"#{index}"))
        if key not in newest or _version(entry.resource) > _version(newest[key].resource):
            newest[key] = entry
    return list(newest.values())


def _texts(text: str) -> Iterator[tuple[str, str]]:
    """The text of each entry's resource, and the entry's fullUrl."""
    for entry in verbatim.entries(text):
        resource, url = entry.get("resource"), entry.get("fullUrl")
        said = "" if url is None else json.loads(text[url.begin : url.end])
        if resource is not None:
            yield text[resource.begin : resource.end], said if isinstance(said, str) else ""


def _decompress(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        if len(data) > MAX_BYTES:
            _refuse("file", f"{len(data)} bytes", "at most 64 MiB", "Send a smaller record.")
        return data
    out = bytearray()
    try:
        while data:
            unzip = zlib.decompressobj(wbits=31)
            out += unzip.decompress(data, MAX_BYTES + 1 - len(out))
            if len(out) > MAX_BYTES or unzip.unconsumed_tail:
                _refuse("file", "more than 64 MiB", "at most 64 MiB after decompression", "Send a smaller record.")
            if not unzip.eof:
                _refuse("file", "gzip that ends early", "a whole gzip file", "Copy the file again.")
            data = unzip.unused_data.lstrip(b"\0")
    except zlib.error as problem:
        _refuse("file", str(problem), "valid gzip", "Copy the file again.")
    return bytes(out)


def read_json(data: bytes) -> Any:
    """The JSON value in these bytes; the hostile shapes that this module names are refused by BadInput."""
    if not data.strip():
        _refuse("file", "nothing", "a FHIR R4 Bundle in JSON", "Check that the export finished.")
    if b"\x00" in data or b"\\u0000" in data:
        _refuse("file", "a NUL character", "text without NUL", "Clean the export and send it again.")
    _check_depth(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        _refuse("file", f"byte {problem.start} is not UTF-8", "UTF-8 text", "Save the export as UTF-8.")
    try:
        document = json.loads(
            text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
        )
        if b"\\ud" in data or b"\\uD" in data:
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeEncodeError:
        _refuse("file", "half of a surrogate pair", "valid Unicode", "Clean the export and send it again.")
    except (ValueError, RecursionError) as problem:
        message = problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)
        at = f" at line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else ""
        _refuse("file", f"{message}{at}", "valid JSON", "Check that the export finished and was not edited by hand.")


def _check_depth(data: bytes) -> None:
    """Depth counted on the bytes, so that the parser never sees a bomb. Brackets inside strings do not count."""
    without_escapes = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    skeleton = re.sub(rb'"[^"]*"?', b"", without_escapes.translate(None, _NOT_STRUCTURE))
    depth = 0
    for run in re.finditer(rb"[\[{]+|[\]}]+", skeleton):
        opening = run.group()[:1] in b"[{"
        depth += len(run.group()) if opening else -len(run.group())
        if depth > MAX_DEPTH:
            _refuse("file", f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH} levels deep", "Check the export.")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        _refuse(twice, "the key twice in one object", "each key once", "Repair the export.")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse("number", text, "a number that fits into a double", "Correct the value in the record.")
    return value


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        _refuse("number", text, "a number that fits into a double", "Correct the value in the record.")
    return int(text)


def _no_constant(text: str) -> NoReturn:
    _refuse("number", text, "JSON has no NaN or Infinity", "Correct the value in the record.")


def _resource(entry: Any, index: int) -> tuple[Resource, str | None]:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        _refuse(f"Bundle.entry[{index}].resource", resource, "a resource with its resourceType", "Repair the export.")
    url = entry.get("fullUrl")
    if not isinstance(resource.get("id", ""), str) or not isinstance(resource.get("meta", {}), dict):
        _refuse(f"Bundle.entry[{index}].resource", "id or meta", "id is text, meta is an object", "Repair the export.")
    return resource, url if isinstance(url, str) else None


def _is_whole_chart(document: Mapping[str, Any]) -> bool:
    meta = document.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    return isinstance(tags, list) and WHOLE_CHART in tags


def _newest(found: Iterator[tuple[Resource, str | None]]) -> list[tuple[Resource, str | None]]:
    """One version of each resource. Two versions of one id: the one with the later version or update time."""
    newest: dict[tuple[str, str], tuple[Resource, str | None]] = {}
    for index, (resource, url) in enumerate(found):
        key = (resource["resourceType"], resource.get("id") or url or f"#{index}")
        if key not in newest or _version(resource) > _version(newest[key][0]):
            newest[key] = (resource, url)
        elif _version(resource) == _version(newest[key][0]) and resource != newest[key][0]:
            _refuse("/".join(key), "twice, with different content", "one content for each version", "Export again.")
    return list(newest.values())


def _version(resource: Resource) -> tuple[int, str]:
    meta = resource.get("meta") or {}
    version = str(meta.get("versionId") or "")
    return (
        int(version) if version.isascii() and version.isdigit() and len(version) < 19 else 0,
        str(meta.get("lastUpdated") or ""),
    )


def _for_one_patient(patient: Resource, found: list[tuple[Resource, str | None]]) -> Bundle:
    url = next(u for r, u in found if r is patient)
    names = {n for n in (url, f"Patient/{patient.get('id')}", f"urn:uuid:{patient.get('id')}") if n}
    kept: list[Resource] = []
    without = 0
    for resource, _ in found:
        if resource is patient:
            continue
        reference = _subject(resource)
        if reference is None:
            without += resource["resourceType"] in _CLINICAL
            if resource["resourceType"] not in _CLINICAL:
                kept.append(resource)
        elif reference.split("/_history/")[0] in names or reference.endswith(f"/Patient/{patient.get('id')}"):
            kept.append(resource)
        else:
            _refuse(
                f"{resource['resourceType']}/{resource.get('id', '?')} subject",
                reference,
                "every resource has to speak of the one Patient in the Bundle",
                "Send one patient at a time.",
            )
    return Bundle(patient=patient, resources=tuple(kept), without_subject=without)


_CLINICAL = frozenset(
    [
        "Condition",
        "Observation",
        "MedicationStatement",
        "MedicationRequest",
        "MedicationAdministration",
        "AllergyIntolerance",
        "QuestionnaireResponse",
        "FamilyMemberHistory",
        "Procedure",
        "Encounter",
        "Coverage",
        "RelatedPerson",
        "CarePlan",
        "Goal",
        "Consent",
    ]
)


def _subject(resource: Resource) -> str | None:
    """The reference to the person that a clinical resource is about, as text."""
    if resource["resourceType"] not in _CLINICAL:
        return None
    for field in _SUBJECT_FIELDS:
        holder = resource.get(field)
        if isinstance(holder, dict) and isinstance(holder.get("reference"), str):
            return str(holder["reference"])
    return None


def _refuse(field: str, found: object, limit: str, next_step: str) -> NoReturn:
    raise BadInput(field=field, found=found, limit=limit, next_step=next_step)
