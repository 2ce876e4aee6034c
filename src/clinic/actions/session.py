"""Run one session: arrival, readings, dose begun, dose ended, home. Each step is refused out of its order.

What comes before the dose is in `session_steps`, what happens during it in `session_course`, the way home in
`session_discharge`.

What was ordered and what was given are two facts; the second is typed by the person who gave it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import clock
from clinic.access.models import Account, Role
from clinic.access.proof import NotProven, Proof
from clinic.actions.alerts import raise_alert
from clinic.actions.commit import Act, Done, Draft, Errands, Signing, Stale, commit
from clinic.actions.profile import value_of
from clinic.actions.schedule import stepped
from clinic.actions.session_limits import follows, tell
from clinic.actions.typed import number
from clinic.actions.visit import (
    NotNow,
    before_dose,
    begun,
    happened,
    no_reason,
    open_visit,
    out_of_order,
    running,
    standing,
)
from clinic.actions.watches import settle_readings
from clinic.queries.booking import expected_today
from clinic.queries.gates import full_hands
from clinic.queries.person import Chart, at_instant
from clinic.queries.profile import within
from clinic.queries.schedule import room_names, who_is_in
from clinic.queries.session import READINGS, Objection, objections
from clinic.queries.session_leaving import new_against, stays_for
from clinic.queries.signatures import why_unsigned
from clinic.record.projections import knowledge
from clinic.record.read import history
from clinic.record.signatures import Seen, signatures_on
from ketapath.domain.session import TimedReading, Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode_visit import dose_ended, dose_started, readings, taken_under, visit_closed, visit_opened
from ketapath.session import counted_mg, device_count

__all__ = [
    "NotNow",
    "chart_readings",
    "chart_vitals",
    "close_session",
    "end_dose",
    "open_session",
    "start_dose",
    "witness",
]


def open_session(
    found: Chart, *, by: Account, key: str, room: str | None = None, appointment_id: str | None = None
) -> Done:
    """The person has arrived, in this room, for this appointment; left out, those of the session booked for today.

    "" is no room. Needs a plan that stands and no open visit; raises BadInput for a room in which somebody is.
    """
    act = Act(name="open-session", by=by, patient_id=found.patient_id, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    if found.plan is None or found.plan.status != "active":
        raise out_of_order(_("no active plan"), _("a signed plan that is not on hold"), _("Sign a plan first."))
    if found.open_visit is not None:
        raise out_of_order(_("a visit that is still open"), _("one visit at a time"), _("End the open visit first."))
    unsigned = why_unsigned(found)
    if unsigned is not None:
        raise BadInput(
            field=_("plan"), found=unsigned, limit=_("a plan and an order that are signed here"),
            next_step=_("A prescriber signs the plan again on the person's page."),
        )  # fmt: skip
    at = clock.local(clock.now(), by.practice.zone)
    # The number of the visit is its name, so that two people who open it at once make one visit.
    name = f"visit-{found.plan.origin.id[5:29]}"
    earlier_ones = sum(str(e.get("id")).startswith(name) for e in found.bundle.of_type("Encounter"))
    identity = f"{name}-{earlier_ones + 1}"
    booked = expected_today(found)
    if booked is not None and appointment_id is None:
        room, appointment_id = booked.room if room is None else room, booked.origin.id
    where = room or ""
    resource = visit_opened(
        identity, patient_id=found.patient_id, plan_id=found.plan.origin.id, at=at, room=where,
        appointment_id=appointment_id,
    )  # fmt: skip

    def alone(_done: Done) -> None:
        # Asked once the visit stands: visits are written in turn, so of two that come at once one is refused.
        if who_is_in(found.practice, where, but=found.patient_id) is not None:
            raise BadInput(
                field=_("room"), found=room_names(found.practice).get(where, where),
                limit=_("a room in which nobody is"), next_step=_("Choose another room, or none for now."),
            )  # fmt: skip

    return commit(act, [Draft(resource=resource), *stepped(found, appointment_id, "arrived")], last=alone)


def chart_vitals(found: Chart, said: Mapping[str, str], *, by: Account, key: str, minutes_ago: int = 0) -> Done:
    """Readings and scores of this moment, or of a few minutes ago, in the open visit; see `chart_readings`."""
    at = clock.now() - timedelta(minutes=minutes_ago)
    return chart_readings(found, said, at=at, by=by, key=key, asked={"ago": minutes_ago}, visit=None)


def chart_readings(
    found: Chart,
    said: Mapping[str, str],
    *,
    at: datetime,
    by: Account,
    key: str,
    visit: Visit | None,
    asked: Mapping[str, Any] | None = None,
) -> Done:
    """Readings and scores of one instant, by profile path; what was left empty is not written.

    Without a `visit` they belong to the open one. A limit that is reached or over by them is put on the visit's log in
    the same act, prescribers are told of one that is reached, and a checklist that was passed opens again. Raises
    BadInput, naming the field, for a value that no person can have.
    """
    act = Act(
        name="chart-vitals", by=by, patient_id=found.patient_id, key=key,
        asked={**said, **({"at": at} if asked is None else asked)},
    )  # fmt: skip
    done = begun(act)
    if done is not None:
        return done
    visit = visit or open_visit(found)
    values = _values(said)
    if not values:
        raise BadInput(
            field=_("readings"), found=_("nothing"), limit=_("at least one value"), next_step=_("Type a reading.")
        )
    _plausible(values)
    at = clock.local(at, by.practice.zone)
    given = visit.administration
    under_drug = given is not None and at >= given.started_at
    made = readings(
        f"reading-{secrets.token_hex(8)}",
        values,
        patient_id=found.patient_id,
        visit_id=visit.origin.id,
        administration_id=given.origin.id if given is not None and under_drug else None,
        at=at,
    )
    drafts = [Draft(resource=resource) for resource in made]
    what = follows(visit, found, _read(visit, values, at), by=by, key=key, at=at)

    def answered(_done: Done) -> None:
        settle_readings(found.practice, found.patient_id, by=by)
        tell(found, visit, what, by=by)

    is_over = visit.status == "finished" and visit.was_dosed
    drafts += what.drafts
    return commit(act, drafts, errands=_to_compare(found, visit, by) if is_over else (), last=answered)


def start_dose(found: Chart, *, by: Account, reason: str, key: str, at: datetime | None = None) -> Done:
    """Dosing begins, or began `at` an instant that is charted late; first everything against it has to be answered.

    Of a late one it is judged what was on record of the visit by then: a check or a consent of afterwards is none.

    Raises NotNow for what no reason helps against, for what only a prescriber may decide, and for a missing reason.
    """
    act = Act(
        name="give-dose", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"step": "start", "at": at},
        mark=found.mark,
    )  # fmt: skip
    done = begun(act)
    if done is not None:
        return done
    visit = before_dose(found)
    then = found if at is None else at_instant(found, visit, at)
    against = objections(then, open_visit(then), at=at)
    if at is None and (full := full_hands(by)):
        against = (*against, Objection(kind="reason", words=full))
    _answer_objections(against, by=by, reason=reason)
    plan = found.plan
    assert plan is not None
    at = clock.local(at or clock.now(), by.practice.zone)
    identity = f"{visit.origin.id}-dose"
    resource = dose_started(
        identity, patient_id=found.patient_id, visit_id=visit.origin.id, product=plan.product,
        route=plan.route, at=at, by=by.name,
    )  # fmt: skip
    since = {r.origin.id for r in visit.readings if r.at > at}
    late = [standing(found, "Observation", reading) for reading in sorted(since)]
    under = [Draft(resource=taken_under(one.resource, identity), expected=one.version) for one in late]
    return commit(act, [Draft(resource=resource), *under])


def end_dose(
    found: Chart,
    said_mg: str,
    *,
    stopped_early: bool,
    is_confirmed: bool = False,
    seen: Seen | None = None,
    by: Account,
    reason: str,
    key: str,
    proof: Proof | None = None,
) -> Done:
    """Dosing is over; `said_mg` are the milligrams of base that were really given, 0 where none were. It is signed.

    It ended when the pump was stopped, where that was charted. More than was ordered has to be confirmed, and the
    prescribers are told; what differs from what the rates or devices come to needs a reason, and no reason makes it 0
    where something was charted as given. `seen` is the running dose as the signer read it, None where that is this very
    moment. Raises Stale where it no longer stands so, NotProven without a `proof`.
    """
    asked = {"step": "end", "mg": said_mg, "early": stopped_early}
    act = Act(
        name="give-dose", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked, mark=found.mark
    )
    done = begun(act)
    if done is not None:
        return done
    given, visit = running(found), open_visit(found)
    plan = found.plan
    dose_mg = _milligrams(said_mg)
    if dose_mg == 0:
        _nothing_was_given(visit)
    stops = [e.at for e in visit.said("stop") if e.at >= given.started_at]
    at = clock.local(stops[-1] if stops else clock.now(), by.practice.zone)
    _agrees(visit, dose_mg, at, found, reason)
    ordered = None if plan is None else plan.dose_mg
    if (stopped_early or dose_mg != ordered) and not reason.strip():
        raise no_reason(_("a reason, because what was given is not what was ordered"))
    is_more = ordered is None or dose_mg > ordered
    if is_more and not is_confirmed:
        raise BadInput(
            field=_("dose given"),
            found=f"{dose_mg:g} mg",
            limit=_("%(ordered)s mg, as ordered") % {"ordered": f"{ordered or 0:g}"},
            next_step=_("If more was really given, confirm it; the prescribers will be told."),
        )
    stored = standing(found, "MedicationAdministration", given.origin.id)
    if seen is not None and seen != Seen.of(stored):
        raise Stale(stored.kind, stored.identity, stored.version)
    if proof is None:
        raise NotProven(by.username)
    after = dose_ended(stored.resource, dose_mg=dose_mg, at=at, stopped_early=stopped_early)
    name = f"{stored.kind}/{stored.identity}"
    act = replace(act, signing=Signing(meaning="administration", proof=proof, over=(name,)))

    def told(_done: Done) -> None:
        if is_more:
            raise_alert(found.practice, kind="dose.more_than_ordered", patient_id=found.patient_id, about=name)

    return commit(act, [Draft(resource=after, expected=stored.version)], last=told)


def witness(found: Chart, seen: Seen, *, by: Account, key: str, proof: Proof) -> Done:
    """A second person has watched the dose and signs for it; the record itself stays as it is.

    `seen` is the dose as the witness read it. Raises Stale where it no longer stands so, and BadInput where it has not
    ended, is no dose of this person, or the witness is who gave it or has signed already.
    """
    act = Act(name="witness", by=by, patient_id=found.patient_id, key=key, asked={"seen": seen.text})
    done = begun(act)
    if done is not None:
        return done
    ended = [v.administration for v in found.visits if v.administration is not None and v.administration.ended_at]
    if seen.kind != "MedicationAdministration" or seen.identity not in [given.origin.id for given in ended]:
        raise out_of_order(_("no dose that has ended"), _("a dose that has ended"), _("End the dose first."))
    signed = signatures_on(found.practice, seen.kind, seen.identity)
    if not any(s.meaning == "administration" and s.is_valid for s in signed):
        raise out_of_order(
            _("a dose that nobody has signed as given"), _("a dose signed by who gave it"),
            _("It cannot be witnessed any more; write a note."),
        )  # fmt: skip
    began = history(found.practice, seen.kind, seen.identity)[-1].changed_by
    if by.name == began or by.username in {s.username for s in signed}:
        raise BadInput(
            field=_("signature"), found=by.name, limit=_("another person than who gave the dose or signed already"),
            next_step=_("Ask a colleague who was in the room."),
        )  # fmt: skip
    return commit(replace(act, signing=Signing(meaning="witness", proof=proof, standing=(seen,))), [])


def close_session(found: Chart, *, by: Account, key: str, reason: str = "") -> Done:
    """The person goes home. After a dose the checklist has to be met, or to have been overridden by who may.

    What has come up since then counts too, whatever was passed. Where every point is met and nobody has said so, that
    is written. Raises BadInput, naming what is open.
    """
    act = Act(name="close-session", by=by, patient_id=found.patient_id, reason=reason, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = open_visit(found)
    given = visit.administration
    if given is not None and given.ended_at is None:
        raise out_of_order(_("a dose that is still running"), _("a dose that has ended"), _("End the dose first."))
    drafts: list[Draft] = []
    if visit.was_dosed:
        was_passed = visit.step == "leaving"
        against = new_against(found, visit) if was_passed else stays_for(found, visit)
        if against:
            raise BadInput(
                field=_("going home"), found=_("something open"),
                limit=_("every point of the checklist; open: %(what)s") % {"what": "; ".join(against)},
                next_step=_("Settle each point, or call a prescriber, who may override it with a reason."),
            )  # fmt: skip
        drafts = [] if was_passed else [happened(found, visit, "discharge-ready", by=by, key=key)]
    at = clock.local(clock.now(), by.practice.zone)
    stored = standing(found, "Encounter", visit.origin.id)
    drafts += stepped(found, visit.appointment_id, "fulfilled" if visit.was_dosed else "cancelled")
    ended = Draft(resource=visit_closed(stored.resource, at=at), expected=stored.version)
    return commit(act, [*drafts, ended], errands=_to_compare(found, visit, by) if visit.was_dosed else ())


def _to_compare(found: Chart, visit: Visit, by: Account) -> Errands:
    """The worker compares what was observed with what was expected."""
    told = {"patient_id": found.patient_id, "visit_id": visit.origin.id, "username": by.username}
    return [("session-miss", told, clock.now())]


def _answer_objections(found: Sequence[Objection], *, by: Account, reason: str) -> None:
    """Raises NotNow for the first objection that is not answered."""
    for objection in found:
        if objection.kind == "blocks":
            raise NotNow(objection.words, _("Give no dose."))
        if objection.kind == "prescriber" and by.role != Role.PRESCRIBER:
            raise NotNow(objection.words, _("Settle it, or call a prescriber, who may decide with a reason."))
        if not reason.strip():
            raise NotNow(objection.words, _("Settle it, or write why the dose is given all the same."))


def _read(visit: Visit, values: Mapping[str, float | bool], at: datetime) -> Visit:
    """The visit, had these been read."""
    more = (
        TimedReading(origin=visit.origin, at=at, quantity=path, value=value, under_drug=visit.was_dosed)
        for path, value in values.items()
    )
    return replace(visit, readings=(*visit.readings, *more))


def _plausible(values: Mapping[str, float | bool]) -> None:
    systolic, diastolic = (values.get(f"vitals.{name}_mmhg") for name in ("systolic", "diastolic"))
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        raise BadInput(
            field=_("pressure"),
            found=f"{systolic:g}/{diastolic:g}",
            limit=_("a systolic pressure above the diastolic"),
            next_step=_("Measure or type again."),
        )


def _values(said: Mapping[str, str]) -> dict[str, float | bool]:
    """What was typed, as values. Raises BadInput that names everything that cannot be, not the first of it alone."""
    values: dict[str, float | bool] = {}
    wrong: list[BadInput] = []
    for path, words in said.items():
        if words.strip():
            try:
                values[path] = _value(path, words)
            except BadInput as problem:
                wrong.append(problem)
    if len(wrong) > 1:
        also = "; ".join(f"{one.field}: {one.found} ({one.limit})" for one in wrong[1:])
        limit = _("%(limit)s; and also %(also)s") % {"limit": wrong[0].limit, "also": also}
        raise BadInput(field=wrong[0].field, found=wrong[0].found, limit=limit, next_step=wrong[0].next_step)
    if wrong:
        raise wrong[0]
    return values


def _value(path: str, words: str) -> float | bool:
    spec = knowledge().paths.get(path)
    if spec is None or not (path in READINGS or (path.startswith("session.") and "question" in spec.comes_from)):
        raise BadInput(
            field=_("readings"), found=path, limit=_("what is read or asked in a session"),
            next_step=_("Choose one of the list."),
        )  # fmt: skip
    if spec.type == "bool":
        said = value_of(spec, words)
        assert isinstance(said, bool)
        return said
    assert spec.limits is not None
    low, high = spec.limits
    value = number(words)
    if not low <= value <= high:
        raise BadInput(field=spec.label, found=words, limit=within(spec), next_step=_("Measure or type again."))
    return value


def _agrees(visit: Visit, dose_mg: float, at: datetime, found: Chart, reason: str) -> None:
    """Raises BadInput where what is typed differs from what was counted, and nobody says why."""
    counted = counted_mg(visit, until=at)
    if counted is None or reason.strip():
        return
    if abs(dose_mg - counted) > found.knowledge.figure("dose_difference_share") * max(dose_mg, counted):
        said = {"typed": f"{dose_mg:g}", "counted": f"{counted:.1f}"}
        limit = _("a reason, because %(typed)s mg were typed and the rates or devices come to %(counted)s mg")
        raise no_reason(limit % said)


def _nothing_was_given(visit: Visit) -> None:
    """Raises BadInput where something was charted as given in this visit and not taken back."""
    devices, counted = device_count(visit)[0], counted_mg(visit, until=clock.now())
    if devices:
        shown = ngettext("%(count)d device as given", "%(count)d devices as given", devices) % {"count": devices}
    elif visit.said("given"):
        shown = _("a dose as given")
    elif counted or (counted is None and visit.said("rate")):
        shown = _("a pump that ran") if counted is None else _("%(mg)s mg by the rates") % {"mg": f"{counted:.1f}"}
    else:
        return
    raise BadInput(
        field=_("dose given"), found=_("0 mg, and charted: %(what)s") % {"what": shown},
        limit=_("0 mg only where nothing was given"),
        next_step=_("Take back what was charted in error, with its reason, or type what was given."),
    )  # fmt: skip


def _milligrams(words: str) -> float:
    value = number(words)
    if not 0 <= value <= 1000:  # source: the largest dose that the simulation takes
        raise BadInput(
            field=_("dose given"),
            found=words or _("nothing"),
            limit=_("0 to 1000 mg"),
            next_step=_("Type the milligrams given."),
        )
    return value
