"""May this person do this? The one place that decides; everything not named here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from clinic.access.models import Account, Role

STAFF = (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST, Role.COORDINATOR, Role.DIRECTOR)

ACTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "see-today": STAFF,
        "find-patients": STAFF,
        "read-chart": STAFF,
        "state-fact": (Role.PRESCRIBER, Role.NURSE),
        "withdraw-fact": (Role.PRESCRIBER, Role.NURSE),
        "answer-score": (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST),
        "set-goal": (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST),
        "rate-goal": (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST),
        "decide-plan": (Role.PRESCRIBER,),
        "ask-override": (Role.PRESCRIBER,),
        "sign-override": (Role.PRESCRIBER, Role.DIRECTOR),
        "decide-card": (Role.PRESCRIBER,),
        "open-session": (Role.PRESCRIBER, Role.NURSE),
        "chart-vitals": (Role.PRESCRIBER, Role.NURSE),
        "give-dose": (Role.PRESCRIBER, Role.NURSE),
        "close-session": (Role.PRESCRIBER, Role.NURSE),
        "import-record": (Role.COORDINATOR, Role.DIRECTOR),
        "see-notice": STAFF,
        "use-bench": STAFF,
        "read-policy": STAFF,
        "approve-policy": (Role.DIRECTOR,),
        "see-errands": (Role.DIRECTOR,),
        "retry-errand": (Role.DIRECTOR,),
        "read-own": (Role.PATIENT,),
    }
)
"""Every act with the roles that may do it; an act on a person is further bound to the person's practice."""


class Refused(Exception):
    """This person may not do this; its words name the act. Pages answer as if the thing did not exist."""


def matrix() -> list[str]:
    """Acts by role as rows of a Markdown table."""
    rows = ["| act | " + " | ".join(role.value for role in Role) + " |", "| --- |" + " --- |" * len(Role)]
    for act, roles in ACTS.items():
        rows.append(f"| `{act}` | " + " | ".join("yes" if role in roles else "" for role in Role) + " |")
    return rows


def may(account: Account, act: str, *, patient_id: str | None = None) -> bool:
    """Whether this account may do this act, on this person where one is named."""
    if not account.is_active or account.role not in ACTS.get(act, ()):
        return False
    return account.role != Role.PATIENT or patient_id in (None, account.patient_id)


def require(account: Account, act: str, *, patient_id: str | None = None) -> None:
    """Raises Refused unless `may`."""
    if not may(account, act, patient_id=patient_id):
        raise Refused(act)
