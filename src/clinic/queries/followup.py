"""What was this person given so far, and is every organ looked after? The ledger, from the record itself."""

from __future__ import annotations

from clinic.queries.person import Chart, own_sessions
from ketapath.domain.followup import Exposure
from ketapath.followup import exposure


def ledger(found: Chart) -> Exposure:
    """The ledger of a chart that can be relied on, with the pressures of the sessions of this clinic that are over."""
    assert found.person is not None
    return exposure(found.person, found.clinic, found.knowledge, sessions=own_sessions(found))
