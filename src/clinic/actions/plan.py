"""Decide about a recommendation: accept, change or reject, with a reason. What is signed replaces what stood."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account, Role
from clinic.access.permission import require
from clinic.access.proof import NotProven, Proof
from clinic.actions.commit import Act, Done, Draft, Signing, Stale, commit, earlier
from clinic.actions.watches import look_at_ended
from clinic.queries.governance import refused_here
from clinic.queries.person import Chart, candidacy, plan, treated
from clinic.queries.plan import order_check, recommended
from clinic.queries.session import is_relative_and_stands
from clinic.queries.signatures import to_sign, why_unsigned
from clinic.record.projections import knowledge
from clinic.record.read import Stored, read
from clinic.record.signatures import Seen
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.plan import Appointment, Decided, Decision, Option, SignedPlan
from ketapath.errors import BadInput
from ketapath.fhir.encode import adapted_plan, decision, recommendation, signed_plan, with_status
from ketapath.plan import most_mg, onward, order_findings
from ketapath.report import say

Outcome = Literal["accepted", "changed", "rejected"]
_SIGNABLE = ("eligible", "caution")
_AFTER: Mapping[Decision, tuple[str, str]] = {
    "pause": ("on-hold", "on-hold"),
    "stop": ("completed", "completed"),
    "continue": ("active", "active"),
    "taper": ("active", "active"),
    "switch": ("on-hold", "on-hold"),
}
"""What a decision makes of the plan and of its order. A switch holds them until another plan is signed."""
_GOES_ON = ("continue", "adjust", "taper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the page asked for. `seen` is the plan that stood when it was opened, `digest` what it was made from."""

    outcome: Outcome
    reason: str
    seen: str
    digest: str
    dose_mg: float | None = None
    every_days: int | None = None


class Overtaken(Exception):
    """The facts have changed since the page was opened: what would be signed is not what was read."""


def standing(found: Chart) -> str:
    """The plan that stands, in one word for a form; empty where there is none."""
    return "" if found.plan is None else f"{found.plan.origin.id}/{found.plan.origin.version}"


def decide_plan(found: Chart, option_id: str, wish: Wish, *, by: Account, key: str, proof: Proof | None = None) -> Done:
    """Sign one option as the plan, or say why not.

    Rejecting needs no signature; everything else raises NotProven without a `proof`. Raises Stale where another plan
    was signed meanwhile, Overtaken where the facts changed, BadInput for a missing reason or a dose that the protocol
    does not allow.
    """
    require(by, "decide-plan", patient_id=found.patient_id)
    act = _act("decide-plan", found, option_id, wish, by, key)
    done = earlier(act)
    if done is not None:
        return done
    offered = plan(found)
    _check_seen(found, wish, offered.inputs_digest)
    option = next((o for o in offered.options if o.id == option_id), None)
    if option is None:
        raise BadInput(
            field=_("option"),
            found=option_id,
            limit=_("an option of this plan"),
            next_step=_("Reload the page and choose."),
        )
    at = clock.local(clock.now(), by.practice.zone)
    name = f"recommendation-{secrets.token_hex(12)}"
    drafts = [
        Draft(resource=recommendation(recommended(found, "plan", identity=name), patient_id=found.patient_id,
                                      statement=say(option.title, knowledge().texts))),
        Draft(resource=decision(_decided("plan", option_id, wish, by, at, name), patient_id=found.patient_id)),
    ]  # fmt: skip
    if wish.outcome == "rejected":
        _need(wish.reason, _("a reason for rejecting an option"))
        return commit(act, drafts)
    if proof is None:
        raise NotProven(by.username)
    _check_approved(found)
    _check_no_visit(found)
    if found.plan is not None:
        _need(wish.reason, _("a reason for replacing the plan that stands"))
    _check_relative(found, option)
    dose_mg = _dose(found, option, wish)
    _check_order(found, option.protocol_id, dose_mg)
    if option.verdict not in _SIGNABLE:
        _need(wish.reason, _("a reason for signing an option that candidacy does not support today"))
    drafts += _ended(found, "revoked", "stopped", "replaced by a newly signed plan")
    drafts += [
        Draft(resource=resource)
        for resource in signed_plan(
            offered, option, identity=f"plan-{secrets.token_hex(12)}", dose_mg=dose_mg, by=by.name, at=at,
            recommendation=name,
        )
    ]  # fmt: skip
    notice = ("notice", {"patient_id": found.patient_id, "role": Role.NURSE.value, "key": "plan.signed"}, clock.now())
    return commit(_signed(act, drafts, proof), drafts, errands=[notice], last=_bookings_looked_at(found, by))


