"""Book, lay out a series, move, cancel, mark as missed: each an act on the person's record, each all or nothing.

What is booked twice is refused by the database; whoever came second is told what is free.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, Stale, Taken, commit, earlier
from clinic.actions.watches import look_at_ended
from clinic.queries.booking import (
    Close,
    Moving,
    Proposal,
    appointment,
    closer,
    ended_ahead,
    free,
    free_words,
    just_booked,
    least_minutes,
    missed_today,
    moving,
    series,
    session_over,
    tied,
    unbooked,
)
from clinic.queries.person import Chart
from clinic.queries.schedule import WANTING, openings
from clinic.queries.signatures import why_unsigned
from clinic.record.read import Stored, read
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.plan import PlannedVisit
from ketapath.domain.schedule import KINDS, RIDES, SLOT_MIN, Booked, Ride
from ketapath.errors import BadInput
from ketapath.fhir.appointments import appointment as appointment_of
from ketapath.fhir.appointments import appointment_ended
from ketapath.plan.slots import Slot

_TRIES = 3
"""How often a series is laid out anew where somebody else has just taken a place of it."""
LONGEST_MIN = 8 * 60
"""An appointment that somebody types lasts at most a working day."""
TITLES = {kind: f"schedule.booked.{kind}" for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """What was booked of a series, and what was not, each with why."""

    done: Done | None
    proposals: tuple[Proposal, ...]

    @property
    def booked(self) -> list[Proposal]:
        """What has a place now."""
        return [p for p in self.proposals if p.place is not None]

    @property
    def unbooked(self) -> list[Proposal]:
        """What found none on its day."""
        return [p for p in self.proposals if p.place is None]


def lay_out(found: Chart, *, by: Account, key: str, reason: str = "") -> LaidOut:
    """Book every visit of the signed plan that is ahead and not booked, each on its planned day where there is room.

    Raises BadInput without a plan that is active and signed here, and without a `reason` where doses would stand closer
    than the plan's own spacing; Stale where somebody has written meanwhile.
    """
    act = Act(name="book", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"series": True},
              mark=found.mark)  # fmt: skip
    require(by, "book", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return LaidOut(done=done, proposals=())
    if found.plan is None or found.plan.status != "active" or why_unsigned(found) is not None:
        raise BadInput(
            field=_("plan"), found=_("no plan that is active and signed here"), limit=_("a signed plan"),
            next_step=_("A prescriber signs a plan first."),
        )  # fmt: skip
    for left in reversed(range(_TRIES)):
        proposals = series(found)
        drafts = [_new(found, p.visit, p.place, p.planned_on) for p in proposals if p.place is not None]
        if not drafts:
            return LaidOut(done=None, proposals=proposals)
        _check_spacing(closer(found, proposals), reason)
        try:
            return LaidOut(done=commit(act, drafts), proposals=proposals)
        except Taken:
            if not left:
                raise
    raise Taken


def book(
    found: Chart, kind: str, on: date, at: time, *, minutes: int | None = None, room: str = "",
    planned: PlannedVisit | None = None, ride: Ride = "not-asked", reason: str = "", by: Account, key: str,
) -> Done:  # fmt: skip
    """Book one appointment: for a `planned` visit of the plan that nothing stands for, or one that no plan asks for.

    Raises BadInput where the time is taken, over, or shown twice by the clock, naming what is free on that day, for a
    session in fewer `minutes` than it takes, and without a `reason` where doses would stand closer than the plan's own
    spacing.
    """
    asked = {"kind": kind, "on": str(on), "at": str(at), "minutes": minutes, "room": room,
             "planned": None if planned is None else str((planned.on, planned.title.key))}  # fmt: skip
    act = Act(name="book", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked, mark=found.mark)
    require(by, "book", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    _check_ride(kind, ride)
    _check_minutes(found, kind if planned is None else planned.kind, minutes)
    visit = planned or PlannedVisit(
        on=on, starts=at, kind=_kind(kind), title=Text(key=TITLES[kind]), minutes=minutes, setting=""
    )
    if planned is not None:
        _check_unbooked(found, planned)
    slot = _place(found, visit, on, at, room, minutes)
    new = Proposal(visit=visit, planned_on=None if planned is None else planned.on, booked=None, on=on, slot=slot)
    _check_spacing(closer(found, [new]), reason)
    draft = _new(found, visit, slot, None if planned is None else planned.on, ride=ride)
    try:
        return commit(act, [draft])
    except Taken as problem:
        raise _taken(found, visit, on, at, _("taken a moment ago"), minutes) from problem


def move(
    found: Chart, appointment_id: str, to: date, at: time | None, *, seen: str, reason: str, by: Account, key: str
) -> Done:
    """Move an appointment and what belongs to it, as the preview `seen` (its digest) showed it.

    Raises Stale where it would not be the same any more, BadInput where something of it finds no place, and without a
    `reason` where doses would stand closer than the plan's own spacing.
    """
    asked = {"appointment": appointment_id, "to": str(to), "at": str(at)}
    act = Act(
        name="move-booking", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked, mark=found.mark
    )
    require(by, "move-booking", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    found_now = moving(found, appointment_id, to, at)
    if found_now.digest != seen:
        raise Stale("Appointment", appointment_id, 0)
    _check_possible(found_now)
    _check_spacing(found_now.close, reason)
    drafts = [_moved(found, p, p.place) for p in found_now.proposals if p.place is not None]
    return commit(act, drafts)


def cancel(
    found: Chart, appointment_id: str, *, reason: str, is_with_tied: bool = False, by: Account, key: str
) -> Done:
    """Cancel an appointment, with a reason; its room and its people are free again. Raises BadInput if it has begun.

    `is_with_tied` cancels with a session what belongs to it (`queries.booking.tied`).
    """
    return _end(found, appointment_id, "cancelled", reason=reason, is_with_tied=is_with_tied, by=by, key=key)


def undo(found: Chart, *, by: Account, key: str) -> Done:
    """Take back what was booked in the last minutes (`queries.booking.just_booked`), all of it."""
    recent = just_booked(found, by)
    act = Act(name="cancel-booking", by=by, patient_id=found.patient_id, reason=_("undone"), key=key,
              asked={"undo": True}, mark=found.mark)  # fmt: skip
    require(by, "cancel-booking", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    if not recent:
        raise BadInput(
            field=_("appointment"), found=_("none of the last minutes"), limit=_("one that was booked just now"),
            next_step=_("Cancel it with a reason instead."),
        )  # fmt: skip
    drafts = [_as_ended(found, booked, "cancelled", _("undone")) for booked in recent]
    return commit(act, drafts, last=_ended_looked_at(found, by))


def cancel_ended(found: Chart, *, reason: str = "", by: Account, key: str) -> Done:
    """Cancel all that is booked for a plan that has ended (`queries.booking.ended_ahead`).

    Raises BadInput where nothing is.
    """
    act = Act(name="cancel-booking", by=by, patient_id=found.patient_id, reason=reason or _("its plan has ended"),
              key=key, asked={"ended": True}, mark=found.mark)  # fmt: skip
    require(by, "cancel-booking", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    ended = ended_ahead(found)
    if not ended:
        raise BadInput(
            field=_("appointment"), found=_("none of a plan that has ended"), limit=_("one whose plan has ended"),
            next_step=_("Cancel a single one with its reason."),
        )  # fmt: skip
    drafts = [_as_ended(found, booked, "cancelled", act.reason) for booked in ended]
    return commit(act, drafts, last=_ended_looked_at(found, by))


def came_after_all(found: Chart, appointment_id: str, *, by: Account, key: str) -> Done:
    """Take back that nobody came: the appointment of today is booked again at its time.

    Raises BadInput where it is over, something else was booked for it, or there is no place any more.
    """
    act = Act(name="book", by=by, patient_id=found.patient_id, key=key, asked={"came": appointment_id}, mark=found.mark)
    require(by, "book", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    again = next((b for b in missed_today(found) if b.origin.id == appointment_id), None)
    if again is None:
        raise BadInput(
            field=_("appointment"), found=_("none that can be taken up again"),
            limit=_("one of today that is not over, whose place is still free"), next_step=_("Book another."),
        )  # fmt: skip
    return commit(act, [_written(found, again)])


def no_show(
    found: Chart, appointment_id: str, *, reason: str = "", is_with_tied: bool = False, by: Account, key: str
) -> Done:
    """The person did not come. Raises BadInput before the appointment was to begin.

    `is_with_tied` cancels what belongs to a session.
    """
    asked = appointment(found, appointment_id)
    if asked.starts_at > clock.now():
        raise BadInput(
            field=_("appointment"), found=_("one that is still to come"), limit=_("one that was to have begun"),
            next_step=_("Cancel it instead."),
        )  # fmt: skip
    why = reason or _("did not come")
    return _end(found, appointment_id, "noshow", reason=why, is_with_tied=is_with_tied, by=by, key=key)


def set_ride(found: Chart, appointment_id: str, ride: str, *, by: Account, key: str) -> Done:
    """How the person gets home after this appointment. Raises BadInput for a session that would need no ride."""
    said = next((one for one in RIDES if one == ride), None)
    if said is None:
        raise BadInput(
            field=_("ride"), found=ride, limit=", ".join(RIDES), next_step=_("Choose from the list."),
        )  # fmt: skip
    act = Act(name="book", by=by, patient_id=found.patient_id, key=key,
              asked={"appointment": appointment_id, "ride": ride}, mark=found.mark)  # fmt: skip
    require(by, "book", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    standing = appointment(found, appointment_id)
    _check_ride(standing.kind, said)
    return commit(act, [_written(found, replace(standing, ride=said))])


def _check_ride(kind: str, ride: Ride) -> None:
    """Nobody drives home after a dose, whatever the day brings."""
    if kind == "session" and ride == "not-needed":
        raise BadInput(
            field=_("ride"), found=_("none needed after a session"), limit=_("a ride that is arranged or to arrange"),
            next_step=_("Say who takes the person home, or that it has to be arranged."),
        )  # fmt: skip


def stepped(found: Chart, appointment_id: str | None, status: str) -> list[Draft]:
    """The appointment as arrived, fulfilled or cancelled, for the act that opens or closes its visit.

    A visit never waits for the schedule: what does not fit leaves the appointment as it is. Who arrives after all takes
    up the one that was missed. A visit that ends without a dose gives its appointment back, so that the session can be
    booked anew.
    """
    again = missed_today(found) if status == "arrived" else ()
    standing = next((b for b in (*again, *found.bookings) if b.origin.id == appointment_id), None)
    if standing is None or standing.status not in ("booked", "arrived") or standing.status == status:
        return []
    why = _("no dose was given") if status == "cancelled" else ""
    return [_written(found, replace(standing, status=status, why=why))]


def _end(
    found: Chart, appointment_id: str, status: str, *, reason: str, is_with_tied: bool, by: Account, key: str
) -> Done:
    asked: dict[str, Any] = {"appointment": appointment_id, "status": status}
    asked |= {"tied": True} if is_with_tied else {}
    act = Act(
        name="cancel-booking", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked, mark=found.mark
    )
    require(by, "cancel-booking", patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Write it in a line."))
    booked = appointment(found, appointment_id)
    if booked.status == "arrived":
        raise BadInput(
            field=_("appointment"), found=_("one that has begun: the person is here"), limit=_("one that is booked"),
            next_step=_("End the open visit instead."),
        )  # fmt: skip
    along = [_as_ended(found, one, "cancelled", reason) for one in tied(found, booked)] if is_with_tied else []
    return commit(act, [_as_ended(found, booked, status, reason), *along], last=_ended_looked_at(found, by))


def _as_ended(found: Chart, booked: Booked, status: str, why: str) -> Draft:
    """The appointment as cancelled or missed, with why."""
    standing = _standing(found, booked)
    return Draft(resource=appointment_ended(standing.resource, status, why=why[:500]), expected=standing.version)


def _ended_looked_at(found: Chart, by: Account) -> Callable[[Done], None]:
    """The alert that something is booked for a plan that has ended is settled once nothing is."""
    return lambda _done: look_at_ended(found.practice, found.patient_id, by=by)


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise BadInput(field=_("kind"), found=kind, limit=", ".join(KINDS), next_step=_("Choose from the list."))
    return kind


def _check_minutes(found: Chart, kind: str, minutes: int | None) -> None:
    """Whole five minutes, and for a session no fewer than its dose and the time watched after it take."""
    if minutes is None:
        return
    if not (SLOT_MIN <= minutes <= LONGEST_MIN and minutes % SLOT_MIN == 0):
        raise BadInput(
            field=_("minutes"), found=str(minutes), limit=_("whole five minutes up to eight hours"),
            next_step=_("Type another length."),
        )  # fmt: skip
    least = least_minutes(found)
    if kind == "session" and minutes < least:
        raise BadInput(
            field=_("minutes"), found=str(minutes),
            limit=_("at least %(least)s minutes, the time before the dose and the time watched") % {"least": least},
            next_step=_("Type more, or leave the minutes empty."),
        )  # fmt: skip


def _check_unbooked(found: Chart, planned: PlannedVisit) -> None:
    if planned not in unbooked(found):
        raise BadInput(
            field=_("appointment"), found=_("booked already, or not in the plan"), limit=_("one that is not booked"),
            next_step=_("Move the one that stands."),
        )  # fmt: skip


def _place(found: Chart, visit: PlannedVisit, on: date, at: time, room: str, minutes: int | None) -> Slot:
    """The room and people at exactly this time; raises BadInput with what is free that day."""
    if at.minute % SLOT_MIN or at.second:
        raise BadInput(
            field=_("time"), found=f"{at:%H:%M}", limit=_("a time on whole five minutes"), next_step=_("Choose one.")
        )
    have = openings(found.practice, [on], patient_id=found.patient_id)
    over = session_over(found, visit, on)
    slots = free(found, have, visit, on, minutes=minutes, exactly=at, room=room, after=over)
    if isinstance(slots, tuple):
        return slots[0]
    raise _taken(found, visit, on, at, str(WANTING[slots]), minutes)


def _taken(found: Chart, visit: PlannedVisit, on: date, at: time, why: str, minutes: int | None) -> BadInput:
    have = openings(found.practice, [on], patient_id=found.patient_id)
    over = session_over(found, visit, on)
    slots = free(found, have, replace(visit, starts=at), on, minutes=minutes, after=over)
    if isinstance(slots, str):
        limit = _("another day, as no time of this one is free: %(why)s") % {"why": WANTING[slots]}
        return BadInput(field=_("time"), found=f"{at:%H:%M}, {why}", limit=limit, next_step=_("Choose another day."))
    limit = _("a time that is free on that day: %(times)s") % {"times": free_words(found, slots)}
    return BadInput(
        field=_("time"), found=f"{at:%H:%M}, {why}", limit=limit, next_step=_("Choose one of them, or another day.")
    )


def _check_spacing(close: Sequence[Close], reason: str) -> None:
    """Doses that stand closer than the plan's own spacing need a reason."""
    if close and not reason.strip():
        one = close[0]
        said = {"first": f"{one.first:%d %b}", "second": f"{one.second:%d %b}", "days": one.days}
        words = ngettext(
            "nothing, with sessions on %(first)s and %(second)s, %(days)s day apart",
            "nothing, with sessions on %(first)s and %(second)s, %(days)s days apart", one.days,
        )  # fmt: skip
        raise BadInput(
            field=_("reason"),
            found=words % said,
            limit=_("a reason, because the plan leaves at least %(least)s days between two sessions")
            % {"least": one.least},
            next_step=_("Write it in a line, or choose another day."),
        )


