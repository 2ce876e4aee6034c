"""Write down an hour of therapy, what was agreed on touch, and what a session was given besides the dose.

A therapist without a certificate for the therapy may hold the hour, with a reason. A yes to touch is asked for before a
visit and refused in it; a no is taken at any time.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar, get_args

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import TREATING, require
from clinic.actions.commit import Act, Done, Draft, Stale, commit, earlier
from clinic.actions.typed import number
from clinic.queries.person import Chart
from clinic.queries.staff import held_by
from clinic.record.read import read
from ketapath.competence import MODALITIES, SUPPORTIVE, is_competent
from ketapath.domain.session import Visit
from ketapath.domain.therapy import EXPOSURES, Exposure, HourKind
from ketapath.errors import BadInput
from ketapath.fhir.encode import with_status
from ketapath.fhir.encode_visit import event
from ketapath.fhir.therapy import hour, hours, touch_agreement
from ketapath.therapy import exposure_words

Word = TypeVar("Word", bound=str)
KINDS: tuple[HourKind, ...] = get_args(HourKind)
WAYS = (*MODALITIES, SUPPORTIVE)
LONGEST_WORDS = 500
_HOUR_MIN = (5, 480)  # source: our choice; what an hour of therapy can last in minutes
_EXPOSED_MIN = (1, 600)  # source: our choice; what can be given within one visit, in minutes
_LATE = timedelta(days=14)  # source: our choice; how late an hour may be written down


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour as it was typed. `minutes` and `alliance` are words, the latter empty where it was not asked."""

    kind: str
    modality: str
    at: datetime | None
    minutes: str
    therapist: str
    visit_id: str = ""
    alliance: str = ""
    reason: str = ""


def hold_hour(found: Chart, said: Hour, *, by: Account, key: str) -> Done:
    """This hour was held. Raises BadInput for what cannot be, and without a certificate where no reason is given."""
    asked = {"hour": repr(said)}
    act = Act(name="hold-therapy", by=by, patient_id=found.patient_id, reason=said.reason, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    kind = _one_of(said.kind, KINDS, _("kind of hour"))
    modality = _one_of(said.modality, WAYS, _("way of working"))
    therapist = _therapist(said.therapist, by)
    at = _when(said.at, by)
    minutes = round(_between(said.minutes, _HOUR_MIN, _("minutes")))
    visit = None if not said.visit_id else _visit(found, said.visit_id)
    _could_be(found, kind, visit, therapist, at, at + timedelta(minutes=minutes))
    is_certified = is_competent(modality, held_by(therapist), on=at.date())
    if not is_certified and not said.reason.strip():
        raise BadInput(
            field=_("therapist"),
            found=_("%(name)s, no certificate for this way of working") % {"name": therapist.name},
            limit=_("a certificate in date, or a reason"),
            next_step=_("Choose another therapist, or write why the hour was held all the same."),
        )  # fmt: skip
    made = hour(
        f"hour-{secrets.token_hex(12)}", kind, modality, patient_id=found.patient_id, at=at,
        minutes=minutes, therapist=(therapist.name, therapist.username),
        recorder=(by.name, by.username), has_certificate=is_certified,
        reason="" if is_certified else said.reason.strip(), visit_id=None if visit is None else visit.origin.id,
        alliance=_tenths(said.alliance, _("working together")),
    )  # fmt: skip
    return commit(act, [Draft(resource=resource) for resource in made])


def _could_be(found: Chart, kind: str, visit: Visit | None, therapist: Account, at: datetime, until: datetime) -> None:
    """Raises BadInput for an hour that is not over, lies over another of this therapist here, or prepares for a dose
    that had begun."""
    if until > clock.now():
        raise BadInput(
            field=_("minutes"), found=f"{until:%H:%M}", limit=_("an hour that is over"),
            next_step=_("Write it down when it has ended, or type how long it was."),
        )  # fmt: skip
    own = [one for one in hours(found.bundle) if one.username == therapist.username]
    over = next((one for one in own if one.at < until and at < one.at + timedelta(minutes=one.minutes)), None)
    if over is not None:
        began = clock.local(over.at, found.practice.zone)
        raise BadInput(
            field=_("time"), found=f"{at:%H:%M}", limit=_("no other hour of %(name)s at that time; one began at %(at)s")
            % {"name": therapist.name, "at": f"{began:%H:%M}"},
            next_step=_("It may be on record already. What was wrong is withdrawn first."),
        )  # fmt: skip
    given = None if visit is None else visit.administration
    if kind == "preparation" and given is not None and given.started_at <= at:
        raise BadInput(
            field=_("session"), found=_("one whose dose had begun"), limit=_("a session that it prepared for"),
            next_step=_("Choose another session, or none: then it counts for the next one."),
        )  # fmt: skip


def withdraw_hour(found: Chart, name: str, *, reason: str, by: Account, key: str) -> Done:
    """This hour was written down in error; it stays readable as such, with the reason."""
    known = {one.origin.id for one in hours(found.bundle)}
    both = (("Procedure", name), ("Observation", f"{name}-alliance"))
    return _withdraw(found, "hold-therapy", name, known, both, reason=reason, by=by, key=key)


def withdraw_exposure(found: Chart, name: str, *, reason: str, by: Account, key: str) -> Done:
    """This was charted in error, of somebody else or never given; it stays readable as such, with the reason."""
    known = {e.origin.id for visit in found.visits for e in visit.said("exposure")}
    return _withdraw(found, "chart-exposure", name, known, (("Observation", name),), reason=reason, by=by, key=key)


def _withdraw(
    found: Chart, act_name: str, name: str, known: Collection[str], resources: Sequence[tuple[str, str]], *,
    reason: str, by: Account, key: str,
) -> Done:  # fmt: skip
    """Mark these as entered in error. Raises BadInput without a reason, Stale where none of this name is `known`."""
    act = Act(name=act_name, by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"withdraw": name})
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Say what was wrong."))
    if name not in known:
        raise Stale(resources[0][0], name, 0)
    standing = (read(found.practice, *each) for each in resources)
    return commit(
        act,
        [
            Draft(resource=with_status(one.resource, "entered-in-error"), expected=one.version)
            for one in standing
            if one is not None and one.patient_id == found.patient_id
        ],
    )