def decide_card(
    found: Chart, chosen: Decision | None, wish: Wish, *, by: Account, key: str, proof: Proof | None = None
) -> Done:
    """Take the next step of a treatment under way: what the card suggests, or another with its reason.

    A rejection names no step: `chosen` is then None, and what was suggested is on record as rejected. Raises Stale,
    Overtaken, BadInput and NotProven as `decide_plan` does, and BadInput for a dose or spacing that the step ignores.
    """
    require(by, "decide-card", patient_id=found.patient_id)
    act = _act("decide-card", found, chosen or "", wish, by, key)
    done = earlier(act)
    if done is not None:
        return done
    _check_seen(found, wish, plan(found).inputs_digest)
    card = treated(found).card
    if wish.outcome == "rejected":
        chosen = card.decision
    if chosen is None:
        raise BadInput(
            field=_("decision"), found=_("no step"), limit=_("one of the steps, or a rejection"),
            next_step=_("Choose a step."),
        )  # fmt: skip
    _check_carried_out(found, chosen, wish)
    if chosen != card.decision and wish.outcome == "accepted":
        wish = replace(wish, outcome="changed")
    if found.plan is None and wish.outcome != "rejected" and chosen in _GOES_ON:
        raise BadInput(
            field=_("step"),
            found=_("no plan that stands"),
            limit=_("a signed plan to go on with"),
            next_step=_("Compare the options and sign one."),
        )
    if wish.outcome != "rejected" and chosen in _GOES_ON:
        _check_approved(found)
    if wish.outcome != "rejected" and (chosen not in ("pause", "stop", "add") or _is_dosing(found)):
        _check_no_visit(found)
    if chosen != card.decision or wish.outcome != "accepted":
        _need(wish.reason, _("a reason for taking another step than the suggested one"))
    at = clock.local(clock.now(), by.practice.zone)
    name = f"recommendation-{secrets.token_hex(12)}"
    drafts = [
        Draft(resource=recommendation(recommended(found, "card", identity=name), patient_id=found.patient_id,
                                      statement=say(card.statement, knowledge().texts))),
        Draft(resource=decision(_decided("card", chosen, wish, by, at, name), patient_id=found.patient_id)),
    ]  # fmt: skip
    if wish.outcome == "rejected":
        return commit(act, drafts)
    if proof is None:
        raise NotProven(by.username)
    drafts += _carried_out(found, chosen, wish, by, at, name)
    return commit(_signed(act, drafts, proof), drafts, last=_bookings_looked_at(found, by))


def sign_again(found: Chart, seen: Sequence[Seen], *, by: Account, key: str, proof: Proof) -> Done:
    """Sign the plan and the order that stand, where no signature of this clinic covers them any more.

    `seen` are both as they were read. Raises Stale where they no longer stand so, and BadInput where nothing needs it.
    """
    require(by, "sign-plan", patient_id=found.patient_id)
    asked = {"seen": [one.text for one in seen]}
    act = Act(name="sign-plan", by=by, patient_id=found.patient_id, key=key, asked=asked, mark=found.mark)
    done = earlier(act)
    if done is not None:
        return done
    _check_approved(found)
    wanted = to_sign(found)
    if not wanted or why_unsigned(found) is None:
        raise BadInput(
            field=_("plan"), found=_("none that waits for a signature"), limit=_("a plan that is not signed here"),
            next_step=_("Reload the page."),
        )  # fmt: skip
    if set(seen) != set(wanted):
        raise Stale("CarePlan", wanted[0].identity, wanted[0].version)
    return commit(replace(act, signing=Signing(meaning="order", proof=proof, standing=wanted)), [])


