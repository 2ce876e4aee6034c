"""Run one session: arrival, readings, dose begun, dose ended, home. Each step is refused out of its order.

What was ordered and what was given are two facts; the second is typed by the person who gave it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account, Role
from clinic.access.permission import require
from clinic.access.proof import NotProven, Proof
from clinic.actions.commit import Act, Done, Draft, Signing, Stale, commit, earlier
from clinic.actions.typed import number
from clinic.queries.person import Chart
from clinic.queries.profile import within
from clinic.queries.session import READINGS, Objection, leaving, objections, watched_minutes
from clinic.queries.signatures import why_unsigned
from clinic.record.projections import knowledge
from clinic.record.read import Stored, history, read
from clinic.record.signatures import Seen, signatures_on
from ketapath.domain.session import Administration, Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode_visit import dose_ended, dose_started, readings, visit_closed, visit_opened


class NotNow(Exception):
    """Something stands against the dose. Says what, and what would help."""

    def __init__(self, words: str, next_step: str) -> None:
        super().__init__(words)
        self.words, self.next_step = words, next_step


def open_session(found: Chart, *, by: Account, key: str) -> Done:
    """The person has arrived. Needs a plan that stands and no visit that is still open."""
    act = Act(name="open-session", by=by, patient_id=found.patient_id, key=key, mark=found.mark)
    done = _before(act)
    if done is not None:
        return done
    if found.plan is None or found.plan.status != "active":
        raise _out_of_order(_("no active plan"), _("a signed plan that is not on hold"), _("Sign a plan first."))
    if found.open_visit is not None:
        raise _out_of_order(_("a visit that is still open"), _("one visit at a time"), _("End the open visit first."))
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
    resource = visit_opened(identity, patient_id=found.patient_id, plan_id=found.plan.origin.id, at=at)
    return commit(act, [Draft(resource=resource)])


def chart_vitals(found: Chart, said: Mapping[str, str], *, by: Account, key: str, minutes_ago: int = 0) -> Done:
    """Readings of this moment, or of a few minutes ago; what was left empty is not written.

    Raises BadInput, naming the field, for a value that no person can have.
    """
    asked = {**said, "ago": minutes_ago}
    act = Act(name="chart-vitals", by=by, patient_id=found.patient_id, key=key, asked=asked, mark=found.mark)
    done = _before(act)
    if done is not None:
        return done
    visit = _visit(found)
    values = {path: _number(path, words) for path, words in said.items() if words.strip()}
    if not values:
        raise BadInput(
            field=_("readings"), found=_("nothing"), limit=_("at least one value"), next_step=_("Type a reading.")
        )
    _plausible(values)
    at = clock.local(clock.now() - timedelta(minutes=minutes_ago), by.practice.zone)
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
    return commit(act, [Draft(resource=resource) for resource in made])


def start_dose(found: Chart, *, by: Account, reason: str, key: str) -> Done:
    """Dosing begins, after everything that stands against it today has been answered.

    Raises NotNow for what no reason helps against, for what only a prescriber may decide, and for a missing reason.
    """
    act = Act(
        name="give-dose", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"step": "start"},
        mark=found.mark,
    )  # fmt: skip
    done = _before(act)
    if done is not None:
        return done
    visit = _visit(found)
    if visit.administration is not None:
        raise _out_of_order(
            _("a dose in this visit"), _("one dose a visit"), _("End the dose, or open the next visit.")
        )
    _answer_objections(objections(found, visit), by=by, reason=reason)
    plan = found.plan
    assert plan is not None
    at = clock.local(clock.now(), by.practice.zone)
    resource = dose_started(
        f"{visit.origin.id}-dose", patient_id=found.patient_id, visit_id=visit.origin.id, product=plan.product,
        route=plan.route, at=at, by=by.name,
    )  # fmt: skip
    return commit(act, [Draft(resource=resource)])


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

    More than was ordered has to be confirmed, and the prescribers are told. `seen` is the running dose as the signer
    read it, None where that is this very moment. Raises Stale where it no longer stands so, NotProven without a
    `proof`.
    """
    asked = {"step": "end", "mg": said_mg, "early": stopped_early}
    act = Act(
        name="give-dose", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked, mark=found.mark
    )
    done = _before(act)
    if done is not None:
        return done
    given = _running(found)
    plan = found.plan
    dose_mg = _milligrams(said_mg)
    ordered = None if plan is None else plan.dose_mg
    if (stopped_early or dose_mg != ordered) and not reason.strip():
        raise _no_reason(_("a reason, because what was given is not what was ordered"))
    is_more = ordered is None or dose_mg > ordered
    if is_more and not is_confirmed:
        raise BadInput(
            field=_("dose given"),
            found=f"{dose_mg:g} mg",
            limit=_("%(ordered)s mg, as ordered") % {"ordered": f"{ordered or 0:g}"},
            next_step=_("If more was really given, confirm it; the prescribers will be told."),
        )
    standing = _stored(found, "MedicationAdministration", given.origin.id)
    if seen is not None and seen != Seen.of(standing):
        raise Stale(standing.kind, standing.identity, standing.version)
    if proof is None:
        raise NotProven(by.username)
    at = clock.local(clock.now(), by.practice.zone)
    after = dose_ended(standing.resource, dose_mg=dose_mg, at=at, stopped_early=stopped_early)
    told = {"patient_id": found.patient_id, "role": Role.PRESCRIBER.value, "key": "dose.more_than_ordered"}
    notices = [("notice", told, clock.now())] if is_more else []
    name = f"{standing.kind}/{standing.identity}"
    act = replace(act, signing=Signing(meaning="administration", proof=proof, over=(name,)))
    return commit(act, [Draft(resource=after, expected=standing.version)], errands=notices)


