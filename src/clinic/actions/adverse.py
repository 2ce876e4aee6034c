"""Record an adverse event, amend or withdraw it, review and report a serious one. Every version stays.

A serious one raises two alerts at once, for its review and for its report; each carries its own clock until it is done.
One that becomes worse is to be reviewed and reported anew.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.commit import Act, Done, Draft, Stale, commit, earlier
from clinic.practice.models import Alert, Submission
from clinic.queries.adverse import REPORT, REVIEW, cases_of, late_cases, report_json, report_pdf
from clinic.queries.forms import WAYS
from clinic.queries.person import Chart
from clinic.queries.stock import uses_of
from clinic.record.models import Practice
from clinic.record.read import read
from ketapath.domain.adverse import CAUSALITY, CRITERIA, GRADES, OUTCOMES, AdverseEvent
from ketapath.domain.fact import Origin
from ketapath.errors import BadInput
from ketapath.fhir.adverse import adverse_event, adverse_event_of

SERIOUS, TO_REPORT, FOLLOW_UP = "adverse.serious", "adverse.report", "adverse.follow_up"
LONGEST = 2000
"""Letters of what happened, of its course and of what was done."""
_ENDED = ("recovered", "with-sequelae", "fatal")
_DEATH = 5  # source: CTCAE, grade 5; rule MON-026


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody says of an event. `visit_id` is "" where it belongs to no visit; `lot` "" takes that of the book.

    `version` is the one that was read where an event is amended, 0 for a new one.
    """

    words: str
    onset: datetime
    grade: int
    criteria: tuple[str, ...] = ()
    causality: str = "not-assessed"
    outcome: str = "unknown"
    taken: str = ""
    story: str = ""
    visit_id: str = ""
    lot: str = ""
    followed_up_by: date | None = None
    event_id: str = ""
    version: int = 0

    @property
    def is_serious(self) -> bool:
        """Whether a criterion of a serious event holds."""
        return bool(self.criteria)


