"""May this person do this? The one place that decides; everything not named here is refused.

Role, relationship to the person, part of the record: all three have to allow it. Pages, the interface, exports, jobs
and event streams ask `may` of one act, or take the `reach` of all that somebody may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from clinic.access import relations
from clinic.access.models import Account, Role
from clinic.record.models import Current
from clinic.record.reach import Reach
from ketapath.fhir.parts import PARTS as PARTS_OF_A_RECORD

TREATING = (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST)
STAFF = (*TREATING, Role.COORDINATOR, Role.PHARMACIST, Role.DIRECTOR)
HOUSE = (*STAFF, Role.RESEARCHER)

ACTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "see-today": STAFF,
        "see-schedule": STAFF,
        "book": (Role.PRESCRIBER, Role.NURSE, Role.COORDINATOR),
        "move-booking": (Role.PRESCRIBER, Role.NURSE, Role.COORDINATOR),
        "cancel-booking": (Role.PRESCRIBER, Role.NURSE, Role.COORDINATOR),
        "set-room": (Role.COORDINATOR, Role.DIRECTOR),
        "set-duty": (Role.COORDINATOR, Role.DIRECTOR),
        "find-patients": (*STAFF, Role.SERVICE),
        "read-chart": (*STAFF, Role.SERVICE),
        "state-fact": (Role.PRESCRIBER, Role.NURSE),
        "withdraw-fact": (Role.PRESCRIBER, Role.NURSE),
        "answer-score": TREATING,
        "set-goal": TREATING,
        "rate-goal": TREATING,
        "decide-plan": (Role.PRESCRIBER,),
        "sign-plan": (Role.PRESCRIBER,),
        "check-calculation": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST),
        "ask-override": (Role.PRESCRIBER,),
        "sign-override": (Role.PRESCRIBER, Role.DIRECTOR),
        "decide-card": (Role.PRESCRIBER,),
        "open-session": (Role.PRESCRIBER, Role.NURSE),
        "chart-vitals": (Role.PRESCRIBER, Role.NURSE),
        "confirm-consent": (Role.PRESCRIBER, Role.NURSE),
        "re-screen": (Role.PRESCRIBER, Role.NURSE),
        "check-order": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST),
        "give-dose": (Role.PRESCRIBER, Role.NURSE),
        "chart-session": (Role.PRESCRIBER, Role.NURSE),
        "discharge": (Role.PRESCRIBER, Role.NURSE),
        "override-discharge": (Role.PRESCRIBER,),
        "close-session": (Role.PRESCRIBER, Role.NURSE),
        "witness": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST),
        "see-stock": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST, Role.DIRECTOR),
        "receive-stock": (Role.NURSE, Role.PHARMACIST),
        "record-drug": (Role.PRESCRIBER, Role.NURSE),
        "count-stock": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST),
        "destroy-stock": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST),
        "explain-difference": (Role.PRESCRIBER, Role.NURSE, Role.PHARMACIST),
        "close-difference": (Role.DIRECTOR,),
        "see-forms": STAFF,
        "answer-form": (Role.PRESCRIBER, Role.NURSE),
        "finish-record": (Role.PRESCRIBER, Role.NURSE),
        "send-form": (Role.PRESCRIBER, Role.NURSE, Role.COORDINATOR),
        "set-site": (Role.COORDINATOR, Role.DIRECTOR),
        "export-registry": (Role.COORDINATOR, Role.DIRECTOR),
        "see-adverse": STAFF,
        "record-adverse": (Role.PRESCRIBER, Role.NURSE),
        "review-adverse": (Role.PRESCRIBER, Role.DIRECTOR),
        "write-note": (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST),
        "write-process-note": (Role.THERAPIST,),
        "sign-note": (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST),
        "hold-therapy": TREATING,
        "agree-touch": TREATING,
        "chart-exposure": TREATING,
        "hand-over": STAFF,
        "take-over": STAFF,
        "refer": (*TREATING, Role.COORDINATOR),
        "note-cover": (*TREATING, Role.COORDINATOR, Role.DIRECTOR),
        "keep-places": (Role.COORDINATOR, Role.DIRECTOR),
        "see-staff": (Role.COORDINATOR, Role.DIRECTOR),
        "keep-certificates": (Role.COORDINATOR, Role.DIRECTOR),
        "import-record": (Role.COORDINATOR, Role.DIRECTOR),
        "write-resource": (Role.PRESCRIBER, Role.NURSE, Role.SERVICE),
        "register-patient": (Role.PRESCRIBER, Role.COORDINATOR, Role.DIRECTOR, Role.SERVICE),
        "move-record": (Role.DIRECTOR,),
        "import-chart": (Role.DIRECTOR,),
        "export-chart": (Role.PRESCRIBER, Role.COORDINATOR, Role.DIRECTOR),
        "see-notice": STAFF,
        "see-alerts": STAFF,
        "answer-alert": STAFF,
        "set-alert-chain": (Role.DIRECTOR,),
        "see-team": STAFF,
        "set-team": (Role.PRESCRIBER, Role.COORDINATOR, Role.DIRECTOR),
        "restrict-chart": (Role.DIRECTOR,),
        "break-glass": TREATING,
        "review-emergency": (Role.DIRECTOR,),
        "review-decisions": (Role.DIRECTOR,),
        "use-bench": HOUSE,
        "see-trials": (Role.DIRECTOR, Role.RESEARCHER),
        "run-trial": (Role.DIRECTOR, Role.RESEARCHER),
        "read-policy": HOUSE,
        "approve-policy": (Role.DIRECTOR,),
        "see-errands": (Role.DIRECTOR,),
        "retry-errand": (Role.DIRECTOR,),
        "read-own": (Role.PATIENT, Role.CAREGIVER),
        "read-own-accesses": (Role.PATIENT,),
        "own-account": (*HOUSE, Role.PATIENT, Role.CAREGIVER),
        "read-accesses": STAFF,
        "read-audit": (Role.DIRECTOR,),
        "export-audit": (Role.DIRECTOR,),
    }
)
"""Every act with the roles that may do it; an act on a person is further bound to who and which part they reach."""

PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": (*STAFF, Role.PATIENT, Role.CAREGIVER, Role.SERVICE),
        "chart": (*STAFF, Role.PATIENT, Role.CAREGIVER, Role.SERVICE),
        "course": (*STAFF, Role.SERVICE),
        "process-notes": (Role.THERAPIST,),
        "staff-notes": (*TREATING, Role.DIRECTOR),
        "study-arm": (Role.DIRECTOR,),
        "drafts": (),
    }
)
"""Every part of a record with the roles that read it; drafts are for their authors alone, process notes for
therapists who are in the person's care team."""

