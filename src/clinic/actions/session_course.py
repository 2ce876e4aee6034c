"""While the person is here: what happens at the pump, with devices and at limits, as timed facts, now or charted late.

`chart_event` writes one of them; `chart_observation` takes what a tablet has kept through a network loss, item by item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account, Role
from clinic.actions.alerts import raise_alert
from clinic.actions.commit import Act, Done, Draft, KeyReused, Stale, commit
from clinic.actions.session import chart_readings, start_dose
from clinic.actions.session_limits import follows_from, tell
from clinic.actions.typed import number
from clinic.actions.visit import NotNow, afresh, begun, happened, is_reason, no_reason, out_of_order, standing
from clinic.actions.watches import settle_limits
from clinic.queries.person import Chart, chart
from ketapath.domain.session import Event, Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode import withdrawn
from ketapath.session import DEVICE_MG, ends_at, mg_per_h, running_rate, steps_of

_LEAST_LETTERS = 8  # source: none; shorter than any sentence, longer than "x", "extra" or "as above"
_MOST_MG_PER_H = 1000.0  # source: the largest dose that the simulation takes
LATE = ("reading", "start", "rate", "pause", "resume", "stop", "device", "device-refused", "given", "escalated", "note")
"""What may be charted after a network loss; never an order, a witness, a check or a discharge."""
CHARTED = ("rate", "pause", "resume", "stop", "device", "device-refused", "given", "escalated", "steps-not-needed",
           "escort", "advice-given", "note")  # fmt: skip
"""What `chart_event` takes."""
_OF_THE_DOSE = ("rate", "pause", "resume", "stop", "device", "device-refused", "given")
_INJECTED, _BY_MOUTH = ("im", "sc"), ("oral", "sublingual", "buccal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One thing as somebody typed it: what, how much in which unit, and words (a reason, a site, a step, a name).

    `at` is None for this moment. `value` is mL/h or mg/h of a rate, minutes that a dose by mouth was held.
    """

    kind: str
    value: str = ""
    unit: str = "mL/h"
    words: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One item of a tablet's queue, with the key and instant that it was given there.

    `kind` is one of LATE; of a "reading" `values` holds what was typed for each profile path.
    """

    key: str
    at: datetime
    kind: str
    values: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    unit: str = "mL/h"
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one item: "kept", "had" (it was here already), or "refused" with why and what would help."""

    key: str
    state: str
    words: str = ""
    next_step: str = ""


def chart_event(found: Chart, what: Happened, *, by: Account, key: str) -> Done:
    """This has happened in the open visit, at its instant.

    Raises BadInput, naming the field, for what cannot be: out of its order, a device within five minutes of another or
    a rate far above the order without a reason, more devices than ordered by anybody but a prescriber with a reason, a
    step that no limit calls for. Of a rate far above the order the prescribers are told, whatever the reason. What
    depends on what was given before is judged on what stands when it is written, however many chart at once.
    """
    return afresh(found, lambda now: _happens(now, what, by=by, key=key))


def _happens(found: Chart, what: Happened, *, by: Account, key: str) -> Done:
    asked = {"kind": what.kind, "value": what.value, "unit": what.unit, "words": what.words, "at": what.at}
    mark = found.mark if what.kind in _OF_THE_DOSE else None
    act = Act(name="chart-session", by=by, patient_id=found.patient_id, key=key, asked=asked, mark=mark)
    done = begun(act)
    if done is not None:
        return done
    at = what.at or clock.now()
    visit = _visit_at(found, at)
    if what.kind not in CHARTED:
        raise BadInput(field=_("event"), found=what.kind, limit=", ".join(CHARTED), next_step=_("Choose one of these."))
    if what.kind == "device":
        _within_order(found, visit, what, by)
    value, unit, words = _MEANT[what.kind](found, visit, what, at)
    draft = happened(found, visit, what.kind, by=by, key=key, at=at, value=value, unit=unit, words=words)

    def taken(_done: Done) -> None:
        if what.kind in ("escalated", "steps-not-needed"):
            settle_limits(found.practice, found.patient_id, by=by)
        if what.kind == "rate" and _ordered_where_far_above(found, visit, what) is not None:
            raise_alert(
                found.practice, kind="dose.faster_than_ordered", patient_id=found.patient_id, about=visit.origin.id
            )

    return commit(act, [draft], last=taken)