def record_event(found: Chart, told: Told, *, by: Account, key: str) -> Done:
    """Write it down, or amend the version that was read. Raises BadInput, Stale, and Refused for another's event."""
    asked = {**{k: str(getattr(told, k)) for k in Told.__dataclass_fields__}}
    act = Act(name="record-adverse", by=by, patient_id=found.patient_id, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    before = _before(found, told)
    _check(found, told, by)
    event = _event(found, told, before, by)
    tells = event.is_serious and (before is None or not before.is_serious or event.is_worse_than(before))

    def tell(_done: Done) -> None:
        for kind in (SERIOUS, TO_REPORT):
            if tells:
                _tell_anew(found, kind, event.origin.id, by)
            elif not event.is_serious:
                settle(found.practice, kind=kind, patient_id=found.patient_id, about=event.origin.id, by=by)
        settle_follow_up(found.practice, event, by=by)

    return commit(act, [Draft(resource=adverse_event(event), expected=told.version)], last=tell)


def withdraw_event(found: Chart, event_id: str, version: int, *, why: str, by: Account, key: str) -> Done:
    """It was entered in error: it counts no more and nothing of it is due, and every version of it stays to be read.

    Raises BadInput without a reason, Stale where another version was read, and Refused for another's event.
    """
    asked = {"event": event_id, "version": version, "why": why}
    act = Act(name="record-adverse", by=by, patient_id=found.patient_id, reason=why, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    before = _standing(found, event_id, version)
    if not why.strip() or len(why) > LONGEST:
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("why it was entered in error"),
                       next_step=_("Write it in a line."))  # fmt: skip
    event = replace(before, withdrawn=why.strip(), by=by.name, username=by.username)

    def tell(_done: Done) -> None:
        for kind in (SERIOUS, TO_REPORT):
            settle(found.practice, kind=kind, patient_id=found.patient_id, about=event_id, by=by)
        settle_follow_up(found.practice, event, by=by)

    return commit(act, [Draft(resource=adverse_event(event), expected=version)], last=tell)


def review_event(found: Chart, event_id: str, finding: str, *, by: Account, key: str) -> None:
    """The local review of a serious event: what was found, by a prescriber or a director (MON-026)."""
    require(by, "review-adverse", patient_id=found.patient_id)
    if not finding.strip():
        raise BadInput(field=_("finding"), found=_("nothing"), limit=_("what the review found"),
                       next_step=_("Write it in a line."))  # fmt: skip
    _settle(found, event_id, REVIEW, "reviewed", act="review-adverse", words=finding, by=by, key=key)


def report_event(found: Chart, event_id: str, *, sent_on: date, how: str, to: str, by: Account, key: str) -> None:
    """The report has left, to whom, on this day and this way; its pages are kept with what was open on them."""
    require(by, "send-form", patient_id=found.patient_id)
    case = next((c for c in cases_of(found) if c.event.origin.id == event_id), None)
    if case is None:
        raise Refused("send-form", patient_id=found.patient_id)
    begun = clock.local(case.event.onset, by.practice.zone).date()
    if how not in WAYS or not to.strip() or not begun <= sent_on <= clock.today(by.practice.zone):
        raise BadInput(field=_("sent"), found=how or _("nothing"), limit=_("to whom, how, and on a day up to today"),
                       next_step=_("Fill in all three."))  # fmt: skip
    _settle(found, event_id, REPORT, "sent", act="send-form", words=to, how=how, sent_on=sent_on,
            content=report_pdf(found, case), said={"json": report_json(found, case).decode()}, by=by,
            key=key)  # fmt: skip


def tell_of_lot(found: Chart, visit_id: str, by: Account) -> None:
    """The lots of this visit's drug record were corrected: whoever has a report that names another is to hear of it."""
    for case in cases_of(found):
        event = case.event
        if event.visit_id == visit_id and event.is_serious and not event.withdrawn and case.reported_lot is not None:
            _tell_anew(found, TO_REPORT, event.origin.id, by)


def look_at_events(practice: Practice) -> None:
    """Raise what of an event is late: nobody asked again by its day; a review or a report that nobody is told of."""
    late = late_cases(practice)
    followed = set()
    for case in late:
        event, today = case.event, case.now.date()
        with transaction.atomic():
            if case.follow_up_due is not None and case.follow_up_due < today:
                day = case.follow_up_due.isoformat()
                followed.add(f"{event.origin.id} {day}")
                raise_alert(practice, kind=FOLLOW_UP, patient_id=event.patient_id, about=f"{event.origin.id} {day}",
                            words_values={"day": day}, once=True)  # fmt: skip
            if case.review_due is not None and case.review_due < case.now:
                raise_alert(practice, kind=SERIOUS, patient_id=event.patient_id, about=event.origin.id)
            if case.report_due is not None and case.report_due < today:
                raise_alert(practice, kind=TO_REPORT, patient_id=event.patient_id, about=event.origin.id)
    for alert in Alert.objects.filter(practice=practice, kind=FOLLOW_UP, closed_at=None).exclude(about__in=followed):
        settle(practice, kind=FOLLOW_UP, patient_id=alert.patient_id, about=alert.about)


def settle_follow_up(practice: Practice, event: AdverseEvent, *, by: Account) -> None:
    """Settle what is told of days by which somebody was to ask again, and which this version does not name any more."""
    day = None if event.withdrawn else event.followed_up_by
    rows = Alert.objects.filter(practice=practice, kind=FOLLOW_UP, patient_id=event.patient_id, closed_at=None)
    for alert in rows.filter(about__startswith=f"{event.origin.id} "):
        if day is None or alert.about != f"{event.origin.id} {day.isoformat()}":
            settle(practice, kind=FOLLOW_UP, patient_id=event.patient_id, about=alert.about, by=by)


def _tell_anew(found: Chart, kind: str, event_id: str, by: Account) -> None:
    """Raise it. What somebody has taken up was of the event as it was before; what nobody answered goes on."""
    practice, patient_id = found.practice, found.patient_id
    rows = Alert.objects.filter(practice=practice, kind=kind, patient_id=patient_id, about=event_id, closed_at=None)
    if rows.filter(state=Alert.ACKNOWLEDGED).exists():
        settle(practice, kind=kind, patient_id=patient_id, about=event_id, by=by)
    raise_alert(practice, kind=kind, patient_id=patient_id, about=event_id)


def _before(found: Chart, told: Told) -> AdverseEvent | None:
    """The event as it stands, where it is amended."""
    return _standing(found, told.event_id, told.version) if told.event_id else None


def _standing(found: Chart, event_id: str, version: int) -> AdverseEvent:
    """This person's event in the version that was read; one that was withdrawn is not changed any more."""
    standing = read(found.practice, "AdverseEvent", event_id)
    event = None if standing is None else adverse_event_of(standing.resource)
    if standing is None or event is None or standing.patient_id != found.patient_id:
        raise Refused("record-adverse", patient_id=found.patient_id)
    if standing.version != version or event.withdrawn:
        raise Stale(standing.kind, standing.identity, standing.version)
    return event


def _event(found: Chart, told: Told, before: AdverseEvent | None, by: Account) -> AdverseEvent:
    visit = next((v for v in found.visits if v.origin.id == told.visit_id), None)
    dose = None if visit is None else visit.administration
    lots = [] if visit is None else [use.lot for use in uses_of(found.practice, visit.origin.id) if use.drawn_mg]
    asked_again = told.followed_up_by
    if asked_again is None and told.outcome not in _ENDED:
        days = found.knowledge.figure("adverse_follow_up_days")
        asked_again = clock.today(by.practice.zone) + timedelta(days=days)
    event = AdverseEvent(
        origin=Origin(resource="AdverseEvent", id=told.event_id or f"adverse-{secrets.token_hex(12)}", version=None),
        patient_id=found.patient_id,
        visit_id="" if visit is None else visit.origin.id,
        administration_id="" if dose is None else dose.origin.id,
        words=told.words.strip(),
        onset=clock.local(told.onset, by.practice.zone),
        grade=told.grade,
        criteria=tuple(c for c in CRITERIA if c in told.criteria),
        causality=told.causality,
        outcome=told.outcome,
        product="" if dose is None else dose.product,
        lot=told.lot.strip() or "; ".join(lots),
        taken=told.taken.strip(),
        story=told.story.strip(),
        followed_up_by=None if told.outcome in _ENDED else asked_again,
        by=by.name,
        username=by.username,
        recorded_at=clock.local(clock.now(), by.practice.zone),
    )
    # The clocks of a serious event run from when it was first known to be one.
    keeps_clock = before is not None and before.is_serious == event.is_serious
    return replace(event, recorded_at=before.recorded_at) if before is not None and keeps_clock else event


def _check(found: Chart, told: Told, by: Account) -> None:
    """Raises BadInput for what cannot be, or is said in words of no list."""
    texts = (told.words, told.taken, told.story, told.lot)
    if not told.words.strip() or any(len(words) > LONGEST for words in texts):
        raise BadInput(field=_("what happened"), found=_("nothing"), limit=_("1 to %(most)s letters")
                       % {"most": LONGEST}, next_step=_("Say it in a few words."))  # fmt: skip
    if told.onset > clock.now() or told.onset < datetime(1990, 1, 1, tzinfo=UTC):
        raise BadInput(field=_("onset"), found=f"{told.onset:%Y-%m-%d %H:%M}", limit=_("a time that has been"),
                       next_step=_("Type it again."))  # fmt: skip
    is_of_lists = (
        told.grade in GRADES and set(told.criteria) <= set(CRITERIA) and told.causality in CAUSALITY
        and told.outcome in OUTCOMES
    )  # fmt: skip
    if not is_of_lists:
        raise BadInput(field=_("grade"), found=str(told.grade), limit=_("a grade of 1 to 5 and words of the lists"),
                       next_step=_("Choose again."))  # fmt: skip
    if len({told.grade == _DEATH, "death" in told.criteria, told.outcome == "fatal"}) > 1:
        raise BadInput(
            field=_("grade"), found=str(told.grade),
            limit=_("grade 5, the criterion death and a fatal outcome together"),
            next_step=_("Make the three say the same."),
        )  # fmt: skip
    if told.visit_id and told.visit_id not in [v.origin.id for v in found.visits]:
        raise Refused("record-adverse", patient_id=found.patient_id)


def _settle(
    found: Chart, event_id: str, kind: str, state: str, *, act: str, words: str, by: Account, key: str, how: str = "",
    sent_on: date | None = None, content: bytes = b"", said: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    if event_id not in [case.event.origin.id for case in cases_of(found)]:
        raise Refused(act, patient_id=found.patient_id)
    with transaction.atomic():
        Practice.objects.select_for_update().get(pk=by.practice.pk)  # one at a time, so that a repeat finds the first
        if Submission.objects.filter(practice=by.practice, username=by.username, key=key).exists():
            return
        Submission.objects.create(
            practice=by.practice, kind=kind, about=event_id, patient_id=found.patient_id, state=state,
            sent_on=sent_on or clock.today(by.practice.zone), how=how, words=words[:300], content=content,
            digest=hashlib.sha256(content).hexdigest() if content else "", said=dict(said or {}), by=by.name,
            username=by.username, at=clock.now(), key=key,
        )  # fmt: skip
        done = SERIOUS if kind == REVIEW else TO_REPORT
        settle(by.practice, kind=done, patient_id=found.patient_id, about=event_id, by=by)
        audit.append(act, outcome="done", account=by, patient_id=found.patient_id,
                     entities=[f"AdverseEvent/{event_id}"])  # fmt: skip
