"""Who signs? A form's secret made into the proof that an act asks for; the first in a session takes the name too."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.access.proof import NotProven, Proof, prove
from clinic.actions.stock import Witness
from clinic.queries.person import Chart
from clinic.web.door import account_of
from ketapath.errors import BadInput

_KEY = "has_signed"


def proof_of(request: HttpRequest, act: str, found: Chart | None = None) -> Proof:
    """The proof in this form, for an act on this person, or on what the clinic keeps of itself.

    Raises Refused where the account may not do the act at all, and NotProven where name or secret are not its own.
    """
    require(account_of(request), act, patient_id=None if found is None else found.patient_id)
    username = request.POST.get("signer", "").strip()[:80] if asks_name(request) else None
    proof = prove(account_of(request), request.POST.get("secret", "")[:200], username=username)
    request.session[_KEY] = proof.username
    return proof


def witness_of(request: HttpRequest, found: Chart | None = None) -> Witness:
    """The second person named in this form, who has typed their own secret beside the first.

    Raises BadInput where nobody of the clinic is named or the secret is not theirs; that stands on the trail.
    """
    by, patient_id = account_of(request), "" if found is None else found.patient_id
    named = request.POST.get("witness", "").strip()[:80]
    other = Account.objects.filter(practice=by.practice, is_active=True, username=named).exclude(pk=by.pk).first()
    try:
        if other is not None:
            return Witness(account=other, proof=prove(other, request.POST.get("witness_secret", "")[:200]))
    except NotProven:
        pass
    audit.append("witness", outcome="refused", account=by, patient_id=patient_id, entities=["witness"])
    raise BadInput(
        field=_("witness"), found=_("nobody") if other is None else other.name,
        limit=_("a colleague who was there and types their own password"),
        next_step=_("Choose who it was and let them type it; nobody types it for another."),
    )  # fmt: skip


def asks_name(request: HttpRequest) -> bool:
    """Whether the next signing is the first since this person signed in or unlocked the session."""
    user, session = getattr(request, "user", None), getattr(request, "session", None)
    return session is None or session.get(_KEY) != getattr(user, "username", "")


@receiver(user_logged_in)
def forget(sender: object, request: HttpRequest, **_more: Any) -> None:
    """After a break everything is asked again."""
    request.session.pop(_KEY, None)