BOUND = frozenset({"process-notes"})
"""Parts that only a place in the person's care team opens, in every practice; no emergency and no export does."""
OF_THE_HOUSE = frozenset({"see-team", "set-team", "restrict-chart", "review-emergency"})
"""What a director does for everybody in the practice, restricted or not: it opens no chart."""
UNREAD = frozenset({"import-record", "import-chart", "move-record"})
"""Acts that carry whole resources from one place to another without showing them, whatever part they are of."""
BRINGS_IN = frozenset({"import-record", "import-chart", "write-resource", "register-patient"})
"""Acts that may begin the record of somebody to whom nobody can belong yet."""
READS = frozenset(
    {
        "see-today",
        "see-schedule",
        "see-alerts",
        "find-patients",
        "read-chart",
        "see-team",
        "see-staff",
        "use-bench",
        "see-trials",
        "read-policy",
        "review-decisions",
        "see-stock",
        "see-forms",
        "see-adverse",
        "read-own",
        "read-own-accesses",
    }
)
"""What a token with the scope "read" is for; every other act needs "write"."""
OPEN = "open"
"""Stands in the place of an act at a page that everybody may see, signed in or not."""
assert set(PARTS) == set(PARTS_OF_A_RECORD)


class Refused(Exception):
    """This person may not do this; its words name the act. Pages answer as if the thing did not exist.

    `is_on_trail` once the refusal has been written there.
    """

    def __init__(self, act: str, *, patient_id: str = "") -> None:
        super().__init__(act)
        self.patient_id = patient_id
        self.is_on_trail = False


def may(account: Account, act: str, *, patient_id: str | None = None, part: str = "chart") -> bool:
    """Whether this account may do this act, on this part of this person's record where one is named."""
    return act in permitted(account, (act,), patient_id=patient_id, part=part)


