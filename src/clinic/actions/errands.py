"""Try an errand again at once: whoever mended what it failed of need not wait for its next time."""

from __future__ import annotations

from django.db import transaction

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.record.models import Errand


def try_again(number: int, *, by: Account) -> bool:
    """Make it due now; False where it is no failed errand of this practice. Raises Refused without permission."""
    require(by, "retry-errand")
    with transaction.atomic():
        waiting = Errand.objects.filter(pk=number, practice=by.practice, done_at=None).exclude(problem="")
        if not waiting.update(due_at=clock.now()):
            return False
        audit.append("retry-errand", outcome="done", account=by, entities=[f"errand {number}"])
    return True
