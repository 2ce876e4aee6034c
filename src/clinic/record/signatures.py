"""Who signed what, with which meaning, and does what they signed still stand? Reading only.

A signature is bound to the SHA-256 of the stored text of one version. Rows are written by `actions.commit` alone, with
the act; whether one still holds is worked out anew on every reading, so that no change is ever overlooked.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from clinic.record.models import Current, Practice, Signature, Version
from clinic.record.read import Stored
from ketapath.fhir import keeps_content

Meaning = Literal[
    "author", "order", "calculation", "check", "administration", "approval", "witness", "review", "discharge"
]  # fmt: skip
State = Literal["stands", "kept", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A version as somebody has read it: signing it is refused where it no longer stands."""

    kind: str
    identity: str
    version: int
    digest: str

    @property
    def name(self) -> str:
        """Kind and id."""
        return f"{self.kind}/{self.identity}"

    @property
    def text(self) -> str:
        """In one word, for a form."""
        return f"{self.kind}/{self.identity}/{self.version}/{self.digest}"

    @classmethod
    def of(cls, stored: Stored) -> Seen:
        """What is seen by whoever reads this version."""
        return cls(
            kind=stored.kind, identity=stored.identity, version=stored.version, digest=digest_of(stored.text)
        )  # fmt: skip

    @classmethod
    def from_text(cls, text: str) -> Seen | None:
        """Back from a form; None for what no form of ours holds."""
        parts = text.split("/")
        if len(parts) != 4 or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 10):
            return None
        return cls(kind=parts[0], identity=parts[1], version=int(parts[2]), digest=parts[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One signature, and how what it covers stands today.

    `state` is "stands" where the standing text is exactly what was signed, "kept" where only its status has changed
    since or a further signature was added, "changed" where anything else has. `changed_at` and `changed_by` tell who
    changed it; nobody is named where it was changed past every act.
    """

    number: int
    kind: str
    identity: str
    version: int
    digest: str
    meaning: Meaning
    username: str
    name: str
    role: str
    at: datetime
    state: State
    changed_at: datetime | None = None
    changed_by: str = ""

    @property
    def of(self) -> str:
        """Kind and id of what was signed."""
        return f"{self.kind}/{self.identity}"

    @property
    def is_valid(self) -> bool:
        """Whether exactly what was signed stands."""
        return self.state == "stands"

    @property
    def reference(self) -> str:
        """Its name on the trail and in exports, which holds the beginning of the digest too."""
        return reference_of(self.number, self.digest)


def digest_of(text: str) -> str:
    """SHA-256 of a stored text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def reference_of(number: int, digest: str) -> str:
    """The name of a signature: `Provenance/signature-<number>-<beginning of the digest>`."""
    return f"Provenance/signature-{number}-{digest[:32]}"


def is_signed(practice: Practice, stored: Stored) -> bool:
    """Whether anybody has signed this resource: then its content stays, whatever comes."""
    rows = Signature.objects.filter(practice=practice, patient_id=stored.patient_id)
    return rows.filter(kind=stored.kind, identity=stored.identity, version__lte=stored.version).exists()


def signatures_of(practice: Practice, patient_id: str) -> tuple[Signed, ...]:
    """Every signature about this person, oldest first, each with how what it covers stands today."""
    rows = list(Signature.objects.filter(practice=practice, patient_id=patient_id).order_by("id"))
    return _judged(practice, rows)


def signatures_on(practice: Practice, kind: str, identity: str) -> tuple[Signed, ...]:
    """The same of one resource."""
    rows = list(Signature.objects.filter(practice=practice, kind=kind, identity=identity).order_by("id"))
    return _judged(practice, rows)


def _judged(practice: Practice, rows: Sequence[Signature]) -> tuple[Signed, ...]:
    texts = {(c.kind, c.identity): c.content for c in Current.objects.filter(**_named(practice, rows))}
    gone_on = [r for r in rows if digest_of(texts.get((r.kind, r.identity), "")) != r.digest]
    versions: dict[tuple[str, str], list[Version]] = defaultdict(list)
    for version in Version.objects.filter(**_named(practice, gone_on)).order_by("version"):
        versions[version.kind, version.identity].append(version)
    changed = {row.pk for row in gone_on}
    return tuple(
        _later(row, versions[row.kind, row.identity], texts.get((row.kind, row.identity), ""))
        if row.pk in changed
        else _signed(row, "stands")
        for row in rows
    )


def _named(practice: Practice, rows: Iterable[Signature]) -> dict[str, Any]:
    """A condition for what these have signed, in the order of the index: without the kind the whole table is read."""
    return {"practice": practice, "kind__in": {r.kind for r in rows}, "identity__in": {r.identity for r in rows}}


def _later(row: Signature, versions: Iterable[Version], standing: str) -> Signed:
    """How a signature stands whose text is no longer the standing one."""
    signed = next((v for v in versions if v.version == row.version), None)
    after = [v for v in versions if v.version > row.version]
    if signed is None or digest_of(signed.content) != row.digest or not after or after[-1].content != standing:
        return _signed(row, "changed")  # past every act: nobody can be named
    was = json.loads(signed.content)
    breaks = next((v for v in after if not keeps_content(was, json.loads(v.content))), None)
    last = breaks or after[-1]
    return _signed(row, "kept" if breaks is None else "changed", at=last.changed_at, by=last.changed_by)


def _signed(row: Signature, state: State, *, at: datetime | None = None, by: str = "") -> Signed:
    return Signed(
        number=row.pk,
        kind=row.kind,
        identity=row.identity,
        version=row.version,
        digest=row.digest,
        meaning=row.meaning,  # type: ignore[arg-type]  # only `commit` writes it, out of Meaning
        username=row.username,
        name=row.name,
        role=row.role,
        at=row.at,
        state=state,
        changed_at=at,
        changed_by=by,
    )
