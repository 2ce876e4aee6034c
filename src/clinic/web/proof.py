"""Who signs? A form's secret made into the proof that an act asks for; the first in a session takes the name too."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from clinic.access.permission import require
from clinic.access.proof import Proof, prove
from clinic.queries.person import Chart
from clinic.web.door import account_of

_KEY = "has_signed"


def proof_of(request: HttpRequest, act: str, found: Chart) -> Proof:
    """The proof in this form, for an act on this person.

    Raises Refused where the account may not do the act at all, and NotProven where name or secret are not its own.
    """
    require(account_of(request), act, patient_id=found.patient_id)
    username = request.POST.get("signer", "").strip()[:80] if asks_name(request) else None
    proof = prove(account_of(request), request.POST.get("secret", "")[:200], username=username)
    request.session[_KEY] = proof.username
    return proof


def asks_name(request: HttpRequest) -> bool:
    """Whether the next signing is the first since this person signed in or unlocked the session."""
    user, session = getattr(request, "user", None), getattr(request, "session", None)
    return session is None or session.get(_KEY) != getattr(user, "username", "")


@receiver(user_logged_in)
def forget(sender: object, request: HttpRequest, **_: Any) -> None:
    """After a break everything is asked again."""
    request.session.pop(_KEY, None)