def take_back_event(found: Chart, event_id: str, *, by: Account, reason: str, key: str) -> Done:
    """This was charted in error: it stays readable and counts no more. Checks, consent and discharge stay."""
    return afresh(found, lambda now: _taken_back(now, event_id, by=by, reason=reason, key=key))


def _taken_back(found: Chart, event_id: str, *, by: Account, reason: str, key: str) -> Done:
    asked = {"event": event_id}
    act = Act(
        name="chart-session", by=by, patient_id=found.patient_id, key=key, reason=reason, asked=asked, mark=found.mark
    )
    done = begun(act)
    if done is not None:
        return done
    if not reason.strip():
        raise no_reason(_("a reason for taking it back"))
    events = {e.origin.id: e for visit in found.visits for e in visit.events if e.kind in CHARTED}
    if event_id not in events:
        raise out_of_order(_("no event that was charted here"), _("an event of the list"), _("Reload the page."))
    stored = standing(found, "Observation", event_id)
    back, visit = Draft(resource=withdrawn(stored.resource), expected=stored.version), found.open_visit
    what = follows_from(found, back.resource, visit, by=by, key=key)
    return commit(act, [back, *what.drafts], last=lambda _done: tell(found, visit, what, by=by))


def chart_observation(found: Chart, items: Sequence[Observed], *, by: Account) -> tuple[Taken, ...]:
    """Take what was charted during a network loss, each item at its own instant and once under its own key.

    The items may come late, twice and in any order. One that cannot be is refused alone, with words; the others are
    kept. Answers stand in the order of the items. Raises Refused without permission.
    """
    begun(Act(name="chart-session", by=by, patient_id=found.patient_id))
    answers: dict[int, Taken] = {}
    # A dose that began at the same instant as a reading comes first, so that the reading counts as under the drug.
    turns = sorted(range(len(items)), key=lambda n: (items[n].at, items[n].kind != "start"))
    for turn in turns:
        answers[turn] = _taken(found, items[turn], by)
        if answers[turn].state == "kept":
            found = chart(found.reach, found.patient_id) or found
    return tuple(answers[turn] for turn in range(len(items)))


def _taken(found: Chart, item: Observed, by: Account) -> Taken:
    try:
        done = _charted(found, item, by)
    except BadInput as problem:
        words = f"{problem.field}: {problem.found} ({problem.limit})"
        return Taken(key=item.key, state="refused", words=words, next_step=problem.next_step)
    except NotNow as problem:
        return Taken(key=item.key, state="refused", words=problem.words, next_step=problem.next_step)
    except KeyReused:
        words = _("Another entry came under the same key.")
        return Taken(key=item.key, state="refused", words=words, next_step=_("Enter it again."))
    except Stale:
        words = _("Somebody else has written in the meantime.")
        return Taken(key=item.key, state="refused", words=words, next_step=_("Send it again."))
    return Taken(key=item.key, state="had" if done.is_repeat else "kept")


def _charted(found: Chart, item: Observed, by: Account) -> Done:
    if not item.key:
        raise BadInput(field=_("key"), found=_("nothing"), limit=_("one key for each entry"), next_step=_("Reload."))
    if item.kind not in LATE:
        raise BadInput(
            field=_("entry"), found=item.kind, limit=_("readings, scores, notes and timed facts"),
            next_step=_("Orders, witnesses and discharge are signed at the clinic's own page."),
        )  # fmt: skip
    if item.kind == "reading":
        return chart_readings(found, item.values, at=item.at, by=by, key=item.key, visit=_visit_at(found, item.at))
    if item.kind == "start":
        _visit_at(found, item.at)
        return afresh(found, lambda now: start_dose(now, by=by, reason=item.words, key=item.key, at=item.at))
    what = Happened(kind=item.kind, value=item.value, unit=item.unit, words=item.words, at=item.at)
    return chart_event(found, what, by=by, key=item.key)


