"""Before going home: every point of the checklist is met, or somebody who may overrides it with a reason and signs."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from clinic.access.models import Account
from clinic.access.proof import NotProven, Proof
from clinic.actions.commit import Act, Done, Signing, commit
from clinic.actions.visit import begun, happened, is_reason, no_reason, open_visit, out_of_order
from clinic.queries.person import Chart
from clinic.queries.session_leaving import against, as_signed, new_against, stays_for
from ketapath.domain.session import Visit
from ketapath.errors import BadInput


def pass_discharge(found: Chart, *, by: Account, key: str) -> Done:
    """Every point of the checklist is met: the person may go. Raises BadInput, naming what is not."""
    act = Act(name="discharge", by=by, patient_id=found.patient_id, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = _after_dose(found)
    left = stays_for(found, visit)
    if left:
        raise BadInput(
            field=_("going home"), found=_("something open"),
            limit=_("every point of the checklist; open: %(what)s") % {"what": "; ".join(left)},
            next_step=_("Settle each point, or call a prescriber, who may override it with a reason."),
        )  # fmt: skip
    return commit(act, [happened(found, visit, "discharge-ready", by=by, key=key)])


def override_discharge(found: Chart, *, by: Account, reason: str, key: str, proof: Proof | None) -> Done:
    """The person goes with these points open, for this reason; both are signed, each point with its answer or value.

    It counts for what it names and nothing that comes up later. Raises BadInput for a reason that is none, NotProven
    without a `proof`.
    """
    act = Act(name="override-discharge", by=by, patient_id=found.patient_id, reason=reason, key=key, mark=found.mark)
    done = begun(act)
    if done is not None:
        return done
    visit = _after_dose(found)
    left = stays_for(found, visit)
    if not left:
        raise out_of_order(_("a checklist that is met"), _("something to override"), _("Pass it without a reason."))
    if not is_reason(reason):
        raise no_reason(_("a reason in words, because this is open: %(what)s") % {"what": "; ".join(left)}, reason)
    if proof is None:
        raise NotProven(by.username)
    words = as_signed(against(found, visit), reason.strip())
    draft = happened(found, visit, "discharge-overridden", by=by, key=key, words=words)
    return commit(replace(act, signing=Signing(meaning="discharge", proof=proof, over=(draft.name,))), [draft])


def _after_dose(found: Chart) -> Visit:
    visit = open_visit(found)
    if visit.administration is None or visit.administration.ended_at is None:
        raise out_of_order(_("no dose that has ended"), _("a dose that has ended"), _("End the dose first."))
    if visit.step == "leaving" and not new_against(found, visit):
        raise out_of_order(_("a checklist that was passed"), _("once"), _("End the visit."))
    return visit
