"""Before the dose, in order: consent confirmed, re-screen finished, order checked by as many people as the clinic asks.

Each step is one timed event of the visit. `objections` refuses a dose without them; here each refuses to come early.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from clinic.access.models import Account, Role
from clinic.access.proof import Proof
from clinic.actions.commit import Act, Done, Signing, Stale, commit
from clinic.actions.typed import number
from clinic.actions.visit import NotNow, before_dose, begun, happened, no_reason, out_of_order, standing
from clinic.queries.consent import consent_of
from clinic.queries.person import Chart
from clinic.queries.session import not_asked
from clinic.record.signatures import Seen
from ketapath.domain.session import Visit
from ketapath.errors import BadInput

_CONCENTRATION = (
    0.05,
    100.0,
)  # source: undiluted ketamine for injection is sold at up to 100 mg/mL; below, no infusion


def confirm_consent(found: Chart, *, by: Account, key: str) -> Done:
    """The consent on record was read with the person and stands: signed, valid, and not given in the room.

    Raises NotNow where none is on record, its time is not known, or it was signed too short a time ago.
    """
    act = Act(name="confirm-consent", by=by, patient_id=found.patient_id, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = before_dose(found)
    consent = consent_of(found)
    if consent.problem or consent.seen is None:
        raise NotNow(consent.problem, _("No session begins on a consent that is given in the room: find another time."))
    return commit(act, [happened(found, visit, "consent-confirmed", by=by, key=key, words=consent.seen.text)])


def finish_rescreen(found: Chart, *, by: Account, key: str, reason: str = "") -> Done:
    """Everything that is asked anew on the day has been answered. What speaks against the dose is judged at its start.

    With questions left open a prescriber may finish it with a reason; nobody else may.
    """
    act = Act(name="re-screen", by=by, patient_id=found.patient_id, key=key, reason=reason, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = before_dose(found)
    if not visit.said("consent-confirmed"):
        raise out_of_order(_("a consent that nobody has confirmed"), _("consent first"), _("Confirm the consent."))
    left = not_asked(found, visit)
    if left and by.role != Role.PRESCRIBER:
        raise BadInput(
            field=_("re-screen"), found=_("something open"),
            limit=_("an answer of today to every question; not asked: %(what)s") % {"what": ", ".join(left)},
            next_step=_("Ask, or call a prescriber, who may go on with a reason."),
        )  # fmt: skip
    if left and not reason.strip():
        raise no_reason(_("a reason for going on without: %(what)s") % {"what": ", ".join(left)})
    return commit(act, [happened(found, visit, "re-screened", by=by, key=key, words=reason.strip())])


def check_order(found: Chart, seen: Seen, *, by: Account, key: str, proof: Proof, concentration: str = "") -> Done:
    """One person has compared patient, drug, route, dose and rate with the order, and signs for it.

    `seen` is the order as it was read; `concentration` what is in the syringe or bag, mg of base per mL, by vein. As
    many different people check as the clinic asks for, and they have to agree; who checks again with another
    concentration makes the checks before stale. Raises Stale where the order no longer stands so, BadInput out of
    order, for the same twice, and for another concentration than the others have checked.
    """
    asked = {"seen": seen.text, "concentration": concentration}
    act = Act(name="check-order", by=by, patient_id=found.patient_id, key=key, asked=asked)
    done = begun(act)
    if done is not None:
        return done
    visit = before_dose(found)
    if not visit.said("re-screened"):
        raise out_of_order(_("a re-screen that is not finished"), _("re-screen first"), _("Finish the re-screen."))
    plan = found.plan
    if plan is None or plan.status != "active" or plan.order_id is None or plan.origin.id != visit.plan_id:
        raise out_of_order(_("no order that stands"), _("a signed order"), _("End the visit and sign a plan."))
    order = standing(found, "MedicationRequest", plan.order_id)
    if seen != Seen.of(order):
        raise Stale(order.kind, order.identity, order.version)
    words = seen.text + _in_the_syringe(concentration, plan.route)
    _differs(visit, words, seen, by)
    needed = found.knowledge.figure("order_checks")
    draft = happened(found, visit, "order-checked", by=by, key=key, value=needed, words=words)
    return commit(replace(act, signing=Signing(meaning="check", proof=proof, standing=(seen,))), [draft])


def _in_the_syringe(typed: str, route: str) -> str:
    if not typed.strip():
        return ""
    value, (low, high) = number(typed), _CONCENTRATION
    if route != "iv" or not low <= value <= high:
        raise BadInput(
            field=_("concentration"), found=typed,
            limit=_("%(low)g to %(high)g mg/mL, by vein") % {"low": low, "high": high},
            next_step=_("Read the label again."),
        )  # fmt: skip
    return f" {value:g} mg/mL"


def _differs(visit: Visit, words: str, seen: Seen, by: Account) -> None:
    """Raises BadInput where this person has checked this already, or somebody else has read another concentration.

    Whoever has checked may check again with what the label really says: then everybody else does so too.
    """
    checks = visit.checks
    if any(e.username == by.username and e.words == words for e in checks):
        raise BadInput(
            field=_("signature"), found=by.name, limit=_("another person than who checked already"),
            next_step=_("Ask a colleague to check."),
        )  # fmt: skip
    if any(e.username == by.username and e.words.split(" ")[0] == seen.text for e in checks):
        return
    others = [e for e in checks if e.username != by.username and e.words.startswith(f"{seen.text} ")]
    if others and others[-1].words != words:
        theirs = {"one": others[-1].words.partition(" ")[2], "by": others[-1].by}
        raise BadInput(
            field=_("concentration"), found=words.partition(" ")[2] or _("none"),
            limit=_("%(one)s, as %(by)s read it") % theirs,
            next_step=_("Read the label together; whoever was wrong checks again."),
        )  # fmt: skip
