"""Keep what the trade-off exercise found: a figure for each thing, or the range that contradictory answers left."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from clinic.access.models import Account
from clinic.actions.commit import Done
from clinic.actions.profile import state_facts
from clinic.queries.person import Chart
from clinic.queries.preferences import code_of
from ketapath.plan.preferences import Answer, facts


def state_preferences(found: Chart, answers: Sequence[Answer], *, by: Account, key: str) -> Done:
    """State what the answers leave of each thing, entered by whoever sat with the person; every answer is kept.

    Raises BadInput where nothing was asked to the end.
    """
    kept = {path: f"{days:.4f}" for path, days in facts(answers).items()}
    reason = _("trade-off exercise with the person: %(answers)s") % {"answers": code_of(answers)}
    return state_facts(found, kept, by=by, reason=reason, key=key)
