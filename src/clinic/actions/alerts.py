"""Raise an alert, answer it, pass it on: nothing that wants an answer is ever left with one person alone.

An alert carries its own clock in its own row, so that nothing but the row has to survive. `sweep` passes on whatever is
past its time, one transaction each; what fails is tried again at the next turn and holds up nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.practice.models import Alert, AlertStep, MailAddress, OutgoingMail
from clinic.queries import alerts as query
from clinic.queries.alerts import LAST, Staff, kind_of
from clinic.queries.person import clinic_now, knowledge_at
from clinic.queries.staffed import after
from clinic.record.models import Practice
from ketapath.errors import BadInput

LONGEST_WORDS = 1000
SHORTEST_WORDS = 8
"""Letters that say what was done: "x" tells nobody anything."""
AT_ONCE = 500
"""So many alerts are passed on in one turn of the worker; the rest in the next, a second later."""
_BACK = timedelta(minutes=2)
"""By so much the clock has to stand behind an alert's own log before we take it to have been set back."""
_SELDOM = timedelta(days=1)
_log = logging.getLogger(__name__)


def raise_alert(
    practice: Practice,
    *,
    kind: str,
    patient_id: str = "",
    about: str = "",
    due_at: datetime | None = None,
    owner_role: str = "",
    owner: Account | None = None,
    words_values: Mapping[str, Any] | None = None,
    once: bool = False,
    not_for: Account | None = None,
) -> Alert:
    """Something wants an answer; where the same is open already, nothing is done. To be called inside a transaction.

    `kind`, `patient_id` and `about` say what is the same; with `once` one that was closed counts too. `due_at` is when
    the first answer is due, else the policy says. `owner` or `owner_role` is for whoever answers first, else the kind
    says, but never `not_for`. `words_values` fill its sentence and hold no fact about a person.
    """
    same = {"practice": practice, "kind": kind, "patient_id": patient_id, "about": about[:120]}
    earlier = Alert.objects.filter(**same) if once else Alert.objects.filter(**same, closed_at=None)
    found = earlier.order_by("-id").first()
    if found is not None:
        return found
    now = clock.now()
    made = Alert(**same, values=dict(words_values or {}), raised_at=now, owner_role=owner_role or "", owner=owner)
    staff = Staff(practice, now)
    without = () if not_for is None else (not_for.pk,)
    people = (owner,) if owner is not None and owner.is_active else staff.told(made, 0, without)
    made.owner = people[0] if people else None
    made.owner_role = owner_role or (people[0].role if people else kind_of(made).roles[0])
    made.next_at = due_at or _after(made, "second", now)
    try:
        with transaction.atomic():  # somebody else may raise the same at this moment
            made.save()
            _step(made, "raised", now, people=people, writes=kind_of(made).urgency == "now")
    except IntegrityError:
        return Alert.objects.get(**same, closed_at=None)
    if not people:
        _reaches_nobody(made, now)
    return made


def settle(
    practice: Practice, *, kind: str, patient_id: str = "", about: str | None = None, by: Account | None = None
) -> int:
    """What these alerts were of is gone: they are closed, and the log says so. How many there were."""
    rows = Alert.objects.filter(practice=practice, kind=kind, patient_id=patient_id, closed_at=None)
    count = 0
    with transaction.atomic():
        for alert in _locked(rows if about is None else rows.filter(about=about)):
            _close(alert, "settled", by="" if by is None else by.name, words="")
            count += 1
    return count


def acknowledge(number: int, *, by: Account) -> bool:
    """Somebody has taken it up and answers for it from now on; False where it was acknowledged or closed before.

    Raises Refused for whoever it is not for. It comes back where nobody closes it in time.
    """
    with transaction.atomic():
        alert = _mine(number, by)
        if alert is None or alert.state != Alert.OPEN:
            return False
        now = clock.now()
        alert.state, alert.owner, alert.owner_role = Alert.ACKNOWLEDGED, by, by.role
        alert.acknowledged_at, alert.acknowledged_by = alert.acknowledged_at or now, by.name
        alert.next_at = _after(alert, "act", now)
        alert.save()
        _step(alert, "acknowledged", now, by=by.name)
        _tell(alert, by, "acknowledged")
    return True


