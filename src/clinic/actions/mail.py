"""Send what waits in the outgoing mail: that an alert waits, and nothing of whom or of what.

A message is taken under a lease, sent outside any transaction, and marked once the server has it. Whoever dies in
between has it sent again: twice is better than never.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from clinic import clock
from clinic.practice.models import Alert, OutgoingMail
from clinic.queries.alerts import TEST

LEASE = timedelta(minutes=1)
"""For so long nobody else tries a message that somebody is sending."""
LONGEST_WAIT = timedelta(minutes=15)
AT_ONCE = 50
_log = logging.getLogger(__name__)


def deliver() -> int:
    """Send what is due; how many left. What cannot be sent stays, with what kept it, and is tried again."""
    if not settings.MAIL_FROM:
        return 0
    sent = 0
    for number in list(_due().order_by("due_at", "id").values_list("pk", flat=True)[:AT_ONCE]):
        mail = _taken(number)
        if mail is None:
            continue
        problem = _sent(mail)
        wait = min(LONGEST_WAIT, timedelta(seconds=15 * 2 ** min(mail.attempts, 10)))
        after = (
            {"problem": problem, "due_at": clock.now() + wait} if problem else {"problem": "", "sent_at": clock.now()}
        )
        OutgoingMail.objects.filter(pk=number, sent_at=None).update(**after)
        sent += not problem
    return sent


def _due() -> QuerySet[OutgoingMail]:
    """Messages that still say something: of alerts that are open, and the daily test's, which is there to be sent."""
    still = Q(step__alert__closed_at=None) | Q(step__alert__kind=TEST)
    return OutgoingMail.objects.filter(still, sent_at=None, due_at__lte=clock.now()).exclude(address="")


def _taken(number: int) -> OutgoingMail | None:
    """This message, for us alone until its lease ends; None where somebody else has it."""
    with transaction.atomic():
        mail = _due().select_for_update(skip_locked=True, of=("self",)).filter(pk=number).first()
        if mail is None:
            return None
        mail.attempts += 1
        mail.due_at = clock.now() + LEASE
        mail.save(update_fields=["attempts", "due_at"])
    return mail


def _sent(mail: OutgoingMail) -> str:
    """Hand it to the server; what kept it, in a word, or nothing."""
    alert: Alert = mail.step.alert
    is_test = alert.kind == TEST
    subject = _("Daily test of the alerts: nothing to do") if is_test else _("An alert waits for you")
    place = f"{settings.PUBLIC_URL}/alerts" if settings.PUBLIC_URL else _("the clinic's pages")
    first = _("This message shows that the alerts of your clinic still reach the second person.")
    words = first if is_test else _("An alert at your clinic waits for your answer. Sign in and look: %(place)s")
    last = _("This message names nobody on purpose. Do not answer it.")
    body = "\n\n".join((words % {"place": place}, last))
    try:
        EmailMessage(subject=subject, body=body, from_email=settings.MAIL_FROM, to=[mail.address]).send()
    except (OSError, smtplib.SMTPException, ValueError) as trouble:
        _log.warning("mail did not leave", extra={"mail": mail.pk, "attempts": mail.attempts})
        return type(trouble).__name__[:60]
    return ""
