"""Whose record is this that came in, and which of its resources do we have already, perhaps under another id?

Identifiers (a system and a value) decide where they are plain, else ids. Nothing is guessed: one identifier for two
people, or for two resources, recognises neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clinic.record.models import Current, Practice, Term
from clinic.record.read import Stored, read
from ketapath.errors import BadInput
from ketapath.fhir import Entry, Resource
from ketapath.fhir import elements as el
from ketapath.fhir.verbatim import with_id, with_references

_AT_ONCE = 400
_Bearers = Mapping[tuple[str, str, str], set[str]]
"""The ids that bear each identifier, by type of resource, system and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One resource of an import. `sent_as` is the id it came with; `identity` the one it has here."""

    kind: str
    identity: str
    sent_as: str
    text: str
    resource: Resource

    @property
    def name(self) -> str:
        """As "Kind/id", here."""
        return f"{self.kind}/{self.identity}"


def same_patient(practice: Practice, patient: Resource) -> str:
    """The id that this person has here, or brings where nobody here is this person.

    Raises BadInput, naming both, where id or identifiers say one person and name or birth date another, and where
    two people here have this person's identifiers.
    """
    own = str(patient.get("id") or "")
    standing = read(practice, "Patient", own)
    if standing is not None:
        if not _is_same(standing.resource, patient):
            raise _two_people(f"Patient/{own}", "another name or birth date than the record has")
        return own
    bearers = _bearers(practice, patient)
    strangers = [s for s in bearers if not _is_same(s.resource, patient)]
    if strangers or len(bearers) > 1:
        names = " and ".join(f"Patient/{identity}" for identity in (own, *sorted(s.identity for s in bearers)))
        raise _two_people(names, "one identifier, but another name or birth date" if strangers else "one identifier")
    return bearers[0].identity if bearers else own


def recognised(
    practice: Practice, patient_id: str, sent: Sequence[Entry], standing: Mapping[tuple[str, str], Stored]
) -> list[Incoming]:
    """Each resource under the id it has here, with its references pointing to what they mean here.

    `standing` is what the record has of this person, by type and id. An id that another person's resource has here is
    made this person's own: ids are unique within one export only.
    """
    places = [_place(entry.resource) for entry in sent]
    known = _by_identifier((place, s.resource) for place, s in standing.items())
    came = _by_identifier(zip(places, (entry.resource for entry in sent), strict=True))
    taken = _taken(practice, patient_id, places)
    given: dict[tuple[str, str], str] = {}
    used = set(places)
    for entry, place in zip(sent, places, strict=True):
        kind, sent_as = place
        identity = patient_id if kind == "Patient" else sent_as
        if kind != "Patient" and place not in standing:
            twin = _twin(kind, sent_as, entry.resource, came, known)
            if twin and (kind, twin) not in used:
                identity = twin
            elif place in taken:
                digest = hashlib.sha256(f"{patient_id}/{kind}/{sent_as}".encode()).hexdigest()
                identity = f"{sent_as[:40]}-{digest[:20]}"
        given[place] = identity
        used.add((kind, identity))
    names = _names(sent, given)
    return [_incoming(entry, place, given[place], names) for entry, place in zip(sent, places, strict=True)]


def _incoming(entry: Entry, place: tuple[str, str], identity: str, names: Mapping[str, str]) -> Incoming:
    text, (kind, sent_as) = with_references(entry.text, names), place
    if identity != sent_as:
        text = with_id(text, identity)
    return Incoming(
        kind=kind, identity=identity, sent_as=sent_as, text=text,
        resource=entry.resource if text is entry.text else Entry.of(text).resource,
    )  # fmt: skip


def _names(sent: Sequence[Entry], given: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """What each reference to a resource of this import has to become, where it has to change."""
    names: dict[str, str] = {}
    for (kind, sent_as), identity in given.items():
        if identity != sent_as:
            names |= {f"{kind}/{sent_as}": f"{kind}/{identity}", f"urn:uuid:{sent_as}": f"{kind}/{identity}"}
    for entry in sent:
        kind, sent_as = _place(entry.resource)
        is_known_by_id = entry.url in ("", f"urn:uuid:{sent_as}") or entry.url.endswith(f"/{kind}/{sent_as}")
        if entry.url and (not is_known_by_id or given[kind, sent_as] != sent_as):
            names[entry.url] = f"{kind}/{given[kind, sent_as]}"
    return names


def _place(resource: Resource) -> tuple[str, str]:
    return str(resource["resourceType"]), str(resource.get("id") or "")


def _twin(kind: str, sent_as: str, resource: Resource, came: _Bearers, known: _Bearers) -> str | None:
    """The one standing resource that bears an identifier which in this import only this resource bears."""
    found: set[str] = set()
    for system, value in _identifiers(resource):
        if came[kind, system, value] == {sent_as}:
            found |= known.get((kind, system, value), set())
    return next(iter(found)) if len(found) == 1 else None


def _by_identifier(resources: Iterable[tuple[tuple[str, str], Resource]]) -> dict[tuple[str, str, str], set[str]]:
    bearers: dict[tuple[str, str, str], set[str]] = {}
    for (kind, identity), resource in resources:
        for system, value in _identifiers(resource):
            bearers.setdefault((kind, system, value), set()).add(identity)
    return bearers


def _identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    """The identifiers that say whose they are: without a system, equal values may be anybody's."""
    for identifier in el.objects(resource, "identifier"):
        system, value = el.text(identifier, "system"), el.text(identifier, "value")
        if system and value:
            yield system, value


def _taken(practice: Practice, patient_id: str, places: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these types and ids that somebody else's record has here."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        rows = Current.objects.filter(
            practice=practice, kind__in={k for k, _ in some}, identity__in=[i for _, i in some]
        )
        found |= set(rows.exclude(patient_id=patient_id).values_list("kind", "identity"))
    return found


def _bearers(practice: Practice, patient: Resource) -> list[Stored]:
    """Everybody here who has one of this person's identifiers."""
    wanted = set(_identifiers(patient))
    rows = Term.objects.filter(
        practice=practice, name="identifier", resource__kind="Patient", value__in={value[:200] for _, value in wanted}
    )
    found = (read(practice, "Patient", i) for i in sorted(set(rows.values_list("resource__identity", flat=True))))
    return [s for s in found if s is not None and wanted & set(_identifiers(s.resource))]


def _is_same(one: Resource, other: Resource) -> bool:
    """The same day of birth, and a name in common: a second given name or a maiden name makes nobody another."""
    if one.get("birthDate") != other.get("birthDate"):
        return False
    names, others = _called(one), _called(other)
    return names == others or bool(names & others)


def _called(patient: Resource) -> set[tuple[str, str]]:
    """Family and first given name of each name, whatever its case."""
    found = set()
    for name in el.objects(patient, "name"):
        given = name.get("given")
        first = str(given[0]) if isinstance(given, list) and given else ""
        found.add(((el.text(name, "family") or el.text(name, "text") or "").casefold(), first.casefold()))
    return found


def _two_people(names: str, found: str) -> BadInput:
    return BadInput(
        field=names, found=found, limit="one person under one id and identifier",
        next_step="Check who this is; import under another id, or without the identifier that is not this person's.",
    )  # fmt: skip
