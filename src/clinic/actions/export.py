"""Hand out a person's whole chart. Who, of whom and in which form stands on the trail before anything leaves."""

from __future__ import annotations

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.queries.export import FORMATS, whole_chart, written
from clinic.record.models import Current
from clinic.record.reach import Reach
from ketapath.errors import BadInput

PROCESS_NOTES = "process-notes"


def export_chart(patient_id: str, form: str, *, by: Account, with_history: bool = False) -> bytes | None:
    """The chart in one of FORMATS, or None where this account reaches no such person.

    Raises Refused without permission, and BadInput for another form.
    """
    if form not in FORMATS:
        raise BadInput(field="format", found=form, limit=", ".join(FORMATS), next_step="Choose one of these.")
    require(by, "export-chart", patient_id=patient_id)
    whole = whole_chart(reach_of(by, patient_id), patient_id, made_by=by.name, with_history=with_history)
    made = None if whole is None else written(whole, form)
    asked = f"format={form}{'&history=1' if with_history else ''}"
    outcome = "refused" if made is None else "done"
    audit.append("export", outcome=outcome, account=by, patient_id=patient_id, asked=asked)
    return made


def reach_of(by: Account, patient_id: str) -> Reach:
    """What of this person an export by this account may hold: everything but a therapist's process notes."""
    rows = Current.objects.filter(practice=by.practice, patient_id=patient_id)
    parts = set(rows.values_list("part", flat=True).distinct()) - {PROCESS_NOTES}
    return Reach(practice=by.practice, people=frozenset({patient_id}), parts=frozenset(parts))
