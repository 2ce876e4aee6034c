"""One request of a known caller: who, by which route, what was asked, and how it is put on the trail."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from clinic.access.models import Account
from clinic.access.permission import may, reach
from clinic.actions.exchange import Sender
from clinic.api.message import MANY_PAIRS, Request, Response
from clinic.api.outcome import NOT_FOUND, Problem
from clinic.record.reach import Reach
from ketapath.errors import BadInput
from ketapath.fhir.parameters import kinds, parameters

FORM = "application/x-www-form-urlencoded"
IDENTITY = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_KEY = re.compile(r"[\x21-\x7e]{1,64}\Z")
_VERSION = re.compile(r'(?:W/)?"([1-9][0-9]{0,8})"\Z')
_SAID_IN_FULL = ("token", "reference", "date", "number", "quantity")
_OF_A_PERSON = ("birthdate", "telecom", "phone", "email")
_RESULT = ("_count", "_sort", "_include", "_revinclude", "_summary", "_total", "_format", "_page")
_PLAIN = re.compile(r"[A-Za-z0-9.|:/_,+-]{0,120}\Z")

Tell = Callable[..., Any]
"""How a row gets onto the trail; `access.audit.append`, or what does the same for several requests at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address. `interaction` is FHIR's own name for what is done there, `says` what that is."""

    method: str
    path: str
    interaction: str
    says: str
    is_writing: bool = False
    answer: Callable[[Call], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose sender is known. `kind`, `identity` and `version` are what the address names."""

    request: Request
    account: Account
    route: Route
    tell: Tell
    kind: str = ""
    identity: str = ""
    version: int = 0

    @property
    def act(self) -> str:
        """What they do, as `access.permission` names it."""
        return "write-resource" if self.route.is_writing else self._reading

    def named_person(self) -> str:
        """The person whom the address itself names; of others one learns from what is found."""
        return self.identity if self.kind == "Patient" else ""

    @property
    def _reading(self) -> str:
        """A chart, for whoever may read charts; else what is their own."""
        return "read-chart" if may(self.account, "read-chart") else "read-own"

    def reach(self) -> Reach:
        """How far they may read. Raises Problem where they may not read at all."""
        if not may(self.account, self._reading):
            raise NOT_FOUND
        return reach(self.account, self._reading)

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query, and of the form where one was posted. Raises BadInput for broken ones."""
        parts = [self.request.query]
        if self.route.interaction == "search-type" and self.request.method == "POST":
            parts.append(_form(self.request.body))
        found: list[tuple[str, str]] = []
        for part in parts:
            try:
                found += parse_qsl(part, keep_blank_values=True, strict_parsing=bool(part), errors="strict",
                                   max_num_fields=MANY_PAIRS)  # fmt: skip
            except ValueError as problem:
                raise BadInput(
                    field="query", found="a broken one", limit="names and values in UTF-8, joined by = and &",
                    next_step="Encode the values with percent signs.",
                ) from problem  # fmt: skip
        if any("\0" in name or "\0" in value for name, value in found):
            raise BadInput(field="query", found="NUL", limit="text without NUL", next_step="Leave it out.")
        return found

    def line(self) -> str:
        """The request as the trail keeps it: identifiers, codes and days as they are, words of a person as "…"."""
        place = "/".join(filter(None, ("/fhir", self.kind, self.identity)))
        if self.route.interaction in ("vread", "history-instance"):
            place += "/_history" + (f"/{self.version}" if self.version else "")
        try:
            said = "&".join(f"{name}={value}" for name, value in (self._told(*pair) for pair in self.pairs()))
        except BadInput:
            said = "…"
        return f"{self.request.method} {place}{'?' if said else ''}{said}"[:500]

    def _told(self, name: str, value: str) -> tuple[str, str]:
        plain = name.partition(":")[0]
        known = parameters(self.kind).get(plain) if self.kind in kinds() else None
        if known is None and plain not in _RESULT:
            return "…", "…"
        is_open = known is None or (known.type in _SAID_IN_FULL and plain not in _OF_A_PERSON)
        return plain, value if is_open and plain != "_page" and _PLAIN.match(value) else "…"

    def sender(self) -> Sender:
        """The writer, with the key under which a request that comes twice is done once."""
        key = self.request.header("idempotency-key")
        if key and not _KEY.match(key):
            raise BadInput(
                field="Idempotency-Key", found="another", limit="1 to 64 printable characters", next_step="Shorten it."
            )
        conditions = [self.request.header(name) for name in ("if-match", "if-none-exist")]
        digest = hashlib.sha256(self.request.body).hexdigest()
        asked = {"method": self.request.method, "path": self.request.path, "body": digest, "conditions": conditions}
        return Sender(by=self.account, key=key, request=self.line(), asked=asked)

    def expected(self) -> int:
        """The version that the sender of a change has seen. Raises Problem where it is not said."""
        said = self.request.header("if-match")
        if not said:
            words = "Send If-Match with the version that was read, so that nobody's change is overwritten."
            raise Problem(428, "required", words)
        found = _VERSION.match(said)
        if found is None:
            raise BadInput(field="If-Match", found="another", limit='one version, as W/"3"', next_step="Send the ETag.")
        return int(found[1])


def pairs_of(text: str) -> Sequence[tuple[str, str]]:
    """Names and values of a search that stands in a header or entry, as in If-None-Exist."""
    try:
        return parse_qsl(text.lstrip("?"), keep_blank_values=True, strict_parsing=True, errors="strict",
                         max_num_fields=MANY_PAIRS)  # fmt: skip
    except ValueError as problem:
        raise BadInput(
            field="If-None-Exist", found="no search", limit="a search, as identifier=system|value",
            next_step="Name what the resource is known by.",
        ) from problem  # fmt: skip


def _form(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as problem:
        raise BadInput(
            field="body", found="bytes", limit="a form in ASCII with percent signs", next_step="Encode the form."
        ) from problem