def check_calculation(found: Chart, seen: Seen, *, by: Account, key: str, proof: Proof) -> Done:
    """A second person has checked the calculation of the order that stands and signs for it; the order stays as it is.

    `seen` is the order as it was read. Raises Stale where it no longer stands so, and BadInput where there is none, it
    was checked already, no dose comes out by the facts of today, or the clinic asks for another person than its signer.
    """
    require(by, "check-calculation", patient_id=found.patient_id)
    act = Act(
        name="check-calculation",
        by=by,
        patient_id=found.patient_id,
        key=key,
        asked={"seen": seen.text},
        mark=found.mark,
    )
    done = earlier(act)
    if done is not None:
        return done
    check = order_check(found)
    if check is None or check.checked is not None:
        raise BadInput(
            field=_("order"), found=_("none that waits for a check"), limit=_("an order that nobody has checked"),
            next_step=_("Reload the page."),
        )  # fmt: skip
    if isinstance(check.now, Text):
        raise BadInput(
            field=_("calculation"), found=check.differs, limit=_("one that comes out by the facts of today"),
            next_step=_("Settle what is missing first, then check it."),
        )  # fmt: skip
    if check.by_another and by.username in check.signers:
        raise BadInput(
            field=_("signature"), found=by.name, limit=_("another person than who signed the order"),
            next_step=_("Ask a colleague to check it."),
        )  # fmt: skip
    if seen != check.seen:
        raise Stale(check.seen.kind, check.seen.identity, check.seen.version)
    return commit(replace(act, signing=Signing(meaning="calculation", proof=proof, standing=(seen,))), [])


def _bookings_looked_at(found: Chart, by: Account) -> Callable[[Done], None]:
    """What is still booked for a plan that has just ended is told to whoever keeps the appointments."""
    return lambda _done: look_at_ended(found.practice, found.patient_id, by=by)


def _signed(act: Act, drafts: Sequence[Draft], proof: Proof) -> Act:
    """The act with a signature over the decision and over every plan and order that it makes or ends."""
    named = [(str(d.resource["resourceType"]), str(d.resource["id"])) for d in drafts]
    over = tuple(
        f"{kind}/{identity}"
        for kind, identity in named
        if kind in ("CarePlan", "MedicationRequest") or identity.startswith("decision-")
    )
    return replace(act, signing=Signing(meaning="order", proof=proof, over=over))


def _carried_out(found: Chart, chosen: Decision, wish: Wish, by: Account, at: datetime, name: str) -> list[Draft]:
    """What the step does to the plan that stands. Adding something to it leaves the signed plan as it is.

    Going on without a session ahead needs new dates, and another dose a new order: either makes a new plan.
    """
    signed = found.plan
    if signed is None:
        return []
    dates = () if found.sessions_ahead else _onward(found, wish)
    if chosen == "adjust" or (chosen in _GOES_ON and dates):
        dose_mg = None
        if chosen == "adjust":
            _need(wish.reason, _("a reason for changing the dose"))
            only_spacing = wish.dose_mg is None and wish.every_days is not None and dates
            dose_mg = None if only_spacing else _within(found, signed.protocol_id, wish.dose_mg)
        _check_order(found, signed.protocol_id, dose_mg or signed.dose_mg, every_days=wish.every_days)
        care_plan, order = _resources(found, signed)
        made = adapted_plan(
            care_plan.resource,
            None if order is None else order.resource,
            identity=f"plan-{secrets.token_hex(12)}",
            dose_mg=dose_mg,
            status=signed.status if chosen == "adjust" else "active",
            onward=dates,
            by=by.name,
            at=at,
            recommendation=name,
            booked=[(b.planned_on, b.kind) for b in found.bookings if b.planned_on and b.status == "booked"],
        )
        return [
            *_ended(found, "revoked", "stopped", "replaced by the adapted plan"),
            *(Draft(resource=r) for r in made),
        ]
    if chosen in _AFTER and _AFTER[chosen][0] != signed.status:
        return _ended(found, *_AFTER[chosen], wish.reason)
    return []


