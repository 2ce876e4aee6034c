"""With what else does somebody show who they are? Codes of an app, security keys, and recovery codes for a bad day.

The tables, the arithmetic of codes and the sealing of their keys are allauth's; the ceremony of a security key is
fido2's. What is used once is marked in the database under a lock, so it works once however many servers there are.
Sources: RFC 6238 (codes by time), Web Authentication Level 2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.utils.crypto import constant_time_compare
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.sealed import Unreadable

_APP, _KEY, _RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES
STEP_S = 30  # source: RFC 6238, 5.2
_NAMELESS = "security key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One second factor of an account; `name` is the person's own word for a key, empty for the app."""

    id: int
    kind: str
    name: str
    since: datetime
    used_at: datetime | None


def factors_of(account: Account) -> list[Factor]:
    """The app and the keys, oldest first; recovery codes stand apart."""
    return [
        Factor(
            id=row.pk, kind="app" if row.type == _APP else "key", name=row.data.get("name", ""), since=row.created_at,
            used_at=row.last_used_at,
        )
        for row in _rows(account).filter(type__in=(_APP, _KEY)).order_by("created_at", "id")
    ]  # fmt: skip


def has_factor(account: Account) -> bool:
    """Whether a second factor is asked for at all."""
    return bool(_rows(account).filter(type__in=(_APP, _KEY)).exists())


def new_app_key() -> str:
    """A key for an app that shows codes (160 bits, base32)."""
    return str(generate_totp_secret())


def is_code_of(app_key: str, code: str) -> bool:
    """Whether an app with this key shows this code now."""
    return _step_of(app_key, code, after=-1) is not None


@transaction.atomic
def add_app(account: Account, app_key: str) -> None:
    """This app's codes count from now on; one app to an account."""
    _rows(account).filter(type=_APP).delete()
    TOTP.activate(account, app_key)
    audit.append("add-second-factor", outcome="done", account=account, entities=["app"])


def takes_app_code(account: Account, code: str) -> bool:
    """Use up this code; False where it is wrong or was used before. Within a transaction."""
    row = _rows(account).select_for_update().filter(type=_APP).first()
    if row is None:
        return False
    try:
        step = _step_of(decrypt(row.data["secret"]), code, after=row.data.get("step", -1))
    except Unreadable:
        return False
    if step is None:
        return False
    row.data["step"], row.last_used_at = step, clock.wall()
    row.save(update_fields=["data", "last_used_at"])
    return True


@transaction.atomic
def new_recovery_codes(account: Account) -> list[str]:
    """Ten codes that each stand in for a second factor once. Earlier ones stop working; these are not shown again."""
    _rows(account).filter(type=_RECOVERY).delete()
    audit.append("new-recovery-codes", outcome="done", account=account)
    return [str(code) for code in RecoveryCodes.activate(account).generate_codes()]


def recovery_codes_left(account: Account) -> int:
    """How many were not used yet."""
    row = _rows(account).filter(type=_RECOVERY).first()
    try:
        return 0 if row is None else len(row.wrap().get_unused_codes())
    except Unreadable:
        return 0


def takes_recovery_code(account: Account, code: str) -> bool:
    """Use up this code."""
    row = _rows(account).filter(type=_RECOVERY).first()
    try:
        return row is not None and bool(row.wrap().validate_code(code.replace(" ", "")))
    except Unreadable:
        return False


def asks_to_add_key(account: Account, host: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the browser is asked for a new key, and what to remember until it answers. `host` is without a port."""
    who = PublicKeyCredentialUserEntity(id=str(account.pk).encode(), name=account.username, display_name=account.name)
    options, state = _server(host).register_begin(
        user=who, credentials=_keys(account), resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )  # fmt: skip
    return _plain(options), _plain(state)


@transaction.atomic
def add_key(account: Account, name: str, answer: Mapping[str, Any], state: Mapping[str, Any], host: str) -> bool:
    """Whether this key was taken in."""
    try:
        _server(host).register_complete(state, answer)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    Authenticator.objects.create(
        user=account, type=_KEY, data={"name": name[:60] or _NAMELESS, "credential": dict(answer)}
    )
    audit.append("add-second-factor", outcome="done", account=account, entities=["key"])
    return True


def asks_for_key(account: Account, host: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What the browser is asked of a key, and what to remember until it answers; None where there is no key."""
    keys = _keys(account)
    if not keys:
        return None
    options, state = _server(host).authenticate_begin(
        credentials=keys, user_verification=UserVerificationRequirement.PREFERRED
    )
    return _plain(options), _plain(state)


def takes_key(account: Account, answer: Mapping[str, Any], state: Mapping[str, Any], host: str) -> bool:
    """Whether one of the person's keys has signed what was asked."""
    rows = list(_rows(account).filter(type=_KEY))
    try:
        used = _server(host).authenticate_complete(state, [_credential(row) for row in rows], answer)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    for row in rows:
        if _credential(row).credential_id == used.credential_id:
            row.last_used_at = clock.wall()
            row.save(update_fields=["last_used_at"])
    return True


def name_key(account: Account, number: int, name: str) -> None:
    """Another word for this key."""
    row = _rows(account).filter(type=_KEY, pk=number).first()
    if row is not None and name.strip():
        row.data["name"] = name.strip()[:60]
        row.save(update_fields=["data"])


@transaction.atomic
def remove_factor(account: Account, number: int) -> None:
    """This one no longer counts; with the last one the recovery codes go too."""
    row = _rows(account).filter(type__in=(_APP, _KEY), pk=number).first()
    if row is None:
        return
    row.delete()
    if not has_factor(account):
        _rows(account).delete()
    what = "app" if row.type == _APP else "key"
    audit.append("remove-second-factor", outcome="done", account=account, entities=[what])


def remove_all(account: Account) -> None:
    """For lost devices: whoever looks after the installation does this, never the sign-in page."""
    _rows(account).delete()


def _rows(account: Account) -> Any:
    return Authenticator.objects.filter(user=account)


def _step_of(app_key: str, code: str, *, after: int) -> int | None:
    """Which step of time this code belongs to: this one or a neighbour, and later than the last one used."""
    here = int(clock.wall().timestamp()) // STEP_S
    digits = code.replace(" ", "")
    for step in (here, here - 1, here + 1):
        if constant_time_compare(format_hotp_value(hotp_value(app_key, step)), digits) and step > after:
            return step
    return None


def _server(host: str) -> Fido2Server:
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="ketapath"))


def _keys(account: Account) -> list[AttestedCredentialData]:
    return [_credential(row) for row in _rows(account).filter(type=_KEY)]


def _credential(row: Any) -> AttestedCredentialData:
    answer = RegistrationResponse.from_dict(row.data["credential"]).response
    found = answer.attestation_object.auth_data.credential_data
    assert isinstance(found, AttestedCredentialData), "register_complete has seen it"
    return found


def _plain(value: Any) -> dict[str, Any]:
    """As plain values, for the page and the session."""
    return dict(json.loads(json.dumps(value, default=dict)))
