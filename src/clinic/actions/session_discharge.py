"""Before going home: every point of the checklist is met, or somebody who may overrides it with a reason and signs."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from clinic.access.models import Account
from clinic.access.proof import NotProven, Proof
from clinic.actions.commit import Act, Done, Signing, commit
from clinic.actions.visit import begun, happened, no_reason, open_visit, out_of_order
from clinic.queries.person import Chart
from clinic.queries.session import stays_for
from ketapath.domain.session import Visit
from ketapath.errors import BadInput


def pass_discharge(found: Chart, *, by: Account, key: str) -> Done:
    """Every point of the checklist is met: the person may go. Raises BadInput, naming what is not."""
    act = Act(name="discharge", by=by, patient_id=found.patient_id, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = _after_dose(found)
    against = stays_for(found, visit)
    if against:
        raise BadInput(
            field=_("going home"), found=_("something open"),
            limit=_("every point of the checklist; open: %(what)s") % {"what": "; ".join(against)},
            next_step=_("Settle each point, or call a prescriber, who may override it with a reason."),
        )  # fmt: skip
    return commit(act, [happened(found, visit, "discharge-ready", by=by, key=key)])


def override_discharge(found: Chart, *, by: Account, reason: str, key: str, proof: Proof | None) -> Done:
    """The person goes with points open, for this reason, which is signed. Raises NotProven without a `proof`."""
    act = Act(name="override-discharge", by=by, patient_id=found.patient_id, reason=reason, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = _after_dose(found)
    against = stays_for(found, visit)
    if not against:
        raise out_of_order(_("a checklist that is met"), _("something to override"), _("Pass it without a reason."))
    if not reason.strip():
        raise no_reason(_("a reason, because this is open: %(what)s") % {"what": "; ".join(against)})
    if proof is None:
        raise NotProven(by.username)
    draft = happened(
        found, visit, "discharge-overridden", by=by, key=key, words=f"{reason.strip()} [{'; '.join(against)}]"
    )
    return commit(replace(act, signing=Signing(meaning="discharge", proof=proof, over=(draft.name,))), [draft])


def _after_dose(found: Chart) -> Visit:
    visit = open_visit(found)
    if visit.administration is None or visit.administration.ended_at is None:
        raise out_of_order(_("no dose that has ended"), _("a dose that has ended"), _("End the dose first."))
    if visit.step == "leaving":
        raise out_of_order(_("a checklist that was passed"), _("once"), _("End the visit."))
    return visit