def act(number: int, words: str, *, by: Account, closes: bool = False) -> bool:
    """Write down what was done about it, and close it with that where `closes`; False where it is closed.

    Raises BadInput without a sentence, and Refused for whoever it is not for.
    """
    with transaction.atomic():
        alert = _mine(number, by)
        if alert is None:
            return False
        said = _sentence(
            words, _("what was done"), _("Write what you did, whom you reached, or why nothing has to be done.")
        )
        now = clock.now()
        alert.action = said
        if alert.state == Alert.OPEN:
            alert.state, alert.owner, alert.owner_role = Alert.ACKNOWLEDGED, by, by.role
            alert.acknowledged_at, alert.acknowledged_by = alert.acknowledged_at or now, by.name
            alert.next_at = _after(alert, "act", now)
        if closes:
            _close(alert, "closed", by=by.name, words=said)
        else:
            alert.save()
            _step(alert, "acted", now, by=by.name, words=said)
        _tell(alert, by, "closed" if closes else "acted")
    return True


def open_again(number: int, why: str, *, by: Account) -> bool:
    """What somebody closed is open once more and is `by`'s, who knows of it; False where it is open.

    Raises BadInput without a sentence and where the same is open already, and Refused for whoever it is not for, and
    for what was settled because it is gone.
    """
    require(by, "answer-alert")
    with transaction.atomic():
        closed = query.visible(by).filter(pk=number).exclude(closed_at=None).values_list("pk", flat=True)
        alert = Alert.objects.select_for_update().filter(pk__in=list(closed)).exclude(closed_at=None).first()
        if alert is None:
            return False
        if not query.answers(alert, by) or not query.may_open_again(alert):
            raise Refused("answer-alert", patient_id=alert.patient_id)
        said = _sentence(why, _("why it is opened again"), _("Write what has come up, or what was not done."))
        same = {"kind": alert.kind, "patient_id": alert.patient_id, "about": alert.about}
        if Alert.objects.filter(practice=alert.practice, closed_at=None, **same).exists():
            raise BadInput(
                field=_("alert"), found=_("the same one, raised anew and open"), limit=_("one that is not open"),
                next_step=_("Answer the open one: it is in the list."),
            )  # fmt: skip
        now = clock.now()
        alert.closed_at, alert.closed_by = None, ""
        alert.state, alert.owner, alert.owner_role = Alert.ACKNOWLEDGED, by, by.role
        alert.next_at = _after(alert, "act", now)
        alert.save()
        _step(alert, "reopened", now, by=by.name, words=said)
        _tell(alert, by, "opened again")
    return True


def hand_over(number: int, username: str, *, by: Account) -> bool:
    """Give it to a colleague, who has to acknowledge it; False where it is closed.

    Its clock is never put off by that. Raises BadInput for somebody who may not answer it.
    """
    with transaction.atomic():
        alert = _mine(number, by)
        if alert is None:
            return False
        to = next((a for a in query.colleagues(alert) if a.username == username), None)
        if to is None:
            raise BadInput(
                field=_("colleague"), found=username[:80] or _("nobody"),
                limit=_("somebody who may answer this alert"), next_step=_("Choose from the list."),
            )  # fmt: skip
        now = clock.now()
        times = (alert.next_at, _after(alert, "second", now))
        alert.next_at = min((time for time in times if time is not None), default=None)
        alert.state, alert.owner, alert.owner_role = Alert.OPEN, to, to.role
        alert.save()
        _step(alert, "handed-over", now, by=by.name, people=(to,))
        _tell(alert, by, "handed over")
    return True


def pass_on(number: int, *, by: Account) -> bool:
    """Call the next person now, without waiting for the clock; False where it is closed. Whoever sees it may do so."""
    require(by, "answer-alert")
    with transaction.atomic():
        alert = _locked(query.waiting(by).filter(pk=number)).first()
        if alert is None:
            return False
        _go_on(alert, clock.now(), by=by)
        _tell(alert, by, "passed on")
    return True


