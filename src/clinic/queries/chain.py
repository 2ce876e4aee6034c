"""Is the chain by which alerts reach a second person alive? Worked out when somebody looks, from the store.

Once a day a test alert goes the whole way: raised, passed on, a message in the outgoing mail, the alert on the second
person's page. Nothing of this asks the worker how it is: a dead worker cannot answer, and that is what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from clinic import clock, pulse
from clinic.access.models import Account
from clinic.practice.models import Alert, OutgoingMail
from clinic.queries.alerts import TEST, on_call, visible
from clinic.queries.person import clinic_now, knowledge_at
from clinic.queries.staffed import is_staffed
from clinic.record.models import Practice

EVERY = timedelta(days=1)
LATE = timedelta(minutes=2)
"""An alert that is past its time for longer than this was not passed on, whatever the reason."""
GRACE = timedelta(hours=2)
"""By so much a daily test may be later than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """How the chain stands. `trouble` is empty, or "late", "test-late", "test-missing" or "mail-stuck".

    `late_since` is since when the alert that is longest past its time should have been passed on.
    """

    trouble: str
    late_since: datetime | None
    last_test: datetime | None
    alive_s: float | None

    @property
    def is_alive(self) -> bool:
        """Nothing shows that an alert would not reach the second person."""
        return not self.trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom alerts reach outside the pages: who is on call, who is in, and the messages that could not leave."""

    on_call: tuple[Account, ...]
    is_staffed: bool
    has_mail: bool
    stuck: tuple[OutgoingMail, ...]
    waiting: int
    without_address: tuple[Account, ...]


def chain(practice: Practice) -> Chain:
    """How the chain of this practice stands at this moment."""
    now = clock.now()
    late = Alert.objects.filter(practice=practice, closed_at=None, next_at__lt=now - LATE).order_by("next_at").first()
    tests = list(Alert.objects.filter(practice=practice, kind=TEST).order_by("-id")[:2])
    newest = tests[0] if tests else None
    through = next((test.closed_at for test in tests if test.closed_at is not None), None)
    return Chain(
        trouble=_trouble(practice, now, late, newest),
        late_since=None if late is None else late.next_at,
        last_test=through,
        alive_s=pulse.age_s(),
    )


def _trouble(practice: Practice, now: datetime, late: Alert | None, test: Alert | None) -> str:
    if late is not None:
        return "late"
    if test is None:
        return ""
    if test.closed_at is None and now > test.raised_at + limit(practice):
        return "mail-stuck" if is_passed_on(test) else "test-late"
    return "test-missing" if now > test.raised_at + EVERY + GRACE else ""


def limit(practice: Practice) -> timedelta:
    """Within this time the daily test comes through."""
    return timedelta(minutes=knowledge_at(clinic_now(practice)).figure("alert_test_min"))


def is_passed_on(test: Alert) -> bool:
    """Whether somebody but the first person can see it: a message in the outgoing mail, and the alert on their page."""
    first = test.steps.order_by("id").values_list("to", flat=True).first()
    mails = OutgoingMail.objects.filter(step__alert=test, step__level__gte=1).select_related("account__practice")
    seconds = [mail.account for mail in mails if mail.account.name != first]
    return any(visible(account, with_tests=True).filter(pk=test.pk).exists() for account in seconds)


def came_through(test: Alert) -> bool:
    """Whether it has gone the whole way; where mail is configured and the address known, out of the house as well."""
    if not is_passed_on(test):
        return False
    if not settings.MAIL_FROM:
        return True
    unsent = OutgoingMail.objects.filter(step__alert=test, step__level__gte=1, sent_at=None).exclude(address="")
    return not unsent.exists()


def beyond_the_pages(practice: Practice) -> Reach:
    """Who is told outside the pages, and what keeps a message from leaving."""
    people = {a.username: a for a in Account.objects.filter(practice=practice, is_active=True)}
    unsent = OutgoingMail.objects.filter(practice=practice, sent_at=None, step__alert__closed_at=None)
    stuck = unsent.exclude(problem="").select_related("account").order_by("due_at")
    told = Account.objects.filter(pk__in=unsent.filter(address="").values("account_id")).order_by("name")
    return Reach(
        on_call=tuple(people[name] for name in on_call(practice) if name in people),
        is_staffed=is_staffed(practice, clock.now()),
        has_mail=bool(settings.MAIL_FROM),
        stuck=tuple(stuck[:20]),
        waiting=unsent.count(),
        without_address=tuple(told),
    )
