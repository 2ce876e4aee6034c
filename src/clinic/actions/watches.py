"""What wants an answer though nobody said so? Readings that are overdue, answers, checks and dates, looked at in turn.

Each look raises what is so and settles what is not so any more; looking twice changes nothing. What somebody closed is
told anew once it has become more than was told: a date that has gone by since, a check that has come due once more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from clinic import clock
from clinic.access.models import Account
from clinic.actions.adverse import look_at_events
from clinic.actions.alerts import raise_alert, settle
from clinic.practice.models import Alert, Certificate, Room
from clinic.queries import referral
from clinic.queries.booking import ended_ahead
from clinic.queries.person import Chart, chart, clinic_now, knowledge_at
from clinic.queries.schedule import of_ended_plans
from clinic.queries.today import overdue_scores
from clinic.record.models import Booking, Practice, VisitLine
from clinic.record.projections import knowledge
from clinic.record.reach import Reach
from clinic.record.visit_json import visit_from_json
from ketapath.domain.fact import Fact, ScoreEntry
from ketapath.fhir.cover import covered_until
from ketapath.followup import due_assessments, last_turn
from ketapath.measurement import reliable_change
from ketapath.session import due, of_limit

ITEM9, INTERVIEW, SUDDEN = "measurement.item9", "suicidality.interview", "response.sudden"
INTENT, LIMIT = "suicidality.intent", "session.limit"
READING, SCORE, CHECK = "session.reading_overdue", "score.overdue", "check.unanswered"
LAB, AUTHORISATION, CERTIFICATE = "lab.due", "authorisation.expiring", "certificate.expiring"
REFERRAL, ENDED, RUN_OUT = "referral.late", "booking.plan_ended", "run-out"
_LAB_CHECKS = ("followup.urinary", "followup.liver", "followup.cognition")
_GRAVE = ("high", "imminent")
_NO_TIME = datetime(1, 1, 1)  # noqa: DTZ001  as the core keeps instants, in UTC and without a zone


def watch_sessions(practice: Practice) -> int:
    """Raise an alert for each reading of an open visit that is overdue; the number of visits looked at.

    `about` is the visit and the instant at which the reading was due, so that each gap is told once.
    """
    late = _overdue(practice)
    for patient_id, gaps in late.items():
        for about, said in gaps.items():
            with transaction.atomic():
                told = raise_alert(
                    practice, kind=READING, patient_id=patient_id, about=about, words_values=said, once=True
                )
                if told.closed_at is None and told.values != said:  # part of it has been read
                    told.values = said
                    told.save(update_fields=["values"])
    _settle_filled(practice, late, Alert.objects.filter(practice=practice))
    settle_limits(practice)
    return len(late)


def settle_readings(practice: Practice, patient_id: str, *, by: Account | None = None) -> None:
    """Something was read: settle what was overdue of this person and is not any more."""
    of_person = Alert.objects.filter(practice=practice, patient_id=patient_id)
    _settle_filled(practice, _overdue(practice, patient_id), of_person, by)


def settle_limits(practice: Practice, patient_id: str = "", *, by: Account | None = None) -> None:
    """Settle the limits whose steps were all taken, and those that are over and that somebody has acknowledged."""
    rows = Alert.objects.filter(practice=practice, kind=LIMIT, closed_at=None)
    known = knowledge_at(clinic_now(practice))
    for alert in rows.filter(patient_id=patient_id) if patient_id else rows:
        line = VisitLine.objects.filter(practice=practice, patient_id=alert.patient_id).first()
        visit_id, _space, rule_id = alert.about.partition(" ")
        if line is None or line.content["visit"]["id"] != visit_id:
            continue
        one = of_limit(visit_from_json(line.content["visit"]), rule_id, known)
        if one is not None and (one.is_done or (one.until is not None and alert.state == Alert.ACKNOWLEDGED)):
            settle(practice, kind=LIMIT, patient_id=alert.patient_id, about=alert.about, by=by)


def _settle_filled(
    practice: Practice, late: Mapping[str, Collection[str]], rows: QuerySet[Alert], by: Account | None = None
) -> None:
    for alert in rows.filter(kind=READING, closed_at=None):
        if alert.about not in late.get(alert.patient_id, ()):
            settle(practice, kind=READING, patient_id=alert.patient_id, about=alert.about, by=by)


def _overdue(practice: Practice, patient_id: str = "") -> dict[str, dict[str, dict[str, str]]]:
    """For each open visit, by person, the gaps in its readings as alerts name them; of this person alone where named.

    Each with what is to be read, in which room, and since when by the clinic's clock. Read from the projection, so that
    no chart is read for it.
    """
    lines = VisitLine.objects.filter(practice=practice, closed_at=None)
    now, known = clock.now(), knowledge_at(clinic_now(practice))
    rooms = dict(Room.objects.filter(practice=practice).values_list("code", "name"))
    found: dict[str, dict[str, dict[str, str]]] = {}
    for line in lines.filter(patient_id=patient_id) if patient_id else lines:
        visit = visit_from_json(line.content["visit"])
        route = "" if visit.administration is None else visit.administration.route
        awaited = due(visit, route, known, now=now) if visit.status == "in-progress" else ()
        gaps: dict[datetime, list[str]] = {}
        for one in awaited:
            if one.is_overdue and one.due_at is not None:
                gaps.setdefault(one.due_at.astimezone(UTC), []).append(one.what)
        found[line.patient_id] = {
            f"{visit.origin.id} {at:%Y-%m-%dT%H:%M:%S}": {
                "what": ", ".join(dict.fromkeys(what)), "room": rooms.get(visit.room, visit.room),
                "since": f"{clock.local(at, practice.zone):%H:%M}",
            }
            for at, what in gaps.items()
        }  # fmt: skip
    return found


def look_at_answers(found: Chart) -> None:
    """Raise what the newest answers call for: item 9, the interview on suicidal thoughts, a sudden worsening."""
    if found.person is None or found.person.died:
        return
    known, figure = found.person.known, found.knowledge.figure
    since = found.as_of - timedelta(days=int(figure("alert_answer_days")))

    def says(path: str) -> Any:
        fact: Fact | None = known.get(path)
        return None if fact is None or fact.on is None or fact.on < since else fact.value

    item9, level = says("scale.phq9_item9"), says("scale.cssrs_ideation_level")
    if isinstance(item9, float) and item9 >= 1:  # source: KP-004, any answer above "not at all"
        _raise(found, ITEM9, known["scale.phq9_item9"])
    grave = {
        "scale.suicidal_behaviour": says("scale.suicidal_behaviour") is True,
        "scale.suicide_risk": says("scale.suicide_risk") in _GRAVE,
        "scale.cssrs_ideation_level": isinstance(level, float) and level >= figure("alert_cssrs_level"),
    }
    for path in (path for path, is_grave in grave.items() if is_grave):
        _raise(found, INTERVIEW, known[path])
    if says("session.suicidal_intent") is True:
        _raise(found, INTENT, known["session.suicidal_intent"])
    for after in _sudden(found):
        if after.on >= since:
            _raise(found, SUDDEN, after, scale=after.instrument)


def look_at_checks(practice: Practice, patient_id: str) -> None:
    """Raise what is due for somebody under treatment: urine, liver, cognition; cover that runs out, or has."""
    found = chart(practice, patient_id)
    if found is None or found.person is None or found.person.died:
        return
    due = {d.what.key: d.due for d in due_assessments(found.person, found.knowledge) if d.overdue}
    for key in _LAB_CHECKS:
        waiting = Alert.objects.filter(
            practice=practice, kind=LAB, patient_id=patient_id, about__startswith=f"{key} ", closed_at=None
        )
        for alert in waiting:
            if key not in due or alert.about < f"{key} {due[key].isoformat()}":
                settle(practice, kind=LAB, patient_id=patient_id, about=alert.about)
        turn = last_turn(key, found.person, found.knowledge) if key in due else None
        if turn is not None and not waiting.exists():
            about = f"{key} {turn.isoformat()}"
            with transaction.atomic():
                raise_alert(practice, kind=LAB, patient_id=patient_id, about=about, once=True)
    last = found.as_of + timedelta(days=int(found.knowledge.figure("alert_expiry_days")))
    until, about = covered_until(found.bundle), ""
    if until is not None and until <= last and found.plan is not None:
        day = until.isoformat()
        about = _ends(day, until < found.as_of)
        with transaction.atomic():
            raise_alert(
                practice, kind=AUTHORISATION, patient_id=patient_id, about=about, words_values={"day": day}, once=True
            )
    for alert in Alert.objects.filter(practice=practice, kind=AUTHORISATION, patient_id=patient_id, closed_at=None):
        if alert.about != about:
            settle(practice, kind=AUTHORISATION, patient_id=patient_id, about=alert.about)


def look_at_house(practice: Practice) -> None:
    """The morning's look: scores overdue, checks and referrals that nobody answered, certificates that run out, and
    what of an adverse event is late.
    """
    late = {line.patient_id: line for line in overdue_scores(Reach(practice=practice))}
    for alert in Alert.objects.filter(practice=practice, kind=SCORE, closed_at=None):
        if alert.patient_id not in late:
            settle(practice, kind=SCORE, patient_id=alert.patient_id)
    for patient_id, line in late.items():
        since = line.last_score_on or line.last_session_on
        with transaction.atomic():
            raise_alert(practice, kind=SCORE, patient_id=patient_id, about="" if since is None else since.isoformat())
    _look_at_bookings(practice)
    _look_at_ended(practice)
    _look_at_referrals(practice)
    _look_at_certificates(practice)
    look_at_events(practice)


def look_at_ended(practice: Practice, patient_id: str, *, by: Account | None = None) -> None:
    """Raise that something is booked for a plan that has ended, once for each plan; settle it when nothing is.

    To be called inside the transaction of whatever ended a plan or a booking.
    """
    found = chart(practice, patient_id)
    if found is None:
        return
    if not ended_ahead(found):
        settle(practice, kind=ENDED, patient_id=patient_id, by=by)
    elif not Alert.objects.filter(practice=practice, kind=ENDED, patient_id=patient_id, closed_at=None).exists():
        over = [plan.origin.id for plan in found.plans if plan.status not in ("active", "on-hold")]
        raise_alert(practice, kind=ENDED, patient_id=patient_id, about=over[-1] if over else "", once=True)


def _look_at_ended(practice: Practice) -> None:
    ahead = Booking.objects.filter(practice=practice, status="booked", ends_at__gt=clock.now())
    ended = of_ended_plans(practice, ahead)
    people = {row.patient_id for row in ahead if row.appointment in ended}
    told = Alert.objects.filter(practice=practice, kind=ENDED, closed_at=None)
    for patient_id in sorted(people | set(told.values_list("patient_id", flat=True))):
        with transaction.atomic():
            look_at_ended(practice, patient_id)


def _look_at_bookings(practice: Practice) -> None:
    today = clock.local(clock.now(), practice.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    missed = Booking.objects.filter(practice=practice, kind="check", status="booked", ends_at__lt=today)
    open_ones = set(missed.values_list("appointment", flat=True))
    for booking in missed:
        with transaction.atomic():
            raise_alert(practice, kind=CHECK, patient_id=booking.patient_id, about=booking.appointment, once=True)
    for alert in Alert.objects.filter(practice=practice, kind=CHECK, closed_at=None).exclude(about__in=open_ones):
        settle(practice, kind=CHECK, patient_id=alert.patient_id, about=alert.about)


def _look_at_referrals(practice: Practice) -> None:
    late: set[str] = set()
    for one in referral.overdue(Reach(practice=practice)):
        if one.line is None or one.referral.due is None:
            continue
        about, said = one.referral.origin.id, {"day": one.referral.due.isoformat()}
        late.add(about)
        with transaction.atomic():
            raise_alert(
                practice, kind=REFERRAL, patient_id=one.line.patient_id, about=about, words_values=said, once=True
            )
    for alert in Alert.objects.filter(practice=practice, kind=REFERRAL, closed_at=None).exclude(about__in=late):
        settle(practice, kind=REFERRAL, patient_id=alert.patient_id, about=alert.about)


def _look_at_certificates(practice: Practice) -> None:
    """The newest of each person and kind counts; one that does not run out needs nothing."""
    today = clock.today(practice.zone)
    last = today + timedelta(days=int(knowledge_at(clinic_now(practice)).figure("alert_expiry_days")))
    newest: dict[tuple[int, str], Certificate] = {}
    rows = Certificate.objects.filter(practice=practice, withdrawn_at=None, account__is_active=True)
    for one in rows.order_by("id").select_related("account"):
        standing = newest.get((one.account_id, one.kind))
        if standing is None or (one.valid_until or date.max) >= (standing.valid_until or date.max):
            newest[(one.account_id, one.kind)] = one
    due = {
        _ends(str(one.pk), one.valid_until < today): one
        for one in newest.values()
        if one.valid_until is not None and one.valid_until <= last
    }
    for about, one in due.items():
        said = {"name": one.account.name, "certificate": one.kind, "day": f"{one.valid_until:%Y-%m-%d}"}
        with transaction.atomic():
            raise_alert(practice, kind=CERTIFICATE, about=about, words_values=said, once=True)
    for alert in Alert.objects.filter(practice=practice, kind=CERTIFICATE, closed_at=None).exclude(about__in=due):
        settle(practice, kind=CERTIFICATE, about=alert.about)


def _ends(about: str, is_over: bool) -> str:
    """`about` of what will end soon, and of what has ended: the end itself is told anew."""
    return f"{RUN_OUT} {about}" if is_over else about


def _raise(found: Chart, kind: str, of: Fact | ScoreEntry, **said: str) -> None:
    """For this answer, once: `about` is the resource that holds it."""
    about = f"{of.origin.resource}/{of.origin.id}"
    with transaction.atomic():
        raise_alert(found.practice, kind=kind, patient_id=found.patient_id, about=about, words_values=said, once=True)


def _sudden(found: Chart) -> Iterator[ScoreEntry]:
    """The newest total of each scale that is worse than the one before it by more than the error of two."""
    assert found.person is not None
    by_scale: dict[str, list[ScoreEntry]] = {}
    for entry in found.person.scores:
        if entry.total is not None and entry.reason is None:
            by_scale.setdefault(entry.instrument, []).append(entry)
    for scale, entries in by_scale.items():
        form = knowledge().instruments.get(scale)
        in_order = sorted(entries, key=_place)
        if form is None or len(in_order) < 2:
            continue
        before, after = in_order[-2], in_order[-1]
        assert before.total is not None and after.total is not None
        if reliable_change(form, before.total, after.total) == "worse":
            yield after


def _place(entry: ScoreEntry) -> tuple[date, datetime]:
    return entry.on, entry.at or _NO_TIME