def agree_touch(found: Chart, *, is_agreed: bool, what: str, by: Account, key: str) -> Done:
    """The person agrees to touch in sessions, in these words, or does not want it.

    Raises BadInput for a yes during a visit, and for a yes that does not say to what.
    """
    asked = {"is_agreed": is_agreed, "what": what}
    act = Act(
        name="agree-touch", by=by, patient_id=found.patient_id, key=key, asked=asked,
        mark=found.mark if is_agreed else None,
    )  # fmt: skip
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    if is_agreed and found.open_visit is not None:
        raise BadInput(
            field=_("touch"), found=_("a yes during a visit"), limit=_("a yes before the visit, or a no at any time"),
            next_step=_("Ask again before the next session. In this one nobody touches, except for safety."),
        )  # fmt: skip
    if is_agreed and not what.strip():
        raise BadInput(
            field=_("touch"), found=_("nothing"), limit=_("to what the person agrees"),
            next_step=_("Write which touch, and the sign by which it ends."),
        )  # fmt: skip
    made = touch_agreement(
        f"touch-{secrets.token_hex(12)}", is_agreed=is_agreed, what=what.strip()[:LONGEST_WORDS] if is_agreed else "",
        patient_id=found.patient_id, at=clock.local(clock.now(), by.practice.zone), by=(by.name, by.username),
    )  # fmt: skip
    return commit(act, [Draft(resource=made)])