def _check_carried_out(found: Chart, chosen: Decision, wish: Wish) -> None:
    """Nothing that was typed is dropped under a signature: raises BadInput for a dose or spacing that changes nothing.

    A rejection orders nothing, whatever was typed beside it.
    """
    if wish.outcome == "rejected":
        return
    ordered = None if found.plan is None else found.plan.dose_mg
    if wish.dose_mg is not None and wish.dose_mg != ordered and chosen != "adjust":
        raise BadInput(
            field=_("dose"),
            found=_("%(dose)s mg with a step that leaves the order at %(ordered)s mg")
            % {"dose": f"{wish.dose_mg:g}", "ordered": f"{ordered or 0:g}"},
            limit=_("a new dose with the step Adjust, or no new dose"),
            next_step=_("Choose Adjust to change the dose, or empty the field."),
        )
    if wish.every_days is not None and (chosen not in _GOES_ON or found.sessions_ahead):
        raise BadInput(
            field=_("days between sessions"),
            found=_("%(days)s days with a step that brings no new dates") % {"days": wish.every_days},
            limit=_("a spacing for sessions that are not planned yet, or none"),
            next_step=_("Leave the spacing as it is, or choose a step that goes on."),
        )


def _onward(found: Chart, wish: Wish) -> tuple[Appointment, ...]:
    assert found.person is not None
    assert found.plan is not None
    return onward(
        found.person, found.clinic, found.knowledge, option_id=found.plan.option_id, every_days=wish.every_days
    )


def _ended(found: Chart, plan_status: str, order_status: str, why: str) -> list[Draft]:
    """The standing plan and its order in another state; nothing where none stands."""
    if found.plan is None:
        return []
    care_plan, order = _resources(found, found.plan)
    drafts = [Draft(resource=with_status(care_plan.resource, plan_status), expected=care_plan.version)]
    if order is not None:
        drafts.append(Draft(resource=with_status(order.resource, order_status, why=why), expected=order.version))
    return drafts


def _resources(found: Chart, signed: SignedPlan) -> tuple[Stored, Stored | None]:
    care_plan = read(found.practice, "CarePlan", signed.origin.id)
    assert care_plan is not None
    if str(care_plan.version) != signed.origin.version:
        raise Stale("CarePlan", signed.origin.id, care_plan.version)
    return care_plan, read(found.practice, "MedicationRequest", f"{signed.origin.id}-order")


def _check_approved(found: Chart) -> None:
    """Nothing is ordered for a real person on rules that nobody of the clinic has approved."""
    refused = refused_here(found)
    if refused is not None:
        raise BadInput(
            field=_("approval"),
            found=refused,
            limit=_("rules that the medical lead has approved, or a demonstration person"),
            next_step=_("Ask the medical lead to open the set-up page."),
        )


def _check_relative(found: Chart, option: Option) -> None:
    """A relative contraindication is treated in spite of only where two people have signed for it."""
    for finding in candidacy(found).findings:
        if is_relative_and_stands(finding, option, found):
            raise BadInput(
                field=_("contraindication"),
                found=f"{finding.rule.title if finding.rule else ''} ({finding.id})",
                limit=_("nothing of the kind, or an override that two people signed"),
                next_step=_("Ask for an override under Candidacy, or wait."),
            )


def _check_order(found: Chart, protocol_id: str, dose_mg: float | None, *, every_days: int | None = None) -> None:
    """What a rule forbids of an order is not ordered, whoever typed it and at whatever point of the course."""
    protocol = found.knowledge.protocols.get(protocol_id)
    if protocol is None or dose_mg is None or found.person is None:
        return
    said = order_findings(found.person, protocol, found.clinic, found.knowledge, dose_mg=dose_mg, every_days=every_days)
    against = next((f for f in said if f.verdict == "not-eligible" and f.rule is not None), None)
    if against is not None and against.rule is not None:
        raise BadInput(
            field=_("order"),
            found=f"{dose_mg:g} mg",
            limit=_("an order that no rule forbids: %(title)s (%(id)s)")
            % {"title": against.rule.title, "id": against.id},
            next_step=_("Read the rule, and order within it."),
        )


def _check_no_visit(found: Chart) -> None:
    """A plan does not change under a visit that goes on: what is ordered stays what was shown in the room."""
    if found.open_visit is not None:
        raise BadInput(
            field=_("order of steps"),
            found=_("a visit that is still open"),
            limit=_("a plan that changes between visits"),
            next_step=_("End the open visit first."),
        )


