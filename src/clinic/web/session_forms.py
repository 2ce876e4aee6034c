"""From a form of the session page to the act it asks for: one function a step, and a sentence that says it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.proof import Proof
from clinic.actions import session as act
from clinic.actions.commit import Stale
from clinic.actions.profile import state_facts
from clinic.actions.session_course import Happened, chart_event, take_back_event
from clinic.actions.session_discharge import override_discharge, pass_discharge
from clinic.actions.session_steps import check_order, confirm_consent, finish_rescreen
from clinic.queries.person import Chart, chart
from clinic.queries.profile import answered_today
from clinic.queries.session import READINGS, SCORES
from clinic.record.signatures import Seen
from clinic.web.door import account_of
from clinic.web.proof import proof_of
from ketapath.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form that was sent, by whom, about whom."""

    request: HttpRequest
    found: Chart

    @property
    def by(self) -> Account:
        """Who sent it."""
        return account_of(self.request)

    @property
    def key(self) -> str:
        """The word under which it is done once."""
        return self.said("key", 60)

    @property
    def reason(self) -> str:
        """Why, in a line."""
        return self.said("reason", 500)

    def said(self, name: str, most: int) -> str:
        """What was typed into this field."""
        return self.request.POST.get(name, "")[:most].strip()

    def seen(self, kind: str) -> Seen:
        """What its reader saw and signs for. Raises Stale for a form that names nothing."""
        seen = Seen.from_text(self.request.POST.get("seen", "")[:200])
        if seen is None:
            raise Stale(kind, "", 0)
        return seen

    def proof(self, name: str) -> Proof:
        """The secret in it, proven, for this act."""
        return proof_of(self.request, name, self.found)

    def at(self) -> datetime | None:
        """The time of day that was typed: today, or before midnight yesterday. None for this moment."""
        typed = self.said("taken", 5)
        if not typed:
            return None
        now = clock.local(clock.now(), self.found.practice.zone)
        try:
            hour, minute = (int(part) for part in typed.split(":"))
            at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        except ValueError:
            raise BadInput(
                field=_("time"), found=typed, limit=_("a time of day, such as 10:40"), next_step=_("Type it again.")
            ) from None
        at = at - timedelta(days=1) if at - now > timedelta(hours=12) else at
        visit = self.found.open_visit
        if at > now or (visit is not None and at < visit.opened_at):
            raise BadInput(
                field=_("time"), found=typed, limit=_("between arrival and now"), next_step=_("Type it again.")
            )
        return at


def done(request: HttpRequest, found: Chart) -> str:
    """Do the step that the form asks for; the sentence that says what was done. Raises Http404 for no step."""
    step = _STEPS.get(request.POST.get("step", ""))
    if step is None:
        raise Http404
    return step(Form(request=request, found=found))


def _open(form: Form) -> str:
    room = form.said("room", 20)
    act.open_session(form.found, by=form.by, key=form.key, room={"": None, "none": ""}.get(room, room))
    return _("The visit is open.")


def _consent(form: Form) -> str:
    confirm_consent(form.found, by=form.by, key=form.key)
    return _("The consent is confirmed.")


def _rescreen(form: Form) -> str:
    finish_rescreen(form.found, by=form.by, key=form.key, reason=form.reason)
    return _("The re-screen is finished.")


def _check(form: Form) -> str:
    seen, proof = form.seen("MedicationRequest"), form.proof("check-order")
    check_order(form.found, seen, by=form.by, key=form.key, proof=proof, concentration=form.said("concentration", 12))
    return _("Signed: the order is checked by you.")


def _start(form: Form) -> str:
    act.start_dose(form.found, by=form.by, reason=form.reason, key=form.key)
    return _("Dosing has begun.")


def _end(form: Form) -> str:
    act.end_dose(
        form.found, form.said("dose_mg", 12), stopped_early=form.said("stopped_early", 3) == "yes",
        is_confirmed=form.said("is_confirmed", 3) == "yes", seen=form.seen("MedicationAdministration"), by=form.by,
        reason=form.reason, key=form.key, proof=form.proof("give-dose"),
    )  # fmt: skip
    return _("The dose is on record, and signed.")


def _witness(form: Form) -> str:
    seen, proof = form.seen("MedicationAdministration"), form.proof("witness")
    act.witness(form.found, seen, by=form.by, key=form.key, proof=proof)
    return _("Signed as witness.")


def _event(form: Form) -> str:
    what = Happened(
        kind=form.said("kind", 30), value=form.said("value", 12), unit=form.said("unit", 6) or "mL/h",
        words=form.said("words", 1000), at=form.at(),
    )  # fmt: skip
    chart_event(form.found, what, by=form.by, key=form.key)
    return _("Saved.")


def _not_needed(form: Form) -> str:
    words = f"{form.said('rule', 20)} {form.said('words', 200)}"
    chart_event(form.found, Happened(kind="steps-not-needed", words=words), by=form.by, key=form.key)
    return _("Saved.")


def _take_back(form: Form) -> str:
    take_back_event(form.found, form.said("event", 64), by=form.by, reason=form.reason, key=form.key)
    return _("Taken back; it stays readable.")


def _ready(form: Form) -> str:
    pass_discharge(form.found, by=form.by, key=form.key)
    return _("Every point is met: the person may go.")


def _override(form: Form) -> str:
    proof = form.proof("override-discharge")
    override_discharge(form.found, by=form.by, reason=form.reason, key=form.key, proof=proof)
    return _("Overridden, and signed: the person may go.")


def _close(form: Form) -> str:
    act.close_session(form.found, by=form.by, reason=form.reason, key=form.key)
    return _("The visit is over.")


def _record(form: Form) -> str:
    """Readings and answers out of one form, so that saving one never loses the other."""
    post, found = form.request.POST, form.found
    read = (*READINGS, *SCORES)
    measured = {path: post.get(path, "")[:12] for path in read}
    asked = {path: post.get(path, "")[:200].strip() for path in post if "." in path}
    standing = answered_today(found)
    said = {path: words for path, words in asked.items() if words and path not in read}
    answers = {path: words for path, words in said.items() if standing.get(path) != words}
    if said and not answers and not any(words.strip() for words in measured.values()):
        return _("Nothing was changed.")
    if any(words.strip() for words in measured.values()) or not answers:
        at = form.at()
        if at is None:
            act.chart_vitals(found, measured, by=form.by, key=form.key)
        else:
            act.chart_readings(found, measured, at=at, by=form.by, key=form.key, visit=None)
    if answers:
        found = chart(found.reach, found.patient_id) or found
        state_facts(found, answers, by=form.by, reason=_("asked in the visit"), key=f"{form.key}a")
    return _("Saved.")


_STEPS: Mapping[str, Callable[[Form], str]] = MappingProxyType(
    {
        "open": _open,
        "consent": _consent,
        "rescreen": _rescreen,
        "check": _check,
        "start": _start,
        "record": _record,
        "event": _event,
        "not-needed": _not_needed,
        "take-back": _take_back,
        "end": _end,
        "witness": _witness,
        "ready": _ready,
        "override": _override,
        "close": _close,
    }
)