def _check_possible(found_now: Moving) -> None:
    stuck = next((p for p in found_now.proposals if p.place is None and p.booked is not None), None)
    if stuck is not None:
        raise BadInput(
            field=_("new day"), found=f"{stuck.on.isoformat()}: {stuck.wanting}",
            limit=_("a day with room for everything that moves along"),
            next_step=_("Choose another day or time, or cancel what finds no place."),
        )  # fmt: skip


def _new(found: Chart, visit: PlannedVisit, slot: Slot, planned_on: date | None, *, ride: Ride = "not-asked") -> Draft:
    booked = Booked(
        origin=Origin(resource="Appointment", id=f"appointment-{secrets.token_hex(12)}", version=None),
        patient_id=found.patient_id,
        kind=visit.kind,
        status="booked",
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        room=slot.room,
        staff=slot.staff,
        title=visit.title,
        plan_id="" if planned_on is None or found.plan is None else found.plan.origin.id,
        planned_on=planned_on,
        ride=ride,
        made_at=clock.now(),
    )
    return Draft(resource=_resource(found, booked))


def _moved(found: Chart, proposal: Proposal, slot: Slot) -> Draft:
    if proposal.booked is None:
        return _new(found, proposal.visit, slot, proposal.planned_on)
    after = replace(proposal.booked, starts_at=slot.starts_at, ends_at=slot.ends_at, room=slot.room, staff=slot.staff)
    return _written(found, after)


def _written(found: Chart, booked: Booked) -> Draft:
    return Draft(resource=_resource(found, booked), expected=_standing(found, booked).version)


def _resource(found: Chart, booked: Booked) -> Mapping[str, Any]:
    """As FHIR, its instants by the clinic's clock."""
    zone = found.practice.zone
    at_clinic = replace(
        booked,
        starts_at=clock.local(booked.starts_at, zone),
        ends_at=clock.local(booked.ends_at, zone),
        made_at=None if booked.made_at is None else clock.local(booked.made_at, zone),
    )
    return appointment_of(at_clinic)


def _standing(found: Chart, booked: Booked) -> Stored:
    """The appointment as it stands; raises Stale where it is not as it was read."""
    standing = read(found.practice, "Appointment", booked.origin.id)
    if standing is None or str(standing.version) != booked.origin.version:
        raise Stale("Appointment", booked.origin.id, 0 if standing is None else standing.version)
    return standing