def _visit_at(found: Chart, at: datetime) -> Visit:
    """The visit in which this instant lies. Raises BadInput for one that lies in none, ahead, or too far back."""
    now, known = clock.now(), found.knowledge
    shown = clock.local(at, found.practice.zone).strftime("%H:%M")
    if at > now + timedelta(minutes=known.figure("charted_ahead_min")):
        raise BadInput(
            field=_("time"), found=shown, limit=_("not after now"), next_step=_("Set the clock of the device right.")
        )
    late = known.figure("charted_late_min")
    if at < now - timedelta(minutes=late):
        limit = _("at most %(hours)g hours ago") % {"hours": late / 60}
        raise BadInput(field=_("time"), found=shown, limit=limit, next_step=_("Write a note that tells of it."))
    visits = [v for v in found.visits if v.opened_at <= at and (v.closed_at is None or at <= v.closed_at)]
    if not visits:
        limit = _("between arrival and going home")
        raise BadInput(field=_("time"), found=shown, limit=limit, next_step=_("Enter the time at which it was."))
    return visits[-1]


Meant = tuple[float | None, str | None, str]


def _of_pump(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    """A pause, a going on, a stop: each where it can be, and no stop beside another."""
    _of_running_pump(found, visit, at)
    runs = running_rate(visit, at=at) is not None or not [e for e in visit.said("rate") if e.at <= at]
    last = [e.kind for e in visit.events if e.kind in ("pause", "resume", "stop") and e.at <= at]
    is_paused = bool(last) and last[-1] == "pause"
    if what.kind == "stop" and visit.said("stop"):
        raise _was_stopped(found, visit)
    if what.kind == "resume" and not is_paused:
        raise out_of_order(_("a pump that is not paused"), _("a pause first"), _("Nothing has to be done."))
    if what.kind == "pause" and (is_paused or not runs):
        raise out_of_order(_("a pump that is paused"), _("a pump that runs"), _("Go on, or stop."))
    return None, None, what.words.strip()[:200]


def _of_running_pump(found: Chart, visit: Visit, at: datetime) -> None:
    """Raises BadInput where no pump could run: it was stopped before, or what it gave is signed already."""
    _running_at(visit, at, ("iv",))
    given = visit.administration
    if given is not None and given.ended_at is not None:
        ended = clock.local(given.ended_at, found.practice.zone).strftime("%H:%M")
        raise out_of_order(
            _("a dose that was signed as ended at %(at)s") % {"at": ended},
            _("what was charted before the dose was signed"),
            _("Write a note that tells of it, and tell whoever signed the dose."),
        )
    if any(e.at <= at for e in visit.said("stop")):
        raise _was_stopped(found, visit)


def _was_stopped(found: Chart, visit: Visit) -> BadInput:
    said = {"at": clock.local(visit.said("stop")[-1].at, found.practice.zone).strftime("%H:%M")}
    return out_of_order(
        _("a pump that was stopped at %(at)s") % said, _("one stop, and nothing after it"),
        _("End the dose. If it was not so, take the stop back first, with its reason."),
    )  # fmt: skip


def _rate(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    _of_running_pump(found, visit, at)
    value, concentration = number(what.value), visit.concentration_mg_per_ml
    if what.unit not in ("mL/h", "mg/h"):
        raise BadInput(field=_("unit"), found=what.unit, limit="mL/h, mg/h", next_step=_("Choose one of these."))
    if what.unit == "mL/h" and concentration is None:
        raise BadInput(
            field=_("rate"), found=_("mL/h without a concentration"),
            limit=_("a concentration in both checks, or mg/h"),
            next_step=_("Type the rate in mg/h."),
        )  # fmt: skip
    most = _MOST_MG_PER_H if what.unit == "mg/h" else _MOST_MG_PER_H / (concentration or 1.0)
    if not 0 < value <= most:
        limit = _("more than 0, at most %(most)g %(unit)s") % {"most": most, "unit": what.unit}
        raise BadInput(field=_("rate"), found=what.value or _("nothing"), limit=limit, next_step=_("Read the pump."))
    if len(what.words.strip()) < _LEAST_LETTERS:
        _near_the_order(found, visit, what, at)
    return value, what.unit, what.words.strip()[:200]


def _ordered_where_far_above(found: Chart, visit: Visit, what: Happened) -> float | None:
    """The ordered rate in the unit that was typed, where what was typed is far above it; else None."""
    plan, value = found.plan, number(what.value)
    if plan is None or plan.dose_mg is None or not plan.infusion_min:
        return None
    ordered = plan.dose_mg / plan.infusion_min * 60
    typed = mg_per_h(value, what.unit, visit)
    if typed is None or typed <= ordered * found.knowledge.figure("rate_order_times") * (1 + 1e-9):
        return None
    return ordered * value / typed


def _near_the_order(found: Chart, visit: Visit, what: Happened, at: datetime) -> None:
    """Raises BadInput for a rate far above the ordered one, of which nobody has said why."""
    plan, value, shown = found.plan, number(what.value), _ordered_where_far_above(found, visit, what)
    if shown is None or plan is None or plan.dose_mg is None:
        return
    times = found.knowledge.figure("rate_order_times")
    told = Event(origin=visit.origin, at=at, kind="rate", value=value, unit=what.unit, words="", by="", username="")
    end = ends_at(replace(visit, events=(*visit.events, told)), plan.dose_mg, plan.infusion_min, now=at)
    said = {
        "most": f"{shown * times:.4g}", "unit": what.unit, "times": f"{times:g}", "ordered": f"{shown:.4g}",
        "mg": f"{plan.dose_mg:g}", "over": f"{plan.infusion_min:g}",
        "at": "" if end is None else clock.local(end, found.practice.zone).strftime("%H:%M"),
    }  # fmt: skip
    limit = _(
        "at most %(most)s %(unit)s, %(times)s times the ordered rate of %(ordered)s (%(mg)s mg over %(over)s min); "
        "as typed, all %(mg)s mg would be in at %(at)s"
    )
    raise BadInput(
        field=_("rate"), found=f"{what.value.strip()} {what.unit}", limit=limit % said,
        next_step=_(
            "Read the pump again. If it really runs so, write why in a sentence and set it again; "
            "the prescribers will be told."
        ),
    )  # fmt: skip


def _device(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    """One device of the spray was given; within five minutes of another with a reason only."""
    _running_at(visit, at, ("nasal",))
    given, reason = visit.said("device"), what.words.strip()[:200]
    gap = found.knowledge.rules["REG-007"].limit("session.minutes_between_devices")
    near = min((abs((at - e.at).total_seconds()) / 60 for e in given), default=gap)
    if near < gap and not reason:
        raise BadInput(
            field=_("device"), found=_("%(minutes)d min after the last one") % {"minutes": int(near)},
            limit=_("%(gap)g minutes between two devices (REG-007)") % {"gap": gap},
            next_step=_("Wait; if it was given all the same, write why."),
        )  # fmt: skip
    return DEVICE_MG, "mg", reason


def _within_order(found: Chart, visit: Visit, what: Happened, by: Account) -> None:
    """Raises BadInput for a device beyond the order, unless a prescriber says why in a sentence."""
    ordered = 0.0 if found.plan is None else found.plan.dose_mg or 0.0
    number_of_it = len(visit.said("device")) + 1
    if number_of_it * DEVICE_MG <= ordered:
        return
    is_prescriber = by.role == Role.PRESCRIBER
    if is_prescriber and len(what.words.strip()) >= _LEAST_LETTERS:
        return
    next_step = _("Give no more. If more was really given, a prescriber charts it and says why.")
    if is_prescriber:
        next_step = _("If more was really given, write why in a sentence.")
    raise BadInput(
        field=_("device"), found=_("device %(number)d") % {"number": number_of_it},
        limit=_("%(count)d as ordered") % {"count": int(ordered // DEVICE_MG)}, next_step=next_step,
    )  # fmt: skip


def _refused_device(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    _running_at(visit, at, ("nasal",))
    return None, None, _said(what, _("why the device was not used"))


def _given(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    """Injected, with its site; or taken by mouth, with the minutes it was held where that is known. Twice with why."""
    route = _running_at(visit, at, (*_INJECTED, *_BY_MOUTH))
    words = what.words.strip()
    if visit.said("given") and not is_reason(words.partition(",")[2] if route in _INJECTED else words):
        before = visit.said("given")[-1]
        said = {"at": clock.local(before.at, found.practice.zone).strftime("%H:%M"), "by": before.by}
        limit = _("once; why a second time, in words after the site and a comma")
        raise BadInput(
            field=_("given"), found=_("given already, charted at %(at)s by %(by)s") % said,
            limit=limit if route in _INJECTED else _("once, or why a second time in words"),
            next_step=_("Nothing has to be done where it is the same one. If more was given, write why."),
        )  # fmt: skip
    if route in _INJECTED:
        return None, None, _said(what, _("the site of the injection"))
    if not what.value.strip():
        return None, None, what.words.strip()[:200]
    held = number(what.value)
    if not 0 <= held <= 60:  # source: a lozenge is held for minutes; more than an hour is a typing error
        raise BadInput(field=_("held"), found=what.value, limit=_("0 to 60 minutes"), next_step=_("Type it again."))
    return held, "min", what.words.strip()[:200]


def _escalated(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    """A step that a limit calls for was taken; `words` name rule and step, "MON-008 repeat"."""
    rule_id, _space, step = what.words.strip().partition(" ")
    steps = steps_of(rule_id, found.knowledge)
    if steps is None or step not in {name for name, _who, _do in steps.steps}:
        raise BadInput(
            field=_("step"), found=what.words[:60], limit=_("a step that the limit calls for"),
            next_step=_("Choose one of the list."),
        )  # fmt: skip
    return None, None, f"{rule_id} {step}"


def _not_needed(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    """Why what is left of a limit's steps is not needed; `words` name the rule first, "MON-008 the cuff was loose"."""
    rule_id, _space, why = what.words.strip().partition(" ")
    if steps_of(rule_id, found.knowledge) is None:
        raise BadInput(
            field=_("limit"), found=what.words[:60], limit=_("a limit that calls for steps"),
            next_step=_("Choose one of the list."),
        )  # fmt: skip
    if not is_reason(why):
        raise no_reason(_("a reason in words, because steps are left out"), why)
    return None, None, f"{rule_id} {why.strip()[:200]}"


def _advice(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    """`words` is the code of the language that the sheet was in."""
    code = what.words.strip()
    if code != "en" and code not in found.knowledge.translations:
        raise BadInput(
            field=_("language"), found=code[:20], limit=_("a language that there is a sheet in"),
            next_step=_("Choose one of the list."),
        )  # fmt: skip
    return None, None, code


def _escort(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    return None, None, _said(what, _("who comes for the person"))


def _note(found: Chart, visit: Visit, what: Happened, at: datetime) -> Meant:
    return None, None, _said(what, _("a line of what was seen"), most=1000)


def _said(what: Happened, limit: str, *, most: int = 200) -> str:
    words = what.words.strip()[:most]
    if not words:
        raise BadInput(field=_("words"), found=_("nothing"), limit=limit, next_step=_("Write it in a line."))
    return words


def _running_at(visit: Visit, at: datetime, routes: Sequence[str]) -> str:
    """The route of the dose that was being given at this instant, and was not signed as never given."""
    given = visit.administration
    if given is None or at < given.started_at or (given.ended_at is not None and at > given.ended_at):
        raise out_of_order(_("no dose that was running then"), _("a dose that was started"), _("Start the dose first."))
    if given.status == "not-done":
        raise out_of_order(
            _("a dose that was signed as not given"), _("a dose that was given"),
            _("Write a note that tells of it, and tell whoever signed the dose."),
        )  # fmt: skip
    if given.route not in routes:
        raise out_of_order(given.route, ", ".join(routes), _("Chart what was given by this route."))
    return given.route


_MEANT: Mapping[str, Callable[[Chart, Visit, Happened, datetime], Meant]] = MappingProxyType(
    {
        "rate": _rate,
        "pause": _of_pump,
        "resume": _of_pump,
        "stop": _of_pump,
        "device": _device,
        "device-refused": _refused_device,
        "given": _given,
        "escalated": _escalated,
        "steps-not-needed": _not_needed,
        "escort": _escort,
        "advice-given": _advice,
        "note": _note,
    }
)
