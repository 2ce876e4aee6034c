"""Who belongs to whom: the care team, those who care at home, a restricted chart; and opening one in an emergency.

None of it is clinical content: the rows stand beside the record, and each change is on the trail with who made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit, relations
from clinic.access.models import Account, Emergency, Relationship, Restriction, Role
from clinic.access.permission import Refused, may, require
from clinic.actions.alerts import raise_alert, settle
from clinic.queries.alerts import EMERGENCY
from clinic.queries.team import GIVABLE, SERVES, one_person, standing_restriction
from clinic.record.models import Notice, PatientLine
from ketapath.errors import BadInput

SHORTEST_REASON = 10
"""Characters; fewer say nothing that somebody could review."""


def join_team(patient_id: str, username: str, *, reason: str, by: Account) -> None:
    """Put somebody of the practice into this person's care team.

    Raises BadInput where there is nobody of this name with such a role, or they belong to it already.
    """
    require(by, "set-team", patient_id=patient_id)
    with transaction.atomic():
        account = _account(by, username, SERVES)
        if any(r.account_id == account.pk and r.kind == relations.CARE_TEAM for r in _belonging(by, patient_id)):
            raise BadInput(
                field=_("account"), found=account.name, limit=_("somebody who is not in the care team yet"),
                next_step=_("Nothing has to be done."),
            )  # fmt: skip
        _begin(account, patient_id, relations.CARE_TEAM, parts=(), until=None, reason=reason, by=by)


def let_in(
    patient_id: str, username: str, kind: str, parts: Sequence[str], *, last_day: date | None, reason: str, by: Account
) -> None:
    """Open parts of this person's record to somebody who cares at home, up to the end of a day; the newest word counts.

    A guardian's access ends when the person comes of age. Raises BadInput for a part that is not given to anybody, a
    day that is over, and a guardian of somebody who is of age or whose birth date is not known.
    """
    require(by, "set-team", patient_id=patient_id)
    if kind not in relations.AT_HOME or not set(parts) <= set(GIVABLE):
        raise BadInput(
            field=_("access"), found=", ".join((kind, *parts)), limit=", ".join((*relations.AT_HOME, *GIVABLE)),
            next_step=_("Choose from the list."),
        )  # fmt: skip
    until = _end_of(last_day, by)
    if kind == relations.GUARDIAN:
        of_age = _comes_of_age(patient_id, by)
        until = of_age if until is None else min(until, of_age)
    with transaction.atomic():
        account = _account(by, username, (Role.CAREGIVER,))
        for standing in _belonging(by, patient_id):
            if standing.account_id == account.pk:
                _end(standing, by=by, reason=_("given anew"))
        wanted = [part for part in GIVABLE if part == "person" or part in parts]
        _begin(account, patient_id, kind, parts=wanted, until=until, reason=reason, by=by)


def leave(number: int, *, patient_id: str, reason: str, by: Account) -> bool:
    """End what binds somebody to this person, from now on; False where it is not there or has ended."""
    require(by, "set-team", patient_id=patient_id)
    with transaction.atomic():
        standing = next((one for one in _belonging(by, patient_id) if one.pk == number), None)
        if standing is None:
            return False
        _end(standing, by=by, reason=reason)
    return True


def restrict(patient_id: str, *, reason: str, by: Account) -> None:
    """From now on only the care team opens this chart. Raises BadInput without a reason or without a care team."""
    require(by, "restrict-chart", patient_id=patient_id)
    _check_reason(reason)
    with transaction.atomic():
        if not any(one.kind == relations.CARE_TEAM for one in _belonging(by, patient_id)):
            raise BadInput(
                field=_("care team"), found=_("nobody"), limit=_("at least one person who may open the chart"),
                next_step=_("Put somebody into the care team first."),
            )  # fmt: skip
        if standing_restriction(by.practice, patient_id) is None:
            Restriction.objects.create(
                practice=by.practice, patient_id=patient_id, reason=reason, made_by=by.name, since=clock.now()
            )
            audit.append("restrict-chart", outcome="done", account=by, patient_id=patient_id, entities=["restricted"])


def lift(patient_id: str, *, by: Account) -> None:
    """The chart is open again to everybody who treats here."""
    require(by, "restrict-chart", patient_id=patient_id)
    with transaction.atomic():
        standing = standing_restriction(by.practice, patient_id)
        if standing is not None:
            standing.until = clock.now()
            standing.save(update_fields=["until"])
            audit.append("restrict-chart", outcome="done", account=by, patient_id=patient_id, entities=["lifted"])


def break_glass(
    *, identity: str = "", family: str = "", born_on: date | None = None, reason: str, by: Account
) -> str | None:
    """Open the chart of one person for a while, though it is not this clinician's; their id, None where nobody fits.

    The directors are told at once, and so are the prescribers who reach the person. Where the chart is open already,
    nothing is done. Raises BadInput where the reason says too little.
    """
    require(by, "break-glass")
    _check_reason(reason)
    patient_id = one_person(by.practice, identity=identity, family=family, born_on=born_on)
    if patient_id is None:
        audit.append(
            "break-glass", outcome="refused", account=by, asked="by id" if identity else "by name and birth date"
        )
        return None
    if may(by, "read-chart", patient_id=patient_id):
        return patient_id
    now = clock.now()
    with transaction.atomic():
        until = now + timedelta(minutes=relations.emergency_minutes(by.practice))
        emergency = Emergency.objects.create(
            practice=by.practice, account=by, patient_id=patient_id, reason=reason, opened_at=now, until=until
        )
        raise_alert(
            by.practice, kind=EMERGENCY, about=f"Emergency/{emergency.pk}", owner_role=Role.DIRECTOR, not_for=by
        )
        Notice.objects.create(
            practice=by.practice, patient_id=patient_id, key=EMERGENCY, made_at=now, role=Role.PRESCRIBER
        )
        audit.append(
            "break-glass", outcome="done", account=by, patient_id=patient_id, entities=[f"Emergency/{emergency.pk}"]
        )
    return patient_id


def review(number: int, finding: str, *, by: Account) -> bool:
    """Say what was found about this emergency; False where it is not of this practice or was reviewed before.

    Raises Refused for the person who opened the chart, and BadInput for a finding that says too little.
    """
    require(by, "review-emergency")
    _check_reason(finding)
    with transaction.atomic():
        rows = Emergency.objects.select_for_update().filter(pk=number, practice=by.practice, reviewed_at=None)
        emergency = rows.first()
        if emergency is None:
            return False
        if emergency.account_id == by.pk:
            raise Refused("review-emergency")
        emergency.reviewed_by, emergency.reviewed_at, emergency.review = by.name, clock.now(), finding
        emergency.save(update_fields=["reviewed_by", "reviewed_at", "review"])
        settle(by.practice, kind=EMERGENCY, about=f"Emergency/{emergency.pk}", by=by)
        audit.append(
            "review-emergency", outcome="done", account=by, patient_id=emergency.patient_id,
            entities=[f"Emergency/{emergency.pk}"],
        )  # fmt: skip
    return True


def _belonging(by: Account, patient_id: str) -> list[Relationship]:
    return relations.people_of(patient_id, by.practice)


def _begin(
    account: Account,
    patient_id: str,
    kind: str,
    *,
    parts: Sequence[str],
    until: datetime | None,
    reason: str,
    by: Account,
) -> None:
    Relationship.objects.create(
        practice=by.practice, account=account, patient_id=patient_id, kind=kind, parts=list(parts), reason=reason,
        made_by=by.name, since=clock.now(), until=until,
    )  # fmt: skip
    told = ["begun", kind, account.username, *parts]
    audit.append("set-team", outcome="done", account=by, patient_id=patient_id, entities=told)


def _end(standing: Relationship, *, by: Account, reason: str) -> None:
    standing.until = clock.now()
    standing.reason = "; ".join(filter(None, (standing.reason, reason)))
    standing.save(update_fields=["until", "reason"])
    told = ["ended", standing.kind, standing.account.username]
    audit.append("set-team", outcome="done", account=by, patient_id=standing.patient_id, entities=told)


def _account(by: Account, username: str, roles: Sequence[str]) -> Account:
    account = Account.objects.filter(practice=by.practice, username=username, is_active=True, role__in=roles).first()
    if account is None:
        raise BadInput(
            field=_("account"), found=username or _("nobody"), limit=_("an account of this clinic with a fitting role"),
            next_step=_("Choose from the list."),
        )  # fmt: skip
    return account


def _end_of(last_day: date | None, by: Account) -> datetime | None:
    """The first instant after that day at the clinic."""
    if last_day is None:
        return None
    if last_day < clock.today(by.practice.zone):
        raise BadInput(
            field=_("last day"),
            found=last_day.isoformat(),
            limit=_("today or later"),
            next_step=_("Choose another day."),
        )
    return datetime.combine(last_day + timedelta(days=1), time(0), ZoneInfo(by.practice.zone))


def _comes_of_age(patient_id: str, by: Account) -> datetime:
    line = PatientLine.objects.filter(practice=by.practice, patient_id=patient_id).first()
    born_on = None if line is None else line.born_on
    of_age = None if born_on is None else relations.comes_of_age(born_on, by.practice)
    if of_age is None or of_age <= clock.now():
        raise BadInput(
            field=_("guardian"), found=_("somebody who is of age, or whose birth date is not known"),
            limit=_("a person who is not of age here yet"),
            next_step=_("Let the person choose: add somebody who cares at home instead."),
        )  # fmt: skip
    return of_age


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        raise BadInput(
            field=_("reason"), found=reason.strip() or _("nothing"),
            limit=_("at least %(count)s characters") % {"count": SHORTEST_REASON}, next_step=_("Say why."),
        )  # fmt: skip