def permitted(
    account: Account, acts: Iterable[str], *, patient_id: str | None = None, part: str = "chart"
) -> frozenset[str]:
    """Those of the acts that this account may do, each as `may` says; relations are looked up once for all."""
    allowed = frozenset(act for act in acts if _role_allows(account, act))
    if patient_id is None or not allowed:
        return allowed
    usual = _reach(account).parts_of(patient_id)
    found = set()
    for act in allowed:
        reached = _reach(account, act).parts_of(patient_id) if act in OF_THE_HOUSE else usual
        by_part = bool(reached) if act in UNREAD | OF_THE_HOUSE else part in reached
        if by_part or (act in BRINGS_IN and not _is_on_record(account, patient_id)):
            found.add(act)
    return frozenset(found)


def require(account: Account, act: str, *, patient_id: str | None = None, part: str = "chart") -> None:
    """Raises Refused unless `may`."""
    if not may(account, act, patient_id=patient_id, part=part):
        raise Refused(act)


def reach(account: Account, act: str = "read-chart") -> Reach:
    """Which people and which parts of their records this account reaches with this act; nothing where it may not.

    Whoever has no chart to read, but a record of their own or of somebody they care for, reaches that.
    """
    if act == "read-chart" and not _role_allows(account, act):
        act = "read-own"
    if not _role_allows(account, act):
        return Reach.nothing(account.practice)
    within = _reach(account, act)
    return within if act in READS else replace(within, given=frozenset(g for g in within.given if g[1] not in BOUND))


def _role_allows(account: Account, act: str) -> bool:
    """Role and token alone: an account that was closed may nothing, nor may a service without a token."""
    if not account.is_active or account.role not in ACTS.get(act, ()):
        return False
    if account.scopes is None:
        return account.role != Role.SERVICE
    return ("read" if act in READS else "write") in account.scopes


def _reach(account: Account, act: str = "") -> Reach:
    """By relationship and part, for an act that the role allows."""
    practice, role = account.practice, account.role
    parts = frozenset(part for part, roles in PARTS.items() if role in roles)
    if role == Role.PATIENT:
        own = frozenset({account.patient_id} - {""})
        return Reach(practice=practice, people=own, parts=parts)
    if role == Role.CAREGIVER:
        given = frozenset((person, part) for person, part in relations.given_to(account) if part in parts)
        return Reach(practice=practice, people=frozenset(), parts=frozenset(), given=given)
    if role == Role.DIRECTOR and act in OF_THE_HOUSE:
        return Reach(practice=practice, parts=parts)
    restricted, is_team_only = relations.restricted(practice), relations.is_team_only(practice)
    is_bound = is_team_only or bool(restricted)
    team = relations.team_of(account) if is_bound or parts & BOUND else frozenset()
    opened = relations.opened(account) if is_bound and role in ACTS["break-glass"] else ()
    mine = team | {emergency.patient_id for emergency in opened}
    return Reach(
        practice=practice,
        people=mine if is_team_only else None,
        hidden=frozenset() if is_team_only else restricted - mine,
        parts=parts - BOUND,
        given=frozenset((person, part) for person in team for part in parts & BOUND),
    )


def _is_on_record(account: Account, patient_id: str) -> bool:
    return Current.objects.filter(practice=account.practice, kind="Patient", identity=patient_id).exists()


def matrix() -> list[str]:
    """Acts by role as rows of a Markdown table."""
    return _table("act", ACTS)


def matrix_of_parts() -> list[str]:
    """Parts of a record by role as rows of a Markdown table."""
    return _table("part", PARTS)


def roles_at_pages(act: str) -> tuple[str, ...]:
    """The roles that open the pages of this act: all for what is open, and else no service, which has no pages."""
    return tuple(Role.values) if act == OPEN else tuple(role for role in ACTS[act] if role != Role.SERVICE)


def _table(head: str, rows: Mapping[str, tuple[str, ...]]) -> list[str]:
    lines = [f"| {head} | " + " | ".join(role.value for role in Role) + " |", "| --- |" + " --- |" * len(Role)]
    for name, roles in rows.items():
        lines.append(f"| `{name}` | " + " | ".join("yes" if role in roles else "" for role in Role) + " |")
    return lines