def sweep() -> int:
    """Pass on every open alert that is past its time, whatever became of everything else; how many were.

    Also those whose owner has no account any more, and those whose own log is ahead of a clock that was set back.
    """
    now = clock.now()
    newest = AlertStep.objects.filter(alert=OuterRef("pk")).order_by("-id").values("at")[:1]
    due = Q(next_at__lte=now) | Q(owner__is_active=False) | Q(said_at__gt=now + _BACK)
    rows = Alert.objects.filter(closed_at=None, next_at__isnull=False).annotate(said_at=Subquery(newest)).filter(due)
    count = 0
    for number in list(rows.order_by("next_at", "id").values_list("pk", flat=True)[:AT_ONCE]):
        try:
            with transaction.atomic():
                # Another worker may be at it, or was a moment ago; the condition is asked again under the lock.
                alert = rows.filter(pk=number).select_for_update(skip_locked=True, of=("self",)).first()
                if alert is not None:
                    _go_on(alert, clock.now())
                    count += 1
        except Exception:  # noqa: BLE001  whatever fails for one alert must not keep the others waiting
            _log.exception("an alert could not be passed on; it is tried again", extra={"alert": number})
    return count


def move_back(by: timedelta) -> None:
    """The clock was set back by so much while we watched it: what is due comes that much earlier by it."""
    Alert.objects.filter(closed_at=None, next_at__isnull=False).update(next_at=F("next_at") - by)
    OutgoingMail.objects.filter(sent_at=None).update(due_at=F("due_at") - by)


def set_on_call(usernames: Iterable[str], *, by: Account) -> None:
    """Name who is called while nobody is in: one person, or a first and a second.

    Raises BadInput for a name that is nobody's here.
    """
    require(by, "set-alert-chain")
    named = [name for name in usernames if name]
    with transaction.atomic():
        practice = Practice.objects.select_for_update().get(pk=by.practice_id)
        accounts = {account.username for account in Staff(practice, clock.now()).accounts}
        for name in named:
            if name not in accounts or named.count(name) > 1:
                raise BadInput(
                    field=_("on call"), found=name[:80], limit=_("two different people of this clinic"),
                    next_step=_("Choose from the list."),
                )  # fmt: skip
        practice.settings["on_call"] = named[:2]
        practice.save(update_fields=["settings"])
        audit.append("set-alert-chain", outcome="done", account=by, entities=["on call", *named[:2]])
    by.practice.settings = practice.settings


def set_address(username: str, address: str, *, by: Account) -> None:
    """Where somebody is written to when an alert waits for them; an empty address takes it away.

    Raises BadInput for what is no address, and for somebody who is not of this clinic.
    """
    require(by, "set-alert-chain")
    address = address.strip()
    name, at, domain = address.partition("@")
    is_one = bool(name and at and domain and "@" not in domain) and address.isascii() and address.isprintable()
    if address and (not is_one or " " in address or len(address) > 200):
        raise BadInput(
            field=_("address"), found=address[:80], limit=_("an address such as name@clinic.example"),
            next_step=_("Type it anew."),
        )  # fmt: skip
    account = next((a for a in Staff(by.practice, clock.now()).accounts if a.username == username), None)
    if account is None:
        raise BadInput(
            field=_("account"), found=username[:80] or _("nobody"), limit=_("somebody of this clinic"),
            next_step=_("Choose from the list."),
        )  # fmt: skip
    now = clock.now()
    with transaction.atomic():
        if address:
            said = {"address": address, "set_by": by.name, "set_at": now}
            MailAddress.objects.update_or_create(account=account, defaults=said)
            OutgoingMail.objects.filter(account=account, sent_at=None).update(address=address, due_at=now)
        else:
            MailAddress.objects.filter(account=account).delete()
        audit.append("set-alert-chain", outcome="done", account=by, entities=["address", account.username])


def _go_on(alert: Alert, now: datetime, *, by: Account | None = None) -> None:
    """To the next person; from the third on to the same people again. Where there is nobody, directors are told.

    Never to `by`, who passes it on, while there is anybody else.
    """
    was_acknowledged, staff = alert.state == Alert.ACKNOWLEDGED, Staff(alert.practice, now)
    own = set() if by is None else {by.pk}
    already = query.told_already(alert) | own
    what = "not-acted" if was_acknowledged else "passed-on"
    level, people = min(alert.level + 1, LAST), tuple[Account, ...]()
    if alert.level < LAST:
        people = next((p for up in range(level, LAST + 1) if (p := staff.told(alert, up, already))), ())
    if not people and already:  # everybody has been told: once more, all of them
        people, what = staff.told(alert, LAST, own) or staff.told(alert, LAST, ()), "again"
    others = [account for account in people if account.pk != alert.owner_id]
    alert.level, alert.state = level, Alert.OPEN
    alert.owner = (others or people or (None,))[0]
    alert.owner_role = alert.owner.role if alert.owner is not None else alert.owner_role
    _step(alert, what if people else "nobody", now, by="" if by is None else by.name, people=people, writes=True)
    alert.next_at = _after(alert, "third", now)
    alert.save()
    if not people or (what == "again" and level == 1):
        _reaches_nobody(alert, now)