def chart_exposure(
    found: Chart,
    kind: str,
    title: str,
    *,
    minutes: str = "",
    tolerance: str = "",
    visit_id: str,
    at: datetime | None = None,
    by: Account,
    key: str,
) -> Done:
    """This session was given that besides the dose, from `at` on (now, where it is None).

    `minutes` and `tolerance` are words, empty where nobody asked. Raises BadInput for a visit of somebody else, and for
    a time outside the visit.
    """
    asked = {"kind": kind, "title": title, "minutes": minutes, "tolerance": tolerance, "visit": visit_id, "at": at}
    act = Act(name="chart-exposure", by=by, patient_id=found.patient_id, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    visit, instant = _visit(found, visit_id), at or clock.now()
    opened = visit.opened_at.replace(second=0, microsecond=0)  # a form says the minute
    if not opened <= instant <= min(visit.closed_at or clock.now(), clock.now()):
        raise BadInput(
            field=_("time"), found=f"{clock.local(instant, by.practice.zone):%H:%M}", limit=_("a time in this visit"),
            next_step=_("Type when it began."),
        )  # fmt: skip
    if not title.strip() or len(title) > LONGEST_WORDS:
        raise BadInput(
            field=_("title"), found=title[:40] or _("nothing"),
            limit=_("1 to %(count)s letters") % {"count": LONGEST_WORDS},
            next_step=_("Say which music, who was there, or what was used."),
        )  # fmt: skip
    exposure = Exposure(
        kind=_one_of(kind, EXPOSURES, _("exposure")), title=title.strip(),
        minutes=None if not minutes.strip() else _between(minutes, _EXPOSED_MIN, _("minutes")),
        tolerance=None if (borne := _tenths(tolerance, _("tolerance"))) is None else round(borne), at=instant,
    )  # fmt: skip
    made = event(
        f"exposure-{secrets.token_hex(12)}", "exposure", patient_id=found.patient_id, visit_id=visit.origin.id,
        at=clock.local(instant, by.practice.zone), by=by.name, username=by.username, value=exposure.minutes,
        unit=None if exposure.minutes is None else "min", words=exposure_words(exposure),
    )  # fmt: skip
    return commit(act, [Draft(resource=made)])


def _therapist(username: str, by: Account) -> Account:
    accounts = Account.objects.filter(practice=by.practice, is_active=True, role__in=TREATING)
    found = accounts.filter(username=username).first()
    if found is None:
        raise BadInput(
            field=_("therapist"), found=username or _("nobody"), limit=_("somebody who treats here"),
            next_step=_("Choose from the list."),
        )  # fmt: skip
    return found


def _visit(found: Chart, visit_id: str) -> Visit:
    visit = next((v for v in found.visits if v.origin.id == visit_id), None)
    if visit is None:
        raise BadInput(
            field=_("session"), found=visit_id or _("none"), limit=_("a session of this person"),
            next_step=_("Choose from the list."),
        )  # fmt: skip
    return visit


def _when(at: datetime | None, by: Account) -> datetime:
    now = clock.now()
    if at is None or not now - _LATE <= at <= now:
        raise BadInput(
            field=_("time"), found=_("nothing") if at is None else f"{at:%Y-%m-%d %H:%M}",
            limit=_("a time in the last %(days)s days") % {"days": _LATE.days},
            next_step=_("Type when the hour began."),
        )  # fmt: skip
    return clock.local(at, by.practice.zone)


def _one_of(said: str, allowed: Iterable[Word], field: str) -> Word:
    found = next((one for one in allowed if one == said), None)
    if found is None:
        raise BadInput(field=field, found=said or _("nothing"), limit=_("one of the list"), next_step=_("Choose one."))
    return found


def _tenths(words: str, field: str) -> float | None:
    """A rating from 0 to 10 in whole steps; None where nothing was typed."""
    if not words.strip():
        return None
    value = _between(words, (0, 10), field)
    if not value.is_integer():
        raise BadInput(field=field, found=words, limit=_("a whole number"), next_step=_("Type one from 0 to 10."))
    return value


def _between(words: str, limits: tuple[float, float], field: str) -> float:
    value = number(words)
    if not limits[0] <= value <= limits[1]:
        raise BadInput(
            field=field, found=words or _("nothing"),
            limit=_("%(low)s to %(high)s") % {"low": f"{limits[0]:g}", "high": f"{limits[1]:g}"},
            next_step=_("Type it again."),
        )  # fmt: skip
    return value