def witness(found: Chart, seen: Seen, *, by: Account, key: str, proof: Proof) -> Done:
    """A second person has watched the dose and signs for it; the record itself stays as it is.

    `seen` is the dose as the witness read it. Raises Stale where it no longer stands so, and BadInput where it has not
    ended, is no dose of this person, or the witness is who gave it or has signed already.
    """
    act = Act(name="witness", by=by, patient_id=found.patient_id, key=key, asked={"seen": seen.text})
    done = _before(act)
    if done is not None:
        return done
    ended = [v.administration for v in found.visits if v.administration is not None and v.administration.ended_at]
    if seen.kind != "MedicationAdministration" or seen.identity not in [given.origin.id for given in ended]:
        raise _out_of_order(_("no dose that has ended"), _("a dose that has ended"), _("End the dose first."))
    signed = signatures_on(found.practice, seen.kind, seen.identity)
    if not any(s.meaning == "administration" and s.is_valid for s in signed):
        raise _out_of_order(
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


def close_session(found: Chart, *, by: Account, reason: str, key: str) -> Done:
    """The person goes home. Before the watching time is over, or with something open, this needs a reason."""
    act = Act(name="close-session", by=by, patient_id=found.patient_id, reason=reason, key=key, mark=found.mark)
    done = _before(act)
    if done is not None:
        return done
    visit = _visit(found)
    given = visit.administration
    if given is not None and given.ended_at is None:
        raise _out_of_order(_("a dose that is still running"), _("a dose that has ended"), _("End the dose first."))
    at = clock.local(clock.now(), by.practice.zone)
    wait = watched_minutes(found.plan)
    if given is not None and visit.was_dosed and not reason.strip():
        if at < given.started_at + timedelta(minutes=wait):
            raise _no_reason(_("a reason for going home before %(minutes)s minutes") % {"minutes": f"{wait:g}"})
        against = [f.rule.title for f in leaving(found, visit) if f.rule is not None]
        if against:
            raise _no_reason(_("a reason, because this is open: %(what)s") % {"what": ", ".join(against)})
    standing = _stored(found, "Encounter", visit.origin.id)
    return commit(act, [Draft(resource=visit_closed(standing.resource, at=at), expected=standing.version)])


def _answer_objections(found: Sequence[Objection], *, by: Account, reason: str) -> None:
    """Raises NotNow for the first objection that is not answered."""
    for objection in found:
        if objection.kind == "blocks":
            raise NotNow(objection.words, _("Give no dose."))
        if objection.kind == "prescriber" and by.role != Role.PRESCRIBER:
            raise NotNow(objection.words, _("Settle it, or call a prescriber, who may decide with a reason."))
        if not reason.strip():
            raise NotNow(objection.words, _("Settle it, or write why the dose is given all the same."))


def _plausible(values: Mapping[str, float]) -> None:
    systolic, diastolic = (values.get(f"vitals.{name}_mmhg") for name in ("systolic", "diastolic"))
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        raise BadInput(
            field=_("pressure"),
            found=f"{systolic:g}/{diastolic:g}",
            limit=_("a systolic pressure above the diastolic"),
            next_step=_("Measure or type again."),
        )


def _no_reason(limit: str) -> BadInput:
    return BadInput(field=_("reason"), found=_("nothing"), limit=limit, next_step=_("Write it in a line."))


def _before(act: Act) -> Done | None:
    require(act.by, act.name, patient_id=act.patient_id)
    return earlier(act)


def _visit(found: Chart) -> Visit:
    if found.open_visit is None:
        raise _out_of_order(_("no open visit"), _("a visit that was opened"), _("Open the visit first."))
    return found.open_visit


def _running(found: Chart) -> Administration:
    given = _visit(found).administration
    if given is None or given.ended_at is not None:
        raise _out_of_order(_("no dose that is running"), _("a dose that was started"), _("Start the dose first."))
    return given


def _stored(found: Chart, kind: str, identity: str) -> Stored:
    standing = read(found.practice, kind, identity)
    assert standing is not None
    return standing


def _number(path: str, words: str) -> float:
    spec = knowledge().paths[path]
    assert path in READINGS and spec.limits is not None
    low, high = spec.limits
    value = number(words)
    if not low <= value <= high:
        raise BadInput(field=spec.label, found=words, limit=within(spec), next_step=_("Measure or type again."))
    return value


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


def _out_of_order(found: str, limit: str, next_step: str) -> BadInput:
    return BadInput(field=_("order of steps"), found=found, limit=limit, next_step=next_step)
