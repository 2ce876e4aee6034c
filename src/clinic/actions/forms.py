"""Finish the record of a session, answer what its form asks, send the form, and say what forms say of the clinic."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import date

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.actions.notes import Writing, save_note
from clinic.actions.typed import number
from clinic.practice.models import RegistryKey, RegistryRow, Submission
from clinic.queries.forms import (
    LATE,
    MONITORING,
    QUESTIONS,
    WAYS,
    Five,
    draft_effects,
    draft_note,
    draft_row,
    due_forms,
    five_of,
    monitoring_pdf,
    newest,
)
from clinic.queries.person import Chart, chart
from clinic.queries.profile import within
from clinic.record.models import Practice
from clinic.record.projections import knowledge
from clinic.record.reach import Reach
from clinic.record.read import read
from clinic.record.signatures import Seen
from ketapath.domain.session import Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode_visit import readings
from ketapath.fhir.readback import note_of

OVERDUE = "form.overdue"
SITE = ("address", "phone", "email")
_LONGEST = 200
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f]*")


def answer_form(found: Chart, visit_id: str, said: Mapping[str, str], *, by: Account, key: str) -> Done:
    """What nobody can read from the session's numbers, and what was not written then, by profile path.

    "yes" or "no", or a number of the path's own range; what is left empty stays open. Of a visit that is over it is
    said of its end. Raises BadInput for another question or answer, or none; Refused for no such visit.
    """
    require(by, "answer-form", patient_id=found.patient_id)
    act = Act(name="answer-form", by=by, patient_id=found.patient_id, key=key, asked={"visit": visit_id, **said})
    done = earlier(act)
    if done is not None:
        return done
    visit = _visit(found, visit_id, "answer-form")
    given = {path: words for path, words in said.items() if words}
    if not given or not set(given) <= {*QUESTIONS, *LATE}:
        raise _no_answer(_("nothing"))
    dose = visit.administration
    at = visit.closed_at or clock.now()
    made = readings(
        f"form-{secrets.token_hex(8)}",
        {path: _answer(path, words) for path, words in given.items()},
        patient_id=found.patient_id,
        visit_id=visit.origin.id,
        administration_id=None if dose is None else dose.origin.id,
        at=clock.local(at, by.practice.zone),
    )
    return commit(act, [Draft(resource=resource) for resource in made])


def finish_record(found: Chart, visit_id: str, *, by: Account, key: str) -> Five:
    """One entry, five outputs: keeps the side-effect record, writes the registry's row and drafts the progress note.

    The book is there already; the form is sent by `send_form`. Done again after a change, it keeps what is new. Raises
    BadInput before the person has gone home or where the drug record is missing.
    """
    require(by, "finish-record", patient_id=found.patient_id)
    five = _five(found, visit_id, by, "finish-record")
    if five.visit.step != "home":
        raise BadInput(
            field=_("order of steps"), found=_("a visit that is still open"), limit=_("a visit that is over"),
            next_step=_("End the visit first."),
        )  # fmt: skip
    if next(one.state for one in five.outputs if one.name == "ledger") == "missing":
        raise BadInput(
            field=_("drug record"), found=_("nothing"), limit=_("what was drawn, given and wasted"),
            next_step=_("Enter it on the page of the drug record, with a witness."),
        )  # fmt: skip
    with transaction.atomic():
        secret = _registry_secret(by.practice)
        if Submission.objects.filter(practice=by.practice, username=by.username, key=key).exists():
            return five
        _keep(five, "effects", "kept", content=draft_effects(five).encode(), by=by, key=key)
        _tell_registry(five, secret)
        _draft_note(five, by=by, key=f"{key}n"[-64:])
        audit.append("finish-record", outcome="done", account=by, patient_id=found.patient_id,
                     entities=[f"Encounter/{visit_id}"])  # fmt: skip
    return _five(chart(found.reach, found.patient_id) or found, visit_id, by, "finish-record")


def send_form(
    found: Chart, visit_id: str, *, sent_on: date, how: str, words: str = "", by: Account, key: str
) -> Submission:
    """The monitoring form has left, on this day and this way; its very pages are kept.

    Raises BadInput where none is needed, a field is open, or the day is not between the session and today.
    """
    require(by, "send-form", patient_id=found.patient_id)
    five = _five(found, visit_id, by, "send-form")
    if not five.needs_form:
        raise BadInput(field=_("form"), found=_("none is needed"), limit=_("a session that asks for a form"),
                       next_step=_("Nothing has to be done."))  # fmt: skip
    if five.open_fields:
        raise BadInput(
            field=_("form"), found=_("open: %(what)s") % {"what": ", ".join(f.label for f in five.open_fields)},
            limit=_("an answer to each of them"), next_step=_("Answer what is open, then send it."),
        )  # fmt: skip
    today = clock.today(by.practice.zone)
    if how not in WAYS or not five.entry.on <= sent_on <= today:
        raise BadInput(
            field=_("sent"), found=f"{how or _('nothing')}, {date_format(sent_on, 'j M Y')}",
            limit=_("online, fax or post, on a day from the session to today"), next_step=_("Choose both."),
        )  # fmt: skip
    said = {f.key: f.value for f in five.fields}
    pages = monitoring_pdf(five)
    return _settled(five, MONITORING, "sent", content=pages, sent_on=sent_on, how=how, words=words, said=said, by=by,
                    key=key)  # fmt: skip


def not_needed(found: Chart, visit_id: str, *, why: str, by: Account, key: str) -> Submission:
    """Somebody says why no form is due of this session, such as a stay in hospital (GOV-006)."""
    require(by, "send-form", patient_id=found.patient_id)
    five = _five(found, visit_id, by, "send-form")
    if not why.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("why no form is due"),
                       next_step=_("Write it in a line."))  # fmt: skip
    today = clock.today(by.practice.zone)
    return _settled(five, MONITORING, "not-needed", content=b"", sent_on=today, words=why, by=by, key=key)


def remind_of_forms(practice: Practice) -> None:
    """For the morning round: an alert for each monitoring form whose last day is over, once while it is open."""
    for one in due_forms(Reach(practice=practice)):
        if one.is_overdue:
            said = {"day": one.on.isoformat()}
            raise_alert(practice, kind=OVERDUE, patient_id=one.line.patient_id, about=one.visit_id, words_values=said)


def set_site(values: Mapping[str, str], *, by: Account) -> None:
    """What forms say of the clinic; what is left empty stays open on every form."""
    require(by, "set-site")
    stated = {name: values.get(name, "").strip() for name in SITE}
    if any(len(words) > _LONGEST or not _ONE_LINE.fullmatch(words) for words in stated.values()):
        raise BadInput(field=_("clinic"), found=_("a text that is too long"), limit=_("one line each"),
                       next_step=_("Shorten it."))  # fmt: skip
    with transaction.atomic():
        practice = Practice.objects.select_for_update().get(pk=by.practice.pk)
        practice.settings = {**practice.settings, "site": {k: v for k, v in stated.items() if v}}
        practice.save(update_fields=["settings"])
        audit.append("set-site", outcome="done", account=by, entities=sorted(stated))
    by.practice.refresh_from_db()


def _answer(path: str, words: str) -> float | bool:
    """The answer as a value of this path."""
    spec = knowledge().paths[path]
    if spec.limits is None:
        if words not in ("yes", "no"):
            raise _no_answer(words)
        return words == "yes"
    value = number(words)
    if not spec.limits[0] <= value <= spec.limits[1]:
        raise BadInput(field=spec.label, found=words, limit=within(spec), next_step=_("Type it again."))
    return value


def _no_answer(found: str) -> BadInput:
    return BadInput(
        field=_("answer"), found=found, limit=_("an answer to a question of the form"), next_step=_("Choose an answer.")
    )


def _settled(
    five: Five, kind: str, state: str, *, content: bytes, sent_on: date, by: Account, key: str, how: str = "",
    words: str = "", said: Mapping[str, str | None] | None = None,
) -> Submission:  # fmt: skip
    before = Submission.objects.filter(practice=by.practice, username=by.username, key=key, kind=kind).first()
    if before is not None:
        return before
    try:
        with transaction.atomic():
            made = _keep(five, kind, state, content=content, sent_on=sent_on, how=how, words=words, said=said, by=by,
                         key=key)  # fmt: skip
            settle(by.practice, kind=OVERDUE, patient_id=five.found.patient_id, about=made.about, by=by)
            audit.append("send-form", outcome="done", account=by, patient_id=five.found.patient_id,
                         entities=[f"Submission/{made.pk}", f"Encounter/{five.visit.origin.id}"])  # fmt: skip
    except IntegrityError:  # the same request at the same instant: the other one has done it
        return Submission.objects.get(practice=by.practice, username=by.username, key=key)
    return made


def _keep(
    five: Five, kind: str, state: str, *, by: Account, key: str, content: bytes = b"", sent_on: date | None = None,
    how: str = "", words: str = "", said: Mapping[str, str | None] | None = None,
) -> Submission:  # fmt: skip
    return Submission.objects.create(
        practice=by.practice, kind=kind, about=five.visit.origin.id, patient_id=five.found.patient_id, state=state,
        sent_on=sent_on or clock.today(by.practice.zone), how=how, words=words[:300], content=content,
        digest=hashlib.sha256(content).hexdigest() if content else "", said=dict(said or {}), by=by.name,
        username=by.username, at=clock.now(), key=key,
    )  # fmt: skip


def _registry_secret(practice: Practice) -> str:
    made, _is_new = RegistryKey.objects.get_or_create(practice=practice, defaults={"secret": secrets.token_hex(32)})
    return made.secret


def _tell_registry(five: Five, secret: str) -> None:
    row = draft_row(five, secret)
    about = five.visit.origin.id
    before = RegistryRow.objects.filter(practice=five.found.practice, visit_id=about).order_by("-id").first()
    if before is None or before.row != row:
        RegistryRow.objects.create(practice=five.found.practice, visit_id=about, row=row, at=clock.now())


def _draft_note(five: Five, *, by: Account, key: str) -> None:
    """Draft the note, or bring the own draft up to date where nobody has written into it.

    A note that is signed, is somebody else's, or has words of its author in it stays; what differs is shown.
    """
    text = draft_note(five)
    made = newest(five.found.practice, "note", five.visit.origin.id)
    stored = None if made is None else read(five.found.practice, "DocumentReference", made.words)
    standing = None if stored is None else note_of(stored.resource)
    seen = None
    if made is not None and stored is not None and standing is not None and standing.state != "withdrawn":
        is_untouched = standing.state == "draft" and standing.text.encode() == bytes(made.content)
        if not is_untouched or standing.username != by.username or standing.text == text:
            return
        seen = Seen.of(stored)
    done = save_note(five.found, Writing(kind="progress", text=text, seen=seen), by=by, key=key)
    name = next(iter(done.versions)).partition("/")[2]
    _keep(five, "note", "drafted", words=name, content=text.encode(), by=by, key=key)


def _five(found: Chart, visit_id: str, by: Account, act: str) -> Five:
    five = five_of(found, _visit(found, visit_id, act), by)
    if five is None:
        raise BadInput(field=_("order of steps"), found=_("a visit without a dose"), limit=_("a visit with a dose"),
                       next_step=_("Nothing has to be done."))  # fmt: skip
    return five


def _visit(found: Chart, visit_id: str, act: str) -> Visit:
    visit = next((v for v in found.visits if v.origin.id == visit_id), None)
    if visit is None:
        raise Refused(act, patient_id=found.patient_id)
    return visit
