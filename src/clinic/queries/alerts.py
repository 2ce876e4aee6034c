"""What waits for an answer, whose is it, and to whom does it go next and when? The inbox, and who answers for what.

Whoever may not open a chart sees no alert about it. Whether an alert is late is worked out when somebody looks, so that
the second person's page shows it at its time even where nothing behind the pages is alive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType

from django.db.models import Count, Q, QuerySet

from clinic import clock
from clinic.access import relations
from clinic.access.models import Account, Relationship, Role
from clinic.access.permission import STAFF, may, reach
from clinic.practice.models import Alert, AlertStep
from clinic.queries.staffed import is_staffed, on_duty
from clinic.record.models import PatientLine, Practice
from clinic.record.reach import Reach

URGENCIES = ("now", "session", "day", "week", "test")
"""How soon an alert is answered, the soonest first. Those of a day or a week wait for somebody to be in."""
TEST, UNREACHED, EMERGENCY = "chain.test", "alert.reaches_nobody", "access.emergency"
SHOWN_CLOSED = 20
LAST = 2
"""The level of the third person; from there an alert is told again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How soon, and the roles of the first, the second and the third person."""

    urgency: str
    roles: tuple[str, str, str]


_CLINICAL = (Role.PRESCRIBER, Role.PRESCRIBER, Role.DIRECTOR)
_DIRECTORS = (Role.DIRECTOR, Role.DIRECTOR, Role.PRESCRIBER)
_OFFICE = (Role.COORDINATOR, Role.DIRECTOR, Role.PRESCRIBER)
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "measurement.item9": Kind(urgency="now", roles=_CLINICAL),
        "suicidality.interview": Kind(urgency="now", roles=_CLINICAL),
        "suicidality.intent": Kind(urgency="now", roles=_CLINICAL),
        "session.limit": Kind(urgency="now", roles=_CLINICAL),
        "response.sudden": Kind(urgency="now", roles=_CLINICAL),
        "dose.more_than_ordered": Kind(urgency="now", roles=_CLINICAL),
        "dose.faster_than_ordered": Kind(urgency="now", roles=_CLINICAL),
        "audit.broken": Kind(urgency="now", roles=_DIRECTORS),
        UNREACHED: Kind(urgency="now", roles=_DIRECTORS),
        "session.reading_overdue": Kind(urgency="session", roles=(Role.NURSE, Role.NURSE, Role.PRESCRIBER)),
        EMERGENCY: Kind(urgency="day", roles=_DIRECTORS),
        "override.asked": Kind(urgency="day", roles=_CLINICAL),
        "response.warning": Kind(urgency="day", roles=_CLINICAL),
        "score.overdue": Kind(urgency="day", roles=(Role.NURSE, Role.COORDINATOR, Role.PRESCRIBER)),
        "check.unanswered": Kind(urgency="day", roles=(Role.NURSE, Role.COORDINATOR, Role.PRESCRIBER)),
        "lab.due": Kind(urgency="week", roles=(Role.NURSE, Role.PRESCRIBER, Role.DIRECTOR)),
        "booking.plan_ended": Kind(urgency="day", roles=_OFFICE),
        "authorisation.expiring": Kind(urgency="week", roles=_OFFICE),
        "certificate.expiring": Kind(urgency="week", roles=_OFFICE),
        "adverse.serious": Kind(urgency="day", roles=_DIRECTORS),
        "adverse.report": Kind(urgency="day", roles=_OFFICE),
        "adverse.follow_up": Kind(urgency="day", roles=(Role.NURSE, Role.PRESCRIBER, Role.DIRECTOR)),
        "form.overdue": Kind(urgency="day", roles=_OFFICE),
        "handover.waiting": Kind(urgency="day", roles=(Role.NURSE, Role.PRESCRIBER, Role.DIRECTOR)),
        "referral.late": Kind(urgency="week", roles=_OFFICE),
        "stock.difference": Kind(urgency="day", roles=_DIRECTORS),
        "stock.not_as_signed": Kind(urgency="day", roles=_CLINICAL),
        TEST: Kind(urgency="test", roles=_DIRECTORS),
    }
)
"""Every kind of alert. One that is not named here is one of the day, for whoever its `owner_role` says."""
_UNNAMED = Kind(urgency="day", roles=_CLINICAL)
_ORDER = (Role.PRESCRIBER, Role.DIRECTOR, Role.NURSE, Role.THERAPIST, Role.COORDINATOR, Role.PHARMACIST)
"""Who is asked where the named roles have nobody."""


def kind_of(alert: Alert) -> Kind:
    """The kind that this alert is of."""
    return KINDS.get(alert.kind, _UNNAMED)


def on_call(practice: Practice) -> tuple[str, ...]:
    """Usernames of who is called while nobody is in, first and second; empty where nobody has been named."""
    named = practice.settings.get("on_call")
    return tuple(str(name) for name in named[:2]) if isinstance(named, list) else ()


class Staff:
    """Who could answer in one practice at one instant. Looked up once for many alerts."""

    def __init__(self, practice: Practice, at: datetime) -> None:
        self.practice, self.at = practice, at
        self._reached: dict[int, Reach] = {}

    def told(self, alert: Alert, level: int, already: Collection[int]) -> tuple[Account, ...]:
        """Whom this alert is told to at this level: one person, at the last level all of its role; perhaps nobody."""
        roles, now = kind_of(alert).roles, kind_of(alert).urgency == "now"
        first = (alert.owner_role or roles[0]) if level == 0 else roles[min(level, LAST)]
        order = list(dict.fromkeys((first, *roles[level:], *roles, *_ORDER)))
        called = on_call(self.practice) if now and not self.is_open else ()

        def rank(account: Account) -> tuple[object, ...]:
            is_called = account.username in called
            place = called.index(account.username) if is_called else order.index(account.role)
            return (not is_called, place, account.pk not in self.duty, not self._is_of_team(account, alert),
                    self.load[account.pk], account.pk)  # fmt: skip

        found: list[Account] = []
        for account in sorted((a for a in self.accounts if a.pk not in already), key=rank):
            if found and (level < LAST or account.role != found[0].role):
                break
            if self.reaches(account, alert):
                found.append(account)
        return tuple(found)

    def reaches(self, account: Account, alert: Alert) -> bool:
        """Whether this account may see this alert."""
        if not may(account, "see-alerts"):
            return False
        if not alert.patient_id:
            return True
        if account.pk not in self._reached:
            self._reached[account.pk] = reach(account, "see-alerts")
        return self._reached[account.pk].holds(alert.patient_id)

    def _is_of_team(self, account: Account, alert: Alert) -> bool:
        return bool(alert.patient_id) and (account.pk, alert.patient_id) in self.teams

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """Everybody of the house who may be told of anything."""
        rows = Account.objects.filter(practice=self.practice, is_active=True, role__in=STAFF)
        return tuple(rows.select_related("practice").order_by("pk"))

    @cached_property
    def is_open(self) -> bool:
        """Whether somebody is in."""
        return is_staffed(self.practice, self.at)

    @cached_property
    def duty(self) -> frozenset[int]:
        """Who is on duty."""
        return on_duty(self.practice, self.at)

    @cached_property
    def teams(self) -> frozenset[tuple[int, str]]:
        """Who is in whose care team."""
        rows = Relationship.objects.filter(
            relations.open_now(self.at), practice=self.practice, kind=relations.CARE_TEAM
        )
        return frozenset(rows.values_list("account_id", "patient_id"))

    @cached_property
    def load(self) -> Counter[int]:
        """How many open alerts each has already."""
        rows = Alert.objects.filter(practice=self.practice, closed_at=None, owner__isnull=False).values("owner_id")
        return Counter({row["owner_id"]: row["many"] for row in rows.annotate(many=Count("id"))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alert as somebody sees it. `goes_to` is who else is told next, empty where only its owner is told again."""

    alert: Alert
    line: PatientLine | None
    urgency: str
    is_late: bool
    is_mine: bool
    may_answer: bool
    goes_to: tuple[str, ...]
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What waits, one's own first; how many were closed today and how long the slowest answer took.

    `closed` are the newest of those that somebody closed today, `SHOWN_CLOSED` at most.
    """

    mine: tuple[Row, ...]
    others: tuple[Row, ...]
    closed_today: int
    slowest: timedelta | None
    closed: tuple[Row, ...]

    def part(self, start: int, many: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
        """So many of them from this place on: one's own, and the others."""
        behind = max(0, start - len(self.mine))
        mine = self.mine[start : start + many]
        return mine, self.others[behind : behind + many - len(mine)]

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return not self.mine and not self.others


