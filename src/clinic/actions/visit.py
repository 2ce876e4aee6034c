"""What every act of a session begins with: permission, the visit at hand in its order, and an event to write."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, Stale, earlier
from clinic.queries.person import Chart, chart
from clinic.record.read import Stored, read
from ketapath.domain.session import Administration, Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode_visit import event

_TRIES = 4
"""So many people at once, each with one click, and everybody's is judged."""


class NotNow(Exception):
    """Something stands against this step. Says what, and what would help."""

    def __init__(self, words: str, next_step: str) -> None:
        super().__init__(words)
        self.words, self.next_step = words, next_step


def begun(act: Act) -> Done | None:
    """What this very request did before. Raises Refused without permission."""
    require(act.by, act.name, patient_id=act.patient_id)
    return earlier(act)


def afresh(found: Chart, do: Callable[[Chart], Done]) -> Done:
    """Do this on the chart; where somebody else has written since it was read, judge it again on what stands now.

    Raises Stale where that happens every time.
    """
    for _again in range(_TRIES - 1):
        try:
            return do(found)
        except Stale:
            found = chart(found.reach, found.patient_id) or found
    return do(found)


def open_visit(found: Chart) -> Visit:
    """The visit that is going on. Raises BadInput where there is none."""
    if found.open_visit is None:
        raise out_of_order(_("no open visit"), _("a visit that was opened"), _("Open the visit first."))
    return found.open_visit


def before_dose(found: Chart) -> Visit:
    """The open visit, in which no dose was begun. Raises BadInput where it was."""
    visit = open_visit(found)
    if visit.administration is not None:
        raise out_of_order(_("a dose in this visit"), _("one dose a visit"), _("End the dose, or open the next visit."))
    return visit


def running(found: Chart) -> Administration:
    """The dose that is being given. Raises BadInput where none is."""
    given = open_visit(found).administration
    if given is None or given.ended_at is not None:
        raise out_of_order(_("no dose that is running"), _("a dose that was started"), _("Start the dose first."))
    return given


def standing(found: Chart, kind: str, identity: str) -> Stored:
    """The version of this resource that stands now."""
    stored = read(found.practice, kind, identity)
    assert stored is not None
    return stored


def happened(
    found: Chart,
    visit: Visit,
    kind: str,
    *,
    by: Account,
    key: str,
    at: datetime | None = None,
    value: float | None = None,
    unit: str | None = None,
    words: str = "",
) -> Draft:
    """An event of this visit to be written, at this instant or now; the same key gives the same name."""
    told = hashlib.sha256(f"{visit.origin.id}|{by.username}|{key or secrets.token_hex(8)}|{kind}|{words}".encode())
    resource = event(
        f"event-{told.hexdigest()[:24]}",
        kind,
        patient_id=found.patient_id,
        visit_id=visit.origin.id,
        at=clock.local(at or clock.now(), by.practice.zone),
        by=by.name,
        username=by.username,
        value=value,
        unit=unit,
        words=words,
    )
    return Draft(resource=resource)


LEAST_LETTERS = 8
"""So many letters a reason has at least where somebody answers for it with a signature or leaves a step out."""


def is_reason(words: str) -> bool:
    """Whether this says something: a letter or two do not."""
    return sum(sign.isalpha() for sign in words) >= LEAST_LETTERS


def no_reason(limit: str, found: str = "") -> BadInput:
    """A reason is missing, or what was `found` in its place is none."""
    shown = found.strip()[:40] or _("nothing")
    return BadInput(field=_("reason"), found=shown, limit=limit, next_step=_("Write it in a line."))


def out_of_order(found: str, limit: str, next_step: str) -> BadInput:
    """A step that does not come now."""
    return BadInput(field=_("order of steps"), found=found, limit=limit, next_step=next_step)
