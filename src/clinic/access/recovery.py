"""How does the trail become whole after a full disk? What was kept in the reserve is taken in, at its own time.

A crash between the trail and the emptied reserve brings no row twice: one that is on the trail already is known by its
instant.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import DatabaseError

from clinic import clock
from clinic.access import audit, reserve
from clinic.access.models import Account, AuditRow


def take_in() -> int:
    """Bring what the reserve holds into the trail; how many rows, 0 where there are none or there is still no room."""
    kept = reserve.rows()
    if not kept:
        return 0
    try:
        for row in kept:
            _append(row)
        audit.append("reserve", outcome="done", who="worker", entities=[f"{len(kept)} rows since {kept[0]['at']}"])
    except DatabaseError:
        return 0
    reserve.forget(len(kept))
    return len(kept)


def _append(row: dict[str, Any]) -> None:
    at = datetime.fromisoformat(row["at"])
    if AuditRow.objects.filter(at=at, act=row["act"], who=row["who"], patient_id=row["patient_id"]).exists():
        return
    account = Account.objects.filter(username=row["account"]).first() if row["account"] else None
    with clock.supposed(at), audit.coming_from(row["source"]):
        audit.append(
            row["act"], outcome=row["outcome"], account=account, who=row["who"], patient_id=row["patient_id"],
            entities=row["entities"], asked=row["asked"],
        )  # fmt: skip