def visible(account: Account, *, with_tests: bool = False) -> QuerySet[Alert]:
    """The alerts that this account may see, open and closed: of people whose chart it reaches, and of its role."""
    if not may(account, "see-alerts"):
        return Alert.objects.none()
    rows = Alert.objects.filter(practice=account.practice)
    about_people = reach(account, "see-alerts").people_of(rows.exclude(patient_id=""))
    named = [kind for kind, found in KINDS.items() if account.role in found.roles]
    of_house = rows.filter(Q(owner=account) | Q(owner_role=account.role) | Q(kind__in=named), patient_id="")
    found = about_people | of_house
    return found if with_tests else found.exclude(kind=TEST)


def waiting(account: Account) -> QuerySet[Alert]:
    """Those of them that are open, with their owners."""
    return visible(account).filter(closed_at=None)


def waiting_rows(account: Account) -> list[Row]:
    """Everything that waits, the most urgent and the oldest first."""
    return rows_of(list(waiting(account).select_related("owner")), account, clock.now())


def inbox(account: Account) -> Inbox:
    """Everything that waits, this account's own apart, and how fast those of today were answered."""
    rows = waiting_rows(account)
    midnight = clock.local(clock.now(), account.practice.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    done = list(visible(account).filter(closed_at__gte=midnight).select_related("owner").order_by("-closed_at", "-id"))
    by_hand = [alert for alert in done if alert.closed_by][:SHOWN_CLOSED]
    times = [_answered_after(alert) for alert in done]
    return Inbox(
        mine=tuple(row for row in rows if row.is_mine),
        others=tuple(row for row in rows if not row.is_mine),
        closed_today=len(times),
        slowest=max(times, default=None),
        closed=tuple(rows_of(by_hand, account, clock.now())) if by_hand else (),
    )


def rows_of(alerts: Collection[Alert], account: Account, now: datetime) -> list[Row]:
    """These alerts as this account sees them, in the order in which they want an answer."""
    staff = Staff(account.practice, now)
    people = {alert.patient_id for alert in alerts}
    lines = {
        line.patient_id: line
        for line in PatientLine.objects.filter(practice=account.practice, patient_id__in=people - {""})
    }
    told = _told([alert for alert in alerts if _goes_on(alert) and alert.level < LAST])
    made = [_row(alert, account, staff, lines.get(alert.patient_id), told.get(alert.pk, ())) for alert in alerts]
    return sorted(made, key=lambda row: (URGENCIES.index(row.urgency), row.alert.raised_at, row.alert.pk))


def one(account: Account, number: int) -> Alert | None:
    """This alert, where the account may see it."""
    return visible(account).filter(pk=number).select_related("owner").first()


def log(alert: Alert) -> list[AlertStep]:
    """What happened to it, oldest first, each with the mail that went out for it."""
    return list(alert.steps.order_by("id").prefetch_related("mails__account"))


def answers(alert: Alert, account: Account) -> bool:
    """Whether this account may answer it: its owner, a role that it may come to, and every prescriber."""
    roles = {*kind_of(alert).roles, alert.owner_role, Role.PRESCRIBER}
    return alert.owner_id == account.pk or account.role in roles


def may_open_again(alert: Alert) -> bool:
    """Whether a person closed it: what was settled because it is gone has nothing left to answer."""
    last = alert.steps.order_by("-id").first()
    return alert.closed_at is not None and last is not None and last.what == "closed"


def told_already(alert: Alert) -> set[int]:
    """Whom it has been told to: its owner, everybody who was written to, and whoever has done something about it."""
    return _told([alert])[alert.pk]


def _told(alerts: Collection[Alert]) -> dict[int, set[int]]:
    """The same of many, looked up once."""
    found = {alert.pk: {alert.owner_id} if alert.owner_id else set() for alert in alerts}
    mails = AlertStep.objects.filter(alert__in=alerts, mails__isnull=False)
    for number, account in mails.values_list("alert_id", "mails__account_id"):
        found[number].add(account)
    acted = list(AlertStep.objects.filter(alert__in=alerts).exclude(by="").values_list("alert_id", "by"))
    if acted:
        practices, names = {alert.practice_id for alert in alerts}, {name for _number, name in acted}
        people = Account.objects.filter(practice__in=practices, name__in=names).values_list("name", "pk")
        for number, name in acted:
            found[number] |= {pk for one, pk in people if one == name}
    return found


def colleagues(alert: Alert) -> tuple[Account, ...]:
    """Whom it can be handed over to."""
    staff = Staff(alert.practice, clock.now())
    return tuple(a for a in staff.accounts if a.pk != alert.owner_id and answers(alert, a) and staff.reaches(a, alert))


def unreached_person(alert: Alert) -> str:
    """Whose care team has to be added to, where this says that an alert has nobody to go to; else nothing."""
    if alert.kind != UNREACHED or not alert.about.isdigit():
        return ""
    return Alert.objects.filter(practice=alert.practice, pk=int(alert.about)).values_list("patient_id", flat=True)[0]


def _goes_on(alert: Alert) -> bool:
    return alert.closed_at is None and alert.next_at is not None


def _row(alert: Alert, account: Account, staff: Staff, line: PatientLine | None, told: Collection[int]) -> Row:
    is_late = alert.closed_at is None and alert.next_at is not None and alert.next_at <= staff.at
    next_ones = staff.told(alert, min(alert.level + 1, LAST), told) if _goes_on(alert) else ()
    is_own = alert.owner_id == account.pk or (alert.owner_id is None and alert.owner_role == account.role)
    return Row(
        alert=alert,
        line=line,
        urgency=kind_of(alert).urgency,
        is_late=is_late,
        is_mine=is_own or (is_late and account.pk in {one.pk for one in next_ones}),
        may_answer=answers(alert, account) or (is_late and account.pk in {one.pk for one in next_ones}),
        goes_to=tuple(one.name for one in next_ones if one.pk != alert.owner_id),
        age=max(timedelta(), staff.at - alert.raised_at),
    )


def _answered_after(alert: Alert) -> timedelta:
    first = alert.acknowledged_at or alert.closed_at or alert.raised_at
    return max(timedelta(), first - alert.raised_at)
