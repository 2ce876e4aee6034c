"""Ask the door as a program would, without a socket: a caller with a token, and what an answer says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clinic.access.models import Account, AuditRow
from clinic.access.tokens import new_token
from clinic.api.message import Request, Response
from clinic.api.respond import respond

BASE = "http://127.0.0.1:8000"
JSON = {"content-type": "application/fhir+json"}
PATIENT = {"resourceType": "Patient", "name": [{"family": "Okafor", "given": ["Maren"]}], "birthDate": "1984-03-07"}


@dataclass
class Caller:
    """Somebody with a token."""

    account: Account
    scopes: tuple[str, ...] = ("read", "write")
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.token = new_token(self.account, "test", self.scopes, 1)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """`path` begins below /fhir and may have a query; a body that is neither text nor bytes is sent as JSON."""
        place, _, query = f"/fhir{path}".partition("?")
        data = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"authorization": f"Bearer {self.token}", **(JSON if body is not None else {}), **said}
        return respond(
            Request(method=method, path=place, query=query, headers=sent, source="192.0.2.7", base=BASE,
                    body=data if body is not None else b"")
        )  # fmt: skip

    def made(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The resource as it stands after a create."""
        response = self.ask("POST", f"/{resource['resourceType']}", resource)
        assert response.status == 201, response.body
        return dict(said(response))

    def person(self) -> str:
        """A new person; "Patient/id"."""
        return f"Patient/{self.made(PATIENT)['id']}"


def said(response: Response) -> Any:
    """The body as a value."""
    return json.loads(response.body)


def score(person: str, **more: Any) -> dict[str, Any]:
    """A short Observation about this person."""
    return {
        "resourceType": "Observation", "status": "final", "subject": {"reference": person},
        "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}, **more,
    }  # fmt: skip


def trail(account: Account) -> list[AuditRow]:
    """What this practice has on its trail, oldest first."""
    return list(AuditRow.objects.filter(practice=account.practice.slug).order_by("id"))
