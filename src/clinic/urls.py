"""Every address of the house. Each page names its own; here they stand together."""

from __future__ import annotations

from clinic.web import (
    bench,
    candidacy,
    errands,
    governance,
    health,
    library,
    own,
    patients,
    plan,
    profile,
    response,
    session,
    sign_in,
    streams,
    today,
)

urlpatterns = [
    *sign_in.urls, *health.urls, *today.urls, *streams.urls, *patients.urls, *profile.urls, *plan.urls, *session.urls,
    *response.urls, *library.urls, *candidacy.urls, *governance.urls, *own.urls, *bench.urls, *errands.urls,
]  # fmt: skip
handler400 = "clinic.web.problems.refused"
handler403 = "clinic.web.problems.refused"
handler404 = "clinic.web.problems.not_found"
handler500 = "clinic.web.problems.broken"