def _is_dosing(found: Chart) -> bool:
    given = None if found.open_visit is None else found.open_visit.administration
    return given is not None and given.ended_at is None


def _check_seen(found: Chart, wish: Wish, digest: str) -> None:
    if wish.seen != standing(found):
        raise Stale("CarePlan", found.patient_id, 0)
    if wish.digest != digest:
        raise Overtaken


def _dose(found: Chart, option: Option, wish: Wish) -> float:
    """The dose to order, in milligrams of base."""
    if wish.outcome == "changed":
        _need(wish.reason, _("a reason for changing the dose"))
        return _within(found, option.protocol_id, wish.dose_mg)
    suggested = None if option.dose is None else option.dose.dose_mg
    if wish.dose_mg is not None and wish.dose_mg != suggested:
        raise BadInput(
            field=_("dose"),
            found=_("%(dose)s mg, and a signature under the suggested dose") % {"dose": f"{wish.dose_mg:g}"},
            limit=_("the suggested dose, or a signature with the typed one"),
            next_step=_("Empty the field, or choose “Sign with this dose”."),
        )
    if option.dose is None:
        raise BadInput(
            field=_("dose"),
            found=_("none"),
            limit=_("a dose that can be given"),
            next_step=_("Supply what the dose needs first."),
        )
    return option.dose.dose_mg


def _within(found: Chart, protocol_id: str, dose_mg: float | None) -> float:
    """The typed dose, if the protocol allows it."""
    protocol = knowledge().protocols.get(protocol_id)
    if protocol is None:
        raise BadInput(
            field=_("plan"),
            found=protocol_id,
            limit=_("a protocol that is still known"),
            next_step=_("Compare the options and sign one."),
        )
    if dose_mg is None:
        raise BadInput(
            field=_("dose"), found=_("nothing"), limit=_("milligrams of base"), next_step=_("Type the dose.")
        )
    if "allowed_mg" in protocol:
        allowed = [float(a) for a in protocol["allowed_mg"]]
        if dose_mg not in allowed:
            words = ", ".join(f"{a:g}" for a in allowed)
            raise BadInput(
                field=_("dose"),
                found=f"{dose_mg:g} mg",
                limit=_("one of %(words)s mg") % {"words": words},
                next_step=_("Choose one."),
            )
        return dose_mg
    weight = None if found.person is None else found.person.known.get("vitals.weight_kg")
    if weight is None or not isinstance(weight.value, float):
        raise BadInput(
            field=_("dose"),
            found=_("no weight of today"),
            limit=_("a weight to dose by"),
            next_step=_("Weigh the person."),
        )
    most = most_mg(protocol, weight.value, found.knowledge)
    assert most is not None
    if not 0 < dose_mg <= most:
        raise BadInput(
            field=_("dose"),
            found=f"{dose_mg:g} mg",
            limit=_("more than 0 and at most %(most)s mg") % {"most": f"{most:.0f}"},
            next_step=_("Check the dose and the weight."),
        )
    step = Decimal(str(protocol["round_to_mg"]))
    if Decimal(str(dose_mg)) % step:
        raise BadInput(
            field=_("dose"), found=f"{dose_mg:g} mg", limit=_("steps of %(step)s mg") % {"step": step},
            next_step=_("Round it down."),
        )  # fmt: skip
    return dose_mg


def _need(reason: str, what: str) -> None:
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=what, next_step=_("Write it in a line."))


def _act(name: str, found: Chart, chosen: str, wish: Wish, by: Account, key: str) -> Act:
    asked = {
        "chosen": chosen,
        "outcome": wish.outcome,
        "reason": wish.reason,
        "dose_mg": wish.dose_mg,
        "every_days": wish.every_days,
    }
    return Act(name=name, by=by, patient_id=found.patient_id, reason=wish.reason, key=key, asked=asked, mark=found.mark)


def _decided(about: Literal["plan", "card"], chosen: str, wish: Wish, by: Account, at: datetime, name: str) -> Decided:
    return Decided(
        origin=Origin(resource="Task", id=f"decision-{secrets.token_hex(12)}", version=None),
        about=about,
        outcome=wish.outcome,
        chosen=chosen,
        reason=wish.reason,
        by=by.name,
        at=at,
        recommendation_id=name,
    )