def _reaches_nobody(alert: Alert, now: datetime) -> None:
    """There is no other person who may open this chart: directors are told that, and not of whom or of what."""
    if alert.kind != query.UNREACHED:
        _log.error("an alert has nobody to go to", extra={"alert": alert.pk})
        raise_alert(alert.practice, kind=query.UNREACHED, about=str(alert.pk))


def _after(alert: Alert, which: str, now: datetime) -> datetime | None:
    """When the clock acts next: until the second person, until the third, or until something has been done.

    What is told to the same people again comes seldomer each time, once a day at last. None for a test that has been
    passed on: its last step is the check.
    """
    urgency, known = kind_of(alert).urgency, knowledge_at(clinic_now(alert.practice))
    if urgency == "test":
        return now + timedelta(minutes=known.figure("alert_test_min") / 5) if which == "second" else None
    minutes = known.figure(f"alert_{urgency}_{'second' if which == 'act' else which}_min")
    if which == "act":
        minutes *= known.figure("alert_act_times")
    if which == "third" and alert.level >= LAST:
        again = AlertStep.objects.filter(alert=alert, what="again").count()
        minutes *= 2 ** min(again, 10)
    if urgency in ("day", "week"):
        return after(alert.practice, now, minutes)
    return now + min(timedelta(minutes=minutes), _SELDOM)


def _step(
    alert: Alert,
    what: str,
    at: datetime,
    *,
    by: str = "",
    people: Iterable[Account] = (),
    words: str = "",
    writes: bool = False,
) -> None:
    """A line of its log; with `writes` a message to each of these people, in the same transaction."""
    people = tuple(people)
    names = ", ".join(account.name for account in people)[:400]
    step = AlertStep.objects.create(alert=alert, at=at, what=what, level=alert.level, by=by, to=names, words=words)
    if not writes or not people:
        return
    known = dict(MailAddress.objects.filter(account__in=people).values_list("account_id", "address"))
    OutgoingMail.objects.bulk_create(
        OutgoingMail(
            practice=alert.practice, step=step, account=account, address=known.get(account.pk, ""), made_at=at,
            due_at=at, problem="" if account.pk in known and settings.MAIL_FROM else _why_not(account.pk in known),
        )
        for account in people
    )  # fmt: skip


def _why_not(is_known: bool) -> str:
    return "not-configured" if is_known else "no-address"


def _close(alert: Alert, what: str, *, by: str, words: str) -> None:
    now = clock.now()
    alert.state, alert.closed_at, alert.closed_by, alert.next_at = Alert.CLOSED, now, by, None
    alert.save()
    _step(alert, what, now, by=by, words=words)


def _sentence(words: str, field: str, next_step: str) -> str:
    """These words, cut to what is kept. Raises BadInput where they tell nobody anything."""
    said = words.strip()[:LONGEST_WORDS]
    if sum(letter.isalnum() for letter in said) < SHORTEST_WORDS:
        raise BadInput(
            field=field, found=said or _("nothing"), next_step=next_step,
            limit=_("a sentence of at least %(count)s letters") % {"count": SHORTEST_WORDS},
        )  # fmt: skip
    return said


def _mine(number: int, by: Account) -> Alert | None:
    """This alert, open and locked, where the account may answer it. Raises Refused where it may only see it."""
    require(by, "answer-alert")
    alert = _locked(query.waiting(by).filter(pk=number)).first()
    if alert is None:
        return None
    row = query.rows_of([alert], by, clock.now())[0]
    if not row.may_answer:
        raise Refused("answer-alert", patient_id=alert.patient_id)
    return alert


def _locked(rows: QuerySet[Alert]) -> QuerySet[Alert]:
    """These rows, for us alone until the transaction ends."""
    numbers = list(rows.values_list("pk", flat=True))
    return Alert.objects.select_for_update().filter(pk__in=numbers, closed_at=None).order_by("id")


def _tell(alert: Alert, by: Account, what: str) -> None:
    audit.append(
        "answer-alert", outcome="done", account=by, patient_id=alert.patient_id,
        entities=[f"Alert/{alert.pk}", alert.kind, what],
    )  # fmt: skip
