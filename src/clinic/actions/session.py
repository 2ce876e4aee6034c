"""Run one session: arrival, readings, dose begun, dose ended, home. Each step is refused out of its order.

What was ordered and what was given are two facts; the second is typed by the person who gave it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.queries.person import Chart, candidacy
from clinic.queries.profile import within
from clinic.queries.session import READINGS, watched_minutes
from clinic.record.projections import knowledge
from clinic.record.read import Stored, read
from ketapath.domain.session import Administration, Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode import dose_ended, dose_started, readings, visit_closed, visit_opened

_MAY_DOSE = ("eligible", "caution")


def open_session(found: Chart, *, by: Account, key: str) -> Done:
    """The person has arrived. Needs a plan that stands and no visit that is still open."""
    act = Act(name="open-session", by=by, patient_id=found.patient_id, key=key)
    done = _before(act)
    if done is not None:
        return done
    if found.plan is None or found.plan.status != "active":
        raise _out_of_order(_("no active plan"), _("a signed plan that is not on hold"), _("Sign a plan first."))
    if found.open_visit is not None:
        raise _out_of_order(_("a visit that is still open"), _("one visit at a time"), _("End the open visit first."))
    at = clock.local(clock.now(), by.practice.zone)
    # The number of the visit is its name, so that two people who open it at once make one visit.
    identity = f"visit-{found.plan.origin.id[5:29]}-{len(found.visits) + 1}"
    resource = visit_opened(identity, patient_id=found.patient_id, plan_id=found.plan.origin.id, at=at)
    return commit(act, [Draft(resource=resource)])


def chart_vitals(found: Chart, said: Mapping[str, str], *, by: Account, key: str, minutes_ago: int = 0) -> Done:
    """Readings of this moment, or of a few minutes ago; what was left empty is not written.

    Raises BadInput, naming the field, for a value that no person can have.
    """
    act = Act(name="chart-vitals", by=by, patient_id=found.patient_id, key=key, asked={**said, "ago": minutes_ago})
    done = _before(act)
    if done is not None:
        return done
    visit = _visit(found)
    values = {path: _number(path, words) for path, words in said.items() if words.strip()}
    if not values:
        raise BadInput(
            field=_("readings"), found=_("nothing"), limit=_("at least one value"), next_step=_("Type a reading.")
        )
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
    """Dosing begins. Candidacy is asked again on today's facts; against its word a reason is needed and kept.

    Where something is known that rules the treatment out, no reason helps. Raises BadInput for either.
    """
    act = Act(
        name="give-dose", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"step": "start"},
        mark=found.mark,
    )  # fmt: skip
    done = _before(act)
    if done is not None:
        return done
    visit, plan = _visit(found), found.plan
    if plan is None or plan.status != "active" or plan.dose_mg is None:
        raise _out_of_order(_("no order that stands"), _("an active plan with a dose"), _("Sign a plan with a dose."))
    if visit.administration is not None:
        raise _out_of_order(
            _("a dose in this visit"), _("one dose a visit"), _("End the dose, or open the next visit.")
        )
    now = candidacy(found)
    verdict = now.by_product.get(f"{plan.product}/{plan.route}", now.verdict)
    if verdict == "not-eligible":
        raise BadInput(
            field=_("dose"),
            found=_("something that rules this treatment out today"),
            limit=_("a treatment that nothing rules out"),
            next_step=_("Give no dose. End the visit and see the candidacy of this person."),
        )
    if (verdict not in _MAY_DOSE or now.emergency is not None) and not reason.strip():
        raise BadInput(
            field=_("reason"),
            found=_("nothing"),
            limit=_("a reason, because candidacy does not say that the dose may be given today"),
            next_step=_("Settle what stands against it, or write why the dose is given all the same."),
        )
    at = clock.local(clock.now(), by.practice.zone)
    resource = dose_started(
        f"{visit.origin.id}-dose", patient_id=found.patient_id, visit_id=visit.origin.id, product=plan.product,
        route=plan.route, at=at, by=by.name,
    )  # fmt: skip
    return commit(act, [Draft(resource=resource)])


def end_dose(found: Chart, said_mg: str, *, stopped_early: bool, by: Account, reason: str, key: str) -> Done:
    """Dosing is over; `said_mg` are the milligrams of base that were really given."""
    asked = {"step": "end", "mg": said_mg, "early": stopped_early}
    act = Act(name="give-dose", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked)
    done = _before(act)
    if done is not None:
        return done
    given = _running(found)
    plan = found.plan
    dose_mg = _milligrams(said_mg)
    ordered = None if plan is None else plan.dose_mg
    if (stopped_early or dose_mg != ordered) and not reason.strip():
        raise BadInput(
            field=_("reason"), found=_("nothing"), limit=_("a reason, because what was given is not what was ordered"),
            next_step=_("Write it in a line."),
        )  # fmt: skip
    standing = _stored(found, "MedicationAdministration", given.origin.id)
    at = clock.local(clock.now(), by.practice.zone)
    after = dose_ended(standing.resource, dose_mg=dose_mg, at=at, stopped_early=stopped_early)
    return commit(act, [Draft(resource=after, expected=standing.version)])


def close_session(found: Chart, *, by: Account, reason: str, key: str) -> Done:
    """The person goes home. Before the watching time is over, this needs a reason."""
    act = Act(name="close-session", by=by, patient_id=found.patient_id, reason=reason, key=key)
    done = _before(act)
    if done is not None:
        return done
    visit = _visit(found)
    given = visit.administration
    if given is not None and given.ended_at is None:
        raise _out_of_order(_("a dose that is still running"), _("a dose that has ended"), _("End the dose first."))
    at = clock.local(clock.now(), by.practice.zone)
    wait = watched_minutes(found)
    if given is not None and at < given.started_at + timedelta(minutes=wait) and not reason.strip():
        raise BadInput(
            field=_("reason"),
            found=_("nothing"),
            limit=_("a reason for going home before %(minutes)s minutes") % {"minutes": f"{wait:g}"},
            next_step=_("Wait, or write why."),
        )
    standing = _stored(found, "Encounter", visit.origin.id)
    return commit(act, [Draft(resource=visit_closed(standing.resource, at=at), expected=standing.version)])


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
    try:
        value = float(words.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise BadInput(field=spec.label, found=words, limit=within(spec), next_step=_("Measure or type again."))
    return value


def _milligrams(words: str) -> float:
    try:
        value = float(words.replace(",", "."))
    except ValueError:
        value = float("nan")
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
